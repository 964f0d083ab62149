"""Survey and complaints as CSV and JSON: the figures of the paper, unrounded, and nobody's own words."""

import csv
import json
from datetime import date, timedelta

import pypdfium2
import pytest
from lxml import html

from config.facility import load_facility
from dashboards.i18n import Language
from dashboards.reports import kinds, questionnaire_sheet
from dashboards.reports.as_html import as_html
from dashboards.reports.as_pdf import as_pdf
from dashboards.reports.kinds import Asked, Kind
from dashboards.reports.periods import parse_period
from dashboards.reports.response_times import Format
from dashboards.reports.sources import Sources
from dispatch.domain.questionnaire import CURRENT, FORM_ORDER, Element
from tests.builders import START
from tests.service.conftest import MakeWorld
from tests.survey_rows import a_follow_up, an_answer
from tests.world import World

SOURCES = Sources(facility=load_facility())


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    made = make_world()
    with made.uow.write() as session:
        ids = made.services.ids
        session.add(an_answer(ids, 4, at=START, sex="P", suggestion="Ibu Yosefina menunggu lama"))
        session.add(an_answer(ids, dict.fromkeys(FORM_ORDER, 3) | {Element.COST: 1}, at=START))
        session.add(an_answer(ids, {Element.TIME: 1}, at=START))
        session.add(an_answer(ids, 2, at=START - timedelta(days=1), version="SKM-14/2017-0"))
        session.add(a_follow_up(ids, period="2026", at=START, due_on=date(2026, 12, 1)))
    return made


def written(world: World, kind: Kind, form: Format) -> bytes:
    asked = Asked(sources=SOURCES, period=parse_period("2026-11"))
    with world.uow.read() as session:
        return kinds.render(kinds.read(session, kind, asked), format=form)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


def test_the_survey_comes_as_json_with_a_part_for_each_version(world: World) -> None:
    content = json.loads(written(world, Kind.SKM, Format.JSON))
    assert (content["report"], content["period"], content["filled"], content["incomplete"]) == (
        "skm",
        "2026-11",
        3,
        1,
    )
    older, newest = content["parts"]
    assert (older["version"], older["index"]["converted"]) == ("SKM-14/2017-0", 50.0)
    assert (newest["version"], newest["filled"], newest["index"]["rounded"]) == (CURRENT.version, 2, 84.72)
    assert newest["elements"]["biaya"]["answers"] == {"1": 1, "2": 0, "3": 0, "4": 1}
    assert newest["elements"]["biaya"]["nrr"] == 2.5
    assert newest["respondents"]["sex"] == {"P": 1, "not_stated": 1}
    assert [step["period"] for step in content["follow_up"]] == ["2026"]


def test_the_survey_comes_as_csv_with_the_same_figures(world: World) -> None:
    found = rows(written(world, Kind.SKM, Format.CSV))
    of = [row for row in found if row["version"] == CURRENT.version]
    (index,) = (row for row in of if row["section"] == "index")
    assert (index["count"], index["rounded"], index["grade"], index["weight"]) == ("2", "84.72", "B", "1/9")
    assert [row["count"] for row in of if row["section"] == "answers" and row["key"] == "biaya"] == [
        "1",
        "0",
        "0",
        "1",
    ]
    (step,) = (row for row in found if row["section"] == "follow_up")
    assert (step["group"], step["key"], step["action"]) == ("2026", "waktu", "Ambulans kedua untuk malam")


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON])
def test_what_people_wrote_is_in_none(world: World, form: Format) -> None:
    assert b"Yosefina" not in written(world, Kind.SKM, form)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.KIPP])
@pytest.mark.parametrize("form", list(Format))
def test_every_kind_but_the_draft_of_words_comes_in_every_form(
    world: World, kind: Kind, form: Format
) -> None:
    content = written(world, kind, form)
    starts = {Format.PDF: b"%PDF", Format.XLSX: b"PK", Format.JSON: b"{", Format.CSV: b"section,"}
    assert content.lstrip().startswith(starts.get(form, b"<!DOCTYPE html>"))
    assert content == written(world, kind, form)


def test_the_blank_questionnaire_is_a_form_and_no_report() -> None:
    document = questionnaire_sheet.worded(sources=SOURCES)
    pages = pypdfium2.PdfDocument(as_pdf(document))
    said = " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pages).split())
    assert CURRENT.version in said
    assert "Jangan tulis nama Anda" in said
    for element in FORM_ORDER:
        wording = CURRENT.wording(element, "id")
        assert all(answer.split()[-1] in said for answer in wording.answers)
    assert "NIP" not in said
    assert "siaga verify" not in said
    page = html.fromstring(as_html(document))
    assert not page.xpath("//section[@class='signing' or @class='proof']")
    questions = page.xpath("//td[position()=1]/text()")
    assert [text for text in questions if text.startswith("Bagaimana")] == [
        CURRENT.wording(element, "id").question for element in FORM_ORDER
    ]
    english = as_html(questionnaire_sheet.worded(sources=SOURCES, language=Language.EN))
    assert CURRENT.wording(Element.TIME, "en").question in english
