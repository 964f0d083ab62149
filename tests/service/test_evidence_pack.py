"""The evidence pack: papers beside the record, the same bytes each time, checked as a whole."""

import errno
import hashlib
import os
import re
import sys
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
from lxml import html

from config.evidence_maker import EvidenceMaker, refused_for
from config.facility import load_facility
from config.settings import load_settings
from dashboards.evidence_refusals import EvidenceRefusedError, Refusal
from dashboards.reports import evidence_pack
from dashboards.reports.periods import parse_period
from dashboards.reports.sources import Sources
from dispatch.adapters.seal_key import FileSealKey, FileSealKeys
from dispatch.ports import SealKeyError
from dispatch.service import pack_verifier as verifier
from dispatch.service.record_pack import NothingSealedError, PackWriter, write_record
from dispatch.service.sealing import Sealer, SealRefusedError
from tests.fakes.seal_keys import FakeSealKeys
from tests.service.conftest import MakeWorld
from tests.service.sealed_days import live_two_days
from tests.service.test_record_pack import OTHER, contents, made_of, resealed
from tests.survey_rows import a_follow_up, an_answer
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
        pack.close(FakeSealKeys().create())
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
    assert "sebagai lampiran rancangan, perlu" in " ".join(index.split())
    assert "lampiran-sk-jadwal-jaga.pdf" in index
    assert "Rekap tahunan pengaduan" in index
    assert "rekap-pengaduan.pdf" in names
    assert "Kuesioner Survei Kepuasan Masyarakat, kosong tersedia" in " ".join(index.split())
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


def test_a_pack_of_another_installation_is_told_from_ours(lived: World, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.zip", tmp_path / "theirs.zip"
    packed(lived, ours)
    status, said = verifier.verify(ours, [])
    assert (status, said[-2]) == (0, "record of KWK")
    key = said[-1].removeprefix("public key: ")
    fingerprint = next(line for line in said if line.startswith("sealed up to")).split()[4].rstrip(";")
    assert verifier.verify(ours, [key.upper(), fingerprint])[1][:1] == [f"key {key}: is the one of this pack"]

    before = ""
    made = []
    for line in contents(ours)[verifier.SEALS].splitlines(keepends=True):
        made.append(resealed(line, OTHER, facility="ABC", **({"previous": before} if before else {})))
        before = hashlib.sha256(
            verifier.cut(made[-1][:-1], b'{"seal":', b',"signature":"', b'"}')[0]
        ).hexdigest()
    other = OTHER.public_key().public_bytes_raw().hex()
    files = {**contents(ours), verifier.SEALS: b"".join(made), verifier.KEY: f"{other}\n".encode()}
    made_of(files, theirs, key=FileSealKey(OTHER))
    whose = f"this is the record of ABC, sealed with the key {other}"
    assert verifier.verify(theirs, [])[0] == 0, "by itself it is whole"
    assert verifier.verify(theirs, [key])[1][0] == f"key {key}: another: {whose}"
    status, said = verifier.verify(theirs, [fingerprint])
    assert (status, said[0]) == (
        1, f"fingerprint {fingerprint}: missing: no seal in this pack bears it; {whose}"
    )  # fmt: skip

    made_of({**files, verifier.KEY: f"{key}\n".encode()}, theirs)
    assert "forged: it is signed with another key than the pack's" in " ".join(verifier.verify(theirs, [])[1])
    first = contents(ours)[verifier.SEALS].splitlines(keepends=True)[0]
    made_of({**files, verifier.SEALS: first + b"".join(made[1:])}, theirs)
    assert "inserted: it is of ABC, others of KWK" in " ".join(verifier.verify(theirs, [])[1])


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


def test_the_words_of_the_real_refusals_are_known(lived: World, tmp_path: Path) -> None:
    """What the command says in truth, so that a sentence put otherwise does not become an unknown reason."""

    def refusal_of(error: type[Exception], attempt: Callable[[], object]) -> Refusal:
        with pytest.raises(error) as raised:
            attempt()
        return refused_for(str(raised.value)).refusal

    keys = FileSealKeys(tmp_path)
    december = parse_period("2026-12")
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive, lived.uow.read() as session:
        pack = PackWriter(archive)
        assert refusal_of(
            NothingSealedError,
            lambda: write_record(
                session, pack, facility="KWK", name="", first=december.first, last=december.first
            ),
        ) is Refusal.NOTHING_SEALED  # fmt: skip
    assert refusal_of(SealRefusedError, Sealer(lived.services, keys).key) is Refusal.KEY, "it is gone"
    keys.create()
    assert refusal_of(SealRefusedError, Sealer(lived.services, keys).key) is Refusal.KEY, "it is another one"
    Path(keys.place).chmod(0o644)
    assert refusal_of(SealKeyError, keys.load) is Refusal.KEY
    lived.hand.advance(timedelta(days=60).total_seconds())
    many = Sealer(lived.services, FakeSealKeys())
    assert refusal_of(SealRefusedError, lambda: many.seal_due(most_days=2)) is Refusal.TOO_MANY_DAYS


class TestMadeOnAsking:
    """A process of its own writes it, one at a time."""

    def maker(self, tmp_path: Path, script: str) -> EvidenceMaker:
        known = {"SIAGA_SECRET_KEY": "a key that is long enough", "SIAGA_DATA_DIR": str(tmp_path / "var")}
        return EvidenceMaker(load_settings(known), "KWK", program=("/bin/sh", "-c", script, "sh"))

    def test_it_lies_in_the_data_directory(self, tmp_path: Path) -> None:
        writes = 'for said; do case "$said" in --out=*) echo "$@" > "${said#--out=}";; esac; done'
        file = self.maker(tmp_path, writes).make("2026-10", "user:maria")
        assert file == tmp_path / "var" / "evidence" / "KWK-2026-10.zip"
        asked = file.read_text(encoding="utf-8").split()
        assert asked[:2] == ["evidence", "--period=2026-10"]
        assert asked[-1] == "--asked-by=user:maria"

    def test_the_last_line_of_a_failure_is_the_reason(self, tmp_path: Path) -> None:
        maker = self.maker(tmp_path, "echo something; echo 'no day is sealed' >&2; exit 1")
        with pytest.raises(EvidenceRefusedError, match="no day is sealed"):
            maker.make("2026-10", "user:maria")

    @pytest.mark.parametrize(
        ("line", "refusal"),
        [
            (
                str(NothingSealedError("no day from 2026-10-01 to 2026-10-31 is sealed")),
                Refusal.NOTHING_SEALED,
            ),
            (f"pack.zip: cannot be written: {os.strerror(errno.ENOSPC)}", Refusal.DISK_FULL),
            (f"var/seal-key.pem: cannot be written: {os.strerror(errno.ENOSPC)}", Refusal.DISK_FULL),
            ("the database does not answer", Refusal.UNKNOWN),
        ],
    )
    def test_the_known_reasons_are_told_apart(self, tmp_path: Path, line: str, refusal: Refusal) -> None:
        with pytest.raises(EvidenceRefusedError, match=re.escape(line)) as refused:
            self.maker(tmp_path, f"echo '{line}' >&2; exit 1").make("2026-10", "user:maria")
        assert refused.value.refusal is refusal

    def test_two_at_once_are_one_and_a_refusal(self, tmp_path: Path) -> None:
        gate, begun = tmp_path / "gate", tmp_path / "begun"
        maker = self.maker(tmp_path, f'touch "{begun}"; until test -e "{gate}"; do :; done')
        first = threading.Thread(target=maker.make, args=("2026-10", "user:maria"))
        first.start()
        try:
            while not begun.exists():
                first.join(0.01)
            with pytest.raises(EvidenceRefusedError, match="another pack") as refused:
                maker.make("2026-11", "user:maria")
            assert refused.value.refusal is Refusal.BUSY
        finally:
            gate.touch()
            first.join(10)
        maker.make("2026-11", "user:maria")


def test_a_survey_and_its_plan_fill_their_slots_once_there_are_answers(lived: World, tmp_path: Path) -> None:
    packed(lived, tmp_path / "before.zip")
    with zipfile.ZipFile(tmp_path / "before.zip") as archive:
        assert not {"laporan-skm.pdf", "rencana-tindak-lanjut-skm.pdf"} & set(archive.namelist())
        form = text_of(archive.read("kuesioner-skm.pdf"))
        assert "Mengisi bersifat sukarela" in form, "the blank one is there before anybody was asked"
    at = lived.hand.now().replace(month=11, day=20)
    with lived.uow.write() as session:
        ids = lived.services.ids
        session.add(an_answer(ids, 3, at=at))
        session.add(a_follow_up(ids, period="2026-11", at=at, due_on=at.date()))
    packed(lived, tmp_path / "after.zip")
    with zipfile.ZipFile(tmp_path / "after.zip") as archive:
        assert "75,00" in text_of(archive.read("laporan-skm.pdf"))
        assert "Ambulans kedua" in text_of(archive.read("rencana-tindak-lanjut-skm.pdf"))
        assert "rencana-tindak-lanjut-skm.pdf" in text_of(archive.read("index.pdf"))
