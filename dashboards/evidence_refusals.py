"""Why an evidence pack cannot be made now: a few known reasons in words, and the raw line of any other."""

from collections.abc import Mapping
from enum import StrEnum

from dashboards.i18n import msgid


class Refusal(StrEnum):
    """What stands in the way, as programs read it."""

    BUSY = "evidence_busy"
    NOTHING_SEALED = "nothing_sealed"
    KEY = "seal_key"
    TOO_MANY_DAYS = "too_many_days"
    DISK_FULL = "disk_full"
    UNKNOWN = "evidence_failed"


REASONS: Mapping[Refusal, str] = {
    Refusal.BUSY: msgid("Another pack is being made. Try again in a minute."),
    Refusal.NOTHING_SEALED: msgid(
        "No day of this period is sealed: nothing was recorded then, or its first night is not over yet. "
        "Choose another period, or wait until tomorrow."
    ),
    Refusal.KEY: msgid(
        "The key of the seals is missing, or is not the right one. Whoever looks after the machine must put "
        "its copy back."
    ),
    Refusal.TOO_MANY_DAYS: msgid(
        "Many days are not sealed. Whoever looks after the machine must check its clock, and seal them by "
        "hand."
    ),
    Refusal.DISK_FULL: msgid("The disk is full. Whoever looks after the machine must make room."),
}
"""For people, in their language; a reason that is not here is told by its raw line."""


class EvidenceRefusedError(Exception):
    """A pack cannot be made now; the message is one line that says why."""

    def __init__(self, line: str, refusal: Refusal = Refusal.UNKNOWN) -> None:
        """Keep which of the known reasons it is."""
        super().__init__(line)
        self.refusal = refusal
