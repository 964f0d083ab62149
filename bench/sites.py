"""The real program on a database of its own, and the processes beside it: generator, limits.

Decides how the program is started (as ``siaga serve`` and ``siaga engine``, with a stand-in for the provider)
and how its memory is counted. Measures nothing.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.error import URLError
from urllib.request import urlopen
from zoneinfo import ZoneInfo

from bench.ports import free_port
from bench.webhook import ACCOUNT, SERVICE_NUMBER, TOKEN
from config.settings import PREFIX, Settings
from models.migrating import upgrade

POLICY = Path(__file__).with_name("policy.toml")
STAFF = 18
"""People on duty: as many as the whole team of PSC 119 Mimika has (13 nurses, 3 midwives, 2 doctors)."""

START_WITHIN_S = 60.0
READY_IN_A_ROW = 20
"""Answers of readiness before several processes are all taken for ready."""

STOP_WITHIN_S = 30.0
_ZONE = ZoneInfo("Asia/Jayapura")


class ServerFailedError(Exception):
    """A process did not start, or said something else than it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A health centre: its folder, its database, its addresses, and the policy it follows."""

    folder: Path
    database_url: str
    provider_port: int
    port: int = field(default_factory=free_port)
    policy: Path | None = POLICY

    @property
    def url(self) -> str:
        """Where the program answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Everything the program is told; nothing of this machine's own settings leaks in."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        # An installed program is compiled; one that compiles itself at every start takes three times as long.
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        told = {
            "database_url": self.database_url,
            "data_dir": str(self.folder / "var"),
            "public_url": self.url,
            "secret_key": "bench-secret-not-a-secret",
            "telephony": "twilio",
            "twilio_account_sid": ACCOUNT,
            "twilio_auth_token": TOKEN,
            "twilio_number": SERVICE_NUMBER,
            "twilio_api_url": f"http://127.0.0.1:{self.provider_port}",
            "log_format": "json",
            **({} if self.policy is None else {"policy_file": str(self.policy)}),
            # The provider here has no limit; a new account's own would be all that is measured.
            **({"calls_per_second": "0"} if "calls_per_second" in Settings.model_fields else {}),
        }
        return {**inherited, **{PREFIX + key.upper(): value for key, value in told.items()}}

    def prepare(self, *, on_duty: int = STAFF) -> None:
        """Bring the database to the current schema and import people and roster, as an operator would."""
        (self.folder / "var").mkdir(parents=True, exist_ok=True)
        upgrade(self.database_url)
        for kind, content in (("staff", _staff()), ("roster", _roster(datetime.now(_ZONE).date(), on_duty))):
            file = self.folder / f"{kind}.csv"
            file.write_text(content, encoding="utf-8")
            self.run("import", kind, str(file))

    def run(self, *arguments: str, told: str = "") -> "Ran":
        """One command of the program from start to end, *told* a line on its standard input.

        Raises:
            ServerFailedError: it failed; the message is what it said.
        """
        begun_at = time.perf_counter()
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as heard:
            heard.write(f"{told}\n".encode())
            heard.seek(0)
            process = subprocess.Popen(
                _command(*arguments), env=self.environment, stdin=heard, stdout=said, stderr=said
            )
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                raise ServerFailedError(said.read().decode(errors="replace"))
        return Ran(seconds=time.perf_counter() - begun_at, memory_mib=used.ru_maxrss / 1024)

    @contextmanager
    def serving(self, *, workers: int = 1, engine: bool = True) -> Iterator["Server"]:
        """The program while the block runs; with several *workers* the engine is a process of its own."""
        web = ["serve", "--port", str(self.port), "--workers", str(workers)]
        apart = engine and workers > 1
        commands = [
            [*web, *(() if engine and not apart else ("--no-engine",))],
            *([["engine"]] if apart else []),
        ]
        # Without any engine the program rightly never says that it is ready.
        server = Server(self, commands, ready_path="/readyz" if engine else "/login")
        try:
            server.start()
            yield server
        finally:
            server.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How long a command took, its start included, and the most memory that it held (RSS)."""

    seconds: float
    memory_mib: float


class Server:
    """The processes of one running program."""

    def __init__(self, site: Site, commands: Sequence[Sequence[str]], *, ready_path: str) -> None:
        """Not started yet; it is once *ready_path* answers 200."""
        self.site = site
        self._ready_path = ready_path
        self._commands = commands
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *, ready: bool = True) -> None:
        """Start every process; with *ready* wait until the program says that it is."""
        with (self.site.folder / "server.log").open("ab") as log:
            self._processes = [
                subprocess.Popen(
                    _command(*command),
                    env=self.site.environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                for command in self._commands
            ]
        if ready:
            self.await_ready()

    def stop(self) -> None:
        """Ask every process to end, and wait."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []

    def kill(self) -> None:
        """End every process at once, with all its children, as a crash would."""
        for process in self._processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes = []

    @property
    def pid(self) -> int:
        """The first process: the web server."""
        return self._processes[0].pid

    def memory_mib(self) -> float:
        """The proportional share of memory (PSS) of all processes."""
        pids = [pid for process in self._processes for pid in _family(process.pid)]
        return sum(_pss_kib(pid) for pid in pids) / 1024

    def errors(self) -> list[str]:
        """Lines of the log that say something failed."""
        log = (self.site.folder / "server.log").read_text(encoding="utf-8", errors="replace")
        return [line for line in log.splitlines() if '"level": "error"' in line or '"critical"' in line]

    def await_ready(self) -> None:
        """Return once the program says that it is ready."""
        until = time.monotonic() + START_WITHIN_S
        ready = 0
        while time.monotonic() < until and ready < READY_IN_A_ROW:
            if any(process.poll() is not None for process in self._processes):
                break
            try:
                # A new connection each time: any of several processes may take it.
                with urlopen(f"{self.site.url}{self._ready_path}", timeout=1):  # noqa: S310 - our own loopback address
                    ready += 1
            except (URLError, OSError):
                ready = 0
                time.sleep(0.05)
        if ready == READY_IN_A_ROW:
            return
        log = (self.site.folder / "server.log").read_text(encoding="utf-8", errors="replace")
        raise ServerFailedError(f"the server did not start:\n{log[-4000:]}")


class Generator:
    """The generator's process, with the stand-in for the provider in it."""

    def __init__(self) -> None:
        """Start it; when this returns, the provider listens on a port of its own choice."""
        command = [sys.executable, "-m", "bench.load"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = cast("int", self._read())

    def ask(self, do: str, **order: object) -> Any:  # noqa: ANN401 - whatever the order is answered with
        """Carry out one order and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **order}).encode() + b"\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> object:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ServerFailedError("the generator ended; its own words are above")
        return cast("object", json.loads(line))


@contextmanager
def generating() -> Iterator[Generator]:
    """A generator while the block runs."""
    generator = Generator()
    try:
        yield generator
    finally:
        generator.close()


@contextmanager
def limits(folder: Path, *, document_bytes: int, commit_bytes: int) -> Iterator[str]:
    """The application of the two limits; its address."""
    port = free_port()
    options = {"port": port, "file": folder / "limits.db"}
    options |= {"document-bytes": document_bytes, "commit-bytes": commit_bytes}
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    process = subprocess.Popen([sys.executable, "-m", "bench.limits", *arguments])
    try:
        _await_port(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=STOP_WITHIN_S)


def _await_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ServerFailedError(f"nobody listens on port {port}")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "config.cli", *arguments]


def _staff() -> str:
    """Invented nurses, each with a number of their own."""
    lines = ["code,name,role,phone,skills,base_place"]
    lines += [
        f"B{n:03d},Ns. Contoh {n},responder,+62812{n:08d},nurse;midwife;bls," for n in range(1, STAFF + 1)
    ]
    return "\n".join(lines) + "\n"


def _roster(today: date, on_duty: int) -> str:
    """The first *on_duty* of them, from yesterday to the day after tomorrow."""
    lines = ["staff_code,starts_at,ends_at,tier"]
    for day in (today + timedelta(days=offset) for offset in range(-1, 3)):
        span = f"{day}T00:00,{day + timedelta(days=1)}T00:00"
        lines += [f"B{n:03d},{span},jaga" for n in range(1, on_duty + 1)]
    return "\n".join(lines) + "\n"


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
