"""A quick ``dataclasses.replace`` for the frozen values that a record is folded into.

The library's own runs ``__init__``, which for a value of twenty fields took most of the time of a replay.
"""

from collections.abc import Callable, Hashable
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, cast

T = TypeVar("T")


def replace(value: T, /, **changes: object) -> T:
    """*value* with some fields changed; its class is a dataclass with slots and nothing to do on making one.

    Raises:
        TypeError: there is no such field.
    """
    read, setters = _shape(cast("Hashable", type(value)))
    new: T = object.__new__(type(value))
    for put, known in zip(setters.values(), read(value), strict=True):
        put(new, known)
    for name, given in changes.items():
        if name not in setters:
            raise TypeError(f"{type(value).__name__} has no field {name!r}")
        setters[name](new, given)
    return new


@cache
def _shape(kind: Any) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, Callable[..., None]]]:  # noqa: ANN401 - a class with slots
    """How all the fields are read, and how each is set although the value is frozen."""
    if hasattr(kind, "__post_init__"):
        raise TypeError(f"{kind.__name__} does something when one is made")
    names: tuple[str, ...] = kind.__slots__
    return attrgetter(*names), {name: kind.__dict__[name].__set__ for name in names}
