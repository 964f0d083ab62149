"""The response-time report against numbers made by hand (DOMAIN 2.2), and what it says of little."""

import csv
import gettext
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from babel.messages.extract import extract_from_dir
from lxml import html

from dashboards.i18n import Language
from dashboards.queries import behind
from dashboards.queries.report_lines import WantedLines, incidents_of
from dashboards.reports import chapters_record, chapters_times
from dashboards.reports.catalogues import report_catalogue
from dashboards.reports.contents import Report, build
from dashboards.reports.periods import PeriodError, parse_period
from dashboards.reports.response_times import Format, Read, read, render
from dashboards.reports.sources import Sources
from dispatch.domain.events import Kind
from dispatch.domain.response_times import INTERVALS
from dispatch.domain.vocabulary import Source
from models.record import Event
from tests.api_world import NOON, World, past_call, past_incident, world

OCTOBER = NOON.replace(month=10, day=5)
SECONDS = (180, 210, 240, 300, 330, 360, 420, 480, 600, 1500)
"""DOMAIN 2.2: median 345, P90 by nearest rank 600."""


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


def rendered(here: World, period: str, how: Format, language: Language = Language.ID) -> str:
    return render(found(here, period), sources=sources(here), format=how, language=language).decode()


def sources(here: World) -> Sources:
    return Sources(facility=here.facility)


def found(here: World, period: str, before: str | None = None) -> Read:
    with here.services.uow.read() as session:
        return read(
            session,
            sources=sources(here),
            period=parse_period(period),
            before=None if before is None else parse_period(before),
            as_of=here.clock.now(),
        )


def built(here: World, period: str) -> Report:
    with here.services.uow.read() as session:
        return build(session, facility=here.facility, period=parse_period(period), as_of=here.clock.now())


def words(page: str) -> str:
    return " ".join(str(html.fromstring(page).text_content()).split())


def october(here: World, *, times: int = 1, first: int = 100) -> None:
    """Ten arrivals, as many times as asked, one without, a drill, a test, a duplicate, and calls."""
    number = iter(range(first, 900))
    for _ in range(times):
        for seconds in SECONDS:
            at = OCTOBER + timedelta(seconds=seconds)
            here.writes(past_incident(here, next(number), OCTOBER, accepted_at=OCTOBER, on_scene_at=at))
    late = OCTOBER + timedelta(seconds=9999)
    here.writes(
        past_incident(here, next(number), OCTOBER, accepted_at=OCTOBER, en_route_at=OCTOBER),
        past_incident(here, next(number), OCTOBER, on_scene_at=late, is_drill=True),
        past_incident(here, next(number), OCTOBER, on_scene_at=late, outcome="test"),
        past_incident(here, next(number), OCTOBER, on_scene_at=late, outcome="duplicate"),
        past_incident(here, next(number), OCTOBER.replace(month=11), on_scene_at=NOON),
        past_call(here, OCTOBER, "incident", answered_at=OCTOBER + timedelta(seconds=15)),
        past_call(here, OCTOBER, "incident", answered_at=OCTOBER + timedelta(seconds=15.001)),
        past_call(here, OCTOBER, "abandoned"),
        past_call(here, OCTOBER, "prank", answered_at=OCTOBER + timedelta(seconds=2)),
        past_call(here, OCTOBER, "ghost", channel="sms"),
        past_call(here, OCTOBER, "test", answered_at=OCTOBER + timedelta(seconds=1)),
        past_call(here, OCTOBER.replace(month=11), "prank"),
    )


def test_the_numbers_are_those_made_by_hand(here: World) -> None:
    october(here)
    report = built(here, "2026-10")
    response = report.tables.total.intervals["response"]
    assert (response.count, response.recorded, response.not_recorded) == (11, 10, 1)
    assert (response.median_s, response.p90_s) == (345, 600)
    assert (response.target_s, response.within_target) == (600, 9)
    assert response.share_low == pytest.approx(0.5958, abs=5e-5)
    assert response.share_high == pytest.approx(0.9821, abs=5e-5)
    assert (report.tables.drills.incidents, report.tables.tests, report.tables.duplicates) == (1, 1, 1)
    assert (report.tables.accepted, report.tables.complete) == (11, 0)


def test_every_call_is_counted_by_its_ending(here: World) -> None:
    october(here)
    report = built(here, "2026-10")
    ended = {outcome: count for outcome, count in report.calls.items() if count}
    assert ended == {"incident": 2, "abandoned": 1, "prank": 1, "ghost": 1, "test": 1}
    assert set(report.calls) >= {"silent", "wrong_number", "information", "joined"}
    assert (report.calls_total, report.not_genuine) == (6, 2)
    # The abandoned call is in the denominator; the text and the test are not.
    answering = report.answering
    assert (answering.offered, answering.answered, answering.within) == (4, 3, 2)
    assert (answering.abandoned, answering.standard) == (1, {15: 2, 20: 3})
    assert answering.part is not None
    assert answering.part.share == 0.5


def test_answer_times_that_were_assumed_are_counted(here: World) -> None:
    told, assumed, corrected = (past_incident(here, number, OCTOBER) for number in (100, 101, 102))
    here.writes(told, assumed, corrected)
    lines: list[tuple[str, int, dict[str, object]]] = [
        (told.id, 1, {"call_id": "a"}),
        (assumed.id, 1, {"call_id": "b", "assumed": True}),
        (corrected.id, 1, {"call_id": "c", "assumed": True}),
        (corrected.id, 2, {"call_id": "c", "corrects": 1}),
    ]
    here.writes(
        *(
            Event(
                incident_id=incident_id,
                sequence=sequence,
                facility_id=here.facility.code,
                kind="call.answered",
                occurred_at=OCTOBER,
                recorded_at=OCTOBER,
                source="engine",
                actor="engine",
                data=data,
                private={},
                previous="0" * 64,
                hash="0" * 64,
            )
            for incident_id, sequence, data in lines
        )
    )
    assert built(here, "2026-10").assumed_answers == 1
    assert "dengan penelepon tidak dilaporkan. 1" in words(rendered(here, "2026-10", Format.HTML))
    span = parse_period("2026-10").span(here.facility.zone)
    wanted = WantedLines(kind=Kind.CALL_ANSWERED, source=Source.ENGINE, is_assumed=True)
    with here.services.uow.read() as session:
        found = incidents_of(session, here.facility.code, span, wanted, first=0, limit=10)
        calls = list(behind.calls(session, here.facility.code, span))
    assert (found, calls) == ([(assumed.id, 1)], [])


def test_json_says_everything(here: World) -> None:
    october(here)
    found = json.loads(rendered(here, "2026-Q4", Format.JSON))
    assert (found["period"], found["method"], found["few"]) == ("2026-Q4", "nearest-rank", 20)
    assert (found["from"], found["to"]) == (
        "2026-09-30T15:00:00.000+00:00",
        "2026-12-31T15:00:00.000+00:00",
    )
    assert found["facility"] == {"code": "KWK", "name": "Puskesmas Kwamki", "zone": "Asia/Jayapura"}
    assert found["targets_s"] == {"answer": 15.0, "response": 600.0}
    assert [group["key"] for group in found["by"]["month"]] == ["2026-10", "2026-11"]
    assert found["by"]["month"][0]["intervals"]["response"]["recorded"] == 10
    assert set(found["total"]["intervals"]) == {interval.key for interval in INTERVALS}
    assert found["calls"]["total"] == 7


def test_json_gives_no_percentile_of_few_values_and_lists_them(here: World) -> None:
    october(here)
    few = json.loads(rendered(here, "2026-10", Format.JSON))["total"]["intervals"]["response"]
    assert (few["recorded"], few["median_s"], few["p90_s"], few["share_within"]) == (10, None, None, None)
    assert few["values_s"] == sorted(SECONDS)
    october(here, times=1, first=500)
    enough = json.loads(rendered(here, "2026-10", Format.JSON))["total"]["intervals"]["response"]
    assert (enough["recorded"], enough["median_s"], enough["p90_s"]) == (20, 345, 600)


def test_csv_lists_values_while_they_are_few(here: World) -> None:
    october(here)
    rows = list(csv.DictReader(io.StringIO(rendered(here, "2026-10", Format.CSV))))
    (row,) = [
        row
        for row in rows
        if row["section"] == "response_times" and row["key"] == "response" and not row["group_by"]
    ]
    assert (row["recorded"], row["median_s"], row["p90_s"], row["share_within"]) == ("10", "", "", "")
    assert row["values_s"] == "180 210 240 300 330 360 420 480 600 1500"
    assert (row["target_s"], row["within_target"], row["clock_start"]) == ("600.0", "9", "received_at")
    calls = {row["key"]: row["count"] for row in rows if row["section"] == "calls"}
    assert (calls["total"], calls["prank"], calls["silent"]) == ("6", "1", "0")


def test_csv_gives_percentiles_once_there_are_enough(here: World) -> None:
    october(here, times=2)
    rows = list(csv.DictReader(io.StringIO(rendered(here, "2026-10", Format.CSV))))
    (row,) = [
        row
        for row in rows
        if row["section"] == "response_times" and row["key"] == "response" and not row["group_by"]
    ]
    assert (row["recorded"], row["values_s"]) == ("20", "")
    assert row["p90_s"] == "600.0"
    assert row["method"] == "nearest-rank"


def test_the_page_shows_each_value_with_its_definition_and_target(here: World) -> None:
    october(here)
    page = words(rendered(here, "2026-10", Format.HTML))
    assert "Laporan waktu tanggap" in page
    assert "Dari dering pertama di layanan sampai tiba di lokasi." in page
    assert "Setiap nilai (mnt:dtk): 3:00; 3:30" in page
    assert "paling lama 10 mnt 0 dtk: 9 / 10" in page
    assert "95 %: 60 % s.d. 98 %" in page
    apart = "Dihitung terpisah, tidak masuk angka di atas."
    assert f"Latihan{apart} 1 Uji coba{apart} 1 Laporan ganda{apart} 1" in page
    assert "belum berakhir" not in page


def test_the_page_gives_percentiles_once_there_are_enough(here: World) -> None:
    october(here, times=2)
    page = words(rendered(here, "2026-10", Format.HTML))
    assert "5 mnt 45 dtk" in page
    assert "18 / 20 (90 %)" in page


def test_the_page_stands_alone(here: World) -> None:
    october(here)
    page = rendered(here, "2026-10", Format.HTML)
    tree = html.fromstring(page)
    assert not tree.xpath("//script | //link | //img | //@src | //@style")
    assert "http" not in page
    assert tree.xpath("//html/@lang") == ["id"]


def test_english_by_choice(here: World) -> None:
    october(here)
    page = words(rendered(here, "2026-10", Format.HTML, Language.EN))
    assert "Response-time report" in page
    assert "Each value (min:s): 3:00" in page


def test_a_period_without_anything_says_so(here: World) -> None:
    page = words(rendered(here, "2025-01", Format.HTML))
    assert "Tidak ada data dalam" in page
    found = json.loads(rendered(here, "2025-01", Format.JSON))
    assert (found["is_empty"], found["incidents"], found["calls"]["total"]) == (True, 0, 0)
    assert found["total"]["intervals"]["response"]["median_s"] is None
    assert "period" in rendered(here, "2025-01", Format.CSV)


def test_a_period_that_still_runs_says_so(here: World) -> None:
    assert "belum berakhir" in words(rendered(here, "2026-11", Format.HTML))


def test_text_of_people_is_shown_harmlessly(here: World) -> None:
    here.writes(past_incident(here, 100, OCTOBER, category="<script>alert(1)</script>", priority="=1+1"))
    assert "<script>" not in rendered(here, "2026-10", Format.HTML)
    assert ",=1+1" not in rendered(here, "2026-10", Format.CSV)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026-10", "2026-10-01", "2026-11-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
        ("2026-q1", "2026-01-01", "2026-04-01"),
        (" 2026 ", "2026-01-01", "2027-01-01"),
    ],
)
def test_periods_are_whole_months(text: str, first: str, after: str) -> None:
    period = parse_period(text)
    assert (period.first.isoformat(), period.after.isoformat()) == (first, after)


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-Q5", "2026-00", "26", "2026-1", "April 2026", "0000", "9999"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(PeriodError, match=re.escape(repr(text))):
        parse_period(text)


def test_every_sentence_of_the_report_is_translated() -> None:
    translations = report_catalogue(Language.ID)
    assert isinstance(translations, gettext.GNUTranslations)
    used = {interval.title for interval in INTERVALS} | {interval.definition for interval in INTERVALS}
    used |= {*chapters_times.TITLES.values(), *chapters_record.CHANGE_TITLES.values()}
    found = extract_from_dir(
        "dashboards/reports",
        method_map=[("**.py", "python")],
        keywords={"say": None, "note": None, "msgid": None},
    )
    used |= {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}
    assert len(used) > 150
    same_in_both = {
        "Median",
        "Target",
        "NIP %(number)s",
        "%(share)s %% (NENA-STA-020)",
        "%(middle)s; %(longest)s",
        "%(interval)s, median",
        "Program",
        "Status",
        "Total",
        "No.",
    }
    assert [text for text in sorted(used - same_in_both) if translations.gettext(text) == text] == []
