"""The queries that run on every call, every commit and every refresh use their indexes."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Select, text

from dashboards import metrics
from dashboards.queries import behind, board, outages, report_lines
from dashboards.queries.breach import read_known
from dashboards.queries.report_lines import WantedLines
from dashboards.queries.survey import read_survey
from dashboards.reports import update_log
from dashboards.reports.chapters_impact import read_impact
from dashboards.reports.periods import parse_period
from dashboards.reports.response_times import read
from dashboards.reports.sources import Sources
from dispatch.domain.events import Kind
from dispatch.domain.questionnaire import SurveyChannel
from dispatch.domain.survey import Weight
from dispatch.domain.survey_rules import SurveyRules
from dispatch.domain.vocabulary import ENGAGED, Source
from dispatch.ports import LoggedCall
from dispatch.service import claiming, open_now
from dispatch.service.provider_signs import silent_providers
from dispatch.service.reconcile import Found, reconcile
from dispatch.service.record_pack import PackWriter, write_record
from dispatch.service.roster_keeping import duty_phones, shifts_ahead
from dispatch.service.sealing import Sealer
from dispatch.service.surveying import Surveyor
from dispatch.service.verifying_seals import verify_seals
from models.incident import IS_ENGAGED
from models.session import open_database
from tests.api_world import TestFacility
from tests.fakes.seal_keys import FakeSealKeys
from tests.fakes.telephony import Outcome
from tests.service.asked import (
    OF_WHAT_GOES_ON,
    SMALL,
    Listener,
    asked_by_the_watchdog,
    calls_to,
    live_the_rest,
)
from tests.service.conftest import MakeWorld
from tests.service.sealed_days import DAY_S, live_two_days
from tests.world import PHONES, World


@pytest.fixture
def sqlite_world(sqlite_database_url: str) -> Iterator[World]:
    world = World(sqlite_database_url)
    yield world
    world.close()


def _plans(engine: Engine, asked: list[tuple[str, Any]]) -> list[str]:
    with engine.connect() as connection:
        raw = connection.connection.cursor()
        lines: list[str] = []
        for statement, parameters in asked:
            raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            lines += [str(row[3]) for row in raw.fetchall()]
        return lines


_STEP = re.compile(r"(SCAN|MATERIALIZE|CO-ROUTINE) (CONSTANT ROW|\S+)")
_OF_A_FACILITY = re.compile(r"SEARCH (\S+) USING (?:COVERING )?INDEX (\S+) \(facility_id=\?\)$")
_OF_A_WORKER = re.compile(r"SEARCH \S+ USING (?:COVERING )?INDEX \w+_staff_asked \(staff_id=\?\)$")
_WHOLE_INDEX = re.compile(r"SCAN \S+ USING (?:COVERING )?INDEX (\S+)$")


def _walks(lines: list[str], allowed: Mapping[str, str] | None = None) -> list[str]:
    """Steps that look at every row of what grows for ever, or of what is not known by its name (an alias).

    A whole index is as long as its table, and everything of a facility is everything: there is one. So are
    all parts of one worker: some have been there for ten years. What a plan makes for itself is no table:
    the steps that make it are in the plan, too. *allowed* says by a step's beginning why it may be there.
    """
    steps = [(line, found[1], found[2]) for line in lines if (found := _STEP.match(line))]
    harmless = {name for _, kind, name in steps if kind != "SCAN"} | SMALL.keys() | {"CONSTANT ROW"}
    # A list that was handed over with the question is what SQLite calls a virtual table.
    scans = [
        line
        for line, kind, name in steps
        if kind == "SCAN" and name not in harmless and " VIRTUAL TABLE " not in line
        if not ((index := _WHOLE_INDEX.match(line)) and index[1] in OF_WHAT_GOES_ON)
    ]
    scans += [line for line in lines if _OF_A_WORKER.match(line)]
    searches = [(line, found) for line in lines if (found := _OF_A_FACILITY.match(line))]
    scans += [
        line for line, found in searches if found[1] not in harmless and found[2] not in OF_WHAT_GOES_ON
    ]
    return [line for line in scans if not line.startswith(tuple(allowed or ()))]


def test_a_call_and_the_engine_walk_no_growing_table(sqlite_world: World) -> None:
    listener = Listener(sqlite_world.uow.engine)
    call = sqlite_world.resident().rings()
    sqlite_world.resident().presses("1")
    sqlite_world.works()
    sqlite_world.worker("N01").accepts(call.incident_id)
    sqlite_world.worker("N01").texts("3")
    sqlite_world.works()

    lines = _plans(sqlite_world.uow.engine, listener.asked)

    assert _walks(lines) == []
    assert any("ix_incident_caller" in line for line in lines), "the open incident of a number"
    assert any("ix_delivery_due" in line for line in lines), "what the engine sends next"
    assert any("ix_assignment_engaged" in line for line in lines), "who is busy"


def test_the_rest_of_a_call_walks_no_growing_table(sqlite_world: World) -> None:
    incident_id = sqlite_world.resident().rings().incident_id
    sqlite_world.works()
    calls = calls_to(sqlite_world, "N01")
    listener = Listener(sqlite_world.uow.engine)
    live_the_rest(sqlite_world, incident_id, calls)
    assert _walks(_plans(sqlite_world.uow.engine, listener.asked)) == []


def test_asking_what_became_of_a_delivery_walks_no_growing_table(sqlite_world: World) -> None:
    sqlite_world.provider.will(Outcome.ANSWER_LOST, to_number=PHONES["N01"])
    sqlite_world.resident().rings()
    sqlite_world.works()
    listener = Listener(sqlite_world.uow.engine)
    sqlite_world.hand.advance(2)
    sqlite_world.works()
    assert sqlite_world.provider.asked, "the provider showed what it has"

    lines = _plans(sqlite_world.uow.engine, listener.asked)

    assert _walks(lines) == []
    assert any("ix_delivery_sent_again" in line for line in lines), "whether it may be another one's"


def test_who_is_busy_means_the_same_in_the_index_and_in_the_decisions() -> None:
    words = re.findall(r"'(\w+)'", IS_ENGAGED.text)
    assert sorted(words) == sorted(str(status) for status in ENGAGED)


def test_reading_the_providers_log_walks_no_growing_table(sqlite_world: World) -> None:
    sqlite_world.resident().rings("CA-known")
    for sid, number in (("CA-known", "+628119999001"), ("CA-missed", "+628119999002")):
        call = LoggedCall(
            provider_sid=sid,
            from_number=number,
            began_at=sqlite_world.clock.now(),
            ended_at=sqlite_world.clock.now() + timedelta(seconds=9),
            status="completed",
            duration_s=9,
        )
        sqlite_world.provider.calls_in.append(call)
    sqlite_world.hand.advance(600)
    listener = Listener(sqlite_world.uow.engine)
    assert reconcile(sqlite_world.services, sqlite_world.providers) == Found(calls=1, ends=1)
    with sqlite_world.uow.read() as session:
        outages.between(session, "KWK", sqlite_world.clock.now(), sqlite_world.clock.now())

    lines = _plans(sqlite_world.uow.engine, listener.asked)

    assert _walks(lines) == []
    assert any("ix_call_unended" in line for line in lines), "the oldest call whose end is not known"
    assert any("ix_outage_from" in line for line in lines), "what reports and the board show"


def test_sealing_and_checking_seals_go_by_what_was_recorded_and_by_incident(sqlite_world: World) -> None:
    live_two_days(sqlite_world)
    listener = Listener(sqlite_world.uow.engine)
    sqlite_world.hand.advance(DAY_S)
    keys = FakeSealKeys()
    keys.create()
    Sealer(sqlite_world.services, keys).seal_due()
    sealing = _plans(sqlite_world.uow.engine, listener.asked)
    listener.asked.clear()
    with sqlite_world.uow.read() as session:
        assert list(verify_seals(session, "KWK")) == []
    checking = _plans(sqlite_world.uow.engine, listener.asked)

    assert _walks(sealing) == []
    every_seal = "every leaf of every seal is checked against the record, and that is what it is for"
    clock = "every time that the clock jumped back excuses something; they are few"
    nobodys = "calls of a facility that does not exist; there are none unless somebody put them there"
    allowed = {
        "SEARCH seal_leaf": every_seal,
        "SEARCH outage USING INDEX ix_outage_from": clock,
        "SEARCH call USING COVERING INDEX ix_call_received (facility_id=?)": nobodys,
    }
    assert _walks(checking, allowed) == []
    for lines in (sealing, checking):
        assert any(
            "ix_event_recorded (facility_id=? AND recorded_at>? AND recorded_at<?)" in one for one in lines
        )
    assert any("call USING INDEX ix_call_incident_id (incident_id=?)" in line for line in sealing)
    leaves = [line for line in checking if "seal_leaf" in line and "day<" in line]
    assert leaves
    assert all("(subject=? AND day<?)" in line for line in leaves)


def _plan(engine: Engine, query: Select[object]) -> list[str]:
    compiled = query.compile(engine, compile_kwargs={"literal_binds": True})
    with engine.connect() as connection:
        return [str(row[3]) for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]


def test_the_boards_last_lines_are_found_by_their_keys(sqlite_database_url: str) -> None:
    engine = open_database(sqlite_database_url)
    lines = _plan(engine, board.last_lines(["one", "two"]))
    engine.dispose()
    assert _walks(lines) == []
    assert any("event" in line and "incident_id=? AND sequence=?" in line for line in lines)


def test_the_watchdog_walks_no_growing_table(sqlite_world: World) -> None:
    with sqlite_world.uow.write() as session:
        # Of two indexes that look alike SQLite takes the one that was made last: that must not matter.
        [made] = session.scalars(text("SELECT sql FROM sqlite_master WHERE name = 'ix_call_received'"))
        session.execute(text("DROP INDEX ix_call_received"))
        session.execute(text(made))
    lines = _plans(sqlite_world.uow.engine, asked_by_the_watchdog(sqlite_world))

    newest = "SEARCH event USING COVERING INDEX ix_event_recorded (facility_id=?)"
    assert _walks(lines, {newest: "the newest line: the last row of the index"}) == []
    for index in (
        "ix_call_orphan",
        "ix_call_unended",
        "ix_incident_open",
        "ix_inbox_received",
        "ix_event_recorded",
    ):
        assert any(index in line for line in lines), index
    for index in ("ix_delivery_due", "ix_deadline_due"):
        assert any(index in line and "<" in line for line in lines), index
    of_incidents = [line for line in lines if line.startswith("SEARCH incident ")]
    assert [line for line in of_incidents if "ix_incident_open" not in line and "(id=?)" not in line] == []


def test_the_metrics_count_only_what_is_open(sqlite_world: World) -> None:
    sqlite_world.resident().rings()
    listener = Listener(sqlite_world.uow.engine)
    metrics.render(sqlite_world.services)
    lines = _plans(sqlite_world.uow.engine, listener.asked)
    assert _walks(lines) == []
    for index in ("ix_incident_open", "ix_deadline_due", "ix_delivery_due"):
        assert any(index in line for line in lines), index


def test_what_is_kept_for_a_night_without_a_database_walks_no_growing_table(sqlite_world: World) -> None:
    """Twice a minute, whatever else the program has to do."""
    sqlite_world.resident().rings()
    listener = Listener(sqlite_world.uow.engine)
    with sqlite_world.uow.read() as session:
        assert len(open_now.open_incidents(session, sqlite_world.services)) == 1
        assert duty_phones(session, sqlite_world.services, sqlite_world.clock.now())
        shifts_ahead(session, sqlite_world.services, sqlite_world.clock.now())
    assert _walks(_plans(sqlite_world.uow.engine, listener.asked)) == []


def test_the_boards_troubles_walk_no_growing_table(sqlite_world: World) -> None:
    sqlite_world.resident().rings()
    sqlite_world.provider.always(Outcome.UNREACHABLE)
    sqlite_world.works()
    listener = Listener(sqlite_world.uow.engine)
    with sqlite_world.uow.read() as session:
        (shown,) = board.live_incidents(session, "KWK")
        board.version(session, "KWK")
        assert [silent.name for silent in silent_providers(session, sqlite_world.clock.now())] == ["fake"]
    assert len(shown.troubles) == 4
    lines = _plans(sqlite_world.uow.engine, listener.asked)
    assert _walks(lines) == []
    assert any("ix_delivery_incident" in line for line in lines)


def test_a_report_walks_no_growing_table(sqlite_world: World) -> None:
    sqlite_world.resident().rings()
    listener = Listener(sqlite_world.uow.engine)
    with sqlite_world.uow.read() as session:
        read(session, sources=Sources(facility=TestFacility()), period=parse_period("2026-11"))
    lines = _plans(sqlite_world.uow.engine, listener.asked)
    allowed = {
        "SEARCH incident USING INDEX ix_incident_received (facility_id=?)": "the first row: where it begins"
    }
    assert _walks(lines, allowed) == []
    assert any("ix_incident_received" in line and "received_at>" in line for line in lines)
    assert any("ix_call_received" in line and "received_at>" in line for line in lines)
    of_events = [line for line in lines if " event " in line]
    assert of_events
    assert all("incident_id=?" in line for line in of_events)


def test_what_is_behind_a_figure_is_found_by_time_and_by_incident(sqlite_world: World) -> None:
    sqlite_world.resident().rings()
    listener = Listener(sqlite_world.uow.engine)
    span = parse_period("2026-11").span(sqlite_world.services.zone)
    with sqlite_world.uow.read() as session:
        told = WantedLines(kind=Kind.CALL_RECEIVED, source=Source.VOICE)
        ((incident_id, _),) = report_lines.incidents_of(session, "KWK", span, told, first=0, limit=9)
        assert behind.incidents_by_id(session, [incident_id])
        assert list(behind.calls(session, "KWK", span, outcome="incident"))
    lines = _plans(sqlite_world.uow.engine, listener.asked)
    assert _walks(lines) == []
    assert any("ix_call_received" in line and "received_at>" in line for line in lines)
    assert all("incident_id=?" in line for line in lines if " event " in line)


def test_asking_for_opinions_and_counting_them_go_by_time(sqlite_world: World) -> None:
    listener = Listener(sqlite_world.uow.engine)
    rules = SurveyRules(ask=(SurveyChannel.LINK,))
    Surveyor(sqlite_world.services, rules, facility_name="Puskesmas").look()
    period = parse_period("2026-11").span(sqlite_world.services.zone)
    with sqlite_world.uow.read() as session:
        read_survey(session, "KWK", period, Weight.NINTH)
    lines = _plans(sqlite_world.uow.engine, listener.asked)
    assert _walks(lines) == []
    used = {found[1] for line in lines if (found := re.search(r"SEARCH incident USING INDEX (\w+)", line))}
    assert used == {"ix_incident_received", "ix_incident_open", "ix_incident_caller"}
    for index in ("ix_survey_response_answered", "ix_survey_request_asked"):
        assert any(index in line and ">" in line for line in lines), index


def test_nothing_waits_costs_nothing(make_world: MakeWorld) -> None:
    """The engine's question after every commit."""
    assert claiming.claim(make_world().services, limit=8) == []


def test_a_walk_through_an_index_is_a_walk_and_so_is_one_under_another_name() -> None:
    walks = [
        "SCAN event",
        "SCAN event USING INDEX ix_event_recorded",
        "SCAN call_1 USING COVERING INDEX ix_call_received",
        "SEARCH audit USING INDEX ix_audit_at (facility_id=?)",
    ]
    others = [
        "SEARCH event USING INDEX ix_event_recorded (facility_id=? AND recorded_at>?)",
        "MATERIALIZE last_sealed",
        "SCAN last_sealed",
        "SCAN staff USING INDEX pk_staff",
        "SEARCH staff USING COVERING INDEX sqlite_autoindex_staff_3 (facility_id=?)",
    ]
    assert _walks(walks + others) == walks
    assert _walks(walks, {"SCAN event": "a reason"}) == walks[2:]


def test_a_pack_reads_its_own_days_and_the_lines_of_its_own_incidents(sqlite_world: World) -> None:
    live_two_days(sqlite_world)
    day = sqlite_world.clock.now().astimezone(sqlite_world.services.zone).date()
    listener = Listener(sqlite_world.uow.engine)
    with sqlite_world.uow.read() as session, zipfile.ZipFile(io.BytesIO(), "w") as archive:
        pack = PackWriter(archive)
        write_record(session, pack, facility="KWK", name="Kwamki", first=day - timedelta(days=3), last=day)
    assert {"events.jsonl", "calls.jsonl"} <= {name.rpartition("/")[2] for name in pack.sums}
    lines = _plans(sqlite_world.uow.engine, listener.asked)
    assert _walks(lines) == []
    leaves = [line for line in lines if line.startswith("SEARCH seal_leaf")]
    assert leaves
    assert all("(facility_id=? AND day" in line for line in leaves)
    assert any("event USING" in line and "(incident_id=? AND sequence<?)" in line for line in lines)
    assert any("call USING" in line and "(id=?)" in line for line in lines)


def test_the_papers_of_a_pack_read_what_lies_in_their_period(sqlite_world: World) -> None:
    sqlite_world.resident().rings()
    sources = Sources(facility=TestFacility())
    with sqlite_world.uow.read() as session:
        found = read(session, sources=sources, period=parse_period("2026-11"))
        listener = Listener(sqlite_world.uow.engine)
        update_log.read(session, found, sources=sources)
        read_impact(session, found, sources.facility)
    lines = _plans(sqlite_world.uow.engine, listener.asked)
    first = "SEARCH incident USING INDEX ix_incident_received (facility_id=?)"
    assert _walks(lines, {first: "the day on which the record began: the first row of the index"}) == []
    for index in ("ix_audit_at", "ix_event_recorded", "ix_call_received", "ix_incident_received"):
        assert any(index in line and ">" in line and "<" in line for line in lines), index


def test_the_notice_of_a_breach_walks_only_what_it_counts_whole(sqlite_world: World) -> None:
    sqlite_world.resident().rings()
    sqlite_world.works()
    listener = Listener(sqlite_world.uow.engine)
    now = sqlite_world.clock.now()
    with sqlite_world.uow.read() as session:
        read_known(session, "KWK", now - timedelta(hours=1), now + timedelta(hours=1))
    lines = _plans(sqlite_world.uow.engine, listener.asked)
    whole = (
        "counts everything that stood there before an instant that is nearly always now: nearly every row, "
        "and whether something personal is left of it stands in no index. It is asked for by hand, once"
    )
    allowed = {
        "SCAN delivery": whole,
        "SCAN link": whole,
        "SCAN private_value": whole,
        "SCAN complaint_note": whole,
        "SEARCH idempotency USING INDEX": whole,
        "SEARCH survey_response USING INDEX": whole,
        "SEARCH survey_opt_out USING INDEX": whole,
    }
    assert _walks(lines, allowed) == []
    assert set(allowed) == {step for step in allowed for line in lines if line.startswith(step)}, "not needed"
    of_acts = [line for line in lines if " audit " in line]
    assert of_acts
    assert all("ix_audit_at (facility_id=? AND at>?" in line for line in of_acts)
