"""Whoever is shown somebody's number, place or words leaves a line first; a refreshing page one an hour."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlencode

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select, text
from starlette.routing import BaseRoute

from dashboards.api.context import ApiContext
from dashboards.api.router import build_api
from dashboards.reports.sources import Sources
from dispatch.domain.vocabulary import UserRole
from models.record import Audit
from models.unit_of_work import UnitOfWork
from tests.api_world import CALLER as PROGRAM_CALLER
from tests.api_world import NOON, World, past_call, world
from tests.web.sample_site import TOKEN, SampleSite
from tests.web.visitor import Visitor

NUMBER = "KWK-2026-000101"
PERSONAL = (
    "8110000201",
    "0811-0000-201",
    "8110000001",
    "banjir",
    "alert(1)",
    "rumah cat biru",
)
"""Of the sample night: numbers of callers and workers, what was said, a place in words. Names of staff are no
secret, nor are villages: every report counts by them."""

PAGES: Mapping[str, tuple[str, str] | None] = {
    "/board": ("board.read", "board"),
    "/board/live": ("board.read", "board"),
    "/incidents": ("log.read", "incidents"),
    "/incidents/{number}": ("incident.read", NUMBER),
    "/roster": ("staff.read", "roster"),
    "/reports/incidents": ("log.read", "report 2026-11"),
    "/reports/calls": ("calls.read", "report 2026-11"),
    "/w/{token}": ("worker_page.read", NUMBER),
    "/w/{token}/live": ("worker_page.read", NUMBER),
    "/complaints/{number}": ("complaint.read", "P-2026-0001"),
    "/survey/suggestions": ("survey_suggestions.read", "2026-11"),
    "/": None,
    "/login": None,
    "/reports": None,
    "/reports/file": None,
    "/verification": None,
    "/evidence": None,
    "/survey": None,
    "/survey/follow-up": None,
    "/survey/form": None,
    "/survey/paper": None,
    "/complaints": None,
    # The caller's own page: it shows nothing but the questions.
    "/s/{token}": None,
    "/static/{served_as}": None,
}
"""Every page and the line it leaves; None where it shows nothing personal."""

UNFILLED = ("/complaints/{number}", "/survey/suggestions", "/s/{token}", "/static/{served_as}")
"""Nothing of the sample night stands there; their own tests look at the line."""

ASKED = {
    "/reports/file": {"period": "2026-11", "format": "html"},
    "/reports/incidents": {"period": "2026-11"},
    "/reports/calls": {"period": "2026-11"},
}

API: Mapping[str, tuple[str, str] | None] = {
    "/incidents": ("log.read", "incidents"),
    "/incidents/{incident}": ("incident.read", "KWK-2026-000100"),
    "/calls": ("calls.read", "calls"),
    "/staff": ("staff.read", "staff"),
    "/exports/incidents": ("incidents.exported", "json"),
    "/incidents/{incident}/events": None,
    "/roster": None,
    "/places": None,
    "/response-times": None,
    "/reports": None,
    "/evidence": None,
}

OF_ITS_OWN = "/evidence"
"""Which roles get it is told in ``test_api_evidence``; its line is left by the command that makes it."""


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(sqlite_database_url)
    sample.fill()
    yield sample
    sample.close()


@pytest.fixture
def here(sqlite_database_url: str) -> Iterator[World]:
    with world(sqlite_database_url) as made:
        made.opens(caller_number=PROGRAM_CALLER)
        made.writes(past_call(made, NOON, "prank"))
        yield made


def readers(site: SampleSite) -> dict[str, Visitor]:
    found = {}
    for role in ("dispatcher", "auditor"):
        found[role] = Visitor(site.app)
        found[role].logs_in(role)
    return found


def lines(uow: UnitOfWork) -> list[tuple[str, str, str, object]]:
    """Who looked at what, and whether numbers were masked; not that the tests were let in."""
    with uow.read() as session:
        rows = session.scalars(select(Audit).order_by(Audit.id)).all()
        return [
            (row.actor, row.action, row.subject, row.data.get("masked"))
            for row in rows
            if not row.action.startswith(("log", "token")) or row.action == "log.read"
        ]


def gets(routes: Iterable[BaseRoute]) -> Iterator[str]:
    """The paths that can be read, those of routers within routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield from [route.path] if "GET" in (route.methods or ()) else []
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from gets(router.routes)


def test_every_page_is_in_the_table(site: SampleSite) -> None:
    """Whoever adds one says which line it leaves, or that it shows nothing personal."""
    assert set(gets(site.app.routes)) == set(PAGES)


def test_every_address_of_the_api_is_in_the_table(here: World) -> None:
    context = ApiContext(
        services=here.services, sources=Sources(facility=here.facility), make_pack=here.packs.make
    )
    api = build_api(context)
    assert set(gets(api.routes)) == set(API)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in UNFILLED])
def test_a_page_that_shows_something_personal_has_left_its_line(site: SampleSite, page: str) -> None:
    address = page.replace("{number}", NUMBER).replace("{token}", TOKEN)
    if page in ASKED:
        address += "?" + urlencode(ASKED[page])
    for role, visitor in readers(site).items():
        shown = visitor.opens(address)
        assert shown.status_code in (200, 303, 403), shown.text
        expected = PAGES[page]
        actor = "staff:N01" if page.startswith("/w/") else f"user:{role}"
        left = [(action, subject) for who, action, subject, _ in lines(site.uow) if who == actor]
        if any(word in shown.text for word in PERSONAL):
            assert expected is not None, "it shows something personal"
            assert expected in left
        elif expected is None:
            assert left == []


@pytest.mark.parametrize("address", [address for address in API if address != OF_ITS_OWN])
@pytest.mark.parametrize("role", [UserRole.DISPATCHER, UserRole.AUDITOR])
def test_a_program_that_reads_something_personal_has_left_its_line(
    here: World, address: str, role: UserRole
) -> None:
    asked = {"period": "2026-11"} if address == "/reports" else None
    answer = here.get(address.replace("{incident}", "KWK-2026-000100"), asked, role=role)
    assert answer.status_code == 200
    left = [
        (action, subject)
        for who, action, subject, _ in lines(here.services.uow)
        if who == f"token:{role} test"
    ]
    in_full = PROGRAM_CALLER in answer.text or "+628110000001" in answer.text
    expected = API[address]
    if in_full:
        assert role is UserRole.DISPATCHER
        assert left == [expected]
    elif expected is None:
        assert left == []


def test_opening_and_acting_through_the_api_are_looks_too(here: World) -> None:
    opened = here.post("/incidents", {"caller_number": PROGRAM_CALLER}).json()
    here.post(f"/incidents/{opened['id']}/actions", {"action": "note", "text": "x"})
    assert lines(here.services.uow) == [("token:dispatcher test", "incident.read", "KWK-2026-000101", False)]


def test_a_board_that_refreshes_itself_leaves_one_line_an_hour(site: SampleSite) -> None:
    visitor = readers(site)["dispatcher"]
    visitor.opens("/board")
    for _ in range(5):
        site.clock.advance(600)
        visitor.opens("/board/live")
    assert lines(site.uow) == [("user:dispatcher", "board.read", "board", False)]
    site.clock.advance(601)
    visitor.opens("/board/live")
    assert len(lines(site.uow)) == 2
    site.clock.advance(-1800)
    visitor.opens("/board/live")
    assert len(lines(site.uow)) == 3, "a clock that was set back silences nothing"


def test_each_time_that_a_person_opens_an_incident_is_a_line(
    site: SampleSite,
) -> None:
    both = readers(site)
    for visitor in both.values():
        visitor.opens(f"/incidents/{NUMBER}")
        visitor.opens(f"/incidents/{NUMBER}")
        visitor.opens("/incidents/KWK-2026-000102")
    assert lines(site.uow) == [
        (f"user:{role}", "incident.read", number, masked)
        for role, masked in (("dispatcher", False), ("auditor", True))
        for number in (NUMBER, NUMBER, "KWK-2026-000102")
    ]


def test_the_number_that_comes_with_accepting_is_noted_even_if_only_the_fragment_shows_it(
    site: SampleSite,
) -> None:
    visitor = Visitor(site.app)
    visitor.opens(f"/w/{TOKEN}")
    with site.uow.write() as session:
        session.execute(text("UPDATE assignment SET status = 'accepted' WHERE id = 'incident-101:N01'"))
    assert "0811-0000-201" in visitor.opens(f"/w/{TOKEN}/live").text
    assert lines(site.uow) == [
        ("staff:N01", "worker_page.read", NUMBER, True),
        ("staff:N01", "caller_number.read", NUMBER, False),
    ]


def test_a_program_that_asks_again_and_again_leaves_one_line_an_hour(here: World) -> None:
    for _ in range(3):
        here.get("/incidents", role=UserRole.DISPATCHER)
    assert lines(here.services.uow) == [("token:dispatcher test", "log.read", "incidents", False)]


def test_a_database_that_takes_no_line_keeps_the_board_from_nobody(site: SampleSite) -> None:
    """Somebody waits for help; the log of an incident that is over waits."""
    visitor = readers(site)["dispatcher"]
    with site.uow.write():
        assert visitor.opens("/board").status_code == 200
        refused = visitor.opens("/incidents/KWK-2026-000100")
        assert (refused.status_code, "KWK-2026-000100" in refused.text) == (503, False)
