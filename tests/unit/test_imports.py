"""What a starting server may not spend its time on: a caller is waiting (ADR 0022)."""

import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory

from models import migrating

ROOT = Path(__file__).parents[2]

NOT_FOR_THE_FIRST_CALL = (
    "alembic",
    "config.backing_up",
    "geopy",
    "httpx",
    "telephony.simulator",
    "typst",
    "xlsxwriter",
)
"""Migrating, backups, distances, heartbeats, the demonstration, reports: imported by whoever wants them."""


def imported_by(statement: str) -> set[str]:
    """The modules that a new Python has after *statement*."""
    command = [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    return set(found.stdout.split())


def test_the_server_imports_only_what_answers_the_first_call() -> None:
    found = imported_by("import config.cli, config.web, config.wiring")
    assert "telephony.webhooks" in found
    assert found.isdisjoint(NOT_FOR_THE_FIRST_CALL)


def test_the_revision_that_the_program_needs_is_the_last_of_its_migrations() -> None:
    assert ScriptDirectory(str(migrating.MIGRATIONS)).get_current_head() == migrating.HEAD
