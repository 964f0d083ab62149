"""The chapter that everybody reads first: figures asked for by name, each with definition and target."""

from collections.abc import Iterator
from dataclasses import replace

from dashboards.reports.chapters_times import MAIN
from dashboards.reports.contents import Part, Report
from dashboards.reports.document import Behind, Cell, Column, Row, Section, Table
from dashboards.reports.leads import WITHIN_S, CallFigure, IncidentFigure
from dashboards.reports.pen import Pen, behind, calls_behind
from dispatch.domain.events import Kind
from dispatch.domain.response_times import INTERVAL
from dispatch.domain.summaries import State, Summary
from dispatch.domain.vocabulary import Source

OBJECTIVES = {"call_processing": 60.0, "turnout": 60.0}
"""Seconds for nine of ten: NFPA 1225 and 1710 (DOMAIN 2.2). Printed as such, never as the facility's own."""

_STANDARD_SHARES = {15: 90, 20: 95}
_VALUES = 5


def key_figures(report: Report, pen: Pen) -> Section:
    """What everybody asks for first, each with its definition and target."""
    say = pen.say
    values = (say("Value"), say("of"), say("share"), say("95 %% from"), say("95 %% to"))
    columns = (
        pen.column(say("Figure and its definition"), weight=6),
        pen.column(say("Target"), weight=2),
        Column(title=say("Value"), sheet=values, weight=3),
    )
    rows = (*_demand(report, pen), *_answering(report, pen), *_times(report, pen), *_record(report, pen))
    table = Table(name=say("Key figures"), title="", columns=columns, rows=rows)
    return Section(title=say("Key figures"), blocks=(table,))


def _figure(pen: Pen, title: str, definition: str, cell: Cell, target: str = "–") -> Row:
    values = (*cell.values, *(None,) * _VALUES)[:_VALUES]
    value = Cell(text=cell.text, small=cell.small, values=values, behind=cell.behind)
    return Row(cells=(pen.text(title, definition), pen.text(target), value))


def _demand(report: Report, pen: Pen) -> Iterator[Row]:
    say = pen.say
    yield _figure(
        pen,
        say("Calls and texts"),
        say("Every ring and every text, whatever came of it."),
        pen.count(report.calls_total, behind=calls_behind()),
    )
    yield _figure(
        pen,
        say("Incidents"),
        say("Without drills, tests and second reports of the same incident."),
        pen.count(report.tables.total.incidents, behind=behind(interval=MAIN)),
    )
    yield _figure(
        pen,
        say("Not genuine"),
        say("Prank, ghost call and wrong number, of all calls and texts."),
        pen.part(
            Part(count=report.not_genuine, of=report.calls_total),
            behind=calls_behind(figure=CallFigure.NOT_GENUINE),
        ),
    )


def _answering(report: Report, pen: Pen) -> Iterator[Row]:
    say, answering, returning = pen.say, report.answering, report.returning
    called_back = behind(figure=IncidentFigure.CALLED_BACK)
    for seconds, within in answering.standard.items():
        yield _figure(
            pen,
            say("Answered within %(seconds)s s", seconds=seconds),
            say("Clock starts with the first ring; of all voice calls that rang, abandoned ones included."),
            pen.part(Part(count=within, of=answering.offered), behind=calls_behind(figure=WITHIN_S[seconds])),
            say("%(share)s %% (NENA-STA-020)", share=_STANDARD_SHARES[seconds]),
        )
    yield _figure(
        pen,
        say("Answer times that are assumed"),
        say("A worker accepted, and nobody reported when they joined the caller; counted as answered above."),
        pen.count(report.assumed_answers, behind=behind(lines=str(Kind.CALL_ANSWERED), assumed="1")),
    )
    yield _figure(
        pen,
        say("Abandoned calls"),
        say("The caller hung up before anybody was heard; of all voice calls that rang."),
        pen.part(
            Part(count=answering.abandoned, of=answering.offered),
            behind=calls_behind(figure=CallFigure.ABANDONED),
        ),
    )
    yield _figure(
        pen,
        say("Called back"),
        say("Callers who had hung up and whom the call-back reached, of those who were to be called back."),
        pen.part(Part(count=returning.reached, of=returning.requested), behind=called_back),
    )
    yield _figure(
        pen,
        say("Time to the call-back, median"),
        say("Clock starts when the call-back is asked for; until the caller picked up."),
        _median(returning.took, pen, behind=called_back),
    )


def _times(report: Report, pen: Pen) -> Iterator[Row]:
    say, tables = pen.say, report.tables
    for key in ("call_processing", "turnout", "travel", MAIN):
        summary = tables.total.intervals[key]
        target = "–"
        if summary.within_target is not None:
            target = pen.aim(summary)
        elif key in OBJECTIVES:
            target = say("90 %% within %(time)s (NFPA)", time=pen.wording.seconds(OBJECTIVES[key]))
        yield _figure(
            pen,
            say("%(interval)s, 90th percentile", interval=say(INTERVAL[key].title)),
            say(INTERVAL[key].definition),
            _p90(summary, pen, behind=behind(interval=key, state=str(State.RECORDED))),
            target,
        )
    yield _figure(
        pen,
        say("Nobody accepted"),
        say(
            "Incidents that nobody accepted, of those that by their outcome, or without one yet, needed "
            "somebody."
        ),
        pen.part(Part(count=tables.alone, of=tables.needed), behind=behind(figure=IncidentFigure.ALONE)),
    )
    yield _figure(
        pen,
        say("Complete times"),
        say("Incidents with call, alert, departure, arrival and available again; of those accepted."),
        pen.part(
            Part(count=tables.complete, of=tables.accepted), behind=behind(figure=IncidentFigure.COMPLETE)
        ),
    )


def _record(report: Report, pen: Pen) -> Iterator[Row]:
    say = pen.say
    yield _figure(
        pen,
        say("Found afterwards"),
        say("Calls that did not reach the program and were found in the telephone provider's log."),
        pen.count(
            report.reconstructed,
            behind=behind(lines=str(Kind.CALL_RECEIVED), source=str(Source.IMPORT)),
        ),
    )
    yield _figure(
        pen,
        say("Time in which nothing could be received"),
        say("The program did not run; what callers reached then is not in this record."),
        pen.seconds(report.unreachable.away_s),
    )


def _median(summary: Summary, pen: Pen, *, behind: Behind) -> Cell:
    cell = pen.median(summary, behind=behind)
    if summary.recorded < pen.few:
        return _each(cell)
    middle, low, high, _ = cell.values
    return replace(cell, values=(middle, None, None, low, high))


def _p90(summary: Summary, pen: Pen, *, behind: Behind) -> Cell:
    if summary.recorded < pen.few:
        return _each(pen.median(summary, behind=behind))
    cell = pen.p90(summary, behind=behind)
    ninth, low, high = cell.values
    return replace(cell, values=(ninth, None, None, low, high))


def _each(cell: Cell) -> Cell:
    """The values themselves, while they are few."""
    return replace(cell, values=(cell.values[3],))
