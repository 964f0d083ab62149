"""The simulated phones are for everybody who tries the program, and for the staff where real phones ring."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from config.demo import load_sample
from config.facility import load_facility
from config.policy import load_policy
from config.settings import load_settings
from config.web import build_app
from config.wiring import build_program
from models import migrating
from models.session import open_database
from models.unit_of_work import UnitOfWork
from tests.contract.served import serving
from tests.databases import sqlite_url


@contextmanager
def _visitor(folder: Path, telephony: str) -> Iterator[httpx.Client]:
    url = sqlite_url(folder)
    migrating.upgrade(url)
    settings = load_settings(
        {
            "SIAGA_DATABASE_URL": url,
            "SIAGA_DATA_DIR": str(folder),
            "SIAGA_SECRET_KEY": "a-key-of-the-tests",
            "SIAGA_TELEPHONY": telephony,
            "SIAGA_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "SIAGA_TWILIO_AUTH_TOKEN": "an-invented-token",
            "SIAGA_TWILIO_NUMBER": "+62911000911",
            "SIAGA_TWILIO_API_URL": "http://127.0.0.1:9",
        }
    )
    program = build_program(
        settings, load_facility(settings.facility_file), load_policy(settings.policy_file), with_engine=False
    )
    uow = UnitOfWork(open_database(url))
    load_sample(uow=uow, ids=program.services.ids, clock=program.services.clock, facility=program.facility)
    uow.engine.dispose()
    with serving(lambda _base: build_app(program)) as address, httpx.Client(base_url=address) as visitor:
        yield visitor


@pytest.mark.parametrize(("telephony", "status"), [("simulator", 200), ("twilio,simulator", 303)])
def test_where_real_phones_ring_the_page_asks_for_a_log_in(
    tmp_path: Path, telephony: str, status: int
) -> None:
    with _visitor(tmp_path, telephony) as visitor:
        page = visitor.get("/simulator")
        dialling = visitor.post(
            "/simulator/phones/+6281199990001/dial", json={}, headers={"X-Requested-With": "test"}
        )

    assert page.status_code == status
    assert dialling.status_code == status


def test_the_providers_side_asks_for_the_accounts_secret_not_for_a_log_in(tmp_path: Path) -> None:
    with _visitor(tmp_path, "twilio,simulator") as visitor:
        answer = visitor.get(f"/simulator/api/2010-04-01/Accounts/AC{'0' * 32}/Calls.json")

    assert answer.status_code == 401


def test_without_the_simulator_there_is_no_such_page(tmp_path: Path) -> None:
    with _visitor(tmp_path, "twilio") as visitor:
        assert visitor.get("/simulator").status_code == 404


def test_a_person_at_an_unknown_address_sees_a_calm_page(tmp_path: Path) -> None:
    with _visitor(tmp_path, "simulator") as visitor:
        here = visitor.get("/nope")
        english = visitor.get("/nope/deeper?lang=en")
        head = visitor.head("/nope")
        for_programs = [
            visitor.get(path) for path in ("/api/v1/nope", "/simulator/api/nope", "/simulator/phones/nope")
        ]
        for_the_provider = visitor.get("/telephony/nope")
        sent = visitor.post("/nope")
        odd = visitor.get("/%00%ff'<script>?q=%00")

    assert [page.status_code for page in (here, english, head, sent, odd)] == [404] * 5
    assert [answer.status_code for answer in for_programs] == [401, 404, 404]
    assert (for_the_provider.status_code, for_the_provider.text) == (404, "Not Found")
    assert here.headers["content-type"].startswith("text/html")
    assert "Content-Security-Policy" in here.headers
    assert "/static/siaga" in here.text
    assert "There is nothing here" in english.text
    assert "There is nothing here" not in here.text
    assert head.content == b""
    assert sent.headers["content-type"] == "application/json"
    assert "<script>" not in odd.text
    assert not [answer.url for answer in for_programs if "json" not in answer.headers["content-type"]]


def test_every_answer_carries_the_safe_headers(tmp_path: Path) -> None:
    with _visitor(tmp_path, "simulator") as visitor:
        for path in ("/login", "/healthz", "/api/v1/incidents", "/nowhere", "/simulator"):
            headers = visitor.get(path).headers
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["X-Frame-Options"] == "DENY", path
