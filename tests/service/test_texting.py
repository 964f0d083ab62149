"""Texts: a worker's is a command, a resident's an emergency, an operator's rings nobody (CONTRACT 4)."""

from dataclasses import replace
from functools import partial

import pytest

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import AssignmentStatus, CallOutcome, IncidentChannel, IncidentStatus, Outcome
from dispatch.service.texting import TextAnswer, Understood
from tests.fakes.ids import FailingIds
from tests.world import PHONES, World, at_once


def open_incident(world: World, number: int = 1) -> str:
    incident_id = world.resident(f"+62811999900{number}").rings(f"CA-{number}").incident_id
    world.works()
    return incident_id


def test_a_whole_emergency_by_text(world: World) -> None:
    incident_id = open_incident(world)
    worker = world.worker("N01")
    told = [worker.understood("1 10")]
    for text in ("3", "7", "berangkat", "TIBA", "8", "4", "Selesai"):
        world.hand.advance(60)
        told.append(worker.understood(text))
    assert [answer.understood for answer in told] == [Understood.DONE] * 8
    assert told[0] == TextAnswer(
        understood=Understood.DONE, action=Action.ACCEPT, short_number=100, minutes=10, is_primary=True
    )
    assert [answer.action for answer in told] == [
        Action.ACCEPT,
        Action.EN_ROUTE,
        Action.STAGE,
        Action.EN_ROUTE,
        Action.ON_SCENE,
        Action.LEAVE_SCENE,
        Action.ARRIVE_FACILITY,
        Action.AVAILABLE,
    ]
    incident = world.incident(incident_id)
    assert incident.status is IncidentStatus.CLOSED
    assert incident.outcome is Outcome.TRANSPORTED
    assert {line.source for line in world.lines(incident_id) if line.actor == "staff:N01"} == {"sms"}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("1", AssignmentStatus.ACCEPTED),
        ("ya", AssignmentStatus.ACCEPTED),
        ("Terima", AssignmentStatus.ACCEPTED),
        ("ACCEPT", AssignmentStatus.ACCEPTED),
        ("100 1", AssignmentStatus.ACCEPTED),
        ("2", AssignmentStatus.DECLINED),
        ("2 banjir", AssignmentStatus.DECLINED),
        ("tolak", AssignmentStatus.DECLINED),
    ],
)
def test_an_alert_is_answered_by_key_or_word(world: World, text: str, status: AssignmentStatus) -> None:
    incident_id = open_incident(world)
    assert world.worker("N01").understood(text).understood is Understood.DONE
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    assert part.status is status


def test_the_reason_of_a_refusal_is_kept(world: World) -> None:
    incident_id = open_incident(world)
    world.worker("N01").texts("2 jalan banjir")
    (line,) = [line for line in world.lines(incident_id) if line.kind == "assignment.declined"]
    assert list(line.private) == ["reason"]


def test_a_repeated_text_does_nothing_twice_and_gets_the_same_reply(world: World) -> None:
    incident_id = open_incident(world)
    worker = world.worker("N01")
    worker.texts("1", sid="SM-same")
    lines = world.kinds(incident_id)
    assert worker.texts("1", sid="SM-same") == "understood: done"
    assert world.kinds(incident_id) == lines


def test_twenty_copies_of_one_text_at_once_accept_once(world: World) -> None:
    incident_id = open_incident(world)
    at_once(*[partial(world.worker("N01").texts, "1", sid="SM-same")] * 20)
    assert world.kinds(incident_id).count("assignment.accepted") == 1
    assert "action.refused" not in world.kinds(incident_id)


def test_a_text_whose_work_was_cut_off_is_not_taken_for_done(world: World) -> None:
    incident_id = open_incident(world)
    failing = world.restarted()
    failing.services = replace(failing.services, ids=FailingIds(1))
    with pytest.raises(InterruptedError):
        failing.worker("N01").texts("1", sid="SM-again")
    answer = world.worker("N01").texts("1", sid="SM-again")
    assert isinstance(answer, TextAnswer)
    assert answer.understood is Understood.DONE
    assert world.incident(incident_id).primary is not None


def test_where_several_could_be_meant_it_asks_which(world: World) -> None:
    first, second = open_incident(world, 1), open_incident(world, 2)
    world.desk(second, Action.ASSIGN, "N01")
    asked = world.worker("N01").understood("1")
    assert (asked.understood, asked.short_numbers) == (Understood.WHICH, (100, 101))
    assert "assignment.accepted" not in world.kinds(first) + world.kinds(second)
    named = world.worker("N01").understood("101 1")
    assert (named.understood, named.short_number) == (Understood.DONE, 101)
    assert world.worker("N01").understood("1").short_number == 100, "only one alert waits now"
    assert world.worker("N01").understood("3").understood is Understood.WHICH
    assert world.worker("N01").understood("100 3").understood is Understood.DONE


@pytest.mark.parametrize(
    ("before", "text", "error", "status"),
    [
        ((), "3", "wrong_transition", "alerted"),
        ((), "5", "wrong_transition", "alerted"),
        (("1",), "1", "already_there", "accepted"),
        (("1", "3"), "3", "already_there", "en_route"),
        (("1", "4"), "3", "wrong_transition", "on_scene"),
        (("1",), "8", "wrong_transition", "accepted"),
    ],
)
def test_a_step_that_does_not_follow_is_refused_with_the_reason(
    world: World, before: tuple[str, ...], text: str, error: str, status: str
) -> None:
    incident_id = open_incident(world)
    for step in before:
        world.worker("N01").texts(step)
    answer = world.worker("N01").understood(text)
    assert (answer.understood, answer.error, answer.status) == (Understood.REFUSED, error, status)
    assert world.kinds(incident_id)[-1] == "action.refused"


@pytest.mark.parametrize("text", ["1", "4", "100 4", "999 1"])
def test_without_anything_waiting_it_says_so(world: World, text: str) -> None:
    assert world.worker("N01").understood(text).understood is Understood.NOTHING_WAITING


def test_help_and_details_by_text(world: World) -> None:
    incident_id = open_incident(world)
    worker = world.worker("N01")
    worker.texts("1")
    assert worker.understood("BANTU").action is Action.HELP
    world.works()
    assert world.provider.rung[-1] == PHONES["N03"]
    assert worker.understood("0").action is Action.INFO
    world.works()
    assert world.provider.texts_to(PHONES["N01"])[-1].startswith("details 100")
    assert world.kinds(incident_id)[-1] == "details.requested"


@pytest.mark.parametrize(
    "text",
    ["jalan putus di SP 3", "🚑🚑🚑", "<script>alert(1)</script>", "'; DROP TABLE event; --", "x" * 10_000],
)
def test_what_is_not_understood_is_kept_with_the_workers_incident(world: World, text: str) -> None:
    incident_id = open_incident(world)
    worker = world.worker("N01")
    worker.texts("1")
    answer = worker.understood(text)
    assert (answer.understood, answer.short_number) == (Understood.NOTED, 100)
    (line,) = [line for line in world.lines(incident_id) if line.kind == "note.added"]
    assert list(line.private) == ["text"]
    assert text not in str(line.data)


def test_what_is_not_understood_and_belongs_nowhere_gets_the_short_help(world: World) -> None:
    assert world.worker("N01").understood("halo?").understood is Understood.HELP


def test_a_break_and_its_end(world: World) -> None:
    assert world.worker("N01").understood("ISTIRAHAT").understood is Understood.ON_BREAK
    assert world.worker("N01").understood("istirahat").understood is Understood.ON_BREAK
    first = open_incident(world, 1)
    assert [a.staff_code for a in world.incident(first).assignments] == ["N02", "N03"]
    world.hand.advance(60)
    assert world.worker("N01").understood("HADIR").understood is Understood.ON_DUTY
    second = open_incident(world, 2)
    assert "N01" in [a.staff_code for a in world.incident(second).assignments]


# --- residents ------------------------------------------------------------------------------------


def test_a_residents_text_opens_an_incident_as_a_call_does(world: World) -> None:
    answer = world.resident().texts("tolong, anak saya tidak bangun")
    assert isinstance(answer, TextAnswer)
    assert (answer.understood, answer.short_number) == (Understood.EMERGENCY, 100)
    (incident,) = world.incidents()
    assert incident.channel == IncidentChannel.SMS
    world.works()
    assert sorted(world.provider.rung) == [PHONES["N01"], PHONES["N02"]]


def test_a_text_joins_the_open_incident_of_its_number(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.resident().texts("kami di dekat gereja")
    assert [incident.id for incident in world.incidents()] == [incident_id]
    assert [call.outcome for call in world.calls()] == [CallOutcome.INCIDENT, CallOutcome.JOINED]


def test_a_resident_who_texts_a_key_means_an_emergency(world: World) -> None:
    world.resident().texts("1")
    assert len(world.incidents()) == 1


def test_an_operators_text_is_logged_and_rings_nobody(world: World) -> None:
    answer = world.resident(None).texts("Kuota Anda hampir habis")
    assert isinstance(answer, TextAnswer)
    assert answer.understood is Understood.IGNORED
    (call,) = world.calls()
    assert (call.outcome, call.incident_id, call.caller_number) == (
        CallOutcome.INFORMATION,
        None,
        "TELKOMSEL",
    )
    assert world.incidents() == []
    assert world.deliveries() == []
