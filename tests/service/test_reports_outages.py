"""Outages in the report: each as it was, their time together counted once, the share of the period."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from lxml import html
from sqlalchemy import update

from dashboards.i18n import Language
from dashboards.queries.outages import Stretch, interruptions
from dashboards.reports.periods import parse_period
from dashboards.reports.response_times import Format, read, render
from dashboards.reports.sources import Sources
from dispatch.domain.vocabulary import OutageCause
from dispatch.service.invariants import RECONCILE_PULSES
from models.facility import Facility
from models.traffic import Outage, Pulse
from tests.api_world import World, world

OCTOBER = datetime(2026, 9, 30, 15, 0, tzinfo=UTC)
"""Midnight of 1 October at the facility."""

HOUR = timedelta(hours=1)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


def was_away(here: World, cause: OutageCause, from_at: datetime, until_at: datetime, **details: str) -> None:
    here.writes(
        Outage(
            id=here.services.ids.new_id(),
            facility_id=here.facility.code,
            cause=str(cause),
            from_at=from_at,
            until_at=until_at,
            noticed_at=until_at,
            details=details,
        )
    )


def rendered(here: World, how: Format, period: str = "2026-10") -> str:
    sources = Sources(facility=here.facility)
    with here.services.uow.read() as session:
        found = read(session, sources=sources, period=parse_period(period), as_of=here.clock.now())
    return render(found, sources=sources, format=how, language=Language.ID).decode()


def a_bad_october(here: World) -> None:
    day = OCTOBER + timedelta(days=9)
    was_away(here, OutageCause.SILENT, day, day + 2 * HOUR)
    # Inside the silence, and half an hour longer.
    was_away(here, OutageCause.PROVIDER, day + HOUR, day + 2.5 * HOUR, provider="twilio")
    was_away(here, OutageCause.CLOCK, day + 5 * HOUR, day + 6 * HOUR)
    # Reaches into the month; and one that does not belong to it.
    was_away(here, OutageCause.STOPPED, OCTOBER - HOUR, OCTOBER + HOUR)
    was_away(here, OutageCause.STOPPED, OCTOBER - 9 * HOUR, OCTOBER - 8 * HOUR)


def test_json_has_every_outage_and_their_share(here: World) -> None:
    a_bad_october(here)
    found = json.loads(rendered(here, Format.JSON))["outages"]
    assert found["away_s"] == 3.5 * 3600
    assert found["share"] == pytest.approx(3.5 / (31 * 24))
    assert [(each["cause"], each["provider"], each["duration_s"]) for each in found["stretches"]] == [
        ("stopped", None, 7200.0),
        ("silent", None, 7200.0),
        ("provider", "twilio", 5400.0),
        ("clock", None, 3600.0),
    ]
    assert found["stretches"][0]["from"] == "2026-09-30T14:00:00.000+00:00"


def test_csv_has_a_row_for_each(here: World) -> None:
    a_bad_october(here)
    rows = list(csv.DictReader(io.StringIO(rendered(here, Format.CSV))))
    total, *each = [row for row in rows if row["section"] == "outages"]
    assert (total["key"], total["count"], total["duration_s"]) == ("total", "4", "12600.0")
    assert [(row["key"], row["group"], row["duration_s"]) for row in each][2] == (
        "provider",
        "twilio",
        "5400.0",
    )
    assert each[0]["to"] == "2026-09-30T16:00:00.000+00:00"


def test_the_page_tells_them_in_words(here: World) -> None:
    assert "Tidak ada yang tercatat." in words(rendered(here, Format.HTML))
    a_bad_october(here)
    page = words(rendered(here, Format.HTML))
    assert "tidak berjalan selama 3 jam 30 mnt, yaitu 0,47 % dari waktu yang dicakup catatan" in page
    assert "penyedia telepon tidak menjawab (twilio)" in page
    assert "program tidak berjalan, atau listrik padam" in page


def test_of_a_period_that_still_runs_only_what_has_passed_counts(here: World) -> None:
    """The world's clock stands at noon of 23 November: 22 days and a few hours of November have passed."""
    now = here.clock.now()
    was_installed(here, OCTOBER)
    was_away(here, OutageCause.SILENT, now - HOUR, now)
    found = json.loads(rendered(here, Format.JSON, "2026-11"))["outages"]
    passed_s = (now - datetime(2026, 10, 31, 15, 0, tzinfo=UTC)).total_seconds()
    assert found["share"] == pytest.approx(3600 / passed_s)


def test_time_before_the_record_began_is_no_time_in_which_the_service_ran(here: World) -> None:
    begun = OCTOBER + timedelta(days=21)
    was_installed(here, begun)
    was_away(here, OutageCause.SILENT, begun + HOUR, begun + 25 * HOUR)
    assert json.loads(rendered(here, Format.JSON))["outages"]["share"] == pytest.approx(1 / 10)
    assert json.loads(rendered(here, Format.JSON))["begun_at"] == "2026-10-21T15:00:00.000+00:00"
    assert "Catatan dimulai pada 22 Okt 2026" in words(rendered(here, Format.HTML))


def test_whether_calls_of_that_time_were_found_is_said_as_far_as_it_is_known(here: World) -> None:
    was_away(here, OutageCause.SILENT, OCTOBER, OCTOBER + HOUR)
    assert "Tidak diketahui apakah ada yang menelepon" in words(rendered(here, Format.HTML))
    here.writes(Pulse(name=f"{RECONCILE_PULSES}twilio", at=OCTOBER + HOUR, details={}))
    page = words(rendered(here, Format.HTML))
    assert "0 panggilan periode ini ditemukan dalam catatan penyedia" in page
    assert "Tidak diketahui apakah" not in page
    here.writes(Pulse(name=f"{RECONCILE_PULSES}gsm", at=OCTOBER, details={}))
    assert "Tidak diketahui apakah" in words(rendered(here, Format.HTML)), "one log was not read so far"


def was_installed(here: World, at: datetime) -> None:
    with here.services.uow.write() as session:
        session.execute(update(Facility).values(created_at=at))


@pytest.mark.parametrize(
    ("spans", "away_s"),
    [
        ([], 0),
        ([(0, 10)], 10),
        ([(0, 10), (0, 10)], 10),
        ([(0, 10), (5, 20), (6, 8)], 20),
        ([(5, 8), (0, 3)], 6),
        ([(-10, 5), (95, 200)], 10),
        ([(-20, -10), (110, 120)], 0),
        ([(-20, 200)], 100),
    ],
)
def test_each_second_counts_once_and_only_inside_the_span(spans: list[tuple[int, int]], away_s: int) -> None:
    stretches = [
        Stretch(
            cause="silent",
            from_at=OCTOBER + timedelta(seconds=begin),
            until_at=OCTOBER + timedelta(seconds=end),
        )
        for begin, end in spans
    ]
    found = interruptions(stretches, OCTOBER, OCTOBER + timedelta(seconds=100))
    assert (found.away_s, found.share) == (away_s, away_s / 100)


def test_a_span_of_no_length_has_no_share() -> None:
    assert interruptions([], OCTOBER, OCTOBER).share == 0.0


def words(page: str) -> str:
    return " ".join(str(html.fromstring(page).text_content()).split())
