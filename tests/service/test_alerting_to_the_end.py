"""The clauses of alerting that only show over the outbox: at once, loudly, and by what was frozen."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import delete

from dispatch.adapters.clock import SystemClock
from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import AlertChannel, AssignmentStatus, Role
from models.facility import Shift
from tests.builders import LADDER, policy, tier
from tests.service.conftest import MakeWorld
from tests.world import PHONES, TEAM, Member, World


def warnings_to(world: World, code: str) -> list[str]:
    return [text for text in world.provider.texts_to(PHONES[code]) if text.startswith("warning")]


# --- nobody there ---------------------------------------------------------------------------------


def test_every_time_that_nobody_is_found_is_said_to_the_supervisors_anew(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """The only one on duty accepted and asks for help: there is nobody left to ask, minute after minute."""
    plan = policy(tier("jaga", at_once=1, within_s=30.0), repeat_s=60.0)
    world = make_world(plan=plan, team=[TEAM[0], Member("P01", "off", Role.SUPERVISOR, PHONES["P01"])])
    incident_id = world.resident().rings().incident_id
    world.worker("N01").accepts(incident_id)
    world.worker("N01").does(incident_id, Action.HELP)
    world.passes(125)
    assert world.kinds(incident_id).count("alert.nobody_on_duty") == 3
    assert len(warnings_to(world, "P01")) == 3
    assert "alert.nobody_on_duty" in capsys.readouterr().out


def test_an_empty_rung_is_in_the_log_even_where_no_supervisor_can_be_told(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(team=[member for member in TEAM if member.tier == "cadangan"])
    world.resident().rings()
    world.works()
    assert world.provider.rung == [PHONES["C01"], PHONES["C02"]], "the next rung at once"
    said = [line for line in capsys.readouterr().out.splitlines() if "alert.nobody_on_duty" in line]
    assert len(said) == 1
    assert "error" in said[0]
    assert "supervisors=0" in said[0]


# --- what was frozen when it opened ---------------------------------------------------------------


def test_a_running_incident_keeps_its_policy_and_its_people(make_world: MakeWorld) -> None:
    world = make_world()
    incident_id = world.resident().rings().incident_id
    world.works()
    with world.uow.write() as session:
        session.execute(delete(Shift))
    other = policy(tier("jaga", at_once=1, within_s=1.0, channels=(AlertChannel.SMS,)), repeat_s=1.0)
    again = world.restarted(plan=other)
    again.passes(90)
    assert world.provider.rung == [PHONES[code] for code in ("N01", "N02", "N03", "C01", "C02", "P01")]
    opened = cast("dict[str, Any]", world.lines(incident_id)[0].data["incident"])
    assert {person["staff_code"] for person in opened["duty"]} == {member.code for member in TEAM}
    assert opened["policy"]["alerting"]["repeat_s"] == 60.0


# --- keys and words -------------------------------------------------------------------------------


def test_6_brings_exactly_the_next_worker_by_phone_and_text(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    world.worker("N01").accepts(incident_id)
    world.works()
    world.provider.forgets()
    world.worker("N01").texts("BANTU")
    world.works()
    assert world.provider.rung == [PHONES["N03"]]
    assert PHONES["N03"] in world.provider.texted
    world.worker("N03").accepts(incident_id)
    world.passes(120)
    assert world.provider.rung == [PHONES["N03"]]


def test_a_reason_for_declining_is_kept_beside_the_line(world: World) -> None:
    incident_id = world.resident().rings().incident_id
    world.works()
    world.worker("N01").texts("2 jalan banjir")
    part = world.incident(incident_id).assignment("N01")
    assert part is not None
    assert part.status is AssignmentStatus.DECLINED
    (line,) = [line for line in world.lines(incident_id) if line.kind == "assignment.declined"]
    assert "reason" in line.private
    assert "banjir" not in str(line.data)


# --- in time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls_per_second", [0.0, 1.0])
def test_a_silent_phone_rings_again_within_three_minutes_at_any_pace(
    make_world: MakeWorld, calls_per_second: float
) -> None:
    world = make_world(plan=policy(*LADDER, second_ring_s=90.0), calls_per_second=calls_per_second)
    world.resident().rings()
    world.passes(180)
    rings: dict[str, list[timedelta]] = {}
    for row in world.deliveries(purpose="alert", channel="voice"):
        assert row.sent_at is not None
        rings.setdefault(row.to_number, []).append(row.sent_at - world.incidents()[0].received_at)
    for code in ("N01", "N02", "N03"):
        first, second, *_ = rings[PHONES[code]]
        assert timedelta(seconds=89) < second - first < timedelta(seconds=180)


def test_the_real_engine_climbs_a_ladder_of_fractions_at_one_call_a_second(make_world: MakeWorld) -> None:
    quick = policy(*(replace(rung, accept_within_s=0.3) for rung in LADDER), repeat_s=0.3)
    world = make_world(plan=quick, clock=SystemClock(), calls_per_second=1.0)
    world.uow.on_commit(world.engine.wake)
    world.engine.start()
    world.resident().rings()
    assert world.provider.waits_for(lambda provider: set(PHONES.values()) <= set(provider.rung))
    world.engine.stop()
    first: dict[str, timedelta] = {}
    for row in world.deliveries(purpose="alert", channel="voice"):
        first.setdefault(row.to_number, (row.sent_at or row.created_at) - row.created_at)
    assert all(late < timedelta(seconds=0.9) for late in first.values()), "no first ask waited for its pace"
