"""What a process remembers of an incident is used only while the record says the same."""

from dataclasses import replace

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import AssignmentStatus, Priority
from dispatch.service.states import Known, States
from tests.world import World


def test_what_another_process_wrote_is_seen_by_the_next_command(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    other = world.restarted()
    other.worker("N01").accepts(incident_id)
    again = world.worker("N02").accepts(incident_id)
    first = again.assignment("N01")
    assert first is not None
    assert (first.status, first.is_primary) == (AssignmentStatus.ACCEPTED, True)
    assert again.primary == first


def test_what_was_rolled_back_is_forgotten(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    true = world.incident(incident_id)
    remembered = world.services.states.get(incident_id)
    assert remembered is not None
    # What a transaction leaves behind that was never committed: a state whose last line nobody has.
    world.services.states.put(
        Known(replace(true, priority=Priority.GREEN), remembered.event_count + 1, "f" * 64)
    )
    assert world.incident(incident_id) == true
    assert world.desk(incident_id, Action.SET_PRIORITY, priority=Priority.RED).priority is Priority.RED


def test_remembered_and_read_are_the_same(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    other = world.restarted()
    assert repr(other.incident(incident_id)) == repr(world.incident(incident_id))
    world.resident().rings("CA-in-2")
    world.works()
    world.worker("N02").does(incident_id, Action.DECLINE)
    world.worker("N01").accepts(incident_id)
    world.passes(120)
    world.worker("N01").does(incident_id, Action.EN_ROUTE)
    read = world.restarted().incident(incident_id)
    assert world.incident(incident_id) == read
    # In the same zone and order too: of what is equal a page and a paper may still say something else.
    assert repr(world.incident(incident_id)) == repr(read)
    # And to whoever knew the incident as it was before.
    assert repr(other.incident(incident_id)) == repr(read)


def test_only_the_latest_are_remembered(world: World) -> None:
    states = States(size=2)
    known = []
    for number in range(3):
        incident_id = world.resident(f"+62811999900{number}").rings(f"CA-{number}").incident_id
        known.append(Known(world.incident(incident_id), 1, "0" * 64))
        states.put(known[-1])
    assert [states.get(each.incident.id) for each in known] == [None, known[1], known[2]]
