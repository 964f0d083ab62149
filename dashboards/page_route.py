"""The route class of every page: keeps a chosen language, and answers what goes wrong with a calm page."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as BusyTooLongError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboards.i18n import language_of, msgid
from dashboards.page_errors import (
    FormInvalidError,
    FormRefusedError,
    LoginNeededError,
    NotAllowedError,
    PageError,
    PageNotFoundError,
)
from dashboards.visits import LANGUAGE_COOKIE, SCOPE_KEY, open_visit, open_visit_unknown
from models.session import was_held_up

Answer = Callable[[Request], Coroutine[Any, Any, Response]]

LANGUAGE_LIFE_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """A page that says what went wrong, and what to do now."""

    title: str
    advice: str
    code: int
    how: str = ""


FORBIDDEN = ErrorPage(
    code=403,
    title=msgid("This is not for your role"),
    advice=msgid("You are logged in, but this page or step belongs to somebody else’s work."),
)
NOT_FOUND = ErrorPage(
    code=404,
    title=msgid("There is nothing here"),
    advice=msgid("The address may be mistyped, or what stood here is gone."),
)
FORM_REFUSED = ErrorPage(
    code=403,
    title=msgid("This form was not accepted"),
    advice=msgid(
        "It was opened before your present log-in. Nothing was changed: go back, reload and send it again."
    ),
)
FORM_INVALID = ErrorPage(
    code=422,
    title=msgid("A field was not understood"),
    advice=msgid("Nothing was changed. Go back, look at what you entered and send it again."),
)
BUSY = ErrorPage(
    code=503,
    title=msgid("The board is busy"),
    advice=msgid(
        "Too many pages are opened at once, and calls come first. Nothing was changed: try again in a moment."
    ),
)
RETRY_AFTER_S = 3

WRITTEN: Mapping[str, str] = {
    "period": msgid("Period: written 2026-10, 2026-Q4 or 2026."),
    "compare": msgid("Period: written 2026-10, 2026-Q4 or 2026."),
    "format": msgid("Format: one of pdf, xlsx, html, csv and json; not every report comes in each."),
    "from": msgid("Date: written 2026-11-23 (year, month, day)."),
    "to": msgid("Date: written 2026-11-23 (year, month, day)."),
    "due_on": msgid("Date: written 2026-11-23 (year, month, day)."),
    "local_time": msgid("Time: written 2026-11-23T14:05 (year, month, day, hour, minute)."),
}
"""How a field is written; said instead of a general word where somebody may have typed it into an address."""


class PageRoute(APIRoute):
    """Wraps each page."""

    def get_route_handler(self) -> Answer:
        """FastAPI's hook: the handler with our answers around it."""
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await inner(request)
            except (PageError, RequestValidationError) as error:
                response = await run_in_threadpool(refusal, request, error)
            except (BusyTooLongError, DBAPIError) as error:
                if isinstance(error, DBAPIError) and not was_held_up(error):
                    raise
                response = await run_in_threadpool(busy, request)
            except HTTPException as error:
                # A body that cannot be read at all is refused before the site is known: the framework
                # answers.
                if error.status_code >= 500 or SCOPE_KEY not in request.scope:
                    raise
                response = await run_in_threadpool(refusal, request, FormInvalidError("body"))
            _remember_language(request, response)
            return response

        return answer


def refusal(request: Request, error: Exception) -> Response:
    """What a person sees instead of the page."""
    if isinstance(error, LoginNeededError):
        return _ask_to_log_in(request)
    page = FORM_INVALID
    if isinstance(error, FormInvalidError):
        page = replace(page, how=WRITTEN.get(error.field, ""))
    if isinstance(error, NotAllowedError):
        page = FORBIDDEN
    elif isinstance(error, FormRefusedError):
        page = FORM_REFUSED
    elif isinstance(error, PageNotFoundError):
        page = NOT_FOUND
    return open_visit(request).html("error.html", page, status=page.code)


def busy(request: Request) -> Response:
    """The same without asking the database who it is."""
    response = open_visit_unknown(request).html("error.html", BUSY, status=BUSY.code)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _ask_to_log_in(request: Request) -> Response:
    if request.headers.get("x-live") or request.method not in ("GET", "HEAD"):
        # A script that refreshes a fragment must not get the log-in page in its place.
        if request.headers.get("x-live"):
            return Response(status_code=401, headers={"Cache-Control": "no-store"})
        return RedirectResponse("/login", status_code=303, headers={"Cache-Control": "no-store"})
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = quote(request.url.path + query, safe="/")
    return RedirectResponse(f"/login?next={wanted}", status_code=303, headers={"Cache-Control": "no-store"})


def _remember_language(request: Request, response: Response) -> None:
    language = language_of(request.query_params.get("lang"))
    if language is not None:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=LANGUAGE_LIFE_S, path="/", samesite="lax")
