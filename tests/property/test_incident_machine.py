"""Anything may happen to an incident in any order at any time: the promises of DESIGN 4 hold throughout.

Callers, workers, dispatchers, the network and the clock act at random on the pure decisions. What must hold
of the state and its record is checked after every single decision by ``tests.builders``; the invariants here
add what must hold of the lines and effects.
"""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dispatch.domain import escalation
from dispatch.domain.commands import Action, Location
from dispatch.domain.decisions import Condition
from dispatch.domain.effects import AlertWorker
from dispatch.domain.errors import DispatchError
from dispatch.domain.events import Kind
from dispatch.domain.reconstruction import Missed
from dispatch.domain.vocabulary import (
    AlertChannel,
    Category,
    IncidentChannel,
    LocationSource,
    Outcome,
    Priority,
    Role,
    Source,
)
from tests.builders import NEIGHBOUR, RESIDENT, Story, at, person, policy, tier

PEOPLE = (
    person("N01", skills=["nurse"]),
    person("N02", skills=["midwife"], lat=-4.52, lon=136.9),
    person("D01", role=Role.DRIVER),
    person("T01", role=Role.CALL_TAKER),
    person("C01", "cadangan"),
    person("P01", "pimpinan", role=Role.SUPERVISOR),
    person("P02", "pimpinan", role=Role.CALL_TAKER),
)
CODES = [entry.staff_code for entry in PEOPLE]
ENDINGS = (Action.CLOSE, Action.MERGE)
STEPS = (Action.DECLINE, Action.EN_ROUTE, Action.ON_SCENE, Action.LEAVE_SCENE, Action.AVAILABLE)
URGENCY = {Priority.GREEN: 1, Priority.YELLOW: 2, Priority.RED: 3}

_seconds = st.one_of(
    st.sampled_from([0.0, 0.001, 5.0, 30.0, 60.0, 90.0]), st.floats(0.0, 400.0).map(lambda s: round(s, 3))
)
_found_after = st.one_of(st.none(), st.none(), st.sampled_from([60.0, 3600.0, 7230.0, 7231.0, 90000.0]))
_durations = st.sampled_from([7.5, 30.0, 60.0])
_sources = st.sampled_from([Source.KEYPAD, Source.SMS, Source.WEB, Source.API])


@st.composite
def _stories(draw: st.DrawFn) -> Story:
    tiers = [
        tier(
            name,
            at_once=draw(st.integers(1, 3)),
            within_s=draw(_durations),
            channels=draw(st.sampled_from([(AlertChannel.VOICE,), (AlertChannel.SMS,), tuple(AlertChannel)])),
        )
        for name in ("jaga", "cadangan", "pimpinan")
    ]
    plan = policy(
        *tiers,
        repeat_s=draw(_durations),
        second_ring_s=draw(st.sampled_from([0.5, 20.0, 90.0])),
        alert_after_s=draw(st.sampled_from([0.0, 0.0, 2.5, 20.0])),
        callback=draw(st.booleans()),
    )
    duty = draw(
        st.one_of(
            st.just(PEOPLE), st.lists(st.sampled_from(PEOPLE), unique=True, max_size=len(PEOPLE)).map(tuple)
        )
    )
    conditions = draw(
        st.dictionaries(
            st.sampled_from(CODES),
            st.builds(Condition, engaged_elsewhere=st.booleans(), on_break=st.booleans()),
            max_size=3,
        )
    )
    return Story(plan=plan, duty=duty, conditions=conditions)


class IncidentMachine(RuleBasedStateMachine):
    """One incident among people who do as they please."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.lines_checked = 0
        self.effects_checked = 0

    @initialize(
        story=_stories(),
        caller_number=st.sampled_from([RESIDENT, None]),
        channel=st.sampled_from([IncidentChannel.VOICE, IncidentChannel.VOICE, IncidentChannel.SMS]),
        found_after_s=_found_after,
        answered=st.booleans(),
    )
    def a_call_arrives(
        self,
        story: Story,
        caller_number: str | None,
        channel: IncidentChannel,
        found_after_s: float | None,
        *,
        answered: bool,
    ) -> None:
        self.story = story
        if found_after_s is None:
            story.rings(caller_number=caller_number, channel=channel)
        else:
            self._is_found(caller_number, found_after_s, answered=answered)

    # --- the caller

    @rule(caller_number=st.sampled_from([RESIDENT, NEIGHBOUR]))
    @precondition(lambda self: not self.story.incident.is_closed and len(self.story.incident.calls) < 5)
    def somebody_calls_again(self, caller_number: str) -> None:
        self.story.rings(caller_number=caller_number)

    @rule(
        caller_number=st.sampled_from([RESIDENT, NEIGHBOUR]),
        after_s=st.floats(60, 9000),
        answered=st.booleans(),
    )
    @precondition(lambda self: not self.story.incident.is_closed and len(self.story.incident.calls) < 5)
    def a_missed_call_is_found(self, caller_number: str, after_s: float, *, answered: bool) -> None:
        self._is_found(caller_number, round(after_s, 3), answered=answered)

    def _is_found(self, caller_number: str | None, after_s: float, *, answered: bool) -> None:
        """A call of half a minute that stands in the provider's log alone."""
        began_at = self.story.now - timedelta(seconds=after_s)
        missed = Missed(
            status="completed",
            ended_at=began_at + timedelta(seconds=30),
            answered_at=began_at + timedelta(seconds=5) if answered else None,
            answered_by="N01" if answered else None,
        )
        self.story.rings(caller_number=caller_number, missed=missed, ago_s=after_s)

    @rule(digit=st.sampled_from("12341234*9"), data=st.data())
    def a_caller_presses(self, digit: str, data: st.DataObject) -> None:
        self.story.presses(digit, call=self._some_call(data))

    @rule(data=st.data(), status=st.sampled_from(["completed", "busy", "no-answer"]))
    def a_caller_hangs_up(self, data: st.DataObject, status: str) -> None:
        self.story.hangs_up(call=self._some_call(data), provider_status=status)

    @rule(data=st.data())
    def a_caller_answers_the_call_back(self, data: st.DataObject) -> None:
        self.story.answers_call_back(call=self._some_call(data))

    # --- workers and the desk

    @rule(
        action=st.sampled_from([action for action in Action if action not in ENDINGS]),
        code=st.one_of(st.none(), st.sampled_from([*CODES, "Z99"])),
        source=_sources,
        stated_ago_s=st.one_of(
            st.none(), st.sampled_from([-61.0, -60.0, -1.0]), st.floats(0, 400).map(lambda s: round(s, 3))
        ),
        minutes=st.one_of(st.none(), st.integers(0, 99)),
        reason=st.sampled_from([None, "", "banjir"]),
        priority=st.sampled_from(list(Priority)),
        category=st.sampled_from(list(Category)),
        outcome=st.sampled_from([None, *Outcome]),
    )
    def somebody_does(
        self,
        action: Action,
        code: str | None,
        source: Source,
        stated_ago_s: float | None,
        minutes: int | None,
        reason: str | None,
        priority: Priority,
        category: Category,
        outcome: Outcome | None,
    ) -> None:
        now_s = (self.story.now - at(0)).total_seconds()
        before, lines = self.story.incident, len(self.story.events)
        try:
            self.story.does(
                action,
                code,
                source=source,
                occurred_at=None if stated_ago_s is None else at(now_s - stated_ago_s),
                minutes=minutes,
                reason=reason,
                text="catatan",
                priority=priority,
                category=category,
                outcome=outcome,
                location=Location(source=LocationSource.WORKER, text="SP 2"),
                into="another",
            )
        except DispatchError:
            assert self.story.incident == before
            assert len(self.story.events) == lines

    @rule(data=st.data(), source=_sources)
    @precondition(lambda self: self.story.incident.assignments)
    def somebody_who_was_asked_accepts(self, data: st.DataObject, source: Source) -> None:
        part = data.draw(st.sampled_from(self.story.incident.assignments))
        self.story.is_refused(Action.ACCEPT, part.staff_code, source=source)

    @rule(source=_sources)
    @precondition(lambda self: self.story.incident.needs_people)
    def everybody_who_was_asked_accepts(self, source: Source) -> None:
        for part in self.story.incident.assignments:
            self.story.is_refused(Action.ACCEPT, part.staff_code, source=source)

    @rule(action=st.sampled_from(STEPS), data=st.data(), ahead_s=st.sampled_from([0.0, 0.0, 30.0, 61.0]))
    @precondition(lambda self: any(a.is_engaged for a in self.story.incident.assignments))
    def somebody_engaged_takes_a_step(self, action: Action, data: st.DataObject, ahead_s: float) -> None:
        engaged = [a.staff_code for a in self.story.incident.assignments if a.is_engaged]
        now_s = (self.story.now - at(0)).total_seconds()
        code = data.draw(st.sampled_from(engaged))
        self.story.is_refused(action, code, occurred_at=at(now_s + ahead_s))

    @rule(action=st.sampled_from(ENDINGS), outcome=st.sampled_from(list(Outcome)))
    @precondition(lambda self: len(self.story.events) > 20)
    def the_desk_ends_it(self, action: Action, outcome: Outcome) -> None:
        self.story.is_refused(action, outcome=outcome, into="another")

    @rule(code=st.sampled_from(CODES), data=st.data())
    @precondition(lambda self: self.story.incident.live_call is not None)
    def a_worker_is_with_the_caller(self, code: str, data: st.DataObject) -> None:
        live = self.story.incident.live_call
        assert live is not None
        if live.answered_at is None:
            self.story.joined_by(code, call=int(live.id.removeprefix("call-")))

    @rule(code=st.sampled_from(CODES))
    def a_worker_picks_up(self, code: str) -> None:
        self.story.picks_up(code)

    @rule(code=st.sampled_from(CODES))
    def a_worker_hangs_up(self, code: str) -> None:
        self.story.leaves_call(code)

    # --- the network

    @rule(code=st.sampled_from(CODES), channel=st.sampled_from(["voice", "sms"]))
    def an_alert_leaves(self, code: str, channel: str) -> None:
        self.story.alert_leaves(code, channel=channel)

    @rule(code=st.sampled_from(CODES), hopeless=st.booleans())
    @precondition(lambda self: not self.story.incident.is_closed)
    def an_alert_fails(self, code: str, hopeless: bool) -> None:
        if self.story.incident.assignment(code) is not None:
            self.story.alert_fails(code, hopeless=hopeless)

    # --- time

    @rule(seconds=_seconds)
    def time_passes_and_the_engine_works(self, seconds: float) -> None:
        self.story.passes(min(seconds, 120.0))

    @rule(seconds=_seconds)
    def time_passes_while_the_engine_is_away(self, seconds: float) -> None:
        self.story.jumps(seconds)

    @rule(code=st.sampled_from(CODES), on_break=st.booleans())
    def somebody_takes_or_ends_a_break(self, code: str, on_break: bool) -> None:
        self.story.crew[code] = Condition(on_break=on_break)

    # --- what must hold

    @invariant()
    def every_new_line_and_effect_is_in_order(self) -> None:
        for event in self.story.events[self.lines_checked :]:
            assert event.occurred_at <= self.story.now, "a line from the future"
            if event.kind is Kind.PRIORITY_SET and event.data["basis"] != "person":
                before, after = Priority(str(event.data["from"])), Priority(str(event.data["to"]))
                assert URGENCY[after] > URGENCY.get(before, 0), "a machine lowered a priority"
        for wanted in self.story.wanted[self.effects_checked :]:
            if isinstance(wanted.effect, AlertWorker):
                part = self.story.part_of(wanted.effect.staff_code)
                assert part.staff_id == wanted.effect.staff_id
                assert 1 <= wanted.effect.turn <= part.asked_count
                assert wanted.effect.channels
        self.lines_checked = len(self.story.events)
        self.effects_checked = len(self.story.wanted)

    def teardown(self) -> None:
        """Alerting never stops by itself: left alone for an hour, an incident without owner asks again."""
        story = self.story
        if not story.events or story.incident.is_closed or story.incident.primary is not None:
            return
        story.passes(200.0)
        before = len(story.wanted)
        story.passes(200.0)
        assert escalation.deadlines(story.incident)
        assert len(story.wanted) > before, "nobody owns it, and nobody is asked any more"

    def _some_call(self, data: st.DataObject) -> int:
        return data.draw(st.integers(1, len(self.story.incident.calls)))


# Twice as many stories as the profile asks for: a rule breaks only when the right people meet.
IncidentMachine.TestCase.settings = settings(max_examples=2 * settings().max_examples, stateful_step_count=30)
TestIncidentMachine = IncidentMachine.TestCase
