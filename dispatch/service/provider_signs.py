"""Telling people that a provider is silent: a row that the board reads, a metric, and a line of the log.

The row is a pulse named after the provider, renewed with each sign of life of the engine that put it up. It
goes when the provider answers, and what waited for it is then tried at once; when an engine starts; and by
itself when the engine that renewed it is dead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import structlog
from sqlalchemy import and_, delete, or_, select, update
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

LAPSES_AFTER = timedelta(seconds=20)
"""Four signs of life of the engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentProvider:
    """A provider that does not answer."""

    name: str
    since: datetime
    code: str


@dataclass(slots=True)
class _Sign:
    """What this engine has put up, or has tried to."""

    since: datetime
    until: datetime | None = None


class Signs:
    """Hears from the breakers of one engine, in all its threads, and says it where people look."""

    def __init__(self, services: Services) -> None:
        """Nothing is said yet."""
        self._services = services
        self._up: dict[str, _Sign] = {}

    def __call__(self, change: Change) -> None:
        """Say it; that the sign cannot be put up must not keep a delivery from going on."""
        is_open = change.open_since is not None
        self._services.metrics.provider_silent(change.provider, is_silent=is_open)
        if is_open:
            log.error("provider.silent", provider=change.provider, code=change.code)
        else:
            log.warning("provider.answers_again", provider=change.provider)
        self._say(change)

    def keep(self, silent: Mapping[str, Change]) -> None:
        """Say again what holds, and take down what does not: a write may have failed, or come too late.

        Called with each sign of life of the engine; *silent* is what its breakers know now.
        """
        for provider in list(self._up):
            self._say(silent.get(provider) or Change(provider=provider, open_since=None, code=""))

    def _say(self, change: Change) -> None:
        try:
            if change.open_since is None:
                self._take_down(change.provider)
            else:
                self._put_up(change, change.open_since)
        except SQLAlchemyError:
            log.exception("provider.sign_not_written", provider=change.provider)

    def _put_up(self, change: Change, since: datetime) -> None:
        sign = self._up.get(change.provider)
        if sign is None or sign.since != since:
            self._up[change.provider] = _Sign(since=since)
        now = self._services.clock.now()
        with self._services.uow.write() as session:
            row = outages.pulse_of(session, self._services, PREFIX + change.provider, at=now)
            row.at, row.details = now, {"since": since.isoformat(), "code": change.code}

    def _take_down(self, provider: str) -> None:
        now = self._services.clock.now()
        sign = self._up.get(provider)
        if sign is not None:
            sign.until = sign.until or now
        with self._services.uow.write() as session:
            if sign is not None:
                _note_outage(session, self._services, provider, sign)
            session.execute(delete(Pulse).where(Pulse.name == PREFIX + provider))
            _hurry(session, provider, now)
        self._up.pop(provider, None)


def _note_outage(session: Session, services: Services, provider: str, sign: _Sign) -> None:
    """Keep how long *provider* was silent."""
    outages.note(
        session,
        services,
        OutageCause.PROVIDER,
        from_at=sign.since,
        until_at=sign.until or services.clock.now(),
        details={"provider": provider},
    )


def _hurry(session: Session, provider: str, now: datetime) -> None:
    """Let everything that waits because *provider* was silent be tried at once.

    What another transaction holds in this instant is left to its own time: waiting for many rows one after
    the other, while others do the same, could end in a deadlock.
    """
    waiting = (
        select(Delivery.id)
        .where(
            IS_UNSENT,
            Delivery.state != DeliveryState.SENDING,
            # After a crash it may be at any provider, and waits for each.
            or_(
                Delivery.provider == provider,
                and_(Delivery.state == DeliveryState.UNKNOWN, Delivery.provider.is_(None)),
            ),
            Delivery.next_attempt_at > now,
        )
        .order_by(Delivery.id)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(waiting))
        .values(next_attempt_at=now)
        .execution_options(synchronize_session=False)
    )
    wake_engine_after(session)


def take_down(services: Services) -> None:
    """Forget what an engine before this one said: it is not known any more."""
    with services.uow.write() as session:
        session.execute(delete(Pulse).where(Pulse.name.startswith(PREFIX)))


def silent_providers(session: Session, now: datetime) -> Sequence[SilentProvider]:
    """Those that do not answer, by name; a sign that no engine renews says nothing any more."""
    rows = session.scalars(
        select(Pulse).where(Pulse.name.startswith(PREFIX), Pulse.at > now - LAPSES_AFTER).order_by(Pulse.name)
    )
    return [
        SilentProvider(
            name=row.name.removeprefix(PREFIX),
            since=datetime.fromisoformat(cast("str", row.details["since"])),
            code=cast("str", row.details["code"]),
        )
        for row in rows
    ]
