"""The notice of a breach comes filled in with what the log knows, and with blanks for the rest."""

from datetime import UTC, datetime, timedelta

import pytest
from pypdfium2 import PdfDocument

from dashboards.i18n import Language
from dashboards.queries.breach import read_known
from dashboards.reports.as_html import as_html
from dashboards.reports.as_pdf import as_pdf
from dashboards.reports.breach_notice import DOTS, Asked, breach_notice
from dashboards.reports.document import Paragraph
from dashboards.reports.sources import Sources
from dispatch.domain.commands import Action
from dispatch.domain.erasure import Basis
from dispatch.domain.vocabulary import Outcome
from dispatch.service.erasing import Eraser, Order
from models.record import Audit
from tests.api_world import TestFacility
from tests.builders import START
from tests.service.terminal import Siaga
from tests.world import World

SOURCES = Sources(facility=TestFacility(), public_url="https://siaga.example")
FOUND = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
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
    assert (known.incidents, known.incidents_new, known.calls, known.numbers) == (2, 2, 2, 2)
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
    assert (later.incidents, later.values["caller_number"]) == (1, 1)


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
