"""What a paper may say of the program that wrote it and of how it is set up; nothing secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """As it stands when the paper is written; what is empty is not known there and is not told."""

    version: str = ""
    database: str = ""
    telephony: Sequence[str] = ()
    """Providers in order of preference."""
    tiers: Sequence[str] = ()
    """Of the ladder, in its order."""
    retention: Mapping[str, int] = field(default_factory=dict)
    """Days by class; 0 is for ever."""
    witnesses: int = 0
    """How many people get the fingerprint of each seal."""
    has_backup: bool = False
    """Whether a folder for daily backups is set."""
