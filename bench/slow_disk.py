"""What a slow disk costs: the real server on SQLite while every flush takes so many milliseconds longer.

``strace`` holds up each fsync and fdatasync before it begins. Prints how long a call's webhook takes and when
the first alert leaves, for calls one after another and for twenty at once; the figures stand in
docs/operations/disk.md.

Run it with: .venv/bin/python -m bench.slow_disk
"""

import argparse
import os
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from dispatch.domain.effects import Purpose
from models.migrating import upgrade
from models.traffic import Delivery
from models.unit_of_work import UnitOfWork
from tests.crash import counting
from tests.crash.crowd import together
from tests.crash.siege import Siege
from tests.databases import sqlite_url
from tests.fakes.stand_in import Answer, Leg, StandIn, stand_in

ONE_BY_ONE = 30
AT_ONCE = 20
ROUNDS = 2
DELAYS_MS = (0, 5, 20, 50)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("delays_ms", nargs="*", type=int, default=DELAYS_MS, help="milliseconds per flush")
    delays_ms = options.parse_args().delays_ms
    if shutil.which("strace") is None:
        sys.exit("strace is needed to hold the flushes up: apt-get install strace")
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"{ONE_BY_ONE} calls one after another; {ROUNDS} times {AT_ONCE} calls at once; milliseconds")
    _row("a flush takes", "webhook", "first alert", "webhook, at once", "last first alert", "rung directly")
    for delay_ms in delays_ms:
        _measure(delay_ms)


def _measure(delay_ms: int) -> None:
    with tempfile.TemporaryDirectory() as folder, stand_in() as company:
        url = sqlite_url(Path(folder))
        upgrade(url)
        siege = Siege(url, Path(folder), company, random.Random(911))  # noqa: S311 - makes up phone numbers
        if delay_ms:
            inject = f"inject=fsync,fdatasync:delay_enter={delay_ms * 1000}"
            quiet = ("strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull)
            siege.served.wrapped_in = (*quiet, "-e", "trace=fsync,fdatasync", "-e", inject)
        try:
            siege.served.start()
            alone = [_rings(siege) for _ in range(ONE_BY_ONE)]
            rounds = [_ring_together(siege) for _ in range(ROUNDS)]
        finally:
            siege.closes()
    webhooks, alerts = ([pair[place] for pair in alone] for place in (0, 1))
    together_ms = [took for webhooks_ms, _ in rounds for took in webhooks_ms if took is not None]
    directly = ROUNDS * AT_ONCE - len(together_ms)
    last_ms = max(last for _, last in rounds)
    _row(
        f"+{delay_ms}",
        _spread(webhooks),
        _spread(alerts),
        _spread(together_ms),
        f"{last_ms:.0f}",
        str(directly),
    )


def _row(*cells: str) -> None:
    print(" | ".join(f"{cell:>18}" for cell in cells), flush=True)


def _rings(siege: Siege) -> tuple[float, float]:
    """One call from a new phone: how long its webhook took, and when the first alert arrived."""
    leg, known, started = _new_call(siege), len(siege.company.calls), time.perf_counter()
    answer = siege.company.post(f"{siege.served.url}/telephony/voice", siege.company.form_of(leg))
    siege.company.waits_until("an alert leaves", lambda: len(siege.company.calls) > known)
    alerted_s = siege.company.calls[known].asked_s
    _wrong_number(siege, [leg])
    taken_ms = _taken_ms(answer)
    if taken_ms is None:
        sys.exit("a single call was not taken in time: this disk is too slow for the program")
    return taken_ms, (alerted_s - started) * 1000


def _ring_together(siege: Siege) -> tuple[list[float | None], float]:
    """Many calls in one instant: how long each webhook took, and when the last first alert left."""
    since, started = len(siege.company.legs), time.perf_counter()
    legs = [_new_call(siege) for _ in range(AT_ONCE)]
    url = f"{siege.served.url}/telephony/voice"
    answers = siege.company.run(
        together([siege.company.send(url, siege.company.form_of(leg)) for leg in legs])
    )

    def first_alerts() -> list[float]:
        return _first_alerts(siege.uow, siege.company, since)

    taken = [_taken_ms(answer) for answer in answers]
    wanted = len(taken) - taken.count(None)
    siege.company.waits_until("every incident is told of", lambda: len(first_alerts()) >= wanted)
    last_s = max(first_alerts())
    _wrong_number(siege, legs)
    return taken, (last_s - started) * 1000


def _first_alerts(uow: UnitOfWork, company: StandIn, since: int) -> list[float]:
    """When the first alert of each incident came, of those among the company's legs from *since* on."""
    with uow.read() as session:
        alerts = select(Delivery.id, Delivery.incident_id).where(Delivery.purpose == Purpose.ALERT)
        incidents = {row.id: str(row.incident_id) for row in session.execute(alerts)}
    first: dict[str, float] = {}
    for leg in company.legs[since:]:
        if not leg.is_inbound and (incident := incidents.get(leg.delivery_id)):
            first.setdefault(incident, leg.asked_s)
    return list(first.values())


def _new_call(siege: Siege) -> Leg:
    return siege.company.new_call(f"+62811990{siege.chance.randrange(10**6):06d}")


def _taken_ms(answer: Answer) -> float | None:
    """How long the webhook took; None when the caller was connected to the duty phones instead."""
    if answer.status != 200:
        sys.exit(f"a call got no answer: {answer.status} {answer.body[:200]}")
    return answer.took_s * 1000 if "<Gather" in answer.body else None


def _wrong_number(siege: Siege, legs: Sequence[Leg]) -> None:
    """The callers press 9, and what that sets going leaves before the next measurement begins."""
    for leg in legs:
        siege.company.post(f"{siege.served.url}/telephony/voice/menu", siege.company.form_of(leg, Digits="9"))
    siege.company.waits_until(
        "all is quiet", lambda: siege.company.is_quiet and not counting.unsettled(siege.uow)
    )


def _spread(found_ms: Sequence[float]) -> str:
    ordered = sorted(found_ms)
    return f"{statistics.median(ordered):.1f} (p95 {ordered[int(len(ordered) * 0.95) - 1]:.0f})"


if __name__ == "__main__":
    main()
