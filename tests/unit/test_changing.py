"""Our quick ``replace`` does what the library's does."""

import dataclasses
from dataclasses import dataclass

import pytest

from dispatch.domain.changing import replace
from dispatch.domain.incidents import Incident, Times
from tests.builders import START, Story


def test_it_changes_a_copy_as_the_library_does() -> None:
    story = Story()
    story.rings()
    before = story.incident
    times = replace(before.times, closed_at=START)
    after = replace(before, times=times, help_wanted=3)
    assert after == dataclasses.replace(
        before, times=dataclasses.replace(before.times, closed_at=START), help_wanted=3
    )
    assert isinstance(after, Incident)
    assert isinstance(after.times, Times)
    assert (before.help_wanted, before.times.closed_at) == (0, None)
    assert replace(before) == before


def test_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="Times has no field 'closed'"):
        replace(Times(received_at=START), closed=START)


def test_a_class_that_does_something_when_one_is_made_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Even:
        number: int

        def __post_init__(self) -> None:
            assert self.number % 2 == 0

    with pytest.raises(TypeError, match="Even does something"):
        replace(Even(2), number=3)
