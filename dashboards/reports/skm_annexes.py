"""The annexes of the survey's report: questionnaires, spread of the answers, earlier plan, and the method."""

from collections.abc import Iterator, Sequence

from dashboards.reports import skm_results
from dashboards.reports.document import Block, Row, Section, Table, Terms
from dashboards.reports.pen import Pen
from dashboards.reports.skm_plan import blank, plan_or_none
from dashboards.reports.skm_results import of_version, part
from dashboards.reports.skm_survey import Survey
from dispatch.domain.questionnaire import FORM_ORDER, Questionnaire


def annexes(found: Survey, pen: Pen) -> Iterator[Section]:
    """What follows the five chapters; a part for each version of the questionnaire."""
    say = pen.say
    yield Section(title=say("ANNEXES"))
    for version, questionnaire in found.questionnaires:
        title = say("Annex 1. Questionnaire %(version)s", version=version)
        yield part(title, _questions(version, questionnaire, pen))
    for own in found.figures.parts:
        title = of_version(say("Annex 2. How the answers spread"), own, found.figures)
        yield part(title, skm_results.spread(own, pen))
    yield part(
        say("Annex 3. Documentation of how it was carried out"),
        blank(pen, say("photographs, lists, letters")),
    )
    before = plan_or_none(found.plan_before, pen)
    yield part(say("Annex 4. What came of the follow-up plan of the period before"), before)
    yield Section(title=say("How the index is reckoned"), level=2, blocks=(Terms(items=_method(found, pen)),))


def _questions(version: str, questionnaire: Questionnaire | None, pen: Pen) -> Block:
    """The questions as they were asked."""
    say = pen.say
    if questionnaire is None:
        return pen.note(
            "The words of %(version)s are not kept in this program; its answers are counted by themselves.",
            version=version,
        )
    columns = (
        pen.column(say("No."), weight=1),
        pen.column(say("Question"), weight=6),
        *(pen.column(str(score), weight=2) for score in range(1, 5)),
    )
    wordings = [questionnaire.wording(element, str(pen.language)) for element in FORM_ORDER]
    return Table(
        name=say("Questionnaire"),
        title="",
        columns=columns,
        rows=[
            Row(cells=[pen.text(text) for text in (f"U{place}", wording.question, *wording.answers)])
            for place, wording in enumerate(wordings, 1)
        ],
    )


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
