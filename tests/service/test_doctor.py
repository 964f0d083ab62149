"""The examination of an installation: what is doubtful and what is wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.demo import load_sample
from config.doctor import Check, State, examine
from config.facility import FacilityConfig, load_facility
from config.policy import load_policy
from config.settings import Settings, load_settings
from models.session import open_database
from models.traffic import Pulse
from models.unit_of_work import UnitOfWork
from telephony.journal import Journal, NeverApplicableError
from tests.fakes.clock import FakeClock
from tests.fakes.counting_ids import CountingIds

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TWILIO = {
    "SIAGA_TELEPHONY": "twilio",
    "SIAGA_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
    "SIAGA_TWILIO_AUTH_TOKEN": "token of the tests",
    "SIAGA_TWILIO_NUMBER": "+62811000911",
}


@pytest.fixture
def facility() -> FacilityConfig:
    return load_facility()


@pytest.fixture
def uow(database_url: str, facility: FacilityConfig) -> Iterator[UnitOfWork]:
    """A database with the sample facility in it."""
    engine = open_database(database_url, pool_size=2)
    uow = UnitOfWork(engine)
    load_sample(uow=uow, ids=CountingIds(), clock=FakeClock(NOW), facility=facility)
    yield uow
    engine.dispose()


def settings_for(url: str, folder: Path, environ: dict[str, str]) -> Settings:
    key = {"SIAGA_SECRET_KEY": "a key that is long enough"}
    return load_settings({"SIAGA_DATABASE_URL": url, "SIAGA_DATA_DIR": str(folder)} | key | environ)


def examined(
    url: str, folder: Path, environ: dict[str, str] | None = None, *, now: datetime = NOW
) -> dict[str, list[Check]]:
    """The checks by subject."""
    found: dict[str, list[Check]] = {}
    settings = settings_for(url, folder, environ or {})
    for check in examine(settings=settings, facility=load_facility(), policy=load_policy(), now=now):
        found.setdefault(check.subject, []).append(check)
    return found


def states(checks: list[Check]) -> list[State]:
    return [check.state for check in checks]


def test_the_sample_is_all_right_but_for_real_calls_and_an_engine(
    database_url: str, uow: UnitOfWork, tmp_path: Path
) -> None:
    found = examined(database_url, tmp_path)
    assert states(found["roster"]) == [State.OK] * 3
    assert {name: states(found[name]) for name in ("settings", "database", "clock")} == {
        "settings": [State.OK],
        "database": [State.OK],
        "clock": [State.OK],
    }
    assert states(found["telephony"]) == [State.DOUBTFUL]
    assert states(found["engine"]) == [State.DOUBTFUL]


def test_a_roster_that_ends_is_doubtful_and_an_empty_one_wrong(
    database_url: str, uow: UnitOfWork, tmp_path: Path
) -> None:
    last_day = examined(database_url, tmp_path, now=NOW + timedelta(days=14))["roster"]
    assert states(last_day) == [State.DOUBTFUL] * 3 + [State.WRONG]
    assert "08.12. 08:00" in last_day[0].text


@pytest.mark.parametrize(("age_s", "state"), [(5, State.OK), (61, State.WRONG)])
def test_an_engine_must_have_shown_itself_lately(
    database_url: str, uow: UnitOfWork, tmp_path: Path, age_s: int, state: State
) -> None:
    with uow.write() as session:
        session.add(Pulse(name="engine", at=NOW - timedelta(seconds=age_s), details={}))
    assert states(examined(database_url, tmp_path)["engine"]) == [state]


def test_a_clock_that_was_reset_is_wrong(database_url: str, uow: UnitOfWork, tmp_path: Path) -> None:
    found = examined(database_url, tmp_path, now=datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    assert states(found["clock"]) == [State.WRONG]


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("https://siaga.example.org", State.OK),
        ("http://siaga.example.org", State.WRONG),
        ("http://127.0.0.1:8911", State.WRONG),
        ("https://localhost", State.WRONG),
        ("https://[::1]", State.WRONG),
    ],
)
def test_a_provider_needs_an_address_that_it_can_reach_safely(
    sqlite_database_url: str, tmp_path: Path, address: str, state: State
) -> None:
    found = examined(sqlite_database_url, tmp_path, {**TWILIO, "SIAGA_PUBLIC_URL": address})
    assert states(found["telephony"]) == [State.OK]
    assert states(found["public url"]) == [state]


def test_a_database_without_tables_or_answer_is_wrong(empty_database_url: str, tmp_path: Path) -> None:
    assert states(examined(empty_database_url, tmp_path)["database"]) == [State.WRONG]
    away = "postgresql+psycopg://siaga:very-secret@127.0.0.1:9/siaga"
    [check] = examined(away, tmp_path)["database"]
    assert check.state is State.WRONG
    assert "very-secret" not in check.text


def test_what_waits_in_the_journal_is_said(sqlite_database_url: str, tmp_path: Path) -> None:
    def check() -> Check:
        (found,) = examined(sqlite_database_url, tmp_path)["journal"]
        return found

    assert (check().state, check().text) == (State.OK, "nothing waits")
    journal = Journal(tmp_path / "journal")
    journal.keep(kind="voice", path="/telephony/voice", form={}, at=NOW)
    assert check().state is State.WRONG
    assert check().text == "1 requests wait, the oldest since 2026-11-23 12:00:00 UTC"

    def never(*_request: object) -> None:
        raise NeverApplicableError

    journal.drain(never)
    assert check().state is State.DOUBTFUL
    assert "1 laid aside" in check().text
    (tmp_path / "journal" / "requests.jsonl").mkdir()
    assert check().state is State.WRONG
