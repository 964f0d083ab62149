"""A webhook whose transaction PostgreSQL ends is carried out again at once, and no caller is put through."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, text

from models.incident import Call, Incident
from tests.contract.site import Site, call, running_site, verbs
from tests.crossing import soon, terminal, until_somebody_waits
from tests.databases import PostgresDatabases
from tests.fakes.telephony import WAIT_S

HOLD_OPENINGS = text("SELECT * FROM facility FOR UPDATE")
HOLD_INCIDENTS = text("SELECT * FROM incident FOR UPDATE")


@pytest.fixture
def site(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Site]:
    with postgres_databases.database(migrated=True) as url, running_site(soon(url), tmp_path) as running:
        yield running


@contextmanager
def ringing_again(site: Site, held: Connection) -> Iterator[list[httpx.Response]]:
    """The caller rings a second time, and in the block that call waits for *held*; its answer afterwards."""
    answers: list[httpx.Response] = []
    with ThreadPoolExecutor(1) as phone:
        ring = phone.submit(site.send, "/telephony/voice", call(2))
        until_somebody_waits(site.database_url)
        yield answers
        held.rollback()
        answers.append(ring.result(WAIT_S))


def test_a_call_that_loses_against_somebody_else_is_answered_all_the_same(site: Site) -> None:
    site.send("/telephony/voice", call(1))
    with terminal(site.database_url) as other:
        other.execute(HOLD_INCIDENTS)
        with ringing_again(site, other) as answers:
            other.execute(HOLD_OPENINGS)
    assert verbs(answers[0]) == ["Gather", "Dial/Conference"]
    assert site.journalled() == []
    assert (len(site.rows(Incident)), len(site.rows(Call))) == (1, 2)
    assert "command.repeated" in site.log.getvalue()


def test_a_call_whose_connection_dies_is_answered_over_another_one(site: Site) -> None:
    site.send("/telephony/voice", call(1))
    with terminal(site.database_url) as other:
        other.execute(HOLD_INCIDENTS)
        with ringing_again(site, other) as answers:
            ended = text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            assert other.scalar(ended) == 1
    assert verbs(answers[0]) == ["Gather", "Dial/Conference"]
    assert site.journalled() == []
    assert (len(site.rows(Incident)), len(site.rows(Call))) == (1, 2)
    assert "command.connection_lost" in site.log.getvalue()
