"""Writes down the settings: the effective ones for a terminal, all of them as ``docs/settings.md``.

Decides what is hidden: secrets, and the password in the address of the database.
"""

from types import NoneType
from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from sqlalchemy.engine import make_url

from config.settings import CONFIG_VARIABLE, Settings, variable

HIDDEN = "••••••"

_HEAD = f"""# Settings

Written by `siaga settings --markdown`; change the class in `config/settings.py`, not this page.

Every setting is an environment variable, or the same key in small letters without `SIAGA_` in the TOML
file that `{CONFIG_VARIABLE}` names; the environment wins. An unknown name or a bad value stops the start,
and the last line on standard error says which and why. `siaga settings` prints what is in effect. Relative
paths count from the folder in which the program is started.

| variable | default | meaning |
|---|---|---|
| `{CONFIG_VARIABLE}` | none | TOML file with settings. |
"""


def effective(settings: Settings) -> list[tuple[str, str]]:
    """Every variable with its value in effect, secrets hidden."""
    return [(variable(key), _shown(key, getattr(settings, key))) for key in Settings.model_fields]


def reference() -> str:
    """The page ``docs/settings.md``."""
    rows = (
        f"| `{variable(key)}` | {_default(field)} | {field.description} |"
        for key, field in Settings.model_fields.items()
    )
    return _HEAD + "\n".join(rows) + "\n"


def _shown(key: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if key == "database_url":
        return make_url(str(value)).render_as_string(hide_password=True)
    return str(value)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        assert NoneType in get_args(field.annotation)
        return "none"
    value = field.default
    if value == ():
        return "none"
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"
