"""Whether a worker's answer by phone, text or page still counts, or came too late to say anything about now.

Answers arrive in another order than they were given: a request waited in the journal while live ones went
past it, a text was found in the provider's log, a page had stood open for hours. An answer counts as of when
it was given, and as of what was shown: not for what was asked only afterwards, and not against what the same
worker said, or was told, since.
"""

from collections.abc import Iterable
from datetime import datetime

from dispatch.domain.commands import Action, ActOnIncident
from dispatch.domain.decisions import BY_PHONE
from dispatch.domain.errors import AnswerOvertakenError
from dispatch.domain.incidents import Assignment
from dispatch.domain.vocabulary import AssignmentStatus, Source

STALE_ANSWER_S = 5.0
"""What was answered longer ago than this waited somewhere: a key's call has ended, others may have gone."""

ANSWERS = frozenset({Action.ACCEPT, Action.DECLINE, Action.HELP})


def asked_since(asked_at: datetime, alerted_at: datetime | None) -> datetime:
    """Since when a worker knows of an incident; ``asked_at`` moves on each time that they are asked again."""
    return asked_at if alerted_at is None else min(asked_at, alerted_at)


def is_before(answered_at: datetime, known: Iterable[datetime | None], *, now: datetime) -> bool:
    """Whether the answer was given before one of the instants *known*.

    What seems to lie ahead of *now* was written before the clock was set back, and says nothing.
    """
    return any(at is not None and answered_at < at <= now for at in known)


def check_not_overtaken(part: Assignment, command: ActOnIncident, *, now: datetime) -> None:
    """Let an answer through that says something about now.

    Raises:
        AnswerOvertakenError: it is older than the question, or than this worker's last word or stand-down.
    """
    if command.action not in ANSWERS or (command.action is Action.ACCEPT and part.is_engaged):
        return
    if command.shown is not None:
        overtaken = _by_old_page(part, command, command.shown, now)
    else:
        overtaken = command.source in BY_PHONE and _by_phone(part, command, now)
    if overtaken:
        raise AnswerOvertakenError(action=str(command.action), status=str(part.status))


def _by_phone(part: Assignment, command: ActOnIncident, now: datetime) -> bool:
    if command.occurred_at is None:
        return False
    known = [part.accepted_at, part.declined_at]
    if command.source is Source.SMS:
        # A key is pressed on the call that asks: it is no older than the question, whatever the clock says.
        known.append(asked_since(part.asked_at, part.alerted_at))
    if (now - command.occurred_at).total_seconds() >= STALE_ANSWER_S:
        # Of two who accept in the same breath the second is support, and not refused.
        known.append(part.stood_down_at)
    return is_before(command.occurred_at, known, now=now)


def _by_old_page(part: Assignment, command: ActOnIncident, shown: AssignmentStatus, now: datetime) -> bool:
    """Whether a button was pressed in ignorance: before a later word of theirs, or not knowing of their end.

    What else they said themselves since the page was shown they know, and may take back by it.
    """
    if command.action is Action.DECLINE and part.status is AssignmentStatus.DECLINED:
        # Sent twice, because the first answer was lost on its way.
        return False
    pressed_at = command.occurred_at or now
    if is_before(pressed_at, [part.accepted_at, part.declined_at], now=now):
        return True
    if part.status is not AssignmentStatus.STOOD_DOWN or shown is AssignmentStatus.STOOD_DOWN:
        return False
    # As by phone: of two who accept in the same breath the second is support.
    told_at = part.stood_down_at or pressed_at
    return max(now - pressed_at, now - told_at).total_seconds() >= STALE_ANSWER_S
