"""Listings and looks over the JSON API: the shapes of CONTRACT 7, the masks, the paging."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dispatch.domain.vocabulary import Category, Priority, UserRole
from tests.api_world import CALLER, NOON, World, past_call, past_incident, world

INCIDENT_KEYS = {
    "id", "number", "short_number", "facility", "status", "priority", "category", "outcome", "is_drill",
    "channel", "caller_number", "location", "times", "assignments",
}  # fmt: skip
TIME_KEYS = {
    "received_at", "answered_at", "alerted_at", "accepted_at", "en_route_at", "staged_at", "on_scene_at",
    "left_scene_at", "at_facility_at", "available_at", "closed_at",
}  # fmt: skip
EVENT_KEYS = {"sequence", "kind", "occurred_at", "recorded_at", "source", "actor", "data", "hash"}
CALL_KEYS = {
    "id", "provider_sid", "channel", "caller_number", "received_at", "answered_at", "ended_at", "incident_id",
    "outcome",
}  # fmt: skip
MASKED = "+62811•••••45"


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    with world(database_url) as made:
        yield made


def test_an_incident_has_the_shape_of_the_contract(here: World) -> None:
    opened = here.opens(caller_number=CALLER, priority=Priority.RED, category=Category.TRAUMA)
    found = here.get(f"/incidents/{opened.id}").json()
    assert set(found) == INCIDENT_KEYS
    assert set(found["times"]) == TIME_KEYS
    assert set(found["location"]) == {"text", "place", "lat", "lon", "source", "accuracy_m"}
    assert found["id"] == opened.id
    assert (found["number"], found["short_number"]) == ("KWK-2026-000100", 100)
    assert (found["facility"], found["channel"], found["caller_number"]) == ("KWK", "walk_in", CALLER)
    assert (found["status"], found["priority"], found["outcome"]) == ("alerting", "red", None)
    assert found["is_drill"] is False
    assert found["times"]["received_at"] == "2026-11-23T03:00:00.000+00:00"
    assert found["times"]["closed_at"] is None
    assert [set(part) for part in found["assignments"]] == [
        {"staff_code", "status", "alerted_at", "accepted_at"}
    ] * 2
    assert here.get("/incidents").json() == {"items": [found], "next_cursor": None}


def test_an_incident_is_found_by_its_number_too(here: World) -> None:
    opened = here.opens()
    assert here.get("/incidents/KWK-2026-000100").json()["id"] == opened.id


@pytest.mark.parametrize("key", ["KWK-2026-000999", "nothing", "a%00b", "%F0%9F%98%80", "x" * 300])
def test_an_unknown_incident_is_a_problem(here: World, key: str) -> None:
    answer = here.get(f"/incidents/{key}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "incident_not_found"


def test_the_record_is_listed_in_order(here: World) -> None:
    opened = here.opens(caller_number=CALLER, text="jatuh dari pohon")
    answer = here.get(f"/incidents/{opened.id}/events", role=UserRole.AUDITOR)
    items = answer.json()["items"]
    assert [item["sequence"] for item in items] == list(range(1, len(items) + 1))
    assert all(set(item) == EVENT_KEYS for item in items)
    assert items[0]["kind"] == "incident.opened"
    assert items[0]["occurred_at"] == "2026-11-23T03:00:00.000+00:00"
    assert CALLER not in answer.text
    assert "jatuh" not in answer.text


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        (UserRole.ADMIN, CALLER),
        (UserRole.DISPATCHER, CALLER),
        (UserRole.MANAGER, MASKED),
        (UserRole.AUDITOR, MASKED),
        (UserRole.WORKER, MASKED),
    ],
)
def test_each_role_sees_numbers_as_it_may(here: World, role: UserRole, shown: str) -> None:
    opened = here.opens(caller_number=CALLER)
    here.writes(past_call(here, NOON, "incident"))
    assert here.get("/incidents", role=role).json()["items"][0]["caller_number"] == shown
    assert here.get(f"/incidents/{opened.id}", role=role).json()["caller_number"] == shown
    assert here.get("/calls", role=role).json()["items"][0]["caller_number"] == shown
    phone = here.get("/staff", role=role).json()["items"][0]["phone"]
    assert phone == ("+628110000001" if shown == CALLER else "+62811•••••01")


def test_a_withheld_number_is_null(here: World) -> None:
    here.opens()
    assert here.get("/incidents").json()["items"][0]["caller_number"] is None


def test_a_ring_has_the_shape_of_the_contract(here: World) -> None:
    ended_at = NOON + timedelta(seconds=7.5)
    here.writes(past_call(here, NOON, "prank", ended_at=ended_at, provider_sid="CA1"))
    (item,) = here.get("/calls").json()["items"]
    assert set(item) == CALL_KEYS
    assert item["provider_sid"] == "CA1"
    assert item["outcome"] == "prank"
    assert item["ended_at"] == "2026-11-23T03:00:07.500+00:00"
    assert item["answered_at"] is None
    assert item["incident_id"] is None


def test_pages_meet_without_gaps_or_repeats_while_rows_arrive(here: World) -> None:
    # Several rows share an instant, so that the identifier decides between them.
    rows = [past_incident(here, 100 + n, NOON - timedelta(minutes=n // 3)) for n in range(20)]
    here.writes(*rows)
    seen: list[int] = []
    cursor: str | None = None
    for number in range(30):
        answer = here.get("/incidents", {"limit": 3} | ({} if cursor is None else {"cursor": cursor})).json()
        seen.extend(item["short_number"] for item in answer["items"])
        here.writes(past_incident(here, 500 + number, NOON + timedelta(minutes=number + 1)))
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 20
    assert set(seen) == set(range(100, 120))
    times = {row.short_number: row.received_at for row in rows}
    assert [times[number] for number in seen] == sorted(times.values(), reverse=True)


def test_rings_are_paged_the_same_way(here: World) -> None:
    here.writes(*(past_call(here, NOON, "ghost") for _ in range(5)))
    first = here.get("/calls", {"limit": 3}).json()
    second = here.get("/calls", {"limit": 3, "cursor": first["next_cursor"]}).json()
    assert second["next_cursor"] is None
    assert len({item["id"] for item in first["items"] + second["items"]}) == 5


def test_from_is_included_and_to_is_not(here: World) -> None:
    # The day in Timika begins at 15:00 UTC of the day before.
    starts = NOON.replace(day=22, hour=15)
    here.writes(
        past_incident(here, 100, starts - timedelta(milliseconds=1)),
        past_incident(here, 101, starts),
        past_incident(here, 102, starts + timedelta(days=1) - timedelta(milliseconds=1)),
        past_incident(here, 103, starts + timedelta(days=1)),
    )

    def numbers(params: dict[str, str]) -> list[int]:
        return [item["short_number"] for item in here.get("/incidents", params).json()["items"]]

    assert numbers({"from": "2026-11-23", "to": "2026-11-24"}) == [102, 101]
    assert numbers({"from": "2026-11-23T00:00:00+09:00"}) == [103, 102, 101]
    assert numbers({"to": "2026-11-22T15:00:00Z"}) == [100]
    answer = here.program.sends(
        "GET",
        "/incidents?from=2026-11-23T00:00:00+09:00&to=2026-11-23T00:00:00.001+09:00",
        headers=here.headers(UserRole.ADMIN),
    )
    assert [item["short_number"] for item in answer.json()["items"]] == [101]


def test_incidents_are_filtered_by_status(here: World) -> None:
    here.writes(past_incident(here, 50, NOON))
    opened = here.opens()
    answer = here.get("/incidents", {"status": "alerting"}).json()
    assert [item["id"] for item in answer["items"]] == [opened.id]
    both = here.program.sends(
        "GET", "/incidents?status=alerting&status=closed", headers=here.headers(UserRole.ADMIN)
    )
    assert len(both.json()["items"]) == 2


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("/incidents", {"limit": 0}, "limit"),
        ("/incidents", {"limit": 501}, "limit"),
        ("/incidents", {"limit": "many"}, "limit"),
        ("/incidents", {"cursor": "!!!"}, "cursor"),
        ("/incidents", {"cursor": "W10"}, "cursor"),
        ("/calls", {"cursor": "WyIyMDI2Il0"}, "cursor"),
        ("/incidents", {"from": "yesterday"}, "from"),
        ("/incidents", {"from": "2026-13-01"}, "from"),
        ("/incidents", {"from": "0001-01-01"}, "from"),
        ("/incidents", {"to": "2026-11-23T12:00:00"}, "to"),
        ("/incidents", {"from": "2026-11-24", "to": "2026-11-23"}, "to"),
        ("/incidents", {"status": "asleep"}, "status.0"),
        ("/roster", {"from": "2026-01-01", "to": "2028-01-01"}, "to"),
        ("/places", {"q": "x" * 201}, "q"),
        ("/response-times", {"by": "colour"}, "by"),
    ],
)
def test_what_cannot_be_understood_is_named(
    here: World, path: str, params: dict[str, object], field: str
) -> None:
    answer = here.get(path, params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= set(problem)
    assert problem["status"] == 422
    assert [error["field"] for error in problem["errors"]] == [field]


def test_the_roster_says_who_is_on_duty(here: World) -> None:
    items = here.get("/roster", {"from": "2026-11-23", "to": "2026-11-24"}).json()["items"]
    assert [(item["staff_code"], item["tier"]) for item in items] == [("N01", "jaga"), ("N02", "jaga")]
    assert items[0]["starts_at"] == "2026-11-22T23:00:00.000+00:00"
    assert here.get("/roster").json()["items"] == items
    assert here.get("/roster", {"to": "2026-11-22"}).json()["items"] == []


def test_places_are_found_as_people_say_them(here: World) -> None:
    items = here.get("/places", {"q": "kampung harapan"}).json()["items"]
    assert items[0]["name"] == "Harapan"
    assert set(items[0]) == {"name", "kind", "parent", "lat", "lon", "aliases"}
    assert [item["name"] for item in here.get("/places").json()["items"]] == ["Harapan", "Olaroa"]
    assert here.get("/places", {"q": "☃ ' OR 1=1 --"}).json()["items"] == []


def test_response_times_come_per_interval(here: World) -> None:
    here.writes(
        past_incident(
            here,
            100,
            NOON,
            answered_at=NOON + timedelta(seconds=10),
            alerted_at=NOON + timedelta(seconds=1),
            on_scene_at=NOON + timedelta(seconds=500),
        ),
        past_incident(here, 101, NOON, is_drill=True),
    )
    found = here.get("/response-times", {"by": "priority", "from": "2026-11-01", "to": "2026-12-01"}).json()
    assert (found["incidents"], found["drills"], found["method"]) == (1, 1, "nearest-rank")
    assert [group["key"] for group in found["items"]] == ["red"]
    answer = found["items"][0]["intervals"]["answer"]
    assert (answer["count"], answer["recorded"], answer["median_s"], answer["p90_s"]) == (1, 1, 10, 10)
    assert (answer["target_s"], answer["share_within"]) == (15, 1)
    response = found["items"][0]["intervals"]["response"]
    assert (response["median_s"], response["within_target"]) == (500, 1)
    assert "first ring" in found["definitions"]["response"]["definition"]


@pytest.mark.parametrize("by", ["month", "tier", "place", "category", "priority", "hour", "channel"])
def test_response_times_are_grouped(here: World, by: str) -> None:
    assert here.get("/response-times", {"by": by}).json()["items"] == []
    here.opens()
    groups = here.get("/response-times", {"by": by}).json()["items"]
    assert [group["incidents"] for group in groups] == [1]
    if by == "month":
        assert groups[0]["key"] == "2026-11"
    if by == "hour":
        assert groups[0]["key"] == "12"


def test_response_times_without_groups_are_one_group(here: World) -> None:
    groups = here.get("/response-times").json()["items"]
    assert [(group["key"], group["incidents"]) for group in groups] == [("all", 0)]
