"""What a facility decides about its reports: what stands at their head and foot, and how few is few."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import time

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


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Head, foot and rules of the reports of one facility (the table ``[report]`` of its file)."""

    letterhead: Sequence[str] = ()
    """Lines above the facility's own name, the government first."""
    address: str = ""
    signatory: Signatory = field(default_factory=Signatory)
    few: int = FEW
    shifts: Sequence[time] = SHIFTS
