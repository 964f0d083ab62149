"""Exports: the columns and the JSON of the API, masked by role, without formulas, in order and complete."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from dashboards.exports import incidents
from dashboards.exports.incidents import export_incidents
from dashboards.exports.tables import guarded
from dispatch.domain.commands import Location
from dispatch.domain.vocabulary import LocationSource, UserRole
from tests.api_world import CALLER, NOON, World, past_incident, world


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


def exported(here: World, how: str, role: UserRole = UserRole.ADMIN) -> str:
    with here.services.uow.read() as session:
        pieces = export_incidents(
            session,
            facility_id=here.facility.code,
            from_at=NOON - timedelta(days=1),
            until_at=NOON + timedelta(days=1),
            zone=here.facility.zone,
            format=how,
            role=role,
        )
        return "".join(piece for piece in pieces if isinstance(piece, str))


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_json_is_the_shape_of_the_api(here: World) -> None:
    for _ in range(3):
        here.opens(caller_number=CALLER)
        here.clock.advance(1)
    assert json.loads(exported(here, "json"))["items"] == here.get("/incidents").json()["items"]


def test_csv_has_a_line_for_each_incident_in_local_time(here: World) -> None:
    here.opens(
        caller_number=CALLER,
        location=Location(
            source=LocationSource.CALLER, text='dekat "gereja", Harapan\nrumah biru', lat=-4.52, lon=136.9
        ),
    )
    text = exported(here, "csv")
    assert text.startswith("number,short_number,id,")
    assert text.splitlines()[0].endswith(",assignments")
    (row,) = table(text)
    assert (row["number"], row["caller_number"]) == ("KWK-2026-000100", CALLER)
    assert row["location_text"] == 'dekat "gereja", Harapan\nrumah biru'
    assert (row["location_lat"], row["location_lon"]) == ("-4.52", "136.9")
    assert row["received_at"] == "2026-11-23T12:00:00.000+09:00"
    assert (row["closed_at"], row["outcome"], row["is_drill"]) == ("", "", "false")
    assert row["assignments"] == "N01 alerted; N02 alerted"


def test_numbers_are_masked_by_role(here: World) -> None:
    here.opens(caller_number=CALLER)
    assert CALLER not in exported(here, "csv", UserRole.AUDITOR)
    (row,) = table(exported(here, "csv", UserRole.AUDITOR))
    assert row["caller_number"] == "+62811•••••45"
    (item,) = json.loads(exported(here, "json", UserRole.MANAGER))["items"]
    assert item["caller_number"] == "+62811•••••45"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "|x", "\uff1d1", "+62811=HYPERLINK(1)"],
)
def test_what_a_spreadsheet_would_run_is_disarmed(text: str) -> None:
    assert guarded(text) == "'" + text


@pytest.mark.parametrize(
    "text", [CALLER, "+62811•••••45", "-4.52", "2", "", "dekat gereja", "KWK-2026-000100"]
)
def test_numbers_and_plain_text_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text


def test_every_page_follows_the_one_before(here: World) -> None:
    many = incidents.PAGE * 2 + 1
    here.writes(*(past_incident(here, 100 + n, NOON - timedelta(seconds=n // 7)) for n in range(many)))
    rows = table(exported(here, "csv"))
    assert {int(row["short_number"]) for row in rows} == set(range(100, 100 + many))
    assert len(rows) == many
    assert [row["received_at"] for row in rows] == sorted((row["received_at"] for row in rows), reverse=True)


def test_nothing_to_export_is_a_header_or_an_empty_list(here: World) -> None:
    assert table(exported(here, "csv")) == []
    assert json.loads(exported(here, "json")) == {"items": []}


def test_an_unknown_format_is_refused(here: World) -> None:
    with pytest.raises(ValueError, match="'pdf' is none of csv, json, xlsx, eido, fhir, nemsis"):
        exported(here, "pdf")
