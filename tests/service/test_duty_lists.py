"""The list of people on duty is read once and used again, and never when it no longer stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, event, select, update

from dispatch.domain.incidents import DutyPerson
from dispatch.service.duty_lists import READ_AGAIN_AFTER, DutyLists, KnownDuty
from dispatch.service.roster_keeping import duty_list
from models.facility import Shift, Staff
from tests.world import World


def on_duty(world: World) -> list[str]:
    with world.uow.read() as session:
        return [person.staff_code for person in duty_list(session, world.services, world.clock.now())]


@contextmanager
def counting(world: World) -> Iterator[list[str]]:
    """The questions about shifts that reach the database."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM staff JOIN shift" in statement:
            asked.append(statement)

    event.listen(world.uow.engine, "before_cursor_execute", note)
    yield asked
    event.remove(world.uow.engine, "before_cursor_execute", note)


def staff_id(world: World, code: str) -> str:
    with world.uow.read() as session:
        return session.scalars(select(Staff.id).where(Staff.code == code)).one()


def shift_of(world: World, code: str, starts_at: datetime, ends_at: datetime) -> None:
    worker = staff_id(world, code)
    with world.uow.write() as session:
        session.add(
            Shift(
                id=world.services.ids.new_id(),
                facility_id=world.services.facility_id,
                staff_id=worker,
                tier="jaga",
                starts_at=starts_at,
                ends_at=ends_at,
            )
        )


def without_shifts(world: World, *codes: str) -> None:
    workers = [staff_id(world, code) for code in codes]
    with world.uow.write() as session:
        session.execute(delete(Shift).where(Shift.staff_id.in_(workers)))


def test_what_was_read_is_used_again(world: World) -> None:
    first = on_duty(world)
    with counting(world) as asked:
        assert on_duty(world) == first
        assert asked == []
        world.hand.advance(READ_AGAIN_AFTER.total_seconds())
        assert on_duty(world) == first
        assert len(asked) == 1


def test_a_change_by_another_process_counts_for_the_next_call(world: World) -> None:
    assert "N01" in on_duty(world)
    elsewhere = world.restarted()
    without_shifts(elsewhere, "N01")
    assert "N01" not in on_duty(world)
    with elsewhere.uow.write() as session:
        session.execute(update(Staff).where(Staff.code == "N02").values(is_active=False))
    assert "N02" not in on_duty(world)
    now = world.clock.now()
    shift_of(elsewhere, "N01", now - timedelta(hours=1), now + timedelta(hours=1))
    assert "N01" in on_duty(world)
    elsewhere.close()


def test_a_shift_that_begins_or_ends_counts_in_that_second(world: World) -> None:
    now = world.clock.now()
    without_shifts(world, "N01", "N02")
    shift_of(world, "N01", now + timedelta(seconds=20), now + timedelta(seconds=40))
    shift_of(world, "N02", now - timedelta(hours=1), now + timedelta(seconds=20))
    assert ("N01" in on_duty(world), "N02" in on_duty(world)) == (False, True)
    world.hand.advance(19)
    assert ("N01" in on_duty(world), "N02" in on_duty(world)) == (False, True)
    world.hand.advance(1)
    assert ("N01" in on_duty(world), "N02" in on_duty(world)) == (True, False)
    world.hand.advance(20)
    assert "N01" not in on_duty(world)


def test_what_was_rolled_back_was_never_on_duty(world: World) -> None:
    before = on_duty(world)
    worker = staff_id(world, "N01")

    def breaks_off() -> None:
        with world.uow.write() as session:
            session.execute(delete(Shift).where(Shift.staff_id == worker))
            found = duty_list(session, world.services, world.clock.now())
            assert "N01" not in [person.staff_code for person in found]
            raise InterruptedError

    with pytest.raises(InterruptedError):
        breaks_off()
    assert on_duty(world) == before


def test_a_list_serves_no_time_but_its_own() -> None:
    at = datetime.fromisoformat("2026-11-23T12:00:00+00:00")
    people: tuple[DutyPerson, ...] = ()
    lists = DutyLists()
    assert lists.get("a", at) is None
    lists.put(KnownDuty("a", at, at + timedelta(seconds=30), people))
    assert lists.get("a", at) is people
    assert lists.get("b", at) is None
    assert lists.get(None, at) is None
    assert lists.get("a", at - timedelta(seconds=1)) is None
    assert lists.get("a", at + timedelta(seconds=30)) is None
