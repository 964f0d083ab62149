"""TwiML as values: the verbs that this network understands, with their defaults (TESTBED 2.5).

Decides what a verb and its attributes are. How XML becomes these values stands in ``twiml_reader``, what
happens then in ``interpreter``.
"""

from dataclasses import dataclass


class TwimlError(Exception):
    """A document that cannot be executed; ``code`` is Twilio's error code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Spoken text; ``loop`` 0 means without end."""

    text: str
    language: str = "en-US"
    loop: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A sound file."""

    url: str
    loop: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Silence."""

    length_s: float = 1.0


Prompt = Say | Play | Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Collects keys while its prompts are heard and for ``timeout_s`` after each key.

    No ``action``: this document.
    """

    prompts: tuple[Prompt, ...] = ()
    action: str = ""
    method: str = "POST"
    timeout_s: float = 5.0
    digits_max: int | None = None
    finish_on: str = "#"
    takes_keys: bool = True
    action_on_empty_result: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Go on with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Refuse an inbound call without answering it."""

    is_busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record the person on this leg until silence, a key, or the longest length."""

    action: str = ""
    method: str = "POST"
    timeout_s: float = 5.0
    length_max_s: float = 3600.0
    finish_on: str = "1234567890*#"
    beeps: bool = True
    status_url: str = ""
    status_method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A phone to be rung by Dial; ``url`` is the document that its owner hears before being connected."""

    number: str
    url: str = ""
    method: str = "POST"
    status_url: str = ""
    status_method: str = "POST"
    status_events: frozenset[str] = frozenset({"completed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conference:
    """A room to be joined by Dial; ``wait_url`` None is the default music, empty is silence."""

    name: str
    start_on_enter: bool = True
    end_on_exit: bool = False
    beeps: bool = True
    is_muted: bool = False
    wait_url: str | None = None
    wait_method: str = "POST"
    label: str = ""
    status_url: str = ""
    status_method: str = "POST"
    status_events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Connect this leg with phones or with a room."""

    numbers: tuple[Number, ...] = ()
    conference: Conference | None = None
    action: str = ""
    method: str = "POST"
    timeout_s: float = 30.0
    caller_id: str = ""
    answers_on_bridge: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Send a text; without ``to`` it goes to whom this document answers."""

    body: str
    to: str = ""
    from_number: str = ""
    status_url: str = ""


Verb = Say | Play | Pause | Gather | Redirect | Hangup | Reject | Record | Dial | Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The verbs of one answer, in order, and what in it was ignored and why."""

    verbs: tuple[Verb, ...]
    warnings: tuple[str, ...] = ()
