"""What a decision is made of: lines for the record, and effects to carry out after the commit.

A :class:`Draft` lives inside one pure function: each line added is applied to the state at once, so that
the next question is asked of what is true by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.domain.effects import Effect
from dispatch.domain.errors import TimeRefusedError
from dispatch.domain.events import Event, Kind
from dispatch.domain.evolution import evolve
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import Source

FUTURE_TOLERANCE_S = 60.0
"""A phone's clock may run this far ahead; more is refused rather than recorded as true."""

BY_PHONE = frozenset({Source.VOICE, Source.KEYPAD, Source.SMS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided: the incident as it is now, the new lines, and what is to be done."""

    incident: Incident
    events: tuple[Event, ...]
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How things stand with a worker right now, as far as alerting needs it."""

    engaged_elsewhere: bool = False
    on_break: bool = False
    alerts_in_shift: int = 0


Crew = Mapping[str, Condition]
"""Staff code to condition; whoever is missing is free and rested."""


class Draft:
    """A decision in the making."""

    def __init__(self, incident: Incident | None, *, now: datetime, source: Source, actor: str) -> None:
        """Start from *incident* (None before its first line); *source* and *actor* go on every line."""
        self._incident = incident
        self.now = now
        self.source = source
        self.actor = actor
        self._events: list[Event] = []
        self._effects: list[Effect] = []

    @property
    def incident(self) -> Incident:
        """The state after the lines added so far."""
        assert self._incident is not None
        return self._incident

    def add(
        self,
        kind: Kind,
        data: Mapping[str, object] | None = None,
        *,
        private: Mapping[str, str | None] | None = None,
        occurred_at: datetime | None = None,
        by_engine: bool = False,
    ) -> None:
        """Add a line and apply it; *by_engine* marks what the program did of its own accord."""
        event = Event(
            kind=kind,
            occurred_at=occurred_at or self.now,
            source=Source.ENGINE if by_engine else self.source,
            actor="engine" if by_engine else self.actor,
            data=data or {},
            private={name: value for name, value in (private or {}).items() if value is not None},
        )
        self._incident = evolve(self._incident, event)
        self._events.append(event)

    def want(self, effect: Effect) -> None:
        """Ask for something to be done outside."""
        self._effects.append(effect)

    def decision(self) -> Decision:
        """Close the draft."""
        return Decision(incident=self.incident, events=tuple(self._events), effects=tuple(self._effects))


def time_of(source: Source, occurred_at: datetime | None, *, earliest: datetime, now: datetime) -> datetime:
    """When somebody's step happened: no earlier than *earliest*, no later than *now*.

    Nobody states the time of a key or a text: it is our own clock's, or the network's. Where a clock was set
    in between, it is fitted in; the worker who answers is not refused for it.

    Raises:
        TimeRefusedError: a person stated an instant in the future, or before *earliest*.
    """
    if occurred_at is not None and source in BY_PHONE:
        return min(max(occurred_at, earliest), now)
    return checked_time(occurred_at, earliest=earliest, now=now)


def checked_time(occurred_at: datetime | None, *, earliest: datetime | None, now: datetime) -> datetime:
    """The stated instant, or *now*.

    Raises:
        TimeRefusedError: it lies in the future, or before *earliest*.
    """
    if occurred_at is None:
        return now
    if occurred_at > now + timedelta(seconds=FUTURE_TOLERANCE_S):
        raise TimeRefusedError(occurred_at=occurred_at.isoformat(), problem="future")
    if earliest is not None and occurred_at < earliest:
        raise TimeRefusedError(occurred_at=occurred_at.isoformat(), problem="before_call")
    return min(occurred_at, now)
