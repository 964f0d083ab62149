"""The notice of a breach comes filled in with what the log knows, and with blanks for the rest."""

from datetime import UTC, datetime, timedelta

import pytest
from pypdfium2 import PdfDocument

from dashboards.api.tokens import create_token
from dashboards.i18n import Language
from dashboards.queries.breach import read_known
from dashboards.queries.holdings import Held
from dashboards.reports.as_html import as_html
from dashboards.reports.as_pdf import as_pdf
from dashboards.reports.breach_notice import DOTS, HELD, Asked, breach_notice
from dashboards.reports.document import Paragraph
from dashboards.reports.sources import Sources
from dispatch.domain.commands import Action
from dispatch.domain.erasure import Basis
from dispatch.domain.vocabulary import Outcome, UserRole
from dispatch.service.erasing import Eraser, Order
from models.complaint import Complaint
from models.incident import Call
from models.personal import HOLDINGS, NEVER_ERASED
from models.record import Audit
from models.survey import SurveyOptOut, SurveyRequest, SurveyResponse
from tests.api_world import TestFacility
from tests.builders import START
from tests.service.terminal import Siaga
from tests.world import World

SOURCES = Sources(facility=TestFacility(), public_url="https://siaga.example")
FOUND = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
RESIDENT, LEFT_ALONE = "+628119999009", "+628119990002"
FROM, UNTIL = START - timedelta(hours=1), START + timedelta(hours=12)


def notes(world: World, *acts: tuple[str, str, str, dict[str, object]], after_s: float = 0.0) -> None:
    with world.uow.write() as session:
        for actor, action, subject, data in acts:
            session.add(
                Audit(
                    id=world.services.ids.new_id(),
                    facility_id="KWK",
                    at=START + timedelta(seconds=after_s),
                    actor=actor,
                    action=action,
                    subject=subject,
                    data=data,
                )
            )


@pytest.fixture
def breached(world: World) -> World:
    """Two callers; somebody read their incidents, tried passwords, and took the log with them."""
    for number in (1, 2):
        world.resident(f"+62811999900{number}").rings(f"CA-{number}")
    world.works()
    notes(
        world,
        ("unknown", "login.failed", "unknown", {"address": "203.0.113.9"}),
        ("user:desk", "login.succeeded", "user:desk", {"address": "192.168.1.4"}),
        ("user:desk", "incident.read", "KWK-2026-000100", {"masked": False}),
        ("user:desk", "incident.read", "KWK-2026-000101", {"masked": False}),
        ("token:peta", "log.read", "incidents", {"masked": True}),
        ("cli", "incidents.exported", "csv", {}),
    )
    notes(world, ("user:late", "incident.read", "KWK-2026-000100", {}), after_s=86_400.0)
    return world


def test_the_log_says_how_many_and_who(breached: World) -> None:
    with breached.uow.read() as session:
        known = read_known(session, "KWK", FROM, UNTIL)
    assert (known.incidents, known.incidents_new, known.numbers) == (2, 2, 2)
    assert known.held["call"] == Held(stood=2)
    assert known.values == {"caller_number": 2}
    assert [(one.actor, one.action, one.times, one.things) for one in known.looks] == [
        ("token:peta", "log.read", 1, 1),
        ("user:desk", "incident.read", 2, 2),
    ]
    assert [(one.actor, one.succeeded, one.failed, one.addresses) for one in known.log_ins] == [
        ("unknown", 0, 1, {"203.0.113.9"}),
        ("user:desk", 1, 0, {"192.168.1.4"}),
    ]
    assert [(act.actor, act.subject) for act in known.files] == [("cli", "csv")]


def test_what_was_erased_since_stood_there_all_the_same(breached: World) -> None:
    [first, _] = breached.incidents()
    breached.desk(first.id, Action.CLOSE, outcome=Outcome.ADVICE, reason="selesai")
    breached.works()
    breached.hand.advance(86_400.0)
    order = Order(actor="cli", basis=Basis.REQUEST, reason="permintaan")
    Eraser(breached.services, order, pause_s=0.0).number("+628119999001")
    with breached.uow.read() as session:
        known = read_known(session, "KWK", FROM, UNTIL)
        later = read_known(session, "KWK", START + timedelta(days=2), START + timedelta(days=3))
    assert (known.incidents, known.values["caller_number"]) == (2, 2)
    assert known.held["call"] == Held(stood=1, erased_since=1)
    assert known.held["delivery"].erased_since >= 2
    assert (later.incidents, later.values["caller_number"]) == (1, 1)
    assert later.held["call"] == Held(stood=1)


def test_what_a_health_centre_keeps_beside_the_record_is_counted_too(breached: World) -> None:
    [first, _] = breached.incidents()
    with breached.uow.write() as session:
        session.add(a_request(first.id))
        session.add(an_answer("Ambulans lama sekali datangnya"))
        session.add(SurveyOptOut(facility_id="KWK", phone=LEFT_ALONE, opted_out_at=START, channel="link"))
        session.add(a_complaint(1))
        session.add(a_complaint(2, text=None, complainant=None, contact=None, erased_at=UNTIL))
        session.add(a_complaint(3, text=None, complainant=None, contact=None, erased_at=FROM))
    with breached.uow.read() as session:
        known = read_known(session, "KWK", FROM + timedelta(minutes=1), UNTIL)
        before = read_known(session, "KWK", FROM - timedelta(days=2), FROM)
    for table in ("survey_request", "survey_response", "survey_opt_out"):
        assert known.held[table] == Held(stood=1), table
    assert known.held["complaint"].stood == 2, "one of them was erased after it could be read"
    assert known.held["delivery"].stood >= 2
    assert known.held["inbox"].stood >= 2
    assert known.numbers == 4, "two callers, one who was asked, and one who is not to be"
    assert {name for name, held in before.held.items() if held.stood} == {"staff"}


def test_an_erased_call_of_no_incident_is_remembered_by_its_number_of_rows(world: World) -> None:
    with world.uow.write() as session:
        session.add(a_ring_of_nobody(world))
    order = Order(actor="cli", basis=Basis.REQUEST, reason="permintaan")
    with world.uow.read() as session:
        assert read_known(session, "KWK", FROM, UNTIL).held["call"] == Held(stood=1)
    world.hand.advance(3600.0)
    Eraser(world.services, order, pause_s=0.0).number(RESIDENT)
    with world.uow.read() as session:
        assert read_known(session, "KWK", FROM, UNTIL).held["call"] == Held(erased_since=1)
        assert read_known(session, "KWK", UNTIL, UNTIL).held["call"] == Held()


def test_every_table_with_personal_data_is_counted_and_has_a_word(breached: World) -> None:
    """Whoever adds a table to ``models.personal`` has it in the notice; here they give it a word."""
    listed = {holding.table.name for holding in (*HOLDINGS, *NEVER_ERASED)}
    with breached.uow.read() as session:
        assert set(read_known(session, "KWK", FROM, UNTIL).held) == listed
    assert set(HELD) == listed


def test_who_was_let_in_is_told_with_what_they_may_see(breached: World) -> None:
    for role in (UserRole.DISPATCHER, UserRole.AUDITOR):
        create_token(breached.services, role=role, name=f"peta {role}", actor="cli")
    with breached.uow.read() as session:
        known = read_known(session, "KWK", FROM, UNTIL)
        before = read_known(session, "KWK", FROM - timedelta(days=1), FROM)
        page = as_html(breach_notice(session, Asked(from_at=FROM, until_at=UNTIL), sources=SOURCES))
    assert [(one.subject, one.role) for one in known.given] == [
        ("token:peta dispatcher", "dispatcher"),
        ("token:peta auditor", "auditor"),
    ]
    assert (known.programs, before.programs) == (1, 0)
    assert "token:peta dispatcher" in page
    assert "Token untuk program dibuat" in page


def a_request(incident_id: str) -> SurveyRequest:
    return SurveyRequest(
        id="asked",
        facility_id="KWK",
        incident_id=incident_id,
        questionnaire="skm",
        channel="link",
        phone="+628119990001",
        token_hash="0" * 64,
        state="asked",
        asked_at=START,
        expires_at=UNTIL,
    )


def an_answer(suggestion: str) -> SurveyResponse:
    return SurveyResponse(
        id="answered",
        facility_id="KWK",
        questionnaire="skm",
        channel="paper",
        answers={},
        is_filled=False,
        suggestion=suggestion,
        answered_at=START,
        recorded_at=START,
    )


def a_complaint(serial: int, **facts: object) -> Complaint:
    values: dict[str, object] = {
        "id": f"complaint-{serial}",
        "facility_id": "KWK",
        "year": 2026,
        "serial": serial,
        "number": f"P-{serial}",
        "channel": "phone",
        "subject": "other",
        "status": "received",
        "received_at": START,
        "due_on": START.date(),
        "text": "Lama sekali",
    }
    return Complaint(**(values | facts))


def a_ring_of_nobody(world: World) -> Call:
    return Call(
        id=world.services.ids.new_id(),
        facility_id="KWK",
        provider="simulator",
        provider_sid="SM-nobody",
        channel="sms",
        caller_number=RESIDENT,
        outcome="information",
        received_at=START,
    )


@pytest.mark.parametrize("language", Language)
def test_the_deadline_is_72_hours_after_it_was_found(breached: World, language: Language) -> None:
    with breached.uow.read() as session:
        asked = Asked(from_at=FROM, until_at=UNTIL, found_at=FOUND)
        page = as_html(breach_notice(session, asked, sources=SOURCES, language=language))
    assert "27 Nov 2026 09:00:00 WIT" in page
    for said in ("user:desk", "token:peta", "203.0.113.9", "incidents.exported"):
        assert said in page
    assert "user:late" not in page
    assert "+6281199990" not in page


def test_what_nobody_knows_is_a_marked_blank(breached: World) -> None:
    with breached.uow.read() as session:
        document = breach_notice(session, Asked(from_at=FROM, until_at=UNTIL), sources=SOURCES)
    blanks = [
        block.text
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Paragraph) and block.is_blank
    ]
    assert len(blanks) == 13
    assert all(text.endswith(DOTS) for text in blanks)
    assert blanks[0].startswith("Diketahui pada")


def test_it_is_a_paper_too(breached: World) -> None:
    with breached.uow.read() as session:
        written = as_pdf(breach_notice(session, Asked(from_at=FROM, until_at=UNTIL), sources=SOURCES))
    with PdfDocument(written) as pdf:
        text = "".join(page.get_textpage().get_text_range() for page in pdf)
    assert "3 × 24 jam" in text
    assert "Kepada lembaga" in text
    assert "nomor telepon penelepon" in text


def test_an_empty_stretch_says_so(world: World) -> None:
    with world.uow.read() as session:
        page = as_html(breach_notice(session, Asked(from_at=FROM, until_at=FROM), sources=SOURCES))
    assert "Tidak ada yang masuk" in page


def test_in_a_terminal(migrated: Siaga) -> None:
    ended = migrated(
        "breach-notice", "--from", "2026-11-01", "--to", "2026-11-03", "--found-at", "2026-11-03"
    )
    assert ended.status == 0
    assert "6 Nov 2026 00:00:00 WIT" in ended.out
    assert migrated("breach-notice", "--from", "2026-11-03", "--to", "2026-11-01").status == 2
    assert migrated("breach-notice", "--from", "2026-11-03").status == 2
    written = migrated("breach-notice", "--from", "2026-11-01", "--to", "2026-11-03", "--out", "n.pdf")
    assert written.status == 0
