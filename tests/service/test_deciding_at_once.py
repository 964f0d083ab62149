"""On PostgreSQL a command holds nothing and writes one statement; who is overtaken begins anew (ADR 0045)."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Row, bindparam, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from dispatch.domain.commands import Action, ActOnIncident, JoinCaller
from dispatch.domain.errors import AlreadyThereError
from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import AssignmentStatus, Outcome, Priority, Source
from dispatch.service import alert_calls, intake, progress
from models.base import table_of
from models.facility import Facility
from models.sessions import together
from models.statements import Prepared
from models.together import ROWS
from models.traffic import Inbox
from models.unit_of_work import wake_engine_after
from tests.crossing import terminal, until_somebody_waits
from tests.fakes.telephony import WAIT_S
from tests.world import FACILITY, TEAM, World, inbox_row

_INBOX, _FACILITY = table_of(Inbox), table_of(Facility)
INSERT = Prepared(insert(_INBOX))
RENAME = Prepared(
    update(_FACILITY).where(_FACILITY.c.id == bindparam("whose")).values(name=bindparam("called"))
)

Command = Callable[[], object]

SID = "CA-in-1"


@pytest.fixture
def world(postgresql_database_url: str) -> Iterator[World]:
    # One person on duty: nobody else is stood down.
    world = World(postgresql_database_url, team=[TEAM[0], TEAM[-1]])
    yield world
    assert world.findings() == []
    world.close()


@pytest.fixture
def incident_id(world: World) -> str:
    """An incident whose caller hears the menu, and whose worker's phone rings."""
    incident_id = world.resident().rings(SID).incident_id
    world.works()
    return incident_id


def said_to(world: World, act: Command) -> list[str]:
    """The statements that *act* sends to the database."""
    said: list[str] = []

    def note(*event: object) -> None:
        said.append(str(event[2]))

    event.listen(world.uow.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(world.uow.engine, "before_cursor_execute", note)
    return said


def reasons(act: Command) -> list[str]:
    """Why what *act* does was carried out anew in a transaction."""
    with capture_logs() as logs:
        act()
    return [line["reason"] for line in logs if line["event"] == "command.in_turn"]


READ = ("after_cursor_execute", "SELECT event.data ")
WRITTEN = ("before_cursor_execute", "INSERT INTO event ")


def overtaken(world: World, act: Command, by: Command, instant: tuple[str, str] = WRITTEN) -> list[str]:
    """Let *by* happen at one *instant* of *act*: when it has read, or just before it writes."""
    waiting, (when, what) = [by], instant

    def overtake(*event: object) -> None:
        if what in str(event[2]) and waiting:
            waiting.pop()()

    event.listen(world.uow.engine, when, overtake)
    try:
        return reasons(act)
    finally:
        event.remove(world.uow.engine, when, overtake)
        assert not waiting, "there was nothing to overtake"


def keyed(
    world: World, incident_id: str, action: Action, place: Row[*tuple[Any, ...]] | None = None
) -> Command:
    """N01 presses the key for *action* in a call of ours."""
    command = ActOnIncident(
        incident_id=incident_id,
        action=action,
        actor="staff:N01",
        source=Source.KEYPAD,
        staff_code="N01",
        occurred_at=world.clock.now(),
    )
    return lambda: progress.act_once(world.services, command, key=f"keypad:N01:{action}", place=place)


def accepting(world: World, incident_id: str) -> Command:
    return keyed(world, incident_id, Action.ACCEPT)


def recording(world: World, incident_id: str) -> Command:
    return lambda: alert_calls.keep_recording(world.services, incident_id, recording_sid="RE1", duration_s=10)


def staff_id(world: World, incident_id: str) -> str:
    (part,) = world.incident(incident_id).assignments
    return part.staff_id


def commands(world: World, incident_id: str) -> dict[str, Command]:
    """Each of those that come in the course of a call, in the order in which they may come."""
    worker = staff_id(world, incident_id)
    return {
        "menu": lambda: world.resident().presses("3"),
        "key": accepting(world, incident_id),
        "room": lambda: intake.join_caller(
            world.services, JoinCaller(incident_id=incident_id, staff_id=worker)
        ),
        "end": world.resident().hangs_up,
        "recording": recording(world, incident_id),
        "text": lambda: world.worker("N01").texts("4"),
    }


def test_a_command_asks_without_holding_and_writes_one_statement(world: World, incident_id: str) -> None:
    for name, command in commands(world, incident_id).items():
        said = said_to(world, command)
        assert not any(" FOR " in one and "UPDATE" in one for one in said), (name, said)
        writing = [one for one in said if not one.startswith(("SELECT", "WITH goes_on"))]
        (_,) = writing
        assert "INSERT INTO event " in writing[0], name
        assert ("INSERT INTO inbox " in writing[0]) is (name in ("key", "text")), name


def test_whoever_was_overtaken_decides_anew(world: World, incident_id: str) -> None:
    other = world.restarted()
    for name, command in commands(world, incident_id).items():
        before = len(world.lines(incident_id))
        note = f"meanwhile: {name}"
        by = lambda note=note: other.desk(incident_id, Action.NOTE, text=note)  # noqa: E731 - a name for each
        assert overtaken(world, command, by) == ["IntegrityError"], name
        kinds = world.kinds(incident_id)[before:]
        assert kinds[0] == Kind.NOTE_ADDED, name
        assert len(kinds) >= 2, f"{name} is not on record"
        assert world.findings() == [], name


@pytest.mark.parametrize("instant", [READ, WRITTEN], ids=["read", "written"])
def test_whoever_was_overtaken_in_their_own_process_does_not_undo_what_was_written(
    world: World, incident_id: str, instant: tuple[str, str]
) -> None:
    """What the other one left in this process's memory is newer than what was decided on."""
    urging = lambda: world.desk(incident_id, Action.SET_PRIORITY, priority=Priority.RED)  # noqa: E731 - as above
    assert overtaken(world, recording(world, incident_id), urging, instant)[-1] == "IntegrityError"
    assert world.incident(incident_id).priority is Priority.RED
    assert {Kind.PRIORITY_SET, Kind.CALL_RECORDED} <= set(world.kinds(incident_id))


def test_who_picks_up_after_accepting_by_text_is_on_the_way_in_whatever_came_between(
    world: World, incident_id: str
) -> None:
    other = world.restarted()
    world.worker("N01").texts("1")
    joining = lambda: alert_calls.begin_joining(world.services, incident_id, "N01")  # noqa: E731 - as above
    noting = lambda: other.desk(incident_id, Action.NOTE, text="meanwhile")  # noqa: E731 - as above
    assert overtaken(world, joining, noting) == ["IntegrityError"]
    assert world.kinds(incident_id)[-2:] == [Kind.NOTE_ADDED, Kind.JOINING]


def test_a_key_of_a_caller_whose_incident_is_closed_meanwhile_does_not_open_it(
    world: World, incident_id: str
) -> None:
    other = world.restarted()
    closing = lambda: other.desk(incident_id, Action.CLOSE, outcome=Outcome.ADVICE)  # noqa: E731 - as above
    assert overtaken(world, lambda: world.resident().presses("3"), closing)[-1] == "IntegrityError"
    assert world.incident(incident_id).is_closed


def test_a_key_is_judged_by_what_was_written_since_its_call_was_looked_at(
    world: World, incident_id: str
) -> None:
    """The flow looks at the call before it lets the key act, and need not ask for the same again."""
    (alert,) = world.deliveries(purpose="alert", channel="voice")
    call = alert_calls.answered(world.services, alert.id)
    assert call is not None
    world.restarted().desk(incident_id, Action.NOTE, text="meanwhile")
    assert reasons(keyed(world, incident_id, Action.ACCEPT, call.place)) == ["IntegrityError"]
    assert world.kinds(incident_id)[-2:] == [Kind.NOTE_ADDED, Kind.ACCEPTED]
    again = alert_calls.answered(world.services, alert.id)
    assert again is not None
    said = said_to(world, keyed(world, incident_id, Action.ON_SCENE, again.place))
    assert len(said) == 1, said


def test_a_key_that_comes_twice_at_once_counts_once(world: World, incident_id: str) -> None:
    first, second = accepting(world.restarted(), incident_id), accepting(world, incident_id)

    def too_late() -> None:
        with pytest.raises(AlreadyThereError):
            second()

    assert overtaken(world, too_late, first) == ["IntegrityError"]
    assert world.kinds(incident_id).count(Kind.ACCEPTED) == 1


def test_a_text_that_comes_twice_at_once_is_answered_the_same_twice(world: World, incident_id: str) -> None:
    accepting(world, incident_id)()
    other, answers = world.restarted(), []
    telling = [
        lambda one=one: answers.append(one.worker("N01").texts("4", sid="SM-twice")) for one in (other, world)
    ]
    assert overtaken(world, telling[1], telling[0]) == ["IntegrityError"]
    assert world.kinds(incident_id).count(Kind.ON_SCENE) == 1
    with world.uow.read() as session:
        (kept,) = session.scalars(select(Inbox).where(Inbox.provider_key == "sms:SM-twice")).all()
    assert answers[1] == (kept.reply or "")


def test_a_recording_that_is_announced_twice_at_once_is_noted_once(world: World, incident_id: str) -> None:
    first, second = recording(world.restarted(), incident_id), recording(world, incident_id)
    assert overtaken(world, second, first) == ["IntegrityError"]
    assert world.kinds(incident_id).count(Kind.CALL_RECORDED) == 1


def test_nothing_of_the_incident_is_taken_before_its_own_row(
    world: World, incident_id: str, postgresql_database_url: str
) -> None:
    """Who holds the incident goes on to its parts: whoever took one of those before would stop them there."""
    with terminal(postgresql_database_url) as other, ThreadPoolExecutor(1) as phone:
        other.execute(text(f"SELECT * FROM incident WHERE id = '{incident_id}' FOR NO KEY UPDATE"))
        accepting_now = phone.submit(accepting(world, incident_id))
        until_somebody_waits(postgresql_database_url)
        for table in ("assignment", "call", "deadline"):
            theirs = f"SELECT 1 FROM {table} WHERE incident_id = '{incident_id}' FOR UPDATE NOWAIT"
            assert other.execute(text(theirs)).all(), table
        other.rollback()
        accepting_now.result(WAIT_S)
    (part,) = world.incident(incident_id).assignments
    assert part.status is AssignmentStatus.ACCEPTED


def stood_down(world: World) -> tuple[str, Command]:
    """Whoever was asked need not come any more."""
    incident_id = world.resident().rings(SID).incident_id
    world.works()
    return incident_id, lambda: world.desk(incident_id, Action.CLOSE, outcome=Outcome.ADVICE)


def called_in(world: World) -> tuple[str, Command]:
    """Who accepted by text is called into the room, unless their phone rings."""
    incident_id = world.resident().rings(SID).incident_id
    world.resident().presses("3")
    return incident_id, lambda: world.worker("N01").texts("1")


def called_back(world: World) -> tuple[str, Command]:
    """Whoever accepts waits in the room for a caller who hung up before, and is called back once."""
    incident_id = world.resident().rings(SID).incident_id
    world.works()
    world.resident().hangs_up()
    return incident_id, accepting(world, incident_id)


def asked_again(world: World) -> tuple[str, Command]:
    """The dispatcher asks somebody a second time, whose first alert may be on its way out."""
    incident_id = world.resident().rings(SID).incident_id
    world.works()
    return incident_id, lambda: world.desk(incident_id, Action.ASSIGN, "N01")


def put_off(world: World) -> tuple[str, Command]:
    """Somebody accepted and is about to enter the room: that is waited for, while others are asked."""
    incident_id = world.resident().rings(SID).incident_id
    world.works()
    accepting(world, incident_id)()
    return incident_id, lambda: world.desk(incident_id, Action.HELP, "N01")


def left_alone(world: World) -> tuple[str, Command]:
    """Nobody is left to ask, which the program's log says as well: only if it comes about."""
    incident_id = world.resident().rings(SID).incident_id
    world.works()
    return incident_id, keyed(world, incident_id, Action.DECLINE)


@pytest.mark.parametrize("story", [stood_down, called_in, called_back, asked_again, put_off, left_alone])
def test_what_looks_at_what_the_engine_may_be_about_is_carried_out_in_turn(
    postgresql_database_url: str, story: Callable[[World], tuple[str, Command]]
) -> None:
    # One person on duty, so that nobody else is stood down.
    world = World(postgresql_database_url, team=[TEAM[0], TEAM[-1]])
    incident_id, command = story(world)
    before = len(world.lines(incident_id))
    assert reasons(command) == ["HoldsNothingError"]
    assert len(world.lines(incident_id)) > before
    assert world.findings() == []
    world.close()


def test_two_incidents_are_held_to_make_one_of_them(postgresql_database_url: str) -> None:
    world = World(postgresql_database_url, team=())
    one, other = (world.resident(f"+62811999900{place}").rings(f"CA-{place}").incident_id for place in (1, 2))
    assert reasons(lambda: world.desk(one, Action.MERGE, into=other)) == ["HoldsNothingError"]
    assert world.incident(one).merged_into == other
    world.close()


def test_the_end_of_a_call_that_nobody_knows_waits_for_its_beginning(world: World) -> None:
    assert reasons(lambda: world.resident().hangs_up("CA-unknown")) == ["HoldsNothingError"]
    assert kept(world)


# --- the unit of work by itself


def kept(world: World) -> set[str]:
    with world.uow.read() as session:
        return set(session.scalars(select(Inbox.id)))


def keeping(world: World, *names: str) -> Callable[[], None]:
    def keep(session: Session) -> None:
        with together(session) as writes:
            writes.add(INSERT, [inbox_row(name) for name in names])

    return lambda: world.uow.decide(keep)


def test_more_rows_than_go_in_one_statement_are_one_transaction(world: World) -> None:
    many = [f"n{place}" for place in range(ROWS + 1)]
    assert reasons(keeping(world, *many)) == ["HoldsNothingError"]
    assert kept(world) == set(many)
    with pytest.raises(IntegrityError):
        keeping(world, *[f"m{place}" for place in range(ROWS)], "n0")()
    assert kept(world) == set(many)


def writing_by(world: World, *steps: Callable[[Session], object]) -> Callable[[], None]:
    def command(session: Session) -> None:
        for step in steps:
            step(session)

    return lambda: world.uow.decide(command)


def leading(name: str) -> Callable[[Session], None]:
    def lead(session: Session) -> None:
        with together(session) as writes:
            writes.lead(RENAME, {"called": name, "whose": FACILITY})

    return lead


def again(name: str) -> Callable[[Session], None]:
    def keep(session: Session) -> None:
        with together(session) as writes:
            writes.add(INSERT, inbox_row(name))

    return keep


def flushes(session: Session) -> None:
    session.flush()


def fails(_session: Session) -> None:
    raise ArithmeticError


@pytest.mark.parametrize(
    "steps",
    [
        [lambda session: INSERT.run(session.connection(), inbox_row("a"))],
        [lambda session: session.add(Inbox(**inbox_row("a")))],
        [lambda session: INSERT.run(session.connection(), [inbox_row("a"), inbox_row("b")])],
        [lambda session: session.add_all([Inbox(**inbox_row("a")), Inbox(**inbox_row("b"))])],
        [lambda session: session.execute(insert(Inbox).values(**inbox_row("a")))],
        [
            leading("first"),
            leading("second"),
            lambda session: INSERT.run(session.connection(), inbox_row("a")),
        ],
    ],
)
def test_what_cannot_be_one_statement_is_one_transaction(
    world: World, steps: Sequence[Callable[[Session], object]]
) -> None:
    with pytest.raises(ArithmeticError):
        writing_by(world, *steps, fails)()
    assert kept(world) == set()
    with pytest.raises(ArithmeticError):
        writing_by(world, *steps, flushes, fails)()
    assert kept(world) == set()
    assert reasons(writing_by(world, *steps)) == ["HoldsNothingError"]
    assert "a" in kept(world)


def test_nobody_is_woken_for_what_was_not_written_and_once_for_what_was(world: World) -> None:
    woken: list[int] = []
    world.uow.on_commit(lambda: woken.append(1))
    with pytest.raises(ArithmeticError):
        writing_by(world, wake_engine_after, fails)()
    assert woken == []
    keeping(world, "a")()
    with pytest.raises(IntegrityError):
        writing_by(world, wake_engine_after, leading("new"), again("a"))()
    assert woken == []
    assert reasons(writing_by(world, wake_engine_after, lambda session: session.flush())) == []
    assert woken == [1]
