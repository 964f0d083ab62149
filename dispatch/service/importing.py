"""Imports of staff, roster and places: all or nothing, and the same file twice changes nothing (CONTRACT 6).

Decides how rows meet those already there. What a row may say is decided in ``dispatch.service.csv_rows``.
Reads no file (the caller brings its bytes) and removes nothing: who is missing from a file stays as he was.
"""

import difflib
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.domain.places import MIMIKA, Area
from dispatch.ports import Clock, IdSource
from dispatch.service.csv_files import CsvFile
from dispatch.service.csv_rows import SKILLS, StaffRow, read_places, read_roster, read_staff
from models.facility import Facility, Place, Shift, Staff
from models.record import Audit
from models.unit_of_work import UnitOfWork

TableT = TypeVar("TableT", Staff, Shift, Place)
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """How many rows of the file were new, differed from what was there, or were there already."""

    added: int
    changed: int
    unchanged: int
    off_the_list: tuple[str, ...] = ()
    """Codes of people in the file who were taken off the staff list, and so are not rung all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """What every import needs: where to, in whose name, and the sources of identity and time."""

    uow: UnitOfWork
    ids: IdSource
    clock: Clock
    facility_id: str
    actor: str
    area: Area = MIMIKA
    skills: Collection[str] = SKILLS


def import_staff(content: bytes, *, file: str, importer: Importer) -> ImportResult:
    """Add or change the people of the file, known by ``code``; *file* is the name that errors use.

    A place that the gazetteer does not know is refused: nobody would notice that the person has no position
    and is rung late. While the gazetteer is empty nothing can be said; places that come later give theirs.

    A telephone number belongs to one person of the facility. Their position is that of ``base_place``, when
    the gazetteer has exactly one place of that name with a known point.

    Raises:
        ImportRefusedError: with every problem; nothing was imported.
    """
    read, people = read_staff(content, file=file, skills=importer.skills)
    with importer.uow.write() as session:
        _lock(session, importer)
        known = {row.code: row for row in _rows(session, importer, Staff)}
        _note_taken_phones(read, people, known)
        _note_unknown_places(read, people, [place.name for place in _rows(session, importer, Place)])
        read.refuse_if_bad()
        _free_moving_phones(session, people, known)
        points = _points(session, importer)
        tally = _Tally(session, importer)
        for person in people:
            tally.upsert(
                Staff,
                known.get(person.code),
                {
                    "code": person.code,
                    "name": person.name,
                    "role": str(person.role),
                    "phone": person.phone,
                    "skills": list(person.skills),
                    "base_place": person.base_place,
                    **_position(points, person.base_place),
                },
            )
        gone = {code for code, row in known.items() if not row.is_active}
        return tally.finish("staff.imported", file, content, gone & {person.code for person in people})


def import_roster(
    content: bytes,
    *,
    file: str,
    importer: Importer,
    zone: ZoneInfo,
    tiers: Collection[str] | None = None,
) -> ImportResult:
    """Add or change shifts, known by person, start and tier; times are local to *zone*.

    With *tiers*, a tier that is not among them is refused: nobody would ever ring those people.

    Raises:
        ImportRefusedError: with every problem; nothing was imported.
    """
    read, shifts = read_roster(content, file=file, zone=zone, tiers=tiers)
    with importer.uow.write() as session:
        _lock(session, importer)
        staff = _rows(session, importer, Staff)
        people = {row.code: row.id for row in staff}
        for shift in shifts:
            if shift.staff_code not in people:
                read.blame_row(shift.row, "staff_code", "is nobody's code; import the staff first")
        read.refuse_if_bad()
        first_at = min((shift.starts_at for shift in shifts), default=importer.clock.now())
        query = select(Shift).where(
            Shift.facility_id == importer.facility_id, Shift.ends_at > first_at, Shift.starts_at >= first_at
        )
        known = {(row.staff_id, row.starts_at, row.tier): row for row in session.scalars(query)}
        tally = _Tally(session, importer)
        for shift in shifts:
            staff_id = people[shift.staff_code]
            tally.upsert(
                Shift,
                known.get((staff_id, shift.starts_at, shift.tier)),
                {
                    "staff_id": staff_id,
                    "starts_at": shift.starts_at,
                    "ends_at": shift.ends_at,
                    "tier": shift.tier,
                },
            )
        gone = {row.code for row in staff if not row.is_active}
        return tally.finish("roster.imported", file, content, gone & {shift.staff_code for shift in shifts})


def import_places(content: bytes, *, file: str, importer: Importer) -> ImportResult:
    """Add or change places of the gazetteer, known by ``name`` within ``parent``.

    A place without a known point keeps none; an impossible point is refused (``places.check_point``).
    People whose ``base_place`` it is move with it.

    Raises:
        ImportRefusedError: with every problem; nothing was imported.
    """
    read, places = read_places(content, file=file, area=importer.area)
    with importer.uow.write() as session:
        _lock(session, importer)
        read.refuse_if_bad()
        known = {(row.name, row.parent): row for row in _rows(session, importer, Place)}
        tally = _Tally(session, importer)
        for place in places:
            tally.upsert(
                Place,
                known.get((place.name, place.parent)),
                {
                    "name": place.name,
                    "kind": str(place.kind),
                    "parent": place.parent,
                    "lat": place.lat,
                    "lon": place.lon,
                    "aliases": list(place.aliases),
                },
            )
        session.flush()
        points = _points(session, importer)
        for person in _rows(session, importer, Staff):
            _assign(person, _position(points, person.base_place))
        return tally.finish("places.imported", file, content)


class _Tally:
    """Writes rows and counts what became of them."""

    def __init__(self, session: Session, importer: Importer) -> None:
        self._session = session
        self._importer = importer
        self._now = importer.clock.now()
        self._added = self._changed = self._unchanged = 0

    def upsert(self, table: type[TableT], row: TableT | None, values: Mapping[str, object]) -> None:
        """Add a row with *values*, or bring *row* to them."""
        if row is None:
            row = table(id=self._importer.ids.new_id(), facility_id=self._importer.facility_id, **values)
            self._session.add(row)
            self._added += 1
        elif _assign(row, values):
            self._changed += 1
        else:
            self._unchanged += 1
            return
        if isinstance(row, Staff):
            row.updated_at = self._now

    def finish(
        self, action: str, file: str, content: bytes, off_the_list: Collection[str] = ()
    ) -> ImportResult:
        """Leave a line in the audit trail when anything was written, and return the counts."""
        result = ImportResult(
            added=self._added,
            changed=self._changed,
            unchanged=self._unchanged,
            off_the_list=tuple(sorted(off_the_list)),
        )
        if result.added or result.changed:
            self._session.add(
                Audit(
                    id=self._importer.ids.new_id(),
                    facility_id=self._importer.facility_id,
                    at=self._now,
                    actor=self._importer.actor,
                    action=action,
                    subject=file[-80:],
                    data={
                        "added": result.added,
                        "changed": result.changed,
                        "unchanged": result.unchanged,
                        "sha256": hashlib.sha256(content).hexdigest(),
                    },
                )
            )
        return result


def _lock(session: Session, importer: Importer) -> None:
    """Let imports of one facility follow each other, so that what was checked still holds when written."""
    # With the key shared, because every line of a running incident refers to this row.
    facility = session.get(Facility, importer.facility_id, with_for_update={"key_share": True})
    assert facility is not None, "the facility's row is written before anything is imported"


def _rows(session: Session, importer: Importer, table: type[TableT]) -> Sequence[TableT]:
    return session.scalars(select(table).where(table.facility_id == importer.facility_id)).all()


def _assign(row: Staff | Shift | Place, values: Mapping[str, object]) -> bool:
    """Bring *row* to *values*; whether anything differed."""
    changes = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changes.items():
        setattr(row, name, value)
    return bool(changes)


def _note_taken_phones(read: CsvFile, people: Sequence[StaffRow], known: Mapping[str, Staff]) -> None:
    """Blame rows whose number stays with somebody else who is not in the file with a new one."""
    in_file = {person.code for person in people}
    owners = {row.phone: row.code for row in known.values() if row.code not in in_file}
    for person in people:
        if person.phone in owners:
            read.blame_row(person.row, "phone", f"belongs to {owners[person.phone]} already")


def _note_unknown_places(read: CsvFile, people: Sequence[StaffRow], names: Sequence[str]) -> None:
    """Blame rows whose base is no place of the gazetteer, and say which one may be meant."""
    known = {name.casefold(): name for name in names}
    for person in people:
        base = (person.base_place or "").casefold()
        if not known or not base or base in known:
            continue
        close = difflib.get_close_matches(base, known, n=1)
        meant = f"; did you mean {known[close[0]]}?" if close else "; import the places first"
        read.blame_row(person.row, "base_place", "is no known place" + meant)


def _free_moving_phones(session: Session, people: Sequence[StaffRow], known: Mapping[str, Staff]) -> None:
    """Take changing numbers away first: two people may exchange theirs, and each number is unique."""
    moving = [known[p.code] for p in people if p.code in known and known[p.code].phone != p.phone]
    for row in moving:
        row.phone = f"~{row.id}"
    session.flush()


def _points(session: Session, importer: Importer) -> dict[str, Point | None]:
    """The point of every place by its name in small letters; None where two places of a name differ."""
    points: dict[str, Point | None] = {}
    for place in _rows(session, importer, Place):
        if place.lat is None or place.lon is None:
            continue
        name, point = place.name.casefold(), (place.lat, place.lon)
        points[name] = point if points.get(name, point) == point else None
    return points


def _position(points: Mapping[str, Point | None], place: str | None) -> dict[str, object]:
    lat, lon = (points.get(place.casefold()) if place else None) or (None, None)
    return {"lat": lat, "lon": lon}
