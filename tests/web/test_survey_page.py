"""``/survey``: the index with its weight, what is counted apart, and whose words are read by whom."""

from collections.abc import Iterator

import pytest
from lxml import html
from sqlalchemy import select

from dispatch.domain.questionnaire import CURRENT, FORM_ORDER, SurveyChannel
from models.record import Audit
from tests.survey_rows import an_answer
from tests.web.sample_site import NASTY, NOW, SampleSite
from tests.web.visitor import Visitor

NOVEMBER = "/survey?period=2026-11"


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(sqlite_database_url)
    yield sample
    sample.close()


def visitor(site: SampleSite, role: str) -> Visitor:
    made = Visitor(site.app)
    made.logs_in(role)
    return made


def answer(
    site: SampleSite, scores: list[int], *, version: str = CURRENT.version, **header: str | None
) -> None:
    given = dict(zip(FORM_ORDER, scores, strict=False))
    paper = SurveyChannel.PAPER
    with site.uow.write() as db:
        db.add(an_answer(site.ids, given, at=NOW, version=version, channel=paper, **header))


def shown(site: SampleSite, address: str = NOVEMBER, role: str = "auditor") -> str:
    tree = html.fromstring(visitor(site, role).opens(address).text)
    return " ".join(" ".join(tree.xpath("//main//text()")).split())


def test_the_index_stands_with_its_weight_its_grade_and_its_number_of_answers(site: SampleSite) -> None:
    answer(site, [4, 4, 4, 4, 4, 4, 4, 4, 4], sex="P", education="SMA")
    answer(site, [3, 3, 3, 4, 3, 3, 3, 3, 3])
    answer(site, [1, 2])
    text = shown(site)
    assert "88,89 A – Sangat baik" in text
    assert "bobot setiap unsur 1/9" in text
    assert "2 dari 0 responden" in text
    assert "Tidak lengkap 1" in text
    assert "U8 Sarana dan Prasarana 0 0 1 1 7 3,500 0,3889 B" in text
    assert "Perempuan 1" in text
    assert "SMA 1" in text


def test_a_period_without_answers_says_so(site: SampleSite) -> None:
    text = shown(site, "/survey")
    assert "Survei Kepuasan Masyarakat 2026-10" in text
    assert "belum ada nilai indeks" in text
    assert "tidak mengizinkan program bertanya" in text


def test_answers_to_another_questionnaire_are_said_to_be_there(site: SampleSite) -> None:
    answer(site, [1] * 9, version="SKM-14/2017-0")
    answer(site, [4] * 9)
    assert "Versi lain 1" in shown(site)


def test_english_by_choice(site: SampleSite) -> None:
    answer(site, [4] * 9)
    assert "100.00 A – Sangat baik" in shown(site, f"{NOVEMBER}&lang=en")


def test_nonsense_is_no_period(site: SampleSite) -> None:
    assert visitor(site, "manager").opens("/survey?period=2026-13").status_code == 422


@pytest.mark.parametrize("role", ["auditor", "worker"])
def test_what_people_wrote_is_not_for_everybody(site: SampleSite, role: str) -> None:
    answer(site, [4] * 9, suggestion=NASTY)
    reader = visitor(site, role)
    assert reader.opens("/survey/suggestions?period=2026-11").status_code == 403
    page = reader.opens(NOVEMBER).text
    assert "alert(1)" not in page
    assert "/survey/suggestions" not in page


def test_reading_what_people_wrote_is_on_record(site: SampleSite) -> None:
    answer(site, [4] * 9, suggestion=NASTY)
    page = visitor(site, "manager").opens("/survey/suggestions?period=2026-11").text
    assert "&lt;script&gt;alert(1)" in page
    with site.uow.read() as db:
        lines = db.scalars(select(Audit).where(Audit.action == "survey_suggestions.read")).all()
    assert [(line.actor, line.subject) for line in lines] == [("user:manager", "2026-11")]
    assert NASTY not in repr([line.data for line in lines])
