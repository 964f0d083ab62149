"""The monthly report: on the first of the month last month's is written into the data directory, and mailed.

Its time is a row and not a timer, so that a first of the month on which the machine was off is made up for,
and of several processes one does it. Whatever cannot be done (a library, a mail server) is named in one line,
and the rest still comes.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, time
from pathlib import Path

import structlog

from config import own_program
from config.settings import Settings
from dashboards.reports.periods import Period, last_month
from dashboards.reports.response_times import Format
from dispatch.adapters.mail import Letter, MailError, MailServer
from dispatch.service import report_pulse
from dispatch.service.services import Services

log = structlog.get_logger(__name__)

LOOKS_EVERY_S = 60.0
AT = time(3, 15)
"""On the facility's clock: the night's seal is made by then, and nobody works on the machine."""

MAILED = (Format.PDF, Format.XLSX)


class ReportJob:
    """Makes last month's reports once, and mails them where the settings say to whom."""

    def __init__(
        self, services: Services, settings: Settings, *, program: tuple[str, ...] = own_program.PROGRAM
    ) -> None:
        """Prepare. *program* is what writes a report: this program's own command unless a test says so."""
        self._services = services
        self._folder = settings.data_dir / "reports"
        self._to = settings.report_to
        self._from = settings.report_from or (settings.report_to[0] if settings.report_to else "")
        self._server = None if settings.smtp_url is None else MailServer(settings.smtp_url.get_secret_value())
        self._program = program
        self._stopping = threading.Event()

    def run_if_due(self) -> None:
        """Do what is left for last month, unless another process is at it."""
        now = self._services.clock.now()
        local = now.astimezone(self._services.zone)
        if local.day == 1 and local.time() < AT:
            return
        month = last_month(now, self._services.zone)
        ended_at = month.span(self._services.zone).until_at
        assert ended_at is not None
        turn = report_pulse.take_if_due(
            self._services.uow,
            facility_id=self._services.facility_id,
            month=month.text,
            ended_at=ended_at,
            now=now,
        )
        if turn is None:
            return
        if not turn.is_made and not self._make(month, now):
            return
        if self._mail(month):
            report_pulse.note(self._services.uow, done=month.text, now=now)

    def stop(self) -> None:
        """End a report that is being written; the next start makes it up."""
        self._stopping.set()

    def file(self, month: Period, form: Format) -> Path:
        """Where the report of *month* is written as *form*."""
        return self._folder / f"{self._services.facility_id}-{month.text}-response-times.{form}"

    def _left_out(self, month: Period) -> Path:
        return self._folder / f"{self._services.facility_id}-{month.text}-left-out.txt"

    def _make(self, month: Period, now: datetime) -> bool:
        """Write every format; whether we were not stopped meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True)
        left_out: list[str] = []
        for form in Format:
            file = self.file(month, form)
            arguments = ["report", f"--period={month.text}", f"--format={form}", f"--out={file}"]
            ended = own_program.run(arguments, stopping=self._stopping, program=self._program)
            if ended is None:
                report_pulse.abandon(self._services.uow, now=now)
                return False
            status, lines = ended
            if status:
                left_out.append(f"{form}: {lines[-1] if lines else f'it ended with {status}'}")
            elif not file.exists():
                left_out += lines[-1:]
        if not any(self.file(month, form).exists() for form in Format):
            log.error("report.failed", month=month.text, reason=left_out[0])
            return False
        self._say(month, left_out)
        report_pulse.note(self._services.uow, made=month.text, now=now)
        log.info("report.made", month=month.text, folder=str(self._folder))
        return True

    def _mail(self, month: Period) -> bool:
        """Whether nothing is left to be done: the report was mailed, or nobody is to get it."""
        if not self._to:
            return True
        if self._server is None:
            self._say(month, ["not mailed: SIAGA_SMTP_URL is not set"])
            return True
        files = [file for form in MAILED if (file := self.file(month, form)).exists()]
        letter = Letter(
            sender=self._from,
            to=self._to,
            subject=f"Laporan waktu tanggap {month.text} ({self._services.facility_id})",
            text=self._text(month),
            files=files or [self.file(month, Format.HTML)],
        )
        try:
            self._server.send(letter)
        except MailError as error:
            self._say(month, [f"not mailed: {error}; tried again within the hour"])
            return False
        log.info("report.mailed", month=month.text, to=len(self._to))
        return True

    def _text(self, month: Period) -> str:
        lines = [
            f"Terlampir laporan waktu tanggap {month.text}.",
            f"Attached: the response-time report of {month.text}.",
        ]
        left_out = self._left_out(month)
        if left_out.exists():
            lines += ["", "Tidak disertakan / left out:", left_out.read_text(encoding="utf-8")]
        return "\n".join(lines) + "\n"

    def _say(self, month: Period, left_out: Sequence[str]) -> None:
        """One line on each thing that was left out, in the log and beside the reports; no line twice."""
        file = self._left_out(month)
        said = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        new = [line for line in left_out if line not in said]
        for line in new:
            log.warning("report.left_out", month=month.text, what=line)
        if new:
            file.write_text("\n".join([*said, *new]) + "\n", encoding="utf-8")
