"""The innovation impact sheet: before and after, users, costs to be filled in (DOMAIN 1.2.4, aspect VI)."""

from dashboards.reports import chapters_impact
from dashboards.reports.chapters import framed
from dashboards.reports.chapters_impact import BLANK, Impact, blank
from dashboards.reports.document import Block, Document, Row, Section, Table
from dashboards.reports.kipp_sections import HEAD, TEAM
from dashboards.reports.pen import Pen
from dashboards.reports.sources import Sources


def worded(impact: Impact, pen: Pen, *, sources: Sources) -> Document:
    """The sheet in the language of *pen*."""
    say = pen.say
    change: list[Block] = [
        chapters_impact.comparison(impact, pen),
        *chapters_impact.chance(impact, pen),
        blank(pen, say("source of the first column: book, year, who counted"), say(TEAM)),
    ]
    users: list[Block] = [_users(impact, pen), chapters_impact.endings(impact, pen)]
    spent: list[Block] = [chapters_impact.costs(pen), _per_incident(impact, pen)]
    return framed(
        impact.report.cover,
        pen,
        title=say("Innovation impact sheet"),
        sections=(
            Section(
                title=say("Innovation"),
                blocks=(
                    pen.note(
                        "Name: %(name)s. Figures are from the record of the period alone; […] is filled in "
                        "by hand.",
                        name=sources.facility.report.innovation.name or BLANK,
                    ),
                ),
            ),
            Section(title=say("What has changed"), blocks=change),
            Section(title=say("Who was served"), blocks=users),
            Section(title=say("What it costs"), blocks=spent),
            Section(
                title=say("Evaluation"),
                blocks=(
                    blank(pen, say("what the figures mean, what worked, what did not"), say(TEAM)),
                    blank(pen, say("what is done next, by whom, until when"), say(HEAD)),
                ),
            ),
        ),
        sources=sources,
        standing=impact.read.standing,
    )


def _users(impact: Impact, pen: Pen) -> Table:
    say, report = pen.say, impact.report
    arrived = report.tables.total.intervals["response"].recorded
    rows = (
        (
            say("Users"),
            say(
                "Incidents that a health worker accepted. The record names no patient: somebody who called "
                "twice counts twice, several injured in one incident count once."
            ),
            report.tables.accepted,
        ),
        (say("Reached at the scene"), say("Arrivals with a recorded time."), arrived),
        (
            say("People in the roster of the period"),
            say("With a shift that touches the period, each counted once."),
            sum(impact.on_duty.values()),
        ),
    )
    columns = (
        pen.column(say("Figure and its definition"), weight=6),
        pen.column(say("Number"), is_number=True),
    )
    return Table(
        name=say("Users"),
        title="",
        columns=columns,
        rows=[Row(cells=(pen.text(title, small), pen.count(count))) for title, small, count in rows],
    )


def _per_incident(impact: Impact, pen: Pen) -> Block:
    return pen.note(
        "Cost for each user: sum of the year […] divided by the users of the year […] = Rp […]. In this "
        "period there were %(users)s.",
        users=pen.wording.number(impact.report.tables.accepted),
    )
