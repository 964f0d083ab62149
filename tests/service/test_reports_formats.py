"""The report as PDF and workbook: the same figures as everywhere, typed, whole, and the same bytes again."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from io import BytesIO

import openpyxl
import pypdfium2
import pytest

from dashboards.i18n import Language
from dashboards.reports.chapters import pen_for
from dashboards.reports.house import House, Signatory
from dashboards.reports.periods import parse_period
from dashboards.reports.response_times import (
    Format,
    FormatMissingError,
    Read,
    read,
    render,
    worded,
)
from dashboards.reports.sources import Sources
from dispatch.domain.seals import Seal
from dispatch.service import sealed
from tests.api_world import NOON, World, past_call, past_incident, world

OCTOBER = NOON.replace(month=10, day=5)
ADDRESS = "https://siaga.example"


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


@pytest.fixture
def sources(here: World) -> Sources:
    signatory = Signatory(place="Timika", title="Kepala Puskesmas", name="dr. Ruth Magai", nip="1" * 18)
    house = House(letterhead=("KABUPATEN CONTOH",), address="Jalan Contoh 1", signatory=signatory)
    return Sources(facility=replace(here.facility, report=house), public_url=ADDRESS)


def october(here: World, *, arrivals: int = 40) -> None:
    """Arrivals after 60, 120 … seconds; of forty nine of ten within 36 minutes."""
    for number in range(1, arrivals + 1):
        at = OCTOBER + timedelta(seconds=60 * number)
        here.writes(
            past_incident(
                here, 100 + number, OCTOBER, location_place="=1+1", accepted_at=OCTOBER, on_scene_at=at
            ),
            past_call(here, OCTOBER, "incident", answered_at=OCTOBER + timedelta(seconds=9)),
        )


def found(here: World, sources: Sources, period: str = "2026-10", before: str | None = None) -> Read:
    with here.services.uow.read() as session:
        return read(
            session,
            sources=sources,
            period=parse_period(period),
            before=None if before is None else parse_period(before),
            as_of=here.clock.now(),
        )


def pdf_text(written: bytes) -> str:
    document = pypdfium2.PdfDocument(written)
    pages = [page.get_textpage().get_text_range() for page in document]
    document.close()
    return " ".join(" ".join(pages).split())


def workbook(written: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(written))


def test_the_pdf_says_what_the_page_says(here: World, sources: Sources) -> None:
    october(here)
    text = pdf_text(render(found(here, sources), sources=sources, format=Format.PDF))
    assert "KABUPATEN CONTOH Puskesmas Kwamki" in text
    assert "20 mnt 30 dtk" in text, "the median"
    assert "36 mnt 0 dtk" in text, "the 90th percentile"
    assert "10 / 40 (25 %)" in text, "within the target"
    assert "dr. Ruth Magai NIP 111111111111111111" in text
    assert "belum ditandatangani secara elektronik" in text
    assert f"{ADDRESS}/verification" in text
    assert "halaman 1 dari" in text


def test_every_cell_of_the_workbook_has_its_type(here: World, sources: Sources) -> None:
    october(here)
    book = workbook(render(found(here, sources), sources=sources, format=Format.XLSX))
    sheet = book["Selang waktu"]
    assert sheet.freeze_panes == "B2"
    heads = [cell.value for cell in sheet[1]]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == "Waktu tanggap")
    values = dict(zip(heads, row, strict=True))
    assert values["Tercatat"].value == 40
    assert values["Median"].value == timedelta(minutes=20, seconds=30)
    assert values["Median"].number_format == "[h]:mm:ss"
    assert values["Persentil ke-90"].value == time(0, 36) or values["Persentil ke-90"].value == timedelta(
        minutes=36
    )
    assert values["bagian"].value == 0.25
    assert values["bagian"].number_format == "0.0%"
    assert values["Waktu mulai dihitung"].value == "Panggilan masuk"


def test_there_is_a_sheet_for_each_table(here: World, sources: Sources) -> None:
    october(here)
    reading = found(here, sources)
    document = worded(reading, sources=sources)
    book = workbook(render(reading, sources=sources, format=Format.XLSX))
    assert len(book.sheetnames) == len(document.tables) + 1
    for table, name in zip(document.tables, book.sheetnames[1:], strict=True):
        assert book[name].max_row == len(table.rows) + 1
        assert book[name].max_column == sum(len(column.sheet) for column in table.columns)


def test_what_people_said_is_no_formula(here: World, sources: Sources) -> None:
    october(here)
    book = workbook(render(found(here, sources), sources=sources, format=Format.XLSX))
    cell = book["Menurut tempat"]["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


@pytest.mark.parametrize("how", list(Format))
def test_the_same_record_gives_the_same_bytes(here: World, sources: Sources, how: Format) -> None:
    october(here)
    first = render(found(here, sources), sources=sources, format=how)
    here.clock.advance(86400)
    assert render(found(here, sources), sources=sources, format=how) == first
    here.writes(past_call(here, OCTOBER, "prank"))
    assert render(found(here, sources), sources=sources, format=how) != first


@pytest.mark.parametrize("how", list(Format))
def test_every_format_has_a_period_without_anything(here: World, sources: Sources, how: Format) -> None:
    written = render(found(here, sources, "2025-02"), sources=sources, format=how)
    if how is Format.PDF:
        assert "Tidak ada data dalam periode ini" in pdf_text(written)
    if how is Format.XLSX:
        cover = workbook(written).worksheets[0]
        assert any("Tidak ada data dalam periode ini" in str(cell.value) for cell in cover["A"])


@pytest.mark.parametrize("language", list(Language))
def test_every_cell_has_as_many_values_as_its_column_has_sheets(
    here: World, sources: Sources, language: Language
) -> None:
    october(here)
    here.writes(past_incident(here, 99, OCTOBER, is_drill=True, on_scene_at=OCTOBER))
    document = worded(found(here, sources, before="2026-09"), sources=sources, language=language)
    for table in document.tables:
        for row in table.rows:
            counts = [len(cell.values) for cell in row.cells]
            assert counts == [len(column.sheet) for column in table.columns], table.name


def test_english_by_choice(here: World, sources: Sources) -> None:
    october(here)
    written = render(found(here, sources), sources=sources, format=Format.PDF, language=Language.EN)
    assert "page 1 of" in pdf_text(written)
    assert "20 min 30 s" in pdf_text(written)


@pytest.mark.parametrize(("how", "library"), [(Format.PDF, "typst"), (Format.XLSX, "xlsxwriter")])
def test_a_library_that_is_missing_costs_its_format_alone(
    here: World, sources: Sources, monkeypatch: pytest.MonkeyPatch, how: Format, library: str
) -> None:
    october(here)
    monkeypatch.setitem(sys.modules, library, None)
    reading = found(here, sources)
    with pytest.raises(FormatMissingError, match=f"{how} needs the library {library}"):
        render(reading, sources=sources, format=how)
    for other in set(Format) - {how}:
        assert render(reading, sources=sources, format=other)


def test_without_the_library_for_codes_a_line_says_what_is_missing(
    here: World, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    text = pdf_text(render(found(here, sources), sources=sources, format=Format.PDF))
    assert "Tidak disertakan: kode QR" in text
    assert f"{ADDRESS}/verification" in text


def test_the_fingerprint_of_the_periods_last_seal_is_printed(here: World, sources: Sources) -> None:
    october(here)
    assert "belum disegel" in pdf_text(render(found(here, sources), sources=sources, format=Format.PDF))
    seals = [a_seal(date(2026, month, day)) for month, day in ((9, 30), (10, 30), (10, 31), (11, 1))]
    here.writes(*(sealed.to_row(seal) for seal in seals))
    text = pdf_text(render(found(here, sources), sources=sources, format=Format.PDF))
    assert "disegel sampai dengan 31 Okt 2026" in text
    assert [seal.fingerprint in text for seal in seals] == [False, False, True, False]


def a_seal(day: date) -> Seal:
    return Seal(
        facility="KWK",
        day=day,
        zone="Asia/Jayapura",
        covers_until=NOON,
        sealed_at=NOON,
        incidents=0,
        calls=0,
        root="0" * 64,
        previous="0" * 64,
        key="0" * 64,
        signature="0" * 128,
    )


def test_two_periods_stand_side_by_side(here: World, sources: Sources) -> None:
    october(here)
    here.writes(
        past_incident(here, 90, OCTOBER - timedelta(days=20), on_scene_at=OCTOBER - timedelta(days=20))
    )
    document = worded(found(here, sources, before="2026-09"), sources=sources)
    (table,) = [table for table in document.tables if table.name == "Perbandingan"]
    row = next(row for row in table.rows if row.cells[0].text == "Waktu tanggap")
    assert [cell.values[0] for cell in row.cells[1::3]] == [1, 40]
    assert row.cells[5].text.replace("\xa0", " ") == "20 mnt 30 dtk"


def test_a_signature_that_nobody_named_is_left_to_be_filled_in(here: World) -> None:
    sources = Sources(facility=here.facility)
    signing = worded(found(here, sources), sources=sources).signing
    assert set(signing.name) == {"."}
    assert signing.nip.startswith("NIP ...")
    assert pen_for(sources, Language.ID).few == 20


@pytest.mark.parametrize(("few", "is_listed"), [(25, False), (26, True)])
def test_the_minimum_is_the_facilitys_own(here: World, few: int, is_listed: bool) -> None:
    october(here, arrivals=25)
    sources = Sources(facility=replace(here.facility, report=House(few=few)))
    text = pdf_text(render(found(here, sources), sources=sources, format=Format.PDF))
    assert ("Setiap nilai (mnt:dtk): 1:00; 2:00" in text) is is_listed


def test_an_instant_in_a_workbook_is_the_facilitys_time(here: World, sources: Sources) -> None:
    early = OCTOBER - timedelta(minutes=1)
    here.writes(past_incident(here, 100, OCTOBER, alerted_at=OCTOBER, on_scene_at=early))
    book = workbook(render(found(here, sources), sources=sources, format=Format.XLSX))
    sheet = book["Urutan mustahil"]
    assert sheet["A2"].value == "KWK-2026-000100"
    assert sheet["D2"].value == datetime(2026, 10, 5, 11, 59)  # noqa: DTZ001 - a workbook knows no zones
