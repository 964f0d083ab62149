"""What the pages are given by the composition root; they reach nothing else of the outside world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from dashboards.reports.house import House
from dashboards.reports.installation import Installation
from dispatch.domain.commands import ActOnIncident
from dispatch.domain.survey_rules import SurveyRules
from dispatch.ports import Clock, IdSource
from models.unit_of_work import UnitOfWork


class FacilityFacts(Protocol):
    """The health centre as pages name it; the facility file's own value satisfies this."""

    @property
    def code(self) -> str:
        """First part of every incident number."""
        ...

    @property
    def name(self) -> str:
        """The name that stands in the header of every page."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which all times are shown."""
        ...

    @property
    def targets(self) -> Mapping[str, float]:
        """Seconds by name of interval (CONTRACT 2)."""
        ...

    @property
    def report(self) -> House:
        """What its reports look like."""
        ...

    @property
    def survey(self) -> SurveyRules:
        """How its satisfaction survey is held."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesContext:
    """Everything the pages need; ``act`` carries out one step, or raises ``DispatchError``."""

    uow: UnitOfWork
    clock: Clock
    ids: IdSource
    facility: FacilityFacts
    secret_key: str
    public_url: str
    simulator_on: bool
    act: Callable[[ActOnIncident], object]
    make_pack: Callable[[str, str], Path]
    """Writes the evidence pack of a period, notes for whom, and says where it lies.

    Raises ``EvidenceRefusedError`` when there is none.
    """
    complaint_days: int | None = None
    """Days in which a complaint is to be settled; None where it is stated for each."""
    installation: Installation = field(default_factory=Installation)
    """What reports may say of the program."""
    tiers: tuple[str, ...] = ("jaga", "cadangan", "pimpinan")
    """The tiers of the policy in their order: the roster page flags the hours in which one has nobody."""
