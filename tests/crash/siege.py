"""One real program under attack, with everybody around it: its people, its callers, its telephone company.

It kills the program and starts it again on the same data, and knows which sends were in flight each time.
What was promised is counted by ``counting``.
"""

import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.facility import load_facility
from models.facility import Facility
from models.session import open_database
from models.unit_of_work import UnitOfWork
from telephony.journal import Journal
from tests.crash import counting
from tests.crash.crowd import Crowd
from tests.fakes.stand_in import Leg, Manner, StandIn, settings_for
from tests.smoke.served import Served
from tests.smoke.town import ON_DUTY, put_on_duty

POLICY = """
[alerting]
repeat_s = 10
call_ring_s = 1
[[alerting.tier]]
name = "jaga"
alert_at_once = 2
accept_within_s = 4
channels = ["voice", "sms"]
[[alerting.tier]]
name = "cadangan"
alert_at_once = 5
accept_within_s = 4
channels = ["voice", "sms"]
[[alerting.tier]]
name = "pimpinan"
alert_at_once = 5
accept_within_s = 4
channels = ["voice", "sms"]
"""

DIES_WITHIN_S = 30.0
SETTLES_WITHIN_S = 90.0
WILLING = Manner(picks_up_after_s=0.05, presses="1")
DEAF = ("+6281100000001", "+6281100000009")
"""Two of those on duty do not pick up before the end, so that the ladder has to climb."""


def chance() -> random.Random:
    """Everything that happens at random in one test; CRASH_SEED=… makes the same choices again.

    What two threads do in the same instant is not chosen, and may differ.
    """
    seed = int(os.environ.get("CRASH_SEED") or random.getrandbits(32))
    sys.stdout.write(f"CRASH_SEED={seed}\n")
    return random.Random(seed)


class Siege:
    """One program under attack, with everybody around it."""

    def __init__(
        self,
        url: str,
        folder: Path,
        company: StandIn,
        chance: random.Random,
        *,
        data_dir: Path | None = None,
    ) -> None:
        (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
        self.uow = UnitOfWork(open_database(url, pool_size=2))
        self.facility = load_facility(None)
        self.company = company
        self.chance = chance
        self.hit: list[set[counting.Send]] = []
        """The sends that were in flight at each kill, each at the first kill that it met."""
        put_on_duty(self.uow, self.facility, ON_DUTY)
        self.served = Served(
            folder,
            {
                "SIAGA_DATABASE_URL": url,
                "SIAGA_SECRET_KEY": "a key that only these tests know",
                "SIAGA_POLICY_FILE": str(folder / "policy.toml"),
                **settings_for(company),
                # An answer that never came is given up soon; so is what a dead engine had claimed.
                "SIAGA_TWILIO_TIMEOUT_S": "1",
                "SIAGA_DATA_DIR": str(data_dir or folder / "var"),
            },
        )
        self.crowd = Crowd(company, self.served.url, chance)
        self._journal = Journal(Path(self.served.environ["SIAGA_DATA_DIR"]) / "journal")
        company.manner = WILLING
        company.manners = dict.fromkeys(DEAF, Manner())

    def is_killed_at(self, point: str) -> None:
        """The program reaches the named point and is no more."""
        nth = 1 if point in ("starting", "draining", "sealed") else self.chance.randint(1, 6)
        program = ("-m", "tests.crash.dying_program", point, str(nth))
        if point == "draining":
            self._keeps_calls()
        if point == "sealed":
            self._has_been_there_for_days()
        self.served.launch(program=program)
        if point not in ("starting", "draining") and self.served.becomes_ready():
            self._calls_while(lambda _: self._dies(point))
        else:
            # Before the first call, or on the way there: the engine of a new start has work at once.
            self._dies(point)

    def is_killed_while_the_company_answers(self) -> None:
        """The company has taken a request over, and the program dies before it hears so."""
        left = self.chance.randint(1, 6)

        def kill(_leg: Leg) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self.served.strike()

        self.served.start()
        self.company.before_answer = kill
        self._calls_while(lambda _: self._dies("taken"))

    def is_killed_at_random(self) -> None:
        """Somewhere: while it starts, or after some requests in either direction and some milliseconds."""
        if self.chance.random() < 0.2:
            self.served.launch()
            self.served.has_ended_within(self.chance.uniform(0.1, 2.0))
            self._is_no_more()
            return
        self.served.start()
        seen, more = self.company.requests, self.chance.randint(1, 30)

        def strike(calling: Future[list[None]]) -> None:
            self.company.waits_until(
                "requests come", lambda: calling.done() or self.company.requests >= seen + more
            )
            self.served.has_ended_within(self.chance.uniform(0.0, 0.05))
            self._is_no_more()

        self._calls_while(strike)

    def goes_quiet(self) -> None:
        """The last start, and then as in :meth:`settles`."""
        self.served.start()
        self.settles()

    def settles(self) -> None:
        """Everybody gets an answer, hangs up, picks up; in the end nothing is left to do."""
        self.company.manners = {}
        self.crowd.begins_to_call().result(60)
        self.crowd.hangs_up()
        with self._told_what_is_left():
            self.company.waits_until("everything is settled", self._is_settled, within_s=SETTLES_WITHIN_S)
        self.served.stop()

    def _is_settled(self) -> bool:
        return not self._journal.look().requests and not counting.unsettled(self.uow)

    @contextmanager
    def _told_what_is_left(self) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{error}: {counting.unsettled(self.uow)[:20]}") from error

    def broken_promises(self) -> dict[str, Sequence[str]]:
        """Everything that must be empty."""
        return {
            "answered, but lost": counting.lost_calls(self.uow, self.crowd.acknowledged),
            "recorded twice": counting.doubled_incidents(self.uow),
            "never alerted": counting.silent_incidents(self.uow, self.company),
            "sent twice without a kill in between": self._sent_again_for_nothing(),
            "on record and never sent": counting.claimed_sends(self.uow, self.company),
            "sealed, and not told once": counting.untold_seals(
                self.uow, self.company, self.facility.witnesses
            ),
            "sent and not on record": counting.unknown_sends(self.uow, self.company),
            "not as it was recorded": list(counting.findings(self.uow, self.facility.code)),
        }

    def notes_kill(self, process: int | None = None) -> None:
        """The program, or one process of it, is dead: what it was sending may go out a second time.

        Nothing else may.
        """
        known = set[counting.Send]().union(*self.hit)
        self.hit.append(counting.sends_in_flight(self.uow, process) - known)

    def account(self) -> str:
        """How many second sends there were, and how many there might have been."""
        sends, kills = sum(map(len, self.hit)), sum(map(bool, self.hit))
        twice = len(counting.doubled_sends(self.company))
        return f"{len(self.hit)} kills, {kills} hit {sends} sends in flight, {twice} went out twice"

    def _sent_again_for_nothing(self) -> list[str]:
        """Second sends of deliveries, as far as they exceed the kills that met just these in flight.

        So the sum of all second sends is at most the number of sends in flight at kills.
        """
        allowed = Counter(delivery_id for sends in self.hit for delivery_id, _ in sends)
        return list((Counter(counting.doubled_sends(self.company)) - allowed).elements())

    def closes(self) -> None:
        self.served.kill()
        self.uow.engine.dispose()

    def _calls_while(self, strike: Callable[[Future[list[None]]], None]) -> None:
        calling = self.crowd.begins_to_call()
        try:
            strike(calling)
        finally:
            self.crowd.finds_it_down()
            calling.result(60)

    def _dies(self, point: str) -> None:
        assert self.served.has_ended_within(DIES_WITHIN_S), f"never came to the point: {point}"
        assert self.served.ended_by == -signal.SIGKILL, f"ended by itself before the point: {point}"
        self._is_no_more()

    def _is_no_more(self) -> None:
        self.served.kill()
        self.company.before_answer = lambda _leg: None
        self.notes_kill()

    def _has_been_there_for_days(self) -> None:
        """Before this a new facility, whose first day has not ended: nothing was to be sealed."""
        with self.uow.write() as session:
            opened = session.get_one(Facility, self.facility.code)
            opened.created_at -= timedelta(days=2)

    def _keeps_calls(self) -> None:
        """Calls that were answered while the database was away: they wait in the journal."""
        for number in ("+628119970001", "+628119970002"):
            leg = self.company.new_call(number)
            self._journal.keep(
                kind="voice", path="/telephony/voice", form=self.company.form_of(leg), at=datetime.now(UTC)
            )
            self.crowd.acknowledged[leg.sid] = number
