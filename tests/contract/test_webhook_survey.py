"""A call that asks for opinions, key by key: each answer is kept at once, and nobody on duty is ever rung."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from dispatch.domain.questionnaire import CURRENT, FORM_ORDER
from dispatch.service import survey_requests
from models.incident import Incident
from models.survey import SurveyOptOut, SurveyRequest, SurveyResponse
from models.traffic import Delivery
from tests.contract.site import Site, call, said, verbs

NUMBERS = itertools.count(1)


@dataclass(slots=True)
class Asked:
    """One caller whose emergency is over, and the call that asks them."""

    site: Site
    version: str = CURRENT.version
    then_link: bool = False
    number: int = field(default_factory=lambda: next(NUMBERS))
    delivery_id: str = ""
    request_id: str = ""

    def __post_init__(self) -> None:
        sent = call(self.number, sender=f"+6281199{self.number:06}")
        self.site.send("/telephony/voice", sent)
        self.site.send("/telephony/voice/menu", {**sent, "Digits": "9"})
        services = self.site.program.services
        now = services.clock.now()
        with services.uow.write() as session:
            incident = session.scalars(select(Incident).where(Incident.caller_number == sent["From"])).one()
            request = SurveyRequest(
                id=services.ids.new_id(),
                facility_id=incident.facility_id,
                incident_id=incident.id,
                questionnaire=self.version,
                channel="keypad",
                phone=incident.caller_number,
                state="asked",
                asked_at=now,
                expires_at=now + timedelta(days=7),
            )
            row = survey_requests.delivery(
                services.ids, request, facility="Puskesmas", now=now, then_link=self.then_link
            )
            session.add_all([request, Delivery(**{**row, "state": "accepted", "provider_sid": self.sid})])
        self.delivery_id, self.request_id = str(row["id"]), request.id

    @property
    def sid(self) -> str:
        return f"CAsurvey{self.number:026x}"

    def picks_up(self) -> httpx.Response:
        return self.sends("answer", CallStatus="in-progress")

    def presses(self, digit: str, step: str, turn: int = 1) -> httpx.Response:
        return self.sends(f"{step}/{turn}", Digits=digit, CallStatus="in-progress")

    def sends(self, path: str, **more: str) -> httpx.Response:
        return self.site.send(f"/telephony/surveys/{self.delivery_id}/{path}", {"CallSid": self.sid, **more})

    def ends(self, status: str = "completed") -> None:
        path = f"/telephony/deliveries/{self.delivery_id}/voice/status"
        self.site.send(path, {"CallSid": self.sid, "CallStatus": status})

    @property
    def request(self) -> SurveyRequest:
        return next(row for row in self.site.rows(SurveyRequest) if row.id == self.request_id)

    @property
    def kept(self) -> SurveyResponse | None:
        rows = self.site.rows(SurveyResponse)
        return next((row for row in rows if row.request_id == self.request_id), None)


def test_who_picks_up_hears_who_calls_and_that_it_is_voluntary(shared_site: Site) -> None:
    heard = Asked(shared_site).picks_up()
    assert verbs(heard) == ["Gather", "Gather", "Say", "Hangup"]
    for words in (
        "Puskesmas Kwamki",
        "bukan keadaan darurat",
        "sukarela",
        "Tekan 9 bila tidak mau ditanya lagi",
    ):
        assert words in said(heard)


def test_each_answer_is_kept_as_soon_as_its_key_is_pressed(site: Site) -> None:
    asked = Asked(site)
    asked.picks_up()
    heard = asked.presses("1", "consent")
    for number, element in enumerate(FORM_ORDER, 1):
        assert f"Pertanyaan {number} dari 9. {CURRENT.wording(element, 'id').question}" in said(heard)
        heard = asked.presses("4" if number % 2 else "3", element)
        assert asked.kept is not None
        assert len(asked.kept.answers) == number
        assert asked.kept.is_filled is (number == 9)
    assert verbs(heard) == ["Say", "Hangup"]
    assert "tersimpan" in said(heard)
    asked.ends()
    assert asked.request.state == "answered"
    kept = asked.kept
    assert kept is not None
    assert kept.answers == {str(e): 4 if n % 2 else 3 for n, e in enumerate(FORM_ORDER, 1)}
    assert (kept.channel, kept.incident_id) == ("keypad", asked.request.incident_id)


def test_a_key_that_is_told_twice_is_one_answer(shared_site: Site) -> None:
    asked = Asked(shared_site)
    first, again = asked.presses("2", "waktu"), asked.presses("2", "waktu")
    assert first.text == again.text
    assert asked.kept is not None
    assert asked.kept.answers == {"waktu": 2}


@pytest.mark.parametrize("digit", ["0", "5", "9", "*", "#", "", "x"])
def test_a_wrong_key_asks_again_and_not_for_ever(shared_site: Site, digit: str) -> None:
    asked = Asked(shared_site)
    for turn in (1, 2):
        heard = asked.presses(digit, "biaya", turn)
        assert "Pertanyaan 4 dari 9" in said(heard)
        assert f"/biaya/{turn + 1}" in heard.text
    assert verbs(asked.presses(digit, "biaya", 3)) == ["Say", "Hangup"]
    assert asked.kept is None


def test_hanging_up_keeps_an_incomplete_questionnaire(shared_site: Site) -> None:
    asked = Asked(shared_site)
    asked.picks_up()
    asked.presses("1", "consent")
    asked.presses("3", "persyaratan")
    asked.ends()
    assert asked.request.state == "answered"
    assert asked.kept is not None
    assert (asked.kept.answers, asked.kept.is_filled) == ({"persyaratan": 3}, False)


def test_hanging_up_at_once_says_no_for_this_time(shared_site: Site) -> None:
    asked = Asked(shared_site)
    asked.picks_up()
    asked.ends()
    assert (asked.request.state, asked.kept) == ("declined", None)


def test_a_key_that_waited_in_the_journal_is_an_answer_all_the_same(shared_site: Site) -> None:
    asked = Asked(shared_site)
    asked.picks_up()
    asked.ends()
    asked.presses("4", "perilaku")
    assert asked.request.state == "answered"
    assert asked.kept is not None
    assert asked.kept.answers == {"perilaku": 4}


def test_nine_means_never_again_and_nothing_is_asked(shared_site: Site) -> None:
    asked = Asked(shared_site)
    heard = asked.presses("9", "consent")
    assert verbs(heard) == ["Say", "Hangup"]
    assert "tidak akan ditanya lagi" in said(heard)
    assert asked.request.state == "opted_out"
    assert asked.request.phone in [row.phone for row in shared_site.rows(SurveyOptOut)]
    asked.presses("4", "waktu")
    assert asked.kept is None


def test_no_key_that_fits_is_no_consent(shared_site: Site) -> None:
    asked = Asked(shared_site)
    assert "/consent/2" in asked.presses("5", "consent").text
    assert verbs(asked.presses("5", "consent", 3)) == ["Say", "Hangup"]
    assert (asked.request.state, asked.kept) == ("asked", None)


def test_answers_to_a_questionnaire_of_before_are_not_taken(shared_site: Site) -> None:
    asked = Asked(shared_site, version="SKM-14/2017-0")
    heard = asked.presses("4", "waktu")
    assert verbs(heard) == ["Say", "Hangup"]
    assert "Maaf" in said(heard)
    assert asked.kept is None


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
@pytest.mark.parametrize("then_link", [True, False])
def test_a_call_that_nobody_takes_becomes_a_text_or_nothing(
    shared_site: Site, status: str, *, then_link: bool
) -> None:
    asked = Asked(shared_site, then_link=then_link)
    asked.ends(status)
    texts = [
        row
        for row in shared_site.rows(Delivery)
        if row.channel == "sms" and row.details.get("request_id") == asked.request_id
    ]
    assert len(texts) == int(then_link)
    assert asked.request.state == ("asked" if then_link else "failed")


def test_who_was_asked_a_week_ago_is_not_asked_when_they_pick_up_now(shared_site: Site) -> None:
    asked = Asked(shared_site)
    with shared_site.program.services.uow.write() as session:
        session.get_one(SurveyRequest, asked.request_id).expires_at = datetime(2026, 1, 1, tzinfo=UTC)
    assert verbs(asked.picks_up()) == ["Say", "Hangup"]
    assert verbs(asked.presses("1", "consent")) == ["Say", "Hangup"]


@pytest.mark.parametrize("path", ["answer", "consent/1", "waktu/1", "nonsense/1", "waktu/99", "waktu/x"])
def test_an_invented_call_gets_a_goodbye_and_rings_nobody(shared_site: Site, path: str) -> None:
    before = len(shared_site.rows(SurveyResponse))
    heard = shared_site.send(f"/telephony/surveys/nobody/{path}", {"CallSid": "CA1", "Digits": "1"})
    assert verbs(heard)[-1] == "Hangup"
    assert "<Dial" not in heard.text
    assert len(shared_site.rows(SurveyResponse)) == before


def test_a_forged_key_is_refused(shared_site: Site) -> None:
    asked = Asked(shared_site)
    path = f"/telephony/surveys/{asked.delivery_id}/waktu/1"
    assert shared_site.send(path, {"Digits": "4"}, signed="forged").status_code == 403
    assert asked.kept is None
