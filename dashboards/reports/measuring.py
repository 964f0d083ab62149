"""Which incidents count in a table of response times, and how they are grouped.

Drills, tests and duplicates stand apart: each is counted and none is hidden, but they are nobody's waiting
time. The same tables feed ``GET /response-times`` and the report. Formulas are
``dispatch.domain.response_times`` and ``dispatch.domain.summaries``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from dashboards.queries.api_times import TimedIncident
from dashboards.reports.house import SHIFTS, TargetZone
from dispatch.domain.response_times import INTERVAL, TIME_NAMES, WITHOUT_ARRIVAL, durations
from dispatch.domain.summaries import Measured, State, Summary, summarise
from dispatch.domain.vocabulary import IncidentChannel, Outcome

UNKNOWN = "unknown"
"""The group of what nobody said: incidents without a place, or without anybody who accepted."""

ERASED = "erased"
"""The group of incidents whose place was erased; whether it had been recorded is not known any more."""

ELSEWHERE = "elsewhere"
"""The zone of every place that no zone names, and of incidents without one."""

_RANG = (IncidentChannel.VOICE, IncidentChannel.MISSED_CALL)

COMPLETE = ("received_at", "alerted_at", "en_route_at", "on_scene_at", "available_at")
"""eTimes.01, 03, 05, 06 and 13: without them no response time can be checked (DOMAIN 5.4)."""

_KEYS = tuple(INTERVAL)
_COMPLETE = tuple(TIME_NAMES.index(name) for name in COMPLETE)
_ACCEPTED = TIME_NAMES.index("accepted_at")


class By(StrEnum):
    """What a table may be grouped by."""

    MONTH = "month"
    TIER = "tier"
    PLACE = "place"
    CATEGORY = "category"
    PRIORITY = "priority"
    HOUR = "hour"
    SHIFT = "shift"
    CHANNEL = "channel"
    ZONE = "zone"


class Kept(StrEnum):
    """Where an incident belongs."""

    REAL = "real"
    DRILL = "drill"
    TEST = "test"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """Times of one incident that stand in an order in which they cannot have happened."""

    number: str
    interval: str
    start_at: datetime
    end_at: datetime


_Row = tuple[tuple[Measured, ...], Mapping[str, float]]
"""What was measured of an incident, and the targets of its place."""


class Summaries(Mapping[str, Summary]):
    """The intervals of some incidents by key, each summed up when it is first asked for.

    A year's report asks for all of them in total, and of most groups for one.
    """

    def __init__(self, measured: Sequence[_Row], targets: Mapping[str, float]) -> None:
        """Keep what was measured, a row for each incident with its targets; *targets* are those of none."""
        self._measured = measured
        # Most places have the same ones, and they are the same object.
        self._sets = list({id(own): own for _, own in measured}.values()) or [targets]
        self._made: dict[str, Summary] = {}

    def __getitem__(self, key: str) -> Summary:
        if key not in self._made:
            self._made[key] = self._summary(key)
        return self._made[key]

    def _summary(self, key: str) -> Summary:
        if len({own.get(key) for own in self._sets}) == 1:
            return summarise(self.column(key), target_s=self._sets[0].get(key))
        return summarise(self.column(key), own_targets_s=[own.get(key) for _, own in self._measured])

    def __iter__(self) -> Iterator[str]:
        return iter(_KEYS)

    def __len__(self) -> int:
        return len(_KEYS)

    def column(self, key: str) -> list[Measured]:
        """What was measured of one interval, in the order of the incidents."""
        at = _KEYS.index(key)
        return [row[at] for row, _ in self._measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The intervals of some incidents, by key of the interval."""

    key: str
    incidents: int
    intervals: Summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The response times of a period. ``total`` and ``groups`` hold neither drills, tests nor duplicates.

    ``complete`` of the ``accepted`` incidents have every time of :data:`COMPLETE` (DOMAIN 5.4). ``needed``
    needed somebody, by what came of them; ``alone`` of those nobody accepted.
    """

    total: Group
    drills: Group
    tests: int
    duplicates: int
    accepted: int
    complete: int
    needed: int
    alone: int
    anomalies: tuple[Anomaly, ...]
    groups: Mapping[By, tuple[Group, ...]]


def kind_of(incident: TimedIncident) -> Kept:
    """Where *incident* is counted."""
    if incident.is_drill:
        return Kept.DRILL
    if incident.outcome == Outcome.TEST:
        return Kept.TEST
    return Kept.DUPLICATE if incident.outcome == Outcome.DUPLICATE else Kept.REAL


def is_accepted(incident: TimedIncident) -> bool:
    """Whether somebody accepted it."""
    return incident.times[_ACCEPTED] is not None


def is_complete(incident: TimedIncident) -> bool:
    """Whether it has every time of :data:`COMPLETE`."""
    return all(incident.times[at] is not None for at in _COMPLETE)


def needs_somebody(incident: TimedIncident) -> bool:
    """Whether somebody had to go, by what came of it; so far unknown counts as yes."""
    return incident.outcome not in _NEEDED_NOBODY


def measured(incident: TimedIncident) -> tuple[Measured, ...]:
    """Every interval of *incident*, in the order of ``INTERVALS``; an outcome that is none counts as none."""
    outcome = _OUTCOMES.get(incident.outcome or "")
    return durations(incident.times, outcome=outcome, by_voice=incident.channel in _RANG)


_NEEDED_NOBODY = {str(outcome) for outcome in WITHOUT_ARRIVAL}
_OUTCOMES = {str(outcome): outcome for outcome in Outcome}


def tabulate(
    incidents: Iterable[TimedIncident],
    *,
    by: Iterable[By],
    targets: Mapping[str, float],
    zone: ZoneInfo,
    shifts: Sequence[time] = SHIFTS,
    zones: Sequence[TargetZone] = (),
) -> Tables:
    """Measure every incident once and sum it up in total and by each of *by*; *targets* are in seconds.

    Each is held against the targets of its place, where *zones* gives it other ones.
    """
    wanted = tuple(by)
    names = tuple(each.value for each in wanted)
    keys = Keys(zone, shifts, zones)
    aims = Aims(targets, zones)
    counts = dict.fromkeys(Kept, 0)
    rows: dict[Kept, list[_Row]] = {Kept.REAL: [], Kept.DRILL: []}
    columns: dict[By, dict[str, list[_Row]]] = {each: {} for each in wanted}
    anomalies: list[Anomaly] = []
    accepted = complete = needed = alone = 0
    for incident in incidents:
        kept = kind_of(incident)
        counts[kept] += 1
        if kept not in rows:
            continue
        row = (measured(incident), aims.of(incident.place))
        rows[kept].append(row)
        if kept is Kept.DRILL:
            continue
        if needs_somebody(incident):
            needed += 1
            alone += not is_accepted(incident)
        if is_accepted(incident):
            accepted += 1
            complete += is_complete(incident)
        if State.ANOMALY in row[0]:
            anomalies += _anomalies(incident, row[0])
        for column, key in zip(columns.values(), keys.of(names, incident), strict=True):
            column.setdefault(key, []).append(row)
    return Tables(
        total=_group("all", rows[Kept.REAL], targets),
        drills=_group("drills", rows[Kept.DRILL], targets),
        tests=counts[Kept.TEST],
        duplicates=counts[Kept.DUPLICATE],
        accepted=accepted,
        complete=complete,
        needed=needed,
        alone=alone,
        anomalies=tuple(anomalies),
        groups={
            each: tuple(_group(key, found[key], targets) for key in sorted(found))
            for each, found in columns.items()
        },
    )


class Keys:
    """In which group an incident belongs; months, hours and shifts are those of the facility's clock."""

    def __init__(self, zone: ZoneInfo, shifts: Sequence[time], zones: Sequence[TargetZone] = ()) -> None:
        """*shifts* is when they change."""
        self._zone = zone
        self._zones = {place.casefold(): each.name for each in zones for place in each.places}
        changes = [f"{at:%H:%M}" for at in sorted(shifts)]
        ends = [*changes[1:], *changes[:1]]
        self._shifts = [(begin, f"{begin}–{end}") for begin, end in zip(changes, ends, strict=True)]

    def __call__(self, by: By, incident: TimedIncident) -> str:
        """The group of *incident* in the table *by*."""
        return self.of((by.value,), incident)[0]

    def of(self, wanted: Sequence[str], incident: TimedIncident) -> list[str]:
        """Its groups in several tables by their names; its time is put on the facility's clock once."""
        stamp = incident.received_at.astimezone(self._zone).isoformat()
        # By name: an enumeration's own value and hash are worked out anew at every look.
        known = {
            "month": stamp[:7],
            "hour": stamp[11:13],
            "shift": self._shift(stamp[11:16]),
            "tier": incident.tier or UNKNOWN,
            "place": incident.place or (ERASED if incident.is_erased else UNKNOWN),
            "category": incident.category,
            "priority": incident.priority,
            "channel": incident.channel,
            "zone": self._zones.get((incident.place or "").casefold(), ELSEWHERE),
        }
        return [known[name] for name in wanted]

    def _shift(self, clock: str) -> str:
        """The shift that began last before; before the first of a day, the last of the day before."""
        for begin, name in reversed(self._shifts):
            if begin <= clock:
                return name
        return self._shifts[-1][1]


class Aims:
    """Which targets hold for a place: those of its zone, else the facility's."""

    def __init__(self, targets: Mapping[str, float], zones: Sequence[TargetZone]) -> None:
        """*targets* are the facility's, in seconds by interval."""
        self._targets = targets
        self._own: dict[str, Mapping[str, float]] = {}
        for zone in zones:
            own = {**targets, **zone.targets}
            self._own.update({place.casefold(): own for place in zone.places})

    def of(self, place: str | None) -> Mapping[str, float]:
        """Those of *place*; of one that is not known those of the facility."""
        return self._own.get((place or "").casefold(), self._targets)


def _group(key: str, rows: Sequence[_Row], targets: Mapping[str, float]) -> Group:
    return Group(key=key, incidents=len(rows), intervals=Summaries(rows, targets))


def _anomalies(incident: TimedIncident, row: tuple[Measured, ...]) -> Iterator[Anomaly]:
    """Each interval whose end stands before its start."""
    times = dict(zip(TIME_NAMES, incident.times, strict=True))
    for key, found in zip(_KEYS, row, strict=True):
        if found is State.ANOMALY:
            start_at, end_at = times[INTERVAL[key].start], times[INTERVAL[key].end]
            # The turnaround without transport begins at the scene.
            start_at = start_at or times["on_scene_at"]
            assert start_at is not None
            assert end_at is not None
            yield Anomaly(number=incident.number, interval=key, start_at=start_at, end_at=end_at)
