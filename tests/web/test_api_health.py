"""What machines watch: alive, ready with every reason why not, and the metrics by name."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, func, select, update

from dashboards.api.context import ApiContext
from dashboards.api.router import PREFIX, build_api
from dashboards.health import build_health
from dashboards.reports.sources import Sources
from dispatch.domain.vocabulary import CallOutcome, DeliveryState, UserRole
from dispatch.service.metrics import Metrics
from dispatch.service.watchdog import Watchdog
from models.migrating import downgrade
from models.session import open_database
from models.traffic import Deadline, Delivery, Pulse
from models.unit_of_work import UnitOfWork
from tests.api_world import NOON, Program, World, world


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


def watcher(here: World) -> Program:
    app = FastAPI()
    app.include_router(build_health(here.services))
    app.mount(
        PREFIX,
        build_api(
            ApiContext(
                services=here.services, sources=Sources(facility=here.facility), make_pack=here.packs.make
            )
        ),
    )
    return Program(app)


def scraped(program: Program) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = program.sends("GET", "/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_process_that_answers_is_alive(here: World) -> None:
    answer = watcher(here).sends("GET", "/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_means_that_an_engine_gives_signs_of_life(here: World) -> None:
    program = watcher(here)
    answer = program.sends("GET", "/readyz")
    assert (answer.status_code, list(answer.json()["reasons"])) == (503, ["engine"])
    here.writes(Pulse(name="engine", at=NOON, details={}))
    here.clock.advance(15)
    answer = program.sends("GET", "/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "reasons": {}})
    here.clock.advance(0.001)
    answer = program.sends("GET", "/readyz")
    assert answer.status_code == 503
    assert "15 s ago" in answer.json()["reasons"]["engine"]


def test_what_the_watchdog_found_is_named_and_takes_nothing_out_of_service(here: World) -> None:
    here.writes(Pulse(name="engine", at=NOON, details={}))
    here.opens()
    here.clock.advance(10)
    with here.services.uow.write() as session:
        session.execute(delete(Deadline))
    Watchdog(here.services).round()
    answer = watcher(here).sends("GET", "/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "reasons": {}, "watchdog": {"nobody_will_look": 1}},
    )
    found = scraped(watcher(here))
    assert found["siaga_watchdog_findings", (("check", "nobody_will_look"),)] == 1
    assert found["siaga_watchdog_findings", (("check", "engine_silent"),)] == 0
    assert found["siaga_heartbeat_age_seconds", (("part", "watchdog"),)] == 0
    assert found["siaga_heartbeat_age_seconds", (("part", "engine"),)] == 10
    assert found["siaga_unaccepted_incidents", ()] == 1
    assert found["siaga_unaccepted_oldest_seconds", ()] == 10


def test_a_database_that_is_not_migrated_is_not_ready(here: World, database_url: str) -> None:
    downgrade(database_url)
    answer = watcher(here).sends("GET", "/readyz")
    assert (answer.status_code, list(answer.json()["reasons"])) == (503, ["schema"])


def test_a_database_that_does_not_answer_is_named_and_metrics_go_on(here: World, tmp_path: Path) -> None:
    # A folder where the file should be: every connection fails.
    (tmp_path / "gone.db").mkdir()
    engine = open_database(f"sqlite:///{tmp_path / 'gone.db'}")
    here.services = replace(here.services, uow=UnitOfWork(engine), metrics=Metrics())
    program = watcher(here)
    answer = program.sends("GET", "/readyz")
    assert (answer.status_code, list(answer.json()["reasons"])) == (503, ["database"])
    here.services.metrics.webhook_refused("signature")
    found = scraped(program)
    assert found["siaga_webhooks_refused_total", (("reason", "signature"),)] == 1
    assert not [name for name, _ in found if name in ("siaga_open_incidents", "siaga_heartbeat_age_seconds")]
    assert math.isnan(found["siaga_unaccepted_incidents", ()])
    assert math.isnan(found["siaga_engine_lag_seconds", ()])
    refused = program.sends("GET", f"{PREFIX}/incidents", headers={"Authorization": "Bearer x"})
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    engine.dispose()


def test_metrics_have_the_names_of_the_contract(here: World) -> None:
    metrics = here.services.metrics
    metrics.webhook_refused("signature")
    metrics.delivery_tried(channel="voice", provider="twilio", outcome="accepted")
    metrics.call_ended(CallOutcome.PRANK)
    metrics.first_alert_left(0.03)
    here.opens()
    here.opens()
    here.clock.advance(1.5)
    found = scraped(watcher(here))
    assert found["siaga_webhooks_refused_total", (("reason", "signature"),)] == 1
    labels = (("channel", "voice"), ("outcome", "accepted"), ("provider", "twilio"))
    assert found["siaga_deliveries_total", labels] == 1
    assert found["siaga_calls_total", (("outcome", "prank"),)] == 1
    assert found["siaga_calls_total", (("outcome", "ghost"),)] == 0
    assert found["siaga_engine_lag_seconds", ()] == 1.5
    assert found["siaga_alert_latency_seconds_count", ()] == 1
    assert found["siaga_open_incidents", (("status", "alerting"),)] == 2
    assert found["siaga_open_incidents", (("status", "en_route"),)] == 0
    assert ("siaga_open_incidents", (("status", "closed"),)) not in found


def test_the_lag_is_what_no_engine_has_carried_out_whichever_process_is_asked(here: World) -> None:
    """No engine runs in this process, as in one that was started with ``--no-engine``."""

    def lag_s() -> float:
        return scraped(watcher(here))["siaga_engine_lag_seconds", ()]

    assert lag_s() == 0
    here.opens()
    assert lag_s() == 0, "what is due this instant is not late"
    here.clock.advance(7)
    assert lag_s() == 7, "a first alert has not left"
    with here.services.uow.write() as session:
        session.execute(update(Delivery).values(state=DeliveryState.ACCEPTED))
        due_at = session.scalar(select(func.min(Deadline.due_at)))
    assert due_at is not None
    assert lag_s() == 0, "it has left, and no deadline is due"
    here.clock.advance((due_at - here.clock.now()).total_seconds() + 11)
    assert lag_s() == 11, "the next person is not asked"
    with here.services.uow.write() as session:
        session.execute(delete(Deadline))
    assert lag_s() == 0, "what was late once is not late for ever"


def test_the_api_stands_under_its_prefix(here: World) -> None:
    program = watcher(here)
    described = program.sends("GET", f"{PREFIX}/openapi.json")
    assert described.json()["servers"] == [{"url": PREFIX}]
    assert program.sends("GET", f"{PREFIX}/incidents").status_code == 401
    opened = here.post("/incidents", {}).json()
    found = program.sends("GET", f"{PREFIX}/incidents/{opened['id']}", headers=here.headers(UserRole.AUDITOR))
    assert found.json()["id"] == opened["id"]
