"""A program whose database does not answer starts, rings who is on duty, and goes on when it is there."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from config.cli_words import CommandRefusedError
from config.opening import check_database, refuse_unfit
from models.facility import Staff
from models.incident import Assignment, Call, Incident
from models.traffic import Outage
from tests.contract.faults import FAULTS
from tests.contract.site import Site, call, is_fallback, numbers, running_site, verbs

PATIENCE_S = 2.5
WAIT_S = 15.0


@pytest.fixture
def known(database_url: str, tmp_path: Path) -> Site:
    """A program that ran before, and stopped."""
    with running_site(database_url, tmp_path) as site:
        return site


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest, known: Site) -> Iterator[ExitStack]:
    """The database fails until the stack is closed."""
    with ExitStack() as stack:
        stack.enter_context(FAULTS[str(request.param)](known))
        yield stack


def on_duty(site: Site) -> str:
    """Somebody whom only the roster knows."""
    return site.program.telephony.phones.today[0]


def has_begun() -> None:
    """The thread that looks at the database has come to its end: it was there, and everything was begun."""
    for thread in threading.enumerate():
        if thread.name == "opening":
            thread.join(WAIT_S)
            assert not thread.is_alive()


def test_it_rings_who_was_on_duty_and_goes_on_by_itself(
    fault: ExitStack, known: Site, tmp_path: Path
) -> None:
    with running_site(known.database_url, tmp_path, with_people=False) as site:
        began = time.monotonic()
        answer = site.send("/telephony/voice", call())
        assert time.monotonic() - began < PATIENCE_S
        assert is_fallback(answer)
        assert on_duty(known) in numbers(answer)
        assert site.ready() or site.program.chores.running
        fault.close()
        has_begun()
        assert site.program.chores.running
        site.program.standby.drain()
        (ring,) = site.rows(Call)
        assert len(site.rows(Incident)) == 1
        assert ring.provider_sid == call()["CallSid"]
        assert [outage.cause for outage in site.rows(Outage)] == ["database"]
        assert verbs(site.send("/telephony/voice", call(2))) == ["Gather", "Dial/Conference"]


def test_without_the_file_the_facilitys_own_phones_ring(known: Site, tmp_path: Path) -> None:
    folder = known.program.settings.data_dir
    kept = json.loads((folder / "duty-phones.json").read_text())
    assert kept["duty_phones"] == known.program.telephony.phones.today
    for content in (None, "{", '{"phones": 1}', "[]"):
        (folder / "duty-phones.json").unlink()
        if content is not None:
            (folder / "duty-phones.json").write_text(content)
        with (
            FAULTS["gone"](known),
            running_site(known.database_url, tmp_path, with_people=False) as site,
        ):
            answer = site.send("/telephony/voice", call())
            assert is_fallback(answer)
            assert numbers(answer)[:-1] == list(site.program.facility.duty_phones)
            (folder / "duty-phones.json").touch()


def outdate(site: Site, revision: str) -> str:
    """Let the database say that it is at another revision; which it had."""
    with site.reader.begin() as connection:
        (before,) = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    return str(before)


def test_one_that_comes_back_at_another_schema_is_not_written_into(known: Site, tmp_path: Path) -> None:
    current = outdate(known, "0001")
    with running_site(known.database_url, tmp_path, with_people=False) as site:
        assert not site.program.chores.running
        assert site.program.opening.refusal is not None
        assert "run siaga migrate" in site.ready()["schema"]
        outdate(known, current)
        has_begun()
        assert site.program.chores.running


def test_a_start_is_refused_by_a_database_that_answers_and_does_not_fit(known: Site) -> None:
    check = partial(check_database, known.database_url, known.program.facility)
    refuse_unfit(check)
    outdate(known, "0001")
    with pytest.raises(CommandRefusedError, match="run: siaga migrate"):
        refuse_unfit(check)


def test_a_file_that_is_not_there_is_no_outage(tmp_path: Path, known: Site) -> None:
    url = f"sqlite:///{tmp_path / 'nowhere.db'}"
    with pytest.raises(CommandRefusedError, match="there is no database"):
        refuse_unfit(partial(check_database, url, known.program.facility))
    assert not (tmp_path / "nowhere.db").exists()


def test_one_that_does_not_answer_refuses_nothing(fault: ExitStack, known: Site) -> None:
    began = time.monotonic()
    refuse_unfit(partial(check_database, known.database_url, known.program.facility))
    assert time.monotonic() - began < PATIENCE_S
    fault.close()


def _waits(answers: threading.Event) -> None:
    answers.wait(WAIT_S)


def test_one_that_hangs_holds_up_no_start() -> None:
    answers = threading.Event()
    began = time.monotonic()
    refuse_unfit(partial(_waits, answers))
    assert time.monotonic() - began < PATIENCE_S
    answers.set()


def test_the_files_on_the_disk_follow_the_roster(known: Site, tmp_path: Path) -> None:
    folder = known.program.settings.data_dir
    phone = on_duty(known)
    assert phone in (folder / "fallback.xml").read_text()
    with running_site(known.database_url, tmp_path, with_people=False) as site:
        with site.reader.begin() as connection:
            connection.exec_driver_sql(f"UPDATE staff SET is_active = false WHERE phone = '{phone}'")
        site.program.standby.refresh()
    assert phone not in (folder / "fallback.xml").read_text()
    assert phone not in (folder / "duty-phones.json").read_text()
    for name in ("fallback.xml", "duty-phones.json"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_what_goes_on_can_be_read_when_the_board_cannot(known: Site, tmp_path: Path) -> None:
    listed = known.program.settings.data_dir / "open-incidents.txt"
    assert listed.read_text() == "Tidak ada insiden yang berjalan.\n"
    assert listed.stat().st_mode & 0o777 == 0o600
    with running_site(known.database_url, tmp_path, with_people=False) as site:
        site.send("/telephony/voice", call())
        site.program.standby.refresh()
        (incident,) = site.rows(Incident)
        told = listed.read_text()
        assert incident.number in told
        assert f"penelepon: {incident.caller_number}" in told
        assert "petugas: BELUM ADA" in told
        asked = min(part.staff_id for part in site.rows(Assignment))
        (worker,) = [person.phone for person in site.rows(Staff) if person.id == asked]
        site.send("/telephony/sms", {"MessageSid": "SM-1", "From": worker, "To": call()["To"], "Body": "1"})
        site.program.standby.refresh()
        assert worker in listed.read_text()


def test_a_disk_that_takes_no_files_keeps_nobody_from_being_rung(known: Site, tmp_path: Path) -> None:
    with running_site(known.database_url, tmp_path / "other", with_people=False) as site:
        folder = site.program.settings.data_dir
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        folder.write_text("a file where the folder should be")
        site.program.telephony.phones.today = []
        site.program.standby.refresh()
        assert on_duty(known) in site.program.telephony.phones.today
        assert folder.is_file()
