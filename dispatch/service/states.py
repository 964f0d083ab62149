"""The incidents that this process has just worked on, so that the next command need not read them again.

A remembered state is used only while the chain head on the incident's row is the one it belongs to. The head
is a hash over the incident's whole record, and the state is the fold of that record: same head, same state,
whoever wrote it. What a rolled back transaction left here has a head that no row ever shows.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from dispatch.domain.incidents import Incident

REMEMBERED = 256
"""Incidents kept; far more than are open at one time, and a few megabytes."""


@dataclass(frozen=True, slots=True)
class Known:
    """An incident, and the place of its last line in the chain."""

    incident: Incident
    event_count: int
    chain_head: str


class States:
    """Remembers the incidents used last; safe to share between threads."""

    def __init__(self, size: int = REMEMBERED) -> None:
        """Keep at most *size*."""
        self._size = size
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, incident_id: str) -> Known | None:
        """What was remembered last of this incident; whoever uses it compares the chain head."""
        with self._lock:
            known = self._known.get(incident_id)
            if known is not None:
                self._known.move_to_end(incident_id)
            return known

    def put(self, known: Known) -> None:
        """Remember *known* in place of what was known before."""
        with self._lock:
            self._known[known.incident.id] = known
            self._known.move_to_end(known.incident.id)
            if len(self._known) > self._size:
                self._known.popitem(last=False)
