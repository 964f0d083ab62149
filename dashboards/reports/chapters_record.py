"""The chapters about the figures themselves.

How each came to be known, what was put right, when nothing could be received, and how all is calculated.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from dashboards.queries.outages import Stretch
from dashboards.queries.report_lines import CHANGES, LATE_AFTER_MIN, STEPS, Lines
from dashboards.reports import charts
from dashboards.reports.charts import Chart
from dashboards.reports.contents import UNREACHABLE, Part, Report
from dashboards.reports.document import Behind, Block, Cell, Column, Row, Section, Table, Terms
from dashboards.reports.pen import Pen, behind
from dispatch.domain.events import Kind
from dispatch.domain.response_times import INTERVAL
from dispatch.domain.summaries import median

ANOMALIES_SHOWN = 100

CHANGE_TITLES = {
    Kind.PRIORITY_SET: "The priority was set by a person",
    Kind.CATEGORY_SET: "The category was set by a person",
    Kind.LOCATION_SET: "The location was set by a person",
    Kind.INCIDENT_MERGED: "Found to be the same as another incident",
    Kind.ACTION_REFUSED: "A step or a time was stated and did not stand; the statement is kept",
}


def sources(report: Report, pen: Pen) -> Section:
    """By which way each time came to be known, and how late."""
    columns = (
        pen.column(pen.say("Time"), weight=4),
        pen.column(pen.say("Reported by"), weight=3),
        pen.column(pen.say("Lines of the record"), is_number=True),
        pen.part_column(pen.say("Recorded more than a minute late")),
        Column(
            title=pen.say("Median and longest delay of those"),
            sheet=(pen.say("Median delay (min)"), pen.say("Longest delay (min)")),
            weight=3,
        ),
    )
    rows = []
    for name, kind in STEPS.items():
        of_kind = [line for line in report.lines if line.kind == kind]
        for source in sorted({line.source for line in of_kind}):
            own = [line for line in of_kind if line.source == source]
            late = [line for line in own if line.minutes_late >= LATE_AFTER_MIN]
            count, count_late = _total(own), _total(late)
            told = {"lines": str(kind), "source": source}
            told_late = behind(**told, late="1")
            rows.append(
                Row(
                    cells=(
                        pen.text(pen.label("time", name)),
                        pen.text(pen.label("source", source)),
                        pen.count(count, behind=behind(**told)),
                        pen.part(Part(count=count_late, of=count), behind=told_late),
                        _delay(late, pen, told_late),
                    )
                )
            )
    blocks: list[Block] = [
        pen.note(
            "Every line of the record bears two times: when it happened, and when the program learned of "
            "it. They differ when a phone was out of reach. The figures of this report are made from the "
            "first. Lines of drills are left out; a step is counted once for each worker who reported it."
        )
    ]
    if rows:
        blocks.append(Table(name=pen.say("Sources"), title="", columns=columns, rows=tuple(rows)))
    else:
        blocks.append(pen.note("No line was recorded for this period."))
    return Section(title=pen.say("How the times came to be known"), blocks=tuple(blocks))


def _total(lines: Sequence[Lines]) -> int:
    return sum(line.count for line in lines)


def _delay(late: Sequence[Lines], pen: Pen, told_late: Behind) -> Cell:
    if not late:
        return Cell(text="–", values=(None, None))
    minutes = [line.minutes_late for line in late for _ in range(line.count)]
    middle, longest = median(minutes), max(minutes)
    text = pen.say(
        "%(middle)s; %(longest)s",
        middle=pen.wording.seconds(middle * 60),
        longest=pen.wording.seconds(longest * 60),
    )
    return Cell(text=text, values=(middle, longest), behind=told_late)


def changes(report: Report, pen: Pen) -> Section:
    """What was put right afterwards; nothing is overwritten."""
    counted = {
        kind: _total([line for line in report.lines if line.kind == kind and _is_change(line)])
        for kind in CHANGES
    }
    rows = tuple(
        Row(
            cells=(
                pen.text(pen.say(CHANGE_TITLES[kind])),
                pen.count(
                    counted[kind], behind=behind(lines=str(kind), by_person="" if _is_always(kind) else "1")
                ),
            )
        )
        for kind in CHANGES
    )
    columns = (
        pen.column(pen.say("What was put right"), weight=6),
        pen.column(pen.say("Lines of the record"), is_number=True),
    )
    return Section(
        title=pen.say("Corrections"),
        blocks=(
            pen.note(
                "A correction is a line of its own after the one that it corrects; both stay in the "
                "record, with who stated them."
            ),
            Table(name=pen.say("Corrections"), title="", columns=columns, rows=rows),
        ),
    )


def _is_change(line: Lines) -> bool:
    return line.is_by_person or _is_always(line.kind)


def _is_always(kind: str) -> bool:
    """Whether such a line puts something right whoever wrote it."""
    return kind in (Kind.ACTION_REFUSED, Kind.INCIDENT_MERGED)


def anomalies(report: Report, pen: Pen) -> Section | None:
    """The times that cannot be; None when there are none."""
    found = report.tables.anomalies
    if not found:
        return None
    columns = (
        pen.column(pen.say("Incident"), weight=3),
        pen.column(pen.say("Interval"), weight=4),
        pen.column(pen.say("Clock starts"), weight=4),
        pen.column(pen.say("Clock ends"), weight=4),
    )
    rows = tuple(
        Row(
            cells=(
                Cell(text=each.number, values=(each.number,), behind=behind(number=each.number)),
                pen.text(pen.say(INTERVAL[each.interval].title)),
                pen.instant(each.start_at),
                pen.instant(each.end_at),
            )
        )
        for each in found[:ANOMALIES_SHOWN]
    )
    blocks: list[Block] = [
        pen.note(
            "The end of these intervals stands before their start. They are counted as impossible and are "
            "in no median, percentile or share."
        ),
        Table(name=pen.say("Impossible orders"), title="", columns=columns, rows=rows),
    ]
    if len(found) > ANOMALIES_SHOWN:
        blocks.append(
            pen.note("%(number)s more are not listed.", number=pen.wording.number(len(found) - len(rows)))
        )
    return Section(title=pen.say("Impossible orders of times"), blocks=tuple(blocks))


def outages(report: Report, pen: Pen) -> Section:
    """When the service, or a part of it, was away."""
    found = report.outages
    title = pen.say("Outages of the service")
    if not found.stretches:
        return Section(title=title, blocks=(pen.note("None was noticed."),))
    columns = (
        pen.column(pen.say("From"), weight=4),
        pen.column(pen.say("Until"), weight=4),
        pen.column(pen.say("Duration"), weight=2),
        pen.column(pen.say("Cause, as far as known"), weight=5),
    )
    rows = tuple(
        Row(
            cells=(
                pen.instant(stretch.from_at),
                pen.instant(stretch.until_at),
                pen.seconds(stretch.seconds),
                pen.text(cause_of(stretch, pen)),
            )
        )
        for stretch in found.stretches
    )
    return Section(
        title=title,
        blocks=(
            pen.note(
                "The service or a part of it was away for %(time)s in all, %(share)s of the time that the "
                "record covers. For %(unreachable)s of them nothing could be received here.",
                time=pen.wording.seconds(found.away_s),
                share=pen.wording.fine_percent(found.share),
                unreachable=pen.wording.seconds(report.unreachable.away_s),
            ),
            *_found_afterwards(report, pen),
            *_bands(report, pen),
            Table(name=pen.say("Outages"), title="", columns=columns, rows=rows),
        ),
    )


def _found_afterwards(report: Report, pen: Pen) -> Iterator[Block]:
    """What is known of the calls of a time in which nothing could be received."""
    if not report.unreachable.away_s:
        return
    if report.is_log_read:
        yield pen.note(
            "The telephone provider's log of that time was read afterwards; %(found)s calls of the period "
            "were found in a log and are among the numbers above.",
            found=pen.wording.number(report.reconstructed),
        )
    else:
        yield pen.note(
            "Whether anybody called in that time is not known: the telephone provider's log was not read up "
            "to its end."
        )


def cause_of(stretch: Stretch, pen: Pen) -> str:
    """Why, in words."""
    cause = pen.label("outage", stretch.cause)
    return f"{cause} ({stretch.provider})" if stretch.provider else cause


def _bands(report: Report, pen: Pen) -> Iterator[Chart]:
    def of(*, unreachable: bool) -> list[tuple[datetime, datetime]]:
        return [
            (stretch.from_at, stretch.until_at)
            for stretch in report.outages.stretches
            if (stretch.cause in UNREACHABLE) is unreachable
        ]

    rows = [
        (pen.say("nothing received"), of(unreachable=True)),
        (pen.say("a part was away"), of(unreachable=False)),
    ]
    stamp = pen.formats.stamp
    told = "; ".join(
        f"{stamp(stretch.from_at)} – {stamp(stretch.until_at)}: {cause_of(stretch, pen)}"
        for stretch in report.outages.stretches
    )
    yield charts.bands(
        pen.say("Outages over the period"),
        told,
        rows,
        from_at=report.cover.from_at,
        until_at=report.cover.until_at,
        ticks=_ticks(report, pen),
    )


def _ticks(report: Report, pen: Pen) -> Sequence[tuple[datetime, str]]:
    """Some dates below the bands: every week of a month, every month of a year."""
    first = report.cover.from_at.astimezone(pen.zone)
    days = (report.cover.until_at - report.cover.from_at).days
    if days <= 31:
        marks = [first + timedelta(days=day) for day in range(0, days, 7)]
    else:
        marks = [first + timedelta(days=31 * month) for month in range(days // 28)]
        marks = [at.replace(day=1) for at in marks]
    return [(at, f"{at:%d.%m.}") for at in marks if report.cover.from_at <= at < report.cover.until_at]


def _targets(report: Report, pen: Pen) -> str:
    """The facility's targets, and those of its zones."""
    say = pen.say

    def named(targets: Mapping[str, float]) -> str:
        return "; ".join(
            f"{say(INTERVAL[key].title)} {pen.wording.seconds(seconds)}" for key, seconds in targets.items()
        )

    found = [say("The facility's file names none.")]
    if report.targets:
        found = [say("From the facility's own file: %(targets)s.", targets=named(report.targets))]
    found += [
        say(
            "In the zone %(zone)s (%(places)s): %(targets)s.",
            zone=zone.name,
            places=", ".join(zone.places),
            targets=named(zone.targets),
        )
        for zone in report.zones
    ]
    return " ".join(found)


def method(report: Report, pen: Pen) -> Section:
    """How the numbers are made."""
    say = pen.say
    items = (
        (
            say("Percentiles"),
            say(
                "By nearest rank: 90 %% of the incidents that were recorded took no longer than the value "
                "printed. The median of an even number of values is the mean of the two in the middle."
            ),
        ),
        (
            say("Few values"),
            say(
                "Under %(few)s values every value is printed instead of median, percentile and percentage.",
                few=report.few,
            ),
        ),
        (
            say("Intervals of shares"),
            say("Wilson score interval, 95 %%: so far the true share may lie from the printed one."),
        ),
        (
            say("Intervals of median and percentile"),
            say(
                "Order statistics, exact by the binomial distribution, at least 95 %%; … where the values "
                "are too few to bound it."
            ),
        ),
        (
            say("Not recorded, does not apply, impossible order"),
            say(
                "A time that nobody recorded is counted as missing and never guessed; its share is of the "
                "incidents to which the interval applies. An interval does not apply where the incident "
                "never came that far. A time before the one it follows is counted and left out."
            ),
        ),
        (say("Targets"), _targets(report, pen)),
        (
            say("What is left out"),
            say(
                "Drills, tests and second reports of the same incident are counted and shown apart; "
                "nothing else is left out."
            ),
        ),
        (
            say("Not in the record"),
            say(
                "Recognition of cardiac arrest and first compression on the telephone, the arrival at the "
                "patient's side and the handover at the facility are not recorded by this program, and so "
                "are not reported."
            ),
        ),
    )
    return Section(title=say("How the numbers are made"), blocks=(Terms(items=items),))
