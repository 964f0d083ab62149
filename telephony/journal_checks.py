"""What the watchdog asks of the journal: whether something waits in it that should not, or was laid aside.

The journal is a folder of this machine: whichever process has the watchdog's turn looks into its own.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatch.service.checks import DAY, JOURNAL_LAID_ASIDE, JOURNAL_WAITING, Check, Finding
from dispatch.service.services import Services
from telephony.journal import Journal

WAITS_AT_MOST = timedelta(seconds=30)
"""It is applied every five seconds while the database answers."""


def journal_checks(journal: Journal) -> tuple[Check, ...]:
    """Both checks of *journal*."""

    def waiting(_session: Session, _services: Services, now: datetime) -> Iterator[Finding]:
        """What had to be kept is applied soon."""
        held = journal.look()
        if held.oldest_at is not None and now - held.oldest_at > WAITS_AT_MOST:
            detail = f"{held.requests} requests wait in the journal: calls or keys that are not on the board"
            yield Finding(check=JOURNAL_WAITING, subject="journal", detail=detail, since_at=held.oldest_at)

    def laid_aside(_session: Session, _services: Services, now: datetime) -> Iterator[Finding]:
        """Nothing of it waits for a person."""
        held = journal.look()
        if held.laid_aside:
            detail = f"{held.laid_aside} requests can never be applied: a call may be missing on the board"
            # One more is another finding, and is told at once.
            subject, since_at = f"journal {held.laid_aside}", held.laid_aside_since or now
            yield Finding(check=JOURNAL_LAID_ASIDE, subject=subject, detail=detail, since_at=since_at)

    return (
        Check(name=JOURNAL_WAITING, find=waiting),
        Check(name=JOURNAL_LAID_ASIDE, find=laid_aside, again_after=DAY),
    )
