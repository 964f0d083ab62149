"""What every test stands on: its own databases, no network, no outside settings, bounded Hypothesis runs."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import network_guard
from tests.chromium import chromium_program

pytest_plugins = ["tests.databases"]

FOREIGN_SETTINGS = ("SIAGA_", "TWILIO_")

TRIED_LESS = "tried less than meant"
"""The property of a test that this machine did not let do all it should; said aloud at the end of the run."""

# The same examples on every run: a failure here is a failure there. HYPOTHESIS_PROFILE=explore looks further.
settings.register_profile(
    "ci",
    max_examples=60,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", parent=settings.get_profile("ci"), max_examples=2000, derandomize=False)


def pytest_configure(config: pytest.Config) -> None:
    """Close the doors before any module of ours is imported."""
    for name in [name for name in os.environ if name.startswith(FOREIGN_SETTINGS)]:
        del os.environ[name]
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
    network_guard.install()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what passed without being tried as it should be: nothing is skipped in silence."""
    passed = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    for report in passed:
        for name, what in report.user_properties:
            if name == TRIED_LESS:
                terminalreporter.write_line(f"LESS THAN MEANT {report.nodeid}: {what}", yellow=True)


@pytest.fixture(autouse=True)
def nobody_outside_was_contacted() -> Iterator[None]:
    """Fail the test in which something tried to leave this machine, even where the refusal was caught."""
    network_guard.refused.clear()
    yield
    assert not network_guard.refused, network_guard.refused


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's program; its absence fails the test."""
    return chromium_program()
