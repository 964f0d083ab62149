"""Several engines on one database: all work on PostgreSQL, one by a lease on SQLite, nothing twice."""

import os
import subprocess
from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import make_url, select
from sqlalchemy.event import listen

from dispatch.adapters.clock import SystemClock
from dispatch.domain.commands import Action
from dispatch.domain.escalation import Due
from dispatch.domain.vocabulary import AlertChannel, Outcome
from dispatch.service import alert_calls, claiming, intake, outbox, progress
from dispatch.service.claiming import Claimed
from dispatch.service.engine import Engine
from dispatch.service.engine_lease import LEASE_S, MARGIN_S, NAME, RENEW_EVERY_S, EngineLease
from dispatch.service.processes import name_of_this_process
from models.incident import Incident as IncidentRow
from models.traffic import Delivery, Lease, Pulse
from tests.builders import policy, tier
from tests.service.conftest import MakeWorld
from tests.world import PHONES, TEAM, World, at_once

LOCK_WITHIN_MS = 2000
N01 = PHONES["N01"]
QUICK = policy(tier("jaga", at_once=2, within_s=0.1))


def lease_of(world: World) -> EngineLease:
    """One process's part in the lease; durations pass with the clock by hand."""
    return EngineLease(world.services, monotonic=lambda: world.hand.now().timestamp())


def engine_of(world: World) -> Engine:
    return Engine(world.services, world.sender, lease=lease_of(world))


# --- the lease ------------------------------------------------------------------------------------


def test_one_of_two_holds_it_as_long_as_it_renews(world: World) -> None:
    one, other = lease_of(world), lease_of(world.restarted())
    assert [one.renew(), other.renew()] == [True, False]
    for _ in range(10):
        world.hand.advance(RENEW_EVERY_S)
        assert [one.renew(), other.renew()] == [True, False]


def test_another_takes_over_when_the_holder_is_dead(world: World) -> None:
    dead, other = lease_of(world), lease_of(world.restarted())
    dead.renew()
    world.hand.advance(LEASE_S)
    assert not other.renew(), "the lease is still running"
    world.hand.advance(0.001)
    assert other.renew()


def test_a_holder_that_could_not_renew_stops_before_another_may_begin(world: World) -> None:
    late = lease_of(world)
    late.renew()
    world.hand.advance(LEASE_S - MARGIN_S)
    assert not late.is_held
    assert late.renew(), "nobody else took it"


def test_a_holder_comes_back_to_find_it_taken(world: World) -> None:
    frozen, other = lease_of(world), lease_of(world.restarted())
    frozen.renew()
    world.hand.advance(60)
    assert other.renew()
    assert not frozen.renew()


def test_an_orderly_end_hands_it_over_at_once(world: World) -> None:
    one, other = lease_of(world), lease_of(world.restarted())
    one.renew()
    one.release()
    assert not one.is_held
    assert other.renew()


def test_releasing_what_another_took_leaves_it_there(world: World) -> None:
    late, other = lease_of(world), lease_of(world.restarted())
    late.renew()
    world.hand.advance(60)
    other.renew()
    late.release()
    with world.uow.read() as session:
        assert session.get(Lease, NAME) is not None


def test_a_clock_that_is_set_back_locks_nobody_out(world: World) -> None:
    dead, other = lease_of(world), lease_of(world.restarted())
    dead.renew()
    world.hand.advance(-3600)
    assert other.renew()


def test_nobody_waits_for_the_lease_of_a_process_that_is_gone(world: World) -> None:
    dead = lease_of(world)
    dead.renew()
    with subprocess.Popen(["true"]) as process:
        pass
    with world.uow.write() as session:
        row = session.get_one(Lease, NAME)
        row.holder = row.holder.replace(f":{os.getpid()}:", f":{process.pid}:")
    assert lease_of(world).renew()


def test_a_process_of_another_container_is_not_taken_for_dead(world: World) -> None:
    elsewhere = lease_of(world)
    elsewhere.renew()
    boot = name_of_this_process().partition(":")[0]
    with world.uow.write() as session:
        session.get_one(Lease, NAME).holder = f"{boot}:1:4194304:1:a token"
    assert not lease_of(world).renew()


def test_those_who_stand_by_do_not_queue_to_write(world: World) -> None:
    lease_of(world.restarted()).renew()
    standby = lease_of(world)
    asked = statements_of(world)
    standby.renew()
    assert [word for word in asked if word.startswith(("BEGIN IMMEDIATE", "INSERT", "UPDATE"))] == []
    assert asked


# --- who is at work -------------------------------------------------------------------------------


def test_an_engine_that_stands_by_does_nothing_and_gives_no_sign_of_life(world: World) -> None:
    assert lease_of(world.restarted()).renew()
    standby = engine_of(world)
    standby.renew()
    world.resident().rings()
    standby.pulse()
    assert (standby.is_active, standby.run_once(), world.provider.sent) == (False, 0, [])
    with world.uow.read() as session:
        assert session.get(Pulse, "engine") is None


def test_what_the_dead_one_left_is_done_by_the_one_that_takes_over(world: World) -> None:
    dead, standby = engine_of(world), engine_of(world.restarted())
    dead.renew()
    world.resident().rings()
    world.hand.advance(LEASE_S + 0.001)
    standby.renew()
    while standby.run_once():
        pass
    assert world.provider.rung == [PHONES["N01"], PHONES["N02"]]


def test_the_engine_that_stops_lets_another_begin(world: World) -> None:
    one, other = engine_of(world), engine_of(world.restarted())
    one.renew()
    other.renew()
    one.stop()
    other.renew()
    assert (one.is_active, other.is_active) == (False, True)


def test_a_standby_goes_to_work_by_itself(make_world: MakeWorld) -> None:
    world = make_world(plan=QUICK, clock=SystemClock())
    again = world.restarted()
    one, standby = (Engine(w.services, w.sender, lease=EngineLease(w.services)) for w in (world, again))
    one.start()
    standby.start()
    assert (one.is_active, standby.is_active) == (True, False)
    one.stop()
    world.resident().rings()
    try:
        assert world.provider.waits_for(lambda provider: PHONES["N01"] in provider.rung)
    finally:
        standby.stop()


# --- all at work ----------------------------------------------------------------------------------


@pytest.fixture
def on_postgresql(postgresql_database_url: str) -> Iterator[World]:
    world = World(postgresql_database_url)
    yield world
    world.close()


def due_of(world: World) -> tuple[str, Due]:
    """The ladder's next step, which is due now."""
    (row,) = [row for row in world.deadlines() if row.kind == "ladder"]
    world.hand.advance((row.due_at - world.hand.now()).total_seconds())
    return row.incident_id, Due(kind=row.kind, subject=row.subject, due_at=row.due_at)


def test_what_one_engine_is_claiming_another_neither_waits_for_nor_takes(on_postgresql: World) -> None:
    world, other = on_postgresql, on_postgresql.restarted()
    for n in range(4):
        world.resident(f"+6281199990{n:02}").rings(f"CA-{n}")
    due = {row.id for row in world.deliveries()}
    by_other: list[Claimed] = []

    def meanwhile(*event: object) -> None:
        if "FOR UPDATE" in str(event[2]) and not by_other:
            by_other.extend(claiming.claim(other.services, limit=len(due)))

    listen(world.uow.engine, "after_cursor_execute", meanwhile)
    ours = {claimed.id for claimed in claiming.claim(world.services, limit=3)}
    theirs = {claimed.id for claimed in by_other}
    assert len(ours) == 3
    assert theirs == due - ours


def test_a_deadline_that_another_engine_is_at_is_not_waited_for(on_postgresql: World) -> None:
    world, other = on_postgresql, on_postgresql.restarted()
    world.resident().rings()
    incident_id, due = due_of(world)
    lines = world.kinds(incident_id)
    with other.uow.write() as session:
        session.scalars(select(IncidentRow).where(IncidentRow.id == incident_id).with_for_update()).one()
        progress.fire(world.services, incident_id, due)
    assert world.kinds(incident_id) == lines
    progress.fire(world.services, incident_id, due)
    assert world.kinds(incident_id) != lines, "the deadline was still there"


def test_a_deadline_that_another_engine_fired_costs_one_question(on_postgresql: World) -> None:
    world, other = on_postgresql, on_postgresql.restarted()
    world.resident().rings()
    incident_id, due = due_of(world)
    progress.fire(world.services, incident_id, due)
    lines, asked = world.kinds(incident_id), statements_of(other)
    progress.fire(other.services, incident_id, due)
    assert world.kinds(incident_id) == lines
    assert [statement.partition(" ")[0] for statement in asked] == ["BEGIN", "SELECT"]


def test_many_engines_at_the_same_deadlines_fire_each_once(on_postgresql: World) -> None:
    world = on_postgresql
    ids = [world.resident(f"+6281199990{n:02}").rings(f"CA-{n}").incident_id for n in range(12)]
    world.works()
    world.hand.advance(30)
    engines = [world.engine, *(world.restarted().engine for _ in range(3))]
    while any(at_once(*(engine.run_once for engine in engines))):
        pass
    assert {world.kinds(incident_id).count("alert.requested") for incident_id in ids} == {2}
    assert world.provider.rung.count(PHONES["N03"]) == 12
    assert world.findings() == []


# --- a try that another engine takes -------------------------------------------------------------


def of_a_try(world: World, purpose: str) -> Delivery:
    (row,) = [row for row in world.deliveries(purpose=purpose) if outbox.TRIES in row.details]
    return row


def takes_it_when_it_was_read(world: World, other: World, row: Delivery) -> list[Claimed]:
    """The other engine claims *row* once this process has read it in a command; grows with what it took."""
    taken: list[Claimed] = []

    def meanwhile(*event: object) -> None:
        is_read = "FROM delivery" in str(event[2]) and row.purpose in str(event[3])
        if is_read and not taken:
            taken.extend(c for c in claiming.claim(other.services, limit=8) if c.id == row.id)

    listen(world.uow.engine, "after_cursor_execute", meanwhile)
    return taken


def test_a_try_that_another_engine_has_just_taken_is_the_ring_that_was_asked_for(
    postgresql_database_url: str,
) -> None:
    """The phone was out of reach; its next try and the ladder's next round come in one instant."""
    one = policy(tier("jaga", at_once=1, within_s=15.0, channels=(AlertChannel.VOICE,)), repeat_s=15.0)
    world = World(postgresql_database_url, plan=one, team=TEAM[:1])
    other = world.restarted()
    incident_id = world.resident().rings().incident_id
    world.works()
    world.network_says(world.provider.last_call_to(N01), "failed")
    waiting = of_a_try(world, "alert")
    world.hand.advance((waiting.next_attempt_at - world.hand.now()).total_seconds())
    taken = takes_it_when_it_was_read(world, other, waiting)
    progress.fire(world.services, *due_of(world))
    assert [claimed.id for claimed in taken] == [waiting.id]
    assert of_a_try(world, "alert").state == "sending"
    other.sender.send(taken[0])
    world.works()
    assert world.provider.rung == [N01, N01], "once, and once again"
    assert of_a_try(world, "alert").state == "accepted"
    assert world.kinds(incident_id).count("alert.requested") == 2
    assert world.findings() == []
    world.close()


def test_a_call_back_that_another_engine_has_just_taken_is_the_one_that_is_needed(
    on_postgresql: World,
) -> None:
    """It paused before its next try; then another worker accepts by key."""
    world, other = on_postgresql, on_postgresql.restarted()
    caller = "+628119999001"
    incident_id = world.resident(caller).rings().incident_id
    world.works()
    world.resident(caller).hangs_up()
    world.worker("N01").accepts(incident_id)
    world.works()
    world.network_says(world.provider.last_call_to(caller), "busy")
    waiting = of_a_try(world, "call_back")
    world.hand.advance((waiting.next_attempt_at - world.hand.now()).total_seconds())
    taken = takes_it_when_it_was_read(world, other, waiting)
    world.worker("N02").accepts(incident_id)
    assert [claimed.id for claimed in taken] == [waiting.id]
    other.sender.send(taken[0])
    world.works()
    assert world.provider.rung.count(caller) == 2, "once, and once again"
    assert of_a_try(world, "call_back").state == "accepted"


# --- two in one room ------------------------------------------------------------------------------


def called_back(world: World, number: int) -> tuple[str, str, str]:
    """Somebody who hung up is called back and both phones are picked up: incident, worker's leg, caller's."""
    resident, sid = world.resident(f"+62811999{number:04}"), f"CA-{number}"
    incident_id = resident.rings(sid).incident_id
    resident.hangs_up(sid)
    world.works()
    nurse = world.worker(world.incident(incident_id).assignments[0].staff_code)
    alert = world.provider.last_call_to(nurse.number)
    world.network_says(alert, "in-progress")
    nurse.accepts(incident_id)
    world.works()
    back = world.provider.last_call_to(f"+62811999{number:04}")
    world.network_says(back, "in-progress")
    return incident_id, alert.sid, back.sid


def test_worker_and_caller_who_enter_in_one_instant_find_each_other(on_postgresql: World) -> None:
    world, other = on_postgresql, on_postgresql.restarted()
    for number in range(6):
        incident_id, worker, caller = called_back(world, number)
        met = at_once(
            partial(alert_calls.enter_room, world.services, incident_id, worker),
            partial(alert_calls.enter_room, other.services, incident_id, caller),
        )
        assert any(meeting is not None and meeting.returned_call_id for meeting in met)
        for meeting in met:
            if meeting is not None:
                intake.join_caller(world.services, meeting)
        assert world.kinds(incident_id).count("call.answered") == 1
        world.desk(incident_id, Action.CLOSE, outcome=Outcome.ADVICE)
    assert world.findings() == []


def test_whoever_enters_a_room_does_not_wait_for_a_callback_that_waits_for_the_incident(
    on_postgresql: World, postgresql_database_url: str
) -> None:
    """A callback has the incident and its own delivery: nobody enters by way of the row of another one."""
    other = on_postgresql.restarted()
    url = make_url(postgresql_database_url).update_query_dict(
        {"options": f"-c lock_timeout={LOCK_WITHIN_MS}"}
    )
    impatient = on_postgresql.restarted_on(url.render_as_string(hide_password=False))
    incident_id, worker, caller = called_back(impatient, 1)
    with other.uow.write() as session:
        session.scalars(select(IncidentRow).where(IncidentRow.id == incident_id).with_for_update()).one()
        session.scalars(select(Delivery).where(Delivery.provider_sid == worker).with_for_update()).one()
        assert alert_calls.enter_room(impatient.services, incident_id, caller) is None
    assert alert_calls.enter_room(impatient.services, incident_id, worker) is not None


def statements_of(world: World) -> list[str]:
    """Grows with every statement that this process gives to the database."""
    found: list[str] = []

    def note(*event: object) -> None:
        found.append(str(event[2]))

    listen(world.uow.engine, "before_cursor_execute", note)
    return found
