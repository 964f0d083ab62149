"""The evidence pack: papers beside the record, the same bytes each time, checked as a whole."""

import sys
import threading
import zipfile
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
from lxml import html

from config.evidence_maker import EvidenceMaker
from config.facility import load_facility
from config.settings import load_settings
from dashboards.evidence_page import EvidenceRefusedError
from dashboards.reports import evidence_pack
from dashboards.reports.periods import parse_period
from dashboards.reports.sources import Sources
from dispatch.domain.questionnaire import CURRENT, FORM_ORDER
from dispatch.service import pack_verifier as verifier
from dispatch.service.record_pack import PackWriter, write_record
from models.survey import FollowUp, SurveyResponse
from tests.service.conftest import MakeWorld
from tests.service.sealed_days import live_two_days
from tests.world import World

NOVEMBER = parse_period("2026-11")


@pytest.fixture
def lived(make_world: MakeWorld) -> World:
    world = make_world()
    live_two_days(world)
    world.hand.advance(timedelta(days=10).total_seconds())
    return world


def packed(world: World, path: Path) -> list[str]:
    """Write the pack as the command does; what was left out."""
    with zipfile.ZipFile(path, "w") as archive, world.uow.read() as session:
        pack = PackWriter(archive)
        last = NOVEMBER.after - timedelta(days=1)
        write_record(session, pack, facility="KWK", name="Puskesmas Kwamki", first=NOVEMBER.first, last=last)
        sources = Sources(facility=load_facility(), public_url="https://siaga.example")
        left_out = evidence_pack.add_documents(
            session, pack, sources=sources, period=NOVEMBER, as_of=world.hand.now()
        )
        pack.close()
    return left_out


def text_of(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_bounded() for page in pages)


def test_it_holds_reports_roster_and_an_index_and_is_intact(lived: World, tmp_path: Path) -> None:
    assert packed(lived, tmp_path / "pack.zip") == []
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        names = set(archive.namelist())
        index = text_of(archive.read("index.pdf"))
        roster = archive.read("daftar-jaga.csv").decode().splitlines()
    assert {f"laporan-waktu-tanggap.{form}" for form in ("html", "pdf", "xlsx", "csv", "json")} <= names
    assert {f"{paper}.pdf" for paper in evidence_pack.PAPERS} <= names
    assert "Proposal inovasi rancangan, perlu" in " ".join(index.split())
    assert "daftar-jaga.csv" in index
    assert "Rekap tahunan pengaduan" in index
    assert "rekap-pengaduan.pdf" in names
    assert roster[0] == "lapis,kode,nama,mulai,selesai"
    assert len(roster) > 1
    assert verifier.verify(tmp_path / "pack.zip", [])[0] == 0


def test_the_same_period_gives_the_same_bytes(lived: World, tmp_path: Path) -> None:
    packed(lived, tmp_path / "one.zip")
    lived.hand.advance(3600)
    packed(lived, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_paper_that_was_changed_is_named(lived: World, tmp_path: Path) -> None:
    packed(lived, tmp_path / "pack.zip")
    for name in ("laporan-waktu-tanggap.csv", "rekap-pengaduan.pdf", "dosier-inovasi.pdf", "index.pdf"):
        forged = tmp_path / "forged.zip"
        with zipfile.ZipFile(tmp_path / "pack.zip") as archive, zipfile.ZipFile(forged, "w") as other:
            for each in archive.namelist():
                content = archive.read(each)
                other.writestr(each, content[:-1] + b"x" if each == name else content)
        status, said = verifier.verify(forged, [])
        assert status == 1
        assert [line for line in said if line.startswith(name)] == [
            f"{name}: changed: its content does not have the checksum in the list"
        ]


def test_a_file_that_was_added_is_named(lived: World, tmp_path: Path) -> None:
    packed(lived, tmp_path / "pack.zip")
    with zipfile.ZipFile(tmp_path / "pack.zip", "a") as archive:
        archive.writestr("surat-pujian.pdf", b"%PDF-1.7 invented")
    status, said = verifier.verify(tmp_path / "pack.zip", [])
    assert status == 1
    assert "surat-pujian.pdf: inserted: the list of checksums does not name it" in said


def test_a_missing_library_costs_its_own_files(
    lived: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    left_out = packed(lived, tmp_path / "pack.zip")
    assert left_out == ["pdf needs the library typst, which is not installed here"]
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        index = " ".join(str(html.fromstring(archive.read("index.html")).text_content()).split())
    assert "typst" in index
    assert "Standar pelayanan: bukti jangka waktu dilengkapi sendiri" in index
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert "laporan-waktu-tanggap.pdf" not in archive.namelist()
        assert {f"{paper}.html" for paper in evidence_pack.PAPERS} <= set(archive.namelist())
    assert "dosier-inovasi.html" in index, "what stands in its place serves the slot"
    assert verifier.verify(tmp_path / "pack.zip", [])[0] == 0


def test_a_slot_is_served_only_by_what_is_there() -> None:
    served = [slot for slot in evidence_pack.SLOTS if slot.files]
    assert len(served) >= 4
    assert all(slot.state is not evidence_pack.State.BY_HAND for slot in served)
    assert all(slot.state is evidence_pack.State.BY_HAND for slot in evidence_pack.SLOTS if not slot.files)


class TestMadeOnAsking:
    """A process of its own writes it, one at a time."""

    def maker(self, tmp_path: Path, script: str) -> EvidenceMaker:
        known = {"SIAGA_SECRET_KEY": "a key that is long enough", "SIAGA_DATA_DIR": str(tmp_path / "var")}
        return EvidenceMaker(load_settings(known), "KWK", program=("/bin/sh", "-c", script, "sh"))

    def test_it_lies_in_the_data_directory(self, tmp_path: Path) -> None:
        writes = 'for said; do case "$said" in --out=*) echo "$@" > "${said#--out=}";; esac; done'
        file = self.maker(tmp_path, writes).make("2026-10")
        assert file == tmp_path / "var" / "evidence" / "KWK-2026-10.zip"
        assert file.read_text(encoding="utf-8").startswith("evidence --period=2026-10 --out=")

    def test_the_last_line_of_a_failure_is_the_reason(self, tmp_path: Path) -> None:
        maker = self.maker(tmp_path, "echo something; echo 'no day is sealed' >&2; exit 1")
        with pytest.raises(EvidenceRefusedError, match="no day is sealed"):
            maker.make("2026-10")

    def test_two_at_once_are_one_and_a_refusal(self, tmp_path: Path) -> None:
        gate, begun = tmp_path / "gate", tmp_path / "begun"
        maker = self.maker(tmp_path, f'touch "{begun}"; until test -e "{gate}"; do :; done')
        first = threading.Thread(target=maker.make, args=("2026-10",))
        first.start()
        try:
            while not begun.exists():
                first.join(0.01)
            with pytest.raises(EvidenceRefusedError, match="another pack"):
                maker.make("2026-11")
        finally:
            gate.touch()
            first.join(10)
        maker.make("2026-11")


def test_a_survey_and_its_plan_fill_their_slots_once_there_are_answers(lived: World, tmp_path: Path) -> None:
    packed(lived, tmp_path / "before.zip")
    with zipfile.ZipFile(tmp_path / "before.zip") as archive:
        assert not {"laporan-skm.pdf", "rencana-tindak-lanjut-skm.pdf"} & set(archive.namelist())
    at = lived.hand.now().replace(month=11, day=20)
    with lived.uow.write() as session:
        session.add(
            SurveyResponse(
                id=lived.services.ids.new_id(),
                facility_id="KWK",
                questionnaire=CURRENT.version,
                channel="paper",
                answers={str(element): 3 for element in FORM_ORDER},
                is_filled=True,
                answered_at=at,
                recorded_at=at,
            )
        )
        session.add(
            FollowUp(
                id=lived.services.ids.new_id(),
                facility_id="KWK",
                period="2026-11",
                element="waktu",
                action="Ambulans kedua untuk malam",
                responsible="Kepala Puskesmas",
                due_on=at.date(),
                status="planned",
                created_at=at,
                created_by="user:manager",
                updated_at=at,
                updated_by="user:manager",
            )
        )
    packed(lived, tmp_path / "after.zip")
    with zipfile.ZipFile(tmp_path / "after.zip") as archive:
        assert "75,00" in text_of(archive.read("laporan-skm.pdf"))
        assert "Ambulans kedua" in text_of(archive.read("rencana-tindak-lanjut-skm.pdf"))
        assert "rencana-tindak-lanjut-skm.pdf" in text_of(archive.read("index.pdf"))
