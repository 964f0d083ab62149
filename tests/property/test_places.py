"""A place is found by its own name and by that of its parent, and no query or point breaks anything."""

from hypothesis import example, given
from hypothesis import strategies as st

from dispatch.domain.places import Place, check_point, plus_code, search, suspects
from dispatch.domain.vocabulary import PlaceKind

_names = st.from_regex(r"[A-Z][a-z]{3,9}( [A-Z][a-z]{3,9})?", fullmatch=True)
_lat = st.floats(-5.3, -3.9)
_lon = st.floats(134.3, 138.6)


@st.composite
def _places(draw: st.DrawFn) -> Place:
    return Place(
        name=draw(_names),
        kind=draw(st.sampled_from(PlaceKind)),
        parent=draw(st.none() | st.sampled_from(["Kwamki Narama", "Mimika Baru"])),
        lat=draw(_lat),
        lon=draw(_lon),
        aliases=tuple(draw(st.lists(_names, max_size=2))),
    )


@given(st.lists(_places(), min_size=1, max_size=10), st.data())
def test_every_place_is_found_by_its_names(places: list[Place], draw: st.DataObject) -> None:
    place = draw.draw(st.sampled_from(places))
    name = draw.draw(st.sampled_from([place.name, *place.aliases]))
    spelled = draw.draw(
        st.sampled_from([name, name.upper(), f"Kampung {name}", f" {name}!", name.replace(" ", "")])
    )
    found = {match.place: match.score for match in search(places, spelled, limit=20)}
    assert found[place] == 100


@given(st.lists(_places(), max_size=6), st.text())
@example([], "\ud800")
def test_any_query_is_answered_in_order(places: list[Place], query: str) -> None:
    scores = [match.score for match in search(places, query)]
    assert scores == sorted(scores, reverse=True)
    assert all(65 <= score <= 100 for score in scores)


@given(st.floats(), st.floats())
def test_a_probable_point_is_a_good_one(lat: float, lon: float) -> None:
    problem = check_point(lat, lon)
    if problem is not None and problem.probably is not None:
        assert check_point(*problem.probably) is None


@given(_lat, _lon)
def test_a_lost_sign_is_always_recognised(lat: float, lon: float) -> None:
    problem = check_point(-lat, lon)
    assert problem is not None
    assert problem.probably == (lat, lon)
    assert len(plus_code(lat, lon)) == 11


@given(st.lists(_places(), max_size=12))
def test_suspects_are_among_the_places(places: list[Place]) -> None:
    assert {suspect.place for suspect in suspects(places)} <= set(places)
