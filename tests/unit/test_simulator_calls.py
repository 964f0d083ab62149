"""The simulated network by itself: inbound calls, keys, pauses, endings and faults."""

import asyncio
from dataclasses import replace

from tests.fakes.scripted_program import CALLER, NURSE, PROGRAM, SERVICE, TOWN, Town, town
from tests.fakes.virtual_time import in_virtual_time, time_passes

MENU = '<Gather numDigits="1" timeout="5" action="/menu"><Say>Tekan satu</Say></Gather><Say>Tunggu</Say>'


async def over(the_town: Town) -> dict[str, str]:
    """The end of the only inbound call, as the program learns it."""
    (ending,) = await the_town.received("/voice/status")
    return ending


@in_virtual_time
async def test_a_call_runs_from_the_voice_url_over_a_key_to_its_end() -> None:
    async with town() as t:
        t.program.on("/voice", MENU)
        t.program.on("/menu", "<Say>Baik</Say>")
        done = await t.caller.does("dial")
        await t.caller.hears("Tekan satu")
        assert await t.caller.does("press", keys="1") == {"heard": True}
        seen = await t.caller.hears("Baik")
        assert "Tunggu" not in seen.heard
        await t.caller.becomes("idle")
        (first,) = t.program.to("/voice")
        assert first == {
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "CallSid": done["call_sid"],
            "CallStatus": "ringing",
            "Called": SERVICE,
            "Caller": CALLER,
            "Direction": "inbound",
            "From": CALLER,
            "To": SERVICE,
        }
        (menu,) = t.program.to("/menu")
        assert (menu["Digits"], menu["CallStatus"], menu["CallSid"]) == ("1", "in-progress", done["call_sid"])
        ending = await over(t)
        assert (ending["CallStatus"], ending["SequenceNumber"]) == ("completed", "0")
        assert ending["CallbackSource"] == "call-progress-events"
        assert ending["Timestamp"].startswith("Mon, 23 Nov 2026 12:00:0")


@in_virtual_time
async def test_silence_at_a_menu_goes_on_after_prompt_and_timeout() -> None:
    async with town(replace(TOWN, speech_factor=10.0)) as t:
        t.program.on("/voice", MENU)
        await t.caller.does("dial")
        await t.caller.hears("Tunggu")
        assert asyncio.get_running_loop().time() >= 4.0 + 5.0
        assert t.program.to("/menu") == []


@in_virtual_time
async def test_an_empty_menu_is_reported_where_that_is_asked_for() -> None:
    async with town() as t:
        t.program.on("/voice", '<Gather actionOnEmptyResult="true" action="/menu" timeout="1"/>')
        await t.caller.does("dial")
        assert (await t.received("/menu"))[0]["Digits"] == ""


@in_virtual_time
async def test_a_key_during_the_prompt_cuts_it_short() -> None:
    async with town(replace(TOWN, speech_factor=1000.0)) as t:
        t.program.on("/voice", MENU)
        t.program.on("/menu", "<Hangup/>")
        await t.caller.does("dial")
        await t.caller.hears("Tekan satu")
        await t.caller.does("press", keys="2")
        assert (await t.received("/menu"))[0]["Digits"] == "2"
        assert asyncio.get_running_loop().time() < 5.0


@in_virtual_time
async def test_several_digits_end_with_the_finishing_key_which_is_not_among_them() -> None:
    async with town() as t:
        t.program.on("/voice", '<Gather timeout="3" action="menu?a=b"/>')
        await t.caller.does("dial")
        await t.caller.becomes("in_call")
        await t.caller.does("press", keys="110#")
        assert (await t.received("/menu"))[0]["Digits"] == "110"


@in_virtual_time
async def test_digits_end_with_the_silence_after_the_last_one() -> None:
    async with town() as t:
        t.program.on("/voice", '<Gather timeout="3" action="/menu"/>')
        await t.caller.does("dial")
        await t.caller.becomes("in_call")
        await t.caller.does("press", keys="1")
        await time_passes(2)
        await t.caller.does("press", keys="2")
        assert (await t.received("/menu"))[0]["Digits"] == "12"


@in_virtual_time
async def test_keys_that_nobody_waits_for_are_lost() -> None:
    async with town() as t:
        t.program.on(
            "/voice",
            '<Pause length="2"/><Gather numDigits="1" timeout="2" action="/menu"/><Pause length="9"/>',
        )
        t.program.on("/menu", "<Hangup/>")
        assert (await t.caller.do("press", keys="1")).status_code == 409
        await t.caller.does("dial")
        await t.caller.becomes("in_call")
        await time_passes(3)
        assert await t.caller.does("press", keys="7") == {"heard": False}
        await t.caller.does("hang-up")
        assert t.program.to("/menu") == []


@in_virtual_time
async def test_an_empty_document_and_a_hangup_end_the_call() -> None:
    async with town() as t:
        t.program.on("/voice", "", "<Hangup/><Say>nie</Say>")
        for count in (1, 2):
            await t.caller.does("dial")
            await t.received("/voice/status", count)
            seen = await t.caller.becomes("idle")
            assert seen.heard == []
        assert [form["CallStatus"] for form in t.program.to("/voice/status")] == ["completed"] * 2


@in_virtual_time
async def test_a_rejected_call_is_never_answered() -> None:
    async with town() as t:
        t.program.on("/voice", '<Reject reason="busy"/>')
        await t.caller.does("dial")
        ending = await over(t)
        assert (ending["CallStatus"], ending["CallDuration"]) == ("busy", "0")


@in_virtual_time
async def test_hanging_up_ends_the_call_with_its_duration() -> None:
    async with town() as t:
        t.program.on("/voice", '<Say>Halo</Say><Pause length="600"/>')
        await t.caller.does("dial")
        await t.caller.hears("Halo")
        await time_passes(75)
        await t.caller.does("hang-up")
        ending = await over(t)
        assert (ending["CallStatus"], ending["CallDuration"], ending["Duration"]) == ("completed", "75", "2")
        assert (await t.caller.becomes("idle")).notes[-1] == "ended_completed"


@in_virtual_time
async def test_documents_follow_each_other_by_relative_addresses() -> None:
    async with town() as t:
        t.program.on("/voice", '<Redirect method="GET">flow/next?step=2</Redirect><Say>nie</Say>')
        t.program.on("/flow/next", "<Redirect>last</Redirect>")
        t.program.on("/flow/last", "<Say>Selesai</Say>")
        await t.caller.does("dial")
        await t.caller.hears("Selesai")
        step = t.program.received[1]
        assert (step.method, step.form["step"], step.form["CallStatus"]) == ("GET", "2", "ringing")


@in_virtual_time
async def test_a_failing_voice_url_leads_to_the_static_fallback() -> None:
    fallback = f"<Response><Say>Menyambungkan</Say><Dial><Number>{NURSE}</Number></Dial></Response>"
    async with town(replace(TOWN, fallback_twiml=fallback), problems=[11200]) as t:
        t.program.on("/voice", 503)
        await t.caller.does("dial")
        await t.caller.hears("Menyambungkan")
        await t.nurse.becomes("ringing")
        await t.nurse.does("answer")
        await t.caller.talks_to("Ns. Perawat")


@in_virtual_time
async def test_without_a_fallback_the_caller_hears_an_apology() -> None:
    async with town(problems=[12100]) as t:
        t.program.on("/voice", ' <?xml version="1.0"?><Response/>')
        await t.caller.does("dial")
        await t.caller.hears("application error")
        assert (await over(t))["CallStatus"] == "completed"


@in_virtual_time
async def test_an_answer_after_fifteen_seconds_is_none() -> None:
    async with town(problems=[11205]) as t:
        t.program.on("/voice", 15.5)
        await t.caller.does("dial")
        await t.caller.hears("application error")
        assert 15.0 <= asyncio.get_running_loop().time() < 16.0


@in_virtual_time
async def test_a_wrong_content_type_and_a_document_type_are_refused() -> None:
    async with town(problems=[12300, 12100]) as t:
        t.program.on(
            "/voice", "<Say>Halo</Say>", '<!DOCTYPE a [<!ENTITY b "c">]><Response><Say>&b;</Say></Response>'
        )
        t.program.content_type = "application/json"
        await t.caller.does("dial")
        await t.received("/voice/status")
        t.program.content_type = "text/xml"
        await t.caller.does("dial")
        await t.received("/voice/status", 2)


@in_virtual_time
async def test_a_redirected_webhook_loses_its_parameters_as_it_would_at_the_provider() -> None:
    async with town() as t:
        t.program.on("/voice", 302)
        t.program.on("/elsewhere", "<Say>Halo</Say>")
        await t.caller.does("dial")
        await t.caller.hears("Halo")
        assert (t.program.received[1].method, t.program.received[1].form) == ("GET", {})


@in_virtual_time
async def test_retries_are_those_of_the_fragment_with_one_token_for_all() -> None:
    async with town(replace(TOWN, voice_url=f"{PROGRAM}/voice#rc=2&rp=5xx")) as t:
        t.program.on("/voice", 500, 500, "<Say>Halo</Say>")
        await t.caller.does("dial")
        await t.caller.hears("Halo")
        tokens = {request.headers["i-twilio-idempotency-token"] for request in t.program.received[:3]}
        assert len(tokens) == 1


@in_virtual_time
async def test_a_withheld_number_arrives_as_anonymous() -> None:
    async with town() as t:
        await t.caller.does("dial", withheld=True)
        assert (await t.received("/voice"))[0]["From"] == "+266696687"


@in_virtual_time
async def test_a_recording_ends_by_a_key_and_can_be_fetched() -> None:
    async with town() as t:
        t.program.on("/voice", '<Record action="/recorded" recordingStatusCallback="/kept" timeout="10"/>')
        await t.caller.does("dial")
        await t.caller.hears("beep")
        await time_passes(4)
        await t.caller.does("press", keys="#")
        (recorded,) = await t.received("/recorded")
        assert (recorded["Digits"], recorded["RecordingDuration"]) == ("#", "4")
        assert (await t.received("/kept"))[0]["RecordingStatus"] == "completed"
        sound = await t.web.get(recorded["RecordingUrl"] + ".wav")
        assert sound.content[:4] == b"RIFF"


@in_virtual_time
async def test_unknown_verbs_and_attributes_are_noticed_and_passed_over() -> None:
    async with town(problems=[12200, 12200]) as t:
        t.program.on("/voice", '<Sing>la</Sing><Say loudness="9">Halo</Say>')
        await t.caller.does("dial")
        await t.caller.hears("Halo")


@in_virtual_time
async def test_a_phone_that_is_switched_off_leaves_its_call() -> None:
    async with town() as t:
        t.program.on("/voice", '<Pause length="60"/><Say>nie</Say>')
        await t.caller.does("dial")
        await t.received("/voice")
        await t.caller.does("switch-off")
        await over(t)
        assert (await t.caller.do("dial")).json()["code"] == "phone_off"
        await t.caller.does("switch-on")
        await t.caller.does("dial")
