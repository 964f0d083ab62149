"""The blank questionnaire of the satisfaction survey as a paper: what ``/survey/form`` prints, for the pack.

It is a form and no report, so nobody signs it and there is nothing in it to prove.
"""

from dataclasses import replace

from dashboards.i18n import Language
from dashboards.reports.chapters import in_frame, pen_for
from dashboards.reports.document import Document, Paragraph, Proof, Row, Section, Signing, Table
from dashboards.reports.pen import Pen
from dashboards.reports.proof import Standing
from dashboards.reports.sources import Sources
from dashboards.survey_forms import PARTICULARS, questions
from dispatch.domain.questionnaire import CURRENT

BOX, DOTS = "☐", "." * 60
_NO_PROOF = Proof(title="", words="", how="")
_NO_SIGNING = Signing(place_and_date="", title="", room="", name="", nip="")


def worded(*, sources: Sources, language: Language = Language.ID) -> Document:
    """The questionnaire that is asked now."""
    pen = pen_for(sources, language)
    say = pen.say
    document = in_frame(
        pen,
        title=say("Satisfaction survey: questionnaire"),
        period=CURRENT.version,
        lines=(f"{say('Version')} {CURRENT.version}",),
        sections=(
            Section(
                title=say("About you"),
                blocks=(
                    pen.note(
                        "Answering is voluntary. Do not write your name. Mark one answer to each question."
                    ),
                    _particulars(pen),
                ),
            ),
            Section(title=say("Questions"), blocks=(_questions(pen),)),
            Section(
                title=say("What should we do better? (may stay empty)"),
                blocks=(Paragraph(text=DOTS * 3),) * 3,
            ),
        ),
        sources=sources,
        standing=Standing(),
    )
    return replace(document, proof=_NO_PROOF, signing=_NO_SIGNING)


def _particulars(pen: Pen) -> Table:
    say = pen.say
    titles = {"sex": say("Sex"), "education": say("Education"), "occupation": say("Occupation")}
    rows = [(say("Date"), DOTS)]
    rows += [
        (titles[kind], "   ".join(f"{BOX} {pen.label(kind, value)}" for value in values))
        for kind, values in PARTICULARS
    ]
    return Table(
        name=say("About you"),
        title="",
        columns=(pen.column(say("Particular"), weight=2), pen.column(say("Answer"), weight=7)),
        rows=[Row(cells=(pen.text(title), pen.text(text))) for title, text in rows],
    )


def _questions(pen: Pen) -> Table:
    columns = (
        pen.column(pen.say("No."), weight=1),
        pen.column(pen.say("Question"), weight=6),
        *(pen.column(str(score), weight=3) for score in range(1, 5)),
    )
    rows = [
        Row(
            cells=(
                pen.text(f"U{one.number}"),
                pen.text(one.text),
                *(pen.text(f"{BOX} {answer}") for _, answer in one.answers),
            )
        )
        for one in questions(pen.language)
    ]
    return Table(name=pen.say("Questions"), title="", columns=columns, rows=rows)
