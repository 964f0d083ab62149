"""What workers and dispatchers may do, and when a rule says no (DOMAIN 2.7, CONTRACT 4 and 7)."""

from collections.abc import Callable
from datetime import datetime

import pytest

from dispatch.domain import progress
from dispatch.domain.commands import Action, ActOnIncident, Location
from dispatch.domain.effects import (
    CallBack,
    ConnectWorker,
    ReleaseCaller,
    SendDetails,
    StandDown,
    StandDownReason,
)
from dispatch.domain.errors import FieldRequiredError, NotAssignedError, WrongTransitionError
from dispatch.domain.events import Kind
from dispatch.domain.meeting import JOIN_GRACE_S
from dispatch.domain.vocabulary import (
    AssignmentStatus,
    Category,
    IncidentStatus,
    LocationSource,
    Outcome,
    Priority,
    Role,
    Source,
)
from tests.builders import DUTY, Story, at, person

S = AssignmentStatus
A = Action


def _stood_down() -> Story:
    # N02 stays support, so that N01 stays in the record as stood down and the incident stays open.
    return Story().rings().accepts("N02")


def _available() -> Story:
    return Story().rings().accepts("N02").accepts("N01").does(A.AVAILABLE, "N01")


def _engaged(*steps: Action) -> Callable[[], Story]:
    def build() -> Story:
        story = Story().rings().accepts("N01").accepts("N02")
        for step in steps:
            story.jumps(60).does(step, "N01")
        return story.jumps(60)

    return build


STANDING: dict[AssignmentStatus, Callable[[], Story]] = {
    S.ALERTED: lambda: Story().rings(),
    S.NO_ANSWER: lambda: Story().rings().passes(30),
    S.DECLINED: lambda: Story().rings().declines("N01"),
    S.STOOD_DOWN: _stood_down,
    S.ACCEPTED: _engaged(),
    S.EN_ROUTE: _engaged(A.EN_ROUTE),
    S.STAGING: _engaged(A.EN_ROUTE, A.STAGE),
    S.ON_SCENE: _engaged(A.EN_ROUTE, A.ON_SCENE),
    S.TRANSPORTING: _engaged(A.EN_ROUTE, A.ON_SCENE, A.LEAVE_SCENE),
    S.AT_FACILITY: _engaged(A.EN_ROUTE, A.ON_SCENE, A.LEAVE_SCENE, A.ARRIVE_FACILITY),
    S.AVAILABLE: _available,
}
"""How a worker N01 comes to stand in each status."""

ALLOWED: dict[Action, dict[AssignmentStatus, AssignmentStatus]] = {
    A.ACCEPT: dict.fromkeys((S.ALERTED, S.NO_ANSWER, S.DECLINED, S.STOOD_DOWN), S.ACCEPTED),
    A.DECLINE: dict.fromkeys((S.ALERTED, S.NO_ANSWER, S.ACCEPTED, S.EN_ROUTE, S.STAGING), S.DECLINED),
    A.EN_ROUTE: dict.fromkeys((S.ACCEPTED, S.STAGING), S.EN_ROUTE),
    A.STAGE: dict.fromkeys((S.ACCEPTED, S.EN_ROUTE), S.STAGING),
    A.ON_SCENE: dict.fromkeys((S.ACCEPTED, S.EN_ROUTE, S.STAGING), S.ON_SCENE),
    A.LEAVE_SCENE: {S.ON_SCENE: S.TRANSPORTING},
    A.ARRIVE_FACILITY: {S.TRANSPORTING: S.AT_FACILITY},
    A.AVAILABLE: dict.fromkeys(
        (S.ACCEPTED, S.EN_ROUTE, S.STAGING, S.ON_SCENE, S.TRANSPORTING, S.AT_FACILITY), S.AVAILABLE
    ),
    A.HELP: {
        status: status
        for status in (S.ACCEPTED, S.EN_ROUTE, S.STAGING, S.ON_SCENE, S.TRANSPORTING, S.AT_FACILITY)
    },
    A.ETA: {
        status: status
        for status in (S.ACCEPTED, S.EN_ROUTE, S.STAGING, S.ON_SCENE, S.TRANSPORTING, S.AT_FACILITY)
    },
    A.INFO: {status: status for status in S},
    A.NOTE: {status: status for status in S},
    A.ASSIGN: dict.fromkeys((S.ALERTED, S.NO_ANSWER, S.DECLINED, S.STOOD_DOWN, S.AVAILABLE), S.ALERTED),
}
"""Action, where it may start, and where it leads; everything that does not stand here is refused."""


@pytest.mark.parametrize("action", ALLOWED)
@pytest.mark.parametrize("status", S)
def test_each_action_from_each_status_leads_on_or_is_refused(
    action: Action, status: AssignmentStatus
) -> None:
    story = STANDING[status]()
    assert story.part_of("N01").status is status
    before = story.incident
    refused = story.is_refused(action, "N01", text="catatan", minutes=7)
    if status in ALLOWED[action]:
        assert refused is None
        assert story.part_of("N01").status is ALLOWED[action][status]
    else:
        assert refused in ("wrong_transition", "already_there")
        assert story.incident == before


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (S.ACCEPTED, A.ACCEPT),
        (S.DECLINED, A.DECLINE),
        (S.EN_ROUTE, A.EN_ROUTE),
        (S.STAGING, A.STAGE),
        (S.ON_SCENE, A.ON_SCENE),
        (S.TRANSPORTING, A.LEAVE_SCENE),
        (S.AT_FACILITY, A.ARRIVE_FACILITY),
        (S.AVAILABLE, A.AVAILABLE),
    ],
)
def test_the_same_step_twice_is_told_apart_from_a_wrong_one(status: AssignmentStatus, action: Action) -> None:
    assert STANDING[status]().is_refused(action, "N01") == "already_there"


@pytest.mark.parametrize("action", [A.ACCEPT, A.DECLINE, A.EN_ROUTE, A.AVAILABLE, A.HELP, A.INFO])
def test_who_was_never_asked_has_no_part(action: Action) -> None:
    assert Story().rings().is_refused(action, "P01") == "not_assigned"


@pytest.mark.parametrize(
    ("action", "missing"),
    [
        (A.ACCEPT, "staff_code"),
        (A.EN_ROUTE, "staff_code"),
        (A.ASSIGN, "staff_code"),
        (A.ETA, "staff_code"),
        (A.NOTE, "text"),
        (A.SET_PRIORITY, "priority"),
        (A.SET_CATEGORY, "category"),
        (A.SET_LOCATION, "location"),
        (A.CLOSE, "outcome"),
        (A.MERGE, "into"),
    ],
)
def test_what_an_action_cannot_do_without_is_asked_for(action: Action, missing: str) -> None:
    with pytest.raises(FieldRequiredError) as refusal:
        Story().rings().does(action)
    assert refusal.value.params == {"field": missing}


def test_a_time_to_arrival_needs_its_minutes() -> None:
    story = Story().rings().accepts("N01", minutes=10)
    assert story.is_refused(A.ETA, "N01") == "field_required"
    assert story.does(A.ETA, "N01", minutes=25).part_of("N01").minutes == 25


@pytest.mark.parametrize("action", [a for a in A if a not in (A.NOTE, A.INFO)])
def test_a_closed_incident_takes_nothing_but_notes_and_questions(action: Action) -> None:
    story = Story().rings().accepts("N01").does(A.AVAILABLE, "N01")
    refused = story.is_refused(
        action,
        "N01",
        minutes=5,
        priority=Priority.RED,
        category=Category.FALL,
        outcome=Outcome.TREATED,
        location=Location(source=LocationSource.WORKER),
        into="other",
    )
    assert refused == "incident_closed"


def test_notes_and_questions_are_taken_after_the_end() -> None:
    story = Story().rings().accepts("N01").does(A.AVAILABLE, "N01")
    story.does(A.NOTE, "N01", text="keluarga sudah dihubungi").does(A.INFO, "N01")
    assert story.incident.is_closed


# --- the times ------------------------------------------------------------------------------------


def test_each_step_sets_its_time_and_the_first_unit_counts() -> None:
    story = Story().rings().jumps(10).accepts("N01").jumps(10).accepts("N02")
    story.jumps(10).does(A.EN_ROUTE, "N02").jumps(10).does(A.EN_ROUTE, "N01")
    story.jumps(10).does(A.STAGE, "N02").jumps(10).does(A.ON_SCENE, "N01")
    story.jumps(10).does(A.LEAVE_SCENE, "N01").jumps(10).does(A.ARRIVE_FACILITY, "N01")
    story.jumps(10).does(A.AVAILABLE, "N01").jumps(10).does(A.AVAILABLE, "N02")
    times = story.incident.times
    assert times.received_at == at(0)
    assert times.alerted_at == at(10)
    assert times.accepted_at == at(10)
    assert times.en_route_at == at(30)
    assert times.staged_at == at(50)
    assert times.on_scene_at == at(60)
    assert times.left_scene_at == at(70)
    assert times.at_facility_at == at(80)
    assert times.available_at == at(100), "until the last one is free somebody is bound by the incident"
    assert times.closed_at == at(100)


@pytest.mark.parametrize(
    ("action", "field", "after_s"),
    [
        (A.EN_ROUTE, "en_route_at", 30),
        (A.STAGE, "staged_at", 90),
    ],
)
def test_a_late_report_sets_the_time_but_not_the_status(action: Action, field: str, after_s: float) -> None:
    story = Story().rings().accepts("N01").jumps(200).does(A.ON_SCENE, "N01").jumps(100)
    story.does(action, "N01", occurred_at=at(after_s))
    assert getattr(story.incident.times, field) == at(after_s)
    assert getattr(story.part_of("N01"), field) == at(after_s)
    assert story.part_of("N01").status is S.ON_SCENE
    assert story.incident.status is IncidentStatus.ON_SCENE
    assert story.events[-1].data["late"] is True


@pytest.mark.parametrize(
    "occurred_at",
    [
        pytest.param(None, id="no time stated: it would be now, after the scene"),
        pytest.param(at(250), id="stated after the step that came later"),
    ],
)
def test_a_step_back_is_no_late_report(occurred_at: datetime | None) -> None:
    story = Story().rings().accepts("N01").jumps(200).does(A.ON_SCENE, "N01").jumps(100)
    assert story.is_refused(A.EN_ROUTE, "N01", occurred_at=occurred_at) == "wrong_transition"


def test_a_phone_that_was_out_of_reach_still_tells_its_times_after_the_end() -> None:
    """DESIGN 6, last row: the page keeps taps and their times, and sends them later."""
    story = Story().rings().accepts("N01").jumps(60).does(Action.AVAILABLE, "N01")
    assert story.incident.is_closed
    story.jumps(600).does(Action.ON_SCENE, "N01", occurred_at=at(30))
    assert story.incident.is_closed
    assert story.incident.times.on_scene_at == at(30)
    assert story.part_of("N01").status is AssignmentStatus.AVAILABLE


def test_after_the_end_nothing_new_can_have_happened() -> None:
    story = Story().rings().accepts("N01").jumps(60).does(Action.AVAILABLE, "N01").jumps(600)
    assert story.is_refused(Action.ON_SCENE, "N01", occurred_at=at(500)) == "incident_closed"
    assert story.incident.times.on_scene_at is None


def test_a_late_report_never_overwrites_a_time_that_is_known() -> None:
    story = Story().rings().accepts("N01").jumps(60).does(A.EN_ROUTE, "N01").jumps(60).does(A.ON_SCENE, "N01")
    assert story.is_refused(A.EN_ROUTE, "N01", occurred_at=at(30)) == "wrong_transition"
    assert story.incident.times.en_route_at == at(60)


@pytest.mark.parametrize(
    ("stated_after_s", "refused", "recorded_after_s"),
    [
        pytest.param(50, None, 50, id="earlier, as the phone was out of reach"),
        pytest.param(100, None, 100, id="now"),
        pytest.param(130, None, 100, id="the phone's clock runs a little ahead: never in the future"),
        pytest.param(160, None, 100, id="just within what is tolerated"),
        pytest.param(160.001, "time_refused", None, id="in the future"),
        pytest.param(0, None, 0, id="in the instant of the call"),
        pytest.param(-0.001, "time_refused", None, id="before the call"),
    ],
)
def test_stated_times_lie_between_the_call_and_now(
    stated_after_s: float, refused: str | None, recorded_after_s: float | None
) -> None:
    story = Story().rings().accepts("N01").jumps(100)
    step = story.is_refused(A.EN_ROUTE, "N01", source=Source.WEB, occurred_at=at(stated_after_s))
    assert step == refused
    expected = None if recorded_after_s is None else at(recorded_after_s)
    assert story.part_of("N01").en_route_at == expected


@pytest.mark.parametrize(
    ("source", "stamped_after_s", "recorded_after_s"),
    [
        pytest.param(Source.KEYPAD, -3600, 0, id="set back, and nobody presses a key before the call"),
        *(
            pytest.param(source, stamped_s, recorded_s, id=f"{why}-{source}")
            for source in (Source.KEYPAD, Source.SMS)
            for stamped_s, recorded_s, why in (
                (3700, 100, "the clock was set back while the answer waited in the journal"),
                (50, 50, "the answer waited"),
            )
        ),
    ],
)
def test_a_clock_that_was_set_refuses_nobody_who_answers_by_phone(
    source: Source, stamped_after_s: float, recorded_after_s: float
) -> None:
    story = Story().rings().jumps(100)
    assert story.is_refused(A.ACCEPT, "N01", source=source, occurred_at=at(stamped_after_s)) is None
    assert story.part_of("N01").accepted_at == at(recorded_after_s)
    story.does(A.NOTE, "N01", source=source, text="jalan putus", occurred_at=at(stamped_after_s))
    assert story.events[-1].occurred_at == at(recorded_after_s)


# --- one primary, the others support, the rest stood down ------------------------------------------


def test_the_first_to_accept_owns_the_incident_and_the_rest_are_told() -> None:
    story = Story().rings().accepts("N01")
    assert story.primary() == "N01"
    assert story.effects(StandDown) == [
        StandDown(staff_id="staff-N02", staff_code="N02", reason=StandDownReason.ACCEPTED_BY_OTHER)
    ]
    assert story.part_of("N02").status is S.STOOD_DOWN


def test_the_second_to_accept_is_support() -> None:
    story = Story().rings().accepts("N01").accepts("N02", minutes=12)
    assert story.primary() == "N01"
    assert story.part_of("N02").status is S.ACCEPTED
    assert story.part_of("N02").minutes == 12


@pytest.mark.parametrize("leaving", [A.DECLINE, A.AVAILABLE])
def test_the_support_who_accepted_first_inherits(leaving: Action) -> None:
    story = Story().rings().passes(30)
    story.accepts("N03").jumps(1).accepts("N02").jumps(1).accepts("N01").does(leaving, "N03")
    assert story.primary() == "N02"
    assert story.kinds[-1] is Kind.PROMOTED


def test_a_call_taker_inherits_nothing() -> None:
    duty = [person("T01", role=Role.CALL_TAKER), *DUTY[1:]]
    story = Story(duty=duty).rings().passes(30).accepts("T01").accepts("C01")
    story.declines("C01")
    assert story.primary() is None
    assert story.incident.needs_people


def test_a_support_who_leaves_changes_nothing_for_the_owner() -> None:
    story = Story().rings().accepts("N01").accepts("N02").declines("N02")
    assert story.primary() == "N01"
    assert Kind.PROMOTED not in story.kinds


def test_the_incident_stands_where_its_primary_stands() -> None:
    story = Story().rings().accepts("N01").accepts("N02").does(A.ON_SCENE, "N02")
    assert story.incident.status is IncidentStatus.ACCEPTED
    assert story.does(A.EN_ROUTE, "N01").incident.status is IncidentStatus.EN_ROUTE


# --- accepting and the caller ---------------------------------------------------------------------


def test_who_accepts_on_the_keypad_is_joined_to_the_caller_within_their_own_call() -> None:
    story = Story().rings().accepts("N01", source=Source.KEYPAD)
    assert story.effects(ConnectWorker) == []
    assert story.incident.ladder.joining == (("N01", at(0)),)


@pytest.mark.parametrize("source", [Source.SMS, Source.WEB, Source.API])
def test_who_accepts_without_a_call_in_hand_is_called_into_the_room(source: Source) -> None:
    story = Story().rings().accepts("N01", source=source)
    assert story.effects(ConnectWorker) == [ConnectWorker(staff_id="staff-N01", staff_code="N01")]


@pytest.mark.parametrize("source", [Source.SMS, Source.WEB])
def test_nobody_is_called_into_an_empty_room(source: Source) -> None:
    story = Story().rings().presses("1").hangs_up().accepts("N01", source=source)
    assert story.effects(ConnectWorker) == []


def test_a_caller_who_left_unheard_is_called_into_the_room_of_the_worker() -> None:
    story = Story().rings().presses("1").hangs_up().accepts("N01", source=Source.KEYPAD)
    assert story.effects(CallBack) == [CallBack(call_id="call-1")]


def test_a_caller_who_was_heard_is_not_called_back() -> None:
    story = Story().rings().accepts("N01").joined_by("N01").hangs_up().accepts("N02")
    assert story.effects(CallBack) == []


def test_when_nobody_says_that_they_joined_it_is_taken_to_have_happened_and_marked() -> None:
    story = Story().rings().jumps(7).accepts("N01").passes(JOIN_GRACE_S)
    assert story.incident.times.answered_at == at(7 + JOIN_GRACE_S)
    assert story.events[-1].data["assumed"] is True


def test_the_first_to_join_answered_the_call_whoever_joins_after() -> None:
    story = Story().rings().accepts("N01").jumps(1).accepts("N02").jumps(2).joined_by("N01").passes(60)
    assert story.incident.times.answered_at == at(3)
    assert story.incident.call("call-1").answered_at == at(3)
    assert story.kinds.count(Kind.CALL_ANSWERED) == 1


# --- priority -------------------------------------------------------------------------------------

_COLOURS = [Priority.BLACK, Priority.GREEN, Priority.YELLOW, Priority.RED]


@pytest.mark.parametrize("current", _COLOURS)
@pytest.mark.parametrize("wanted", _COLOURS)
@pytest.mark.parametrize("reason", [None, "", "  ", "diperiksa di tempat"])
def test_only_lowering_a_priority_needs_a_reason(
    current: Priority, wanted: Priority, reason: str | None
) -> None:
    story = Story().rings().does(A.SET_PRIORITY, priority=current)
    refused = story.is_refused(A.SET_PRIORITY, priority=wanted, reason=reason)
    lowers = _COLOURS.index(wanted) < _COLOURS.index(current)
    has_reason = bool((reason or "").strip())
    assert refused == ("reason_required" if lowers and not has_reason else None)
    assert story.incident.priority is (current if refused else wanted)


def test_saying_how_urgent_it_is_for_the_first_time_lowers_nothing() -> None:
    for colour in _COLOURS:
        assert Story().rings().is_refused(A.SET_PRIORITY, priority=colour) is None


def test_forgetting_how_urgent_it_is_lowers_it() -> None:
    story = Story().rings().presses("1")
    assert story.is_refused(A.SET_PRIORITY, priority=Priority.UNKNOWN) == "reason_required"


def test_the_reason_is_personal_and_stands_beside_the_line() -> None:
    story = Story().rings().presses("1").does(A.SET_PRIORITY, priority=Priority.GREEN, reason="sadar")
    assert story.events[-1].data == {"from": "red", "to": "green", "basis": "person"}
    assert story.events[-1].private == {"reason": "sadar"}


# --- the end --------------------------------------------------------------------------------------


def test_closing_tells_everybody_who_is_still_in_it() -> None:
    story = Story().rings().passes(30).accepts("N01").accepts("N02").does(A.HELP, "N01")
    story.does(A.ON_SCENE, "N01").does(A.CLOSE, outcome=Outcome.TREATED)
    assert story.statuses() == {
        "N01": S.AVAILABLE,
        "N02": S.STOOD_DOWN,
        "N03": S.STOOD_DOWN,
        "C01": S.STOOD_DOWN,
    }
    closed = [
        e.staff_code for e in story.effects(StandDown) if isinstance(e, StandDown) and e.reason == "closed"
    ]
    assert sorted(closed) == ["C01", "N02"]
    assert story.incident.outcome is Outcome.TREATED


def test_a_caller_who_still_waits_is_released_when_it_closes() -> None:
    story = Story().rings().does(A.CLOSE, outcome=Outcome.CANCELLED)
    assert story.effects(ReleaseCaller) == [ReleaseCaller(call_id="call-1")]


def test_the_last_one_to_be_available_closes_it() -> None:
    story = Story().rings().accepts("N01").accepts("N02").does(A.AVAILABLE, "N01")
    assert not story.incident.is_closed
    assert story.does(A.AVAILABLE, "N02").incident.is_closed


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ((A.ON_SCENE,), None),
        ((A.ON_SCENE, A.LEAVE_SCENE), None),
        ((A.ON_SCENE, A.LEAVE_SCENE, A.ARRIVE_FACILITY), Outcome.TRANSPORTED),
    ],
)
def test_how_it_ended_is_concluded_only_where_the_times_prove_it(
    steps: tuple[Action, ...], outcome: Outcome | None
) -> None:
    story = Story().rings().accepts("N01")
    for step in steps:
        story.does(step, "N01")
    assert story.does(A.AVAILABLE, "N01").incident.outcome is outcome


def test_a_call_taker_who_is_done_leaves_the_incident_to_its_owner_or_its_alerting() -> None:
    duty = [person("T01", role=Role.CALL_TAKER), *DUTY[1:]]
    story = Story(duty=duty).rings().passes(30).accepts("T01").does(A.AVAILABLE, "T01")
    assert not story.incident.is_closed
    assert story.incident.needs_people


def test_merging_says_into_what_and_closes() -> None:
    story = Story().rings().does(A.MERGE, into="other-incident")
    assert story.incident.merged_into == "other-incident"
    assert story.incident.outcome is Outcome.DUPLICATE


# --- the rest -------------------------------------------------------------------------------------


def test_asking_for_the_details_twice_sends_them_twice() -> None:
    story = Story().rings().does(A.INFO, "N01").jumps(1).does(A.INFO, "N01")
    turns = [effect.turn for effect in story.effects(SendDetails) if isinstance(effect, SendDetails)]
    assert len(set(turns)) == 2


def test_exact_positions_are_private() -> None:
    where = Location(
        source=LocationSource.WORKER, text="dekat gereja", lat=-4.5205, lon=136.9001, accuracy_m=30.5
    )
    story = Story().rings().does(A.SET_LOCATION, "N01", location=where)
    assert story.events[-1].data == {"source": "worker", "accuracy_m": 30.5}
    assert (story.incident.location.lat, story.incident.location.lon) == (-4.5205, 136.9001)
    assert story.incident.location.text == "dekat gereja"


@pytest.mark.parametrize(("action", "value"), [(A.SET_CATEGORY, "category"), (A.SET_PRIORITY, "priority")])
def test_saying_what_is_known_already_writes_no_line(action: Action, value: str) -> None:
    story = Story().rings()
    story.does(action, category=Category.UNKNOWN, priority=Priority.UNKNOWN)
    assert story.kinds == [Kind.CALL_RECEIVED, Kind.ALERT_REQUESTED]


def test_a_refusal_is_one_line_and_changes_nothing() -> None:
    story = Story().rings()
    command = ActOnIncident(
        incident_id=story.incident.id,
        action=A.EN_ROUTE,
        actor="staff:N01",
        source=Source.SMS,
        staff_code="N01",
    )
    refused = progress.refuse(
        story.incident, command, WrongTransitionError(action="en_route", status="alerted"), now=at(5)
    )
    assert refused.incident == story.incident
    assert refused.effects == ()
    assert [event.kind for event in refused.events] == [Kind.ACTION_REFUSED]
    assert refused.events[0].data == {
        "action": "en_route",
        "staff_code": "N01",
        "error": "wrong_transition",
    }


def test_an_error_carries_its_code_and_what_the_explanation_needs() -> None:
    error = NotAssignedError(staff_code="N01")
    assert (error.code, error.params) == ("not_assigned", {"staff_code": "N01"})
