"""Where two states of one incident differ, part by part, said without anything personal.

Decides how a difference is named (``priority``, ``call 2 ended_at``, ``A1 alerted_at``) and what of the two
values may be printed: instants, numbers and words of the vocabulary; numbers of telephones masked; names,
free text and positions never. Touches no storage.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum

from dispatch.domain.incidents import Incident
from dispatch.domain.phones import mask

_NOT_REPLAYED = {"facility_id"}
_PHONES = {"caller_number"}
_PERSONAL = {"lat", "lon", "location_lat", "location_lon"}
_CODES = {"number", "menu_digit"}
_LONGEST_CODE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One part that differs; *problem* is ``changed``, or ``missing`` or ``inserted`` for a whole row."""

    field: str
    problem: str
    detail: str


def differences(recorded: Incident, present: Incident) -> Iterator[Difference]:
    """What the lines amount to against what the tables say, in the order of the fields."""
    for field in fields(Incident):
        if field.name in _NOT_REPLAYED:
            continue
        was, now = getattr(recorded, field.name), getattr(present, field.name)
        if field.name == "calls":
            yield from _parts(_calls(recorded), _calls(present))
        elif field.name == "assignments":
            yield from _parts(_assignments(recorded), _assignments(present))
        elif field.name == "times":
            yield from _unequal("", was, now)
        elif field.name == "location":
            yield from _unequal("location_", was, now)
        else:
            yield from _value(field.name, field.name, was, now)


def _calls(incident: Incident) -> dict[str, tuple[str, object]]:
    ordered = sorted(incident.calls, key=lambda call: (call.received_at, call.id))
    return {call.id: (f"call {position}", call) for position, call in enumerate(ordered, 1)}


def _assignments(incident: Incident) -> dict[str, tuple[str, object]]:
    ordered = sorted(incident.assignments, key=lambda part: (part.asked_at, part.staff_code, part.id))
    return {part.id: (assignment_label(part.staff_code, at), part) for at, part in enumerate(ordered, 1)}


def assignment_label(staff_code: object, position: int) -> str:
    """The worker's code; the place in the order when that is no code any more, but perhaps a name."""
    return str(staff_code) if is_code(staff_code) else f"assignment {position}"


def _parts(
    recorded: Mapping[str, tuple[str, object]], present: Mapping[str, tuple[str, object]]
) -> Iterator[Difference]:
    for key, (label, was) in recorded.items():
        if key in present:
            yield from _unequal(f"{label} ", was, present[key][1])
        else:
            yield Difference(field=label, problem="missing", detail="the lines tell of it, its row is gone")
    for key, (label, _) in present.items():
        if key not in recorded:
            yield Difference(field=label, problem="inserted", detail="a row that no line tells of")


def _unequal(prefix: str, was: object, now: object) -> Iterator[Difference]:
    """The fields in which two values of one dataclass differ."""
    for field in fields(was):  # type: ignore[arg-type] # a dataclass, as its callers know
        yield from _value(
            f"{prefix}{field.name}", field.name, getattr(was, field.name), getattr(now, field.name)
        )


def _value(path: str, name: str, was: object, now: object) -> Iterator[Difference]:
    if was == now:
        return
    if is_dataclass(was) and type(was) is type(now):
        yield from _unequal(f"{path}.", was, now)
    elif isinstance(was, tuple) and isinstance(now, tuple) and len(was) == len(now) and _of_dataclasses(was):
        for position, (one, other) in enumerate(zip(was, now, strict=True), 1):
            yield from _value(f"{path} {position}", name, one, other)
    else:
        said, says = _shown(name, was), _shown(name, now)
        yield Difference(
            field=path, problem="changed", detail=f"the lines amount to {said}, the table says {says}"
        )


def _of_dataclasses(values: tuple[object, ...]) -> bool:
    return all(is_dataclass(value) for value in values)


def _shown(name: str, value: object) -> str:
    """What may be printed of a value: see the top of the file."""
    if value is None:
        return "nothing"
    if name in _PHONES and isinstance(value, str):
        return mask(value) or "nothing"
    if name in _PERSONAL:
        return "a position"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, StrEnum | bool | int | float):
        return str(value)
    if name in _CODES and is_code(value):
        return str(value)
    return "a text" if isinstance(value, str) else "something else"


def is_code(value: object) -> bool:
    """Whether it looks like a code of ours (``N01``, ``KWK-2026-000100``), not like a name or a text."""
    if not isinstance(value, str) or len(value) > _LONGEST_CODE:
        return False
    has_digit = any(character.isdigit() for character in value)
    return has_digit and value.isascii() and value.replace("-", "").replace("_", "").isalnum()
