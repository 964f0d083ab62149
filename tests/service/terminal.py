"""The program as somebody in a terminal runs it, in a folder of its own."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from config.cli import main
from tests.tidy.tree import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.err.rstrip("\n").rpartition("\n")[2]


Siaga = Callable[..., Ended]


@pytest.fixture
def siaga(tmp_path: Path) -> Siaga:
    """Runs the program in a folder of its own, as somebody in a terminal does."""

    def run(*arguments: str, stdin: str = "", **environ: str) -> Ended:
        key = {"SIAGA_SECRET_KEY": "a key that is long enough"}
        ended = subprocess.run(
            [sys.executable, "-m", "config.cli", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **key, **environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in ended.stdout + ended.stderr
        return Ended(status=ended.returncode, out=ended.stdout, err=ended.stderr)

    return run


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Siaga]:
    """The same in this process, which is quicker, for commands that read no input."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, without_key: bool = False, **environ: str) -> Ended:
        key = {} if without_key else {"SIAGA_SECRET_KEY": "a key that is long enough"}
        with monkeypatch.context() as patch:
            for name, value in {**key, **environ}.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as raised:
                main(arguments)
        written = capsys.readouterr()
        assert "Traceback" not in written.out + written.err
        return Ended(status=int(raised.value.code or 0), out=written.out, err=written.err)

    yield run
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def migrated(here: Siaga, tmp_path: Path, migrated_sqlite_file: Path) -> Siaga:
    """The same, where ``siaga migrate`` was run."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "siaga.db").write_bytes(migrated_sqlite_file.read_bytes())
    return here
