"""Which engine works where only one may: on SQLite, one of all the processes (ADR 0021).

The lease is a row with a holder and an end. Its holder renews it well before the end; the others stand by and
take it when it has run out, or at once when the holder's process is gone, so that a killed server that is
started again goes on without waiting for its own past. Decides only whose turn it is: were two to work for a
moment after a jump of the clock, every claim and every deadline is still taken once, by its own transaction.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete

from dispatch.service.processes import has_ended, name_of_this_process
from dispatch.service.services import Services
from models.traffic import Lease

NAME = "engine"
LEASE_S = 3.0
RENEW_EVERY_S = 1.0

MARGIN_S = 0.5
"""A holder that could not renew stops this long before another may begin."""


class EngineLease:
    """One engine's part in the lease; :meth:`renew` is called every ``RENEW_EVERY_S``."""

    def __init__(self, services: Services, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Hold nothing yet. *monotonic* measures how long a renewal is good for, whatever the clock does."""
        self._services = services
        self._monotonic = monotonic
        self._holder = f"{name_of_this_process()}:{services.ids.token()}"
        self._held_until_s = float("-inf")

    @property
    def is_held(self) -> bool:
        """Whether this engine may act now."""
        return self._monotonic() < self._held_until_s

    def renew(self) -> bool:
        """Renew the lease, or take it when nobody holds it any more; whether it is ours."""
        if self._is_free():
            self._take()
        return self.is_held

    def release(self) -> None:
        """Give it back, so that another takes over with its next look."""
        self._held_until_s = float("-inf")
        with self._services.uow.write() as session:
            session.execute(delete(Lease).where(Lease.name == NAME, Lease.holder == self._holder))

    def _is_free(self) -> bool:
        # Reading first: those who stand by must not queue for the single writer every second.
        with self._services.uow.read() as session:
            return self._may_take(session.get(Lease, NAME), self._services.clock.now())

    def _take(self) -> None:
        with self._services.uow.write() as session:
            # Only now, after waiting for the writer; the commit may take its time as well.
            asked_s, now = self._monotonic(), self._services.clock.now()
            row = session.get(Lease, NAME)
            if not self._may_take(row, now):
                return
            until_at = now + timedelta(seconds=LEASE_S)
            if row is None:
                session.add(Lease(name=NAME, holder=self._holder, until_at=until_at))
            else:
                row.holder, row.until_at = self._holder, until_at
        self._held_until_s = asked_s + LEASE_S - MARGIN_S

    def _may_take(self, row: Lease | None, now: datetime) -> bool:
        if row is None or row.holder == self._holder or has_ended(row.holder, on_this_machine=True):
            return True
        # An end further away than any lease lasts was written before the clock was set back.
        return not now <= row.until_at <= now + timedelta(seconds=LEASE_S)
