"""The one way in which a value of the record is written as bytes: RFC 8785, and instants in UTC.

Decides which values have a single spelling, so that two programs on two machines compute the same hash.
Never decides what is hashed. For ASCII and the numbers that are let through, ``orjson`` writes what RFC 8785
asks for, three hundred times as fast as ``rfc8785`` does; ``tests/property/test_evidence.py`` holds the two
against each other.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
import rfc8785

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""What may be written: JSON, with finite numbers only."""

_LARGEST_INTEGER = 2**53 - 1
_SMALLEST_PLAIN = 0.0001
"""Below this, Python writes an exponent where ECMAScript writes zeros, or another exponent."""
_DEEPEST = 32


class NotCanonicalError(ValueError):
    """A value has no single spelling in RFC 8785; the message names the place."""


def instant(at: datetime) -> str:
    """Write an instant as the record does: UTC, cut to milliseconds, ``2026-11-23T12:00:00.000+00:00``.

    Raises ValueError for a datetime without zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"an instant needs a zone: {at.isoformat()}")
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds")


def canonical_json(value: Mapping[str, JsonValue]) -> bytes:
    """Return *value* as RFC 8785 wants it.

    Raises NotCanonicalError, naming the place, for NaN, numbers beyond 2^53 − 1, keys that are no text, text
    that is no Unicode, other types, and nesting deeper than 32 below the first level.
    """
    tiny: list[float] = []
    written: object = value
    # Most values are text and whole numbers, which need no other form: looking is cheaper than copying.
    if not _needs_no_care(value, -1):
        written = _whole(value, -1)
        if not _needs_no_care(written, -1):
            written = _plain(value, "", -1, tiny)
    try:
        text = orjson.dumps(written, option=orjson.OPT_SORT_KEYS)
        # Keys beyond ASCII are ordered by UTF-16, which only the other library knows how to do.
        if text.isascii() and not tiny:
            return text
        return rfc8785.dumps(written)  # type: ignore[arg-type] # JSON, as _plain has made sure
    except (rfc8785.CanonicalizationError, TypeError, ValueError) as error:
        raise NotCanonicalError(str(error)) from error


_TEXT = frozenset({str})
_SCALARS = frozenset({str, bool, type(None)})


def _needs_no_care(value: Any, depth: int) -> bool:  # noqa: ANN401 - whatever somebody wants written
    """Whether *value* is certainly written alike by everybody as it stands."""
    kind = type(value)
    if kind is dict:
        every = value.values() if _TEXT.issuperset(map(type, value)) else None
    elif kind is list:
        every = value
    else:
        return kind in _SCALARS or _is_plain_number(value)
    if every is None or depth >= _DEEPEST:
        return False
    # Most values are scalars, and looking at all of them at once costs less than a call for each.
    if _SCALARS.issuperset(map(type, every)):
        return True
    for inner in every:
        kind = type(inner)
        if kind in _SCALARS or (kind is int and _is_plain_number(inner)):
            continue
        if not _needs_no_care(inner, depth + 1):
            return False
    return True


def _is_plain_number(value: Any) -> bool:  # noqa: ANN401 - likewise
    kind = type(value)
    if kind is int:
        return bool(-_LARGEST_INTEGER <= value <= _LARGEST_INTEGER)
    return kind is float and _SMALLEST_PLAIN <= abs(value) <= _LARGEST_INTEGER and not value.is_integer()


def _whole(value: Any, depth: int) -> object:  # noqa: ANN401 - likewise
    """The same with 30 for 30.0, which is all the care that most of the others need."""
    kind = type(value)
    if kind is float and value.is_integer():
        return int(value)
    if kind is dict and depth < _DEEPEST:
        return {
            key: inner if type(inner) in _SCALARS else _whole(inner, depth + 1)
            for key, inner in value.items()
        }
    if kind is list and depth < _DEEPEST:
        return [_whole(inner, depth + 1) for inner in value]
    return value


def _plain(value: object, path: str, depth: int, tiny: list[float]) -> object:
    """The same value with every number in the one form that both writers spell alike.

    Numbers so small that they do not are put into *tiny*. Raises NotCanonicalError at the first thing that
    two programs could write differently.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if abs(value) > _LARGEST_INTEGER:
            raise NotCanonicalError(f"{path}: {value} is beyond 2^53 − 1; write it as text")
        return value
    if isinstance(value, float):
        return _number(value, path, tiny)
    if depth >= _DEEPEST:
        raise NotCanonicalError(f"{path}: nested deeper than {_DEEPEST}")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise NotCanonicalError(f"{path}: the key {key!r} is no text")
        return {key: _plain(inner, _below(path, key), depth + 1, tiny) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{path}[{place}]", depth + 1, tiny) for place, inner in enumerate(value)]
    raise NotCanonicalError(f"{path}: {type(value).__name__} has no form in JSON")


def _number(value: float, path: str, tiny: list[float]) -> float | int:
    """A finite number; RFC 8785 spells it the way ECMAScript does, on both databases and in any reader."""
    if not math.isfinite(value):
        raise NotCanonicalError(f"{path}: {value!r} is no number")
    if abs(value) > _LARGEST_INTEGER:
        raise NotCanonicalError(f"{path}: {value!r} is beyond 2^53 − 1; write it as text")
    if value.is_integer():
        return int(value)
    if abs(value) < _SMALLEST_PLAIN:
        tiny.append(value)
    return value


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
