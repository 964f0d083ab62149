"""What a facility decides about its reports: what stands at their head and foot, and how few is few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time

SHIFTS = (time(8), time(14), time(20))
"""When shifts change where the facility's file does not say: morning, afternoon, night."""

FEW = 20
"""Under so many values neither median, percentile nor percentage is printed (DOMAIN 3.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """Who signs; what is not known is left as a line to be filled in by hand."""

    place: str = ""
    title: str = ""
    name: str = ""
    nip: str = ""


WEIGHTS = {
    "summary": 0,
    "background": 10,
    "novelty": 15,
    "implementation": 5,
    "significance": 30,
    "adaptability": 20,
    "resources": 5,
    "sustainability": 15,
}
"""Sections of an innovation proposal and their weights in per cent: KIPP 2023, general group (DOMAIN 1.3)."""

SUMMARY_WORDS = 200
"""The only limit that was read; every other section is said to have one, too (DOMAIN 1.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Innovation:
    """What the facility's file says of its innovation, and by which instrument the proposal is judged.

    Without an ``instrument`` of its own the weights are those of 2023. ``limits`` are words by section; a
    section without one has a limit that is not known here.
    """

    name: str = ""
    began: date | None = None
    instrument: str = ""
    weights: Mapping[str, int] = field(default_factory=lambda: WEIGHTS)
    limits: Mapping[str, int] = field(default_factory=lambda: {"summary": SUMMARY_WORDS})


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetZone:
    """Places with targets of their own, in seconds by interval (DOMAIN 2.2: town and outer kampung)."""

    name: str
    places: tuple[str, ...]
    targets: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Head, foot and rules of the reports of one facility (the table ``[report]`` of its file)."""

    letterhead: Sequence[str] = ()
    """Lines above the facility's own name, the government first."""
    address: str = ""
    signatory: Signatory = field(default_factory=Signatory)
    few: int = FEW
    shifts: Sequence[time] = SHIFTS
    innovation: Innovation = field(default_factory=Innovation)
    zones: Sequence[TargetZone] = ()
    """The tables ``[[zone]]`` of the file."""
