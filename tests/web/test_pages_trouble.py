"""What cannot be delivered stands on the board at once: to whom, why, and whether it is tried again."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.facility import Staff
from tests.web.sample_site import CALLER, SampleSite, at, delivery, incident, silent_provider
from tests.web.visitor import Visitor


@pytest.fixture
def site(database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(database_url)
    sample.fill()
    yield sample
    sample.close()


def nurse(db: Session) -> Staff:
    return db.scalars(select(Staff).where(Staff.code == "N01")).one()


@pytest.fixture
def visitor(site: SampleSite) -> Visitor:
    found = Visitor(site.app)
    assert found.logs_in("dispatcher").status_code == 303
    return found


def troubles(visitor: Visitor, number: str = "KWK-2026-000104") -> list[str]:
    """What the card of one incident says about deliveries."""
    page = visitor.opens("/board").text
    (card,) = [part for part in page.split('<li class="card') if f"/incidents/{number}" in part]
    listed = re.search(r'<ul class="troubles">(.*?)</ul>', card, re.DOTALL)
    if listed is None:
        return []
    return [
        " ".join(re.sub(r"<[^>]*>", " ", item).split())
        for item in re.findall(r"<li>(.*?)</li>", listed[1], re.DOTALL)
    ]


@pytest.mark.parametrize(
    ("state", "code", "says", "retried"),
    [
        ("failed", "21211", "nomornya salah: perbaiki di daftar petugas 21211", False),
        ("failed", "busy", "nada sibuk busy", False),
        ("failed", "99999", "sebabnya tidak dikenal program ini 99999", False),
        ("pending", "30003", "telepon di luar jangkauan 30003", True),
        ("pending", "connect", "penyedia tidak menjawab connect", True),
        ("sending", "20003", "penyedia menolak akun kita: periksa kata sandi dan saldonya 20003", True),
        ("unknown", "timeout", "penyedia tidak menjawab timeout", True),
        ("withdrawn", "expired", "menunggu sampai terlalu lama untuk berguna expired", False),
    ],
)
def test_it_says_to_whom_why_and_whether_it_is_tried_again(
    site: SampleSite, visitor: Visitor, state: str, code: str, says: str, retried: bool
) -> None:
    with site.uow.write() as db:
        row = incident(db, 104)
        delivery(db, row, 1, nurse(db), state, error_code=code, next_attempt_at=at(30))
    (trouble,) = troubles(visitor)
    assert "N01" in trouble
    assert says in trouble
    assert ("dicoba lagi pukul" in trouble) == retried
    assert ("untuk sementara tidak dicoba lagi" in trouble) != retried


@pytest.mark.parametrize(
    ("state", "code"),
    [("pending", None), ("sending", None), ("accepted", None), ("withdrawn", "connect"), ("delivered", None)],
)
def test_what_goes_its_way_or_was_called_off_is_no_trouble(
    site: SampleSite, visitor: Visitor, state: str, code: str | None
) -> None:
    with site.uow.write() as db:
        delivery(db, incident(db, 104), 1, nurse(db), state, error_code=code)
    assert troubles(visitor) == []


def test_what_got_through_later_is_no_trouble_any_more(site: SampleSite, visitor: Visitor) -> None:
    with site.uow.write() as db:
        row = incident(db, 104)
        delivery(db, row, 1, nurse(db), "failed", error_code="30003")
        delivery(db, row, 2, nurse(db), "accepted")
    assert troubles(visitor) == []


def test_a_caller_who_was_never_called_back_is_named_although_the_incident_is_closed(
    site: SampleSite, visitor: Visitor
) -> None:
    with site.uow.write() as db:
        closed = incident(db, 104, status="closed", closed_at=at(-1), outcome="not_found")
        fields = {"purpose": "call_back", "staff_id": None, "to_number": CALLER, "error_code": "connect"}
        delivery(db, closed, 1, nurse(db), "failed", **fields)
        delivery(db, closed, 2, nurse(db), "failed", error_code="busy")
    page = visitor.opens("/board").text
    (entry,) = [part for part in page.split("<li") if "/incidents/KWK-2026-000104" in part]
    said = " ".join(re.sub(r"<[^>]*>", " ", entry).split())
    assert "Telepon balik: Gagal penyedia tidak menjawab connect" in said
    assert "sibuk" not in said, "nobody can do anything about an alert of yesterday's"


def test_a_silent_provider_is_said_at_once_and_the_fragment_changes(
    site: SampleSite, visitor: Visitor
) -> None:
    before = visitor.opens("/board/live", {"X-Live": "1"})
    assert "tidak menjawab sejak" not in before.text
    with site.uow.write() as db:
        silent_provider(db)
    after = visitor.opens("/board/live", {"X-Live": "1", "If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert "Penyedia telepon twilio tidak menjawab sejak" in after.text
    assert "connect_timeout" in after.text


def test_a_rung_of_the_ladder_without_anybody_is_said_while_people_are_needed(
    site: SampleSite, visitor: Visitor
) -> None:
    assert "Tidak ada yang berjaga di regu" not in visitor.opens("/board").text
    with site.uow.write() as db:
        incident(
            db,
            104,
            policy={"alerting": {"tier": [{"name": "jaga"}, {"name": "cadangan"}, {"name": "pimpinan"}]}},
            duty=[{"staff_code": "P01", "tier": "pimpinan"}],
            ladder={"tier_index": 1},
        )
    page = visitor.opens("/board").text
    assert "Tidak ada yang berjaga di regu jaga." in page
    assert "Tidak ada yang berjaga di regu cadangan." in page
    assert "di regu pimpinan." not in page, "not reached, and somebody is there"


def test_the_incidents_page_explains_the_code_too(site: SampleSite, visitor: Visitor) -> None:
    with site.uow.write() as db:
        delivery(db, incident(db, 104), 1, nurse(db), "failed", error_code="21614", channel="sms")
    assert "nomor ini tidak menerima pesan teks" in visitor.opens("/incidents/KWK-2026-000104").text
