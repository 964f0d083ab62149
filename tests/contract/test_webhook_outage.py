"""While the database does not answer every caller reaches a person, and nothing that arrived is lost."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dispatch.service.verifying import verify
from models.incident import Call, Incident
from models.record import Event
from models.session import is_database_away
from models.traffic import Delivery, Outage, Pulse
from models.unit_of_work import WRITES_WITHIN_S
from tests.contract.faults import FAULTS, locked
from tests.contract.site import (
    RESIDENT,
    Site,
    call,
    is_fallback,
    numbers,
    payload,
    running_site,
    text,
    verbs,
)

PATIENCE_S = 2.5
"""The program gives itself 1.5 s; the rest is for a busy machine."""

JUST_NOW = timedelta(seconds=60)


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def wait_out(site: Site) -> None:
    """Apply what waited; before it, work that was left behind by a lock has come to its end."""
    site.program.standby.drain()
    assert site.journalled() == []


def test_a_caller_reaches_a_person_and_the_call_is_in_the_record_afterwards(site: Site, fault: str) -> None:
    site.program.standby.refresh()
    with FAULTS[fault](site):
        began = time.monotonic()
        before_at = datetime.now(UTC)
        answer = site.send("/telephony/voice", payload("voice-incoming"))
        took_s = time.monotonic() - began
        assert is_fallback(answer)
        assert took_s < PATIENCE_S
        assert len(site.journalled()) == 1
        assert RESIDENT[1:] not in site.log.getvalue()
        # The people on duty, from memory, and the facility's own number for such a night.
        assert "+628110000081" in numbers(answer)
        assert len(numbers(answer)) > 3
    after_at = datetime.now(UTC)
    assert site.rows(Incident) == [] or fault == "locked"
    wait_out(site)
    wait_out(site)
    (incident,) = site.rows(Incident)
    (ring,) = site.rows(Call)
    assert (ring.incident_id, ring.caller_number) == (incident.id, RESIDENT)
    assert before_at - timedelta(milliseconds=1) <= incident.received_at <= after_at
    assert incident.received_at == ring.received_at
    assert incident.received_at - before_at < JUST_NOW
    # Copies that come late change nothing.
    assert verbs(site.send("/telephony/voice", payload("voice-incoming"))) == ["Gather", "Dial/Conference"]
    assert len(site.rows(Call)) == 1


def test_a_burst_of_requests_is_applied_in_order(site: Site) -> None:
    with FAULTS["gone"](site):
        assert is_fallback(site.send("/telephony/voice", call(1)))
        assert is_fallback(site.send("/telephony/voice", call(1)))
        assert is_fallback(site.send("/telephony/voice", call(2, sender="+6281199990002")))
        assert is_fallback(site.send("/telephony/voice/menu", call(2, sender="+6281199990002", Digits="1")))
        assert verbs(site.send("/telephony/sms", text("Tolong, cepat"))) == []
        assert verbs(site.send("/telephony/voice/status", call(1, CallStatus="completed"))) == []
        assert is_fallback(site.send("/telephony/voice", b"From=anonymous"))
    assert len(site.journalled()) == 7
    wait_out(site)
    first, second = sorted(site.rows(Incident), key=lambda row: row.short_number)
    rings = {row.provider_sid: row for row in site.rows(Call)}
    assert set(rings) == {call(1)["CallSid"], call(2)["CallSid"], text("")["MessageSid"]}
    assert rings[call(1)["CallSid"]].ended_at is not None
    assert (first.caller_number, second.caller_number) == (RESIDENT, "+6281199990002")
    assert second.priority == "red"
    assert [request["From"] for request in site.kept("malformed")] == ["anonymous"]


def test_whoever_is_on_the_line_is_connected(sqlite_site: Site) -> None:
    with FAULTS["gone"](sqlite_site):
        for path in ("voice", "voice/menu", "voice/after"):
            assert is_fallback(sqlite_site.send(f"/telephony/{path}", call(Digits="1")))
        # One of our own calls may be to a caller whom we call back.
        assert is_fallback(sqlite_site.send("/telephony/deliveries/one/answer", call()))
        # What only asked for words is not carried out later.
        assert len(sqlite_site.journalled()) == 3


def test_a_worker_whose_key_cannot_be_recorded_is_told_and_the_key_is_kept(sqlite_site: Site) -> None:
    with FAULTS["gone"](sqlite_site):
        for path in ("key", "minutes"):
            answer = sqlite_site.send(f"/telephony/deliveries/one/{path}", call(Digits="1"))
            assert "Sistem sedang terganggu" in answer.text
        assert len(sqlite_site.journalled()) == 2


def test_the_waiting_room_goes_on_speaking(sqlite_site: Site) -> None:
    with FAULTS["gone"](sqlite_site):
        for path, ending in (
            ("/telephony/rooms/one/wait", "Redirect"),
            ("/telephony/voice/release", "Hangup"),
        ):
            assert verbs(sqlite_site.send(path, payload("room-wait")))[-1] == ending


def test_what_is_not_understood_is_kept_whatever_it_was(site: Site) -> None:
    """Even a request that nothing can be done with later is in the inbox for a person to read."""
    with FAULTS["gone"](site):
        site.send("/telephony/deliveries/one/key", payload("call-key"))
    wait_out(site)
    (request,) = site.kept("key")
    assert (request["path"], request["Digits"]) == ("/telephony/deliveries/one/key", "1")


def test_forged_requests_are_refused_all_the_same_and_not_kept(sqlite_site: Site) -> None:
    with FAULTS["gone"](sqlite_site):
        assert sqlite_site.send("/telephony/voice", call(), signed="forged").status_code == 403
        assert sqlite_site.journalled() == []


def test_a_text_that_could_not_even_be_kept_is_not_confirmed(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    """Neither the database nor the disk: the provider hears of it; a caller still reaches a person."""
    with running_site(sqlite_database_url, tmp_path) as site:
        (site.program.settings.data_dir / "journal").write_text("no folder")
        with FAULTS["gone"](site):
            assert site.send("/telephony/sms", text("Tolong")).status_code == 503
            assert is_fallback(site.send("/telephony/voice", call()))
            assert "disk takes no requests" in site.ready()["journal"]
        assert site.metric("siaga_journal_failures_total") == 2
        critical = [json.loads(line) for line in site.log.getvalue().splitlines() if "not_kept" in line]
        assert [(line["level"], line["kind"]) for line in critical] == [
            ("critical", "sms"),
            ("critical", "voice"),
        ]


def test_a_full_disk_is_met_the_same_way(sqlite_site: Site) -> None:
    """``/dev/full`` takes an open and refuses every byte, as a full disk does."""
    folder = sqlite_site.program.settings.data_dir / "journal"
    folder.mkdir()
    (folder / "requests.jsonl").symlink_to("/dev/full")
    with FAULTS["gone"](sqlite_site):
        answer = sqlite_site.send("/telephony/voice", call())
        assert is_fallback(answer)
        assert "+628110000081" in numbers(answer)
        assert sqlite_site.send("/telephony/sms", text("Tolong")).status_code == 503
    assert sqlite_site.metric("siaga_journal_failures_total") == 2
    (folder / "requests.jsonl").unlink()
    # Room again: the next request is kept, and the sign is taken down.
    with FAULTS["gone"](sqlite_site):
        assert verbs(sqlite_site.send("/telephony/sms", text("Tolong"))) == []
        assert "disk" not in sqlite_site.ready()["journal"]
    wait_out(sqlite_site)
    assert len(sqlite_site.rows(Incident)) == 1


def test_a_disk_that_hangs_makes_nobody_wait(sqlite_site: Site) -> None:
    """A pipe that nobody reads: opening it takes for ever."""
    folder = sqlite_site.program.settings.data_dir / "journal"
    folder.mkdir()
    pipe = folder / "requests.jsonl"
    os.mkfifo(pipe)
    with FAULTS["gone"](sqlite_site):
        began = time.monotonic()
        assert is_fallback(sqlite_site.send("/telephony/voice", call()))
        assert time.monotonic() - began < PATIENCE_S
        assert sqlite_site.metric("siaga_journal_failures_total") == 1
        # Let the thread that is held there go on.
        with pipe.open("rb", buffering=0) as reader:
            assert b"CallSid" in reader.read(4000)
    pipe.unlink()


def test_what_waits_is_told_and_becomes_an_outage_with_its_true_span(site: Site) -> None:
    with FAULTS["gone"](site):
        before_at = datetime.now(UTC)
        assert is_fallback(site.send("/telephony/voice", call()))
        assert site.program.standby.look().requests == 1
        # Nothing is lost by trying while it is away.
        site.program.standby.drain()
        assert len(site.journalled()) == 1
        assert "database" in site.ready()
    assert site.metric("siaga_journal_waiting") == 1
    wait_out(site)
    assert site.metric("siaga_journal_waiting") == 0
    (outage,) = site.rows(Outage)
    assert outage.cause == "database"
    assert before_at - timedelta(seconds=1) < outage.from_at < outage.until_at <= datetime.now(UTC)


def test_whoever_cannot_write_is_not_ready_and_is_again_with_the_next_commit(site: Site) -> None:
    """Reading goes on while somebody holds what every call writes: the engine's last sign is still young."""
    uow = site.program.services.uow
    with uow.write() as session:
        session.add(Pulse(name="engine", at=datetime.now(UTC), details={}))
    assert site.ready() == {}
    with locked(site):
        assert is_fallback(site.send("/telephony/voice", call()))
        assert site.ready().keys() & {"writing", "journal"}
    with uow.write() as session:
        session.execute(select(1))
    assert site.ready() == {}


def test_a_transaction_that_does_not_end_is_told(sqlite_site: Site) -> None:
    uow = sqlite_site.program.services.uow
    begun = datetime.now(UTC)
    with uow.write() as session:
        session.merge(Pulse(name="engine", at=datetime.now(UTC), details={}))
        session.flush()
        assert uow.trouble() is None
        threading.Event().wait(WRITES_WITHIN_S)
        assert "has not ended" in str(uow.trouble())
    assert uow.trouble() is None
    assert datetime.now(UTC) - begun < JUST_NOW


def test_a_request_that_failed_for_another_reason_is_no_outage(sqlite_site: Site) -> None:
    sqlite_site.program.telephony.journal.keep(
        kind="voice", path="/telephony/voice", form=call(), at=datetime.now(UTC)
    )
    wait_out(sqlite_site)
    assert len(sqlite_site.rows(Call)) == 1
    assert sqlite_site.rows(Outage) == []


def test_an_answer_that_only_took_too_long_is_no_outage(postgres_site: Site) -> None:
    """One call waits in vain while others are written down: the record must claim no outage."""
    uow = postgres_site.program.services.uow
    with locked(postgres_site), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(postgres_site.send, "/telephony/voice", call())
        while not answer.done():
            with uow.write() as session:
                session.execute(select(1))
        assert is_fallback(answer.result())
    wait_out(postgres_site)
    assert len(postgres_site.rows(Call)) == 1
    assert postgres_site.rows(Outage) == []


def test_a_call_that_gets_no_connection_gives_its_thread_back(postgres_site: Site) -> None:
    """All of the pool's connections are in use: the caller reaches a person, and no thread waits on."""
    pool = postgres_site.program.services.uow.engine
    with ExitStack() as stack:
        with suppress(PoolTimeoutError):
            while True:
                stack.enter_context(pool.connect())
        assert is_fallback(postgres_site.send("/telephony/voice", call()))
        assert "webhook.too_slow" not in postgres_site.log.getvalue()
    wait_out(postgres_site)
    assert len(postgres_site.rows(Call)) == 1


def test_a_key_that_was_slow_and_was_kept_as_well_counts_once(sqlite_site: Site) -> None:
    sqlite_site.send("/telephony/voice", call())
    delivery = next(row for row in sqlite_site.rows(Delivery) if row.channel == "voice" and row.staff_id)
    where = f"/telephony/deliveries/{delivery.id}/key"
    sqlite_site.send(where, call(2, Digits="1"))

    def cries_for_help() -> int:
        return sum(row.kind == "help.requested" for row in sqlite_site.rows(Event))

    with locked(sqlite_site):
        assert "Sistem sedang terganggu" in sqlite_site.send(where, call(2, Digits="6")).text
    assert len(sqlite_site.journalled()) == 1
    for _ in range(100):
        if cries_for_help() or threading.Event().wait(0.05):
            break
    assert cries_for_help() == 1
    wait_out(sqlite_site)
    assert cries_for_help() == 1


def test_after_a_crash_while_applying_everything_is_there_once(site: Site) -> None:
    """The database has it all, and the journal was not yet emptied: everything is applied a second time."""
    with FAULTS["gone"](site):
        site.send("/telephony/voice", call())
        site.send("/telephony/voice/menu", call(Digits="2"))
        site.send("/telephony/sms", text("Tolong", sender="+6281199990009"))
        site.send("/telephony/voice/status", call(CallStatus="completed"))
        site.send("/telephony/deliveries/one/key", call(Digits="1"))
    folder = site.program.settings.data_dir / "journal"
    lines = (folder / "requests.jsonl").read_bytes()
    wait_out(site)
    # What came later must not be undone by what is applied again.
    site.send("/telephony/voice/menu", call(Digits="3"))
    once = site.stored()
    (folder / "applying.jsonl").write_bytes(lines[: len(lines) // 2])
    (folder / "requests.jsonl").write_bytes(lines)
    site.program.standby.drain()
    assert site.stored() == once
    (ring,) = [row for row in site.rows(Call) if row.provider_sid == call()["CallSid"]]
    assert ring.menu_digit == "3"
    assert len(site.kept("menu")) == len(site.kept("voice_status")) == len(site.kept("key")) == 1


def test_an_end_that_comes_live_before_its_kept_ring_is_applied_finds_it(site: Site) -> None:
    with FAULTS["gone"](site):
        site.send("/telephony/voice", call())
    assert verbs(site.send("/telephony/voice/status", call(CallStatus="completed"))) == []
    assert site.rows(Call) == []
    wait_out(site)
    (ring,) = site.rows(Call)
    assert ring.ended_at is not None
    assert ring.ended_at >= ring.received_at


def test_a_kept_ring_that_is_applied_after_a_later_live_one_tells_when_it_began(site: Site) -> None:
    with FAULTS["gone"](site):
        site.send("/telephony/voice", call(1))
    assert verbs(site.send("/telephony/voice", call(2))) == ["Gather", "Dial/Conference"]
    wait_out(site)
    (incident,) = site.rows(Incident)
    first, second = sorted(site.rows(Call), key=lambda row: row.received_at)
    assert (first.provider_sid, second.provider_sid) == (call(1)["CallSid"], call(2)["CallSid"])
    assert incident.received_at == first.received_at
    assert list(verify(site.program.services.uow, "KWK")) == []


def test_more_calls_than_threads_are_answered_as_fast_as_one(sqlite_site: Site) -> None:
    calls = [call(number, sender="anonymous") for number in range(1, 61)]
    with locked(sqlite_site), ThreadPoolExecutor(len(calls)) as pool:
        began = time.monotonic()
        answers = list(pool.map(lambda fields: sqlite_site.send("/telephony/voice", fields), calls))
        assert time.monotonic() - began < 2 * PATIENCE_S
        assert all(is_fallback(answer) for answer in answers)
    wait_out(sqlite_site)
    assert len(sqlite_site.rows(Incident)) == len(calls)


def test_threads_do_not_gather_behind_a_writer_that_hangs(sqlite_site: Site) -> None:
    uow = sqlite_site.program.services.uow

    def waits() -> Exception | None:
        try:
            with uow.write():
                return None
        except SQLAlchemyError as error:
            return error

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        with uow.write():
            waiting = [pool.submit(waits) for _ in range(8)]
            errors = [one.exception(PATIENCE_S) or one.result() for one in waiting]
        assert time.monotonic() - began < PATIENCE_S
        assert all(error is not None and is_database_away(error) for error in errors)
        assert waits() is None


def test_a_machine_that_starts_no_thread_still_connects_every_caller(sqlite_site: Site) -> None:
    """A stack larger than all memory: the system refuses it as it refuses one thread too many."""
    callers = 8
    sqlite_site.program.standby.refresh()
    everybody = threading.Barrier(callers)
    with ThreadPoolExecutor(callers) as pool, sqlite_site.program.services.uow.write():
        list(pool.map(lambda _: everybody.wait(PATIENCE_S), range(callers)))
        threading.stack_size(2**47)
        try:
            calls = [call(number, sender="anonymous") for number in range(callers)]
            answers = list(pool.map(lambda fields: sqlite_site.send("/telephony/voice", fields), calls))
        finally:
            threading.stack_size(0)
    assert all(is_fallback(answer) for answer in answers)
    assert sqlite_site.metric("siaga_journal_failures_total") >= 1
