"""The gazetteer: finding a place by how people name it, and doubting points that cannot be right.

Decides how well a name fits, which places are near, and which points look wrong. Never looks anything up
outside the list that it is given, and never corrects a point: it says what is probably wrong. Addresses here
are landmarks, lanes and kampungs, not house numbers (DOMAIN 1.8).
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from openlocationcode import openlocationcode
from rapidfuzz import fuzz

from dispatch.domain.distances import geodesic_km
from dispatch.domain.vocabulary import PlaceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The box in which every point of a facility must lie; degrees."""

    lat_min: float
    lat_max: float
    lon_min: float
    lon_max: float

    def __str__(self) -> str:
        """The box as an error names it."""
        return f"{self.lat_min} to {self.lat_max}, {self.lon_min} to {self.lon_max}"

    def contains(self, lat: float, lon: float) -> bool:
        """Whether the point lies in it."""
        return self.lat_min <= lat <= self.lat_max and self.lon_min <= lon <= self.lon_max


MIMIKA = Area(lat_min=-5.3, lat_max=-3.9, lon_min=134.3, lon_max=138.6)
"""The box around Mimika, widened a little (DOMAIN 1.8)."""

SUSPECT_KM = 10.0
"""How far a place may lie from the middle of its district before its point is doubted (DOMAIN 1.8)."""

_FEWEST_FOR_A_MIDDLE = 3
_LOWEST_SCORE = 65.0
_NUMBERS_DIFFER = 0.55
_PREFIXES = frozenset(
    [
        "kampung",
        "kampong",
        "kmpg",
        "kpg",
        "kp",
        "desa",
        "kelurahan",
        "kel",
        "distrik",
        "kecamatan",
        "kec",
        "jalan",
        "jln",
        "jl",
        "gang",
        "gg",
        "di",
        "dekat",
    ]
)
"""Words that name the kind of a place and that people add or leave out."""

_NUMERALS: Mapping[str, str] = {
    "1": "satu",
    "2": "dua",
    "3": "tiga",
    "4": "empat",
    "5": "lima",
    "6": "enam",
    "7": "tujuh",
    "8": "delapan",
    "9": "sembilan",
    "10": "sepuluh",
}
"""Numbers as people write them: Jalur 1 is Jalur Satu."""

_NUMBER_WORDS = frozenset(_NUMERALS.values())
_WORD = re.compile(r"[0-9]+|[a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One row of the gazetteer; ``parent`` is the name of what it lies in, the point in degrees if known."""

    name: str
    kind: PlaceKind
    parent: str | None = None
    lat: float | None = None
    lon: float | None = None
    aliases: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name with its parent, which tells places of one name apart: ``Kwamki (Mimika Baru)``."""
        return f"{self.name} ({self.parent})" if self.parent else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A place that a query may mean; ``score`` is 0-100, 100 for its very name or alias."""

    place: Place
    score: float


class PointFault(StrEnum):
    """Why a point cannot be right."""

    NOT_A_POINT = "not_a_point"
    SIGN_FLIPPED = "sign_flipped"
    SWAPPED = "swapped"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointProblem:
    """What is wrong with a point; ``probably`` is the (lat, lon) that was perhaps meant."""

    fault: PointFault
    detail: str
    probably: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A place whose point should be looked at, and why."""

    place: Place
    detail: str
    distance_km: float | None = None


def search(places: Iterable[Place], query: str, limit: int = 8) -> tuple[Match, ...]:
    """Return the places that a query may mean, best first; equal scores in order of name and parent.

    Case, accents, spaces and words such as *kampung* or *jalan* do not matter; spelling mistakes lower the
    score; another number (Jalur 1, Jalur 2) makes it another place. The parent may be part of the query.
    """
    words = _words(query)
    if not words:
        return ()
    matches = (Match(place=place, score=_score(words, place)) for place in places)
    good = [match for match in matches if match.score >= _LOWEST_SCORE]
    good.sort(key=lambda match: (-match.score, match.place.name, match.place.parent or "", match.place.kind))
    return tuple(good[: max(0, limit)])


def distance_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return the length of the geodesic between two points on the WGS-84 ellipsoid, in kilometres."""
    return geodesic_km((lat, lon), (other_lat, other_lon))


def check_point(lat: float, lon: float, area: Area = MIMIKA) -> PointProblem | None:
    """Return what is wrong with a point that should lie in *area*, or None when nothing is."""
    if not (math.isfinite(lat) and math.isfinite(lon)):
        return PointProblem(fault=PointFault.NOT_A_POINT, detail="latitude and longitude must be numbers")
    if area.contains(lat, lon):
        return None
    outside = f"{lat}, {lon} lies outside {area}"
    for signed_lat, signed_lon in ((-lat, lon), (lat, -lon), (-lat, -lon)):
        if area.contains(signed_lat, signed_lon):
            return PointProblem(
                fault=PointFault.SIGN_FLIPPED,
                detail=f"{outside}: probably a sign was lost, and {signed_lat}, {signed_lon} is meant",
                probably=(signed_lat, signed_lon),
            )
    if area.contains(lon, lat) or area.contains(-lon, lat):
        meant = (-abs(lon), lat)
        detail = (
            f"{outside}: probably latitude and longitude are swapped, and {meant[0]}, {meant[1]} is meant"
        )
        return PointProblem(fault=PointFault.SWAPPED, detail=detail, probably=meant)
    return PointProblem(fault=PointFault.OUTSIDE, detail=outside)


def suspects(places: Sequence[Place], area: Area = MIMIKA) -> tuple[Suspect, ...]:
    """Return the places whose points should be looked at, in the order of the list.

    Those outside the region, and those farther than 10 km from the middle (median) of at least three points
    of their district. A real list of thirty rows had two lost signs and one point 27 km away (DOMAIN 1.8).
    """
    district_of = _districts(places)
    points: dict[str, list[tuple[float, float]]] = {}
    for place in places:
        if (
            place.lat is not None
            and place.lon is not None
            and check_point(place.lat, place.lon, area) is None
        ):
            points.setdefault(district_of[place], []).append((place.lat, place.lon))
    middles = {
        district: (median(lat for lat, _ in known), median(lon for _, lon in known))
        for district, known in points.items()
        if district and len(known) >= _FEWEST_FOR_A_MIDDLE
    }
    doubted = (_doubt(place, middles.get(district_of[place]), area) for place in places)
    return tuple(suspect for suspect in doubted if suspect is not None)


def plus_code(lat: float, lon: float) -> str:
    """Return the Open Location Code of a point, about 14 m wide: ``6Q7RFWH2+R2``; ValueError for no point."""
    if not (math.isfinite(lat) and math.isfinite(lon)):
        raise ValueError(f"{lat}, {lon} is no point")
    return str(openlocationcode.encode(lat, lon))


def _words(text: str) -> list[str]:
    """Split into plain lower-case words and numbers, without the words that only name a kind."""
    plain = unicodedata.normalize("NFKD", text[:200]).casefold()
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    words = [_NUMERALS.get(word, word) for word in _WORD.findall(bare)]
    return [word for word in words if word not in _PREFIXES] or words


def _score(query: Sequence[str], place: Place) -> float:
    names = (place.name, *place.aliases)
    alone = max(_likeness(query, _words(name)) for name in names)
    if place.parent is None:
        return alone
    parent = _words(place.parent)
    return max(alone, *(_likeness(query, [*_words(name), *parent]) for name in names))


def _likeness(query: Sequence[str], name: Sequence[str]) -> float:
    """Compare two lists of words: 100 when equal, a little less when one begins with or holds the other."""
    wanted, known = "".join(query), "".join(name)
    if not known:
        return 0.0
    if wanted == known:
        return 100.0
    score = fuzz.ratio(wanted, known) * 0.95
    score = max(score, fuzz.token_sort_ratio(" ".join(query), " ".join(name)) * 0.95)
    if known.startswith(wanted) and len(wanted) >= 2:
        score = max(score, 90.0 + 5.0 * len(wanted) / len(known))
    if set(name) < set(query):
        score = max(score, 85.0 + min(5.0, len(known) / 4))
    elif set(query) < set(name):
        score = max(score, 80.0 + 5.0 * len(wanted) / len(known))
    numbers, asked = _numbers(name), _numbers(query)
    return score * _NUMBERS_DIFFER if numbers and asked and not numbers <= asked else score


def _numbers(words: Iterable[str]) -> set[str]:
    return {word for word in words if word.isdecimal() or word in _NUMBER_WORDS}


def _districts(places: Sequence[Place]) -> Mapping[Place, str]:
    """Return the name of the district that each place lies in, or its topmost known parent."""
    by_name = {place.name: place for place in reversed(places) if place.kind is not PlaceKind.DISTRICT}
    districts = {place.name for place in places if place.kind is PlaceKind.DISTRICT}
    found: dict[Place, str] = {}
    for place in places:
        name = place.name if place.kind is PlaceKind.DISTRICT else (place.parent or "")
        seen = {place.name}
        while name not in districts and name not in seen and name in by_name:
            seen.add(name)
            name = by_name[name].parent or name
        found[place] = name
    return found


def _doubt(place: Place, middle: tuple[float, float] | None, area: Area) -> Suspect | None:
    if place.lat is None or place.lon is None:
        return None
    problem = check_point(place.lat, place.lon, area)
    if problem is not None:
        return Suspect(place=place, detail=problem.detail)
    if middle is None:
        return None
    away_km = distance_km(place.lat, place.lon, *middle)
    if away_km <= SUSPECT_KM:
        return None
    detail = f"{away_km:.1f} km from the middle of the other points of its district"
    return Suspect(place=place, detail=detail, distance_km=away_km)
