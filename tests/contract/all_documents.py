"""Every document that the program can say to a phone, with plain and with hostile words in it."""

from collections.abc import Iterator

from dispatch.domain.questionnaire import Element
from telephony.addresses import PublicAddresses
from telephony.context import rung_at_once
from telephony.documents import Documents, text_reply
from telephony.fallback import render
from telephony.prompts import Prompts
from telephony.survey_flow import consent_words, question_words

PUBLIC_URL = "https://911.puskesmas.example"
HANDOFF = "+628114982800"
PHONES = tuple(f"+62811000{number:04d}" for number in range(15))

PLACES = (
    None,
    "Jalur 2, dekat gereja",
    "<Dial>+62900</Dial> & 'kutip' \"ganda\" ]]>",
    "\x00\x01\x0b\x0c\x1b\x7f\ufffe\ud800 SP2",
    "🚑 ﷽ é\u202e",
    "dekat " + "pasar sentral " * 2000,
)


def prompts(*, recorded: bool = True) -> Prompts:
    return Prompts(
        service_name="911 Puskesmas <Kwamki> & Co",
        handoff_phone=HANDOFF,
        announce_recording=recorded,
    )


def documents(*, recorded: bool = True) -> Documents:
    return Documents(
        PublicAddresses(PUBLIC_URL),
        prompts(recorded=recorded),
        HANDOFF,
    )


def to_callers() -> Iterator[tuple[str, str]]:
    words = prompts()
    for recorded in (True, False):
        made = documents(recorded=recorded)
        yield f"greeting, {recorded=}", made.greeting("room", menu_timeout_s=5)
        yield f"waiting_room, {recorded=}", made.waiting_room("room", "1")
    made = documents()
    yield "greeting, called back", made.greeting("room", menu_timeout_s=0.2, called_back=True)
    for digit in (None, "1", "2", "3", "4", "9", "7", "#", ""):
        yield f"waiting_room, {digit=}", made.waiting_room("room", digit)
    for accepted in (True, False):
        yield f"wait, {accepted=}", made.wait("room", accepted=accepted)
    yield "hold", made.hold("room")
    for text in (words.closed(), words.wrong_number(), words.on_the_way()):
        yield "goodbye", made.goodbye(text)
    for count in (0, 1, 15):
        yield f"fallback, {count} phones", made.fallback(rung_at_once(PHONES[:count]))
    yield (
        "the static fallback",
        render(on_duty=PHONES[5:], facility_phones=PHONES[:2], handoff=HANDOFF, prompts=words),
    )


def to_workers() -> Iterator[tuple[str, str]]:
    made, words = documents(), prompts()
    for place in PLACES:
        text = words.alert(short_number=123, priority="red", category="trauma", place=place)
        yield f"alert, {str(place)[:8]!r}", made.alert("delivery", text)
    for join in (True, False):
        for ends in (True, False):
            text = words.accepted(primary=ends, caller_waits=join)
            yield "accepted", made.accepted("delivery", "room", text, join=join, ends_room=ends)
            yield "join", made.join("room", words.connecting(), join=join, ends_room=ends)
    goodbyes = (
        words.already_taken(),
        words.declined(),
        words.done(),
        words.refused(),
        words.caller_gone(),
        words.no_answer(),
    )
    for text in goodbyes:
        yield "goodbye", made.goodbye(text)


def to_those_asked() -> Iterator[tuple[str, str]]:
    made = documents()
    for words in (consent_words(prompts().service_name), *map(question_words, Element)):
        action = PublicAddresses(PUBLIC_URL).survey_key("delivery", "consent", 1)
        yield f"asked, {words[:20]!r}", made.asked(words, action=action, last_words="Terima kasih.")


def spoken() -> list[tuple[str, str]]:
    """All voice documents with their names."""
    return [*to_callers(), *to_workers(), *to_those_asked()]


def texted() -> list[tuple[str, str]]:
    """All answers to texts."""
    return [
        ("nothing", text_reply(None)),
        ("empty", text_reply("")),
        ("words", text_reply("Anda MENERIMA panggilan 123 & <berangkat>.")),
    ]
