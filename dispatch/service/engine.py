"""The engine: what happens without anybody asking.

Woken at once by every commit that concerns it, by the next deadline, and by a metronome every second; each
round fires the deadlines that are due and hands due deliveries to a bounded pool of senders. It remembers
nothing: whatever a dead engine left behind is found by the next one in the same rows, so the first round
after a start is the sweep of everything overdue.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import select

from dispatch.domain.escalation import Due
from dispatch.service import outbox, progress
from dispatch.service.outbox import Claimed
from dispatch.service.sending import Sender
from dispatch.service.services import Services
from models.traffic import Deadline, Pulse

log = structlog.get_logger(__name__)

TICK_S = 1.0
PULSE_EVERY_S = 5.0
BATCH = 100
"""Deadlines fired in one round; a bound on the round, not on the work."""


class Engine:
    """Fires deadlines and sends deliveries until it is stopped."""

    def __init__(self, services: Services, sender: Sender, *, senders: int = 8) -> None:
        """Prepare; nothing runs before :meth:`start`. *senders* bounds the requests under way."""
        self._services = services
        self._sender = sender
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._slots = threading.Semaphore(senders)
        self._senders = senders
        self._pool = ThreadPoolExecutor(max_workers=senders, thread_name_prefix="sender")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._scheduler = BackgroundScheduler(
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def wake(self) -> None:
        """Look at once: something was committed, or a second went by."""
        self._wake.set()

    def every(self, seconds: float, chore: Callable[[], None], name: str) -> None:
        """Run *chore* every so often beside the engine's own work (housekeeping, fallback lists)."""
        self._scheduler.add_job(guarded(chore, name), "interval", seconds=seconds, id=name)

    def start(self) -> None:
        """Start; overdue work of a former run goes out in the first round."""
        self._scheduler.add_job(self.wake, "interval", seconds=TICK_S, id="tick")
        self._scheduler.add_job(guarded(self.pulse, "pulse"), "interval", seconds=PULSE_EVERY_S, id="pulse")
        self.pulse()
        self._scheduler.start()
        self._thread.start()
        self.wake()

    def stop(self) -> None:
        """Finish the requests under way and stop; what is left waits in the tables."""
        self._stopping.set()
        self._wake.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run_once(self) -> int:
        """One round, with its sends carried out before it returns; for tests and simulations."""
        done = self._fire_due()
        for claimed in outbox.claim(self._services, limit=self._senders):
            self._sender.send(claimed)
            done += 1
        return done

    def pulse(self) -> None:
        """Leave a sign of life for ``/readyz``, ``doctor`` and the outage record."""
        now = self._services.clock.now()
        with self._services.uow.write() as session:
            row = session.get(Pulse, "engine")
            if row is None:
                session.add(Pulse(name="engine", at=now, details={}))
            else:
                row.at = now

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._fire_due()
                self._send_due()
                pause_s = self._pause_s()
            except Exception:
                # One broken round must not end the alerting of everybody else.
                log.exception("engine.round_failed")
                pause_s = TICK_S
            self._wake.wait(timeout=pause_s)

    def _fire_due(self) -> int:
        now = self._services.clock.now()
        with self._services.uow.read() as session:
            query = select(Deadline).where(Deadline.due_at <= now).order_by(Deadline.due_at).limit(BATCH)
            due = [(row.incident_id, _due(row)) for row in session.scalars(query)]
        if due:
            self._services.metrics.engine_lags((now - due[0][1].due_at).total_seconds())
        for incident_id, deadline in due:
            try:
                progress.fire(self._services, incident_id, deadline)
            except Exception:
                # The deadline stays and comes again with the next round; the others go on.
                log.exception("engine.deadline_failed", incident_id=incident_id, kind=deadline.kind)
        return len(due)

    def _send_due(self) -> None:
        free = 0
        while free < self._senders and self._slots.acquire(blocking=False):
            free += 1
        claimed = outbox.claim(self._services, limit=free) if free else []
        for _ in range(free - len(claimed)):
            self._slots.release()
        for delivery in claimed:
            self._pool.submit(self._send, delivery)

    def _send(self, claimed: Claimed) -> None:
        try:
            self._sender.send(claimed)
        except Exception:
            # Its lease runs out and it is asked about and sent again.
            log.exception("engine.send_failed", delivery_id=claimed.id)
        finally:
            self._slots.release()
            self.wake()

    def _pause_s(self) -> float:
        """Until the next deadline or delivery is due, at most one tick."""
        with self._services.uow.read() as session:
            deadline = session.scalar(select(Deadline.due_at).order_by(Deadline.due_at).limit(1))
            delivery = outbox.next_due_at(session)
        now = self._services.clock.now()
        pauses = [TICK_S, *(_until(at, now) for at in (deadline, delivery) if at is not None and at > now)]
        return max(0.001, min(pauses))


def _until(at: datetime, now: datetime) -> float:
    # A millisecond more, because instants are cut to milliseconds and must not come a hair too early.
    return (at - now + timedelta(milliseconds=1)).total_seconds()


def _due(row: Deadline) -> Due:
    return Due(kind=row.kind, subject=row.subject, due_at=row.due_at)


def guarded(chore: Callable[[], None], name: str) -> Callable[[], None]:
    """*chore*, which fails into the log (by its *name*) and is run again at its next time."""

    def run() -> None:
        try:
            chore()
        except Exception:
            log.exception("engine.chore_failed", chore=name)

    return run
