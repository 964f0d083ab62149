"""Prints of the pages: the same rows, as tables, without numbers of callers, names of people and places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dashboards.api.boundaries import Span
from dashboards.context import FacilityFacts
from dashboards.queries import api_listings
from dashboards.reports.contents import Report
from dashboards.reports.document import Block, Row, Table
from dashboards.reports.pen import Pen
from dashboards.sentences import Sentences
from models.incident import Incident
from models.record import Event

INCIDENTS, LINES, LAST_DAYS = 12, 30, 7

Shift = tuple[str, str, str, datetime, datetime]
"""Code, name, tier, start and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """The last incidents of the period, the record of the newest closed one, and its last days of duty."""

    incidents: Sequence[Incident]
    lines: Sequence[Event]
    of: str
    """The number of the incident that the lines are of."""
    shifts: Sequence[Shift]


def read_prints(session: Session, report: Report, facility: FacilityFacts, shifts: Sequence[Shift]) -> Prints:
    """Read the rows; what was recorded after the period is not in them."""
    span = Span(from_at=report.cover.from_at, until_at=report.cover.until_at)
    page = api_listings.incidents(session, facility.code, span, limit=INCIDENTS * 2)
    rows = [found.row for found in page.found if not found.row.is_drill][:INCIDENTS]
    shown = next((row for row in rows if row.status == "closed" and row.event_count), None)
    lines = [] if shown is None else api_listings.events(session, shown.id)
    return Prints(
        incidents=rows,
        lines=[line for line in lines if line.recorded_at < report.cover.until_at][:LINES],
        of="" if shown is None else shown.number,
        shifts=[shift for shift in shifts if shift[4] > report.cover.until_at - timedelta(days=LAST_DAYS)],
    )


def prints(found: Prints, pen: Pen) -> Iterator[Block]:
    """The tables."""
    yield pen.note(
        "Drawn from the same rows as the pages, at the end of the period; numbers of callers, names of "
        "people and places are left out."
    )
    if found.incidents:
        yield _log(found.incidents, pen)
    else:
        yield pen.note("No incident was recorded in this period.")
    if found.lines:
        yield _one(found, pen)
    if found.shifts:
        yield _roster(found.shifts, pen)


def _log(incidents: Sequence[Incident], pen: Pen) -> Table:
    say = pen.say
    columns = (
        pen.column(say("Incident"), weight=3),
        pen.column(say("Call received"), weight=4),
        pen.column(say("Priority"), weight=2),
        pen.column(say("Category"), weight=3),
        pen.column(say("Status"), weight=2),
        pen.column(say("How the incident ended"), weight=3),
    )
    rows = [
        Row(
            cells=(
                pen.text(row.number),
                pen.instant(row.received_at),
                pen.text(pen.label("priority", row.priority)),
                pen.text(pen.label("category", row.category)),
                pen.text(pen.label("status", row.status)),
                pen.text(pen.label("outcome", row.outcome) if row.outcome else "–"),
            )
        )
        for row in incidents
    ]
    return Table(
        name="/incidents", title=say("Print of /incidents: the last ones"), columns=columns, rows=rows
    )


def _one(found: Prints, pen: Pen) -> Table:
    say = pen.say
    sentences = Sentences(pen.translations, pen.formats)
    columns = (
        pen.column(say("Line"), is_number=True, weight=1),
        pen.column(say("What happened"), weight=6),
        pen.column(say("Happened at"), weight=4),
        pen.column(say("Recorded at"), weight=4),
        pen.column(say("Reported by"), weight=2),
    )
    rows = [
        Row(
            cells=(
                pen.count(line.sequence),
                pen.text(sentences.of(line.kind, line.data, {})),
                pen.instant(line.occurred_at),
                pen.instant(line.recorded_at),
                pen.text(pen.label("source", line.source)),
            )
        )
        for line in found.lines
    ]
    title = say("Print of /incidents/%(number)s: its record", number=found.of)
    return Table(name="/incidents/…", title=title, columns=columns, rows=rows)


def _roster(shifts: Sequence[Shift], pen: Pen) -> Table:
    """How many stood there in each tier, by day on which their shift began."""
    say = pen.say
    tiers = sorted({tier for _, _, tier, _, _ in shifts})
    days = sorted({starts_at.astimezone(pen.zone).date() for _, _, _, starts_at, _ in shifts})
    columns = [pen.column(say("Shifts that began on"), weight=3)]
    columns += [pen.column(tier, is_number=True) for tier in tiers]
    rows = [
        Row(
            cells=(
                pen.text(pen.formats.date(day)),
                *(
                    pen.count(
                        sum(
                            one_tier == tier and starts_at.astimezone(pen.zone).date() == day
                            for _, _, one_tier, starts_at, _ in shifts
                        )
                    )
                    for tier in tiers
                ),
            )
        )
        for day in days
    ]
    return Table(
        name="/roster",
        title=say("Print of /roster: people by tier in the last days"),
        columns=columns,
        rows=rows,
    )
