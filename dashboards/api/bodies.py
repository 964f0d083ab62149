"""What programs may send: every field known, typed and bounded; an unknown one is refused by its name.

Decides the form of a request only. Whether a step may be taken is for ``dispatch.domain``.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from dispatch.domain import commands, phones
from dispatch.domain.vocabulary import Category, IncidentChannel, LocationSource, Outcome, Priority

TEXT_MAX = 20_000
EARLIEST_YEAR = 2000


class ActionName(StrEnum):
    """The actions of CONTRACT 7."""

    ASSIGN = "assign"
    ACCEPT = "accept"
    DECLINE = "decline"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    STAGE = "stage"
    LEAVE_SCENE = "leave_scene"
    ARRIVE_FACILITY = "arrive_facility"
    AVAILABLE = "available"
    CLOSE = "close"
    NOTE = "note"
    SET_PRIORITY = "set_priority"
    SET_LOCATION = "set_location"
    SET_CATEGORY = "set_category"
    MERGE = "merge"


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character, which no database here can keep")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no character") from None
    return text


def _written(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("is written as text, as in 2026-11-23T12:00:00+09:00")  # noqa: TRY004 - pydantic turns ValueError into a refusal
    return value


def _recent(at: datetime) -> datetime:
    if at.year < EARLIEST_YEAR:
        raise ValueError(f"lies before the year {EARLIEST_YEAR}")
    return at.astimezone(UTC)


def _subscriber(text: str) -> str | None:
    if not text.strip():
        return None
    number = phones.normalise(text)
    if number is None:
        raise ValueError("is no ordinary telephone number; leave it out when it is withheld")
    return number


Text = Annotated[str, StringConstraints(max_length=TEXT_MAX), AfterValidator(_storable)]
Name = Annotated[str, StringConstraints(max_length=200), AfterValidator(_storable)]
Code = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=36), AfterValidator(_storable)
]
Instant = Annotated[AwareDatetime, AfterValidator(_recent), BeforeValidator(_written)]
Number = Annotated[
    str | None, BeforeValidator(lambda value: _subscriber(value) if isinstance(value, str) else value)
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LocationBody(_Body):
    """Where it is; whatever is not known is left out."""

    text: Text | None = None
    place: Name | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    source: LocationSource = LocationSource.DISPATCHER
    accuracy_m: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise ValueError("lat and lon belong together")
        if self.text is None and self.place is None and self.lat is None:
            raise ValueError("needs a text, a place, or lat and lon")
        return self

    def to_domain(self) -> commands.Location:
        """The same as the commands take it."""
        return commands.Location(
            source=self.source,
            text=self.text,
            place=self.place,
            lat=self.lat,
            lon=self.lon,
            accuracy_m=self.accuracy_m,
        )


class OpenBody(_Body):
    """An incident opened by hand: a walk-in, the radio, a telephone that is not ours."""

    channel: IncidentChannel = IncidentChannel.WALK_IN
    category: Category = Category.UNKNOWN
    priority: Priority = Priority.UNKNOWN
    location: LocationBody | None = None
    caller_number: Number = None
    text: Text | None = None
    occurred_at: Instant | None = None
    is_drill: bool = False


class ActionBody(_Body):
    """One step; which other fields it needs depends on ``action`` (CONTRACT 7)."""

    action: ActionName
    staff_code: Code | None = None
    occurred_at: Instant | None = None
    minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    reason: Text | None = None
    text: Text | None = None
    priority: Priority | None = None
    category: Category | None = None
    outcome: Outcome | None = None
    location: LocationBody | None = None
    into: Code | None = None
