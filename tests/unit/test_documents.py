"""Single moments of a call, as documents: who enters which room, and what may be pressed."""

import pytest
from lxml import etree

from telephony.addresses import PublicAddresses
from telephony.documents import Documents, text_reply
from telephony.prompts import Prompts

BASE = "https://911.example/telephony"
HANDOFF = "+628114982800"


def made(*, recorded: bool = True) -> Documents:
    prompts = Prompts(service_name="911", handoff_phone=HANDOFF, announce_recording=recorded)
    return Documents(PublicAddresses("https://911.example"), prompts, HANDOFF)


def attributes(document: str, path: str) -> dict[str, str]:
    found = etree.fromstring(document.encode()).findall(path)
    assert len(found) == 1
    return {str(name): str(value) for name, value in found[0].attrib.items()}


def test_the_caller_waits_for_somebody_and_never_ends_the_room() -> None:
    room = attributes(made().greeting("room-1", menu_timeout_s=5), "Dial/Conference")
    assert (room["startConferenceOnEnter"], room["endConferenceOnExit"]) == ("false", "false")
    assert room["waitUrl"] == f"{BASE}/rooms/room-1/wait"
    assert room["statusCallback"] == f"{BASE}/rooms/room-1/events"
    assert "start" not in room["statusCallbackEvent"].split()


@pytest.mark.parametrize("ends", [True, False])
def test_the_worker_starts_the_talk_and_ends_it_only_as_a_responder(ends: bool) -> None:
    room = attributes(made().join("room-1", "Halo.", join=True, ends_room=ends), "Dial/Conference")
    assert room["startConferenceOnEnter"] == "true"
    assert room["endConferenceOnExit"] == ("true" if ends else "false")
    assert "record" not in room


def test_caller_and_worker_meet_in_the_same_room() -> None:
    documents = made()
    rooms = {
        etree.fromstring(document.encode()).findtext("Dial/Conference")
        for document in (
            documents.greeting("room-1", menu_timeout_s=5),
            documents.waiting_room("room-1", "1"),
            documents.join("room-1", "Halo.", join=True, ends_room=True),
            documents.accepted("delivery", "room-1", "Halo.", join=True, ends_room=True),
        )
    }
    assert rooms == {"room-1"}


def test_what_is_not_announced_is_not_recorded() -> None:
    announced = attributes(made().greeting("room-1", menu_timeout_s=5), "Dial/Conference")
    assert announced["record"] == "record-from-start"
    silent = attributes(made(recorded=False).greeting("room-1", menu_timeout_s=5), "Dial/Conference")
    assert not {name for name in silent if name.startswith("record")}


@pytest.mark.parametrize(("timeout_s", "seconds"), [(5, "5"), (4.2, "5"), (0.1, "1"), (0, "1")])
def test_the_menu_waits_whole_seconds(timeout_s: float, seconds: str) -> None:
    menu = attributes(made().greeting("room-1", menu_timeout_s=timeout_s), "Gather")
    assert (menu["timeout"], menu["numDigits"]) == (seconds, "1")


def test_an_alert_is_said_twice_and_takes_one_key() -> None:
    gathers = etree.fromstring(made().alert("delivery-1", "Darurat.").encode()).findall("Gather")
    assert len(gathers) == 2
    assert {gather.get("action") for gather in gathers} == {f"{BASE}/deliveries/delivery-1/key"}


def test_the_fallback_rings_the_given_phones_and_then_the_other_way() -> None:
    document = made().fallback(["+6282", "+6281", "+6283"])
    dials = etree.fromstring(document.encode()).findall("Dial")
    assert [[number.text for number in dial] for dial in dials] == [["+6282", "+6281", "+6283"], [HANDOFF]]


def test_the_fallback_needs_nothing_of_ours_but_the_numbers() -> None:
    assert "https" not in made().fallback(["+6281"])


def test_an_empty_answer_says_nothing() -> None:
    assert text_reply(None) == text_reply("") == '<?xml version="1.0" encoding="UTF-8"?><Response />'


WORDS = [
    "Jl. Cenderawasih 7, rumah <biru> & hijau",
    "0-any-room-0 0-any-delivery-0 0-any-words-0",
    "&amp; &#9; ]]>",
    "é 🚑 'satu' \"dua\"",
]
"""Of a place that somebody typed, and of what stands in the documents for what is filled in."""


@pytest.mark.parametrize("words", WORDS)
def test_what_somebody_typed_is_said_as_it_is_whatever_was_said_before(words: str) -> None:
    documents = made()
    for spoken in ("Halo.", words):
        said = {
            etree.fromstring(document.encode()).findtext(path)
            for path, document in (
                ("Say", documents.goodbye(spoken)),
                ("Gather/Say", documents.alert("delivery", spoken)),
                ("Gather/Say", documents.accepted("delivery", "room-1", spoken, join=True, ends_room=True)),
                ("Say", documents.join("room-1", spoken, join=False, ends_room=False)),
                ("Message", text_reply(spoken)),
            )
        }
        assert said == {spoken}


def test_each_delivery_has_its_own_addresses() -> None:
    documents = made()
    for delivery in ("one", "other"):
        key = attributes(documents.alert(delivery, "Halo."), "Gather[1]")["action"]
        accepted = documents.accepted(delivery, f"room-{delivery}", "Halo.", join=True, ends_room=True)
        assert key == f"{BASE}/deliveries/{delivery}/key"
        assert attributes(accepted, "Gather")["action"] == f"{BASE}/deliveries/{delivery}/minutes"
        room = attributes(accepted, "Dial/Conference")
        assert room["waitUrl"] == f"{BASE}/rooms/room-{delivery}/hold"
        assert room["statusCallback"] == f"{BASE}/rooms/room-{delivery}/events"


def test_a_character_that_no_document_may_have_is_a_space() -> None:
    said = etree.fromstring(made().goodbye("a\x07b\nc").encode()).findtext("Say")
    assert said == "a b c"
