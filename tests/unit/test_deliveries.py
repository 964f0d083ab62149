"""What a provider's word means for a delivery: never a step back (TESTBED 2.4 and 2.6)."""

import pytest

from dispatch.domain.deliveries import Progress, after_callback, retry_after_s
from dispatch.domain.vocabulary import DeliveryState

_VOICE, _SMS = "voice", "sms"
_GOING, _DONE, _FAILED = DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.FAILED


@pytest.mark.parametrize(
    ("channel", "status", "state"),
    [
        (_VOICE, "queued", _GOING),
        (_VOICE, "initiated", _GOING),
        (_VOICE, "ringing", _GOING),
        (_VOICE, "in-progress", _GOING),
        (_VOICE, "answered", _GOING),
        (_VOICE, "completed", _DONE),
        (_VOICE, "busy", _FAILED),
        (_VOICE, "no-answer", _FAILED),
        (_VOICE, "failed", _FAILED),
        (_VOICE, "canceled", _FAILED),
        (_SMS, "accepted", _GOING),
        (_SMS, "scheduled", _GOING),
        (_SMS, "queued", _GOING),
        (_SMS, "sending", _GOING),
        (_SMS, "sent", _GOING),
        (_SMS, "delivered", _DONE),
        (_SMS, "read", _DONE),
        (_SMS, "undelivered", _FAILED),
        (_SMS, "failed", _FAILED),
    ],
)
def test_what_each_status_means(channel: str, status: str, state: DeliveryState) -> None:
    found = after_callback(
        channel=channel, known_status=None, known_sequence=-1, status=status, sequence=None
    )
    assert found == Progress(state=state, status=status, sequence=-1)


@pytest.mark.parametrize(
    ("channel", "known", "late"),
    [
        pytest.param(_VOICE, "completed", "busy", id="a late busy after completed"),
        (_VOICE, "completed", "ringing"),
        (_VOICE, "completed", "completed"),
        (_VOICE, "busy", "completed"),
        (_VOICE, "no-answer", "in-progress"),
        (_VOICE, "ringing", "initiated"),
        (_VOICE, "in-progress", "ringing"),
        (_SMS, "delivered", "sent"),
        (_SMS, "delivered", "undelivered"),
        (_SMS, "undelivered", "delivered"),
        (_SMS, "sent", "queued"),
        (_SMS, "sent", "sent"),
    ],
)
@pytest.mark.parametrize("sequence", [None, 99])
def test_nothing_steps_back(channel: str, known: str, late: str, sequence: int | None) -> None:
    """Not even when the late one carries a later number: Twilio numbers by request, not by what is true."""
    assert (
        after_callback(channel=channel, known_status=known, known_sequence=3, status=late, sequence=sequence)
        is None
    )


@pytest.mark.parametrize(
    ("known", "known_sequence", "status", "sequence", "moves"),
    [
        ("initiated", 0, "ringing", 1, True),
        ("initiated", 1, "ringing", 1, False),
        ("initiated", 2, "ringing", 1, False),
        ("initiated", 2, "ringing", None, True),
        ("queued", -1, "completed", 3, True),
    ],
)
def test_an_older_number_says_nothing_new(
    known: str, known_sequence: int, status: str, sequence: int | None, moves: bool
) -> None:
    found = after_callback(
        channel=_VOICE, known_status=known, known_sequence=known_sequence, status=status, sequence=sequence
    )
    assert (found is not None) == moves


@pytest.mark.parametrize(
    ("channel", "status"), [(_VOICE, "delivered"), (_SMS, "busy"), (_SMS, ""), (_VOICE, "x")]
)
def test_a_word_of_another_channel_or_of_none_is_ignored(channel: str, status: str) -> None:
    assert (
        after_callback(channel=channel, known_status=None, known_sequence=-1, status=status, sequence=None)
        is None
    )


def test_a_read_receipt_follows_the_delivery() -> None:
    found = after_callback(
        channel=_SMS, known_status="delivered", known_sequence=2, status="read", sequence=None
    )
    assert found == Progress(state=_DONE, status="read", sequence=2)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (1000, 30)]
)
def test_tries_slow_down_and_never_end(attempts: int, seconds: float) -> None:
    assert retry_after_s(attempts) == seconds
