"""What the JSON API is given by the composition root; it reaches nothing else of the outside world."""

from dataclasses import dataclass

from dashboards.context import FacilityFacts
from dispatch.service.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """The commands' tools, and the health centre whose record it is."""

    services: Services
    facility: FacilityFacts
