"""The record cannot be changed quietly: the database refuses, and ``verify`` names what was done anyway."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.exc import DatabaseError

from dispatch.domain.commands import Action, Location
from dispatch.domain.vocabulary import LocationSource, Outcome
from dispatch.service.verifying import verify
from models.base import table_of
from models.facility import IncidentCounter
from models.incident import Assignment, Call, Incident
from models.record import Audit, Event, PrivateValue
from models.traffic import Deadline, Delivery
from models.triggers import drop_statements
from tests.service.conftest import MakeWorld
from tests.world import World

FIRST, SECOND, THIRD = "KWK-2026-000100", "KWK-2026-000101", "KWK-2026-000102"


@pytest.fixture
def told(make_world: MakeWorld) -> World:
    """A health centre with three emergencies on record, one of them closed."""
    world = make_world()
    ids = [world.resident(f"+62811999900{n}").rings(f"CA-{n}").incident_id for n in (1, 2, 3)]
    world.works()
    world.worker("N01").accepts(ids[0])
    world.worker("N01").does(
        ids[0], Action.SET_LOCATION, location=Location(source=LocationSource.WORKER, lat=-4.52, lon=136.9)
    )
    world.desk(ids[0], Action.NOTE, text="pagar biru")
    world.hand.advance(90.5)
    world.worker("N01").does(ids[0], Action.ON_SCENE)
    world.worker("N01").does(ids[0], Action.AVAILABLE)
    world.works()
    assert world.findings() == []
    return world


@pytest.fixture
def by_hand(told: World) -> Iterator[Connection]:
    """Somebody with the database's own tools, who knows how to drop triggers and switch checks off."""
    engine = told.uow.engine
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA foreign_keys = OFF"))
        else:
            connection.execute(text("SET session_replication_role = replica"))
        for statement in drop_statements(engine.dialect.name):
            connection.execute(text(statement))
        connection.commit()
        yield connection
        connection.rollback()
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA foreign_keys = ON"))
        else:
            connection.execute(text("SET session_replication_role = DEFAULT"))


def id_of(connection: Connection, number: str) -> str:
    return connection.execute(select(Incident.id).where(Incident.number == number)).scalar_one()


# --- the database refuses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        update(Event).values(actor="somebody else"),
        delete(Event),
        update(Audit).values(actor="somebody else"),
        delete(Audit),
    ],
    ids=["edit an event", "delete an event", "edit the audit", "delete from the audit"],
)
def test_the_record_is_append_only(told: World, change: object) -> None:
    with told.uow.write() as session:
        session.add(
            Audit(
                id="1",
                facility_id="KWK",
                at=told.hand.now(),
                actor="user:admin",
                action="user.added",
                subject="x",
                data={},
            )
        )
    before = [line.hash for line in told.lines(told.incidents()[0].id)]
    with pytest.raises(DatabaseError, match="append-only"), told.uow.write() as session:
        session.execute(change)  # type: ignore[call-overload] # one of the statements above
    assert [line.hash for line in told.lines(told.incidents()[0].id)] == before


def test_every_line_names_the_one_before_it(told: World) -> None:
    for incident in told.incidents():
        lines = told.lines(incident.id)
        assert [line.sequence for line in lines] == list(range(1, len(lines) + 1))
        assert [line.previous for line in lines[1:]] == [line.hash for line in lines[:-1]]
        assert (incident.event_count, incident.chain_head) == (len(lines), lines[-1].hash)


def test_no_number_name_text_or_position_stands_in_a_line(told: World) -> None:
    said = " ".join(str(line.data) for incident in told.incidents() for line in told.lines(incident.id))
    for secret in ("+628119999001", "+6281100000001", "Ns. N01", "pagar biru", "136.9"):
        assert secret not in said


# --- verify finds ---------------------------------------------------------------------------------


def test_an_edited_incident(told: World, by_hand: Connection) -> None:
    first = told.incidents()[0]
    edits: dict[str, object] = {
        "on_scene_at": None,
        "status": "on_scene",
        "priority": "green",
        "outcome": "prank",
        "caller_number": "+628110000000",
        "location_lat": -4.6,
        "is_drill": True,
        "policy": {**first.policy, "links": {"worker_s": 1.0, "caller_s": 1.0}},
    }
    for column, value in edits.items():
        by_hand.execute(update(Incident).where(Incident.id == first.id).values({column: value}))
        by_hand.commit()
        field = "policy.links.worker_s" if column == "policy" else column
        assert (FIRST, 0, field, "changed") in told.findings()
        by_hand.execute(
            update(Incident).where(Incident.id == first.id).values({column: getattr(first, column)})
        )
        by_hand.commit()
    assert told.findings() == []


def test_an_edited_call_and_an_edited_assignment(told: World, by_hand: Connection) -> None:
    incident_id = id_of(by_hand, FIRST)
    by_hand.execute(update(Call).where(Call.incident_id == incident_id).values(outcome="prank"))
    by_hand.execute(update(Assignment).where(Assignment.incident_id == incident_id).values(asked_count=7))
    by_hand.commit()
    assert told.findings() == [
        (FIRST, 0, "call 1 outcome", "changed"),
        (FIRST, 0, "N01 asked_count", "changed"),
        (FIRST, 0, "N02 asked_count", "changed"),
    ]


def test_a_deleted_assignment(told: World, by_hand: Connection) -> None:
    by_hand.execute(delete(Assignment).where(Assignment.incident_id == id_of(by_hand, SECOND)))
    by_hand.commit()
    found = told.findings()
    assert found
    assert {(where, problem) for where, _, _, problem in found} == {(SECOND, "missing")}
    assert (SECOND, 0, "N01", "missing") in found


def test_an_edited_event(told: World, by_hand: Connection) -> None:
    incident_id = id_of(by_hand, FIRST)
    line = told.lines(incident_id)[3]
    this_line = update(Event).where(Event.incident_id == incident_id, Event.sequence == 4)
    edits: dict[str, object] = {
        "occurred_at": line.recorded_at.replace(hour=1),
        "actor": "staff:N02",
        "kind": "note.added",
        "data": {**line.data, "staff_code": "N99"},
        "source": "web",
    }
    for column, value in edits.items():
        by_hand.execute(this_line.values({column: value}))
        by_hand.commit()
        found = [(where, number, problem) for where, number, _, problem in told.findings()]
        assert found == [(FIRST, 4, "changed")], column
        by_hand.execute(this_line.values({column: getattr(line, column)}))
        by_hand.commit()
    assert told.findings() == []


@pytest.mark.parametrize("name", ["caller_number", "text"])
def test_an_edited_private_value(told: World, by_hand: Connection, name: str) -> None:
    by_hand.execute(
        update(PrivateValue)
        .where(PrivateValue.incident_id == id_of(by_hand, FIRST), PrivateValue.name == name)
        .values(value="+628110000000")
    )
    by_hand.commit()
    found = told.findings()
    assert [(where, field, problem) for where, _, field, problem in found] == [
        (FIRST, name, "private_changed")
    ]


def test_a_private_value_that_is_gone_without_a_trace(told: World, by_hand: Connection) -> None:
    by_hand.execute(
        delete(PrivateValue).where(
            PrivateValue.incident_id == id_of(by_hand, FIRST), PrivateValue.name == "text"
        )
    )
    by_hand.commit()
    assert [(where, field, problem) for where, _, field, problem in told.findings()] == [
        (FIRST, "text", "missing")
    ]


def test_a_deleted_tail(told: World, by_hand: Connection) -> None:
    incident_id = id_of(by_hand, FIRST)
    last = len(told.lines(incident_id))
    by_hand.execute(delete(Event).where(Event.incident_id == incident_id, Event.sequence == last))
    by_hand.commit()
    assert told.findings() == [(FIRST, last - 1, None, "missing")]


def test_a_line_cut_out_of_the_middle(told: World, by_hand: Connection) -> None:
    by_hand.execute(delete(Event).where(Event.incident_id == id_of(by_hand, FIRST), Event.sequence == 4))
    by_hand.commit()
    assert (FIRST, 4, None, "missing") in told.findings()


def test_a_line_cut_out_together_with_what_it_counts_for(told: World, by_hand: Connection) -> None:
    """Neither the count, nor the last hash, nor the row says that a note was there."""
    incident_id = id_of(by_hand, FIRST)
    [note] = [line.sequence for line in told.lines(incident_id) if line.kind == "note.added"]
    for table in (PrivateValue, Event):
        columns = table_of(table).c
        by_hand.execute(delete(table).where(columns.incident_id == incident_id, columns.sequence == note))
    fewer = Incident.event_count - 1
    by_hand.execute(update(Incident).where(Incident.id == incident_id).values(event_count=fewer))
    by_hand.commit()
    assert told.findings() == [(FIRST, note, None, "missing")]


@pytest.mark.parametrize("number", [FIRST, SECOND, THIRD], ids=["first", "middle", "last"])
def test_an_incident_that_is_gone_with_everything_about_it(
    told: World, by_hand: Connection, number: str
) -> None:
    incident_id = id_of(by_hand, number)
    for table in (PrivateValue, Event, Call, Assignment, Deadline, Delivery):
        by_hand.execute(delete(table).where(table.__table__.c.incident_id == incident_id))
    by_hand.execute(delete(Incident).where(Incident.id == incident_id))
    by_hand.commit()
    assert told.findings() == [(number, 0, None, "missing")]


def test_every_incident_of_the_year_gone(told: World, by_hand: Connection) -> None:
    for table in (PrivateValue, Event, Call, Assignment, Deadline, Delivery, Incident):
        by_hand.execute(delete(table))
    by_hand.commit()
    [finding] = verify(told.uow, "KWK")
    assert (finding.incident, finding.problem) == (FIRST, "missing")
    assert f"{FIRST} … {THIRD} (3 of them)" in finding.detail


def test_an_incidents_row_gone_while_its_lines_are_there(told: World, by_hand: Connection) -> None:
    incident_id = id_of(by_hand, SECOND)
    by_hand.execute(delete(Incident).where(Incident.id == incident_id))
    by_hand.commit()
    assert (incident_id, 0, None, "missing") in told.findings()
    assert (SECOND, 0, None, "missing") in told.findings()


def test_a_counter_that_was_turned_back_hides_nothing(told: World, by_hand: Connection) -> None:
    by_hand.execute(update(IncidentCounter).values(next_value=101))
    by_hand.commit()
    assert told.findings() == []


def test_closing_by_a_named_person_is_on_record(told: World) -> None:
    incident_id = told.incidents()[1].id
    told.desk(incident_id, Action.CLOSE, outcome=Outcome.PRANK, reason="anak-anak")
    closed = told.lines(incident_id)[-1]
    assert (closed.kind, closed.actor, closed.data) == (
        "incident.closed",
        "user:desk",
        {"outcome": "prank"},
    )
    assert list(closed.private) == ["reason"]
    assert told.findings() == []
