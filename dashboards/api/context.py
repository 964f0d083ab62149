"""What the JSON API is given by the composition root; it reaches nothing else of the outside world."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dashboards.context import FacilityFacts
from dashboards.reports.sources import Sources
from dispatch.service.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """The commands' tools, and what reports and packs are made with."""

    services: Services
    sources: Sources
    make_pack: Callable[[str, str], Path]
    """Writes the evidence pack of a period, notes for whom, and says where it lies.

    Raises ``EvidenceRefusedError`` when there is none.
    """

    @property
    def facility(self) -> FacilityFacts:
        """The health centre whose record it is."""
        return self.sources.facility
