"""What the provider reports of our own calls and texts: late, twice and shuffled, and never a step back."""

import itertools
import threading

import pytest

from models.incident import Assignment, Incident
from models.record import Event
from models.traffic import Delivery
from tests.contract.site import PAYLOADS, Site, call, fields_of, payload, verbs

CALL_CALLBACKS = {
    "call-initiated": "initiated",
    "call-ringing": "ringing",
    "call-in-progress": "in-progress",
    "call-completed": "completed",
    "call-busy": "busy",
    "call-no-answer": "no-answer",
    "call-failed": "failed",
    "call-canceled": "canceled",
}
TEXT_CALLBACKS = {
    "message-sent": ("sent", "accepted", None),
    "message-delivered": ("delivered", "delivered", None),
    "message-undelivered": ("undelivered", "failed", "30003"),
    "message-failed": ("failed", "failed", "30006"),
}
OTHERS = {"call-answered-document", "call-key"}


def alerts(site: Site, channel: str, *, number: int = 1) -> list[Delivery]:
    """The alerts of an emergency that has just begun, of a caller who is nobody else's."""
    known = {row.id for row in site.rows(Delivery)}
    site.send("/telephony/voice", call(number, sender="anonymous"))
    found: list[Delivery] = []
    # On a machine with much else to do the answer may overtake its own commit (ANSWER_WITHIN_S).
    for _ in range(100):
        fresh = [row for row in site.rows(Delivery) if row.id not in known]
        found = [row for row in fresh if row.purpose == "alert" and row.channel == channel]
        if found or threading.Event().wait(0.05):
            break
    assert found
    return found


def status(site: Site, delivery: Delivery, name: str) -> None:
    path = f"/telephony/deliveries/{delivery.id}/{delivery.channel}/status"
    assert verbs(site.send(path, payload(name))) == []


def now(site: Site, delivery: Delivery) -> Delivery:
    return next(row for row in site.rows(Delivery) if row.id == delivery.id)


def standing(site: Site) -> list[tuple[object, ...]]:
    """Who stands where in the emergency."""
    (incident,) = site.rows(Incident)
    people = [(row.staff_code, row.status, row.is_primary, row.accepted_at) for row in site.rows(Assignment)]
    return [(incident.status, incident.accepted_at), *sorted(people)]


def test_every_recorded_callback_is_in_one_of_the_lists() -> None:
    found = {path.stem for kind in ("call-*", "message-*") for path in PAYLOADS.glob(f"{kind}.txt")}
    assert found == {*CALL_CALLBACKS, *TEXT_CALLBACKS, *OTHERS}


@pytest.mark.parametrize(
    ("status_word", "error_code", "sip", "kept"),
    [
        pytest.param("failed", "13224", "404", "13224", id="the provider's own code comes first"),
        pytest.param("failed", "", "404", "sip-404", id="the network knows a wrong number"),
        pytest.param("failed", "", "503", "sip-503", id="and its own trouble"),
        pytest.param("failed", "", "", "failed", id="nothing more is known"),
        pytest.param("failed", "", "nonsense", "failed", id="nothing is made up"),
        pytest.param("busy", "", "486", "busy", id="busy says enough"),
    ],
)
def test_why_a_call_did_not_come_about(
    site: Site, status_word: str, error_code: str, sip: str, kept: str
) -> None:
    delivery = alerts(site, "voice")[0]
    form = {
        **fields_of(payload("call-failed")),
        "CallStatus": status_word,
        "ErrorCode": error_code,
        "SipResponseCode": sip,
    }
    assert verbs(site.send(f"/telephony/deliveries/{delivery.id}/voice/status", form)) == []
    assert (now(site, delivery).state, now(site, delivery).error_code) == ("failed", kept)


def test_a_texts_status_with_its_error_code(site: Site) -> None:
    for number, (name, expected) in enumerate(TEXT_CALLBACKS.items()):
        delivery = alerts(site, "sms", number=number)[0]
        status(site, delivery, name)
        row = now(site, delivery)
        assert (name, (row.provider_status, row.state, row.error_code)) == (name, expected)
        events = site.stored()["event"]
        status(site, delivery, name)
        assert site.stored()["event"] == events


def test_a_late_ending_after_completed_is_no_step_back(site: Site) -> None:
    for number, ending in enumerate(("call-busy", "call-no-answer", "call-failed", "call-canceled")):
        delivery = alerts(site, "voice", number=number)[0]
        for name in ("call-initiated", "call-ringing", "call-in-progress", "call-completed"):
            status(site, delivery, name)
        row, events = now(site, delivery), site.stored()["event"]
        assert (row.state, row.provider_status) == ("delivered", "completed")
        status(site, delivery, ending)
        after = now(site, delivery)
        assert (after.state, after.provider_status, after.error_code) == ("delivered", "completed", None)
        assert site.stored()["event"] == events


def test_without_numbers_the_words_alone_keep_their_order(site: Site) -> None:
    """Compatible services leave SequenceNumber out; texts never have one."""
    voice, sms = alerts(site, "voice", number=1)[0], alerts(site, "sms", number=2)[0]
    for delivery, channel, words in (
        (voice, "CallStatus", ("ringing", "completed", "busy", "in-progress", "no-answer")),
        (sms, "MessageStatus", ("sent", "delivered", "sent", "failed", "queued")),
    ):
        path = f"/telephony/deliveries/{delivery.id}/{delivery.channel}/status"
        for word in words:
            assert verbs(site.send(path, {channel: word})) == []
        row = now(site, delivery)
        assert (row.state, row.provider_status) == ("delivered", words[1])


def test_in_whatever_order_the_reports_come_the_last_word_is_the_last(sqlite_site: Site) -> None:
    orders = itertools.permutations(("call-initiated", "call-ringing", "call-in-progress", "call-completed"))
    delivery = alerts(sqlite_site, "voice")[0]
    for order in orders:
        with sqlite_site.program.services.uow.write() as session:
            row = session.get_one(Delivery, delivery.id)
            row.state, row.provider_status, row.provider_sequence = "sending", None, -1
        for name in order:
            status(sqlite_site, delivery, name)
        seen = now(sqlite_site, delivery)
        assert (order, seen.state, seen.provider_status) == (order, "delivered", "completed")


def test_a_busy_phone_is_in_the_record_with_its_code(site: Site) -> None:
    delivery = alerts(site, "voice")[0]
    for name in ("call-initiated", "call-ringing", "call-busy"):
        status(site, delivery, name)
    assert now(site, delivery).state == "failed"
    assert any(row.kind == "alert.failed" for row in site.rows(Event))


def test_reports_about_nothing_we_know_change_nothing(sqlite_site: Site) -> None:
    sqlite_site.send("/telephony/voice", call())
    before = sqlite_site.stored()
    for name in CALL_CALLBACKS:
        assert verbs(sqlite_site.send("/telephony/deliveries/unknown/voice/status", payload(name))) == []
    for name in TEXT_CALLBACKS:
        assert verbs(sqlite_site.send("/telephony/deliveries/unknown/sms/status", payload(name))) == []
    delivery = next(row for row in sqlite_site.rows(Delivery))
    for body in (b"", b"CallStatus=teleported&SequenceNumber=99999999999999999999", b"CallStatus="):
        path = f"/telephony/deliveries/{delivery.id}/voice/status"
        assert verbs(sqlite_site.send(path, body)) == []
    assert sqlite_site.stored() == before


def test_an_answered_alert_is_accepted_by_its_key(site: Site) -> None:
    delivery = alerts(site, "voice")[0]
    where = f"/telephony/deliveries/{delivery.id}"
    assert verbs(site.send(f"{where}/answer", payload("call-answered-document"))) == [
        "Gather",
        "Gather",
        "Say",
        "Hangup",
    ]
    first = site.send(f"{where}/key", payload("call-key"))
    assert verbs(first) == ["Gather", "Dial/Conference"]
    before, lines = standing(site), site.stored()["event"]
    # The provider asks again: nothing changes but a line about the attempt, and the worker hears the same.
    assert site.send(f"{where}/key", payload("call-key")).content == first.content
    assert standing(site) == before
    kinds = [row.kind for row in site.rows(Event)]
    assert len(kinds) == lines + kinds.count("action.refused")
    primaries = [row for row in site.rows(Assignment) if row.is_primary]
    assert [row.staff_id for row in primaries] == [delivery.staff_id]
    minutes = site.send(f"{where}/minutes", {**call(0x100), "Digits": "12"})
    assert verbs(minutes) == ["Say", "Dial/Conference"]
    (mine,) = [row for row in site.rows(Assignment) if row.is_primary]
    assert mine.minutes == 12


def test_two_keys_in_the_same_breath_make_one_primary(site: Site) -> None:
    first, second = alerts(site, "voice")[:2]
    for delivery in (first, second):
        site.send(f"/telephony/deliveries/{delivery.id}/key", payload("call-key"))
    assert sum(row.is_primary for row in site.rows(Assignment)) == 1
    (incident,) = site.rows(Incident)
    assert incident.status == "accepted"


def test_whatever_key_is_pressed_the_worker_hears_an_answer(sqlite_site: Site) -> None:
    for number, digits in enumerate(("", "#", "0", "*", "2", "3", "77", "1" * 40, "1\u00b2")):
        delivery = alerts(sqlite_site, "voice", number=number)[0]
        answer = sqlite_site.send(f"/telephony/deliveries/{delivery.id}/key", {**call(5), "Digits": digits})
        assert verbs(answer)[-1] in ("Hangup", "Dial/Conference")
    assert sqlite_site.journalled() == []


def test_the_room_and_its_recording_are_noted_once(site: Site) -> None:
    site.send("/telephony/voice", payload("voice-incoming"))
    (incident,) = site.rows(Incident)
    for name in ("room-join", "room-leave"):
        assert verbs(site.send(f"/telephony/rooms/{incident.id}/events", payload(name))) == []
    where = f"/telephony/rooms/{incident.id}/recording"
    assert verbs(site.send(where, payload("room-recording"))) == []
    site.send(where, payload("room-recording"))
    assert [row.kind for row in site.rows(Event)].count("call.recorded") == 1
    assert site.journalled() == []
