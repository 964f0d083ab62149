"""When an alert counts as sent, and what its failure sets going."""

import pytest

from dispatch.domain.commands import Action
from dispatch.domain.effects import ConnectWorker
from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import AssignmentStatus, Outcome, Source
from tests.builders import Story, at


def test_a_wish_to_alert_is_not_an_alert() -> None:
    story = Story().rings()
    assert story.part_of("N01").alerted_at is None
    assert story.incident.times.alerted_at is None


def test_an_alert_is_recorded_when_somebody_outside_confirms_it_and_only_once() -> None:
    story = Story().rings().jumps(0.04).alert_leaves("N01").jumps(1).alert_leaves("N01", channel="sms")
    story.jumps(1).alert_leaves("N01", proof="ringing")
    sent = [event for event in story.events if event.kind is Kind.ALERT_SENT]
    assert [event.data for event in sent] == [{"staff_code": "N01", "channel": "voice", "proof": "provider"}]
    assert story.incident.times.alerted_at == at(0.04)
    assert story.part_of("N01").alerted_at == at(0.04)


def test_an_answer_proves_the_alert_when_no_report_came_before() -> None:
    story = Story().rings().jumps(3).accepts("N01", source=Source.SMS)
    (sent,) = [event for event in story.events if event.kind is Kind.ALERT_SENT]
    assert sent.data == {"staff_code": "N01", "channel": "sms", "proof": "answer"}
    assert story.incident.times.alerted_at == at(3)


def test_nothing_is_recorded_of_an_alert_that_arrives_after_the_end() -> None:
    story = Story().rings().does(Action.CLOSE, outcome=Outcome.CANCELLED)
    lines = len(story.events)
    assert len(story.alert_leaves("N01").events) == lines


def test_somebody_who_was_never_asked_cannot_have_been_alerted() -> None:
    story = Story().rings().alert_leaves("P01")
    assert Kind.ALERT_SENT not in story.kinds


@pytest.mark.parametrize(
    ("hopeless", "status"), [(True, AssignmentStatus.NO_ANSWER), (False, AssignmentStatus.ALERTED)]
)
def test_a_failure_is_recorded_and_means_silence_only_without_hope(
    hopeless: bool, status: AssignmentStatus
) -> None:
    story = Story().rings().alert_fails("N01", hopeless=hopeless)
    assert Kind.ALERT_FAILED in story.kinds
    assert story.part_of("N01").status is status


def test_a_failure_after_the_acceptance_changes_nothing_but_the_record() -> None:
    story = Story().rings().accepts("N01").alert_fails("N01").alert_fails("N02")
    assert story.primary() == "N01"
    assert story.part_of("N02").status is AssignmentStatus.STOOD_DOWN
    assert len(story.alerted) == 2


# --- between accepting and meeting the caller -----------------------------------------------------

CALLED_IN = [ConnectWorker(staff_id="staff-N01", staff_code="N01", again=True)]


def test_who_presses_1_and_hangs_up_is_called_into_the_room() -> None:
    story = Story().rings().accepts("N01").jumps(1).leaves_call("N01").passes(20)
    assert story.effects(ConnectWorker) == CALLED_IN
    assert story.primary() == "N01"
    assert story.incident.times.answered_at is None, "the caller must not be taken for answered"


def test_who_hangs_up_after_the_talk_is_not_called_again() -> None:
    story = Story().rings().accepts("N01").jumps(1).joined_by("N01").jumps(60).leaves_call("N01")
    assert story.effects(ConnectWorker) == []


def test_who_hangs_up_without_having_accepted_is_not_called() -> None:
    assert Story().rings().leaves_call("N01").effects(ConnectWorker) == []


def test_picking_up_begins_the_joining_once() -> None:
    story = Story().rings().accepts("N01", source=Source.WEB).jumps(5).picks_up("N01").picks_up("N01")
    assert story.incident.ladder.joining == (("N01", at(5)),)
    assert story.kinds.count(Kind.JOINING) == 1


def test_picking_up_when_the_caller_is_gone_joins_nobody() -> None:
    story = Story().rings().accepts("N01", source=Source.WEB).hangs_up().picks_up("N01")
    assert story.incident.ladder.joining == ()


def test_who_accepted_elsewhere_and_let_the_alert_ring_out_is_called_into_the_room() -> None:
    story = Story().rings().accepts("N01", source=Source.SMS)
    before = len(story.effects(ConnectWorker))
    story.alert_fails("N01", hopeless=False)
    assert story.effects(ConnectWorker)[before:] == [ConnectWorker(staff_id="staff-N01", staff_code="N01")]


def test_who_is_joined_by_one_call_and_accepts_on_another_waits_once() -> None:
    story = Story().rings().picks_up("N01").jumps(2).accepts("N01", source=Source.KEYPAD)
    assert story.incident.ladder.joining == (("N01", at(2)),)
