"""The simulated network by itself: callers who wait in a conference, and workers who join them."""

import asyncio

from tests.fakes.scripted_program import CALLER, NURSE, Town, town
from tests.fakes.virtual_time import in_virtual_time, time_passes

EVENTS = 'statusCallback="/room" statusCallbackEvent="start end join leave"'
CALLER_WAITS = (
    f'<Dial><Conference startConferenceOnEnter="false" waitUrl="/wait" {EVENTS}>I-100</Conference></Dial>'
)
WORKER_JOINS = '<Dial action="/left"><Conference endConferenceOnExit="true">I-100</Conference></Dial>'


async def waiting_caller(t: Town) -> str:
    t.program.on("/voice", CALLER_WAITS)
    t.program.on("/wait", '<Say>Mohon tunggu</Say><Pause length="15"/><Redirect>/wait</Redirect>')
    t.program.on("/alert", WORKER_JOINS)
    done = await t.caller.does("dial")
    await t.caller.hears("Mohon tunggu")
    return str(done["call_sid"])


@in_virtual_time
async def test_the_caller_hears_the_waiting_message_again_and_again_and_is_connected_to_nobody() -> None:
    async with town() as t:
        await waiting_caller(t)
        await t.received("/wait", 4)
        assert 45 <= asyncio.get_running_loop().time() < 60
        assert (await t.caller.becomes("in_call")).partners == []
        assert t.program.received[1].method == "POST"


@in_virtual_time
async def test_caller_and_worker_talk_as_soon_as_the_worker_joins() -> None:
    async with town() as t:
        caller_sid = await waiting_caller(t)
        worker_sid = await t.call(NURSE)
        await t.nurse.becomes("ringing")
        await t.nurse.does("answer")
        await t.caller.talks_to("Ns. Perawat")
        await t.nurse.talks_to("Ibu Warga")
        heard = len((await t.caller.becomes("in_call")).heard)
        await time_passes(60)
        assert len((await t.caller.becomes("in_call")).heard) == heard
        network = await t.network()
        assert network is not None
        assert network["connections"] == [["Ibu Warga", "Ns. Perawat"]]
        events = [
            (form["SequenceNumber"], form["StatusCallbackEvent"]) for form in await t.received("/room", 3)
        ]
        assert events == [("1", "participant-join"), ("2", "participant-join"), ("3", "conference-start")]
        joined = t.program.to("/room")
        assert [form.get("CallSid") for form in joined] == [caller_sid, worker_sid, None]
        assert {form["FriendlyName"] for form in joined} == {"I-100"}
        assert len({form["ConferenceSid"] for form in joined}) == 1


@in_virtual_time
async def test_one_on_whom_the_conference_depends_ends_it_for_all_by_leaving() -> None:
    async with town() as t:
        await waiting_caller(t)
        worker_sid = await t.call(NURSE)
        await t.nurse.becomes("ringing")
        await t.nurse.does("answer")
        await t.caller.talks_to("Ns. Perawat")
        await t.nurse.does("hang-up")
        await t.caller.becomes("idle")
        leaves = (await t.received("/room", 6))[3:]
        assert [form["StatusCallbackEvent"] for form in leaves] == ["participant-leave"] * 2 + [
            "conference-end"
        ]
        assert leaves[0]["ReasonParticipantLeft"] == "participant_hung_up"
        assert leaves[1]["ReasonParticipantLeft"] == "moderator_ended_conference"
        assert leaves[2]["CallSidEndingConference"] == worker_sid
        (left,) = await t.received("/left")
        assert (left["DialCallStatus"], left["CallStatus"]) == ("answered", "completed")


@in_virtual_time
async def test_the_caller_who_hangs_up_leaves_the_worker_in_a_conference_that_goes_on() -> None:
    async with town() as t:
        await waiting_caller(t)
        await t.call(NURSE)
        await t.nurse.becomes("ringing")
        await t.nurse.does("answer")
        await t.caller.talks_to("Ns. Perawat")
        await t.caller.does("hang-up")
        await t.nurse.talks_to()
        assert (await t.nurse.becomes("in_call")).state == "in_call"
        assert (await t.received("/voice/status"))[0]["CallStatus"] == "completed"


@in_virtual_time
async def test_a_waiting_document_that_cannot_be_had_drops_the_caller_unless_verbs_follow() -> None:
    async with town(problems=[11200, 11200]) as t:
        t.program.on("/voice", CALLER_WAITS, CALLER_WAITS + "<Say>Tetap di jalur</Say>")
        t.program.on("/wait", 500)
        await t.caller.does("dial")
        await t.received("/voice/status")
        await t.caller.does("dial")
        await t.caller.hears("Tetap di jalur")


@in_virtual_time
async def test_two_who_may_not_begin_a_conference_wait_both() -> None:
    async with town() as t:
        t.program.on(
            "/voice", '<Dial><Conference startConferenceOnEnter="false" waitUrl="">X</Conference></Dial>'
        )
        await t.caller.does("dial")
        await t.doctor.does("dial")
        await t.doctor.becomes("in_call")
        await time_passes(30)
        assert (await t.caller.becomes("in_call")).partners == []


@in_virtual_time
async def test_only_the_first_participant_decides_what_is_reported() -> None:
    async with town() as t:
        t.program.on(
            "/voice",
            '<Dial><Conference waitUrl="">X</Conference></Dial>',
            f"<Dial><Conference {EVENTS}>X</Conference></Dial>",
        )
        await t.caller.does("dial")
        await t.caller.becomes("in_call")
        await t.doctor.does("dial")
        await t.doctor.talks_to("Ibu Warga")
        assert t.program.to("/room") == []


@in_virtual_time
async def test_a_live_call_is_taken_out_of_its_conference_and_goes_on_elsewhere() -> None:
    async with town() as t:
        caller_sid = await waiting_caller(t)
        t.program.on("/menu", "<Say>Layanan ini untuk darurat</Say>")
        answer = await t.rest(f"/Calls/{caller_sid}.json", Url="http://program.test/menu")
        assert answer.json()["status"] == "in-progress"
        await t.caller.hears("Layanan ini")
        left = (await t.received("/room", 3))[1]
        assert left["ReasonParticipantLeft"] == "participant_updated_via_api"
        assert (await t.received("/voice/status"))[0]["From"] == CALLER


@in_virtual_time
async def test_a_live_call_is_hung_up_from_outside() -> None:
    async with town() as t:
        caller_sid = await waiting_caller(t)
        answer = await t.rest(f"/Calls/{caller_sid}.json", Status="completed")
        assert answer.json()["status"] == "completed"
        await t.caller.becomes("idle")
        again = await t.rest(f"/Calls/{caller_sid}.json", Url="http://program.test/menu")
        assert again.json()["code"] == 21220
