"""No sequence of suggestions lowers a priority or declares anybody dead."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain.triage import raise_only
from dispatch.domain.vocabulary import Priority

_LADDER = (Priority.UNKNOWN, Priority.GREEN, Priority.YELLOW, Priority.RED)
_priorities = st.sampled_from(Priority)


@given(_priorities, st.lists(_priorities))
def test_suggestions_only_ever_climb(start: Priority, suggestions: list[Priority]) -> None:
    end = reduce(raise_only, suggestions, start)
    if start is Priority.BLACK:
        assert end is Priority.BLACK
    else:
        assert _LADDER.index(end) >= _LADDER.index(start)


@given(st.lists(_priorities))
def test_a_repeated_suggestion_changes_nothing_more(suggestions: list[Priority]) -> None:
    once = reduce(raise_only, suggestions, Priority.UNKNOWN)
    assert reduce(raise_only, suggestions, once) is once
