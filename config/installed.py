"""What papers may say of this installation, put together from settings, facility and policy."""

from importlib.metadata import PackageNotFoundError, version

from sqlalchemy.engine import make_url

from config.facility import FacilityConfig
from config.settings import Settings
from dashboards.reports.installation import Installation
from dispatch.domain.policy import Policy

PACKAGE = "siaga911"
_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def installation_of(settings: Settings, facility: FacilityConfig, policy: Policy) -> Installation:
    """The installation as it stands now; no address, number or key of it."""
    return Installation(
        version=_version(),
        database=_DATABASES[make_url(settings.database_url).get_backend_name()],
        telephony=settings.telephony,
        tiers=tuple(tier.name for tier in policy.alerting.tiers),
        retention=facility.retention,
        witnesses=len(facility.witnesses),
        has_backup=settings.backup_dir is not None,
    )


def _version() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        # Run from a folder in which it was never installed.
        return ""
