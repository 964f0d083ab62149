"""Who is on duty at an instant, who is on a break, and where nobody is.

``on_duty`` is the one answer for display, routing and reports alike (DESIGN 4). Decides nothing about whom to
alert, and never reads a clock: every question names its instant. A shift contains its start and not its end,
so that at a hand-over exactly one of two following shifts is on duty; shifts are instants, so crossing
midnight is nothing special.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One person on duty in one tier from ``starts_at`` until just before ``ends_at``."""

    staff_code: str
    tier: str
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError(f"a shift of {self.staff_code} needs instants with a zone")
        if self.ends_at <= self.starts_at:
            raise ValueError(
                f"a shift of {self.staff_code} ends before it starts: {self.starts_at.isoformat()}"
            )

    def covers(self, at: datetime) -> bool:
        """Whether the instant lies in the shift: its start does, its end does not."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A person's own pause (ISTIRAHAT), from ``from_at`` to ``until_at`` or, when None, until HADIR."""

    staff_code: str
    from_at: datetime
    until_at: datetime | None

    def covers(self, at: datetime) -> bool:
        """Whether the instant lies in the pause."""
        return self.from_at <= at and (self.until_at is None or at < self.until_at)


def on_duty(shifts: Iterable[Shift], at: datetime, *, tier: str | None = None) -> tuple[Shift, ...]:
    """Return the shifts that cover the instant, one per person and tier, in order of start, then code.

    A person on a break is still on duty; ``on_break`` says who is to be left alone.
    """
    covering = [shift for shift in shifts if shift.covers(at) and tier in (None, shift.tier)]
    return tuple(sorted(merged(covering), key=lambda shift: (shift.starts_at, shift.staff_code, shift.tier)))


def on_break(breaks: Iterable[Break], at: datetime) -> frozenset[str]:
    """Return the staff codes of everybody who is on a break at the instant."""
    return frozenset(pause.staff_code for pause in breaks if pause.covers(at))


def available(
    shifts: Iterable[Shift], breaks: Iterable[Break], at: datetime, *, tier: str | None = None
) -> tuple[Shift, ...]:
    """Return who is on duty and not on a break."""
    resting = on_break(breaks, at)
    return tuple(shift for shift in on_duty(shifts, at, tier=tier) if shift.staff_code not in resting)


def merged(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    """Join a person's overlapping or touching shifts in one tier, as a roster page shows them."""
    ordered = sorted(shifts, key=lambda shift: (shift.staff_code, shift.tier, shift.starts_at, shift.ends_at))
    joined: list[Shift] = []
    for _, own in groupby(ordered, key=lambda shift: (shift.staff_code, shift.tier)):
        current, *rest = own
        for following in rest:
            if following.starts_at <= current.ends_at:
                current = replace(current, ends_at=max(current.ends_at, following.ends_at))
            else:
                joined.append(current)
                current = following
        joined.append(current)
    return tuple(sorted(joined, key=lambda shift: (shift.starts_at, shift.staff_code, shift.tier)))


def gaps(
    shifts: Iterable[Shift], tier: str, from_at: datetime, until_at: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    """Return every stretch of ``[from_at, until_at)`` in which nobody of the tier is on duty."""
    found: list[tuple[datetime, datetime]] = []
    covered_until = from_at
    for shift in sorted(shifts, key=lambda shift: shift.starts_at):
        if shift.tier != tier or shift.ends_at <= covered_until:
            continue
        if shift.starts_at >= until_at:
            break
        if shift.starts_at > covered_until:
            found.append((covered_until, shift.starts_at))
        covered_until = shift.ends_at
    if covered_until < until_at:
        found.append((covered_until, until_at))
    return tuple(found)


def local_instant(text: str, zone: ZoneInfo) -> datetime:
    """Read a facility's local time, ``2026-11-23T20:00``, as the UTC instant it names (CONTRACT 6).

    Raises ValueError with the reason for anything else: an offset (the file is in local time), an impossible
    date, or a time that a clock change of the zone skips or repeats.
    """
    written = text.strip()
    if not _LOCAL.fullmatch(written):
        raise ValueError(f"{text!r} is no local time; write it like 2026-11-23T20:00, without an offset")
    try:
        naive = datetime.fromisoformat(written)
        earlier, later = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no date and time of the calendar: {error}") from error
    if earlier != later:
        raise ValueError(f"{text!r} is skipped or repeated by a change of the clocks in {zone.key}")
    return earlier
