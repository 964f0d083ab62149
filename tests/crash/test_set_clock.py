"""The real server, whose clock somebody sets back by an hour: people are rung all the same, and on."""

import json
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatch.domain.vocabulary import OutageCause
from models.traffic import Outage
from tests.crash.siege import Siege
from tests.fakes.stand_in import Manner, stand_in

PROGRAM = ("-m", "tests.crash.program_on_a_set_clock")
FIRST, SECOND = "+628119970001", "+628119970002"

SOON_S = 20.0
"""More than the longest wait of the siege's policy (10 s) and the time between two signs of life (5 s)."""


@pytest.fixture
def siege(database_url: str, tmp_path: Path) -> Iterator[Siege]:
    with stand_in(answers_after_s=0.01) as company:
        siege = Siege(database_url, tmp_path, company, random.Random(1))
        # Nobody picks up: there is always somebody to be rung next.
        company.manner, company.manners = Manner(), {}
        try:
            yield siege
        finally:
            siege.closes()


def calls(siege: Siege, number: str) -> None:
    leg = siege.company.new_call(number)
    answer = siege.company.post(f"{siege.served.url}/telephony/voice", siege.company.form_of(leg))
    assert "<Response" in answer.body


def is_set(folder: Path, wrong_by_s: int) -> None:
    """In one step: the program may be looking at its clock in this instant."""
    new = folder / "clock.new"
    new.write_text(str(wrong_by_s), encoding="utf-8")
    new.replace(folder / "clock")


def jumps_s(siege: Siege) -> set[int]:
    with siege.uow.read() as session:
        found = session.scalars(select(Outage).where(Outage.cause == OutageCause.CLOCK))
        return {int(str(outage.details["jump_s"])) for outage in found}


def is_rung_further(siege: Siege) -> None:
    """More calls leave than there are now, twice: the ladder goes on, and not only its next step."""
    for _ in range(2):
        more = partial(has_more_than, siege, len(siege.company.calls))
        siege.company.waits_until("somebody is rung", more, within_s=SOON_S)


def has_more_than(siege: Siege, calls: int) -> bool:
    return len(siege.company.calls) > calls


def test_a_clock_set_back_by_an_hour_keeps_nobody_from_being_rung(siege: Siege, tmp_path: Path) -> None:
    siege.served.start(program=PROGRAM)
    calls(siege, FIRST)
    siege.company.waits_until("somebody is rung", lambda: bool(siege.company.calls))
    is_set(tmp_path, -3600)
    is_rung_further(siege)
    heard_of = len(siege.company.calls)
    calls(siege, SECOND)
    siege.company.waits_until("the new one too", lambda: len(siege.company.calls) > heard_of)
    is_set(tmp_path, 0)
    is_rung_further(siege)
    siege.company.waits_until("both are on record", lambda: jumps_s(siege) == {-3600, 3600})
    siege.served.stop()
    assert siege.broken_promises()["not as it was recorded"] == []
    said = [json.loads(line) for line in siege.served.errors()]
    # That the clock is wrong, and what that makes look so late, is what a watchdog is for.
    assert {line["event"] for line in said} <= {"watchdog.found"}
