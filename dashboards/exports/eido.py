"""Incidents as NENA Emergency Incident Data Objects (NENA-STA-021; DOMAIN 2.5): one object an incident.

Decides which registry word says what the record says. Where the registry has no word that means the same,
the field is left out, our own word stands in the field for internal text, and a note in the object says so.
It has no place for "this is practice" either: a drill would be read as an emergency, so drills and tests are
left out whole.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashboards.api.shapes import instant, maybe_instant
from dashboards.exports.unmapped import Unmapped
from dashboards.queries.api_listings import FoundIncident
from dispatch.domain.response_times import TIME_NAMES
from dispatch.domain.vocabulary import ENGAGED, AssignmentStatus, Category, IncidentStatus, Outcome
from models.incident import Assignment, Incident

VERSION = "1.0"
"""The only one that the public schema allows."""

TYPES: Mapping[Category, str] = {
    Category.BLEEDING: "BLEEDING",
    Category.BURN: "BURN",
    Category.CARDIAC: "CARDIAC",
    Category.DROWNING: "DROWN",
    Category.SNAKEBITE: "BITE",
    Category.FEVER: "SICK",
    Category.CHILD_ILLNESS: "SICK",
    Category.PSYCHIATRIC: "MNTL",
    Category.ASSAULT: "ASSAULT",
    Category.FALL: "FALL",
    Category.TRAUMA: "TRAUMA",
    Category.TRAFFIC: "MVA",
    Category.PENETRATING: "TRAUMAP",
    Category.TRANSFER: "TRANSFER",
    Category.INFORMATION: "NONEMERG",
}
"""Common incident types (APCO 2.103.2-2019) as far as DOMAIN 2.5 lists them."""

DISPOSITIONS: Mapping[Outcome, str] = {
    Outcome.TREATED: "43",
    Outcome.TRANSPORTED: "45",
    Outcome.REFUSED: "42",
    Outcome.NOT_FOUND: "14",
    Outcome.ADVICE: "05",
    Outcome.CANCELLED: "10",
    Outcome.DUPLICATE: "22",
    Outcome.INFORMATION: "13",
}
"""Common dispositions (APCO ANS 1.111.2-2018) that mean what our outcome means."""

STATUSES: Mapping[IncidentStatus, str] = {
    IncidentStatus.OPEN: "Active",
    IncidentStatus.ALERTING: "Active",
    IncidentStatus.ACCEPTED: "ResourcesAssigned",
    IncidentStatus.EN_ROUTE: "ResourcesEnroute",
    IncidentStatus.STAGING: "Active",
    IncidentStatus.ON_SCENE: "ResourcesOnscene",
    IncidentStatus.TRANSPORTING: "Active",
    IncidentStatus.AT_FACILITY: "Active",
    IncidentStatus.CLOSED: "Closed",
}

UNITS: Mapping[AssignmentStatus, str] = {
    AssignmentStatus.ALERTED: "Dispatched",
    AssignmentStatus.ACCEPTED: "AcknowledgedTransmission",
    AssignmentStatus.DECLINED: "AssignmentCancelled",
    AssignmentStatus.STOOD_DOWN: "AssignmentCancelled",
    AssignmentStatus.EN_ROUTE: "EnRoute",
    AssignmentStatus.STAGING: "Staging",
    AssignmentStatus.ON_SCENE: "OnScene",
    AssignmentStatus.TRANSPORTING: "Transporting",
    AssignmentStatus.AT_FACILITY: "Hospital",
    AssignmentStatus.AVAILABLE: "InService",
}
"""Secondary unit status by the table of DOMAIN 2.7; silence has no word there."""


def as_eido(found: Iterator[FoundIncident], unmapped: Unmapped) -> Iterator[str]:
    """A JSON array of objects, without drills and tests."""
    yield "["
    separator = "\n"
    for each in found:
        if _is_practice(each.row, unmapped):
            continue
        yield separator + json.dumps(incident_object(each, unmapped), ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n"


def _is_practice(row: Incident, unmapped: Unmapped) -> bool:
    """Whether nobody needed help; then it is listed as left out."""
    if row.is_drill:
        unmapped.add("is_drill: a drill has no mark of its own, so it is left out whole")
        return True
    if row.outcome == Outcome.TEST:
        unmapped.add("outcome test: a test has no mark of its own, so it is left out whole")
        return True
    return False


def incident_object(found: FoundIncident, unmapped: Unmapped) -> dict[str, Any]:
    """One incident; each part carries the reference of the agency that keeps it."""
    row = found.row
    write = _Writer(row)
    left_out = _left_out(found)
    for what in left_out:
        unmapped.add(what)
    made = write.part("eido") | {
        "eidoVersion": VERSION,
        "issuingElementIdentification": row.facility_id,
        "incidentComponent": _incident(write),
        "agencyComponent": [write.part("agency")],
        "agentComponent": [write.part("agent") | {"agencyReference": write.reference("agency")}],
        "notesComponent": [
            write.part("notes") | {"notesActionComments": "Not mapped: " + "; ".join(left_out)}
        ],
    }
    if found.assignments:
        made["dispatchComponent"] = [_dispatch(write, found.assignments)]
        made["emergencyResourceComponent"] = [_unit(write, part) for part in found.assignments]
    if row.channel in ("voice", "missed_call"):
        made["callComponent"] = [_call(write)]
    if _has_location(row):
        made["locationComponent"] = [_location(write)]
    return made


class _Writer:
    """Names the parts of one object."""

    def __init__(self, row: Incident) -> None:
        self.row = row
        # The row does not say when it was last touched; its latest time does.
        times = (getattr(row, name) for name in TIME_NAMES)
        self._updated = instant(max(at for at in times if at is not None))

    def name(self, part: str) -> str:
        return f"{self.row.number}:{part}"

    def part(self, part: str) -> dict[str, Any]:
        return {
            "$id": self.name(part),
            "lastUpdateTimeStamp": self._updated,
            "updatedByAgencyReference": self.reference("agency"),
            # This program, as the automaton that wrote it: whose tap it was is the record's to say.
            "updatedByAgentReference": self.reference("agent"),
        }

    def reference(self, part: str) -> dict[str, str]:
        return {"$ref": self.name(part)}


def _incident(write: _Writer) -> dict[str, Any]:
    row = write.row
    made = write.part("incident") | {
        "internalIncidentId": row.number,
        "incidentTypeInternalText": row.category,
        "incidentStatusCommonRegistryText": [_status(row)],
        "incidentPriorityInternalText": row.priority,
    }
    kind = TYPES.get(Category(row.category))
    if kind is not None:
        made["incidentTypeCommonRegistryText"] = kind
    if _has_location(row):
        made["locationReference"] = [write.reference("location")]
    code = _disposition(row)
    if code is not None:
        made["dispositionComponent"] = [
            write.part("disposition")
            | {
                "dispositionCommonRegistryCode": code,
                "dispositionPrimaryIndicator": True,
                "dispositionDescriptionText": row.outcome,
            }
        ]
    return made


def _status(row: Incident) -> str:
    return "Cancelled" if row.outcome == Outcome.CANCELLED else STATUSES[IncidentStatus(row.status)]


def _disposition(row: Incident) -> str | None:
    if row.outcome is None:
        return None
    outcome = Outcome(row.outcome)
    if outcome is Outcome.DEAD_ON_ARRIVAL:
        return "39" if row.left_scene_at is None else "40"
    return DISPOSITIONS.get(outcome)


def _call(write: _Writer) -> dict[str, Any]:
    row = write.row
    made = write.part("call") | {
        "standardPrimaryCallType": "emergency",
        "direction": "incoming",
        "callStartTimestamp": instant(row.received_at),
    }
    if row.answered_at is not None:
        made |= {"answerDate": maybe_instant(row.answered_at), "callStateRegistryText": "callAnswered"}
    return made


def _dispatch(write: _Writer, parts: Sequence[Assignment]) -> dict[str, Any]:
    return write.part("dispatch") | {
        "agencyReference": write.reference("agency"),
        "emergencyResourceReference": [write.reference(f"unit:{part.staff_code}") for part in parts],
    }


def _unit(write: _Writer, part: Assignment) -> dict[str, Any]:
    status = AssignmentStatus(part.status)
    made = write.part(f"unit:{part.staff_code}") | {
        "emergencyResourceName": part.staff_code,
        "unitStatusInternal": [str(status)],
    }
    if status in ENGAGED:
        made |= {"primaryUnitStatusRegistryText": "NotAvailable", "activeOnIncidentId": write.row.number}
    elif status is AssignmentStatus.AVAILABLE:
        made["primaryUnitStatusRegistryText"] = "Available"
    if status in UNITS:
        made["secondaryUnitStatusRegistryText"] = [UNITS[status]]
    return made


def _has_location(row: Incident) -> bool:
    return row.location_lat is not None or bool(row.location_text or row.location_place)


def _location(write: _Writer) -> dict[str, Any]:
    row = write.row
    words = ", ".join(text for text in (row.location_place, row.location_text) if text)
    made = write.part("location")
    if words:
        made["locationDescriptionText"] = words
    if row.location_lat is not None and row.location_lon is not None:
        made["locationByValue"] = _point(write.name("location"), row.location_lat, row.location_lon)
    return made


def _point(name: str, lat: float, lon: float) -> str:
    """A point as PIDF-LO (RFC 5491)."""
    return (
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" '
        'xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" '
        f'xmlns:gml="http://www.opengis.net/gml" entity="pres:{name}">'
        '<tuple id="location"><status><gp:geopriv>'
        '<gp:location-info><gml:Point srsName="urn:ogc:def:crs:EPSG::4326">'
        f"<gml:pos>{lat} {lon}</gml:pos></gml:Point></gp:location-info>"
        "<gp:usage-rules/></gp:geopriv></status></tuple></presence>"
    )


def _left_out(found: FoundIncident) -> list[str]:
    row = found.row
    said = ["priority: no number of 0 to 10 is set equal to our colours"]
    if Category(row.category) not in TYPES:
        said.append(f"category {row.category}: no common incident type")
    if row.outcome is not None and _disposition(row) is None:
        said.append(f"outcome {row.outcome}: no common disposition")
    if row.merged_into is not None:
        said.append("merged_into: the direction of a merge is not confirmed")
    if row.caller_number is not None:
        said.append("caller_number: the fields of a call-back are not confirmed")
    if _has_location(row):
        said.append("location: no confirmed word of the registry of location types")
    if row.location_accuracy_m is not None:
        said.append("location_accuracy_m: written as a point")
    if any(AssignmentStatus(part.status) not in UNITS for part in found.assignments):
        said.append("a worker who does not answer: no secondary unit status")
    return said
