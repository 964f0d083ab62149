"""Names as people say them find their place, impossible points are doubted, and the sample list is clean."""

import csv
import math
from pathlib import Path

import pytest

from dispatch.domain.places import (
    Place,
    PointFault,
    check_point,
    distance_km,
    plus_code,
    search,
    suspects,
)
from dispatch.domain.vocabulary import PlaceKind

_SAMPLE = Path(__file__).parents[2] / "config" / "defaults" / "places.csv"


def _place(row: dict[str, str]) -> Place:
    return Place(
        name=row["name"],
        kind=PlaceKind(row["kind"]),
        parent=row["parent"] or None,
        lat=float(row["lat"]) if row["lat"] else None,
        lon=float(row["lon"]) if row["lon"] else None,
        aliases=tuple(alias for alias in row["aliases"].split(";") if alias),
    )


def _sample() -> list[Place]:
    with _SAMPLE.open(encoding="utf-8", newline="") as lines:
        return [_place(row) for row in csv.DictReader(lines)]


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("kwamki", ["Kwamki (Mimika Baru)", "Kwamki Narama"]),
        ("KWAMKI LAMA", ["Kwamki Narama"]),
        ("kwamki baru", ["Kwamki (Mimika Baru)"]),
        ("kelurahan kwamki", ["Kwamki (Mimika Baru)", "Kwamki Narama"]),
        ("Kwamki Mimika Baru", ["Kwamki (Mimika Baru)"]),
        ("kwamkinarama", ["Kwamki Narama"]),
        ("kamki narama", ["Kwamki Narama"]),
        ("kampung damai", ["Damai (Kwamki Narama)"]),
        ("Kp. Dámai", ["Damai (Kwamki Narama)"]),
        ("damai kwamki narama", ["Damai (Kwamki Narama)"]),
        ("Jl. Mambruk", ["Jalan Mambruk (Kwamki Narama)"]),
        ("jln mambruk", ["Jalan Mambruk (Kwamki Narama)"]),
        ("mambruk", ["Jalan Mambruk (Kwamki Narama)"]),
        ("jalur 1", ["Jalur 1 (Kwamki Narama)"]),
        ("jalur dua", ["Jalur 2 (Kwamki Narama)"]),
        ("bintanglima", ["Bintang Lima (Kwamki Narama)"]),
        ("bintang 5", ["Bintang Lima (Kwamki Narama)"]),
        ("dekat gereja di jembatan kayu", ["Jembatan Kayu (Kwamki Narama)"]),
        ("meekurima", ["Mekurima (Kwamki Narama)"]),
        ("RS Caritas", ["RS Mitra Masyarakat"]),
        ("ninabua", ["Minabua (Mimika Baru)"]),
        ("dingo", ["Dingonarama (Mimika Baru)"]),
    ],
)
def test_places_are_found_as_people_name_them(query: str, labels: list[str]) -> None:
    found = search(_sample(), query)
    assert [match.place.label for match in found[: len(labels)]] == labels
    assert found[0].score >= 85


def test_another_number_is_another_place() -> None:
    assert [match.place.name for match in search(_sample(), "jalur 1")] == ["Jalur 1"]
    assert next(match.place.name for match in search(_sample(), "jalur2 kwamki narama")) == "Jalur 2"
    assert {match.place.name for match in search(_sample(), "jalur")} == {"Jalur 1", "Jalur 2"}
    assert search(_sample(), "jalur 3") == ()


def test_both_kwamkis_are_equally_meant_by_the_bare_name() -> None:
    first, second = search(_sample(), "kwamki", limit=2)
    assert first.score == second.score == 100
    assert {first.place.kind, second.place.kind} == {PlaceKind.VILLAGE, PlaceKind.DISTRICT}


@pytest.mark.parametrize("query", ["", "  ", "?!", "\x00", "zzzzqq", "пожар"])
def test_nothing_is_found_for_nothing(query: str) -> None:
    assert search(_sample(), query) == ()


def test_the_limit_holds() -> None:
    assert len(search(_sample(), "kwamki narama", limit=3)) == 3
    assert search(_sample(), "kwamki", limit=0) == ()


@pytest.mark.parametrize(
    ("lat", "lon", "fault", "probably"),
    [
        (-4.52, 136.9, None, None),
        (-5.3, 134.3, None, None),
        (-3.9, 138.6, None, None),
        (4.548347, 136.894865, PointFault.SIGN_FLIPPED, (-4.548347, 136.894865)),
        (-4.5, -136.9, PointFault.SIGN_FLIPPED, (-4.5, 136.9)),
        (4.5, -136.9, PointFault.SIGN_FLIPPED, (-4.5, 136.9)),
        (136.9, -4.5, PointFault.SWAPPED, (-4.5, 136.9)),
        (136.9, 4.5, PointFault.SWAPPED, (-4.5, 136.9)),
        (0, 0, PointFault.OUTSIDE, None),
        (-5.31, 136.9, PointFault.OUTSIDE, None),
        (-2.53, 140.71, PointFault.OUTSIDE, None),
        (math.nan, 136.9, PointFault.NOT_A_POINT, None),
        (-4.5, math.inf, PointFault.NOT_A_POINT, None),
    ],
)
def test_points_outside_the_region_are_explained(
    lat: float, lon: float, fault: PointFault | None, probably: tuple[float, float] | None
) -> None:
    problem = check_point(lat, lon)
    assert (problem and problem.fault, problem and problem.probably) == (fault, probably)


def test_distances_agree_with_the_papers() -> None:
    timika = (-4.5467, 136.8837)
    assert distance_km(*timika, -4.520499, 136.900122) == pytest.approx(3.4, abs=0.05)
    assert distance_km(*timika, -4.283979, 134.967522) == pytest.approx(214.4, abs=0.3)


def test_the_three_errors_of_the_source_are_suspected() -> None:
    flawed = {
        "Walani": (-4.455868, 137.135327),
        "Dingonarama": (4.548347, 136.894865),
        "Inauga": (4.577059, 136.902211),
    }
    places = [
        Place(
            name=place.name,
            kind=place.kind,
            parent=place.parent,
            lat=flawed[place.name][0],
            lon=flawed[place.name][1],
        )
        if place.name in flawed
        else place
        for place in _sample()
    ]
    found = {suspect.place.name: suspect for suspect in suspects(places)}
    assert set(found) == set(flawed)
    assert found["Walani"].distance_km == pytest.approx(28, abs=1)
    assert "sign" in found["Inauga"].detail


def test_a_hamlet_is_judged_with_the_district_of_its_village() -> None:
    far = Place(name="Jauh", kind=PlaceKind.HAMLET, parent="Damai", lat=-4.6, lon=137.1)
    assert [suspect.place for suspect in suspects([*_sample(), far])] == [far]


def test_parents_in_a_circle_end_nothing() -> None:
    circle = [
        Place(name="A", kind=PlaceKind.VILLAGE, parent="B", lat=-4.5, lon=136.9),
        Place(name="B", kind=PlaceKind.VILLAGE, parent="A", lat=-4.5, lon=136.9),
    ]
    assert suspects(circle) == ()


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [(-4.520499, 136.900122, "6Q7RFWH2+R2"), (47.365562, 8.524813, "8FVC9G8F+6W")],
)
def test_plus_codes(lat: float, lon: float, code: str) -> None:
    assert plus_code(lat, lon) == code


def test_a_plus_code_of_no_point_is_refused() -> None:
    with pytest.raises(ValueError, match="no point"):
        plus_code(math.nan, 0)


def test_the_sample_gazetteer_is_clean() -> None:
    places = _sample()
    assert _SAMPLE.read_text(encoding="utf-8").startswith("name,kind,parent,lat,lon,aliases\n")
    assert suspects(places) == ()
    assert len({(place.name, place.kind, place.parent) for place in places}) == len(places)
    assert sum(place.kind is PlaceKind.DISTRICT for place in places) == 18
    names = {place.name for place in places}
    assert all(place.parent is None or place.parent in names for place in places)
    assert all((place.lat is None) == (place.lon is None) for place in places)
    without_point = {place.name for place in places if place.lat is None}
    assert {"Walani", "Harapan", "Landun Mekar", "Lamopi", "Jembatan Aspal", "RSUD Mimika"} <= without_point
