"""The promises of DESIGN 4, asked of a running day: after every step what is cheap, at rest everything.

Compares three things that know nothing of each other: what the program answered to the network, what the
network really did, and what stands in the database.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from structlog import DropEvent
from structlog.typing import EventDict, WrappedLogger

from dispatch.domain import escalation
from dispatch.domain.error_codes import RETRY_PAUSE_MAX_S
from dispatch.domain.incidents import Incident
from dispatch.domain.vocabulary import ENGAGED
from dispatch.service import invariants, ledger
from dispatch.service.verifying import verify
from tests.simulation.paper import instant
from tests.simulation.program import FACILITY

if TYPE_CHECKING:
    from tests.simulation.company import Company
    from tests.simulation.town import Town

_LOUD = ("error", "critical", "exception")
_FINAL = {
    "completed": "delivered",
    "busy": "failed",
    "no-answer": "failed",
    "failed": "failed",
    "canceled": "failed",
}
_TOLERANCE_S = 0.001

LONGEST_WAIT = timedelta(seconds=RETRY_PAUSE_MAX_S)
"""That of a call to a phone out of reach; no policy of these days waits as long for anything."""


class BrokenPromiseError(AssertionError):
    """What must never be, is."""


@dataclass(frozen=True, slots=True)
class _Alert:
    """What became of an alert: when it left, or was given up."""

    delivery_id: str
    state: str
    error: object
    left_at: object


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """One alert that a line of the record asks for."""

    incident_id: str
    staff_id: str
    staff_code: str
    channel: str
    turn: int
    recorded_at: str

    def key(self, turn: int) -> str:
        return f"{self.incident_id}:alert:{self.staff_id}:{turn}:{self.channel}"

    def comes_while_waiting(self, alert: _Alert) -> bool:
        """Whether *alert* had not left when this one was asked for: then one ring serves both."""
        return alert.left_at is None or str(alert.left_at) >= self.recorded_at


class Promises:
    """Watches one town."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.log: list[str] = []
        self.checks: Counter[str] = Counter()
        self._version: object = None
        self._heads: dict[tuple[str, int], str] = {}
        self._stopped: dict[str, list[bool]] = {}
        self._answered: list[tuple[str, Mapping[str, str]]] = []

    # --- what is heard and seen on the way

    def hears(self, _logger: WrappedLogger, method: str, entry: EventDict) -> EventDict:
        """Take the place of the log's renderer: errors are kept, everything else is dropped."""
        if method in _LOUD:
            self.log.append(f"{entry['event']} {entry} {sys.exc_info()[1]!r}")
        raise DropEvent

    def no_errors_in_the_log(self) -> None:
        """Errors are logged only where the database failed."""
        if self.log:
            raise BrokenPromiseError(f"an error without a fault: {self.log[0]}")

    def answered(self, path: str, form: Mapping[str, str]) -> None:
        """The program answered 200: what it was told, it now owes."""
        self._answered.append((path, form))

    def stands(self, answer: Incident) -> None:
        """A page was told that an action was carried out: it is on the disk."""
        self._is(
            "what a page was told is on the disk",
            self._town.paper.rows("SELECT status FROM incident WHERE id = ?", answer.id)
            == [(str(answer.status),)],
            answer.number,
        )

    def taken(self, delivery_id: str, company: Company, body: str = "") -> None:
        """A company is taking a delivery over, a text with its words: is that right?"""
        found = self._town.paper.rows(
            "SELECT d.channel, d.to_number, d.created_at, d.purpose, d.attempts, a.status FROM delivery d "
            "LEFT JOIN assignment a ON a.incident_id = d.incident_id AND a.staff_id = d.staff_id "
            "WHERE d.id = ?",
            delivery_id,
        )
        self._is("what leaves the house is a delivery", bool(found), delivery_id)
        channel, number, created_at, purpose, attempts, part = found[0]
        if purpose == "alert" and attempts == 1:
            self._is("nobody who was stood down is rung", part != "stood_down", delivery_id)
        mine = {leg.sid for leg in company.legs if leg.delivery_id == delivery_id}
        mine |= {text.sid for text in company.texts if text.delivery_id == delivery_id}
        if mine and (channel, number) not in company.could_not_say:
            shown = company.recent(str(channel), str(number), instant(str(created_at)))
            # A text is known by its words; where they have changed meanwhile, nobody can know it.
            free = [one.sid for one in shown if one.sid in mine and getattr(one, "body", "") == body]
            doubtful = self._could_be_another(free, delivery_id, str(channel), str(number))
            self._is(
                "nothing is sent again that the provider would have shown", not free or doubtful, delivery_id
            )

    def stopped(self, sid: str, *, here: bool) -> None:
        """A company was told to stop a call, one of its own or not."""
        self._stopped.setdefault(sid, []).append(here)

    def _could_be_another(self, sids: list[str], delivery_id: str, channel: str, number: str) -> bool:
        """Whether what the provider would show may belong to another delivery to the same number."""
        places = ", ".join("?" for _ in sids)
        return bool(
            self._town.paper.rows(
                "SELECT 1 FROM delivery WHERE id <> ? AND to_number = ? AND channel = ? "
                f"AND (state IN ('sending', 'unknown') OR attempts > 1 OR provider_sid IN ({places}))",
                *(delivery_id, number, channel, *sids),
            )
        )

    def hold_now(self) -> None:
        """What must hold after every single step."""
        version = self._town.paper.rows("PRAGMA data_version")
        if version == self._version:
            return
        self._version = version
        left = self._town.paper.rows(
            "SELECT id, state FROM delivery WHERE lease_until IS NOT NULL AND state <> 'sending'"
        )
        self._is("only what is being sent has a lease", not left, left)
        found = self._town.paper.rows(
            "SELECT i.id, i.status, i.event_count, i.chain_head, "
            "(SELECT count(*) FROM assignment a WHERE a.incident_id = i.id AND a.is_primary), "
            "(SELECT count(*) FROM deadline d WHERE d.incident_id = i.id) FROM incident i"
        )
        for incident_id, status, count, head, primaries, deadlines in found:
            self._heads[str(incident_id), int(str(count))] = str(head)
            if status == "closed":
                self._is("a closed incident waits for nothing", not primaries and not deadlines, incident_id)
                continue
            self._is("an open incident has an owner or a next deadline", primaries or deadlines, incident_id)
            self._is("one worker is primary", primaries == (1 if status in ENGAGED else 0), incident_id)
        self._no_caller_is_left_alone()
        if self._town.program is not None and not self._town.beats_wanted:
            self._nothing_waits_for_an_old_hour()

    def _no_caller_is_left_alone(self) -> None:
        """Whoever waits in our room has people called to them, or will have when nobody comes in time."""
        alone = self._town.paper.rows(
            "SELECT c.provider_sid FROM call c JOIN incident i ON i.id = c.incident_id "
            "WHERE c.ended_at IS NULL AND c.answered_at IS NULL AND i.status <> 'closed' "
            "AND instr(i.ladder, c.id) = 0 "
            "AND NOT EXISTS (SELECT 1 FROM deadline d WHERE d.incident_id = i.id)"
        )
        self._is("a caller who waits has somebody called to them", not alone, alone)

    def _nothing_waits_for_an_old_hour(self) -> None:
        """Whatever was done to the clock, everything is looked at within the longest time that there is."""
        latest_at = self._town.clock.now() + LONGEST_WAIT
        for query in (
            "SELECT incident_id || ' ' || kind, due_at FROM deadline",
            "SELECT id, next_attempt_at FROM delivery WHERE state IN ('pending', 'sending', 'unknown')",
        ):
            for name, at in self._town.paper.rows(query):
                self._is("nothing waits for an hour to come twice", instant(str(at)) <= latest_at, name)

    # --- at rest

    def hold_at_rest(self) -> None:
        """Everything, once nothing is under way any more."""
        self._nothing_that_came_in_is_missing()
        self._nothing_answered_is_missing()
        self._every_ring_has_its_ending()
        self._deliveries_came_to_an_end()
        self._calls_were_stopped_where_they_were_placed()
        self._no_alert_is_lost()
        self._the_record_is_true()
        self._the_watchdog_is_content()

    def _nothing_that_came_in_is_missing(self) -> None:
        expected = self._town.came_in - self._town.excused
        missing = expected - self._town.paper.complete(expected)
        self._is(
            "every call and text that came to our number is known, with its ending", not missing, missing
        )

    def _nothing_answered_is_missing(self) -> None:
        rows = self._town.paper.rows
        calls = {
            sid: row
            for sid, *row in rows("SELECT provider_sid, id, incident_id, ended_at, menu_digit FROM call")
        }
        texts = {key for (key,) in rows("SELECT provider_key FROM inbox WHERE kind = 'sms'")}
        acted = {
            (incident_id, actor)
            for incident_id, actor in rows(
                "SELECT DISTINCT incident_id, actor FROM event WHERE source = 'keypad'"
            )
        }
        for path, form in self._answered:
            sid = form.get("CallSid", "")
            if path == "/telephony/voice":
                self._is("a call that was answered has an incident", calls.get(sid, (0, None))[1], sid)
            elif path == "/telephony/sms":
                self._is(
                    "a text that was answered is kept",
                    f"sms:{form['MessageSid']}" in texts,
                    form["MessageSid"],
                )
            elif path == "/telephony/voice/status" and sid in calls:
                self._is("a call whose end was told has an ending", calls[sid][2], sid)
            elif path == "/telephony/voice/menu" and sid in calls and form["Digits"] in "12349":
                self._is("a key of the caller's is kept", calls[sid][3], sid)
            elif path.endswith("/key") and form["Digits"][:1] in "1268":
                told = self._town.paper.told_by(path.split("/")[3])
                assert told is not None
                line = (told.incident_id, f"staff:{told.staff_code}")
                is_known = line in acted or self._took_part(told.incident_id, str(told.staff_code))
                self._is("a key of a worker's is on record", is_known, f"{path} {form['Digits']}")

    def _took_part(self, incident_id: str, code: str) -> bool:
        """Whether a key could change nothing because the same was said by another way before."""
        return bool(
            self._town.paper.rows(
                "SELECT 1 FROM event WHERE incident_id = ? "
                "AND (actor = ? OR json_extract(data, '$.staff_code') = ?)",
                *(incident_id, f"staff:{code}", code),
            )
        )

    def _every_ring_has_its_ending(self) -> None:
        for sid, incident_id, outcome, ended_at in self._town.paper.rows(
            "SELECT provider_sid, incident_id, outcome, ended_at FROM call"
        ):
            self._is("every ring has its ending", (ended_at or sid in self._town.excused) and outcome, sid)
            self._is("every real call has an incident", incident_id or outcome == "information", sid)

    def _deliveries_came_to_an_end(self) -> None:
        told: dict[tuple[str, str], set[str]] = {}
        for path, form in self._answered:
            if path.endswith("/voice/status") and "deliveries" in path and form["CallStatus"] in _FINAL:
                place = (path.split("/")[3], form["CallSid"])
                told.setdefault(place, set()).add(_FINAL[form["CallStatus"]])
        for delivery_id, sid, state, lease in self._town.paper.rows(
            "SELECT id, provider_sid, state, lease_until FROM delivery"
        ):
            self._is(
                "no delivery is stuck",
                state not in ("pending", "sending", "unknown"),
                f"{delivery_id} {state}",
            )
            self._is("no lease is left", lease is None, f"{delivery_id} {state}")
            # Of a call that was placed twice the delivery follows one.
            ends = told.get((str(delivery_id), str(sid)))
            if ends:
                right = ends | {"withdrawn"} if "failed" in ends else ends
                self._is(
                    "a delivery ends as the network said", state in right, f"{delivery_id} {state} {ends}"
                )

    def _calls_were_stopped_where_they_were_placed(self) -> None:
        """The right company may be silent at first, and is told again; the others are not waited for."""
        for sid, told in self._stopped.items():
            self._is("a call is stopped where it was placed", any(told), sid)
        self._stopped.clear()

    def _no_alert_is_lost(self) -> None:
        deliveries = {
            str(key): _Alert(str(delivery_id), str(state), code, left_at)
            for key, delivery_id, state, code, left_at in self._town.paper.rows(
                "SELECT idempotency_key, id, state, error_code, coalesce(sent_at, finished_at) FROM delivery"
            )
        }
        reached = {leg.delivery_id for company in self._town.companies for leg in company.legs}
        reached |= {text.delivery_id for company in self._town.companies for text in company.texts}
        for wanted in self._wanted_alerts():
            alert = deliveries.get(wanted.key(wanted.turn))
            if alert is None:
                before = {wanted.key(turn) for turn in range(1, wanted.turn)}
                waiting = (one for key, one in deliveries.items() if key.partition("#")[0] in before)
                covered = any(wanted.comes_while_waiting(one) for one in waiting)
                self._is("a wanted alert is a delivery, or one like it waits to leave", covered, wanted)
            elif alert.state in ("accepted", "delivered"):
                self._is("an alert that is said to have left, left", alert.delivery_id in reached, wanted)
            elif alert.state == "failed":
                self._is("an alert that failed has a reason", alert.error is not None, wanted)
            else:
                done_with = alert.error is not None or wanted.key(wanted.turn + 1) in deliveries
                done_with = done_with or self._was_stood_down(wanted.incident_id, wanted.staff_code)
                self._is("an alert is withdrawn only from somebody not needed", done_with, wanted)

    def _wanted_alerts(self) -> Iterator[_Wanted]:
        """Every alert that a line of the record asks for."""
        turns: Counter[tuple[object, str]] = Counter()
        for incident_id, data, recorded_at in self._town.paper.rows(
            "SELECT incident_id, data, recorded_at FROM event WHERE kind = 'alert.requested' "
            "ORDER BY incident_id, sequence"
        ):
            request = json.loads(str(data))
            for person in request["people"]:
                turns[incident_id, person["staff_id"]] += 1
                for channel in request["channels"]:
                    yield _Wanted(
                        incident_id=str(incident_id),
                        staff_id=person["staff_id"],
                        staff_code=person["staff_code"],
                        channel=channel,
                        turn=turns[incident_id, person["staff_id"]],
                        recorded_at=str(recorded_at),
                    )

    def _was_stood_down(self, incident_id: str, code: str) -> bool:
        return any(
            json.loads(str(data)).get("staff_code") == code
            for (data,) in self._town.paper.rows(
                "SELECT data FROM event WHERE incident_id = ? AND kind IN "
                "('assignment.stood_down', 'assignment.declined', 'assignment.available')",
                incident_id,
            )
        )

    def _the_record_is_true(self) -> None:
        program = self._town.program
        assert program is not None
        findings = [
            f"{finding.incident} {finding.sequence} {finding.field} {finding.problem} {finding.detail}"
            for finding in verify(program.uow, FACILITY)
        ]
        self._is("the chain verifies and the rows are its replay", not findings, findings)
        hashes = {
            (str(incident_id), int(str(sequence))): (digest, occurred_at, recorded_at)
            for incident_id, sequence, digest, occurred_at, recorded_at in self._town.paper.rows(
                "SELECT incident_id, sequence, hash, occurred_at, recorded_at FROM event"
            )
        }
        for place, head in self._heads.items():
            self._is("nothing that was committed is missing", hashes.get(place, (None,))[0] == head, place)
        for place, (_, occurred_at, recorded_at) in hashes.items():
            ahead_s = (instant(str(occurred_at)) - instant(str(recorded_at))).total_seconds()
            # A clock that was set back between a request's arrival and its recording explains an hour.
            allowed_s = _TOLERANCE_S if not self._town.clock_was_set else 3600.0 + _TOLERANCE_S
            self._is("nothing is recorded before it happened", ahead_s <= allowed_s, place)
        self._deadlines_are_derived()
        self._nobody_was_refused_for_the_clock()

    def _nobody_was_refused_for_the_clock(self) -> None:
        """Who answers by phone says what happens now: a clock that was set back is not their mistake."""
        for incident_id, data, source in self._town.paper.rows(
            "SELECT incident_id, data, source FROM event WHERE kind = 'action.refused'"
        ):
            by_phone = source in ("keypad", "sms") and json.loads(str(data))["error"] == "time_refused"
            self._is("nobody is refused for the machine's clock", not by_phone, incident_id)

    def _the_watchdog_is_content(self) -> None:
        """What asks in production agrees with what asks here; a clock that was put back it names rightly."""
        program = self._town.program
        assert program is not None
        services = program.services
        for check in invariants.CHECKS:
            # The day reads the logs and gives signs of life now and then, and not all the time as a program.
            if check.name in (invariants.CLOCK_WRONG, invariants.LOG_UNREAD, invariants.ENGINE_SILENT):
                continue
            if check.name == invariants.CALL_WITHOUT_ENDING and self._town.excused:
                continue
            with services.uow.read() as session:
                found = list(check.find(session, services, services.clock.now()))
            self._is("the watchdog finds nothing", not found, found)

    def _deadlines_are_derived(self) -> None:
        program = self._town.program
        assert program is not None
        for incident_id, _ in self._town.paper.open_incidents():
            with program.uow.read() as session:
                incident = ledger.load(session, program.services, incident_id, for_update=False)
            wanted = {(due.kind, due.subject, due.due_at) for due in escalation.deadlines(incident)}
            stored = {
                (kind, subject, instant(str(due_at)))
                for kind, subject, due_at in self._town.paper.rows(
                    "SELECT kind, subject, due_at FROM deadline WHERE incident_id = ?", incident_id
                )
            }
            self._is("deadlines follow from the state", wanted == stored, incident_id)

    def _is(self, promise: str, kept: object, about: object) -> None:
        self.checks[promise] += 1
        if not kept:
            raise BrokenPromiseError(f"{promise}: {about}")
