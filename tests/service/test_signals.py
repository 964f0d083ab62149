"""Commits in one process wake the engine in another, on PostgreSQL, and go on after a break."""

import threading
from collections.abc import Iterator

import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url, text

from models.session import open_database, server_options
from models.signals import Listener, Notifier
from models.unit_of_work import UnitOfWork, wake_engine_after
from tests.fakes.telephony import WAIT_S


class Ears:
    """Hears notifications, and lets a test wait for the next one."""

    def __init__(self) -> None:
        self._heard = threading.Semaphore(0)

    def woken(self) -> None:
        self._heard.release()

    def hears(self, within_s: float = WAIT_S) -> bool:
        return self._heard.acquire(timeout=within_s)


@pytest.fixture
def uow(postgresql_database_url: str) -> Iterator[UnitOfWork]:
    """The database as a process without an engine sees it."""
    uow = UnitOfWork(open_database(postgresql_database_url))
    yield uow
    uow.engine.dispose()


@pytest.fixture
def ears(uow: UnitOfWork) -> Iterator[Ears]:
    """Another process with an engine, which is listening by now."""
    ears = Ears()
    listener = Listener(uow.engine, ears.woken)
    listener.start()
    assert ears.hears(), "it looks once when it has begun to listen"
    yield ears
    listener.stop()


@pytest.fixture
def notifier(uow: UnitOfWork) -> Iterator[Notifier]:
    """What tells the others after each commit that concerns them."""
    notifier = Notifier(uow.engine)
    uow.on_commit(notifier.notify)
    notifier.start()
    yield notifier
    notifier.stop()


def commit(uow: UnitOfWork) -> None:
    with uow.write() as session:
        wake_engine_after(session)


@pytest.mark.usefixtures("notifier")
def test_a_commit_in_one_process_is_heard_in_another(uow: UnitOfWork, ears: Ears) -> None:
    commit(uow)
    assert ears.hears()


@pytest.mark.usefixtures("notifier")
def test_a_commit_that_concerns_no_engine_is_told_to_nobody(uow: UnitOfWork, ears: Ears) -> None:
    with uow.write() as session:
        session.execute(text("SELECT 1"))
    assert not ears.hears(within_s=0.2)


def test_many_commits_in_one_moment_are_one_notification(uow: UnitOfWork, ears: Ears) -> None:
    notifier = Notifier(uow.engine)
    for _ in range(50):
        notifier.notify()
    notifier.start()
    assert ears.hears()
    assert not ears.hears(within_s=0.2)
    notifier.stop()


def test_both_go_on_when_their_connections_are_cut(uow: UnitOfWork, ears: Ears, notifier: Notifier) -> None:
    commit(uow)
    assert ears.hears()
    with uow.engine.connect() as connection:
        cut = text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ~ '^(LISTEN|NOTIFY)'"
        )
        assert connection.scalar(cut) == 2
    assert ears.hears(), "it looks once when it listens again"
    notifier.notify()
    assert ears.hears()


def test_a_server_that_vanished_is_given_up_in_seconds_unless_the_address_says_otherwise() -> None:
    url = make_url("postgresql+psycopg://u@db.example/siaga?connect_timeout=9")
    options = server_options(url)
    assert "connect_timeout" not in options
    assert options["tcp_user_timeout"] == 5000
    assert make_conninfo(**{name: str(value) for name, value in options.items()}), (
        "the driver knows every one of them"
    )
