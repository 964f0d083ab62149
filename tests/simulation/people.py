"""Residents and health workers, each with habits of their own; what they do at every turn is drawn.

They know what a person would know: what they hear, what stands in a text, what they pressed. Nobody here
looks into the program; a page is used through the command behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from dispatch.domain.commands import Action, ActOnIncident
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import Source
from dispatch.ports import LoggedText
from dispatch.service import progress
from dispatch.service.links import WORKER, find_link
from dispatch.service.services import Services
from telephony.simulator.twiml import Gather
from tests.simulation.network import Leg, Text
from tests.simulation.paper import Told

if TYPE_CHECKING:
    from tests.simulation.town import Town

PROOF = "/w/"


class Resident:
    """Somebody who needs help."""

    def __init__(self, town: Town, number: str | None) -> None:
        self.town = town
        self.number = number
        self._texts = 0

    def calls(self) -> None:
        """Dial, in one of the ways in which people do."""
        leg = self.town.rings_in(self, self.number)
        patience_s = self.town.one_of((3.0, 12.0, 90.0, 400.0, 400.0, 900.0))
        leg.later(patience_s, "hangs up", leg.ends, any_turn=True)
        if patience_s < 20 and self.town.chance.random() < 0.6:
            again = self.town.seconds(10, 60)
            self.town.agenda.after(again, "somebody rings twice", self.calls)

    def texts_for_help(self) -> None:
        self._texts += 1
        number = self.number or "TELKOMSEL"
        _text(
            self.town, number, self.town.one_of(("Tolong, kecelakaan di SP 2", "ibu mau melahirkan", "1", ""))
        )

    # --- at the phone

    def is_rung(self, leg: Leg) -> None:
        if self.town.chance.random() < 0.6 and not self.town.weather.is_quiet:
            leg.later(self.town.seconds(2, 15), "answers the call-back", leg.is_picked_up, any_turn=True)
            leg.later(self.town.seconds(30, 300), "hangs up", leg.ends, any_turn=True)

    def keys(self, leg: Leg, gather: Gather) -> tuple[float, str] | None:
        key = self.town.one_of(("1", "2", "3", "4", "9", "7", None, None))
        return None if key is None else (self.town.seconds(1, 9), key)

    def meets(self, leg: Leg) -> None:
        leg.later(self.town.seconds(10, 120), "says goodbye", leg.ends)

    def reads(self, text: Text) -> None:
        """Nobody texts residents yet."""


class Worker:
    """Somebody on the staff."""

    def __init__(self, town: Town, code: str, number: str) -> None:
        self.town = town
        self.code = code
        self.number = number
        self.obeys = False
        """In the quiet phase: accepts whatever comes, and finishes it."""

    # --- at the phone

    def is_rung(self, leg: Leg) -> None:
        if self.town.weather.is_quiet and not self.obeys:
            return
        habit = (
            "answers"
            if self.obeys
            else self.town.one_of(("answers",) * 6 + ("silent",) * 3 + ("busy", "failed"))
        )
        if habit == "answers":
            leg.later(self.town.seconds(1, 22), "picks up", leg.is_picked_up, any_turn=True)
        elif habit != "silent":
            leg.later(self.town.seconds(0.2, 6), habit, lambda: leg.ends(habit) if leg.is_ringing else None)

    def keys(self, leg: Leg, gather: Gather) -> tuple[float, str] | None:
        if gather.digits_max == 3:
            return self._minutes()
        if self.obeys:
            self._follows_up(self.town.paper.told_by(leg.delivery_id))
            return 2.0, "1"
        habit = self.town.one_of(("1",) * 6 + ("2", "2", "6", "*", "hangs up", "listens", "listens"))
        if habit == "listens":
            return None
        if habit == "hangs up":
            leg.later(self.town.seconds(0.5, 6), "hangs up", leg.ends)
            return None
        if habit == "1":
            if self.town.chance.random() < 0.25:
                leg.later(self.town.seconds(9.5, 15), "accepts and hangs up", leg.ends, any_turn=True)
            self._follows_up(self.town.paper.told_by(leg.delivery_id))
        return self.town.seconds(1, 9), habit

    def _minutes(self) -> tuple[float, str] | None:
        return (self.town.seconds(0.5, 2.5), "10") if self.town.chance.random() < 0.3 else None

    def meets(self, leg: Leg) -> None:
        leg.later(self.town.seconds(10, 120), "says goodbye", leg.ends)

    def reads(self, text: Text) -> None:
        told = self.town.paper.told_by(text.delivery_id)
        if told is None or told.purpose not in ("alert", "details") or self.town.weather.is_quiet:
            return
        token = text.body.rpartition(PROOF)[2][:16]
        habit = self.town.one_of(("nothing",) * 7 + ("text", "text", "page", "page", "odd"))
        wait_s = self.town.seconds(3, 70)
        if habit == "text":
            said = self.town.one_of(("1", "YA", "1 10", f"{told.short_number} 1", "2 banjir", "TIDAK", "6"))
            self._later(wait_s, f"texts {said}", lambda: self.texts(said))
            if "1" in said or said == "YA":
                self._follows_up(told)
        elif habit == "page":
            action = self.town.one_of((Action.ACCEPT, Action.ACCEPT, Action.ACCEPT, Action.DECLINE))
            late_s = self.town.one_of((0.0, 0.0, 0.0, 45.0))
            self._later(wait_s + late_s, f"taps {action}", lambda: self.taps(token, action, late_s))
            if action is Action.ACCEPT:
                self._follows_up(told, token)
        elif habit == "odd":
            said = self.town.one_of(("apa?", "ISTIRAHAT", "HADIR", "0", "999 1", "5"))
            self._later(wait_s, f"texts {said}", lambda: self.texts(said))

    # --- what a worker does by himself

    def texts(self, said: str) -> None:
        _text(self.town, self.number, said)

    def taps(self, token: str, action: Action, late_s: float = 0.0) -> None:
        """Press a button on the worker's page; the page keeps a tap that came to nothing, and tries again."""
        tapped_at = self.town.clock.now() - timedelta(seconds=late_s) if late_s else None
        self._tap(token, action, tapped_at, tries=3)

    def _tap(self, token: str, action: Action, tapped_at: datetime | None, tries: int) -> None:
        failed = self.town.weather.struck.total()
        answer = self.town.asks_program(
            partial(tap, token=token, code=self.code, action=action, tapped_at=tapped_at)
        )
        nobody_there = self.town.program is None or self.town.weather.struck.total() > failed
        if answer is None and nobody_there and tries:
            again_at = tapped_at or self.town.clock.now()
            self._later(8, f"sends {action} again", lambda: self._tap(token, action, again_at, tries - 1))
        elif answer is not None:
            self.town.promises.stands(answer)

    def _follows_up(self, told: Told | None, token: str | None = None) -> None:
        """Walk through the statuses after an acceptance; some forget to finish."""
        if told is None:
            return
        chance = self.town.chance
        at_s = self.town.seconds(40, 400)
        steps = ["3", "4"] if chance.random() < 0.8 else ["7", "3", "4"]
        if chance.random() < 0.4:
            steps += ["8", "4"]
        if chance.random() < 0.15:
            steps.insert(1, "6")
        if chance.random() < 0.8:
            steps.append("5")
        if self.obeys:
            steps, at_s = ["5"], 60.0
        for step in steps:
            by_page = token is not None and chance.random() < 0.5
            if by_page and token is not None and step in _TAPS:
                action, late_s = _TAPS[step], self.town.one_of((0.0, 0.0, 200.0))
                self._later(at_s, f"taps {action}", partial(self.taps, token, action, late_s))
            else:
                said = self.town.one_of((step, f"{told.short_number} {step}", f"{told.short_number} {step}"))
                self._later(at_s, f"texts {said}", partial(self.texts, said))
            at_s += self.town.seconds(20, 500)

    def _later(self, seconds: float, label: str, act: Callable[[], None]) -> None:
        self.town.agenda.after(seconds, f"{self.code} {label}", act)


_TAPS = {
    "3": Action.EN_ROUTE,
    "4": Action.ON_SCENE,
    "5": Action.AVAILABLE,
    "6": Action.HELP,
    "7": Action.STAGE,
}


def tap(
    services: Services, *, token: str, code: str, action: Action, tapped_at: datetime | None
) -> Incident | None:
    """What the worker's page does with a tap (``dashboards.worker``)."""
    with services.uow.read() as session:
        link = find_link(session, token, kind=WORKER, now=services.clock.now())
    if link is None:
        return None
    return progress.act(
        services,
        ActOnIncident(
            incident_id=link.incident_id,
            action=action,
            actor=f"staff:{code}",
            source=Source.WEB,
            staff_code=code,
            occurred_at=tapped_at,
        ),
    )


def _text(town: Town, number: str, said: str, tries: int = 2) -> None:
    """Send a text; whoever gets no answer sends it again, as another text."""
    sid = f"SM-in-{len(town.texts_in) + 1}"
    town.texts_in.append(
        LoggedText(provider_sid=sid, from_number=number, body=said, received_at=town.clock.true_now())
    )
    town.came_in.add(sid)
    form = {"MessageSid": sid, "From": number, "To": town.service_number, "Body": said}
    if town.fetch("/telephony/sms", form) is None and tries and town.chance.random() < 0.7:
        town.agenda.after(
            town.seconds(10, 40), "texts once more", lambda: _text(town, number, said, tries - 1)
        )
