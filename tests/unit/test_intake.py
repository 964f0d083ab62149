"""What a call, a text or the desk sets going, and what the caller's keys mean (CONTRACT 3 to 5)."""

import pytest

from dispatch.domain.commands import Action, Location, OpenByHand
from dispatch.domain.effects import CallBack, ReleaseCaller, StandDown
from dispatch.domain.errors import TimeRefusedError
from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import (
    CallOutcome,
    Category,
    IncidentChannel,
    IncidentStatus,
    LocationSource,
    Outcome,
    Priority,
    Role,
    Source,
)
from tests.builders import DUTY, RESIDENT, Story, at, person, policy

# --- opening and joining --------------------------------------------------------------------------


def test_a_call_opens_an_incident_of_which_nothing_is_known_yet() -> None:
    incident = Story().rings().incident
    assert (incident.number, incident.short_number, incident.year) == ("KWK-2026-000100", 100, 2026)
    assert (incident.priority, incident.category) == (Priority.UNKNOWN, Category.UNKNOWN)
    assert (incident.channel, incident.caller_number) == (IncidentChannel.VOICE, RESIDENT)
    assert incident.times.received_at == at(0)
    assert incident.calls[0].outcome is CallOutcome.INCIDENT


def test_the_policy_and_the_people_are_frozen_into_the_first_line() -> None:
    story = Story(plan=policy(repeat_s=7.25)).rings()
    assert story.incident.policy == policy(repeat_s=7.25)
    assert story.incident.duty == DUTY


def test_the_number_stands_beside_the_first_line_and_never_in_it() -> None:
    first = Story().rings().events[0]
    assert first.private == {"caller_number": RESIDENT}
    assert RESIDENT not in str(first.data)


def test_what_a_resident_writes_is_private_too() -> None:
    story = Story().rings(channel=IncidentChannel.SMS, text="anak saya kejang")
    assert story.events[0].kind is Kind.TEXT_RECEIVED
    assert story.events[0].private == {"caller_number": RESIDENT, "text": "anak saya kejang"}
    assert story.events[0].source is Source.SMS
    assert story.incident.calls[0].ended_at == at(0), "a text is over when it has arrived"


def test_a_further_call_joins_and_alerts_nobody_twice() -> None:
    story = Story().rings().jumps(4).rings()
    assert [call.outcome for call in story.incident.calls] == [CallOutcome.INCIDENT, CallOutcome.JOINED]
    assert len(story.alerted) == 2
    assert story.incident.times.received_at == at(0)


def test_a_withheld_number_leaves_nothing_private() -> None:
    story = Story().rings(caller_number=None)
    assert story.events[0].private == {}
    assert story.incident.caller_number is None


# --- the desk -------------------------------------------------------------------------------------


def test_the_desk_describes_what_it_knows() -> None:
    story = Story().jumps(600)
    story.opened_by_hand(
        OpenByHand(
            actor="user:desk",
            caller_number=RESIDENT,
            priority=Priority.YELLOW,
            category=Category.FALL,
            location=Location(source=LocationSource.DISPATCHER, text="Jalan Baru", place="Kwamki Narama"),
            text="jatuh dari pohon",
            occurred_at=at(0),
        )
    )
    incident = story.incident
    assert (incident.priority, incident.category) == (Priority.YELLOW, Category.FALL)
    assert (incident.location.text, incident.location.place) == ("Jalan Baru", "Kwamki Narama")
    assert incident.times.received_at == at(0)
    assert incident.channel is IncidentChannel.WALK_IN
    assert story.alerted == [(600, "N01")], "yellow: one by one"
    assert story.events[2].private == {"text": "jatuh dari pohon"}


def test_the_desk_cannot_open_in_the_future() -> None:
    with pytest.raises(TimeRefusedError):
        Story().opened_by_hand(OpenByHand(actor="user:desk", occurred_at=at(61)))


# --- the caller's keypad --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digit", "priority", "category"),
    [
        ("1", Priority.RED, Category.UNCONSCIOUS),
        ("2", Priority.RED, Category.TRAUMA),
        ("3", Priority.YELLOW, Category.CHILDBIRTH),
        ("4", Priority.YELLOW, Category.OTHER),
        ("5", Priority.UNKNOWN, Category.UNKNOWN),
        ("0", Priority.UNKNOWN, Category.UNKNOWN),
        ("*", Priority.UNKNOWN, Category.UNKNOWN),
        ("", Priority.UNKNOWN, Category.UNKNOWN),
    ],
)
def test_the_first_menu(digit: str, priority: Priority, category: Category) -> None:
    incident = Story().rings().presses(digit).incident
    assert (incident.priority, incident.category) == (priority, category)
    assert incident.status is IncidentStatus.ALERTING


@pytest.mark.parametrize(
    ("first", "then", "priority", "category"),
    [
        ("1", "4", Priority.RED, Category.UNCONSCIOUS),
        ("4", "1", Priority.RED, Category.OTHER),
        ("3", "2", Priority.RED, Category.CHILDBIRTH),
        ("2", "3", Priority.RED, Category.TRAUMA),
    ],
)
def test_a_second_key_raises_and_never_lowers(
    first: str, then: str, priority: Priority, category: Category
) -> None:
    incident = Story().rings().presses(first).presses(then).incident
    assert (incident.priority, incident.category) == (priority, category)


def test_the_same_key_twice_is_one_line() -> None:
    story = Story().rings().presses("1").presses("1")
    assert story.kinds.count(Kind.CALL_MENU_CHOSEN) == 1


def test_a_dispatchers_colour_is_not_lowered_by_the_caller() -> None:
    story = Story().rings().does(Action.SET_PRIORITY, priority=Priority.RED).presses("4")
    assert story.incident.priority is Priority.RED


# --- wrong number ---------------------------------------------------------------------------------


def test_a_wrong_number_closes_its_own_incident_and_stands_everybody_down() -> None:
    story = Story().rings().presses("9")
    assert story.incident.status is IncidentStatus.CLOSED
    assert story.incident.outcome is Outcome.WRONG_NUMBER
    assert story.incident.calls[0].outcome is CallOutcome.WRONG_NUMBER
    assert sorted(story.stood_down) == ["N01", "N02"]
    assert all(getattr(effect, "reason", None) == "closed" for effect in story.effects(StandDown))
    assert story.effects(ReleaseCaller) == [], "the voice flow says goodbye itself"
    assert story.hangs_up().incident.calls[0].outcome is CallOutcome.WRONG_NUMBER


def test_a_wrong_number_closes_nobody_elses_incident() -> None:
    story = Story().rings().presses("1").rings().presses("9", call=2)
    assert not story.incident.is_closed
    outcomes = [call.outcome for call in story.incident.calls]
    assert outcomes == [CallOutcome.INCIDENT, CallOutcome.WRONG_NUMBER]
    assert story.stood_down == []


def test_a_key_after_the_end_changes_only_its_call() -> None:
    story = Story().rings().does(Action.CLOSE, outcome=Outcome.CANCELLED).presses("1")
    assert story.incident.calls[0].menu_digit == "1"
    assert story.incident.priority is Priority.UNKNOWN


# --- the end of a call ----------------------------------------------------------------------------


def _joined() -> Story:
    return Story().rings().accepts("N01").jumps(2).joined_by("N01")


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        pytest.param(Story().rings(), CallOutcome.ABANDONED, id="nobody joined, no key"),
        pytest.param(
            Story().rings().accepts("N01"), CallOutcome.ABANDONED, id="accepted, but not joined yet"
        ),
        pytest.param(Story().rings().presses("1"), CallOutcome.INCIDENT, id="a key was pressed"),
        pytest.param(_joined(), CallOutcome.INCIDENT, id="somebody joined"),
    ],
)
def test_abandoned_is_who_left_unheard_and_without_a_word(story: Story, outcome: CallOutcome) -> None:
    story.jumps(8).hangs_up()
    assert story.incident.calls[0].outcome is outcome
    assert not story.incident.is_closed, "an abandoned call is an emergency until a person says otherwise"


def test_an_abandoned_call_stays_so_when_its_caller_is_reached_by_our_call_back() -> None:
    """As in older records: an answer changes the ending only where its line says so."""
    story = Story().rings().jumps(8).hangs_up().jumps(20).joined_by("N01")
    (call,) = story.incident.calls
    assert (call.outcome, call.answered_at) == (CallOutcome.ABANDONED, story.now)


def test_a_joined_call_is_never_abandoned() -> None:
    story = Story().rings().rings().hangs_up(call=2)
    assert story.incident.calls[1].outcome is CallOutcome.JOINED


@pytest.mark.parametrize("late", ["busy", "no-answer", "failed", "completed"])
def test_a_call_ends_once(late: str) -> None:
    story = Story().rings().jumps(9).hangs_up()
    lines = len(story.events)
    story.jumps(5).hangs_up(provider_status=late)
    assert len(story.events) == lines
    assert story.incident.calls[0].ended_at == at(9)


def test_when_the_caller_leaves_nobody_is_being_joined_any_more() -> None:
    story = Story().rings().accepts("N01").jumps(1).hangs_up().passes(60)
    assert story.incident.ladder.joining == ()
    assert story.incident.times.answered_at is None


# --- short calls and the call-back ----------------------------------------------------------------


def test_a_call_that_ends_too_soon_is_called_back_instead() -> None:
    story = Story(plan=policy(alert_after_s=10.0)).rings().jumps(3).hangs_up()
    assert story.effects(CallBack) == [CallBack(call_id="call-1")]
    assert story.alerted == []
    assert story.kinds[-1] is Kind.CALL_BACK_REQUESTED


def test_a_call_back_that_is_answered_alerts_at_once() -> None:
    story = Story(plan=policy(alert_after_s=10.0)).rings().jumps(3).hangs_up().jumps(7).answers_call_back()
    assert story.alerted == [(10, "N01"), (10, "N02")]
    assert Kind.CALL_RETURNED in story.kinds


def test_a_call_back_that_leads_nowhere_alerts_all_the_same() -> None:
    story = Story(plan=policy(alert_after_s=10.0)).rings().jumps(3).hangs_up().passes(60)
    assert story.alerted[:2] == [(48, "N01"), (48, "N02")]


@pytest.mark.parametrize(
    ("callback", "caller_number"),
    [
        pytest.param(False, RESIDENT, id="the policy calls nobody back"),
        pytest.param(True, None, id="a withheld number cannot be called back"),
    ],
)
def test_who_cannot_be_called_back_is_alerted_for_at_once(callback: bool, caller_number: str | None) -> None:
    story = Story(plan=policy(alert_after_s=10.0, callback=callback)).rings(caller_number=caller_number)
    story.jumps(3).hangs_up()
    assert story.effects(CallBack) == []
    assert story.alerted == [(3, "N01"), (3, "N02")]


def test_whoever_rings_twice_means_it() -> None:
    story = Story(plan=policy(alert_after_s=10.0)).rings().jumps(2).hangs_up().jumps(4).rings()
    assert story.alerted == [(6, "N01"), (6, "N02")]


def test_a_call_back_answered_late_alerts_nobody_twice() -> None:
    story = Story(plan=policy(alert_after_s=10.0)).rings().jumps(3).hangs_up().passes(50)
    asked = len(story.alerted)
    assert len(story.answers_call_back().alerted) == asked


def test_only_a_call_taker_on_duty_does_not_keep_an_incident_from_being_alerted() -> None:
    duty = [person("T01", role=Role.CALL_TAKER)]
    story = Story(duty=duty).rings().accepts("T01").passes(120)
    assert story.incident.needs_people
    assert Kind.NOBODY_ON_DUTY in story.kinds
