"""Every TwiML document is one that Twilio takes and that leaves nobody alone on the line (TESTBED 2.5)."""

import inspect
import re
from pathlib import Path

import pytest
from lxml import etree

from telephony.documents import Documents
from tests.contract.all_documents import PUBLIC_URL, spoken, texted

LIMIT = 64 * 1024
SAY_LIMIT = 4096
NOUNS_AT_ONCE = 10

ALLOWED = {
    "Response": {"Say", "Play", "Pause", "Gather", "Dial", "Redirect", "Hangup", "Record"},
    "Gather": {"Say", "Play", "Pause"},
    "Dial": {"Number", "Conference"},
    "Say": set(),
    "Pause": set(),
    "Redirect": set(),
    "Hangup": set(),
    "Number": set(),
    "Conference": set(),
}
ATTRIBUTES = {
    "Response": set(),
    "Say": {"voice", "language"},
    "Pause": {"length"},
    "Gather": {"input", "numDigits", "timeout", "action", "method", "finishOnKey"},
    "Dial": {"action", "method", "timeout", "answerOnBridge"},
    "Redirect": {"method"},
    "Hangup": set(),
    "Number": set(),
    "Conference": {
        "startConferenceOnEnter",
        "endConferenceOnExit",
        "beep",
        "waitUrl",
        "waitMethod",
        "statusCallback",
        "statusCallbackEvent",
        "statusCallbackMethod",
        "record",
        "recordingStatusCallback",
        "recordingStatusCallbackEvent",
    },
}
VOICES = re.compile(r"Google\.id-ID-(Standard-[A-D]|Wavenet-[A-D]|Chirp3-HD-[A-Z][a-z]+)")
ADDRESSES = ("action", "waitUrl", "statusCallback", "recordingStatusCallback", "url")
WHOLE_SECONDS = ("timeout", "length", "numDigits")
ROOM_EVENTS = {"start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"}
LAST_VERBS = {"Dial", "Hangup", "Redirect"}

SPOKEN = spoken()


def parsed(document: str) -> etree._Element:
    return etree.fromstring(document.encode(), etree.XMLParser(resolve_entities=False))


@pytest.fixture(params=range(len(SPOKEN)), ids=[name for name, _ in SPOKEN])
def document(request: pytest.FixtureRequest) -> str:
    made: str = SPOKEN[request.param][1]
    return made


def test_every_document_is_in_the_list() -> None:
    public = {name for name, _ in inspect.getmembers(Documents, inspect.isfunction) if name[0] != "_"}
    assert {name.partition(",")[0] for name, _ in SPOKEN} >= public


def test_it_is_xml_from_its_first_byte_and_within_the_limit(document: str) -> None:
    assert document.startswith('<?xml version="1.0" encoding="UTF-8"?><Response>')
    assert len(document.encode()) <= LIMIT
    assert parsed(document).tag == "Response"


def test_only_what_twilio_knows_and_where_it_may_stand(document: str) -> None:
    for element in parsed(document).iter():
        assert {child.tag for child in element} <= ALLOWED[element.tag]
        assert set(element.attrib) <= ATTRIBUTES[element.tag]


def test_every_sentence_is_said_in_indonesian_by_a_named_voice(document: str) -> None:
    for say in parsed(document).iter("Say"):
        assert say.get("language") == "id-ID"
        assert VOICES.fullmatch(say.get("voice", ""))
        assert say.text
        assert say.text.strip()
        assert len(say.text) <= SAY_LIMIT


def test_every_address_is_absolute_and_ours(document: str) -> None:
    for element in parsed(document).iter():
        for name in ADDRESSES:
            value = element.get(name)
            assert value is None or value.startswith(f"{PUBLIC_URL}/telephony/")
        if element.tag == "Redirect":
            assert str(element.text).startswith(f"{PUBLIC_URL}/telephony/")


def test_values_are_within_what_is_documented(document: str) -> None:
    for element in parsed(document).iter():
        for name in WHOLE_SECONDS:
            assert element.get(name) is None or int(element.get(name, "")) >= 1
        for name in ("method", "waitMethod", "statusCallbackMethod"):
            assert element.get(name) in (None, "POST")
        assert set((element.get("statusCallbackEvent") or "").split()) <= ROOM_EVENTS
        assert element.get("beep") in (None, "false")
        assert element.get("record") in (None, "record-from-start")


def test_a_gather_has_an_address_of_its_own_and_goes_on_by_itself(document: str) -> None:
    """Without an action it would ask its own document again, for ever."""
    verbs = list(parsed(document))
    for place, verb in enumerate(verbs):
        if verb.tag == "Gather":
            assert verb.get("action")
            assert verb.get("input") == "dtmf"
            assert place + 1 < len(verbs), "a key that is not pressed leads nowhere"


def test_at_most_ten_phones_ring_at_once(document: str) -> None:
    for dial in parsed(document).iter("Dial"):
        assert 1 <= len(dial) <= NOUNS_AT_ONCE
        numbers = [str(number.text) for number in dial.iter("Number")]
        assert len(set(numbers)) == len(numbers)
        assert all(re.fullmatch(r"\+[1-9]\d{6,14}", number) for number in numbers)


def test_it_ends_with_a_person_or_a_farewell(document: str) -> None:
    verbs = list(parsed(document))
    assert verbs[-1].tag in LAST_VERBS
    if verbs[-1].tag == "Hangup":
        assert verbs[-2].tag in ("Say", "Gather"), "nobody is hung up on without a word"


def test_no_verb_stands_where_it_never_runs(document: str) -> None:
    """With an action, what follows a Dial is never reached."""
    verbs = list(parsed(document))
    for place, verb in enumerate(verbs):
        if verb.tag in ("Hangup", "Redirect") or (verb.tag == "Dial" and verb.get("action")):
            assert place == len(verbs) - 1


@pytest.mark.parametrize(("name", "document"), texted())
def test_answers_to_texts_are_valid(name: str, document: str) -> None:
    root = parsed(document)
    assert root.tag == "Response"
    assert [child.tag for child in root] == (["Message"] if name == "words" else [])
    assert all(not message.attrib and not len(message) for message in root)


def test_what_is_spoken_of_a_place_is_what_was_written_without_its_hidden_signs() -> None:
    texts = [
        str(say.text) for name, made in SPOKEN if name.startswith("alert") for say in parsed(made).iter("Say")
    ]
    assert any("<Dial>+62900</Dial> & 'kutip'" in text for text in texts)
    assert any("SP2" in text for text in texts)


def test_the_documents_are_written_only_where_these_tests_look() -> None:
    """A document that another module builds would escape the list."""
    root = Path(inspect.getfile(Documents)).parent
    elsewhere = [
        path.name
        for path in root.rglob("*.py")
        if "simulator" not in path.parts and "twilio.twiml" in path.read_text(encoding="utf-8")
    ]
    assert elsewhere == ["documents.py"]
