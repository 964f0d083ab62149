"""Imports: all or nothing, the same file twice changes nothing, bad rows are named (CONTRACT 6)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from dispatch.service.csv_files import ImportRefusedError
from dispatch.service.facilities import register_facility
from dispatch.service.importing import (
    Importer,
    ImportResult,
    import_places,
    import_roster,
    import_staff,
)
from models.facility import Facility, Place, Shift, Staff
from models.record import Audit
from models.session import open_database
from models.unit_of_work import UnitOfWork
from tests.fakes.clock import FakeClock
from tests.fakes.counting_ids import CountingIds

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Jayapura")
STAFF = "code,name,role,phone,skills,base_place\n"
ROSTER = "staff_code,starts_at,ends_at,tier\n"
PLACES = "name,kind,parent,lat,lon,aliases\n"
TWO = (
    STAFF + "N01,Ns. Contoh Satu,responder,0811-0000-001,nurse;bls,\nN02,Contoh Dua,driver,0811-0000-002,,\n"
)


@pytest.fixture
def importer(database_url: str) -> Iterator[Importer]:
    engine = open_database(database_url, pool_size=2)
    uow, clock = UnitOfWork(engine), FakeClock(NOW)
    register_facility(uow=uow, clock=clock, code="KWK", name="Puskesmas", timezone=ZONE.key)
    yield Importer(uow=uow, ids=CountingIds(), clock=clock, facility_id="KWK", actor="user:tester")
    engine.dispose()


def staff(importer: Importer, content: str | bytes) -> ImportResult:
    raw = content.encode() if isinstance(content, str) else content
    return import_staff(raw, file="staff.csv", importer=importer)


def roster(importer: Importer, content: str, tiers: list[str] | None = None) -> ImportResult:
    return import_roster(content.encode(), file="roster.csv", importer=importer, zone=ZONE, tiers=tiers)


def places(importer: Importer, content: str) -> ImportResult:
    return import_places(content.encode(), file="places.csv", importer=importer)


def people(importer: Importer) -> dict[str, Staff]:
    with importer.uow.read() as session:
        return {row.code: row for row in session.scalars(select(Staff))}


def problems(raised: pytest.ExceptionInfo[ImportRefusedError]) -> list[tuple[int, str, str]]:
    return [(p.line, p.column, p.value) for p in raised.value.problems]


def test_staff_are_added_with_their_numbers_in_one_spelling(importer: Importer) -> None:
    assert staff(importer, TWO) == ImportResult(added=2, changed=0, unchanged=0)
    first = people(importer)["N01"]
    assert first.phone == "+628110000001"
    assert (first.role, first.skills, first.base_place) == ("responder", ["nurse", "bls"], None)
    assert first.is_active
    assert first.updated_at == NOW


def test_the_same_file_twice_changes_nothing(importer: Importer) -> None:
    staff(importer, TWO)
    before = audit_lines(importer)
    assert isinstance(importer.clock, FakeClock)
    importer.clock.advance(60)
    assert staff(importer, TWO) == ImportResult(added=0, changed=0, unchanged=2)
    assert people(importer)["N01"].updated_at == NOW
    assert audit_lines(importer) == before


def audit_lines(importer: Importer) -> list[tuple[str, str, dict[str, object]]]:
    with importer.uow.read() as session:
        return [(row.action, row.actor, row.data) for row in session.scalars(select(Audit))]


def test_an_import_leaves_a_line_in_the_audit_trail(importer: Importer) -> None:
    staff(importer, TWO)
    [(action, actor, counts)] = audit_lines(importer)
    assert (action, actor) == ("staff.imported", "user:tester")
    assert counts["added"] == 2
    assert len(str(counts["sha256"])) == 64


def test_a_changed_row_changes_that_person_only(importer: Importer) -> None:
    staff(importer, TWO)
    changed = TWO.replace("nurse;bls", "nurse;als")
    assert staff(importer, changed) == ImportResult(added=0, changed=1, unchanged=1)
    assert people(importer)["N01"].skills == ["nurse", "als"]


def test_two_people_may_exchange_their_numbers(importer: Importer) -> None:
    staff(importer, TWO)
    swapped = TWO.replace("000-001", "000-00X").replace("000-002", "000-001").replace("000-00X", "000-002")
    assert staff(importer, swapped) == ImportResult(added=0, changed=2, unchanged=0)
    assert people(importer)["N01"].phone == "+628110000002"
    assert people(importer)["N02"].phone == "+628110000001"


def test_a_number_may_pass_to_a_new_person(importer: Importer) -> None:
    staff(importer, TWO)
    handed = TWO.replace("000-001", "000-003") + "N03,Contoh Tiga,driver,0811 0000 001,,\n"
    assert staff(importer, handed) == ImportResult(added=1, changed=1, unchanged=1)


def test_a_place_and_a_skill_that_nobody_knows_are_named_and_nothing_is_written(importer: Importer) -> None:
    places(importer, PLACES + "Mekurima,village,,-4.5,136.9,\n")
    with pytest.raises(ImportRefusedError) as raised:
        staff(
            importer,
            STAFF
            + "N01,Satu,responder,08110000001,nurse;sulap,Mekurima\n"
            + "N02,Dua,responder,08110000002,nurse,Antartika\n"
            + "N03,Tiga,responder,08110000003,nurse,Mekurma\n"
            + "N04,Empat,responder,08110000004,nurse,mekurima\n",
        )
    known = "doctor, nurse, midwife, emt, driver, als, bls, obstetric, trauma, paediatric"
    unknown = f"'sulap' is unknown; choose from {known}, or define it in the facility file"
    assert [str(problem) for problem in raised.value.problems] == [
        f"staff.csv:2: skills 'nurse;sulap': {unknown}",
        "staff.csv:3: base_place 'Antartika': is no known place; import the places first",
        "staff.csv:4: base_place 'Mekurma': is no known place; did you mean Mekurima?",
    ]
    assert people(importer) == {}


def test_a_facility_may_define_skills_of_its_own(importer: Importer) -> None:
    diving = replace(importer, skills=("nurse", "diver"))
    assert staff(diving, STAFF + "N01,Satu,responder,08110000001,nurse;diver,\n").added == 1


def test_spreadsheets_write_the_same_file_differently(importer: Importer) -> None:
    staff(importer, TWO)
    spreadsheet = b"\xef\xbb\xbf" + TWO.replace("\n", "\r\n").encode() + b"\r\n,,,,,\r\n"
    assert staff(importer, spreadsheet) == ImportResult(added=0, changed=0, unchanged=2)
    reordered = (
        "phone,code,name,role,base_place,skills\n"
        '0811-0000-001,"N01","Ns. Contoh Satu",RESPONDER,,"nurse; bls"\n'
    )
    assert staff(importer, reordered) == ImportResult(added=0, changed=0, unchanged=1)


def test_quoted_values_may_hold_commas_and_hostile_text_is_kept_as_it_is(importer: Importer) -> None:
    name = "Contoh, S.Kep.; '); DROP TABLE staff; <b>é</b>"
    staff(importer, STAFF + f'N01,"{name}",responder,08110000001,,\n')
    assert people(importer)["N01"].name == name


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", [(1, "", "")]),
        ("code;name;role;phone;skills;base_place\n", [(1, "", "")]),
        (STAFF.replace(",skills", ""), [(1, "skills", "")]),
        (STAFF.replace("skills", "skill"), [(1, "skill", ""), (1, "skills", "")]),
        (STAFF.replace("base_place", "base_place,code"), [(1, "code", "")]),
        (STAFF + "N01,A,responder,08110000001,\n", [(2, "", "")]),
        (STAFF + "N01,A,responder,08110000001,,,x\n", [(2, "", "")]),
        (STAFF + "N01,A,nurse,08110000001,,\n", [(2, "role", "nurse")]),
        (STAFF + "N01,A,responder,119,,\n", [(2, "phone", "119")]),
        (STAFF + "N01,A,responder,,,\n", [(2, "phone", "")]),
        (STAFF + "N 01,A,responder,08110000001,,\n", [(2, "code", "N 01")]),
        (STAFF + "N01,,responder,08110000001,,\n", [(2, "name", "")]),
        (STAFF + f"N01,{'x' * 201},responder,08110000001,,\n", [(2, "name", "x" * 201)]),
        (STAFF + "N01,A,responder,08110000001,nurse/bls,\n", [(2, "skills", "nurse/bls")]),
        (STAFF + "N01,A\x00B,responder,08110000001,,\n", [(2, "name", "A\x00B")]),
        (STAFF + '\nN01,"A\nB",responder,08110000001,,\n', [(3, "name", "A\nB")]),
        (STAFF + 'N01,"A,responder,08110000001,,\n', [(2, "", "")]),
        (TWO + "N01,C,responder,08110000003,,\n", [(4, "code", "N01")]),
        (TWO + "N03,C,responder,+628110000002,,\n", [(4, "phone", "+628110000002")]),
        (
            STAFF + "N01,A,nurse,08110000001,,\nN02,B,driver,119,,\n",
            [(2, "role", "nurse"), (3, "phone", "119")],
        ),
    ],
)
def test_a_bad_staff_file_imports_nothing(
    importer: Importer, content: str, expected: list[tuple[int, str, str]]
) -> None:
    with pytest.raises(ImportRefusedError) as raised:
        staff(importer, content)
    assert problems(raised) == expected
    assert all(str(problem).startswith("staff.csv:") for problem in raised.value.problems)
    assert people(importer) == {}
    assert audit_lines(importer) == []


def test_a_file_in_another_encoding_is_refused_by_line(importer: Importer) -> None:
    with pytest.raises(ImportRefusedError) as raised:
        staff(importer, TWO.encode() + "N03,Élise,driver,08110000003,,\n".encode("latin-1"))
    assert problems(raised) == [(4, "", "")]
    assert "UTF-8" in str(raised.value)


def test_a_number_that_somebody_else_keeps_is_refused(importer: Importer) -> None:
    staff(importer, TWO)
    with pytest.raises(ImportRefusedError, match="belongs to N02 already"):
        staff(importer, STAFF + "N03,C,responder,0811 0000 002,,\n")
    assert set(people(importer)) == {"N01", "N02"}


def test_a_problem_reads_like_a_compilers(importer: Importer) -> None:
    with pytest.raises(ImportRefusedError) as raised:
        staff(importer, STAFF + "N01,A,responder,119,,\n")
    assert str(raised.value) == "staff.csv:2: phone '119': is no telephone number"


def test_shifts_are_local_and_may_cross_midnight(importer: Importer) -> None:
    staff(importer, TWO)
    content = ROSTER + "N01,2026-11-23T20:00,2026-11-24T08:00,jaga\n"
    assert roster(importer, content) == ImportResult(added=1, changed=0, unchanged=0)
    assert roster(importer, content) == ImportResult(added=0, changed=0, unchanged=1)
    with importer.uow.read() as session:
        shift = session.scalars(select(Shift)).one()
    assert shift.starts_at == datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
    assert shift.ends_at == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)


def test_a_shift_with_another_end_is_changed_not_doubled(importer: Importer) -> None:
    staff(importer, TWO)
    roster(importer, ROSTER + "N01,2026-11-23T20:00,2026-11-24T08:00,jaga\n")
    longer = ROSTER + "N01,2026-11-23T20:00,2026-11-24T10:00,jaga\n"
    assert roster(importer, longer) == ImportResult(added=0, changed=1, unchanged=0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("N09,2026-11-23T20:00,2026-11-24T08:00,jaga\n", [(2, "staff_code", "N09")]),
        ("N01,2026-11-23T20:00,2026-11-23T08:00,jaga\n", [(2, "ends_at", "2026-11-23T08:00")]),
        ("N01,2026-11-23T20:00,2026-11-23T20:00,jaga\n", [(2, "ends_at", "2026-11-23T20:00")]),
        ("N01,2026-11-23T20:00+09:00,2026-11-24T08:00,jaga\n", [(2, "starts_at", "2026-11-23T20:00+09:00")]),
        ("N01,2026-11-31T20:00,2026-12-01T08:00,jaga\n", [(2, "starts_at", "2026-11-31T20:00")]),
        ("N01,23/11/2026 20:00,2026-11-24T08:00,jaga\n", [(2, "starts_at", "23/11/2026 20:00")]),
        ("N01,2026-11-23T20:00,2026-11-24T08:00,pagi\n", [(2, "tier", "pagi")]),
        ("N01,2026-11-23T20:00,2026-11-24T08:00,\n", [(2, "tier", "")]),
        (
            "N01,2026-11-23T20:00,2026-11-24T08:00,jaga\nN01,2026-11-23T20:00,2026-11-24T09:00,jaga\n",
            [(3, "starts_at", "2026-11-23T20:00")],
        ),
    ],
)
def test_a_bad_roster_imports_nothing(
    importer: Importer, rows: str, expected: list[tuple[int, str, str]]
) -> None:
    staff(importer, TWO)
    good = "N02,2026-11-23T08:00,2026-11-23T20:00,jaga\n"
    with pytest.raises(ImportRefusedError) as raised:
        roster(importer, ROSTER + rows + good, tiers=["jaga", "cadangan"])
    assert problems(raised) == expected
    with importer.uow.read() as session:
        assert session.scalar(select(func.count()).select_from(Shift)) == 0


def test_places_are_known_by_name_within_their_parent(importer: Importer) -> None:
    content = PLACES + (
        "Kwamki Baru,village,Mimika Baru,-4.546326,136.8895,Kwamki;Kwamki Kota\n"
        "Kwamki Baru,hamlet,Kwamki Narama,,,\n"
    )
    assert places(importer, content) == ImportResult(added=2, changed=0, unchanged=0)
    assert places(importer, content) == ImportResult(added=0, changed=0, unchanged=2)
    with importer.uow.read() as session:
        village = session.scalars(select(Place).where(Place.parent == "Mimika Baru")).one()
    assert village.aliases == ["Kwamki", "Kwamki Kota"]
    assert (village.lat, village.lon) == (-4.546326, 136.8895)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("A,town,,,,\n", [(2, "kind", "town")]),
        (",village,,,,\n", [(2, "name", "")]),
        ("A,village,,-4.5,,\n", [(2, "lon", "")]),
        ("A,village,,,136.9,\n", [(2, "lat", "")]),
        ("A,village,,empat,136.9,\n", [(2, "lat", "empat")]),
        ("A,village,,nan,136.9,\n", [(2, "lat", "nan")]),
        ("A,village,,4.548347,136.894865,\n", [(2, "lat", "4.548347")]),
        ("A,village,,136.9,-4.5,\n", [(2, "lat", "136.9")]),
        ("A,village,,52.5,13.4,\n", [(2, "lat", "52.5")]),
        ("A,village,B,,,\nA,hamlet,B,,,\n", [(3, "name", "A")]),
    ],
)
def test_a_bad_place_imports_nothing(
    importer: Importer, rows: str, expected: list[tuple[int, str, str]]
) -> None:
    with pytest.raises(ImportRefusedError) as raised:
        places(importer, PLACES + rows + "Good,village,,-4.5,136.9,\n")
    assert problems(raised) == expected
    with importer.uow.read() as session:
        assert session.scalar(select(func.count()).select_from(Place)) == 0


def test_people_stand_where_their_base_is(importer: Importer) -> None:
    places(importer, PLACES + "Amole,village,Kwamki Narama,-4.501652,136.881447,\nJauh,village,,,,\n")
    rows = [
        "N01,A,driver,08110000001,,amole",
        "N02,B,driver,08110000002,,Jauh",
        "N03,C,driver,08110000003,,",
    ]
    staff(importer, STAFF + "\n".join(rows) + "\n")
    found = {code: (row.lat, row.lon) for code, row in people(importer).items()}
    assert found == {"N01": (-4.501652, 136.881447), "N02": (None, None), "N03": (None, None)}


def test_people_move_with_their_place_and_stay_unchanged_in_their_file(importer: Importer) -> None:
    people_file = STAFF + "N01,A,responder,08110000001,,Amole\n"
    staff(importer, people_file)
    assert people(importer)["N01"].lat is None
    places(importer, PLACES + "Amole,village,Kwamki Narama,-4.5,136.88,\n")
    assert (people(importer)["N01"].lat, people(importer)["N01"].lon) == (-4.5, 136.88)
    assert staff(importer, people_file) == ImportResult(added=0, changed=0, unchanged=1)


def test_a_name_that_two_places_bear_places_nobody(importer: Importer) -> None:
    places(importer, PLACES + "Kwamki,village,A,-4.5,136.88,\nKwamki,village,B,-4.6,136.88,\n")
    staff(importer, STAFF + "N01,A,responder,08110000001,,Kwamki\n")
    assert people(importer)["N01"].lat is None


def test_another_facility_has_its_own_codes_and_numbers(importer: Importer) -> None:
    register_facility(uow=importer.uow, clock=importer.clock, code="PTG", name="Lain", timezone=ZONE.key)
    other = Importer(
        uow=importer.uow, ids=importer.ids, clock=importer.clock, facility_id="PTG", actor="user:tester"
    )
    staff(importer, TWO)
    assert staff(other, TWO) == ImportResult(added=2, changed=0, unchanged=0)


def test_the_facilitys_row_follows_its_file(importer: Importer) -> None:
    register_facility(uow=importer.uow, clock=importer.clock, code="KWK", name="Baru", timezone=ZONE.key)
    with importer.uow.read() as session:
        assert [row.name for row in session.scalars(select(Facility))] == ["Baru"]
