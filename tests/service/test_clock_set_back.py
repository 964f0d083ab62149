"""The clock is set back by an hour: nobody waits for that hour to come twice, and nothing is early."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from dispatch.domain import meeting
from dispatch.domain.commands import Action
from dispatch.domain.deliveries import retry_after_s
from dispatch.service import claiming, waiting
from dispatch.service.outages import Heart
from models.incident import Incident as IncidentRow
from models.traffic import Deadline
from tests.builders import LADDER, policy
from tests.fakes.telephony import Outcome
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World

HOUR_S = 3600.0
BEAT_S = 5.0


class Machine:
    """A health centre and the machine it runs on, whose clock somebody sets."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._since_boot_s = 1000.0
        self._heart = self._new_heart()
        self._heart.beat()

    def passes(self, seconds: float) -> None:
        """Let true time pass, with the engine at every instant at which it is wanted."""
        self.world.passes(seconds)
        self._since_boot_s += seconds

    def is_set(self, seconds: float) -> None:
        """Somebody sets the clock, and the next sign of life of the engine is due."""
        self.world.hand.advance(seconds)
        self._heart.beat()

    def is_set_while_it_is_off(self, seconds: float) -> None:
        self.world.hand.advance(seconds)
        self._heart = self._new_heart()
        self._heart.beat()

    def beats(self) -> None:
        self._heart.beat()

    def step_in_s(self) -> float:
        """How long the ladder's next step is still waited for."""
        [step] = [deadline for deadline in self.world.deadlines() if deadline.kind == "ladder"]
        return (step.due_at - self.world.clock.now()).total_seconds()

    def _new_heart(self) -> Heart:
        return Heart(self.world.services, steady=lambda: self._since_boot_s)


@pytest.fixture
def machine(world: World) -> Machine:
    return Machine(world)


# --- the ladder -----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_off", [False, True])
@pytest.mark.parametrize("after_s", [1.0, 31.0, 61.0, 91.0, 200.0])
def test_the_next_are_rung_as_soon_as_ever(machine: Machine, after_s: float, *, is_off: bool) -> None:
    """Wherever the ladder stands, and whether or not a process saw the clock move."""
    world = machine.world
    state = world.resident().rings()
    machine.passes(after_s)
    rung = len(world.provider.rung)
    (machine.is_set_while_it_is_off if is_off else machine.is_set)(-HOUR_S)
    alerting = world.incident(state.incident_id).policy.alerting
    machine.passes(alerting.repeat_s)
    assert len(world.provider.rung) > rung
    # And so on, as if nothing had been.
    rung = len(world.provider.rung)
    machine.passes(alerting.repeat_s)
    assert len(world.provider.rung) > rung
    assert world.findings() == []


def test_nobody_is_rung_sooner_for_it(machine: Machine) -> None:
    world = machine.world
    world.resident().rings()
    machine.passes(10)
    rung = list(world.provider.rung)
    machine.is_set(-HOUR_S)
    machine.passes(29.9)
    assert world.provider.rung == rung
    machine.passes(0.1)
    assert world.provider.rung == [*rung, PHONES["N03"]]


def test_what_is_recorded_afterwards_puts_no_deadline_an_hour_ahead(make_world: MakeWorld) -> None:
    """The state knows its instants by the old hour, and deadlines are made of it anew with every step."""
    world = make_world(plan=policy(*LADDER, second_ring_s=45.0))
    machine = Machine(world)
    state = world.resident().rings()
    world.works()
    machine.is_set(-HOUR_S)
    world.worker("N01").does(state.incident_id, Action.DECLINE)
    latest_at = world.clock.now() + timedelta(seconds=45)
    found = [(row.kind, row.subject) for row in world.deadlines() if row.due_at <= latest_at]
    assert sorted(found) == [("ladder", ""), ("second_ring", "N02"), ("second_ring", "N03")]


def test_the_second_ring_comes_too(make_world: MakeWorld) -> None:
    world = make_world(plan=policy(*LADDER, second_ring_s=20.0))
    machine = Machine(world)
    world.resident().rings()
    machine.passes(5)
    machine.is_set(-HOUR_S)
    machine.passes(19.9)
    assert world.provider.rung == [PHONES["N01"], PHONES["N02"]]
    machine.passes(0.1)
    assert world.provider.rung == [PHONES["N01"], PHONES["N02"], PHONES["N01"], PHONES["N02"]]


def test_a_call_whose_alerting_had_to_wait_is_alerted(make_world: MakeWorld) -> None:
    world = make_world(plan=policy(*LADDER, alert_after_s=10.0))
    machine = Machine(world)
    world.resident().rings()
    machine.is_set(-HOUR_S)
    machine.passes(9.9)
    assert world.provider.rung == []
    machine.passes(0.1)
    assert world.provider.rung == [PHONES["N01"], PHONES["N02"]]


def test_a_clock_that_is_put_right_meanwhile_makes_nobody_ring_early(machine: Machine) -> None:
    world = machine.world
    world.resident().rings()
    machine.passes(10)
    rung = list(world.provider.rung)
    machine.is_set(-HOUR_S)
    machine.passes(2)
    machine.is_set(HOUR_S)
    machine.passes(17.9)
    assert world.provider.rung == rung, "the deadline went back to its place"
    machine.passes(0.1)
    assert world.provider.rung == [*rung, PHONES["N03"]]


# --- what must not be early -----------------------------------------------------------------------


def test_that_a_worker_met_the_caller_is_assumed_no_sooner(machine: Machine) -> None:
    """It would be an untrue line of the record."""
    world = machine.world
    state = world.resident().rings()
    world.works()
    world.worker("N01").accepts(state.incident_id)
    machine.passes(1)
    machine.is_set(-HOUR_S)
    machine.passes(meeting.JOIN_GRACE_S - 0.001)
    assert "call.answered" not in world.kinds(state.incident_id)
    machine.passes(0.001)
    assert "call.answered" in world.kinds(state.incident_id)


def test_no_delivery_is_taken_from_who_sends_it(machine: Machine) -> None:
    world = machine.world
    world.resident().rings()
    claiming.claim(world.services, limit=1)
    machine.passes(5)
    [sending] = world.deliveries(state="sending")
    assert sending.lease_until is not None
    left_s = (sending.lease_until - world.clock.now()).total_seconds()
    machine.is_set(-HOUR_S)
    [sending] = world.deliveries(state="sending")
    assert sending.lease_until == sending.next_attempt_at
    assert left_s < (sending.next_attempt_at - world.clock.now()).total_seconds() <= world.services.lease_s


def test_nothing_is_begun_under_a_lease_of_which_nobody_knows_how_long_it_lasts(machine: Machine) -> None:
    """It ends by the old hour, so by the new one there seems to be an hour left."""
    world = machine.world
    world.resident().rings()
    [claimed] = claiming.claim(world.services, limit=1)
    machine.is_set(-HOUR_S)
    world.sender.send(claimed)
    assert world.provider.tries == 0
    machine.passes(5)
    assert claimed.to_number in world.provider.rung


# --- what waits to leave --------------------------------------------------------------------------


def test_what_is_to_be_tried_again_is_tried_as_soon_as_ever(machine: Machine) -> None:
    world = machine.world
    world.provider.always(Outcome.UNREACHABLE)
    world.resident().rings()
    world.works()
    waiting_for = {row.id: retry_after_s(row.attempts) for row in world.deliveries(state="pending")}
    assert waiting_for
    machine.is_set(-HOUR_S)
    for row in world.deliveries(state="pending"):
        assert (row.next_attempt_at - world.clock.now()).total_seconds() == waiting_for[row.id]


# --- however it is noticed ------------------------------------------------------------------------


def test_what_was_under_way_in_that_moment_is_found_by_the_next_sign(machine: Machine) -> None:
    """It had read the old hour, and was committed only after everything had been counted anew."""
    world = machine.world
    world.resident().rings()
    world.works()
    machine.is_set(-HOUR_S)
    with world.uow.write() as session:
        session.execute(update(Deadline).values(due_at=world.clock.now() + timedelta(seconds=HOUR_S + 30)))
    machine.beats()
    assert machine.step_in_s() <= 30


def test_a_life_that_ends_over_it_leaves_it_to_the_next(machine: Machine) -> None:
    world = machine.world
    world.resident().rings()
    world.works()
    with world.uow.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE outage RENAME TO gone")
    with pytest.raises(Exception, match="outage"):
        machine.is_set(-HOUR_S)
    with world.uow.write() as session:
        session.execute(update(Deadline).values(due_at=world.clock.now() + timedelta(seconds=HOUR_S + 30)))
    with world.uow.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO outage")
    machine.is_set_while_it_is_off(0)
    assert machine.step_in_s() <= 30


def test_one_damaged_incident_keeps_no_other_waiting(make_world: MakeWorld) -> None:
    world = make_world()
    broken = world.resident("+628119999001").rings("CA-1").incident_id
    world.resident("+628119999002").rings("CA-2")
    world.works()
    with world.uow.write() as session:
        session.execute(update(IncidentRow).where(IncidentRow.id == broken).values(ladder={}))
    world.hand.advance(-HOUR_S)
    # A process that has not seen the incidents before: this one remembers them as the record tells them.
    waiting.count_anew(world.restarted().services)
    soon = world.clock.now() + timedelta(seconds=30)
    steps = [deadline for deadline in world.deadlines() if deadline.kind == "ladder"]
    assert [step.incident_id for step in steps if step.due_at > soon] == [broken]
    assert len(steps) == 2


def test_counted_twice_it_waits_no_longer(machine: Machine) -> None:
    world = machine.world
    world.resident().rings()
    world.works()
    machine.is_set(-HOUR_S)
    machine.passes(4)
    due = [(row.kind, row.subject, row.due_at) for row in world.deadlines()]
    waiting.count_anew(world.services)
    assert [(row.kind, row.subject, row.due_at) for row in world.deadlines()] == due
