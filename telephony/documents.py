"""The TwiML documents, built with the provider's own library.

Each function is one moment of a call. Action addresses are absolute, the voice is always named, and every
document leaves the caller with a person or with the next way to one.
"""

import math
from collections.abc import Callable, Sequence

from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Conference, Dial, Gather, VoiceResponse

from telephony.addresses import PublicAddresses
from telephony.prompts import LANGUAGE, VOICE, Prompts

WAIT_PAUSE_S = 15
"""Between two waiting messages of about three seconds: one every 15 to 20 s."""

KEY_TIMEOUT_S = 8
MINUTES_TIMEOUT_S = 3
FALLBACK_RING_S = 40

_ANY_ROOM = "0-any-room-0"
"""Stands for the incident in the documents that are made once and filled in for each call."""

_NOTHING = str(MessagingResponse())


class Documents:
    """Renders what a phone hears next."""

    def __init__(self, addresses: PublicAddresses, prompts: Prompts, handoff: str) -> None:
        """Use the facility's *prompts*, and *handoff* as the other way to somebody."""
        self._addresses = addresses
        self._prompts = prompts
        self._handoff = handoff
        self._made: dict[tuple[object, ...], str] = {}

    def _for_room(self, incident_id: str, *what: object, make: Callable[[], str]) -> str:
        """The document for this incident's room; all that differs from the next one is the incident."""
        if what not in self._made:
            self._made[what] = make()
        return self._made[what].replace(_ANY_ROOM, incident_id)

    # --- the caller ---

    def greeting(self, incident_id: str, *, menu_timeout_s: float, called_back: bool = False) -> str:
        """Greeting, menu, and then the room, whether or not a key is pressed."""
        return self._for_room(
            incident_id,
            "greeting",
            menu_timeout_s,
            called_back,
            make=lambda: self._greeting(menu_timeout_s, called_back=called_back),
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
        return self._for_room(incident_id, "waiting_room", words, make=lambda: self._waiting_room(words))

    def _waiting_room(self, words: str) -> str:
        response = VoiceResponse()
        _say(response, words)
        self._enter_as_caller(response, _ANY_ROOM)
        return str(response)

    def wait(self, incident_id: str, *, accepted: bool) -> str:
        """The message of the waiting room; it asks for itself again, because rooms do not loop."""
        return self._for_room(incident_id, "wait", accepted, make=lambda: self._wait(accepted=accepted))

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
        response = VoiceResponse()
        _say(response, words)
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
        return self.asked(
            words, action=self._addresses.key(delivery_id), last_words=self._prompts.no_answer()
        )

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
        response = VoiceResponse()
        gather = Gather(
            input="dtmf",
            timeout=MINUTES_TIMEOUT_S,
            finish_on_key="#",
            num_digits=3,
            action=self._addresses.minutes(delivery_id),
            method="POST",
        )
        _say(gather, words)
        response.append(gather)
        self._enter_as_worker(response, incident_id, join=join, ends_room=ends_room)
        return str(response)

    def join(self, incident_id: str, words: str, *, join: bool, ends_room: bool) -> str:
        """Into the room, after *words*."""
        response = VoiceResponse()
        _say(response, words)
        self._enter_as_worker(response, incident_id, join=join, ends_room=ends_room)
        return str(response)

    def _enter_as_worker(
        self, response: VoiceResponse, incident_id: str, *, join: bool, ends_room: bool
    ) -> None:
        if not join:
            response.hangup()
            return
        dial = Dial()
        dial.append(
            Conference(
                incident_id,
                start_conference_on_enter=True,
                end_conference_on_exit=ends_room,
                beep="false",
                wait_url=self._addresses.hold(incident_id),
                wait_method="POST",
                status_callback=self._addresses.room_events(incident_id),
                status_callback_event="join leave",
                status_callback_method="POST",
            )
        )
        response.append(dial)


def text_reply(words: str | None) -> str:
    """The answer to an incoming text; an empty document when there is nothing to say."""
    if not words:
        return _NOTHING
    response = MessagingResponse()
    response.message(words)
    return str(response)


def _say(verb: VoiceResponse | Gather, words: str) -> None:
    # A character that XML does not know, out of somebody's free text, would cost the whole document.
    if not words.isprintable():
        words = "".join(character if character.isprintable() else " " for character in words)
    verb.say(words, voice=VOICE, language=LANGUAGE)
