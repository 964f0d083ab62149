"""What every report is given besides its figures."""

from dataclasses import dataclass, field

from dashboards.context import FacilityFacts
from dashboards.reports.installation import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The facility, and the address at which the service is reached (empty: reports name none)."""

    facility: FacilityFacts
    public_url: str = ""
    installation: Installation = field(default_factory=Installation)
