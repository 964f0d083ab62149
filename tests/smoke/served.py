"""Runs the program as people run it: a process on a free port, with a folder and an environment of its own.

Also reads its log, in which no line may be an error. Knows nothing of calls.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 60.0
STOPS_WITHIN_S = 20.0
PROBE_S = 0.05

# Below the range from which the system hands out ports of its own accord.
PORTS = range(20_000, 30_000)


def free_port() -> int:
    """A port on which nobody listens."""
    while True:
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Served:
    """One ``siaga serve``, which may be killed and started again on the same port and the same data."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Write everything below *folder*; *environ* are the settings."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._log = folder / "siaga.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.environ = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "SIAGA_DATA_DIR": str(folder / "var"),
            "SIAGA_PUBLIC_URL": self.url,
            "SIAGA_LOG_FORMAT": "json",
            **environ,
        }

    def start(self, *options: str) -> None:
        """Start, and return when it answers."""
        command = [sys.executable, "-m", "config.cli", "serve", "--port", str(self.port), *options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        with httpx.Client(base_url=self.url, trust_env=False) as web:
            for _ in range(int(READY_WITHIN_S / PROBE_S)):
                try:
                    if web.get("/healthz").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                try:
                    self._process.wait(PROBE_S)
                except subprocess.TimeoutExpired:
                    continue
                break
        self.kill()
        raise AssertionError(f"siaga serve did not start:\n{self._log.read_text(encoding='utf-8')}")

    def kill(self) -> None:
        """End it as a power cut does: no instruction of it runs any more."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, as the system does when it shuts down."""
        self._end(signal.SIGTERM)

    def errors(self) -> list[str]:
        """The lines of the log that say that something went wrong, or that are no log lines at all."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if not _is_harmless(line)]

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
