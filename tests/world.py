"""A small health centre in one process: its database, its people, its telephone company, and a clock by hand.

For tests of the service layer on a real database. People act through phones: ``world.resident(…).rings()``,
``world.worker("N01").texts("1 10")``. The engine works when the test says so.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar, Unpack
from zoneinfo import ZoneInfo

from sqlalchemy import select

from dispatch.adapters.ids import RandomIds
from dispatch.domain.commands import (
    Action,
    ActOnIncident,
    ChooseFromMenu,
    EndCall,
    JoinCaller,
    ReceiveCall,
    ReceiveText,
)
from dispatch.domain.incidents import Incident
from dispatch.domain.policy import Policy
from dispatch.domain.vocabulary import DeliveryState, Role, Source
from dispatch.ports import Clock
from dispatch.service import delivery_reports, intake, ledger, progress, texting
from dispatch.service.engine import Engine
from dispatch.service.intake import CallState
from dispatch.service.metrics import Metrics
from dispatch.service.sending import Sender
from dispatch.service.services import Services
from dispatch.service.states import States
from dispatch.service.texting import TextAnswer
from dispatch.service.verifying import verify
from models.facility import Facility, Shift, Staff
from models.incident import Call
from models.incident import Incident as IncidentRow
from models.record import Event
from models.session import open_database
from models.traffic import Deadline, Delivery
from models.unit_of_work import UnitOfWork
from tests.builders import START, Details, policy
from tests.fakes.clock import FakeClock
from tests.fakes.telephony import WAIT_S, FakeAddresses, FakeProvider, FakeWording, Sent

FACILITY = "KWK"
ZONE = ZoneInfo("Asia/Jayapura")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody on the staff, on duty in one tier."""

    code: str
    tier: str
    role: Role = Role.RESPONDER
    phone: str = ""


TEAM = (
    Member("N01", "jaga", phone="+6281100000001"),
    Member("N02", "jaga", phone="+6281100000002"),
    Member("N03", "jaga", phone="+6281100000003"),
    Member("C01", "cadangan", phone="+6281100000004"),
    Member("C02", "cadangan", phone="+6281100000005"),
    Member("P01", "pimpinan", role=Role.SUPERVISOR, phone="+6281100000006"),
)
PHONES = {member.code: member.phone for member in TEAM}


def inbox_row(name: str, body: dict[str, str] | None = None) -> dict[str, object]:
    """The values of a request in the inbox that is about nothing."""
    return {
        "id": name,
        "facility_id": FACILITY,
        "provider_key": name,
        "kind": "test",
        "received_at": START,
        "body": body or {},
    }


class World:
    """The health centre. Every database it opened is let go by :meth:`close`."""

    def __init__(
        self,
        url: str,
        *,
        plan: Policy | None = None,
        team: Sequence[Member] = TEAM,
        clock: Clock | None = None,
        zone: ZoneInfo = ZONE,
        provider_names: Sequence[str] = ("fake",),
        calls_per_second: float = 0.0,
    ) -> None:
        self._url = url
        self._heirs: list[World] = []
        self.hand = FakeClock(START)
        self.clock: Clock = clock or self.hand
        self._steady = self.hand.steady_s if clock is None else None
        self.uow = UnitOfWork(open_database(url))
        self.services = Services(
            uow=self.uow,
            clock=self.clock,
            ids=RandomIds(),
            metrics=Metrics(),
            facility_id=FACILITY,
            zone=zone,
            policy=plan or policy(),
            link_key=b"a key for tests",
            providers=tuple(provider_names),
            calls_per_second=calls_per_second,
        )
        self.providers = [FakeProvider(name, now=self.clock.now) for name in provider_names]
        self.sender = self._new_sender()
        self.engine = Engine(self.services, self.sender, steady=self._steady)
        self._texts = 0
        self._employ(team)

    def restarted(self, plan: Policy | None = None) -> "World":
        """The same health centre as another process sees it, perhaps with another policy file."""
        again = copy(self)
        again.uow = UnitOfWork(open_database(self._url))
        again.services = replace(
            self.services, uow=again.uow, policy=plan or self.services.policy, states=States()
        )
        again.sender = again._new_sender()
        again.engine = Engine(again.services, again.sender, steady=again._steady)
        self._heirs.append(again)
        return again

    def restarted_on(self, url: str) -> "World":
        """The same health centre on another machine, whose database was restored there."""
        again = copy(self)
        again._url = url
        again = again.restarted()
        self._heirs.append(again)
        return again

    def close(self) -> None:
        for world in (self, *self._heirs):
            world.engine.stop()
            world.uow.engine.dispose()

    @property
    def provider(self) -> FakeProvider:
        """The first telephone company."""
        return self.providers[0]

    # --- people

    def resident(self, number: str | None = "+628119999001") -> "ResidentPhone":
        return ResidentPhone(self, number)

    def worker(self, code: str) -> "WorkerPhone":
        return WorkerPhone(self, code)

    def desk(
        self, incident_id: str, action: Action, code: str | None = None, **fields: Unpack[Details]
    ) -> Incident:
        """The dispatcher acts."""
        command = ActOnIncident(
            incident_id=incident_id,
            action=action,
            actor="user:desk",
            source=Source.WEB,
            staff_code=code,
            **fields,
        )
        return progress.act(self.services, command)

    # --- time and the engine

    def works(self) -> int:
        """Let the engine do everything that is due now; how much that was."""
        done = 0
        while step := self.engine.run_once():
            done += step
        return done

    def passes(self, seconds: float) -> None:
        """Let time pass, with the engine at every instant at which it is wanted."""
        until = self.hand.now() + timedelta(seconds=seconds)
        self.works()
        while (due_at := self._next_due_at()) is not None and due_at <= until:
            self.hand.advance((due_at - self.hand.now()).total_seconds())
            assert self.works(), f"the engine was wanted at {due_at} and did nothing"
        self.hand.advance((until - self.hand.now()).total_seconds())

    def _new_sender(self) -> Sender:
        return Sender(self.services, self.providers, wording=FakeWording(), addresses=FakeAddresses())

    def _next_due_at(self) -> datetime | None:
        unsent = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN)
        with self.uow.read() as session:
            found = [
                session.scalar(select(Deadline.due_at).order_by(Deadline.due_at).limit(1)),
                session.scalar(
                    select(Delivery.next_attempt_at)
                    .where(Delivery.state.in_(unsent))
                    .order_by(Delivery.next_attempt_at)
                    .limit(1)
                ),
            ]
        return min((at for at in found if at is not None), default=None)

    def network_says(
        self, sent: Sent, status: str, *, sequence: int | None = None, error_code: str | None = None
    ) -> bool:
        """A status callback about something that was sent; whether it changed anything."""
        return delivery_reports.callback(
            self.services,
            sent.delivery_id,
            provider_sid=sent.sid,
            status=status,
            sequence=sequence,
            error_code=error_code,
        )

    # --- what is on record

    def incident(self, incident_id: str) -> Incident:
        with self.uow.read() as session:
            return ledger.load(session, self.services, incident_id, for_update=False)

    def incidents(self) -> list[IncidentRow]:
        with self.uow.read() as session:
            return list(session.scalars(select(IncidentRow).order_by(IncidentRow.short_number)))

    def calls(self) -> list[Call]:
        with self.uow.read() as session:
            return list(session.scalars(select(Call).order_by(Call.received_at, Call.id)))

    def lines(self, incident_id: str) -> list[Event]:
        with self.uow.read() as session:
            query = select(Event).where(Event.incident_id == incident_id).order_by(Event.sequence)
            return list(session.scalars(query))

    def kinds(self, incident_id: str) -> list[str]:
        return [line.kind for line in self.lines(incident_id)]

    def deliveries(self, **where: object) -> list[Delivery]:
        with self.uow.read() as session:
            query = select(Delivery).filter_by(**where).order_by(Delivery.created_at, Delivery.id)
            return list(session.scalars(query))

    def deadlines(self) -> list[Deadline]:
        with self.uow.read() as session:
            return list(session.scalars(select(Deadline).order_by(Deadline.due_at, Deadline.kind)))

    def findings(self) -> list[tuple[str, int, str | None, str]]:
        """What ``siaga verify`` finds: incident, line, field, problem."""
        found = verify(self.uow, FACILITY)
        return [(finding.incident, finding.sequence, finding.field, finding.problem) for finding in found]

    def next_text_sid(self) -> str:
        self._texts += 1
        return f"SM-in-{self._texts}"

    def _employ(self, team: Sequence[Member]) -> None:
        now = self.clock.now()
        with self.uow.write() as session:
            session.add(Facility(id=FACILITY, name="Puskesmas", timezone=str(ZONE), created_at=now))
            session.flush()
            for member in team:
                staff = Staff(
                    id=self.services.ids.new_id(),
                    facility_id=FACILITY,
                    code=member.code,
                    name=f"Ns. {member.code}",
                    role=str(member.role),
                    phone=member.phone,
                    skills=["nurse"],
                    updated_at=now,
                )
                session.add(staff)
                session.flush()
                session.add(
                    Shift(
                        id=self.services.ids.new_id(),
                        facility_id=FACILITY,
                        staff_id=staff.id,
                        tier=member.tier,
                        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
                        ends_at=datetime(2036, 1, 1, tzinfo=UTC),
                    )
                )


class ResidentPhone:
    """The phone of somebody who needs help."""

    def __init__(self, world: World, number: str | None) -> None:
        self._world = world
        self._number = number

    def rings(self, sid: str = "CA-in-1") -> CallState:
        """Dial the emergency number; the same *sid* is the same call, told again."""
        command = ReceiveCall(
            provider="fake",
            provider_sid=sid,
            caller_number=self._number,
            received_at=self._world.clock.now(),
            body={"CallSid": sid},
        )
        return intake.receive_call(self._world.services, command)

    def presses(self, digit: str, sid: str = "CA-in-1") -> CallState | None:
        return intake.choose_from_menu(self._world.services, ChooseFromMenu(provider_sid=sid, digit=digit))

    def hangs_up(self, sid: str = "CA-in-1", provider_status: str = "completed") -> bool:
        return intake.end_call(
            self._world.services, EndCall(provider_sid=sid, provider_status=provider_status)
        )

    def texts(self, text: str, *, sid: str | None = None) -> TextAnswer | str:
        return _text(self._world, self._number, text, sid)


class WorkerPhone:
    """The phone of a health worker."""

    def __init__(self, world: World, code: str) -> None:
        self._world = world
        self.code = code
        self.number = PHONES[code]

    def does(
        self,
        incident_id: str,
        action: Action,
        *,
        source: Source = Source.KEYPAD,
        **fields: Unpack[Details],
    ) -> Incident:
        command = ActOnIncident(
            incident_id=incident_id,
            action=action,
            actor=f"staff:{self.code}",
            source=source,
            staff_code=self.code,
            **fields,
        )
        return progress.act(self._world.services, command)

    def accepts(self, incident_id: str) -> Incident:
        return self.does(incident_id, Action.ACCEPT)

    def joins(self, incident_id: str) -> None:
        """Enter the room in which the caller waits."""
        part = self._world.incident(incident_id).assignment(self.code)
        assert part is not None
        intake.join_caller(self._world.services, JoinCaller(incident_id=incident_id, staff_id=part.staff_id))

    def texts(self, text: str, *, sid: str | None = None) -> TextAnswer | str:
        return _text(self._world, self.number, text, sid)

    def understood(self, text: str) -> TextAnswer:
        """What a new text of this worker was understood as."""
        answer = self.texts(text)
        assert isinstance(answer, TextAnswer)
        return answer


def _text(world: World, sender: str | None, text: str, sid: str | None) -> TextAnswer | str:
    command = ReceiveText(
        provider="fake",
        provider_sid=sid or world.next_text_sid(),
        sender=sender,
        raw_sender=sender or "TELKOMSEL",
        text=text,
        received_at=world.clock.now(),
        body={"From": sender or "TELKOMSEL", "Body": text},
    )
    return texting.receive_text(world.services, command, lambda answer: f"understood: {answer.understood}")


def at_once(*acts: Callable[[], T]) -> list[T]:
    """Do everything in the same instant, each in a thread of its own; what each gave, in order.

    What one of them raised is raised here.
    """
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T:
        barrier.wait(WAIT_S)
        return act()

    with ThreadPoolExecutor(max_workers=len(acts)) as pool:
        begun = [pool.submit(run, act) for act in acts]
        return [future.result(timeout=WAIT_S) for future in begun]
