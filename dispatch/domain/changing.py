"""A quick ``dataclasses.replace`` for the frozen values that a record is folded into.

The library's own runs ``__init__``, which for a value of twenty fields took most of the time of a replay.
"""

from collections import deque
from collections.abc import Callable, Hashable
from functools import cache
from itertools import repeat
from operator import attrgetter, call
from typing import Any, TypeAlias, TypeVar, cast

T = TypeVar("T")
_Setter: TypeAlias = Callable[..., None]


def replace(value: T, /, **changes: object) -> T:
    """*value* with some fields changed; its class is a dataclass with slots and nothing to do on making one.

    Raises:
        TypeError: there is no such field.
    """
    read, setters, every = _shape(cast("Hashable", type(value)))
    new: T = object.__new__(type(value))
    # All of them in one go; a loop here took twice the time.
    deque(map(call, every, repeat(new), read(value)), maxlen=0)
    for name, given in changes.items():
        if name not in setters:
            raise TypeError(f"{type(value).__name__} has no field {name!r}")
        setters[name](new, given)
    return new


@cache
def _shape(kind: Any) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, _Setter], tuple[_Setter, ...]]:  # noqa: ANN401 - a class with slots
    """How all fields are read, and how each is set although the value is frozen: by name, and in order."""
    if hasattr(kind, "__post_init__"):
        raise TypeError(f"{kind.__name__} does something when one is made")
    names: tuple[str, ...] = kind.__slots__
    setters = {name: kind.__dict__[name].__set__ for name in names}
    return attrgetter(*names), setters, tuple(setters.values())
