"""How times came to be known, corrections, call-backs, impossible orders, and hours without service."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dashboards.reports.contents import Report
from dashboards.reports.document import Seconds, Share, Table
from dashboards.reports.house import TargetZone
from dashboards.reports.measuring import By
from dashboards.reports.periods import parse_period
from dashboards.reports.response_times import Format, Read, read, render, worded
from dashboards.reports.sources import Sources
from dispatch.domain import seals
from models.incident import Incident
from models.record import Event, Seal
from models.traffic import Outage
from tests.api_world import NOON, World, past_call, past_incident, world

OCTOBER = NOON.replace(month=10, day=5)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


def found(here: World) -> Read:
    with here.services.uow.read() as session:
        sources = Sources(facility=here.facility)
        return read(session, sources=sources, period=parse_period("2026-10"), as_of=here.clock.now())


def report(here: World) -> Report:
    return found(here).report


def table(here: World, name: str) -> Table:
    document = worded(found(here), sources=Sources(facility=here.facility))
    return next(table for table in document.tables if table.name == name)


def tells(
    here: World,
    row: Incident,
    *lines: tuple[str, str, str, timedelta],
    at: datetime = OCTOBER,
) -> None:
    """Lines of an incident: kind, source, actor, and how late each was recorded."""
    for sequence, (kind, source, actor, late) in enumerate(lines, 1):
        here.writes(
            Event(
                incident_id=row.id,
                sequence=sequence,
                facility_id=here.facility.code,
                kind=kind,
                occurred_at=at,
                recorded_at=at + late,
                source=source,
                actor=actor,
                data={},
                private={},
                previous="0" * 64,
                hash="0" * 64,
            )
        )


def incidents(here: World, *facts: dict[str, object]) -> list[Incident]:
    rows = [past_incident(here, 100 + number, OCTOBER, **each) for number, each in enumerate(facts)]
    here.writes(*rows)
    return rows


SOON, LATE, VERY_LATE = timedelta(seconds=59), timedelta(minutes=7), timedelta(hours=5, seconds=30)


def test_each_time_is_told_by_its_way_and_by_how_late_it_came(here: World) -> None:
    first, second, drill = incidents(here, {}, {}, {"is_drill": True})
    step = "assignment.on_scene"
    tells(here, first, (step, "sms", "staff:N01", SOON), (step, "web", "staff:N02", LATE))
    tells(here, second, (step, "web", "staff:N01", VERY_LATE), (step, "web", "staff:N02", timedelta()))
    tells(here, drill, (step, "sms", "staff:N01", LATE))
    rows = {row.cells[1].text: row.cells for row in table(here, "Asal waktu").rows}
    assert set(rows) == {"SMS", "halaman web"}
    assert (rows["SMS"][2].values, rows["SMS"][3].values[:2]) == ((1,), (0, 1))
    assert rows["halaman web"][3].values[:3] == (2, 3, None), "too few for a share"
    # 7 and 300 minutes.
    assert rows["halaman web"][4].values == (153.5, 300)


def test_a_line_that_is_late_beyond_the_period_belongs_to_its_incident(here: World) -> None:
    (row,) = incidents(here, {})
    tells(here, row, ("assignment.on_scene", "web", "staff:N01", timedelta(days=40)))
    assert [line.minutes_late for line in report(here).lines] == [40 * 24 * 60]


def test_corrections_are_lines_of_persons(here: World) -> None:
    (row,) = incidents(here, {})
    tells(
        here,
        row,
        ("priority.set", "keypad", "caller", timedelta()),
        ("priority.set", "web", "user:ani", timedelta()),
        ("category.set", "api", "user:ani", timedelta()),
        ("action.refused", "sms", "staff:N01", timedelta()),
    )
    counts = [row.cells[1].values[0] for row in table(here, "Koreksi").rows]
    assert counts == [1, 1, 0, 0, 1]


def test_calls_that_were_found_afterwards_are_counted(here: World) -> None:
    first, second = incidents(here, {}, {})
    tells(here, first, ("call.received", "import", "caller", LATE))
    tells(here, second, ("call.received", "voice", "caller", timedelta()))
    assert report(here).reconstructed == 1


def line_of(
    here: World, row: Incident, kind: str, *, at: datetime, recorded_at: datetime | None = None
) -> Event:
    """A second line of the incident in *row*."""
    return Event(
        incident_id=row.id,
        sequence=2,
        facility_id=here.facility.code,
        kind=kind,
        occurred_at=at,
        recorded_at=recorded_at or at,
        source="voice",
        actor="caller",
        data={},
        private={},
        previous="0" * 64,
        hash="0" * 64,
    )


def test_call_backs_are_counted_with_how_long_they_took(here: World) -> None:
    back, lost, _ = rows = incidents(here, {}, {}, {})
    for row in rows:
        here.writes(past_call(here, OCTOBER, "abandoned", incident_id=row.id))
    tells(here, back, ("call.back_requested", "engine", "engine", timedelta()))
    tells(here, lost, ("call.back_requested", "engine", "engine", timedelta()))
    here.writes(line_of(here, back, "call.returned", at=OCTOBER + timedelta(seconds=42)))
    returning = report(here).returning
    assert (returning.requested, returning.took.recorded, returning.took.median_s) == (2, 1, 42)


def test_an_impossible_order_is_listed_and_in_no_figure(here: World) -> None:
    before = OCTOBER - timedelta(minutes=3)
    incidents(here, {"accepted_at": OCTOBER, "on_scene_at": before})
    response = report(here).tables.total.intervals["response"]
    assert (response.recorded, response.anomalies, response.median_s) == (0, 1, None)
    written = json.loads(render(found(here), sources=Sources(facility=here.facility), format=Format.JSON))
    assert {"number": "KWK-2026-000100", "interval": "response"}.items() <= written["anomalies"][0].items()


def test_hours_in_which_nothing_could_be_received_are_told_apart(here: World) -> None:
    for number, (cause, hours) in enumerate((("silent", 2), ("provider", 5), ("stopped", 1))):
        begun = OCTOBER + timedelta(days=number)
        here.writes(
            Outage(
                id=f"outage-{number}",
                facility_id=here.facility.code,
                cause=cause,
                from_at=begun,
                until_at=begun + timedelta(hours=hours),
                noticed_at=begun,
                details={},
            )
        )
    made = report(here)
    assert (made.unreachable.away_s, made.outages.away_s) == (3 * 3600, 8 * 3600)


def test_a_caller_who_rang_off_or_pressed_nine_waited_for_nobody(here: World) -> None:
    incidents(here, {"outcome": "wrong_number"}, {"outcome": "abandoned"}, {"outcome": "treated"})
    answer = report(here).tables.total.intervals["answer"]
    assert (answer.not_applicable, answer.not_recorded) == (2, 1)


@pytest.mark.parametrize(
    ("hour", "shift"), [(7, "20:00–08:00"), (8, "08:00–14:00"), (13, "08:00–14:00"), (23, "20:00–08:00")]
)
def test_a_shift_holds_its_beginning_and_crosses_midnight(here: World, hour: int, shift: str) -> None:
    # Noon at the facility is where OCTOBER stands.
    here.writes(past_incident(here, 100, OCTOBER + timedelta(hours=hour - 12)))
    (group,) = [each for by, groups in report(here).tables.groups.items() if by == "shift" for each in groups]
    assert group.key == shift


def test_a_place_and_an_hour_make_groups_of_their_own(here: World) -> None:
    arrived = {"accepted_at": OCTOBER, "on_scene_at": OCTOBER + timedelta(minutes=4)}
    incidents(here, *([{**arrived, "location_place": "Amole"}] * 20), {"accepted_at": OCTOBER})
    rows = {row.cells[0].text: row.cells for row in table(here, "Menurut tempat").rows}
    assert rows["Amole"][1].values == (20,)
    assert rows["Amole"][4].values[0] == Seconds(240)
    assert rows["Amole"][6].values[:3] == (20, 20, Share(1.0))
    assert rows["Tempat tidak tercatat"][3].values[0] == 1
    assert [row.cells[0].text for row in table(here, "Menurut jam masuknya panggilan").rows] == [
        "12:00–12:59"
    ]


def test_a_place_that_was_erased_is_not_called_unrecorded(here: World) -> None:
    incidents(here, {"erased_at": OCTOBER + timedelta(days=30)}, {})
    rows = {row.cells[0].text: row.cells for row in table(here, "Menurut tempat").rows}
    assert (rows["Tempat sudah dihapus"][1].values, rows["Tempat tidak tercatat"][1].values) == ((1,), (1,))


def test_an_answer_before_the_ring_is_within_no_time_and_said(here: World) -> None:
    here.writes(
        past_call(here, OCTOBER, "incident", answered_at=OCTOBER - timedelta(hours=2)),
        past_call(here, OCTOBER, "incident", answered_at=OCTOBER + timedelta(seconds=9)),
    )
    answering = report(here).answering
    assert (answering.offered, answering.answered, answering.impossible) == (2, 2, 1)
    assert (answering.within, answering.standard) == (1, {15: 1, 20: 1})
    page = render(found(here), sources=Sources(facility=here.facility), format=Format.HTML).decode()
    assert "1 panggilan yang dijawab mencatat jawaban sebelum dering pertama" in page


def test_a_call_back_before_it_was_asked_for_is_in_no_median(here: World) -> None:
    (back,) = incidents(here, {})
    here.writes(past_call(here, OCTOBER, "abandoned", incident_id=back.id))
    tells(here, back, ("call.back_requested", "engine", "engine", timedelta()))
    here.writes(line_of(here, back, "call.returned", at=OCTOBER - timedelta(seconds=90)))
    returning = report(here).returning
    assert (returning.requested, returning.reached, returning.impossible) == (1, 1, 1)
    assert returning.took.median_s is None


def test_calls_of_drills_are_counted_apart(here: World) -> None:
    drill, real = incidents(here, {"is_drill": True}, {})
    for row in (drill, real):
        here.writes(
            past_call(
                here, OCTOBER, "incident", incident_id=row.id, answered_at=OCTOBER + timedelta(seconds=5)
            )
        )
    made = report(here)
    assert (made.calls_total, made.calls_of_drills) == (1, 1)
    assert (made.answering.offered, made.answering.answered) == (1, 1)


def test_incidents_that_nobody_accepted_are_said_and_those_that_needed_nobody_are_not_among_them(
    here: World,
) -> None:
    incidents(here, {"outcome": "treated"}, {"outcome": "advice"}, {"accepted_at": OCTOBER})
    tables = report(here).tables
    assert (tables.alone, tables.needed) == (1, 2)


def test_lines_that_came_after_the_last_seal_are_told_beside_the_fingerprint(here: World) -> None:
    (row,) = incidents(here, {})
    last_day = parse_period("2026-10").after - timedelta(days=1)
    until = seals.end_of(last_day, here.facility.zone)
    here.writes(
        Seal(
            facility_id=here.facility.code,
            day=last_day,
            zone=here.facility.zone.key,
            covers_until=until,
            sealed_at=until,
            incidents=1,
            calls=0,
            root="0" * 64,
            previous="0" * 64,
            key="0" * 64,
            signature="0" * 128,
        )
    )
    tells(here, row, ("call.received", "voice", "caller", timedelta()))
    assert found(here).standing.after_seal == 0
    here.writes(line_of(here, row, "assignment.on_scene", at=OCTOBER, recorded_at=until + timedelta(hours=1)))
    assert found(here).standing.after_seal == 1
    page = render(found(here), sources=Sources(facility=here.facility), format=Format.HTML).decode()
    assert "1 baris tentang insiden dalam laporan ini tercatat sesudahnya" in page


def test_each_place_is_held_against_the_target_of_its_zone(here: World) -> None:
    far = TargetZone(name="kampung luar", places=("Amole",), targets={"response": 1800.0})
    facility = replace(here.facility, report=replace(here.facility.report, zones=(far,)))
    arrived: dict[str, object] = {
        "accepted_at": OCTOBER,
        "on_scene_at": OCTOBER + timedelta(minutes=20),
    }
    incidents(here, *[{**arrived, "location_place": "amole"}] * 2, arrived)
    sources = Sources(facility=facility)
    with here.services.uow.read() as session:
        made = read(session, sources=sources, period=parse_period("2026-10"), as_of=here.clock.now())
    total = made.report.tables.total.intervals["response"]
    assert (total.recorded, total.within_target, total.target_s) == (3, 2, None)
    by_zone = {group.key: group.intervals["response"] for group in made.report.tables.groups[By.ZONE]}
    assert {key: (found.within_target, found.target_s) for key, found in by_zone.items()} == {
        "kampung luar": (2, 1800.0),
        "elsewhere": (0, 600.0),
    }
    page = render(made, sources=sources, format=Format.HTML).decode()
    assert "Di wilayah kampung luar (Amole): " in page
    assert "target masing-masing wilayah" in page
