"""A phone rings at the service: durable before any answer, once whatever the provider repeats."""

from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import CallOutcome, IncidentStatus, Outcome
from dispatch.service import intake
from models.facility import Staff
from models.traffic import Inbox
from tests.builders import policy, tier
from tests.fakes.clock import FakeClock
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World, at_once


def test_a_call_is_durable_when_the_command_returns(world: World) -> None:
    state = world.resident().rings()
    with world.restarted().uow.read() as session:
        assert session.scalars(select(Inbox.provider_key)).all() == ["voice:CA-in-1"]
    (incident,) = world.incidents()
    assert (incident.id, incident.status) == (state.incident_id, IncidentStatus.ALERTING)
    assert [call.outcome for call in world.calls()] == [CallOutcome.INCIDENT]
    assert [d.to_number for d in world.deliveries(purpose="alert", channel="voice")] == [
        PHONES["N01"],
        PHONES["N02"],
    ]
    assert [deadline.kind for deadline in world.deadlines()] == ["ladder", "second_ring", "second_ring"]


def test_where_a_worker_lives_is_on_record_no_closer_than_the_village(world: World) -> None:
    with world.uow.write() as session:
        session.execute(update(Staff).where(Staff.code == "N01").values(lat=-4.546326, lon=136.8895))
    state = world.resident().rings()
    (person,) = [one for one in world.incident(state.incident_id).duty if one.staff_code == "N01"]
    assert (person.lat, person.lon) == (-4.55, 136.89)
    written = str([line.data for line in world.lines(state.incident_id)])
    assert "-4.55," in written
    assert "4.546" not in written
    assert "136.8895" not in written
    assert world.findings() == []


def test_a_repeat_changes_nothing_and_gets_the_same_answer(world: World) -> None:
    first = world.resident().rings()
    before = (world.kinds(first.incident_id), [d.id for d in world.deliveries()])
    world.hand.advance(3)
    assert world.resident().rings() == first
    assert (world.kinds(first.incident_id), [d.id for d in world.deliveries()]) == before


def test_a_repeat_after_the_menu_knows_what_was_pressed(world: World) -> None:
    world.resident().rings()
    pressed = world.resident().presses("1")
    assert world.resident().rings() == pressed
    assert pressed is not None
    assert pressed.menu_digit == "1"


def test_twenty_copies_of_one_webhook_at_once_are_one_call(world: World) -> None:
    another_process = world.restarted()
    copies = [partial(process.resident().rings, "CA-same") for process in (world, another_process)]
    states = at_once(*copies * 10)
    assert len(set(states)) == 1
    assert len(world.incidents()) == 1
    assert [call.provider_sid for call in world.calls()] == ["CA-same"]
    assert world.kinds(states[0].incident_id) == ["call.received", "alert.requested"]
    world.works()
    assert sorted(world.provider.rung) == [PHONES["N01"], PHONES["N02"]]
    assert sorted(world.provider.texted) == [PHONES["N01"], PHONES["N02"]]


def test_two_calls_of_one_number_at_once_are_one_incident(world: World) -> None:
    another_process = world.restarted()
    states = at_once(
        partial(world.resident().rings, "CA-1"), partial(another_process.resident().rings, "CA-2")
    )
    assert len({state.incident_id for state in states}) == 1
    assert sorted(call.outcome for call in world.calls()) == [CallOutcome.INCIDENT, CallOutcome.JOINED]
    world.works()
    assert sorted(world.provider.rung) == [PHONES["N01"], PHONES["N02"]]


def test_ten_residents_at_once_are_ten_incidents_numbered_without_gaps(world: World) -> None:
    phones = [world.resident(f"+62811999900{n}") for n in range(10)]
    at_once(*[partial(phone.rings, f"CA-{n}") for n, phone in enumerate(phones)])
    assert [incident.short_number for incident in world.incidents()] == list(range(100, 110))


def test_a_further_call_joins_until_the_incident_is_closed(world: World) -> None:
    phone = world.resident()
    first = phone.rings("CA-1")
    assert phone.rings("CA-2").incident_id == first.incident_id
    world.desk(first.incident_id, Action.CLOSE, outcome=Outcome.CANCELLED)
    assert phone.rings("CA-3").incident_id != first.incident_id


def test_a_withheld_number_never_joins(world: World) -> None:
    hidden = world.resident(None)
    assert hidden.rings("CA-1").incident_id != hidden.rings("CA-2").incident_id


def test_another_number_never_joins(world: World) -> None:
    one, other = world.resident("+628119999001"), world.resident("+628119999002")
    assert one.rings("CA-1").incident_id != other.rings("CA-2").incident_id


def test_numbers_start_at_one_hundred_and_have_no_gaps_even_after_a_failure(world: World) -> None:
    world.resident("+628119999001").rings("CA-1")

    def is_cut_off() -> None:
        with world.uow.write() as session:
            intake.allocate(session, world.services)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        is_cut_off()
    world.resident("+628119999002").rings("CA-2")
    assert [i.number for i in world.incidents()] == ["KWK-2026-000100", "KWK-2026-000101"]


@pytest.mark.parametrize(
    ("utc", "zone", "number"),
    [
        pytest.param(datetime(2026, 12, 31, 14, 59, 59, tzinfo=UTC), "Asia/Jayapura", "KWK-2026-000100"),
        pytest.param(datetime(2026, 12, 31, 15, 0, tzinfo=UTC), "Asia/Jayapura", "KWK-2027-000100"),
        pytest.param(datetime(2026, 12, 31, 15, 0, tzinfo=UTC), "Asia/Jakarta", "KWK-2026-000100"),
    ],
)
def test_the_year_is_that_of_the_facilitys_wall_clock(
    make_world: MakeWorld, utc: datetime, zone: str, number: str
) -> None:
    world = make_world(clock=FakeClock(utc), zone=ZoneInfo(zone))
    world.resident().rings()
    assert [incident.number for incident in world.incidents()] == [number]


def test_the_policy_may_be_edited_while_an_incident_runs_and_changes_nothing_for_it(
    world: World,
) -> None:
    running = world.resident().rings().incident_id
    edited = world.restarted(policy(tier("pimpinan", at_once=1, within_s=1.0), repeat_s=1.0))
    edited.passes(31)
    assert [line.data["tier"] for line in world.lines(running) if line.kind == "alert.requested"] == [
        "jaga",
        "jaga",
    ]
    fresh = edited.resident("+628119999002").rings("CA-2").incident_id
    (first,) = [line for line in world.lines(fresh) if line.kind == "alert.requested"]
    assert first.data["tier"] == "pimpinan"


def test_the_caller_hangs_up_once(world: World) -> None:
    state = world.resident().rings()
    world.hand.advance(20)
    assert world.resident().hangs_up()
    lines = len(world.lines(state.incident_id))
    world.hand.advance(5)
    assert world.resident().hangs_up(provider_status="busy")
    assert len(world.lines(state.incident_id)) == lines
    (call,) = world.calls()
    assert (call.outcome, call.ended_at) == (CallOutcome.ABANDONED, call.received_at.replace(second=20))


def test_a_call_that_nobody_knows_is_no_error(world: World) -> None:
    assert world.resident().presses("1", "CA-unknown") is None
    assert world.resident().hangs_up("CA-unknown") is False


def test_the_first_worker_in_the_room_answers_the_call(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.worker("N01").accepts(incident_id)
    world.hand.advance(2)
    world.worker("N01").joins(incident_id)
    world.hand.advance(1)
    world.worker("N01").joins(incident_id)
    assert world.kinds(incident_id).count("call.answered") == 1
    assert world.incident(incident_id).times.answered_at == world.calls()[0].answered_at


def test_a_short_call_is_called_back_and_alerted_when_it_is_answered(make_world: MakeWorld) -> None:
    world = make_world(plan=policy(alert_after_s=10.0))
    state = world.resident().rings()
    world.hand.advance(3)
    world.resident().hangs_up()
    world.works()
    assert world.provider.rung == ["+628119999001"]
    intake.return_call(world.services, state.incident_id, state.call_id)
    world.works()
    assert world.provider.rung[1:] == [PHONES["N01"], PHONES["N02"]]
    assert world.findings() == []
