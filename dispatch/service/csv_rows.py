"""What a row of each CSV file of CONTRACT 6 may say, judged by the file alone.

Decides spelling, known words, numbers and repeats within the file. Whether a row agrees with what is stored
is decided in ``dispatch.service.importing``.
"""

import re
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from dispatch.domain import phones, places, roster
from dispatch.domain.vocabulary import PlaceKind, Role
from dispatch.service.csv_files import CsvFile, Row, read_csv

STAFF_COLUMNS = ("code", "name", "role", "phone", "skills", "base_place")
ROSTER_COLUMNS = ("staff_code", "starts_at", "ends_at", "tier")
PLACE_COLUMNS = ("name", "kind", "parent", "lat", "lon", "aliases")

SKILLS = (
    "doctor", "nurse", "midwife", "emt", "driver", "als", "bls", "obstetric", "trauma", "paediatric",
)  # fmt: skip
"""The skills that every facility knows; its file may define more."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_SKILL = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TIER = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NAME_LENGTH_MAX = 200

WordT = TypeVar("WordT", bound=StrEnum)
RowT = TypeVar("RowT", "StaffRow", "ShiftRow", "PlaceRow")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRow:
    """One person; the phone is E.164."""

    row: Row
    code: str
    name: str
    role: Role
    phone: str
    skills: tuple[str, ...]
    base_place: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRow:
    """One shift, in UTC."""

    row: Row
    staff_code: str
    starts_at: datetime
    ends_at: datetime
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """One place; both coordinates or neither."""

    row: Row
    name: str
    kind: PlaceKind
    parent: str
    lat: float | None
    lon: float | None
    aliases: tuple[str, ...]


class _CellError(Exception):
    """One value of a row cannot be understood; never leaves this module."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def read_staff(
    content: bytes, *, file: str, skills: Collection[str] = SKILLS
) -> tuple[CsvFile, list[StaffRow]]:
    """The people of a file; problems are noted in the file that is returned beside them."""
    read = read_csv(content, file=file, columns=STAFF_COLUMNS)
    people = _understood(read, lambda row: _staff(row, skills))
    _note_repeats(read, people, "code", lambda person: person.code)
    _note_repeats(read, people, "phone", lambda person: person.phone)
    return read, people


def read_roster(
    content: bytes, *, file: str, zone: ZoneInfo, tiers: Collection[str] | None
) -> tuple[CsvFile, list[ShiftRow]]:
    """The shifts of a file, whose times are local to *zone*; any tier when *tiers* is None."""

    def shift(row: Row) -> ShiftRow:
        return _shift(row, zone=zone, tiers=tiers)

    read = read_csv(content, file=file, columns=ROSTER_COLUMNS)
    shifts = _understood(read, shift)
    _note_repeats(read, shifts, "starts_at", lambda shift: (shift.staff_code, shift.starts_at, shift.tier))
    return read, shifts


def read_places(content: bytes, *, file: str, area: places.Area) -> tuple[CsvFile, list[PlaceRow]]:
    """The places of a file."""
    read = read_csv(content, file=file, columns=PLACE_COLUMNS)
    found = _understood(read, lambda row: _place(row, area))
    _note_repeats(read, found, "name", lambda place: (place.name, place.parent))
    return read, found


def _understood(read: CsvFile, understand: Callable[[Row], RowT]) -> list[RowT]:
    found: list[RowT] = []
    for row in read.rows:
        try:
            found.append(understand(row))
        except _CellError as error:
            read.blame_row(row, error.column, error.reason)
    return found


def _note_repeats(read: CsvFile, rows: Iterable[RowT], column: str, key: Callable[[RowT], Hashable]) -> None:
    """Blame every row whose key an earlier one has; the reason names the earlier line."""
    lines: dict[Hashable, int] = {}
    for item in rows:
        earlier = lines.setdefault(key(item), item.row.line)
        if earlier != item.row.line:
            read.blame_row(item.row, column, f"stands in line {earlier} already")


def _staff(row: Row, known_skills: Collection[str]) -> StaffRow:
    if not _CODE.fullmatch(row["code"]):
        raise _CellError("code", "is no code: up to 32 letters, digits, dots and dashes")
    phone = phones.normalise(row["phone"])
    if phone is None:
        raise _CellError("phone", "is no telephone number")
    skills = tuple(dict.fromkeys(skill.lower() for skill in _listed(row["skills"])))
    for skill in skills:
        if not _SKILL.fullmatch(skill):
            raise _CellError("skills", f"{skill!r} is no skill: small letters, with semicolons between them")
        if skill not in known_skills:
            known = ", ".join(known_skills)
            reason = f"{skill!r} is unknown; choose from {known}, or define it in the facility file"
            raise _CellError("skills", reason)
    return StaffRow(
        row=row,
        code=row["code"],
        name=_name(row, "name"),
        role=_word(row, "role", Role),
        phone=phone,
        skills=skills,
        base_place=_name(row, "base_place") if row["base_place"] else None,
    )


def _shift(row: Row, *, zone: ZoneInfo, tiers: Collection[str] | None) -> ShiftRow:
    starts_at = _instant(row, "starts_at", zone)
    ends_at = _instant(row, "ends_at", zone)
    if ends_at <= starts_at:
        raise _CellError("ends_at", "is not after starts_at; a shift past midnight ends on the next date")
    tier = row["tier"]
    if not _TIER.fullmatch(tier):
        raise _CellError("tier", "is no tier: up to 32 letters, digits and dashes")
    if tiers is not None and tier not in tiers:
        raise _CellError("tier", "is no tier of the policy, so nobody would ring; it has " + ", ".join(tiers))
    return ShiftRow(row=row, staff_code=row["staff_code"], starts_at=starts_at, ends_at=ends_at, tier=tier)


def _place(row: Row, area: places.Area) -> PlaceRow:
    lat, lon = _coordinate(row, "lat"), _coordinate(row, "lon")
    if (lat is None) != (lon is None):
        raise _CellError("lat" if lat is None else "lon", "is missing beside the other coordinate")
    if lat is not None and lon is not None:
        problem = places.check_point(lat, lon, area)
        if problem is not None:
            raise _CellError("lat", problem.detail)
    return PlaceRow(
        row=row,
        name=_name(row, "name"),
        kind=_word(row, "kind", PlaceKind),
        parent=_name(row, "parent") if row["parent"] else "",
        lat=lat,
        lon=lon,
        aliases=tuple(dict.fromkeys(_listed(row["aliases"]))),
    )


def _name(row: Row, column: str) -> str:
    if not row[column]:
        raise _CellError(column, "is empty")
    if len(row[column]) > _NAME_LENGTH_MAX:
        raise _CellError(column, f"is longer than {_NAME_LENGTH_MAX} characters")
    return row[column]


def _word(row: Row, column: str, words: type[WordT]) -> WordT:
    try:
        return words(row[column].lower())
    except ValueError as error:
        raise _CellError(column, "is unknown; choose from " + ", ".join(words)) from error


def _instant(row: Row, column: str, zone: ZoneInfo) -> datetime:
    try:
        return roster.local_instant(row[column], zone)
    except ValueError as error:
        raise _CellError(column, str(error)) from error


def _coordinate(row: Row, column: str) -> float | None:
    if not row[column]:
        return None
    try:
        return float(row[column])
    except ValueError as error:
        raise _CellError(column, "is no number of degrees; write it like -4.5205") from error


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
