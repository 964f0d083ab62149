"""The database stays away longer than a shift: whoever is on duty by then is rung."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from models.facility import Shift, Staff
from models.session import open_database
from models.unit_of_work import UnitOfWork
from telephony.addresses import PublicAddresses
from telephony.caller_flow import CallerFlow
from telephony.context import DutyPhones, TelephonyContext
from telephony.journal import Journal
from telephony.prompts import Prompts
from telephony.standby import DUTY_PHONES_FILE, FALLBACK_FILE, Standby
from tests.builders import START
from tests.world import PHONES, World

HANDOFF, OWN = "+628114982800", "+628110000071"
PLAN = (("N01", 0, 8), ("N02", 8, 16), ("N03", 16, 24))
"""Who is on duty, from which hour after the start until which; then nobody."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process: what it keeps in its folder, and what it answers a caller without a database."""

    standby: Standby
    context: TelephonyContext
    folder: Path

    def rings(self) -> list[str]:
        return numbers(CallerFlow(self.context).fallback())

    def carried_elsewhere(self) -> list[str]:
        """What the document says that somebody takes to another host."""
        return numbers((self.folder / FALLBACK_FILE).read_text())


def numbers(document: str) -> list[str]:
    first, _handoff = etree.fromstring(document.encode()).findall("Dial")
    return [str(number.text) for number in first]


def process(world: World, folder: Path, uow: UnitOfWork | None = None) -> Process:
    context = TelephonyContext(
        services=replace(world.services, uow=uow or world.uow),
        addresses=PublicAddresses("https://911.example"),
        prompts=Prompts(service_name="911", handoff_phone=HANDOFF),
        phones=DutyPhones(static=(OWN,), handoff=HANDOFF),
        journal=Journal(folder / "journal"),
        provider="fake",
        service_number="+62911",
    )
    return Process(Standby(context, folder), context, folder)


@pytest.fixture
def away(tmp_path: Path) -> Iterator[UnitOfWork]:
    """A database that never answers."""
    uow = UnitOfWork(open_database(f"sqlite:///{tmp_path / 'no folder' / 'siaga.db'}"))
    yield uow
    uow.engine.dispose()


@pytest.fixture
def planned(world: World) -> World:
    """A health centre whose people work one after the other, in shifts of eight hours."""
    with world.uow.write() as session:
        ids = {row.code: row.id for row in session.scalars(select(Staff))}
        session.execute(delete(Shift))
        for code, since, until in PLAN:
            session.add(
                Shift(
                    id=world.services.ids.new_id(),
                    facility_id=world.services.facility_id,
                    staff_id=ids[code],
                    tier="jaga",
                    starts_at=START + timedelta(hours=since),
                    ends_at=START + timedelta(hours=until),
                )
            )
    return world


def test_after_a_change_of_shifts_the_new_shift_rings(
    planned: World, away: UnitOfWork, tmp_path: Path
) -> None:
    process(planned, tmp_path).standby.refresh()
    alone = process(planned, tmp_path, away)
    alone.standby.recall()

    heard = []
    for _ in range(3):
        heard.append(alone.rings())
        planned.hand.advance(8 * 3600)

    assert heard == [[PHONES[code], OWN] for code, _, _ in PLAN]


def test_when_nobodys_shift_is_known_everybody_rings(
    planned: World, away: UnitOfWork, tmp_path: Path
) -> None:
    process(planned, tmp_path).standby.refresh()
    alone = process(planned, tmp_path, away)
    alone.standby.recall()

    planned.hand.advance(25 * 3600)

    assert alone.rings() == [PHONES["N01"], OWN, PHONES["N02"], PHONES["N03"]]


def test_the_process_that_lost_its_database_follows_the_shifts_as_well(
    planned: World, away: UnitOfWork, tmp_path: Path
) -> None:
    """Also in the document for another host, which nobody could replace meanwhile."""
    lives = process(planned, tmp_path)
    lives.standby.refresh()
    assert lives.carried_elsewhere() == [PHONES["N01"], OWN]
    lost = process(planned, tmp_path, away)
    lost.standby.recall()

    planned.hand.advance(9 * 3600)
    with pytest.raises(SQLAlchemyError):
        lost.standby.refresh()

    assert lost.rings() == lost.carried_elsewhere() == [PHONES["N02"], OWN]


def test_a_file_of_before_there_were_shifts_rings_the_people_in_it(
    planned: World, away: UnitOfWork, tmp_path: Path
) -> None:
    (tmp_path / DUTY_PHONES_FILE).write_text('{"duty_phones": ["+628119990001"]}')
    alone = process(planned, tmp_path, away)

    alone.standby.recall()

    assert alone.rings() == ["+628119990001", OWN]


def test_what_does_not_change_is_not_written_again(planned: World, tmp_path: Path) -> None:
    """Every half minute, in every process: a file of its own each time would wear the disk out."""
    one = process(planned, tmp_path)
    one.standby.refresh()
    before = (tmp_path / DUTY_PHONES_FILE).stat().st_ino
    planned.hand.advance(30)
    one.standby.refresh()
    assert (tmp_path / DUTY_PHONES_FILE).stat().st_ino == before
