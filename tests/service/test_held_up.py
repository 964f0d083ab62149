"""What another session holds in PostgreSQL holds up one incident at most, and none of ours holds it long."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from dispatch.domain.commands import Action
from models.session import CALLERS, COMMAND, DESK, ENDLESS, LIVE, Patience, open_database, was_held_up
from models.traffic import Pace
from models.unit_of_work import UnitOfWork
from tests.builders import policy, tier
from tests.world import PHONES, World

RESIDENTS = ("+628119999001", "+628119999002")
SOON_MS = 300
"""Instead of five seconds: a test says in its address what it wants to wait."""

PATIENCE_S = 15.0

PAUSE = threading.Event()
"""Nobody sets it."""


@pytest.fixture
def world(postgresql_database_url: str) -> Iterator[World]:
    plan = policy(
        tier("jaga", at_once=1, within_s=10), tier("cadangan", at_once=1, within_s=10), second_ring_s=10
    )
    world = World(postgresql_database_url, plan=plan, calls_per_second=1.0)
    yield world
    assert world.findings() == []
    world.close()


@contextmanager
def holding(world: World, statement: str) -> Iterator[None]:
    """Somebody at a terminal of the database has begun something, and does not end it."""
    engine = create_engine(world.uow.engine.url, poolclass=NullPool)
    with engine.connect() as other:
        other.execute(text(statement))
        yield
        other.rollback()


def settings_of(url: str, patience: Patience) -> dict[str, str]:
    """What the server says of a session of ours."""
    names = (
        *("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"),
        *("plan_cache_mode", "enable_seqscan", "jit"),
    )
    engine = open_database(url, pool_size=1, patience=patience)
    with engine.connect() as connection:
        found = {name: str(connection.scalar(text(f"SHOW {name}"))) for name in names}
    engine.dispose()
    return found


# --- what our own sessions are given --------------------------------------------------------------


def test_each_kind_of_work_has_its_own_patience(postgresql_database_url: str) -> None:
    told = {
        name: tuple(settings_of(postgresql_database_url, patience).values())
        for name, patience in (
            *(("callers", CALLERS), ("live", LIVE), ("desk", DESK)),
            *(("command", COMMAND), ("endless", ENDLESS)),
        )
    }
    assert told == {
        "callers": ("5s", "1200ms", "5s", "force_generic_plan", "off", "off"),
        "live": ("5s", "1200ms", "5s", "auto", "on", "on"),
        "desk": ("5s", "1200ms", "0", "auto", "on", "on"),
        "command": ("1min", "0", "0", "auto", "on", "on"),
        "endless": ("0", "0", "0", "auto", "on", "on"),
    }


def test_what_the_address_says_counts_more(postgresql_database_url: str) -> None:
    url = make_url(postgresql_database_url).update_query_dict({"options": "-c lock_timeout=7s"})
    told = settings_of(url.render_as_string(hide_password=False), LIVE)
    assert (told["lock_timeout"], told["statement_timeout"]) == ("7s", "5s")


def test_whoever_only_reads_may_compute_between_two_statements(postgresql_database_url: str) -> None:
    engine = open_database(postgresql_database_url, pool_size=1, patience=COMMAND)
    shown = text("SHOW idle_in_transaction_session_timeout")
    uow = UnitOfWork(engine)
    with uow.read() as session:
        assert session.scalar(shown) == "0"
    with uow.write() as session:
        assert session.scalar(shown) == "1min", "what it lifted, it lifted for that one transaction"
    engine.dispose()


def test_a_transaction_whose_client_is_frozen_is_given_up_and_the_ladder_goes_on(world: World) -> None:
    world.resident().rings()
    world.works()
    impatient = f"-c idle_in_transaction_session_timeout={SOON_MS}ms"
    url = make_url(world.uow.engine.url).update_query_dict({"options": impatient})
    frozen = open_database(url.render_as_string(hide_password=False), pool_size=1)
    connection = frozen.raw_connection()
    connection.cursor().execute("SELECT id FROM incident FOR UPDATE")
    world.hand.advance(10)
    waited = threading.Event()
    for _ in range(int(PATIENCE_S / 0.05)):
        world.works()
        if PHONES["N02"] in world.provider.rung or waited.wait(0.05):
            break
    assert PHONES["N02"] in world.provider.rung
    connection.invalidate()
    frozen.dispose()


# --- what somebody else holds ---------------------------------------------------------------------


def test_a_first_alert_leaves_although_somebody_holds_the_pace(world: World) -> None:
    with world.uow.write() as session:
        session.add(Pace(provider="fake", free_at=world.hand.now()))
    with holding(world, "SELECT * FROM pace FOR UPDATE"):
        world.resident().rings()
        world.works()
        assert PHONES["N01"] in world.provider.rung


def test_a_repeat_waits_until_the_pace_is_let_go(world: World) -> None:
    world.resident().rings()
    world.works()
    rung = len(world.provider.rung)
    with holding(world, "SELECT * FROM pace FOR UPDATE"):
        world.hand.advance(10)
        world.works()
        repeats = [row for row in world.deliveries(state="pending") if row.details.get("turn", 1) != 1]
        assert repeats
        assert all(row.next_attempt_at > world.hand.now() for row in repeats)
    world.passes(3)
    assert len(world.provider.rung) > rung


def test_what_is_held_of_one_incident_does_not_hold_up_another(world: World) -> None:
    first, second = (world.resident(number).rings(f"CA-{number}").incident_id for number in RESIDENTS)
    world.works()
    world.hand.advance(10)
    lines = {one: len(world.lines(one)) for one in (first, second)}
    held = f"SELECT * FROM deadline WHERE incident_id = '{first}' FOR UPDATE"
    with holding(world, held):
        world.engine.fire_due()
        assert len(world.lines(first)) == lines[first]
        assert len(world.lines(second)) > lines[second]
    world.engine.fire_due()
    assert len(world.lines(first)) > lines[first], "its deadline was still there"


def test_a_call_does_not_wait_for_ever_when_openings_are_held(world: World) -> None:
    with holding(world, "SELECT * FROM facility FOR UPDATE"):
        with pytest.raises(DBAPIError) as refused:
            world.resident().rings()
        assert was_held_up(refused.value)
    assert world.incidents() == []
    world.desk(world.resident().rings().incident_id, Action.ACCEPT, "N01")


def test_a_round_that_waited_in_vain_is_no_outage(world: World) -> None:
    """Somebody builds an index: the database is there, and what is due goes out when they are through."""
    world.resident().rings()
    with holding(world, "LOCK TABLE delivery IN EXCLUSIVE MODE"), capture_logs() as logs:
        world.engine.start()
        said = (any(line["event"] == "engine.round_held_up" for line in logs) for _ in range(300))
        assert any(is_so or PAUSE.wait(0.05) for is_so in said)
        assert "engine.database_away" not in [line["event"] for line in logs]
    assert world.provider.waits_for(lambda provider: bool(provider.rung))
    world.engine.stop()


def test_only_what_was_waited_for_in_vain_counts_as_held(world: World) -> None:
    with pytest.raises(DBAPIError) as refused, world.uow.write() as session:
        session.execute(text("SELECT 1 / 0"))
    assert not was_held_up(refused.value)
