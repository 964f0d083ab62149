"""Tables of an innovation's impact: before and after, endings, users, costs; for the dossier and its annex.

Every figure is from the record and stands with its count and definition. What the record does not hold is a
marked blank that names who has it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy.orm import Session

from dashboards.context import FacilityFacts
from dashboards.i18n import msgid
from dashboards.queries import impact
from dashboards.queries.impact import OPEN, UNSTATED
from dashboards.reports.chapters_times import MAIN
from dashboards.reports.contents import Part, Report
from dashboards.reports.document import Cell, Paragraph, Row, Table
from dashboards.reports.pen import Pen
from dashboards.reports.response_times import Read
from dispatch.domain.response_times import INTERVAL
from dispatch.domain.vocabulary import Outcome

BLANK = "[…]"

COSTS = (
    msgid("Machine and its power supply"),
    msgid("Telephone number, calls and text messages"),
    msgid("Internet connection"),
    msgid("Staff: hours on duty and allowances"),
    msgid("Training and drills"),
    msgid("Vehicles, fuel and medical supplies"),
    msgid("Printing, publication, other"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What the papers of an innovation are made from; ``outcomes`` are of the period, then of the other."""

    read: Read
    outcomes: Mapping[str, int]
    outcomes_before: Mapping[str, int]
    on_duty: Mapping[str, int]
    """How many people of each role stood in the roster of the period."""
    began: date | None
    """The day of the first incident in the record, in the facility's zone."""

    @property
    def report(self) -> Report:
        """Of the period."""
        return self.read.report

    @property
    def before(self) -> Report | None:
        """Of the period that it is compared with; None where nothing was recorded then."""
        before = self.read.before
        return None if before is None or before.is_empty else before


def read_impact(session: Session, found: Read, facility: FacilityFacts) -> Impact:
    """Read what the report of the same period does not count."""
    report, zone = found.report, facility.zone
    span = report.cover.period.span(zone)
    before = None if found.before is None else found.before.cover.period.span(zone)
    began_at = impact.began_at(session, facility.code)
    return Impact(
        read=found,
        outcomes=impact.outcomes(session, facility.code, span),
        outcomes_before={} if before is None else impact.outcomes(session, facility.code, before),
        on_duty=impact.on_duty(session, facility.code, span),
        began=None if began_at is None else began_at.astimezone(zone).date(),
    )


def blank(pen: Pen, what: str, who: str) -> Paragraph:
    """A place that *who* fills in; both are translated already."""
    text = pen.say("[… %(what)s: to be filled in by %(who)s …]", what=what, who=who)
    return Paragraph(text=text, is_blank=True)


class _Figure(NamedTuple):
    title: str
    definition: str
    of: Callable[[Report], Cell]


def comparison(impact: Impact, pen: Pen) -> Table:
    """The same figures before the innovation (by hand), in the other period, and in this one."""
    say = pen.say
    columns = [
        pen.column(say("Figure and its definition"), weight=5),
        pen.column(say("Before the innovation (not in this record)"), weight=2),
    ]
    shown = [report for report in (impact.before, impact.report) if report is not None]
    columns += [pen.column(report.cover.period.text, weight=3) for report in shown]
    rows = []
    for figure in _figures(pen):
        cells = (_plain(figure.of(report)) for report in shown)
        rows.append(
            Row(
                cells=(
                    Cell(text=figure.title, small=figure.definition, values=(figure.title,)),
                    pen.text(BLANK),
                    *cells,
                )
            )
        )
    return Table(name=say("Before and after"), title=say("Before and after"), columns=columns, rows=rows)


def _plain(cell: Cell) -> Cell:
    """As it is read: these papers come in no spreadsheet."""
    return Cell(text=cell.text, small=cell.small, values=(cell.text,))


def _figures(pen: Pen) -> Iterator[_Figure]:
    say = pen.say
    yield _Figure(
        say("Calls and texts"),
        say("Every ring and every text, whatever came of it."),
        lambda report: pen.count(report.calls_total),
    )
    yield _Figure(
        say("Not genuine"),
        say("Prank, ghost call and wrong number, of all calls and texts."),
        lambda report: pen.part(Part(count=report.not_genuine, of=report.calls_total)),
    )
    yield _Figure(
        say("Abandoned calls"),
        say("The caller hung up before anybody was heard; of all voice calls that rang."),
        lambda report: pen.part(Part(count=report.answering.abandoned, of=report.answering.offered)),
    )
    yield _Figure(
        say("Answered by a person"),
        say("Of all voice calls that rang, abandoned ones included."),
        lambda report: pen.part(Part(count=report.answering.answered, of=report.answering.offered)),
    )
    yield _Figure(
        say("Answer times that are assumed"),
        say("A worker accepted, and nobody reported when they joined the caller; counted as answered above."),
        lambda report: pen.count(report.assumed_answers),
    )
    yield _Figure(
        say("Answered within the target"),
        say("Clock starts with the first ring; of all voice calls that rang, abandoned ones included."),
        lambda report: _answered_in_time(report, pen),
    )
    yield _Figure(
        say("Incidents"),
        say("Without drills, tests and second reports of the same incident."),
        lambda report: pen.count(report.tables.total.incidents),
    )
    yield _Figure(
        say("Accepted by a health worker"),
        say("Incidents that somebody accepted, of those above and with an owner by name in the record."),
        lambda report: pen.part(Part(count=report.tables.accepted, of=report.tables.total.incidents)),
    )
    yield from _response(pen)
    yield _Figure(
        say("Complete times"),
        say("Incidents with call, alert, departure, arrival and available again; of those accepted."),
        lambda report: pen.part(Part(count=report.tables.complete, of=report.tables.accepted)),
    )
    yield _Figure(
        say("Time in which nothing could be received"),
        say("The program did not run; what callers reached then is not in this record."),
        lambda report: pen.seconds(report.unreachable.away_s),
    )


def _response(pen: Pen) -> Iterator[_Figure]:
    say, interval = pen.say, INTERVAL[MAIN]
    yield _Figure(
        say("%(interval)s: how many were recorded", interval=say(interval.title)),
        say("Arrivals at the scene with both times; the others were not recorded, or nobody had to arrive."),
        lambda report: pen.count(report.tables.total.intervals[MAIN].recorded),
    )
    yield _Figure(
        say("%(interval)s, median", interval=say(interval.title)),
        say(interval.definition),
        lambda report: pen.median(report.tables.total.intervals[MAIN]),
    )
    yield _Figure(
        say("%(interval)s, 90th percentile", interval=say(interval.title)),
        say("By nearest rank: 90 %% of the recorded arrivals took no longer."),
        lambda report: pen.p90(report.tables.total.intervals[MAIN]),
    )
    yield _Figure(
        say("%(interval)s within the target", interval=say(interval.title)),
        say("Of the recorded arrivals; the target is from the facility's own file."),
        lambda report: pen.within(report.tables.total.intervals[MAIN]),
    )


def _answered_in_time(report: Report, pen: Pen) -> Cell:
    part, target_s = report.answering.part, report.answering.target_s
    if part is None or target_s is None:
        return pen.text(pen.say("no target set"))
    cell = pen.part(part)
    target = pen.say("at most %(target)s", target=pen.wording.seconds(target_s))
    return Cell(text=f"{target}: {cell.text}", small=cell.small, values=cell.values)


def endings(impact: Impact, pen: Pen) -> Table:
    """How the incidents ended, those of drills left out."""
    say = pen.say
    columns = [pen.column(say("How the incident ended"), weight=4)]
    shown = [(impact.report, impact.outcomes)]
    if impact.before is not None:
        shown.insert(0, (impact.before, impact.outcomes_before))
    columns += [pen.column(report.cover.period.text, is_number=True) for report, _ in shown]
    words = [str(outcome) for outcome in Outcome if any(outcome in found for _, found in shown)]
    rows = [
        Row(
            cells=(
                pen.text(pen.label("outcome", word)),
                *(pen.count(found.get(word, 0)) for _, found in shown),
            )
        )
        for word in words
    ]
    for word, title in (
        (UNSTATED, say("Closed without a stated ending")),
        (OPEN, say("Not closed yet")),
    ):
        if any(word in found for _, found in shown):
            rows.append(Row(cells=(pen.text(title), *(pen.count(found.get(word, 0)) for _, found in shown))))
    total = (pen.count(sum(found.values())) for _, found in shown)
    rows.append(Row(cells=(pen.text(say("All")), *total), is_total=True))
    return Table(name=say("Endings"), title=say("How the incidents ended"), columns=columns, rows=rows)


def calls(impact: Impact, pen: Pen) -> Table:
    """How every ring and text ended."""
    say = pen.say
    shown = [report for report in (impact.before, impact.report) if report is not None]
    columns = [pen.column(say("How the call ended"), weight=4)]
    columns += [pen.column(report.cover.period.text, is_number=True) for report in shown]
    rows = [
        Row(
            cells=(
                pen.text(pen.label("outcome", outcome)),
                *(pen.count(report.calls.get(outcome, 0)) for report in shown),
            )
        )
        for outcome in impact.report.calls
        if any(report.calls.get(outcome) for report in shown)
    ]
    rows.append(
        Row(cells=(pen.text(say("All")), *(pen.count(report.calls_total) for report in shown)), is_total=True)
    )
    return Table(name=say("Calls"), title=say("How the calls ended"), columns=columns, rows=rows)


def costs(pen: Pen) -> Table:
    """What the innovation costs; the record knows none of it."""
    say = pen.say
    columns = (
        pen.column(say("Cost"), weight=5),
        pen.column(say("Once (Rp)"), weight=2),
        pen.column(say("Each year (Rp)"), weight=2),
        pen.column(say("Source of funds and document"), weight=4),
    )
    rows = [Row(cells=(pen.text(say(cost)), *(pen.text(BLANK) for _ in range(3)))) for cost in COSTS]
    rows.append(
        Row(cells=(pen.text(say("Sum")), *(pen.text(BLANK) for _ in range(3))), is_total=True),
    )
    return Table(
        name=say("Costs"), title=say("Costs, to be filled in by the treasurer"), columns=columns, rows=rows
    )


def people(found: Mapping[str, int], pen: Pen) -> Table:
    """Who stood in the roster, by role."""
    say = pen.say
    columns = (pen.column(say("Role"), weight=4), pen.column(say("People in the roster"), is_number=True))
    rows: list[Row] = [
        Row(cells=(pen.text(pen.label("role", role)), pen.count(count))) for role, count in found.items()
    ]
    rows.append(Row(cells=(pen.text(say("All")), pen.count(sum(found.values()))), is_total=True))
    return Table(
        name=say("People"), title=say("People in the roster of the period"), columns=columns, rows=rows
    )


def chance(impact: Impact, pen: Pen) -> Sequence[Paragraph]:
    """What a reader must know before two periods are compared."""
    if impact.before is None:
        other = impact.read.before
        if other is None:
            return ()
        return (
            pen.note(
                "Nothing was recorded in %(period)s, so there is no second column of the record.",
                period=other.cover.period.text,
            ),
        )
    return (
        pen.note(
            "Two values whose 95 %% intervals overlap may differ by chance alone. What else changed "
            "between the periods is not in the record."
        ),
    )
