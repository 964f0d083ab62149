"""``make bench``: measures, prints a table, and writes ``var/bench.json`` (docs/performance.md)."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import machine, measures, papers, rounds, stores
from bench.figures import Figure, summary, table
from bench.questions import questions
from bench.rounds import Bench, Scale, Tally
from bench.sites import generating
from bench.stores import Store

WHAT = ("latency", "alerts", "burst", "handing", "lifecycles", "papers", "growth", "kill", "questions")
"""The measurements; the last three need the large database, and papers looks at it too where there is one."""

SMALL, YEAR, LARGE = 1_000, 100_000, 1_000_000
KINDS = ("sqlite", "postgresql")
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of the suite measures, and where it keeps its databases."""

    what: Sequence[str] = WHAT
    kinds: Sequence[str] = KINDS
    scale: Scale = field(default_factory=Scale)
    small: int = SMALL
    year: int = YEAR
    large: int = LARGE
    folder: Path = Path("var/bench")

    def figures(self) -> Iterator[Figure]:
        """Everything that was asked for, one after another."""
        tally = Tally()
        self.folder.mkdir(parents=True, exist_ok=True)
        with generating() as generator:
            for kind in self.kinds:
                with stores.opened(self.folder, kind, generator) as store:
                    yield from self._on(store, tally, kind)
        yield from _what_went_wrong(tally)

    def _on(self, store: Store, tally: Tally, kind: str) -> Iterator[Figure]:
        small = Bench(generator=store.generator, site=store.site(self.small), scale=self.scale, tally=tally)
        yield from self._on_small(small, kind)
        if "papers" in self.what:
            yield from self._papers(store, tally, kind)
        wanted = {"growth", "kill", "questions"} & set(self.what)
        if not self.large or not wanted:
            return
        large = Bench(generator=store.generator, site=store.site(self.large), scale=self.scale, tally=tally)
        name, count = _NAMES[kind], f"{self.large:,} incidents"
        if "questions" in self.what:
            with large.site.serving(workers=_workers(kind)):
                # The watchdog also reads again what was written a moment ago: let there be something.
                rounds.lives(large)
            yield from questions(large.site, self.scale, f"{count}, {name}")
        if "growth" in self.what:
            versus = f"{count} ÷ {self.small:,}, {name}"
            with small.site.serving(workers=_workers(kind)), large.site.serving(workers=_workers(kind)):
                yield from measures.growth(small, large, versus)
        if "kill" in self.what:
            with large.site.serving(workers=_workers(kind)) as server:
                yield from measures.after_a_kill(large, server, f"{count}, {name}")

    def _papers(self, store: Store, tally: Tally, kind: str) -> Iterator[Figure]:
        """Reports and proof, on a year's incidents."""
        name = f"{self.year:,} incidents in a year, {_NAMES[kind]}"
        bench = partial(Bench, generator=store.generator, scale=self.scale, tally=tally)
        year = bench(site=store.site(self.year, last=papers.LAST))
        yield from papers.page(year, name)
        yield from papers.papers(year, name, self.folder)
        yield from papers.verifying(bench(site=store.site(0)), _NAMES[kind])
        if self.large:
            large = bench(site=store.site(self.large))
            yield from papers.page_growth(year, large, f"{self.large:,} ÷ {self.year:,}, {_NAMES[kind]}")

    def _on_small(self, bench: Bench, kind: str) -> Iterator[Figure]:
        """What is measured on the small database: in one process on SQLite, in three on PostgreSQL."""
        is_sqlite = kind == "sqlite"
        name = "SQLite, one process" if is_sqlite else "PostgreSQL, two web processes and an engine"
        with bench.site.serving(workers=_workers(kind)) as server:
            if "latency" in self.what:
                yield from measures.webhook_latency(bench, self.folder, name, judged=is_sqlite)
            if "alerts" in self.what:
                yield from measures.alert_latency(bench, name)
            if "burst" in self.what:
                yield from measures.bursts(bench, name)
            if "lifecycles" in self.what:
                yield from measures.lifecycles(
                    bench,
                    server,
                    name,
                    at_least=25 if is_sqlite else 40,
                    memory_mib_max=measures.MEMORY_MIB_MAX if is_sqlite else None,
                )
        if "handing" in self.what and is_sqlite:
            yield from measures.handing_over(bench, name)


def main() -> None:
    """Measure what was asked for."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("what", nargs="*", help=f"any of: {' '.join(WHAT)}; all when none is named")
    arguments.add_argument("--on", choices=KINDS, action="append", help="only this database")
    arguments.add_argument("--rounds", type=int, default=Scale().rounds)
    arguments.add_argument(
        "--large", type=int, default=LARGE, help="incidents in the large database; 0: none"
    )
    arguments.add_argument("--tiny", action="store_true", help="only to see that everything runs")
    arguments.add_argument("--folder", type=Path, default=Path("var/bench"), help="where databases are kept")
    arguments.add_argument("--out", type=Path, default=Path("var/bench.json"))
    told = arguments.parse_args()
    unknown = set(told.what) - set(WHAT)
    if unknown:
        arguments.error(
            f"there is no measurement {', '.join(sorted(unknown))}; choose from: {' '.join(WHAT)}"
        )
    run = Run(
        what=told.what or WHAT,
        kinds=told.on or KINDS,
        scale=Scale.tiny() if told.tiny else Scale(rounds=told.rounds),
        small=0 if told.tiny else SMALL,
        year=20 if told.tiny else YEAR,
        large=min(told.large, 20) if told.tiny else told.large,
        folder=told.folder,
    )
    run.folder.mkdir(parents=True, exist_ok=True)
    # Told to stop, it stops its servers first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for line in machine.details(run.folder):
        print(f"  {line}")
    begun_at = time.monotonic()
    found = [figure for figure in run.figures() if _shown(figure)]
    print(f"\n{table(found)}\n\n{time.monotonic() - begun_at:.0f} s in all; written to {told.out}")
    told.out.write_text(
        json.dumps([figure.as_data() for figure in found], indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    sys.exit(0 if all(figure.met is not False for figure in found) else 1)


def _workers(kind: str) -> int:
    return 1 if kind == "sqlite" else 2


def _shown(figure: Figure) -> bool:
    """Tell whoever waits; always true."""
    print(f"  {summary(figure)}", flush=True)
    return True


def _what_went_wrong(tally: Tally) -> Iterator[Figure]:
    """A figure counts only when nothing went another way than it should."""
    for words in tally.failures[:3]:
        print(f"  went wrong: {words[:400]}")
    for name, count in (
        (
            "callers of the whole run who heard the fallback (the work took more than 1.5 s)",
            sum(tally.fallbacks),
        ),
        ("lives of the whole run that took another course", len(tally.failures)),
    ):
        yield Figure(name=name, unit="", median=count, target="= 0", met=count == 0)


if __name__ == "__main__":
    main()
