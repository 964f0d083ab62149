"""What the provider's log knows and we do not becomes part of the record, once, with its true time."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from dispatch.domain.commands import EndCall, ReceiveCall
from dispatch.domain.reconstruction import PRESSING_FOR_S, STILL_MEANT_FOR_S
from dispatch.domain.vocabulary import AssignmentStatus, CallOutcome, IncidentStatus
from dispatch.ports import (
    CallDetails,
    LoggedCall,
    LoggedRecording,
    LoggedText,
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from dispatch.service import intake
from dispatch.service.invariants import CHECKS, LOG_UNREAD
from dispatch.service.log_places import OVERLAP
from dispatch.service.outages import Heart
from dispatch.service.reconcile import EVERY_S, GRACE, Found, reconcile
from models.incident import Incident
from models.record import Event
from models.traffic import Inbox, Outage
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World, at_once

CALLER = "+628119999001"
OTHER = "+628119999002"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def call_in(
    world: World,
    sid: str,
    *,
    at: datetime,
    number: str = CALLER,
    lasts_s: float | None = 40,
    details: CallDetails | None = None,
) -> LoggedCall:
    """A call that only the provider knows of; without *lasts_s* it is still going on."""
    call = LoggedCall(
        provider_sid=sid,
        from_number=number,
        began_at=at,
        ended_at=None if lasts_s is None else at + timedelta(seconds=lasts_s),
        status="completed" if lasts_s is not None else "in-progress",
        duration_s=int(lasts_s or 0),
    )
    world.provider.calls_in = [one for one in world.provider.calls_in if one.provider_sid != sid] + [call]
    if details is not None:
        world.provider.details[sid] = details
    return call


def text_in(world: World, sid: str, words: str, *, at: datetime, number: str = CALLER) -> None:
    text = LoggedText(provider_sid=sid, from_number=number, body=words, received_at=at)
    world.provider.texts_in.append(text)


def reads(world: World) -> Found:
    return reconcile(world.services, world.providers)


def away(world: World, span: timedelta) -> datetime:
    """The service was up until now, and then away for a while; when that began."""
    reads(world)
    left_at = world.clock.now()
    world.hand.advance(span.total_seconds())
    return left_at


def asked(world: World, incident_id: str) -> set[str]:
    return {a.staff_code for a in world.incident(incident_id).assignments}


def line(world: World, incident_id: str, kind: str) -> Event:
    (found,) = [one for one in world.lines(incident_id) if one.kind == kind]
    return found


def test_a_call_that_we_missed_becomes_an_incident_with_its_true_times(world: World) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-missed", at=left_at + 30 * MINUTE)
    assert reads(world) == Found(calls=1)

    (incident,) = world.incidents()
    (call,) = world.calls()
    assert (incident.received_at, incident.caller_number) == (left_at + 30 * MINUTE, CALLER)
    assert (call.provider, call.provider_sid, call.incident_id) == ("fake", "CA-missed", incident.id)
    assert (call.received_at, call.ended_at) == (
        left_at + 30 * MINUTE,
        left_at + 30 * MINUTE + timedelta(seconds=40),
    )
    assert call.outcome == CallOutcome.ABANDONED
    received, ended = line(world, incident.id, "call.received"), line(world, incident.id, "call.ended")
    for one in (received, ended):
        assert (one.source, one.data["reconstructed"]) == ("import", True)
        assert one.recorded_at == world.clock.now() > one.occurred_at
    assert world.findings() == []


def test_whoever_reached_nobody_a_short_while_ago_is_an_emergency_like_any_other(world: World) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-missed", at=left_at + MINUTE)
    reads(world)
    (incident,) = world.incidents()
    assert incident.status == IncidentStatus.ALERTING
    world.works()
    assert world.provider.rung == [PHONES["N01"], PHONES["N02"]]
    # Whoever accepts is joined with the caller, who is called back.
    world.worker("N01").accepts(incident.id)
    assert [d.to_number for d in world.deliveries(purpose="call_back")] == [CALLER]
    assert world.findings() == []


def test_what_is_hours_old_is_for_one_person_to_judge_until_somebody_does(world: World) -> None:
    left_at = away(world, 8 * HOUR)
    call_in(world, "CA-missed", at=left_at + MINUTE)
    reads(world)
    (incident,) = world.incidents()
    world.works()
    assert set(world.provider.rung) == {PHONES["P01"]}
    # No incident without a next deadline: the last tier is asked again and again.
    assert "ladder" in {deadline.kind for deadline in world.deadlines()}
    world.provider.forgets()
    world.passes(300)
    assert set(world.provider.rung) == {PHONES["P01"]}
    assert len(world.provider.rung) >= 4
    assert not any(kind == "alert.nobody_on_duty" for kind in world.kinds(incident.id))
    world.worker("P01").accepts(incident.id)
    assert world.findings() == []


@pytest.mark.parametrize(
    ("seconds", "everybody"), [(PRESSING_FOR_S, True), (PRESSING_FOR_S + 1, False)], ids=["fresh", "old"]
)
def test_two_hours_part_the_two(world: World, seconds: float, *, everybody: bool) -> None:
    left_at = away(world, timedelta(seconds=seconds))
    call_in(world, "CA-missed", at=left_at - timedelta(seconds=40), lasts_s=40)
    reads(world)
    (incident,) = world.incidents()
    assert asked(world, incident.id) == ({"N01", "N02"} if everybody else {"P01"})


def test_a_caller_whom_a_duty_phone_answered_is_on_record_as_answered_and_wakes_only_one(
    world: World,
) -> None:
    left_at = away(world, HOUR)
    picked_up_at = left_at + MINUTE + timedelta(seconds=9)
    details = CallDetails(
        picked_up_by=PHONES["N02"],
        picked_up_at=picked_up_at,
        recordings=[LoggedRecording(recording_sid="RE1", duration_s=30)],
    )
    call_in(world, "CA-missed", at=left_at + MINUTE, details=details)
    reads(world)
    (incident,) = world.incidents()
    (call,) = world.calls()
    assert incident.answered_at == call.answered_at == picked_up_at
    assert call.outcome == CallOutcome.INCIDENT
    assert line(world, incident.id, "call.answered").data["staff_code"] == "N02"
    assert line(world, incident.id, "call.recorded").data["recording_sid"] == "RE1"
    assert asked(world, incident.id) == {"P01"}
    assert world.findings() == []


def test_a_duty_phone_that_is_nobodys_answers_too(world: World) -> None:
    left_at = away(world, HOUR)
    details = CallDetails(picked_up_by="+62811777", picked_up_at=left_at + 2 * MINUTE)
    call_in(world, "CA-missed", at=left_at + MINUTE, details=details)
    reads(world)
    (incident,) = world.incidents()
    assert line(world, incident.id, "call.answered").data["staff_code"] is None
    assert world.findings() == []


def test_reading_again_changes_nothing(world: World) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-missed", at=left_at + MINUTE)
    text_in(world, "SM-missed", "Tolong", at=left_at + 2 * MINUTE, number=OTHER)
    assert reads(world) == Found(calls=1, texts=1)
    before = [(row.id, row.event_count) for row in world.incidents()]
    world.hand.advance(1)
    assert not reads(world)
    assert [(row.id, row.event_count) for row in world.incidents()] == before


def test_several_engines_may_read_at_once(world: World) -> None:
    left_at = away(world, HOUR)
    for number in range(12):
        call_in(world, f"CA-{number}", at=left_at + number * MINUTE, number=f"+62811999910{number:02}")
    worlds = [world, world.restarted()]
    found = at_once(*[partial(reads, one) for one in worlds])
    assert sum(one.calls for one in found) == 12
    assert len(world.incidents()) == len(world.calls()) == 12
    assert world.findings() == []


def test_a_webhook_that_comes_after_all_is_a_repeat(world: World) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-in-1", at=left_at + MINUTE)
    reads(world)
    state = world.resident(CALLER).rings("CA-in-1")
    assert [incident.id for incident in world.incidents()] == [state.incident_id]
    assert len(world.calls()) == 1


def test_what_we_saw_is_left_alone(world: World) -> None:
    reads(world)
    began_at = world.clock.now()
    state = world.resident(CALLER).rings("CA-in-1")
    world.resident(CALLER).hangs_up("CA-in-1")
    world.resident(OTHER).texts("Tolong", sid="SM-in-1")
    call_in(world, "CA-in-1", at=began_at)
    text_in(world, "SM-in-1", "Tolong", at=began_at, number=OTHER)
    world.hand.advance(600)
    lines = world.kinds(state.incident_id)
    assert not reads(world)
    assert world.kinds(state.incident_id) == lines


def test_what_may_still_be_on_its_way_is_waited_for(world: World) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-new", at=left_at + HOUR - GRACE + timedelta(seconds=1), lasts_s=5)
    assert not reads(world)
    world.hand.advance(EVERY_S)
    assert reads(world) == Found(calls=1)


def test_a_call_that_is_still_going_on_is_looked_at_when_it_is_over(world: World) -> None:
    """Its line would be half true: who talked to the caller is known at the end."""
    left_at = away(world, HOUR)
    call_in(world, "CA-long", at=left_at + MINUTE, lasts_s=None)
    assert not reads(world)
    world.hand.advance(3600)
    reads(world)
    # However long it lasts, its place in the log is not passed over.
    assert world.provider.read_since[-1] <= left_at + MINUTE
    call_in(world, "CA-long", at=left_at + MINUTE, lasts_s=7000)
    world.hand.advance(3600)
    assert reads(world) == Found(calls=1)


def test_calls_of_one_number_are_one_incident_and_a_later_one_that_is_fresh_rings_everybody(
    world: World,
) -> None:
    left_at = away(world, 5 * HOUR)
    call_in(world, "CA-old", at=left_at + MINUTE)
    call_in(world, "CA-fresh", at=left_at + 4 * HOUR + 30 * MINUTE)
    reads(world)
    (incident,) = world.incidents()
    assert incident.received_at == left_at + MINUTE
    assert asked(world, incident.id) == {"P01", "N01", "N02"}
    # From there on the ladder is climbed as always.
    world.passes(35)
    assert asked(world, incident.id) == {"P01", "N01", "N02", "N03"}
    assert world.findings() == []


def test_a_caller_who_rings_again_now_is_not_left_with_the_last_tier(world: World) -> None:
    left_at = away(world, 5 * HOUR)
    call_in(world, "CA-old", at=left_at + MINUTE)
    reads(world)
    world.passes(200)
    state = world.resident(CALLER).rings("CA-live")
    assert {"N01", "N02"} <= asked(world, state.incident_id)
    world.works()
    assert {PHONES["N01"], PHONES["N02"]} <= set(world.provider.rung)
    assert world.findings() == []


def test_a_missed_call_joins_what_its_caller_opened_later_and_the_beginning_is_told_truly(
    world: World,
) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-missed", at=left_at + MINUTE)
    state = world.resident(CALLER).rings("CA-live")
    world.worker("N01").accepts(state.incident_id)
    world.works()
    world.provider.forgets()
    reads(world)
    (incident,) = world.incidents()
    assert incident.received_at == left_at + MINUTE
    assert {call.outcome for call in world.calls()} == {CallOutcome.INCIDENT, CallOutcome.JOINED}
    world.works()
    assert world.provider.rung == []
    assert world.findings() == []


def test_a_withheld_number_never_joins(world: World) -> None:
    left_at = away(world, HOUR)
    for number in range(3):
        call_in(world, f"CA-{number}", at=left_at + number * MINUTE, number="anonymous")
    reads(world)
    assert [incident.caller_number for incident in world.incidents()] == [None] * 3


def test_the_end_of_a_call_that_we_saw_begin_is_recorded_with_its_true_time(world: World) -> None:
    reads(world)
    began_at = world.clock.now()
    state = world.resident(CALLER).rings("CA-in-1")
    world.hand.advance(3 * 3600)
    # It began long before the place that was read last, and is found all the same.
    reads(world)
    call_in(world, "CA-in-1", at=began_at, lasts_s=90)
    assert reads(world) == Found(ends=1)
    (call,) = world.calls()
    assert call.ended_at == began_at + timedelta(seconds=90)
    ended = line(world, state.incident_id, "call.ended")
    assert (ended.source, ended.data["reconstructed"]) == ("import", True)
    assert not reads(world)
    assert world.findings() == []


def rang_unseen(world: World, sid: str, *, late_s: float) -> datetime:
    """A ring that waited in the journal for a while, and whose caller has hung up meanwhile; when it rang."""
    reads(world)
    rang_at = world.clock.now()
    world.hand.advance(late_s)
    command = ReceiveCall(provider="fake", provider_sid=sid, caller_number=CALLER, received_at=rang_at)
    intake.receive_call(world.services, command)
    ended = EndCall(provider_sid=sid, provider_status="completed", occurred_at=world.clock.now())
    intake.end_call(world.services, ended)
    world.hand.advance(120)
    return rang_at


def test_who_picked_up_while_the_database_was_away_is_learned_afterwards(world: World) -> None:
    """The fallback document had put the caller through; the journal knows of the ring alone."""
    rang_at = rang_unseen(world, "CA-kept", late_s=40)
    assert [call.outcome for call in world.calls()] == [CallOutcome.ABANDONED]
    picked_up_at = rang_at + timedelta(seconds=7)
    details = CallDetails(picked_up_by=PHONES["N02"], picked_up_at=picked_up_at)
    call_in(world, "CA-kept", at=rang_at, details=details)
    assert reads(world) == Found(answers=1)
    (call,) = world.calls()
    (incident,) = world.incidents()
    assert (call.answered_at, call.outcome) == (picked_up_at, CallOutcome.INCIDENT)
    assert incident.answered_at == picked_up_at
    answered = line(world, incident.id, "call.answered")
    assert (answered.source, answered.actor, answered.data["reconstructed"]) == ("import", "staff:N02", True)
    assert answered.data["outcome"] == "incident", "the line itself says what changes"
    assert not reads(world)
    assert world.findings() == []


def test_a_kept_call_that_nobody_picked_up_stays_abandoned(world: World) -> None:
    rang_at = rang_unseen(world, "CA-kept", late_s=40)
    call_in(world, "CA-kept", at=rang_at)
    assert not reads(world)
    assert world.provider.asked_about == ["CA-kept"]
    assert [call.outcome for call in world.calls()] == [CallOutcome.ABANDONED]


def test_of_a_call_that_we_took_ourselves_nobody_else_is_asked(world: World) -> None:
    rang_at = rang_unseen(world, "CA-live", late_s=0.5)
    call_in(world, "CA-live", at=rang_at)
    assert not reads(world)
    assert world.provider.asked_about == []


# --- texts ----------------------------------------------------------------------------------------


def test_a_text_that_we_missed_opens_an_incident(world: World) -> None:
    left_at = away(world, HOUR)
    text_in(world, "SM-missed", "Tolong, ibu melahirkan", at=left_at + MINUTE)
    assert reads(world) == Found(texts=1)
    (incident,) = world.incidents()
    assert (incident.channel, incident.received_at) == ("sms", left_at + MINUTE)
    assert asked(world, incident.id) == {"N01", "N02"}
    assert line(world, incident.id, "text.received").data["reconstructed"] is True
    assert world.findings() == []


def test_an_operators_text_rings_nobody(world: World) -> None:
    left_at = away(world, HOUR)
    text_in(world, "SM-ad", "Promo!", at=left_at + MINUTE, number="TELKOMSEL")
    reads(world)
    assert world.incidents() == []


def accepted_by_text(world: World, late: timedelta) -> tuple[str, datetime]:
    """N01 was alerted and said yes by a text that reached us only by the log."""
    reads(world)
    state = world.resident(CALLER).rings()
    said_at = world.clock.now() + timedelta(seconds=5)
    text_in(world, "SM-yes", "1", at=said_at, number=PHONES["N01"])
    world.hand.advance(5 + late.total_seconds())
    reads(world)
    return state.incident_id, said_at


def test_a_workers_yes_counts_while_it_is_meant(world: World) -> None:
    incident_id, said_at = accepted_by_text(world, timedelta(seconds=STILL_MEANT_FOR_S))
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    assert (part.status, part.accepted_at) == (AssignmentStatus.ACCEPTED, said_at)
    assert world.findings() == []


def test_a_yes_that_is_too_late_takes_nothing_from_anybody_and_is_noted(world: World) -> None:
    incident_id, said_at = accepted_by_text(world, timedelta(seconds=STILL_MEANT_FOR_S + 1))
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    assert part.accepted_at is None
    note = line(world, incident_id, "note.added")
    assert (note.occurred_at, note.actor) == (said_at, "staff:N01")
    assert world.findings() == []


def test_a_step_that_was_taken_stays_true_however_late_it_is_told(world: World) -> None:
    reads(world)
    state = world.resident(CALLER).rings()
    world.worker("N01").accepts(state.incident_id)
    arrived_at = world.clock.now() + 20 * MINUTE
    text_in(world, "SM-4", "4", at=arrived_at, number=PHONES["N01"])
    world.hand.advance(3 * 3600)
    reads(world)
    assert world.incident(state.incident_id).times.on_scene_at == arrived_at
    assert world.findings() == []


# --- where it reads from, and what fails ----------------------------------------------------------


def test_each_run_reads_on_from_the_last_with_an_overlap(world: World) -> None:
    first_at = world.clock.now()
    reads(world)
    assert world.provider.read_since == [first_at - OVERLAP]
    world.hand.advance(3600)
    reads(world)
    assert world.provider.read_since[1] == first_at - GRACE - OVERLAP


def test_a_clock_that_was_set_back_hides_nothing(world: World) -> None:
    reads(world)
    world.hand.advance(-7200)
    call_in(world, "CA-missed", at=world.clock.now() - 3 * MINUTE)
    assert reads(world) == Found(calls=1)


def test_what_was_missed_while_the_clock_was_ahead_is_found_when_it_is_put_right(world: World) -> None:
    steady_s = 0.0
    heart = Heart(world.services, steady=lambda: steady_s)
    heart.beat()
    reads(world)
    rang_at = world.clock.now() + 10 * MINUTE
    world.hand.advance(7200)
    heart.beat()
    reads(world)
    call_in(world, "CA-missed", at=rang_at)
    world.hand.advance(1800)
    steady_s = 1800.0
    heart.beat()
    assert not reads(world)
    world.hand.advance(-7200)
    heart.beat()
    assert reads(world) == Found(calls=1)
    world.hand.advance(EVERY_S)
    reads(world)
    assert world.provider.read_since[-1] > rang_at + 5 * MINUTE, "once is enough"


def test_a_log_that_cannot_be_read_keeps_its_place(world: World) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-missed", at=left_at + MINUTE)
    world.provider.log_fails = ProviderUnavailableError("no connection", code="connect")
    assert not reads(world)
    world.provider.log_fails = None
    world.hand.advance(3 * 3600)
    assert reads(world) == Found(calls=1)


def test_a_call_whose_details_are_refused_is_a_call_all_the_same(world: World) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-odd", at=left_at + MINUTE)
    call_in(world, "CA-later", at=left_at + 2 * MINUTE, number=OTHER)
    world.provider.details_fail["CA-odd"] = ProviderRefusedError("not found", code="20404")
    assert reads(world) == Found(calls=2)


@pytest.mark.parametrize(
    "error", [OutcomeUnknownError("no JSON", code="unreadable"), ValueError("a time that is none")]
)
def test_an_entry_that_cannot_be_taken_holds_up_no_other_and_is_told(world: World, error: Exception) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-odd", at=left_at + MINUTE)
    call_in(world, "CA-later", at=left_at + 2 * MINUTE, number=OTHER)
    text_in(world, "SM-later", "Tolong", at=left_at + 3 * MINUTE, number="+628119999003")
    world.provider.details_fail["CA-odd"] = error
    assert reads(world) == Found(calls=1, texts=1)
    assert unread(world) == []
    world.hand.advance(3601)
    reads(world)
    assert unread(world) == ["reconcile:fake"]
    # Its place is kept, however long it takes until somebody has mended it.
    world.provider.details_fail.clear()
    assert reads(world) == Found(calls=1)
    assert unread(world) == []


def test_a_log_that_nobody_can_read_holds_up_no_other_provider_and_is_told(make_world: MakeWorld) -> None:
    world = make_world(provider_names=("first", "second"))
    left_at = away(world, HOUR)
    first, second = world.providers
    first.log_fails = ValueError("no log at all")
    entry = call_in(world, "CA-1", at=left_at + MINUTE)
    first.calls_in, second.calls_in = [], [entry]
    assert reads(world) == Found(calls=1)
    world.hand.advance(601)
    assert unread(world) == ["reconcile:first"]
    first.log_fails = None
    reads(world)
    assert unread(world) == []
    # Ours was the fault, not the provider's.
    with world.uow.read() as session:
        assert session.scalars(select(Outage)).all() == []


def test_a_log_that_is_away_for_ten_minutes_is_told(world: World) -> None:
    world.provider.log_fails = ProviderUnavailableError("no connection", code="connect")
    reads(world)
    world.hand.advance(599)
    assert unread(world) == []
    world.hand.advance(2)
    assert unread(world) == ["reconcile:fake"]


def unread(world: World) -> list[str]:
    """Whose logs the watchdog finds unread."""
    (check,) = [one for one in CHECKS if one.name == LOG_UNREAD]
    with world.uow.read() as session:
        return [one.subject for one in check.find(session, world.services, world.clock.now())]


def test_a_crash_in_the_middle_is_made_up_for(world: World) -> None:
    left_at = away(world, HOUR)
    call_in(world, "CA-1", at=left_at + MINUTE)
    call_in(world, "CA-2", at=left_at + 2 * MINUTE, number=OTHER)

    world.provider.dies_over = "CA-2"
    with pytest.raises(KeyboardInterrupt):
        reads(world)
    world.provider.dies_over = None
    assert len(world.incidents()) == 1
    assert reads(world) == Found(calls=1)
    assert {call.provider_sid for call in world.calls()} == {"CA-1", "CA-2"}
    with world.uow.read() as session:
        keys = set(session.scalars(select(Inbox.provider_key)))
        assert session.scalars(select(Incident.id)).all()
    assert keys == {"voice:CA-1", "voice:CA-2"}
