"""``/metrics`` as Prometheus reads it. What is counted is defined in ``dispatch.service.metrics``."""

from datetime import datetime

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from dispatch.domain.vocabulary import IncidentStatus
from dispatch.service.metrics import Metrics
from dispatch.service.services import Services
from dispatch.service.watchdog import last_report
from models.incident import IS_OPEN, Incident
from models.traffic import IS_UNSENT, Deadline, Delivery, Pulse

CONTENT_TYPE = CONTENT_TYPE_LATEST

_WITHOUT_OWNER = (IncidentStatus.OPEN, IncidentStatus.ALERTING)
"""An incident has one of these as long as nobody who can own it has accepted."""

_WANTED_SINCE = (
    select(func.min(Deadline.due_at)),
    select(func.min(Delivery.next_attempt_at)).where(IS_UNSENT),
)
"""When engines were wanted first and have not come yet: each is the first entry of an index."""


def render(services: Services) -> bytes:
    """Every metric of this process, with what stands in the database as it is now.

    When the database does not answer the counters are served all the same: that is when they are looked at.
    """
    try:
        with services.uow.read() as session:
            _look(session, services, services.metrics)
    except (OperationalError, InterfaceError):
        services.metrics.standing_unknown()
    return generate_latest(services.metrics.registry)


def _look(session: Session, services: Services, metrics: Metrics) -> None:
    now = services.clock.now()
    standing = _open_by_status(session, services.facility_id)
    metrics.open_incidents({status: count for status, (count, _) in standing.items()})
    waiting = [standing[status] for status in _WITHOUT_OWNER if status in standing]
    oldest_s = max(((now - oldest_at).total_seconds() for _, oldest_at in waiting), default=0.0)
    metrics.unaccepted_incidents(sum(count for count, _ in waiting), oldest_s)
    metrics.engine_lags(_lag_s(session, now))
    metrics.heartbeats(_ages_s(session, now))
    metrics.watchdog_findings(last_report(session).counts())


def _open_by_status(session: Session, facility_id: str) -> dict[str, tuple[int, datetime]]:
    """How many stand in each status, and when the oldest of them came in."""
    query = (
        select(Incident.status, func.count(), func.min(Incident.received_at))
        .where(Incident.facility_id == facility_id, IS_OPEN)
        .group_by(Incident.status)
    )
    return {status: (count, oldest_at) for status, count, oldest_at in session.execute(query)}


def _lag_s(session: Session, now: datetime) -> float:
    """How late the oldest deadline or delivery is, whichever process should have carried it out."""
    since = [at for query in _WANTED_SINCE if (at := session.scalar(query)) is not None]
    return max(0.0, (now - min(since, default=now)).total_seconds())


def _ages_s(session: Session, now: datetime) -> dict[str, float]:
    """Since the last sign of life of each part; of several engines the liveliest counts."""
    ages: dict[str, float] = {}
    for name, at in session.execute(select(Pulse.name, Pulse.at)):
        part, age_s = name.partition(":")[0], (now - at).total_seconds()
        ages[part] = min(age_s, ages.get(part, age_s))
    return ages
