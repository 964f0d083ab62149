"""What was away, from when until when, and why as far as anybody can know: a fact of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from dispatch.domain.vocabulary import OutageCause
from dispatch.service import outages
from dispatch.service.outages import SILENT_AFTER, Heart
from models.traffic import Outage, Pulse
from tests.fakes.telephony import WAIT_S
from tests.world import World

HOUR_S = 3600.0


class Pendulum:
    """Counts seconds whatever the clock is set to; by default it goes with the hand of the world's clock."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def __call__(self) -> float:
        return self.at_s


class Beating:
    """An engine's heart in a world whose clock and pendulum a test moves together or apart."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pendulum = Pendulum()
        self.heart = self.another()

    def another(self) -> Heart:
        """The heart of another process."""
        return Heart(self.world.services, steady=self.pendulum)

    def passes(self, seconds: float) -> None:
        self.world.hand.advance(seconds)
        self.pendulum.at_s += seconds

    @property
    def found(self) -> list[tuple[str, float, float]]:
        """Cause, seconds since the start of the world, and length of each outage."""
        with self.world.uow.read() as session:
            rows = session.scalars(select(Outage).order_by(Outage.from_at)).all()
        return [
            (
                row.cause,
                (row.from_at - self.began_at).total_seconds(),
                (row.until_at - row.from_at).total_seconds(),
            )
            for row in rows
        ]

    def begins(self) -> None:
        self.began_at = self.world.clock.now()
        self.heart.beat()


@pytest.fixture
def beating(world: World) -> Beating:
    found = Beating(world)
    found.begins()
    return found


def test_a_steady_heart_leaves_no_outage(beating: Beating) -> None:
    for _ in range(5):
        beating.passes(SILENT_AFTER.total_seconds())
        beating.heart.beat()
    assert beating.found == []


def test_two_may_begin_in_the_same_instant(world: World) -> None:
    """One has written its first sign and not yet committed when the other comes to write its own."""
    other = world.restarted()
    writing = threading.Event()

    def sees(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO pulse"):
            writing.set()

    event.listen(other.uow.engine, "before_cursor_execute", sees)
    with ThreadPoolExecutor(1) as pool:
        with world.uow.write() as session:
            session.add(Pulse(name="engine", at=world.clock.now(), details={}))
            session.flush()
            beaten = pool.submit(Heart(other.services).beat)
            # SQLite lets the other wait before it looks.
            assert other.uow.is_sqlite or writing.wait(WAIT_S)
        beaten.result(WAIT_S)
    with world.uow.read() as session:
        assert session.scalars(select(Outage)).all() == []


def test_a_process_that_was_killed_or_lost_its_power_was_silent(beating: Beating) -> None:
    beating.passes(2 * HOUR_S)
    beating.another().beat()
    assert beating.found == [(OutageCause.SILENT, 0.0, 2 * HOUR_S)]


def test_an_engine_that_stood_still_says_so_itself(beating: Beating) -> None:
    beating.passes(SILENT_AFTER.total_seconds() + 1)
    beating.heart.beat()
    assert beating.found == [(OutageCause.SILENT, 0.0, 16.0)]


def test_a_stop_that_was_ordered_is_told_apart(beating: Beating) -> None:
    beating.passes(3)
    beating.heart.rest()
    beating.passes(HOUR_S)
    beating.another().beat()
    assert beating.found == [(OutageCause.STOPPED, 3.0, HOUR_S)]
    # The mark is gone with the next sign of life: the silence after it is no ordered stop.
    beating.passes(HOUR_S)
    beating.another().beat()
    assert [cause for cause, _, _ in beating.found] == [OutageCause.STOPPED, OutageCause.SILENT]


def test_while_another_engine_lives_nothing_was_away(beating: Beating) -> None:
    other = beating.another()
    for _ in range(4):
        beating.passes(5)
        other.beat()
    beating.heart.rest()
    beating.passes(5)
    other.beat()
    beating.heart.beat()
    assert beating.found == []


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
def test_a_clock_that_jumped_is_no_silence(beating: Beating, jump_s: float) -> None:
    beating.passes(5)
    beating.world.hand.advance(jump_s)
    beating.heart.beat()
    ((cause, _, length_s),) = beating.found
    assert (cause, length_s) == (OutageCause.CLOCK, max(0.0, jump_s))
    with beating.world.uow.read() as session:
        (row,) = session.scalars(select(Outage))
    assert row.details == {"jump_s": jump_s}
    beating.passes(5)
    beating.heart.beat()
    assert len(beating.found) == 1


def test_a_clock_that_went_back_while_nothing_ran_is_noticed(beating: Beating) -> None:
    beating.world.hand.advance(-HOUR_S)
    beating.another().beat()
    assert beating.found == [(OutageCause.CLOCK, -HOUR_S, 0.0)]
    with beating.world.uow.read() as session:
        pulse = session.get(Pulse, "engine")
    assert pulse is not None
    assert pulse.at == beating.world.clock.now()


def test_a_heart_that_found_no_database_says_so_afterwards(beating: Beating) -> None:
    with beating.world.uow.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE pulse RENAME TO gone")
    for _ in range(4):
        beating.passes(5)
        with pytest.raises(Exception, match="pulse"):
            beating.heart.beat()
    with beating.world.uow.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO pulse")
    beating.passes(5)
    beating.heart.beat()
    assert beating.found == [(OutageCause.DATABASE, 0.0, 25.0)]


def test_what_is_noticed_from_two_sides_is_one_stretch(beating: Beating) -> None:
    services = beating.world.services
    outages.database_was_away(services, since=beating.began_at - timedelta(seconds=60))
    beating.passes(30)
    outages.database_was_away(services, since=beating.began_at - timedelta(seconds=10))
    assert beating.found == [(OutageCause.DATABASE, -60.0, 90.0)]
    beating.passes(100)
    outages.database_was_away(services, since=beating.world.clock.now() - timedelta(seconds=5))
    assert len(beating.found) == 2
