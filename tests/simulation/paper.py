"""The database file as an outsider reads it: plain SQL beside the program, for checks and for people's eyes.

Cheap, because it is asked after every step; it never writes, and it never holds a transaction open.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_UNSENT = "state IN ('pending', 'sending', 'unknown')"


@dataclass(frozen=True, slots=True)
class Told:
    """What a delivery is about, as the person who gets it knows it."""

    incident_id: str
    short_number: int
    purpose: str
    staff_code: str | None


class Paper:
    """A reader of the database file."""

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)

    def close(self) -> None:
        self._connection.close()

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return self._connection.execute(query, values).fetchall()

    def next_due_at(self) -> datetime | None:
        """When the engine is wanted next, by the machine's clock."""
        found = self.rows(
            "SELECT min(due_at) FROM deadline UNION ALL "
            f"SELECT min(next_attempt_at) FROM delivery WHERE {_UNSENT}"
        )
        return min((instant(str(at)) for (at,) in found if at is not None), default=None)

    def open_incidents(self) -> list[tuple[str, bool]]:
        """The open incidents, oldest first, and whether somebody owns each."""
        found = self.rows(
            "SELECT id, EXISTS (SELECT 1 FROM assignment a WHERE a.incident_id = i.id AND a.is_primary) "
            "FROM incident i WHERE status <> 'closed' ORDER BY short_number"
        )
        return [(str(incident_id), bool(owned)) for incident_id, owned in found]

    def complete(self, sids: Collection[str]) -> set[str]:
        """Those of *sids* that are known whole: a call with its ending, a text that is kept."""
        found: set[str] = set()
        for sid in sids:
            query = (
                "SELECT 1 FROM call WHERE provider_sid = ? AND ended_at IS NOT NULL "
                "UNION SELECT 1 FROM inbox WHERE provider_key = 'sms:' || ?"
            )
            if self.rows(query, sid, sid):
                found.add(sid)
        return found

    def told_by(self, delivery_id: str) -> Told | None:
        """The incident behind a delivery."""
        found = self.rows(
            "SELECT d.incident_id, i.short_number, d.purpose, s.code FROM delivery d "
            "JOIN incident i ON i.id = d.incident_id LEFT JOIN staff s ON s.id = d.staff_id WHERE d.id = ?",
            delivery_id,
        )
        if not found:
            return None
        incident_id, short_number, purpose, code = found[0]
        return Told(
            str(incident_id), int(str(short_number)), str(purpose), None if code is None else str(code)
        )


def instant(stored: str) -> datetime:
    """An instant as SQLite keeps it."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC)
