"""How the program logs: structlog for all, console or JSON, nothing personal and nothing secret.

Decides the form of a line and what is masked in it, also in lines of uvicorn, SQLAlchemy and other libraries.
Decides nothing about what is worth logging. Event names are static (``outbox.delivered``); what varies is a
key beside them.
"""

import logging
import re
import sys
from collections.abc import Collection, Mapping
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from dispatch.domain import phones

_HIDDEN = "•••"
_NUMBER = re.compile(
    r"(?:\+|%2B)[0-9]{8,15}"
    r"|(?<![\w.-])(?:62|0)8[0-9]{7,12}(?![\w.-])"
    r"|(?<![\w-])0[0-9]{3}(?:[ -][0-9]{3,5}){2}"
)
"""E.164 (also as a form spells it), and the two ways in which people here write a mobile number."""

_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"'<>]*")
_LINK = re.compile(r"(/[wl]/)[A-Za-z0-9_-]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic) +[A-Za-z0-9._~+/=-]+")
_SECRET_KEYS = frozenset(
    {"password", "token", "auth_token", "secret", "secret_key", "authorization", "cookie", "signature"}
)

_QUIET = {
    # Its lines hold whole addresses with their queries; requests are counted in the metrics instead.
    "uvicorn.access": logging.CRITICAL,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "httpx": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "twilio": logging.WARNING,
}


class Mask:
    """Takes telephone numbers, personal links, query strings and secrets out of every line."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        """*secrets* are hidden wherever they appear, whatever key they stand under."""
        longest_first = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """The line without what nobody may read in it."""
        del logger, method
        return {
            key: _HIDDEN if key.lower() in _SECRET_KEYS else self._masked(value)
            for key, value in event.items()
        }

    def text(self, text: str) -> str:
        """One text, masked."""
        if self._secrets is not None:
            text = self._secrets.sub(_HIDDEN, text)
        text = _BEARER.sub(rf"\1 {_HIDDEN}", _LINK.sub(rf"\1{_HIDDEN}", _QUERY.sub(f"?{_HIDDEN}", text)))
        return _NUMBER.sub(_masked_number, text)

    def _masked(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                key: _HIDDEN if str(key).lower() in _SECRET_KEYS else self._masked(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._masked(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))


def configure_logging(
    log_format: str, *, secrets: Collection[str] = (), stream: TextIO | None = None, level: int = logging.INFO
) -> None:
    """Send every line of this process to *stream* (standard error), as ``console`` or ``json``."""
    last: Processor
    if log_format == "json":
        last = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        last = structlog.dev.ConsoleRenderer(colors=False)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Before masking: a traceback quotes the values that failed.
            structlog.processors.format_exc_info,
            Mask(secrets),
            last,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in ("uvicorn", "uvicorn.error"):
        # A server set up elsewhere in this process may have kept its lines to itself, unmasked.
        server = logging.getLogger(name)
        server.handlers, server.propagate, server.disabled = [], True, False
        server.setLevel(logging.NOTSET)
    for name, quiet_level in _QUIET.items():
        logging.getLogger(name).setLevel(quiet_level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _masked_number(found: re.Match[str]) -> str:
    return cast("str", phones.mask(found.group().replace("%2B", "+")))
