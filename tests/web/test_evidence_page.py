"""``/evidence``: last month's pack by one button; what goes wrong is said and nothing is given."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html

from dashboards.evidence_refusals import EvidenceRefusedError, Refusal
from tests.web.sample_site import SampleSite
from tests.web.visitor import Visitor


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(sqlite_database_url)
    yield sample
    sample.close()


@pytest.fixture
def manager(site: SampleSite) -> Visitor:
    visitor = Visitor(site.app)
    visitor.logs_in("manager")
    return visitor


def test_one_button_gives_last_months_pack_in_the_name_of_whoever_pressed_it(
    site: SampleSite, manager: Visitor, tmp_path: Path
) -> None:
    site.service.pack = tmp_path / "KWK-2026-10.zip"
    site.service.pack.write_bytes(b"PK a pack")
    tree = html.fromstring(manager.opens("/evidence").text)
    assert tree.xpath("//form[@action='/evidence']//input[@name='period']/@value") == ["2026-10"]
    answer = manager.submits("/evidence", period="2026-10")
    assert (answer.status_code, answer.content) == (200, b"PK a pack")
    assert 'filename="KWK-2026-10.zip"' in answer.headers["content-disposition"]
    assert site.service.packed == [("2026-10", "user:manager")]


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Refusal.BUSY, "Paket lain sedang dibuat"),
        (Refusal.NOTHING_SEALED, "Belum ada hari yang disegel dalam periode ini"),
        (Refusal.KEY, "Kunci segel hilang"),
        (Refusal.TOO_MANY_DAYS, "Banyak hari belum disegel"),
        (Refusal.DISK_FULL, "Ruang penyimpanan penuh"),
    ],
)
def test_a_known_reason_stands_on_the_page_in_the_readers_language(
    site: SampleSite, manager: Visitor, refusal: Refusal, said: str
) -> None:
    site.service.refusal_of_packs = EvidenceRefusedError("no day is sealed", refusal)
    answer = manager.submits("/evidence", period="2026-10")
    assert answer.status_code == 409
    assert said in answer.text
    assert "no day is sealed" not in answer.text


def test_of_an_unknown_reason_the_raw_line_stands_there(site: SampleSite, manager: Visitor) -> None:
    site.service.refusal_of_packs = EvidenceRefusedError("the moon is in the way")
    answer = manager.submits("/evidence", period="2026-10")
    assert (answer.status_code, "the moon is in the way" in answer.text) == (409, True)


def test_nonsense_makes_nothing(site: SampleSite, manager: Visitor) -> None:
    assert manager.submits("/evidence", period="../../etc").status_code == 422
    assert site.service.packed == []


def test_a_form_from_elsewhere_makes_nothing(site: SampleSite, manager: Visitor) -> None:
    answer = manager.posts("/evidence", {"period": "2026-10", "form_token": "forged"})
    assert answer.status_code == 403
    assert site.service.packed == []


@pytest.mark.parametrize("role", ["dispatcher", "worker"])
def test_whoever_has_no_use_for_packs_is_told_so_and_gets_none(site: SampleSite, role: str) -> None:
    visitor = Visitor(site.app)
    visitor.logs_in(role)
    shown = visitor.opens("/evidence")
    assert shown.status_code == 200
    assert html.fromstring(shown.text).xpath("//form[@action='/evidence']") == []
    assert visitor.submits("/evidence", period="2026-10").status_code == 403
    assert site.service.packed == []
