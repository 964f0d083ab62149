"""Conference rooms: who is in, when talk begins, and what is reported of it (TESTBED 2.5, Conference).

A room is made by its first participant, who also decides what is reported and where. Talk begins with two
people of whom one may begin it; it ends when the last one leaves, or one with ``endConferenceOnExit``.
"""

import asyncio
from dataclasses import dataclass, field
from email.utils import format_datetime

from telephony.simulator.calls import Call
from telephony.simulator.phones import LineKind
from telephony.simulator.switchboard import Switchboard
from telephony.simulator.twiml import Conference


@dataclass(slots=True, kw_only=True, eq=False)
class Participant:
    """One leg in a room; ``gone`` is set when somebody else ended the room."""

    call: Call
    noun: Conference
    gone: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, kw_only=True, eq=False)
class Room:
    """One conference from its first participant to its end."""

    sid: str
    name: str
    status_url: str
    status_method: str
    status_events: frozenset[str]
    participants: list[Participant] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    reports_sent: int = 0


class Rooms:
    """The rooms in use, by name; a name that nobody is in is free for a new conference."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._open: dict[str, Room] = {}

    def enter(self, call: Call, noun: Conference, status_url: str) -> tuple[Room, Participant]:
        """Join the room of that name, making it if needed; ``status_url`` is the noun's, already absolute."""
        room = self._open.get(noun.name)
        if room is None:
            room = Room(
                sid=self._switchboard.new_sid("CF"),
                name=noun.name,
                status_url=status_url,
                status_method=noun.status_method,
                status_events=noun.status_events,
            )
            self._open[noun.name] = room
        if noun.beeps and room.started.is_set():
            for other in room.participants:
                self._switchboard.hear(other.call, LineKind.PLAY, "beep")
        participant = Participant(call=call, noun=noun)
        room.participants.append(participant)
        self._report(room, "join", participant)
        self._start_if_due(room)
        self._connect(room)
        return room, participant

    def leave(self, room: Room, participant: Participant) -> None:
        """Leave the room; ends it for all when this was the last one or one on whom it depends.

        Safe to repeat.
        """
        if participant not in room.participants:
            return
        room.participants.remove(participant)
        self._switchboard.connect(participant.call, ())
        reason = "participant_hung_up" if participant.call.is_over else "participant_updated_via_api"
        self._report(room, "leave", participant, ReasonParticipantLeft=reason)
        if participant.noun.end_on_exit or not room.participants:
            self._end(room, participant)
        self._connect(room)

    def _start_if_due(self, room: Room) -> None:
        if room.started.is_set() or len(room.participants) < 2:
            return
        if any(participant.noun.start_on_enter for participant in room.participants):
            room.started.set()
            self._report(room, "start")

    def _end(self, room: Room, by: Participant) -> None:
        self._open.pop(room.name, None)
        remaining, room.participants = room.participants, []
        for participant in remaining:
            self._switchboard.connect(participant.call, ())
            self._report(room, "leave", participant, ReasonParticipantLeft="moderator_ended_conference")
            participant.gone.set()
        cause = (
            "participant-with-end-conference-on-exit-left" if by.noun.end_on_exit else "last-participant-left"
        )
        self._report(room, "end", ReasonConferenceEnded=cause, CallSidEndingConference=by.call.sid)

    def _connect(self, room: Room) -> None:
        legs = [participant.call for participant in room.participants]
        for leg in legs:
            others = tuple(other for other in legs if other is not leg)
            self._switchboard.connect(leg, others if room.started.is_set() else ())

    def _report(self, room: Room, event: str, participant: Participant | None = None, **more: str) -> None:
        """Report one event if the first participant asked for its kind."""
        if not room.status_url or event not in room.status_events:
            return
        room.reports_sent += 1
        form = {
            "AccountSid": self._switchboard.settings.account_sid,
            "ConferenceSid": room.sid,
            "FriendlyName": room.name,
            "SequenceNumber": str(room.reports_sent),
            "StatusCallbackEvent": f"{'participant' if participant else 'conference'}-{event}",
            "Timestamp": format_datetime(self._switchboard.clock.now()),
        }
        if participant is not None:
            form |= _participant_form(participant, left=event == "leave")
        self._switchboard.reports.send(room.sid, room.status_url, form | more, method=room.status_method)


def _participant_form(participant: Participant, *, left: bool) -> dict[str, str]:
    form = {
        "CallSid": participant.call.sid,
        "Coaching": "false",
        "EndConferenceOnExit": _flag(participant.noun.end_on_exit),
        "Hold": "false",
        "Muted": _flag(participant.noun.is_muted),
        "StartConferenceOnEnter": _flag(participant.noun.start_on_enter),
    }
    if participant.noun.label:
        form["ParticipantLabel"] = participant.noun.label
    if left:
        form["ParticipantCallStatus"] = participant.call.status.value
    return form


def _flag(value: bool) -> str:
    return "true" if value else "false"
