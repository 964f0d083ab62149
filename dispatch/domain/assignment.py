"""Who is the best match: the order in which people of one tier are asked, and why.

The order is free before busy, then skills for the category, then who may own the incident, then travel
time, then how often the shift already called on them, then the staff code so that it never depends on
chance.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dispatch.domain.decisions import Condition, Crew
from dispatch.domain.distances import great_circle_km
from dispatch.domain.incidents import DutyPerson, KnownLocation
from dispatch.domain.policy import Travel
from dispatch.domain.triage import required_skills
from dispatch.domain.vocabulary import Category

_REST = Condition()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One person's place in the order, with every reason for it."""

    person: DutyPerson
    engaged_elsewhere: bool
    skills_matched: tuple[str, ...]
    skills_wanted: tuple[str, ...]
    travel_minutes: float | None
    alerts_in_shift: int

    def why(self) -> dict[str, object]:
        """The reasons as JSON for the log; numbers and names of people never stand in it."""
        return {
            "engaged_elsewhere": self.engaged_elsewhere,
            "skills_matched": list(self.skills_matched),
            "skills_wanted": list(self.skills_wanted),
            "travel_minutes": self.travel_minutes,
            "alerts_in_shift": self.alerts_in_shift,
        }


def travel_minutes(person: DutyPerson, location: KnownLocation, travel: Travel) -> float | None:
    """Minutes from the person's base to *location*, or None while either point is unknown.

    Great-circle distance times the detour factor, at the zone's speed. Factor and speeds are the policy
    file's local assumptions; the estimate orders people and is never reported as a measured time.
    """
    if person.lat is None or person.lon is None or location.lat is None or location.lon is None:
        return None
    distance_km = great_circle_km((person.lat, person.lon), (location.lat, location.lon))
    speed_kmh = travel.zone_speed_kmh.get(location.place or "", travel.speed_kmh)
    minutes = distance_km * travel.detour_factor / speed_kmh * 60
    return round(minutes, 1)


def rank(
    people: Iterable[DutyPerson],
    *,
    category: Category,
    location: KnownLocation,
    travel: Travel,
    crew: Crew,
) -> tuple[Ranked, ...]:
    """The people in the order in which they are to be asked; whoever is on a break is left out."""
    wanted = required_skills(category)
    ranked: list[Ranked] = []
    for person in people:
        condition = crew.get(person.staff_code, _REST)
        if condition.on_break:
            continue
        ranked.append(
            Ranked(
                person=person,
                engaged_elsewhere=condition.engaged_elsewhere,
                skills_matched=tuple(skill for skill in wanted if skill in person.skills),
                skills_wanted=tuple(wanted),
                travel_minutes=travel_minutes(person, location, travel),
                alerts_in_shift=condition.alerts_in_shift,
            )
        )
    return tuple(sorted(ranked, key=_order))


def _order(entry: Ranked) -> tuple[bool, int, bool, float, int, str]:
    unknown_travel = float("inf")
    return (
        entry.engaged_elsewhere,
        -len(entry.skills_matched),
        not entry.person.role.can_be_primary,
        unknown_travel if entry.travel_minutes is None else entry.travel_minutes,
        entry.alerts_in_shift,
        entry.person.staff_code,
    )
