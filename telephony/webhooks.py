"""The provider's webhooks: the three public ones, and those that the program itself hands out.

Every route checks the signature first. What fails after that, or takes too long, never reaches the caller as
an error: the raw request is kept and the caller is connected to a person by the fallback document. Commands
run in a pool of threads, so that the loop stays free to answer the next call.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dispatch.service import intake
from telephony.alert_flow import AlertFlow
from telephony.caller_flow import CallerFlow
from telephony.context import TelephonyContext
from telephony.documents import text_reply
from telephony.forms import Form, MalformedError
from telephony.journal import Apply, NeverApplicableError
from telephony.signatures import ForgedError, signed_form

log = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 1.5
"""For the work behind an answer; then the caller gets a person, while the work may still come to its end.

Far below the provider's own limit of 15 s (TESTBED 2.1): nobody waits in silence for a database.
"""

_THREADS = 40
_KEEPERS = 8
"""Threads that keep requests; apart from the others, which may all be waiting for the database."""

T = TypeVar("T")


def build_webhooks(context: TelephonyContext) -> APIRouter:
    """Every telephone route, checked against the provider's signature."""
    caller = CallerFlow(context)
    alerts = AlertFlow(context, caller.documents)
    boundary = _Boundary(context)
    router = APIRouter(prefix="/telephony", include_in_schema=False)

    def route(path: str, kind: str, answer: Callable[..., str], broken: Callable[[], str]) -> None:
        async def endpoint(request: Request) -> Response:
            return await boundary.answer(request, kind, answer, broken)

        router.add_api_route(path, endpoint, methods=["POST"], name=kind)

    fallback = caller.documents.fallback
    route("/voice", "voice", caller.ring, fallback)
    route("/voice/status", "voice_status", caller.status, _nothing)
    route("/voice/menu", "menu", caller.menu, fallback)
    route("/voice/after", "after_room", caller.after_room, fallback)
    route("/voice/release", "release", caller.release, caller.release_words)
    route("/rooms/{incident_id}/wait", "wait", caller.wait, caller.wait_words)
    route("/rooms/{incident_id}/events", "room_event", caller.room_event, _nothing)
    route("/rooms/{incident_id}/recording", "recording", caller.recording, _nothing)
    route("/sms", "sms", caller.text, _nothing)
    route("/deliveries/{delivery_id}/answer", "answer", alerts.answer, fallback)
    route("/deliveries/{delivery_id}/key", "key", alerts.key, fallback)
    route("/deliveries/{delivery_id}/minutes", "minutes", alerts.minutes, fallback)
    route("/deliveries/{delivery_id}/{channel}/status", "delivery_status", alerts.status, _nothing)
    return router


class _Boundary:
    """Carries out one webhook after another; nothing that breaks inside goes through to the caller."""

    def __init__(self, context: TelephonyContext) -> None:
        self._context = context
        self._workers = CapacityLimiter(_THREADS)
        self._keepers = CapacityLimiter(_KEEPERS)

    async def answer(
        self, request: Request, kind: str, answer: Callable[..., str], broken: Callable[[], str]
    ) -> Response:
        """Check, carry out, and only then reply."""
        context, path = self._context, str(request.scope["path"])
        arrived_at = context.services.clock.now()
        try:
            form = await signed_form(
                request, public_url=context.addresses.public_url, auth_tokens=context.auth_tokens
            )
        except ForgedError as error:
            context.services.metrics.webhook_refused(error.reason)
            log.warning("webhook.refused", kind=kind, reason=error.reason)
            return Response(status_code=403)
        try:
            document = await self._in_time(partial(answer, form, arrived_at, **request.path_params))
        except MalformedError as error:
            log.warning("webhook.malformed", kind=kind, missing=error.field)
            kept = await self._keep_malformed(kind, path, form, arrived_at)
        except TimeoutError:
            log.critical("webhook.too_slow", kind=kind, limit_s=ANSWER_WITHIN_S)
            kept = await self._keep(kind, path, form, arrived_at)
        except Exception:
            log.exception("webhook.failed", kind=kind)
            kept = await self._keep(kind, path, form, arrived_at)
        else:
            return Response(document, media_type="application/xml")
        if kind == "sms" and not kept:
            # Nobody hears this: better that the provider knows that its text is lost with us.
            return Response(status_code=503)
        return Response(broken(), media_type="application/xml")

    async def _in_time(self, work: Callable[[], T]) -> T:
        """What *work* returns in a thread.

        Raises:
            TimeoutError: it takes too long; the thread is left to itself.
        """
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._workers)

    async def _keep_malformed(self, kind: str, path: str, form: Form, at: datetime) -> bool:
        """Keep what can never be applied, for a person to look at."""
        try:
            await self._in_time(partial(_store, self._context, "malformed", path, form))
        except Exception:
            log.exception("webhook.malformed_not_stored", kind=kind)
            return await self._keep("malformed", path, form, at)
        return True

    async def _keep(self, kind: str, path: str, form: Form, at: datetime) -> bool:
        """Keep what the database could not take, to be applied when it is back."""
        keep = partial(self._context.journal.keep, kind=kind, path=path, form=form, at=at)
        try:
            await to_thread.run_sync(keep, limiter=self._keepers)
        except OSError:
            # The disk is gone as well: the log line is all that is left, and the caller still gets a person.
            log.exception("webhook.not_kept", kind=kind)
            return False
        return True


def apply_kept(context: TelephonyContext) -> Apply:
    """How a request that waited in the journal is carried out; nobody is there any more to be answered."""
    caller = CallerFlow(context)
    flows = {"voice": caller.ring, "voice_status": caller.status, "menu": caller.menu, "sms": caller.text}

    def apply(kind: str, path: str, form: Mapping[str, str], at: datetime) -> None:
        flow = flows.get(kind)
        try:
            if flow is not None:
                flow(form, at)
            else:
                _store(context, kind, path, form)
        except Exception as error:
            if _is_database_away(error):
                raise
            log.exception("journal.laid_aside", kind=kind)
            raise NeverApplicableError(kind) from error

    return apply


def _is_database_away(error: Exception) -> bool:
    """Whether *error* is the database's, and not about what was asked of it."""
    about_the_request = (DataError, IntegrityError, ProgrammingError)
    return isinstance(error, PoolTimeoutError | DBAPIError) and not isinstance(error, about_the_request)


def _store(context: TelephonyContext, kind: str, path: str, form: Form) -> None:
    """Keep a raw request in the inbox, under a key of its own."""
    with context.services.uow.write() as session:
        key = f"{kind}:{context.services.ids.new_id()}"
        intake.keep_inbox(session, context.services, key, kind, {"path": path, **form})


def _nothing() -> str:
    return text_reply(None)
