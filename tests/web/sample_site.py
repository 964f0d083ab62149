"""A site with a sample night at Puskesmas Kwamki, written straight into the tables."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from sqlalchemy.orm import Session

from dashboards.context import PagesContext
from dashboards.evidence_refusals import EvidenceRefusedError
from dashboards.passwords import hash_password
from dashboards.reports.house import House
from dashboards.site import build_pages
from dispatch.domain.commands import ActOnIncident
from dispatch.domain.errors import DispatchError
from dispatch.domain.survey_rules import SurveyRules
from models.access import User
from models.facility import Facility, Shift, Staff, StaffBreak
from models.incident import Assignment, Call, Incident, Link
from models.record import Event, PrivateValue
from models.session import open_database
from models.traffic import Delivery, Outage, Pulse
from models.unit_of_work import UnitOfWork
from tests.fakes.clock import FakeClock
from tests.fakes.counting_ids import CountingIds

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CALLER = "+628110000201"
PASSWORD = "rahasia-sekali"
HASH = hash_password(PASSWORD)
NASTY = "<script>alert(1)</script> ' OR 1=1;-- 🚑 \" &amp; {{ 7*7 }}"
TOKEN = "AbCdEfGhIjKlMnOp"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFacility:
    code: str = "KWK"
    name: str = "Puskesmas Kwamki"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Jayapura"))
    targets: Mapping[str, float] = field(default_factory=lambda: {"answer": 15.0})
    report: House = field(default_factory=House)
    survey: SurveyRules = field(default_factory=SurveyRules)


class RecordingService:
    """Stands where the commands are carried out: keeps them, or refuses as it is told to."""

    def __init__(self) -> None:
        self.commands: list[ActOnIncident] = []
        self.refusal: DispatchError | None = None
        self.pack: Path | None = None
        self.refusal_of_packs = EvidenceRefusedError("no day is sealed")
        self.packed: list[tuple[str, str]] = []

    def act(self, command: ActOnIncident) -> None:
        self.commands.append(command)
        if self.refusal is not None:
            raise self.refusal

    def make_pack(self, period: str, actor: str) -> Path:
        self.packed.append((period, actor))
        if self.pack is None:
            raise self.refusal_of_packs
        return self.pack


class SampleSite:
    """An application with only the pages, a clock that stands still, and builders for rows."""

    def __init__(
        self,
        url: str,
        *,
        public_url: str = "http://127.0.0.1:8911",
        facility: SampleFacility | None = None,
    ) -> None:
        self.uow = UnitOfWork(open_database(url))
        self.clock = FakeClock(NOW)
        self.ids = CountingIds()
        self.service = RecordingService()
        self.app = FastAPI()
        self.app.include_router(
            build_pages(
                PagesContext(
                    uow=self.uow,
                    clock=self.clock,
                    ids=self.ids,
                    facility=facility or SampleFacility(),
                    secret_key="a secret of the tests",
                    public_url=public_url,
                    simulator_on=True,
                    act=self.service.act,
                    make_pack=self.service.make_pack,
                )
            )
        )
        with self.uow.write() as db:
            db.add(Facility(id="KWK", name="Puskesmas Kwamki", timezone="Asia/Jayapura", created_at=NOW))
        with self.uow.write() as db:
            for role in ("admin", "dispatcher", "manager", "auditor", "worker"):
                db.add(
                    User(
                        id=self.ids.new_id(),
                        facility_id="KWK",
                        username=role,
                        password_hash=HASH,
                        role=role,
                        created_at=NOW,
                    )
                )

    def close(self) -> None:
        self.uow.engine.dispose()

    def fill(self) -> None:
        """One incident being alerted, one under way, one closed."""
        with self.uow.write() as db:
            staff = _staff(db)
            db.flush()
            _roster(db, staff)
            db.flush()
            _alerting(db, staff)
            _under_way(db, staff)
            _closed(db, staff)


def at(seconds: float) -> datetime:
    """An instant before (negative) or after NOW."""
    return NOW + timedelta(seconds=seconds)


def _staff(db: Session) -> dict[str, Staff]:
    people = {
        "N01": ("Maria Kogoya", "responder"),
        "N02": ("Yohanis Wanimbo", "responder"),
        "D01": ("dr. Ruth Magai", "supervisor"),
        "S01": ("Petrus Tabuni", "driver"),
    }
    rows = {
        code: Staff(
            id=f"staff-{code}",
            facility_id="KWK",
            code=code,
            name=name,
            role=role,
            phone=f"+62811000000{number}",
            skills=["nurse"],
            updated_at=NOW,
        )
        for number, (code, (name, role)) in enumerate(people.items(), 1)
    }
    db.add_all(rows.values())
    return rows


def _roster(db: Session, staff: Mapping[str, Staff]) -> None:
    shifts = [
        ("N01", "jaga", -5, 7),
        ("N02", "jaga", -5, 7),
        ("S01", "jaga", 7, 19),
        ("D01", "pimpinan", -24, 96),
    ]
    for code, tier, begins_h, ends_h in shifts:
        db.add(
            Shift(
                id=f"shift-{code}-{begins_h}",
                facility_id="KWK",
                staff_id=staff[code].id,
                tier=tier,
                starts_at=at(begins_h * 3600),
                ends_at=at(ends_h * 3600),
            )
        )
    db.add(StaffBreak(id="b1", facility_id="KWK", staff_id="staff-N02", from_at=at(-600), until_at=None))


def incident(db: Session, number: int, **fields: object) -> Incident:
    """An incident's row with everything that is not named filled in."""
    values: dict[str, object] = {
        "id": f"incident-{number}",
        "facility_id": "KWK",
        "number": f"KWK-2026-{number:06d}",
        "year": 2026,
        "short_number": number,
        "status": "alerting",
        "priority": "red",
        "category": "unconscious",
        "channel": "voice",
        "received_at": at(-95),
        "caller_number": CALLER,
        "policy": {},
        "duty": [],
        "ladder": {},
        "chain_head": hashlib.sha256(str(number).encode()).hexdigest(),
        **fields,
    }
    row = Incident(**values)
    db.add(row)
    db.flush()
    return row


def line(
    db: Session,
    row: Incident,
    kind: str,
    data: Mapping[str, object],
    *,
    seconds: float,
    late_s: float = 0,
    source: str = "engine",
    actor: str = "engine",
    private: Mapping[str, str | None] | None = None,
) -> None:
    """The next line of an incident's record."""
    row.event_count += 1
    db.add(
        Event(
            incident_id=row.id,
            sequence=row.event_count,
            facility_id="KWK",
            kind=kind,
            occurred_at=at(seconds),
            recorded_at=at(seconds + late_s),
            source=source,
            actor=actor,
            data=dict(data),
            private={},
            previous="0" * 64,
            hash=hashlib.sha256(f"{row.id}{row.event_count}".encode()).hexdigest(),
        )
    )
    db.flush()
    for name, value in (private or {}).items():
        db.add(
            PrivateValue(
                incident_id=row.id,
                sequence=row.event_count,
                name=name,
                facility_id="KWK",
                value=value,
                salt=b"0",
            )
        )


def call(db: Session, row: Incident, number: int, **fields: object) -> None:
    values: dict[str, object] = {
        "id": f"call-{row.short_number}-{number}",
        "facility_id": "KWK",
        "incident_id": row.id,
        "provider": "simulator",
        "provider_sid": f"CA{row.short_number}{number}",
        "channel": "voice",
        "caller_number": row.caller_number,
        "outcome": "incident",
        "received_at": row.received_at,
        **fields,
    }
    db.add(Call(**values))


def part(db: Session, row: Incident, staff: Staff, status: str, **fields: object) -> None:
    values: dict[str, object] = {
        "id": f"{row.id}:{staff.code}",
        "facility_id": "KWK",
        "incident_id": row.id,
        "staff_id": staff.id,
        "staff_code": staff.code,
        "role": staff.role,
        "tier": "jaga",
        "status": status,
        "asked_count": 1,
        "asked_at": at(-90),
        **fields,
    }
    db.add(Assignment(**values))


def delivery(db: Session, row: Incident, number: int, staff: Staff, state: str, **fields: object) -> None:
    values: dict[str, object] = {
        "id": f"delivery-{row.short_number}-{number}",
        "facility_id": "KWK",
        "incident_id": row.id,
        "staff_id": staff.id,
        "purpose": "alert",
        "channel": "voice",
        "to_number": staff.phone,
        "details": {},
        "idempotency_key": f"{row.id}-{number}",
        "state": state,
        "attempts": 1,
        "created_at": at(-90 + number),
        "next_attempt_at": at(-90),
        **fields,
    }
    db.add(Delivery(**values))


def _alerting(db: Session, staff: Mapping[str, Staff]) -> None:
    row = incident(
        db,
        101,
        location_text=NASTY,
        location_place="Kampung Amole",
        location_source="caller",
        ladder={"batch": ["N01", "N02"], "ends_at": at(18).isoformat()},
        alerted_at=at(-89),
    )
    call(db, row, 1, menu_digit="1")
    call(db, row, 2, outcome="joined", received_at=at(-20), ended_at=at(-10))
    part(db, row, staff["N01"], "alerted", alerted_at=at(-89), asked_count=2)
    part(db, row, staff["N02"], "declined", declined_at=at(-40))
    delivery(db, row, 1, staff["N01"], "accepted", provider="simulator", provider_status="ringing")
    delivery(db, row, 2, staff["N01"], "failed", channel="sms", error_code="30003", finished_at=at(-80))
    line(
        db,
        row,
        "call.received",
        {"opened": True},
        seconds=-95,
        source="voice",
        actor="caller",
        private={"caller_number": CALLER},
    )
    line(db, row, "call.menu_chosen", {"digit": "1"}, seconds=-92, source="keypad", actor="caller")
    people = [{"staff_code": "N01"}, {"staff_code": "N02"}]
    line(db, row, "alert.requested", {"reason": "ladder", "tier": "jaga", "people": people}, seconds=-90)
    line(
        db,
        row,
        "assignment.declined",
        {"staff_code": "N02"},
        seconds=-40,
        late_s=12,
        source="sms",
        actor="staff:N02",
        private={"reason": "banjir"},
    )
    line(
        db, row, "note.added", {}, seconds=-5, source="web", actor="user:dispatcher", private={"text": NASTY}
    )
    db.add(Link(token_hash=hashlib.sha256(TOKEN.encode()).hexdigest(), facility_id="KWK", kind="worker",
                incident_id=row.id, staff_id="staff-N01", created_at=NOW, expires_at=at(3600)))  # fmt: skip


def _under_way(db: Session, staff: Mapping[str, Staff]) -> None:
    row = incident(
        db, 102, status="en_route", priority="yellow", category="childbirth", received_at=at(-600),
        location_text="Jalur 3, rumah cat biru dekat gereja", location_lat=-4.501652, location_lon=136.881447,
        location_source="link", location_accuracy_m=35.0, accepted_at=at(-560), alerted_at=at(-598),
        en_route_at=at(-500), caller_number="+628110000202",
    )  # fmt: skip
    call(db, row, 1, answered_at=at(-540), ended_at=at(-300))
    part(
        db,
        row,
        staff["S01"],
        "en_route",
        is_primary=True,
        minutes=12,
        accepted_at=at(-560),
        en_route_at=at(-500),
    )
    part(db, row, staff["N02"], "stood_down", stood_down_at=at(-559))
    delivery(db, row, 1, staff["S01"], "delivered", provider="simulator", finished_at=at(-570))
    line(
        db,
        row,
        "call.received",
        {"opened": True},
        seconds=-600,
        source="voice",
        actor="caller",
        private={"caller_number": "+628110000202"},
    )
    line(
        db,
        row,
        "assignment.accepted",
        {"staff_code": "S01", "primary": True, "minutes": 12},
        seconds=-560,
        source="keypad",
        actor="staff:S01",
    )
    line(db, row, "assignment.en_route", {"staff_code": "S01"}, seconds=-500, source="sms", actor="staff:S01")


def _closed(db: Session, staff: Mapping[str, Staff]) -> None:
    row = incident(
        db, 100, status="closed", outcome="transported", priority="green", category="fever",
        received_at=at(-7200), accepted_at=at(-7150), on_scene_at=at(-6700), closed_at=at(-1800),
        caller_number=None,
    )  # fmt: skip
    call(db, row, 1, ended_at=at(-7100))
    part(db, row, staff["N01"], "available", accepted_at=at(-7150), available_at=at(-1800))
    line(db, row, "call.received", {"opened": True}, seconds=-7200, source="voice", actor="caller")
    line(db, row, "incident.closed", {"outcome": "transported"}, seconds=-1800)


def silent_provider(db: Session) -> None:
    """A provider that has stopped answering."""
    details = {"since": at(-75).isoformat(), "code": "connect_timeout"}
    db.add(Pulse(name="provider:twilio", at=at(-5), details=details))


def silent_engine(db: Session) -> None:
    """The engine's last sign of life, too long ago."""
    db.add(Pulse(name="engine", at=at(-60), details={}))


def an_outage(db: Session, cause: str, begins_min: int, ends_min: int) -> None:
    """The service was away, from and until so many minutes after noon."""
    from_at, until_at = at(60 * begins_min), at(60 * ends_min)
    db.add(
        Outage(
            id=f"outage-{cause}-{begins_min}",
            facility_id="KWK",
            cause=cause,
            from_at=from_at,
            until_at=until_at,
            noticed_at=until_at,
            details={},
        )
    )
