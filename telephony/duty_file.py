"""The duty list as a file: who is on duty now, and whose shifts come, for when no database can be asked.

A person can read it, and mend it with an editor. Whatever of it can be read is used; a file without shifts,
as written before there were any, rings the people whom it names. Reads no clock and touches no disk.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from dispatch.service.roster_keeping import RosteredPhone


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyFile:
    """What such a file says; ``unread`` counts phones and shifts that could not be understood."""

    phones: tuple[str, ...]
    shifts: tuple[RosteredPhone, ...] = ()
    unread: int = 0


def written(phones: Sequence[str], shifts: Sequence[RosteredPhone], zone: ZoneInfo) -> str:
    """The file's text: a line for each shift, in the facility's time."""
    lines = ",\n".join(f"  {json.dumps(_entry(shift, zone), ensure_ascii=False)}" for shift in shifts)
    listed = f"[\n{lines}\n ]" if lines else "[]"
    return f'{{\n "duty_phones": {json.dumps(list(phones))},\n "shifts": {listed}\n}}\n'


def read(text: str, zone: tzinfo) -> DutyFile:
    """What *text* says; a time without an offset is in *zone*.

    Raises:
        ValueError: it is no such file; nothing of it can be used.
    """
    kept = json.loads(text)
    listed = kept.get("duty_phones") if isinstance(kept, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no duty list")  # noqa: TRY004 - a fault of the file, as when it is no JSON
    phones = tuple(phone for entry in listed if (phone := _phone(entry)) is not None)
    unread = len(listed) - len(phones)
    entries = kept.get("shifts", [])
    if not isinstance(entries, list):
        return DutyFile(phones=phones, unread=unread + 1)
    shifts = tuple(shift for entry in entries if (shift := _shift(entry, zone)) is not None)
    return DutyFile(phones=phones, shifts=shifts, unread=unread + len(entries) - len(shifts))


def _entry(shift: RosteredPhone, zone: ZoneInfo) -> Mapping[str, str]:
    return {
        "from": shift.from_at.astimezone(zone).isoformat(),
        "until": shift.until_at.astimezone(zone).isoformat(),
        "tier": shift.tier,
        "name": shift.name,
        "phone": shift.phone,
    }


def _shift(entry: object, zone: tzinfo) -> RosteredPhone | None:
    """One shift of the file; only when and whom to ring must be there."""
    if not isinstance(entry, dict) or (phone := _phone(entry.get("phone"))) is None:
        return None
    try:
        return RosteredPhone(
            phone=phone,
            name=str(entry.get("name", "")),
            tier=str(entry.get("tier", "")),
            from_at=_instant(entry["from"], zone),
            until_at=_instant(entry["until"], zone),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _phone(said: object) -> str | None:
    """Something that can be dialled, also where somebody forgot the quotation marks."""
    phone = str(said).strip() if isinstance(said, str | int) else ""
    return phone if any(letter.isdigit() for letter in phone) else None


def _instant(said: object, zone: tzinfo) -> datetime:
    at = datetime.fromisoformat(str(said))
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)
