"""A small health centre with its record, for tests of the JSON API, exports and reports."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from dashboards.api import tokens
from dashboards.api.context import ApiContext
from dashboards.api.router import build_api
from dashboards.evidence_refusals import EvidenceRefusedError, Refusal
from dashboards.reports.house import House
from dashboards.reports.sources import Sources
from dispatch.adapters.ids import RandomIds
from dispatch.domain.commands import OpenByHand
from dispatch.domain.incidents import Incident
from dispatch.domain.policy import Alerting, Policy, Tier
from dispatch.domain.survey_rules import SurveyRules
from dispatch.domain.vocabulary import UserRole
from dispatch.service import intake
from dispatch.service.metrics import Metrics
from dispatch.service.services import Services
from models.facility import Facility, Place, Shift, Staff
from models.incident import Call
from models.incident import Incident as IncidentRow
from models.session import open_database
from models.unit_of_work import UnitOfWork
from tests.fakes.clock import FakeClock

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""Twelve o'clock in Timika."""

ZONE = ZoneInfo("Asia/Jayapura")
CALLER = "+628110000045"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFacility:
    """The health centre of the tests."""

    __test__ = False
    code: str = "KWK"
    name: str = "Puskesmas Kwamki"
    zone: ZoneInfo = ZONE
    targets: Mapping[str, float] = field(default_factory=lambda: {"answer": 15.0, "response": 600.0})
    report: House = field(default_factory=House)
    survey: SurveyRules = field(default_factory=SurveyRules)


class SamplePacks:
    """Stands where evidence packs are made: gives a file, or refuses as it is told to."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self.refusal = EvidenceRefusedError("no day is sealed", Refusal.NOTHING_SEALED)
        self.made: list[tuple[str, str]] = []

    def make(self, period: str, actor: str) -> Path:
        self.made.append((period, actor))
        if self.file is None:
            raise self.refusal
        return self.file


class Program:
    """Another program: sends requests straight into an application, as many at once as it has threads."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def sends(self, method: str, path: str, **kwargs: object) -> httpx.Response:
        """One request and its answer; what the application raises is a 500, as it is for a stranger."""

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, **kwargs)  # type: ignore[arg-type] # passed on

        return asyncio.run(exchange())


@dataclass(slots=True, kw_only=True)
class World:
    """The database, the clock, and programs that ask."""

    services: Services
    clock: FakeClock
    facility: TestFacility
    program: Program
    packs: SamplePacks = field(default_factory=SamplePacks)
    tokens: dict[UserRole, str] = field(default_factory=dict)

    def token(self, role: UserRole) -> str:
        """A token of this role, made once."""
        if role not in self.tokens:
            self.tokens[role] = tokens.create_token(
                self.services, role=role, name=f"{role} test", actor="cli"
            )
        return self.tokens[role]

    def get(
        self, path: str, params: Mapping[str, object] | None = None, *, role: UserRole = UserRole.ADMIN
    ) -> httpx.Response:
        """Ask as *role*."""
        return self.program.sends("GET", path, params=params, headers=self.headers(role))

    def post(
        self, path: str, body: object, role: UserRole = UserRole.DISPATCHER, key: str | None = None
    ) -> httpx.Response:
        """Send *body* as *role*."""
        headers = self.headers(role) | ({} if key is None else {"Idempotency-Key": key})
        return self.program.sends("POST", path, json=body, headers=headers)

    def headers(self, role: UserRole) -> dict[str, str]:
        """What a program of this role sends."""
        return {"Authorization": f"Bearer {self.token(role)}"}

    def opens(self, **facts: object) -> Incident:
        """An incident opened by hand now."""
        return intake.open_by_hand(self.services, OpenByHand(actor="user:ani", **facts))  # type: ignore[arg-type] # passed on

    def writes(self, *rows: object) -> None:
        """Rows as a past day left them."""
        with self.services.uow.write() as session:
            session.add_all(rows)


@contextmanager
def world(database_url: str) -> Iterator[World]:
    """A world on a migrated database of its own."""
    engine = open_database(database_url)
    clock = FakeClock(NOON)
    facility = TestFacility()
    services = Services(
        uow=UnitOfWork(engine),
        clock=clock,
        ids=RandomIds(),
        metrics=Metrics(),
        facility_id=facility.code,
        zone=facility.zone,
        policy=Policy(alerting=Alerting(tiers=(Tier(name="jaga", alert_at_once=2, accept_within_s=30.0),))),
        link_key=b"k" * 32,
    )
    packs = SamplePacks()
    sources = Sources(facility=facility)
    app = build_api(ApiContext(services=services, sources=sources, make_pack=packs.make))
    made = World(services=services, clock=clock, facility=facility, program=Program(app), packs=packs)
    made.writes(Facility(id=facility.code, name=facility.name, timezone=facility.zone.key, created_at=NOON))
    made.writes(*_people(services))
    made.writes(*_duty(services), *_places(services))
    yield made
    engine.dispose()


def past_incident(world: World, number: int, received_at: datetime, **facts: object) -> IncidentRow:
    """The row of an incident as a past day left it, without a record; *facts* are columns."""
    values: dict[str, object] = {
        "id": world.services.ids.new_id(),
        "facility_id": world.facility.code,
        "number": f"KWK-{received_at.year}-{number:06d}",
        "year": received_at.year,
        "short_number": number,
        "status": "closed",
        "priority": "red",
        "category": "trauma",
        "channel": "voice",
        "caller_number": CALLER,
        "received_at": received_at,
        "closed_at": received_at + timedelta(hours=2),
        "policy": {},
        "duty": [],
        "ladder": {},
        "chain_head": "0" * 64,
    }
    return IncidentRow(**(values | facts))


def past_call(world: World, received_at: datetime, outcome: str, **facts: object) -> Call:
    """The row of a ring as a past day left it."""
    row_id = world.services.ids.new_id()
    values: dict[str, object] = {
        "id": row_id,
        "facility_id": world.facility.code,
        "provider": "simulator",
        "provider_sid": f"CA{row_id}",
        "channel": "voice",
        "caller_number": CALLER,
        "outcome": outcome,
        "received_at": received_at,
    }
    return Call(**(values | facts))


def _people(services: Services) -> list[Staff]:
    return [
        Staff(
            id=f"staff-{code}",
            facility_id=services.facility_id,
            code=code,
            name=name,
            role="responder",
            phone=phone,
            skills=["nurse", "bls"],
            base_place=None,
            updated_at=NOON,
        )
        for code, name, phone in (
            ("N01", "Suster Maria", "+628110000001"),
            ("N02", "Mantri Yosep", "+628110000002"),
        )
    ]


def _duty(services: Services) -> list[Shift]:
    return [
        Shift(
            id=services.ids.new_id(),
            facility_id=services.facility_id,
            staff_id=f"staff-{code}",
            tier="jaga",
            starts_at=NOON - timedelta(hours=4),
            ends_at=NOON + timedelta(hours=4),
        )
        for code in ("N01", "N02")
    ]


def _places(services: Services) -> list[Place]:
    return [
        Place(
            id=services.ids.new_id(),
            facility_id=services.facility_id,
            name=name,
            kind="village",
            parent="Kwamki Narama",
            lat=lat,
            lon=136.9,
            aliases=aliases,
        )
        for name, lat, aliases in (("Harapan", -4.52, ["Kampung Harapan"]), ("Olaroa", -4.53, []))
    ]
