"""Reading a TOML file into a checked shape, with errors a person can act on.

Decides how a bad file is named: by file, dotted key and reason. Knows no particular file; the shapes stand
in ``config.policy`` and ``config.facility``.
"""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

DEFAULTS = Path(__file__).parent / "defaults"
"""The files that come with the program; a wheel carries them too."""


class FileRefusedError(Exception):
    """A configuration file cannot be used: which file, which key in it (may be empty), and why."""

    def __init__(self, file: Path, key: str, reason: str) -> None:
        """Keep the three parts; the message is one line."""
        super().__init__(": ".join(part for part in (str(file), key, reason) if part))
        self.file = file
        self.key = key
        self.reason = reason


class FileShape(BaseModel):
    """A table of a configuration file: no unknown keys, no guessed types, never changed after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


ShapeT = TypeVar("ShapeT", bound=FileShape)


def read_toml(path: Path) -> dict[str, object]:
    """The content of a TOML file (UTF-8).

    Raises:
        FileRefusedError: it cannot be read, or is no TOML; the reason gives the line where there is one.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FileRefusedError(path, "", f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileRefusedError(path, "", "is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise FileRefusedError(path, "", f"is not valid TOML: {error}") from error


def read_shape(path: Path, shape: type[ShapeT]) -> ShapeT:
    """The content of the TOML file at *path* as *shape*.

    Raises:
        FileRefusedError: with the first bad key, dotted; entries of a list are counted from 1.
    """
    content = read_toml(path)
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise FileRefusedError(path, dotted(first["loc"]), reason_of(first)) from error


def dotted(location: tuple[int | str, ...]) -> str:
    """A place in a file as people write it: ``alerting.tier[2].name`` is the name of the second tier."""
    written = ""
    for part in location:
        if isinstance(part, int):
            written += f"[{part + 1}]"
        elif part == "[key]":
            # pydantic's own word for "the key itself is bad"; the key stands before it.
            continue
        else:
            written += f".{part}" if written else part
    return written


def reason_of(error: ErrorDetails) -> str:
    """Why a value was refused, in one clause without a capital; the value itself is not repeated."""
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "extra_forbidden":
        return "is not a known key"
    message = error["msg"].removeprefix("Value error, ")
    return message.replace("Input should", "should") if message.startswith("Input should") else message
