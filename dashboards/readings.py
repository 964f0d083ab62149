"""Every look of a person at something personal is a line of the audit trail.

A board that refreshes itself would write a line every two seconds, a program perhaps as often, and nobody
reads such a trail. Such a look is noted when the same actor has not looked at the same thing within the hour,
in this process. What it showed (numbers in full, or masked) is told in the line, and one that shows more is
noted by itself. Decides nothing about who may see what (ADR 0031).
"""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from dispatch.ports import IdSource
from models.record import Audit
from models.session import is_database_away
from models.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

NOTED_FOR = timedelta(hours=1)
REMEMBERED = 5000
"""Looks kept in memory; whoever was forgotten is noted once more."""

_Look = tuple[str, str, str, bool]


class Readings:
    """Writes the lines of one process; safe to share between threads."""

    def __init__(self, *, uow: UnitOfWork, ids: IdSource, facility_id: str) -> None:
        """Nobody has looked yet."""
        self._uow = uow
        self._ids = ids
        self._facility_id = facility_id
        self._noted: OrderedDict[_Look, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def note(
        self,
        *,
        at: datetime,
        actor: str,
        action: str,
        subject: str,
        masked: bool,
        is_repeated: bool = False,
        is_urgent: bool = False,
    ) -> None:
        """Have a line written that *actor* looked at *subject*, before anything of it is shown.

        *masked* says that numbers were not shown in full. What *is_repeated*, because a page or a program
        asks for it again and again, is noted once an hour. Where it *is_urgent*, because somebody waits for
        help, a database that takes no line now keeps nothing from them; the log says so then.
        """
        look = (actor, action, subject, masked)
        if is_repeated and self._is_noted(look, at):
            return
        line = Audit(
            id=self._ids.new_id(),
            facility_id=self._facility_id,
            at=at,
            actor=actor[:80],
            action=action,
            subject=subject[:80],
            data={"masked": masked},
        )
        try:
            with self._uow.write() as session:
                session.add(line)
        except SQLAlchemyError as error:
            if not (is_urgent and is_database_away(error)):
                raise
            log.critical("reading.not_noted", actor=actor, action=action, subject=subject)
            return
        with self._lock:
            self._noted[look] = at
            self._noted.move_to_end(look)
            if len(self._noted) > REMEMBERED:
                self._noted.popitem(last=False)

    def _is_noted(self, look: _Look, at: datetime) -> bool:
        """Whether it was noted within the hour; a clock that was set back does not silence it."""
        with self._lock:
            noted_at = self._noted.get(look)
        return noted_at is not None and timedelta() <= at - noted_at < NOTED_FOR
