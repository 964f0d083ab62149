"""The TwiML documents, built with the provider's own library.

Each function is one moment of a call. Action addresses are absolute, the voice is always named, and every
document leaves the caller with a person or with the next way to one.
"""

import math
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Conference, Dial, Gather, VoiceResponse

from telephony.addresses import PublicAddresses
from telephony.prompts import LANGUAGE, VOICE, Prompts

WAIT_PAUSE_S = 15
"""Between two waiting messages of about three seconds: one every 15 to 20 s."""

KEY_TIMEOUT_S = 8
MINUTES_TIMEOUT_S = 3
FALLBACK_RING_S = 40

_ANY_ROOM, _ANY_DELIVERY, _ANY_WORDS = "0-any-room-0", "0-any-delivery-0", "0-any-words-0"
"""Stand for what differs in the documents that are made once and filled in for each call."""

_NOTHING = str(MessagingResponse())


class Documents:
    """Renders what a phone hears next."""

    def __init__(self, addresses: PublicAddresses, prompts: Prompts, handoff: str) -> None:
        """Use the facility's *prompts*, and *handoff* as the other way to somebody."""
        self._addresses = addresses
        self._prompts = prompts
        self._handoff = handoff
        self._made: dict[tuple[object, ...], str] = {}

    def _filled(
        self,
        *what: object,
        make: Callable[[], str],
        room: str = _ANY_ROOM,
        delivery: str = _ANY_DELIVERY,
        words: str = _ANY_WORDS,
    ) -> str:
        """The document that is known as *what*, for this room and this delivery, and with these words."""
        if what not in self._made:
            self._made[what] = make()
        made = self._made[what].replace(_ANY_ROOM, room).replace(_ANY_DELIVERY, delivery)
        # Last, so that nothing is taken for a mark in what somebody said.
        return made.replace(_ANY_WORDS, escape(_speakable(words)))

    # --- the caller ---

    def greeting(self, incident_id: str, *, menu_timeout_s: float, called_back: bool = False) -> str:
        """Greeting, menu, and then the room, whether or not a key is pressed."""
        return self._filled(
            "greeting",
            menu_timeout_s,
            called_back,
            make=lambda: self._greeting(menu_timeout_s, called_back=called_back),
            room=incident_id,
        )

    def _greeting(self, menu_timeout_s: float, *, called_back: bool) -> str:
        response = VoiceResponse()
        gather = Gather(
            input="dtmf",
            num_digits=1,
            timeout=max(1, math.ceil(menu_timeout_s)),
            action=self._addresses.menu(),
            method="POST",
        )
        if called_back:
            _say(gather, self._prompts.call_back())
        _say(gather, self._prompts.greeting())
        _say(gather, self._prompts.menu())
        response.append(gather)
        self._enter_as_caller(response, _ANY_ROOM)
        return str(response)

    def waiting_room(self, incident_id: str, digit: str | None) -> str:
        """After the menu: what was understood, then the room."""
        words = self._prompts.understood(digit)
        return self._filled("waiting_room", make=self._waiting_room, room=incident_id, words=words)

    def _waiting_room(self) -> str:
        response = VoiceResponse()
        _say(response, _ANY_WORDS)
        self._enter_as_caller(response, _ANY_ROOM)
        return str(response)

    def wait(self, incident_id: str, *, accepted: bool) -> str:
        """The message of the waiting room; it asks for itself again, because rooms do not loop."""
        return self._filled("wait", accepted, make=lambda: self._wait(accepted=accepted), room=incident_id)

    def _wait(self, *, accepted: bool) -> str:
        response = VoiceResponse()
        _say(response, self._prompts.waiting(accepted=accepted))
        response.pause(length=WAIT_PAUSE_S)
        response.redirect(self._addresses.wait(_ANY_ROOM), method="POST")
        return str(response)

    def hold(self, incident_id: str) -> str:
        """The same for a worker who is in the room before the caller."""
        response = VoiceResponse()
        _say(response, self._prompts.hold())
        response.pause(length=WAIT_PAUSE_S)
        response.redirect(self._addresses.hold(incident_id), method="POST")
        return str(response)

    def goodbye(self, words: str) -> str:
        """Last words and hang up."""
        return self._filled("goodbye", make=self._goodbye, words=words)

    def _goodbye(self) -> str:
        response = VoiceResponse()
        _say(response, _ANY_WORDS)
        response.hangup()
        return str(response)

    def fallback(self, numbers: Sequence[str]) -> str:
        """Rings *numbers* directly and at once, then PSC 119; needs nothing of ours but these."""
        response = VoiceResponse()
        _say(response, self._prompts.fallback())
        if numbers:
            dial = Dial(timeout=FALLBACK_RING_S, answer_on_bridge=True)
            for number in numbers:
                dial.number(number)
            response.append(dial)
        _say(response, self._prompts.other_way())
        handoff = Dial(timeout=FALLBACK_RING_S)
        handoff.number(self._handoff)
        response.append(handoff)
        return str(response)

    def _enter_as_caller(self, response: VoiceResponse, incident_id: str) -> None:
        # The caller's room decides about callbacks and recording: the first participant sets them.
        dial = Dial(action=self._addresses.after_room(), method="POST")
        dial.append(
            Conference(
                incident_id,
                start_conference_on_enter=False,
                end_conference_on_exit=False,
                beep="false",
                wait_url=self._addresses.wait(incident_id),
                wait_method="POST",
                status_callback=self._addresses.room_events(incident_id),
                status_callback_event="join leave",
                status_callback_method="POST",
                **self._recording(incident_id),
            )
        )
        response.append(dial)

    def _recording(self, incident_id: str) -> dict[str, str]:
        if not self._prompts.announce_recording:
            return {}
        return {
            "record": "record-from-start",
            "recording_status_callback": self._addresses.recording(incident_id),
            "recording_status_callback_event": "completed",
        }

    # --- the worker ---

    def alert(self, delivery_id: str, words: str) -> str:
        """What the emergency is, twice, and a key for the answer."""
        return self._filled("alert", make=self._alert, delivery=delivery_id, words=words)

    def _alert(self) -> str:
        action = self._addresses.key(_ANY_DELIVERY)
        return self.asked(_ANY_WORDS, action=action, last_words=self._prompts.no_answer())

    def asked(self, words: str, *, action: str, last_words: str) -> str:
        """A question for one key, which goes to *action*; said twice, then *last_words* and hang up."""
        response = VoiceResponse()
        for _ in range(2):
            gather = Gather(input="dtmf", num_digits=1, timeout=KEY_TIMEOUT_S, action=action, method="POST")
            _say(gather, words)
            response.append(gather)
        _say(response, last_words)
        response.hangup()
        return str(response)

    def accepted(self, delivery_id: str, incident_id: str, words: str, *, join: bool, ends_room: bool) -> str:
        """The acceptance stands already; minutes may follow, then the caller."""
        return self._filled(
            "accepted",
            join,
            ends_room,
            make=lambda: self._accepted(join=join, ends_room=ends_room),
            room=incident_id,
            delivery=delivery_id,
            words=words,
        )

    def _accepted(self, *, join: bool, ends_room: bool) -> str:
        response = VoiceResponse()
        gather = Gather(
            input="dtmf",
            timeout=MINUTES_TIMEOUT_S,
            finish_on_key="#",
            num_digits=3,
            action=self._addresses.minutes(_ANY_DELIVERY),
            method="POST",
        )
        _say(gather, _ANY_WORDS)
        response.append(gather)
        self._enter_as_worker(response, join=join, ends_room=ends_room)
        return str(response)

    def join(self, incident_id: str, words: str, *, join: bool, ends_room: bool) -> str:
        """Into the room, after *words*."""
        return self._filled(
            "join",
            join,
            ends_room,
            make=lambda: self._join(join=join, ends_room=ends_room),
            room=incident_id,
            words=words,
        )

    def _join(self, *, join: bool, ends_room: bool) -> str:
        response = VoiceResponse()
        _say(response, _ANY_WORDS)
        self._enter_as_worker(response, join=join, ends_room=ends_room)
        return str(response)

    def _enter_as_worker(self, response: VoiceResponse, *, join: bool, ends_room: bool) -> None:
        if not join:
            response.hangup()
            return
        dial = Dial()
        dial.append(
            Conference(
                _ANY_ROOM,
                start_conference_on_enter=True,
                end_conference_on_exit=ends_room,
                beep="false",
                wait_url=self._addresses.hold(_ANY_ROOM),
                wait_method="POST",
                status_callback=self._addresses.room_events(_ANY_ROOM),
                status_callback_event="join leave",
                status_callback_method="POST",
            )
        )
        response.append(dial)


def text_reply(words: str | None) -> str:
    """The answer to an incoming text; an empty document when there is nothing to say."""
    return _REPLY.replace(_ANY_WORDS, escape(words)) if words else _NOTHING


def _reply() -> str:
    response = MessagingResponse()
    response.message(_ANY_WORDS)
    return str(response)


_REPLY = _reply()


def _say(verb: VoiceResponse | Gather, words: str) -> None:
    verb.say(_speakable(words), voice=VOICE, language=LANGUAGE)


def _speakable(words: str) -> str:
    """A character that XML does not know, out of somebody's free text, would cost the whole document."""
    if words.isprintable():
        return words
    return "".join(character if character.isprintable() else " " for character in words)
