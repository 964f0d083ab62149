"""Whose requests are believed: forged ones get 403 and leave nothing but a count (CONTRACT 3)."""

import http.client
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from models.incident import Call
from telephony.webhooks import build_webhooks
from tests.contract.site import (
    PUBLIC_URL,
    RESIDENT,
    Fields,
    Site,
    call,
    fields_of,
    payload,
    running_site,
    signature,
    text,
    verbs,
)

VOICE = f"{PUBLIC_URL}/telephony/voice"
GENUINE = payload("voice-incoming-attested")

ADDRESSES = (
    "/telephony/voice",
    "/telephony/voice/status",
    "/telephony/voice/menu",
    "/telephony/voice/after",
    "/telephony/voice/release",
    "/telephony/sms",
    "/telephony/rooms/room/wait",
    "/telephony/rooms/room/hold",
    "/telephony/rooms/room/events",
    "/telephony/rooms/room/recording",
    "/telephony/deliveries/one/answer",
    "/telephony/deliveries/one/key",
    "/telephony/deliveries/one/minutes",
    "/telephony/deliveries/one/voice/status",
    "/telephony/deliveries/one/sms/status",
    "/telephony/surveys/one/answer",
    "/telephony/surveys/one/1/1",
)

FORGERIES: dict[str, tuple[bytes, str]] = {
    "made up": (GENUINE, "bm90IGEgc2lnbmF0dXJl"),
    "not even Base64": (GENUINE, "!"),
    "of another account": (GENUINE, signature(VOICE, GENUINE, token="another-token")),
    "with an empty key": (GENUINE, signature(VOICE, GENUINE, token="")),
    "of another address": (GENUINE, signature(f"{PUBLIC_URL}/telephony/sms", GENUINE)),
    "of another host": (GENUINE, signature("https://elsewhere.example/telephony/voice", GENUINE)),
    "of another scheme": (GENUINE, signature(VOICE.replace("https", "http"), GENUINE)),
    "of the address with a query": (GENUINE, signature(f"{VOICE}?a=1", GENUINE)),
    "a field changed": (
        GENUINE.replace(b"%2B6281199990001", b"%2B6281199990002"),
        signature(VOICE, GENUINE),
    ),
    "a field added": (GENUINE + b"&Digits=9", signature(VOICE, GENUINE)),
    "an empty field added": (GENUINE + b"&Digits=", signature(VOICE, GENUINE)),
    "a field taken away": (GENUINE.partition(b"&")[2], signature(VOICE, GENUINE)),
    "a field repeated with another value": (GENUINE + b"&CallSid=CA0", signature(VOICE, GENUINE)),
    "an empty body": (b"", signature(VOICE, GENUINE)),
}


@pytest.mark.parametrize("path", ADDRESSES)
def test_without_a_signature_nothing_happens_at_any_address(shared_site: Site, path: str) -> None:
    before, refused = shared_site.stored(), shared_site.refused("missing")
    journalled = shared_site.journalled()
    answer = shared_site.send(path, GENUINE, signed="")
    assert (answer.status_code, answer.content) == (403, b"")
    assert shared_site.stored() == before
    assert shared_site.journalled() == journalled
    assert shared_site.refused("missing") == refused + 1


def test_every_telephone_address_was_asked(shared_site: Site) -> None:
    """What the program answers under /telephony, from its own list of routes, stands in the list above."""
    example = {"incident_id": "room", "delivery_id": "one", "step": "1", "turn": "1"}
    known = {path.replace("/sms/status", "/voice/status") for path in ADDRESSES}
    names = [
        "voice",
        "voice_status",
        "menu",
        "after_room",
        "release",
        "wait",
        "hold",
        "room_event",
        "recording",
        "sms",
        "answer",
        "key",
        "minutes",
        "delivery_status",
        "survey_answer",
        "survey_key",
    ]
    routes = build_webhooks(shared_site.program.telephony).routes
    assert sorted(route.kind for route in routes) == sorted(names)
    paths = [route.path for route in routes]
    assert {path.format(**example, channel="voice") for path in paths} == known


def test_forgeries_leave_no_trace_but_a_count(site: Site) -> None:
    before = site.stored()
    for name, (body, signed) in FORGERIES.items():
        answer = site.send("/telephony/voice", body, signed=signed)
        assert (name, answer.status_code, answer.content) == (name, 403, b"")
    assert site.stored() == before
    assert site.journalled() == []
    assert site.refused("wrong") == len(FORGERIES)
    assert site.refused("missing") == 0
    assert verbs(site.send("/telephony/voice", GENUINE)) == ["Gather", "Dial/Conference"]


def test_what_is_written_of_a_forgery_names_nobody(sqlite_site: Site) -> None:
    start = len(sqlite_site.log.getvalue())
    answer = sqlite_site.send("/telephony/voice", GENUINE, signed="bm90IGEgc2lnbmF0dXJl")
    assert answer.status_code == 403
    written = sqlite_site.log.getvalue()[start:]
    assert "webhook.refused" in written
    assert RESIDENT[1:] not in written
    assert "bm90IGEgc2lnbmF0dXJl" not in written


def test_a_body_beyond_reason_is_refused_unread(shared_site: Site) -> None:
    before = shared_site.stored()
    body = urlencode(text("x" * 300_000)).encode()
    assert shared_site.send("/telephony/sms", body).status_code == 403
    assert shared_site.stored() == before
    assert shared_site.refused("too_large") == 1


@pytest.mark.parametrize("path", ADDRESSES)
def test_only_post_is_answered_and_nothing_redirects(shared_site: Site, path: str) -> None:
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        assert shared_site.client.request(method, shared_site.base + path).status_code == 405
    # A redirect would be followed as a GET without the call's fields (TESTBED 2.1).
    slashed = shared_site.send(path + "/", GENUINE)
    assert not slashed.is_redirect
    assert slashed.status_code == 404


GENUINE_FORMS: dict[str, Fields] = {
    "empty values": {**call(1), "CallerName": "", "FromCity": "", "StirVerstat": ""},
    "a field twice": [*call(2).items(), ("Tag", "b"), ("Tag", "a")],
    "a field twice with the same value": [*call(3).items(), ("Tag", "a"), ("Tag", "a")],
    "signs that must be coded": call(4, CallerName="Ibu & Bapak = 100% + é 🚑 \n \x7f"),
    "names that must be coded": [*call(5).items(), ("Trace.Id[0] é", "1")],
    "upper and lower case names": [*call(6).items(), ("a", "1"), ("B", "2"), ("A", "3"), ("b", "4")],
}


def test_whatever_is_in_a_genuine_form_its_signature_is_found_right(shared_site: Site) -> None:
    for name, fields in GENUINE_FORMS.items():
        answer = shared_site.send("/telephony/voice", fields)
        assert (name, verbs(answer)) == (name, ["Gather", "Dial/Conference"])


@pytest.mark.parametrize(
    "body",
    [
        b"CallSid=CA1&From=%2b6281199990001&Name=a%20b",  # lower-case codes, and %20 for a space
        b"CallSid=CA1&From=%2B6281199990001&Name=a+b",
        b"%43allSid=CA1&From=%2B6281199990001",  # a name coded without need
        b"&&CallSid=CA1&From=%2B6281199990001&",  # empty pairs
        b"CallSid=CA1&From=%2B6281199990001&Flag",  # a name without a value
    ],
)
def test_other_spellings_of_the_same_form_are_the_same_form(sqlite_site: Site, body: bytes) -> None:
    assert verbs(sqlite_site.send("/telephony/voice", body)) == ["Gather", "Dial/Conference"]
    (row,) = sqlite_site.rows(Call)
    assert (row.provider_sid, row.caller_number) == ("CA1", RESIDENT)


@pytest.mark.parametrize(
    "path",
    [
        "/telephony/voice?",
        "/telephony/voice?source=number",
        "/telephony/voice?source=number&name=Ibu%20Warga&plus=%2B62&empty=&again=1&again=2",
        "/telephony/voice?a=%2F%3f&b=c+d",
    ],
)
def test_the_query_belongs_to_the_signature_as_it_is_spelled(shared_site: Site, path: str) -> None:
    signed = signature(PUBLIC_URL + path.removesuffix("?"), GENUINE)
    assert verbs(shared_site.send(path, GENUINE, signed=signed)) == ["Gather", "Dial/Conference"]


@pytest.mark.parametrize("room", ["a%20b", "a%2Fb", "%c3%a9", "a+b", "a%3Fb", "100%25"])
def test_the_path_belongs_to_the_signature_as_it_is_spelled(shared_site: Site, room: str) -> None:
    answer = shared_site.send(f"/telephony/rooms/{room}/wait", payload("room-wait"))
    # A coded slash makes another address; everything else is a room that waits.
    if "%2F" in room:
        assert answer.status_code == 404
    else:
        assert verbs(answer) == ["Say", "Pause", "Redirect"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "1"},
        {"X-Forwarded-For": "203.0.113.9, 198.51.100.1", "X-Real-IP": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9;proto=http;host=evil.example", "X-Original-URL": "/elsewhere"},
        {"Host": "evil.example"},
        {"Host": "911.puskesmas.example:8443"},
        {"X-Forwarded-Prefix": "/prefix", "X-Rewrite-URL": "/elsewhere"},
    ],
)
def test_what_a_proxy_says_changes_nothing(shared_site: Site, headers: dict[str, str]) -> None:
    assert verbs(shared_site.send("/telephony/voice", GENUINE, headers=headers)) == [
        "Gather",
        "Dial/Conference",
    ]
    forged = signature("http://evil.example/telephony/voice", GENUINE)
    assert shared_site.send("/telephony/voice", GENUINE, signed=forged, headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["[", "a b", "evil/?x=1#", ""])
def test_a_host_that_is_no_host_is_no_error_of_ours(shared_site: Site, host: str) -> None:
    where = urlsplit(shared_site.base)
    assert where.hostname is not None
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
    connection.putrequest("POST", "/telephony/voice", skip_host=True)
    for name, value in {
        "Host": host,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(GENUINE)),
        "X-Twilio-Signature": signature(VOICE, GENUINE),
    }.items():
        connection.putheader(name, value)
    connection.endheaders(GENUINE)
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    ("public_url", "signed_for"),
    [
        ("https://911.puskesmas.example:8443", "https://911.puskesmas.example:8443"),
        ("https://911.puskesmas.example:8443", "https://911.puskesmas.example"),
        ("https://911.puskesmas.example", "https://911.puskesmas.example:443"),
        ("http://911.puskesmas.example", "http://911.puskesmas.example:80"),
        ("https://911.puskesmas.example/", "https://911.puskesmas.example"),
    ],
)
def test_the_port_may_be_in_the_signature_or_not(
    sqlite_database_url: str, tmp_path: Path, public_url: str, signed_for: str
) -> None:
    with running_site(sqlite_database_url, tmp_path, public_url=public_url) as site:
        signed = signature(f"{signed_for}/telephony/voice", GENUINE)
        assert verbs(site.send("/telephony/voice", GENUINE, signed=signed)) == ["Gather", "Dial/Conference"]
        other = signature(f"{signed_for}9/telephony/voice", GENUINE)
        assert site.send("/telephony/voice", GENUINE, signed=other).status_code == 403


def test_the_recorded_forms_carry_what_must_not_be_dropped() -> None:
    """The recordings stay what they are for: empty values, repeated names, names nobody knows."""
    assert fields_of(payload("voice-incoming"))["FromCity"] == ""
    assert payload("voice-incoming-future-parameters").count(b"Tag=") == 2
    assert "StirVerstat" in fields_of(payload("voice-incoming-attested"))
