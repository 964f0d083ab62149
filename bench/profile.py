"""Where the time goes while whole lives pass: a sampling profile of the running server.

``python -m bench.profile --seconds 20 --on sqlite`` starts the program as ``make bench`` does, keeps the
lifecycle load on it, lets py-spy look at the web process, and prints the functions in which most samples lie
(alone, and with all they call). The samples stay in ``var/bench/profile.txt``, one stack on a line,
for any flame graph viewer. py-spy is no part of the installation: ``.venv/bin/pip install py-spy``.
"""

import argparse
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench import rounds, stores
from bench.rounds import Bench, Scale
from bench.sites import generating

_SHOWN = 40


def main() -> None:
    """Profile and print."""
    arguments = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    arguments.add_argument("--seconds", type=int, default=20)
    arguments.add_argument("--on", choices=("sqlite", "postgresql"), default="sqlite")
    arguments.add_argument(
        "--gil", action="store_true", help="only samples of threads that hold the interpreter"
    )
    told = arguments.parse_args()
    spy = Path(sys.executable).with_name("py-spy")
    if not spy.exists():
        sys.exit("there is no py-spy here; install it with: .venv/bin/pip install py-spy")
    folder = Path("var/bench")
    out = folder / "profile.txt"
    with generating() as generator, stores.opened(folder, told.on, generator) as store:
        bench = Bench(generator=generator, site=store.site(1000), scale=Scale())
        with bench.site.serving(workers=1) as server:
            rounds.lives(bench, 40)
            command = [str(spy), "record", "--pid", str(server.pid), "--duration", str(told.seconds)]
            command += ["--rate", "200", "--format", "raw", "--output", str(out), *(["--gil"] * told.gil)]
            looking = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
            over = threading.Event()

            def wait() -> None:
                looking.wait()
                over.set()

            watching = threading.Thread(target=wait)
            watching.start()
            rates = []
            while not over.is_set():
                rates.append(rounds.lives(bench, 60).per_s)
            watching.join()
    print(f"{sum(rates) / len(rates):.1f} whole lives a second while it was looked at; samples in {out}")
    for line in top(out.read_text(encoding="utf-8").splitlines()):
        print(line)


def top(stacks: list[str]) -> Iterator[str]:
    """The functions that most samples lie in: share alone, share with all they call."""
    alone: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for stack in stacks:
        frames, _, count = stack.rpartition(" ")
        names = [frame.rpartition(":")[0] for frame in frames.split(";")]
        alone[names[-1]] += int(count)
        for name in set(names):
            whole[name] += int(count)
    samples = sum(alone.values())
    yield "  alone   with all they call"
    ours = [name for name, _ in whole.most_common()]
    for name in sorted(ours, key=lambda name: -max(alone[name] * 2, whole[name]))[:_SHOWN]:
        yield f"  {alone[name] / samples:6.1%}  {whole[name] / samples:6.1%}  {name}"


if __name__ == "__main__":
    main()
