"""The chapters of figures: calls, intervals, groups, and two periods side by side."""

from collections.abc import Iterator, Sequence

from dashboards.reports import charts
from dashboards.reports.charts import Bar, Chart
from dashboards.reports.contents import Part, Report
from dashboards.reports.document import Block, Cell, Column, Row, Section, Table
from dashboards.reports.measuring import ERASED, UNKNOWN, By, Group
from dashboards.reports.pen import Pen, behind
from dispatch.domain.response_times import INTERVAL, INTERVALS
from dispatch.domain.summaries import State

MAIN = "response"
"""What the public understands by response time; the tables by month, priority and so on are of it."""

TITLES = {
    By.MONTH: "By month",
    By.PRIORITY: "By priority",
    By.CATEGORY: "By category",
    By.TIER: "By tier of whoever accepted first",
    By.PLACE: "By place",
    By.CHANNEL: "By channel",
    By.SHIFT: "By shift in which the call came in",
    By.HOUR: "By hour of day in which the call came in",
}
"""Message ids; :data:`MESSAGES` marks them."""

_BUCKET_S = 300.0
_BUCKETS = 12


def calls(report: Report, pen: Pen) -> Section:
    """How every ring ended."""
    rows = [
        Row(cells=(pen.text(pen.label("outcome", outcome)), pen.count(count)))
        for outcome, count in report.calls.items()
    ]
    rows.append(Row(cells=(pen.text(pen.say("All")), pen.count(report.calls_total)), is_total=True))
    rows.append(
        Row(
            cells=(
                pen.text(pen.say("Of these not genuine (prank, ghost call, wrong number)")),
                _counted_part(report.not_genuine, report.calls_total, pen),
            ),
            is_total=True,
        )
    )
    columns = (
        pen.column(pen.say("How the call ended"), weight=4),
        Column(
            title=pen.say("Number"),
            sheet=(pen.say("Number"),),
            is_number=True,
            weight=2,
        ),
    )
    return Section(
        title=pen.say("Calls"),
        blocks=(
            pen.note(
                "Every ring and every text is counted with its ending, also those that were no emergency."
            ),
            Table(name=pen.say("Calls"), title="", columns=columns, rows=rows),
            *_answering(report, pen),
        ),
    )


def _counted_part(count: int, of: int, pen: Pen) -> Cell:
    text = pen.wording.number(count)
    if of >= pen.few:
        text += f" ({pen.wording.percent(count / of)})"
    return Cell(text=text, values=(count,))


def _answering(report: Report, pen: Pen) -> Iterator[Block]:
    answering = report.answering
    yield pen.note(
        "Voice calls: %(offered)s rang, %(answered)s were answered by a person.",
        offered=pen.wording.number(answering.offered),
        answered=pen.wording.number(answering.answered),
    )
    if answering.part is not None and answering.offered and answering.target_s is not None:
        cell = pen.part(answering.part)
        yield pen.note(
            "Answered within %(target)s of the first ring, of all that rang, abandoned calls included: "
            "%(part)s; %(interval)s.",
            target=pen.wording.seconds(answering.target_s),
            part=cell.text,
            interval=cell.small,
        )
    if answering.impossible:
        yield pen.note(
            "%(number)s of the answered calls bear an answer before their first ring, which cannot be; they "
            "count as within no time.",
            number=pen.wording.number(answering.impossible),
        )
    if report.returning.impossible:
        yield pen.note(
            "%(number)s call-backs bear a time before they were asked for, which cannot be; they are in no "
            "median.",
            number=pen.wording.number(report.returning.impossible),
        )
    if report.calls_of_drills:
        yield pen.note(
            "%(number)s calls of drills are in none of these numbers.",
            number=pen.wording.number(report.calls_of_drills),
        )
    if report.assumed_answers:
        yield pen.note(
            "%(number)s answer times are assumed: a worker accepted, and nobody reported when they joined "
            "the caller.",
            number=pen.wording.number(report.assumed_answers),
        )


def times(report: Report, pen: Pen) -> Section:
    """Every interval over all incidents."""
    tables = report.tables
    facts = [
        pen.note(
            "%(number)s incidents. Counted apart: %(drills)s drills, %(tests)s tests, %(duplicates)s "
            "reported twice. Of %(accepted)s incidents that somebody accepted, %(complete)s have every "
            "time: call, alert, departure, arrival, available again.",
            number=pen.wording.number(tables.total.incidents),
            drills=pen.wording.number(tables.drills.incidents),
            tests=pen.wording.number(tables.tests),
            duplicates=pen.wording.number(tables.duplicates),
            accepted=pen.wording.number(tables.accepted),
            complete=pen.wording.number(tables.complete),
        )
    ]
    blocks: list[Block] = [*facts]
    if tables.total.incidents:
        blocks += [
            intervals(tables.total, pen, name=pen.say("Intervals"), linked=True),
            *_spread(tables.total, pen),
        ]
    else:
        blocks.append(pen.note("No incident was recorded in this period."))
    return Section(title=pen.say("Times of the incidents"), blocks=tuple(blocks))


def intervals(group: Group, pen: Pen, *, name: str, linked: bool = False) -> Table:
    """A row for each interval, with its definition and its clock."""
    columns = (
        Column(
            title=pen.say("Interval and the clock it starts from"),
            sheet=(
                pen.say("Interval"),
                pen.say("Definition"),
                pen.say("Clock starts"),
                pen.say("Clock ends"),
            ),
            weight=6,
        ),
        pen.column(pen.say("Recorded"), is_number=True),
        pen.missing_column(),
        pen.column(pen.say("Does not apply"), is_number=True),
        pen.column(pen.say("Impossible order"), is_number=True),
        pen.median_column(),
        pen.p90_column(),
        pen.within_column(),
    )
    rows = []
    for interval in INTERVALS:
        summary = group.intervals[interval.key]
        title, definition = pen.say(interval.title), pen.say(interval.definition)

        def found(state: State, key: str = interval.key) -> str:
            return behind(interval=key, state=str(state)) if linked else ""

        clock = (pen.label("time", interval.start), pen.label("time", interval.end))
        rows.append(
            Row(
                cells=(
                    Cell(text=title, small=definition, values=(title, definition, *clock)),
                    pen.count(summary.recorded, behind=found(State.RECORDED)),
                    pen.missing(summary, behind=found(State.NOT_RECORDED)),
                    pen.count(summary.not_applicable, behind=found(State.NOT_APPLICABLE)),
                    pen.count(summary.anomalies, behind=found(State.ANOMALY)),
                    pen.median(summary, behind=found(State.RECORDED)),
                    pen.p90(summary, behind=found(State.RECORDED)),
                    pen.within(summary, behind=found(State.RECORDED)),
                )
            )
        )
    return Table(name=name, title="", columns=columns, rows=tuple(rows))


def _spread(group: Group, pen: Pen) -> Iterator[Chart]:
    """How many incidents were reached in how many minutes."""
    recorded = [value for value in group.intervals.column(MAIN) if not isinstance(value, State)]
    if not recorded:
        return
    counts = [0] * (_BUCKETS + 1)
    for seconds in recorded:
        counts[min(_BUCKETS, int(seconds // _BUCKET_S))] += 1
    target_s = group.intervals[MAIN].target_s
    step = int(_BUCKET_S // 60)
    given = [
        Bar(
            name=f"{number * step}–{(number + 1) * step}" if number < _BUCKETS else f"≥ {number * step}",
            value=count,
            text=str(count) if count else "",
            is_late=target_s is not None and number * _BUCKET_S >= target_s,
        )
        for number, count in enumerate(counts)
    ]
    title = pen.say("Incidents by response time in minutes")
    if target_s is not None:
        beyond = pen.say("lighter: beyond the target of %(time)s", time=pen.wording.seconds(target_s))
        title = f"{title} ({beyond})"
    yield charts.bars(title, _told(given), given, unit=pen.say("incidents"))


def _told(given: Sequence[Bar]) -> str:
    return "; ".join(f"{bar.name}: {bar.text or format(bar.value, 'g')}" for bar in given)


def groups(report: Report, pen: Pen) -> Section:
    """The response time by month, priority and so on."""
    blocks: list[Block] = [pen.note(INTERVAL[MAIN].definition)]
    for by, found in report.tables.groups.items():
        if by is By.MONTH and len(found) > 1:
            blocks += _by_month(found, pen)
        if by is By.HOUR:
            blocks.append(_by_hour(found, pen))
        blocks.append(_grouped(by, found, pen))
    return Section(title=pen.say("Response time in groups"), blocks=tuple(blocks))


def _grouped(by: By, found: Sequence[Group], pen: Pen) -> Table:
    title = pen.say(TITLES[by])
    target_s = found[0].intervals[MAIN].target_s if found else None
    columns = [
        pen.column(pen.say("Group"), weight=4),
        pen.column(pen.say("Incidents"), is_number=True),
        pen.column(pen.say("Recorded"), is_number=True),
        pen.missing_column(),
        pen.median_column(),
        pen.p90_column(),
    ]
    if target_s is not None:
        columns.append(pen.part_column(pen.say("Within %(target)s", target=pen.wording.seconds(target_s))))
    rows = []
    for group in found:
        summary = group.intervals[MAIN]
        query = {"by": str(by), "group": group.key, "interval": MAIN}
        recorded = behind(**query, state=str(State.RECORDED))
        cells = [
            pen.text(group_name(by, group.key, pen)),
            pen.count(group.incidents, behind=behind(**query)),
            pen.count(summary.recorded, behind=recorded),
            pen.missing(summary, behind=behind(**query, state=str(State.NOT_RECORDED))),
            pen.median(summary, behind=recorded),
            pen.p90(summary, behind=recorded),
        ]
        if summary.within_target is not None:
            part = Part(count=summary.within_target, of=summary.recorded)
            cells.append(pen.part(part, behind=recorded))
        rows.append(Row(cells=tuple(cells)))
    return Table(name=title, title=title, columns=columns, rows=tuple(rows))


def group_name(by: By, key: str, pen: Pen) -> str:
    """A group as it is written."""
    if by in (By.PRIORITY, By.CATEGORY, By.CHANNEL):
        return pen.label(str(by), key)
    if key == ERASED and by is By.PLACE:
        return pen.say("Place erased")
    if key == UNKNOWN:
        return pen.say("Nobody accepted") if by is By.TIER else pen.say("Place not recorded")
    return f"{key}:00–{key}:59" if by is By.HOUR else key


def _by_month(found: Sequence[Group], pen: Pen) -> Iterator[Chart]:
    given = []
    for group in found:
        summary = group.intervals[MAIN]
        enough = summary.p90_s is not None and summary.recorded >= pen.few
        minutes = (summary.p90_s or 0.0) / 60 if enough else 0.0
        text = pen.wording.short(minutes) if enough else "–"
        given.append(Bar(name=group.key, value=minutes, text=text))
    title = pen.say("Response time by month: 90th percentile in minutes (–: too few values)")
    yield charts.bars(title, _told(given), given, unit=pen.say("minutes"))


def _by_hour(found: Sequence[Group], pen: Pen) -> Chart:
    counts = {group.key: group.incidents for group in found}
    given = [Bar(name=f"{hour:02}", value=counts.get(f"{hour:02}", 0)) for hour in range(24)]
    return charts.bars(pen.say("Incidents by hour of day"), _told(given), given, unit=pen.say("incidents"))


def comparison(report: Report, before: Report, pen: Pen) -> Section:
    """The same figures of two periods; what the difference means is for the reader."""
    first, second = before.cover.period.text, report.cover.period.text
    median, p90 = pen.median_column(), pen.p90_column()
    columns = [pen.column(pen.say("Figure"), weight=4)]
    for period in (first, second):
        columns += [
            Column(
                title=f"{period}: {column.title}",
                sheet=tuple(f"{period}: {head}" for head in column.sheet),
                is_number=column.is_number,
                weight=column.weight,
            )
            for column in (pen.column(pen.say("Recorded"), is_number=True), median, p90)
        ]
    rows = []
    for interval in INTERVALS:
        cells = [pen.text(pen.say(interval.title))]
        for each in (before, report):
            summary = each.tables.total.intervals[interval.key]
            cells += [pen.count(summary.recorded), pen.median(summary), pen.p90(summary)]
        rows.append(Row(cells=tuple(cells)))
    title = pen.say("%(first)s beside %(second)s", first=first, second=second)
    return Section(
        title=pen.say("Two periods compared"),
        blocks=(
            pen.note(
                "Calls and texts: %(before)s and %(after)s. Incidents: %(incidents_before)s and "
                "%(incidents_after)s.",
                before=pen.wording.number(before.calls_total),
                after=pen.wording.number(report.calls_total),
                incidents_before=pen.wording.number(before.tables.total.incidents),
                incidents_after=pen.wording.number(report.tables.total.incidents),
            ),
            *_begun(before, pen),
            *_begun(report, pen),
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
