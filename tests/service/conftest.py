"""Gives service tests a health centre on both databases, whose record must be intact at the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from models.triggers import drop_statements
from tests.service.sealed_days import by_hand, live_two_days
from tests.service.terminal import here, migrated, siaga
from tests.world import World

__all__ = ["here", "make_world", "migrated", "sealed", "siaga", "world"]

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(database_url: str) -> Iterator[MakeWorld]:
    """Worlds of this test's own database, let go at its end; their record is not looked at."""
    with ExitStack() as stack:

        def make(**options: object) -> World:
            world = World(database_url, **options)  # type: ignore[arg-type] # the options of World, by name
            stack.callback(world.close)
            return world

        yield make


@pytest.fixture
def world(make_world: MakeWorld) -> Iterator[World]:
    """A health centre; whatever a test did through the service, the record verifies."""
    world = make_world()
    yield world
    assert world.findings() == []


@pytest.fixture
def sealed(make_world: MakeWorld) -> World:
    """Two sealed days, and nothing that refuses a change any more."""
    world = make_world()
    live_two_days(world)
    by_hand(world, *drop_statements(world.uow.engine.dialect.name))
    return world
