"""The simulated network by itself: text messages both ways."""

import pytest

from telephony.simulator.texting import segments
from tests.fakes.scripted_program import CALLER, NURSE, SERVICE, Town, town
from tests.fakes.virtual_time import in_virtual_time, time_passes


async def send(t: Town, to_number: str, **more: str) -> str:
    answer = await t.rest(
        "/Messages.json",
        To=to_number,
        From=SERVICE,
        Body="Darurat http://x.test/w/abc",
        StatusCallback="http://program.test/sent",
        **more,
    )
    assert answer.json()["status"] == "queued"
    return str(answer.json()["sid"])


@in_virtual_time
async def test_a_text_from_a_phone_reaches_the_program_and_its_answer_the_phone() -> None:
    async with town() as t:
        t.program.on("/sms", "<Message>Diterima &lt;b&gt; &amp; dicatat</Message>")
        done = await t.nurse.does("text", body="3 😀")
        await t.nurse.reads("Diterima <b> & dicatat")
        (form,) = t.program.to("/sms")
        assert form == {
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "Body": "3 😀",
            "From": NURSE,
            "MessageSid": done["message_sid"],
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": done["message_sid"],
            "SmsSid": done["message_sid"],
            "SmsStatus": "received",
            "To": SERVICE,
        }
        seen = await t.nurse.is_seen("two texts", lambda seen: len(seen.texts) == 2)
        assert [(text["way"], text["peer"]) for text in seen.texts] == [("out", SERVICE), ("in", SERVICE)]
        await t.nurse.is_seen("delivered", lambda seen: seen.texts[0]["status"] == "delivered")


@in_virtual_time
async def test_an_empty_reply_sends_nothing_and_a_failing_webhook_is_noticed() -> None:
    async with town(problems=[11200]) as t:
        t.program.on("/sms", "", 500)
        await t.caller.does("text", body="halo")
        await t.caller.is_seen("delivered", lambda seen: seen.texts[0]["status"] == "delivered")
        await t.caller.does("text", body="halo")
        seen = await t.caller.is_seen("failed", lambda seen: seen.texts[-1]["status"] == "failed")
        assert seen.texts_in == []


@in_virtual_time
async def test_a_text_to_a_phone_is_sent_and_delivered() -> None:
    async with town() as t:
        sid = await send(t, NURSE)
        await t.nurse.reads("Darurat")
        forms = await t.received("/sent", 2)
        assert [form["MessageStatus"] for form in forms] == ["sent", "delivered"]
        assert {form["MessageSid"] for form in forms} == {sid}
        assert len(forms[1]["RawDlrDoneDate"]) == 10


@in_virtual_time
async def test_a_phone_that_is_off_gets_its_text_when_it_is_on_again() -> None:
    async with town() as t:
        await t.nurse.does("switch-off")
        await send(t, NURSE)
        await time_passes(300)
        assert [form["MessageStatus"] for form in t.program.to("/sent")] == ["sent"]
        await t.nurse.does("switch-on")
        await t.received("/sent", 2)
        await t.nurse.reads("Darurat")


@in_virtual_time
async def test_a_text_is_not_delivered_after_its_validity() -> None:
    async with town() as t:
        await t.nurse.does("switch-off")
        await send(t, NURSE, ValidityPeriod="60")
        assert (await t.received("/sent", 2))[1]["ErrorCode"] == "30036"
        await t.nurse.does("switch-on")
        assert (await t.nurse.becomes("idle")).texts == []


@in_virtual_time
async def test_an_unknown_number_is_reported_as_undelivered() -> None:
    async with town() as t:
        await send(t, "+628110000099")
        last = (await t.received("/sent", 2))[1]
        assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30005")


@in_virtual_time
async def test_phones_text_each_other_and_nobody_else() -> None:
    async with town() as t:
        await t.caller.does("text", body="Ada di mana?", to="0811 0000 002")
        await t.nurse.reads("Ada di mana?")
        assert (await t.nurse.becomes("idle")).texts[0]["peer"] == CALLER
        assert (await t.caller.do("text", body="x", to="+15550001")).json()["code"] == "no_such_number"
        assert (await t.caller.do("text", body="  ")).json()["code"] == "empty_text"


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ё" * 70, 1),
        ("ё" * 71, 2),
        ("😀" * 36, 2),
    ],
)
def test_segments_are_counted_by_alphabet(body: str, count: int) -> None:
    assert segments(body) == count
