"""A crowd takes its own turn: callers who all ring at once, or pages that are all opened."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

from sqlalchemy import NullPool, create_engine, select, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from models.incident import Incident
from models.record import Event
from models.traffic import Delivery
from telephony.webhooks import OTHER_THREADS, THREADS
from tests.contract.site import Site, call, is_fallback, verbs
from tests.contract.site import text as message
from tests.held_connections import connections_held

CROWD = 40
PATIENCE_S = 5.0


@contextmanager
def openings_held(site: Site) -> Iterator[None]:
    """An opening that does not end: all others queue behind it for the next number."""
    engine = create_engine(site.database_url, poolclass=NullPool)
    with engine.connect() as other:
        other.execute(text("SELECT next_value FROM incident_counter FOR UPDATE"))
        yield
        other.rollback()


@contextmanager
def all_pages_open(site: Site) -> Iterator[None]:
    """Every connection of the pages is in use, as by reports that take long."""
    with ExitStack() as stack:
        with suppress(PoolTimeoutError):
            while True:
                stack.enter_context(site.program.desk.uow.engine.connect())
        yield


def test_a_crowd_that_waits_for_one_lock_keeps_nobody_else_from_acting(postgres_site: Site) -> None:
    site = postgres_site
    site.send("/telephony/voice", call())
    delivery = next(row for row in site.rows(Delivery) if row.channel == "voice" and row.staff_id)
    key = f"/telephony/deliveries/{delivery.id}/key"
    crowd = [call(number, sender=f"+62811888{number:05}") for number in range(2, 2 + CROWD)]
    with openings_held(site), ThreadPoolExecutor(CROWD) as pool:
        ringing = [pool.submit(site.send, "/telephony/voice", each) for each in crowd]
        while not any(one.done() for one in ringing):
            assert "Sistem sedang terganggu" not in site.send(key, call(999, Digits="1")).text
            assert "database" not in site.ready()
            with site.program.at_work.uow.read() as session:
                session.execute(select(1))
        assert all(is_fallback(one.result()) for one in ringing)
    assert "assignment.accepted" in {row.kind for row in site.rows(Event)}
    for _ in range(3):
        site.program.standby.drain()
    assert len(site.rows(Incident)) == 1 + CROWD
    assert site.journalled() == []


def test_open_pages_take_nothing_from_calls_and_engine(site: Site) -> None:
    with all_pages_open(site):
        began = time.monotonic()
        page = site.client.get(f"{site.base}/w/some-token")
        listed = site.client.get(f"{site.base}/api/v1/incidents", headers={"Authorization": "Bearer some"})
        assert (page.status_code, listed.status_code) == (503, 503)
        assert "Papan sedang sibuk" in page.text
        assert page.headers["retry-after"]
        assert verbs(site.send("/telephony/voice", call())) == ["Gather", "Dial/Conference"]
        assert "database" not in site.ready()
        with site.program.at_work.uow.read() as session:
            session.execute(select(1))
        assert time.monotonic() - began < PATIENCE_S
    assert site.client.get(f"{site.base}/w/some-token").status_code == 404


def test_what_each_opens_stands_in_one_queue_for_the_only_writer(sqlite_site: Site) -> None:
    calls, desk = sqlite_site.program.services.uow, sqlite_site.program.desk.uow
    commits = calls.commits
    with desk.write() as session:
        session.execute(select(1))
        with suppress(PoolTimeoutError), calls.write():
            raise AssertionError("two wrote at once")
    assert calls.commits == commits + 1


def test_whatever_arrives_at_once_nobody_waits_for_a_connection_of_another(postgres_site: Site) -> None:
    """Each thread of the webhooks has one, and so have those who read the duty list or ask for readiness."""
    site = postgres_site
    arrives = {
        "/telephony/voice": THREADS["voice"],
        "/telephony/sms": THREADS["sms"],
        "/telephony/deliveries/none/voice/status": THREADS["delivery_status"],
        "/telephony/voice/menu": OTHER_THREADS,
    }
    paths = [path for path, number in arrives.items() for _ in range(number)]
    beside = [site.program.standby.refresh, site.ready] * 2
    everybody = len(paths) + len(beside)
    with ThreadPoolExecutor(everybody) as pool:
        with connections_held(site.program.services.uow.engine, everybody) as held:
            for number, path in enumerate(paths):
                fields = call(number, Digits="1") | message("Tolong", number)
                pool.submit(site.send, path, fields)
            others = [pool.submit(one) for one in beside]
            assert held.come(everybody), "one had to wait for a connection of another"
        for one in others:
            one.result()
    assert held.closed() == 0, "one was not kept for the next crowd"


def test_eight_pages_are_made_at_once_and_the_ninth_is_asked_to_come_again(site: Site) -> None:
    def page() -> int:
        return site.client.get(f"{site.base}/w/some-token").status_code

    with ThreadPoolExecutor(8) as pool:
        with connections_held(site.program.desk.uow.engine, 8) as held:
            opened = [pool.submit(page) for _ in range(8)]
            assert held.come(8), "one of eight had to wait"
            assert page() == 503
        assert {one.result() for one in opened} == {404}
    assert held.closed() == 0, "one was not kept for the next"
