"""The first look at the database, and every next one until it is there and fit for use (ADR 0018).

A database that does not answer is no reason not to start: callers are connected to the duty phones, and what
arrives waits in the journal. One that answers and is not at this program's schema is: nothing is written into
it before somebody has run ``siaga migrate``.
"""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.cli_start import keep_facility, require_current_schema
from config.cli_words import CommandRefusedError
from config.facility import FacilityConfig
from dispatch.service.metronome import guarded
from models.session import is_database_away, open_database
from models.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

LOOK_S = 2.0
"""How long a start waits for the database; then it goes on without it."""

RETRY_S = 1.0


def check_database(url: str, facility: FacilityConfig) -> None:
    """Make sure that the database is there, at the current schema, and knows the facility.

    Raises:
        CommandRefusedError: there is no database, or it needs ``siaga migrate``.
    """
    require_current_schema(url)
    uow = UnitOfWork(open_database(url, pool_size=1))
    try:
        keep_facility(uow, facility)
    finally:
        uow.engine.dispose()


class Opening:
    """Looks at the database in a thread of its own, again and again until it is fit."""

    def __init__(self, check: Callable[[], None]) -> None:
        """Prepare; nothing runs before :meth:`start`. *check* raises while the database is not fit."""
        self._check = check
        self._then: Callable[[], None] = lambda: None
        self._said = ""
        self._is_open = False
        self._refusal: CommandRefusedError | None = None
        self._looked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="opening", daemon=True)

    def start(self, then: Callable[[], None] | None = None, *, wait_s: float = LOOK_S) -> None:
        """Begin to look, and run *then* once it is fit; returns after the first look, or after *wait_s*."""
        self._then = then or self._then
        self._thread.start()
        self._looked.wait(wait_s)

    def stop(self, *, wait_s: float = 10.0) -> None:
        """Look no more; waits for what may be going on."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=wait_s)

    @property
    def refusal(self) -> CommandRefusedError | None:
        """Why the database must not be used, if that is what the last look said."""
        return self._refusal

    def _run(self) -> None:
        look = guarded(self._look, "opening")
        while not self._stopping.is_set():
            look()
            self._looked.set()
            if self._is_open:
                return
            self._stopping.wait(RETRY_S)

    def _look(self) -> None:
        if self._is_fit():
            self._then()
            self._is_open = True

    def _is_fit(self) -> bool:
        self._refusal = None
        try:
            self._check()
        except CommandRefusedError as error:
            self._refusal = error
            self._say("opening.database_refused", str(error))
            return False
        except (SQLAlchemyError, OSError) as error:
            if not isinstance(error, OSError) and not is_database_away(error):
                raise
            self._say("opening.database_away", type(error).__name__)
            return False
        if self._said:
            log.warning("opening.database_there")
        return True

    def _say(self, event: str, reason: str) -> None:
        """Loudly, and once for each reason: every second it would bury everything else."""
        if self._said != event + reason:
            self._said = event + reason
            log.critical(event, reason=reason)


def refuse_unfit(check: Callable[[], None]) -> None:
    """Look once before serving.

    Raises:
        CommandRefusedError: the database answers, and must not be used. One that does not answer passes.
    """
    look = Opening(check)
    look.start()
    look.stop(wait_s=0.0)
    if look.refusal is not None:
        raise look.refusal
