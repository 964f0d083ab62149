"""Callers who ring a program that is killed again and again, and what they were told.

They ring several at once, some from one phone, some requests twice; whoever got no answer rings again with
the same call, as the provider does, once the program is back. Never looks into the database.
"""

import asyncio
import itertools
import random
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from tests.fakes.stand_in import Leg, StandIn

T = TypeVar("T")

LINES = 5
"""Callers at the same time."""

CALLS = 10
"""In one round."""

FAMILIES = 3
"""Phones from which several people ring at once."""


class Crowd:
    """Everybody who calls; ``acknowledged`` maps each call that got its 200 to the number it came from."""

    def __init__(self, company: StandIn, url: str, chance: random.Random) -> None:
        self._company = company
        self._url = url
        self._chance = chance
        self._residents = itertools.count(1)
        self._gave_up: list[Leg] = []
        self._heard: list[Leg] = []
        self._is_down = False
        self.acknowledged: dict[str, str] = {}

    def begins_to_call(self, calls: int = CALLS) -> Future[list[None]]:
        """A round of calls, several at once; it ends when all are made or the program is down."""
        self._is_down = False
        waiting, self._gave_up = self._gave_up, []
        fresh = [self._company.new_call(self._number()) for _ in range(calls)]
        lines = [(waiting + fresh)[line::LINES] for line in range(LINES)]
        plans = [[(leg, self._plan()) for leg in line] for line in lines]
        return self._company.begin(together([self._line(plan) for plan in plans]))

    def finds_it_down(self) -> None:
        """The program was killed: nobody tries further before it is back."""
        self._is_down = True

    def hangs_up(self) -> None:
        """Everybody ends the call; the company says so again where the program was down the first time."""
        self._company.run(together([self._ends(leg) for leg in self._heard]))

    def _number(self) -> str:
        if self._chance.random() < 0.3:
            return f"+62811990000{self._chance.randrange(FAMILIES):02d}"
        return f"+62811991{next(self._residents):05d}"

    def _plan(self) -> tuple[int, str, bool]:
        """How often the request is sent, which key is pressed, and whether the caller hangs up at once."""
        return (
            self._chance.choice((1, 1, 2, 3)),
            self._chance.choice(("", "1", "2", "3")),
            self._chance.random() < 0.3,
        )

    async def _line(self, plan: Sequence[tuple[Leg, tuple[int, str, bool]]]) -> None:
        for leg, (copies, key, hangs_up) in plan:
            if self._is_down:
                self._gave_up.append(leg)
            elif await self._rings(leg, copies):
                if key:
                    form = self._company.form_of(leg, Digits=key)
                    await self._company.send(f"{self._url}/telephony/voice/menu", form)
                if hangs_up:
                    await self._ends(leg)

    async def _rings(self, leg: Leg, copies: int) -> bool:
        form = self._company.form_of(leg)
        answers = await together(
            [self._company.send(f"{self._url}/telephony/voice", form) for _ in range(copies)]
        )
        if all(answer.status != 200 for answer in answers):
            self._gave_up.append(leg)
            return False
        self.acknowledged[leg.sid] = leg.from_number
        self._heard.append(leg)
        return True

    async def _ends(self, leg: Leg) -> None:
        leg.status = "completed"
        await self._company.send(f"{self._url}/telephony/voice/status", self._company.form_of(leg))


async def together(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All of it at the same time, in the company's loop."""
    return list(await asyncio.gather(*work))
