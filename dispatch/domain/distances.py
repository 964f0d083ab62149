"""How far two points are apart, by geopy.

The only place that imports it: its package brings the web clients of all its geocoders along, a tenth of a
second that a server which was just killed does not have.
"""

Point = tuple[float, float]
"""Latitude and longitude, degrees."""


def great_circle_km(one: Point, other: Point) -> float:
    """Along the surface of a sphere: within half a per cent, and quick enough to compare many."""
    from geopy.distance import great_circle  # noqa: PLC0415 - see above

    return float(great_circle(one, other).km)


def geodesic_km(one: Point, other: Point) -> float:
    """Along the surface of the WGS-84 ellipsoid: exact."""
    from geopy.distance import geodesic  # noqa: PLC0415 - see above

    return float(geodesic(one, other).km)
