"""The engine: what happens without anybody asking.

Woken at once by every commit that concerns it (of other processes by ``models.signals``), by the next
deadline, and at least every quarter of a second; each round fires the deadlines that are due and hands due
deliveries to a bounded pool of senders. It remembers nothing: whatever a dead engine left behind is found by
the next one in the same rows, so the first round after a start is the sweep of everything overdue. Given a
lease, it stands by while another engine holds it. A loop that hangs neither signs nor keeps the lease.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import bindparam, func, select

from dispatch.domain.escalation import Due
from dispatch.service import claiming, progress, provider_signs
from dispatch.service.claiming import Claimed
from dispatch.service.engine_lease import RENEW_EVERY_S, EngineLease
from dispatch.service.loop_watch import LOOK_EVERY_S, LoopWatch
from dispatch.service.metronome import Metronome, guarded, reason_of
from dispatch.service.outages import Heart
from dispatch.service.sending import Sender
from dispatch.service.services import Services
from dispatch.service.steady import Stride
from models.base import table_of
from models.session import is_database_away, was_held_up
from models.statements import Prepared
from models.traffic import Deadline

log = structlog.get_logger(__name__)

TICK_S = 0.25
"""At most this long between two rounds: how soon a commit of another process is seen that nobody tells of."""

PULSE_EVERY_S = 5.0
LOOKS_FOR_THE_DEAD_EVERY_S = 1.0
BATCH = 100
"""Deadlines fired in one round; a bound on the round, not on the work."""

_DEADLINE = table_of(Deadline)
_DUE = Prepared(
    select(_DEADLINE.c.incident_id, _DEADLINE.c.kind, _DEADLINE.c.subject, _DEADLINE.c.due_at)
    .where(_DEADLINE.c.due_at <= bindparam("now"))
    .order_by(_DEADLINE.c.due_at)
    .limit(BATCH)
)
_NEXT = Prepared(
    select(
        select(func.min(_DEADLINE.c.due_at)).scalar_subquery().label("due_at"),
        select(func.min(_DEADLINE.c.due_at))
        .where(_DEADLINE.c.due_at > bindparam("now"))
        .scalar_subquery()
        .label("deadline_at"),
        claiming.NEXT_DUE.label("delivery_at"),
    )
)

SENDERS = 10
"""Requests under way at the same time."""

SPARE_SENDERS = 2
"""Senders that only take first alerts: a provider that hangs may hold all others for as long as it likes."""


class Engine:
    """Fires deadlines and sends deliveries until it is stopped."""

    def __init__(
        self,
        services: Services,
        sender: Sender,
        *,
        senders: int = SENDERS,
        lease: EngineLease | None = None,
        on_hang: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        steady: Callable[[], float] | None = None,
    ) -> None:
        """Prepare; nothing runs before :meth:`start`. *senders* bounds the requests under way.

        Where only one engine may be at work, *lease* decides which. *on_hang* is called when the loop hangs
        for too long. *steady* counts seconds whatever the clock is set to, and while the machine sleeps.
        """
        self._services = services
        self._sender = sender
        self._heart = Heart(services, steady=steady)
        self._stride = Stride(services, steady=steady)
        self._lease = lease
        self._watch = LoopWatch(monotonic)
        self._on_hang = on_hang
        self._database_is_away = False
        self._when_back: list[str] = []
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._slots = threading.Semaphore(senders)
        self._more_waits = True
        """Whether something may wait for a sender: then the next one that is free looks for it."""
        self._senders = senders
        self._pool = ThreadPoolExecutor(max_workers=senders, thread_name_prefix="sender")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._metronome = Metronome()

    def wake(self) -> None:
        """Look at once: something was committed."""
        self._wake.set()

    @property
    def is_active(self) -> bool:
        """Whether this engine is at work, and not standing by for another."""
        return self._lease is None or self._lease.is_held

    def every(
        self, seconds: float, chore: Callable[[], None], name: str, *, first_after_s: float | None = None
    ) -> None:
        """Run *chore* every so often beside the engine's own work (housekeeping, fallback lists)."""
        self._metronome.every(seconds, chore, name, first_after_s=first_after_s)

    def when_back(self, name: str) -> None:
        """Run the chore *name* also as soon as the database answers again."""
        self._when_back.append(name)

    def start(self) -> None:
        """Start; overdue work of a former run goes out in the first round."""
        if self._lease is not None:
            guarded(self.renew, "lease")()
            self.every(RENEW_EVERY_S, self.renew, "lease")
        guarded(self.pulse, "pulse")()
        self.every(PULSE_EVERY_S, self.pulse, "pulse")
        guarded(self._take_down_signs, "signs")()
        self.every(LOOK_EVERY_S, self.look_at_loop, "loop")
        self.every(LOOKS_FOR_THE_DEAD_EVERY_S, self.let_go_of_the_dead, "dead engines", first_after_s=0)
        self._metronome.start()
        self._thread.start()
        self.wake()

    def stop(self) -> None:
        """Finish the requests under way and stop; what is left waits in the tables."""
        self._stopping.set()
        self._wake.set()
        was_at_work = self._metronome.running and self.is_active
        if self._metronome.running:
            self._metronome.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._pool.shutdown(wait=True, cancel_futures=True)
        if was_at_work:
            guarded(self._heart.rest, "rest")()
        if self._lease is not None and self._lease.is_held:
            guarded(self._lease.release, "lease")()

    def run_once(self) -> int:
        """One round, with its sends carried out before it returns; for tests and simulations."""
        if not self.is_active:
            return 0
        done = self.fire_due()
        now = self._services.clock.now()
        if not self._look(now).has_delivery(now):
            return done
        for claimed in claiming.claim(self._services, limit=self._senders):
            self._sender.send(claimed)
            done += 1
        return done

    def fire_due(self) -> int:
        """The first half of a round, without its sends: how many deadlines were due."""
        self._stride.look()
        now = self._services.clock.now()
        due = self._look(now).deadlines
        self._fire(due)
        return len(due)

    def pulse(self) -> None:
        """Leave a sign of life for ``/readyz``, ``doctor`` and the outage record; only while at work.

        Whoever hangs is not at work, however well this thread is.
        """
        if self.is_active and self._watch.is_turning:
            self._heart.beat()
            self._sender.keep_signs()

    def look_at_loop(self) -> None:
        """Called each ``LOOK_EVERY_S``: notice a loop that hangs."""
        if self._watch.hangs():
            log.critical("engine.hangs")
            self._on_hang()

    def let_go_of_the_dead(self) -> None:
        """Take up what a process that died was sending; whoever stands by leaves that to the one at work."""
        if self.is_active:
            claiming.let_go_of_the_dead(self._services)

    def _take_down_signs(self) -> None:
        """What an engine before this one said of the providers is not known any more."""
        if self.is_active:
            provider_signs.take_down(self._services)

    def renew(self) -> None:
        """Keep or take the lease; whoever takes it over goes to work at once, and whoever hangs loses it."""
        assert self._lease is not None
        was_held = self._lease.is_held
        if self._watch.is_turning and self._lease.renew() and not was_held:
            log.info("engine.at_work")
            self.wake()
        elif was_held and not self._lease.is_held:
            log.warning("engine.standing_by")

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._watch.mark()
            self._wake.clear()
            self._wake.wait(timeout=self._round() if self.is_active else TICK_S)

    def _round(self) -> float:
        """Do what is due; how long to wait for the next round."""
        self._services.callers.give_way()
        try:
            self._stride.look()
            now = self._services.clock.now()
            work = self._look(now)
            self._fire(work.deadlines)
            if work.deadlines or work.has_delivery(now):
                self._send_due()
            pause_s = work.pause_s(self._services.clock.now())
        except Exception as error:
            # One broken round must not end the alerting of everybody else.
            if was_held_up(error):
                log.warning("engine.round_held_up", reason=reason_of(error))
            elif not is_database_away(error):
                log.exception("engine.round_failed")
            elif not self._database_is_away:
                # Said once: a traceback four times a second would bury everything else.
                log.critical("engine.database_away", reason=reason_of(error))
                self._database_is_away = True
            return TICK_S
        if self._database_is_away:
            self._database_is_away = False
            log.warning("engine.database_back")
            for name in self._when_back:
                # In a thread of its own: alerts go on meanwhile.
                self._metronome.at_once(name)
        return pause_s

    def _look(self, now: datetime) -> "_Work":
        """What is due, and when the next thing will be; one look for the whole round."""
        with self._services.uow.look() as session:
            connection = session.connection()
            (following,) = _NEXT.run(connection, {"now": now})
            # Nearly always nothing is: most rounds begin because something is to be sent.
            is_due = following.due_at is not None and following.due_at <= now
            due = _DUE.run(connection, {"now": now}) if is_due else []
            return _Work(
                deadlines=[
                    (row.incident_id, Due(kind=row.kind, subject=row.subject, due_at=row.due_at))
                    for row in due
                ],
                next_deadline_at=following.deadline_at,
                next_delivery_at=following.delivery_at,
            )

    def _fire(self, due: Sequence[tuple[str, Due]]) -> None:
        for incident_id, deadline in due:
            self._services.callers.give_way()
            self._watch.mark()
            try:
                progress.fire(self._services, incident_id, deadline)
            except Exception as error:
                if was_held_up(error):
                    # Somebody holds a row of this incident, or went first: the next round carries it out.
                    log.warning("engine.deadline_held_up", incident_id=incident_id, kind=deadline.kind)
                    continue
                if is_database_away(error):
                    raise
                # The deadline stays and comes again with the next round; the others go on.
                log.exception("engine.deadline_failed", incident_id=incident_id, kind=deadline.kind)

    def _send_due(self) -> None:
        self._watch.mark()
        # Whoever becomes free while the others are claimed for is not counted with them.
        self._more_waits = True
        free = 0
        while free < self._senders and self._slots.acquire(blocking=False):
            free += 1
        claimed = claiming.Claims()
        try:
            if free:
                claimed = claiming.claim(
                    self._services, limit=free, spare=min(SPARE_SENDERS, self._senders - 1)
                )
        finally:
            # Also when the database refuses: a place that is not given back sends nothing ever again.
            for _ in range(free - len(claimed)):
                self._slots.release()
        self._more_waits = claimed.more
        for delivery in claimed:
            self._pool.submit(self._send, delivery)

    def _send(self, claimed: Claimed) -> None:
        self._services.callers.give_way()
        try:
            self._sender.send(claimed)
        except Exception as error:
            # Its lease runs out and it is asked about and sent again.
            if is_database_away(error):
                log.warning("engine.send_not_recorded", delivery_id=claimed.id, reason=reason_of(error))
            else:
                log.exception("engine.send_failed", delivery_id=claimed.id)
        finally:
            self._slots.release()
            if self._more_waits:
                self.wake()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What one look found."""

    deadlines: Sequence[tuple[str, Due]]
    next_deadline_at: datetime | None
    next_delivery_at: datetime | None

    def has_delivery(self, now: datetime) -> bool:
        """Whether something is to be sent now."""
        return self.next_delivery_at is not None and self.next_delivery_at <= now

    def pause_s(self, now: datetime) -> float:
        """Until the next deadline or delivery that is not due yet, at most one tick.

        What is due and was not done has failed or waits for a free sender; what is new wakes the engine.
        """
        following = (self.next_deadline_at, self.next_delivery_at)
        pauses = [TICK_S, *(_until(at, now) for at in following if at is not None and at > now)]
        return max(0.001, min(pauses))


def _until(at: datetime, now: datetime) -> float:
    # A millisecond more, because instants are cut to milliseconds and must not come a hair too early.
    return (at - now + timedelta(milliseconds=1)).total_seconds()
