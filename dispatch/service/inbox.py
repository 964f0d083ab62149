"""Requests of providers, kept as they came: what comes twice is done once, and answered the same again."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from dispatch.service.services import Services
from models.base import table_of
from models.sessions import gathered, holds
from models.statements import Prepared, either
from models.traffic import Inbox

Values = dict[str, Any]

_INBOX = table_of(Inbox)
_THIS = (_INBOX.c.facility_id == bindparam("of_facility"), _INBOX.c.provider_key == bindparam("key"))

_INSERT = Prepared(insert(_INBOX))
_INSERT_NEW = Prepared(either(lambda insert: insert(_INBOX).on_conflict_do_nothing().returning(_INBOX.c.id)))
_KEEP_REPLY = Prepared(update(_INBOX).where(*_THIS).values(reply=bindparam("said")))
_IS_KEPT = Prepared(select(_INBOX.c.id).where(*_THIS))
_REPLY = Prepared(select(_INBOX.c.reply).where(*_THIS))
_OF_EITHER = select(_INBOX.c.provider_key, _INBOX.c.body).where(
    _INBOX.c.facility_id == bindparam("of_facility"),
    or_(_INBOX.c.provider_key == bindparam("one"), _INBOX.c.provider_key == bindparam("other")),
)
_EITHER = Prepared(_OF_EITHER.with_only_columns(_INBOX.c.id).limit(1))
_BODIES = Prepared(_OF_EITHER)


class Kept:
    """A request that was kept just now, and is without a reply as yet."""

    def __init__(self, session: Session, values: Values) -> None:
        """What *session* keeps with these *values*."""
        self._session = session
        self._values = values

    def reply(self, words: str) -> None:
        """Keep *words* with it, for whoever sends it again."""
        if not holds(self._session):
            self._values["reply"] = words
            return
        this = {"of_facility": self._values["facility_id"], "key": self._values["provider_key"]}
        _KEEP_REPLY.run(self._session.connection(), {**this, "said": words})


def keep(session: Session, services: Services, key: str, kind: str, body: Mapping[str, str]) -> Kept | None:
    """Keep a request under *key*; None when it was kept before, and nothing may happen again.

    Where nothing is held that shows when everything is written: then the command is carried out anew.
    """
    values = _values(services, key, kind, body)
    if not holds(session):
        gathered(session).add(_INSERT, values)
    elif _INSERT_NEW.run(session.connection(), values).first() is None:
        return None
    return Kept(session, values)


def add(session: Session, services: Services, key: str, kind: str, body: Mapping[str, str]) -> None:
    """Keep a request with whatever is written next; nobody else may be about the same *key* meanwhile."""
    gathered(session).add(_INSERT, _values(services, key, kind, body))


def is_kept(session: Session, services: Services, key: str) -> bool:
    """Whether a request stands in the inbox under *key*."""
    return _IS_KEPT.run(session.connection(), _this(services, key)).first() is not None


def bodies(session: Session, services: Services, one: str, other: str) -> Mapping[str, Mapping[str, Any]]:
    """What was kept under either key, by its key."""
    keys = {"of_facility": services.facility_id, "one": one[:160], "other": other[:160]}
    if _EITHER.run(session.connection(), keys).first() is None:
        # Nearly always: a call is told of once, and ends after it began.
        return {}
    found = {row.provider_key: row.body for row in _BODIES.run(session.connection(), keys)}
    return {key: found[key[:160]] for key in (one, other) if key[:160] in found}


def reply_of(session: Session, services: Services, key: str) -> str:
    """The reply that was kept with the request under *key*; empty if there was none."""
    return _REPLY.run(session.connection(), _this(services, key)).scalar() or ""


def _values(services: Services, key: str, kind: str, body: Mapping[str, str]) -> Values:
    return {
        "id": services.ids.new_id(),
        "facility_id": services.facility_id,
        "provider_key": key[:160],
        "kind": kind,
        "received_at": services.clock.now(),
        "body": dict(body),
    }


def _this(services: Services, key: str) -> Mapping[str, str]:
    return {"of_facility": services.facility_id, "key": key[:160]}
