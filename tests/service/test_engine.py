"""The engine: what happens without anybody asking, in time, after a crash, and whatever breaks."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from dispatch.adapters.clock import SystemClock
from dispatch.domain.commands import Action
from dispatch.domain.escalation import Due
from dispatch.domain.vocabulary import AlertChannel, AssignmentStatus, IncidentStatus, Outcome
from dispatch.service import progress
from dispatch.service.engine import Engine
from models.incident import Incident as IncidentRow
from models.traffic import Deadline, Pulse
from tests.builders import LADDER, START, policy, tier
from tests.fakes.telephony import WAIT_S, FakeProvider
from tests.fakes.telephony import Outcome as Answer
from tests.service.conftest import MakeWorld
from tests.world import PHONES, TEAM, World

QUICK = policy(
    tier("jaga", at_once=2, within_s=0.1),
    tier("cadangan", at_once=5, within_s=0.1),
    tier("pimpinan", at_once=5, within_s=0.1),
    repeat_s=0.15,
)


def everybody_was_rung(provider: FakeProvider) -> bool:
    return set(PHONES.values()) <= set(provider.rung)


# --- the clock by hand ----------------------------------------------------------------------------


def test_the_whole_ladder_over_the_outbox(world: World) -> None:
    world.resident().rings()
    world.passes(90)
    assert world.provider.rung == [PHONES[code] for code in ("N01", "N02", "N03", "C01", "C02", "P01")]
    world.passes(60)
    assert world.provider.rung[6:] == [PHONES["P01"]]


def test_fractions_of_seconds_are_deadlines_like_others(make_world: MakeWorld) -> None:
    world = make_world(plan=QUICK)
    world.resident().rings()
    world.works()
    (deadline,) = [d for d in world.deadlines() if d.kind == "ladder"]
    assert deadline.due_at == START + timedelta(seconds=0.1)
    world.hand.advance(0.099)
    assert world.works() == 0
    world.hand.advance(0.001)
    assert world.works() > 0
    assert world.provider.rung[2:] == [PHONES["N03"]]


def test_requests_that_hang_never_hold_the_last_sender(make_world: MakeWorld) -> None:
    """Second rings at a provider that hangs; meanwhile somebody is to be asked for the first time."""
    voice = (AlertChannel.VOICE,)
    plan = policy(tier("jaga", at_once=2, within_s=900.0, channels=voice), second_ring_s=120.0)
    world = make_world(plan=plan)
    engine = Engine(world.services, world.sender, senders=2)
    incident_id = world.resident().rings().incident_id
    world.works()
    lines = [world.provider.holds_the_line_to(PHONES[code]) for code in ("N01", "N02")]
    world.hand.advance(120.0)
    engine.start()
    try:
        assert world.provider.waits_for(lambda provider: bool(provider.holding))
        world.desk(incident_id, Action.ASSIGN, "C01")
        assert world.provider.waits_for(lambda provider: PHONES["C01"] in provider.rung)
    finally:
        for line in lines:
            line.set()
        engine.stop()


def test_the_second_ring_is_a_call_and_no_text(make_world: MakeWorld) -> None:
    world = make_world(plan=policy(*LADDER, second_ring_s=20.0))
    world.resident().rings()
    world.passes(20)
    assert world.provider.rung == [PHONES["N01"], PHONES["N02"], PHONES["N01"], PHONES["N02"]]
    assert world.provider.texted == [PHONES["N01"], PHONES["N02"]]


def test_an_empty_tier_is_told_to_the_supervisors_in_the_same_breath(make_world: MakeWorld) -> None:
    world = make_world(team=[m for m in TEAM if m.tier != "jaga"])
    world.resident().rings()
    world.works()
    assert world.provider.texts_to(PHONES["P01"]) == ["warning 100 jaga"]
    assert world.provider.rung == [PHONES["C01"], PHONES["C02"]]


def test_with_an_empty_roster_everybody_is_asked(make_world: MakeWorld) -> None:
    world = make_world()
    world.hand.advance(20 * 365 * 86400)
    world.resident().rings()
    world.passes(60)
    assert set(world.provider.rung) == set(PHONES.values())


def test_after_hours_without_power_what_is_overdue_goes_out_in_the_first_round(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    world.provider.forgets()
    world.hand.advance(6 * 3600)
    again = world.restarted()
    again.works()
    assert world.provider.rung[0] == PHONES["N03"]
    assert world.incident(incident_id).status is IncidentStatus.ALERTING
    times = [line.occurred_at for line in world.lines(incident_id)[-2:]]
    assert min(times) == START + timedelta(hours=6), "what happens late is recorded as late"


def test_two_engines_climb_the_ladder_once(world: World) -> None:
    world.resident().rings()
    other = world.restarted()
    for _ in range(4):
        world.works()
        other.works()
        world.hand.advance(30)
    assert [PHONES[code] for code in ("N01", "N02", "N03", "C01", "C02", "P01")] == world.provider.rung


def test_a_deadline_that_no_longer_stands_is_swept_away(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    stale = Due(kind="ladder", due_at=START + timedelta(seconds=30))
    world.worker("N01").accepts(incident_id)
    lines = world.kinds(incident_id)
    with world.uow.write() as session:
        session.add(
            Deadline(
                incident_id=incident_id, kind="ladder", subject="", facility_id="KWK", due_at=stale.due_at
            )
        )
    progress.fire(world.services, incident_id, stale)
    assert [d.kind for d in world.deadlines() if d.kind == "ladder"] == []
    assert world.kinds(incident_id) == lines


def test_one_broken_incident_does_not_silence_the_others(make_world: MakeWorld) -> None:
    world = make_world()
    broken = world.resident("+628119999001").rings("CA-1").incident_id
    sound = world.resident("+628119999002").rings("CA-2").incident_id
    world.works()
    with world.uow.write() as session:
        session.execute(update(IncidentRow).where(IncidentRow.id == broken).values(ladder={}))
    world.hand.advance(30)
    # A process that has not seen the incidents before: this one remembers them as the record tells them.
    world.restarted().engine.run_once()
    assert world.kinds(sound).count("alert.requested") == 2
    assert [d.incident_id for d in world.deadlines() if d.due_at <= world.hand.now()] == [broken]


def test_closing_leaves_nothing_to_wait_for(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.CANCELLED)
    assert world.deadlines() == []
    world.passes(3600)
    assert world.provider.rung == []


# --- the real engine, in real time ----------------------------------------------------------------


@pytest.fixture
def running(make_world: MakeWorld) -> World:
    """A health centre whose engine runs on its own, on the machine's clock, with fractions of seconds."""
    world = make_world(plan=QUICK, clock=SystemClock())
    world.uow.on_commit(world.engine.wake)
    world.engine.start()
    return world


def test_a_call_rings_people_at_once_and_the_ladder_runs_in_fractions(running: World) -> None:
    incident_id = running.resident().rings().incident_id
    assert running.provider.waits_for(everybody_was_rung)
    order = [number for number in running.provider.rung if number]
    assert set(order[:2]) == {PHONES["N01"], PHONES["N02"]}
    running.worker("P01").accepts(incident_id)
    running.engine.stop()
    steps = [line.occurred_at for line in running.lines(incident_id) if line.kind == "alert.requested"]
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(steps)]
    assert min(pauses) >= 0.1, "nobody is asked before the batch has had its time"
    assert running.findings() == []


def test_it_never_stops_by_itself(running: World) -> None:
    running.resident().rings()
    assert running.provider.waits_for(lambda provider: provider.rung.count(PHONES["P01"]) >= 3)


def test_it_stops_when_somebody_accepts(running: World) -> None:
    incident_id = running.resident().rings().incident_id
    assert running.provider.waits_for(lambda provider: len(provider.rung) >= 2)
    running.worker("N01").accepts(incident_id)
    assert running.provider.waits_for(lambda provider: bool(provider.texts_to(PHONES["N02"])[1:]))
    running.engine.stop()
    part = running.incident(incident_id).assignment("N02")
    assert part is not None
    assert part.status is AssignmentStatus.STOOD_DOWN


def test_what_a_dead_process_left_overdue_goes_out_on_the_next_start(make_world: MakeWorld) -> None:
    world = make_world(plan=QUICK, clock=SystemClock())
    world.resident().rings()
    assert world.provider.sent == []
    again = world.restarted()
    again.engine.start()
    assert again.provider.waits_for(everybody_was_rung)


def test_a_provider_that_comes_back_is_used_without_anybodys_doing(running: World) -> None:
    running.provider.will(*[Answer.UNREACHABLE] * 6)
    running.resident().rings()
    assert running.provider.waits_for(lambda provider: PHONES["N01"] in provider.rung)


def test_a_database_that_refuses_for_a_while_keeps_no_sender_busy(running: World) -> None:
    refused = threading.Semaphore(0)
    refuses = True

    @event.listens_for(running.uow.engine, "before_cursor_execute")
    def refuse(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if refuses and statement.startswith("UPDATE delivery"):
            refused.release()
            raise OperationalError(statement, None, Exception("database or disk is full"))

    running.resident().rings()
    for _ in range(3):
        assert refused.acquire(timeout=WAIT_S)
    refuses = False
    assert running.provider.waits_for(lambda provider: PHONES["N01"] in provider.rung)


def test_a_slow_request_holds_back_nobody_else(running: World) -> None:
    slow = running.provider.holds_the_line_to(PHONES["N01"])
    running.resident().rings()
    assert running.provider.waits_for(lambda provider: PHONES["N02"] in provider.rung)
    assert PHONES["N01"] not in running.provider.rung
    slow.set()
    assert running.provider.waits_for(lambda provider: PHONES["N01"] in provider.rung)


def test_it_leaves_a_sign_of_life(running: World) -> None:
    with running.uow.read() as session:
        pulse = session.get(Pulse, "engine")
    assert pulse is not None
    assert pulse.at <= running.clock.now()


def test_chores_run_beside_its_work(running: World) -> None:
    done = threading.Event()
    running.engine.every(0.05, done.set, "housekeeping")
    assert done.wait(WAIT_S)


def test_a_broken_chore_is_said_and_comes_again(running: World) -> None:
    tries = threading.Semaphore(0)

    def breaks() -> None:
        tries.release()
        raise RuntimeError("the disk is full")

    running.engine.every(0.05, breaks, "housekeeping")
    assert tries.acquire(timeout=WAIT_S)
    assert tries.acquire(timeout=WAIT_S)
