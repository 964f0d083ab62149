"""The chapter that puts two periods side by side; what the difference means is for the reader."""

from collections.abc import Iterator, Sequence

from dashboards.reports.chapters_times import MAIN
from dashboards.reports.contents import Report
from dashboards.reports.document import Block, Cell, Column, Row, Section, Table
from dashboards.reports.pen import Pen, behind, calls_behind
from dispatch.domain.response_times import INTERVALS, Interval
from dispatch.domain.summaries import State

_NOTHING = (Cell(text="–", values=(None,) * 4), Cell(text="–", values=(None,) * 3))
"""Median and 90th percentile of what has no duration."""


def comparison(report: Report, before: Report, pen: Pen) -> Section:
    """The same figures of two periods."""
    first, second = before.cover.period.text, report.cover.period.text
    both = (before, report)
    columns = [pen.column(pen.say("Figure"), weight=4)]
    for period in (first, second):
        columns += _columns(period, pen)
    calls, incidents = pen.say("Calls and texts"), pen.say("Incidents")
    rows = [
        Row(cells=(pen.text(calls), *(cell for each in both for cell in _calls(each, pen)))),
        Row(cells=(pen.text(incidents), *(cell for each in both for cell in _incidents(each, pen)))),
    ]
    rows += [
        Row(
            cells=(
                pen.text(pen.say(interval.title)),
                *(cell for each in both for cell in _interval(each, interval, pen)),
            )
        )
        for interval in INTERVALS
    ]
    title = pen.say("%(first)s beside %(second)s", first=first, second=second)
    return Section(
        title=pen.say("Two periods compared"),
        blocks=(
            *(note for each in both for note in _begun(each, pen)),
            Table(name=pen.say("Comparison"), title=title, columns=columns, rows=rows),
            pen.note(
                "Two values whose 95 %% intervals overlap may differ by chance alone. What else changed "
                "between the periods is not in the record."
            ),
        ),
    )


def _begun(report: Report, pen: Pen) -> Iterator[Block]:
    """That figures of a part of a period stand there, where the record does not cover the whole."""
    if report.cover.begun_at is not None:
        yield pen.note(
            "In %(period)s the record begins on %(day)s: its figures are of the rest of the period.",
            period=report.cover.period.text,
            day=pen.formats.day(report.cover.begun_at),
        )


def _columns(period: str, pen: Pen) -> Sequence[Column]:
    """Those of one period, which stands in each of their heads."""
    recorded = pen.column(pen.say("Recorded"), is_number=True)
    return [
        Column(
            title=f"{period}: {column.title}",
            sheet=tuple(f"{period}: {head}" for head in column.sheet),
            is_number=column.is_number,
            weight=column.weight,
        )
        for column in (recorded, pen.median_column(), pen.p90_column())
    ]


def _calls(each: Report, pen: Pen) -> Sequence[Cell]:
    leads = calls_behind(period=each.cover.period.text)
    return (pen.count(each.calls_total, behind=leads), *_NOTHING)


def _incidents(each: Report, pen: Pen) -> Sequence[Cell]:
    leads = behind(period=each.cover.period.text, interval=MAIN)
    return (pen.count(each.tables.total.incidents, behind=leads), *_NOTHING)


def _interval(each: Report, interval: Interval, pen: Pen) -> Sequence[Cell]:
    summary = each.tables.total.intervals[interval.key]
    leads = behind(period=each.cover.period.text, interval=interval.key, state=str(State.RECORDED))
    return (
        pen.count(summary.recorded, behind=leads),
        pen.median(summary, behind=leads),
        pen.p90(summary, behind=leads),
    )
