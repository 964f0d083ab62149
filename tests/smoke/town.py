"""A small town for one smoke test: a program with its database, people on duty, a policy in a hurry, phones.

At the end the town looks around: nobody else was contacted, the log has no error, the network noticed no
fault, the record is intact, and every open incident has somebody or something to wait for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from config.accounts import Accounts
from config.facility import FacilityConfig, load_facility
from config.files import DEFAULTS
from dispatch.adapters.clock import SystemClock
from dispatch.adapters.ids import RandomIds
from dispatch.domain.questionnaire import CURRENT, RequestState, SurveyChannel
from dispatch.domain.vocabulary import ENGAGED, AlertChannel, DeliveryState, IncidentStatus, UserRole
from dispatch.service import survey_requests
from dispatch.service.facilities import register_facility
from dispatch.service.importing import Importer, import_places, import_roster, import_staff
from dispatch.service.verifying import verify
from models.facility import Staff
from models.incident import Assignment, Call, Incident
from models.session import open_database
from models.survey import SurveyRequest, SurveyResponse
from models.traffic import Deadline, Delivery
from models.unit_of_work import UnitOfWork
from tests.smoke.handsets import Exchange, Handset, Snapshot
from tests.smoke.served import Served

RESIDENT = "0811 9999 0001"
NURSE, MIDWIFE, DRIVER = "0811 0000 001", "0811 0000 002", "0811 0000 005"
RESERVE, LEADER, CALL_TAKER = "0811 0000 009", "0811 0000 011", "0811 0000 013"

ON_DUTY: Mapping[str, Sequence[str]] = {
    "jaga": ("N01", "N02", "N05"),
    "cadangan": ("N09",),
    "pimpinan": ("N11",),
}
"""Tier to people: two who are asked at once, then a driver, then the reserve, then the doctor who leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hurry:
    """The times of a policy for tests; long where a test does not wait for them."""

    accept_within_s: float = 30.0
    repeat_s: float = 60.0
    menu_timeout_s: float = 1.0
    alert_after_s: float = 0.0
    channels: tuple[str, ...] = ("voice", "sms")

    def written(self) -> str:
        """The policy file."""
        tiers = "".join(
            f'[[alerting.tier]]\nname = "{name}"\nalert_at_once = {at_once}\n'
            f"accept_within_s = {self.accept_within_s}\nchannels = {list(self.channels)}\n"
            for name, at_once in (("jaga", 2), ("cadangan", 5), ("pimpinan", 5))
        )
        caller = f"menu_timeout_s = {self.menu_timeout_s}\nalert_after_s = {self.alert_after_s}"
        return f"[alerting]\nrepeat_s = {self.repeat_s}\n{tiers}[caller]\n{caller}\n"


class Town:
    """One program and everybody around it."""

    def __init__(self, url: str, folder: Path) -> None:
        """Stand on the migrated database at *url*; nothing runs before :meth:`opens`."""
        self._folder = folder
        self._handsets: dict[str, Handset] = {}
        self._exchange: Exchange | None = None
        self._uow = UnitOfWork(open_database(url, pool_size=2))
        self._facility = load_facility(None)
        self.served = Served(
            folder,
            {
                "SIAGA_DATABASE_URL": url,
                "SIAGA_SECRET_KEY": "a key that only these tests know",
                "SIAGA_POLICY_FILE": str(folder / "policy.toml"),
            },
        )

    # --- beginning

    def opens(
        self,
        hurry: Hurry = Hurry(),
        *,
        on_duty: Mapping[str, Sequence[str]] = ON_DUTY,
        with_engine: bool = True,
    ) -> None:
        """Put people on duty from an hour ago until tomorrow, and start the program."""
        (self._folder / "policy.toml").write_text(hurry.written(), encoding="utf-8")
        put_on_duty(self._uow, self._facility, on_duty)
        self.serves(with_engine=with_engine)

    def serves(self, *, with_engine: bool = True) -> None:
        """Start the program, for the first time or again; phones remember nothing from before."""
        self.served.start(*(() if with_engine else ("--no-engine",)))
        if self._exchange is not None:
            self._exchange.close()
        self._exchange = Exchange(self.served.url)
        for handset in self._handsets.values():
            handset.forgets()

    def is_killed(self) -> None:
        """The power fails."""
        self.served.kill()

    # --- people

    def welcomes(self, username: str, password: str, role: UserRole) -> None:
        """Give somebody a log-in for the pages."""
        accounts = Accounts(
            uow=self._uow,
            ids=RandomIds(),
            clock=SystemClock(),
            facility_id=self._facility.code,
            actor="smoke",
        )
        accounts.add_user(username, password, role)

    def phone(self, number: str) -> Handset:
        """The phone with this number, in any spelling."""
        digits = "".join(sign for sign in number if sign.isdigit() or sign == "+")
        e164 = "+62" + digits.removeprefix("0") if digits.startswith("0") else digits
        if e164 not in self._handsets:
            self._handsets[e164] = Handset(self._line, e164)
        return self._handsets[e164]

    def another_resident(self) -> Handset:
        """A further resident with a phone."""
        return self.phone(self._line().add_resident())

    def staff_phones(self) -> list[Handset]:
        """The phones of all staff, on duty or not."""
        with self._uow.read() as session:
            return [self.phone(number) for number in session.scalars(select(Staff.phone)).all()]

    # --- the record

    def incident(self) -> Incident:
        """The only incident that there is."""
        (incident,) = self.incidents()
        return incident

    def incidents(self) -> list[Incident]:
        """All incidents, the oldest first."""
        with self._uow.read() as session:
            found = session.scalars(select(Incident).order_by(Incident.received_at)).all()
            session.expunge_all()
            return list(found)

    def calls(self) -> list[Call]:
        """All rings and residents' texts, the oldest first."""
        with self._uow.read() as session:
            found = session.scalars(select(Call).order_by(Call.received_at)).all()
            session.expunge_all()
            return list(found)

    def standing(self, code: str) -> str:
        """The status of a worker in the only incident."""
        with self._uow.read() as session:
            return session.scalars(select(Assignment.status).where(Assignment.staff_code == code)).one()

    def asks_for_an_opinion(self) -> None:
        """What the program does an hour after an emergency, in the daytime: call whoever called."""
        incident, now = self.incident(), SystemClock().now()
        request = SurveyRequest(
            id=RandomIds().new_id(),
            facility_id=incident.facility_id,
            incident_id=incident.id,
            questionnaire=CURRENT.version,
            channel=str(SurveyChannel.KEYPAD),
            phone=incident.caller_number,
            state=str(RequestState.ASKED),
            asked_at=now,
            expires_at=now + timedelta(days=1),
        )
        row = survey_requests.delivery(RandomIds(), request, facility=self._facility.name, now=now)
        with self._uow.write() as session:
            session.add_all([request, Delivery(**row)])

    def opinion(self) -> tuple[str, Mapping[str, object]]:
        """What became of asking, and what was answered so far."""
        with self._uow.read() as session:
            state = session.scalars(select(SurveyRequest.state)).one()
            return state, session.scalar(select(SurveyResponse.answers)) or {}

    def times_asked(self, code: str) -> int:
        """How often a worker was alerted in the only incident; 0 before the first time."""
        with self._uow.read() as session:
            return session.scalar(select(Assignment.asked_count).where(Assignment.staff_code == code)) or 0

    def waits_until(self, what: str, test: Callable[[], bool]) -> None:
        """Something that no phone shows."""
        for _ in self._line().each_change():
            if test():
                return
        raise AssertionError(f"did not happen: {what}")

    # --- the end

    def looks_around(self) -> list[str]:
        """Everything that is not as it should be, once nothing is on its way any more."""
        snapshot = self._when_quiet()
        for phone in snapshot["phones"]:
            self.phone(phone["number"])
        found = [surprise for handset in self._handsets.values() for surprise in handset.surprises(snapshot)]
        found += [f"the network noticed {problem}" for problem in snapshot["problems"]]
        self.served.stop()
        found += [f"in the log: {line}" for line in self.served.errors()]
        found += [f"in the record: {finding}" for finding in verify(self._uow, self._facility.code)]
        return found + list(self._forgotten())

    def closes(self) -> None:
        """End everything, whatever happened."""
        self.served.kill()
        if self._exchange is not None:
            self._exchange.close()
        self._uow.engine.dispose()

    def _when_quiet(self) -> Snapshot:
        """The phones after everybody has hung up and the last text has arrived."""
        for phone in self._line().snapshot()["phones"]:
            if phone["state"] in {"in_call", "dialling"}:
                self._line().use(phone["number"], "hang-up")
        under_way: list[str] = []
        for snapshot in self._line().each_change():
            reachable = [phone["number"] for phone in snapshot["phones"] if phone["is_on"]]
            under_way = self._under_way(reachable)
            if not under_way:
                return self._line().snapshot()
        raise AssertionError(f"the town does not become quiet: {under_way}")

    def _under_way(self, reachable: Sequence[str]) -> list[str]:
        """What has left or is to leave the house and is not over yet; phones that are off get texts later."""
        unsent = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN)
        with self._uow.read() as session:
            return [
                f"{row.purpose} by {row.channel} to {row.to_number} is {row.state}"
                for row in session.scalars(select(Delivery))
                if row.state in unsent
                or (row.state == DeliveryState.ACCEPTED and row.channel == AlertChannel.VOICE)
                or (row.state == DeliveryState.ACCEPTED and row.to_number in reachable)
            ]

    def _forgotten(self) -> Iterator[str]:
        """Open incidents for which nobody works and nothing is due (DESIGN 4)."""
        with self._uow.read() as session:
            owned = select(Assignment.incident_id).where(
                Assignment.is_primary.is_(True), Assignment.status.in_(ENGAGED)
            )
            forgotten = select(Incident.number).where(
                Incident.status != IncidentStatus.CLOSED,
                Incident.id.not_in(owned),
                Incident.id.not_in(select(Deadline.incident_id)),
            )
            for number in session.scalars(forgotten):
                yield f"{number} is open, and neither a person nor a deadline looks after it"

    def _line(self) -> Exchange:
        assert self._exchange is not None, "the town is not open yet"
        return self._exchange


def put_on_duty(uow: UnitOfWork, facility: FacilityConfig, on_duty: Mapping[str, Sequence[str]]) -> None:
    """Register the facility with its places and staff; *on_duty*, tier to people, holds until tomorrow."""
    clock = SystemClock()
    register_facility(
        uow=uow, clock=clock, code=facility.code, name=facility.name, timezone=facility.timezone
    )
    importer = Importer(uow=uow, ids=RandomIds(), clock=clock, facility_id=facility.code, actor="smoke")
    import_places((DEFAULTS / "places.csv").read_bytes(), file="places.csv", importer=importer)
    import_staff((DEFAULTS / "staff.csv").read_bytes(), file="staff.csv", importer=importer)
    now = clock.now().astimezone(facility.zone)
    starts, ends = (f"{at:%Y-%m-%dT%H:%M}" for at in (now - timedelta(hours=1), now + timedelta(hours=20)))
    rows = [f"{code},{starts},{ends},{tier}" for tier, codes in on_duty.items() for code in codes]
    content = "\n".join(("staff_code,starts_at,ends_at,tier", *rows)) + "\n"
    import_roster(content.encode(), file="roster.csv", importer=importer, zone=facility.zone)
