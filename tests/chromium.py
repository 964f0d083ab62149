"""Finds the Chromium that browser tests and screenshots drive; decides nothing about pages.

Order: TEST_CHROMIUM, a Chromium or Chrome of the system, the one that playwright installed itself.
"""

import os
import shutil
import sys
from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLAYWRIGHT_BUILDS = "ms-playwright/chromium-*/chrome-linux*/chrome"

# As root Chromium refuses its sandbox; the rest keeps it from asking for hosts that no test needs.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_program() -> str:
    """The path of the browser's program; FileNotFoundError says what to do when there is none."""
    if named := os.environ.get("TEST_CHROMIUM"):
        return named
    for program in PROGRAMS:
        if found := shutil.which(program):
            return found
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if builds := sorted(cache.glob(PLAYWRIGHT_BUILDS)):
        return str(builds[-1])
    message = "No Chromium here: run tools/test-deps, or set TEST_CHROMIUM to its program."
    raise FileNotFoundError(message)


if __name__ == "__main__":
    sys.stdout.write(chromium_program() + "\n")
