"""The innovation dossier: figures that the record has, blanks for the rest, and a summary that fits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pypdfium2
import pytest

from config.facility import load_facility
from dashboards.i18n import Language
from dashboards.reports import kinds, kipp_sections
from dashboards.reports.document import Document, Paragraph, Section, Table
from dashboards.reports.drafting import Sentence, fitted, words_in
from dashboards.reports.house import House, Innovation
from dashboards.reports.kinds import Asked, FormatRefusedError, Kind
from dashboards.reports.periods import parse_period, period_before
from dashboards.reports.response_times import Format
from dashboards.reports.sources import Sources
from tests.api_world import NOON, TestFacility, World, past_call, past_incident, world

OCTOBER = NOON.replace(month=10, day=5)
SEPTEMBER = NOON.replace(month=9, day=5)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


def arrivals(here: World, at: object, *, count: int, step_s: int) -> None:
    """Emergencies that somebody reached after one, two … steps, each with its call, and a prank beside it."""
    assert at in (OCTOBER, SEPTEMBER)
    day = OCTOBER if at == OCTOBER else SEPTEMBER
    for number in range(1, count + 1):
        arrived = day + timedelta(seconds=step_s * number)
        here.writes(
            past_incident(
                here, 100 * day.month + number, day, outcome="treated", accepted_at=day, on_scene_at=arrived
            ),
            past_call(here, day, "incident", answered_at=day + timedelta(seconds=9)),
            past_call(here, day, "prank"),
        )


def dossier(
    here: World, *, facility: TestFacility | None = None, language: Language = Language.ID, compare: str = ""
) -> Document:
    asked = Asked(
        sources=Sources(facility=facility or here.facility, public_url="https://siaga.example"),
        period=parse_period("2026-10"),
        before=parse_period(compare) if compare else None,
        as_of=here.clock.now(),
    )
    with here.services.uow.read() as session:
        reading = kinds.read(session, Kind.KIPP, asked)
    return reading.worded(language=language, missing=None)


def named(innovation: Innovation) -> TestFacility:
    return TestFacility(report=House(innovation=innovation))


def section(document: Document, number: int) -> Section:
    (found,) = [one for one in document.sections if one.title.startswith(f"{number}. ")]
    return found


def texts(found: Section) -> list[str]:
    return [block.text for block in found.blocks if isinstance(block, Paragraph) and not block.is_blank]


def table(document: Document, name: str) -> Table:
    return next(table for table in document.tables if table.name == name)


def test_the_eight_sections_stand_there_with_weight_words_and_limit(here: World) -> None:
    arrivals(here, OCTOBER, count=30, step_s=60)
    document = dossier(here)
    overview = table(document, "Bagian")
    assert [row.cells[1].text.replace("\xa0", " ") for row in overview.rows] == [
        "0 %", "10 %", "15 %", "5 %", "30 %", "20 %", "5 %", "15 %",
    ]  # fmt: skip
    assert [row.cells[3].text for row in overview.rows] == [
        "paling banyak 200 kata",
        *["tidak diketahui (belum terkonfirmasi)"] * 7,
    ]
    for number, row in enumerate(overview.rows, 1):
        drafted = texts(section(document, number))
        assert f"draf {row.cells[2].text} kata" in drafted[0]
    assert "instrumen tahun 2023" in " ".join(texts(document.sections[1]))


def test_the_summary_is_made_of_figures_that_the_record_has(here: World) -> None:
    arrivals(here, SEPTEMBER, count=25, step_s=120)
    arrivals(here, OCTOBER, count=40, step_s=60)
    _, summary, left = texts(section(dossier(here), 1))[:3]
    words = summary.replace("\xa0", " ")
    assert "80 panggilan dan SMS, 40 di antaranya bukan panggilan sungguhan, dan tercatat 40 insiden" in words
    assert "Dari 40 kedatangan yang tercatat, separuh tiba dalam 20 mnt 30 dtk" in words
    assert "sembilan dari sepuluh dalam 36 mnt 0 dtk" in words
    assert "pada 2026-09 dari 25: 26 mnt 0 dtk dan 46 mnt 0 dtk" in words
    assert words_in(summary) <= 200
    assert f"tersisa {200 - words_in(summary)} kata" in left


def test_few_arrivals_get_neither_median_nor_percentile(here: World) -> None:
    arrivals(here, OCTOBER, count=3, step_s=60)
    summary = texts(section(dossier(here), 1))[1].replace("\xa0", " ")
    assert "Tercatat 3 kedatangan, 1 mnt 0 dtk sampai 3 mnt 0 dtk sejak dering pertama" in summary
    assert "separuh" not in summary


@pytest.mark.parametrize("language", list(Language))
def test_the_summary_never_has_more_than_200_words(here: World, language: Language) -> None:
    arrivals(here, SEPTEMBER, count=25, step_s=120)
    arrivals(here, OCTOBER, count=40, step_s=60)
    for name in ("911", "kata " * 24, "a " * 60, "b " * 199, "c " * 400):
        found = dossier(here, facility=named(Innovation(name=name.strip())), language=language)
        said = texts(section(found, 1))[1]
        assert 0 < words_in(said) <= 200, name[:8]


def test_what_the_record_does_not_hold_is_a_blank_that_names_who_has_it(here: World) -> None:
    document = dossier(here)
    blanks = [
        block.text
        for one in document.sections
        for block in one.blocks
        if isinstance(block, Paragraph) and block.is_blank
    ]
    assert len(blanks) > 12
    assert all(text.startswith("[… ") and ": diisi oleh " in text for text in blanks)
    assert {row.cells[1].text for row in table(document, "Biaya").rows} == {"[…]"}
    assert {row.cells[1].text for row in table(document, "Sebelum dan sesudah").rows} == {"[…]"}


def test_a_period_without_anything_says_so_and_invents_nothing(here: World) -> None:
    document = dossier(here)
    assert texts(section(document, 5))[1] == "Tidak ada catatan dalam periode ini."
    summary = texts(section(document, 1))[1]
    assert not any(letter.isdigit() for letter in summary.replace("911", ""))
    assert [column.title for column in table(document, "Sebelum dan sesudah").columns][2:] == ["2026-10"]


def test_it_is_compared_with_the_period_before_or_another_one(here: World) -> None:
    arrivals(here, SEPTEMBER, count=25, step_s=120)
    arrivals(here, OCTOBER, count=30, step_s=60)

    def columns(compare: str = "") -> list[str]:
        found = table(dossier(here, compare=compare), "Sebelum dan sesudah")
        return [column.title for column in found.columns][2:]

    assert columns() == ["2026-09", "2026-10"]
    assert columns("2026-Q3") == ["2026-Q3", "2026-10"]
    assert columns("2025-10") == ["2026-10"], "nothing was recorded then"
    rows = table(dossier(here), "Sebelum dan sesudah").rows
    by_title = {row.cells[0].text: row.cells for row in rows}
    assert [cell.text for cell in by_title["Insiden"][2:]] == ["25", "30"]
    assert by_title["Diterima oleh petugas kesehatan"][3].text.replace("\xa0", " ") == "30 / 30 (100 %)"
    ends = {row.cells[0].text: row.cells[2].text for row in table(dossier(here), "Akhir insiden").rows}
    assert (ends["Ditangani di tempat"], ends["Semua"]) == ("30", "30")


def test_a_guideline_of_ones_own_replaces_the_weights_of_2023(here: World) -> None:
    weights = {**dict.fromkeys(kipp_sections.TITLES, 10), "significance": 30}
    own = Innovation(instrument="Pedoman 4/2025", weights=weights, limits={"summary": 200, "novelty": 20})
    document = dossier(here, facility=named(own))
    overview = table(document, "Bagian")
    assert overview.rows[4].cells[1].text.replace("\xa0", " ") == "30 %"
    assert "Pedoman 4/2025" in texts(document.sections[1])[0]
    assert "kelebihan" in overview.rows[2].cells[3].text


@pytest.mark.parametrize("language", list(Language))
def test_it_comes_as_page_and_pdf_and_the_same_bytes_again(here: World, language: Language) -> None:
    arrivals(here, OCTOBER, count=30, step_s=60)
    asked = Asked(sources=Sources(facility=load_facility()), period=parse_period("2026-10"))
    written = []
    for form in (Format.PDF, Format.HTML, Format.PDF, Format.HTML):
        with here.services.uow.read() as session:
            reading = kinds.read(session, Kind.KIPP, replace(asked, as_of=here.clock.now()))
        written.append(kinds.render(reading, format=form, language=language))
        here.clock.advance(3600)
    assert written[:2] == written[2:]
    pages = pypdfium2.PdfDocument(written[0])
    assert "911 Puskesmas Kwamki" in pages[0].get_textpage().get_text_bounded()
    pages.close()


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON, Format.XLSX])
def test_a_form_that_the_kind_does_not_have_is_refused_in_a_line(form: Format) -> None:
    with pytest.raises(FormatRefusedError) as refused:
        kinds.require_format(Kind.KIPP, form)
    assert str(refused.value) == (f"a report of the kind kipp does not come as {form}; choose from html, pdf")


@pytest.mark.parametrize(
    ("text", "before"),
    [("2026-10", "2026-09"), ("2026-01", "2025-12"), ("2026-Q1", "2025-Q4"), ("2026-q3", "2026-Q2"),
     ("2026", "2025"), ("1970", None), ("1970-01", None)],
)  # fmt: skip
def test_the_period_before_is_as_long(text: str, before: str | None) -> None:
    found = period_before(parse_period(text))
    assert (found and found.text) == before


def test_of_sentences_that_do_not_fit_the_less_important_ones_are_left_out() -> None:
    given = [
        Sentence(text="one two three", touches="a", rank=2),
        Sentence(text="four five", touches="b", rank=1),
        Sentence(text="– six", touches="c", rank=3),
    ]
    assert [one.touches for one in fitted(given, at_most=3)] == ["b", "c"]
    assert [one.touches for one in fitted(given, at_most=6)] == ["a", "b", "c"]
    assert fitted(given, at_most=0) == []
