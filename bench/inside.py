"""The program's own services on a site's database, without a server: for what is asked of them directly."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.sites import Site
from config.facility import load_facility
from config.policy import load_policy
from dispatch.adapters.clock import SystemClock
from dispatch.adapters.ids import RandomIds
from dispatch.ports import Clock
from dispatch.service.metrics import Metrics
from dispatch.service.services import Services
from models.session import open_database
from models.unit_of_work import UnitOfWork


@contextmanager
def services_of(site: Site, *, clock: Clock | None = None) -> Iterator[Services]:
    """The services while the block runs; by the machine's clock unless another is given."""
    facility = load_facility(None)
    uow = UnitOfWork(open_database(site.database_url, pool_size=2))
    try:
        yield Services(
            uow=uow,
            clock=clock or SystemClock(),
            ids=RandomIds(),
            metrics=Metrics(),
            facility_id=facility.code,
            zone=facility.zone,
            policy=load_policy(site.policy),
            link_key=b"bench",
        )
    finally:
        uow.engine.dispose()
