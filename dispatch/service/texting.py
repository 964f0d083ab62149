"""Texts coming in: a worker's is a command, a resident's is an emergency (CONTRACT 4).

Every worker's text is answered with what was understood. What cannot be understood is not lost: it is
attached as a note to the worker's incident when there is exactly one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from dispatch.domain import answers
from dispatch.domain.commands import Action, ActOnIncident, ReceiveText
from dispatch.domain.errors import DispatchError
from dispatch.domain.intake import Ring
from dispatch.domain.reconstruction import STILL_MEANT_FOR_S, Missed
from dispatch.domain.texts import TextCommand, Verb, parse
from dispatch.domain.vocabulary import (
    ENGAGED,
    WAITING,
    AssignmentStatus,
    CallOutcome,
    IncidentChannel,
    Source,
)
from dispatch.service import inbox, intake, ledger, progress
from dispatch.service.roster_keeping import end_break, start_break
from dispatch.service.services import Services
from models import incident as rows
from models.base import table_of
from models.facility import Staff
from models.statements import Prepared

_STAFF = table_of(Staff)
_INCIDENT, _ASSIGNMENT = table_of(rows.Incident), table_of(rows.Assignment)

_WORKER_BY_PHONE = Prepared(
    select(_STAFF.c.id, _STAFF.c.code).where(
        _STAFF.c.facility_id == bindparam("facility"),
        _STAFF.c.phone == bindparam("phone"),
        _STAFF.c.is_active.is_(True),
    )
)
_ABOUT = select(*ledger.PLACE, _INCIDENT.c.short_number, _INCIDENT.c.closed_at)
_GOES_ON = _ABOUT.where(rows.IS_OPEN).cte("goes_on").prefix_with("MATERIALIZED")
"""By itself, because whatever goes on is little: a worker's own parts of ten years are not."""

_PARTS = select(
    _ASSIGNMENT.c.status, _ASSIGNMENT.c.asked_at, _ASSIGNMENT.c.alerted_at, _ASSIGNMENT.c.left_scene_at
).where(_ASSIGNMENT.c.staff_id == bindparam("staff_id"))
_CHOICES = Prepared(
    _PARTS.add_columns(*_GOES_ON.c).select_from(
        _GOES_ON.join(_ASSIGNMENT, _ASSIGNMENT.c.incident_id == _GOES_ON.c.id)
    )
)
_CLOSED = (
    _PARTS.add_columns(*_ABOUT.selected_columns)
    .join(_INCIDENT, _INCIDENT.c.id == _ASSIGNMENT.c.incident_id)
    .where(_ASSIGNMENT.c.asked_at >= bindparam("since"), _INCIDENT.c.closed_at.is_not(None))
    .order_by(_ASSIGNMENT.c.asked_at.desc())
)

ASKED_LATELY = timedelta(days=2)
"""A text may be about an incident that was closed meanwhile, if its writer was asked no longer ago."""

_Worker = Row[str, str]
"""Identifier and code of a health worker."""


class Understood(StrEnum):
    """What an incoming text turned out to be."""

    DONE = "done"
    REFUSED = "refused"
    WHICH = "which"
    NOTHING_WAITING = "nothing_waiting"
    HELP = "help"
    NOTED = "noted"
    ON_DUTY = "on_duty"
    ON_BREAK = "on_break"
    EMERGENCY = "emergency"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAnswer:
    """What was understood of a text, for ``telephony.replies`` to put into words."""

    understood: Understood
    action: Action | None = None
    short_number: int | None = None
    short_numbers: tuple[int, ...] = ()
    minutes: int | None = None
    is_primary: bool = False
    primary_name: str | None = None
    error: str | None = None
    status: str | None = None
    was_closed: bool = False
    """The step was recorded late: its incident is over."""


_ACTIONS = {
    Verb.ACCEPT: Action.ACCEPT,
    Verb.DECLINE: Action.DECLINE,
    Verb.EN_ROUTE: Action.EN_ROUTE,
    Verb.ON_SCENE: Action.ON_SCENE,
    Verb.AVAILABLE: Action.AVAILABLE,
    Verb.HELP: Action.HELP,
    Verb.STAGE: Action.STAGE,
    Verb.LEAVE_SCENE: Action.LEAVE_SCENE,
    Verb.INFO: Action.INFO,
}


_TAKEN = frozenset({Verb.EN_ROUTE, Verb.ON_SCENE, Verb.AVAILABLE, Verb.STAGE, Verb.LEAVE_SCENE})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """An incident that a worker's text could be about."""

    incident_id: str
    short_number: int
    status: AssignmentStatus
    asked_since: datetime
    left_scene_at: datetime | None
    closed_at: datetime | None


def receive_text(
    services: Services,
    command: ReceiveText,
    in_words: Callable[[TextAnswer], str | None] = lambda _answer: None,
) -> TextAnswer | str:
    """Handle a text; a repeat of the same text returns the reply that was stored with it.

    Keeping the text, doing what it says, and the reply that *in_words* makes of it are one commit: a text is
    never kept as done and then not done, and its sender is told the same however often it comes.
    """
    key = f"sms:{command.provider_sid}"

    def receive(session: Session) -> TextAnswer | str:
        text = inbox.keep(session, services, key, "sms", command.body)
        if text is None:
            return inbox.reply_of(session, services, key)
        answer = _answer(session, services, command)
        said = in_words(answer)
        if said:
            text.reply(said)
        return answer

    return services.uow.decide(receive)


def _answer(session: Session, services: Services, command: ReceiveText) -> TextAnswer:
    worker = _worker(session, services, command.sender)
    if worker is None:
        return _from_resident(session, services, command)
    text = parse(command.text)
    if command.reconstructed and not _is_still_meant(text, command.received_at, services.clock.now()):
        return _not_understood(session, services, command, worker, _choices(session, worker))
    if text.verb is Verb.DUTY_ON:
        end_break(session, worker.id, command.received_at)
        return TextAnswer(understood=Understood.ON_DUTY)
    if text.verb is Verb.DUTY_OFF:
        start_break(session, services, worker.id, command.received_at)
        return TextAnswer(understood=Understood.ON_BREAK)
    return _from_worker(session, services, command, worker, text)


def _is_still_meant(text: TextCommand, sent_at: datetime, now: datetime) -> bool:
    """Steps that were taken stay true however late they are told; an answer, or a wish, goes out of date."""
    return text.verb in _TAKEN or (now - sent_at).total_seconds() <= STILL_MEANT_FOR_S


def _worker(session: Session, services: Services, sender: str | None) -> _Worker | None:
    if sender is None:
        return None
    key = {"facility": services.facility_id, "phone": sender}
    return cast("_Worker | None", _WORKER_BY_PHONE.run(session.connection(), key).first())


def _from_resident(session: Session, services: Services, command: ReceiveText) -> TextAnswer:
    if command.sender is None:
        # An operator's name or a short code: kept in the call log, rings nobody.
        session.add(
            rows.Call(
                id=services.ids.new_id(),
                facility_id=services.facility_id,
                incident_id=None,
                provider=command.provider,
                provider_sid=command.provider_sid,
                channel=str(IncidentChannel.SMS),
                caller_number=command.raw_sender[:64] or None,
                outcome=str(CallOutcome.INFORMATION),
                received_at=command.received_at,
                ended_at=command.received_at,
            )
        )
        return TextAnswer(understood=Understood.IGNORED)
    ring = Ring(
        call_id=services.ids.new_id(),
        provider=command.provider,
        provider_sid=command.provider_sid,
        channel=IncidentChannel.SMS,
        caller_number=command.sender,
        received_at=command.received_at,
        text=command.text,
        missed=Missed() if command.reconstructed else None,
    )
    intake.alone_with_number(session, services, command.sender)
    incident = intake.open_or_join(session, services, ring)
    return TextAnswer(understood=Understood.EMERGENCY, short_number=incident.short_number)


def _choices(session: Session, worker: _Worker) -> list[_Choice]:
    found = _CHOICES.run(session.connection(), {"staff_id": worker.id})
    ledger.found_at(session, found)
    # Not by the database, which would read all of a worker's parts in that order.
    return _chosen(sorted(found, key=lambda row: (row.asked_at, row.short_number)))


def _closed(session: Session, worker: _Worker, command: ReceiveText, named: int | None) -> list[_Choice]:
    """The closed incident that a text is about: the newest of that number, or the one it was sent before."""
    question = {"staff_id": worker.id, "since": command.received_at - ASKED_LATELY}
    found = _chosen(session.connection().execute(_CLOSED, question))
    if named is not None:
        return [choice for choice in found if choice.short_number == named][:1]
    sent_at = command.received_at
    meant = [c for c in found if c.closed_at is not None and c.asked_since <= sent_at < c.closed_at]
    return meant if len(meant) == 1 else []


def _chosen(found: Iterable[Any]) -> list[_Choice]:
    return [
        _Choice(
            incident_id=row.id,
            short_number=row.short_number,
            status=AssignmentStatus(row.status),
            asked_since=answers.asked_since(row.asked_at, row.alerted_at),
            left_scene_at=row.left_scene_at,
            closed_at=row.closed_at,
        )
        for row in found
    ]


def _from_worker(
    session: Session, services: Services, command: ReceiveText, worker: _Worker, text: TextCommand
) -> TextAnswer:
    choices = _choices(session, worker)
    action = _ACTIONS.get(text.verb) if text.verb is not None else None
    named = [c for c in choices if c.short_number == text.short_number]
    if text.short_number is not None and not named:
        named = _closed(session, worker, command, text.short_number)
    if action is None:
        return _not_understood(session, services, command, worker, named or choices)
    # An incident is named on purpose; else a text cannot be about what its writer was asked only later.
    now = services.clock.now()
    known = [c for c in choices if not answers.is_before(command.received_at, [c.asked_since], now=now)]
    if text.short_number is None:
        candidates = _candidates(action, known) or _closed(session, worker, command, None)
    else:
        candidates = _candidates(action, named)
    if not candidates:
        return TextAnswer(
            understood=Understood.NOTHING_WAITING, action=action, short_number=text.short_number
        )
    if len(candidates) > 1:
        numbers = tuple(c.short_number for c in candidates)
        return TextAnswer(understood=Understood.WHICH, action=action, short_numbers=numbers)
    chosen = candidates[0]
    if action is Action.ON_SCENE and (
        chosen.status is AssignmentStatus.TRANSPORTING or _had_left(chosen, command.received_at)
    ):
        # After 8 the same key means arrived at the facility (CONTRACT 4).
        action = Action.ARRIVE_FACILITY
    return _act(session, services, command, worker, text, chosen, action)


def _had_left(chosen: _Choice, sent_at: datetime) -> bool:
    """Whether the patient was on the way when a text about an incident that is over now was sent."""
    is_over = chosen.closed_at is not None
    return is_over and chosen.left_scene_at is not None and chosen.left_scene_at <= sent_at


def _candidates(action: Action, choices: list[_Choice]) -> list[_Choice]:
    """The incidents that *action* could mean: those it makes sense for, most fitting group first.

    A closed one is here because it was named: whether anything can still be recorded the domain decides.
    """
    if any(choice.closed_at is not None for choice in choices):
        return choices
    engaged = [c for c in choices if c.status in ENGAGED]
    if action in (Action.ACCEPT, Action.DECLINE):
        waiting = [c for c in choices if c.status in WAITING]
        late = [c for c in choices if c.status in (AssignmentStatus.STOOD_DOWN, AssignmentStatus.DECLINED)]
        return waiting or (late if action is Action.ACCEPT else []) or engaged
    if action is Action.INFO:
        return engaged or [c for c in choices if c.status in WAITING] or choices
    return engaged or [c for c in choices if c.status in WAITING]


def _act(
    session: Session,
    services: Services,
    command: ReceiveText,
    worker: _Worker,
    text: TextCommand,
    chosen: _Choice,
    action: Action,
) -> TextAnswer:
    incident = progress.act_within(
        session,
        services,
        ActOnIncident(
            incident_id=chosen.incident_id,
            action=action,
            actor=f"staff:{worker.code}",
            source=Source.SMS,
            staff_code=worker.code,
            minutes=text.minutes,
            reason=text.reason,
            # A text that waited while the database was away says what happened when it was sent.
            occurred_at=command.received_at,
        ),
    )
    if isinstance(incident, DispatchError):
        status = incident.params.get("status")
        return TextAnswer(
            understood=Understood.REFUSED,
            action=action,
            short_number=chosen.short_number,
            error=incident.code,
            status=None if status is None else str(status),
        )
    mine = incident.assignment(worker.code)
    return TextAnswer(
        understood=Understood.DONE,
        action=action,
        short_number=chosen.short_number,
        minutes=text.minutes,
        is_primary=mine is not None and mine.is_primary,
        was_closed=chosen.closed_at is not None,
    )


def _not_understood(
    session: Session, services: Services, command: ReceiveText, worker: _Worker, choices: list[_Choice]
) -> TextAnswer:
    engaged = [c for c in choices if c.status in ENGAGED] or choices
    if len(engaged) != 1 or not command.text.strip():
        return TextAnswer(understood=Understood.HELP)
    progress.act_within(
        session,
        services,
        ActOnIncident(
            incident_id=engaged[0].incident_id,
            action=Action.NOTE,
            actor=f"staff:{worker.code}",
            source=Source.SMS,
            staff_code=worker.code,
            text=command.text,
            occurred_at=command.received_at,
        ),
    )
    return TextAnswer(understood=Understood.NOTED, short_number=engaged[0].short_number)
