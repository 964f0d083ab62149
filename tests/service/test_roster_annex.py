"""The roster as the annex of a decree: who is on duty when, how long, and who has to sign."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest

from config.facility import load_facility
from dashboards.i18n import Language
from dashboards.reports import kinds
from dashboards.reports.document import Document, Paragraph
from dashboards.reports.house import Signatory
from dashboards.reports.kinds import Asked, Kind
from dashboards.reports.periods import parse_period
from dashboards.reports.response_times import Format
from dashboards.reports.sources import Sources
from models.facility import Shift, Staff
from tests.api_world import NOON, World, world

NOVEMBER = datetime(2026, 10, 31, 15, 0, tzinfo=UTC)
"""When November begins at the facility (WIT)."""


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        made.writes(
            Staff(
                id="staff-D01",
                facility_id="KWK",
                code="D01",
                name="Agustina Magai",
                role="driver",
                phone="+628110000777",
                skills=[],
                is_active=False,
                updated_at=NOON,
            )
        )
        made.writes(
            *(
                Shift(
                    id=f"duty-{code}-{hour}",
                    facility_id="KWK",
                    staff_id=f"staff-{code}",
                    tier=tier,
                    starts_at=NOVEMBER + timedelta(hours=hour),
                    ends_at=NOVEMBER + timedelta(hours=hour + 12),
                )
                for code, tier, hour in (
                    ("D01", "jaga", -4),
                    ("D01", "cadangan", 32),
                    ("D01", "jaga", 30 * 24 + 20),
                )
            )
        )
        yield made


def asked(here: World, period: str) -> kinds.Reading:
    facility = load_facility()
    signatory = Signatory(place="Timika", title="Kepala Puskesmas", name="dr. Ruth Magai", nip="1980")
    sources = Sources(facility=replace(facility, report=replace(facility.report, signatory=signatory)))
    with here.services.uow.read() as session:
        return kinds.read(
            session, Kind.ROSTER, Asked(sources=sources, period=parse_period(period), as_of=NOON)
        )


def document(here: World, period: str) -> Document:
    return asked(here, period).worded(language=Language.ID, missing=None)


def rows(found: Document, name: str) -> list[list[str]]:
    (table,) = (table for table in found.tables if table.name == name)
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_a_month_lists_each_shift_that_touches_it_also_of_who_has_left(here: World) -> None:
    driver = ["Agustina Magai (D01)", "Pengemudi"]
    mine = [row for row in rows(document(here, "2026-11"), "2026-11") if "D01" in row[1]]
    assert [row[1:] for row in mine] == [
        [*driver, "jaga", "Sabtu, 31 Okt 2026, 20:00", "Minggu, 1 Nov 2026, 08:00"],
        [*driver, "cadangan", "Senin, 2 Nov 2026, 08:00", "Senin, 2 Nov 2026, 20:00"],
    ]


def test_a_longer_period_goes_month_by_month_and_counts_each_persons_hours(here: World) -> None:
    found = document(here, "2026-Q4")
    assert [table.name for table in found.tables] == ["2026-10", "2026-11", "2026-12", "Jumlah per petugas"]
    totals = {row[1]: row[2:] for row in rows(found, "Jumlah per petugas")}
    assert totals["Agustina Magai (D01)"] == ["Pengemudi", "3", "36"]


def test_only_the_hours_within_the_period_count(here: World) -> None:
    totals = {row[1]: row[2:] for row in rows(document(here, "2026-11"), "Jumlah per petugas")}
    assert totals["Agustina Magai (D01)"] == ["Pengemudi", "2", "20"]


def test_it_is_a_proposal_for_somebody_to_sign(here: World) -> None:
    reading = asked(here, "2026-11")
    pages = pypdfium2.PdfDocument(kinds.render(reading, format=Format.PDF))
    said = " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pages).split())
    assert "Lampiran Surat Keputusan: Jadwal Jaga (usulan)" in said
    assert "Menjadi lampiran Surat Keputusan setelah ditandatangani" in said
    assert "dr. Ruth Magai NIP 1980" in said
    assert "+62811" not in said
    blanks = [
        block
        for section in reading.worded(language=Language.ID, missing=None).sections
        for block in section.blocks
        if isinstance(block, Paragraph) and block.is_blank
    ]
    assert len(blanks) == 1, "number and date of the decree"


def test_programs_get_the_same(here: World) -> None:
    reading = asked(here, "2026-11")
    content = json.loads(kinds.render(reading, format=Format.JSON))
    assert (content["report"], content["period"], content["is_proposal"]) == ("roster", "2026-11", True)
    assert {"code": "D01", "name": "Agustina Magai", "role": "driver", "shifts": 2, "hours": 20.0} in content[
        "totals"
    ]
    read = list(csv.DictReader(kinds.render(reading, format=Format.CSV).decode().splitlines()))
    mine = [(row["section"], row["from"], row["hours"]) for row in read if row["code"] == "D01"]
    assert mine == [
        ("duty", "2026-10-31T11:00:00.000+00:00", "8.0"),
        ("duty", "2026-11-01T23:00:00.000+00:00", "12.0"),
        ("total", "", "20.0"),
    ]


def test_a_period_in_which_nobody_is_on_duty_says_so(here: World) -> None:
    found = document(here, "2020-01")
    assert not found.tables
    said = [block.text for section in found.sections for block in section.blocks if hasattr(block, "text")]
    assert "Tidak ada petugas dalam jadwal jaga periode ini." in said
