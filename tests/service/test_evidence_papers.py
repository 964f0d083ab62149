"""Papers of the evidence pack that are drawn from the record: what they say, and whom they do not name."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import pytest

from config import accounts
from config.facility import load_facility
from config.installed import installation_of
from config.policy import load_policy
from config.settings import load_settings
from dashboards import trail
from dashboards.api.tokens import TOKEN_REVOKED
from dashboards.i18n import Language
from dashboards.reports import evidence_pack, response_times, update_log
from dashboards.reports.as_html import as_html
from dashboards.reports.chapters import pen_for
from dashboards.reports.document import Document, Table
from dashboards.reports.evidence_pack import DOSSIER, SHEET, SYSTEM, UPDATES, Drawn
from dashboards.reports.installation import Installation
from dashboards.reports.periods import parse_period, period_before
from dashboards.reports.sources import Sources
from dispatch.domain.commands import Action
from dispatch.domain.events import Kind
from dispatch.domain.vocabulary import Outcome
from dispatch.service import sealed
from dispatch.service.staff_list import TAKEN_BACK, TAKEN_OFF
from models.record import Audit
from tests.api_world import NOON, World, past_call, past_incident, world
from tests.service.conftest import MakeWorld
from tests.service.test_reports_formats import a_seal

OCTOBER = NOON.replace(month=10, day=5)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


def paper(
    here: World, name: str, period: str = "2026-10", installation: Installation | None = None
) -> Document:
    sources = Sources(facility=load_facility(), installation=installation or Installation())
    wanted = parse_period(period)
    with here.services.uow.read() as session:
        found = response_times.read(
            session, sources=sources, period=wanted, before=period_before(wanted), as_of=here.clock.now()
        )
        given = Drawn(
            session=session, read=found, sources=sources, pen=pen_for(sources, Language.ID), as_of=NOON
        )
        return evidence_pack.PAPERS[name](given)


def an_act(
    here: World,
    at: datetime,
    action: str,
    *,
    subject: str = "KWK-2026-000101",
    facts: Mapping[str, object] | None = None,
) -> Audit:
    return Audit(
        id=here.services.ids.new_id(),
        facility_id="KWK",
        at=at,
        actor="user:ani",
        action=action,
        subject=subject,
        data=dict(facts or {}),
    )


def table(document: Document, name: str) -> Table:
    return next(table for table in document.tables if table.name == name)


def cells(found: Table) -> dict[str, list[str]]:
    return {row.cells[0].text: [cell.text for cell in row.cells[1:]] for row in found.rows}


class TestUpdates:
    """The log of data updates."""

    def test_days_are_counted_with_their_seal(self, here: World) -> None:
        here.writes(past_call(here, OCTOBER, "prank"), past_call(here, OCTOBER, "ghost"))
        here.writes(an_act(here, OCTOBER, "incident.read"), an_act(here, OCTOBER, "brand.new"))
        here.writes(an_act(here, NOON, "incident.read"), sealed.to_row(a_seal(date(2026, 10, 5))))
        document = paper(here, UPDATES)
        days = cells(table(document, "Pemutakhiran"))
        assert len(days) == 32
        assert days["5 Okt 2026"] == ["0", "2", "2", a_seal(date(2026, 10, 5)).fingerprint]
        assert days["6 Okt 2026"] == ["0", "0", "0", "tidak disegel"]
        assert days["Semua"] == ["0", "2", "2", "1 hari disegel"]
        assert cells(table(document, "Tindakan menurut jenis")) == {
            "brand.new": ["1"],
            "Insiden dibaca": ["1"],
            "Semua": ["2"],
        }

    def test_a_day_begins_and_ends_on_the_facilitys_clock(self, here: World) -> None:
        midnight = datetime.fromisoformat("2026-10-06T00:00:00+09:00")
        here.writes(
            past_call(here, midnight - timedelta(seconds=1), "prank"), past_call(here, midnight, "prank")
        )
        days = cells(table(paper(here, UPDATES), "Pemutakhiran"))
        assert (days["5 Okt 2026"][1], days["6 Okt 2026"][1]) == ("1", "1")

    def test_imports_are_listed_without_names_of_people_and_files(self, here: World) -> None:
        facts = {"added": 3, "changed": 1, "unchanged": 2, "sha256": "ab" * 32}
        here.writes(an_act(here, OCTOBER, "roster.imported", subject="jadwal-ani.csv", facts=facts))
        here.writes(an_act(here, OCTOBER, "login.succeeded"))
        document = paper(here, UPDATES)
        (row,) = table(document, "Tindakan").rows
        assert [cell.text for cell in row.cells[1:]] == [
            "Jadwal diimpor",
            "akun",
            "3 ditambah, 1 diubah, 2 tetap; SHA-256 abababababab…",
        ]
        assert "ani" not in re.findall(r"[a-z]+", as_html(document))

    def test_every_act_that_leaves_a_line_has_a_word(self) -> None:
        known = {value for name, value in vars(trail).items() if name.isupper() and isinstance(value, str)}
        known |= {"staff.imported", "roster.imported", "places.imported", "incidents.exported", "backup.made"}
        known |= set(trail.ACCESS_GIVEN)
        known |= {accounts.USER_DISABLED, accounts.USER_ENABLED}
        known |= {accounts.PASSWORD_CHANGED, TOKEN_REVOKED, TAKEN_OFF, TAKEN_BACK}
        known.add(str(Kind.ERASED))
        assert known - update_log.ACTIONS.keys() == set()

    def test_a_year_goes_month_by_month(self, here: World) -> None:
        here.writes(past_call(here, OCTOBER, "prank"))
        months = cells(table(paper(here, UPDATES, "2026"), "Pemutakhiran"))
        assert next(iter(months)) == "2026-01"
        assert months["2026-10"] == ["0", "1", "0", "tidak disegel"]
        assert len(months) == 13


class TestSystem:
    """The system description."""

    def test_it_says_how_this_installation_is_set_up(self, here: World) -> None:
        settings = load_settings({"SIAGA_SECRET_KEY": "a key that is long enough"})
        installation = installation_of(settings, load_facility(), load_policy(None))
        found = cells(table(paper(here, SYSTEM, installation=installation), "Pemasangan"))
        assert found["Basis data"] == ["SQLite"]
        assert found["Penyedia telepon, menurut urutan"] == ["simulator"]
        assert found["Regu pemanggilan, menurut urutan"] == ["jaga, cadangan, pimpinan"]
        assert found["Petugas dalam daftar"] == ["2 (Petugas 2)"]
        assert found["Tempat dalam daftar tempat"] == ["2 (kampung 2)"]
        assert found["Masa simpan yang diatur"] == [
            "panggilan: 90 hari; rekaman: 90 hari; insiden: selamanya"
        ]
        assert found["Cadangan harian"] == ["tidak diatur"]
        assert "Alamat" not in found, "what is not known is not told"

    def test_its_prints_show_the_rows_of_the_pages_and_nobody(self, here: World) -> None:
        here.writes(past_incident(here, 101, OCTOBER, location_place="Amole", outcome="treated"))
        here.writes(past_incident(here, 102, OCTOBER, is_drill=True))
        document = paper(here, SYSTEM)
        assert list(cells(table(document, "/incidents"))) == ["KWK-2026-000101"]
        written = as_html(document)
        assert "Ditangani di tempat" in written
        assert not [word for word in ("Amole", "+628110000045", "Suster Maria", "N01") if word in written]


def test_the_record_of_one_incident_is_printed_line_by_line(make_world: MakeWorld) -> None:
    lived = make_world()
    lived.resident("+628119999001").rings("CA-1")
    (incident,) = lived.incidents()
    lived.desk(incident.id, Action.NOTE, text="rumah Ibu Yosina")
    lived.desk(incident.id, Action.CLOSE, outcome=Outcome.ADVICE, reason="sudah ditolong")
    sources = Sources(facility=load_facility())
    with lived.uow.read() as session:
        found = response_times.read(session, sources=sources, period=parse_period("2026-11"))
        given = Drawn(
            session=session, read=found, sources=sources, pen=pen_for(sources, Language.ID), as_of=NOON
        )
        document = evidence_pack.PAPERS[SYSTEM](given)
    lines = table(document, "/incidents/…").rows
    assert len(lines) >= 4
    assert lines[0].cells[1].text.startswith("Telepon masuk") or "insiden" in lines[0].cells[1].text.lower()
    assert not [word for word in ("Yosina", "+628119999001", "sudah ditolong") if word in as_html(document)]


def test_the_impact_sheet_says_what_it_counts_as_a_user(here: World) -> None:
    for number in (1, 2, 3):
        here.writes(past_incident(here, number, OCTOBER, accepted_at=OCTOBER if number < 3 else None))
    document = paper(here, SHEET)
    users = cells(table(document, "Pengguna"))
    assert users["Pengguna"] == ["2"]
    assert {row.cells[3].text for row in table(document, "Biaya").rows} == {"[…]"}


def test_an_ending_that_nobody_stated_is_told_from_none(here: World) -> None:
    here.writes(past_incident(here, 1, OCTOBER), past_incident(here, 2, OCTOBER, outcome="treated"))
    here.writes(past_incident(here, 3, OCTOBER, status="open", closed_at=None))
    here.writes(past_incident(here, 4, OCTOBER, outcome="treated", is_drill=True))
    assert cells(table(paper(here, SHEET), "Akhir insiden")) == {
        "Ditangani di tempat": ["1"],
        "Ditutup tanpa keterangan akhir": ["1"],
        "Belum ditutup": ["1"],
        "Semua": ["3"],
    }


def test_every_paper_of_a_period_without_anything_can_be_drawn(here: World) -> None:
    for name in (DOSSIER, SHEET, SYSTEM, UPDATES):
        for period in ("2026-10", "2026-Q4", "1970"):
            assert paper(here, name, period).sections
