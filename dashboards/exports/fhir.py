"""Incidents as a FHIR R4 Bundle of emergency Encounters (DOMAIN 1.7).

Decides which state of an incident is which Encounter status, and which time begins which status of the
emergency case. Nobody who calls is identified, so an Encounter here has no subject, and a place only by its
name in the facility's own list: what people say about a place names people. Whoever sends it on to SATUSEHAT
completes identity there. The words of the case status are the Kenya Emergency FHIR IG's, in the
mapping of DOMAIN 2.7; where its code system is published is not confirmed, so they stand in an extension of
our own.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from dashboards.api.shapes import instant
from dashboards.exports.unmapped import Unmapped
from dashboards.queries.api_listings import FoundIncident
from dispatch.domain.vocabulary import Outcome
from models.incident import Incident

CASE_STATUS = "urn:siaga911:emergency-case-status"
DRILL = "urn:siaga911:is-drill"

CASE_STATUSES: Mapping[str, str] = {
    "received_at": "RECEIVED",
    "alerted_at": "DISPATCHED",
    "accepted_at": "ACCEPTED",
    "staged_at": "ON-HOLD",
    "left_scene_at": "IN-TRANSIT",
    "at_facility_at": "FACILITY-ARRIVAL",
    "closed_at": "CLOSED",
}
"""The case status that begins at a time (DOMAIN 2.7)."""

_NO_STATUS = {"en_route_at": "on the way", "on_scene_at": "at the scene"}

NEVER_BEGUN = frozenset(
    {
        Outcome.NOT_FOUND,
        Outcome.CANCELLED,
        Outcome.DUPLICATE,
        Outcome.PRANK,
        Outcome.GHOST,
        Outcome.SILENT,
        Outcome.ABANDONED,
        Outcome.WRONG_NUMBER,
        Outcome.TEST,
    }
)
"""Endings after which nobody was cared for, whom an Encounter could be about: R4 calls it ``cancelled``."""


def as_fhir(found: Iterator[FoundIncident], places: Collection[str], unmapped: Unmapped) -> Iterator[str]:
    """A Bundle of type ``collection``; its last entry says what had no place in it.

    *places* are the names of the facility's list.
    """
    yield '{"resourceType": "Bundle", "type": "collection", "entry": ['
    separator = "\n"
    for each in found:
        entry = {"fullUrl": f"urn:uuid:{each.row.id}", "resource": encounter(each, places, unmapped)}
        yield separator + json.dumps(entry, ensure_ascii=False)
        separator = ",\n"
    yield separator + json.dumps({"resource": _outcome(unmapped)}, ensure_ascii=False)
    yield "\n]}\n"


def encounter(found: FoundIncident, places: Collection[str], unmapped: Unmapped) -> dict[str, Any]:
    """One incident."""
    row = found.row
    history = _history(row)
    made: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": row.id,
        "extension": [*_case_history(row), {"url": DRILL, "valueBoolean": row.is_drill}],
        "identifier": [{"value": row.number, "assigner": {"display": row.facility_id}}],
        "status": history[-1]["status"],
        "statusHistory": history,
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "EMER",
            "display": "emergency",
        },
        "period": _period(row.received_at, row.closed_at),
        "serviceProvider": {"display": row.facility_id},
    }
    people = [
        _participant(part.staff_code, part.accepted_at) for part in found.assignments if part.accepted_at
    ]
    if people:
        made["participant"] = people
        unmapped.add("participant: SATUSEHAT's numbers of practitioners are not known here")
    if row.location_place in places:
        made["location"] = [{"location": {"display": row.location_place}}]
    elif row.location_place is not None:
        unmapped.add("location_place: not in the list of places, so it may name somebody")
    _leave_out(row, unmapped)
    return made


def _history(row: Incident) -> list[dict[str, Any]]:
    """The statuses of the Encounter itself, each with its period."""
    begun, ended = row.on_scene_at, row.closed_at
    statuses = [("planned", row.received_at)]
    if begun is not None:
        statuses.append(("in-progress", begun))
    if ended is not None:
        never = begun is None and row.outcome in NEVER_BEGUN
        statuses.append(("cancelled" if never else "finished", ended))
    ends = [at for _, at in statuses[1:]]
    return [
        {"status": status, "period": _period(at, end)}
        for (status, at), end in zip(statuses, [*ends, None], strict=True)
    ]


def _case_history(row: Incident) -> list[dict[str, Any]]:
    return [
        {
            "url": CASE_STATUS,
            "extension": [
                {"url": "status", "valueCode": status},
                {"url": "at", "valueDateTime": instant(getattr(row, name))},
            ],
        }
        for name, status in CASE_STATUSES.items()
        if getattr(row, name) is not None
    ]


def _participant(staff_code: str, accepted_at: datetime) -> dict[str, Any]:
    return {
        "period": {"start": instant(accepted_at)},
        "individual": {"identifier": {"value": staff_code}, "display": staff_code},
    }


def _period(start: datetime, end: datetime | None) -> dict[str, str]:
    """A period never ends before it begins: an impossible order of times is given without its end."""
    if end is None or end < start:
        return {"start": instant(start)}
    return {"start": instant(start), "end": instant(end)}


def _leave_out(row: Incident, unmapped: Unmapped) -> None:
    unmapped.add("subject: nobody who calls is identified, and SATUSEHAT wants a patient")
    unmapped.add("identifier: its system at SATUSEHAT needs the number of the organization there")
    for name, words in _NO_STATUS.items():
        if getattr(row, name) is not None:
            unmapped.add(f"{name}: the case status has no word for {words}")
    unmapped.add("priority and category: an Encounter of an unidentified person carries no finding")
    if row.outcome is not None:
        unmapped.add("outcome: a discharge disposition would be a guess")
    if row.caller_number is not None:
        unmapped.add("caller_number: an Encounter has no place for who called")
    if row.location_text is not None:
        unmapped.add("location_text: what people say about a place may name somebody")
    if row.location_lat is not None:
        unmapped.add("location_lat and location_lon: a point needs a Location of its own")


def _outcome(unmapped: Unmapped) -> dict[str, Any]:
    """What was left out; an outcome needs at least one issue."""
    said = unmapped.lines() or ["nothing was left out"]
    issues = [{"severity": "information", "code": "informational", "diagnostics": each} for each in said]
    return {"resourceType": "OperationOutcome", "id": "not-mapped", "issue": issues}
