"""The vocabulary of the smoke tests: phones that ring, are picked up, hear, press, read and text.

Everything goes over HTTP through the simulator's page, as a person's clicks would. What a phone was told to
expect is remembered; whatever else reached it is a surprise, and ends the test badly.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self, TypedDict, TypeVar

import httpx

PATIENCE_S = 20.0
"""How long something may take before it is said not to happen; when all is well nothing takes that long."""

LISTENS_FOR_S = 1.0

FoundT = TypeVar("FoundT")


class Line(TypedDict):
    """One line of what a phone heard or did."""

    position: int
    call_sid: str
    kind: str
    text: str


class Message(TypedDict):
    """One text on a phone."""

    position: int
    way: str
    body: str
    status: str


# ``with`` is a word of the language, so this one is written in the other way.
Shown = TypedDict(
    "Shown",
    {
        "number": str,
        "label": str,
        "role": str,
        "is_on": bool,
        "state": str,
        "with": list[str],
        "transcript": list[Line],
        "texts": list[Message],
    },
)


class Problem(TypedDict):
    """A fault in the program's answers, as the telephone company lists it."""

    code: int
    url: str
    reason: str


class Snapshot(TypedDict):
    """All phones at one moment."""

    version: str
    phones: list[Shown]
    problems: list[Problem]


class Exchange:
    """The page with the phones, followed as the browser follows it."""

    def __init__(self, url: str) -> None:
        self._web = httpx.Client(
            base_url=url, headers={"X-Requested-With": "smoke"}, timeout=30, trust_env=False
        )

    def close(self) -> None:
        self._web.close()

    def snapshot(self) -> Snapshot:
        """The phones as they are now."""
        found: Snapshot = self._web.get("/simulator/phones").raise_for_status().json()
        return found

    def each_change(self) -> Iterator[Snapshot]:
        """The phones as they are now, and again at every change and every second, until patience ends."""
        ends_s = time.monotonic() + PATIENCE_S
        snapshot = self.snapshot()
        yield snapshot
        while time.monotonic() < ends_s:
            asked = f"after={snapshot['version']}&wait_s={LISTENS_FOR_S}"
            answer = self._web.get(f"/simulator/phones?{asked}")
            if answer.status_code == 200:
                snapshot = answer.json()
            yield snapshot

    def add_resident(self) -> str:
        """One more phone; gives its number."""
        answer = self._web.post("/simulator/phones", json={}).raise_for_status()
        return str(answer.json()["number"])

    def use(self, number: str, action: str, **fields: object) -> dict[str, object]:
        """Do something with a phone; the network's refusal fails the test."""
        answer = self._web.post(f"/simulator/phones/{number}/{action}", json=fields)
        assert answer.is_success, f"{action} on {number}: {answer.text}"
        done: dict[str, object] = answer.json()
        return done


@dataclass(slots=True)
class Expected:
    """What was announced to come to one phone, and how far its owner has listened."""

    calls: set[str]
    texts: set[int]
    heard_to: int = 0


class Handset:
    """A phone in somebody's hand. Methods wait for what they say and return the phone, so that they chain."""

    def __init__(self, exchange: Callable[[], Exchange], number: str) -> None:
        self._exchange = exchange
        self.number = number
        self.expected = Expected(set(), set())

    # --- what its owner does

    def dials(self, *, withheld: bool = False) -> Self:
        """Call the emergency number."""
        return self._do("dial", withheld=withheld)

    def picks_up(self) -> Self:
        """Answer the ringing phone."""
        return self._do("answer")

    def rejects(self) -> Self:
        """Push the ringing call away."""
        return self._do("decline")

    def hangs_up(self) -> Self:
        """End the call."""
        return self._do("hang-up")

    def presses(self, keys: str) -> Self:
        """Press keys one after the other; somebody must listen, so wait first for the words that ask."""
        done = self._exchange().use(self.number, "press", keys=keys)
        assert done["heard"] is True, f"{self.number}: nobody listens for {keys!r}; {self._told()}"
        return self

    def texts(self, body: str) -> Self:
        """Send a text to the emergency number."""
        return self._do("text", body=body)

    def switches_off(self) -> Self:
        """Take the phone off the network."""
        return self._do("switch-off")

    def switches_on(self) -> Self:
        """Bring it back."""
        return self._do("switch-on")

    # --- what happens to it

    def rings(self) -> Self:
        """A call comes in that was not announced before."""

        def ring(phone: Shown) -> str | None:
            fresh = (
                line["call_sid"] for line in _rings(phone) if line["call_sid"] not in self.expected.calls
            )
            return next(fresh, None)

        self.expected.calls.add(self._wait("rings", ring))
        return self

    def stops_ringing(self) -> Self:
        """Nobody calls this phone any more."""
        self._wait("stops ringing", lambda phone: phone["state"] == "idle")
        return self

    def hears(self, words: str) -> Self:
        """These words are spoken, later than those that were waited for before."""

        def hear(phone: Shown) -> int | None:
            said = (line for line in phone["transcript"] if line["position"] > self.expected.heard_to)
            return next((line["position"] for line in said if words in line["text"]), None)

        self.expected.heard_to = self._wait(f"hears {words!r}", hear)
        return self

    def reads(self, words: str) -> str:
        """A text with these words comes that was not read before; gives its body."""

        def read(phone: Shown) -> Message | None:
            fresh = (text for text in _received(phone) if text["position"] not in self.expected.texts)
            return next((text for text in fresh if words in text["body"]), None)

        message = self._wait(f"reads {words!r}", read)
        self.expected.texts.add(message["position"])
        return message["body"]

    def is_alerted(self) -> Self:
        """It rings, and the alert text with the link comes."""
        self.rings().reads("DARURAT")
        return self

    def talks_to(self, *others: "Handset") -> Self:
        """Its owner and exactly these hear each other."""
        labels = sorted(other.label for other in others)
        self._wait(f"talks to {labels}", lambda phone: sorted(phone["with"]) == labels)
        return self

    def is_off_the_line(self) -> Self:
        """The call ended."""
        self._wait("is off the line", lambda phone: phone["state"] == "idle")
        return self

    # --- looking

    @property
    def label(self) -> str:
        """Whose phone it is, as the page says."""
        return self._in(self._exchange().snapshot())["label"]

    def surprises(self, snapshot: Snapshot) -> list[str]:
        """What reached this phone and was never announced."""
        phone = self._in(snapshot)
        calls = [
            f"{self.number} rang" for line in _rings(phone) if line["call_sid"] not in self.expected.calls
        ]
        texts = [
            f"{self.number} read {text['body']!r}"
            for text in _received(phone)
            if text["position"] not in self.expected.texts
        ]
        return calls + texts

    def forgets(self) -> None:
        """The network was started anew, and its memory is empty."""
        self.expected = Expected(set(), set())

    def _do(self, action: str, **fields: object) -> Self:
        self._exchange().use(self.number, action, **fields)
        return self

    def _wait(self, what: str, test: Callable[[Shown], FoundT | None]) -> FoundT:
        for snapshot in self._exchange().each_change():
            if found := test(self._in(snapshot)):
                return found
        raise AssertionError(f"{self.number}: {what}: did not happen; {self._told()}")

    def _in(self, snapshot: Snapshot) -> Shown:
        return next(phone for phone in snapshot["phones"] if phone["number"] == self.number)

    def _told(self) -> str:
        phone = self._in(self._exchange().snapshot())
        lines = [f"{line['kind']} {line['text']}" for line in phone["transcript"][-8:]]
        bodies = [f"{text['way']} {text['body']}" for text in phone["texts"][-5:]]
        return f"it is {phone['state']}, with {phone['with']}, heard {lines}, texts {bodies}"


def _rings(phone: Shown) -> Iterator[Line]:
    return (line for line in phone["transcript"] if line["kind"] == "note" and line["text"] == "ringing")


def _received(phone: Shown) -> Iterator[Message]:
    return (text for text in phone["texts"] if text["way"] == "in")
