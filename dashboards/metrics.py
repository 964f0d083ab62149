"""``/metrics`` as Prometheus reads it. What is counted is defined in ``dispatch.service.metrics``."""

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from dispatch.domain.vocabulary import IncidentStatus
from dispatch.service.services import Services
from models.incident import Incident

CONTENT_TYPE = CONTENT_TYPE_LATEST


def render(services: Services) -> bytes:
    """Every metric of this process, with the open incidents counted now.

    When the database does not answer the counters are served all the same: that is when they are looked at.
    """
    try:
        with services.uow.read() as session:
            services.metrics.open_incidents(_open_by_status(session, services.facility_id))
    except (OperationalError, InterfaceError):
        services.metrics.open_incidents_unknown()
    return generate_latest(services.metrics.registry)


def _open_by_status(session: Session, facility_id: str) -> dict[str, int]:
    query = (
        select(Incident.status, func.count())
        .where(Incident.facility_id == facility_id, Incident.status != str(IncidentStatus.CLOSED))
        .group_by(Incident.status)
    )
    return dict(session.execute(query).all())
