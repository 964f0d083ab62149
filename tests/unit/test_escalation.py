"""Who is rung next and when: the ladder of CONTRACT 5, climbed through pure decisions in exact time."""

import pytest

from dispatch.domain import escalation
from dispatch.domain.commands import Action
from dispatch.domain.decisions import Condition
from dispatch.domain.effects import AlertWorker, WarnSupervisors
from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import (
    AlertChannel,
    AssignmentStatus,
    IncidentChannel,
    IncidentStatus,
    Outcome,
    Priority,
    Role,
)
from tests.builders import BOTH, DUTY, LADDER, Story, at, person, policy, tier

URGENT_LADDER = [(0, "N01"), (0, "N02"), (30, "N03"), (60, "C01"), (60, "C02"), (90, "P01")]
ONE_BY_ONE_LADDER = [(0, "N01"), (0, "N02"), (30, "N03"), (60, "C01"), (90, "C02"), (120, "P01")]


# --- the whole ladder -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digit", "ladder"),
    [
        pytest.param(None, URGENT_LADDER, id="no key: unknown, as urgent as red"),
        pytest.param("1", URGENT_LADDER, id="not conscious: red"),
        pytest.param("2", URGENT_LADDER, id="accident: red"),
        pytest.param("3", ONE_BY_ONE_LADDER, id="childbirth: yellow"),
        pytest.param("4", ONE_BY_ONE_LADDER, id="other: yellow"),
        pytest.param("7", URGENT_LADDER, id="a key of no meaning"),
    ],
)
def test_tiers_are_climbed_in_order_and_in_batches(
    digit: str | None, ladder: list[tuple[float, str]]
) -> None:
    story = Story().rings()
    if digit is not None:
        story.presses(digit)
    story.passes(120)
    assert story.alerted == ladder


@pytest.mark.parametrize("priority", [Priority.YELLOW, Priority.GREEN, Priority.BLACK])
def test_what_is_not_urgent_is_asked_one_by_one(priority: Priority) -> None:
    story = Story().rings().does(Action.SET_PRIORITY, priority=priority).passes(120)
    assert story.alerted == ONE_BY_ONE_LADDER


def test_the_first_people_are_asked_in_the_same_decision_as_the_call() -> None:
    story = Story().rings()
    assert story.kinds == [Kind.CALL_RECEIVED, Kind.ALERT_REQUESTED]
    assert [wanted.effect for wanted in story.wanted] == [
        AlertWorker(staff_id=f"staff-{code}", staff_code=code, turn=1, channels=BOTH)
        for code in ("N01", "N02")
    ]


@pytest.mark.parametrize("early_s", [0.001, 1.0, 29.0])
def test_nobody_is_asked_before_the_batch_has_had_its_time(early_s: float) -> None:
    story = Story().rings().passes(30 - early_s)
    assert story.alerted == URGENT_LADDER[:2]
    assert story.passes(early_s).alerted == URGENT_LADDER[:3]


def test_the_silent_are_marked_when_their_time_is_over() -> None:
    story = Story().rings().passes(30)
    assert story.statuses() == {
        "N01": AssignmentStatus.NO_ANSWER,
        "N02": AssignmentStatus.NO_ANSWER,
        "N03": AssignmentStatus.ALERTED,
    }


def test_the_ladder_can_run_in_two_seconds_by_fractions() -> None:
    quick = policy(
        tier("jaga", at_once=2, within_s=0.25),
        tier("cadangan", at_once=5, within_s=0.25),
        tier("pimpinan", at_once=5, within_s=0.5),
        repeat_s=0.5,
    )
    story = Story(plan=quick).rings().passes(2)
    assert story.alerted == [
        (0, "N01"),
        (0, "N02"),
        (0.25, "N03"),
        (0.5, "C01"),
        (0.5, "C02"),
        (0.75, "P01"),
        (1.25, "P01"),
        (1.75, "P01"),
    ]


def test_an_engine_that_was_away_goes_on_where_the_ladder_stands() -> None:
    story = Story().rings().jumps(3600).fires_what_is_due()
    assert story.alerted == [*URGENT_LADDER[:2], (3600, "N03")]
    assert story.passes(30).alerted[-2:] == [(3630, "C01"), (3630, "C02")]


# --- declining ------------------------------------------------------------------------------------


def test_a_batch_that_declined_makes_room_at_once() -> None:
    story = Story().rings().jumps(5).declines("N01")
    assert story.alerted == URGENT_LADDER[:2]
    assert story.jumps(1).declines("N02").alerted == [*URGENT_LADDER[:2], (6, "N03")]


def test_declining_down_the_whole_ladder_asks_everybody_without_waiting() -> None:
    story = Story().rings().declines("N01").declines("N02").declines("N03").declines("C01").declines("C02")
    assert story.alerted == [(0, code) for code in ("N01", "N02", "N03", "C01", "C02", "P01")]


def test_who_declined_is_asked_again_only_by_the_repeat_of_the_last_tier() -> None:
    story = Story().rings().declines("N01").passes(90).declines("P01").passes(60)
    assert story.alerted == [*URGENT_LADDER, (150, "P01")]
    assert story.part_of("P01").status is AssignmentStatus.ALERTED


def test_an_alert_that_cannot_be_sent_makes_room_at_once() -> None:
    story = Story().rings().presses("4").jumps(2)
    story.alert_fails("N01").alert_fails("N02")
    assert story.alerted == [*URGENT_LADDER[:2], (2, "N03")]
    assert story.part_of("N01").status is AssignmentStatus.NO_ANSWER


def test_one_failed_channel_waits_for_the_other() -> None:
    story = Story().rings().alert_fails("N01", hopeless=False).alert_fails("N02", hopeless=False)
    assert story.alerted == URGENT_LADDER[:2]


# --- nobody there ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duty", "passed_over", "first_asked"),
    [
        pytest.param(DUTY[3:], ["jaga"], [(0, "C01"), (0, "C02")], id="first tier"),
        pytest.param(DUTY[5:], ["jaga", "cadangan"], [(0, "P01")], id="first two tiers"),
        pytest.param((), ["jaga", "cadangan", "pimpinan"], [], id="all tiers"),
    ],
)
def test_an_empty_tier_is_passed_at_once_and_said_loudly(
    duty: tuple[object, ...], passed_over: list[str], first_asked: list[tuple[float, str]]
) -> None:
    story = Story(duty=[entry for entry in DUTY if entry in duty]).rings()
    assert story.effects(WarnSupervisors) == [WarnSupervisors(tier=name) for name in passed_over]
    said = [event.data["tier"] for event in story.events if event.kind is Kind.NOBODY_ON_DUTY]
    assert said == passed_over
    assert story.alerted == first_asked
    assert story.incident.status is IncidentStatus.ALERTING


def test_an_empty_tier_in_the_middle_costs_no_time() -> None:
    duty = [entry for entry in DUTY if entry.tier != "cadangan"]
    story = Story(duty=duty).rings().passes(60)
    assert story.alerted == [*URGENT_LADDER[:3], (60, "P01")]
    assert story.effects(WarnSupervisors) == [WarnSupervisors(tier="cadangan")]


def test_with_nobody_at_all_the_warning_is_repeated_for_ever() -> None:
    story = Story(duty=()).rings().passes(180)
    warned = [wanted.after_s for wanted in story.wanted if wanted.effect == WarnSupervisors(tier="pimpinan")]
    assert warned == [0, 60, 120, 180]


def test_an_empty_last_tier_lets_the_one_before_repeat() -> None:
    story = Story(duty=DUTY[:5]).rings().passes(180)
    assert story.alerted == [*URGENT_LADDER[:5], (120, "C01"), (120, "C02"), (180, "C01"), (180, "C02")]


def test_who_is_on_a_break_is_left_out_until_nobody_else_is_left() -> None:
    story = Story(conditions={"N02": Condition(on_break=True)}).rings()
    assert story.alerted == [(0, "N01"), (0, "N03")]
    alone = Story(duty=DUTY[5:], conditions={"P01": Condition(on_break=True)}).rings().passes(0)
    assert alone.alerted[0][1] == "P01"


# --- never stopping by itself ---------------------------------------------------------------------


def test_the_last_tier_is_asked_again_for_ever() -> None:
    story = Story().rings().passes(90 + 3600)
    repeats = [after_s for after_s, code in story.alerted[6:] if code == "P01"]
    assert repeats == [90 + 60 * (n + 1) for n in range(60)]
    assert story.part_of("P01").asked_count == 61


@pytest.mark.parametrize("repeat_s", [0.5, 45.0, 600.0])
def test_the_repeat_comes_as_often_as_the_policy_says(repeat_s: float) -> None:
    story = Story(plan=policy(repeat_s=repeat_s)).rings().passes(90 + 3 * repeat_s)
    assert [after_s for after_s, _ in story.alerted[6:]] == [90 + repeat_s * n for n in (1, 2, 3)]


def test_the_repeat_asks_everybody_of_the_last_tier_at_once() -> None:
    duty = [*DUTY, person("P02", "pimpinan"), person("P03", "pimpinan")]
    story = Story(duty=duty).rings().presses("4").passes(120 + 3 * 60)
    assert story.alerted[5:8] == [(120, "P01"), (180, "P02"), (240, "P03")]
    assert story.alerted[8:] == [(300, "P01"), (300, "P02"), (300, "P03")]


def test_the_repeat_leaves_out_who_is_engaged() -> None:
    duty = [*DUTY, person("P02", "pimpinan", role=Role.CALL_TAKER)]
    story = Story(duty=duty).rings().passes(90).accepts("P02").passes(120)
    assert [code for after_s, code in story.alerted if after_s > 90] == ["P01", "P01"]


def test_every_ask_is_one_turn_more() -> None:
    story = Story().rings().passes(90 + 120)
    turns = [
        wanted.effect.turn
        for wanted in story.wanted
        if isinstance(wanted.effect, AlertWorker) and wanted.effect.staff_code == "P01"
    ]
    assert turns == [1, 2, 3]


# --- the second ring ------------------------------------------------------------------------------


def test_a_silent_phone_is_rung_a_second_time_within_three_minutes_by_voice_only() -> None:
    story = Story(plan=policy(second_ring_s=90.0)).rings().passes(175)
    assert story.rung_by_voice_only == [
        (90, "N01"),
        (90, "N02"),
        (120, "N03"),
        (150, "C01"),
        (150, "C02"),
    ]
    first = dict(reversed([(code, after_s) for after_s, code in story.alerted]))
    assert all(after_s - first[code] < 180 for after_s, code in story.rung_by_voice_only)


def test_the_second_ring_changes_nothing_about_the_ladder() -> None:
    story = Story(plan=policy(second_ring_s=10.0)).rings().passes(90)
    again = story.rung_by_voice_only
    assert [entry for entry in story.alerted if entry not in again] == URGENT_LADDER


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(Action.DECLINE, ["N02"], id="who declined is not rung again"),
        pytest.param(Action.ACCEPT, [], id="nobody is rung once somebody accepted"),
    ],
)
def test_the_second_ring_is_for_the_silent(answer: Action, expected: list[str]) -> None:
    story = Story(plan=policy(second_ring_s=20.0)).rings().does(answer, "N01").passes(25)
    assert [code for _, code in story.rung_by_voice_only] == expected


def test_there_is_no_third_ring_before_the_repeat() -> None:
    story = Story(plan=policy(second_ring_s=10.0, repeat_s=9000.0)).rings().passes(3600)
    assert sorted(code for _, code in story.alerted) == sorted([entry.staff_code for entry in DUTY] * 2)


def test_a_tier_without_voice_owes_no_second_ring() -> None:
    plan = policy(tier("jaga", channels=(AlertChannel.SMS,)), *LADDER[1:], second_ring_s=10.0)
    story = Story(plan=plan).rings().passes(25)
    assert story.rung_by_voice_only == []


# --- who accepts, and who is then still needed -----------------------------------------------------


@pytest.mark.parametrize("role", [Role.RESPONDER, Role.DRIVER, Role.SUPERVISOR])
def test_whoever_can_own_the_incident_ends_the_alerting(role: Role) -> None:
    duty = [person("X01", role=role), *DUTY[1:]]
    story = Story(duty=duty).rings().passes(0)
    owner = "X01" if "X01" in story.statuses() else "N02"
    story.accepts(owner).passes(3600)
    assert story.primary() == owner
    assert len(story.alerted) == 2


def test_alerting_goes_on_when_a_call_taker_accepts() -> None:
    duty = [person("T01", role=Role.CALL_TAKER), *DUTY[1:]]
    story = Story(duty=duty).rings().passes(30)
    assert (30, "T01") in story.alerted
    story.accepts("T01")
    assert story.primary() is None
    assert story.incident.status is IncidentStatus.ALERTING
    assert story.stood_down == []
    assert story.alerted[-2:] == [(30, "C01"), (30, "C02")]
    story.accepts("C01")
    assert story.primary() == "C01"
    assert story.part_of("T01").is_engaged


def test_when_the_primary_withdraws_a_support_owns_it_and_nobody_is_rung() -> None:
    story = Story().rings().accepts("N01").jumps(1).accepts("N02").jumps(1).declines("N01").passes(3600)
    assert story.primary() == "N02"
    assert story.alerted == URGENT_LADDER[:2]


def test_when_the_only_owner_withdraws_alerting_goes_on_at_once() -> None:
    story = Story().rings().accepts("N01").passes(600).declines("N01")
    assert story.primary() is None
    assert story.incident.status is IncidentStatus.ALERTING
    assert story.alerted == [*URGENT_LADDER[:2], (600, "N03")]
    assert story.passes(60).alerted[-3:] == [(630, "C01"), (630, "C02"), (660, "P01")]


def test_closing_ends_the_alerting() -> None:
    story = Story().rings().does(Action.CLOSE, outcome=Outcome.CANCELLED).passes(3600)
    assert story.alerted == URGENT_LADDER[:2]
    assert escalation.deadlines(story.incident) == ()


# --- more help ------------------------------------------------------------------------------------


def test_help_asks_exactly_the_next_one() -> None:
    story = Story().rings().accepts("N01").jumps(60).does(Action.HELP, "N01")
    assert story.alerted == [*URGENT_LADDER[:2], (60, "N03")]
    story.accepts("N03").passes(3600)
    assert len(story.alerted) == 3
    assert story.primary() == "N01"
    assert story.part_of("N03").is_engaged


def test_help_goes_on_one_by_one_until_somebody_comes() -> None:
    story = Story().rings().accepts("N01").does(Action.HELP, "N01").passes(60)
    assert story.alerted[2:] == [(0, "N03"), (30, "C01"), (60, "C02")]
    assert story.declines("C02").alerted[-1] == (60, "P01")


def test_help_asked_for_twice_wants_two() -> None:
    story = Story().rings().accepts("N01").does(Action.HELP, "N01").does(Action.HELP, "N01")
    story.accepts("N03")
    assert story.incident.needs_people
    story.passes(30)
    newest = story.alerted[-1][1]
    story.accepts(newest).passes(3600)
    assert not story.incident.needs_people
    assert len([a for a in story.incident.assignments if a.is_engaged]) == 3


def test_help_after_everybody_was_asked_repeats_the_last_tier() -> None:
    story = Story().rings().passes(90).accepts("P01").jumps(10).does(Action.HELP, "P01")
    assert story.alerted[6:] == [(100, "C01"), (100, "C02")]


# --- before the ladder begins ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alert_after_s", "begins_after_s"), [(0.0, 0.0), (0.5, 0.5), (3.0, 3.0), (20.0, 20.0)]
)
def test_a_call_that_lasts_long_enough_is_alerted(alert_after_s: float, begins_after_s: float) -> None:
    story = Story(plan=policy(alert_after_s=alert_after_s)).rings().passes(25)
    assert story.alerted[:2] == [(begins_after_s, "N01"), (begins_after_s, "N02")]


def test_until_then_the_incident_waits_for_its_beginning() -> None:
    story = Story(plan=policy(alert_after_s=3.0)).rings()
    assert story.incident.status is IncidentStatus.OPEN
    assert escalation.deadlines(story.incident) == (escalation.Due(kind=escalation.BEGIN, due_at=at(3)),)


def test_a_text_does_not_wait() -> None:
    story = Story(plan=policy(alert_after_s=20.0)).rings(channel=IncidentChannel.SMS, text="tolong")
    assert [code for _, code in story.alerted] == ["N01", "N02"]


# --- by name --------------------------------------------------------------------------------------


def test_a_dispatcher_rings_whom_they_choose_beside_the_ladder() -> None:
    story = Story().rings().jumps(3).does(Action.ASSIGN, "P01").passes(30)
    assert story.alerted == [*URGENT_LADDER[:2], (3, "P01"), (30, "N03")]


def test_somebody_who_is_not_on_duty_can_be_assigned() -> None:
    story = Story().rings().does(Action.ASSIGN, "Z99").accepts("Z99")
    assert story.primary() == "Z99"


def test_who_is_assigned_declined_before_may_still_accept() -> None:
    story = Story().rings().declines("N01").does(Action.ASSIGN, "N01").accepts("N01")
    assert story.primary() == "N01"
    assert story.part_of("N01").asked_count == 2
