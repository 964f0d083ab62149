"""The five-chapter report of the satisfaction survey: golden values, gaps that are said, the same bytes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pypdfium2
import pytest
from lxml import html

from config.facility import load_facility
from dashboards.i18n import Language
from dashboards.reports import skm, skm_survey
from dashboards.reports.as_html import as_html
from dashboards.reports.as_pdf import as_pdf
from dashboards.reports.document import Document
from dashboards.reports.periods import parse_period
from dashboards.reports.sources import Sources
from dispatch.domain.questionnaire import (
    CURRENT,
    FORM_ORDER,
    VERSIONS,
    Element,
    FollowUpStatus,
    Questionnaire,
    Wording,
)
from dispatch.domain.survey import Weight
from tests.service.conftest import MakeWorld
from tests.survey_rows import a_follow_up, an_answer
from tests.world import World

WITHIN = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
GOLDEN_A = ("3.20", "3.15", "3.05", "3.90", "3.25", "3.30", "3.40", "3.00", "3.10")
"""NRR by element (DOMAIN 1.1.3): 81.5278 with a ninth, all weights grade B."""
GOLDEN_B = ("3.60", "3.55", "3.45", "3.90", "3.55", "3.55", "3.60", "3.25", "3.40")
"""Sum 31.85: B with 0.11, A with the other two."""


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


def answered(
    world: World, nrr: Sequence[str], *, at: datetime = WITHIN, version: str = CURRENT.version
) -> None:
    """Twenty questionnaires whose averages are *nrr*."""
    wanted = [round(float(each) * 20) for each in nrr]
    with world.uow.write() as session:
        for place in range(20):
            scores = {
                element: total // 20 + (place < total % 20)
                for element, total in zip(FORM_ORDER, wanted, strict=True)
            }
            sex = "P" if place < 12 else None
            said = "Ibu Yosefina menunggu lama"
            session.add(
                an_answer(world.services.ids, scores, at=at, version=version, sex=sex, suggestion=said)
            )


def planned(world: World, period: str, action: str, status: FollowUpStatus) -> None:
    due_on = date(2026, 12, 31)
    with world.uow.write() as session:
        session.add(
            a_follow_up(
                world.services.ids,
                period=period,
                at=WITHIN,
                due_on=due_on,
                action=action,
                responsible="dr. Ruth Magai",
                status=status,
            )
        )


def report(
    world: World,
    weight: Weight = Weight.NINTH,
    *,
    language: Language = Language.ID,
    as_of: datetime | None = None,
    versions: Sequence[Questionnaire] = VERSIONS,
    period: str = "2026-Q4",
) -> Document:
    facility = load_facility()
    sources = Sources(facility=replace(facility, survey=replace(facility.survey, weight=weight)))
    with world.uow.read() as session:
        found = skm_survey.read(
            session, sources=sources, period=parse_period(period), as_of=as_of, versions=versions
        )
    return skm.worded(found, sources=sources, language=language)


def words(document: Document) -> str:
    return " ".join(str(html.fromstring(as_html(document)).text_content()).split())


@pytest.mark.parametrize(
    ("weight", "converted"),
    [(Weight.NINTH, "81,53"), (Weight.THREE_DECIMALS, "81,45"), (Weight.TWO_DECIMALS, "80,71")],
)
def test_golden_a_stands_in_the_report_with_its_weight(world: World, weight: Weight, converted: str) -> None:
    answered(world, GOLDEN_A)
    said = words(report(world, weight))
    assert f"konversi {converted}; mutu pelayanan B (Baik), dari 20 kuesioner terisi" in said
    assert f"dengan penimbang {weight}." in said


@pytest.mark.parametrize(
    ("weight", "letter"), [(Weight.NINTH, "A"), (Weight.THREE_DECIMALS, "A"), (Weight.TWO_DECIMALS, "B")]
)
def test_golden_b_is_graded_by_the_weight_that_was_used(world: World, weight: Weight, letter: str) -> None:
    answered(world, GOLDEN_B)
    assert f"mutu pelayanan {letter} (" in words(report(world, weight))


def test_five_chapters_and_four_annexes_stand_in_their_order(world: World) -> None:
    answered(world, GOLDEN_A)
    titles = [section.title for section in report(world).sections if section.level == 1]
    assert [title.split("  ")[0] for title in titles] == [
        "BAB I",
        "BAB II",
        "BAB III",
        "BAB IV",
        "BAB V",
        "LAMPIRAN",
    ]
    parts = [section.title[:3] for section in report(world).sections if section.level == 2]
    assert parts[:12] == ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5", "3.1", "3.2", "4.1", "4.2"]


def test_the_weakest_elements_and_the_trend_are_named(world: World) -> None:
    answered(world, GOLDEN_A)
    answered(world, GOLDEN_B, at=WITHIN - timedelta(days=92))
    document = report(world)
    tables = {table.name: table for table in document.tables}
    assert tables["Nilai terendah"].rows[0].cells[0].text == "U8  Sarana dan Prasarana"
    assert tables["Nilai tertinggi"].rows[0].cells[0].text == "U4  Biaya/Tarif"
    trend = [[cell.text for cell in row.cells] for row in tables["Tren"].rows]
    assert trend[-2:] == [
        ["2026-Q3", "20", "88,47", "A (Sangat baik)"],
        ["2026-Q4", "20", "81,53", "B (Baik)"],
    ]
    assert trend[0] == ["2025-Q4", "0", "–", "–"]


def test_both_plans_stand_in_it_and_nobodys_words(world: World) -> None:
    answered(world, GOLDEN_A)
    planned(world, "2026-Q4", "Ambulans kedua untuk malam", FollowUpStatus.PLANNED)
    planned(world, "2026-Q3", "Latihan menerima telepon", FollowUpStatus.DONE)
    said = words(report(world))
    assert "Ambulans kedua untuk malam" in said
    assert "Latihan menerima telepon" in said
    assert "Yosefina" not in said


def test_a_period_without_answers_says_so_and_leaves_the_rest_to_people(world: World) -> None:
    document = report(world)
    said = words(document)
    assert "Tidak ada kuesioner yang terisi" in said
    assert "konversi" not in said.split("LAMPIRAN")[0].replace("Nilai interval konversi", "").replace(
        "IKM konversi", ""
    )
    blanks = [
        block
        for section in document.sections
        for block in section.blocks
        if getattr(block, "is_blank", False)
    ]
    assert len(blanks) >= 8


CORRECTED = Questionnaire(
    version="SKM-14/2017-2",
    indonesian={
        **CURRENT.indonesian,
        Element.TIME: Wording(
            question="Seberapa cepat petugas datang?", answers=("Lambat", "Agak lambat", "Cepat", "Segera")
        ),
    },
    english=CURRENT.english,
)


def test_after_a_corrected_word_each_version_has_a_part_in_its_own_words(world: World) -> None:
    answered(world, GOLDEN_A)
    answered(world, GOLDEN_B, at=WITHIN + timedelta(days=9), version=CORRECTED.version)
    document = report(world, versions=(CURRENT, CORRECTED))
    said = words(document)
    assert f"{CURRENT.version}: IKM 3," in said
    assert "konversi 81,53; mutu pelayanan B" in said
    assert f"{CORRECTED.version}: IKM 3," in said
    assert "konversi 88,47; mutu pelayanan A" in said
    assert said.count("Bagaimana pendapat Saudara tentang kecepatan waktu") == 1
    assert said.count("Seberapa cepat petugas datang?") == 1
    assert "Dalam periode ini dijawab beberapa versi kuesioner" in said
    trend = next(table for table in document.tables if table.name == "Tren")
    assert [[cell.text for cell in row.cells[:3]] for row in trend.rows][-2:] == [
        [f"2026-Q4 · {CURRENT.version}", "20", "81,53"],
        [f"2026-Q4 · {CORRECTED.version}", "20", "88,47"],
    ]


def test_an_earlier_period_keeps_its_index_after_a_corrected_word(world: World) -> None:
    answered(world, GOLDEN_A)
    said = words(report(world, versions=(CURRENT, CORRECTED)))
    assert "konversi 81,53; mutu pelayanan B" in said
    assert "Seberapa cepat petugas datang?" not in said


def test_words_that_are_not_kept_are_said_to_be_missing(world: World) -> None:
    answered(world, GOLDEN_A, version="SKM-14/2017-0")
    said = words(report(world))
    assert "Kata-kata SKM-14/2017-0 tidak tersimpan dalam program ini" in said
    assert "konversi 81,53" in said


@pytest.mark.parametrize(
    ("nrr", "lowest", "highest"),
    [
        (GOLDEN_A, "U8 U3 U9", "U4 U7 U6"),
        (["3.00", "3.00", "3.00", "3.00", "3.50", "3.60", "3.70", "3.70", "3.80"], "U1 U2 U3 U4", "U9 U7 U8"),
        (["3.00", "3.00", "3.50", "3.50", "3.50", "3.50", "3.50", "4.00", "4.00"], "U1 U2", "U8 U9"),
        (["3.00"] * 8 + ["4.00"], "U1 U2 U3 U4 U5 U6 U7 U8", "U9"),
    ],
)
def test_equal_elements_stand_together_and_none_is_weak_and_strong(
    world: World, nrr: Sequence[str], lowest: str, highest: str
) -> None:
    answered(world, nrr)
    tables = {table.name: table for table in report(world).tables}
    named = [
        " ".join(row.cells[0].text.split()[0] for row in tables[name].rows)
        for name in ("Nilai terendah", "Nilai tertinggi")
    ]
    assert named == [lowest, highest]


def test_when_all_are_equal_that_is_what_is_said(world: World) -> None:
    answered(world, ["3.00"] * 9)
    document = report(world)
    assert not {"Nilai terendah", "Nilai tertinggi"} & {table.name for table in document.tables}
    assert "Kesembilan unsur memiliki NRR yang sama, 3,000" in words(document)


def test_a_month_has_the_plan_of_its_quarter_and_its_year(world: World) -> None:
    answered(world, GOLDEN_A)
    for period in ("2026-11", "2026-Q4", "2026", "2026-10", "2026-Q3"):
        planned(world, period, f"langkah {period}", FollowUpStatus.PLANNED)
    document = report(world, period="2026-11")
    now, before = (table for table in document.tables if table.name == "Rencana tindak lanjut")
    assert [row.cells[0].text for row in now.rows] == ["2026-11", "2026-Q4", "2026"]
    assert [row.cells[0].text for row in before.rows] == ["2026-10"], "the quarter is that of both"


def test_too_few_respondents_are_said(world: World) -> None:
    world.resident().rings()
    assert "Kurang 1 responden" in words(report(world))


def test_it_is_a_paper_with_the_same_bytes_each_time_in_two_languages(world: World) -> None:
    answered(world, GOLDEN_A)
    pdf = as_pdf(report(world))
    assert pdf == as_pdf(report(world, as_of=datetime(2027, 3, 1, tzinfo=UTC)))
    pages = pypdfium2.PdfDocument(pdf)
    assert "BAB III" in "".join(page.get_textpage().get_text_bounded() for page in pages)
    assert "CHAPTER III" in words(report(world, language=Language.EN))


def test_no_fingerprint_is_printed_for_answers_that_no_seal_covers(world: World) -> None:
    answered(world, GOLDEN_A)
    made = report(world)
    assert (made.proof.title, made.proof.fingerprint) == ("Yang tidak dibuktikan di sini", "")
    assert "masih sama" not in words(made)
