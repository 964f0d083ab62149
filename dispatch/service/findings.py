"""What ``verifying`` finds, in terms a person can act on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was recorded; ``sequence`` 0 speaks of the incident or seal as a whole."""

    incident: str
    sequence: int
    field: str | None
    problem: str
    detail: str


def whole(incident: str, problem: str, detail: str, *, field: str | None = None) -> Finding:
    """A finding about an incident, a call or a seal as a whole."""
    return Finding(incident=incident, sequence=0, field=field, problem=problem, detail=detail)
