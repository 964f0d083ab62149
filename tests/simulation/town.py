"""Everything in one place: the agenda, the server's lives, the network, and who has which phone.

Moves time. After each step the promises are looked at (``promises``), so that a broken one is found where it
broke and not at the end of the day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from dispatch.domain.errors import DispatchError
from dispatch.ports import LoggedText
from dispatch.service.services import Services
from models.traffic import Pulse
from tests.builders import START
from tests.fakes.counting_ids import CountingIds
from tests.simulation.agenda import Agenda, MachineClock
from tests.simulation.company import Company
from tests.simulation.network import Leg, Person, Room, Text
from tests.simulation.paper import Paper
from tests.simulation.people import Worker
from tests.simulation.plan import draw_policy
from tests.simulation.program import House, Program, open_spared
from tests.simulation.promises import Promises
from tests.simulation.shaky_database import Crash
from tests.simulation.weather import CALM, RAIN, STORM, Weather

T = TypeVar("T")

TICK_MS = 1000
JOURNAL_EVERY_S = 5.0
RECONCILE_EVERY_S = 60.0
BEAT_EVERY_S = 5.0


class Town:
    """A simulated town with its health centre. Everything that is drawn is drawn from *seed*."""

    beginning = START
    service_number = "+628115550000"

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.chance = Random(f"{seed}:people")
        self.trace: list[str] = []
        self.clock = MachineClock(START)
        self.agenda = Agenda(self.clock)
        weather = Random(f"{seed}:weather")
        self.weather = Weather(weather, weather.choice((CALM, RAIN, RAIN, STORM)), self.tell)
        self.companies = [Company(self, name) for name in ("satu", "dua")[: self.chance.choice((1, 2, 2))]]
        self.house = House(
            folder=folder,
            clock=self.clock,
            ids=CountingIds(),
            plan=draw_policy(self.chance),
            weather=self.weather,
            companies=self.companies,
            calls_per_second=self.chance.choice((0.0, 1.0)),
            steady=lambda: self.clock.true_ms / 1000,
            engine=open_spared(folder / "siaga.db"),
        )
        self.paper = Paper(folder / "siaga.db")
        self.promises = Promises(self)
        self.rooms: dict[str, Room] = {}
        self.incoming: list[Leg] = []
        self.phones: dict[str, Person] = {}
        self.workers: dict[str, Worker] = {}
        self.texts_in: list[LoggedText] = []
        self.clock_was_set = False
        self.program: Program | None = None
        self.database_is_away = False
        self.came_in: set[str] = set()
        """Every call and text to our number, by the provider's identifier."""
        self.unheard: set[str] = set()
        """Those of which something did not reach us, until the database knows them whole."""
        self.excused: set[str] = set()
        """Those of which the whole cannot be known, because the clock was wrong."""
        self.beats_wanted = 0
        """How many of the engine's signs of life somebody still waits for; only then it gives any."""
        self._journal_is_planned = self._reconciling_is_planned = self._beat_is_planned = False
        self._records = self.chance.random() < 0.5
        self._idle_until_ms = self._late_until_ms = self._ended_at_ms = 0
        self.begin_life()

    def close(self) -> None:
        """Let go of the database."""
        if self.program is not None:
            self.program.end()
        self.paper.close()

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is under way, and nothing is due."""
        return self.agenda.next_ms is None and self.program is not None and self.paper.next_due_at() is None

    # --- the server

    def begin_life(self) -> None:
        """Start the server on what is on the disk."""
        self.program = Program(self.house, records=self._records)
        self.program.uow.is_away = self.database_is_away
        self._apply_journal_soon()
        if self.beats_wanted:
            self._beats_soon(self.beats_wanted, after_s=0.0)

    def crashed(self) -> None:
        """Throw away whatever the server had in memory; it is started again after a while."""
        if self.program is None:
            return
        self.weather.note("crash")
        self.program.end()
        self.program, self._ended_at_ms = None, self.clock.true_ms
        away_s = self.one_of((1.0, 1.0, 5.0, 5.0, 30.0, 240.0))
        self.agenda.after(away_s * self.seconds(0.5, 1), "the server is started again", self.begin_life)

    def ask(self, path: str, form: Mapping[str, str]) -> str | None:
        """One webhook, there and back; None when nobody answers."""
        if self.program is None:
            return None
        try:
            document = self.program.answer(path, form)
        except Crash:
            self.crashed()
            return None
        self.promises.answered(path, form)
        if self.program.has_kept:
            self._apply_journal_soon()
        return document

    def _apply_journal_soon(self) -> None:
        if not self._journal_is_planned:
            self._journal_is_planned = True
            self.agenda.after(JOURNAL_EVERY_S, "journal", self._apply_journal)

    def _apply_journal(self) -> None:
        self._journal_is_planned = False
        if self.program is not None:
            self.program.apply_journal()
            if self.program.has_kept:
                self._apply_journal_soon()

    def fetch(self, path: str, form: Mapping[str, str]) -> str | None:
        """A webhook whose document somebody on the phone waits for."""
        document = None if self.weather.strikes("webhook lost") else self.ask(path, form)
        if self.weather.strikes("webhook twice"):
            again = self.ask(path, form)
            document = document if document is not None else again
        if document is None:
            self._is_unheard(form)
        return document

    def callback(self, path: str, form: Mapping[str, str]) -> None:
        """A webhook that tells something, soon or late, perhaps twice, perhaps never."""
        if self.weather.strikes("callback lost"):
            self._is_unheard(form)
            return
        for _ in range(2 if self.weather.strikes("callback twice") else 1):
            late_s = self.seconds(5, 120) if self.weather.strikes("callback late") else 0.0
            label = f"callback {form.get('CallSid') or form.get('MessageSid')}"
            self.agenda.after(late_s + self.seconds(0.05, 1.5), label, lambda: self._tells(path, form))

    def _tells(self, path: str, form: Mapping[str, str]) -> None:
        if self.ask(path, form) is None:
            self._is_unheard(form)

    def _is_unheard(self, form: Mapping[str, str]) -> None:
        """Something about it did not reach us: from time to time the provider's log is read."""
        sid = form.get("CallSid") or form["MessageSid"]
        if sid in self.came_in:
            self.unheard.add(sid)
            self._reconcile_soon()

    def _reconcile_soon(self) -> None:
        if not self._reconciling_is_planned:
            self._reconciling_is_planned = True
            self.agenda.after(RECONCILE_EVERY_S, "reconcile", self._reconcile)

    def _reconcile(self) -> None:
        self._reconciling_is_planned = False
        try:
            if self.program is not None:
                self.program.reconcile()
        finally:
            self.unheard -= self.paper.complete(self.unheard)
            if self.unheard:
                self._reconcile_soon()

    def _leave_last_sign(self) -> None:
        """What the engine's beat every five seconds has left in the tables; it matters only now."""
        alive_at_ms = self.clock.true_ms if self.program is not None else self._ended_at_ms
        ago = timedelta(milliseconds=self.clock.true_ms - alive_at_ms)
        with Session(self.house.engine) as session:
            session.merge(Pulse(name="engine", at=self.clock.now() - ago, details={}))
            session.commit()

    def _beats_soon(self, times: int, *, after_s: float) -> None:
        self.beats_wanted = max(self.beats_wanted, times)
        if not self._beat_is_planned:
            self._beat_is_planned = True
            self.agenda.after(after_s, "a sign of life", self._beats)

    def _beats(self) -> None:
        self._beat_is_planned = False
        if self.program is None:
            return
        if self.program.beat():
            self.beats_wanted -= 1
        if self.beats_wanted:
            self._beats_soon(self.beats_wanted, after_s=BEAT_EVERY_S)

    def asks_program(self, what: Callable[[Services], T]) -> T | None:
        """A person at a page acts; None when that came to nothing, for whatever reason."""
        if self.program is None:
            return None
        failures = self.program.uow.failures
        try:
            return what(self.program.services)
        except DispatchError as error:
            self.tell(f"refused: {error.code}")
        except Crash:
            self.crashed()
        except OperationalError:
            if self.program.uow.failures == failures:
                raise
        return None

    # --- what befalls the town

    def loses_database(self, seconds: float) -> None:
        """The database does not answer for a while."""
        self.weather.note("database away")
        self._set_database(is_away=True)
        self.agenda.after(seconds, "the database answers again", lambda: self._set_database(is_away=False))

    def _set_database(self, *, is_away: bool) -> None:
        self.database_is_away = is_away
        if self.program is not None:
            self.program.uow.is_away = is_away

    def loses_company(self, company: Company, seconds: float) -> None:
        """A telephone company does not take anything over for a while."""
        self.weather.note(f"{company.name} away")
        company.is_out = True

        def comes_back() -> None:
            company.is_out = False

        self.agenda.after(seconds, f"{company.name} is back", comes_back)

    def sets_clock(self, seconds: int) -> None:
        """Somebody sets the machine's clock, so many seconds beside what it showed."""
        self.weather.note("clock set")
        self._leave_last_sign()
        self.clock.error_s += seconds
        self.clock_was_set = True
        # One finds it, and one more what was under way in that moment.
        self._beats_soon(2, after_s=self.seconds(0, BEAT_EVERY_S))

    def excuses_what_a_wrong_clock_hides(self) -> None:
        """With a clock an hour off, the provider's log is read an hour off: what was missed then stays so."""
        if self.clock_was_set:
            self.excused |= self.unheard
            self.unheard.clear()

    # --- the network

    def whose(self, number: str) -> Person:
        return self.phones[number]

    def rings_in(self, person: Person, number: str | None) -> Leg:
        """Somebody dials the emergency number."""
        leg = Leg(
            self,
            person,
            sid=f"CA-in-{len(self.incoming) + 1}",
            number=number or "anonymous",
            company="satu",
            status_path="/telephony/voice/status",
            inbound=True,
        )
        leg.answer_path = "/telephony/voice"
        self.incoming.append(leg)
        self.came_in.add(leg.sid)
        leg.is_picked_up()
        return leg

    def deliver(self, text: Text) -> None:
        """Bring a text to its phone, or not."""
        arrives_s = self.seconds(1, 25)
        reaches = self.chance.random() < 0.93
        person = self.whose(text.number)

        def arrives() -> None:
            form = {"MessageSid": text.sid, "MessageStatus": "delivered" if reaches else "undelivered"}
            self.callback(text.status_path, form if reaches else {**form, "ErrorCode": "30006"})
            if reaches:
                person.reads(text)

        self.callback(text.status_path, {"MessageSid": text.sid, "MessageStatus": "sent"})
        self.agenda.after(arrives_s, f"{text.sid} arrives", arrives)

    # --- chance

    def seconds(self, least: float, most: float) -> float:
        return round(self.chance.uniform(least, most), 3)

    def one_of(self, things: Sequence[T]) -> T:
        return self.chance.choice(things)

    # --- time

    def tell(self, what: str) -> None:
        self.trace.append(f"{self.clock.true_ms / 1000:.3f} {what}")

    def passes(self, seconds: float) -> None:
        """Let time pass, with everything that happens in it."""
        end_ms = self.clock.true_ms + round(seconds * 1000)
        while (at_ms := self._next_ms()) is not None and at_ms <= end_ms:
            self.clock.true_ms = max(self.clock.true_ms, at_ms)
            step_ms = self.agenda.next_ms
            engine_ms = self._engine_ms()
            if step_ms is not None and (engine_ms is None or step_ms < engine_ms):
                step = self.agenda.take()
                self._does(step.label, step.act)
            else:
                self._does("engine", self._works)
        self.clock.true_ms = end_ms

    def _next_ms(self) -> int | None:
        times = [ms for ms in (self.agenda.next_ms, self._engine_ms()) if ms is not None]
        return min(times, default=None)

    def _engine_ms(self) -> int | None:
        """When the engine looks next, in true time."""
        if self.program is None:
            return None
        if self.program.has_work:
            return max(self.clock.true_ms, self._late_until_ms)
        due_at = self.paper.next_due_at()
        return None if due_at is None else max(self.clock.true_ms_of(due_at), self._idle_until_ms)

    def _works(self) -> None:
        assert self.program is not None
        if not self.program.work():
            self._idle_until_ms = self.clock.true_ms + TICK_MS

    def _does(self, label: str, act: Callable[[], None]) -> None:
        self.tell(label)
        struck = self.weather.struck.total()
        life = self.program
        failures = 0 if life is None else life.uow.failures
        try:
            act()
        except Crash:
            self.crashed()
        if life is not None and life.uow.failures == failures and self.weather.struck.total() == struck:
            self.promises.no_errors_in_the_log()
        self.promises.log.clear()
        self.promises.hold_now()
        if self.program is not None and self.program.has_work and self.weather.strikes("engine late"):
            self._late_until_ms = self.clock.true_ms + round(self.seconds(0.05, 1) * 1000)
