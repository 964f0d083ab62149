"""Who is asked whether they were satisfied, and whom we leave in peace (ADR 0032).

Decides; never sends anything. Whoever said that they do not want to be asked is never asked again.
"""

from dataclasses import dataclass

from dispatch.domain.questionnaire import SurveyChannel
from dispatch.domain.survey import Weight
from dispatch.domain.vocabulary import Outcome

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
