"""What stands by for when the database does not answer: who is rung then, and what waits until it does.

Keeps the people on duty, and the shifts to come, in memory and on the disk, so that a program that starts
without its database knows whom to ring, and one that is long without it too. Keeps the static fallback
document as a file, for whoever carries it to another host. Applies the journal. Never raises for a disk that
takes nothing: memory is what the next caller needs.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from dispatch.service import open_now, outages, roster_keeping
from dispatch.service.open_now import OpenIncident
from models.session import is_database_away
from telephony import duty_file
from telephony.context import TelephonyContext
from telephony.documents import Documents
from telephony.journal import Waiting
from telephony.kept_files import replace_file
from telephony.prompts import CATEGORY_WORDS, PRIORITY_WORDS
from telephony.webhooks import apply_kept

log = structlog.get_logger(__name__)

DUTY_PHONES_FILE = "duty-phones.json"
FALLBACK_FILE = "fallback.xml"
OPEN_INCIDENTS_FILE = "open-incidents.txt"
"""Who is being helped, with numbers and names: readable for us alone, and as old as the last refresh."""

OVERDUE_S = 30.0
"""The journal is applied every five seconds: what waits longer than this does so although it should not."""


class Standby:
    """The files and the journal in the data directory, for one process."""

    def __init__(self, telephony: TelephonyContext, folder: Path) -> None:
        """Use *folder*, where the program writes everything."""
        self._telephony = telephony
        self._documents = Documents(telephony.addresses, telephony.prompts, telephony.phones.handoff)
        self._folder = folder

    def refresh(self) -> None:
        """Learn from the database who is on duty now and later, for memory and for the disk.

        Without a database the fallback document follows the shifts that are known all the same.
        """
        services, phones = self._telephony.services, self._telephony.phones
        now = services.clock.now()
        try:
            with services.uow.read() as session:
                today = list(roster_keeping.duty_phones(session, services, now))
                phones.today, phones.shifts = today, roster_keeping.shifts_ahead(session, services, now)
                going_on = open_now.open_incidents(session, services)
        except SQLAlchemyError:
            self._write({FALLBACK_FILE: self._fallback(now)})
            raise
        # The phones first: the next caller needs them, whatever becomes of the list.
        self._write(
            {
                DUTY_PHONES_FILE: duty_file.written(phones.today, phones.shifts, services.zone),
                FALLBACK_FILE: self._fallback(now),
                OPEN_INCIDENTS_FILE: self._listed(going_on),
            }
        )

    def _fallback(self, now: datetime) -> str:
        return self._documents.fallback(self._telephony.phones.numbers(now)) + "\n"

    def _write(self, files: Mapping[str, str]) -> None:
        try:
            for name, text in files.items():
                if replace_file(self._folder / name, text) and name == FALLBACK_FILE:
                    log.info("standby.fallback_changed")
        except OSError as error:
            log.critical("standby.not_written", reason=error.strerror)

    def _listed(self, going_on: Sequence[OpenIncident]) -> str:
        """*going_on* as a person reads it at night, without the board."""
        zone = self._telephony.services.zone
        lines = [
            f"{each.number}  {each.received_at.astimezone(zone):%d-%m-%Y %H:%M}  "
            f"{PRIORITY_WORDS.get(each.priority, each.priority)}, "
            f"{CATEGORY_WORDS.get(each.category, each.category)}  {each.place or '-'}\n"
            f"  penelepon: {each.caller_number or '-'}\n"
            f"  petugas: {'; '.join(f'{name} {phone}' for name, phone in each.people) or 'BELUM ADA'}\n"
            for each in going_on
        ]
        return "".join(lines) or "Tidak ada insiden yang berjalan.\n"

    def recall(self) -> None:
        """Take the shifts that were known last from the disk; the facility's own phones are known anyway."""
        path, phones = self._folder / DUTY_PHONES_FILE, self._telephony.phones
        try:
            kept = duty_file.read(path.read_text(encoding="utf-8"), self._telephony.services.zone)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            log.critical("standby.duty_phones_unreadable", reason=type(error).__name__)
            return
        phones.today, phones.shifts = kept.phones, kept.shifts
        if kept.unread:
            log.critical("standby.entries_unreadable", entries=kept.unread)

    def drain(self) -> None:
        """Apply what came while the database did not answer; the time in between becomes an outage.

        A disk that does not let the journal be opened must keep nobody from reading the providers' logs.
        """
        try:
            self._drain()
        except OSError as error:
            log.critical("journal.cannot_be_applied", reason=error.strerror)

    def _drain(self) -> None:
        services, journal = self._telephony.services, self._telephony.journal
        waiting = self.look()
        if not waiting.requests:
            return
        try:
            if waiting.without_database_since is not None:
                outages.database_was_away(services, since=waiting.without_database_since)
            applied = journal.drain(apply_kept(self._telephony))
        except SQLAlchemyError as error:
            if not is_database_away(error):
                raise
            log.warning("journal.waits", requests=waiting.requests)
            return
        log.info("journal.applied", requests=applied)
        self.look()

    def look(self) -> Waiting:
        """What waits in the journal, counted for ``/metrics`` as well."""
        waiting = self._telephony.journal.look()
        self._telephony.services.metrics.journal_holds(waiting.requests, waiting.laid_aside)
        return waiting

    def reasons(self) -> Mapping[str, str]:
        """Why this process is not ready, as far as the journal knows; for ``/readyz``."""
        if self._telephony.journal.is_failing:
            return {"journal": "the disk takes no requests: callers are connected, but nothing of it is kept"}
        if self._telephony.journal.kept_s > self._telephony.services.uow.committed_s:
            return {"journal": "requests are kept, and nothing was written down since"}
        try:
            waiting = self.look()
        except OSError as error:
            return {"journal": f"cannot be read: {error.strerror}"}
        if waiting.oldest_at is None:
            return {}
        age_s = (self._telephony.services.clock.now() - waiting.oldest_at).total_seconds()
        if age_s < OVERDUE_S:
            return {}
        return {"journal": f"{waiting.requests} requests wait since {waiting.oldest_at.isoformat()}"}
