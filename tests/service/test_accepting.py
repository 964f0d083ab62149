"""Who takes the incident when several want it, and what the others are told."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import select, text, update

from dispatch.domain.commands import Action
from dispatch.domain.errors import (
    CannotMergeError,
    DispatchError,
    IncidentNotFoundError,
    StaffNotFoundError,
    WrongTransitionError,
)
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import AssignmentStatus, DeliveryState, Outcome, Source
from dispatch.ports import ProviderUnavailableError
from dispatch.service import claiming, delivery_reports
from models.traffic import Delivery
from tests.fakes.telephony import WAIT_S
from tests.world import PHONES, World, at_once


def primaries(incident: Incident) -> list[str]:
    return [a.staff_code for a in incident.assignments if a.is_primary]


def asked(world: World, incident_id: str) -> list[str]:
    return [a.staff_code for a in world.incident(incident_id).assignments]


def refusal_of(act: Callable[[], object]) -> str | None:
    """The code of a refusal, or None when it was carried out."""
    try:
        act()
    except DispatchError as error:
        return error.code
    return None


def test_two_workers_accepting_in_the_same_instant_are_one_primary_and_one_support(world: World) -> None:
    another_process = world.restarted()
    for number in range(5):
        incident_id = world.resident(f"+62811999900{number}").rings(f"CA-{number}").incident_id
        world.works()
        one, other = asked(world, incident_id)
        at_once(
            partial(world.worker(one).accepts, incident_id),
            partial(another_process.worker(other).accepts, incident_id),
        )
        incident = world.incident(incident_id)
        assert len(primaries(incident)) == 1
        assert [a.status for a in incident.assignments] == [AssignmentStatus.ACCEPTED] * 2
        accepted = [line for line in world.lines(incident_id) if line.kind == "assignment.accepted"]
        assert [line.data["primary"] for line in accepted] == [True, False]
        world.desk(incident_id, Action.CLOSE, outcome=Outcome.TEST)


def test_one_worker_pressing_on_two_devices_at_once_accepts_once(world: World) -> None:
    incident_id = world.resident().rings().incident_id

    worker = world.worker("N01")
    answers = at_once(
        *[
            partial(refusal_of, partial(worker.does, incident_id, Action.ACCEPT, source=source))
            for source in (Source.KEYPAD, Source.WEB)
        ]
    )
    assert sorted(map(str, answers)) == ["None", "already_there"]
    assert world.kinds(incident_id).count("assignment.accepted") == 1


def test_accepting_while_the_dispatcher_closes_ends_either_way_in_one_order(world: World) -> None:
    incident_id = world.resident().rings().incident_id

    accepts = partial(world.worker("N01").accepts, incident_id)
    closes = partial(world.desk, incident_id, Action.CLOSE, outcome=Outcome.CANCELLED)
    answers = at_once(partial(refusal_of, accepts), partial(refusal_of, closes))
    assert answers in ([None, None], ["incident_closed", None])
    assert world.incident(incident_id).is_closed
    assert world.deadlines() == []


def test_a_refused_action_leaves_one_line_and_changes_nothing_else(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    before, lines = world.incident(incident_id), world.lines(incident_id)
    sent = [d.id for d in world.deliveries()]
    with pytest.raises(WrongTransitionError):
        world.worker("N01").does(incident_id, Action.ON_SCENE, source=Source.WEB)
    *known, refusal = world.lines(incident_id)
    assert [line.hash for line in known] == [line.hash for line in lines]
    assert (refusal.kind, refusal.source, refusal.actor) == ("action.refused", "web", "staff:N01")
    assert refusal.data == {"action": "on_scene", "staff_code": "N01", "error": "wrong_transition"}
    assert world.incident(incident_id) == before
    assert [d.id for d in world.deliveries()] == sent


def test_somebody_unknown_is_refused_and_the_attempt_is_on_record(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    with pytest.raises(StaffNotFoundError):
        world.desk(incident_id, Action.ASSIGN, "X99")
    assert world.lines(incident_id)[-1].data["error"] == "staff_not_found"


def test_an_incident_that_is_not_there_is_said_so(world: World) -> None:
    with pytest.raises(IncidentNotFoundError):
        world.desk("no-such-incident", Action.NOTE, text="x")


# --- standing down --------------------------------------------------------------------------------


def test_the_phones_that_still_ring_are_stopped_and_their_owners_told(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    ringing = world.provider.last_call_to(PHONES["N02"])
    world.network_says(ringing, "ringing")
    world.provider.forgets()
    world.worker("N01").accepts(incident_id)
    world.works()
    assert world.provider.stopped == [ringing.sid]
    assert world.provider.texts_to(PHONES["N02"]) == ["stand_down 100 accepted_by_other Ns. N01"]
    assert world.provider.texts_to(PHONES["N01"]) == []


def test_what_had_not_left_yet_never_leaves(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.worker("N01").accepts(incident_id)
    withdrawn = world.deliveries(to_number=PHONES["N02"])
    assert [d.state for d in withdrawn] == [DeliveryState.WITHDRAWN] * 2
    world.works()
    assert PHONES["N02"] not in world.provider.rung + world.provider.texted


def test_a_call_that_left_while_somebody_accepted_is_stopped(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    world.passes(29)
    world.provider.forgets()
    world.hand.advance(1)
    claimed_before = len(world.deliveries())
    world.engine.run_once()
    assert len(world.deliveries()) > claimed_before
    world.worker("N01").accepts(incident_id)
    world.works()
    called = world.provider.last_call_to(PHONES["N03"])
    assert called.sid in world.provider.stopped


def test_a_call_that_somebody_answered_is_not_cut_off(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    world.network_says(world.provider.last_call_to(PHONES["N02"]), "in-progress")
    world.worker("N01").accepts(incident_id)
    world.works()
    assert world.provider.last_call_to(PHONES["N02"]).sid not in world.provider.stopped


def test_a_call_that_we_stopped_ourselves_did_not_fail(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    world.worker("N01").accepts(incident_id)
    world.works()
    world.network_says(world.provider.last_call_to(PHONES["N02"]), "canceled")
    assert "alert.failed" not in world.kinds(incident_id)


def test_somebody_assigned_beside_an_owner_keeps_ringing(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.worker("N01").accepts(incident_id)
    world.works()
    world.desk(incident_id, Action.ASSIGN, "P01")
    world.works()
    assert PHONES["P01"] in world.provider.rung
    assert world.provider.last_call_to(PHONES["P01"]).sid not in world.provider.stopped


def test_closing_releases_the_caller_who_waits(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.CANCELLED)
    world.works()
    assert world.provider.redirected == [("CA-in-1", "https://siaga.test/release")]


def connections(world: World) -> list[str]:
    """Who was called into the room in which the caller waits."""
    return [s.to_number for s in world.provider.sent if "/connect/" in s.answer_url]


def test_who_accepts_on_the_page_joins_by_picking_up_the_phone_that_rings(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    world.worker("N01").does(incident_id, Action.ACCEPT, source=Source.WEB)
    world.works()
    ringing = world.provider.last_call_to(PHONES["N01"])
    assert ringing.sid not in world.provider.stopped
    assert connections(world) == []
    world.network_says(ringing, "no-answer")
    world.works()
    assert connections(world) == [PHONES["N01"]]


def test_who_accepts_on_the_page_with_a_silent_phone_is_called_into_the_room(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    world.network_says(world.provider.last_call_to(PHONES["N01"]), "completed")
    world.worker("N01").does(incident_id, Action.ACCEPT, source=Source.WEB)
    world.works()
    assert connections(world) == [PHONES["N01"]]


def test_who_accepts_while_their_own_call_is_on_its_way_is_still_rung(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    claimed = claiming.claim(world.services, limit=8)
    (call,) = [c for c in claimed if c.to_number == PHONES["N01"] and c.channel == "voice"]
    world.worker("N01").does(incident_id, Action.ACCEPT, source=Source.SMS)
    down = ProviderUnavailableError("connection refused", code="unreachable")
    delivery_reports.not_handed_over(world.services, call, down, "fake")
    world.passes(2)
    assert world.provider.rung == [PHONES["N01"]]
    assert world.provider.stopped == []


def test_merging_needs_another_open_incident(world: World) -> None:
    one = world.resident("+628119999001").rings("CA-1").incident_id
    two = world.resident("+628119999002").rings("CA-2").incident_id
    with pytest.raises(CannotMergeError):
        world.desk(one, Action.MERGE, into=one)
    with pytest.raises(IncidentNotFoundError):
        world.desk(one, Action.MERGE, into="no-such-incident")
    world.desk(two, Action.MERGE, into=one)
    assert world.incident(two).merged_into == one
    with pytest.raises(CannotMergeError):
        world.desk(one, Action.MERGE, into=two)


def test_a_busy_worker_is_asked_last(world: World) -> None:
    first = world.resident("+628119999001").rings("CA-1").incident_id
    world.worker("N01").accepts(first)
    second = world.resident("+628119999002").rings("CA-2").incident_id
    assert sorted(asked(world, second)) == ["N02", "N03"]


def test_an_alert_that_is_claimed_while_somebody_accepts_is_stopped_later(
    postgresql_database_url: str,
) -> None:
    """Two processes: an engine takes an alert out of the outbox while another stands its worker down."""
    world = World(postgresql_database_url)
    incident_id = world.resident().rings().incident_id
    (alert,) = world.deliveries(to_number=PHONES["N02"], channel="voice")
    with ThreadPoolExecutor(max_workers=1) as pool:
        with world.uow.write() as session:
            session.scalars(select(Delivery).where(Delivery.id == alert.id).with_for_update()).one()
            session.execute(update(Delivery).where(Delivery.id == alert.id).values(state="sending"))
            accepted = pool.submit(world.worker("N01").accepts, incident_id)
            wait_for_a_blocked_session(world)
        accepted.result(WAIT_S)
    (alert,) = world.deliveries(id=alert.id)
    assert alert.state == DeliveryState.SENDING
    world.close()


def wait_for_a_blocked_session(world: World) -> None:
    """Return when somebody on this PostgreSQL database waits for a lock."""
    blocked = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    ticking = threading.Event()
    for _ in range(1000):
        with world.uow.engine.connect() as connection:
            if connection.execute(blocked).scalar_one():
                return
        ticking.wait(0.01)
    raise AssertionError("nobody had to wait")


def test_a_retry_is_not_made_for_somebody_who_was_stood_down_meanwhile(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    claimed = [c for c in claiming.claim(world.services, limit=8) if c.to_number == PHONES["N02"]]
    world.worker("N01").accepts(incident_id)
    down = ProviderUnavailableError("connection refused", code="unreachable")
    for delivery in claimed:
        delivery_reports.not_handed_over(world.services, delivery, down, "fake")
    assert {d.state for d in world.deliveries(to_number=PHONES["N02"], purpose="alert")} == {"withdrawn"}
