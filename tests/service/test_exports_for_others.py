"""The log in formats that other programs read: workbook, NEMSIS, FHIR, EIDO. Coded, never guessed."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from fhir.resources.R4B.bundle import Bundle

from dashboards.api.exporting import LIST_NAME, NOT_MAPPED
from dashboards.exports import eido, fhir, nemsis
from dashboards.exports.incidents import export_incidents
from dashboards.exports.unmapped import Unmapped
from dispatch.domain.commands import Location
from dispatch.domain.vocabulary import Category, IncidentStatus, LocationSource, UserRole
from models.migrating import upgrade
from models.record import Audit
from tests.api_world import CALLER, NOON, World, past_incident, world
from tests.databases import sqlite_url
from tests.service import eido_words


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    """On SQLite alone: how incidents are read is tested on both, and this is how they are spelled."""
    url = sqlite_url(tmp_path)
    upgrade(url)
    with world(url) as made:
        yield made


def exported(here: World, how: str, unmapped: Unmapped | None = None) -> bytes:
    with here.services.uow.read() as session:
        pieces = export_incidents(
            session,
            facility_id=here.facility.code,
            from_at=NOON - timedelta(days=1),
            until_at=NOON + timedelta(days=1),
            zone=here.facility.zone,
            format=how,
            role=UserRole.ADMIN,
            unmapped=unmapped,
        )
        return b"".join(piece.encode() if isinstance(piece, str) else piece for piece in pieces)


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


WHOLE = {
    "answered_at": minutes(0.2),
    "alerted_at": minutes(0.1),
    "accepted_at": minutes(1),
    "en_route_at": minutes(3),
    "on_scene_at": minutes(12),
    "left_scene_at": minutes(30),
    "at_facility_at": minutes(45),
    "available_at": minutes(60),
    "closed_at": minutes(61),
    "outcome": "transported",
}


class TestNemsis:
    """Codes for values, and a code for what is missing."""

    def coded(self, here: World, unmapped: Unmapped | None = None) -> dict[str, str]:
        (row,) = csv.DictReader(io.StringIO(exported(here, "nemsis", unmapped).decode(), newline=""))
        return row

    def test_each_time_stands_under_its_element_with_its_offset(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, category="traffic", **WHOLE))
        row = self.coded(here)
        assert (row["eDispatch.01"], row["eDispatch.06"]) == ("2301069", "KWK-2026-000100")
        assert row["eTimes.01"] == "2026-11-23T12:00:00.000+09:00"
        assert (row["eTimes.06"], row["eTimes.09"]) == (
            "2026-11-23T12:12:00.000+09:00",
            "2026-11-23T12:30:00.000+09:00",
        )

    def test_what_nobody_wrote_down_is_not_recorded(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, **(WHOLE | {"on_scene_at": None})))
        assert self.coded(here)["eTimes.06"] == nemsis.NOT_RECORDED
        assert self.coded(here)["eTimes.07"] == nemsis.NOT_RECORDED

    def test_a_prank_needs_no_arrival_and_whoever_was_treated_no_transport(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, outcome="prank"))
        assert self.coded(here)["eTimes.06"] == nemsis.NOT_APPLICABLE
        left = {"left_scene_at": None, "at_facility_at": None, "outcome": "treated"}
        here.writes(past_incident(here, 101, minutes(5), **(WHOLE | left)))
        rows = list(csv.DictReader(io.StringIO(exported(here, "nemsis").decode(), newline="")))
        assert rows[0]["eTimes.09"] == nemsis.NOT_APPLICABLE

    def test_of_an_open_incident_nothing_is_said_that_may_still_come(self, here: World) -> None:
        here.opens(caller_number=CALLER)
        unmapped = Unmapped()
        assert self.coded(here, unmapped)["eTimes.06"] == ""
        assert "on_scene_at: the incident is still open (1)" in unmapped.lines()

    def test_every_category_has_a_reason(self) -> None:
        assert set(nemsis.REASONS) == set(Category)


class TestFhir:
    """A Bundle that the reference models accept."""

    def bundle(self, here: World) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(exported(here, "fhir"))
        Bundle.model_validate(made)
        return made

    def encounter(self, here: World) -> dict[str, Any]:
        found: dict[str, Any] = self.bundle(here)["entry"][0]["resource"]
        return found

    def test_an_incident_is_an_emergency_with_the_history_of_its_status(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, **WHOLE))
        found = self.encounter(here)
        assert (found["class"]["code"], found["status"]) == ("EMER", "finished")
        assert [(each["status"], each["period"]["start"][11:16]) for each in found["statusHistory"]] == [
            ("planned", "03:00"),
            ("in-progress", "03:12"),
            ("finished", "04:01"),
        ]
        case = [each for each in found["extension"] if each["url"] == fhir.CASE_STATUS]
        assert [each["extension"][0]["valueCode"] for each in case] == [
            "RECEIVED", "DISPATCHED", "ACCEPTED", "IN-TRANSIT", "FACILITY-ARRIVAL", "CLOSED",
        ]  # fmt: skip

    def test_a_prank_is_an_encounter_that_never_was(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, outcome="prank"))
        assert self.encounter(here)["status"] == "cancelled"

    def test_an_impossible_order_of_times_makes_no_period_that_ends_before_it_begins(
        self, here: World
    ) -> None:
        here.writes(past_incident(here, 100, NOON, **(WHOLE | {"closed_at": minutes(5)})))
        begun = self.encounter(here)["statusHistory"][1]["period"]
        assert "end" not in begun

    def test_the_last_entry_says_what_had_no_place_and_no_number_is_in_it(self, here: World) -> None:
        here.opens(caller_number=CALLER, location=Location(source=LocationSource.CALLER, text="dekat gereja"))
        bundle = self.bundle(here)
        outcome = bundle["entry"][-1]["resource"]
        assert outcome["resourceType"] == "OperationOutcome"
        assert any("caller_number" in issue["diagnostics"] for issue in outcome["issue"])
        assert CALLER not in json.dumps(bundle)

    def test_a_place_of_the_list_is_named_and_what_people_said_about_it_is_not(self, here: World) -> None:
        for place in ("Harapan", "rumah Ibu Yosina"):
            where = Location(source=LocationSource.CALLER, place=place, text="dekat rumah Pak Yosep")
            here.opens(caller_number=CALLER, location=where)
        bundle = self.bundle(here)
        named = [entry["resource"].get("location") for entry in bundle["entry"][:-1]]
        assert sorted(named, key=str) == [None, [{"location": {"display": "Harapan"}}]]
        assert not [name for name in ("Yosina", "Yosep") if name in json.dumps(bundle)]
        assert {"location_text", "location_place"} <= self.left_out(bundle)

    def test_what_satusehat_asks_for_and_nobody_knows_is_listed(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, **WHOLE))
        bundle = self.bundle(here)
        assert "subject" not in bundle["entry"][0]["resource"]
        assert "system" not in bundle["entry"][0]["resource"]["identifier"][0]
        assert {"subject", "identifier"} <= self.left_out(bundle)

    def left_out(self, bundle: dict[str, Any]) -> set[str]:
        issues = bundle["entry"][-1]["resource"]["issue"]
        return {issue["diagnostics"].partition(":")[0] for issue in issues}

    def test_nothing_is_a_bundle_too(self, here: World) -> None:
        assert len(self.bundle(here)["entry"]) == 1


class TestEido:
    """One object an incident, in the words of the registries."""

    def objects(self, here: World, unmapped: Unmapped | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(exported(here, "eido", unmapped))
        for each in found:
            _is_an_eido(each)
        return found

    def test_registry_words_and_our_own_beside_them(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, **WHOLE))
        (found,) = self.objects(here)
        incident = found["incidentComponent"]
        assert incident["incidentTypeCommonRegistryText"] == "TRAUMA"
        assert (incident["incidentTypeInternalText"], incident["incidentPriorityInternalText"]) == (
            "trauma",
            "red",
        )
        assert incident["incidentStatusCommonRegistryText"] == ["Closed"]
        assert incident["dispositionComponent"][0]["dispositionCommonRegistryCode"] == "45"
        assert found["callComponent"][0]["answerDate"] == "2026-11-23T03:00:12.000+00:00"
        assert found["lastUpdateTimeStamp"] == "2026-11-23T04:01:00.000+00:00"

    def test_where_the_registry_has_no_word_a_note_says_so(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, category="stroke", outcome="prank"))
        (found,) = self.objects(here)
        assert "incidentTypeCommonRegistryText" not in found["incidentComponent"]
        assert "dispositionComponent" not in found["incidentComponent"]
        note = found["notesComponent"][0]["notesActionComments"]
        assert "category stroke" in note
        assert "outcome prank" in note

    def test_what_there_is_none_of_is_left_out_and_not_empty(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, channel="walk_in"))
        (found,) = self.objects(here)
        assert {"dispatchComponent", "emergencyResourceComponent", "callComponent"} & set(found) == set()

    def test_workers_are_resources_and_the_place_is_a_point(self, here: World) -> None:
        here.opens(location=Location(source=LocationSource.CALLER, lat=-4.52, lon=136.9))
        (found,) = self.objects(here)
        units = found["emergencyResourceComponent"]
        assert [unit["secondaryUnitStatusRegistryText"] for unit in units] == [["Dispatched"], ["Dispatched"]]
        assert "<gml:pos>-4.52 136.9</gml:pos>" in found["locationComponent"][0]["locationByValue"]

    def test_practice_is_left_out_and_said_to_be(self, here: World) -> None:
        here.writes(
            past_incident(here, 100, NOON, is_drill=True, outcome="treated"),
            past_incident(here, 101, NOON, outcome="test"),
            past_incident(here, 102, NOON, outcome="treated"),
        )
        unmapped = Unmapped()
        (found,) = self.objects(here, unmapped)
        assert found["incidentComponent"]["internalIncidentId"] == "KWK-2026-000102"
        left_out = [line for line in unmapped.lines() if "left out whole" in line]
        assert [line.split(":")[0] for line in left_out] == ["is_drill", "outcome test"]
        assert all(line.endswith("(1)") for line in left_out)

    def test_every_status_has_a_word(self) -> None:
        assert set(eido.STATUSES) == set(IncidentStatus)

    def test_every_word_of_the_tables_is_in_its_registry(self) -> None:
        assert set(eido.STATUSES.values()) <= eido_words.INCIDENT_STATUS
        assert set(eido.UNITS.values()) <= eido_words.SECONDARY_UNIT_STATUS
        assert {*eido.DISPOSITIONS.values(), "39", "40"} <= eido_words.DISPOSITIONS
        assert set(eido.TYPES.values()) <= eido_words.INCIDENT_TYPES


def _is_an_eido(made: dict[str, Any]) -> None:
    """Names, words and shapes are those of ``eido_words``, and every reference leads to a part."""
    assert set(made) <= eido_words.TOP | eido_words.PROLOGUE
    parts = [made, *_parts(made, eido_words.TOP)]
    assert {"incidentComponent", "agencyComponent", "agentComponent", "notesComponent"} <= set(made)
    for part in parts:
        assert set(part) >= eido_words.PROLOGUE
        for name, value in part.items():
            _says_what_it_may(name, value)
    references = {value["$ref"] for part in parts for value in _references(part)}
    assert references == references & {part["$id"] for part in parts}


def _parts(of: dict[str, Any], named: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Every component in it, those within components too; each with nothing but its own names."""
    for name in named & set(of):
        if name not in eido_words.COMPONENTS:
            assert not name.endswith("Component"), f"{name} is written, and nothing is known of its names"
            continue
        allowed = eido_words.COMPONENTS[name]
        for part in [of[name]] if name == "incidentComponent" else of[name]:
            assert set(part) <= allowed | eido_words.PROLOGUE, name
            yield part
            yield from _parts(part, allowed)


def _says_what_it_may(name: str, value: object) -> None:
    values = value if isinstance(value, list) else [value]
    assert values, f"{name} is empty"
    assert isinstance(value, list) or name not in eido_words.LISTS, f"{name} is a list"
    if name in eido_words.WORDS:
        assert set(values) <= eido_words.WORDS[name], name
    else:
        assert not name.endswith(eido_words.REGISTERED), f"the words of {name} are not known"


def _references(part: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name, value in part.items():
        if name.endswith("Reference"):
            yield from value if isinstance(value, list) else [value]


class TestWorkbook:
    """Typed cells under a head that stays."""

    def test_times_are_local_times_and_text_is_never_a_formula(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, location_text="=1+1", location_lat=-4.52, **WHOLE))
        sheet = openpyxl.load_workbook(io.BytesIO(exported(here, "xlsx"))).active
        assert sheet is not None
        assert sheet.freeze_panes == "B2"
        head, row = sheet.iter_rows()
        cells = {str(name.value): cell for name, cell in zip(head, row, strict=True)}
        assert cells["received_at"].value == datetime(2026, 11, 23, 12, 0)  # noqa: DTZ001 - a workbook knows no zones
        assert (cells["location_text"].value, cells["location_text"].data_type) == ("=1+1", "s")
        assert cells["location_lat"].value == -4.52
        assert cells["is_drill"].value is False


class TestOverTheApi:
    """The same files for programs."""

    @pytest.mark.parametrize("how", ["csv", "json", "xlsx", "eido", "fhir", "nemsis"])
    def test_every_format_comes_as_a_file_and_leaves_a_line(self, here: World, how: str) -> None:
        here.writes(past_incident(here, 100, NOON, **WHOLE))
        answer = here.get("/exports/incidents", {"format": how})
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment")
        assert len(answer.content) > 100
        with here.services.uow.read() as session:
            (line,) = session.query(Audit).where(Audit.action == "incidents.exported").all()
        assert line.subject == how

    def test_the_answer_says_how_much_had_no_place_and_the_file_stays_a_file(self, here: World) -> None:
        here.writes(past_incident(here, 100, NOON, **WHOLE))
        answer = here.get("/exports/incidents", {"format": "nemsis"})
        assert int(answer.headers[NOT_MAPPED]) == 3
        (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
        assert row["eDispatch.06"] == "KWK-2026-000100"
        assert here.get("/exports/incidents", {"format": "csv"}).headers[NOT_MAPPED] == "0"

    @pytest.mark.parametrize(
        ("how", "inside"),
        [
            ("nemsis", "incidents-nemsis.csv"),
            ("eido", "incidents-eido.json"),
            ("fhir", "incidents-fhir.json"),
        ],
    )
    def test_whoever_asks_gets_the_list_beside_the_same_file(
        self, here: World, how: str, inside: str
    ) -> None:
        here.writes(past_incident(here, 100, NOON, **WHOLE), past_incident(here, 101, NOON, is_drill=True))
        alone = here.get("/exports/incidents", {"format": how})
        answer = here.get("/exports/incidents", {"format": how, "with_not_mapped": "true"})
        assert answer.headers["content-type"] == "application/zip"
        assert f'incidents-{how}.zip"' in answer.headers["content-disposition"]
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.namelist() == [inside, LIST_NAME]
            assert archive.read(inside) == alone.content
            listed = json.loads(archive.read(LIST_NAME))["items"]
        unmapped = Unmapped()
        exported(here, how, unmapped)
        assert [f"{item['what']} ({item['incidents']})" for item in listed] == unmapped.lines()
        assert answer.headers[NOT_MAPPED] == alone.headers[NOT_MAPPED] == str(len(listed))

    def test_numbers_are_masked_by_role(self, here: World) -> None:
        here.opens(caller_number=CALLER)
        assert CALLER in here.get("/exports/incidents", {"format": "csv"}).text
        assert CALLER not in here.get("/exports/incidents", {"format": "csv"}, role=UserRole.AUDITOR).text

    def test_another_format_is_refused_by_name(self, here: World) -> None:
        answer = here.get("/exports/incidents", {"format": "pdf"})
        assert answer.status_code == 422
        assert "format" in answer.text
