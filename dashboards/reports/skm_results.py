"""Chapter III of the survey's report and what else is a table of figures: index, grades, trend, spread."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from babel.numbers import format_decimal

from dashboards.i18n import Language
from dashboards.queries.survey import SurveyFigures, SurveyPart
from dashboards.reports.document import Block, Cell, Column, Paragraph, Row, Section, Table
from dashboards.reports.pen import Pen
from dispatch.domain.questionnaire import FORM_ORDER, UNSUR, Education, Element, Occupation, Sex
from dispatch.domain.survey import BANDS, Band, Index, Weight, decimals

EXTREMES = 3
"""So many elements at least are named as the weakest, and as the strongest."""


def part(title: str, *blocks: Block) -> Section:
    """A part of a chapter."""
    return Section(title=title, level=2, blocks=blocks)


def of_version(title: str, own: SurveyPart, figures: SurveyFigures) -> str:
    """*title*, with the version that it is about where the period has several."""
    return f"{title} · {own.version}" if figures.earlier else title


def results(figures: SurveyFigures, weight: Weight, pen: Pen) -> Iterator[Section]:
    """Chapter III; a part of its own for each version of the questionnaire."""
    say = pen.say
    chapter = f"{say('CHAPTER')} III  {say('Results').upper()}"
    if figures.earlier:
        several = Paragraph(
            text=say(
                "Several versions of the questionnaire were answered in this period: %(versions)s. Each has "
                "its own figures, and none is added to another's.",
                versions=", ".join(own.version for own in figures.parts),
            ),
            is_notice=True,
        )
        yield Section(title=chapter, blocks=(several,))
    else:
        yield Section(title=chapter)
    for own in figures.parts:
        yield part(
            of_version(say("3.1 Respondents"), own, figures),
            _who(own, pen) if own.index else _none(pen),
        )
        blocks: list[Block] = [verdict(own, figures, pen)]
        if own.index is not None:
            blocks += [_elements(own.index, weight, pen), _bands(pen)]
        yield part(of_version(say("3.2 Index, in total and by element"), own, figures), *blocks)


def verdict(own: SurveyPart, figures: SurveyFigures, pen: Pen) -> Paragraph:
    """The index in a sentence, with everything that it depends on; or that there is none."""
    index = own.index
    if index is None:
        return _none(pen)
    return Paragraph(
        text=(f"{own.version}: " if figures.earlier else "")
        + pen.say(
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


def extremes(own: SurveyPart, figures: SurveyFigures, pen: Pen) -> Iterator[Block]:
    """The weakest and the strongest elements, equal ones together; no element is both."""
    index = own.index
    if index is None:
        yield _none(pen)
        return
    lowest, highest = weakest_and_strongest(index)
    if not lowest:
        yield pen.note(
            "All nine elements have the same NRR, %(nrr)s: none is the lowest or the highest.",
            nrr=_number(decimals(index.nrr[FORM_ORDER[0]], 3), pen),
        )
        return
    for title, elements in ((pen.say("Lowest"), lowest), (pen.say("Highest"), highest)):
        yield Table(
            name=title,
            title=of_version(title, own, figures),
            columns=_element_columns(pen),
            rows=[_element(index, element, pen) for element in elements],
        )


def weakest_and_strongest(index: Index) -> tuple[Sequence[Element], Sequence[Element]]:
    """At least :data:`EXTREMES` from each end where there are so many; two with the same NRR stand together.

    What would stand at both ends stands at neither. Both are empty when all are equal.
    """
    levels: dict[Fraction, list[Element]] = {}
    for element in sorted(FORM_ORDER, key=lambda element: index.nrr[element]):
        levels.setdefault(index.nrr[element], []).append(element)
    ordered = list(levels.values())
    lowest, highest = _first(ordered[:-1]), _first(ordered[:0:-1])
    both = {*lowest} & {*highest}
    return (
        [element for element in lowest if element not in both],
        [element for element in highest if element not in both],
    )


def _first(levels: Sequence[Sequence[Element]]) -> Sequence[Element]:
    """Whole levels until there are enough."""
    found: list[Element] = []
    for level in levels:
        if len(found) >= EXTREMES:
            break
        found += level
    return found


def trend(periods: Sequence[tuple[str, SurveyFigures]], pen: Pen) -> Table:
    """The index of the periods before and of this one; with the version where they are of several."""
    say = pen.say
    versions = {own.version for _, figures in periods for own in figures.parts if own.tally.filled}
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
                    pen.text(f"{text} · {own.version}" if len(versions) > 1 and own.tally.filled else text),
                    pen.count(own.tally.filled),
                    _decimal(None if own.index is None else own.index.rounded, pen),
                    _grade(None if own.index is None else own.index.band, pen),
                )
            )
            for text, figures in periods
            for own in figures.parts
        ],
    )


def spread(figures: SurveyPart, pen: Pen) -> Table:
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


def _who(figures: SurveyPart, pen: Pen) -> Table:
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
