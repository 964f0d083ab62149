"""Dispatchers: they open incidents by hand, colour, correct, lower with a reason, assign, merge, close; and
they bring files with staff and shifts while incidents are running."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from dispatch.domain.commands import Action, ActOnIncident, Location, OpenByHand
from dispatch.domain.vocabulary import Category, LocationSource, Outcome, Priority, Source
from dispatch.service import intake, progress
from dispatch.service.importing import Importer, import_roster, import_staff
from dispatch.service.services import Services
from tests.simulation.plan import TEAM
from tests.simulation.program import ZONE

if TYPE_CHECKING:
    from tests.simulation.town import Town

_ACTIONS = (
    *(Action.NOTE, Action.SET_PRIORITY, Action.SET_PRIORITY, Action.SET_CATEGORY, Action.SET_LOCATION),
    *(Action.ASSIGN, Action.HELP, Action.DECLINE, Action.EN_ROUTE, Action.CLOSE, Action.MERGE),
)


class Desk:
    """Whoever sits at the board."""

    def __init__(self, town: Town) -> None:
        self.town = town

    def opens_by_hand(self) -> None:
        """A walk-in, or a voice on the radio."""
        command = OpenByHand(
            actor="user:desk",
            priority=self.town.one_of((Priority.UNKNOWN, Priority.RED, Priority.YELLOW, Priority.GREEN)),
            category=self.town.one_of((Category.TRAUMA, Category.UNKNOWN)),
            location=Location(source=LocationSource.DISPATCHER, text="SP 2") if self._maybe() else None,
            text="datang sendiri",
            is_drill=self.town.chance.random() < 0.2,
        )
        opened = self.town.asks_program(lambda services: intake.open_by_hand(services, command))
        if opened is not None:
            self.town.promises.stands(opened)

    def does_something(self) -> None:
        """One act on one of the open incidents."""
        incidents = self.town.paper.open_incidents()
        if not incidents:
            return
        incident_id, _ = self.town.one_of(incidents)
        others = [other for other, _ in incidents if other != incident_id]
        late_s = self.town.one_of((0, 0, 30, 120))
        self.acts(
            ActOnIncident(
                incident_id=incident_id,
                action=self.town.one_of(_ACTIONS),
                actor="user:desk",
                source=Source.WEB,
                staff_code=self.town.one_of([code for code, _, _ in TEAM]),
                occurred_at=self.town.clock.now() - timedelta(seconds=late_s) if late_s else None,
                text="catatan",
                reason=self.town.one_of(("keliru", None)),
                priority=self.town.one_of(list(Priority)),
                category=self.town.one_of((Category.BLEEDING, Category.FEVER, Category.CARDIAC)),
                outcome=self.town.one_of((Outcome.ADVICE, Outcome.CANCELLED, None)),
                location=Location(
                    source=LocationSource.DISPATCHER, text="Jl. Yos Sudarso", lat=-4.55, lon=136.88
                ),
                into=self.town.one_of(others) if others else None,
            )
        )

    def acts(self, command: ActOnIncident) -> None:
        self.town.tell(f"desk {command.action} {command.staff_code}")
        answer = self.town.asks_program(lambda services: progress.act(services, command))
        if answer is not None:
            self.town.promises.stands(answer)

    def closes(self, incident_id: str) -> None:
        """A named person ends it."""
        self.acts(
            ActOnIncident(
                incident_id=incident_id,
                action=Action.CLOSE,
                actor="user:desk",
                source=Source.WEB,
                outcome=Outcome.TREATED,
            )
        )

    def brings_a_file(self) -> None:
        """A file of shifts, or of staff with somebody's new number."""
        code, tier, role = self.town.one_of(TEAM)
        if self._maybe():
            begins = (
                self.town.clock.now().astimezone(ZONE).replace(minute=0, second=0, microsecond=0, tzinfo=None)
            )
            tier = self.town.one_of(("jaga", "cadangan", "pimpinan"))
            ends = begins + timedelta(hours=self.town.one_of((2, 8)))
            row = f"{code},{begins.isoformat()},{ends.isoformat()},{tier}"
            content = f"staff_code,starts_at,ends_at,tier\n{row}\n".encode()
            self.town.asks_program(partial(_import_roster, content=content))
            return
        worker = self.town.workers[code]
        number = f"+62811000{self.town.chance.randrange(10_000, 99_999)}"
        self.town.phones[number] = worker
        row = f"{code},Ns. {code},{role},{number},nurse,"
        content = f"code,name,role,phone,skills,base_place\n{row}\n".encode()
        if self.town.asks_program(partial(_import_staff, content=content)) is not None:
            worker.number = number

    def _maybe(self) -> bool:
        return self.town.chance.random() < 0.5


def _importer(services: Services) -> Importer:
    return Importer(
        uow=services.uow,
        ids=services.ids,
        clock=services.clock,
        facility_id=services.facility_id,
        actor="user:desk",
    )


def _import_roster(services: Services, *, content: bytes) -> object:
    return import_roster(content, file="roster.csv", importer=_importer(services), zone=services.zone)


def _import_staff(services: Services, *, content: bytes) -> object:
    return import_staff(content, file="staff.csv", importer=_importer(services))
