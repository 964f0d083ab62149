"""A real Chromium, and a town to look at with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.chromium import ARGUMENTS
from tests.smoke.town import Town


# Not for the session: as long as it lives its event loop is the running one, and asyncio.run fails elsewhere.
@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """The browser, started once for the tests of a module."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture
def town(sqlite_database_url: str, tmp_path: Path) -> Iterator[Town]:
    """A town whose program keeps its record in an SQLite file."""
    town = Town(sqlite_database_url, tmp_path)
    try:
        yield town
        town.served.stop()
        assert town.served.errors() == []
    finally:
        town.closes()
