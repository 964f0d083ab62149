"""Which backups are kept: the newest of each of the last days, and the first of each of the last months.

Days and months that have none do not count: a machine that was off for a year loses nothing by it.
"""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

MONTHS = 12


def kept(made: Iterable[datetime], *, days: int, zone: ZoneInfo, months: int = MONTHS) -> set[datetime]:
    """Those of *made* that stay; the newest always does."""
    newest_of_day: dict[tuple[int, int, int], datetime] = {}
    first_of_month: dict[tuple[int, int], datetime] = {}
    for at in sorted(made):
        local = at.astimezone(zone)
        newest_of_day[local.year, local.month, local.day] = at
        first_of_month.setdefault((local.year, local.month), at)
    return {
        *(at for _, at in sorted(newest_of_day.items())[-max(days, 1) :]),
        *(at for _, at in sorted(first_of_month.items())[-months:]),
    }
