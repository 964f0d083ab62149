"""Personal web addresses: a worker's own page, a caller's questionnaire.

The token is derived with a secret key from what it is for, so that every text about the same carries the same
address; only its hash is stored, and it dies with its row's ``expires_at``.
"""

import hashlib
import hmac
import string
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import table_of
from models.incident import Link
from models.statements import Prepared, either
from models.together import Together

WORKER = "worker"

_KEEP = Prepared(
    either(
        lambda insert: (kept := insert(table_of(Link))).on_conflict_do_update(
            index_elements=["token_hash"], set_={"expires_at": kept.excluded.expires_at}
        )
    )
)

_ALPHABET = string.digits + string.ascii_letters
_LENGTH = 16


def worker_token(key: bytes, incident_id: str, staff_id: str) -> str:
    """Sixteen letters and digits (95 bits) that open this worker's page of this incident."""
    return _token(key, f"worker:{incident_id}:{staff_id}")


def survey_token(key: bytes, request_id: str) -> str:
    """The same for the page on which one caller says how satisfied they were."""
    return _token(key, f"survey:{request_id}")


def _token(key: bytes, about: str) -> str:
    digest = hmac.new(key, about.encode(), hashlib.sha256).digest()
    value = int.from_bytes(digest, "big")
    letters: list[str] = []
    for _ in range(_LENGTH):
        value, remainder = divmod(value, len(_ALPHABET))
        letters.append(_ALPHABET[remainder])
    return "".join(letters)


def token_hash(token: str) -> str:
    """What is stored of a token, and what it is looked up by."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_link(session: Session, token: str, *, kind: str, now: datetime) -> Link | None:
    """The live link behind *token*, or None when it is unknown or has expired."""
    link = session.scalar(select(Link).where(Link.token_hash == token_hash(token), Link.kind == kind))
    return link if link is not None and link.expires_at > now else None


def keep_worker_links(
    writes: Together,
    key: bytes,
    *,
    facility_id: str,
    incident_id: str,
    staff_ids: Collection[str],
    now: datetime,
    lives_s: float,
) -> None:
    """Let *writes* make sure that these workers' addresses for this incident open for *lives_s* from now."""
    writes.add(
        _KEEP,
        [
            {
                "token_hash": token_hash(worker_token(key, incident_id, staff_id)),
                "facility_id": facility_id,
                "kind": WORKER,
                "incident_id": incident_id,
                "staff_id": staff_id,
                "phone": None,
                "created_at": now,
                "expires_at": now + timedelta(seconds=lives_s),
            }
            for staff_id in staff_ids
        ],
    )
