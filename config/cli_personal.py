"""``siaga erase``: personal data by number or by age, the proof kept (ADR 0030); ``siaga breach-notice``."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

import typer
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from config.cli_reports import OutPath, sources_of, write_out
from config.cli_start import ACTOR, Started, account, start
from config.cli_words import CommandRefusedError, say
from dashboards.api.boundaries import BoundaryError, boundary, span
from dashboards.i18n import Language
from dashboards.reports.as_html import as_html
from dashboards.reports.as_pdf import as_pdf
from dashboards.reports.breach_notice import Asked
from dashboards.reports.breach_notice import breach_notice as draft_notice
from dashboards.trail import LOOKED_UP, NOTICE_MADE
from dispatch.domain import erasure, phones
from dispatch.domain.erasure import Basis, Cutoffs, cutoffs
from dispatch.service import personal_data
from dispatch.service.erasing import Erased, Eraser, Order
from dispatch.service.retention import REASON as BY_RETENTION
from models.complaint import Complaint, ComplaintNote
from models.facility import Staff
from models.incident import Incident
from models.personal import CALLS, HOLDINGS, INCIDENTS, RECORDINGS
from models.session import truncate_log
from telephony.journal import Journal


def erase(
    number: Annotated[
        str | None, typer.Option(metavar="+62…", help="Everything known of this number, in any spelling.")
    ] = None,
    due: Annotated[
        bool, typer.Option("--due", help="What the facility keeps no longer, by the classes of its file.")
    ] = False,
    older: Annotated[
        int | None, typer.Option(metavar="DAYS", min=1, help="Everything that is over for so many days.")
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why; stays in the audit trail for ever, so no name and no number.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
) -> None:
    """Erase personal data of calls and incidents that are over; the record still verifies."""
    if sum((number is not None, due, older is not None)) != 1:
        raise typer.BadParameter("name one of --number, --due and --older")
    reason = reason.strip() or (BY_RETENTION if due else "")
    if not reason and not dry_run:
        raise typer.BadParameter("say why", param_hint="--reason")
    if erasure.holds_a_number(reason):
        raise typer.BadParameter("holds a number, and would keep it for ever", param_hint="--reason")
    with start(writes=True) as started:
        if number is not None:
            _by_number(started, _ordinary(number), reason, dry_run=dry_run)
        elif due:
            _by_age(
                started, cutoffs(started.facility.retention, started.clock.now()), reason, dry_run=dry_run
            )
        else:
            assert older is not None
            before = started.clock.now() - timedelta(days=older)
            everything = Cutoffs(**dict.fromkeys((CALLS, INCIDENTS, RECORDINGS), before))
            _by_age(started, everything, reason, dry_run=dry_run, basis=Basis.AGE)


def breach_notice(
    from_text: Annotated[
        str, typer.Option("--from", metavar="DATE", help="Since when: a day, or an instant with its offset.")
    ],
    to_text: Annotated[str, typer.Option("--to", metavar="DATE", help="Until when; that day is not in it.")],
    found_at: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="When it was found out; 72 hours count from then.")
    ] = None,
    language: Annotated[Language, typer.Option(help="Of the notice.")] = Language.ID,
    out: OutPath = None,
) -> None:
    """Draft the notice that is due within 3 × 24 hours when personal data were not protected."""
    with start(writes=True) as started:
        zone = started.facility.zone
        try:
            wanted = span(from_text, to_text, zone)
            found = None if found_at is None else boundary("found-at", found_at, zone)
        except BoundaryError as error:
            raise typer.BadParameter(error.reason, param_hint=f"--{error.field}") from error
        assert wanted.from_at is not None
        assert wanted.until_at is not None
        asked = Asked(from_at=wanted.from_at, until_at=wanted.until_at, found_at=found)
        with started.uow.read() as session:
            document = draft_notice(session, asked, sources=sources_of(started), language=language)
        started.note(NOTICE_MADE, "notice", {"from": from_text, "to": to_text})
    if out is not None and out.suffix.lower() == ".pdf":
        try:
            write_out([as_pdf(document)], out)
        except ImportError:
            out = out.with_suffix(".html")
            typer.echo(f"a PDF needs the library typst; written as a page instead: {out}", err=True)
        else:
            return
    write_out([as_html(document)], out)


def _ordinary(text: str) -> str:
    number = phones.normalise(text)
    if number is None:
        raise typer.BadParameter("is no telephone number", param_hint="--number")
    return number


# --- by number ------------------------------------------------------------------------------------


def _by_number(started: Started, number: str, reason: str, *, dry_run: bool) -> None:
    with started.uow.read() as session:
        worker = session.scalar(
            select(Staff.code).where(
                Staff.facility_id == started.facility.code, Staff.phone == number, Staff.is_active.is_(True)
            )
        )
    if worker is not None:
        raise CommandRefusedError(
            f"that is the number of {worker}, who is still rung: take them off the staff list first"
        )
    if dry_run:
        _list_number(started, number)
        return
    erased = _eraser(started, Basis.REQUEST, reason).number(number)
    mentions = erasure.mentions_of(number)
    laid_aside = Journal(started.settings.data_dir / "journal").forget(
        lambda line, _at: mentions.in_text(line)
    )
    _say(started, erased, laid_aside)
    if erased.left.total():
        raise CommandRefusedError(
            f"{_counted(erased.left)} must stay until it is over; then run the same command again"
        )


def _list_number(started: Started, number: str) -> None:
    """What stands where; that somebody looked is a line of the audit trail, too."""
    started.note(LOOKED_UP, str(Basis.REQUEST))
    with started.uow.read() as session:
        connection = session.connection()
        found = personal_data.standing_of(connection, started.facility.code, erasure.mentions_of(number))
        for incident_id in found.whole:
            say(f"{_name(session, incident_id)}: everything personal")
        for incident_id, places in found.parts.items():
            what = ", ".join(f"{name} of event {sequence}" for sequence, name in sorted(places))
            say(f"{_name(session, incident_id)}: {what}")
        for line in _complaints(session, found):
            say(line)
    rows = Counter({holding.table.name: len(keys) for holding, keys in found.rows})
    say(f"would be erased: {len(found.whole) + len(found.parts)} incidents; {_counted(rows)}")


def _complaints(session: Session, found: personal_data.Standing) -> Iterator[str]:
    """Each complaint in which the number stands, by its own number, and what of it goes."""
    noted: dict[str, set[int]] = {}
    whole: set[str] = set()
    for holding, keys in found.rows:
        if holding.table.name == Complaint.__tablename__:
            whole.update(complaint_id for (complaint_id,) in keys)
        elif holding.table.name == ComplaintNote.__tablename__:
            for complaint_id, step in keys:
                noted.setdefault(complaint_id, set()).add(step)
    rows = [session.get_one(Complaint, complaint_id) for complaint_id in whole | noted.keys()]
    for row in sorted(rows, key=lambda row: (row.year, row.serial)):
        if row.id not in whole:
            yield f"complaint {row.number}: {', '.join(f'note {step}' for step in sorted(noted[row.id]))}"
        elif row.ended_at is None:
            yield f"complaint {row.number} (still open, stays)"
        else:
            yield f"complaint {row.number}: everything personal"


def _name(session: Session, incident_id: str) -> str:
    row = session.get_one(Incident, incident_id)
    return row.number if row.closed_at is not None else f"{row.number} (still open, stays)"


# --- by age ---------------------------------------------------------------------------------------


def _by_age(
    started: Started, due: Cutoffs, reason: str, *, dry_run: bool, basis: Basis = Basis.RETENTION
) -> None:
    if due.is_never:
        say("nothing is due: the facility file keeps everything for ever")
        return
    if dry_run:
        _list_due(started, due, basis)
        return
    erased, _ = _eraser(started, basis, reason).due(due)
    before = due.of((CALLS, INCIDENTS))
    laid_aside = 0 if before is None else _forget_laid_aside(started, before)
    _say(started, erased, laid_aside)


def _list_due(started: Started, due: Cutoffs, basis: Basis) -> None:
    started.note(LOOKED_UP, str(basis))
    incidents = 0
    with started.uow.read() as session:
        connection = session.connection()
        for row in personal_data.due_incidents(connection, started.facility.code, due):
            incidents += 1
            say(f"{row.number}: closed on {row.closed_at.astimezone(started.facility.zone):%Y-%m-%d}")
        rows = Counter(dict(_due_rows(connection, started.facility.code, due)))
    say(f"would be erased: {incidents} incidents with their calls; {_counted(rows)}")


def _due_rows(connection: Connection, facility: str, due: Cutoffs) -> Iterator[tuple[str, int]]:
    for holding in HOLDINGS:
        before = due.of(holding.classes)
        if holding.at is not None and before is not None:
            found = personal_data.due_rows(connection, holding, facility, before)
            yield holding.name.partition(":")[0], sum(1 for _ in found)


def _forget_laid_aside(started: Started, before: datetime) -> int:
    journal = Journal(started.settings.data_dir / "journal")
    return journal.forget(lambda _line, at: at is not None and at < before)


# --- shared ---------------------------------------------------------------------------------------


def _eraser(started: Started, basis: Basis, reason: str) -> Eraser:
    order = Order(actor=ACTOR, basis=basis, reason=reason, account=account())
    return Eraser(started.services, order)


def _say(started: Started, erased: Erased, laid_aside: int) -> None:
    truncate_log(started.uow.engine)
    rows = erased.rows + Counter({"laid aside in the journal": laid_aside})
    say(f"erased: {erased.values} values of {erased.incidents} incidents; {_counted(rows)}")


def _counted(rows: Counter[str]) -> str:
    told = ", ".join(f"{count} of {name}" for name, count in sorted(rows.items()) if count)
    return told or "nothing elsewhere"
