"""The real server comes back after a while away: what the company's log holds is found, and people rung."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from models.incident import Call
from models.record import Event
from tests.crash.siege import Siege
from tests.fakes.stand_in import Leg, stand_in

UNHEARD = "+628119960001"
OLD_ENOUGH = timedelta(minutes=5)
"""The provider does not try a webhook any more, and the first look of a new facility still reaches it."""


@pytest.fixture
def siege(database_url: str, tmp_path: Path) -> Iterator[Siege]:
    with stand_in(answers_after_s=0.01) as company:
        siege = Siege(database_url, tmp_path, company, random.Random(1))
        try:
            yield siege
        finally:
            siege.closes()


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
