"""The daily backup: ``siaga backup`` as a process of its own, when its time has come.

Its time is a row and not a timer, so that one that was missed while the machine was off is made at the next
start, and of several processes one makes it. The process has a low priority: nothing may slow down a call.
"""

import threading
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config import own_program
from config.settings import Settings
from dispatch.service import backup_pulse
from dispatch.service.services import Services

log = structlog.get_logger(__name__)

LOOKS_EVERY_S = 60.0


class BackupJob:
    """Makes the backups that the settings want; nothing where they want none."""

    def __init__(
        self,
        services: Services,
        settings: Settings,
        *,
        program: tuple[str, ...] | None = None,
        glance_s: float = 0.5,
    ) -> None:
        """Prepare. *program* is what makes one; this program's own command unless a test says otherwise.

        Every *glance_s* it is looked at.
        """
        self._services = services
        self._folder = settings.backup_dir
        self._at = settings.backup_at
        self._keep = settings.backup_keep
        self._program = program or own_program.PROGRAM
        self._glance_s = glance_s
        self._renewed_at = services.clock.now()
        self._stopping = threading.Event()

    def run_if_due(self) -> None:
        """Make today's backup unless it is there, or another process is at it."""
        now = self._services.clock.now()
        if self._folder is None:
            backup_pulse.no_longer_wanted(self._services.uow, now=now)
        elif backup_pulse.take_if_due(self._services.uow, since_at=self.due_at(now), now=now):
            self._run(self._folder, now)

    def due_at(self, now: datetime) -> datetime:
        """The latest instant, not after *now*, at which a backup was to be made."""
        zone = self._services.zone
        hour, minute = map(int, self._at.split(":"))
        local = now.astimezone(zone)
        today = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return today if today <= local else today - timedelta(days=1)

    def stop(self) -> None:
        """End a backup that is under way; it leaves nothing half done, and the next start makes it up."""
        self._stopping.set()

    def _run(self, folder: Path, begun_at: datetime) -> None:
        log.info("backup.begins", folder=str(folder))
        self._renewed_at = begun_at
        said = own_program.run(
            ["backup", f"--dir={folder}", f"--keep={self._keep}"],
            program=self._program,
            stopping=self._stopping,
            glance_s=self._glance_s,
            meanwhile=self._renew,
        )
        now = self._services.clock.now()
        if said is None:
            backup_pulse.abandoned_backup(self._services.uow, now=now)
            return
        status, lines = said
        if status == 0:
            backup_pulse.ended_backup(self._services.uow, now=now)
            log.info("backup.made", said=lines[0] if lines else "")
            return
        reason = lines[-1] if lines else f"it ended with {status}"
        backup_pulse.failed_backup(self._services.uow, reason=reason, now=now)
        log.error("backup.failed", reason=reason)

    def _renew(self) -> None:
        """Say that one is still being made, if that was said a while ago."""
        now = self._services.clock.now()
        if abs(now - self._renewed_at) < backup_pulse.RENEWED_EVERY:
            return
        try:
            backup_pulse.renew_backup(self._services.uow, now=now)
        except SQLAlchemyError as error:
            # The copy goes on; the sign is given again with the next glance.
            log.warning("backup.not_renewed", reason=type(error).__name__)
            return
        self._renewed_at = now
