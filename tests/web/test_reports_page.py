"""``/reports``: last month by one button, files of every kind, and the incidents behind each figure."""

import json
import sys
from collections.abc import Iterator

import pytest
from lxml import html

from dispatch.domain.response_times import INTERVALS
from tests.web.sample_site import SampleSite
from tests.web.visitor import Visitor

THIS_MONTH = "/reports?period=2026-11"


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(sqlite_database_url)
    sample.fill()
    yield sample
    sample.close()


@pytest.fixture
def manager(site: SampleSite) -> Visitor:
    visitor = Visitor(site.app)
    visitor.logs_in("manager")
    return visitor


def words(page: str) -> str:
    return " ".join(str(html.fromstring(page).text_content()).split())


def test_without_a_period_it_is_last_months(manager: Visitor) -> None:
    page = manager.opens("/reports")
    assert page.status_code == 200
    assert "Periode 2026-10" in words(page.text)
    assert "Tidak ada data dalam periode ini" in words(page.text)
    button = "//a[normalize-space()='Bulan lalu']/@href"
    assert html.fromstring(page.text).xpath(button) == ["/reports?period=2026-10"]


def test_the_page_needs_no_script_and_no_inline_style(manager: Visitor) -> None:
    tree = html.fromstring(manager.opens(THIS_MONTH).text)
    assert not tree.xpath("//main//script | //main//style | //main//@style")
    assert tree.xpath("//main//svg"), "the charts"


@pytest.mark.parametrize(
    ("form", "start"),
    [("pdf", b"%PDF"), ("xlsx", b"PK"), ("csv", b"section,"), ("json", b"{"), ("html", b"\n<!DOCTYPE html>")],
)
def test_it_comes_as_a_file(manager: Visitor, form: str, start: bytes) -> None:
    response = manager.opens(f"/reports/file?period=2026-11&format={form}")
    assert response.status_code == 200
    assert response.content.lstrip().startswith(start.lstrip())
    name = f"KWK-2026-11-response-times.{form}"
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert response.headers["cache-control"] == "no-store"


def test_a_file_whose_library_is_missing_comes_as_a_page_that_says_so(
    manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    response = manager.opens("/reports/file?period=2026-11&format=pdf")
    assert response.headers["content-disposition"].endswith('response-times.html"')
    assert "Tidak disertakan: bentuk PDF (pustaka typst tidak terpasang)." in words(response.text)


def test_two_periods_are_shown_and_given_together(manager: Visitor) -> None:
    page = manager.opens(f"{THIS_MONTH}&compare=2025-11")
    assert "2025-11 di samping 2026-11" in words(page.text)
    (address,) = html.fromstring(page.text).xpath("//a[text()='JSON']/@href")
    assert json.loads(manager.opens(address).content)["compared_with"]["period"] == "2025-11"


@pytest.mark.parametrize(
    "address",
    [
        "/reports?period=2026-13",
        "/reports?period=2026&compare=x",
        "/reports/file?period=2026&format=docx",
        "/reports?period=blah",
        "/reports?format=doc",
        "/reports/file?period=2026",
        "/reports/incidents?period=2026&interval=x",
        "/reports/incidents?period=2026&by=x",
        "/reports/incidents?period=2026&state=x",
        "/reports/incidents?period=2026&first=-1",
        "/reports/incidents?period=2026&figure=x",
        "/reports/incidents?period=2026&lines=incident.closed.twice",
        "/reports/incidents?period=2026&lines=note.added",
        "/reports/incidents?period=2026&lines=call.received&source=x",
        "/reports/incidents?period=2026&kept=x",
        "/reports/calls",
        "/reports/calls?period=x",
        "/reports/calls?period=2026&outcome=x",
        "/reports/calls?period=2026&figure=x",
    ],
)
def test_what_cannot_be_understood_is_refused_calmly(manager: Visitor, address: str) -> None:
    response = manager.opens(address)
    assert response.status_code == 422
    if "=blah" in address:
        assert "Periode: ditulis 2026-10, 2026-Q4, atau 2026." in response.text
    if "=doc" in address:
        assert "Format: salah satu dari pdf" in response.text
    assert html.fromstring(response.text).xpath("//h1")


@pytest.mark.parametrize(
    "address",
    [
        "/reports",
        "/reports/file?period=2026&format=csv",
        "/reports/incidents?period=2026",
        "/reports/calls?period=2026",
    ],
)
def test_strangers_see_nothing(site: SampleSite, address: str) -> None:
    assert Visitor(site.app).opens(address).status_code == 303


def test_no_callers_number_stands_in_it(manager: Visitor) -> None:
    for address in (
        THIS_MONTH,
        "/reports/incidents?period=2026-11",
        "/reports/calls?period=2026-11",
        "/reports/file?period=2026-11&format=json",
    ):
        assert "81100002" not in manager.opens(address).text


def test_how_to_check_a_report_needs_no_log_in(site: SampleSite) -> None:
    page = Visitor(site.app).opens("/verification")
    assert page.status_code == 200
    assert "siaga verify" in page.text
    assert "fingerprint" in Visitor(site.app).opens("/verification?lang=en").text


def test_english_by_choice(manager: Visitor) -> None:
    page = words(manager.opens(f"{THIS_MONTH}&lang=en").text)
    assert "Response-time report" in page
    assert all(interval.title in page for interval in INTERVALS)


def test_the_innovation_dossier_is_one_of_the_kinds(manager: Visitor) -> None:
    page = manager.opens("/reports?kind=kipp&period=2026-11")
    tree = html.fromstring(page.text)
    assert tree.xpath("//select[@name='kind']/option[@selected]/@value") == ["kipp"]
    assert tree.xpath("//select[@name='kind']/option/@value")[0] == "response-times"
    downloads = tree.xpath("//a[starts-with(@href, '/reports/file')]/@href")
    assert downloads == ["/reports/file?period=2026-11&kind=kipp&format=pdf"]
    assert "1. Ringkasan" in words(page.text)
    assert tree.xpath("//p[@class='blank']")
    assert not tree.xpath("//td/a[starts-with(@href, '/reports/incidents')]")
    file = manager.opens(downloads[0])
    assert (file.status_code, file.content[:5]) == (200, b"%PDF-")
    assert 'filename="KWK-2026-11-kipp.pdf"' in file.headers["content-disposition"]


@pytest.mark.parametrize("query", ["kind=kipp&format=csv", "kind=poetry&format=pdf", "format=docx"])
def test_a_kind_or_form_that_is_none_is_refused(manager: Visitor, query: str) -> None:
    assert manager.opens(f"/reports/file?period=2026-11&{query}").status_code == 422


def test_a_kind_that_is_none_is_refused_on_the_page_too(manager: Visitor) -> None:
    assert manager.opens("/reports?kind=poetry").status_code == 422
