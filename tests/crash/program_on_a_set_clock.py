"""The real program on a machine whose clock somebody sets: ``python -m tests.crash.program_on_a_set_clock``.

The file ``clock`` in the folder where it was started holds by how many seconds its clock is wrong. Only the
time of day is: what counts seconds since the machine was started counts on, as in a real machine.
"""

import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

from apscheduler.schedulers import base
from apscheduler.triggers import interval

from config import cli
from dispatch.adapters import clock
from dispatch.service import metronome
from tests.crash.dying_program import put_between

WRONG_BY_S = Path("clock")


class _Wrong(datetime):
    """What every part of the program takes for the time of day that asks for it."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        wrong_by_s = float(WRONG_BY_S.read_text(encoding="utf-8")) if WRONG_BY_S.exists() else 0.0
        return super().now(tz) + timedelta(seconds=wrong_by_s)


if __name__ == "__main__":
    for module in (base, interval, clock, metronome):
        put_between(module, "datetime", lambda _usual: _Wrong)
    cli.main(sys.argv[1:])
