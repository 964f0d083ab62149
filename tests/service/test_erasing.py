"""Personal data go, wherever they stand, and the record still proves what it proved."""

import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Text, cast, func, make_url, select, update

from dispatch.adapters.ids import RandomIds
from dispatch.domain.commands import Action, Location
from dispatch.domain.erasure import Basis, Cutoffs, cutoffs
from dispatch.domain.vocabulary import (
    ComplaintChannel,
    ComplaintStatus,
    ComplaintSubject,
    LocationSource,
    Outcome,
)
from dispatch.service import complaints, pack_verifier
from dispatch.service.complaints import EnterComplaint, MoveComplaint
from dispatch.service.erasing import Eraser, Order
from dispatch.service.record_pack import PackWriter, write_record
from dispatch.service.sealing import GRACE, Sealer
from models.complaint import Complaint, ComplaintNote
from models.copying import copy_sqlite
from models.facility import Staff
from models.incident import Call, Incident, Link
from models.record import Audit, PrivateValue
from models.session import truncate_log
from models.survey import SurveyRequest, SurveyResponse
from models.tables import Base
from models.traffic import Inbox
from tests.builders import START
from tests.fakes.seal_keys import FakeSealKeys
from tests.service.conftest import MakeWorld
from tests.world import World

NUMBER, OTHER = "+628119999001", "+628119999002"
DAY_S = 86_400.0
REASON = "permintaan tertulis no. 12"


def eraser_of(world: World, basis: Basis = Basis.REQUEST) -> Eraser:
    return Eraser(world.services, Order(actor="cli", basis=basis, reason=REASON), pause_s=0.0)


def lives(world: World) -> None:
    """Two emergencies, one of which mentions the caller of the other, and what was said on the way."""
    first, second = (
        world.resident(number).rings(sid).incident_id for number, sid in ((NUMBER, "CA-1"), (OTHER, "CA-2"))
    )
    world.resident(NUMBER).texts("tolong, rumah kami di belakang gereja")
    world.works()
    for incident_id, where in ((first, "rumah biru"), (second, "jalan besar")):
        world.worker("N01").accepts(incident_id)
        world.worker("N01").does(
            incident_id,
            Action.SET_LOCATION,
            location=Location(source=LocationSource.WORKER, text=where, lat=-4.52, lon=136.9),
        )
        world.worker("N01").does(incident_id, Action.AVAILABLE)
    world.works()
    world.desk(second, Action.NOTE, text="ibunya: 0811-9999-001, tolong hubungi")
    world.desk(second, Action.NOTE, text="nomor lain 08119999001234 bukan dia")
    world.resident(None).texts("Pulsa Anda habis")
    with world.uow.write() as session:
        # A request as Twilio sends it, beside those of this world, which carry less.
        session.execute(
            update(Inbox)
            .where(Inbox.provider_key == "voice:CA-1")
            .values(body={"CallSid": "CA-1", "From": NUMBER})
        )
        session.add(
            Link(
                token_hash="f" * 64,
                facility_id="KWK",
                kind="caller",
                incident_id=first,
                phone=NUMBER,
                created_at=world.hand.now(),
                expires_at=world.hand.now() + timedelta(days=1),
            )
        )


def tables_with(world: World, *needles: str) -> set[str]:
    """The tables in which one of *needles* stands, in whatever column."""
    found = set()
    with world.uow.read() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                for needle in needles:
                    there = func.lower(cast(column, Text)).like(f"%{needle}%")
                    if session.scalar(select(func.count()).select_from(table).where(there)):
                        found.add(table.name)
    return found


def audited(world: World) -> list[Audit]:
    with world.uow.read() as session:
        return list(session.scalars(select(Audit).order_by(Audit.id)))


def values_left(world: World) -> int:
    with world.uow.read() as session:
        query = select(func.count()).where(PrivateValue.value.is_not(None) | PrivateValue.salt.is_not(None))
        return session.scalar(query) or 0


# --- by number ------------------------------------------------------------------------------------


def test_a_number_is_found_nowhere_afterwards_and_the_record_is_intact(world: World) -> None:
    lives(world)
    assert tables_with(world, "9999001") >= {"call", "incident", "private_value", "inbox", "link"}

    erased = eraser_of(world).number(NUMBER)

    assert tables_with(world, "628119999001", "0811-9999-001", "belakang gereja", "rumah biru") == set()
    assert (erased.incidents, erased.left.total()) == (2, 0)
    assert world.findings() == []


def test_what_only_mentions_the_number_keeps_the_rest(world: World) -> None:
    lives(world)
    eraser_of(world).number(NUMBER)
    first, second = world.incidents()
    assert (first.caller_number, first.location_text, first.location_lat) == (None, None, None)
    assert first.erased_at is not None
    assert (second.caller_number, second.location_text, second.erased_at) == (OTHER, "jalan besar", None)
    with world.uow.read() as session:
        kept = set(session.scalars(select(PrivateValue.value).where(PrivateValue.value.is_not(None))))
    assert kept >= {OTHER, "jalan besar", "nomor lain 08119999001234 bukan dia"}


def test_a_mentioned_number_in_the_place_goes_from_the_row_too(world: World) -> None:
    incident_id = world.resident(OTHER).rings("CA-2").incident_id
    place = Location(source=LocationSource.DISPATCHER, text=f"tanya 62 {NUMBER[3:]}", place="Kwamki")
    world.desk(incident_id, Action.SET_LOCATION, location=place)
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.ADVICE, reason="selesai")
    world.works()
    eraser_of(world).number(NUMBER)
    [row] = world.incidents()
    assert (row.location_text, row.location_place, row.caller_number) == (None, "Kwamki", OTHER)


def test_the_line_and_the_audit_say_who_why_and_how_many_and_no_number(world: World) -> None:
    lives(world)
    eraser_of(world).number(NUMBER)
    line = world.lines(world.incidents()[0].id)[-1]
    assert (line.kind, line.actor, line.data["basis"]) == ("personal.erased", "cli", "request")
    notes = [note for note in audited(world) if note.action == "personal.erased"]
    assert {(note.actor, note.subject, note.data["reason"]) for note in notes} == {("cli", "request", REASON)}
    assert sum(int(str(note.data["incidents"])) for note in notes) == 2
    assert "9999001" not in str([note.data for note in notes])


def test_an_open_incident_is_never_touched(world: World) -> None:
    incident_id = world.resident(NUMBER).rings().incident_id
    world.works()
    erased = eraser_of(world).number(NUMBER)
    assert (erased.incidents, erased.left["incident"]) == (0, 1)
    assert world.incident(incident_id).caller_number == NUMBER
    assert "personal.erased" not in world.kinds(incident_id)


def test_one_for_which_a_text_is_still_to_be_sent_is_left_too(world: World) -> None:
    incident_id = world.resident(NUMBER).rings().incident_id
    world.works()
    world.desk(incident_id, Action.CLOSE, outcome=Outcome.ADVICE, reason="selesai")
    assert eraser_of(world).number(NUMBER).left["incident"] == 1
    world.works()
    assert eraser_of(world).number(NUMBER).incidents == 1
    assert world.incidents()[0].caller_number is None


def test_a_note_after_the_erasure_is_erased_the_next_time(world: World) -> None:
    lives(world)
    eraser_of(world).number(NUMBER)
    first = world.incidents()[0].id
    world.desk(first, Action.NOTE, text="keluarga menelepon lagi")
    assert world.incidents()[0].erased_at is None
    world.hand.advance(2 * DAY_S)
    eraser_of(world, Basis.AGE).due(cutoffs(dict.fromkeys(("calls", "incidents"), 1), world.hand.now()))
    assert values_left(world) == 0
    assert world.kinds(first).count("personal.erased") == 2


def test_a_worker_who_left_is_erased_and_one_who_works_is_not(world: World) -> None:
    phone = world.worker("N03").number
    assert eraser_of(world).number(phone).left["staff"] == 1
    with world.uow.write() as session:
        session.execute(update(Staff).where(Staff.code == "N03").values(is_active=False))
    assert eraser_of(world).number(phone).left.total() == 0
    assert tables_with(world, phone.removeprefix("+62")) == set()


def complains(world: World, *, ends: bool, phone: str = NUMBER) -> None:
    """Somebody complains and leaves their number; what was noted on it names them too."""
    now = world.hand.now()
    with world.uow.write() as session:
        command = EnterComplaint(
            actor="user:desk",
            channel=ComplaintChannel.PHONE,
            subject=ComplaintSubject.RESPONSE_TIME,
            received_at=now,
            text="menunggu dua jam",
            complainant="Ibu Maria",
            contact=f"WA {phone}",
            due_on=date(2026, 12, 31),
        )
        number = complaints.enter(
            session,
            command,
            facility_id="KWK",
            zone=world.services.zone,
            due_days=5,
            new_id=world.services.ids.new_id(),
            now=now,
        )
        if ends:
            for status in (ComplaintStatus.IN_PROGRESS, ComplaintStatus.SETTLED):
                step = MoveComplaint(
                    actor="user:desk", number=number, status=status, occurred_at=now, note="Ibu Maria puas"
                )
                complaints.move(session, step, facility_id="KWK", now=now)


def test_a_complaint_goes_with_what_was_noted_on_it_once_it_has_ended(world: World) -> None:
    complains(world, ends=False)
    complains(world, ends=True)
    erased = eraser_of(world).number(NUMBER)
    assert (erased.rows["complaint"], erased.rows["complaint_note"], erased.left["complaint"]) == (1, 2, 1)
    with world.uow.read() as session:
        kept = session.execute(select(Complaint.text, Complaint.contact).order_by(Complaint.serial)).all()
        notes = set(session.scalars(select(ComplaintNote.text)))
    assert [tuple(row) for row in kept] == [("menunggu dua jam", f"WA {NUMBER}"), (None, None)]
    assert notes == {None}


def test_a_complaint_is_as_old_as_its_end(world: World) -> None:
    complains(world, ends=False)
    complains(world, ends=True)
    world.hand.advance(400 * DAY_S)
    due = cutoffs({"incidents": 365}, world.hand.now())
    assert eraser_of(world).due(due)[0].rows == {"complaint": 1, "complaint_note": 2}
    assert eraser_of(world).due(due)[0].is_nothing


def test_what_was_asked_and_suggested_goes_with_the_incident(world: World) -> None:
    lives(world)
    incident_id, now = world.incidents()[0].id, world.hand.now()
    with world.uow.write() as session:
        session.add(
            SurveyRequest(
                id="r1",
                facility_id="KWK",
                incident_id=incident_id,
                questionnaire="skm-1",
                channel="sms",
                phone=NUMBER,
                token_hash="a" * 64,
                state="answered",
                asked_at=now,
                expires_at=now,
            )
        )
        session.flush()
        session.add(
            SurveyResponse(
                id="s1",
                facility_id="KWK",
                incident_id=incident_id,
                request_id="r1",
                questionnaire="skm-1",
                channel="sms",
                answers={"waktu": 4},
                is_filled=True,
                suggestion="terima kasih, Mantri Yosep",
                answered_at=now,
                recorded_at=now,
            )
        )
    eraser_of(world).number(NUMBER)
    assert tables_with(world, "628119999001", "mantri yosep") == set()
    with world.uow.read() as session:
        assert session.get_one(SurveyResponse, "s1").answers == {"waktu": 4}


# --- by age ---------------------------------------------------------------------------------------


def test_each_class_has_its_time(world: World) -> None:
    """A prank is an ordinary call; an emergency is kept as long as the facility says."""
    prank, real = (
        world.resident(number).rings(sid).incident_id for number, sid in ((NUMBER, "1"), (OTHER, "2"))
    )
    world.resident(None).texts("Pulsa Anda habis")
    for incident_id, outcome in ((prank, Outcome.PRANK), (real, Outcome.TREATED)):
        world.desk(incident_id, Action.CLOSE, outcome=outcome, reason="selesai")
    world.works()
    retention = {"calls": 90, "incidents": 0, "recordings": 90}
    world.hand.advance(89 * DAY_S)
    assert eraser_of(world).due(cutoffs(retention, world.hand.now()))[0].is_nothing
    world.hand.advance(2 * DAY_S)

    erased, is_done = eraser_of(world, Basis.RETENTION).due(cutoffs(retention, world.hand.now()))

    assert (erased.incidents, is_done) == (1, True)
    assert [row.caller_number for row in world.incidents()] == [None, OTHER]
    assert [call.caller_number for call in world.calls()] == [None, OTHER, None]
    with world.uow.read() as session:
        assert all(body == {} for body in session.scalars(select(Inbox.body)))
    assert eraser_of(world).due(cutoffs(retention, world.hand.now()))[0].is_nothing
    retention["incidents"] = 90
    eraser_of(world).due(cutoffs(retention, world.hand.now()))
    assert values_left(world) == 0


def test_nothing_is_due_where_everything_is_kept(world: World) -> None:
    lives(world)
    world.hand.advance(4000 * DAY_S)
    never = cutoffs({"calls": 0, "incidents": 0, "recordings": 0}, world.hand.now())
    assert never.is_never
    assert eraser_of(world).due(never) == (eraser_of(world).due(Cutoffs())[0], True)
    assert values_left(world) > 0


class DyingIds(RandomIds):
    """The process dies when it wants one identifier too many."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self._left = left

    def new_id(self) -> str:
        if not self._left:
            raise DiedError
        self._left -= 1
        return super().new_id()


class DiedError(Exception):
    """The process is no more."""


def test_it_goes_on_where_it_was_killed(world: World) -> None:
    """Two incidents a step; the process dies in the middle of the second one."""
    for number in range(5):
        incident_id = world.resident(f"+62811999901{number}").rings(f"CA-{number}").incident_id
        world.desk(incident_id, Action.CLOSE, outcome=Outcome.ADVICE, reason="selesai")
    world.works()
    world.hand.advance(2 * DAY_S)
    due = cutoffs({"calls": 1, "incidents": 1}, world.hand.now())
    order = Order(actor="engine", basis=Basis.RETENTION, reason=REASON)
    dying = replace(world.services, ids=DyingIds(2))
    with pytest.raises(DiedError):
        Eraser(dying, order, batch=2, pause_s=0.0).due(due)
    assert [row.erased_at is None for row in world.incidents()] == [False, False, True, True, True]
    assert sum(int(str(note.data["incidents"])) for note in audited(world)) == 2
    assert world.findings() == []

    erased, is_done = Eraser(world.services, order, batch=2, pause_s=0.0).due(due)

    assert (erased.incidents, is_done, values_left(world)) == (3, True, 0)


# --- what is left on the disk ---------------------------------------------------------------------


def test_not_a_byte_is_left_in_the_file_nor_in_a_fresh_copy(sqlite_database_url: str, tmp_path: Path) -> None:
    world = World(sqlite_database_url)
    lives(world)
    file = Path(str(make_url(sqlite_database_url).database))
    needles = (NUMBER.encode(), b"0811-9999-001", b"belakang gereja", b"rumah biru")
    assert all(needle in written(file) for needle in needles)
    eraser_of(world).number(NUMBER)
    truncate_log(world.uow.engine)
    copy_sqlite(file, tmp_path / "copy.db")
    for place in (file, tmp_path / "copy.db"):
        assert [needle for needle in needles if needle in written(place)] == []
    world.close()


def written(file: Path) -> bytes:
    """The database with the log beside it."""
    log = file.with_name(f"{file.name}-wal")
    return file.read_bytes() + (log.read_bytes() if log.exists() else b"")


# --- the proof ------------------------------------------------------------------------------------


def test_seals_and_packs_of_before_and_after_verify(world: World, tmp_path: Path) -> None:
    lives(world)
    keys = FakeSealKeys()
    world.hand.advance(DAY_S / 2 + GRACE.total_seconds())
    Sealer(world.services, keys).seal_due()
    before = pack(world, tmp_path / "before.zip")
    assert world.findings() == []

    eraser_of(world).number(NUMBER)
    assert world.findings() == []
    world.hand.advance(DAY_S)
    Sealer(world.services, keys).seal_due()

    assert world.findings() == []
    for made in (before, pack(world, tmp_path / "after.zip")):
        status, said = pack_verifier.verify(made, [])
        assert status == 0, said
    with zipfile.ZipFile(tmp_path / "after.zip") as archive:
        assert b"personal.erased" in archive.read("record/events.jsonl")


def pack(world: World, file: Path) -> Path:
    with zipfile.ZipFile(file, "w") as archive, world.uow.read() as session:
        writer = PackWriter(archive)
        first = world.services.local_year(world.hand.now())
        write_record(
            session,
            writer,
            facility="KWK",
            name="Puskesmas",
            first=date(first, 1, 1),
            last=date(first, 12, 31),
        )
        writer.close(FakeSealKeys().create())
    return file


def take_away(world: World, name: str, **values: object) -> None:
    """Somebody with the database's own tools."""
    with world.uow.write() as session:
        session.execute(update(PrivateValue).where(PrivateValue.name == name).values(**values))
        if name == "caller_number":
            session.execute(update(Incident).values(caller_number=None))
            session.execute(update(Call).values(caller_number=None))


@pytest.mark.parametrize("erased_at", [None, START], ids=["no trace", "dated"])
def test_a_value_that_somebody_took_away_is_a_finding(make_world: MakeWorld, erased_at: object) -> None:
    """Setting ``erased_at`` is no trace: the record has no line about it."""
    world = make_world()
    world.resident(NUMBER).rings()
    take_away(world, "caller_number", value=None, salt=None, erased_at=erased_at)
    assert world.findings() == [("KWK-2026-000100", 1, "caller_number", "missing")]


def test_half_an_erasure_is_a_finding(make_world: MakeWorld) -> None:
    world = make_world()
    world.resident(NUMBER).rings()
    take_away(world, "caller_number", value=None)
    assert world.findings() == [("KWK-2026-000100", 1, "caller_number", "missing")]


def test_a_number_that_comes_back_after_the_erasure_is_a_finding(make_world: MakeWorld) -> None:
    world = make_world()
    lives(world)
    eraser_of(world).number(NUMBER)
    with world.uow.write() as session:
        session.execute(update(Incident).where(Incident.short_number == 100).values(caller_number=OTHER))
    assert world.findings() == [("KWK-2026-000100", 0, "caller_number", "changed")]
    with world.uow.write() as session:
        session.execute(update(Incident).where(Incident.short_number == 100).values(caller_number=None))
        session.execute(
            update(PrivateValue)
            .where(PrivateValue.sequence == 1, PrivateValue.value.is_(None))
            .values(value=OTHER, salt=b"0123456789abcdef")
        )
    found = {(field, problem) for _, sequence, field, problem in world.findings() if sequence == 1}
    assert ("caller_number", "changed") in found


def test_a_mark_that_hides_something_from_the_next_erasure_is_a_finding(make_world: MakeWorld) -> None:
    world = make_world()
    world.resident(NUMBER).rings()
    with world.uow.write() as session:
        session.execute(update(Incident).values(erased_at=START))
    assert world.findings() == [("KWK-2026-000100", 0, "erased_at", "changed")]
