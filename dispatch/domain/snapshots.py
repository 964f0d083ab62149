"""Parts of an incident's state as JSON: how they stand on its row and in its first line.

The duty list and the ladder have no tables of their own, because nobody asks the database about them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import cast

import orjson

from dispatch.domain.incidents import DutyPerson, Ladder
from dispatch.domain.vocabulary import Role

JsonObject = Mapping[str, object]


def text(data: JsonObject, name: str) -> str:
    """The text under *name*, which must be there."""
    return cast("str", data[name])


def maybe_text(data: JsonObject, name: str) -> str | None:
    """The text under *name*, if there is one."""
    return cast("str | None", data.get(name))


def maybe_instant(data: JsonObject, name: str) -> datetime | None:
    """The instant under *name*, if there is one."""
    found = maybe_text(data, name)
    return None if found is None else datetime.fromisoformat(found)


def duty_from_data(entry: JsonObject) -> DutyPerson:
    """A frozen duty entry as it stands in the log and on the incident's row."""
    return DutyPerson(
        staff_id=text(entry, "staff_id"),
        staff_code=text(entry, "staff_code"),
        role=Role(text(entry, "role")),
        tier=text(entry, "tier"),
        skills=tuple(cast("list[str]", entry["skills"])),
        lat=cast("float | None", entry.get("lat")),
        lon=cast("float | None", entry.get("lon")),
    )


def duties_from_data(entries: Sequence[object]) -> tuple[DutyPerson, ...]:
    """The whole frozen list; most incidents of a shift bear the same, which is then read once."""
    return _duties(orjson.dumps(entries))


@lru_cache(maxsize=64)
def _duties(entries: bytes) -> tuple[DutyPerson, ...]:
    return tuple(duty_from_data(entry) for entry in orjson.loads(entries))


def duty_to_data(person: DutyPerson) -> dict[str, object]:
    """The inverse of :func:`duty_from_data`."""
    return {
        "staff_id": person.staff_id,
        "staff_code": person.staff_code,
        "role": str(person.role),
        "tier": person.tier,
        "skills": list(person.skills),
        "lat": person.lat,
        "lon": person.lon,
    }


def ladder_to_data(ladder: Ladder) -> dict[str, object]:
    """The ladder as JSON, for the incident's row."""
    return {
        "tier_index": ladder.tier_index,
        "repeats": ladder.repeats,
        "batch": list(ladder.batch),
        "started_at": None if ladder.started_at is None else ladder.started_at.isoformat(),
        "ends_at": None if ladder.ends_at is None else ladder.ends_at.isoformat(),
        "joining": [[code, at.isoformat()] for code, at in ladder.joining],
        "called_in": ladder.called_in,
        "left": [[code, at.isoformat()] for code, at in ladder.left],
        "call_back_at": None if ladder.call_back_at is None else ladder.call_back_at.isoformat(),
        "elsewhere": list(ladder.elsewhere),
        "assumed": [list(entry) for entry in ladder.assumed],
        "doubted": list(ladder.doubted),
    }


def ladder_from_data(data: JsonObject) -> Ladder:
    """The inverse of :func:`ladder_to_data`."""
    return Ladder(
        tier_index=cast("int", data["tier_index"]),
        repeats=cast("int", data["repeats"]),
        batch=tuple(cast("list[str]", data["batch"])),
        started_at=maybe_instant(data, "started_at"),
        ends_at=maybe_instant(data, "ends_at"),
        joining=_since(data, "joining"),
        left=_since(data, "left"),
        called_in=cast("int", data["called_in"]),
        call_back_at=maybe_instant(data, "call_back_at"),
        elsewhere=tuple(cast("list[str]", data.get("elsewhere", []))),
        assumed=tuple((call, code) for call, code in cast("list[list[str]]", data.get("assumed", []))),
        doubted=tuple(cast("list[str]", data.get("doubted", []))),
    )


def _since(data: JsonObject, name: str) -> tuple[tuple[str, datetime], ...]:
    entries = cast("list[tuple[str, str]]", data[name])
    return tuple((code, datetime.fromisoformat(at)) for code, at in entries)
