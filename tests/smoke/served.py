"""Runs the program as people run it: a process on a free port, with a folder and an environment of its own.

Also reads its log, in which no line may be an error. Knows nothing of calls.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from bench.ports import free_port

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 60.0
STOPS_WITHIN_S = 20.0
PROBE_S = 0.05

PROGRAM = ("-m", "config.cli")


class Served:
    """One ``siaga serve``, which may be killed and started again on the same port and the same data."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Write everything below *folder*; *environ* are the settings."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._log = folder / "siaga.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.wrapped_in: Sequence[str] = ()
        """What the whole command runs under, such as ``strace``."""
        self.environ = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "SIAGA_DATA_DIR": str(folder / "var"),
            "SIAGA_PUBLIC_URL": self.url,
            "SIAGA_LOG_FORMAT": "json",
            **environ,
        }

    def start(self, *options: str, program: Sequence[str] = PROGRAM) -> None:
        """Start, and return when it takes calls."""
        self.launch(*options, program=program)
        if not self.becomes_ready():
            self.kill()
            raise AssertionError(f"siaga serve did not start:\n{self._log.read_text(encoding='utf-8')}")

    def becomes_ready(self) -> bool:
        """Wait until it takes calls; False when it ended before, or did not answer in time."""
        with httpx.Client(base_url=self.url, trust_env=False) as web:
            for _ in range(int(READY_WITHIN_S / PROBE_S)):
                try:
                    if "starting" not in web.get("/readyz").json()["reasons"]:
                        return True
                except httpx.TransportError:
                    pass
                if self.has_ended_within(PROBE_S):
                    break
        return False

    def launch(self, *options: str, program: Sequence[str] = PROGRAM) -> None:
        """Start, and do not wait; *program* is what stands between Python and ``serve``."""
        command = [sys.executable, *program, "serve", "--port", str(self.port), *options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.wrapped_in, *command],
                cwd=self._folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                # A group of its own, so that a kill takes whatever it has started along.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its number; with several web processes, their supervisor's."""
        assert self._process is not None
        return self._process.pid

    @property
    def ended_by(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.poll()

    def has_ended_within(self, seconds: float) -> bool:
        """Whether it ends, by itself or by somebody's hand, before so long."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does; only a kill can follow."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def strike(self) -> None:
        """End it as a power cut does: no instruction of it or of its children runs any more."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """The same, and wait until it is gone."""
        self.strike()
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, as the system does when it shuts down."""
        self._end(signal.SIGTERM)

    def errors(self) -> list[str]:
        """The lines of the log that say that something went wrong, or that are no log lines at all."""
        return [line for line in self.log_lines() if not _is_harmless(line)]

    def log_lines(self) -> list[str]:
        """Everything that it said on standard error."""
        return self._log.read_text(encoding="utf-8").splitlines()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(number)
            process.wait(STOPS_WITHIN_S)


def _is_harmless(line: str) -> bool:
    try:
        return json.loads(line)["level"] in {"debug", "info", "warning"}
    except (ValueError, KeyError, TypeError):
        return False
