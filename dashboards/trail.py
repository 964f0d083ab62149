"""Lines of the audit trail: log-ins, every look at something personal, and who was let in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from dashboards.context import PagesContext
from models.record import Audit

LOGGED_IN: Final = "login.succeeded"
LOGIN_FAILED: Final = "login.failed"
LOGGED_OUT: Final = "logout"
INCIDENT_READ: Final = "incident.read"
EVIDENCE_MADE: Final = "evidence.made"
NOTICE_MADE: Final = "breach_notice.made"
BOARD_READ: Final = "board.read"
COMPLAINT_READ: Final = "complaint.read"
LOG_READ: Final = "log.read"
CALLS_READ: Final = "calls.read"
STAFF_READ: Final = "staff.read"
WORKER_PAGE_READ: Final = "worker_page.read"
CALLER_READ: Final = "caller_number.read"
SURVEY_ENTERED: Final = "survey_paper.entered"
FOLLOW_UP_PLANNED: Final = "follow_up.planned"
FOLLOW_UP_MOVED: Final = "follow_up.moved"
SUGGESTIONS_READ: Final = "survey_suggestions.read"

LOOKED_UP: Final = "personal.looked_up"
USER_ADDED: Final = "user.added"
PROGRAM_ADDED: Final = "token.created"

LOOKS: Final = (
    INCIDENT_READ,
    BOARD_READ,
    CALLER_READ,
    LOG_READ,
    CALLS_READ,
    STAFF_READ,
    WORKER_PAGE_READ,
    COMPLAINT_READ,
    SUGGESTIONS_READ,
    LOOKED_UP,
)
"""Every look at something personal."""

ACCESS_GIVEN: Final = (USER_ADDED, PROGRAM_ADDED)
"""Acts after which one more person or program may look."""

LOG_INS: Final = (LOGGED_IN, LOGIN_FAILED)


def note(
    session: Session,
    ctx: PagesContext,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, object] | None = None,
) -> None:
    """Add one line; *actor* is ``user:NAME`` or ``staff:CODE``, *subject* what was looked at or done."""
    session.add(
        Audit(
            id=ctx.ids.new_id(),
            facility_id=ctx.facility.code,
            at=at,
            actor=actor[:80],
            action=action,
            subject=subject[:80],
            data=dict(details or {}),
        )
    )
