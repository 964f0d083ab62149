"""Changing things over the JSON API: who may, what is refused and how, and that a repeat changes nothing."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select, update

from dashboards import problems
from dispatch.domain import errors
from dispatch.domain.errors import DispatchError
from dispatch.domain.vocabulary import UserRole
from models.access import ApiToken, Idempotency
from models.facility import Facility
from models.incident import Incident
from models.record import Event
from tests.api_world import CALLER, NOON, World, world

BODY = {
    "channel": "walk_in",
    "category": "snakebite",
    "priority": "red",
    "caller_number": "0811-0000-045",
    "text": "digigit ular 🐍'; DROP TABLE incident; --",
    "location": {"text": "dekat gereja", "lat": -4.52, "lon": 136.9, "accuracy_m": 50},
    "occurred_at": "2026-11-23T11:50:00+09:00",
}


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


def count(here: World, table: type[Incident] | type[Event] | type[Idempotency]) -> int:
    with here.services.uow.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def kinds(here: World, incident_id: str) -> list[str]:
    return [line["kind"] for line in here.get(f"/incidents/{incident_id}/events").json()["items"]]


def test_an_incident_is_opened_by_hand(here: World) -> None:
    answer = here.post("/incidents", BODY)
    assert answer.status_code == 201
    found = answer.json()
    assert answer.headers["location"] == f"/api/v1/incidents/{found['id']}"
    assert found == here.get(f"/incidents/{found['id']}").json()
    assert (found["channel"], found["category"], found["priority"]) == ("walk_in", "snakebite", "red")
    assert found["caller_number"] == CALLER
    assert found["location"] == {
        "text": "dekat gereja",
        "place": None,
        "lat": -4.52,
        "lon": 136.9,
        "source": "dispatcher",
        "accuracy_m": 50.0,
    }
    assert found["times"]["received_at"] == "2026-11-23T02:50:00.000+00:00"
    assert [part["staff_code"] for part in found["assignments"]] == ["N01", "N02"]
    first = here.get(f"/incidents/{found['id']}/events").json()["items"][0]
    assert (first["source"], first["actor"]) == ("api", "token:dispatcher test")
    assert first["recorded_at"] == "2026-11-23T03:00:00.000+00:00"


def test_a_case_is_worked_to_its_end(here: World) -> None:
    key = here.post("/incidents", BODY).json()["number"]

    def act(action: str, **fields: object) -> str:
        here.clock.advance(60)
        answer = here.post(f"/incidents/{key}/actions", {"action": action, **fields})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["status"])

    assert act("accept", staff_code="N01", minutes=10) == "accepted"
    assert act("note", text="pasien sadar") == "accepted"
    assert act("set_category", category="fall") == "accepted"
    assert act("set_location", location={"place": "Harapan"}) == "accepted"
    assert act("set_priority", priority="green", reason="hanya lecet") == "accepted"
    assert act("en_route", staff_code="N01") == "en_route"
    assert act("stage", staff_code="N01") == "staging"
    assert act("on_scene", staff_code="N01", occurred_at="2026-11-23T12:06:30+09:00") == "on_scene"
    assert act("leave_scene", staff_code="N01") == "transporting"
    assert act("arrive_facility", staff_code="N01") == "at_facility"
    assert act("available", staff_code="N01") == "closed"
    found = here.get(f"/incidents/{key}").json()
    assert found["outcome"] == "transported"
    assert found["times"]["on_scene_at"] == "2026-11-23T03:06:30.000+00:00"


def test_merging_names_the_other_by_number(here: World) -> None:
    first, second = (here.post("/incidents", BODY).json() for _ in range(2))
    answer = here.post(f"/incidents/{second['id']}/actions", {"action": "merge", "into": first["number"]})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "duplicate")
    answer = here.post(f"/incidents/{first['id']}/actions", {"action": "merge", "into": first["number"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_merge")


def test_a_wrong_transition_is_409_and_the_attempt_is_in_the_log(here: World) -> None:
    opened = here.post("/incidents", BODY).json()
    before = kinds(here, opened["id"])
    answer = here.post(f"/incidents/{opened['id']}/actions", {"action": "on_scene", "staff_code": "N01"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == ("wrong_transition", 409)
    assert "alerted" in problem["detail"]
    assert here.get(f"/incidents/{opened['id']}").json() == opened
    assert kinds(here, opened["id"]) == [*before, "action.refused"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "action"),
        ({"action": "dance"}, 422, "action"),
        ({"action": "accept"}, 422, "staff_code"),
        ({"action": "accept", "staff_code": "N99"}, 422, None),
        ({"action": "close"}, 422, "outcome"),
        ({"action": "close", "outcome": "boredom"}, 422, "outcome"),
        ({"action": "note"}, 422, "text"),
        ({"action": "note", "text": "a\0b"}, 422, "text"),
        ({"action": "note", "text": "x" * 20_001}, 422, "text"),
        ({"action": "note", "text": "x", "colour": "red"}, 422, "colour"),
        ({"action": "set_priority"}, 422, "priority"),
        ({"action": "set_priority", "priority": "green"}, 422, "reason"),
        ({"action": "set_location", "location": {"lat": 1}}, 422, "location"),
        ({"action": "set_location", "location": {"lat": 91, "lon": 0}}, 422, "location.lat"),
        ({"action": "set_location", "location": {"text": "x", "planet": "Mars"}}, 422, "location.planet"),
        ({"action": "accept", "staff_code": "N01", "minutes": -1}, 422, "minutes"),
        ({"action": "accept", "staff_code": "N01", "occurred_at": "2026-11-23T12:00:00"}, 422, "occurred_at"),
        ({"action": "accept", "staff_code": "N01", "occurred_at": 1764000000}, 422, "occurred_at"),
        (
            {"action": "accept", "staff_code": "N01", "occurred_at": "2026-11-24T12:00:00Z"},
            422,
            "occurred_at",
        ),
        (
            {"action": "accept", "staff_code": "N01", "occurred_at": "1890-11-24T12:00:00Z"},
            422,
            "occurred_at",
        ),
        ({"action": "merge", "into": "KWK-2026-000999"}, 404, None),
        ([], 422, "body"),
    ],
)
def test_what_cannot_be_carried_out_is_named(
    here: World, body: object, status: int, field: str | None
) -> None:
    opened = here.post("/incidents", BODY | {"occurred_at": None}).json()
    answer = here.post(f"/incidents/{opened['id']}/actions", body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert here.get(f"/incidents/{opened['id']}").json() == opened


@pytest.mark.parametrize("number", ["PLN", "119", "12"])
def test_an_opening_names_an_ordinary_number_or_none(here: World, number: str) -> None:
    answer = here.post("/incidents", {"caller_number": number})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "caller_number"
    assert here.post("/incidents", {"caller_number": ""}).json()["caller_number"] is None
    assert here.post("/incidents", {}).status_code == 201


@pytest.mark.parametrize("role", [UserRole.MANAGER, UserRole.AUDITOR, UserRole.WORKER])
def test_roles_that_only_read_are_refused(here: World, role: UserRole) -> None:
    opened = here.post("/incidents", BODY).json()
    lines = count(here, Event)
    for path in ("/incidents", f"/incidents/{opened['id']}/actions"):
        answer = here.post(path, {"action": "note", "text": "x"}, role)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (count(here, Incident), count(here, Event)) == (1, lines)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic YTpi", "Bearer \xe9\xff"])
def test_without_a_good_token_nothing_is_told(here: World, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    for method, path in (("GET", "/incidents"), ("POST", "/incidents"), ("GET", "/nothing")):
        answer = here.program.sends(method, path, headers=headers, content=b"{")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_is_kept_as_its_hash_and_revoked_for_good(here: World) -> None:
    token = here.token(UserRole.AUDITOR)
    assert here.get("/incidents", role=UserRole.AUDITOR).status_code == 200
    with here.services.uow.read() as session:
        row = session.scalars(select(ApiToken)).one()
    assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert row.last_used_at == NOON
    with here.services.uow.write() as session:
        session.execute(update(ApiToken).values(revoked_at=NOON))
    assert here.get("/incidents", role=UserRole.AUDITOR).status_code == 401


def test_a_token_of_another_facility_is_none_here(here: World) -> None:
    here.writes(Facility(id="TMK", name="Puskesmas Timika", timezone="Asia/Jayapura", created_at=NOON))
    here.token(UserRole.ADMIN)
    with here.services.uow.write() as session:
        session.execute(update(ApiToken).values(facility_id="TMK"))
    assert here.get("/incidents").status_code == 401


def test_a_body_has_a_limit(here: World) -> None:
    answer = here.post("/incidents", {"text": "x" * 1_000_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert count(here, Incident) == 0


def test_broken_json_is_a_problem(here: World) -> None:
    for content in (b"{", b"\xff\xfe", b"[" * 100_000, b""):
        headers = here.headers(UserRole.ADMIN) | {"Content-Type": "application/json"}
        answer = here.program.sends("POST", "/incidents", headers=headers, content=content)
        assert answer.status_code in (400, 422), content[:10]
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_repeated_key_changes_nothing(here: World) -> None:
    first = here.post("/incidents", BODY, key="buka-1")
    here.clock.advance(5)
    again = here.post("/incidents", BODY, key="buka-1")
    assert (again.status_code, again.json()) == (201, first.json())
    path = f"/incidents/{first.json()['id']}/actions"
    note = {"action": "note", "text": "dua kali"}
    one, two = (here.post(path, note, key="catat-1") for _ in range(2))
    assert (one.status_code, two.status_code, two.json()) == (200, 200, one.json())
    assert kinds(here, first.json()["id"]).count("note.added") == 2  # one from the opening
    assert (count(here, Incident), count(here, Idempotency)) == (1, 2)


def test_a_key_belongs_to_one_request(here: World) -> None:
    opened = here.post("/incidents", BODY, key="k").json()
    for answer in (
        here.post("/incidents", BODY | {"text": "lain"}, key="k"),
        here.post(f"/incidents/{opened['id']}/actions", {"action": "note", "text": "x"}, key="k"),
        here.post("/incidents", BODY, UserRole.ADMIN, key="k"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert here.post("/incidents", BODY, key="x" * 256).status_code == 422
    assert count(here, Incident) == 1


def test_a_refused_request_leaves_its_key_free(here: World) -> None:
    opened = here.post("/incidents", BODY).json()
    path = f"/incidents/{opened['id']}/actions"
    body = {"action": "en_route", "staff_code": "N01"}
    assert here.post(path, body, key="jalan").status_code == 409
    assert count(here, Idempotency) == 0
    assert here.post(path, {"action": "accept", "staff_code": "N01"}, key="terima").status_code == 200
    assert here.post(path, body, key="jalan").status_code == 200


def posted_until_taken(here: World, path: str, body: object, key: str) -> httpx.Response:
    """What a program gets that comes again when it is told to; a slow disk makes so many wait too long."""
    for _ in range(20):
        answer = here.post(path, body, key=key)
        if answer.status_code != 503:
            return answer
    raise AssertionError("nothing was taken")


def test_copies_in_the_same_instant_do_one_thing(here: World) -> None:
    here.token(UserRole.DISPATCHER)
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: posted_until_taken(here, "/incidents", BODY, "bersamaan"), range(16))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (count(here, Incident), count(here, Idempotency)) == (1, 1)
    path = f"/incidents/{answers[0].json()['id']}/actions"
    note = {"action": "note", "text": "sekali"}
    lines = count(here, Event)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: posted_until_taken(here, path, note, "catat"), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert count(here, Event) == lines + 1


def test_every_refusal_of_a_rule_has_its_words() -> None:
    def below(kind: type[DispatchError]) -> Iterator[type[DispatchError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    assert {kind.code for kind in below(errors.DispatchError)} <= set(problems.RULES)


def test_the_description_is_open_and_complete(here: World) -> None:
    answer = here.program.sends("GET", "/openapi.json")
    assert answer.status_code == 200
    described = answer.json()
    assert set(described["paths"]) == {
        "/incidents",
        "/incidents/{incident}",
        "/incidents/{incident}/events",
        "/incidents/{incident}/actions",
        "/calls",
        "/evidence",
        "/exports/incidents",
        "/reports",
        "/response-times",
        "/staff",
        "/roster",
        "/places",
    }
    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert here.get("/docs").status_code == 404


def test_nothing_is_kept_by_a_cache(here: World) -> None:
    here.clock.advance(timedelta(minutes=2).total_seconds())
    for path in ("/incidents", "/nothing", "/openapi.json"):
        assert here.get(path).headers["cache-control"] == "no-store"
