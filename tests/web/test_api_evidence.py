"""Evidence packs and reports over the JSON API: who may, which file, and what is said when there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.evidence_refusals import EvidenceRefusedError, Refusal
from dispatch.domain.vocabulary import UserRole
from tests.api_world import World, world

OCTOBER = {"period": "2026-10"}


@pytest.fixture
def here(sqlite_database_url: str) -> Iterator[World]:
    with world(sqlite_database_url) as made:
        yield made


@pytest.mark.parametrize("role", [UserRole.ADMIN, UserRole.MANAGER, UserRole.AUDITOR])
def test_the_pack_is_given_in_the_name_of_whoever_asked(here: World, tmp_path: Path, role: UserRole) -> None:
    here.packs.file = tmp_path / "KWK-2026-10.zip"
    here.packs.file.write_bytes(b"PK a pack")
    answer = here.get("/evidence", OCTOBER, role=role)
    assert (answer.status_code, answer.content) == (200, b"PK a pack")
    assert answer.headers["content-type"] == "application/zip"
    assert 'filename="KWK-2026-10.zip"' in answer.headers["content-disposition"]
    assert here.packs.made == [("2026-10", f"token:{role} test")]


@pytest.mark.parametrize("role", [UserRole.DISPATCHER, UserRole.WORKER])
def test_whoever_has_no_use_for_it_gets_none(here: World, role: UserRole) -> None:
    answer = here.get("/evidence", OCTOBER, role=role)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert here.packs.made == []


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Refusal.BUSY, 409),
        (Refusal.NOTHING_SEALED, 409),
        (Refusal.KEY, 409),
        (Refusal.TOO_MANY_DAYS, 409),
        (Refusal.DISK_FULL, 503),
        (Refusal.UNKNOWN, 503),
    ],
)
def test_why_there_is_none_is_a_problem_with_a_code(here: World, refusal: Refusal, status: int) -> None:
    here.packs.refusal = EvidenceRefusedError("one line", refusal)
    answer = here.get("/evidence", OCTOBER, role=UserRole.MANAGER)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["detail"]) == (status, str(refusal), "one line")


@pytest.mark.parametrize("period", ["../../etc", "2026-13", ""])
def test_a_period_that_is_none_makes_nothing(here: World, period: str) -> None:
    answer = here.get("/evidence", {"period": period})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "period")
    assert here.packs.made == []


def test_reports_of_every_kind_are_given_as_files(here: World) -> None:
    numbers = here.get("/reports", OCTOBER, role=UserRole.WORKER)
    assert (numbers.status_code, numbers.json()["period"]) == (200, "2026-10")
    dossier = here.get("/reports", {**OCTOBER, "kind": "kipp", "format": "pdf", "compare": "2025-10"})
    assert (dossier.status_code, dossier.content[:5]) == (200, b"%PDF-")
    assert 'filename="KWK-2026-10-kipp.pdf"' in dossier.headers["content-disposition"]
    english = here.get("/reports", {**OCTOBER, "kind": "kipp", "format": "html", "language": "en"})
    assert "Innovation dossier" in english.text


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"kind": "kipp", "format": "csv"}, "format"),
        ({"kind": "poetry"}, "kind"),
        ({"compare": "yesterday"}, "compare"),
        ({"period": "yesterday"}, "period"),
    ],
)
def test_what_cannot_be_is_a_problem_of_its_field(here: World, asked: dict[str, str], field: str) -> None:
    answer = here.get("/reports", {**OCTOBER, **asked})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
