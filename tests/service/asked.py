"""What a database is asked while a story is told, the stories themselves, and which tables stay small."""

import re
from typing import Any

from sqlalchemy import Engine, event

from dispatch.service import alert_calls, delivery_reports, intake
from dispatch.service.watchdog import Watchdog
from models.tables import Base
from models.traffic import Delivery
from tests.world import PHONES, World

QUESTIONS = re.compile("SELECT|WITH")


class Listener:
    """Collects the statements that a database is asked."""

    def __init__(self, engine: Engine, those: re.Pattern[str] = QUESTIONS) -> None:
        self._those = those
        self.asked: list[tuple[str, Any]] = []
        event.listen(engine, "before_cursor_execute", self._note)

    def _note(
        self, _connection: object, _cursor: object, statement: str, parameters: object, *_: object
    ) -> None:
        if self._those.match(statement):
            self.asked.append((statement, parameters))


SMALL = {
    "api_token": "one for each program",
    "facility": "one",
    "follow_up": "written by hand, some dozen a year",
    "incident_counter": "one a year",
    "lease": "one for each thing that only one process may do",
    "pace": "one for each provider",
    "place": "villages and landmarks",
    "pulse": "one for each part of the program",
    "roster_mark": "one",
    "seal": "one a day",
    "staff": "people who work there",
    "user_account": "people who work there",
}
"""Tables that may be walked, and why they stay small."""

OF_WHAT_GOES_ON = frozenset(
    {"ix_assignment_engaged", "ix_call_orphan", "ix_deadline_due", "ix_delivery_due", "ix_incident_open"}
)
"""Indexes that hold nothing but what goes on or went wrong, so that the whole of them is little."""

BIG = {table.name for table in Base.metadata.sorted_tables} - set(SMALL)
"""Every other grows for ever, and so does each of its indexes."""


SMALL_INDEXES = frozenset(
    str(getattr(each, "name", ""))
    for table in Base.metadata.sorted_tables
    if table.name in SMALL
    for each in (*table.indexes, *table.constraints)
)


def calls_to(world: World, code: str) -> list[Delivery]:
    return [row for row in world.deliveries(channel="voice") if row.to_number == PHONES[code]]


def live_the_rest(world: World, incident_id: str, calls: list[Delivery]) -> None:
    """A worker picks up, they talk and hang up, the caller rings again, and a text comes too late."""
    services = world.services
    for row in calls:
        for number, status in enumerate(("ringing", "in-progress")):
            delivery_reports.callback(
                services,
                row.id,
                provider_sid=row.provider_sid,
                status=status,
                sequence=number,
                error_code=None,
            )
        assert alert_calls.answered(services, row.id) is not None
        world.worker("N01").accepts(incident_id)
        alert_calls.begin_joining(services, incident_id, "N01")
        meeting = alert_calls.enter_room(services, incident_id, str(row.provider_sid))
        assert meeting is not None
        intake.join_caller(services, meeting)
    alert_calls.keep_recording(services, incident_id, recording_sid="RE1", duration_s=9)
    world.resident().hangs_up()
    world.resident().rings("CA-in-2")
    intake.call_state(services, "CA-in-2")
    world.works()
    for word in ("3", "4", "5", "1 4", "apa"):
        world.worker("N01").texts(word)
    world.works()


def asked_by_the_watchdog(world: World) -> list[tuple[str, Any]]:
    """Every statement of one round, with an incident that is going on."""
    world.resident().rings()
    world.works()
    listener = Listener(world.uow.engine)
    report = Watchdog(world.services).round()
    assert report is not None
    assert report.findings == ()
    return listener.asked
