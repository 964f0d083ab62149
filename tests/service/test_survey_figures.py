"""What a period's survey amounts to, counted by the database: who counts, and what is counted apart."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest

from dashboards.api.boundaries import Span
from dashboards.queries.survey import (
    SurveyFigures,
    count_users,
    follow_ups,
    read_survey,
    suggestions,
)
from dispatch.domain.commands import Action
from dispatch.domain.questionnaire import CURRENT, FORM_ORDER, Element, RequestState, SurveyChannel
from dispatch.domain.survey import Weight
from dispatch.domain.vocabulary import Outcome
from models.survey import SurveyRequest
from tests.builders import START
from tests.service.conftest import MakeWorld
from tests.survey_rows import a_follow_up, an_answer
from tests.world import FACILITY, World

PERIOD = Span(from_at=START - timedelta(days=1), until_at=START + timedelta(days=1))


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


def answered(
    world: World,
    scores: Mapping[Element, int] | int,
    *,
    at: datetime = START,
    version: str = CURRENT.version,
    channel: SurveyChannel = SurveyChannel.PAPER,
    **header: str | None,
) -> None:
    response = an_answer(world.services.ids, scores, at=at, version=version, channel=channel, **header)
    with world.uow.write() as session:
        session.add(response)


def figures(world: World, weight: Weight = Weight.NINTH, span: Span = PERIOD) -> SurveyFigures:
    with world.uow.read() as session:
        return read_survey(session, FACILITY, span, weight)


def test_a_period_without_anything_has_figures_and_no_index(world: World) -> None:
    found = figures(world)
    assert found.index is None
    assert (found.tally.filled, found.tally.incomplete, found.users, found.needed) == (0, 0, 0, 0)
    assert set(found.asked.values()) == {0}


def test_the_sums_are_those_of_the_filled_ones_that_were_answered_in_the_period(world: World) -> None:
    answered(world, 4)
    answered(world, dict.fromkeys(FORM_ORDER, 3) | {Element.COST: 1})
    answered(world, {Element.TIME: 1})
    answered(world, 1, at=START + timedelta(days=1))
    answered(world, 1, at=START - timedelta(days=1, seconds=1))
    found = figures(world)
    assert (found.tally.filled, found.tally.incomplete) == (2, 1)
    assert found.index is not None
    assert found.index.nrr[Element.TIME] == Fraction(7, 2)
    assert found.index.nrr[Element.COST] == Fraction(5, 2)
    assert found.distribution[Element.COST] == {1: 1, 2: 0, 3: 0, 4: 1}
    assert found.index.converted == Fraction(61, 2 * 9) * 25


def test_another_questionnaire_is_counted_apart_and_never_mixed_in(world: World) -> None:
    answered(world, 4)
    answered(world, 1, version="SKM-14/2017-0")
    found = figures(world)
    assert found.index is not None
    assert (found.tally.filled, found.other_versions) == (1, 1)
    assert found.index.rounded == 100


def test_the_newest_version_is_said_by_the_list_and_not_by_its_name(world: World) -> None:
    older, newer = replace(CURRENT, version="SKM-9"), replace(CURRENT, version="SKM-10")
    for place, version in enumerate(("SKM-10", "SKM-9", "SKM-99"), 1):
        answered(world, place, version=version)
    with world.uow.read() as session:
        found = read_survey(session, FACILITY, PERIOD, Weight.NINTH, versions=(older, newer))
    assert [part.version for part in found.parts] == ["SKM-99", "SKM-9", "SKM-10"]
    assert [part.tally.sums[Element.TIME] for part in found.parts] == [3, 2, 1]
    assert (found.filled, found.other_versions) == (3, 2)


def test_the_weight_of_the_facility_is_the_one_that_counts(world: World) -> None:
    answered(world, 4)
    index = figures(world, Weight.TWO_DECIMALS).index
    assert index is not None
    assert index.rounded == 99
    assert index.weight is Weight.TWO_DECIMALS


def test_who_answered_is_counted_and_silence_about_oneself_too(world: World) -> None:
    answered(world, 4, sex="P", education="SMA")
    answered(world, 4, sex="P", channel=SurveyChannel.LINK)
    answered(world, {Element.TIME: 1}, sex="L")
    found = figures(world).respondents
    assert found.by_sex == {"P": 2}
    assert found.by_education == {"SMA": 1, None: 1}
    assert found.by_channel == {SurveyChannel.PAPER: 1, SurveyChannel.LINK: 1, SurveyChannel.KEYPAD: 0}


def test_users_are_those_whom_the_service_served(world: World) -> None:
    endings: list[Outcome | None] = [Outcome.TREATED, Outcome.ADVICE, Outcome.PRANK, Outcome.TEST, None]
    for place, outcome in enumerate(endings):
        state = world.resident(f"+62811999900{place}").rings(f"CA-{place}")
        if outcome is not None:
            world.desk(state.incident_id, Action.CLOSE, outcome=outcome, reason="so it ended")
    with world.uow.read() as session:
        assert count_users(session, FACILITY, PERIOD) == 3
        assert count_users(session, "ELSE", PERIOD) == 0
    assert figures(world).needed == 3


def test_requests_are_counted_by_what_became_of_them(world: World) -> None:
    for place, state in enumerate([RequestState.ASKED, RequestState.ANSWERED, RequestState.ANSWERED]):
        ring = world.resident(f"+62811999900{place}").rings(f"CA-{place}")
        with world.uow.write() as session:
            session.add(
                SurveyRequest(
                    id=world.services.ids.new_id(),
                    facility_id=FACILITY,
                    incident_id=ring.incident_id,
                    questionnaire=CURRENT.version,
                    channel="link",
                    state=str(state),
                    asked_at=START,
                    expires_at=START,
                )
            )
    found = figures(world).asked
    assert found[RequestState.ANSWERED] == 2
    assert found[RequestState.ASKED] == 1
    assert found[RequestState.OPTED_OUT] == 0


def test_suggestions_come_newest_first_and_no_more_than_wanted(world: World) -> None:
    answered(world, 4, suggestion="older")
    answered(world, 4, at=START + timedelta(hours=1), suggestion="newer")
    answered(world, 4, at=START + timedelta(hours=2))
    with world.uow.read() as session:
        assert [said for _, said in suggestions(session, FACILITY, PERIOD, limit=1)] == ["newer"]


def test_the_plan_of_a_period_is_in_the_order_in_which_it_is_due(world: World) -> None:
    for period, day in (("2026-Q4", 20), ("2026-Q4", 10), ("2027-Q1", 1)):
        with world.uow.write() as session:
            due_on = date(2027, 1, day)
            session.add(a_follow_up(world.services.ids, period=period, at=START, due_on=due_on))
    with world.uow.read() as session:
        assert [line.due_on.day for line in follow_ups(session, FACILITY, "2026-Q4")] == [10, 20]
        assert len(follow_ups(session, FACILITY)) == 3
