"""The telephone network between the program and the people: calls, rooms, texts, and their webhooks.

It plays the documents that the program answers with, strictly, as the provider does. It loses, repeats,
delays and shuffles what it tells, as the weather says, and it remembers everything that it really did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from telephony.simulator.twiml import Conference, Dial, Gather, Hangup, Redirect, Verb
from telephony.simulator.twiml_reader import read_document
from tests.simulation.program import ORIGIN

if TYPE_CHECKING:
    from tests.simulation.town import Town

RINGING = ("queued", "initiated", "ringing")
SPOKEN_S = 4.0


class Person(Protocol):
    """Somebody with a phone."""

    def is_rung(self, leg: Leg) -> None:
        """The phone rings: pick it up, refuse, or let it ring."""
        ...

    def keys(self, leg: Leg, gather: Gather) -> tuple[float, str] | None:
        """After how many seconds which keys are pressed, or None."""
        ...

    def meets(self, leg: Leg) -> None:
        """Somebody else is in the room."""
        ...

    def reads(self, text: Text) -> None:
        """A text has arrived."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that the program sent."""

    sid: str
    company: str
    number: str
    body: str
    status_path: str
    placed_ms: int

    @property
    def delivery_id(self) -> str:
        return self.status_path.split("/")[3]


@dataclass(slots=True)
class Room:
    """A conference."""

    status_path: str
    legs: list[Leg] = field(default_factory=list)


class Leg:
    """One phone's part of a call, from the first ring to its end."""

    def __init__(
        self,
        town: Town,
        person: Person,
        *,
        sid: str,
        number: str,
        company: str,
        status_path: str,
        inbound: bool,
    ) -> None:
        self.town = town
        self.person = person
        self.sid = sid
        self.number = number
        self.company = company
        self.status_path = status_path
        self.inbound = inbound
        self.status = "queued"
        self.placed_ms = town.clock.true_ms
        self.ended_ms = 0
        self.answer_path = ""
        self.heard: list[str] = []
        self._sequence = 0
        self._turn = 0
        self._room: tuple[str, Conference, list[Verb], str] | None = None

    @property
    def delivery_id(self) -> str:
        """Which of the program's deliveries this is; nothing for a call that came in."""
        return "" if self.inbound else self.status_path.split("/")[3]

    @property
    def is_over(self) -> bool:
        return self.status in ("completed", "busy", "no-answer", "failed", "canceled")

    @property
    def is_ringing(self) -> bool:
        return self.status in RINGING

    @property
    def room(self) -> str | None:
        return None if self._room is None else self._room[0]

    # --- what the person does

    def rings_for(self, ring_s: int) -> None:
        """The phone at the other end rings, and stops by itself."""
        if not self.is_ringing:
            return
        self._becomes("ringing")
        self.later(
            ring_s, "rings out", lambda: self.ends("no-answer") if self.is_ringing else None, any_turn=True
        )
        self.person.is_rung(self)

    def is_picked_up(self) -> None:
        """What the program wants said is asked for."""
        if not self.is_ringing:
            return
        self.status = "in-progress"
        if not self.inbound:
            self._report()
        self.asks_for(self.answer_path)

    def ends(self, status: str = "completed") -> None:
        """The call is over, by whoever's doing."""
        if self.is_over:
            return
        self.ended_ms = self.town.clock.true_ms
        self._leave_room()
        self._becomes(status)

    def later(self, seconds: float, label: str, act: Callable[[], None], *, any_turn: bool = False) -> None:
        """Do something unless the call has ended, or gone on with something else, by then."""
        turn = self._turn

        def unless_over() -> None:
            if not self.is_over and (any_turn or self._turn == turn):
                act()

        self.town.agenda.after(seconds, f"{self.sid} {label}", unless_over)

    # --- documents

    def asks_for(self, path: str, **fields: str) -> None:
        """Go on with what the program answers; a call without an answer ends, or finds its fallback."""
        self._turn += 1
        document = self.town.fetch(path, {**self.form(), **fields})
        if self.is_over:
            return
        if document is None:
            self._goes_on_without_answer()
            return
        read = read_document(document.encode())
        assert not read.warnings, read.warnings
        self._plays(list(read.verbs))

    def form(self) -> dict[str, str]:
        """What every webhook about this call carries."""
        ours = self.town.service_number
        ends = (self.number, ours) if self.inbound else (ours, self.number)
        return {"CallSid": self.sid, "From": ends[0], "To": ends[1], "CallStatus": self.status}

    def is_redirected(self, path: str) -> None:
        """The program wants the call to go on elsewhere."""
        if self.status == "in-progress":
            self._leave_room()
            self.asks_for(path)

    def _goes_on_without_answer(self) -> None:
        if self.inbound:
            # The provider's own fallback rings the duty phones; the program hears nothing of it.
            self.later(60, "talks to a duty phone", self.ends)
        else:
            self.ends()

    def _plays(self, verbs: list[Verb]) -> None:
        while verbs:
            verb = verbs.pop(0)
            self.heard.append(type(verb).__name__)
            match verb:
                case Gather():
                    self._gathers(verb, verbs)
                    return
                case Redirect():
                    self.asks_for(_path(verb.url))
                    return
                case Hangup():
                    self.later(SPOKEN_S, "is hung up", self.ends)
                    return
                case Dial() if verb.conference is not None:
                    self._enters(verb.conference, verb.action, verbs)
                    return
                case Dial():
                    self.later(45, "talks to a duty phone", self.ends)
                    return
                case _:
                    pass
        self.later(SPOKEN_S, "comes to its end", self.ends)

    def _gathers(self, gather: Gather, rest: list[Verb]) -> None:
        pressed = self.person.keys(self, gather)
        if self.is_over:
            return
        if pressed is None:
            self.later(gather.timeout_s + SPOKEN_S, "presses nothing", lambda: self._plays(rest))
            return
        seconds, keys = pressed
        self.later(seconds, f"presses {keys}", lambda: self.asks_for(_path(gather.action), Digits=keys))

    # --- rooms

    def _enters(self, conference: Conference, action: str, rest: list[Verb]) -> None:
        name, status_path = conference.name, _path(conference.status_url)
        room = self.town.rooms.setdefault(name, Room(status_path))
        self._room = (name, conference, rest, _path(action))
        room.legs.append(self)
        self._tell_room(room, "participant-join")
        self.town.ask(_path(conference.wait_url or ""), self.form())
        for other in list(room.legs):
            if other is not self and other.inbound != self.inbound:
                self.person.meets(self)
                other.person.meets(other)

    def _leave_room(self) -> None:
        if self._room is None:
            return
        name, conference, _, _ = self._room
        room = self.town.rooms[name]
        self._room = None
        room.legs.remove(self)
        self._tell_room(room, "participant-leave")
        if conference.end_on_exit:
            for other in list(room.legs):
                other.room_ends()
        if not room.legs:
            del self.town.rooms[name]

    def room_ends(self) -> None:
        """Somebody whose leaving ends the room has left."""
        if self._room is None:
            return
        name, _, rest, action = self._room
        room = self.town.rooms[name]
        room.legs.remove(self)
        self._room = None
        self._tell_room(room, "participant-leave")
        if action:
            self.later(0.1, "goes on after the room", lambda: self.asks_for(action))
        else:
            self.later(0.1, "goes on after the room", lambda: self._plays(rest))

    def _tell_room(self, room: Room, what: str) -> None:
        form = {"CallSid": self.sid, "StatusCallbackEvent": what}
        self.town.callback(room.status_path, form)

    # --- status

    def _becomes(self, status: str) -> None:
        self.status = status
        self._report()

    def _report(self) -> None:
        if self.inbound and not self.is_over:
            return
        self.town.callback(self.status_path, self.status_form())

    def status_form(self) -> dict[str, str]:
        """The next status callback."""
        self._sequence += 1
        return {**self.form(), "SequenceNumber": str(self._sequence - 1)}


def _path(url: str) -> str:
    return url.removeprefix(ORIGIN)
