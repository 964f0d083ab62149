"""Each figure of the response-time report leads to what it is made of, and that is as many as it says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from lxml import html
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.incident import Incident
from tests.web.sample_site import SampleFacility, SampleSite, an_outage, at, call, incident, line
from tests.web.visitor import Visitor

THIS_MONTH = "/reports?period=2026-11"
MONTH_S = 31 * 86400

NO_LIST = {
    ("Angka utama", "Target"): "a target comes from the facility file and not from the record",
    (
        "Angka utama",
        "Lama layanan tidak dapat menerima apa pun",
    ): "nothing was received then, so there is nothing",
    ("Urutan mustahil", "Waktu mulai dihitung"): "the row itself leads to its incident",
    ("Urutan mustahil", "Waktu berhenti dihitung"): "the row itself leads to its incident",
    ("Gangguan", "Sampai"): "an outage is no incident",
    ("Gangguan", "Lama"): "an outage is no incident",
}
"""Numbers that stand for no incidents, by table and column or row, and why."""


@pytest.fixture
def site(sqlite_database_url: str) -> Iterator[SampleSite]:
    targets = {"answer": 15.0, "response": 600.0}
    sample = SampleSite(sqlite_database_url, facility=SampleFacility(targets=targets))
    sample.fill()
    yield sample
    sample.close()


@pytest.fixture
def manager(site: SampleSite) -> Visitor:
    visitor = Visitor(site.app)
    visitor.logs_in("manager")
    return visitor


def a_busy_month(db: Session) -> None:
    """Of everything that a report counts at least one, and of nothing as many as of another."""
    for number in range(200, 207):
        facts = {
            "status": "closed",
            "accepted_at": at(-80),
            "closed_at": at(0),
            "location_place": "Amole & 1",
        }
        row = incident(db, number, **facts, on_scene_at=at(-90 + 300 * (number - 200)))
        call(db, row, 1, answered_at=at(-95 + 4 * (number - 200)))
        line(db, row, "call.received", {}, seconds=-95, late_s=600, source="import", actor="import")
        line(db, row, "call.received", {}, seconds=-90, source="import", actor="import")
    whole = {"alerted_at": at(-94), "en_route_at": at(-60), "available_at": at(-5)}
    for number in range(220, 223):
        incident(db, number, accepted_at=at(-80), on_scene_at=at(-30), **whole)
    incident(db, 230, accepted_at=at(-80), on_scene_at=at(-99))
    for number, apart in enumerate(
        [{"is_drill": True}] * 2 + [{"outcome": "test"}] * 3 + [{"outcome": "duplicate"}] * 4, 300
    ):
        incident(db, number, **apart, accepted_at=at(-80), on_scene_at=at(-60))
    _calls_that_were_none(db)
    _put_right(db)
    before = incident(db, 90, received_at=at(-MONTH_S), accepted_at=at(10 - MONTH_S))
    call(db, before, 1)


def _calls_that_were_none(db: Session) -> None:
    row = incident(db, 400, outcome="prank", status="closed")
    for number, outcome in enumerate(["prank"] * 2 + ["ghost"] * 3 + ["wrong_number"] + ["test"]):
        call(db, row, number, outcome=outcome, channel="voice" if number else "sms")
    for number in range(410, 413):
        hung_up = incident(db, number, outcome="abandoned", status="closed")
        call(db, hung_up, 1, outcome="abandoned")
        line(db, hung_up, "call.back_requested", {}, seconds=-90)
        if number > 410:
            line(db, hung_up, "call.returned", {}, seconds=-60)


def _put_right(db: Session) -> None:
    row = incident(db, 420)
    for _ in range(3):
        line(db, row, "priority.set", {}, seconds=-50, actor="user:dispatcher")
    line(db, row, "priority.set", {}, seconds=-50)
    line(db, row, "action.refused", {}, seconds=-50)
    line(db, row, "call.answered", {"assumed": True}, seconds=-50)
    line(db, row, "call.answered", {}, seconds=-50)


@dataclass(frozen=True)
class Figure:
    """A number that stands in a table of the report, and where it leads."""

    table: str
    column: str
    row: str
    text: str
    address: str


def figures_of(page: str) -> Iterator[Figure]:
    """Every cell but the heads of rows in which a number other than none stands; a target is none of them."""
    for table in html.fromstring(page).xpath("//main//table"):
        heads = [head.text_content().strip() for head in table.xpath("./thead//th")]
        for row in table.xpath("./tbody/tr"):
            name = row.xpath("string(./th/text())").strip() or row.xpath("string(./th)").strip()
            for head, cell in zip(heads[1:], row.xpath("./td"), strict=True):
                text = " ".join(cell.xpath("string(./a | ./text()[normalize-space()])").split())
                text = re.sub("^paling lama [^:]+(: )?", "", text)
                if re.search("^(?!0 / )", text) and re.search("[1-9]", text):
                    address = cell.xpath("string(./a/@href)")
                    yield Figure(table.xpath("string(../@aria-label)"), head, name, text, address)


def number_of(text: str) -> int | None:
    """What a figure counts, of a part the part itself; None of a duration."""
    found = re.fullmatch(r"(\d+)(?: / \d+)?(?: \(.+\))?", text)
    return None if found is None else int(found[1])


def listed(manager: Visitor, address: str) -> int:
    """How many incidents, calls or lines the page at *address* shows."""
    page = manager.opens(address)
    assert page.status_code == 200, address
    rows = html.fromstring(page.text).xpath("//tbody/tr")
    if "lines=" in address:
        return sum(int(row.xpath("string(./td[last()])")) for row in rows)
    return len(rows)


def test_every_figure_leads_to_as_many_incidents_as_it_says(site: SampleSite, manager: Visitor) -> None:
    with site.uow.write() as db:
        a_busy_month(db)
        an_outage(db, "stopped", -600, -500)
    found = list(figures_of(manager.opens(f"{THIS_MONTH}&compare=2026-10").text))
    unlisted = {place for each in found for place in ((each.table, each.column), (each.table, each.row))}
    assert NO_LIST.keys() <= unlisted, "no reason without its number"
    leading = [
        each for each in found if not {(each.table, each.column), (each.table, each.row)} & NO_LIST.keys()
    ]
    assert [each for each in leading if not each.address] == []
    counted = {(each.address, number) for each in leading if (number := number_of(each.text)) is not None}
    assert len(counted) > 80
    for address, number in counted:
        assert listed(manager, address) == number, address
    addresses = {address for address, _ in counted}
    assert {each.address for each in leading} <= addresses, "medians lead where their number leads"


def test_many_incidents_stand_on_several_pages(site: SampleSite, manager: Visitor) -> None:
    with site.uow.write() as db:
        for number in range(400, 650):
            incident(db, number)
    seen: list[str] = []
    address = "/reports/incidents?period=2026-11"
    while address:
        page = html.fromstring(manager.opens(address).text)
        seen += page.xpath("//tbody//th/a/text()")
        (address,) = page.xpath("//a[@rel='next']/@href") or [""]
        address = f"/reports/incidents{address}" if address else ""
    with site.uow.read() as db:
        assert sorted(seen) == sorted(db.scalars(select(Incident.number)))


@pytest.mark.parametrize("asked", ["/reports/calls?outcome=prank&", "/reports/incidents?lines=note.added&"])
def test_many_of_another_kind_stand_on_several_pages_too(
    site: SampleSite, manager: Visitor, asked: str
) -> None:
    with site.uow.write() as db:
        for number in range(400, 650):
            row = incident(db, number)
            call(db, row, 1, outcome="prank")
            line(db, row, "incident.merged", {}, seconds=-10)
    asked = asked.replace("note.added", "incident.merged")
    first = html.fromstring(manager.opens(f"{asked}period=2026-11").text)
    (query,) = first.xpath("//a[@rel='next']/@href")
    second = html.fromstring(manager.opens(asked.split("?")[0] + query).text)
    assert [len(page.xpath("//tbody/tr")) for page in (first, second)] == [200, 50]
    assert not second.xpath("//a[@rel='next']")


def test_a_file_that_lies_elsewhere_leads_here(site: SampleSite, manager: Visitor) -> None:
    file = html.fromstring(manager.opens("/reports/file?period=2026-11&format=html").text)
    links = file.xpath("//td/a/@href")
    assert len(links) > 20
    assert {link.split("/reports/")[0] for link in links} == {"http://127.0.0.1:8911"}


def test_a_file_of_a_place_without_an_address_leads_nowhere(sqlite_database_url: str) -> None:
    nowhere = SampleSite(sqlite_database_url, public_url="")
    nowhere.fill()
    visitor = Visitor(nowhere.app)
    visitor.logs_in("manager")
    file = html.fromstring(visitor.opens("/reports/file?period=2026-11&format=html").text)
    page = html.fromstring(visitor.opens(THIS_MONTH).text)
    nowhere.close()
    assert not file.xpath("//td/a")
    assert page.xpath("//td/a"), "on the server's own page they need no address"
