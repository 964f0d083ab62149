"""Several real processes of one program: ``siaga serve`` with its web processes, and engines beside it.

Knows which process is which, and kills the one that a test names. What was promised is counted by
``tests.crash.counting``.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dispatch.service.engine_lease import NAME
from models.traffic import Lease
from tests.crash import counting
from tests.crash.siege import Siege, chance
from tests.fakes.stand_in import StandIn, stand_in

STOPS_WITHIN_S = 20.0
LOOKS_EVERY_S = 0.1


class EngineProcess:
    """One ``siaga engine``."""

    def __init__(self, folder: Path, environ: dict[str, str], name: str) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "config.cli", "engine"],
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_at_work(self) -> bool:
        """Whether it said so, on SQLite."""
        return "engine.at_work" in self.log.read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it between two instructions."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(STOPS_WITHIN_S)


class Fleet:
    """The processes of one health centre, with everybody around it."""

    def __init__(self, siege: Siege, folder: Path) -> None:
        self.siege = siege
        self._folder = folder
        self.engines: list[EngineProcess] = []

    @property
    def company(self) -> StandIn:
        return self.siege.company

    @property
    def policy_file(self) -> Path:
        """What each process reads when it starts."""
        return Path(self.siege.served.environ["SIAGA_POLICY_FILE"])

    def serves(self, *options: str) -> None:
        """Start the web processes."""
        self.siege.served.start(*options)

    def adds_engine(self) -> EngineProcess:
        """Start one more engine."""
        engine = EngineProcess(self._folder, self.siege.served.environ, f"engine-{len(self.engines) + 1}")
        self.engines.append(engine)
        return engine

    def web_processes(self) -> list[int]:
        """Those that the supervisor has now."""
        return [pid for pid in _children(self.siege.served.pid) if "spawn_main" in _command(pid)]

    def lease_holder(self) -> int | None:
        """The process whose engine is at work, on SQLite."""
        with self.siege.uow.read() as session:
            row = session.get(Lease, NAME)
        return None if row is None else int(row.holder.split(":")[2])

    def loses(self, pid: int) -> None:
        """One process is killed; what it was sending is in flight."""
        os.kill(pid, signal.SIGKILL)
        self.siege.notes_kill(pid)

    def settles(self) -> dict[str, Sequence[str]]:
        """Let everything come to its end and stop; the promises that were broken."""
        self.siege.settles()
        for engine in self.engines:
            engine.stop()
        return {promise: found for promise, found in self.siege.broken_promises().items() if found}

    def one_call(self, number: str) -> str:
        """Somebody rings; what the program answered."""
        leg = self.company.new_call(number)
        answer = self.company.post(f"{self.siege.served.url}/telephony/voice", self.company.form_of(leg))
        assert answer.status == 200, answer
        self.siege.crowd.acknowledged[leg.sid] = number
        return answer.body

    def was_alerted(self, number: str) -> bool:
        """Whether somebody was rung for the call from *number*."""
        return number in counting.alerted_callers(self.siege.uow, self.company)

    def events(self) -> list[str]:
        """What all of them logged as an error or worse."""
        return [str(line["event"]) for line in self._lines() if line["level"] in ("error", "critical")]

    def said(self, event: str) -> int:
        """How often one of them logged *event*."""
        return sum(line["event"] == event for line in self._lines())

    def _lines(self) -> Iterator[dict[str, object]]:
        for log in (self._folder / "siaga.log", *(engine.log for engine in self.engines)):
            for line in log.read_text(encoding="utf-8").splitlines():
                # What is said to a person, why a process cannot start, stands there too.
                if line.startswith("{") and line.endswith("}"):
                    yield json.loads(line)

    def closes(self) -> None:
        for engine in self.engines:
            engine.kill()
        self.siege.closes()


@contextmanager
def fleet_on(url: str, folder: Path) -> Iterator[Fleet]:
    """A health centre on the database at *url*; nothing is started yet."""
    with stand_in(answers_after_s=0.01) as company:
        fleet = Fleet(Siege(url, folder, company, chance()), folder)
        try:
            yield fleet
        finally:
            fleet.closes()


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
