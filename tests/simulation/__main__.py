"""``make simulate``: live through days of one seed or several, and say what happened."""

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.simulation.day import SimulationFailedError, make_template, simulate


def main() -> int:
    """Exit 1 when a promise was broken."""
    reader = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    reader.add_argument("--seed", type=int, default=None, help="the first seed (a random one when left out)")
    reader.add_argument("--seeds", type=int, default=1, help="how many seeds, one after the other")
    reader.add_argument("--days", type=int, default=1, help="days in a row on the same database")
    reader.add_argument("--trace", action="store_true", help="print every step")
    wanted = reader.parse_args()
    first = secrets.randbelow(1_000_000) if wanted.seed is None else wanted.seed
    failed = 0
    with tempfile.TemporaryDirectory(prefix="siaga-simulation-") as folder:
        template = make_template(Path(folder))
        for seed in range(first, first + wanted.seeds):
            began = time.process_time()
            try:
                report = simulate(seed, folder=Path(folder) / str(seed), template=template, days=wanted.days)
            except SimulationFailedError as error:
                failed += 1
                sys.stdout.write(f"seed {seed}: FAILED\n{error}\n")
                continue
            if wanted.trace:
                sys.stdout.write("\n".join(report.trace) + "\n")
            sys.stdout.write(f"{report}\n  {time.process_time() - began:.2f} s of processor time\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
