"""Killing the real thing: the real server, killed with -9 again and again, loses no call and no alert.

The database server and the telephone company stay alive; everything else dies at named points (see
``dying_program``) and at random moments, and is started again on the same data. More kills: CRASH_KILLS=100;
the same choices again: CRASH_SEED=…, which a failing test prints.

The issue allows as many duplicate alerts as there were kills that hit a send in flight. An engine sends
several at once, so one kill may leave several in doubt. Counted here are these sends, one by one, and only
they may go out twice, calls and texts of every kind: stricter for each delivery, and other than the words of
the issue where one kill hits more than one send.
"""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.crash.dying_program import POINTS
from tests.crash.siege import Siege, chance
from tests.fakes.stand_in import stand_in

KILLS = int(os.environ.get("CRASH_KILLS", "3"))
"""Kills at random moments, beside one at each named point."""


@pytest.fixture
def siege(database_url: str, tmp_path: Path) -> Iterator[Siege]:
    with stand_in(answers_after_s=0.01) as company:
        siege = Siege(database_url, tmp_path, company, chance())
        try:
            yield siege
        finally:
            siege.closes()


@pytest.mark.slow
@pytest.mark.timeout(600 + 10 * KILLS)
def test_a_killed_program_loses_no_call_and_no_alert(siege: Siege) -> None:
    attacks: list[Callable[[], None]] = [partial(siege.is_killed_at, point) for point in POINTS]
    attacks += [siege.is_killed_while_the_company_answers, *[siege.is_killed_at_random] * KILLS]
    siege.chance.shuffle(attacks)
    for attack in attacks:
        attack()
    siege.goes_quiet()
    sys.stdout.write(f"{siege.account()}\n")
    assert {promise: found for promise, found in siege.broken_promises().items() if found} == {}
