"""The stand-in for the telephone company does what Twilio does, as far as tests lean on it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from telephony.providers.twilio import TwilioProvider
from tests.contract.scripted_peer import ScriptedPeer, scripted_peer
from tests.fakes.stand_in import ACCOUNT_SID, AUTH_TOKEN, SERVICE_NUMBER, Manner, StandIn, stand_in

NURSE = "+628110000001"
MENU = (200, '<Response><Gather action="/key"><Say>Tekan 1</Say></Gather><Hangup/></Response>')
EVENTS = ["initiated", "ringing", "answered", "completed"]


@pytest.fixture
def company() -> Iterator[StandIn]:
    with stand_in() as company:
        yield company


@pytest.fixture
def program() -> Iterator[ScriptedPeer]:
    with scripted_peer() as program:
        program.does = MENU
        yield program


def client(company: StandIn) -> Client:
    client = Client(ACCOUNT_SID, AUTH_TOKEN, environment={"": ""})
    client.api.base_url = company.api_url
    return client


def rings(company: StandIn, program: ScriptedPeer, *, ring_s: int = 30) -> str:
    call = client(company).calls.create(
        to=NURSE,
        from_=SERVICE_NUMBER,
        url=f"{program.base}/answer",
        status_callback=f"{program.base}/deliveries/d-1/voice/status",
        status_callback_event=EVENTS,
        timeout=ring_s,
    )
    return str(call.sid)


def ends(company: StandIn) -> None:
    over = {"completed", "no-answer", "canceled"}
    company.waits_until("the call ends", lambda: not over.isdisjoint(told(company)), within_s=10)


def told(company: StandIn) -> list[str]:
    return [status for status, _ in company.calls[0].told]


def test_a_call_that_is_picked_up_is_told_of_and_presses_its_key(
    company: StandIn, program: ScriptedPeer
) -> None:
    company.manner = Manner(picks_up_after_s=0.0, presses="1")
    rings(company, program)
    ends(company)
    assert sorted(told(company)) == ["completed", "in-progress", "initiated", "ringing"]
    assert company.calls[0].delivery_id == "d-1"
    assert [asked.form["Digits"] for asked in program.asked if asked.path == "/key"] == [["1"]]


def test_a_silent_phone_rings_until_its_time_is_over(company: StandIn, program: ScriptedPeer) -> None:
    rings(company, program, ring_s=0)
    ends(company)
    assert told(company) == ["initiated", "ringing", "no-answer"]


def test_a_ringing_call_can_be_stopped(company: StandIn, program: ScriptedPeer) -> None:
    sid = rings(company, program)
    client(company).calls(sid).update(status="canceled")
    ends(company)
    assert told(company)[-1] == "canceled"


def test_what_was_taken_is_found_by_number_and_time(company: StandIn, program: ScriptedPeer) -> None:
    sid = rings(company, program)
    provider = TwilioProvider(
        name="twilio",
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
        number=SERVICE_NUMBER,
        api_url=company.api_url,
        read_timeout_s=5,
    )
    now = datetime.now(UTC)
    found = provider.find_recent(channel="voice", to_number=NURSE, since=now - timedelta(minutes=1))
    assert [handed.provider_sid for handed in found] == [sid]
    assert not provider.find_recent(channel="voice", to_number=SERVICE_NUMBER, since=now)
    dialled = company.new_call("+628119999001")
    since_today = client(company).calls.list(to=SERVICE_NUMBER, start_time_after=now - timedelta(minutes=1))
    assert [call.sid for call in since_today] == [dialled.sid]
    assert not client(company).calls.list(start_time_after=now + timedelta(minutes=1))
    assert not client(company).calls.list(start_time_before=now - timedelta(minutes=1))


def test_a_long_list_comes_in_pages(company: StandIn) -> None:
    sids = [company.new_call(f"+62811999{number:04d}").sid for number in range(7)]
    assert [call.sid for call in client(company).calls.list(page_size=3)] == sids[::-1]


def test_a_refusal_leaves_nothing_behind(company: StandIn, program: ScriptedPeer) -> None:
    company.refuses = lambda form: (400, 21211) if form["To"] == NURSE else None
    with pytest.raises(TwilioRestException) as refused:
        rings(company, program)
    assert refused.value.code == 21211
    assert company.calls == []


def test_a_webhook_that_nobody_answers_is_no_answer(company: StandIn) -> None:
    leg = company.new_call("+628119999001")
    answer = company.post("http://127.0.0.1:1/telephony/voice", company.form_of(leg))
    assert answer.status == 0
