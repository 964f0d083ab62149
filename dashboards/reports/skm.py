"""The report of the satisfaction survey in five chapters, as health centres hand it in (DOMAIN 1.1.6).

Every table is filled in from the record; what only people can say (causes, decisions, who the team was) is
left as a marked blank. Nothing that anybody wrote stands in it: suggestions are personal.
"""

from collections.abc import Iterator

from dashboards.i18n import Language
from dashboards.queries.survey import SurveyFigures
from dashboards.reports import skm_annexes, skm_results
from dashboards.reports.chapters import framed, pen_for
from dashboards.reports.document import Block, Document, Paragraph, Row, Section, Table
from dashboards.reports.pen import Pen
from dashboards.reports.proof import UNSEALED
from dashboards.reports.response_times import FormatMissingError, left_out
from dashboards.reports.skm_plan import blank, plan_table
from dashboards.reports.skm_results import part
from dashboards.reports.skm_survey import Survey
from dashboards.reports.sources import Sources
from dispatch.domain.questionnaire import RequestState, SurveyChannel


def worded(
    found: Survey,
    *,
    sources: Sources,
    language: Language = Language.ID,
    missing: FormatMissingError | None = None,
) -> Document:
    """The report in *language*; the questions are those that were asked, in the same language."""
    pen = pen_for(sources, language)
    return framed(
        found.cover,
        pen,
        title=pen.say("Report of the satisfaction survey (SKM)"),
        sections=tuple(_sections(found, pen, sources)),
        sources=sources,
        standing=UNSEALED,
        omitted=left_out(pen, sources, missing),
    )


def _sections(found: Survey, pen: Pen, sources: Sources) -> Iterator[Section]:
    yield from _introduction(found, pen)
    yield from _collection(found, pen, sources)
    yield from skm_results.results(found.figures, found.weight, pen)
    yield from _analysis(found, pen)
    yield Section(title=_chapter(pen, "V", pen.say("Conclusion")), blocks=tuple(_conclusion(found, pen)))
    yield from skm_annexes.annexes(found, pen)


def _chapter(pen: Pen, number: str, title: str) -> str:
    return f"{pen.say('CHAPTER')} {number}  {title.upper()}"


# --- I and II: why, and how it was asked ----------------------------------------------------------


def _introduction(found: Survey, pen: Pen) -> Iterator[Section]:
    say = pen.say
    yield Section(title=_chapter(pen, "I", say("Introduction")))
    yield part(
        say("1.1 Background"),
        pen.note(
            "%(facility)s runs an emergency call service. Whoever called and was helped is asked how "
            "satisfied they were; this report sums up their answers of the period %(period)s.",
            facility=found.cover.facility_name,
            period=found.cover.period.text,
        ),
        blank(pen, say("why the survey matters to this unit, and what was found last time")),
    )
    yield part(
        say("1.2 Basis"),
        Paragraph(
            text=say(
                "Law 25/2009 on public services; Government Regulation 96/2012; Regulation of the Minister "
                "for State Apparatus 14/2017 on the satisfaction survey."
            )
        ),
        blank(pen, say("number and date of the decree of the head of the health centre on the survey")),
    )
    yield part(
        say("1.3 Purpose"),
        pen.note(
            "To know how satisfied the users are with each of the nine elements of the service, and to "
            "mend what they are least satisfied with."
        ),
    )


def _collection(found: Survey, pen: Pen, sources: Sources) -> Iterator[Section]:
    say, figures = pen.say, found.figures
    channels = {way: sum(one.respondents.by_channel[way] for one in figures.parts) for way in SurveyChannel}
    yield Section(title=_chapter(pen, "II", say("How the answers were collected")))
    yield part(say("2.1 Who carried it out"), blank(pen, say("the team, by decree or letter of assignment")))
    ways = Table(
        name=say("Ways"),
        title="",
        columns=(
            pen.column(say("Way"), weight=4),
            pen.column(say("Filled questionnaires"), is_number=True, weight=2),
        ),
        rows=[
            Row(cells=(pen.text(pen.label("survey_channel", way)), pen.count(channels[way])))
            for way in SurveyChannel
        ],
    )
    yield part(
        say("2.2 Method"),
        pen.note(
            "Questionnaire %(version)s with nine elements and four answers each; answering is voluntary. By "
            "keypad and link it is the caller's own phone that is asked after the incident; what was "
            "answered on paper was typed in by a named person.",
            version=", ".join(one.version for one in figures.parts),
        ),
        ways,
    )
    yield part(
        say("2.3 Place"),
        Paragraph(text=sources.facility.report.address or found.cover.facility_name),
    )
    yield part(
        say("2.4 Time"),
        pen.note(
            "From %(first)s until before %(after)s.",
            first=pen.formats.day(found.cover.from_at),
            after=pen.formats.day(found.cover.until_at),
        ),
        blank(pen, say("when it was planned, prepared, carried out, worked up and presented")),
    )
    yield part(say("2.5 How many respondents"), *_sample(figures, pen))


def _sample(figures: SurveyFigures, pen: Pen) -> Iterator[Block]:
    say = pen.say
    rows = [
        (say("Users of the service in the period (N)"), figures.users),
        (say("Respondents needed (Krejcie and Morgan, 95 %%, margin 5 %%)"), figures.needed),
        (say("Questionnaires filled"), figures.filled),
        (say("Questionnaires that broke off; in no figure"), figures.incomplete),
        *(
            (f"{say('Asked by the program')}: {pen.label('survey_request', state)}", figures.asked[state])
            for state in RequestState
        ),
    ]
    yield Table(
        name=say("Respondents"),
        title="",
        columns=(pen.column(say("What"), weight=6), pen.column(say("Number"), is_number=True, weight=2)),
        rows=[Row(cells=(pen.text(what), pen.count(number))) for what, number in rows],
    )
    short = figures.needed - figures.filled
    if short > 0:
        yield Paragraph(
            text=say(
                "%(short)s respondents fewer than needed: the index may not stand for all.", short=short
            ),
            is_notice=True,
        )


# --- IV, V and the annexes ------------------------------------------------------------------------


def _analysis(found: Survey, pen: Pen) -> Iterator[Section]:
    say = pen.say
    yield Section(title=_chapter(pen, "IV", say("Analysis")))
    yield part(
        say("4.1 Weaknesses and strengths"),
        *(block for one in found.figures.parts for block in skm_results.extremes(one, found.figures, pen)),
        blank(pen, say("why these elements stand where they stand")),
    )
    plan: Block = (
        plan_table(found.plan, pen)
        if found.plan
        else blank(pen, say("what will be done, by whom, until when"))
    )
    yield part(say("4.2 Follow-up plan (RTL)"), plan)
    yield part(say("4.3 Trend"), skm_results.trend(found.trend, pen))


def _conclusion(found: Survey, pen: Pen) -> Iterator[Block]:
    for one in found.figures.parts:
        yield skm_results.verdict(one, found.figures, pen)
    yield blank(pen, pen.say("what follows from this, and what is decided"))
