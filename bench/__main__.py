"""``make bench``: measures, prints a table, and writes ``var/bench.json``."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import machine, measures
from bench.figures import Figure, summary, table
from bench.measures import Bench, Scale
from bench.sites import Site, free_port, generating

COMMIT_BYTES = 18_840
"""What the rows of one new call hold, counted with 40 people on duty."""

WHAT = ("latency", "alerts", "burst", "handing", "lifecycles")


def main() -> None:
    """Measure what was asked for."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument(
        "what", nargs="*", choices=[[], *WHAT], help="which measurements; all when none is named"
    )
    arguments.add_argument("--rounds", type=int, default=Scale().rounds)
    arguments.add_argument("--out", type=Path, default=Path("var/bench.json"))
    told = arguments.parse_args()
    wanted = told.what or WHAT
    found: list[Figure] = []
    told.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=told.out.parent, prefix="bench-") as name:
        folder = Path(name)
        for line in machine.details(folder):
            print(line)
        for figure in on_sqlite(folder, Scale(rounds=told.rounds), wanted):
            print(f"  {summary(figure)}", flush=True)
            found.append(figure)
    print()
    print(table(found))
    told.out.write_text(json.dumps([figure.as_data() for figure in found], indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if all(figure.met is not False for figure in found) else 1)


def on_sqlite(folder: Path, scale: Scale, wanted: tuple[str, ...]) -> Iterator[Figure]:
    """Everything that is measured on a small SQLite database, in one process."""
    port = free_port()
    site = Site(folder=folder, database_url=f"sqlite:///{folder}/siaga.db", provider_port=port)
    site.prepare()
    with generating(port) as generator:
        bench = Bench(generator=generator, site=site, scale=scale)
        with site.serving() as server:
            if "latency" in wanted:
                yield from measures.webhook_latency(bench, folder, commit_bytes=COMMIT_BYTES, name="SQLite")
            if "alerts" in wanted:
                yield from measures.alert_latency(bench, name="SQLite")
            if "burst" in wanted:
                yield from measures.burst(bench, name="SQLite")
            if "lifecycles" in wanted:
                yield from measures.lifecycles(bench, server, name="SQLite", at_least=25)
        if "handing" in wanted:
            yield from measures.handing_over(bench, name="SQLite")
    yield from what_went_wrong(bench)


def what_went_wrong(bench: Bench) -> Iterator[Figure]:
    """A figure counts only when nothing went another way than it should."""
    late, wrong = sum(bench.fallbacks), len(bench.failures)
    for words in bench.failures[:3]:
        print(f"  went wrong: {words[:300]}")
    for name, count in (
        ("callers who heard the fallback, because the work took more than 1.5 s", late),
        ("lives that went another way", wrong),
    ):
        yield Figure(name=name, unit="", median=count, target="= 0", met=count == 0)


if __name__ == "__main__":
    main()
