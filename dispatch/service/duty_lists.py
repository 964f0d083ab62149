"""The list of people on duty, as this process read it last, so that the next call need not read it again.

It is used only while the roster bears the same mark and nobody's shift has begun or ended since. The mark is
set anew by triggers with every change of staff or shifts, whatever program makes it, and never comes again;
what a rolled back transaction left here bears a mark that nobody will ever see.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.domain.incidents import DutyPerson

READ_AGAIN_AFTER = timedelta(minutes=1)
"""Also when nothing seems to have changed: no mistake of ours may ring yesterday's people for long."""


@dataclass(frozen=True, slots=True)
class KnownDuty:
    """Who is on duty from ``from_at`` until just before ``until_at``, while the roster bears ``mark``."""

    mark: str
    from_at: datetime
    until_at: datetime
    people: tuple[DutyPerson, ...]


class DutyLists:
    """Remembers the list read last; safe to share between threads, which only ever replace it whole."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._known: KnownDuty | None = None

    def get(self, mark: str | None, at: datetime) -> tuple[DutyPerson, ...] | None:
        """The people on duty at *at*, or None when the database has to be asked."""
        known = self._known
        if known is None or known.mark != mark or not known.from_at <= at < known.until_at:
            return None
        return known.people

    def put(self, known: KnownDuty) -> None:
        """Remember *known* in place of what was known before."""
        self._known = known
