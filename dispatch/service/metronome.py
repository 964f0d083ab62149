"""The beat of regular chores, which goes on whatever somebody does to the machine's clock.

APScheduler says when a chore is due by the time of day, and sleeps until then: set back by an hour, it would
do nothing for an hour, not even keep the engine's lease. So it looks at least once a second, and a time
further ahead than two beats of a chore lie apart counts as come.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from models.session import is_database_away

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
"""How soon a clock that was set back is noticed."""

ENDS_WITHIN_S = 5.0
"""How long a stop waits for a chore that is under way: it uses the database, which is let go next."""


class Metronome(BackgroundScheduler):  # type: ignore[misc] # the library has no types
    """Runs chores in threads of its own; one that is late is run once, and never beside itself."""

    def __init__(self) -> None:
        super().__init__(job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
        self._chores = threading.Condition()
        self._under_way = 0

    def every(
        self, seconds: float, chore: Callable[[], None], name: str, *, first_after_s: float | None = None
    ) -> None:
        """Run *chore* every so often; for the first time after as long, unless it is said otherwise."""
        first = {}
        if first_after_s is not None:
            first["next_run_time"] = self._now() + timedelta(seconds=first_after_s)
        self.add_job(self._counted(guarded(chore, name)), "interval", seconds=seconds, id=name, **first)

    def at_once(self, name: str) -> None:
        """Let the chore *name* begin now, and go on at its usual pace; nothing where there is none."""
        job = self.get_job(name)
        if job is not None:
            job.modify(next_run_time=self._now())

    def stop(self) -> None:
        """Begin no chore any more, and let those under way end; one that hangs is left to itself."""
        self.shutdown(wait=False)
        with self._chores:
            self._chores.wait_for(lambda: self._under_way == 0, timeout=ENDS_WITHIN_S)

    def _counted(self, chore: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            with self._chores:
                self._under_way += 1
            try:
                chore()
            finally:
                with self._chores:
                    self._under_way -= 1
                    self._chores.notify_all()

        return run

    def _process_jobs(self) -> float:
        # What APScheduler lets those who extend it call: it does what is due and says how long to sleep.
        now = self._now()
        slack = timedelta(seconds=LOOK_EVERY_S)
        stuck = [job for job in self.get_jobs() if job.next_run_time > now + job.trigger.interval + slack]
        if stuck:
            log.warning("metronome.clock_was_set_back", chores=len(stuck))
        for job in stuck:
            job.modify(next_run_time=now)
        pause_s: float | None = super()._process_jobs()
        return LOOK_EVERY_S if pause_s is None else min(pause_s, LOOK_EVERY_S)

    def _now(self) -> datetime:
        now: datetime = datetime.now(self.timezone)  # noqa: TID251 - the clock by which APScheduler counts
        return now


def reason_of(error: Exception) -> str:
    """The driver's own word (``AdminShutdown``, ``DeadlockDetected``), which carries nothing personal."""
    return type(getattr(error, "orig", None) or error).__name__


def guarded(chore: Callable[[], None], name: str) -> Callable[[], None]:
    """*chore*, which fails into the log (by its *name*) and is run again at its next time."""

    def run() -> None:
        try:
            chore()
        except Exception as error:
            if is_database_away(error):
                log.warning("engine.chore_waits", chore=name, reason=reason_of(error))
            else:
                log.exception("engine.chore_failed", chore=name)

    return run
