"""The provider's webhooks: the three public ones, and those that the program itself hands out.

Every route checks the signature first. What fails after that never reaches the caller as an error: the
raw request is kept and the caller is connected to a person by the fallback document. Commands run in a
pool of threads, so that the loop stays free to answer the next call.
"""

from collections.abc import Callable
from datetime import datetime

import structlog
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from dispatch.service import intake
from telephony.alert_flow import AlertFlow
from telephony.caller_flow import CallerFlow
from telephony.context import TelephonyContext
from telephony.documents import text_reply
from telephony.forms import Form, MalformedError
from telephony.signatures import ForgedError, signed_form

log = structlog.get_logger(__name__)


def build_webhooks(context: TelephonyContext) -> APIRouter:
    """Every telephone route, checked against the provider's signature."""
    caller = CallerFlow(context)
    alerts = AlertFlow(context, caller.documents)
    router = APIRouter(prefix="/telephony", include_in_schema=False)

    def route(path: str, kind: str, answer: Callable[..., str], broken: Callable[[], str]) -> None:
        async def endpoint(request: Request) -> Response:
            return await _answer(context, request, kind, answer, broken)

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


async def _answer(
    context: TelephonyContext,
    request: Request,
    kind: str,
    answer: Callable[..., str],
    broken: Callable[[], str],
) -> Response:
    """Check, carry out, and only then reply; whatever breaks in between reaches a person."""
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
        document = await run_in_threadpool(answer, form, arrived_at, **request.path_params)
    except Exception as error:
        if isinstance(error, MalformedError):
            log.warning("webhook.malformed", kind=kind, missing=error.field)
        else:
            log.exception("webhook.failed", kind=kind)
        keep = _keep_malformed if isinstance(error, MalformedError) else _keep_for_later
        await run_in_threadpool(keep, context, kind, request.url.path, form, arrived_at)
        document = broken()
    return Response(document, media_type="application/xml")


def _keep_malformed(context: TelephonyContext, kind: str, path: str, form: Form, at: datetime) -> None:
    """Keep what can never be applied, for a person to look at."""
    try:
        with context.services.uow.write() as session:
            key = f"malformed:{context.services.ids.new_id()}"
            intake.keep_inbox(session, context.services, key, "malformed", {"path": path, **form})
    except Exception:
        log.exception("webhook.malformed_not_stored", kind=kind)
        _keep_for_later(context, "malformed", path, form, at)


def _keep_for_later(context: TelephonyContext, kind: str, path: str, form: Form, at: datetime) -> None:
    """Keep what the database could not take, to be applied when it is back."""
    try:
        context.journal.keep(kind=kind, path=path, form=form, at=at)
    except OSError:
        # The disk is gone as well: the log line is all that is left, and the caller still gets a person.
        log.exception("webhook.not_kept", kind=kind)


def _nothing() -> str:
    return text_reply(None)
