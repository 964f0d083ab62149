"""``/evidence``: last month's pack by one button; what goes wrong is said and nothing is given."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html
from sqlalchemy import select

from models.record import Audit
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


def lines(site: SampleSite) -> list[tuple[str, str]]:
    with site.uow.read() as db:
        return [
            (row.actor, row.subject)
            for row in db.scalars(select(Audit).where(Audit.action == "evidence.made"))
        ]


def test_one_button_gives_last_months_pack_and_leaves_a_line(
    site: SampleSite, manager: Visitor, tmp_path: Path
) -> None:
    site.service.pack = tmp_path / "KWK-2026-10.zip"
    site.service.pack.write_bytes(b"PK a pack")
    tree = html.fromstring(manager.opens("/evidence").text)
    assert tree.xpath("//form[@action='/evidence']//input[@name='period']/@value") == ["2026-10"]
    answer = manager.submits("/evidence", period="2026-10")
    assert (answer.status_code, answer.content) == (200, b"PK a pack")
    assert 'filename="KWK-2026-10.zip"' in answer.headers["content-disposition"]
    assert site.service.packed == ["2026-10"]
    assert lines(site) == [("user:manager", "2026-10")]


def test_what_goes_wrong_stands_on_the_page(site: SampleSite, manager: Visitor) -> None:
    answer = manager.submits("/evidence", period="2026-10")
    assert answer.status_code == 409
    assert "no day is sealed" in answer.text
    assert lines(site) == []


def test_nonsense_makes_nothing(site: SampleSite, manager: Visitor) -> None:
    assert manager.submits("/evidence", period="../../etc").status_code == 422
    assert site.service.packed == []


def test_a_form_from_elsewhere_makes_nothing(site: SampleSite, manager: Visitor) -> None:
    answer = manager.posts("/evidence", {"period": "2026-10", "form_token": "forged"})
    assert answer.status_code == 403
    assert site.service.packed == []
