"""What every command needs to do its work, put together once by ``config.wiring``."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from dispatch.domain.policy import Policy
from dispatch.ports import Clock, IdSource
from dispatch.service.callers_first import CallersFirst
from dispatch.service.duty_lists import DutyLists
from dispatch.service.metrics import Metrics
from dispatch.service.states import States
from models.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The tools of the service layer. ``link_key`` is the secret behind personal web addresses."""

    uow: UnitOfWork
    clock: Clock
    ids: IdSource
    metrics: Metrics
    facility_id: str
    zone: ZoneInfo
    policy: Policy
    link_key: bytes
    states: States = field(default_factory=States)
    duty_lists: DutyLists = field(default_factory=DutyLists)
    callers: CallersFirst = field(default_factory=CallersFirst)
    providers: tuple[str, ...] = ()
    """The names of the telephony providers, in order of preference."""
    calls_per_second: float = 0.0
    """How many calls the first of them takes each second; 0 is without limit."""
    request_s: float = 13.0
    """The longest that one request to a provider may take: 3 s to connect, and the time for its answer."""

    @property
    def lease_s(self) -> float:
        """How long a delivery is its engine's alone: to ask the provider and to send, with some to spare."""
        return 2 * self.request_s + 4.0

    def local_year(self, at: datetime) -> int:
        """The year on the facility's calendar, which incident numbers carry."""
        return at.astimezone(self.zone).year
