"""What the forms do: each becomes one command, and a refusal is explained where it was made."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from dispatch.domain.commands import Action
from dispatch.domain.errors import AlreadyThereError, ReasonRequiredError, WrongTransitionError
from dispatch.domain.vocabulary import Category, LocationSource, Outcome, Priority, Source
from models.facility import Staff
from models.incident import Assignment, Link
from models.record import Audit
from tests.web.sample_site import NASTY, NOW, TOKEN, SampleSite
from tests.web.visitor import Visitor

ADDRESS = "/incidents/KWK-2026-000101/actions"
TAP = f"/w/{TOKEN}/act"


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(sqlite_database_url)
    sample.fill()
    yield sample
    sample.close()


@pytest.fixture
def dispatcher(site: SampleSite) -> Visitor:
    visitor = Visitor(site.app)
    visitor.logs_in("dispatcher")
    return visitor


@pytest.fixture
def phone(site: SampleSite) -> Visitor:
    return Visitor(site.app)


def test_a_form_becomes_one_command(site: SampleSite, dispatcher: Visitor) -> None:
    response = dispatcher.submits(ADDRESS, action="set_priority", priority="green", reason=" sudah sadar ")

    assert response.status_code == 303
    assert response.headers["location"] == "/incidents/KWK-2026-000101"
    [command] = site.service.commands
    assert command.action is Action.SET_PRIORITY
    assert command.incident_id == "incident-101"
    assert command.actor == "user:dispatcher"
    assert command.source is Source.WEB
    assert command.priority is Priority.GREEN
    assert command.reason == "sudah sadar"
    assert command.occurred_at is None


def test_the_other_forms(site: SampleSite, dispatcher: Visitor) -> None:
    dispatcher.submits(ADDRESS, action="set_location", place="Amole", text=NASTY)
    dispatcher.submits(ADDRESS, action="set_category", category="snakebite")
    dispatcher.submits(ADDRESS, action="close", outcome="advice", reason="selesai lewat telepon")
    dispatcher.submits(ADDRESS, action="merge", into="kwk-2026-000102")
    dispatcher.submits(ADDRESS, action="on_scene", staff_code="N01", local_time="2026-11-23T20:59:30")
    located, categorised, closed, merged, stepped = site.service.commands

    assert located.location is not None
    assert (located.location.text, located.location.place) == (NASTY, "Amole")
    assert located.location.source is LocationSource.DISPATCHER
    assert categorised.category is Category.SNAKEBITE
    assert (closed.outcome, closed.reason) == (Outcome.ADVICE, "selesai lewat telepon")
    assert merged.into == "incident-102"
    assert stepped.staff_code == "N01"
    assert stepped.occurred_at == datetime(2026, 11, 23, 11, 59, 30, tzinfo=UTC)


def test_a_refusal_is_explained_and_what_was_typed_is_kept(site: SampleSite, dispatcher: Visitor) -> None:
    site.service.refusal = ReasonRequiredError(field="reason")

    response = dispatcher.submits(ADDRESS, action="note", text="jangan hilang <b>")

    assert response.status_code == 409
    assert "Ini memerlukan alasan." in response.text
    assert "jangan hilang &lt;b&gt;</textarea>" in response.text


def test_a_merge_takes_the_short_number_and_says_when_there_is_none(
    site: SampleSite, dispatcher: Visitor
) -> None:
    unknown = dispatcher.submits(ADDRESS, action="merge", into="999")
    assert (unknown.status_code, site.service.commands) == (409, [])
    assert "Tidak ada insiden dengan nomor ini." in unknown.text

    dispatcher.submits(ADDRESS, action="merge", into="102")
    assert [command.into for command in site.service.commands] == ["incident-102"]


def test_an_empty_location_is_refused_by_its_name(site: SampleSite, dispatcher: Visitor) -> None:
    response = dispatcher.submits(ADDRESS, action="set_location", place=" ", text="")

    assert (response.status_code, site.service.commands) == (409, [])
    assert "Lokasi: tulis nama tempat atau keterangan." in response.text


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "explode"},
        {"action": ""},
        {"action": "set_priority", "priority": "purple"},
        {"action": "close", "outcome": "win"},
        {"action": "note", "text": "x", "local_time": "kemarin"},
    ],
)
def test_what_no_form_sends_is_refused(site: SampleSite, dispatcher: Visitor, fields: dict[str, str]) -> None:
    response = dispatcher.submits(ADDRESS, **fields)

    assert response.status_code == 422
    assert site.service.commands == []


def test_a_long_note_arrives_whole(site: SampleSite, dispatcher: Visitor) -> None:
    text = "🚑 aduh " * 1250

    dispatcher.submits(ADDRESS, action="note", text=text)

    assert site.service.commands[0].text == text.strip()


def test_acting_on_nothing_is_not_found(dispatcher: Visitor) -> None:
    assert dispatcher.submits("/incidents/KWK-2026-999999/actions", action="note").status_code == 404


def test_a_workers_page_needs_no_log_in(site: SampleSite, phone: Visitor) -> None:
    response = phone.opens(f"/w/{TOKEN}")

    assert response.status_code == 200
    assert "Maria Kogoya" in response.text
    assert "Terima" in response.text
    assert "Tolak" in response.text
    assert "tel:" not in response.text, "the number is shown only to whoever has accepted"
    assert response.headers["cache-control"] == "no-store"
    assert site.service.commands == [], "a preview of the link accepts nothing"


def test_whoever_accepted_sees_the_number_and_that_is_recorded(site: SampleSite, phone: Visitor) -> None:
    with site.uow.write() as db:
        row = db.scalars(select(Assignment).where(Assignment.staff_code == "N01")).first()
        assert row is not None
        row.status = "accepted"

    response = phone.opens(f"/w/{TOKEN}")

    assert "tel:+628110000201" in response.text
    assert "Berangkat" in response.text
    with site.uow.read() as db:
        [line] = db.scalars(select(Audit)).all()
    assert (line.actor, line.action, line.subject) == ("staff:N01", "caller_number.read", "KWK-2026-000101")


def test_a_tap_without_a_script(site: SampleSite, phone: Visitor) -> None:
    response = phone.posts(TAP, {"action": "accept", "minutes": "10"})

    assert response.status_code == 303
    assert response.headers["location"] == f"/w/{TOKEN}"
    [command] = site.service.commands
    assert (command.action, command.minutes, command.staff_code) == (Action.ACCEPT, 10, "N01")
    assert (command.actor, command.source, command.occurred_at) == ("staff:N01", Source.WEB, None)


@pytest.mark.parametrize(
    ("waited_ms", "expected"),
    [
        ("", None),
        ("900", None),
        ("90000", NOW - timedelta(seconds=90)),
        ("nonsense", None),
        ("-5", None),
        ("99999999999999", None),
    ],
)
def test_a_kept_tap_is_dated_back(
    site: SampleSite, phone: Visitor, waited_ms: str, expected: datetime | None
) -> None:
    response = phone.posts(TAP, {"action": "en_route", "waited_ms": waited_ms}, {"X-Live": "1"})

    assert response.json() == {"refused": None, "message": ""}
    assert site.service.commands[0].occurred_at == expected


def test_a_script_learns_why_a_tap_was_refused(site: SampleSite, phone: Visitor) -> None:
    site.service.refusal = AlreadyThereError(action="accept", status="accepted")
    response = phone.posts(TAP, {"action": "accept"}, {"X-Live": "1"})
    assert response.status_code == 409
    assert response.json()["refused"] == "already_there"

    site.service.refusal = WrongTransitionError(action="accept", status="available")
    page = phone.posts(TAP, {"action": "accept"})
    assert page.status_code == 409
    assert "tidak sesuai dengan status petugas" in page.text


@pytest.mark.parametrize("action", ["close", "set_priority", "assign", "merge"])
def test_a_link_opens_only_what_a_worker_does(site: SampleSite, phone: Visitor, action: str) -> None:
    assert phone.posts(TAP, {"action": action}).status_code == 403
    assert site.service.commands == []


def test_another_site_cannot_tap(site: SampleSite, phone: Visitor) -> None:
    assert phone.posts(TAP, {"action": "accept"}, {"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert phone.posts(TAP, {"action": "accept"}, {"Origin": "https://evil.example"}).status_code == 403
    assert site.service.commands == []


def test_expired_invented_and_foreign_links_look_alike(site: SampleSite, phone: Visitor) -> None:
    with site.uow.write() as db:
        db.add(
            Link(
                token_hash=hashlib.sha256(b"caller").hexdigest(),
                facility_id="KWK",
                kind="caller",
                incident_id="incident-101",
                created_at=NOW,
                expires_at=NOW + timedelta(hours=1),
            )
        )
    invented = phone.opens("/w/0000000000000000")
    foreign = phone.opens("/w/caller")
    site.clock.advance(3600)
    expired = phone.opens(f"/w/{TOKEN}")

    assert [response.status_code for response in (invented, foreign, expired)] == [404, 404, 404]
    assert phone.posts(TAP, {"action": "accept"}).status_code == 404


def test_the_workers_fragment_is_sent_only_when_something_changed(phone: Visitor) -> None:
    tag = phone.opens(f"/w/{TOKEN}/live", {"X-Live": "1"}).headers["etag"]

    assert phone.opens(f"/w/{TOKEN}/live", {"If-None-Match": tag}).status_code == 304


def test_a_body_that_is_no_form_is_refused_before_anything(site: SampleSite, dispatcher: Visitor) -> None:
    response = dispatcher.send(
        "POST", ADDRESS, content=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data; boundary=y"}
    )

    assert 400 <= response.status_code < 500
    assert site.service.commands == []


def test_the_link_of_a_worker_who_was_taken_off_the_list_opens_nothing(
    site: SampleSite, phone: Visitor
) -> None:
    with site.uow.write() as db:
        for worker in db.scalars(select(Staff)):
            worker.is_active = False

    assert phone.opens(f"/w/{TOKEN}").status_code == 404
