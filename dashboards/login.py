"""``/login``, ``/logout`` and ``/``, which sends each role to its place."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from dashboards.csrf import comes_from_elsewhere
from dashboards.page_errors import FormRefusedError, LoginNeededError
from dashboards.page_route import PageRoute
from dashboards.visits import AnyVisit, Visit, our_form
from dispatch.domain.vocabulary import UserRole

router = APIRouter(route_class=PageRoute, include_in_schema=False)

HOME = {
    UserRole.ADMIN: "/board",
    UserRole.DISPATCHER: "/board",
    UserRole.MANAGER: "/incidents",
    UserRole.AUDITOR: "/incidents",
    UserRole.WORKER: "/roster",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPage:
    """The log-in form; ``failed`` after an attempt that was refused."""

    username: str
    next_address: str
    failed: bool


@router.get("/")
def home(visit: AnyVisit) -> Response:
    """Send each role to its place."""
    if visit.user is None:
        raise LoginNeededError
    return _to(HOME[visit.user.role])


@router.get("/login")
def show_login(visit: AnyVisit, next: str = "") -> Response:  # noqa: A002 - the name stands in the address
    """The form; whoever is logged in already goes on."""
    if visit.user is not None:
        return _to(safe_address(next) or HOME[visit.user.role])
    return visit.html("login.html", LoginPage(username="", next_address=safe_address(next), failed=False))


@router.post("/login")
def log_in(
    visit: AnyVisit,
    username: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",  # noqa: A002 - the name stands in the form
) -> Response:
    """Check the password; one answer for every kind of refusal."""
    if comes_from_elsewhere(visit.request, visit.ctx.public_url):
        raise FormRefusedError
    client = visit.request.client
    user = visit.site.auth.log_in(username, password, address="" if client is None else client.host)
    if user is None:
        page = LoginPage(username=username[:64], next_address=safe_address(next), failed=True)
        return visit.html("login.html", page, status=401)
    response = _to(safe_address(next) or HOME[user.role])
    visit.site.auth.cookies.put(response, user.session)
    return response


@router.post("/logout")
def log_out(visit: Annotated[Visit, Depends(our_form())]) -> Response:
    """End the session, on this and on every other device of this user."""
    visit.site.auth.log_out(visit.signed_in)
    response = _to("/login")
    visit.site.auth.cookies.clear(response)
    return response


def safe_address(wanted: str) -> str:
    """An address of our own pages, or an empty text: nobody is sent to another site after logging in."""
    parts = urlsplit(wanted)
    ours = (
        wanted.startswith("/")
        and not wanted.startswith(("//", "/\\"))
        and not parts.scheme
        and not parts.netloc
    )
    return wanted if ours and wanted.isprintable() and "\\" not in wanted else ""


def _to(address: str) -> Response:
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})
