"""The watchdog: it finds each thing that must not be, and nothing where all is well."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, update

from dispatch.service import invariants, watchdog
from dispatch.service.checks import OF_THE_JOURNAL, Check, Finding
from dispatch.service.invariants import CHECKS
from dispatch.service.sealing import Sealer
from dispatch.service.watchdog import Report, Watchdog, last_report
from models.incident import Assignment, Call, Incident
from models.traffic import Deadline, Delivery, Inbox, Pulse
from tests.builders import LADDER, START, policy
from tests.fakes.heartbeat import FakeHeartbeat
from tests.fakes.seal_keys import FakeSealKeys
from tests.fakes.telephony import Outcome as Answer
from tests.service.conftest import MakeWorld
from tests.world import FACILITY, PHONES, World

SUPERVISOR = PHONES["P01"]


def found(world: World) -> dict[str, list[Finding]]:
    """What one round finds, by check."""
    report = Watchdog(world.services).round()
    assert report is not None
    by_check: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_check.setdefault(finding.check, []).append(finding)
    return by_check


def only(name: str) -> tuple[Check, ...]:
    """One check alone, where a fault made by hand would set off others as well."""
    return tuple(check for check in CHECKS if check.name == name)


def a_minute(world: World) -> None:
    world.hand.advance(60)


# --- where all is well ----------------------------------------------------------------------------


def test_a_busy_day_without_a_fault_has_no_finding(world: World) -> None:
    dog = Watchdog(world.services)

    def goes_on(seconds: float) -> None:
        for _ in range(round(seconds / 15)):
            world.passes(15)
            world.engine.pulse()
            report = dog.round()
            assert report is None or report.findings == ()

    first = world.resident().rings().incident_id
    world.resident("+628119999002").texts("tolong, kecelakaan")
    world.resident(None).texts("promo")
    goes_on(300)
    world.worker("N01").accepts(first)
    world.worker("N02").accepts(first)
    world.worker("N01").texts("3")
    goes_on(60)
    world.worker("N01").texts("5")
    goes_on(120)
    assert last_report_of(world).checked_at is not None


def last_report_of(world: World) -> Report:
    with world.uow.read() as session:
        return last_report(session)


def test_a_call_that_is_called_back_is_given_its_time(make_world: MakeWorld) -> None:
    world = make_world(plan=policy(*LADDER, alert_after_s=5.0))
    world.resident().rings()
    world.hand.advance(2)
    world.resident().hangs_up()
    world.works()
    world.hand.advance(40)
    assert found(world) == {}


def test_an_incident_waits_as_long_as_the_policy_that_it_opened_with_says(make_world: MakeWorld) -> None:
    world = make_world(plan=policy(*LADDER, alert_after_s=300.0))
    world.resident().rings()
    world.hand.advance(200)
    assert found(world.restarted(plan=policy(*LADDER))) == {}


def test_a_workers_text_is_no_call(world: World) -> None:
    keep(world, "sms:SM-1", "sms", {"From": PHONES["N01"], "Body": "1"})
    assert found(world) == {}


# --- each fault -----------------------------------------------------------------------------------


def keep(world: World, key: str, kind: str, body: dict[str, str]) -> None:
    with world.uow.write() as session:
        session.add(
            Inbox(
                id=world.services.ids.new_id(),
                facility_id=FACILITY,
                provider_key=key,
                kind=kind,
                received_at=world.clock.now(),
                body=body,
            )
        )


def by_hand(world: World, *statements: object) -> None:
    with world.uow.write() as session:
        for statement in statements:
            session.execute(statement)  # type: ignore[call-overload] # any statement


def test_a_call_without_an_incident(world: World) -> None:
    by_hand(
        world,
        insert(Call).values(
            id="a-call",
            facility_id=FACILITY,
            incident_id=None,
            provider="fake",
            provider_sid="CA-lost",
            provider_sequence=-1,
            channel="voice",
            outcome="incident",
            opened_incident=True,
            received_at=START,
        ),
    )
    [finding] = found(world)[invariants.CALL_WITHOUT_INCIDENT]
    assert "CA-lost" in finding.detail
    assert finding.since_at == START
    by_hand(world, delete(Call))


@pytest.mark.parametrize(("hours", "count"), [(3.9, 0), (4.1, 1), (24.1, 0)])
def test_a_call_whose_end_nobody_told(make_world: MakeWorld, hours: float, count: int) -> None:
    world = make_world()
    call = world.resident().rings()
    world.works()
    world.worker("N01").accepts(call.incident_id)
    world.works()
    world.hand.advance(hours * 3600)
    findings = found(world).get(invariants.CALL_WITHOUT_ENDING, [])
    assert [finding.number for finding in findings] == ["KWK-2026-000100"] * count


@pytest.mark.parametrize(
    ("key", "kind", "body"),
    [("voice:CA-9", "voice", {}), ("sms:SM-9", "sms", {"From": "+628119999009", "Body": "tolong"})],
)
def test_a_request_that_was_kept_and_came_to_nothing(
    make_world: MakeWorld, key: str, kind: str, body: dict[str, str]
) -> None:
    world = make_world()
    keep(world, key, kind, body)
    [finding] = found(world)[invariants.KEPT_WITHOUT_CALL]
    assert finding.subject == key
    assert "+62811" not in finding.detail


def forget_deadlines(world: World) -> None:
    by_hand(world, delete(Deadline))


def test_an_incident_that_nobody_will_look_at_again(make_world: MakeWorld) -> None:
    world = make_world()
    world.resident().rings()
    world.works()
    forget_deadlines(world)
    [finding] = found(world)[invariants.NOBODY_WILL_LOOK]
    assert (finding.number, finding.short_number) == ("KWK-2026-000100", 100)


@pytest.mark.parametrize("is_primary", [True, False])
def test_several_owners_or_none(make_world: MakeWorld, is_primary: bool) -> None:
    world = make_world()
    incident_id = world.resident().rings().incident_id
    world.works()
    world.worker("N01").accepts(incident_id)
    world.worker("N02").accepts(incident_id)
    world.works()
    by_hand(world, update(Assignment).values(is_primary=is_primary))
    [finding] = found(world)[invariants.NOT_ONE_PRIMARY]
    assert f"has {2 if is_primary else 0} owners" in finding.detail


def test_a_call_taker_alone_owns_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    incident_id = world.resident().rings().incident_id
    world.works()
    world.worker("N01").accepts(incident_id)
    world.works()
    by_hand(world, update(Assignment).values(is_primary=False, role="call_taker"))
    assert invariants.NOT_ONE_PRIMARY not in found(world)


@pytest.mark.parametrize(("seconds", "count"), [(59, 0), (61, 1)])
def test_an_alert_that_does_not_leave(make_world: MakeWorld, seconds: int, count: int) -> None:
    world = make_world()
    world.provider.always(Answer.UNREACHABLE)
    world.resident().rings()
    world.works()
    world.hand.advance(seconds)
    findings = found(world).get(invariants.ALERT_NOT_LEFT, [])
    assert [finding.short_number for finding in findings] == [100] * count


def test_an_incident_that_somebody_took_without_an_alert_is_no_finding(make_world: MakeWorld) -> None:
    world = make_world()
    incident_id = world.resident().rings().incident_id
    world.worker("N01").accepts(incident_id)
    world.hand.advance(120)
    assert invariants.ALERT_NOT_LEFT not in found(world)


@pytest.mark.parametrize(("seconds", "count"), [(59, 0), (61, 1)])
def test_a_deadline_that_does_not_fire(make_world: MakeWorld, seconds: int, count: int) -> None:
    world = make_world()
    world.resident().rings()
    world.works()
    world.hand.advance(seconds)
    findings = found(world).get(invariants.DEADLINE_OVERDUE, [])
    assert [finding.since_at for finding in findings] == [START + timedelta(seconds=30)] * count


def test_what_nobody_sends(make_world: MakeWorld) -> None:
    world = make_world()
    world.resident().rings()
    world.hand.advance(61)
    details = [finding.detail for finding in found(world)[invariants.DELIVERY_STUCK]]
    assert details == ["KWK-2026-000100: alert is pending after 0 tries"] * 4


def test_what_is_tried_again_and_again_in_vain(make_world: MakeWorld) -> None:
    world = make_world()
    world.provider.always(Answer.LOST_ON_THE_WAY)
    world.resident().rings()
    world.passes(280)
    assert invariants.DELIVERY_STUCK not in found(world)
    world.passes(60)
    details = [finding.detail for finding in found(world)[invariants.DELIVERY_STUCK]]
    assert "KWK-2026-000100: alert is unknown after " in details[0]


def test_a_record_that_was_changed_is_found_within_a_minute(make_world: MakeWorld) -> None:
    world = make_world()
    world.resident().rings()
    world.works()
    by_hand(world, update(Incident).values(priority="green"))
    a_minute(world)
    [finding] = found(world)[invariants.RECORD_NOT_INTACT]
    assert "priority" in finding.detail


def test_an_engine_that_fell_silent(make_world: MakeWorld) -> None:
    world = make_world()
    assert found(world) == {}, "one that never ran is a way of running"
    world.engine.pulse()
    a_minute(world)
    [finding] = found(world)[invariants.ENGINE_SILENT]
    assert finding.since_at == START


def test_a_clock_that_stands_before_the_record(make_world: MakeWorld) -> None:
    world = make_world()
    world.resident().rings()
    world.hand.advance(-3600)
    [finding] = found(world)[invariants.CLOCK_WRONG]
    assert "2026-11-23 03:00:00 UTC" in finding.detail


@pytest.mark.parametrize(
    ("details", "hours", "said"),
    [
        ({"is_wanted": True}, 25, None),
        ({"is_wanted": True}, 27, "there is no new backup"),
        ({"is_wanted": True, "failed": "the disk is full"}, 1, "the disk is full"),
        ({"is_wanted": False}, 99, None),
    ],
)
def test_a_backup_that_is_old_or_failed(
    make_world: MakeWorld, details: dict[str, object], hours: int, said: str | None
) -> None:
    world = make_world()
    by_hand(world, insert(Pulse).values(name="backup", at=START, details=details))
    world.hand.advance(hours * 3600)
    assert [finding.detail for finding in found(world).get(invariants.BACKUP_MISSING, [])] == (
        [] if said is None else [said]
    )


@pytest.mark.parametrize(("hours", "count"), [(49.9, 0), (50.1, 1)])
def test_a_day_that_nobody_seals(make_world: MakeWorld, hours: float, count: int) -> None:
    """Neither in a new facility, nor after the last seal."""
    world = make_world()
    world.hand.advance(hours * 3600)
    assert len(found(world).get(invariants.SEAL_MISSING, [])) == count
    world.hand.advance(72 * 3600 - hours * 3600)
    [*_, last] = Sealer(world.services, FakeSealKeys()).seal_due()
    assert invariants.SEAL_MISSING not in found(world)
    world.hand.advance((last.covers_until - world.hand.now()).total_seconds() + hours * 3600)
    assert len(found(world).get(invariants.SEAL_MISSING, [])) == count


# --- who is told ----------------------------------------------------------------------------------


def texts(world: World) -> list[Delivery]:
    return world.deliveries(purpose="watchdog")


def test_each_finding_is_texted_once_and_again_after_an_hour(make_world: MakeWorld) -> None:
    world = make_world()
    incident_id = world.resident().rings().incident_id
    world.works()
    world.worker("N01").accepts(incident_id)
    world.worker("N02").accepts(incident_id)
    world.works()
    by_hand(world, update(Assignment).values(is_primary=True))
    dog = Watchdog(world.services, checks=only(invariants.NOT_ONE_PRIMARY))
    for _ in range(60):
        dog.round()
        a_minute(world)
    [text] = texts(world)
    assert (text.to_number, text.incident_id) == (SUPERVISOR, None)
    assert text.details == {
        "check": invariants.NOT_ONE_PRIMARY,
        "short_number": 100,
        "since": "23/11 12.00",
        "others": 0,
    }
    dog.round()
    assert len(texts(world)) == 2


def test_what_comes_later_is_told_as_well_and_what_comes_together_is_one_text(make_world: MakeWorld) -> None:
    world = make_world()
    world.resident().rings()
    world.hand.advance(1)
    world.resident("+628119999002").rings("CA-2")
    world.works()
    forget_deadlines(world)
    dog = Watchdog(world.services)
    dog.round()
    [text] = texts(world)
    assert (text.details["check"], text.details["others"]) == (invariants.NOBODY_WILL_LOOK, 1)
    world.resident("+628119999003").rings("CA-3")
    world.works()
    forget_deadlines(world)
    a_minute(world)
    dog.round()
    assert [text.details["short_number"] for text in texts(world)] == [100, 102]


def test_the_text_leaves_the_house(make_world: MakeWorld) -> None:
    world = make_world()
    world.resident().rings()
    world.works()
    forget_deadlines(world)
    Watchdog(world.services).round()
    world.provider.forgets()
    world.works()
    assert world.provider.texts_to(SUPERVISOR) == ["watchdog 100 nobody_will_look"]


def test_a_finding_that_is_over_and_comes_back_is_not_a_flood(make_world: MakeWorld) -> None:
    world = make_world()
    dog = Watchdog(world.services)
    world.engine.pulse()
    for _ in range(10):
        a_minute(world)
        dog.round()
        world.engine.pulse()
        world.hand.advance(61)
        world.engine.pulse()
        dog.round()
    assert len(texts(world)) == 1


def test_several_processes_tell_it_once(world: World) -> None:
    world.engine.pulse()
    a_minute(world)
    here, there = Watchdog(world.services), Watchdog(world.restarted().services)
    assert here.round() is not None
    assert there.round() is None
    a_minute(world)
    assert there.round() is not None, "when one process is gone another has the turn"
    assert len(texts(world)) == 1, "and knows what was told"


def test_a_clock_that_is_set_back_does_not_silence_it(world: World) -> None:
    dog = Watchdog(world.services)
    assert dog.round() is not None
    world.hand.advance(-3600)
    assert dog.round() is not None


def test_the_metric_names_every_check(world: World) -> None:
    report = Watchdog(world.services).round()
    assert report is not None
    counts = report.counts()
    assert set(counts) == {check.name for check in CHECKS} | {*OF_THE_JOURNAL, watchdog.CHECK_FAILED}
    assert set(counts.values()) == {0}


# --- the sign for whoever watches from outside ----------------------------------------------------


def rounds(world: World, heartbeat: FakeHeartbeat, checks: tuple[Check, ...] = CHECKS) -> Callable[[], None]:
    dog = Watchdog(world.services, heartbeat, checks)

    def one() -> None:
        world.engine.pulse()
        dog.round()
        a_minute(world)

    return one


def test_the_sign_goes_out_while_nothing_is_found_and_stops_when_something_is(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    heartbeat = FakeHeartbeat()
    one = rounds(world, heartbeat, only(invariants.NOT_ONE_PRIMARY))
    one()
    assert heartbeat.waits_for(1)
    incident_id = world.resident().rings().incident_id
    world.works()
    world.worker("N01").accepts(incident_id)
    world.worker("N02").accepts(incident_id)
    world.works()
    by_hand(world, update(Assignment).values(is_primary=True))
    one()
    one()
    assert heartbeat.beats == 1
    by_hand(world, update(Assignment).where(Assignment.staff_code != "N01").values(is_primary=False))
    one()
    assert heartbeat.waits_for(2)


def test_a_watcher_who_hangs_holds_back_no_round(world: World) -> None:
    heartbeat = FakeHeartbeat()
    heartbeat.hangs()
    dog = Watchdog(world.services, heartbeat)
    for _ in range(3):
        assert dog.round() is not None
        a_minute(world)
    heartbeat.goes_on()
    assert heartbeat.waits_for(1)
    assert heartbeat.begun == 1, "not one thread more each minute"


def test_a_watcher_who_is_away_is_no_error(world: World) -> None:
    heartbeat = FakeHeartbeat(is_away=True)
    one = rounds(world, heartbeat)
    one()
    assert heartbeat.waits_for(1)


def test_a_check_that_cannot_be_carried_out_is_a_finding_and_stops_the_sign(make_world: MakeWorld) -> None:
    world = make_world()
    heartbeat = FakeHeartbeat()
    dog = Watchdog(world.services, heartbeat)
    with world.uow.write() as session:
        session.connection().exec_driver_sql("DROP TABLE deadline")
    report = dog.round()
    assert report is not None
    failed = {finding.subject for finding in report.findings if finding.check == watchdog.CHECK_FAILED}
    assert {invariants.DEADLINE_OVERDUE, invariants.NOBODY_WILL_LOOK} <= failed
    assert invariants.CLOCK_WRONG not in failed
    assert heartbeat.begun == 0


def test_a_damaged_row_breaks_one_check_and_not_the_round(world: World) -> None:
    def stumbles(*_: object) -> Iterator[Finding]:
        yield from json.loads("half a ro")

    def finds(*_: object) -> Iterator[Finding]:
        yield Finding(check=invariants.ENGINE_SILENT, subject="engine", detail="-", since_at=START)

    checks = (
        Check(name=invariants.RECORD_NOT_INTACT, find=stumbles),
        Check(name=invariants.ENGINE_SILENT, find=finds),
    )
    report = Watchdog(world.services, None, checks).round()
    assert report is not None
    assert [(finding.check, finding.subject) for finding in report.findings] == [
        (watchdog.CHECK_FAILED, invariants.RECORD_NOT_INTACT),
        (invariants.ENGINE_SILENT, "engine"),
    ]
