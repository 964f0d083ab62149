"""The recap of the complaints register: received, in work, settled in per cent (DOMAIN 1.2.4, aspect V).

Nothing personal stands in it, neither texts nor names: whoever needs those opens the register.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dashboards.i18n import Language
from dashboards.queries import complaints as queries
from dashboards.reports.chapters import framed, pen_for
from dashboards.reports.cover import Cover, cover_of
from dashboards.reports.document import Block, Cell, Document, Paragraph, Row, Section, Table
from dashboards.reports.pen import Pen
from dashboards.reports.periods import Period
from dashboards.reports.proof import UNSEALED
from dashboards.reports.response_times import FormatMissingError, left_out
from dashboards.reports.sources import Sources
from dispatch.domain.complaints import Complaint, Recap, recap
from dispatch.domain.vocabulary import ComplaintChannel, ComplaintStatus, ComplaintSubject


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What the recap says."""

    facility_code: str
    cover: Cover
    recap: Recap


def read(session: Session, *, sources: Sources, period: Period, as_of: datetime | None = None) -> Register:
    """The register of *period*; of one that is over the same, whenever it is read."""
    facility = sources.facility
    cover = cover_of(facility, period, as_of)
    until_at = cover.until_at if cover.as_of is None else cover.as_of
    complaints = queries.of_period(session, facility.code, from_at=cover.from_at, until_at=until_at)
    return Register(
        facility_code=facility.code,
        cover=cover,
        recap=recap(complaints, from_at=cover.from_at, until_at=until_at, zone=facility.zone),
    )


def worded(
    found: Register,
    *,
    sources: Sources,
    language: Language = Language.ID,
    missing: FormatMissingError | None = None,
) -> Document:
    """The recap in *language*."""
    pen = pen_for(sources, language)
    return framed(
        found.cover,
        pen,
        title=pen.say("Recap of complaints"),
        sections=tuple(_sections(found.recap, pen)),
        sources=sources,
        standing=UNSEALED,
        omitted=left_out(pen, sources, missing),
    )


def _sections(found: Recap, pen: Pen) -> Iterator[Section]:
    yield Section(title=pen.say("How many, and how many settled"), blocks=tuple(_figures(found, pen)))
    if found.received:
        yield Section(title=pen.say("What about, how, and when"), blocks=tuple(_groups(found, pen)))
        yield Section(
            title=pen.say("The complaints"),
            blocks=(_list(found.complaints, pen), pen.note("Texts and names stand in the register alone.")),
        )


def _figures(found: Recap, pen: Pen) -> Iterator[Block]:
    say = pen.say
    if not found.received:
        yield Paragraph(text=say("No complaint was entered in this period."), is_notice=True)
    share = _share(found.settled, found.received, pen)
    figures = [
        _figure(
            pen,
            say("Received"),
            say("Every complaint that was entered, whatever came of it."),
            pen.count(found.received),
        ),
        _figure(
            pen,
            say("In work"),
            say("Received in the period and open at its end."),
            pen.count(found.open),
        ),
        _figure(
            pen,
            say("Settled"),
            say("Of those received in the period, by its end; per cent of all received."),
            share,
        ),
        *(
            _figure(pen, pen.label("complaint_status", status), "", pen.count(found.by_status.get(status, 0)))
            for status in (ComplaintStatus.FORWARDED, ComplaintStatus.WITHDRAWN)
        ),
        _figure(
            pen,
            say("Late"),
            say("Open after the day on which they were due, or ended after it."),
            _share(found.late, found.received, pen),
        ),
        _figure(
            pen,
            say("Days until settled"),
            say("Median, from the receipt to the settlement."),
            pen.text("–" if found.days is None else pen.wording.short(found.days)),
        ),
        _figure(
            pen,
            say("Brought over"),
            say("Open when the period began, and ended in it."),
            _share(found.brought_ended, found.brought, pen),
        ),
    ]
    columns = (pen.column(say("Figure and its definition"), weight=6), pen.column(say("Value"), weight=3))
    yield Table(name=say("Figures"), title="", columns=columns, rows=figures)


def _figure(pen: Pen, title: str, definition: str, cell: Cell) -> Row:
    return Row(
        cells=(pen.text(title, definition), Cell(text=cell.text, small=cell.small, values=(cell.text,)))
    )


def _share(count: int, of: int, pen: Pen) -> Cell:
    """So many of so many; per cent however few they are, and no limits: these are all, not a sample."""
    if not of:
        return pen.text("–")
    number = pen.wording.number
    return pen.text(f"{number(count)} / {number(of)} ({pen.wording.percent(count / of)})")


def _groups(found: Recap, pen: Pen) -> Iterator[Table]:
    say = pen.say
    subjects = [
        (pen.label("complaint_subject", one), found.by_subject.get(one, 0)) for one in ComplaintSubject
    ]
    channels = [
        (pen.label("complaint_channel", one), found.by_channel.get(one, 0)) for one in ComplaintChannel
    ]
    for title, counts in (
        (say("By subject"), subjects),
        (say("By way"), channels),
        (say("By month"), sorted(found.by_month.items())),
    ):
        yield Table(
            name=title,
            title=title,
            columns=(pen.column(title, weight=4), pen.column(say("Received"), is_number=True, weight=1)),
            rows=[
                *(Row(cells=(pen.text(name), pen.count(count))) for name, count in counts if count),
                Row(cells=(pen.text(say("Total")), pen.count(found.received)), is_total=True),
            ],
        )


def _list(complaints: Sequence[Complaint], pen: Pen) -> Table:
    say = pen.say
    columns = (
        pen.column(say("Complaint"), weight=2),
        pen.column(say("Received"), weight=3),
        pen.column(say("Subject"), weight=3),
        pen.column(say("By way"), weight=2),
        pen.column(say("Due on"), weight=2),
        pen.column(say("Status"), weight=3),
    )
    return Table(
        name=say("Complaints"),
        title="",
        columns=columns,
        rows=[_complaint(one, pen) for one in complaints],
    )


def _complaint(one: Complaint, pen: Pen) -> Row:
    status = pen.label("complaint_status", one.now.status)
    ended = "" if one.ended_at is None else pen.formats.day(one.ended_at)
    return Row(
        cells=(
            pen.text(one.number),
            pen.text(pen.formats.day(one.received_at)),
            pen.text(pen.label("complaint_subject", one.subject)),
            pen.text(pen.label("complaint_channel", one.channel)),
            pen.text(pen.formats.date(one.now.due_on)),
            pen.text(status, ended),
        )
    )
