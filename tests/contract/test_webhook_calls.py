"""Calls coming in: durable before the answer, the same when repeated, and a person whatever arrives."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

from models.incident import Call, Incident
from models.record import PrivateValue
from tests.contract.site import (
    PAYLOADS,
    RESIDENT,
    Fields,
    Site,
    call,
    fields_of,
    is_fallback,
    payload,
    said,
    text,
    verbs,
)

COPIES = 20
WELCOME = ["Gather", "Dial/Conference"]

RECORDED_CALLS = {
    "voice-incoming": RESIDENT,
    "voice-incoming-attested": RESIDENT,
    "voice-incoming-forwarded": RESIDENT,
    "voice-incoming-future-parameters": RESIDENT,
    "voice-incoming-anonymous": None,
    "voice-incoming-restricted": None,
    "voice-incoming-no-caller": None,
    "voice-incoming-empty-caller": None,
}


def test_a_call_is_in_the_database_when_it_is_answered(site: Site) -> None:
    answer = site.send("/telephony/voice", payload("voice-incoming"))
    (incident,) = site.rows(Incident)
    (ring,) = site.rows(Call)
    assert verbs(answer) == WELCOME
    assert answer.text.startswith("<?xml")
    assert (ring.incident_id, ring.caller_number, ring.opened_incident) == (incident.id, RESIDENT, True)
    assert ring.provider_sid == fields_of(payload("voice-incoming"))["CallSid"]
    assert site.stored()["delivery"] > 0


def test_every_recorded_call_becomes_an_incident(site: Site) -> None:
    """Withheld numbers never join; a number that is known does."""
    assert {path.stem for path in PAYLOADS.glob("voice-incoming*.txt")} == set(RECORDED_CALLS)
    for name in RECORDED_CALLS:
        assert (name, verbs(site.send("/telephony/voice", payload(name)))) == (name, WELCOME)
    rings = {row.provider_sid: row.caller_number for row in site.rows(Call)}
    assert rings == {fields_of(payload(name))["CallSid"]: number for name, number in RECORDED_CALLS.items()}
    withheld = sum(number is None for number in RECORDED_CALLS.values())
    assert len(site.rows(Incident)) == 1 + withheld
    assert len(site.kept("voice")) == len(RECORDED_CALLS)
    assert site.journalled() == []


def test_the_raw_request_is_kept_whole(site: Site) -> None:
    body = payload("voice-incoming-future-parameters")
    site.send("/telephony/voice", body)
    assert site.kept("voice") == [fields_of(body)]


def test_a_repeated_call_changes_nothing_and_hears_the_same(site: Site) -> None:
    first = site.send("/telephony/voice", payload("voice-incoming"))
    before = site.stored()
    again = site.send("/telephony/voice", payload("voice-incoming"))
    other = site.send(
        "/telephony/voice", {**fields_of(payload("voice-incoming")), "CallStatus": "in-progress"}
    )
    assert again.content == first.content
    assert other.content == first.content
    assert site.stored() == before


def test_a_repeat_after_the_menu_goes_on_behind_it(site: Site) -> None:
    site.send("/telephony/voice", call())
    chosen = site.send("/telephony/voice/menu", call(Digits="1"))
    again = site.send("/telephony/voice/menu", call(Digits="1"))
    assert again.content == chosen.content
    assert site.send("/telephony/voice", call()).content == chosen.content
    (incident,) = site.rows(Incident)
    assert incident.priority == "red"


def at_once(site: Site, requests: list[tuple[str, Fields]]) -> list[httpx.Response]:
    """Send all of them in the same instant."""
    gate = threading.Barrier(len(requests))

    def send(request: tuple[str, Fields]) -> httpx.Response:
        gate.wait(10)
        return site.send(*request)

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def test_twenty_copies_at_once_are_one_incident(site: Site) -> None:
    answers = at_once(site, [("/telephony/voice", call())] * COPIES)
    assert [verbs(answer) for answer in answers] == [WELCOME] * COPIES
    assert len({answer.content for answer in answers}) == 1
    assert len(site.rows(Incident)) == 1
    assert len(site.rows(Call)) == 1
    assert len(site.kept("voice")) == 1


def test_twenty_calls_of_one_number_at_once_are_one_incident_and_twenty_calls(site: Site) -> None:
    answers = at_once(site, [("/telephony/voice", call(number)) for number in range(1, COPIES + 1)])
    assert [verbs(answer) for answer in answers] == [WELCOME] * COPIES
    assert len(site.rows(Incident)) == 1
    assert len(site.rows(Call)) == COPIES
    assert sum(row.opened_incident for row in site.rows(Call)) == 1


def test_twenty_callers_at_once_have_twenty_numbers(site: Site) -> None:
    requests: list[tuple[str, Fields]] = [
        ("/telephony/voice", call(number, sender=f"+62811999900{number:02d}"))
        for number in range(1, COPIES + 1)
    ]
    assert [verbs(answer) for answer in at_once(site, requests)] == [WELCOME] * COPIES
    assert sorted(row.short_number for row in site.rows(Incident)) == list(range(100, 100 + COPIES))


def test_every_key_of_the_menu_leads_to_the_room(sqlite_site: Site) -> None:
    expected = {"1": "red", "2": "red", "3": "yellow", "4": "yellow", "7": "unknown"}
    for digit in expected:
        caller = call(int(digit), sender=f"+628119999000{digit}", Digits=digit)
        sqlite_site.send("/telephony/voice", caller)
        assert verbs(sqlite_site.send("/telephony/voice/menu", caller)) == ["Say", "Dial/Conference"]
    found = {str(row.caller_number)[-1]: row.priority for row in sqlite_site.rows(Incident)}
    assert found == expected


def test_a_wrong_number_hears_goodbye_and_is_closed(site: Site) -> None:
    site.send("/telephony/voice", call())
    assert verbs(site.send("/telephony/voice/menu", call(Digits="9"))) == ["Say", "Hangup"]
    (incident,) = site.rows(Incident)
    assert (incident.status, incident.outcome) == ("closed", "wrong_number")
    # What comes of this call later is answered in peace.
    assert verbs(site.send("/telephony/voice", call())) == ["Say", "Hangup"]
    assert verbs(site.send("/telephony/voice/after", call())) == ["Say", "Hangup"]


def test_the_end_of_a_call_is_told_by_its_status(site: Site) -> None:
    site.send("/telephony/voice", payload("voice-incoming"))
    for status in ("ringing", "in-progress"):
        site.send("/telephony/voice/status", call(CallStatus=status))
        assert [row.ended_at for row in site.rows(Call)] == [None]
    ended = site.send("/telephony/voice/status", payload("voice-status-completed"))
    assert verbs(ended) == []
    (ring,) = site.rows(Call)
    assert ring.ended_at is not None
    before = site.stored()
    site.send("/telephony/voice/status", payload("voice-status-completed"))
    site.send("/telephony/voice/status", call(CallStatus="busy"))
    assert site.stored() == before
    assert [row.ended_at for row in site.rows(Call)] == [ring.ended_at]


def test_a_status_of_a_call_that_nobody_knows_is_taken_in_peace(sqlite_site: Site) -> None:
    """It may have overtaken its own call, so it is kept beside; nothing else happens."""
    before = sqlite_site.stored()
    assert verbs(sqlite_site.send("/telephony/voice/status", payload("voice-status-completed"))) == []
    assert sqlite_site.stored() == {**before, "inbox": before["inbox"] + 1}


MALFORMED: dict[str, bytes] = {
    "no CallSid": payload("voice-incoming").replace(b"CallSid", b"OtherSid"),
    "an empty CallSid": payload("voice-incoming").replace(f"CA{1:032x}".encode(), b""),
    "an empty body": b"",
    "no form at all": b"\x89PNG\r\n\x1a\n",
    "no UTF-8": b"From=\xff\xfe&Caller=%ff%fe%80",
    "JSON": b'{"CallSid": "CA1"}',
    "only signs": b"&&==&=&%&%%",
}


def test_a_malformed_call_reaches_a_person_and_is_kept(site: Site) -> None:
    for name, body in MALFORMED.items():
        answer = site.send("/telephony/voice", body)
        assert (name, is_fallback(answer)) == (name, True)
    assert site.rows(Incident) == []
    kept = site.kept("malformed")
    assert len(kept) == len(MALFORMED)
    assert any("OtherSid" in request for request in kept)
    assert site.journalled() == []


def test_an_unknown_call_in_the_middle_of_the_way_reaches_a_person(sqlite_site: Site) -> None:
    for path in ("/telephony/voice/menu", "/telephony/voice/after"):
        assert is_fallback(sqlite_site.send(path, call(77, Digits="1")))
        assert is_fallback(sqlite_site.send(path, b""))


STRANGE_CALLS: dict[str, Fields] = {
    "bytes that are no UTF-8": [("CallSid", "CA-1"), ("From", "\ufffd\ufffd")],
    "NUL": call(2, sender="anonymous", CallerName="Ibu\x00Warga"),
    "a name as number": call(3, sender="PUSKESMAS"),
    "a SIP address": call(4, sender="sip:warga@example.org"),
    "SQL": call(5, sender="'; DROP TABLE call; --"),
    "very long": call(6, sender="+62" + "8" * 500),
    "other digits": call(7, sender="+٦٢٨١١٩٩٩٩٠٠٠٧"),
    "a very long SID": {**call(8, sender="anonymous"), "CallSid": "CA" + "8" * 400},
}


def test_a_strange_call_reaches_a_person_and_is_kept(site: Site) -> None:
    for name, fields in STRANGE_CALLS.items():
        before = site.stored()["inbox"]
        answer = site.send("/telephony/voice", fields)
        assert (name, verbs(answer) == WELCOME or is_fallback(answer)) == (name, True)
        assert (name, site.stored()["inbox"]) == (name, before + 1)
    assert len(site.rows(Incident)) == len(site.kept("voice")) == len(STRANGE_CALLS) - 1
    assert len(site.kept("malformed")) == 1
    assert site.journalled() == []


def test_the_waiting_room_never_fails(sqlite_site: Site) -> None:
    """A failing waitUrl would disconnect the caller (TESTBED 2.5)."""
    for path in ("/telephony/rooms/unknown/wait", "/telephony/rooms/%00/wait"):
        assert verbs(sqlite_site.send(path, payload("room-wait"))) == ["Say", "Pause", "Redirect"]
    assert "webhook.failed" not in sqlite_site.log.getvalue()
    sqlite_site.send("/telephony/voice", call())
    (incident,) = sqlite_site.rows(Incident)
    answer = sqlite_site.send(f"/telephony/rooms/{incident.id}/wait", payload("room-wait"))
    assert "119" in said(answer)


def test_what_is_private_stands_beside_the_record_and_not_in_it(sqlite_site: Site) -> None:
    sqlite_site.send("/telephony/sms", text("Tolong, rumah Ibu Contoh"))
    values = [row.value for row in sqlite_site.rows(PrivateValue)]
    assert RESIDENT in values
    assert "Tolong, rumah Ibu Contoh" in values
