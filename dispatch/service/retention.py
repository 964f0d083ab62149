"""Retention by itself: once a day, in the small hours, what is due by the facility's classes is erased.

Its turn is a row and not a timer: a night on which the machine was off is made up for, and of several
processes one does it. A look does a bounded part of the work; what is left goes on at the next one.
"""

from collections.abc import Mapping
from datetime import datetime, time, timedelta

import structlog

from dispatch.domain.erasure import Basis, Cutoffs, cutoffs
from dispatch.service import pulses
from dispatch.service.erasing import BATCH, Eraser, Order
from dispatch.service.services import Services
from models.personal import HOLDINGS
from models.session import truncate_log

log = structlog.get_logger(__name__)

LOOKS_EVERY_S = 60.0
PULSE = "retention"
AT = time(2, 0)
"""On the facility's clock: after the night's seal, before the reports of a month."""

REASON = "retention of the facility file"
_ORDER = Order(actor="engine", basis=Basis.RETENTION, reason=REASON)

MOST_STEPS = 200
"""In one look: some ten seconds at the most."""

LOOKS_BACK = timedelta(days=7)
"""Before what was erased already: a clock that was set back dates rows into it."""


class Retention:
    """Erases what is due at one facility; nothing where everything is kept for ever."""

    def __init__(
        self,
        services: Services,
        retention: Mapping[str, int],
        *,
        batch: int = BATCH,
        most_steps: int = MOST_STEPS,
    ) -> None:
        """*retention* is in days by class, 0 keeps for ever; a look does at most *most_steps* of *batch*."""
        self._batch, self._most_steps = batch, most_steps
        self._services = services
        self._days = dict(retention)
        self._eraser: Eraser | None = None

    def cutoffs(self) -> Cutoffs:
        """What is due now."""
        return cutoffs(self._days, self._services.clock.now())

    def look(self) -> None:
        """Do a part of today's work, if some is left and it is our turn."""
        services, now = self._services, self._services.clock.now()
        due = self.cutoffs()
        local = now.astimezone(services.zone)
        if due.is_never or local.time() < AT:
            return
        today = local.date().isoformat()
        with services.uow.write() as session:
            row = pulses.locked(session, PULSE, since_at=now)
            details = dict(row.details)
            taken = details.get("taken_at")
            # Another process is at it; one that died is waited for no longer than a look or two.
            busy = taken is not None and timedelta() <= now - datetime.fromisoformat(str(taken)) < _A_LOOK
            if details.get("done") == today or busy:
                return
            row.details = {**details, "taken_at": now.isoformat()}
        self._eraser = Eraser(services, _ORDER, batch=self._batch)
        erased, is_done = self._eraser.due(due, since=_since(details), most_steps=self._most_steps)
        with services.uow.write() as session:
            row = pulses.locked(session, PULSE, since_at=now)
            kept = {name: value for name, value in row.details.items() if name != "taken_at"}
            if is_done:
                kept |= {"done": today, _ERASED_TO: _erased_to(due)}
            row.details, row.at = kept, now
        if not erased.is_nothing:
            truncate_log(services.uow.engine)
            log.info("retention.erased", incidents=erased.incidents, rows=erased.rows.total())

    def stop(self) -> None:
        """End after the step that is under way; the next start goes on."""
        if self._eraser is not None:
            self._eraser.stop()


_A_LOOK = timedelta(seconds=1.5 * LOOKS_EVERY_S)
_ERASED_TO = "erased_to"


def _erased_to(due: Cutoffs) -> dict[str, str]:
    """How far each table is erased by age, by the name of the holding."""
    found = {holding.name: due.of(holding.classes) for holding in HOLDINGS if holding.at is not None}
    return {name: at.isoformat() for name, at in found.items() if at is not None}


def _since(details: Mapping[str, object]) -> dict[str, datetime]:
    """How far back the rows of each table need be looked at."""
    known = details.get(_ERASED_TO)
    if not isinstance(known, dict):
        return {}
    return {name: datetime.fromisoformat(at) - LOOKS_BACK for name, at in known.items()}
