"""Incidents coded by NEMSIS v3.5, as CSV (DOMAIN 2.3, 2.4): elements for heads, codes for values.

Decides which time of the record is which ``eTimes`` element, which category is which dispatch reason, and
whether an absent time does not apply or was not recorded. ``eDispatch.05`` is left out: DOMAIN 2.4 does not
vouch for its labels.
"""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from dashboards.exports.tables import line, local
from dashboards.exports.unmapped import Unmapped
from dashboards.queries.api_listings import FoundIncident
from dispatch.domain.response_times import WITH_TRANSPORT, WITHOUT_ARRIVAL
from dispatch.domain.vocabulary import Category
from models.incident import Incident

NOT_APPLICABLE = "7701001"
NOT_RECORDED = "7701003"

TIMES: Mapping[str, str] = {
    "eTimes.01": "received_at",
    "eTimes.03": "alerted_at",
    "eTimes.04": "accepted_at",
    "eTimes.05": "en_route_at",
    "eTimes.06": "on_scene_at",
    "eTimes.09": "left_scene_at",
    "eTimes.11": "at_facility_at",
    "eTimes.13": "available_at",
    "eTimes.17": "staged_at",
}
"""Elements of DOMAIN 2.3 by the time of CONTRACT 7 that DOMAIN 2.7 sets them equal to."""

NOT_KEPT = ("eTimes.07", "eTimes.12")
"""In the national set, and no step of ours: being at the patient, and handing care over."""

REASONS: Mapping[Category, str] = {
    Category.UNCONSCIOUS: "2301077",
    Category.BREATHING: "2301013",
    Category.CARDIAC: "2301041",
    Category.STROKE: "2301067",
    Category.SEIZURE: "2301025",
    Category.BLEEDING: "2301045",
    Category.TRAUMA: "2301073",
    Category.TRAFFIC: "2301069",
    Category.PENETRATING: "2301063",
    Category.BURN: "2301015",
    Category.CHOKING: "2301023",
    Category.DROWNING: "2301081",
    Category.POISONING: "2301053",
    Category.SNAKEBITE: "2301005",
    Category.CHILDBIRTH: "2301057",
    Category.FEVER: "2301061",
    Category.CHILD_ILLNESS: "2301061",
    Category.PSYCHIATRIC: "2301059",
    Category.ASSAULT: "2301007",
    Category.FALL: "2301033",
    Category.TRANSFER: "2301071",
    Category.INFORMATION: "2301051",
    Category.OTHER: "2301051",
    Category.UNKNOWN: "2301079",
}
"""``eDispatch.01`` by category: the nearest entry of the complete list in DOMAIN 2.4."""

COLUMNS = (
    "eDispatch.06",
    "eDispatch.04",
    "eDispatch.01",
    "eDispatch.02",
    *sorted((*TIMES, *NOT_KEPT)),
    "drill",
)


def as_nemsis(found: Iterator[FoundIncident], zone: ZoneInfo, unmapped: Unmapped) -> Iterator[str]:
    """One record an incident; times are local with their offset, as NEMSIS wants them."""
    yield line(COLUMNS)
    for each in found:
        yield line(_cells(each.row, zone, unmapped))


def _cells(row: Incident, zone: ZoneInfo, unmapped: Unmapped) -> tuple[str, ...]:
    values = {name: _time(row, time, zone, unmapped) for name, time in TIMES.items()}
    for name in NOT_KEPT:
        values[name] = NOT_RECORDED
    unmapped.add("priority: the codes of eDispatch.05 are not confirmed")
    if row.outcome is not None:
        unmapped.add("outcome: NEMSIS knows it only for each patient")
    if row.location_text is not None or row.location_lat is not None:
        unmapped.add("location: no element of eTimes or eDispatch")
    if row.caller_number is not None:
        unmapped.add("caller_number: no element of eTimes or eDispatch")
    times = [values[name] for name in sorted(values)]
    drill = "true" if row.is_drill else "false"
    reason = REASONS[Category(row.category)]
    # Whether pre-arrival instructions were given on the telephone is not recorded.
    return (row.number, row.facility_id, reason, NOT_RECORDED, *times, drill)


def _time(row: Incident, name: str, zone: ZoneInfo, unmapped: Unmapped) -> str:
    """The instant; else why there is none; empty while it may still come."""
    at = getattr(row, name)
    if at is not None:
        return local(at, zone)
    if row.closed_at is None:
        unmapped.add(f"{name}: the incident is still open")
        return ""
    if row.outcome in WITHOUT_ARRIVAL:
        return NOT_APPLICABLE
    of_transport = name in ("left_scene_at", "at_facility_at")
    return NOT_APPLICABLE if of_transport and not _transported(row) else NOT_RECORDED


def _transported(row: Incident) -> bool:
    return (row.left_scene_at or row.at_facility_at) is not None or row.outcome in WITH_TRANSPORT
