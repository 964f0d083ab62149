"""Reading the provider's own log, so that what never reached us is not lost (DESIGN 6, ADR 0017).

Every run reads what came in since the last one, a little of what was read before included, and carries each
call and text that we never saw through the same commands as a live one, with its true time. The log is read
outside any transaction; each entry is one. Running twice, or in several engines at once, changes nothing: an
entry is taken under the same unique key as the webhook that did not come. One that cannot be taken never
holds up the others: the place in the log stays with it, and the watchdog says so.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy import ColumnElement, and_, exists, false, func, literal, or_, select

from dispatch.domain.commands import EndCall, ReceiveText, ReconstructCall
from dispatch.domain.decisions import Draft
from dispatch.domain.events import Kind
from dispatch.domain.intake import Ring
from dispatch.domain.phones import normalise
from dispatch.domain.reconstruction import LEARNED_LATE_S, Missed, tell_answer
from dispatch.domain.vocabulary import IncidentChannel, Source
from dispatch.ports import (
    CallDetails,
    LoggedCall,
    LoggedText,
    ProviderRefusedError,
    ProviderUnavailableError,
    TelephonyError,
    TelephonyProvider,
)
from dispatch.service import inbox, intake, ledger, texting
from dispatch.service import log_places as places
from dispatch.service.assumed import assumed_line
from dispatch.service.services import Services
from models.facility import Staff
from models.incident import Call
from models.record import Event
from models.session import is_database_away
from models.traffic import Inbox

log = structlog.get_logger(__name__)

EVERY_S = 60.0
"""A call that we missed is an emergency that waits; one request a minute costs a provider nothing."""

GRACE = timedelta(seconds=60)
"""What is younger may still be on its way to us: the provider waits 15 s for a webhook, and tries again."""

RUNS_FOR_S = 300.0
"""One run at most. What it took is taken; the next one begins at the same place, and has less to do."""

_PAGE = 200
"""Entries compared with the database in one query."""

T = TypeVar("T")
Entry = TypeVar("Entry", bound=LoggedCall | LoggedText)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one run brought."""

    calls: int = 0
    ends: int = 0
    answers: int = 0
    texts: int = 0

    def __bool__(self) -> bool:
        """Whether there was anything."""
        return any(astuple(self))

    def __add__(self, other: "Found") -> "Found":
        """Both together."""
        return Found(
            calls=self.calls + other.calls,
            ends=self.ends + other.ends,
            answers=self.answers + other.answers,
            texts=self.texts + other.texts,
        )


class _Run:
    """How one run goes: the times of what could not be taken, and how long it may go on."""

    def __init__(self, provider: str, monotonic: Callable[[], float]) -> None:
        self._provider = provider
        self._monotonic = monotonic
        self._until_s = monotonic() + RUNS_FOR_S
        self.failed_at: list[datetime] = []

    def go_on(self) -> None:
        """Raise when it has gone on for too long: a provider that is slow must not be asked for ever."""
        if self._monotonic() > self._until_s:
            raise ProviderUnavailableError(f"{self._provider}: reading takes too long", code="run_too_long")


def reconcile(
    services: Services,
    providers: Sequence[TelephonyProvider],
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> Found:
    """Read every provider's log; one that does not answer keeps its place and never holds up the next."""
    total = Found()
    for provider in providers:
        try:
            found = _read(services, provider, _Run(provider.name, monotonic))
        except TelephonyError as error:
            log.warning("reconcile.log_unreadable", provider=provider.name, code=error.code)
            places.stay(services, provider.name)
            continue
        except Exception as error:
            if is_database_away(error):
                raise
            log.critical("reconcile.log_not_understood", provider=provider.name, exc_info=True)
            places.remember_stuck(services, provider.name)
            continue
        if found:
            log.warning("reconcile.found", provider=provider.name, **asdict(found))
        total += found
    return total


def _read(services: Services, provider: TelephonyProvider, run: _Run) -> Found:
    began_at = services.clock.now()
    settled_at = began_at - GRACE
    since = places.since(services, provider.name, began_at)
    places.begin(services, provider.name)
    calls = provider.calls_received(since=since)
    texts = provider.texts_received(since=since)
    over = [call for call in calls if call.ended_at is not None and call.began_at <= settled_at]
    # What is still going on, perhaps with a duty phone, is looked at when it is over.
    covered_at = min([settled_at, *(call.began_at for call in calls if call.ended_at is None)])
    found = Found(
        calls=_each(_never_seen(services, over), partial(_call, services, provider), run),
        ends=_each(_unended(services, over, settled_at), partial(_end, services), run),
        answers=_each(_unheard(services, over, settled_at), partial(_answer, services, provider), run),
        texts=_each(
            (text for text in _never_kept(services, texts) if text.received_at <= settled_at),
            partial(_text, services, provider),
            run,
        ),
    )
    places.cover(services, provider.name, min([covered_at, *run.failed_at]), is_whole=not run.failed_at)
    return found


def _each(entries: Iterable[Entry], take: Callable[[Entry], bool], run: _Run) -> int:
    """How many were taken; when one cannot be, its time is noted and the next has its turn."""
    taken = 0
    for entry in entries:
        run.go_on()
        try:
            taken += take(entry)
        except Exception as error:
            if is_database_away(error) or isinstance(error, ProviderUnavailableError):
                raise
            log.critical("reconcile.entry_not_taken", sid=entry.provider_sid, exc_info=True)
            run.failed_at.append(entry.began_at if isinstance(entry, LoggedCall) else entry.received_at)
    return taken


# --- what we do not know --------------------------------------------------------------------------


def _never_seen(services: Services, calls: Sequence[LoggedCall]) -> Iterator[LoggedCall]:
    for page in _pages(calls):
        known = _known_keys(services, [f"voice:{call.provider_sid}" for call in page])
        yield from (call for call in page if f"voice:{call.provider_sid}" not in known)


def _never_kept(services: Services, texts: Sequence[LoggedText]) -> Iterator[LoggedText]:
    for page in _pages(texts):
        known = _known_keys(services, [f"sms:{text.provider_sid}" for text in page])
        yield from (text for text in page if f"sms:{text.provider_sid}" not in known)


def _known_keys(services: Services, keys: Sequence[str]) -> set[str]:
    with services.uow.read() as session:
        query = select(Inbox.provider_key).where(
            Inbox.facility_id == services.facility_id, Inbox.provider_key.in_(keys)
        )
        return set(session.scalars(query))


def _unended(services: Services, calls: Sequence[LoggedCall], settled_at: datetime) -> Iterator[LoggedCall]:
    """The calls that we saw begin, and whose end did not reach us."""
    for page in _pages(calls):
        with services.uow.read() as session:
            query = select(Call.provider_sid).where(
                Call.facility_id == services.facility_id,
                Call.provider_sid.in_([call.provider_sid for call in page]),
                Call.ended_at.is_(None),
            )
            open_here = set(session.scalars(query))
        for call in page:
            if call.provider_sid in open_here and call.ended_at is not None and call.ended_at <= settled_at:
                yield call


def _unheard(services: Services, calls: Sequence[LoggedCall], settled_at: datetime) -> Iterator[LoggedCall]:
    """The calls whose answer was only assumed, and those that we learned of late and know no answer of."""
    for page in _pages(calls):
        with services.uow.read() as session:
            query = (
                select(Call.provider_sid, Call.received_at, Inbox.received_at, Call.answered_at)
                .join(
                    Inbox,
                    and_(
                        Inbox.facility_id == Call.facility_id,
                        Inbox.provider_key == literal("voice:") + Call.provider_sid,
                        Inbox.kind == "voice",
                    ),
                )
                .where(
                    Call.facility_id == services.facility_id,
                    Call.provider_sid.in_([call.provider_sid for call in page]),
                    or_(Call.answered_at.is_(None), and_(_was(assumed=True), ~_was(assumed=False))),
                    Call.ended_at <= settled_at,
                )
            )
            unheard = {
                sid
                for sid, received_at, kept_at, answered_at in session.execute(query)
                if answered_at is not None or (kept_at - received_at).total_seconds() > LEARNED_LATE_S
            }
        yield from (call for call in page if call.provider_sid in unheard)


def _was(*, assumed: bool) -> ColumnElement[bool]:
    """Whether a line says that the call was answered: because it was *assumed*, or because somebody told."""
    return exists().where(
        Event.incident_id == Call.incident_id,
        Event.kind == str(Kind.CALL_ANSWERED),
        Event.data["call_id"].as_string() == Call.id,
        func.coalesce(Event.data["assumed"].as_boolean(), false()) == assumed,
    )


def _pages(entries: Sequence[T]) -> Iterator[Sequence[T]]:
    return (entries[start : start + _PAGE] for start in range(0, len(entries), _PAGE))


# --- one entry, one transaction -------------------------------------------------------------------


def _call(services: Services, provider: TelephonyProvider, call: LoggedCall) -> bool:
    details = _details(provider, call)
    return reconstruct_call(
        services,
        ReconstructCall(
            provider=provider.name,
            provider_sid=call.provider_sid,
            caller_number=normalise(call.from_number),
            received_at=call.began_at,
            missed=Missed(
                status=call.status,
                ended_at=call.ended_at,
                answered_at=details.picked_up_at,
                answered_by=_staff_code(services, details.picked_up_by),
                recordings=tuple((each.recording_sid, each.duration_s) for each in details.recordings),
            ),
            body={"CallSid": call.provider_sid, "From": call.from_number, "CallStatus": call.status},
        ),
    )


def _details(provider: TelephonyProvider, call: LoggedCall) -> CallDetails:
    """Who picked up and what was recorded; without them the call is still a call."""
    try:
        return provider.details_of(call.provider_sid)
    except ProviderRefusedError as error:
        log.warning("reconcile.details_refused", sid=call.provider_sid, code=error.code)
        return CallDetails()


def reconstruct_call(services: Services, command: ReconstructCall) -> bool:
    """A call from the log becomes an incident or joins its caller's open one; False when it was known."""
    with services.uow.write() as session:
        intake.alone_with_call(session, services, command.provider_sid, command.caller_number)
        key = f"voice:{command.provider_sid}"
        if not inbox.keep(session, services, key, "reconstructed", command.body):
            return False
        ring = Ring(
            call_id=services.ids.new_id(),
            provider=command.provider,
            provider_sid=command.provider_sid,
            channel=IncidentChannel.VOICE,
            caller_number=command.caller_number,
            received_at=command.received_at,
            missed=command.missed,
        )
        incident = intake.open_or_join(session, services, ring)
    services.metrics.call_ended(incident.call(ring.call_id).outcome)
    return True


def _end(services: Services, call: LoggedCall) -> bool:
    command = EndCall(
        provider_sid=call.provider_sid,
        provider_status=call.status,
        occurred_at=call.ended_at,
        reconstructed=True,
    )
    return intake.end_call(services, command)


def _answer(services: Services, provider: TelephonyProvider, call: LoggedCall) -> bool:
    details = _details(provider, call)
    if details.picked_up_at is None:
        return False
    staff_code, now = _staff_code(services, details.picked_up_by), services.clock.now()
    with services.uow.write() as session:
        row = session.execute(
            select(Call.id, Call.incident_id).where(
                Call.facility_id == services.facility_id, Call.provider_sid == call.provider_sid
            )
        ).one()
        incident = ledger.load(session, services, row.incident_id)
        corrects = assumed_line(session, row.incident_id, row.id)
        if incident.call(row.id).answered_at is not None and corrects is None:
            return False
        draft = Draft(incident, now=now, source=Source.IMPORT, actor="caller")
        tell_answer(draft, row.id, at=details.picked_up_at, staff_code=staff_code, corrects=corrects)
        ledger.record(session, services, draft.decision(), before=incident, at=now)
    return True


def _text(services: Services, provider: TelephonyProvider, text: LoggedText) -> bool:
    texting.receive_text(
        services,
        ReceiveText(
            provider=provider.name,
            provider_sid=text.provider_sid,
            sender=normalise(text.from_number),
            raw_sender=text.from_number,
            text=text.body,
            received_at=text.received_at,
            body={"MessageSid": text.provider_sid, "From": text.from_number, "Body": text.body},
            reconstructed=True,
        ),
    )
    return True


def _staff_code(services: Services, phone: str | None) -> str | None:
    if phone is None:
        return None
    with services.uow.read() as session:
        return session.scalar(
            select(Staff.code).where(
                Staff.facility_id == services.facility_id, Staff.phone == phone, Staff.is_active.is_(True)
            )
        )
