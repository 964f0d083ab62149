"""Answers that are applied later than they were given: none overtakes a newer one, and none is lost."""

from datetime import datetime

import pytest

from dispatch.domain.commands import Action, ReceiveText
from dispatch.domain.vocabulary import AssignmentStatus, Outcome, Source
from dispatch.service import texting
from dispatch.service.texting import TextAnswer, Understood
from models.record import Event, PrivateValue
from tests.world import PHONES, World

S = AssignmentStatus


def late_text(world: World, code: str, said: str, sent_at: datetime, *, by_log: bool = False) -> TextAnswer:
    """A text that waited: in the journal, or in the provider's log."""
    command = ReceiveText(
        provider="fake",
        provider_sid=world.next_text_sid(),
        sender=PHONES[code],
        raw_sender=PHONES[code],
        text=said,
        received_at=sent_at,
        reconstructed=by_log,
    )
    answer = texting.receive_text(world.services, command)
    assert isinstance(answer, TextAnswer)
    return answer


def refused(world: World, incident_id: str) -> list[Event]:
    return [line for line in world.lines(incident_id) if line.kind == "action.refused"]


def opens(world: World, number: int = 1) -> str:
    incident_id = world.resident(f"+62811999900{number}").rings(f"CA-{number}").incident_id
    world.works()
    return incident_id


def test_a_yes_that_waited_does_not_take_back_the_no_that_came_after(world: World) -> None:
    incident_id = opens(world)
    world.passes(5)
    said_yes_at = world.clock.now()
    world.passes(10)
    world.worker("N01").texts("2 banjir")
    world.passes(5)

    answer = late_text(world, "N01", "1 10", said_yes_at)

    assert (answer.understood, answer.error) == (Understood.REFUSED, "answer_overtaken")
    incident = world.incident(incident_id)
    assert incident.primary is None
    assert incident.needs_people
    assert world.deadlines()
    (line,) = refused(world, incident_id)
    assert line.data["stated_at"] == said_yes_at.isoformat()
    assert (line.data["action"], line.data["minutes"], line.source) == ("accept", 10, "sms")


def test_a_no_that_waited_does_not_take_the_incident_from_who_said_yes_after(world: World) -> None:
    incident_id = opens(world)
    world.passes(5)
    said_no_at = world.clock.now()
    world.passes(10)
    world.worker("N01").texts("1")

    answer = late_text(world, "N01", "2 banjir", said_no_at)

    assert answer.error == "answer_overtaken"
    incident = world.incident(incident_id)
    assert incident.primary is not None
    assert incident.primary.staff_code == "N01"
    with world.uow.read() as session:
        key = (incident_id, refused(world, incident_id)[0].sequence, "reason")
        assert session.get_one(PrivateValue, key).value == "banjir", "what was said is kept"


@pytest.mark.parametrize("said", ["1", "100 1"])
def test_a_yes_about_one_incident_is_none_about_the_next(world: World, said: str) -> None:
    """Neither a text that names nothing, nor one that names the one before."""
    first = opens(world)
    world.passes(5)
    said_yes_at = world.clock.now()
    world.passes(5)
    world.worker("N02").accepts(first)
    world.passes(500)
    second = opens(world, 2)
    world.desk(second, Action.ASSIGN, "N01")
    world.works()

    answer = late_text(world, "N01", said, said_yes_at, by_log=True)

    assert answer.short_number == 100
    part = world.incident(second).assignment("N01")
    assert part is not None
    assert (part.status, part.accepted_at) == (S.ALERTED, None)
    assert world.incident(second).times.accepted_at is None
    assert [line.data["stated_at"] for line in refused(world, first)] == [said_yes_at.isoformat()]


def test_a_step_of_before_is_none_of_the_next_incident(world: World) -> None:
    opens(world)
    world.passes(5)
    arrived_at = world.clock.now()
    world.passes(60)
    second = opens(world, 2)
    world.desk(second, Action.ASSIGN, "N01")
    world.worker("N01").accepts(second)

    late_text(world, "N01", "4", arrived_at)

    assert world.incident(second).times.on_scene_at is None


def test_a_yes_between_two_rings_counts_with_its_own_time(world: World) -> None:
    """Being rung once more takes nothing back of what was said before."""
    incident_id = opens(world)
    for sent in list(world.provider.sent):
        world.network_says(sent, "completed" if sent.answer_url else "delivered")
    world.passes(40)
    said_yes_at = world.clock.now()
    world.passes(5)
    world.desk(incident_id, Action.ASSIGN, "N01")
    world.works()

    assert late_text(world, "N01", "1", said_yes_at).understood is Understood.DONE
    assert world.incident(incident_id).times.accepted_at == said_yes_at


def test_a_call_for_help_of_before_is_over(world: World) -> None:
    incident_id = opens(world)
    asked_at = world.clock.now()
    world.passes(5)
    world.worker("N01").accepts(incident_id)
    assert late_text(world, "N01", "6", asked_at).error == "answer_overtaken"
    assert not world.incident(incident_id).needs_people


def test_of_two_who_accept_in_one_breath_the_second_is_support(world: World) -> None:
    incident_id = opens(world)
    world.passes(5)
    pressed_at = world.clock.now()
    world.hand.advance(0.3)
    world.worker("N02").accepts(incident_id)
    world.worker("N01").does(incident_id, Action.ACCEPT, occurred_at=pressed_at)
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    assert part.status is S.ACCEPTED


def test_a_clock_that_was_set_back_costs_nobody_their_answer(world: World) -> None:
    incident_id = opens(world)
    world.hand.advance(-3600)
    world.worker("N01").does(incident_id, Action.ACCEPT, source=Source.KEYPAD, occurred_at=world.clock.now())
    assert world.incident(incident_id).times.accepted_at == world.clock.now()
    world.hand.advance(1)
    assert world.worker("N02").understood("2").understood is Understood.NOTHING_WAITING


# --- the incident is over -------------------------------------------------------------------------


def over(world: World) -> str:
    """N01 accepted, somebody closed at the desk, and the engine has done what follows."""
    incident_id = opens(world)
    world.worker("N01").accepts(incident_id)
    world.passes(600)
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.TREATED)
    world.works()
    return incident_id


@pytest.mark.parametrize("said", ["100 3", "100 5", "100 6", "100 1"])
def test_who_names_a_closed_incident_is_told_that_it_is_closed(world: World, said: str) -> None:
    """They had it: that there is none of that number for them would be untrue. What they said is kept."""
    incident_id = over(world)
    world.passes(60)
    sent_at = world.clock.now()

    answer = world.worker("N01").understood(said)

    assert (answer.understood, answer.error, answer.short_number) == (
        Understood.REFUSED,
        "incident_closed",
        100,
    )
    (line,) = refused(world, incident_id)
    assert line.data["stated_at"] == sent_at.isoformat()
    assert world.incident(incident_id).is_closed


@pytest.mark.parametrize("said", ["100 3", "3", "berangkat"])
def test_a_step_that_was_told_before_the_end_is_recorded_after_it(world: World, said: str) -> None:
    """The text waited in the journal; what happened is true however late it is told."""
    incident_id = opens(world)
    world.worker("N01").accepts(incident_id)
    world.passes(60)
    left_at = world.clock.now()
    world.passes(600)
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.TREATED)
    world.passes(60)

    answer = late_text(world, "N01", said, left_at)

    assert (answer.understood, answer.was_closed) == (Understood.DONE, True)
    assert world.incident(incident_id).times.en_route_at == left_at
    assert world.incident(incident_id).is_closed


def test_a_four_after_eight_means_the_facility_however_late(world: World) -> None:
    incident_id = opens(world)
    world.worker("N01").accepts(incident_id)
    for said in ("3", "4", "8"):
        world.passes(60)
        world.worker("N01").texts(said)
    world.passes(60)
    arrived_at = world.clock.now()
    world.passes(60)
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.TRANSPORTED)
    assert late_text(world, "N01", "4", arrived_at).action is Action.ARRIVE_FACILITY
    assert world.incident(incident_id).times.at_facility_at == arrived_at


def test_without_a_number_a_text_of_after_the_end_is_about_nothing(world: World) -> None:
    incident_id = over(world)
    world.passes(60)
    assert world.worker("N01").understood("3").understood is Understood.NOTHING_WAITING
    assert refused(world, incident_id) == []


def test_who_never_had_it_is_told_so_as_ever(world: World) -> None:
    over(world)
    assert world.worker("C02").understood("100 3").understood is Understood.NOTHING_WAITING


def test_a_note_that_names_a_closed_incident_does_not_go_to_another(world: World) -> None:
    first = over(world)
    second = opens(world, 2)
    world.worker("N01").texts("101 1")
    answer = world.worker("N01").understood("100 pasien dirujuk ke RSUD")
    assert (answer.understood, answer.short_number) == (Understood.NOTED, 100)
    assert "note.added" in world.kinds(first)
    assert "note.added" not in world.kinds(second)


def test_what_is_long_over_is_left_alone(world: World) -> None:
    incident_id = over(world)
    world.hand.advance(3 * 86400)
    assert world.worker("N01").understood("100 3").understood is Understood.NOTHING_WAITING
    assert refused(world, incident_id) == []
