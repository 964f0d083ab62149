"""Which backups are kept."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain.rotation import kept

ZONE = ZoneInfo("Asia/Jayapura")
NIGHT = datetime(2026, 11, 23, 17, 15, tzinfo=UTC)
"""02:15 on the 24th in Jayapura."""


def nights(count: int) -> list[datetime]:
    return [NIGHT - timedelta(days=back) for back in range(count)]


def test_a_year_of_nights_leaves_two_weeks_and_the_first_of_each_month() -> None:
    stay = kept(nights(500), days=14, zone=ZONE)
    assert set(nights(14)) <= stay
    firsts = sorted(at.astimezone(ZONE) for at in stay - set(nights(14)))
    assert [at.day for at in firsts] == [1] * 12
    assert len({(at.year, at.month) for at in firsts}) == 12


def test_of_several_on_one_day_the_newest_stays() -> None:
    by_hand = NIGHT + timedelta(hours=9)
    later = NIGHT + timedelta(hours=10)
    before = NIGHT - timedelta(days=40)
    assert kept([before, NIGHT, by_hand, later], days=2, zone=ZONE) == {before, NIGHT, later}


def test_the_day_is_the_facilitys() -> None:
    at_dawn, at_noon = NIGHT.replace(day=1, hour=16), NIGHT.replace(day=1, hour=23)
    earlier = NIGHT - timedelta(days=60)
    stay = kept([earlier, NIGHT.replace(day=1, hour=14), at_dawn, at_noon], days=1, zone=ZONE)
    assert at_dawn in stay or at_noon in stay
    assert at_noon in stay


def test_what_is_old_stays_when_nothing_came_after() -> None:
    last_year = [at - timedelta(days=400) for at in nights(14)]
    assert set(last_year) <= kept(last_year, days=14, zone=ZONE)


INSTANTS = st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds of naive ones


@given(made=INSTANTS, days=st.integers(1, 40))
def test_rotation_keeps_enough_and_settles(made: list[datetime], days: int) -> None:
    stay = kept(made, days=days, zone=ZONE)
    assert stay <= set(made)
    assert len(stay) <= days + 12
    assert not made or max(made) in stay
    assert kept(stay, days=days, zone=ZONE) == stay, "a second look deletes nothing more"
