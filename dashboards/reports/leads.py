"""What stands behind a figure that is no interval: which incidents, which calls, and under which name.

The chapters lead there, and the pages pick by the same names. Knows rows that were read; reads none.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from dashboards.i18n import msgid
from dashboards.queries.api_times import Ring, TimedIncident
from dashboards.reports.contents import NOT_GENUINE, STANDARD_S, is_offered
from dashboards.reports.measuring import is_accepted, is_complete, needs_somebody
from dispatch.domain.vocabulary import CallOutcome


class IncidentFigure(StrEnum):
    """A figure that counts incidents by something else than an interval."""

    ACCEPTED = "accepted"
    COMPLETE = "complete"
    CALLED_BACK = "called_back"
    ALONE = "alone"


class CallFigure(StrEnum):
    """A figure that counts calls by something else than their ending."""

    NOT_GENUINE = "not_genuine"
    RANG = "rang"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    WITHIN_TARGET = "within_target"
    WITHIN_15_S = "within_15_s"
    WITHIN_20_S = "within_20_s"


INCIDENT_TITLES: Mapping[IncidentFigure, str] = {
    IncidentFigure.ACCEPTED: msgid("Accepted by somebody"),
    IncidentFigure.COMPLETE: msgid("Complete times"),
    IncidentFigure.CALLED_BACK: msgid("Called back"),
    IncidentFigure.ALONE: msgid("Nobody accepted"),
}

CALL_TITLES: Mapping[CallFigure, str] = {
    CallFigure.NOT_GENUINE: msgid("Not genuine"),
    CallFigure.RANG: msgid("Voice calls that rang"),
    CallFigure.ANSWERED: msgid("Answered by a person"),
    CallFigure.ABANDONED: msgid("Abandoned calls"),
    CallFigure.WITHIN_TARGET: msgid("Answered within the target"),
    CallFigure.WITHIN_15_S: msgid("Answered within 15 s"),
    CallFigure.WITHIN_20_S: msgid("Answered within 20 s"),
}

WITHIN_S: Mapping[int, CallFigure] = dict(
    zip(STANDARD_S, (CallFigure.WITHIN_15_S, CallFigure.WITHIN_20_S), strict=True)
)

_PICKS: Mapping[IncidentFigure, Callable[[TimedIncident], bool]] = {
    IncidentFigure.ACCEPTED: is_accepted,
    IncidentFigure.COMPLETE: lambda incident: is_accepted(incident) and is_complete(incident),
    IncidentFigure.ALONE: lambda incident: needs_somebody(incident) and not is_accepted(incident),
}
"""Called back is none of them: that is known from the record, and not from an incident's times."""


def counts_incident(figure: IncidentFigure, incident: TimedIncident) -> bool:
    """Whether *incident*, which is neither drill, test nor duplicate, is one of those of *figure*."""
    return _PICKS[figure](incident)


def counts_call(figure: CallFigure, ring: Ring, *, target_s: float | None) -> bool:
    """Whether *ring* is one of those of *figure*; *target_s* is the facility's for answering."""
    if figure is CallFigure.NOT_GENUINE:
        return ring.outcome in NOT_GENUINE and not ring.is_drill
    if not is_offered(ring):
        return False
    if figure is CallFigure.RANG:
        return True
    if figure is CallFigure.ABANDONED:
        return ring.outcome == CallOutcome.ABANDONED
    longest_s = {WITHIN_S[seconds]: float(seconds) for seconds in STANDARD_S}
    if figure is CallFigure.WITHIN_TARGET:
        longest_s[figure] = -1.0 if target_s is None else target_s
    wait_s = ring.answered_after_s
    if figure is CallFigure.ANSWERED:
        return wait_s is not None
    # An answer before the ring cannot be, and so is within nothing.
    return wait_s is not None and 0 <= wait_s <= longest_s[figure]
