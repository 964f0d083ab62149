"""The report of the satisfaction survey in five chapters, as health centres hand it in (DOMAIN 1.1.6).

Every table is filled in from the record; what only people can say (causes, decisions, who the team was) is
left as a marked blank. Nothing that anybody wrote stands in it: suggestions are personal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dashboards.i18n import Language
from dashboards.queries.survey import FollowUpLine, SurveyFigures, follow_ups, read_survey
from dashboards.reports import skm_results
from dashboards.reports.chapters import framed, pen_for
from dashboards.reports.cover import Cover, cover_of
from dashboards.reports.document import Block, Document, Paragraph, Row, Section, Table, Terms
from dashboards.reports.pen import Pen
from dashboards.reports.periods import Period, period_before
from dashboards.reports.proof import UNSEALED, Standing
from dashboards.reports.response_times import FormatMissingError, left_out
from dashboards.reports.sources import Sources
from dispatch.domain.questionnaire import CURRENT, FORM_ORDER, RequestState, SurveyChannel
from dispatch.domain.survey import Weight

EARLIER = 4
"""So many periods before are shown as a trend (4.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Everything that the report says; ``trend`` ends with the period itself."""

    cover: Cover
    figures: SurveyFigures
    trend: Sequence[tuple[str, SurveyFigures]]
    plan: Sequence[FollowUpLine]
    plan_before: Sequence[FollowUpLine]
    weight: Weight
    standing: Standing


def read(session: Session, *, sources: Sources, period: Period, as_of: datetime | None = None) -> Survey:
    """The survey of *period*, the periods of the same length before it, and both follow-up plans."""
    facility = sources.facility
    earlier: list[Period] = []
    while len(earlier) < EARLIER and (before := period_before(earlier[-1] if earlier else period)):
        earlier.append(before)
    trend = [
        (one.text, read_survey(session, facility.code, one.span(facility.zone), facility.survey.weight))
        for one in (*reversed(earlier), period)
    ]
    return Survey(
        cover=cover_of(facility, period, as_of),
        figures=trend[-1][1],
        trend=trend,
        plan=follow_ups(session, facility.code, period.text),
        plan_before=follow_ups(session, facility.code, earlier[0].text) if earlier else (),
        weight=facility.survey.weight,
        standing=UNSEALED,
    )


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
        standing=found.standing,
        omitted=left_out(pen, sources, missing),
    )


def plan(found: Survey, *, sources: Sources) -> Document:
    """The follow-up plan alone, for whoever asks for it by itself, and what came of the one before."""
    pen = pen_for(sources, Language.ID)
    say = pen.say
    return framed(
        found.cover,
        pen,
        title=say("Follow-up plan of the satisfaction survey (RTL)"),
        sections=(
            Section(title=say("Plan of this period"), blocks=(_plan_or_none(found.plan, pen),)),
            Section(title=say("Plan of the period before"), blocks=(_plan_or_none(found.plan_before, pen),)),
            Section(
                title=say("Proof that it was carried out"),
                blocks=(blank(pen, say("photographs, lists, letters")),),
            ),
        ),
        sources=sources,
        standing=found.standing,
    )


def _plan_or_none(lines: Sequence[FollowUpLine], pen: Pen) -> Block:
    return plan_table(lines, pen) if lines else pen.note("No follow-up plan is on record.")


def _sections(found: Survey, pen: Pen, sources: Sources) -> Iterator[Section]:
    yield from _introduction(found, pen)
    yield from _collection(found, pen, sources)
    yield from skm_results.results(found.figures, found.weight, pen)
    yield from _analysis(found, pen)
    yield Section(title=_chapter(pen, "V", pen.say("Conclusion")), blocks=tuple(_conclusion(found, pen)))
    yield from _annexes(found, pen)


def _chapter(pen: Pen, number: str, title: str) -> str:
    return f"{pen.say('CHAPTER')} {number}  {title.upper()}"


def _part(title: str, *blocks: Block) -> Section:
    return Section(title=title, level=2, blocks=blocks)


def blank(pen: Pen, text: str) -> Paragraph:
    """What a person is to write."""
    return Paragraph(text=f"[ {pen.say('to be filled in')}: {text} ]", is_blank=True)


# --- I and II: why, and how it was asked ----------------------------------------------------------


def _introduction(found: Survey, pen: Pen) -> Iterator[Section]:
    say = pen.say
    yield Section(title=_chapter(pen, "I", say("Introduction")))
    yield _part(
        say("1.1 Background"),
        pen.note(
            "%(facility)s runs an emergency call service. Whoever called and was helped is asked how "
            "satisfied they were; this report sums up their answers of the period %(period)s.",
            facility=found.cover.facility_name,
            period=found.cover.period.text,
        ),
        blank(pen, say("why the survey matters to this unit, and what was found last time")),
    )
    yield _part(
        say("1.2 Basis"),
        Paragraph(
            text=say(
                "Law 25/2009 on public services; Government Regulation 96/2012; Regulation of the Minister "
                "for State Apparatus 14/2017 on the satisfaction survey."
            )
        ),
        blank(pen, say("number and date of the decree of the head of the health centre on the survey")),
    )
    yield _part(
        say("1.3 Purpose"),
        pen.note(
            "To know how satisfied the users are with each of the nine elements of the service, and to "
            "mend what they are least satisfied with."
        ),
    )


def _collection(found: Survey, pen: Pen, sources: Sources) -> Iterator[Section]:
    say, figures = pen.say, found.figures
    channels = figures.respondents.by_channel
    yield Section(title=_chapter(pen, "II", say("How the answers were collected")))
    yield _part(say("2.1 Who carried it out"), blank(pen, say("the team, by decree or letter of assignment")))
    ways = Table(
        name=say("Ways"),
        title="",
        columns=(
            pen.column(say("Way"), weight=4),
            pen.column(say("Filled questionnaires"), is_number=True, weight=2),
        ),
        rows=[
            Row(cells=(pen.text(pen.label("survey_channel", way)), pen.count(channels.get(way, 0))))
            for way in SurveyChannel
        ],
    )
    yield _part(
        say("2.2 Method"),
        pen.note(
            "Questionnaire %(version)s with nine elements and four answers each; answering is voluntary. By "
            "keypad and link it is the caller's own phone that is asked after the incident; what was "
            "answered on paper was typed in by a named person.",
            version=figures.version,
        ),
        ways,
    )
    yield _part(
        say("2.3 Place"),
        Paragraph(text=sources.facility.report.address or found.cover.facility_name),
    )
    yield _part(
        say("2.4 Time"),
        pen.note(
            "From %(first)s until before %(after)s.",
            first=pen.formats.day(found.cover.from_at),
            after=pen.formats.day(found.cover.until_at),
        ),
        blank(pen, say("when it was planned, prepared, carried out, worked up and presented")),
    )
    yield _part(say("2.5 How many respondents"), *_sample(figures, pen))


def _sample(figures: SurveyFigures, pen: Pen) -> Iterator[Block]:
    say = pen.say
    rows = [
        (say("Users of the service in the period (N)"), figures.users),
        (say("Respondents needed (Krejcie and Morgan, 95 %%, margin 5 %%)"), figures.needed),
        (say("Questionnaires filled"), figures.tally.filled),
        (say("Questionnaires that broke off; in no figure"), figures.tally.incomplete),
        *(
            (f"{say('Asked by the program')}: {pen.label('survey_request', state)}", figures.asked[state])
            for state in RequestState
        ),
    ]
    if figures.other_versions:
        rows.append((say("Answers to another questionnaire; in no figure"), figures.other_versions))
    yield Table(
        name=say("Respondents"),
        title="",
        columns=(pen.column(say("What"), weight=6), pen.column(say("Number"), is_number=True, weight=2)),
        rows=[Row(cells=(pen.text(what), pen.count(number))) for what, number in rows],
    )
    short = figures.needed - figures.tally.filled
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
    yield _part(
        say("4.1 Weaknesses and strengths"),
        *skm_results.extremes(found.figures, pen),
        blank(pen, say("why these elements stand where they stand")),
    )
    plan: Block = (
        plan_table(found.plan, pen)
        if found.plan
        else blank(pen, say("what will be done, by whom, until when"))
    )
    yield _part(say("4.2 Follow-up plan (RTL)"), plan)
    yield _part(say("4.3 Trend"), skm_results.trend(found.trend, pen))


def plan_table(plan: Sequence[FollowUpLine], pen: Pen) -> Table:
    """The steps of a follow-up plan and where they stand."""
    say = pen.say
    return Table(
        name=say("Follow-up plan"),
        title="",
        columns=(
            pen.column(say("Element"), weight=3),
            pen.column(say("What is done"), weight=5),
            pen.column(say("By whom"), weight=3),
            pen.column(say("Until"), weight=2),
            pen.column(say("Status"), weight=3),
        ),
        rows=[
            Row(
                cells=(
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


def _conclusion(found: Survey, pen: Pen) -> Iterator[Block]:
    yield skm_results.verdict(found.figures, pen)
    yield blank(pen, pen.say("what follows from this, and what is decided"))


def _annexes(found: Survey, pen: Pen) -> Iterator[Section]:
    say = pen.say
    yield Section(title=say("ANNEXES"))
    columns = (
        pen.column(say("No."), weight=1),
        pen.column(say("Question"), weight=6),
        *(pen.column(str(score), weight=2) for score in range(1, 5)),
    )
    wordings = [CURRENT.wording(element, str(pen.language)) for element in FORM_ORDER]
    questions = Table(
        name=say("Questionnaire"),
        title="",
        columns=columns,
        rows=[
            Row(cells=[pen.text(text) for text in (f"U{place}", wording.question, *wording.answers)])
            for place, wording in enumerate(wordings, 1)
        ],
    )
    yield _part(say("Annex 1. Questionnaire %(version)s", version=CURRENT.version), questions)
    yield _part(say("Annex 2. How the answers spread"), skm_results.spread(found.figures, pen))
    yield _part(
        say("Annex 3. Documentation of how it was carried out"),
        blank(pen, say("photographs, lists, letters")),
    )
    before = _plan_or_none(found.plan_before, pen)
    yield _part(say("Annex 4. What came of the follow-up plan of the period before"), before)
    yield Section(title=say("How the index is reckoned"), level=2, blocks=(Terms(items=_method(found, pen)),))


def _method(found: Survey, pen: Pen) -> Sequence[tuple[str, str]]:
    say = pen.say
    return (
        ("NRR", say("Sum of the scores of an element, divided by the number of questionnaires filled.")),
        (
            say("Weighted NRR"),
            say(
                "NRR times the weight of an element. The weight used here is %(weight)s.", weight=found.weight
            ),
        ),
        ("IKM", say("Sum of the nine weighted NRR; times 25 on a scale to 100, rounded to two decimals.")),
        (
            say("Weight and grade"),
            say(
                "Units print 1/9, 0.111 or 0.11 as the weight, and the choice can change the grade. Bands, "
                "weights and sample sizes were taken from tools and reports in use, not from the text of "
                "the regulation."
            ),
        ),
    )
