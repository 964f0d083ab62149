"""``/s/{token}``: nine questions without a log-in and without scripts, and a way to be left in peace."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from lxml import html
from sqlalchemy import select

from dispatch.domain.questionnaire import CURRENT, FORM_ORDER
from dispatch.service.links import token_hash
from models.survey import SurveyOptOut, SurveyRequest, SurveyResponse
from tests.web.sample_site import CALLER, NASTY, NOW, SampleSite
from tests.web.visitor import Visitor

TOKEN = "SurveyTokenOfCal"
PAGE = f"/s/{TOKEN}"
WHOLE = {"version": CURRENT.version, **dict.fromkeys(map(str, FORM_ORDER), "4")}


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(sqlite_database_url)
    sample.fill()
    with sample.uow.write() as db:
        db.add(
            SurveyRequest(
                id="request-1",
                facility_id="KWK",
                incident_id="incident-102",
                questionnaire=CURRENT.version,
                channel="link",
                phone=CALLER,
                token_hash=token_hash(TOKEN),
                state="asked",
                asked_at=NOW,
                expires_at=NOW + timedelta(days=7),
            )
        )
    yield sample
    sample.close()


@pytest.fixture
def caller(site: SampleSite) -> Visitor:
    return Visitor(site.app)


def kept(site: SampleSite) -> list[SurveyResponse]:
    with site.uow.read() as db:
        return list(db.scalars(select(SurveyResponse)))


def state(site: SampleSite) -> str:
    with site.uow.read() as db:
        return db.get_one(SurveyRequest, "request-1").state


def opted_out(site: SampleSite) -> list[str]:
    with site.uow.read() as db:
        return list(db.scalars(select(SurveyOptOut.phone)))


def words(response: httpx.Response) -> str:
    return " ".join(" ".join(html.fromstring(response.text).xpath("//main//text()")).split())


def test_the_page_asks_nine_questions_and_opening_it_changes_nothing(
    site: SampleSite, caller: Visitor
) -> None:
    response = caller.opens(PAGE)
    tree = html.fromstring(response.text)
    assert response.status_code == 200
    assert [len(group.xpath(".//input[@type='radio']")) for group in tree.xpath("//fieldset")] == [4] * 9
    assert tree.xpath("//input[@name='version']/@value") == [CURRENT.version]
    assert tree.xpath("//script") == []
    assert "sukarela" in words(response)
    assert "Bagaimana pendapat Saudara tentang kewajaran biaya/tarif" in words(response)
    assert (kept(site), state(site)) == ([], "asked")


def test_english_by_choice(caller: Visitor) -> None:
    assert "What do you think of the competence of the staff?" in words(caller.opens(f"{PAGE}?lang=en"))


def test_a_whole_questionnaire_is_kept_with_the_emergency_it_is_about(
    site: SampleSite, caller: Visitor
) -> None:
    about = {"sex": "P", "education": "SMA", "occupation": "LAINNYA", "suggestion": f"  {NASTY} "}
    assert caller.posts(PAGE, {**WHOLE, "biaya": "1", **about}).status_code == 303
    (row,) = kept(site)
    assert row.answers == {**dict.fromkeys(map(str, FORM_ORDER), 4), "biaya": 1}
    assert (row.is_filled, row.channel, row.incident_id) == (True, "link", "incident-102")
    assert (row.sex, row.education, row.occupation, row.suggestion) == ("P", "SMA", "LAINNYA", NASTY)
    assert (row.answered_at, row.recorded_at, row.entered_by) == (NOW, NOW, None)
    assert state(site) == "answered"
    assert "Terima kasih" in words(caller.opens(PAGE))


def test_a_second_form_is_thanked_for_and_changes_nothing(site: SampleSite, caller: Visitor) -> None:
    caller.posts(PAGE, WHOLE)
    assert caller.posts(PAGE, {**WHOLE, "waktu": "1"}).status_code == 303
    assert [row.answers["waktu"] for row in kept(site)] == [4]


def test_what_is_open_is_asked_for_once_more_and_then_taken_as_it_is(
    site: SampleSite, caller: Visitor
) -> None:
    some = {"version": CURRENT.version, "waktu": "2", "suggestion": "Lebih cepat"}
    response = caller.posts(PAGE, some)
    assert response.status_code == 422
    assert "Masih ada 8 pertanyaan" in words(response)
    tree = html.fromstring(response.text)
    assert tree.xpath("//input[@name='waktu'][@checked]/@value") == ["2"]
    assert tree.xpath("//textarea/text()") == ["Lebih cepat"]
    assert kept(site) == []
    assert caller.posts(PAGE, {**some, "as_it_is": "1"}).status_code == 303
    assert [(row.answers, row.is_filled) for row in kept(site)] == [({"waktu": 2}, False)]


def test_an_empty_form_is_no_answer(site: SampleSite, caller: Visitor) -> None:
    assert caller.posts(PAGE, {"version": CURRENT.version, "as_it_is": "1"}).status_code == 422
    assert kept(site) == []


@pytest.mark.parametrize("answer", ["0", "5", "x", "-1", "1.5", "٤"])
def test_an_answer_out_of_range_is_refused_in_words(site: SampleSite, caller: Visitor, answer: str) -> None:
    response = caller.posts(PAGE, {**WHOLE, "waktu": answer})
    assert response.status_code == 422
    assert "Jawaban adalah 1, 2, 3 atau 4" in words(response)
    assert (kept(site), state(site)) == ([], "asked")


@pytest.mark.parametrize("version", ["SKM-14/2017-0", "", "x" * 200])
def test_an_old_questionnaire_is_refused_in_words_and_its_choices_stay(
    site: SampleSite, caller: Visitor, version: str
) -> None:
    response = caller.posts(PAGE, {**WHOLE, "version": version})
    assert response.status_code == 422
    assert "versi kuesioner yang lain" in words(response)
    assert html.fromstring(response.text).xpath("//input[@name='version']/@value") == [CURRENT.version]
    assert (kept(site), state(site)) == ([], "asked")


def test_a_particular_that_is_none_of_the_choices_is_no_form_of_ours(
    site: SampleSite, caller: Visitor
) -> None:
    assert caller.posts(PAGE, {**WHOLE, "education": "Oxford"}).status_code == 422
    assert kept(site) == []


def test_after_a_week_the_time_is_over(site: SampleSite, caller: Visitor) -> None:
    site.clock.advance(7 * 86_400)
    assert "sudah lewat" in words(caller.opens(PAGE))
    caller.posts(PAGE, WHOLE)
    assert (kept(site), state(site)) == ([], "asked")


@pytest.mark.parametrize("answers_first", [True, False])
def test_do_not_ask_me_again(site: SampleSite, caller: Visitor, *, answers_first: bool) -> None:
    if answers_first:
        caller.posts(PAGE, WHOLE)
    for _ in range(2):
        assert "tidak akan ditanya lagi" in words(caller.posts(f"{PAGE}/never", {}))
    assert opted_out(site) == [CALLER]
    assert state(site) == ("answered" if answers_first else "opted_out")


def test_who_was_never_reached_by_the_networks_account_may_answer_all_the_same(
    site: SampleSite, caller: Visitor
) -> None:
    with site.uow.write() as db:
        db.get_one(SurveyRequest, "request-1").state = "failed"
    caller.posts(PAGE, WHOLE)
    assert state(site) == "answered"


@pytest.mark.parametrize("token", ["SurveyTokenOfCam", "x", "' OR 1=1", "a" * 500])
def test_an_invented_address_leads_nowhere(site: SampleSite, caller: Visitor, token: str) -> None:
    for response in (
        caller.opens(f"/s/{token}"),
        caller.posts(f"/s/{token}", WHOLE),
        caller.posts(f"/s/{token}/never", {}),
    ):
        assert response.status_code == 404
    assert (kept(site), opted_out(site)) == ([], [])


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/never"])
def test_another_site_cannot_answer_for_somebody(site: SampleSite, caller: Visitor, path: str) -> None:
    assert caller.posts(path, WHOLE, {"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert (kept(site), opted_out(site)) == ([], [])


def test_the_page_shows_nothing_of_the_emergency(caller: Visitor) -> None:
    text = caller.opens(PAGE).text
    assert CALLER[-6:] not in text
    assert "Jalur 3" not in text
    assert "incident-102" not in text
