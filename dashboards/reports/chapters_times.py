"""The chapters of figures: calls, intervals and groups."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dashboards.reports import charts
from dashboards.reports.charts import Bar, Chart
from dashboards.reports.contents import Part, Report
from dashboards.reports.document import Behind, Block, Cell, Column, Row, Section, Table
from dashboards.reports.leads import CallFigure, IncidentFigure
from dashboards.reports.measuring import ELSEWHERE, ERASED, UNKNOWN, By, Group, Kept
from dashboards.reports.pen import Pen, behind, calls_behind
from dispatch.domain.events import Kind
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
    By.ZONE: "By zone",
    By.SHIFT: "By shift in which the call came in",
    By.HOUR: "By hour of day in which the call came in",
}
"""Message ids; :data:`MESSAGES` marks them."""

_BUCKET_S = 300.0
_BUCKETS = 12


def calls(report: Report, pen: Pen) -> Section:
    """How every ring ended."""
    rows = [
        Row(
            cells=(
                pen.text(pen.label("outcome", outcome)),
                pen.count(count, behind=calls_behind(outcome=outcome)),
            )
        )
        for outcome, count in report.calls.items()
    ]
    total = pen.count(report.calls_total, behind=calls_behind())
    rows.append(Row(cells=(pen.text(pen.say("All")), total), is_total=True))
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
            _answering(report, pen),
            *_impossible(report, pen),
        ),
    )


def _impossible(report: Report, pen: Pen) -> Iterator[Block]:
    """What is told beside the calls and counts in none of their times."""
    if report.answering.impossible:
        yield pen.note(
            "%(number)s of the answered calls bear an answer before their first ring, which cannot be; they "
            "count as within no time.",
            number=pen.wording.number(report.answering.impossible),
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


def _counted_part(count: int, of: int, pen: Pen) -> Cell:
    text = pen.wording.number(count)
    if of >= pen.few:
        text += f" ({pen.wording.percent(count / of)})"
    leads = calls_behind(figure=CallFigure.NOT_GENUINE) if count else None
    return Cell(text=text, values=(count,), behind=leads)


def _answering(report: Report, pen: Pen) -> Table:
    """How many voice calls rang, how many a person answered, and how soon."""
    say, answering = pen.say, report.answering
    rows = [
        _counted(
            say("Voice calls that rang"), "", answering.offered, calls_behind(figure=CallFigure.RANG), pen
        ),
        _counted(
            say("Answered by a person"), "", answering.answered, calls_behind(figure=CallFigure.ANSWERED), pen
        ),
    ]
    if answering.part is not None and answering.offered and answering.target_s is not None:
        title = say("Answered within %(target)s", target=pen.wording.seconds(answering.target_s))
        definition = say("From the first ring; of all that rang, abandoned calls included.")
        part = pen.part(answering.part, behind=calls_behind(figure=CallFigure.WITHIN_TARGET))
        rows.append(Row(cells=(pen.text(title, definition), part)))
    if report.assumed_answers:
        title = say("Assumed answer times")
        definition = say("A worker accepted, and nobody reported when they joined the caller.")
        assumed = behind(lines=str(Kind.CALL_ANSWERED), assumed="1")
        rows.append(_counted(title, definition, report.assumed_answers, assumed, pen))
    return _counts(say("Voice calls"), rows, pen)


def _counted(title: str, definition: str, count: int, leads: Behind, pen: Pen) -> Row:
    """A row of :func:`_counts`: a number that is part of nothing."""
    cell = pen.count(count, behind=leads)
    return Row(cells=(pen.text(title, definition), replace(cell, values=(count, None, None, None, None))))


def _counts(name: str, rows: Sequence[Row], pen: Pen) -> Table:
    """Numbers by name, some of them parts of others."""
    number = pen.part_column(pen.say("Number"))
    return Table(
        name=name, title=name, columns=(pen.column(pen.say("Counted"), weight=4), number), rows=tuple(rows)
    )


def times(report: Report, pen: Pen) -> Section:
    """Every interval over all incidents."""
    total = report.tables.total
    blocks: list[Block] = [_facts(report, pen)]
    if total.incidents:
        blocks += [intervals(total, pen, name=pen.say("Intervals")), *_spread(total, pen)]
    else:
        blocks.append(pen.note("No incident was recorded in this period."))
    return Section(title=pen.say("Times of the incidents"), blocks=tuple(blocks))


def _facts(report: Report, pen: Pen) -> Table:
    """How many incidents there were, and how many stand apart."""
    say, tables = pen.say, report.tables
    complete = pen.part(
        Part(count=tables.complete, of=tables.accepted), behind=behind(figure=IncidentFigure.COMPLETE)
    )
    accepted = say("Accepted by somebody")
    apart = say("Counted apart, and in no number above.")
    definition = say("Incidents with call, alert, departure, arrival and available again; of those accepted.")
    rows = (
        _counted(say("Incidents"), "", tables.total.incidents, behind(interval=MAIN), pen),
        _counted(accepted, "", tables.accepted, behind(figure=IncidentFigure.ACCEPTED), pen),
        Row(cells=(pen.text(say("Complete times"), definition), complete)),
        *(
            _counted(title, apart, count, behind(kept=kept), pen)
            for title, count, kept in (
                (say("Drills"), tables.drills.incidents, Kept.DRILL),
                (say("Tests"), tables.tests, Kept.TEST),
                (say("Reported twice"), tables.duplicates, Kept.DUPLICATE),
            )
        ),
    )
    return _counts(say("Incidents"), rows, pen)


def intervals(group: Group, pen: Pen, *, name: str, kept: Kept = Kept.REAL) -> Table:
    """A row for each interval, with its definition and its clock; *kept* is what *group* is made of."""
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

        def found(state: State, key: str = interval.key, within: str = "") -> Behind:
            apart = "" if kept is Kept.REAL else kept
            return behind(kept=apart, interval=key, state=str(state), within=within)

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
                    pen.within(summary, behind=found(State.RECORDED, within="1")),
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
    aims = {group.intervals[MAIN].target_s for group in found}
    target_s = aims.pop() if len(aims) == 1 else None
    own = target_s is None and any(group.intervals[MAIN].within_target is not None for group in found)
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
    elif own:
        columns.append(pen.within_column())
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
        within = behind(**query, state=str(State.RECORDED), within="1")
        if own:
            cells.append(pen.within(summary, behind=within))
        elif summary.within_target is not None:
            part = Part(count=summary.within_target, of=summary.recorded)
            cells.append(pen.part(part, behind=within))
        rows.append(Row(cells=tuple(cells)))
    return Table(name=title, title=title, columns=columns, rows=tuple(rows))


def group_name(by: By, key: str, pen: Pen) -> str:
    """A group as it is written."""
    if by in (By.PRIORITY, By.CATEGORY, By.CHANNEL):
        return pen.label(str(by), key)
    if key == ELSEWHERE and by is By.ZONE:
        return pen.say("Elsewhere, or place not recorded")
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
