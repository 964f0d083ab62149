"""One suite that every provider passes, against a telephone network over real HTTP."""

import pkgutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

import telephony.providers
from dispatch.ports import CallDetails, ProviderRefusedError, TelephonyProvider
from models.session import open_database
from models.unit_of_work import NetworkInTransactionError, UnitOfWork
from telephony.simulator.build import build_simulator
from telephony.simulator.settings import PhoneSpec, SimulatorSettings
from tests.contract.providers import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    PROVIDERS,
    SERVICE,
    call_request,
    text_request,
)
from tests.contract.served import serving
from tests.fakes.scripted_program import ScriptedProgram, Seen, seen_of

NURSE = "+628110000001"
DOCTOR = "+628110000002"
LONG_AGO = timedelta(minutes=5)


class WallClock:
    """Real time, because real sockets are used."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A provider with a telephone network behind it, and the program that the network calls."""

    base: str
    provider: TelephonyProvider
    program: ScriptedProgram

    def status(self, kind: str, sid: str) -> str:
        """What the network says of a call or text."""
        path = f"{self.base}/simulator/api/2010-04-01/Accounts/{ACCOUNT_SID}/{kind}/{sid}.json"
        answer = httpx.get(path, auth=(ACCOUNT_SID, AUTH_TOKEN), trust_env=False)
        return str(answer.json()["status"])

    def sees(self, number: str, test: Callable[[Seen], bool]) -> Seen:
        """Follow a phone until it shows what is expected."""
        version = ""
        for _ in range(6):
            answer = httpx.get(
                f"{self.base}/simulator/phones", params={"after": version, "wait_s": 3}, trust_env=False
            )
            if answer.status_code == 200:
                version = answer.json()["version"]
                seen = seen_of(answer.json(), number)
                if test(seen):
                    return seen
        raise AssertionError(f"{number} never showed what was expected")

    def rings(self, number: str) -> None:
        self.sees(number, lambda seen: seen.state == "ringing")

    def falls_silent(self, number: str) -> None:
        self.sees(number, lambda seen: seen.state == "idle")

    def picks_up(self, number: str) -> None:
        self.uses(number, "answer")

    def uses(self, number: str, action: str, **fields: str) -> None:
        answer = httpx.post(
            f"{self.base}/simulator/phones/{number}/{action}",
            json=fields,
            headers={"X-Requested-With": "test"},
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text


def town_app(base: str, program: ScriptedProgram) -> FastAPI:
    settings = SimulatorSettings(
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
        service_number=SERVICE,
        voice_url=f"{base}/voice",
        voice_status_url=f"{base}/voice/status",
        sms_url=f"{base}/sms",
        origin=base,
        phones=(
            PhoneSpec(number=NURSE, label="Ns. Contoh", role="Petugas"),
            PhoneSpec(number=DOCTOR, label="dr. Contoh", role="Pimpinan"),
        ),
        speech_factor=0.01,
        queue_s=0.01,
    )
    simulator = build_simulator(settings, clock=WallClock())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await simulator.stop()

    app = FastAPI(lifespan=lifespan)
    app.include_router(simulator.router)
    app.mount("/", program.app())
    return app


@pytest.fixture(params=PROVIDERS)
def town(request: pytest.FixtureRequest) -> Iterator[Town]:
    program = ScriptedProgram()
    program.on("/answer", '<Say>Panggilan darurat</Say><Pause length="600"/>')
    program.on("/next", '<Say>Terima kasih</Say><Pause length="600"/>')
    with serving(lambda base: town_app(base, program)) as base:
        provider = PROVIDERS[str(request.param)](f"{base}/simulator/api", 5.0)
        yield Town(base=base, provider=provider, program=program)


def test_every_provider_is_in_this_suite() -> None:
    found = {module.name for module in pkgutil.iter_modules(telephony.providers.__path__)}
    assert set(PROVIDERS) == found
    for name, make in PROVIDERS.items():
        assert make("http://127.0.0.1:9", 1.0).name == name


def test_a_call_rings_and_speaks_once_it_is_answered(town: Town) -> None:
    handed = town.provider.place_call(call_request(town.base, NURSE))
    assert handed.provider_sid
    assert handed.status == "queued"
    town.rings(NURSE)
    town.picks_up(NURSE)
    town.sees(NURSE, lambda seen: "Panggilan darurat" in seen.heard)
    (form,) = town.program.to("/answer")
    assert (form["CallSid"], form["To"], form["From"]) == (handed.provider_sid, NURSE, SERVICE)


def test_the_network_reports_every_step_of_a_call(town: Town) -> None:
    handed = town.provider.place_call(call_request(town.base, NURSE))
    town.rings(NURSE)
    town.picks_up(NURSE)
    town.sees(NURSE, lambda seen: "Panggilan darurat" in seen.heard)
    reports = {form["CallStatus"]: form["CallSid"] for form in town.program.to("/status")}
    assert {"initiated", "ringing"} <= set(reports)
    assert set(reports.values()) == {handed.provider_sid}


def test_a_text_arrives_as_it_was_written(town: Town) -> None:
    words = "DARURAT 123 MERAH: perdarahan & patah. https://911.example/w/AbC_1?x=1"
    handed = town.provider.send_text(text_request(town.base, NURSE, words))
    assert handed.status in ("queued", "accepted")
    town.sees(NURSE, lambda seen: words in seen.texts_in)
    assert town.status("Messages", handed.provider_sid) in ("sent", "delivered")


def test_ringing_is_stopped(town: Town) -> None:
    handed = town.provider.place_call(call_request(town.base, NURSE))
    town.rings(NURSE)
    town.provider.stop_ringing(handed.provider_sid)
    town.falls_silent(NURSE)
    assert town.status("Calls", handed.provider_sid) == "canceled"
    # Once more is no error: it is over already.
    town.provider.stop_ringing(handed.provider_sid)


def test_an_answered_call_is_left_alone(town: Town) -> None:
    handed = town.provider.place_call(call_request(town.base, NURSE))
    town.rings(NURSE)
    town.picks_up(NURSE)
    town.sees(NURSE, lambda seen: "Panggilan darurat" in seen.heard)
    town.provider.stop_ringing(handed.provider_sid)
    assert town.status("Calls", handed.provider_sid) == "in-progress"


def test_a_call_goes_on_with_another_document(town: Town) -> None:
    handed = town.provider.place_call(call_request(town.base, NURSE))
    town.rings(NURSE)
    town.picks_up(NURSE)
    town.sees(NURSE, lambda seen: "Panggilan darurat" in seen.heard)
    town.provider.redirect_call(handed.provider_sid, f"{town.base}/next")
    town.sees(NURSE, lambda seen: "Terima kasih" in seen.heard)


def test_redirecting_what_is_over_is_no_error(town: Town) -> None:
    handed = town.provider.place_call(call_request(town.base, NURSE))
    town.rings(NURSE)
    town.provider.stop_ringing(handed.provider_sid)
    town.falls_silent(NURSE)
    town.provider.redirect_call(handed.provider_sid, f"{town.base}/next")
    town.provider.redirect_call("CA" + "f" * 32, f"{town.base}/next")
    town.provider.stop_ringing("CA" + "f" * 32)
    assert town.program.to("/next") == []


def test_what_was_sent_is_found_again_newest_first(town: Town) -> None:
    began_at = datetime.now(UTC)
    calls = [town.provider.place_call(call_request(town.base, NURSE)).provider_sid for _ in range(2)]
    town.provider.place_call(call_request(town.base, DOCTOR))
    texts = [town.provider.send_text(text_request(town.base, NURSE)).provider_sid for _ in range(3)]
    found = town.provider.find_recent(channel="voice", to_number=NURSE, since=began_at)
    assert [handed.provider_sid for handed in found] == calls[::-1]
    found = town.provider.find_recent(channel="sms", to_number=NURSE, since=began_at)
    assert [handed.provider_sid for handed in found] == texts[::-1]
    assert {handed.body for handed in found} == {text_request(town.base, NURSE).body}
    later_at = datetime.now(UTC) + LONG_AGO
    assert town.provider.find_recent(channel="voice", to_number=NURSE, since=later_at) == []
    assert town.provider.find_recent(channel="sms", to_number=DOCTOR, since=began_at) == []


def test_a_leg_that_the_fallback_document_dialled_is_no_request_of_ours(town: Town) -> None:
    """Else an alert whose answer was lost would be taken for delivered by somebody else's call."""
    began_at = datetime.now(UTC)
    town.program.on("/voice", f'<Dial answerOnBridge="true"><Number>{DOCTOR}</Number></Dial>')
    town.uses(NURSE, "dial", to=SERVICE)
    town.rings(DOCTOR)
    assert town.provider.find_recent(channel="voice", to_number=DOCTOR, since=began_at) == []


def test_the_log_tells_who_called_us_and_who_picked_up(town: Town) -> None:
    """What came while we were away, with whoever the fallback document reached."""
    began_at = datetime.now(UTC)
    town.program.on("/voice", f'<Dial answerOnBridge="true"><Number>{DOCTOR}</Number></Dial>')
    town.uses(NURSE, "dial", to=SERVICE)
    town.rings(DOCTOR)
    (ringing,) = town.provider.calls_received(since=began_at)
    assert (ringing.from_number, ringing.ended_at) == (NURSE, None)
    assert town.provider.details_of(ringing.provider_sid) == CallDetails(recordings=[])
    town.picks_up(DOCTOR)
    town.sees(NURSE, lambda seen: seen.state == "in_call")
    talking = town.provider.details_of(ringing.provider_sid)
    assert talking.picked_up_by == DOCTOR
    assert talking.picked_up_at is not None
    assert talking.picked_up_at >= began_at.replace(microsecond=0)
    town.uses(NURSE, "hang-up")
    town.falls_silent(DOCTOR)
    # Our own calls are none of them, not even one to our own number.
    town.provider.place_call(call_request(town.base, SERVICE))
    (ended,) = town.provider.calls_received(since=began_at)
    assert (ended.provider_sid, ended.status) == (ringing.provider_sid, "completed")
    assert ended.ended_at is not None
    assert began_at.replace(microsecond=0) <= ended.began_at <= ended.ended_at
    assert town.provider.calls_received(since=datetime.now(UTC) + LONG_AGO) == []


def test_the_log_tells_what_was_recorded(town: Town) -> None:
    began_at = datetime.now(UTC)
    town.program.on("/voice", '<Record maxLength="2" timeout="2" action="/next"/>')
    town.uses(NURSE, "dial", to=SERVICE)
    town.sees(NURSE, lambda seen: "Terima kasih" in seen.heard)
    (call,) = town.provider.calls_received(since=began_at)
    (recording,) = town.provider.details_of(call.provider_sid).recordings
    assert recording.recording_sid.startswith("RE")
    assert recording.duration_s >= 1


def test_the_log_tells_who_texted_us_oldest_first(town: Town) -> None:
    began_at = datetime.now(UTC)
    for number, words in ((NURSE, "Tolong"), (DOCTOR, "4"), (NURSE, "cepat")):
        town.uses(number, "text", to=SERVICE, body=words)
    town.provider.send_text(text_request(town.base, NURSE))
    found = town.provider.texts_received(since=began_at)
    assert [(text.from_number, text.body) for text in found] == [
        (NURSE, "Tolong"),
        (DOCTOR, "4"),
        (NURSE, "cepat"),
    ]
    assert all(text.received_at >= began_at.replace(microsecond=0) for text in found)
    assert len({text.provider_sid for text in found}) == 3
    assert town.provider.texts_received(since=datetime.now(UTC) + LONG_AGO) == []


@pytest.mark.parametrize("number", ["0811", "+", "anonymous", "+62 811 000"])
def test_a_number_that_cannot_be_rung_is_refused_with_the_networks_code(town: Town, number: str) -> None:
    with pytest.raises(ProviderRefusedError) as refused:
        town.provider.place_call(call_request(town.base, number))
    assert refused.value.code == "21211"
    with pytest.raises(ProviderRefusedError) as refused:
        town.provider.send_text(text_request(town.base, number))
    assert refused.value.code == "21211"


def test_nothing_is_sent_while_a_transaction_is_open(town: Town, sqlite_database_url: str) -> None:
    engine = open_database(sqlite_database_url, pool_size=1)
    uow = UnitOfWork(engine)
    asks: list[Callable[[], object]] = [
        lambda: town.provider.place_call(call_request(town.base, NURSE)),
        lambda: town.provider.send_text(text_request(town.base, NURSE)),
        lambda: town.provider.stop_ringing("CA0"),
        lambda: town.provider.redirect_call("CA0", f"{town.base}/next"),
        lambda: town.provider.find_recent(channel="voice", to_number=NURSE, since=datetime.now(UTC)),
        lambda: town.provider.calls_received(since=datetime.now(UTC)),
        lambda: town.provider.texts_received(since=datetime.now(UTC)),
        lambda: town.provider.details_of("CA0"),
    ]
    for opened in (uow.write, uow.read):
        for ask in asks:
            with opened(), pytest.raises(NetworkInTransactionError):
                ask()
    engine.dispose()
    nobody = town.provider.find_recent(channel="voice", to_number=NURSE, since=datetime.now(UTC) - LONG_AGO)
    assert nobody == []
