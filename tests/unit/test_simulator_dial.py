"""The simulated network by itself: calls that ring phones, by REST and by the Dial verb."""

import asyncio

import pytest

from tests.fakes.scripted_program import DOCTOR, NURSE, SERVICE, Town, town
from tests.fakes.virtual_time import in_virtual_time, time_passes

EVERY_STATE = "initiated ringing answered completed"
BOTH = (
    f'<Dial timeout="20" action="/dialled"><Number>{NURSE}</Number><Number>{DOCTOR}</Number></Dial>'
    "<Say>nie</Say>"
)


async def states(t: Town, count: int) -> list[str]:
    """The states reported, in the order of arrival; their numbers must say the same order."""
    forms = await t.received("/status", count)
    assert [form["SequenceNumber"] for form in forms] == [str(position) for position in range(len(forms))]
    return [form["CallStatus"] for form in forms]


@in_virtual_time
async def test_an_alert_call_is_answered_and_its_key_taken() -> None:
    async with town() as t:
        t.program.on("/alert", '<Gather numDigits="1" action="/answer"><Say>Panggilan darurat</Say></Gather>')
        t.program.on("/answer", "<Say>Terima kasih</Say>")
        sid = await t.call(NURSE, events=EVERY_STATE)
        seen = await t.nurse.becomes("ringing")
        assert seen.peer == SERVICE
        await t.nurse.does("answer")
        await t.nurse.hears("Panggilan darurat")
        await t.nurse.does("press", keys="1")
        await t.nurse.hears("Terima kasih")
        assert await states(t, 4) == ["initiated", "ringing", "in-progress", "completed"]
        (answer,) = t.program.to("/answer")
        assert (answer["Digits"], answer["CallSid"], answer["Direction"]) == ("1", sid, "outbound-api")


@in_virtual_time
async def test_a_phone_that_rings_out_is_a_no_answer() -> None:
    async with town() as t:
        await t.call(NURSE, timeout_s=25, events=EVERY_STATE)
        await t.nurse.becomes("ringing")
        began_s = asyncio.get_running_loop().time()
        await t.nurse.notes("ended_no-answer")
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(25, abs=0.01)
        assert await states(t, 3) == ["initiated", "ringing", "no-answer"]
        assert t.program.to("/alert") == []


@in_virtual_time
async def test_a_declined_call_is_busy_and_so_is_a_phone_in_a_call() -> None:
    async with town() as t:
        t.program.on("/alert", '<Pause length="100"/>')
        await t.call(NURSE)
        await t.nurse.becomes("ringing")
        await t.call(NURSE, events=EVERY_STATE)
        assert await states(t, 2) == ["initiated", "busy"]
        await t.nurse.does("decline")
        await t.nurse.notes("ended_busy")


@pytest.mark.parametrize(
    ("number", "ending", "code"), [("+628110000099", "failed", "404"), (DOCTOR, "no-answer", "480")]
)
def test_a_phone_that_is_unknown_or_off_does_not_ring(number: str, ending: str, code: str) -> None:
    @in_virtual_time
    async def run() -> None:
        async with town() as t:
            await t.doctor.does("switch-off")
            await t.call(number, events=EVERY_STATE)
            assert await states(t, 2) == ["initiated", ending]
            assert t.program.to("/status")[-1]["SipResponseCode"] == code

    run()


@in_virtual_time
async def test_without_a_choice_only_the_end_is_reported() -> None:
    async with town() as t:
        await t.call(NURSE, timeout_s=5, events="")
        assert await states(t, 1) == ["no-answer"]


@in_virtual_time
async def test_a_ringing_call_is_cancelled_from_outside() -> None:
    async with town() as t:
        sid = await t.call(NURSE, events=EVERY_STATE)
        await t.nurse.becomes("ringing")
        assert (await t.rest(f"/Calls/{sid}.json", Status="canceled")).json()["status"] == "canceled"
        await t.nurse.becomes("idle")
        assert await states(t, 3) == ["initiated", "ringing", "canceled"]


@in_virtual_time
async def test_an_inline_document_knows_no_relative_addresses() -> None:
    async with town(problems=[11100]) as t:
        await t.rest(
            "/Calls.json",
            To=NURSE,
            From=SERVICE,
            Twiml='<Response><Gather action="/answer" numDigits="1"/></Response>',
        )
        await t.nurse.becomes("ringing")
        await t.nurse.does("answer")
        await time_passes(1)
        await t.nurse.does("press", keys="1")
        await t.nurse.hears("application error")


@in_virtual_time
async def test_dial_rings_all_phones_and_connects_the_first_to_answer() -> None:
    async with town() as t:
        t.program.on("/voice", BOTH)
        t.program.on("/dialled", "<Say>Selesai</Say>")
        await t.caller.does("dial")
        await t.nurse.becomes("ringing")
        await t.doctor.becomes("ringing")
        await t.doctor.does("answer")
        await t.caller.talks_to("dr. Jaga")
        assert (await t.nurse.becomes("idle")).notes[-1] == "ended_canceled"
        await time_passes(30)
        await t.doctor.does("hang-up")
        seen = await t.caller.hears("Selesai")
        assert "nie" not in seen.heard
        (dialled,) = t.program.to("/dialled")
        assert (dialled["DialCallStatus"], dialled["DialCallDuration"]) == ("completed", "30")
        assert dialled["DialBridged"] == "true"


@in_virtual_time
async def test_dial_that_nobody_answers_goes_on_with_its_outcome() -> None:
    async with town() as t:
        t.program.on("/voice", BOTH)
        await t.caller.does("dial")
        await t.doctor.becomes("ringing")
        await t.doctor.does("decline")
        assert (await t.received("/dialled"))[0]["DialCallStatus"] == "no-answer"
        assert asyncio.get_running_loop().time() == pytest.approx(20.5, abs=0.5)


@in_virtual_time
async def test_who_hangs_up_while_it_rings_cancels_the_dial() -> None:
    async with town() as t:
        t.program.on("/voice", BOTH)
        await t.caller.does("dial")
        await t.doctor.becomes("ringing")
        await t.caller.does("hang-up")
        assert (await t.received("/dialled"))[0]["DialCallStatus"] == "canceled"
        await t.doctor.becomes("idle")
        await t.nurse.becomes("idle")


@pytest.mark.parametrize(("keys", "outcome"), [("1", "completed"), ("2", "no-answer")])
def test_a_whisper_decides_whether_the_answered_phone_is_connected(keys: str, outcome: str) -> None:
    @in_virtual_time
    async def run() -> None:
        async with town() as t:
            t.program.on("/voice", f'<Dial action="/dialled"><Number url="/whisper">{NURSE}</Number></Dial>')
            t.program.on(
                "/whisper", '<Gather numDigits="1" action="/confirm"><Say>Tekan 1</Say></Gather><Hangup/>'
            )
            t.program.on("/confirm", "<Say>Tersambung</Say>" if keys == "1" else "<Hangup/>")
            await t.caller.does("dial")
            await t.nurse.becomes("ringing")
            await t.nurse.does("answer")
            await t.nurse.hears("Tekan 1")
            assert (await t.caller.becomes("in_call")).partners == []
            await t.nurse.does("press", keys=keys)
            if keys == "1":
                await t.caller.talks_to("Ns. Perawat")
                await t.nurse.does("hang-up")
            (dialled,) = await t.received("/dialled")
            assert dialled["DialCallStatus"] == outcome
            whisper = t.program.to("/whisper")[0]
            assert whisper["ParentCallSid"] == t.program.to("/voice")[0]["CallSid"]
            assert whisper["Direction"] == "outbound-dial"

    run()


@in_virtual_time
async def test_a_dialled_phone_reports_its_own_states() -> None:
    async with town() as t:
        t.program.on(
            "/voice",
            '<Dial timeout="5"><Number statusCallback="/status" statusCallbackEvent="ringing completed">'
            f"{NURSE}</Number></Dial><Say>Tidak ada jawaban</Say>",
        )
        await t.caller.does("dial")
        await t.caller.hears("Tidak ada jawaban")
        assert await states(t, 2) == ["ringing", "no-answer"]
