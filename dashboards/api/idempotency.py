"""An ``Idempotency-Key`` makes a repeat harmless, also when both copies arrive in the same instant.

The key is written in the command's own transaction, so there is no moment in which one is kept without the
other. A request that a rule refused leaves its key free: nothing was done, and each attempt is in the log.
Never decides what a command does.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import rfc8785
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dashboards import problems
from dashboards.api.tokens import Caller
from dashboards.problems import Problem, ProblemError
from dispatch.domain.events import Kind
from dispatch.service.services import Services
from models.access import Idempotency
from models.incident import Incident
from models.record import Event
from models.unit_of_work import UnitOfWork

KEY_MAX = 255

T = TypeVar("T")


class _KeyTakenError(Exception):
    """The key was kept before; nothing may happen again."""


def carry_out(
    services: Services,
    command: Callable[[Services], str],
    *,
    key: str | None,
    request_hash: str,
    incident_id: str | None,
) -> str:
    """Run *command* at most once for *key*; the identifier of the incident it was about.

    *command* does its work in one transaction of the services it is given. *incident_id* is None where the
    incident is only opened by it.

    Raises:
        ProblemError: the key is not usable, or was used for another request.
        DispatchError: a rule said no to the command.
    """
    if key is None:
        return command(services)
    if not 1 <= len(key) <= KEY_MAX or not key.isprintable():
        raise problems.bad_field("Idempotency-Key", f"has 1 to {KEY_MAX} printable characters")
    known = _answer(services, key, request_hash)
    if known is not None:
        return known
    try:
        return command(replace(services, uow=_KeyedUnitOfWork(services, key, request_hash, incident_id)))
    except _KeyTakenError:
        known = _answer(services, key, request_hash)
        assert known is not None, "a key is taken by a committed row"
        return known


def request_hash(caller: Caller, path: str, body: BaseModel) -> str:
    """What makes two requests the same: who asks, where, and for what."""
    asked: dict[str, Any] = {
        "token": caller.token_id,
        "path": path,
        "body": body.model_dump(mode="json", exclude_unset=True),
    }
    return hashlib.sha256(rfc8785.dumps(asked)).hexdigest()


def _answer(services: Services, key: str, request_hash: str) -> str | None:
    with services.uow.read() as session:
        row = session.scalar(
            select(Idempotency).where(Idempotency.facility_id == services.facility_id, Idempotency.key == key)
        )
    if row is None:
        return None
    if row.request_hash != request_hash:
        raise ProblemError(
            Problem(
                status=422,
                code="idempotency_key_reused",
                title="Key used before",
                detail="This Idempotency-Key belongs to another request; choose a new one.",
            )
        )
    assert row.incident_id is not None, "the row is committed with its incident"
    return row.incident_id


class _KeyedUnitOfWork(UnitOfWork):
    """Keeps the key in the first writing transaction that goes through it."""

    def __init__(self, services: Services, key: str, request_hash: str, incident_id: str | None) -> None:
        super().__init__(services.uow.engine)
        self._inner = services.uow
        self._services = services
        self._key = key
        self._request_hash = request_hash
        self._incident_id = incident_id

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction with the key in it; on PostgreSQL a second copy waits here for the first."""
        with self._inner.write() as session:
            row_id = self._services.ids.new_id()
            if not self._keep(session, row_id):
                raise _KeyTakenError
            yield session
            incident = self._incident(session)
            kept = session.get_one(Idempotency, row_id)
            if incident is None or _was_refused(session, incident):
                session.delete(kept)
            else:
                kept.incident_id = incident.id

    def decide(self, command: Callable[[Session], T]) -> T:
        """In a transaction from the beginning: the key stands or falls with what it was used for."""
        with self.write() as session:
            return command(session)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Reading is as it was."""
        with self._inner.read() as session:
            yield session

    def _keep(self, session: Session, row_id: str) -> bool:
        insert = sqlite.insert if self.is_sqlite else postgresql.insert
        done = session.execute(
            insert(Idempotency)
            .values(
                id=row_id,
                facility_id=self._services.facility_id,
                key=self._key,
                request_hash=self._request_hash,
                incident_id=None,
                created_at=self._services.clock.now(),
            )
            .on_conflict_do_nothing(index_elements=["facility_id", "key"])
            .returning(Idempotency.id)
        )
        return done.first() is not None

    def _incident(self, session: Session) -> Incident | None:
        query = select(Incident).where(Incident.facility_id == self._services.facility_id)
        if self._incident_id is not None:
            return session.scalar(query.where(Incident.id == self._incident_id))
        # Opening holds the facility's counter until the commit, so the highest number is the one just given.
        return session.scalar(query.order_by(Incident.year.desc(), Incident.short_number.desc()).limit(1))


def _was_refused(session: Session, incident: Incident) -> bool:
    last = session.get(Event, (incident.id, incident.event_count))
    return last is not None and last.kind == Kind.ACTION_REFUSED
