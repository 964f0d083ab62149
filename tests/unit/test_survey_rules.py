"""Who is asked about their satisfaction, and whom we leave in peace."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dispatch.domain.questionnaire import SurveyChannel
from dispatch.domain.survey_rules import (
    NOT_ASKED,
    NOT_USERS,
    WITHIN,
    Candidate,
    Silence,
    SurveyRules,
    is_decent_hour,
    silence,
)
from dispatch.domain.vocabulary import Category, Outcome, Priority
from tests.builders import RESIDENT, START, at

RULES = SurveyRules(ask=(SurveyChannel.LINK,))
NOW = at(3 * 3600)
TREATED = Candidate(
    phone=RESIDENT,
    closed_at=START,
    outcome=Outcome.TREATED,
    priority=Priority.YELLOW,
    category=Category.FEVER,
    was_reached=True,
)


def test_somebody_who_was_helped_an_hour_ago_is_asked() -> None:
    assert silence(TREATED, RULES, NOW) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"is_drill": True}, Silence.DRILL),
        ({"is_merged": True}, Silence.DRILL),
        ({"phone": None}, Silence.NO_PHONE),
        ({"phone": "anonymous"}, Silence.NO_PHONE),
        ({"phone": "+266696687"}, Silence.NO_PHONE),
        ({"phone": "112"}, Silence.NO_PHONE),
        ({"is_staff": True}, Silence.STAFF),
        ({"opted_out": True}, Silence.OPTED_OUT),
        ({"priority": Priority.BLACK}, Silence.ENDING),
        ({"category": Category.ASSAULT}, Silence.DELICATE),
        ({"category": Category.PSYCHIATRIC}, Silence.DELICATE),
        ({"needs_help": True}, Silence.STILL_NEEDS_HELP),
        ({"outcome": None, "was_reached": False}, Silence.ENDING),
        ({"closed_at": NOW - timedelta(minutes=59)}, Silence.NOT_NOW),
        ({"closed_at": NOW - WITHIN - timedelta(seconds=1)}, Silence.TOO_LATE),
        ({"asked_at": NOW - timedelta(days=89)}, Silence.ASKED_LATELY),
    ],
)
def test_whom_we_leave_in_peace(changed: dict[str, object], reason: Silence) -> None:
    assert silence(replace(TREATED, **changed), RULES, NOW) is reason  # type: ignore[arg-type] # fields by name


@pytest.mark.parametrize("outcome", sorted(NOT_ASKED))
def test_after_some_endings_nobody_is_asked(outcome: Outcome) -> None:
    assert silence(replace(TREATED, outcome=outcome), RULES, NOW) is Silence.ENDING


def test_pranks_ghosts_tests_and_deaths_are_among_them() -> None:
    assert {Outcome.PRANK, Outcome.GHOST, Outcome.TEST, Outcome.DEAD_ON_ARRIVAL} <= NOT_ASKED
    assert Outcome.DEAD_ON_ARRIVAL not in NOT_USERS


@pytest.mark.parametrize(
    "changed",
    [
        {"closed_at": NOW - timedelta(minutes=60)},
        {"closed_at": NOW - WITHIN},
        {"asked_at": NOW - timedelta(days=90)},
        {"outcome": None},
        {"outcome": Outcome.ADVICE, "was_reached": False},
    ],
)
def test_at_the_edge_somebody_is_asked(changed: dict[str, object]) -> None:
    assert silence(replace(TREATED, **changed), RULES, NOW) is None  # type: ignore[arg-type] # fields by name


@pytest.mark.parametrize(
    ("hour", "minute", "decent"),
    [(7, 59, False), (8, 0, True), (19, 59, True), (20, 0, False), (0, 0, False)],
)
def test_nobody_is_bothered_at_night(hour: int, minute: int, decent: bool) -> None:
    assert is_decent_hour(datetime(2026, 11, 23, hour, minute, tzinfo=START.tzinfo)) is decent
