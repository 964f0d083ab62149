"""Every table imported once, so that the metadata is whole (Alembic, tests)."""

from models.access import ApiToken, Idempotency, User
from models.base import Base
from models.complaint import Complaint, ComplaintNote, ComplaintStep
from models.facility import Facility, IncidentCounter, Place, Shift, Staff, StaffBreak
from models.incident import Assignment, Call, Incident, Link
from models.record import Audit, Event, PrivateValue, Seal, SealLeaf
from models.survey import FollowUp, SurveyOptOut, SurveyRequest, SurveyResponse
from models.traffic import Deadline, Delivery, Inbox, Lease, Outage, Pace, Pulse

__all__ = [
    "ApiToken",
    "Assignment",
    "Audit",
    "Base",
    "Call",
    "Complaint",
    "ComplaintNote",
    "ComplaintStep",
    "Deadline",
    "Delivery",
    "Event",
    "Facility",
    "FollowUp",
    "Idempotency",
    "Inbox",
    "Incident",
    "IncidentCounter",
    "Lease",
    "Link",
    "Outage",
    "Pace",
    "Place",
    "PrivateValue",
    "Pulse",
    "Seal",
    "SealLeaf",
    "Shift",
    "Staff",
    "StaffBreak",
    "SurveyOptOut",
    "SurveyRequest",
    "SurveyResponse",
    "User",
]
