"""What the whole program does by itself: it knows whom to ring when its database does not answer."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text

from config.facility import load_facility
from config.policy import load_policy
from config.settings import load_settings
from config.wiring import Program, build_program
from dispatch.domain.commands import ReceiveCall
from dispatch.ports import LoggedCall
from dispatch.service import intake
from dispatch.service.checks import JOURNAL_LAID_ASIDE, JOURNAL_WAITING, OF_THE_JOURNAL
from dispatch.service.engine import SENDERS
from dispatch.service.watchdog import PULSE, last_report
from models.facility import Shift
from models.record import Event
from models.signals import Listener
from models.traffic import Pulse
from models.unit_of_work import wake_engine_after
from tests.contract.site import call, load_people
from tests.fakes.telephony import WAIT_S, FakeProvider
from tests.held_connections import connections_held

NOBODY = "http://127.0.0.1:1"
"""Where no telephone company is: every request to it is refused."""


def build(url: str, folder: Path, telephony: str = "twilio", *, with_engine: bool = False) -> Program:
    """The program; without the engine as ``serve --no-engine`` builds it."""
    settings = load_settings(
        {
            "SIAGA_DATABASE_URL": url,
            "SIAGA_DATA_DIR": str(folder),
            "SIAGA_SECRET_KEY": "a-key-of-the-tests",
            "SIAGA_TELEPHONY": telephony,
            "SIAGA_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "SIAGA_TWILIO_AUTH_TOKEN": "an-invented-token",
            "SIAGA_TWILIO_NUMBER": "+62911000911",
            "SIAGA_TWILIO_API_URL": NOBODY,
        }
    )
    return build_program(settings, load_facility(), load_policy(), with_engine=with_engine)


@pytest.fixture
def program(sqlite_database_url: str, tmp_path: Path) -> Iterator[Program]:
    """A started web process with the sample facility's people on duty."""
    program = build(sqlite_database_url, tmp_path)
    load_people(program)
    program.start()
    yield program
    program.stop()


@pytest.fixture
def engines_program(postgresql_database_url: str, tmp_path: Path) -> Iterator[Program]:
    """The whole program on PostgreSQL, not yet at work."""
    program = build(postgresql_database_url, tmp_path, with_engine=True)
    load_people(program)
    yield program
    program.stop()


def does_its_chores(program: Program) -> None:
    """Everything that is due from time to time, now."""
    for chore in program.chores.get_jobs():
        chore.func()


def test_a_process_without_the_engine_keeps_up_with_the_roster(program: Program) -> None:
    before = list(program.telephony.phones.today)
    with program.services.uow.write() as session:
        session.execute(delete(Shift).where(Shift.tier == "jaga"))

    does_its_chores(program)

    assert {chore.id for chore in program.chores.get_jobs()} == {
        "duty_phones",
        "journal",
        "watchdog",
        "backup",
        "report",
    }
    assert program.telephony.phones.today
    assert set(program.telephony.phones.today) < set(before)


def test_a_request_that_waited_is_applied_without_the_engine(program: Program) -> None:
    journal = program.telephony.journal
    now = program.services.clock.now()
    journal.keep(kind="malformed", path="/telephony/voice", form={"From": "?"}, at=now)

    does_its_chores(program)

    assert journal.drain(lambda *_request: None) == 0


def test_what_waits_here_is_known_better_than_by_the_providers_log(program: Program) -> None:
    """The request has the caller's own words and its true time; from the log only that somebody called."""
    at = program.services.clock.now() - timedelta(minutes=10)
    form = call()
    program.telephony.journal.keep(kind="voice", path="/telephony/voice", form=form, at=at)
    provider = FakeProvider("twilio", now=program.services.clock.now)
    sid, number = form["CallSid"], form["From"]
    provider.calls_in.append(
        LoggedCall(
            provider_sid=sid,
            from_number=number,
            began_at=at,
            ended_at=at + timedelta(minutes=1),
            status="completed",
            duration_s=60,
        )
    )

    replace(program, providers=[provider]).reconcile()

    with program.services.uow.read() as session:
        (opened,) = session.scalars(select(Event).where(Event.sequence == 1))
    assert opened.source == "voice"
    assert opened.occurred_at == at


def test_a_journal_that_cannot_be_opened_keeps_nobody_from_reading_the_providers_log(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "journal" / "requests.jsonl").mkdir(parents=True)
    provider = FakeProvider("twilio", now=program.services.clock.now)

    replace(program, providers=[provider]).reconcile()

    assert len(provider.read_since) == 1


def test_a_chore_that_fails_leaves_the_phones_that_are_known(program: Program) -> None:
    before = list(program.telephony.phones.today)
    with program.services.uow.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE shift RENAME TO gone")

    does_its_chores(program)

    assert program.telephony.phones.today == before != []


def test_the_chores_end_with_the_program(program: Program) -> None:
    assert program.chores.running
    program.stop()
    assert not program.chores.running


def test_the_simulated_number_falls_back_to_those_on_duty(sqlite_database_url: str, tmp_path: Path) -> None:
    people = build(sqlite_database_url, tmp_path)
    load_people(people)
    program = build(sqlite_database_url, tmp_path, "simulator")

    assert program.simulator is not None
    document = program.simulator.network.settings.fallback_twiml
    assert document is not None
    program.standby.refresh()
    on_duty = program.telephony.phones.today
    assert on_duty
    assert all(phone in document for phone in program.telephony.phones.numbers(program.services.clock.now()))

    for each in (people, program):
        each.stop()


def test_on_postgresql_a_web_process_wakes_the_engine_of_another(
    postgresql_database_url: str, tmp_path: Path
) -> None:
    web = build(postgresql_database_url, tmp_path / "web")
    engine = build(postgresql_database_url, tmp_path / "engine", with_engine=True)
    heard = threading.Semaphore(0)
    assert isinstance(engine.signals, Listener)
    ears = Listener(engine.services.uow.engine, heard.release)
    load_people(web)
    web.start()
    ears.start()
    try:
        assert heard.acquire(timeout=WAIT_S), "it looks once when it begins to listen"
        with web.services.uow.write() as session:
            wake_engine_after(session)
        assert heard.acquire(timeout=WAIT_S)
    finally:
        ears.stop()
        web.stop()
        engine.services.uow.engine.dispose()


def test_on_sqlite_there_is_nothing_to_listen_to(program: Program) -> None:
    assert program.signals is None


def test_what_waited_is_applied_in_the_start_itself(database_url: str, tmp_path: Path) -> None:
    program = build(database_url, tmp_path)
    load_people(program)
    program.telephony.journal.keep(
        kind="voice", path="/telephony/voice", form=call(), at=program.services.clock.now()
    )
    program.begin()
    waiting = program.standby.look().requests
    program.stop()
    assert waiting == 0


def leads_to(link: Path, target: Path) -> None:
    """Let *link* lead there from one instant to the next."""
    new = link.with_suffix(".new")
    new.symlink_to(target)
    new.replace(link)


def test_what_waited_is_applied_as_soon_as_the_database_is_back(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    file = Path(sqlite_database_url.removeprefix("sqlite:///"))
    there = file.rename(file.with_suffix(".there"))
    leads_to(file, there)
    program = build(sqlite_database_url, tmp_path, with_engine=True)
    load_people(program)
    assert program.engine is not None
    drained = threading.Event()
    program.engine.every(3600, drained.set, "stays away")
    program.engine.when_back("stays away")
    program.engine.start()
    # At one stroke: whoever found no file in between would begin an empty database in its place.
    leads_to(file, tmp_path)
    program.at_work.uow.engine.dispose()
    was_away = threading.Event()
    for _ in range(int(WAIT_S / 0.05)):
        if program.engine._database_is_away or was_away.wait(0.05):
            break
    leads_to(file, there)
    assert drained.wait(WAIT_S)
    program.stop()


def found_by_watchdog(program: Program) -> dict[str, str]:
    """The names of what one round finds, and of what each is."""
    with program.services.uow.write() as session:
        session.execute(delete(Pulse).where(Pulse.name == PULSE))
    report = program.watchdog.round()
    assert report is not None
    return {finding.check: finding.subject for finding in report.findings}


def test_what_the_journal_keeps_for_too_long_or_for_good_is_found(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    program = build(sqlite_database_url, tmp_path)
    load_people(program)
    journal, now = program.telephony.journal, program.services.clock.now()
    assert set(OF_THE_JOURNAL) & set(found_by_watchdog(program)) == set()
    journal.keep(kind="voice", path="/telephony/voice", form=call(), at=now - timedelta(seconds=5))
    assert JOURNAL_WAITING not in found_by_watchdog(program)
    journal.keep(kind="voice", path="/telephony/voice", form=call(2), at=now - timedelta(seconds=31))
    assert JOURNAL_WAITING in found_by_watchdog(program)
    program.standby.drain()
    aside = tmp_path / "journal" / "laid-aside.jsonl"
    aside.write_text('{"kind": "voice", "form": {"From"\n')
    (first, waiting) = (found_by_watchdog(program).get(name) for name in reversed(OF_THE_JOURNAL))
    assert (first, waiting) == ("journal 1", None)
    aside.write_text(aside.read_text() * 2)
    assert found_by_watchdog(program)[JOURNAL_LAID_ASIDE] != first, "one more is told at once"
    assert last_counts(program)[JOURNAL_LAID_ASIDE] == 1
    program.stop()


def last_counts(program: Program) -> Mapping[str, int]:
    with program.services.uow.read() as session:
        return last_report(session).counts()


def rings(program: Program, number: int) -> None:
    form = call(number, sender=f"+62811999{number:05}")
    command = ReceiveCall(
        provider="twilio",
        provider_sid=form["CallSid"],
        caller_number=form["From"],
        received_at=program.services.clock.now(),
        body=form,
    )
    intake.receive_call(program.services, command)


def test_senders_and_chores_that_all_write_at_once_leave_the_engines_round_a_connection(
    engines_program: Program,
) -> None:
    program = engines_program
    assert program.engine is not None
    chores = (
        *(program.engine.pulse, program.engine.let_go_of_the_dead, program.watch),
        *(program.backups.run_if_due, program.reports.run_if_due, program.reconcile),
    )
    at_once = SENDERS + len(chores)
    with ThreadPoolExecutor(len(chores), "chore") as pool:
        with connections_held(program.at_work.uow.engine, at_once + 1, "sender", "chore") as held:
            program.begin()
            for number in range(SENDERS):
                rings(program, number)
            doing = [pool.submit(chore) for chore in chores]
            assert held.come(at_once), "one had to wait for a connection of another"
            held.also("engine")
            assert held.come(1), "the engine stands still until one of them gives its own back"
        for one in doing:
            one.result(WAIT_S)
    assert held.closed() == 0, "one was not kept for the next"


def test_the_server_plans_once_for_webhooks_and_as_it_likes_for_what_looks_through_time(
    engines_program: Program,
) -> None:
    """With one plan for all values the watchdog's round took a second at a million incidents, not 40 ms."""
    program = engines_program
    modes = {}
    for name in ("services", "at_work", "desk"):
        with getattr(program, name).uow.read() as session:
            modes[name] = session.scalar(text("SHOW plan_cache_mode"))
    assert modes == {"services": "force_generic_plan", "at_work": "auto", "desk": "auto"}
