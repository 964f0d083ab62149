"""An engine whose loop hangs looks dead, because it is: no sign of life, no lease, no process."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from config.ending import STATUS
from dispatch.adapters.clock import SystemClock
from dispatch.service.engine import Engine
from dispatch.service.engine_lease import NAME, EngineLease
from dispatch.service.loop_watch import HANGS_AFTER_LOOKS, TURNS_WITHIN_S, LoopWatch
from models.traffic import Lease, Pulse
from tests.fakes.telephony import WAIT_S
from tests.service.conftest import MakeWorld
from tests.world import World


class Swamp(SystemClock):
    """A clock in which the engine's loop gets stuck, as it may in anything that it asks."""

    def __init__(self) -> None:
        self.is_deep = threading.Event()
        self.is_stuck = threading.Event()
        self.is_dry = threading.Event()

    def now(self) -> datetime:
        if self.is_deep.is_set() and threading.current_thread().name == "engine":
            self.is_stuck.set()
            self.is_dry.wait(WAIT_S)
            self.is_deep.clear()
        return super().now()


class Stopwatch:
    """Seconds that pass by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Hanging:
    """A running engine whose loop hangs, as long as a test wants."""

    def __init__(self, world: World, swamp: Swamp) -> None:
        self.world, self.swamp, self.watch = world, swamp, Stopwatch()
        self.ended: list[str] = []
        self.engine = Engine(
            world.services,
            world.sender,
            lease=EngineLease(world.services),
            on_hang=lambda: self.ended.append("ended"),
            monotonic=self.watch,
        )

    def gets_stuck(self) -> None:
        self.swamp.is_deep.set()
        assert self.swamp.is_stuck.wait(WAIT_S)

    def signs(self) -> tuple[datetime, datetime]:
        """The sign of life and the end of the lease, after both had their turn."""
        self.engine.pulse()
        self.engine.renew()
        with self.world.uow.read() as session:
            return session.get_one(Pulse, "engine").at, session.get_one(Lease, NAME).until_at


@pytest.fixture
def hanging(make_world: MakeWorld) -> Iterator[Hanging]:
    swamp = Swamp()
    found = Hanging(make_world(clock=swamp), swamp)
    found.engine.start()
    yield found
    swamp.is_dry.set()
    found.engine.stop()


def test_an_engine_that_hangs_signs_nothing_and_loses_its_lease_until_it_goes_on(hanging: Hanging) -> None:
    hanging.gets_stuck()
    before = hanging.signs()
    assert all(later > earlier for later, earlier in zip(hanging.signs(), before, strict=True))
    hanging.watch.seconds += TURNS_WITHIN_S
    silent = hanging.signs()
    assert hanging.signs() == silent, "a step that takes so long is none"
    hanging.swamp.is_dry.set()
    assert until(lambda: hanging.signs() > silent), "it goes on where it was"


def test_a_loop_that_hangs_for_a_minute_is_given_up(hanging: Hanging) -> None:
    hanging.gets_stuck()
    for _ in range(HANGS_AFTER_LOOKS + 1):
        hanging.engine.look_at_loop()
    assert hanging.ended


def test_looks_are_counted_only_while_the_mark_stays_the_same() -> None:
    seconds = Stopwatch()
    watch = LoopWatch(seconds)
    assert not any(watch.hangs() for _ in range(2 * HANGS_AFTER_LOOKS)), "it has not begun"
    for _ in range(2 * HANGS_AFTER_LOOKS):
        seconds.seconds += 3600
        assert not watch.hangs(), "who was frozen for an hour looks once"
        assert not watch.hangs(), "and finds the same mark a few times at most"
        watch.mark()
    assert [watch.hangs() for _ in range(HANGS_AFTER_LOOKS + 1)] == [*[False] * HANGS_AFTER_LOOKS, True]


def until(is_so: Callable[[], bool]) -> bool:
    return any(is_so() or threading.Event().wait(0.05) for _ in range(int(WAIT_S / 0.05)))


ENDS = """
import sys
from pathlib import Path
from config.ending import end_if_only_the_loop_hangs
from models.session import open_database
end_if_only_the_loop_hangs(open_database(sys.argv[1]), Path(sys.argv[2]))
"""


def ends_with(url: str, folder: Path) -> int:
    command = [sys.executable, "-c", ENDS, url, str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode


def test_the_process_ends_only_where_that_helps(database_url: str, tmp_path: Path) -> None:
    assert ends_with(database_url, tmp_path) == STATUS
    assert list(tmp_path.glob("*probe*")) == []
    assert ends_with(database_url, tmp_path / ("x" * 300)) == 0, "no disk"
    assert ends_with(f"sqlite:///{tmp_path}", tmp_path) == 0, "no database"
