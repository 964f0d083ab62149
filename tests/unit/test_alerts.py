"""When an alert counts as sent, and what its failure sets going."""

import pytest

from dispatch.domain.commands import Action
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
