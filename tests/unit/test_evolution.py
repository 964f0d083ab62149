"""Folding the record: the state is what its lines amount to, and survives being written down."""

import json
from dataclasses import replace

import pytest

from dispatch.domain import policy as policies
from dispatch.domain.commands import Action, Location
from dispatch.domain.events import Event, Kind
from dispatch.domain.evolution import evolve, replay
from dispatch.domain.incidents import DutyPerson, Ladder
from dispatch.domain.policy import Policy, Travel
from dispatch.domain.snapshots import duty_from_data, duty_to_data, ladder_from_data, ladder_to_data
from dispatch.domain.vocabulary import (
    AlertChannel,
    IncidentStatus,
    LocationSource,
    Priority,
    Role,
    Source,
)
from tests.builders import Story, as_stored, at, person, policy, tier


def _long_story() -> Story:
    story = Story(plan=policy(second_ring_s=20.0)).rings().presses("3").rings().passes(95)
    story.accepts("N01", minutes=8).joined_by("N01").accepts("N02").does(Action.HELP, "N01")
    where = Location(source=LocationSource.WORKER, text="SP 2", lat=-4.51, lon=136.88, accuracy_m=12.5)
    story.does(Action.SET_LOCATION, "N01", location=where).jumps(30).does(Action.EN_ROUTE, "N01")
    story.jumps(300).does(Action.ON_SCENE, "N01").does(Action.STAGE, "N01", occurred_at=at(200))
    story.hangs_up().hangs_up(call=2).does(Action.LEAVE_SCENE, "N01").does(Action.ARRIVE_FACILITY, "N01")
    return story.does(Action.AVAILABLE, "N01").does(Action.AVAILABLE, "N02")


def test_a_whole_story_is_its_lines() -> None:
    story = _long_story()
    assert story.incident.is_closed
    assert replay(as_stored(story.events)) == story.incident


def test_every_beginning_of_a_record_is_a_state() -> None:
    events = as_stored(_long_story().events)
    state = None
    for count, event in enumerate(events, 1):
        state = evolve(state, event)
        assert replay(events[:count]) == state


def test_a_record_without_lines_is_nothing() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        replay([])


@pytest.mark.parametrize("kind", list(Kind))
def test_a_record_begins_with_the_opening_facts(kind: Kind) -> None:
    """Only an opening line carries the opening facts; anything else at the start is no record."""
    event = Event(kind=kind, occurred_at=at(0), source=Source.ENGINE, actor="engine")
    with pytest.raises(KeyError):
        evolve(None, event)


@pytest.mark.parametrize(
    "kind",
    [Kind.NOTE_ADDED, Kind.ACTION_REFUSED, Kind.DETAILS_REQUESTED, Kind.ALERT_FAILED, Kind.CALL_RECORDED],
)
def test_some_lines_only_say_that_something_was_said(kind: Kind) -> None:
    incident = Story().rings().incident
    event = Event(kind=kind, occurred_at=at(9), source=Source.WEB, actor="user:desk")
    assert evolve(incident, event) == incident


def test_a_closed_incident_stays_closed_whatever_is_added() -> None:
    story = Story().rings().accepts("N01").does(Action.AVAILABLE, "N01")
    later = Event(
        kind=Kind.EN_ROUTE,
        occurred_at=at(9),
        source=Source.WEB,
        actor="staff:N01",
        data={"staff_code": "N01", "late": True},
    )
    assert evolve(story.incident, later).status is IncidentStatus.CLOSED


def test_the_earliest_time_counts_though_it_is_reported_last() -> None:
    story = Story().rings().accepts("N01").accepts("N02").jumps(100).does(Action.ON_SCENE, "N01")
    story.jumps(60).does(Action.ON_SCENE, "N02", occurred_at=at(80))
    assert story.incident.times.on_scene_at == at(80)


@pytest.mark.parametrize(
    "plan",
    [
        policy(),
        policy(tier("jaga", at_once=1, within_s=0.25, channels=(AlertChannel.SMS,)), repeat_s=0.5),
        policy(alert_after_s=2.5, callback=False),
        replace(policy(), travel=Travel(zone_speed_kmh={"Agimuga": 8.0})),
    ],
)
def test_a_policy_survives_being_written_down(plan: Policy) -> None:
    assert policies.from_data(json.loads(json.dumps(policies.to_data(plan)))) == plan


@pytest.mark.parametrize(
    "who",
    [
        person("N01"),
        person("N01", "cadangan", role=Role.DRIVER, skills=["nurse", "bls"], lat=-4.5, lon=136.9),
    ],
)
def test_a_person_on_duty_survives_being_written_down(who: DutyPerson) -> None:
    assert duty_from_data(json.loads(json.dumps(duty_to_data(who)))) == who


@pytest.mark.parametrize(
    "ladder",
    [
        Ladder(),
        Ladder(
            tier_index=2,
            repeats=3,
            batch=("N01", "N02"),
            started_at=at(0.25),
            ends_at=at(30),
            joining=(("N01", at(1.5)),),
            call_back_at=at(3),
        ),
    ],
)
def test_a_ladder_survives_being_written_down(ladder: Ladder) -> None:
    assert ladder_from_data(json.loads(json.dumps(ladder_to_data(ladder)))) == ladder


def test_a_priority_line_sets_what_it_says() -> None:
    incident = Story().rings().presses("1").incident
    assert incident.priority is Priority.RED
