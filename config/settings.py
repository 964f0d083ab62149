"""The settings: one frozen class, read once when a command starts (CONTRACT 2).

Decides which variables exist and which values they may have. Only ``config`` reads it; the rest of the
program is handed what it needs. Adding a setting is adding a field here; ``docs/settings.md`` follows.
"""

import difflib
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from config.files import FileRefusedError, read_toml, reason_of
from dispatch.domain import phones

PREFIX = "SIAGA_"
CONFIG_VARIABLE = "SIAGA_CONFIG"
SIMULATED_NUMBER = "+62911000911"
"""The service's number while only the simulator carries calls: clearly invented, and easy to remember."""

ALIKE = 0.65
"""How alike (0 to 1) two names are without the prefix for one to be offered in place of the other."""

_DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
_PROVIDERS = ("twilio", "simulator")


class SettingsError(Exception):
    """A setting stops the start: its name as the person wrote it, and the reason in one clause."""

    def __init__(self, name: str, reason: str) -> None:
        """Keep both; the message is ``NAME: reason``."""
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class SecretKeyMissingError(SettingsError):
    """There is no secret key at all; the demo makes one, everything else refuses to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephonyAccount:
    """The account that webhooks are signed for and requests are sent with."""

    account_sid: str
    auth_token: SecretStr
    number: str


def _database_address(text: str) -> str:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ValueError("is no database address; write sqlite:///FILE or postgresql+psycopg://…") from error
    if url.drivername not in _DRIVERS:
        raise ValueError(f"{url.drivername} is not supported; write sqlite:///FILE or postgresql+psycopg://…")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError("a database in memory would forget every call; write sqlite:///FILE")
    return text


ORIGIN_LENGTH_MAX = 70
"""An alert of one segment (160) holds number, colour, keys and the link of 19 characters after the origin."""


def _web_origin(text: str) -> str:
    """Scheme, host and port alone; one slash at the end is forgiven and taken off."""
    origin = text.strip().removesuffix("/")
    try:
        parts = urlsplit(origin)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is no web address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is no web address; write https://HOST")
    if parts.username or parts.password:
        raise ValueError("must not carry a user name or password")
    if parts.path or parts.query or parts.fragment or "?" in origin or "#" in origin:
        raise ValueError(f"{text!r} has something after the host; write {parts.scheme}://{parts.netloc}")
    if len(origin) > ORIGIN_LENGTH_MAX:
        raise ValueError(
            f"is longer than {ORIGIN_LENGTH_MAX} characters, so that an alert would not fit one text"
        )
    return origin


def _web_address(secret: SecretStr) -> SecretStr:
    """An address with whatever path it needs; its text often is a secret, so it is never repeated."""
    try:
        parts = urlsplit(secret.get_secret_value())
        _ = parts.port
    except ValueError as error:
        raise ValueError("is no web address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no web address; write https://HOST/PATH")
    return secret


def _mail_server(secret: SecretStr) -> SecretStr:
    """Its text holds a password, so it is never repeated."""
    try:
        parts = urlsplit(secret.get_secret_value())
        _ = parts.port
    except ValueError as error:
        raise ValueError("is no address of a mail server") from error
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
        raise ValueError("is no address of a mail server; write smtp://USER:PASSWORD@HOST:587")
    return secret


def _listed(value: object) -> object:
    """Read ``a, b`` (or a list, in the file) into texts in order."""
    if isinstance(value, str):
        return tuple(text.strip() for text in value.split(",") if text.strip())
    return tuple(value) if isinstance(value, list) else value


def _providers(value: object) -> object:
    """Read ``a, b`` (or a list, in the file) into names in order."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError("should be provider names with commas between them")
    names = tuple(name.strip().lower() for name in cast("list[str]", value))
    for name in names:
        if name == "gsm":
            raise ValueError("gsm is not available in this version; choose from " + ", ".join(_PROVIDERS))
        if name not in _PROVIDERS:
            raise ValueError(f"{name!r} is no provider; choose from " + ", ".join(_PROVIDERS))
        if names.count(name) > 1:
            raise ValueError(f"names {name} twice")
    return names


def _stripped(secret: SecretStr) -> SecretStr:
    stripped = SecretStr(secret.get_secret_value().strip())
    if not stripped.get_secret_value():
        raise ValueError("must not be empty: an empty key verifies anything")
    return stripped


def _secret_key(secret: SecretStr) -> SecretStr:
    if len(_stripped(secret).get_secret_value()) < 16:
        raise ValueError("is too short; at least 16 characters, for example from: openssl rand -hex 32")
    return secret


def _own_number(text: str) -> str:
    if not phones.is_ordinary(text):
        raise ValueError(f"{text!r} is no telephone number in E.164, for example +6281234567890")
    return text


def _existing_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}")
    return path


def _folder(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        raise ValueError(f"{str(path)!r} is not a folder")
    return path


Origin = Annotated[str, AfterValidator(_web_origin)]
MailAddress = Annotated[str, Field(pattern=r"^[^@\s,<>]+@[^@\s,<>]+$", max_length=200)]
ExistingFile = Annotated[Path, AfterValidator(_existing_file)]


class Settings(BaseSettings):
    """Every setting of the program."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=False)

    database_url: Annotated[str, AfterValidator(_database_address)] = Field(
        default="sqlite:///var/siaga.db",
        description="SQLite file, or `postgresql+psycopg://USER:PASSWORD@HOST/NAME`.",
    )
    public_url: Origin = Field(
        default="http://127.0.0.1:8911",
        description="The address that the telephony provider calls; signatures are checked against it.",
    )
    secret_key: Annotated[SecretStr, AfterValidator(_secret_key)] = Field(
        description="Key of sessions and links; at least 16 characters. Required, except in the demo.",
    )
    telephony: Annotated[tuple[str, ...], BeforeValidator(_providers)] = Field(
        default=("simulator",),
        min_length=1,
        description="Providers with commas between them, in order of preference: `twilio`, `simulator`.",
    )
    twilio_account_sid: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{2,64}$")] | None = Field(
        default=None, description="The account. Required by `twilio`; the simulator derives one."
    )
    twilio_auth_token: Annotated[SecretStr, AfterValidator(_stripped)] | None = Field(
        default=None,
        description="The account's secret, which signs. Required by `twilio`; the simulator derives one.",
    )
    twilio_number: Annotated[str, AfterValidator(_own_number)] | None = Field(
        default=None,
        description=f"The service's number (E.164). Required by `twilio`; simulated as {SIMULATED_NUMBER}.",
    )
    twilio_api_url: Origin = Field(
        default="https://api.twilio.com",
        description="Base address of Twilio or of a compatible service; no trailing path.",
    )
    twilio_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=60,
        description="Seconds to wait for the provider's answer, once it is connected (within 3 s).",
    )
    calls_per_second: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        description="Calls that the provider takes each second (a new Twilio account: 1); 0 means no limit. "
        "Only rings that repeat an earlier one ever wait for it.",
    )
    policy_file: ExistingFile | None = Field(
        default=None,
        description="Who is alerted when; unset means the shipped `config/defaults/policy.toml`.",
    )
    facility_file: ExistingFile | None = Field(
        default=None,
        description="Name, code, time zone, position, numbers, targets, witnesses; "
        "unset means the shipped `config/defaults/kwamki.toml`.",
    )
    data_dir: Annotated[Path, AfterValidator(_folder)] = Field(
        default=Path("var"), description="Folder of everything the program writes."
    )
    heartbeat_url: Annotated[SecretStr, AfterValidator(_web_address)] | None = Field(
        default=None,
        description="Asked by GET every minute while the watchdog finds nothing, for a watcher outside who "
        "raises the alarm when that stops. Unset means never.",
    )
    backup_dir: Annotated[Path, AfterValidator(_folder)] | None = Field(
        default=None,
        description="Folder of the backups that are made every day, best on another disk; unset means none.",
    )
    backup_at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        default="02:15", description="When, on the facility's clock. One that was missed is made up for."
    )
    backup_keep: int = Field(
        default=14,
        ge=1,
        le=3650,
        description="The newest backup of so many days is kept, and the first one of each of twelve months.",
    )
    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = Field(
        default=None,
        description="Mail server of the monthly report: `smtp://USER:PASSWORD@HOST:587` or `smtps://…`. "
        "Unset means that nothing is mailed.",
    )
    report_to: Annotated[tuple[MailAddress, ...], BeforeValidator(_listed)] = Field(
        default=(),
        description="Who gets last month's report on the first of the month, addresses with commas between.",
    )
    report_from: MailAddress | None = Field(
        default=None, description="The sender of these mails; unset means the first who gets them."
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="`console` for people, `json` for machines."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what :func:`load_settings` gathered counts; this machine's environment does not leak in."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @model_validator(mode="after")
    def _twilio_is_whole(self) -> Self:
        if "twilio" in self.telephony:
            for name in ("twilio_account_sid", "twilio_auth_token", "twilio_number"):
                if getattr(self, name) is None:
                    raise _MissingForTwilioError(name)
        return self

    @property
    def account(self) -> TelephonyAccount:
        """The account in use; what is unset is derived from the secret key (the simulator's only)."""
        token = self.twilio_auth_token or SecretStr(self._derived("simulator auth token"))
        return TelephonyAccount(
            account_sid=self.twilio_account_sid or "AC" + self._derived("simulator account"),
            auth_token=token,
            number=self.twilio_number or SIMULATED_NUMBER,
        )

    def _derived(self, purpose: str) -> str:
        """Thirty-two hexadecimal digits that only the holder of the secret key can compute."""
        key = self.secret_key.get_secret_value().encode()
        return hmac.new(key, purpose.encode(), hashlib.sha256).hexdigest()[:32]


class _MissingForTwilioError(Exception):
    """A value without which Twilio cannot be used; leaves validation as it is."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in *environ*, and below them those in the TOML file that ``SIAGA_CONFIG`` names.

    Raises:
        SettingsError: an unknown name or a bad value; nothing may start then. No secret is in the message.
    """
    path = Path(environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in environ else None
    in_file = _from_file(path) if path else {}
    in_environment = _from_environment(environ)
    try:
        return Settings.model_validate({**in_file, **in_environment})
    except _MissingForTwilioError as error:
        raise SettingsError(variable(error.name), "is required when SIAGA_TELEPHONY names twilio") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        if first["type"] == "missing":
            reason = "is required; make one, for example with: openssl rand -hex 32"
            raise SecretKeyMissingError(variable(key), reason) from error
        where = f" (key {key} in {path})" if key in in_file and key not in in_environment else ""
        raise SettingsError(variable(key), reason_of(first) + where) from error


def variable(key: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + key.upper()


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """What the environment sets, by key."""
    known = {variable(key): key for key in Settings.model_fields}
    found: dict[str, object] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        if name not in known:
            raise SettingsError(name, "there is no such setting" + _meant(name, (*known, CONFIG_VARIABLE)))
        found[known[name]] = value
    return found


def _from_file(path: Path) -> dict[str, object]:
    """What the file sets, by key."""
    try:
        found = read_toml(path)
    except FileRefusedError as error:
        raise SettingsError(CONFIG_VARIABLE, str(error)) from error
    for key in found:
        if key not in Settings.model_fields:
            raise SettingsError(
                key, f"there is no such setting, in {path}" + _meant(key, tuple(Settings.model_fields))
            )
    return found


def _meant(name: str, known: tuple[str, ...]) -> str:
    # The prefix is common to all of them and would make any two names look alike.
    meant = {key.removeprefix(PREFIX): key for key in known}
    close = difflib.get_close_matches(name.removeprefix(PREFIX), meant, n=1, cutoff=ALIKE)
    return f"; did you mean {meant[close[0]]}?" if close else ""
