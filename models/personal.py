"""Where personal data of residents stand: every table, in one list.

Whoever adds a table says here what of it goes when a number or an incident is erased, or why nothing has to:
``tests/service/test_personal_tables.py`` refuses a table that stands in none of the lists. Decides
nothing about when and why (``dispatch.service.erasing``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, case, exists, literal, or_, select

from models.access import Idempotency, User
from models.base import table_of
from models.complaint import Complaint, ComplaintNote, ComplaintStep
from models.facility import Staff
from models.incident import IS_OPEN, Call, Incident, Link
from models.survey import SurveyOptOut, SurveyRequest, SurveyResponse
from models.traffic import IS_UNSENT, Delivery, Inbox

CALLS, INCIDENTS, RECORDINGS = "calls", "incidents", "recordings"
"""The classes of the facility file's ``[retention]``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A table with personal data, and what is left in their place; the notice of a breach counts each.

    A row goes with its incident (*incident* names the column), with a row of another table (*parent*: that
    table and the column with its key), by its own age (*at* is the instant from which it counts, *classes*
    whose time it has: the shortest of several), and whenever a number that is to be erased stands in one of
    the columns of *blanks*.
    """

    table: Table
    blanks: Mapping[str, Any]
    came_at: ColumnElement[Any] | None
    """Since when a row stands there (None: nothing says so), for the notice of a breach."""
    incident: str | None = None
    of_call: str | None = None
    """The column whose text is one of :data:`OF_CALL` and the provider's name of a call of the incident."""
    parent: tuple[str, str] | None = None
    at: ColumnElement[Any] | None = None
    classes: tuple[str, ...] = ()
    only: ColumnElement[bool] | None = None
    """Which rows are meant; all unless it is said."""
    erased_at: str | None = None
    """The column that keeps when it was erased, where there is one."""
    in_use: ColumnElement[bool] | None = None
    """Rows that somebody still needs: they stay until they are needed no more."""

    @property
    def name(self) -> str:
        """Tells it from others of the same table."""
        return ":".join((self.table.name, *self.classes))


_DELIVERY, _INBOX, _LINK, _CALL = table_of(Delivery), table_of(Inbox), table_of(Link), table_of(Call)
_IDEMPOTENCY, _STAFF = table_of(Idempotency), table_of(Staff)
_COMPLAINT, _NOTE = table_of(Complaint), table_of(ComplaintNote)
_REQUEST, _RESPONSE = table_of(SurveyRequest), table_of(SurveyResponse)
_STEP, _OPT_OUT, _USER = table_of(ComplaintStep), table_of(SurveyOptOut), table_of(User)

_NAMED_BY_PROVIDER = ("voice", "sms", "voice_end", "keypad", "reconstructed")
"""Requests whose key is the provider's identifier; that of the others is a hash of all that was in them."""

OF_CALL = ("voice:", "sms:", "voice_end:")

_RECORDING = "recording"


def _is_of_an_open_one(table: Table) -> ColumnElement[bool]:
    return exists().where(table_of(Incident).c.id == table.c.incident_id, IS_OPEN)


HOLDINGS: tuple[Holding, ...] = (
    Holding(
        table=_DELIVERY,
        blanks={
            "to_number": "",
            "body": "",
            # The key of a seal's text ends with the number of the witness.
            "idempotency_key": case(
                (_DELIVERY.c.incident_id.is_(None), literal("erased:") + _DELIVERY.c.id),
                else_=_DELIVERY.c.idempotency_key,
            ),
        },
        came_at=_DELIVERY.c.created_at,
        incident="incident_id",
        in_use=or_(IS_UNSENT, _is_of_an_open_one(_DELIVERY)),
    ),
    Holding(
        table=_INBOX,
        blanks={
            "body": {},
            "reply": None,
            "provider_key": case(
                (_INBOX.c.kind.in_(_NAMED_BY_PROVIDER), _INBOX.c.provider_key),
                else_=literal("erased:") + _INBOX.c.id,
            ),
        },
        came_at=_INBOX.c.received_at,
        of_call="provider_key",
        at=_INBOX.c.received_at,
        classes=(CALLS, INCIDENTS),
        only=_INBOX.c.kind != _RECORDING,
    ),
    Holding(
        table=_INBOX,
        blanks={"body": {}, "reply": None, "provider_key": literal("erased:") + _INBOX.c.id},
        came_at=_INBOX.c.received_at,
        at=_INBOX.c.received_at,
        classes=(RECORDINGS,),
        only=_INBOX.c.kind == _RECORDING,
    ),
    Holding(
        table=_LINK,
        blanks={"phone": None},
        came_at=_LINK.c.created_at,
        incident="incident_id",
        in_use=_is_of_an_open_one(_LINK),
    ),
    # It is made of the whole request, with the number in it, and without a salt.
    Holding(
        table=_IDEMPOTENCY,
        blanks={"request_hash": ""},
        came_at=_IDEMPOTENCY.c.created_at,
        incident="incident_id",
    ),
    Holding(
        table=_CALL,
        blanks={"caller_number": None},
        came_at=_CALL.c.received_at,
        at=_CALL.c.received_at,
        classes=(CALLS,),
        only=_CALL.c.incident_id.is_(None),
    ),
    Holding(
        table=_COMPLAINT,
        blanks={"text": None, "complainant": None, "contact": None},
        came_at=_COMPLAINT.c.received_at,
        at=_COMPLAINT.c.ended_at,
        classes=(INCIDENTS,),
        erased_at="erased_at",
        in_use=_COMPLAINT.c.ended_at.is_(None),
    ),
    Holding(
        table=_NOTE,
        blanks={"text": None},
        came_at=select(_STEP.c.recorded_at)
        .where(_STEP.c.complaint_id == _NOTE.c.complaint_id, _STEP.c.sequence == _NOTE.c.sequence)
        .scalar_subquery(),
        parent=("complaint", "complaint_id"),
        at=select(_COMPLAINT.c.ended_at).where(_COMPLAINT.c.id == _NOTE.c.complaint_id).scalar_subquery(),
        classes=(INCIDENTS,),
        erased_at="erased_at",
    ),
    Holding(
        table=_REQUEST,
        blanks={"phone": None, "token_hash": None},
        came_at=_REQUEST.c.asked_at,
        incident="incident_id",
    ),
    Holding(
        table=_RESPONSE,
        blanks={"suggestion": None},
        came_at=_RESPONSE.c.recorded_at,
        incident="incident_id",
        at=_RESPONSE.c.answered_at,
        classes=(INCIDENTS,),
    ),
    # Only of people who work here no more, and only when they are asked for by their number.
    Holding(
        table=_STAFF,
        blanks={
            "phone": literal("erased:") + _STAFF.c.id,
            "base_place": None,
            "lat": None,
            "lon": None,
        },
        came_at=None,
        in_use=_STAFF.c.is_active.is_(True),
    ),
)
"""In the order in which they are gone through."""

NEVER_ERASED: tuple[Holding, ...] = (
    # A number that nobody may ask any more: it is kept for its owner's sake (ADR 0032).
    Holding(table=_OPT_OUT, blanks={"phone": ""}, came_at=_OPT_OUT.c.opted_out_at),
    # The accounts of the staff.
    Holding(table=_USER, blanks={"username": "", "password_hash": ""}, came_at=_USER.c.created_at),
)
"""Personal as well, and nothing ever takes its place: only the notice of a breach asks for it."""

WITH_THE_CHAIN: tuple[str, ...] = ("incident", "call", "private_value")
"""What the record's lines vouch for: erased together, with a line that says so (ADR 0030)."""

STAYS: Mapping[str, str] = {
    "api_token": "programs, named by whoever made them; only a hash of the secret",
    "assignment": "staff codes and times",
    "audit": "acts and looks of the staff; append-only, so nothing of a resident may ever be written there",
    "complaint_step": "append-only; the words stand in complaint and complaint_note",
    "deadline": "incidents and staff codes",
    "event": "append-only; personal values stand beside it, only salted digests in it",
    "facility": "the health centre itself",
    "follow_up": "plans of the facility, and who of it is to carry them out",
    "incident_counter": "numbers of incidents",
    "lease": "processes",
    "outage": "stretches of time",
    "pace": "providers",
    "place": "villages and landmarks, not people's homes",
    "pulse": "signs of life of the program",
    "roster_mark": "a random word",
    "seal": "hashes and signatures",
    "seal_leaf": "identifiers and hashes",
    "shift": "identifiers of staff and times",
    "staff_break": "identifiers of staff and times",
}
"""Every other table, and why it is left alone: mostly because nothing of a resident stands in it."""

NUMBERS: tuple[str, ...] = ("caller_number", "to_number", "phone")
"""What the columns are called in which a whole telephone number stands, and nothing else."""
