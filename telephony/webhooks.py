"""The provider's webhooks: the three public ones, and those that the program itself hands out.

Every route checks the signature first. What fails after that, or takes too long, never reaches the caller as
an error: the raw request is kept and the caller is connected to a person by the fallback document. Commands
run in threads, so that the loop stays free to answer the next call; those that open incidents in threads of
their own, so that a crowd which waits for one lock leaves the others their threads and connections.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import TypeVar

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import TimeoutError as BusyTooLongError
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from dispatch.service import inbox
from models.repeating import once_more, repeated
from models.session import is_database_away, was_held_up
from telephony.alert_flow import AlertFlow
from telephony.caller_flow import CallerFlow
from telephony.context import TelephonyContext
from telephony.documents import text_reply
from telephony.forms import Form, MalformedError
from telephony.journal import Apply, NeverApplicableError
from telephony.signatures import ForgedError, signed_form
from telephony.survey_flow import SurveyFlow
from telephony.threads import Threads

log = structlog.get_logger(__name__)

WEBHOOKS = "/telephony/"
"""All of them, and nothing else, are found below this address."""

ANSWER_WITHIN_S = 1.5
"""For the work behind an answer; then the caller gets a person, while the work may still come to its end.

Far below the provider's own limit of 15 s (TESTBED 2.1): nobody waits in silence for a database.
"""

KEEP_WITHIN_S = 0.4
"""For keeping a request that could not be carried out; a disk that hangs must not make a caller wait."""

THREADS = {"voice": 8, "sms": 4, "delivery_status": 4}
"""For the kinds that open incidents, which queue for the next number of one: more would only wait. And for
what nobody listens to: all callbacks of one incident wait when it is held, and no caller waits behind them.
"""

OTHER_THREADS = 8
"""For all other kinds together."""

_KEEPERS = 24
"""Threads that keep requests; apart from the others, which may all be waiting for the database.

Most of them wait for a flush that they share (``Journal``), so a crowd needs many and is no load.
"""

_KEEPING_THEMSELVES = frozenset({"voice", "sms"})
"""Whose requests stand in the inbox by what they set going; of the others a copy is put there."""

T = TypeVar("T")


def build_webhooks(context: TelephonyContext) -> "Webhooks":
    """Every telephone route, checked against the provider's signature."""
    # What the provider may send twice may be carried out twice.
    routes = [replace(route, answer=repeated(route.answer)) for route in _routes(context)]
    return Webhooks(_Boundary(context), routes)


@dataclass(frozen=True, slots=True)
class _Route:
    """One address: who answers, what is said when that fails, and whether the request must not be lost.

    What only asks for words (``is_kept`` false) is not carried out later: nobody is there to hear them.
    """

    path: str
    kind: str
    answer: Callable[..., str]
    broken: Callable[[], str]
    is_kept: bool = True

    def parameters(self, path: str) -> dict[str, str] | None:
        """What stands in *path* in place of the names in braces; None when it is another address."""
        found = _pattern(self.path).fullmatch(path)
        return None if found is None else found.groupdict()


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))


def _routes(context: TelephonyContext) -> list[_Route]:
    caller = CallerFlow(context)
    alerts = AlertFlow(context, caller.documents)
    survey = SurveyFlow(context, caller.documents)
    fallback = caller.fallback
    voice, rooms, ours, asked = (
        "/telephony/voice",
        "/telephony/rooms/{incident_id}",
        "/telephony/deliveries/{delivery_id}",
        "/telephony/surveys/{delivery_id}",
    )
    return [
        _Route(voice, "voice", caller.ring, fallback),
        _Route(f"{voice}/status", "voice_status", caller.status, _nothing),
        _Route(f"{voice}/menu", "menu", caller.menu, fallback),
        _Route(f"{voice}/after", "after_room", caller.after_room, fallback, is_kept=False),
        _Route(f"{voice}/release", "release", caller.release, caller.release_words, is_kept=False),
        _Route(f"{rooms}/wait", "wait", caller.wait, caller.wait_words, is_kept=False),
        _Route(f"{rooms}/hold", "hold", alerts.hold, alerts.hold_words, is_kept=False),
        _Route(f"{rooms}/events", "room_event", caller.room_event, _nothing),
        _Route(f"{rooms}/recording", "recording", caller.recording, _nothing),
        _Route("/telephony/sms", "sms", caller.text, _nothing),
        _Route(f"{ours}/answer", "answer", alerts.answer, fallback),
        _Route(f"{ours}/key", "key", alerts.key, alerts.trouble),
        _Route(f"{ours}/minutes", "minutes", alerts.minutes, alerts.trouble),
        # Whoever is asked a question has no emergency: nobody on duty is rung when that fails.
        _Route(f"{asked}/answer", "survey_answer", survey.answer, survey.trouble, is_kept=False),
        _Route(f"{asked}/{{step}}/{{turn}}", "survey_key", survey.key, survey.trouble),
        _Route(f"{ours}/{{channel}}/status", "delivery_status", alerts.status, _nothing),
    ]


class Webhooks:
    """All addresses as one ASGI application: nothing is made for a request that its answer does not need."""

    def __init__(self, boundary: "_Boundary", routes: Sequence[_Route]) -> None:
        """Let *boundary* carry out what comes to *routes*."""
        self.routes = tuple(routes)
        self._boundary = boundary
        self._by_path = {route.path: route for route in routes if "{" not in route.path}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        route, parameters = self._find(scope["path"])
        if route is None:
            return PlainTextResponse("Not Found", 404)
        if scope["method"] != "POST":
            return PlainTextResponse("Method Not Allowed", 405, {"Allow": "POST"})
        return await self._boundary.answer(scope, receive, route, parameters)

    def _find(self, path: str) -> tuple[_Route | None, dict[str, str]]:
        route = self._by_path.get(path)
        if route is not None:
            return route, {}
        found = ((route, route.parameters(path)) for route in self.routes)
        return next(((route, known) for route, known in found if known is not None), (None, {}))


class _Boundary:
    """Carries out one webhook after another; nothing that breaks inside goes through to the caller."""

    def __init__(self, context: TelephonyContext) -> None:
        self._context = context
        self._threads = {kind: Threads(kind, number) for kind, number in THREADS.items()}
        self._others = Threads("webhook", OTHER_THREADS)
        self._keepers = CapacityLimiter(_KEEPERS)

    async def answer(
        self, scope: Scope, receive: Receive, route: _Route, parameters: Mapping[str, str]
    ) -> Response:
        """Check, carry out, and only then reply; the engine gives way to many who wait."""
        with self._context.services.callers:
            return await self._answer(scope, receive, route, parameters)

    async def _answer(
        self, scope: Scope, receive: Receive, route: _Route, parameters: Mapping[str, str]
    ) -> Response:
        kind = route.kind
        commits = self._context.services.uow.commits
        context, path = self._context, str(scope["path"])
        arrived_at = context.services.clock.now()
        try:
            form = await signed_form(
                scope, receive, public_url=context.addresses.public_url, auth_tokens=context.auth_tokens
            )
        except ForgedError as error:
            context.services.metrics.webhook_refused(error.reason)
            log.warning("webhook.refused", kind=kind, reason=error.reason)
            return Response(status_code=403)
        try:
            command = partial(route.answer, form, arrived_at, **parameters)
            document = await self._in_time(partial(once_more, command), kind)
        except MalformedError as error:
            log.warning("webhook.malformed", kind=kind, missing=error.field)
            kept = await self._keep_malformed(kind, path, form, arrived_at)
        except TimeoutError:
            log.critical("webhook.too_slow", kind=kind, limit_s=ANSWER_WITHIN_S)
            away = context.services.uow.commits == commits
            kept = not route.is_kept or await self._keep(kind, path, form, arrived_at, without_database=away)
        except Exception as error:
            log.exception("webhook.failed", kind=kind)
            away = is_database_away(error) and not self._only_waited(error, commits)
            kept = not route.is_kept or await self._keep(kind, path, form, arrived_at, without_database=away)
        else:
            return Response(document, media_type="application/xml")
        if kind == "sms" and not kept:
            # Nobody hears this: better that the provider knows that its text is lost with us.
            return Response(status_code=503)
        return Response(route.broken(), media_type="application/xml")

    async def _in_time(self, work: Callable[[], T], kind: str) -> T:
        """What *work* returns in a thread of its *kind*.

        Raises:
            TimeoutError: it takes too long.
        """
        return await self._threads.get(kind, self._others).run(work, within_s=ANSWER_WITHIN_S)

    def _only_waited(self, error: Exception, commits: int) -> bool:
        """Whether others got their turn meanwhile (*commits* is from before): a crowd is no outage."""
        only_waited = isinstance(error, BusyTooLongError) or was_held_up(error)
        return only_waited and self._context.services.uow.commits != commits

    async def _keep_malformed(self, kind: str, path: str, form: Form, at: datetime) -> bool:
        """Keep what can never be applied, for a person to look at."""
        try:
            await self._in_time(partial(_store, self._context, "malformed", path, form, at), "malformed")
        except Exception:
            log.exception("webhook.malformed_not_stored", kind=kind)
            return await self._keep("malformed", path, form, at)
        return True

    async def _keep(
        self, kind: str, path: str, form: Form, at: datetime, *, without_database: bool = False
    ) -> bool:
        """Keep what the database could not take, to be applied when it is back; whether that is certain."""
        keep = partial(
            self._context.journal.keep,
            kind=kind,
            path=path,
            form=form,
            at=at,
            without_database=without_database,
        )
        try:
            async with asyncio.timeout(KEEP_WITHIN_S):
                await to_thread.run_sync(keep, abandon_on_cancel=True, limiter=self._keepers)
        except TimeoutError:
            log.critical("webhook.kept_too_slowly", kind=kind, limit_s=KEEP_WITHIN_S)
        except (OSError, RuntimeError) as error:
            # The disk is gone as well, or no thread can be started. The caller still gets a person, and the
            # provider's own log is read later (ADR 0017); until then this line and the metric are all that
            # is known of it.
            log.critical("webhook.not_kept", kind=kind, reason=getattr(error, "strerror", str(error)))
        else:
            return True
        self._context.services.metrics.journal_failed()
        return False


def apply_kept(context: TelephonyContext) -> Apply:
    """How a request that waited in the journal is carried out; nobody is there any more to be answered."""
    routes = {route.kind: route for route in _routes(context) if route.is_kept}

    def apply(kind: str, path: str, form: Mapping[str, str], at: datetime) -> None:
        route = routes.get(kind)
        copied = kind not in _KEEPING_THEMSELVES
        if copied and _is_stored(context, kind, path, form, at):
            # Carried out before a crash that left its line in the journal.
            return
        try:
            if route is not None:
                route.answer(form, at, **(route.parameters(path) or {}))
        except Exception as error:
            if is_database_away(error):
                raise
            log.exception("journal.laid_aside", kind=kind)
            if copied:
                _store(context, kind, path, form, at)
            raise NeverApplicableError(kind) from error
        if copied:
            _store(context, kind, path, form, at)

    return apply


def _store(context: TelephonyContext, kind: str, path: str, form: Form, at: datetime) -> None:
    """Keep a raw request in the inbox, once."""
    with context.services.uow.write() as session:
        key = _key(kind, path, form, at)
        inbox.keep(session, context.services, key, kind, {"path": path, **form})


def _is_stored(context: TelephonyContext, kind: str, path: str, form: Form, at: datetime) -> bool:
    with context.services.uow.read() as session:
        return inbox.is_kept(session, context.services, _key(kind, path, form, at))


def _key(kind: str, path: str, form: Form, at: datetime) -> str:
    """The same for the same request however often it is applied; one that was sent twice is two."""
    whole = json.dumps([path, at.isoformat(), sorted(form.items())])
    return f"{kind}:{hashlib.sha256(whole.encode()).hexdigest()}"


def _nothing() -> str:
    return text_reply(None)
