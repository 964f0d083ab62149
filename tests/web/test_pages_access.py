"""Who gets in, who does not, and what stays behind in the audit trail."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select

from config.accounts import Accounts
from dashboards.sessions import COOKIE
from models.access import User
from models.record import Audit
from tests.web.sample_site import PASSWORD, SampleSite
from tests.web.visitor import Visitor

PAGES = (
    "/",
    "/board",
    "/board/live",
    "/incidents",
    "/incidents/KWK-2026-000101",
    "/roster",
    "/reports",
    "/evidence",
    "/complaints",
    "/survey",
    "/survey/suggestions",
    "/survey/form",
    "/survey/paper",
    "/survey/follow-up",
)


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(sqlite_database_url)
    sample.fill()
    yield sample
    sample.close()


@pytest.fixture
def visitor(site: SampleSite) -> Visitor:
    return Visitor(site.app)


def audit_lines(site: SampleSite) -> list[tuple[str, str, str]]:
    with site.uow.read() as db:
        return [(row.actor, row.action, row.subject) for row in db.scalars(select(Audit).order_by(Audit.id))]


def user(site: SampleSite, name: str) -> User:
    with site.uow.read() as db:
        found = db.scalar(select(User).where(User.username == name))
    assert found is not None
    return found


@pytest.mark.parametrize("page", PAGES)
def test_strangers_are_asked_to_log_in_and_brought_back(visitor: Visitor, page: str) -> None:
    response = visitor.opens(page)

    assert response.status_code == 303
    assert response.headers["location"] == f"/login?next={page}"


def test_a_refreshing_script_is_told_and_not_redirected(visitor: Visitor) -> None:
    assert visitor.opens("/board/live", {"X-Live": "1"}).status_code == 401


@pytest.mark.parametrize(
    ("role", "place"),
    [
        ("admin", "/board"),
        ("dispatcher", "/board"),
        ("manager", "/incidents"),
        ("auditor", "/incidents"),
        ("worker", "/roster"),
    ],
)
def test_each_role_is_sent_to_its_place(visitor: Visitor, role: str, place: str) -> None:
    assert visitor.logs_in(role).headers["location"] == place
    assert visitor.opens("/").headers["location"] == place
    assert visitor.opens(place).status_code == 200


def test_the_session_cookie_is_kept_from_scripts(visitor: Visitor) -> None:
    cookie = visitor.logs_in("admin").headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=43200" in cookie
    assert "secure" not in cookie


def test_over_https_the_cookie_is_secure(sqlite_database_url: str) -> None:
    site = SampleSite(sqlite_database_url, public_url="https://siaga.example")
    try:
        assert "secure" in Visitor(site.app).logs_in("admin").headers["set-cookie"].lower()
    finally:
        site.close()


@pytest.mark.parametrize(
    "name", ["dispatcher", "nobody-like-this", "' OR 1=1 --", "", "dispatcher\x00x", "é" * 500]
)
def test_a_refusal_does_not_tell_which_names_exist(visitor: Visitor, name: str) -> None:
    response = visitor.logs_in(name, "salah")

    assert response.status_code == 401
    assert "Nama atau kata sandi salah." in response.text
    assert COOKIE not in visitor.cookies


def test_an_inactive_user_stays_outside(site: SampleSite, visitor: Visitor) -> None:
    with site.uow.write() as db:
        db.get_one(User, user(site, "admin").id).is_active = False

    assert visitor.logs_in("admin").status_code == 401


def accounts(site: SampleSite) -> Accounts:
    return Accounts(uow=site.uow, ids=site.ids, clock=site.clock, facility_id="KWK", actor="cli")


def test_whoever_is_disabled_is_out_at_once_and_their_old_session_stays_dead(
    site: SampleSite, visitor: Visitor
) -> None:
    visitor.logs_in("dispatcher")
    accounts(site).set_active("dispatcher", is_active=False)
    assert visitor.opens("/board").status_code == 303
    accounts(site).set_active("dispatcher", is_active=True)
    assert visitor.opens("/board").status_code == 303
    assert visitor.logs_in("dispatcher").status_code == 303
    assert visitor.opens("/board").status_code == 200


def test_another_password_ends_the_sessions_of_before(site: SampleSite, visitor: Visitor) -> None:
    visitor.logs_in("dispatcher")
    accounts(site).set_password("dispatcher", "kata yang lain")
    assert visitor.opens("/board").status_code == 303
    assert visitor.logs_in("dispatcher").status_code == 401
    assert visitor.logs_in("dispatcher", "kata yang lain").status_code == 303


def test_repeated_failures_slow_an_account_down_and_never_close_it(
    site: SampleSite, visitor: Visitor
) -> None:
    for _ in range(5):
        visitor.logs_in("dispatcher", "salah")

    assert visitor.logs_in("dispatcher").status_code == 401, "the right password waits as well"
    assert visitor.logs_in("manager").status_code == 303, "others do not"

    site.clock.advance(5)

    assert visitor.logs_in("dispatcher").status_code == 303
    assert user(site, "dispatcher").failed_count == 0


def test_attempts_while_waiting_do_not_lengthen_the_wait(site: SampleSite, visitor: Visitor) -> None:
    for _ in range(9):
        visitor.logs_in("dispatcher", "salah")

    site.clock.advance(5)

    assert visitor.logs_in("dispatcher").status_code == 303


def test_logging_out_ends_the_session_for_a_copied_cookie_too(visitor: Visitor) -> None:
    visitor.logs_in("dispatcher")
    copied = visitor.cookies[COOKIE]

    response = visitor.submits("/logout")

    assert response.headers["location"] == "/login"
    assert COOKIE not in visitor.cookies
    visitor.cookies.set(COOKIE, copied)
    assert visitor.opens("/board").status_code == 303


def test_a_session_ends_after_twelve_hours(site: SampleSite, visitor: Visitor) -> None:
    visitor.logs_in("dispatcher")
    site.clock.advance(12 * 3600 - 1)
    assert visitor.opens("/board").status_code == 200

    site.clock.advance(1)

    assert visitor.opens("/board").status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "W10.abc", "bnVsbA.x.y"])
def test_an_invented_cookie_is_no_session(visitor: Visitor, cookie: str) -> None:
    visitor.cookies.set(COOKIE, cookie)

    assert visitor.opens("/board").status_code == 303


def test_a_tampered_cookie_is_no_session(visitor: Visitor) -> None:
    visitor.logs_in("worker")
    good = visitor.cookies[COOKIE]
    visitor.cookies = httpx.Cookies()
    visitor.cookies.set(COOKIE, good[:-1] + ("A" if good[-1] != "A" else "B"))

    assert visitor.opens("/board").status_code == 303


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "board"]
)
def test_logging_in_never_leads_to_another_site(visitor: Visitor, address: str) -> None:
    fields = {"username": "dispatcher", "password": PASSWORD, "next": address}

    assert visitor.posts("/login", fields).headers["location"] == "/board"


def test_logging_in_leads_back_to_the_page_asked_for(visitor: Visitor) -> None:
    wanted = "/incidents?status=closed"
    fields = {"username": "dispatcher", "password": PASSWORD, "next": wanted}

    assert visitor.posts("/login", fields).headers["location"] == wanted


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
)
def test_another_site_cannot_log_somebody_in(visitor: Visitor, headers: dict[str, str]) -> None:
    fields = {"username": "dispatcher", "password": PASSWORD}

    assert visitor.posts("/login", fields, headers).status_code == 403
    assert COOKIE not in visitor.cookies


def test_a_form_of_another_session_is_refused(site: SampleSite, visitor: Visitor) -> None:
    other = Visitor(site.app)
    other.logs_in("dispatcher")
    visitor.logs_in("dispatcher")
    address = "/incidents/KWK-2026-000101/actions"
    fields = {"action": "note", "text": "x", "form_token": other.form_token()}

    for wrong in (fields, {**fields, "form_token": ""}, {"action": "note", "text": "x"}):
        assert visitor.posts(address, wrong).status_code == 403
    assert site.service.commands == []


@pytest.mark.parametrize("role", ["manager", "auditor", "worker"])
def test_only_dispatchers_act(site: SampleSite, visitor: Visitor, role: str) -> None:
    visitor.logs_in(role)

    response = visitor.submits("/incidents/KWK-2026-000101/actions", action="close", outcome="prank")

    assert response.status_code == 403
    assert "Ini bukan untuk peran Anda" in response.text
    assert site.service.commands == []
    assert "/actions" not in visitor.opens("/incidents/KWK-2026-000101").text


def test_log_ins_and_readings_stand_in_the_audit_trail(site: SampleSite, visitor: Visitor) -> None:
    visitor.logs_in("dispatcher", "salah")
    visitor.logs_in("no-such-user", "salah")
    visitor.logs_in("dispatcher")
    visitor.opens("/board")
    visitor.opens("/incidents/KWK-2026-000101")
    visitor.submits("/logout")

    assert audit_lines(site) == [
        ("user:dispatcher", "login.failed", "user:dispatcher"),
        ("unknown", "login.failed", "unknown"),
        ("user:dispatcher", "login.succeeded", "user:dispatcher"),
        ("user:dispatcher", "board.read", "board"),
        ("user:dispatcher", "incident.read", "KWK-2026-000101"),
        ("user:dispatcher", "staff.read", "roster"),
        ("user:dispatcher", "logout", "user:dispatcher"),
    ]
