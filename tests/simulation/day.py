"""One simulated day after another: trouble, then quiet, then every promise is looked at.

The same seed gives the same day, to the last line of its trace.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from models.migrating import upgrade
from tests.simulation.desk import Desk
from tests.simulation.people import Resident, Worker
from tests.simulation.plan import TEAM, employ, phone_of
from tests.simulation.promises import BrokenPromiseError
from tests.simulation.town import Town

DAY_S = 24 * 3600.0
NUMBERS = (*(f"+6281199990{place:03d}" for place in range(8)), None)
QUIET_ROUNDS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What happened in a day, and what was looked at."""

    seed: int
    calls: int
    texts: int
    incidents: int
    events: int
    faults: Counter[str]
    checks: Counter[str]
    trace: tuple[str, ...]
    heads: tuple[str, ...]

    def __str__(self) -> str:
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return (
            f"seed {self.seed}: {self.calls} calls and {self.texts} texts in, {self.incidents} incidents, "
            f"{self.events} lines of record, {self.faults['crash']} crashes\n"
            f"  faults: {faults or 'none'}\n"
            f"  looked at: {self.checks.total()} times {len(self.checks)} promises, each kept"
        )


class SimulationFailedError(AssertionError):
    """A promise was broken; says which, and how to see it again."""


def make_template(folder: Path) -> Path:
    """An empty database with the current schema, to be copied for each day."""
    path = folder / "template.db"
    upgrade(f"sqlite:///{path}")
    return path


def simulate(seed: int, *, folder: Path, template: Path, days: int = 1) -> Report:
    """Live through *days* days of *seed*.

    Raises:
        SimulationFailedError: a promise was broken, or the program failed where nothing explains it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, folder / "siaga.db")
    town = Town(folder, seed)
    try:
        with _heard_by(town):
            _settle(town)
            for _ in range(days):
                _trouble(town)
                _quiet(town)
                town.promises.hold_at_rest()
        return _report(town)
    except Exception as error:
        lines = "\n".join(town.trace[-25:])
        raise SimulationFailedError(
            f"{type(error).__name__}: {error}\n{lines}\nrepeat with: make simulate SEED={seed} DAYS={days}"
        ) from error
    finally:
        town.close()


@contextmanager
def _heard_by(town: Town) -> Iterator[None]:
    """The program's log, as this town's watcher hears it."""
    processors = structlog.get_config()["processors"]
    before = list(processors)
    # In place, because loggers that were used before keep the list that they began with.
    processors[:] = [town.promises.hears]
    try:
        yield
    finally:
        processors[:] = before


def _settle(town: Town) -> None:
    """Everybody has a job and a phone before anything goes wrong."""
    town.weather.is_quiet = True
    assert town.program is not None
    employ(town.program.services)
    for code, _, _ in TEAM:
        worker = Worker(town, code, phone_of(code))
        town.workers[code] = worker
        town.phones[worker.number] = worker


def _trouble(town: Town) -> None:
    """Emergencies at their times, some on top of each other, and everything that goes wrong."""
    town.weather.is_quiet = False
    for worker in town.workers.values():
        worker.obeys = False
    desk, chance = Desk(town), town.chance
    at_s = 0.0
    for _ in range(chance.randint(3, 6)):
        at_s += chance.choice((5.0, 40.0, 300.0, 3600.0, 10800.0))
        resident = Resident(town, chance.choice(NUMBERS))
        if resident.number is not None:
            town.phones[resident.number] = resident
        kind = chance.choice(("call",) * 7 + ("text", "text", "desk"))
        act = {"call": resident.calls, "text": resident.texts_for_help, "desk": desk.opens_by_hand}[kind]
        town.agenda.after(at_s, f"trouble by {kind}", act)
        for _ in range(chance.choice((0, 1, 3))):
            town.agenda.after(at_s + town.seconds(1, 900), "the desk acts", desk.does_something)
        if chance.random() < 0.25:
            town.agenda.after(at_s + town.seconds(1, 300), "a file is brought", desk.brings_a_file)
    _misfortunes(town, until_s=at_s + 900.0)
    town.passes(min(at_s + 5400.0, DAY_S))


def _misfortunes(town: Town, *, until_s: float) -> None:
    """What lasts for a while: outages, and a clock that is set wrong and perhaps right again."""
    chance = town.chance
    for _ in range(chance.choice((0, 0, 1, 2))):
        lasts_s = chance.choice((3.0, 20.0, 90.0))
        town.agenda.after(
            town.seconds(0, until_s), "the database goes away", partial(town.loses_database, lasts_s)
        )
    for _ in range(chance.choice((0, 0, 1))):
        company, lasts_s = chance.choice(town.companies), chance.choice((10.0, 120.0, 900.0))
        town.agenda.after(
            town.seconds(0, until_s), "a company goes away", partial(town.loses_company, company, lasts_s)
        )
    if chance.random() < 0.25:
        wrong_s, at_s = chance.choice((3600, -3600)), town.seconds(0, until_s)
        town.agenda.after(at_s, f"the clock is set by {wrong_s} s", partial(town.sets_clock, wrong_s))
        if chance.random() < 0.6:
            right_at_s = at_s + town.seconds(30, 2400)
            town.agenda.after(right_at_s, "the clock is set right", partial(town.sets_clock, -wrong_s))


def _quiet(town: Town) -> None:
    """Faults stop, everybody hangs up, and the engine works until nothing is left to do."""
    town.tell("QUIET")
    town.weather.is_quiet = True
    town.passes(200.0)
    for leg in [*town.incoming, *(leg for company in town.companies for leg in company.legs)]:
        leg.ends()
    # Nobody answers for a while: whoever has no owner is asked for again and again.
    town.passes(400.0)
    for worker in town.workers.values():
        worker.obeys = True
    town.passes(600.0)
    desk = Desk(town)
    for incident_id, _ in town.paper.open_incidents():
        desk.closes(incident_id)
    town.excuses_what_a_wrong_clock_hides()
    for _ in range(QUIET_ROUNDS):
        town.passes(60.0)
        if town.is_at_rest:
            return
    raise BrokenPromiseError("the day does not come to rest")


def _report(town: Town) -> Report:
    heads = town.paper.rows("SELECT number, event_count, chain_head, status FROM incident ORDER BY number")
    events = town.paper.rows("SELECT count(*) FROM event")[0][0]
    return Report(
        seed=town.seed,
        calls=len(town.incoming),
        texts=len(town.texts_in),
        incidents=len(heads),
        events=int(str(events)),
        faults=town.weather.struck,
        checks=town.promises.checks,
        trace=tuple(town.trace),
        heads=tuple(str(row) for row in heads),
    )
