"""Callbacks arrive late, twice and shuffled: the end is the same, and nothing ever steps back."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain.deliveries import Progress, after_callback
from dispatch.domain.vocabulary import DeliveryState

VOICE_STORIES = [
    ("queued", "initiated", "ringing", "in-progress", "completed"),
    ("initiated", "ringing", "no-answer"),
    ("initiated", "busy"),
    ("queued", "failed"),
    ("initiated", "ringing", "canceled"),
]
TEXT_STORIES = [
    ("queued", "sending", "sent", "delivered"),
    ("queued", "sending", "sent", "undelivered"),
    ("accepted", "queued", "failed"),
    ("queued", "sent", "delivered", "read"),
]
STORIES = [("voice", story) for story in VOICE_STORIES] + [("sms", story) for story in TEXT_STORIES]
EARLY = ("queued", "initiated", "ringing", "in-progress", "accepted", "sending", "sent")


def after_all(channel: str, callbacks: list[tuple[str, int | None]]) -> list[Progress]:
    """Every standing that a delivery goes through."""
    passed: list[Progress] = []
    for status, sequence in callbacks:
        last = passed[-1] if passed else None
        found = after_callback(
            channel=channel,
            known_status=None if last is None else last.status,
            known_sequence=-1 if last is None else last.sequence,
            status=status,
            sequence=sequence,
        )
        if found is not None:
            passed.append(found)
    return passed


@st.composite
def _disorder(
    draw: st.DrawFn, *, numbered: bool
) -> tuple[str, tuple[str, ...], list[tuple[str, int | None]]]:
    channel, story = draw(st.sampled_from(STORIES))
    told = [(status, number if numbered else None) for number, status in enumerate(story)]
    extra = draw(st.lists(st.sampled_from(told), max_size=6))
    return channel, story, draw(st.permutations([*told, *extra]))


@given(_disorder(numbered=False))
def test_any_order_without_numbers_ends_at_the_end(
    case: tuple[str, tuple[str, ...], list[tuple[str, int | None]]],
) -> None:
    channel, story, callbacks = case
    assert after_all(channel, callbacks)[-1].status == story[-1]


@given(_disorder(numbered=True))
def test_any_order_with_numbers_ends_at_the_end(
    case: tuple[str, tuple[str, ...], list[tuple[str, int | None]]],
) -> None:
    channel, story, callbacks = case
    assert after_all(channel, callbacks)[-1].status == story[-1]


@given(
    st.sampled_from(["voice", "sms"]),
    st.lists(
        st.tuples(
            st.sampled_from(sorted({status for _, story in STORIES for status in story} | {"", "nonsense"})),
            st.none() | st.integers(-2, 9),
        ),
        max_size=15,
    ),
)
def test_a_delivery_never_leaves_an_end_and_never_goes_back(
    channel: str, callbacks: list[tuple[str, int | None]]
) -> None:
    passed = after_all(channel, callbacks)
    ended = [step for step in passed if step.state is not DeliveryState.ACCEPTED]
    assert passed[len(passed) - len(ended) :] == ended, "nothing is under way again after an end"
    states = [step.state for step in ended if step.status != "read"]
    assert len(set(states)) <= 1, (
        "an end is not exchanged for another; only what was read was delivered after all"
    )
    assert len({step.status for step in passed}) == len(passed), "no standing comes twice"


@pytest.mark.parametrize(("channel", "story"), STORIES)
def test_every_pair_of_orders_agrees(channel: str, story: tuple[str, ...]) -> None:
    ends = {after_all(channel, [(s, None) for s in order])[-1] for order in itertools.permutations(story)}
    assert len(ends) == 1
