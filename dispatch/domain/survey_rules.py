"""Who is asked whether they were satisfied, and whom we leave in peace (ADR 0032).

Decides over one incident at an instant, from what is known of it; never sends anything. To call for help is
not to agree to be asked: in doubt nobody is. Whoever said that they do not want to be asked never is again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from dispatch.domain import phones
from dispatch.domain.questionnaire import SurveyChannel
from dispatch.domain.survey import Weight
from dispatch.domain.vocabulary import Category, Outcome, Priority

NOT_USERS = frozenset(
    {
        Outcome.DUPLICATE,
        Outcome.PRANK,
        Outcome.GHOST,
        Outcome.SILENT,
        Outcome.ABANDONED,
        Outcome.WRONG_NUMBER,
        Outcome.TEST,
    }
)
"""Endings by which nobody used the service; what ended otherwise, or has not ended, is one user."""

NOT_ASKED = NOT_USERS | {Outcome.DEAD_ON_ARRIVAL, Outcome.REFUSED, Outcome.CANCELLED, Outcome.NOT_FOUND}
"""Endings after which nobody is asked: beside those without a user, those who mourn or got no help."""

DELICATE = frozenset({Category.ASSAULT, Category.PSYCHIATRIC})
"""Who else holds that phone may be the one whom help was called against."""

WITHIN = timedelta(days=2)
"""After the end of the incident; whoever could not be asked by then is not asked any more."""

FROM, UNTIL = time(8), time(20)
"""The hours of the facility's day in which a phone may ring or buzz for a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRules:
    """The facility's choices. ``ask`` are the ways of asking, in order; with none nobody is asked by itself.

    ``ask_after_min`` is counted from the end of the incident; ``ask_again_after_days`` keeps one phone from
    being asked twice; ``open_days`` is how long the page waits for answers.
    """

    weight: Weight = Weight.NINTH
    ask: tuple[SurveyChannel, ...] = ()
    ask_after_min: int = 60
    ask_again_after_days: int = 90
    open_days: int = 7


class Silence(StrEnum):
    """Why somebody is not asked."""

    NOT_NOW = "not_now"
    TOO_LATE = "too_late"
    NO_PHONE = "no_phone"
    STAFF = "staff"
    DRILL = "drill"
    ENDING = "ending"
    DELICATE = "delicate"
    STILL_NEEDS_HELP = "still_needs_help"
    OPTED_OUT = "opted_out"
    ASKED_LATELY = "asked_lately"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One incident that has ended, and what is known of the phone that called.

    ``needs_help`` is that the phone has another incident that is open; ``asked_at`` when it was last asked.
    """

    phone: str | None
    closed_at: datetime
    outcome: Outcome | None
    priority: Priority
    category: Category
    is_drill: bool = False
    is_merged: bool = False
    was_reached: bool = False
    is_staff: bool = False
    needs_help: bool = False
    opted_out: bool = False
    asked_at: datetime | None = None


def silence(candidate: Candidate, rules: SurveyRules, now: datetime) -> Silence | None:
    """Why the caller of *candidate* is not asked at *now*; None when they are."""
    found = (
        (Silence.DRILL, candidate.is_drill or candidate.is_merged),
        (Silence.NO_PHONE, not phones.is_ordinary(candidate.phone)),
        (Silence.STAFF, candidate.is_staff),
        (Silence.OPTED_OUT, candidate.opted_out),
        (Silence.ENDING, _ended_badly(candidate)),
        (Silence.DELICATE, candidate.category in DELICATE),
        (Silence.STILL_NEEDS_HELP, candidate.needs_help),
        (Silence.ASKED_LATELY, _was_asked_lately(candidate, rules, now)),
        (Silence.NOT_NOW, now < candidate.closed_at + timedelta(minutes=rules.ask_after_min)),
        (Silence.TOO_LATE, now > candidate.closed_at + WITHIN),
    )
    return next((reason for reason, holds in found if holds), None)


def is_decent_hour(local: datetime) -> bool:
    """Whether people may be bothered with a question at the facility's wall time *local*."""
    return FROM <= local.time() < UNTIL


def way_of(rules: SurveyRules) -> SurveyChannel | None:
    """The way in which a caller is asked first."""
    ways: Sequence[SurveyChannel] = rules.ask
    return ways[0] if ways else None


def _ended_badly(candidate: Candidate) -> bool:
    """Nobody is asked about a death; an ending that nobody named counts where somebody was reached."""
    if candidate.priority is Priority.BLACK or candidate.outcome in NOT_ASKED:
        return True
    return candidate.outcome is None and not candidate.was_reached


def _was_asked_lately(candidate: Candidate, rules: SurveyRules, now: datetime) -> bool:
    if candidate.asked_at is None:
        return False
    return now < candidate.asked_at + timedelta(days=rules.ask_again_after_days)
