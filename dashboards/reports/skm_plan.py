"""The follow-up plan (RTL) of the satisfaction survey: a table of its report, and a paper."""

from collections.abc import Sequence

from dashboards.i18n import Language
from dashboards.queries.survey import FollowUpLine
from dashboards.reports.chapters import framed, pen_for
from dashboards.reports.document import Block, Document, Paragraph, Row, Section, Table
from dashboards.reports.pen import Pen
from dashboards.reports.periods import containing
from dashboards.reports.proof import UNSEALED
from dashboards.reports.skm_survey import Survey
from dashboards.reports.sources import Sources


def plan(found: Survey, *, sources: Sources) -> Document:
    """The follow-up plan alone, for whoever asks for it by itself, and what came of the one before."""
    pen = pen_for(sources, Language.ID)
    say = pen.say
    return framed(
        found.cover,
        pen,
        title=say("Follow-up plan of the satisfaction survey (RTL)"),
        sections=(
            Section(
                title=say("Plan of this period"),
                blocks=(
                    pen.note(
                        "Of %(periods)s: a step is planned for a month, a quarter or a year, and stands in "
                        "the plan of each time that lies in it.",
                        periods=", ".join(one.text for one in containing(found.cover.period)),
                    ),
                    plan_or_none(found.plan, pen),
                ),
            ),
            Section(title=say("Plan of the period before"), blocks=(plan_or_none(found.plan_before, pen),)),
            Section(
                title=say("Proof that it was carried out"),
                blocks=(blank(pen, say("photographs, lists, letters")),),
            ),
        ),
        sources=sources,
        standing=UNSEALED,
    )


def plan_or_none(lines: Sequence[FollowUpLine], pen: Pen) -> Block:
    """The plan, or that there is none."""
    return plan_table(lines, pen) if lines else pen.note("No follow-up plan is on record.")


def plan_table(plan: Sequence[FollowUpLine], pen: Pen) -> Table:
    """The steps of a follow-up plan and where they stand."""
    say = pen.say
    return Table(
        name=say("Follow-up plan"),
        title="",
        columns=(
            pen.column(say("Period"), weight=2),
            pen.column(say("Element"), weight=3),
            pen.column(say("What is done"), weight=5),
            pen.column(say("By whom"), weight=3),
            pen.column(say("Until"), weight=2),
            pen.column(say("Status"), weight=3),
        ),
        rows=[
            Row(
                cells=(
                    pen.text(line.period),
                    pen.text(pen.label("unsur", line.element)),
                    pen.text(line.action),
                    pen.text(line.responsible),
                    pen.text(pen.formats.date(line.due_on)),
                    pen.text(pen.label("follow_up", line.status), line.note or ""),
                )
            )
            for line in plan
        ],
    )


def blank(pen: Pen, text: str) -> Paragraph:
    """What a person is to write."""
    return Paragraph(text=f"[ {pen.say('to be filled in')}: {text} ]", is_blank=True)
