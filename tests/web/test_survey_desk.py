"""The survey on paper, and the plan that follows: what is printed, typed in, refused, and by whom."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from lxml import html
from sqlalchemy import select

from dispatch.domain.questionnaire import CURRENT, FORM_ORDER
from models.record import Audit
from models.survey import FollowUp, SurveyResponse
from tests.web.sample_site import NASTY, NOW, SampleSite
from tests.web.visitor import Visitor

WHOLE = {
    "version": CURRENT.version,
    "answered_on": "2026-11-20",
    "entry_key": "one",
    **dict.fromkeys(map(str, FORM_ORDER), "3"),
}
STEP = {
    "period": "2026-Q3",
    "element": "waktu",
    "action": "Tambah pengemudi malam",
    "responsible": "Kepala Puskesmas",
    "due_on": "2026-12-31",
    "entry_key": "one",
}


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(sqlite_database_url)
    yield sample
    sample.close()


@pytest.fixture
def manager(site: SampleSite) -> Visitor:
    visitor = Visitor(site.app)
    visitor.logs_in("manager")
    return visitor


def kept(site: SampleSite) -> list[SurveyResponse]:
    with site.uow.read() as db:
        return list(db.scalars(select(SurveyResponse).order_by(SurveyResponse.id)))


def steps(site: SampleSite) -> list[FollowUp]:
    with site.uow.read() as db:
        return list(db.scalars(select(FollowUp).order_by(FollowUp.id)))


def lines(site: SampleSite, prefix: str) -> list[tuple[str, str, dict[str, object]]]:
    with site.uow.read() as db:
        found = db.scalars(select(Audit).where(Audit.action.startswith(prefix)).order_by(Audit.id))
        return [(line.actor, line.action, line.data) for line in found]


def words(response: httpx.Response) -> str:
    return " ".join(" ".join(html.fromstring(response.text).xpath("//main//text()")).split())


# --- paper


def test_the_printed_form_has_nine_questions_and_its_version(manager: Visitor) -> None:
    response = manager.opens("/survey/form")
    tree = html.fromstring(response.text)
    assert len(tree.xpath("//ol[@class='asked']/li")) == 9
    assert CURRENT.version in words(response)
    assert "Jangan tulis nama Anda" in words(response)
    asked_beside = [cell.text_content() for cell in tree.xpath("//table[@class='blanks']//th")]
    assert asked_beside == ["Tanggal", "Jenis kelamin", "Pendidikan", "Pekerjaan"], "what can be typed in"
    assert "Buruk" in words(response)


def test_what_came_on_paper_is_kept_with_its_day_and_who_typed_it(site: SampleSite, manager: Visitor) -> None:
    response = manager.submits("/survey/paper", **WHOLE, sex="L", suggestion=NASTY)
    assert response.headers["location"].startswith("/survey/paper?kept=1")
    (row,) = kept(site)
    assert (row.channel, row.entered_by, row.is_filled) == ("paper", "user:manager", True)
    assert row.answered_at == datetime(2026, 11, 20, 3, 0, tzinfo=UTC), "noon at the health centre"
    assert (row.recorded_at, row.incident_id, row.suggestion) == (NOW, None, NASTY)
    assert lines(site, "survey_paper") == [("user:manager", "survey_paper.entered", {})]


def test_version_and_day_stay_for_the_next_of_the_heap(manager: Visitor) -> None:
    address = manager.submits("/survey/paper", **WHOLE).headers["location"]
    tree = html.fromstring(manager.opens(address).text)
    assert tree.xpath("//input[@name='version']/@value") == [CURRENT.version]
    assert tree.xpath("//input[@name='answered_on']/@value") == ["2026-11-20"]
    assert tree.xpath("//input[@checked]") == []


def test_nobody_says_the_version_for_the_one_who_types(manager: Visitor) -> None:
    tree = html.fromstring(manager.opens("/survey/paper").text)
    assert tree.xpath("//input[@name='version']/@value") == [""]


def test_the_same_entry_sent_twice_is_kept_once(site: SampleSite, manager: Visitor) -> None:
    for _ in range(2):
        assert manager.submits("/survey/paper", **WHOLE).status_code == 303
    assert len(kept(site)) == len(lines(site, "survey_paper")) == 1
    manager.submits("/survey/paper", **{**WHOLE, "entry_key": "two"})
    assert len(kept(site)) == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"version": "SKM-14/2017-0"}, "versi kuesioner yang lain"),
        ({"waktu": "7"}, "Jawaban adalah 1, 2, 3 atau 4"),
        ({"answered_on": "2026-11-24"}, "Tanggal yang tertulis pada formulir: pilih tanggal dari 2017"),
        ({"answered_on": ""}, "Tanggal yang tertulis pada formulir: pilih tanggal dari 2017"),
        ({"version": ""}, "versi kuesioner yang lain"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_typed_twice(
    site: SampleSite, manager: Visitor, changed: dict[str, str], said: str
) -> None:
    response = manager.submits("/survey/paper", **{**WHOLE, **changed})
    assert response.status_code == 422
    assert said in words(response)
    assert html.fromstring(response.text).xpath("//input[@name='biaya'][@checked]/@value") == ["3"]
    assert kept(site) == []


@pytest.mark.parametrize("day", ["", "20.11.2026", "2026-13-01", "0001-01-01", "2016-12-31"])
def test_a_day_that_is_none_is_no_form_of_ours(site: SampleSite, manager: Visitor, day: str) -> None:
    assert manager.submits("/survey/paper", **{**WHOLE, "answered_on": day}).status_code == 422
    assert kept(site) == []


@pytest.mark.parametrize("typed", ["skm-14/2017-1", " SKM-14/2017-1 ", "Skm - 14 / 2017 - 1"])
def test_blanks_and_capitals_of_the_version_do_not_matter(
    site: SampleSite, manager: Visitor, typed: str
) -> None:
    assert manager.submits("/survey/paper", **{**WHOLE, "version": typed}).status_code == 303
    assert [row.questionnaire for row in kept(site)] == [CURRENT.version]


def test_a_form_that_came_empty_is_shown_again(site: SampleSite, manager: Visitor) -> None:
    paper = manager.submits("/survey/paper", entry_key="k")
    assert (paper.status_code, "Tanggal yang tertulis pada formulir" in words(paper)) == (422, True)
    assert html.fromstring(paper.text).xpath("//form[@action='/survey/paper']")
    plan = manager.submits("/survey/follow-up", **{**STEP, "due_on": ""})
    assert (plan.status_code, "Paling lambat: pilih tanggal." in words(plan)) == (422, True)
    assert STEP["responsible"] in plan.text
    assert "Periode survei: pilih satu." in words(manager.submits("/survey/follow-up", entry_key="k"))
    assert steps(site) == []


def test_todays_paper_was_not_answered_later_than_now(site: SampleSite) -> None:
    site.clock.advance(-10 * 3600)
    manager = Visitor(site.app)
    manager.logs_in("manager")
    manager.submits("/survey/paper", **{**WHOLE, "answered_on": "2026-11-23"})
    assert kept(site)[0].answered_at == site.clock.now()


def test_a_line_left_out_on_paper_is_asked_for_and_then_kept_as_it_is(
    site: SampleSite, manager: Visitor
) -> None:
    some = {key: value for key, value in WHOLE.items() if key != "sarana"}
    assert "Masih ada 1 pertanyaan" in words(manager.submits("/survey/paper", **some))
    manager.submits("/survey/paper", **some, as_it_is="1")
    assert [(row.is_filled, len(row.answers)) for row in kept(site)] == [(False, 8)]


@pytest.mark.parametrize("role", ["auditor", "worker"])
@pytest.mark.parametrize(
    ("path", "fields"), [("/survey/paper", WHOLE), ("/survey/follow-up", STEP), ("/survey/follow-up/x", STEP)]
)
def test_some_only_look(site: SampleSite, role: str, path: str, fields: dict[str, str]) -> None:
    visitor = Visitor(site.app)
    visitor.logs_in(role)
    assert visitor.submits(path, **fields).status_code == 403
    assert (kept(site), steps(site)) == ([], [])


@pytest.mark.parametrize(("path", "fields"), [("/survey/paper", WHOLE), ("/survey/follow-up", STEP)])
def test_a_form_from_elsewhere_changes_nothing(
    site: SampleSite, manager: Visitor, path: str, fields: dict[str, str]
) -> None:
    assert manager.posts(path, {**fields, "form_token": "forged"}).status_code == 403
    assert (kept(site), steps(site)) == ([], [])


# --- the plan that follows


def test_a_step_is_planned_once_carried_out_and_on_record(site: SampleSite, manager: Visitor) -> None:
    for _ in range(2):
        assert manager.submits("/survey/follow-up", **STEP).status_code == 303
    (step,) = steps(site)
    assert (step.status, step.created_by) == ("planned", "user:manager")
    site.clock.advance(60)
    address = f"/survey/follow-up/{step.id}"
    manager.submits(address, status="in_progress")
    manager.submits(address, status="done", note="SK pengemudi no. 7")
    (step,) = steps(site)
    assert (step.status, step.note, step.updated_by) == ("done", "SK pengemudi no. 7", "user:manager")
    assert step.updated_at == site.clock.now()
    assert [data for _, action, data in lines(site, "follow_up") if action == "follow_up.moved"] == [
        {"from": "planned", "to": "in_progress"},
        {"from": "in_progress", "to": "done"},
    ]
    assert "SK pengemudi" not in repr(lines(site, "follow_up")), "no free text in the audit trail"
    text = words(manager.opens("/survey/follow-up?period=2026-Q3"))
    assert "Waktu Selesai 2026-Q3" in text
    assert "Tambah pengemudi malam" in text
    assert "Tambah pengemudi malam" in words(manager.opens("/survey?period=2026-Q3"))
    assert "Tambah pengemudi malam" not in words(manager.opens("/survey/follow-up?period=2026-Q4"))


def test_done_needs_something_that_shows_it(site: SampleSite, manager: Visitor) -> None:
    manager.submits("/survey/follow-up", **STEP)
    response = manager.submits(f"/survey/follow-up/{steps(site)[0].id}", status="done")
    assert response.status_code == 422
    assert "Ada isian yang kurang" in words(response)
    assert steps(site)[0].status == "planned"


@pytest.mark.parametrize("field", ["action", "responsible"])
def test_a_step_without_a_deed_or_a_person_is_no_plan(site: SampleSite, manager: Visitor, field: str) -> None:
    response = manager.submits("/survey/follow-up", **{**STEP, field: "  "})
    assert response.status_code == 422
    kept_field = "responsible" if field == "action" else "action"
    assert STEP[kept_field] in response.text
    assert steps(site) == []


@pytest.mark.parametrize(
    "changed", [{"period": "2026-13"}, {"element": "u1"}, {"due_on": ""}, {"entry_key": ""}]
)
def test_nonsense_plans_nothing(site: SampleSite, manager: Visitor, changed: dict[str, str]) -> None:
    assert manager.submits("/survey/follow-up", **{**STEP, **changed}).status_code == 422
    assert steps(site) == []


def test_there_is_no_such_step(manager: Visitor) -> None:
    assert manager.submits("/survey/follow-up/nobody", status="done", note="x").status_code == 404
