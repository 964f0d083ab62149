"""The complaints register as its keepers use it: enter, answer, recap; texts and names stay with them."""

from collections.abc import Iterator

import pytest
from lxml import html
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from models.complaint import Complaint, ComplaintNote, ComplaintStep
from models.record import Audit
from tests.web.sample_site import NASTY, SampleSite
from tests.web.visitor import Visitor

ENTERED = {
    "channel": "lapor",
    "subject": "response_time",
    "text": "Ambulans datang setelah satu jam",
    "complainant": "Yosef Kum",
    "contact": "0812 3456 7890",
    "due_on": "2026-11-30",
}


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(sqlite_database_url)
    yield sample
    sample.close()


@pytest.fixture
def either_site(database_url: str) -> Iterator[SampleSite]:
    """On both databases, for what they do differently: locks, triggers and times."""
    sample = SampleSite(database_url)
    yield sample
    sample.close()


@pytest.fixture
def manager(site: SampleSite) -> Visitor:
    return logged_in(site, "manager")


def logged_in(site: SampleSite, name: str) -> Visitor:
    visitor = Visitor(site.app)
    visitor.logs_in(name)
    return visitor


def enters(visitor: Visitor, **fields: str) -> str:
    answer = visitor.submits("/complaints", **{**ENTERED, **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2]


def words(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


def test_a_complaint_is_entered_answered_and_settled(either_site: SampleSite) -> None:
    site, manager = either_site, logged_in(either_site, "manager")
    number = enters(manager)
    assert number == "P-2026-0001"
    page = words(manager.opens(f"/complaints/{number}").text)
    assert "Ambulans datang setelah satu jam" in page
    assert "Yosef Kum" in page
    site.clock.advance(3600)
    assert manager.submits(f"/complaints/{number}", status="in_progress").status_code == 303
    answer = manager.submits(f"/complaints/{number}", status="settled", note="Dijelaskan lewat telepon")
    assert answer.status_code == 303
    page = words(manager.opens(f"/complaints/{number}").text)
    assert "Dijelaskan lewat telepon" in page
    with site.uow.read() as db:
        steps = db.scalars(select(ComplaintStep).order_by(ComplaintStep.sequence)).all()
        assert [(step.status, step.actor) for step in steps] == [
            ("received", "user:manager"),
            ("in_progress", "user:manager"),
            ("settled", "user:manager"),
        ]
        row = db.scalars(select(Complaint)).one()
        assert (row.status, row.ended_at) == ("settled", site.clock.now())


def test_numbers_follow_each_other(either_site: SampleSite) -> None:
    manager = logged_in(either_site, "manager")
    assert [enters(manager), enters(manager)] == ["P-2026-0001", "P-2026-0002"]


def test_the_list_shows_what_is_overdue_and_nothing_personal(site: SampleSite, manager: Visitor) -> None:
    enters(manager, due_on="2026-11-24")
    site.clock.advance(3 * 86400)
    manager = logged_in(site, "manager")
    page = words(manager.opens("/complaints").text)
    assert "lewat batas waktu" in page
    assert "Yosef Kum" not in page
    assert "satu jam" not in page


def test_without_days_of_the_facility_each_complaint_is_given_its_day(manager: Visitor) -> None:
    answer = manager.submits("/complaints", **{**ENTERED, "due_on": ""})
    assert answer.status_code == 409
    kept = html.fromstring(answer.text).xpath("string(//textarea[@name='text'])")
    assert kept.strip() == ENTERED["text"], "nobody types it twice"


def test_a_settlement_without_a_word_is_refused_and_the_reason_is_shown(manager: Visitor) -> None:
    number = enters(manager)
    answer = manager.submits(f"/complaints/{number}", status="settled")
    assert answer.status_code == 409
    assert "Apa yang dilakukan dan apa jawabannya: wajib ditulis" in words(answer.text)


def test_an_incident_that_does_not_exist_is_named_as_such(manager: Visitor) -> None:
    answer = manager.submits("/complaints", **{**ENTERED, "incident": "KWK-2026-999999"})
    assert answer.status_code == 409
    assert "Nomor lengkap berbentuk KWK-2026-000123" in words(answer.text)


def test_the_short_number_of_this_year_is_enough(site: SampleSite, manager: Visitor) -> None:
    site.fill()
    page = manager.opens(f"/complaints/{enters(manager, incident=' 102 ')}").text
    assert "KWK-2026-000102" in page
    assert manager.submits("/complaints", **{**ENTERED, "incident": "103"}).status_code == 409


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"local_time": "2027-01-01T08:00"}, "Diterima pada: tidak boleh di masa depan."),
        ({"due_on": "2026-11-01"}, "Harus selesai paling lambat: tidak boleh sebelum hari aduan diterima."),
        ({"due_on": ""}, "Harus selesai paling lambat: pilih tanggal."),
        ({"text": "  "}, "Isi aduan: tidak boleh kosong."),
    ],
)
def test_the_field_that_is_wrong_is_named_with_what_is_allowed(
    manager: Visitor, changed: dict[str, str], said: str
) -> None:
    answer = manager.submits("/complaints", **{**ENTERED, **changed})
    assert answer.status_code == 409
    assert said in words(answer.text)
    assert "ponsel" not in words(answer.text)


def test_a_step_in_the_future_or_before_the_receipt_is_named(manager: Visitor) -> None:
    number = enters(manager)
    for local_time in ("2027-01-01T08:00", "2026-01-01T08:00"):
        answer = manager.submits(f"/complaints/{number}", status="in_progress", local_time=local_time)
        assert "Dilakukan pada: tidak boleh di masa depan" in words(answer.text)


def test_an_auditor_sees_the_register_without_texts_and_names(site: SampleSite, manager: Visitor) -> None:
    number = enters(manager)
    auditor = logged_in(site, "auditor")
    page = auditor.opens(f"/complaints/{number}").text
    assert number in page
    assert "Yosef Kum" not in page
    assert "satu jam" not in page
    assert auditor.submits(f"/complaints/{number}", status="withdrawn", note="x").status_code == 403
    assert logged_in(site, "worker").opens("/complaints").status_code == 403


def test_each_reading_leaves_a_line(site: SampleSite, manager: Visitor) -> None:
    number = enters(manager)
    manager.opens(f"/complaints/{number}")
    logged_in(site, "auditor").opens(f"/complaints/{number}")
    with site.uow.read() as db:
        lines = db.scalars(select(Audit).where(Audit.action == "complaint.read").order_by(Audit.id)).all()
        assert [(line.actor, line.subject, line.data["masked"]) for line in lines] == [
            ("user:manager", number, False),
            ("user:auditor", number, True),
        ]


def test_nonsense_is_shown_as_it_was_typed_and_does_nothing(manager: Visitor) -> None:
    number = enters(manager, text=NASTY, complainant=NASTY)
    tree = html.fromstring(manager.opens(f"/complaints/{number}").text)
    assert tree.xpath("//main//script") == []
    assert NASTY in tree.text_content()
    assert manager.submits("/complaints", **{**ENTERED, "channel": "smoke signal"}).status_code == 422
    assert manager.submits("/complaints", **{**ENTERED, "local_time": "yesterday"}).status_code == 422
    assert manager.submits("/complaints/P-2026-0999", status="settled", note="x").status_code == 404
    assert manager.opens("/complaints/P-2026-0999").status_code == 404


def test_a_form_from_elsewhere_enters_nothing(site: SampleSite, manager: Visitor) -> None:
    assert manager.posts("/complaints", {**ENTERED, "form_token": "forged"}).status_code == 403
    with site.uow.read() as db:
        assert db.scalars(select(Complaint)).all() == []


def test_steps_cannot_be_rewritten(either_site: SampleSite) -> None:
    site, manager = either_site, logged_in(either_site, "manager")
    enters(manager)
    for statement in ("UPDATE complaint_step SET status = 'settled'", "DELETE FROM complaint_step"):
        with pytest.raises(DatabaseError), site.uow.write() as db:
            db.execute(text(statement))


def test_a_note_that_was_erased_leaves_its_step(site: SampleSite, manager: Visitor) -> None:
    number = enters(manager)
    manager.submits(f"/complaints/{number}", status="settled", note="Yosef sudah ditelepon")
    with site.uow.write() as db:
        note = db.scalars(select(ComplaintNote)).one()
        note.text, note.erased_at = None, site.clock.now()
    page = words(manager.opens(f"/complaints/{number}").text)
    assert "Yosef sudah" not in page
    assert "dihapus" in page


def test_the_recap_of_a_year_is_a_paper_without_names(either_site: SampleSite) -> None:
    site, manager = either_site, logged_in(either_site, "manager")
    settled = enters(manager)
    enters(manager, subject="conduct", channel="phone", local_time="2026-10-05T10:00")
    enters(manager, subject="conduct", channel="phone", local_time="2026-10-06T10:00")
    site.clock.advance(60)
    manager.submits(f"/complaints/{settled}", status="settled", note="selesai")
    site.clock.advance(70 * 86400)
    manager = logged_in(site, "manager")
    answer = manager.opens("/reports?kind=complaints&period=2026")
    page = words(answer.text)
    assert "1 / 3 (33 %)" in page
    assert "Yosef" not in page
    assert "satu jam" not in page
    address = "/reports/file?kind=complaints&period=2026&format=pdf"
    paper = manager.opens(address).content
    assert paper.startswith(b"%PDF")
    assert paper == manager.opens(address).content
    as_json = manager.opens(address.replace("pdf", "json"))
    content = as_json.json()
    assert (content["received"], content["open"], content["settled"]) == (3, 2, 1)
    assert content["by_subject"]["conduct"] == content["by_channel"]["phone"] == 2
    assert [one["status"] for one in content["complaints"]].count("settled") == 1
    as_csv = manager.opens(address.replace("pdf", "csv"))
    assert "figures,settled,1,3," in as_csv.text
    assert not [said for said in ("Yosef", "satu jam", "selesai") if said in as_json.text + as_csv.text]
