"""Log lines: one form for everybody, and nothing personal or secret in any of them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from config.logging import configure_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logging("json", secrets=["s3cret-of-tests"], stream=stream)
    yield stream
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_a_line_is_json_with_its_event_level_and_instant(lines: io.StringIO) -> None:
    structlog.get_logger("siaga.test").info(
        "outbox.delivered", incident_id="0192f62a-0811-7000-8000-006281100000"
    )
    line = json.loads(lines.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "outbox.delivered",
        "level": "info",
        "logger": "siaga.test",
        "incident_id": "0192f62a-0811-7000-8000-006281100000",
    }


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("call from +6281100000199", "81100000199"),
        ("call from 081100000199", "81100000199"),
        ("call from 6281100000199", "81100000199"),
        ("call from 0811-0000-0199", "0000-0199"),
        ("From=%2B6281100000199&To=x", "81100000199"),
        ("GET /w/AbCdEfGh12345678 200", "AbCdEfGh12345678"),
        ("GET /l/AbCdEfGh12345678", "AbCdEfGh12345678"),
        ("GET /incidents?caller=somebody", "somebody"),
        ("Authorization: Bearer siaga_abcdef", "siaga_abcdef"),
        ("key is s3cret-of-tests!", "s3cret-of-tests"),
    ],
)
def test_what_nobody_may_read_is_masked_wherever_it_stands(
    lines: io.StringIO, text: str, hidden: str
) -> None:
    logger = structlog.get_logger("siaga.test")
    logger.info("test.value", value=text)
    logger.info("test.nested", value={"deep": [text]})
    logging.getLogger("uvicorn.error").warning("library says %s", text)
    try:
        int(text)
    except ValueError:
        logger.exception("test.failed")
    assert lines.getvalue().count("\n") == 4
    assert hidden not in lines.getvalue()


@pytest.mark.parametrize("key", ["password", "token", "Authorization", "auth_token", "secret_key"])
def test_secrets_are_hidden_by_their_names(lines: io.StringIO, key: str) -> None:
    structlog.get_logger("siaga.test").info(
        "test.secret", **{key: "open sesame"}, headers={key: "open sesame"}
    )
    assert "open sesame" not in lines.getvalue()


def test_requests_are_not_logged_by_the_server(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").info("GET /board HTTP/1.1 200")
    logging.getLogger("httpx").info("HTTP Request: POST https://example.org")
    assert lines.getvalue() == ""


def test_the_console_form_is_one_readable_line() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logging("console", stream=stream)
    structlog.get_logger("siaga.test").info("call.received", number="+6281100000199")
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    assert stream.getvalue().count("\n") == 1
    assert "call.received" in stream.getvalue()
    assert "+62811•••••99" in stream.getvalue()
