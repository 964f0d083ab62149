"""Telling people that a provider is silent: a row that the board reads, a metric, and a line of the log.

The row is a pulse named after the provider. It goes when an engine starts, or when the provider answers; what
waited for it is then tried at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatch.domain.vocabulary import DeliveryState, OutageCause
from dispatch.service import outages
from dispatch.service.breakers import Change
from dispatch.service.services import Services
from models.traffic import IS_UNSENT, Delivery, Pulse
from models.unit_of_work import wake_engine_after

log = structlog.get_logger(__name__)

PREFIX = "provider:"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentProvider:
    """A provider that does not answer."""

    name: str
    since: datetime
    tried_at: datetime
    code: str


class Signs:
    """Hears from the breakers, and says it where people look."""

    def __init__(self, services: Services) -> None:
        """Nothing is said yet."""
        self._services = services

    def __call__(self, change: Change) -> None:
        """Say it; that the sign cannot be put up must not keep a delivery from going on."""
        is_open = change.open_since is not None
        self._services.metrics.provider_silent(change.provider, is_silent=is_open)
        if is_open:
            log.error("provider.silent", provider=change.provider, code=change.code)
        else:
            log.warning("provider.answers_again", provider=change.provider)
        try:
            self._write(change)
        except SQLAlchemyError:
            log.exception("provider.sign_not_written", provider=change.provider)

    def _write(self, change: Change) -> None:
        name = PREFIX + change.provider
        with self._services.uow.write() as session:
            now = self._services.clock.now()
            if change.open_since is None:
                _note_outage(session, self._services, change.provider, now)
                session.execute(delete(Pulse).where(Pulse.name == name))
                _hurry(session, change.provider, now)
                return
            row = session.get(Pulse, name)
            if row is None:
                row = Pulse(name=name, at=change.open_since, details={})
                session.add(row)
            row.at = now
            row.details = {"since": change.open_since.isoformat(), "code": change.code}


def _note_outage(session: Session, services: Services, provider: str, now: datetime) -> None:
    """Keep since when *provider* was silent, where the sign says so."""
    row = session.get(Pulse, PREFIX + provider)
    if row is not None:
        since = datetime.fromisoformat(cast("str", row.details["since"]))
        details = {"provider": provider}
        outages.note(session, services, OutageCause.PROVIDER, from_at=since, until_at=now, details=details)


def _hurry(session: Session, provider: str, now: datetime) -> None:
    """Let everything that waits because *provider* was silent be tried at once."""
    session.execute(
        update(Delivery)
        .where(
            IS_UNSENT,
            Delivery.state != DeliveryState.SENDING,
            Delivery.provider == provider,
            Delivery.next_attempt_at > now,
        )
        .values(next_attempt_at=now)
        .execution_options(synchronize_session=False)
    )
    wake_engine_after(session)


def take_down(services: Services) -> None:
    """Forget what an engine before this one said: it is not known any more."""
    with services.uow.write() as session:
        session.execute(delete(Pulse).where(Pulse.name.startswith(PREFIX)))


def silent_providers(session: Session) -> Sequence[SilentProvider]:
    """Those that do not answer, by name."""
    rows = session.scalars(select(Pulse).where(Pulse.name.startswith(PREFIX)).order_by(Pulse.name))
    return [
        SilentProvider(
            name=row.name.removeprefix(PREFIX),
            since=datetime.fromisoformat(cast("str", row.details["since"])),
            tried_at=row.at,
            code=cast("str", row.details["code"]),
        )
        for row in rows
    ]
