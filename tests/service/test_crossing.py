"""Two commands that cross on PostgreSQL: in the right order they do not, and who loses is not lost."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import event, text
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from dispatch.domain.commands import Action
from dispatch.domain.erasure import Basis
from dispatch.domain.errors import CannotMergeError
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import DeliveryState, IncidentStatus, Outcome, Source
from dispatch.ports import Handed, ProviderUnavailableError
from dispatch.service import alert_calls, claiming, delivery_reports, intake
from dispatch.service.claiming import Claimed
from dispatch.service.erasing import Eraser, Order
from models.session import lost_a_race, open_database, was_held_up
from models.traffic import Delivery
from models.unit_of_work import UnitOfWork
from tests.crossing import crossed, soon, terminal, until_somebody_waits
from tests.fakes.telephony import WAIT_S
from tests.fakes.telephony import Outcome as Answer
from tests.world import PHONES, World, at_once

T = TypeVar("T")

RESIDENTS = ("+628119999001", "+628119999002")


@pytest.fixture
def world(postgresql_database_url: str) -> Iterator[World]:
    world = World(postgresql_database_url)
    yield world
    assert world.findings() == []
    world.close()


def by_the_desk(world: World, action: Action, incident_id: str, into: str) -> Incident | CannotMergeError:
    try:
        return world.desk(incident_id, action, into=into)
    except CannotMergeError as refused:
        return refused


def callback_about(world: World, row: Delivery, status: str, sequence: int | None = None) -> bool:
    """What the network says late of *row*, whatever it is called there."""
    return delivery_reports.callback(
        world.services,
        row.id,
        provider_sid=row.provider_sid or "CA-out-late",
        status=status,
        sequence=sequence,
        error_code=None,
    )


def test_of_two_incidents_merged_into_each_other_one_stays_open(world: World) -> None:
    other = world.restarted()
    first, second = (world.resident(number).rings(f"CA-{number}").incident_id for number in RESIDENTS)
    done = crossed(
        world,
        other,
        partial(by_the_desk, world, Action.MERGE, first, second),
        partial(by_the_desk, other, Action.MERGE, second, first),
    )
    assert sum(isinstance(each, CannotMergeError) for each in done) == 1
    standing = sorted(world.incident(one).status for one in (first, second))
    assert standing.count(IncidentStatus.CLOSED) == 1, "somebody is still alerted for"
    refused = next(one for one in (first, second) if not world.incident(one).is_closed)
    assert world.kinds(refused)[-1] == "action.refused"


def test_a_late_callback_and_a_closing_do_not_wait_for_each_other(world: World) -> None:
    """A call that seemed not to get through waits for its next try, and meanwhile it rings after all."""
    other = world.restarted()
    world.provider.will(Answer.UNREACHABLE, to_number=PHONES["N01"])
    incident_id = world.resident().rings().incident_id
    world.works()
    (waiting,) = world.deliveries(state=str(DeliveryState.PENDING), to_number=PHONES["N01"])
    rings = partial(callback_about, world, waiting, "ringing")
    close = partial(other.desk, incident_id, Action.CLOSE, outcome=Outcome.ADVICE)
    with capture_logs() as logs:
        crossed(world, other, rings, close)
    assert world.incident(incident_id).is_closed
    world.works()
    assert "CA-out-late" in world.provider.stopped, "nobody is rung for what is closed"
    assert "command.repeated" not in [line["event"] for line in logs]


def test_a_failed_call_back_and_who_accepts_do_not_wait_for_each_other(world: World) -> None:
    """The caller seemed out of reach and was rung after all; who accepts withdraws the try that waits."""
    other, caller = world.restarted(), RESIDENTS[0]
    incident_id = world.resident(caller).rings().incident_id
    world.works()
    world.resident(caller).hangs_up()
    world.worker("N01").accepts(incident_id)
    world.works()
    world.network_says(world.provider.last_call_to(caller), "busy")
    world.provider.will(Answer.UNREACHABLE, to_number=caller)
    world.hand.advance(15)
    world.works()
    (waiting,) = world.deliveries(state=str(DeliveryState.PENDING), to_number=caller)
    failed = partial(callback_about, world, waiting, "no-answer")
    with capture_logs() as logs:
        told, _ = crossed(world, other, failed, partial(other.worker("N02").accepts, incident_id))
    assert told is True
    assert "command.repeated" not in [line["event"] for line in logs]
    assert len(world.deliveries(state=str(DeliveryState.PENDING), to_number=caller)) == 1


def test_the_end_of_a_call_into_the_room_and_an_erasure_do_not_wait_for_each_other(world: World) -> None:
    """That the worker's phone rang in vain is told when the incident is over and its caller is forgotten."""
    other, caller = world.restarted(), RESIDENTS[0]
    incident_id = world.resident(caller).rings().incident_id
    world.works()
    world.network_says(world.provider.last_call_to(PHONES["N01"]), "no-answer")
    world.worker("N01").does(incident_id, Action.ACCEPT, source=Source.SMS)
    world.works()
    (ringing,) = world.deliveries(purpose="connect", state=str(DeliveryState.ACCEPTED))
    world.resident(caller).hangs_up()
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.ADVICE)
    world.works()
    order = Order(actor="cli", basis=Basis.REQUEST, reason="asked for it")
    erase = partial(Eraser(other.services, order, pause_s=0.0).number, caller)
    with capture_logs() as logs:
        told, _ = crossed(world, other, partial(callback_about, world, ringing, "no-answer"), erase)
    assert told is True
    assert "command.repeated" not in [line["event"] for line in logs]
    assert world.incident(incident_id).caller_number is None
    (row,) = world.deliveries(purpose="connect")
    assert (row.state, row.to_number) == (DeliveryState.FAILED, "")


def test_a_callback_that_waited_for_its_incident_knows_what_was_written_meanwhile(
    postgresql_database_url: str,
) -> None:
    """It holds its delivery only after its incident: whoever has the incident finds the delivery free."""
    world = World(postgresql_database_url)
    incident_id = world.resident().rings().incident_id
    world.works()
    (alert,) = world.deliveries(purpose="alert", to_number=PHONES["N01"], channel="voice")
    with terminal(postgresql_database_url) as other, ThreadPoolExecutor(1) as provider:
        other.execute(text(f"SELECT * FROM incident WHERE id = '{incident_id}' FOR UPDATE"))
        telling = provider.submit(callback_about, world, alert, "no-answer", 1)
        until_somebody_waits(postgresql_database_url)
        later = "provider_status = 'in-progress', provider_sequence = 2"
        other.execute(text(f"UPDATE delivery SET {later} WHERE id = '{alert.id}'"))
        other.commit()
        assert telling.result(WAIT_S) is False, "it came late"
    assert [row.provider_status for row in world.deliveries() if row.id == alert.id] == ["in-progress"]
    world.close()


def test_who_loses_is_carried_out_again(postgresql_database_url: str) -> None:
    world = World(soon(postgresql_database_url))
    incident_id = world.resident().rings().incident_id
    alert = f"SELECT * FROM delivery WHERE incident_id = '{incident_id}' FOR UPDATE"
    incident = text(f"SELECT * FROM incident WHERE id = '{incident_id}' FOR UPDATE")
    with (
        terminal(postgresql_database_url) as other,
        capture_logs() as logs,
        ThreadPoolExecutor(1) as desk,
    ):
        other.execute(text(alert))
        closing = desk.submit(world.desk, incident_id, Action.CLOSE, outcome=Outcome.ADVICE)
        until_somebody_waits(postgresql_database_url)
        other.execute(incident)
        other.rollback()
        assert closing.result(WAIT_S).is_closed
    assert [line["reason"] for line in logs if line["event"] == "command.repeated"] == ["DeadlockDetected"]
    assert world.kinds(incident_id).count("incident.closed") == 1
    assert world.findings() == []
    world.close()


def took(world: World, claimed: Claimed) -> None:
    handed = Handed(provider_sid="CA-out", status="queued")
    delivery_reports.handed_over(world.services, claimed, handed, world.provider.name)


def refused(world: World, claimed: Claimed) -> None:
    error = ProviderUnavailableError("is silent", code="timeout")
    delivery_reports.not_handed_over(world.services, claimed, error, world.provider.name)


def stopped(world: World, claimed: Claimed) -> None:
    delivery_reports.done_without_provider(world.services, claimed, world.provider.name)


def left_alone(world: World, claimed: Claimed) -> None:
    delivery_reports.not_wanted(world.services, claimed)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (took, DeliveryState.ACCEPTED),
        (refused, DeliveryState.PENDING),
        (stopped, DeliveryState.DELIVERED),
        (left_alone, DeliveryState.WITHDRAWN),
    ],
)
def test_what_a_provider_said_is_kept_although_it_lost(
    postgresql_database_url: str, told: Callable[[World, Claimed], None], state: DeliveryState
) -> None:
    """Else a call that rings would be asked about, and perhaps made again, when its lease has run out."""
    world = World(soon(postgresql_database_url))
    incident_id = world.resident().rings().incident_id
    (claimed,) = claiming.claim(world.services, limit=1)
    with (
        terminal(postgresql_database_url) as other,
        capture_logs() as logs,
        ThreadPoolExecutor(1) as sender,
    ):
        other.execute(text(f"SELECT * FROM delivery WHERE id = '{claimed.id}' FOR UPDATE"))
        telling = sender.submit(told, world, claimed)
        until_somebody_waits(postgresql_database_url)
        other.execute(text(f"SELECT * FROM incident WHERE id = '{incident_id}' FOR UPDATE"))
        other.rollback()
        telling.result(WAIT_S)
    assert [line["reason"] for line in logs if line["event"] == "command.repeated"] == ["DeadlockDetected"]
    assert [row.state for row in world.deliveries() if row.id == claimed.id] == [state]
    world.close()


def test_an_erasure_that_lost_is_made_again(postgresql_database_url: str) -> None:
    world = World(soon(postgresql_database_url))
    number = RESIDENTS[0]
    incident_id = world.resident(number).rings().incident_id
    world.resident(number).hangs_up()
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.ADVICE)
    order = Order(actor="cli", basis=Basis.REQUEST, reason="asked for it")
    while world.works():
        pass
    with (
        terminal(postgresql_database_url) as other,
        capture_logs() as logs,
        ThreadPoolExecutor(1) as desk,
    ):
        other.execute(text(f"SELECT * FROM private_value WHERE incident_id = '{incident_id}' FOR UPDATE"))
        erasing = desk.submit(Eraser(world.services, order, pause_s=0.0).number, number)
        until_somebody_waits(postgresql_database_url)
        other.execute(text(f"SELECT * FROM incident WHERE id = '{incident_id}' FOR UPDATE"))
        other.rollback()
        assert erasing.result(WAIT_S).incidents == 1
    assert [line["reason"] for line in logs if line["event"] == "command.repeated"] == ["DeadlockDetected"]
    assert world.incident(incident_id).caller_number is None
    assert world.findings() == []
    world.close()


def test_of_two_that_wait_for_each_other_one_goes_on(postgresql_database_url: str) -> None:
    """As long as a lock is waited for, one of them has been told before that it lost: not both give up."""
    uow = UnitOfWork(open_database(postgresql_database_url, pool_size=2))
    with uow.write() as session:
        session.execute(text("CREATE TABLE crossing (id integer PRIMARY KEY)"))
        session.execute(text("INSERT INTO crossing VALUES (1), (2)"))
    both_hold = threading.Barrier(2)

    def take(*order: int) -> DBAPIError | None:
        lock = text("SELECT id FROM crossing WHERE id = :id FOR UPDATE")
        try:
            with uow.write() as session:
                session.execute(lock, {"id": order[0]})
                both_hold.wait(WAIT_S)
                session.execute(lock, {"id": order[1]})
        except DBAPIError as error:
            return error
        return None

    errors = [error for error in at_once(partial(take, 1, 2), partial(take, 2, 1)) if error is not None]
    assert [(lost_a_race(error), was_held_up(error)) for error in errors] == [(True, True)]
    uow.engine.dispose()


def held_before_its_commit(world: World, url: str, act: Callable[[], T], other: Callable[[], T]) -> list[T]:
    """What both gave; the first stands before its commit until the other waits for it or is through."""
    stands, through = threading.Event(), threading.Event()

    @event.listens_for(world.uow.engine, "commit", once=True)
    def hold(_connection: object) -> None:
        stands.set()
        until_somebody_waits(url, or_else=through.is_set)

    def afterwards() -> T:
        assert stands.wait(WAIT_S)
        try:
            return other()
        finally:
            through.set()

    return at_once(act, afterwards)


def test_the_end_of_a_call_that_overtakes_its_beginning_is_not_lost(
    world: World, postgresql_database_url: str
) -> None:
    other = world.restarted()
    resident, the_same = world.resident(), other.resident()
    held_before_its_commit(world, postgresql_database_url, resident.rings, the_same.hangs_up)
    (call,) = world.calls()
    assert call.ended_at is not None


def test_two_calls_of_one_number_in_one_instant_are_one_incident(
    world: World, postgresql_database_url: str
) -> None:
    other = world.restarted()
    states = held_before_its_commit(
        world,
        postgresql_database_url,
        partial(world.resident().rings, "CA-1"),
        partial(other.resident().rings, "CA-2"),
    )
    assert len({state.incident_id for state in states}) == 1


def test_an_opening_waits_for_nobody_who_keeps_the_list_of_staff(
    world: World, postgresql_database_url: str
) -> None:
    with terminal(postgresql_database_url) as importing:
        importing.execute(text("SELECT id FROM facility FOR NO KEY UPDATE"))
        assert world.resident().rings().incident_id


def test_who_only_refers_to_an_incident_holds_up_nobody(world: World, postgresql_database_url: str) -> None:
    """As each row does that names it, until its own commit: a delivery in doubt, a complaint, a link."""
    incident_id = world.resident().rings().incident_id
    world.works()
    with terminal(postgresql_database_url) as other:
        other.execute(text(f"SELECT id FROM incident WHERE id = '{incident_id}' FOR KEY SHARE"))
        assert world.resident().rings("CA-in-2").incident_id == incident_id
        before = world.kinds(incident_id).count("alert.requested")
        world.hand.advance(31)
        world.works()
        assert world.kinds(incident_id).count("alert.requested") > before, "the next ones are asked"
        assert world.worker("N03").accepts(incident_id).primary is not None


def test_who_only_asks_how_a_call_stands_waits_for_nobody_who_holds_its_incident(
    world: World, postgresql_database_url: str
) -> None:
    """They are on the line: whoever comes out of the room or waits in it, or whose call is told again."""
    caller = world.resident(RESIDENTS[0])
    ringing = caller.rings()
    world.works()
    caller.hangs_up()
    world.worker("N01").accepts(ringing.incident_id)
    world.works()
    back = world.provider.last_call_to(RESIDENTS[0])
    with terminal(postgresql_database_url) as other:
        other.execute(text(f"SELECT * FROM incident WHERE id = '{ringing.incident_id}' FOR UPDATE"))
        answers = [
            intake.call_state(world.services, "CA-in-1"),
            intake.call_state(world.services, back.sid),
            caller.rings(),
        ]
        assert [answer and answer.call_id for answer in answers] == [ringing.call_id] * 3
        assert intake.incident_state(world.services, ringing.incident_id).has_primary


def test_who_enters_a_room_waits_for_nobody_who_holds_its_incident(
    world: World, postgresql_database_url: str
) -> None:
    """Worker and caller meet in that instant, whatever a command is about to write of their incident."""
    ringing = world.resident().rings()
    world.works()
    alert = world.provider.last_call_to(PHONES["N01"])
    world.network_says(alert, "in-progress")
    world.worker("N01").accepts(ringing.incident_id)
    with terminal(postgresql_database_url) as other:
        other.execute(text(f"SELECT * FROM incident WHERE id = '{ringing.incident_id}' FOR UPDATE"))
        assert alert_calls.enter_room(world.services, ringing.incident_id, "CA-in-1") is None
        meeting = alert_calls.enter_room(world.services, ringing.incident_id, alert.sid)
    assert meeting is not None
    intake.join_caller(world.services, meeting)
    assert world.incident(ringing.incident_id).times.answered_at is not None


def test_who_picks_up_while_their_acceptance_is_written_is_joined(
    world: World, postgresql_database_url: str
) -> None:
    """It saw their phone ring, and called them into no room: picking up is to join them."""
    other = world.restarted()
    incident_id = world.resident().rings().incident_id
    world.works()
    (alert,) = world.deliveries(purpose="alert", to_number=PHONES["N01"], channel="voice")
    is_at_commit = threading.Event()

    def hold(_connection: object) -> None:
        is_at_commit.set()
        until_somebody_waits(postgresql_database_url)

    listen(other.uow.engine, "commit", hold)
    with ThreadPoolExecutor(1) as desk:
        accepting = desk.submit(other.worker("N01").accepts, incident_id)
        assert is_at_commit.wait(WAIT_S)
        assert callback_about(world, alert, "in-progress", 1) is True
        call = alert_calls.answered(world.services, alert.id, in_turn=True)
        remove(other.uow.engine, "commit", hold)
        accepting.result(WAIT_S)
    assert call is not None
    assert call.assignment is not None
    assert call.assignment.is_engaged
    assert world.deliveries(purpose="connect") == []
    other.close()
