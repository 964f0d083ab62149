"""Chapter III of the survey's report and what else is a table of figures: index, grades, trend, spread."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from babel.numbers import format_decimal

from dashboards.i18n import Language
from dashboards.queries.survey import SurveyFigures
from dashboards.reports.document import Block, Cell, Column, Paragraph, Row, Section, Table
from dashboards.reports.pen import Pen
from dispatch.domain.questionnaire import FORM_ORDER, UNSUR, Education, Element, Occupation, Sex
from dispatch.domain.survey import BANDS, Band, Index, Weight, decimals

EXTREMES = 3
"""So many elements are named as the weakest, and as the strongest."""


def results(figures: SurveyFigures, weight: Weight, pen: Pen) -> Iterator[Section]:
    """Chapter III."""
    say = pen.say
    yield Section(title=f"{say('CHAPTER')} III  {say('Results').upper()}")
    yield Section(
        title=say("3.1 Respondents"),
        level=2,
        blocks=(_who(figures, pen),) if figures.index else (_none(pen),),
    )
    blocks: list[Block] = [verdict(figures, pen)]
    if figures.index is not None:
        blocks += [_elements(figures.index, weight, pen), _bands(pen)]
    yield Section(title=say("3.2 Index, in total and by element"), level=2, blocks=tuple(blocks))


def verdict(figures: SurveyFigures, pen: Pen) -> Paragraph:
    """The index in a sentence, with everything that it depends on; or that there is none."""
    index = figures.index
    if index is None:
        return _none(pen)
    return Paragraph(
        text=pen.say(
            "IKM %(index)s, on a scale to 100: %(converted)s; grade %(letter)s (%(label)s), from %(filled)s "
            "filled questionnaires, with the weight %(weight)s.",
            index=_number(decimals(index.ikm, 3), pen),
            converted=_number(index.rounded, pen),
            letter=index.band.letter,
            label=index.band.label,
            filled=pen.wording.number(index.filled),
            weight=index.weight,
        ),
        is_notice=True,
    )


def extremes(figures: SurveyFigures, pen: Pen) -> Iterator[Block]:
    """The weakest and the strongest elements."""
    index = figures.index
    if index is None:
        yield _none(pen)
        return
    ordered = sorted(FORM_ORDER, key=lambda element: index.nrr[element])
    for title, elements in (
        (pen.say("Lowest"), ordered[:EXTREMES]),
        (pen.say("Highest"), ordered[: -EXTREMES - 1 : -1]),
    ):
        yield Table(
            name=title,
            title=title,
            columns=_element_columns(pen),
            rows=[_element(index, element, pen) for element in elements],
        )


def trend(periods: Sequence[tuple[str, SurveyFigures]], pen: Pen) -> Table:
    """The index of the periods before and of this one."""
    say = pen.say
    return Table(
        name=say("Trend"),
        title="",
        columns=(
            pen.column(say("Period"), weight=2),
            pen.column(say("Filled questionnaires"), is_number=True, weight=2),
            pen.column(say("IKM to 100"), is_number=True, weight=2),
            pen.column(say("Grade"), weight=3),
        ),
        rows=[
            Row(
                cells=(
                    pen.text(text),
                    pen.count(figures.tally.filled),
                    _decimal(None if figures.index is None else figures.index.rounded, pen),
                    _grade(None if figures.index is None else figures.index.band, pen),
                )
            )
            for text, figures in periods
        ],
    )


def spread(figures: SurveyFigures, pen: Pen) -> Table:
    """How many chose each answer."""
    say = pen.say
    return Table(
        name=say("Spread"),
        title="",
        columns=(
            pen.column(say("Element"), weight=5),
            *(pen.column(str(score), is_number=True, weight=1) for score in range(1, 5)),
            pen.column(say("Sum of the scores"), is_number=True, weight=2),
            pen.column("NRR", is_number=True, weight=2),
        ),
        rows=[
            Row(
                cells=(
                    pen.text(UNSUR[element]),
                    *(pen.count(figures.distribution[element][score]) for score in range(1, 5)),
                    pen.count(figures.tally.sums[element]),
                    _decimal(None if figures.index is None else decimals(figures.index.nrr[element], 3), pen),
                )
            )
            for element in FORM_ORDER
        ],
    )


def _who(figures: SurveyFigures, pen: Pen) -> Table:
    found = figures.respondents
    kinds: Sequence[tuple[str, str, type[StrEnum], Mapping[str | None, int]]] = (
        ("sex", pen.say("Sex"), Sex, found.by_sex),
        ("education", pen.say("Education"), Education, found.by_education),
        ("occupation", pen.say("Occupation"), Occupation, found.by_occupation),
    )
    rows: list[Row] = []
    for kind, title, values, counts in kinds:
        said = [(pen.label(kind, value), counts.get(value, 0)) for value in values]
        for name, count in (*said, (pen.say("not stated"), counts.get(None, 0))):
            rows.append(Row(cells=(pen.text(title), pen.text(name), pen.count(count))))
    rows.append(
        Row(
            cells=(pen.text(pen.say("Total")), pen.text(""), pen.count(figures.tally.filled)),
            is_total=True,
        )
    )
    return Table(
        name=pen.say("Profile"),
        title="",
        columns=(
            pen.column(pen.say("Particular"), weight=3),
            pen.column(pen.say("Value"), weight=4),
            pen.column(pen.say("Respondents"), is_number=True, weight=2),
        ),
        rows=rows,
    )


def _elements(index: Index, weight: Weight, pen: Pen) -> Table:
    total = Row(
        cells=(
            pen.text("IKM"),
            pen.text(""),
            _decimal(decimals(index.ikm, 3), pen),
            _grade(index.band, pen),
        ),
        is_total=True,
    )
    rows = [_element(index, element, pen) for element in FORM_ORDER]
    return Table(
        name=pen.say("Elements"),
        title=pen.say("Weight %(weight)s; U1 to U9 in the order of the questionnaire", weight=weight),
        columns=_element_columns(pen),
        rows=[*rows, total],
    )


def _element_columns(pen: Pen) -> Sequence[Column]:
    return (
        pen.column(pen.say("Element"), weight=6),
        pen.column("NRR", is_number=True, weight=2),
        pen.column(pen.say("Weighted NRR"), is_number=True, weight=2),
        pen.column(pen.say("Grade"), weight=3),
    )


def _element(index: Index, element: Element, pen: Pen) -> Row:
    place = FORM_ORDER.index(element) + 1
    return Row(
        cells=(
            pen.text(f"U{place}  {UNSUR[element]}"),
            _decimal(decimals(index.nrr[element], 3), pen),
            _decimal(decimals(index.weighted[element], 3), pen),
            _grade(index.grade(element), pen),
        )
    )


def _bands(pen: Pen) -> Table:
    say = pen.say
    return Table(
        name=say("Bands"),
        title=say("Bands"),
        columns=(
            pen.column(say("Perception"), is_number=True, weight=1),
            pen.column(say("Index interval"), weight=3),
            pen.column(say("Converted interval"), weight=3),
            pen.column(say("Grade"), weight=3),
        ),
        rows=[
            Row(
                cells=(
                    pen.count(band.perception),
                    pen.text(f"{_text(band.index_from, pen)} – {_text(band.index_to, pen)}"),
                    pen.text(f"{_number(band.converted_from, pen)} – {_number(band.converted_to, pen)}"),
                    _grade(band, pen),
                )
            )
            for band in BANDS
        ],
    )


def _none(pen: Pen) -> Paragraph:
    return Paragraph(
        text=pen.say("Nobody filled a questionnaire in this period, so there is no index."), is_notice=True
    )


def _grade(band: Band | None, pen: Pen) -> Cell:
    return pen.text("–" if band is None else f"{band.letter} ({band.label})")


def _decimal(value: Decimal | None, pen: Pen) -> Cell:
    if value is None:
        return Cell(text="–", values=(None,))
    return Cell(text=_number(value, pen), values=(float(value),))


def _number(value: Decimal, pen: Pen) -> str:
    """With as many decimals as it has, and the comma where the language writes one."""
    places = -int(value.as_tuple().exponent)
    locale = "id_ID" if pen.language is Language.ID else "en_GB"
    return str(format_decimal(value, format="0." + "0" * places, locale=locale))


def _text(number: str, pen: Pen) -> str:
    return _number(Decimal(number), pen)
