"""Who is the best match, in which order, and for which reasons."""

import pytest

from dispatch.domain.assignment import rank, travel_minutes
from dispatch.domain.decisions import Condition
from dispatch.domain.incidents import DutyPerson, KnownLocation
from dispatch.domain.policy import Travel
from dispatch.domain.vocabulary import Category, Role
from tests.builders import person

HERE = KnownLocation(lat=-4.5205, lon=136.9001, place="Kwamki Narama")


def codes(
    people: list[DutyPerson],
    *,
    category: Category = Category.UNKNOWN,
    location: KnownLocation = HERE,
    crew: dict[str, Condition] | None = None,
) -> list[str]:
    ranked = rank(people, category=category, location=location, travel=Travel(), crew=crew or {})
    return [entry.person.staff_code for entry in ranked]


@pytest.mark.parametrize(
    ("first", "second", "conditions", "category"),
    [
        pytest.param(
            person("Z"),
            person("A"),
            {"A": Condition(engaged_elsewhere=True)},
            Category.UNKNOWN,
            id="free before busy",
        ),
        pytest.param(
            person("Z", skills=["midwife"]),
            person("A", skills=["nurse"]),
            {},
            Category.CHILDBIRTH,
            id="skills for the category",
        ),
        pytest.param(
            person("Z", skills=["midwife", "obstetric"]),
            person("A", skills=["midwife"]),
            {},
            Category.CHILDBIRTH,
            id="more of the skills",
        ),
        pytest.param(
            person("Z"), person("A", role=Role.CALL_TAKER), {}, Category.UNKNOWN, id="who may own it"
        ),
        pytest.param(
            person("Z", lat=-4.52, lon=136.90),
            person("A", lat=-4.40, lon=136.80),
            {},
            Category.UNKNOWN,
            id="nearer",
        ),
        pytest.param(
            person("Z", lat=-4.40, lon=136.80), person("A"), {}, Category.UNKNOWN, id="a known way first"
        ),
        pytest.param(
            person("Z"),
            person("A"),
            {"A": Condition(alerts_in_shift=1)},
            Category.UNKNOWN,
            id="less called on",
        ),
        pytest.param(person("A"), person("Z"), {}, Category.UNKNOWN, id="the code, never chance"),
        pytest.param(
            person("Z"),
            person("A", skills=["midwife"]),
            {"A": Condition(engaged_elsewhere=True)},
            Category.CHILDBIRTH,
            id="free weighs more than skill",
        ),
        pytest.param(
            person("Z", skills=["midwife"], lat=-4.40, lon=136.80),
            person("A", lat=-4.52, lon=136.90),
            {},
            Category.CHILDBIRTH,
            id="skill weighs more than nearness",
        ),
    ],
)
def test_the_order(
    first: DutyPerson, second: DutyPerson, conditions: dict[str, Condition], category: Category
) -> None:
    expected = [first.staff_code, second.staff_code]
    assert codes([first, second], category=category, crew=conditions) == expected
    assert codes([second, first], category=category, crew=conditions) == expected


def test_who_is_on_a_break_is_not_in_it() -> None:
    assert codes([person("A"), person("B")], crew={"A": Condition(on_break=True)}) == ["B"]


def test_nobody_is_excluded_for_lack_of_skill_or_for_being_busy() -> None:
    crew = {"A": Condition(engaged_elsewhere=True, alerts_in_shift=9)}
    assert codes([person("A")], category=Category.CHILDBIRTH, crew=crew) == ["A"]


def test_everybodys_place_is_explained_without_names_or_numbers() -> None:
    (entry,) = rank(
        [person("A", skills=["midwife", "nurse"], lat=-4.5205, lon=136.9001)],
        category=Category.CHILDBIRTH,
        location=HERE,
        travel=Travel(),
        crew={"A": Condition(alerts_in_shift=2)},
    )
    assert entry.why() == {
        "engaged_elsewhere": False,
        "skills_matched": ["midwife"],
        "skills_wanted": ["midwife", "obstetric"],
        "travel_minutes": 0.0,
        "alerts_in_shift": 2,
    }


@pytest.mark.parametrize(
    ("travel", "minutes"),
    [
        # One degree of latitude is 111.195 km on geopy's mean sphere.
        (Travel(detour_factor=1.0, speed_kmh=60.0), 111.2),
        (Travel(detour_factor=1.4, speed_kmh=60.0), 155.7),
        (Travel(detour_factor=1.0, speed_kmh=30.0), 222.4),
        (Travel(detour_factor=1.0, speed_kmh=60.0, zone_speed_kmh={"Kwamki Narama": 20.0}), 333.6),
        (Travel(detour_factor=1.0, speed_kmh=60.0, zone_speed_kmh={"Agimuga": 20.0}), 111.2),
    ],
)
def test_minutes_on_the_way(travel: Travel, minutes: float) -> None:
    north = person("A", lat=-3.5205, lon=136.9001)
    assert travel_minutes(north, HERE, travel) == minutes


@pytest.mark.parametrize(
    ("who", "where"),
    [
        (person("A"), HERE),
        (person("A", lat=-4.5), HERE),
        (person("A", lat=-4.5, lon=136.9), KnownLocation()),
        (person("A", lat=-4.5, lon=136.9), KnownLocation(lat=-4.5)),
    ],
)
def test_without_both_points_the_way_is_unknown(who: DutyPerson, where: KnownLocation) -> None:
    assert travel_minutes(who, where, Travel()) is None


def test_a_point_on_the_equator_is_a_point() -> None:
    assert travel_minutes(person("A", lat=0.0, lon=0.0), KnownLocation(lat=0.0, lon=0.0), Travel()) == 0.0
