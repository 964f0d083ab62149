"""Reads TwiML documents strictly where Twilio refuses them, and leniently, with a warning, where it goes on.

Refused: no well-formed XML (also a blank before the declaration), a document type, more than 64 kB, another
root than ``Response`` (Twilio 12100, 11750). Ignored with a warning: unknown verbs, nouns and attributes,
values of the wrong kind, verbs that stand where they may not (12200).
"""

from collections.abc import Callable
from xml.etree import ElementTree as ET

from telephony.simulator.calls import STATUS_EVENTS
from telephony.simulator.twiml import (
    Conference,
    Dial,
    Document,
    Gather,
    Hangup,
    Message,
    Number,
    Pause,
    Play,
    Prompt,
    Record,
    Redirect,
    Reject,
    Say,
    TwimlError,
    Verb,
)

SIZE_MAX_BYTES = 64 * 1024
_NOUNS_MAX = 10
_SAID_MAX = 4096
_ENDLESS = 1000
_CONFERENCE_EVENTS = frozenset(
    {"start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"}
)


class _NoDoctype(ET.TreeBuilder):
    """Refuses document types before any entity in them is read."""

    def doctype(self, _name: str, _pubid: str | None, _system: str | None) -> None:
        raise TwimlError(12100, "a document type is not allowed")


class _Attributes:
    """The attributes of one element, read once each; whoever is left over at the end is unknown."""

    def __init__(self, element: ET.Element, warnings: list[str]) -> None:
        self._tag = element.tag
        self._left = dict(element.attrib)
        self._warnings = warnings

    def text(self, name: str, default: str = "") -> str:
        return self._left.pop(name, default).strip()

    def optional(self, name: str) -> str | None:
        value = self._left.pop(name, None)
        return None if value is None else value.strip()

    def choice(self, name: str, allowed: frozenset[str], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            self._warn(name, value, f"one of {', '.join(sorted(allowed))}")
            return default
        return value

    def method(self, name: str = "method") -> str:
        return self.choice(name, frozenset({"GET", "POST"}), "POST")

    def flag(self, name: str, *, default: bool) -> bool:
        return self.choice(name, frozenset({"true", "false"}), "true" if default else "false") == "true"

    def seconds(self, name: str, default: float, *, least: float = 0.0) -> float:
        value = self.text(name, str(default))
        if not value.replace(".", "", 1).isdigit() or float(value) < least:
            self._warn(name, value, f"a number of at least {least:g}")
            return default
        return float(value)

    def count(self, name: str) -> int | None:
        value = self.text(name)
        if not value:
            return None
        if not value.isdigit():
            self._warn(name, value, "a whole number")
            return None
        return int(value)

    def times(self, name: str = "loop") -> int:
        count = self.count(name)
        return 1 if count is None else min(count or _ENDLESS, _ENDLESS)

    def events(self, name: str, allowed: frozenset[str], default: frozenset[str]) -> frozenset[str]:
        value = self.optional(name)
        if value is None:
            return default
        chosen = frozenset(value.split())
        if unknown := sorted(chosen - allowed):
            self._warn(name, " ".join(unknown), f"some of {' '.join(sorted(allowed))}")
        return chosen & allowed

    def ignore(self, *names: str) -> None:
        """Attributes that are valid but change nothing in this network."""
        for name in names:
            self._left.pop(name, None)

    def close(self) -> None:
        for name in self._left:
            self._warnings.append(f"<{self._tag}> has no attribute {name!r}")

    def _warn(self, name: str, value: str, wanted: str) -> None:
        self._warnings.append(f"<{self._tag} {name}={value!r}> is not {wanted}")


_Reader = Callable[[ET.Element, "_Attributes", list[str]], Verb]


def read_document(body: bytes) -> Document:
    """Read a TwiML document of a call or of a text message; raises ``TwimlError`` where Twilio gives up."""
    if len(body) > SIZE_MAX_BYTES:
        raise TwimlError(11750, f"the document has {len(body)} bytes, more than {SIZE_MAX_BYTES}")
    try:
        parser = ET.XMLParser(target=_NoDoctype())  # noqa: S314 - document types are refused above, so no entities
        parser.feed(body)
        root = parser.close()
    except ET.ParseError as fault:
        raise TwimlError(12100, f"the document is not well-formed XML: {fault}") from None
    if root.tag != "Response":
        raise TwimlError(12100, f"the root is <{root.tag}>, not <Response>")
    warnings: list[str] = []
    verbs = tuple(
        verb
        for element in root
        if (verb := _read_known(element, _VERBS, warnings, parent="Response")) is not None
    )
    return Document(verbs=verbs, warnings=tuple(warnings))


def _read_known(
    element: ET.Element, readers: dict[str, _Reader], warnings: list[str], *, parent: str
) -> Verb | None:
    reader = readers.get(element.tag)
    if reader is None:
        warnings.append(f"<{element.tag}> is not known inside <{parent}>, or not simulated")
        return None
    attributes = _Attributes(element, warnings)
    verb = reader(element, attributes, warnings)
    attributes.close()
    return verb


def _words(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _say(element: ET.Element, attributes: _Attributes, warnings: list[str]) -> Say:
    text = _words(element)
    if len(text) > _SAID_MAX:
        raise TwimlError(13510, f"<Say> has {len(text)} characters, more than {_SAID_MAX}")
    if not text:
        warnings.append("<Say> says nothing")
    attributes.ignore("voice")
    return Say(text=text, language=attributes.text("language", "en-US"), loop=attributes.times())


def _play(element: ET.Element, attributes: _Attributes, warnings: list[str]) -> Play:
    url = (element.text or "").strip()
    if not url and not attributes.text("digits"):
        warnings.append("<Play> names no file")
    attributes.ignore("digits")
    return Play(url=url, loop=attributes.times())


def _pause(_element: ET.Element, attributes: _Attributes, _warnings: list[str]) -> Pause:
    return Pause(length_s=attributes.seconds("length", 1.0))


def _gather(element: ET.Element, attributes: _Attributes, warnings: list[str]) -> Gather:
    prompts: list[Prompt] = []
    for child in element:
        prompt = _read_known(child, _PROMPTS, warnings, parent="Gather")
        if isinstance(prompt, Say | Play | Pause):
            prompts.append(prompt)
    kinds = attributes.events("input", frozenset({"dtmf", "speech"}), frozenset({"dtmf"}))
    attributes.ignore(
        "language", "speechTimeout", "maxSpeechTime", "speechModel", "profanityFilter", "hints", "enhanced",
        "bargeIn", "debug", "partialResultCallback", "partialResultCallbackMethod",
    )  # fmt: skip
    return Gather(
        prompts=tuple(prompts),
        action=attributes.text("action"),
        method=attributes.method(),
        timeout_s=attributes.seconds("timeout", 5.0),
        digits_max=attributes.count("numDigits"),
        finish_on=attributes.text("finishOnKey", "#"),
        takes_keys="dtmf" in kinds,
        action_on_empty_result=attributes.flag("actionOnEmptyResult", default=False),
    )


def _redirect(element: ET.Element, attributes: _Attributes, _warnings: list[str]) -> Redirect:
    return Redirect(url=(element.text or "").strip(), method=attributes.method())


def _hangup(_element: ET.Element, _attributes: _Attributes, _warnings: list[str]) -> Hangup:
    return Hangup()


def _reject(_element: ET.Element, attributes: _Attributes, _warnings: list[str]) -> Reject:
    reason = attributes.choice("reason", frozenset({"rejected", "busy"}), "rejected")
    return Reject(is_busy=reason == "busy")


def _record(_element: ET.Element, attributes: _Attributes, _warnings: list[str]) -> Record:
    attributes.ignore(
        "trim", "transcribe", "transcribeCallback", "recordingStatusCallbackEvent", "recordingTrack"
    )
    return Record(
        action=attributes.text("action"),
        method=attributes.method(),
        timeout_s=attributes.seconds("timeout", 5.0),
        length_max_s=attributes.seconds("maxLength", 3600.0, least=1.0),
        finish_on=attributes.text("finishOnKey", "1234567890*#"),
        beeps=attributes.flag("playBeep", default=True),
        status_url=attributes.text("recordingStatusCallback"),
        status_method=attributes.method("recordingStatusCallbackMethod"),
    )


def _dial(element: ET.Element, attributes: _Attributes, warnings: list[str]) -> Dial:
    numbers: list[Number] = []
    conference: Conference | None = None
    for child in element:
        noun = _Attributes(child, warnings)
        if child.tag == "Number":
            numbers.append(_number(child, noun))
        elif child.tag == "Conference":
            conference = _conference(child, noun)
        else:
            warnings.append(f"<{child.tag}> is not known inside <Dial>, or not simulated")
            continue
        noun.close()
    if len(numbers) > _NOUNS_MAX:
        raise TwimlError(13224, f"<Dial> has {len(numbers)} numbers, more than {_NOUNS_MAX}")
    plain = (element.text or "").strip()
    if plain and not numbers and conference is None:
        numbers.append(Number(number=plain))
    attributes.ignore(
        "timeLimit", "record", "trim", "recordingStatusCallback", "recordingStatusCallbackMethod",
        "recordingStatusCallbackEvent", "recordingTrack", "ringTone", "sequential", "referUrl", "referMethod",
        "events", "hangupOnStar",
    )  # fmt: skip
    return Dial(
        numbers=tuple(numbers),
        conference=conference,
        action=attributes.text("action"),
        method=attributes.method(),
        timeout_s=attributes.seconds("timeout", 30.0),
        caller_id=attributes.text("callerId"),
        answers_on_bridge=attributes.flag("answerOnBridge", default=False),
    )


def _number(element: ET.Element, attributes: _Attributes) -> Number:
    attributes.ignore(
        "sendDigits", "byoc",
        "machineDetection", "machineDetectionTimeout", "machineDetectionSpeechThreshold",
        "machineDetectionSpeechEndThreshold", "machineDetectionSilenceTimeout", "amdStatusCallback",
        "amdStatusCallbackMethod",
    )  # fmt: skip
    return Number(
        number=(element.text or "").strip(),
        url=attributes.text("url"),
        method=attributes.method(),
        status_url=attributes.text("statusCallback"),
        status_method=attributes.method("statusCallbackMethod"),
        status_events=attributes.events("statusCallbackEvent", STATUS_EVENTS, frozenset({"completed"})),
    )


def _conference(element: ET.Element, attributes: _Attributes) -> Conference:
    attributes.ignore(
        "maxParticipants", "record", "region", "trim", "coach", "recordingStatusCallback", "jitterBufferSize",
        "recordingStatusCallbackMethod", "recordingStatusCallbackEvent", "eventCallbackUrl",
    )  # fmt: skip
    beep = attributes.choice("beep", frozenset({"true", "false", "onEnter", "onExit"}), "true")
    return Conference(
        name=(element.text or "").strip(),
        start_on_enter=attributes.flag("startConferenceOnEnter", default=True),
        end_on_exit=attributes.flag("endConferenceOnExit", default=False),
        beeps=beep in {"true", "onEnter"},
        is_muted=attributes.flag("muted", default=False),
        wait_url=attributes.optional("waitUrl"),
        wait_method=attributes.method("waitMethod"),
        label=attributes.text("participantLabel"),
        status_url=attributes.text("statusCallback"),
        status_method=attributes.method("statusCallbackMethod"),
        status_events=attributes.events("statusCallbackEvent", _CONFERENCE_EVENTS, frozenset()),
    )


def _message(element: ET.Element, attributes: _Attributes, _warnings: list[str]) -> Message:
    body = element.find("Body")
    attributes.ignore("method")
    return Message(
        body=("".join(element.itertext()) if body is None else "".join(body.itertext())).strip(),
        to=attributes.text("to"),
        from_number=attributes.text("from"),
        status_url=attributes.text("statusCallback") or attributes.text("action"),
    )


_PROMPTS: dict[str, _Reader] = {"Say": _say, "Play": _play, "Pause": _pause}
_VERBS: dict[str, _Reader] = {
    **_PROMPTS,
    "Gather": _gather,
    "Redirect": _redirect,
    "Hangup": _hangup,
    "Reject": _reject,
    "Record": _record,
    "Dial": _dial,
    "Message": _message,
    "Sms": _message,
}
