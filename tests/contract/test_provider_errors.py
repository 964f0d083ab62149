"""What goes wrong between a provider and us is one of three errors, and is never tried again by itself.

Which one decides whether a nurse is rung twice or not at all: refused is final, unavailable was certainly not
carried out, unknown may have been.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from dispatch.ports import (
    Handed,
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderUnavailableError,
    TelephonyError,
    TelephonyProvider,
)
from tests.contract.providers import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    PROVIDERS,
    SERVICE,
    Make,
    call_request,
    text_request,
)
from tests.contract.scripted_peer import (
    CLOSE,
    DRIP,
    DRIP_HEAD,
    HANG,
    RESET,
    ScriptedPeer,
    closed_port,
    scripted_peer,
)

NURSE = "+628110000001"
HOOKS = "https://911.puskesmas.example/telephony"
READ_TIMEOUT_S = 0.3

CREATED = json.dumps({"sid": "CA" + "1" * 32, "status": "queued"})


def trouble(status: int, code: int | None = None) -> tuple[int, str]:
    """An answer as Twilio writes its errors; without a code what a proxy in between writes."""
    if code is None:
        return status, "<html>an error of a proxy</html>"
    message = f"The number {NURSE} is not right"
    return status, json.dumps({"code": code, "message": message, "more_info": "x", "status": status})


def problem(status: int, code: int) -> tuple[int, str]:
    """The newer form of Twilio's errors (RFC 9457)."""
    return status, json.dumps({"type": "about:blank", "title": "No", "status": status, "code": code})


ANSWERS: dict[str, tuple[str | tuple[int, str], type[TelephonyError], str | None]] = {
    "bad number": (trouble(400, 21211), ProviderRefusedError, "21211"),
    "bad number, newer form": (problem(400, 21211), ProviderRefusedError, "21211"),
    "no permission for the country": (trouble(400, 21215), ProviderRefusedError, "21215"),
    "not found": (trouble(404, 20404), ProviderRefusedError, "20404"),
    "refused by a proxy": (trouble(400), ProviderRefusedError, "400"),
    "wrong token": (trouble(401, 20003), ProviderUnavailableError, "20003"),
    "account suspended": (trouble(403, 20005), ProviderUnavailableError, "20005"),
    "too many at once": (trouble(429, 20429), ProviderUnavailableError, "20429"),
    "too many, newer form": (problem(429, 20429), ProviderUnavailableError, "20429"),
    "too many, said by a proxy": (trouble(429), ProviderUnavailableError, "429"),
    "server error": (trouble(500, 20500), OutcomeUnknownError, "20500"),
    "server error, newer form": (problem(500, 20500), OutcomeUnknownError, "20500"),
    "bad gateway": (trouble(502), OutcomeUnknownError, "502"),
    "overloaded": (trouble(503, 20503), OutcomeUnknownError, "20503"),
    "gateway timeout": (trouble(504), OutcomeUnknownError, "504"),
    "created, but no JSON": ((201, "<html>"), OutcomeUnknownError, None),
    "created, but empty": ((201, ""), OutcomeUnknownError, None),
    "created, but without identifier": ((201, "{}"), OutcomeUnknownError, None),
    "accepts and hangs": (HANG, OutcomeUnknownError, None),
    "drips": (DRIP, OutcomeUnknownError, None),
    "drips its first lines": (DRIP_HEAD, OutcomeUnknownError, None),
    "breaks off": (RESET, OutcomeUnknownError, None),
    "closes without a word": (CLOSE, OutcomeUnknownError, None),
}

ASKS: dict[str, Callable[[TelephonyProvider], Handed]] = {
    "call": lambda provider: provider.place_call(call_request(HOOKS, NURSE)),
    "text": lambda provider: provider.send_text(text_request(HOOKS, NURSE)),
}


@pytest.fixture
def peer() -> Iterator[ScriptedPeer]:
    with scripted_peer() as running:
        yield running


@pytest.fixture(params=PROVIDERS)
def make(request: pytest.FixtureRequest) -> Make:
    return PROVIDERS[str(request.param)]


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("name", ANSWERS)
def test_every_trouble_is_one_of_three_errors_and_asked_once(
    make: Make, peer: ScriptedPeer, name: str, ask: str
) -> None:
    does, error, code = ANSWERS[name]
    peer.does = does
    with pytest.raises(error) as raised:
        ASKS[ask](make(peer.base, READ_TIMEOUT_S))
    assert type(raised.value) is error
    assert code is None or raised.value.code == code
    assert raised.value.code
    assert [asked.method for asked in peer.asked] == ["POST"]
    assert not peer.outlasted, "it was waited for longer than anybody is to wait"
    # What may be logged of an error names nobody.
    assert NURSE[1:] not in str(raised.value)
    assert AUTH_TOKEN not in str(raised.value)


@pytest.mark.parametrize("ask", ASKS)
def test_nobody_there_is_unavailable(make: Make, ask: str) -> None:
    with pytest.raises(ProviderUnavailableError) as raised:
        ASKS[ask](make(closed_port(), READ_TIMEOUT_S))
    assert raised.value.code


@pytest.mark.parametrize("does", [trouble(500, 20500), trouble(503), (200, "<html>"), HANG, RESET, CLOSE])
def test_asking_what_was_sent_fails_in_the_same_words(
    make: Make, peer: ScriptedPeer, does: str | tuple[int, str]
) -> None:
    peer.does = does
    provider = make(peer.base, READ_TIMEOUT_S)
    for channel in ("voice", "sms"):
        with pytest.raises(TelephonyError):
            provider.find_recent(channel=channel, to_number=NURSE, since=datetime.now(UTC))


@pytest.mark.parametrize("does", [trouble(500, 20500), trouble(429, 20429), HANG, RESET])
def test_stopping_and_redirecting_fail_in_the_same_words(
    make: Make, peer: ScriptedPeer, does: str | tuple[int, str]
) -> None:
    peer.does = does
    provider = make(peer.base, READ_TIMEOUT_S)
    with pytest.raises(TelephonyError):
        provider.stop_ringing("CA" + "1" * 32)
    with pytest.raises(TelephonyError):
        provider.redirect_call("CA" + "1" * 32, f"{HOOKS}/voice/release")
    assert len(peer.asked) == 2


def test_what_twilio_is_asked_for_a_call(peer: ScriptedPeer) -> None:
    peer.does = (201, CREATED)
    handed = ASKS["call"](PROVIDERS["twilio"](peer.base, READ_TIMEOUT_S))
    assert (handed.provider_sid, handed.status) == ("CA" + "1" * 32, "queued")
    (asked,) = peer.asked
    assert (asked.method, asked.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json")
    assert asked.authorization.startswith("Basic ")
    assert asked.form == {
        "To": [NURSE],
        "From": [SERVICE],
        "Url": [f"{HOOKS}/answer"],
        "Method": ["POST"],
        "StatusCallback": [f"{HOOKS}/status"],
        "StatusCallbackMethod": ["POST"],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "Timeout": ["60"],
    }


def test_what_twilio_is_asked_for_a_text(peer: ScriptedPeer) -> None:
    peer.does = (201, CREATED)
    ASKS["text"](PROVIDERS["twilio"](peer.base, READ_TIMEOUT_S))
    (asked,) = peer.asked
    assert asked.path == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    assert asked.form == {
        "To": [NURSE],
        "From": [SERVICE],
        "Body": ["DARURAT 123"],
        "StatusCallback": [f"{HOOKS}/status"],
        "ValidityPeriod": ["600"],
    }


@pytest.mark.parametrize(
    "environment",
    [
        {"TWILIO_ACCOUNT_SID": "ACsomebodyelse", "TWILIO_AUTH_TOKEN": "another"},
        {"TWILIO_EDGE": "sydney", "TWILIO_REGION": "au1"},
        {"TWILIO_REGION": "ie1"},
    ],
)
def test_twilios_own_variables_are_not_ours(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]
) -> None:
    """The settings alone say which account is used and where it is asked (CONTRACT 2)."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    peer.does = (201, CREATED)
    ASKS["call"](PROVIDERS["twilio"](peer.base, READ_TIMEOUT_S))
    assert [asked.path for asked in peer.asked] == [f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json"]


@pytest.mark.parametrize(
    "host", ["http://provider.invalid", "http://Provider.Invalid", "HTTP://provider.invalid"]
)
def test_the_proxy_of_this_machine_is_used(
    peer: ScriptedPeer, make: Make, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Where the way out leads through one, there is no other; it is told the host, and who we are to it."""
    monkeypatch.setenv("http_proxy", peer.base.replace("http://", "http://house:secret@"))
    peer.does = (201, CREATED)
    ASKS["call"](make(host, READ_TIMEOUT_S))
    (asked,) = peer.asked
    assert asked.target.startswith("http://provider.invalid/2010-04-01/Accounts/")
    assert asked.authorization
    assert asked.to_proxy.startswith("Basic ")


def test_an_address_in_capital_letters_is_the_same(peer: ScriptedPeer, make: Make) -> None:
    peer.does = (201, CREATED)
    ASKS["call"](make(peer.base.replace("http://", "HTTP://"), READ_TIMEOUT_S))
    assert len(peer.asked) == 1


def test_a_proxy_that_asks_who_we_are_is_no_refusal_of_the_provider(
    peer: ScriptedPeer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", peer.base)
    peer.does = trouble(407)
    with pytest.raises(ProviderUnavailableError):
        ASKS["call"](make("http://provider.invalid", READ_TIMEOUT_S))


def test_a_proxy_that_is_away_has_taken_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", closed_port())
    with pytest.raises(ProviderUnavailableError):
        ASKS["call"](make("http://provider.invalid", READ_TIMEOUT_S))


@pytest.mark.parametrize("setting", [{"http_proxy": "socks5://127.0.0.1:1"}, {"http_proxy": "http://"}])
def test_a_way_out_that_cannot_be_gone_stops_nobody_from_starting(
    make: Make, monkeypatch: pytest.MonkeyPatch, setting: Mapping[str, str]
) -> None:
    """The next provider is asked at once; this one may be set right meanwhile."""
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    provider = make("http://provider.invalid", READ_TIMEOUT_S)
    with pytest.raises(ProviderUnavailableError):
        ASKS["call"](provider)


def test_a_log_that_goes_on_at_another_host_does_not_tell_it_who_we_are(
    make: Make, peer: ScriptedPeer
) -> None:
    with scripted_peer() as stranger:
        following = {"key": "calls", "next_page_url": f"{stranger.base}/2010-04-01/Accounts/x/Calls.json"}
        peer.does = (200, json.dumps({"calls": [], "meta": following}))
        with pytest.raises(OutcomeUnknownError):
            make(peer.base, READ_TIMEOUT_S).calls_received(since=datetime(2026, 1, 1, tzinfo=UTC))
        assert stranger.asked == []
    assert len(peer.asked) == 1


@pytest.mark.parametrize("name", ["bad number", "server error", "breaks off", "created"])
def test_nothing_personal_is_logged(
    make: Make, peer: ScriptedPeer, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    peer.does = ANSWERS[name][0] if name in ANSWERS else (201, CREATED)
    caplog.set_level(logging.INFO)
    for ask in ASKS.values():
        try:
            ask(make(peer.base, READ_TIMEOUT_S))
        except TelephonyError as error:
            logging.getLogger("test").warning("failed: %s %s", error, error.code)
    assert len(peer.asked) == len(ASKS)
    for secret in (NURSE[1:], "DARURAT", AUTH_TOKEN):
        assert secret not in caplog.text


@pytest.mark.parametrize("make", PROVIDERS.values(), ids=PROVIDERS)
def test_a_service_that_does_not_know_a_filter_puts_nobody_on_a_foreign_call(make: Make) -> None:
    """Asked for the legs of one call, it tells those of another."""
    leg = {
        "sid": "CA" + "2" * 32,
        "parent_call_sid": "CA" + "3" * 32,
        "to": NURSE,
        "status": "completed",
        "duration": "40",
        "start_time": "Mon, 23 Nov 2026 12:00:00 +0000",
    }
    with scripted_peer() as peer:
        peer.does = 200, json.dumps({"calls": [leg], "page": 0, "page_size": 50, "next_page_uri": None})
        provider = make(peer.base, 5.0)
        assert provider.details_of("CA" + "1" * 32).picked_up_by is None
        assert provider.details_of("CA" + "3" * 32).picked_up_by == NURSE


ENTRY = {
    "sid": "CA" + "1" * 32,
    "direction": "inbound",
    "from": NURSE,
    "status": "completed",
    "duration": "1",
}


@pytest.mark.parametrize("entries", [[], [ENTRY]])
def test_a_log_whose_pages_lead_back_to_themselves_is_not_read_for_ever(
    make: Make, peer: ScriptedPeer, entries: list[Mapping[str, str]]
) -> None:
    path = "/2010-04-01/Accounts/x/Calls.json?Page=1"
    dated = [{**one, "date_created": format_datetime(datetime.now(UTC))} for one in entries]
    provider = make(peer.base, READ_TIMEOUT_S)
    peer.does = (200, json.dumps({"calls": dated, "next_page_uri": path}))
    with pytest.raises(OutcomeUnknownError) as raised:
        provider.calls_received(since=datetime(2026, 1, 1, tzinfo=UTC))
    assert raised.value.code == "log_without_end"
    assert len(peer.asked) == 2
    peer.does = (200, json.dumps({"messages": [], "next_page_uri": path}))
    assert provider.find_recent(channel="sms", to_number=NURSE, since=datetime.now(UTC)) == []
    assert len(peer.asked) == 3, "whoever waits to send looks at one page"
