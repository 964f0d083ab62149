"""A webhook whose transaction PostgreSQL ends is carried out again at once, and no caller is put through."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, text

from models.incident import Call, Incident
from models.traffic import Delivery
from telephony.webhooks import THREADS
from tests.contract.site import Site, call, is_fallback, running_site, verbs
from tests.crossing import soon, terminal, until_somebody_waits
from tests.databases import PostgresDatabases
from tests.fakes.telephony import WAIT_S

HOLD_WHAT_IS_HELD = text(
    "SELECT pg_advisory_xact_lock((classid::bigint << 32) | objid::bigint) "
    "FROM pg_locks WHERE locktype = 'advisory' AND granted"
)
"""Whoever rings is alone with the call and its number."""
HOLD_INCIDENTS = text("SELECT * FROM incident FOR UPDATE")
CALLBACKS = 20
"""As many as come of ten people who are called and texted at once."""


@pytest.fixture
def site(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Site]:
    with postgres_databases.database(migrated=True) as url, running_site(soon(url), tmp_path) as running:
        yield running


@pytest.fixture
def patient_site(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Site]:
    """Whoever waits there for somebody else waits for longer than a caller can."""
    with (
        postgres_databases.database(migrated=True) as url,
        running_site(soon(url, "-c lock_timeout=20s"), tmp_path) as running,
    ):
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
            other.execute(HOLD_WHAT_IS_HELD)
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


def test_nobody_who_listens_waits_behind_callbacks_about_an_incident_that_is_held(patient_site: Site) -> None:
    site, other_caller = patient_site, call(2, sender="+628118880002")
    site.send("/telephony/voice", call(1))
    site.send("/telephony/voice", other_caller)
    [held] = [row.incident_id for row in site.rows(Call) if row.provider_sid == call(1)["CallSid"]]
    alert = next(row for row in site.rows(Delivery) if (row.incident_id, row.channel) == (held, "voice"))
    ringing = call(900, CallStatus="ringing")
    with terminal(site.database_url) as other, ThreadPoolExecutor(CALLBACKS) as network:
        other.execute(text(f"SELECT * FROM incident WHERE id = '{held}' FOR UPDATE"))
        for _ in range(CALLBACKS):
            network.submit(site.send, f"/telephony/deliveries/{alert.id}/voice/status", ringing)
        until_somebody_waits(site.database_url, many=THREADS["delivery_status"])
        answer = site.send("/telephony/voice/menu", {**other_caller, "Digits": "1"})
        other.rollback()
    assert not is_fallback(answer)
