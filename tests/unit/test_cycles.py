"""The process looks for cycles seldom while somebody reads much, and as before when they are done."""

import gc

import pytest

from dispatch.service.cycles import NEW_OBJECTS, seldom_looking_for_cycles


def test_the_last_to_leave_restores_what_the_first_found() -> None:
    before = gc.get_threshold()
    first, second = seldom_looking_for_cycles(), seldom_looking_for_cycles()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == NEW_OBJECTS, "somebody still reads"
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_an_error_leaves_nothing_changed() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"), seldom_looking_for_cycles():
        raise ValueError("broken")
    assert gc.get_threshold() == before
