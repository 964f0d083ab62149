"""The words of the field, spelled one way (DOMAIN 2.7, CONTRACT 7).

Every enumeration that crosses a layer stands here and nowhere else. The values are part of the
public contract: they appear in the API, in exports and in the event log, so a value never changes.
"""

from enum import StrEnum


class Priority(StrEnum):
    """Triage colour of an incident; ``unknown`` is handled with the urgency of red."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    BLACK = "black"
    UNKNOWN = "unknown"

    @property
    def is_urgent(self) -> bool:
        """Whether several people are alerted at once (CONTRACT 5)."""
        return self in (Priority.RED, Priority.UNKNOWN)


class Category(StrEnum):
    """What seems to have happened."""

    UNCONSCIOUS = "unconscious"
    BREATHING = "breathing"
    CARDIAC = "cardiac"
    STROKE = "stroke"
    SEIZURE = "seizure"
    BLEEDING = "bleeding"
    TRAUMA = "trauma"
    TRAFFIC = "traffic"
    PENETRATING = "penetrating"
    BURN = "burn"
    CHOKING = "choking"
    DROWNING = "drowning"
    POISONING = "poisoning"
    SNAKEBITE = "snakebite"
    CHILDBIRTH = "childbirth"
    FEVER = "fever"
    CHILD_ILLNESS = "child_illness"
    PSYCHIATRIC = "psychiatric"
    ASSAULT = "assault"
    FALL = "fall"
    TRANSFER = "transfer"
    INFORMATION = "information"
    OTHER = "other"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How an incident ended."""

    TREATED = "treated"
    TRANSPORTED = "transported"
    REFERRED = "referred"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    DEAD_ON_ARRIVAL = "dead_on_arrival"
    ADVICE = "advice"
    CANCELLED = "cancelled"
    DUPLICATE = "duplicate"
    PRANK = "prank"
    GHOST = "ghost"
    SILENT = "silent"
    ABANDONED = "abandoned"
    WRONG_NUMBER = "wrong_number"
    INFORMATION = "information"
    TEST = "test"


class CallOutcome(StrEnum):
    """How one ring ended; every ring has one."""

    INCIDENT = "incident"
    JOINED = "joined"
    INFORMATION = "information"
    PRANK = "prank"
    GHOST = "ghost"
    SILENT = "silent"
    ABANDONED = "abandoned"
    WRONG_NUMBER = "wrong_number"
    TEST = "test"


class IncidentStatus(StrEnum):
    """Where an incident stands; the status of its primary worker once there is one."""

    OPEN = "open"
    ALERTING = "alerting"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    STAGING = "staging"
    ON_SCENE = "on_scene"
    TRANSPORTING = "transporting"
    AT_FACILITY = "at_facility"
    CLOSED = "closed"


class AssignmentStatus(StrEnum):
    """Where one worker stands in one incident."""

    ALERTED = "alerted"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    STOOD_DOWN = "stood_down"
    NO_ANSWER = "no_answer"
    EN_ROUTE = "en_route"
    STAGING = "staging"
    ON_SCENE = "on_scene"
    TRANSPORTING = "transporting"
    AT_FACILITY = "at_facility"
    AVAILABLE = "available"


ENGAGED = frozenset(
    {
        AssignmentStatus.ACCEPTED,
        AssignmentStatus.EN_ROUTE,
        AssignmentStatus.STAGING,
        AssignmentStatus.ON_SCENE,
        AssignmentStatus.TRANSPORTING,
        AssignmentStatus.AT_FACILITY,
    }
)
"""Statuses in which a worker has accepted and not ended."""

WAITING = frozenset({AssignmentStatus.ALERTED, AssignmentStatus.NO_ANSWER})
"""Statuses in which the worker's answer is still waited for."""


class Role(StrEnum):
    """What a member of staff does (CONTRACT 6)."""

    RESPONDER = "responder"
    CALL_TAKER = "call_taker"
    SUPERVISOR = "supervisor"
    DRIVER = "driver"

    @property
    def can_be_primary(self) -> bool:
        """Whether this person may own an incident (CONTRACT 5); a call taker only talks."""
        return self is not Role.CALL_TAKER


class UserRole(StrEnum):
    """What a person who logs in, or a token, may see and do (CONTRACT 7)."""

    ADMIN = "admin"
    DISPATCHER = "dispatcher"
    MANAGER = "manager"
    AUDITOR = "auditor"
    WORKER = "worker"


class IncidentChannel(StrEnum):
    """How an incident reached the service."""

    VOICE = "voice"
    SMS = "sms"
    MISSED_CALL = "missed_call"
    WEB = "web"
    WALK_IN = "walk_in"


class AlertChannel(StrEnum):
    """How a worker is alerted."""

    VOICE = "voice"
    SMS = "sms"


class Source(StrEnum):
    """Where a line of the record came from."""

    VOICE = "voice"
    SMS = "sms"
    KEYPAD = "keypad"
    WEB = "web"
    API = "api"
    ENGINE = "engine"
    IMPORT = "import"


class LocationSource(StrEnum):
    """Who said where the incident is."""

    CALLER = "caller"
    WORKER = "worker"
    DISPATCHER = "dispatcher"
    LINK = "link"
    HISTORY = "history"


class PlaceKind(StrEnum):
    """What a place in the gazetteer is (CONTRACT 6)."""

    DISTRICT = "district"
    VILLAGE = "village"
    HAMLET = "hamlet"
    STREET = "street"
    LANDMARK = "landmark"
    FACILITY = "facility"


class DeliveryState(StrEnum):
    """Where one outgoing call or text stands (DESIGN 4); ``withdrawn`` was no longer needed."""

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"


class OutageCause(StrEnum):
    """Why the service, or a part of it, was away, as far as it can know."""

    STOPPED = "stopped"
    SILENT = "silent"
    CLOCK = "clock"
    DATABASE = "database"
    PROVIDER = "provider"
    RESTORED = "restored"


class ComplaintStatus(StrEnum):
    """Where a complaint stands; one that is somebody else's to answer is forwarded, never dropped."""

    RECEIVED = "received"
    IN_PROGRESS = "in_progress"
    SETTLED = "settled"
    FORWARDED = "forwarded"
    WITHDRAWN = "withdrawn"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self in (ComplaintStatus.RECEIVED, ComplaintStatus.IN_PROGRESS)


class ComplaintChannel(StrEnum):
    """How a complaint reached us; ``lapor`` is SP4N-LAPOR!, ``centre`` the regency's complaint centre."""

    PHONE = "phone"
    TEXT = "text"
    IN_PERSON = "in_person"
    LETTER = "letter"
    WEB = "web"
    LAPOR = "lapor"
    CENTRE = "centre"


class ComplaintSubject(StrEnum):
    """What a complaint is about."""

    RESPONSE_TIME = "response_time"
    NOT_REACHED = "not_reached"
    CONDUCT = "conduct"
    COMPETENCE = "competence"
    COST = "cost"
    PROCEDURE = "procedure"
    EQUIPMENT = "equipment"
    OTHER = "other"
