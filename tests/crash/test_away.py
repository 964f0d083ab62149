"""The real server comes back after a while away: what the company's log holds is found, and people rung."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import make_url, select

from models.incident import Call
from models.record import Event
from models.traffic import Outage
from tests.crash.siege import Siege
from tests.fakes.stand_in import Leg, stand_in
from tests.smoke.town import ON_DUTY

PATIENCE_S = 2.5
UNHEARD = "+628119960001"
OLD_ENOUGH = timedelta(minutes=5)
"""The provider does not try a webhook any more, and the first look of a new facility still reaches it."""


@contextmanager
def besieged(url: str, folder: Path) -> Iterator[Siege]:
    with stand_in(answers_after_s=0.01) as company:
        siege = Siege(url, folder, company, random.Random(1))
        try:
            yield siege
        finally:
            siege.closes()


@pytest.fixture
def siege(database_url: str, tmp_path: Path) -> Iterator[Siege]:
    with besieged(database_url, tmp_path) as siege:
        yield siege


def calls_in_vain(siege: Siege) -> Leg:
    """Somebody dialled while nobody was there to be told, and gave up."""
    leg = siege.company.new_call(UNHEARD)
    leg.asked_at -= OLD_ENOUGH
    leg.status, leg.ended_at = "no-answer", leg.asked_at + timedelta(seconds=30)
    return leg


def test_a_call_that_came_while_it_was_away_is_found_and_people_are_rung(siege: Siege) -> None:
    missed = calls_in_vain(siege)
    siege.served.start()
    siege.company.waits_until("somebody is rung", lambda: bool(siege.company.calls))
    siege.served.stop()
    with siege.uow.read() as session:
        (ring,) = session.scalars(select(Call))
        first = session.scalars(select(Event).order_by(Event.sequence)).first()
    assert (ring.provider_sid, ring.caller_number) == (missed.sid, UNHEARD)
    assert ring.received_at == missed.asked_at.replace(microsecond=0)
    assert first is not None
    assert (first.source, first.data["reconstructed"]) == ("import", True)
    assert first.recorded_at - first.occurred_at > OLD_ENOUGH
    assert siege.broken_promises()["not as it was recorded"] == []
    assert siege.served.errors() == []


def test_it_starts_without_its_database_and_alerts_people_once_there_is_one(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    """The file cannot be opened when the server starts, and can some seconds later."""
    with besieged(sqlite_database_url, tmp_path) as siege:
        siege.served.start()
        siege.served.stop()
        kept = json.loads((tmp_path / "var" / "duty-phones.json").read_text())
        siege.uow.engine.dispose()
        file = Path(str(make_url(sqlite_database_url).database))
        away = file.rename(file.with_suffix(".away"))
        file.mkdir()
        siege.served.start()
        leg = siege.company.new_call(UNHEARD)
        answer = siege.company.post(f"{siege.served.url}/telephony/voice", siege.company.form_of(leg))
        assert answer.status == 200
        assert answer.took_s < PATIENCE_S
        rung = [str(number.text) for number in ET.fromstring(answer.body).iter("Number")]
        assert len(kept["duty_phones"]) == sum(map(len, ON_DUTY.values()))
        assert set(kept["duty_phones"]) < set(rung)
        assert siege.company.calls == []
        file.rmdir()
        away.rename(file)
        siege.company.waits_until("somebody is alerted", lambda: bool(siege.company.calls))
        siege.served.stop()
        with siege.uow.read() as session:
            (ring,) = session.scalars(select(Call))
            causes = set(session.scalars(select(Outage.cause)))
        assert ring.provider_sid == leg.sid
        assert "database" in causes
        assert siege.broken_promises()["not as it was recorded"] == []
        said = {json.loads(line)["event"] for line in siege.served.errors()}
        assert said <= {"opening.database_away", "webhook.failed"}
