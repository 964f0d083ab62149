"""What `make demo` starts: at any hour somebody is on duty, rings, and can be talked to."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config.demo import LOGINS
from config.simulating import SIMULATED_RESIDENT
from tests.smoke.handsets import Exchange, Handset
from tests.smoke.served import Served


@pytest.fixture
def demonstration(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path, {"SIAGA_DATABASE_URL": f"sqlite:///{tmp_path / 'siaga.db'}"})
    try:
        served.start("--demo")
        yield served
        served.stop()
        assert served.errors() == []
    finally:
        served.kill()


def test_the_demonstration_has_people_phones_and_log_ins(demonstration: Served) -> None:
    exchange = Exchange(demonstration.url)
    resident = Handset(lambda: exchange, SIMULATED_RESIDENT.number)
    # The page shows those on duty first; a call taker among them is rung later than who can help.
    staff = exchange.snapshot()["phones"][1:]
    first = next(phone["number"] for phone in staff if phone["role"] != "Penerima telepon")
    on_duty = Handset(lambda: exchange, first)

    resident.dials().hears("Puskesmas Kwamki").presses("1")
    on_duty.is_alerted().picks_up().hears("Tekan 1").presses("1").hears("Ketik menit").presses("9#")
    resident.talks_to(on_duty)
    exchange.close()

    with httpx.Client(base_url=demonstration.url, trust_env=False) as web:
        for login in LOGINS:
            fields = {"username": login.username, "password": login.password}
            assert web.post("/login", data=fields).status_code == 303
