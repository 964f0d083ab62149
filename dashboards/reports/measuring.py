"""Which incidents count in a table of response times, and how they are grouped.

Drills, tests and duplicates stand apart: each is counted and none is hidden, but they are nobody's waiting
time. The same tables feed ``GET /response-times`` and the report. Formulas are
``dispatch.domain.response_times``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from dashboards.queries.api_times import TimedIncident
from dispatch.domain.response_times import INTERVALS, Measurement, State, Summary, measure, summarise
from dispatch.domain.vocabulary import IncidentChannel, Outcome

UNKNOWN = "unknown"
"""The group of what nobody said: incidents without a place, or without anybody who accepted."""


_RANG = (IncidentChannel.VOICE, IncidentChannel.MISSED_CALL)

COMPLETE = ("received_at", "alerted_at", "en_route_at", "on_scene_at", "available_at")
"""eTimes.01, 03, 05, 06 and 13: without them no response time can be checked (DOMAIN 5.4)."""


class By(StrEnum):
    """What a table may be grouped by."""

    MONTH = "month"
    TIER = "tier"
    PLACE = "place"
    CATEGORY = "category"
    PRIORITY = "priority"
    HOUR = "hour"
    CHANNEL = "channel"


class Kept(StrEnum):
    """Where an incident belongs."""

    REAL = "real"
    DRILL = "drill"
    TEST = "test"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The intervals of some incidents, by key of the interval."""

    key: str
    incidents: int
    intervals: Mapping[str, Summary]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The response times of a period. ``total`` and ``groups`` hold neither drills, tests nor duplicates.

    ``complete`` of the ``accepted`` incidents have every time of :data:`COMPLETE` (DOMAIN 5.4).
    """

    total: Group
    drills: Group
    tests: int
    duplicates: int
    accepted: int
    complete: int
    groups: Mapping[By, tuple[Group, ...]]


def kind_of(incident: TimedIncident) -> Kept:
    """Where *incident* is counted."""
    if incident.is_drill:
        return Kept.DRILL
    if incident.outcome == Outcome.TEST:
        return Kept.TEST
    return Kept.DUPLICATE if incident.outcome == Outcome.DUPLICATE else Kept.REAL


def tabulate(
    incidents: Iterable[TimedIncident], *, by: Iterable[By], targets: Mapping[str, float], zone: ZoneInfo
) -> Tables:
    """Measure every incident once and sum it up in total and by each of *by*; *targets* are in seconds."""
    wanted = tuple(by)
    counts = dict.fromkeys(Kept, 0)
    total, drills = _Column(), _Column()
    accepted = complete = 0
    columns: dict[By, dict[str, _Column]] = {each: {} for each in wanted}
    for incident in incidents:
        kept = kind_of(incident)
        counts[kept] += 1
        if kept in (Kept.TEST, Kept.DUPLICATE):
            continue
        measured = _measured(incident)
        if kept is Kept.DRILL:
            drills.add(measured)
            continue
        total.add(measured)
        if incident.times["accepted_at"] is not None:
            accepted += 1
            complete += all(incident.times[name] is not None for name in COMPLETE)
        for each in wanted:
            columns[each].setdefault(_KEYS[each](incident, zone), _Column()).add(measured)
    return Tables(
        total=total.group("all", targets),
        drills=drills.group("drills", targets),
        tests=counts[Kept.TEST],
        duplicates=counts[Kept.DUPLICATE],
        accepted=accepted,
        complete=complete,
        groups={
            each: tuple(column.group(key, targets) for key, column in sorted(found.items()))
            for each, found in columns.items()
        },
    )


def _measured(incident: TimedIncident) -> Mapping[str, Measurement]:
    measured = measure(incident.times)
    if incident.channel in _RANG or incident.times["answered_at"] is not None:
        return measured
    # Nobody can answer somebody who stands at the desk or sends a text.
    return {**measured, "answer": Measurement(state=State.NOT_APPLICABLE)}


class _Column:
    """Measurements in the making."""

    def __init__(self) -> None:
        self._incidents = 0
        self._measured: dict[str, list[Measurement]] = {interval.key: [] for interval in INTERVALS}

    def add(self, measured: Mapping[str, Measurement]) -> None:
        """One more incident."""
        self._incidents += 1
        for key, measurement in measured.items():
            self._measured[key].append(measurement)

    def group(self, key: str, targets: Mapping[str, float]) -> Group:
        """What they amount to."""
        return Group(
            key=key,
            incidents=self._incidents,
            intervals={
                interval: summarise(measurements, target_s=targets.get(interval))
                for interval, measurements in self._measured.items()
            },
        )


def _month(incident: TimedIncident, zone: ZoneInfo) -> str:
    return f"{incident.received_at.astimezone(zone):%Y-%m}"


def _hour(incident: TimedIncident, zone: ZoneInfo) -> str:
    return f"{incident.received_at.astimezone(zone):%H}"


_KEYS: Mapping[By, Callable[[TimedIncident, ZoneInfo], str]] = {
    By.MONTH: _month,
    By.HOUR: _hour,
    By.TIER: lambda incident, _zone: incident.tier or UNKNOWN,
    By.PLACE: lambda incident, _zone: incident.place or UNKNOWN,
    By.CATEGORY: lambda incident, _zone: incident.category,
    By.PRIORITY: lambda incident, _zone: incident.priority,
    By.CHANNEL: lambda incident, _zone: incident.channel,
}
