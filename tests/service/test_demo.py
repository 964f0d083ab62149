"""The sample facility: always covered, fair, safe to load again; and a demo without settings."""

import stat
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from config.accounts import Accounts
from config.demo import (
    LOGINS,
    DemoRefusedError,
    load_command_settings,
    load_demo_settings,
    load_sample,
    require_own_database,
)
from config.facility import load_facility
from config.policy import load_policy
from config.sample_roster import planned
from config.settings import SecretKeyMissingError, SettingsError
from dashboards.passwords import password_matches
from dispatch.domain import roster
from dispatch.domain.vocabulary import UserRole
from dispatch.service.facilities import register_facility
from models.access import User
from models.facility import Shift, Staff
from models.session import open_database
from models.tables import Base
from models.unit_of_work import UnitOfWork
from tests.fakes.clock import FakeClock
from tests.fakes.counting_ids import CountingIds

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def uow(database_url: str) -> Iterator[UnitOfWork]:
    engine = open_database(database_url, pool_size=2)
    yield UnitOfWork(engine)
    engine.dispose()


def load(uow: UnitOfWork, at: datetime = NOW) -> None:
    load_sample(uow=uow, ids=CountingIds(), clock=FakeClock(at), facility=load_facility())


def shifts(uow: UnitOfWork) -> list[roster.Shift]:
    with uow.read() as session:
        rows = session.execute(select(Shift, Staff.code).join(Staff, Staff.id == Shift.staff_id))
        return [
            roster.Shift(staff_code=code, tier=row.tier, starts_at=row.starts_at, ends_at=row.ends_at)
            for row, code in rows
        ]


def test_every_tier_is_covered_from_yesterday_for_two_weeks(uow: UnitOfWork) -> None:
    load(uow)
    found = shifts(uow)
    for tier in load_policy().alerting.tiers:
        assert roster.gaps(found, tier.name, NOW - timedelta(days=1), NOW + timedelta(days=14)) == ()


def test_loading_again_changes_nothing_and_a_later_day_only_adds(uow: UnitOfWork) -> None:
    load(uow)
    before, count = sizes(uow), len(shifts(uow))
    load(uow)
    assert sizes(uow) == before
    # Identifiers go on where another process would: other ones than before.
    load_sample(uow=uow, ids=later_ids(), clock=FakeClock(NOW + timedelta(days=1)), facility=load_facility())
    assert len(shifts(uow)) == count + len(list(planned(date(2026, 12, 8), date(2026, 12, 8))))


def later_ids() -> CountingIds:
    ids = CountingIds()
    for _ in range(10_000):
        ids.new_id()
    return ids


def sizes(uow: UnitOfWork) -> dict[str, int]:
    with uow.read() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_the_log_ins_work_and_nobodys_password_is_reset(uow: UnitOfWork) -> None:
    load(uow)
    with uow.write() as session:
        session.scalars(select(User).where(User.username == "admin")).one().password_hash = "changed"
    load(uow)
    with uow.read() as session:
        hashes = {user.username: user.password_hash for user in session.scalars(select(User))}
    assert hashes.pop("admin") == "changed"
    passwords = {login.username: login.password for login in LOGINS}
    assert hashes
    assert all(password_matches(passwords[name], hashed) for name, hashed in hashes.items())


def test_work_is_shared_and_nobody_works_after_a_night() -> None:
    first = date(2026, 11, 1)
    plan = list(planned(first, first + timedelta(days=27)))
    hours = Counter[str]()
    for shift in plan:
        if shift.tier == "jaga" and shift.staff_code not in ("N13", "N14"):
            hours[shift.staff_code] += round((shift.ends - shift.starts).total_seconds() / 3600)
    assert len(hours) == 8
    assert len(set(hours.values())) == 1
    nights = {
        (s.staff_code, s.ends.date()) for s in plan if s.tier == "jaga" and s.ends.date() > s.starts.date()
    }
    mornings = {(s.staff_code, s.starts.date()) for s in plan if s.tier == "jaga"}
    assert not nights & mornings


def test_the_demonstration_makes_a_key_and_keeps_it(tmp_path: Path) -> None:
    environ = {"SIAGA_DATA_DIR": str(tmp_path / "var")}
    settings = load_demo_settings(environ, port=9000)
    file = tmp_path / "var" / "demo-secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert settings.secret_key.get_secret_value() == file.read_text(encoding="ascii")
    assert settings.public_url == "http://127.0.0.1:9000"
    assert load_demo_settings(environ, port=9000) == settings
    assert load_command_settings(environ).secret_key == settings.secret_key


def test_the_demonstration_respects_what_is_set(tmp_path: Path) -> None:
    environ = {
        "SIAGA_DATA_DIR": str(tmp_path),
        "SIAGA_SECRET_KEY": "a key that is long enough",
        "SIAGA_PUBLIC_URL": "https://demo.example.org",
    }
    settings = load_demo_settings(environ, port=9000)
    assert settings.public_url == "https://demo.example.org"
    assert settings.secret_key.get_secret_value() == "a key that is long enough"
    assert not (tmp_path / "demo-secret").exists()


def test_commands_need_a_key_where_no_demonstration_ran(tmp_path: Path) -> None:
    with pytest.raises(SecretKeyMissingError):
        load_command_settings({"SIAGA_DATA_DIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("telephony", ["twilio", "twilio,simulator"])
def test_the_demonstration_rings_no_real_phone_and_leaves_no_key(tmp_path: Path, telephony: str) -> None:
    environ = {
        "SIAGA_DATA_DIR": str(tmp_path),
        "SIAGA_TELEPHONY": telephony,
        "SIAGA_TWILIO_ACCOUNT_SID": "AC911",
        "SIAGA_TWILIO_AUTH_TOKEN": "a token",
        "SIAGA_TWILIO_NUMBER": "+62911000911",
    }
    with pytest.raises(SettingsError, match=r"^SIAGA_TELEPHONY: the demo rings simulated phones alone"):
        load_demo_settings(environ, port=9000)
    assert list(tmp_path.iterdir()) == []


def add_user(uow: UnitOfWork, name: str) -> None:
    facility = load_facility()
    clock = FakeClock(NOW)
    register_facility(
        uow=uow, clock=clock, code=facility.code, name=facility.name, timezone=facility.timezone
    )
    accounts = Accounts(uow=uow, ids=later_ids(), clock=clock, facility_id=facility.code, actor="cli")
    accounts.add_user(name, "rahasia sekali", UserRole.ADMIN)


def test_the_demonstration_takes_an_empty_database_and_its_own_with_whoever_joined_it(
    uow: UnitOfWork,
) -> None:
    require_own_database(uow)
    load(uow)
    require_own_database(uow)
    add_user(uow, "maria")
    require_own_database(uow)


def test_the_demonstration_keeps_away_from_a_database_with_an_account_of_its_own_names(
    uow: UnitOfWork,
) -> None:
    add_user(uow, "admin")
    with pytest.raises(DemoRefusedError, match="staff or users who are not the demo's"):
        require_own_database(uow)
