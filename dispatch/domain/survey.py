"""The satisfaction index (IKM, *nilai SKM*) of Permenpan-RB 14/2017: from sums of answers to a grade.

    NRR of an element  = sum of its scores / number of questionnaires filled         1.00 to 4.00
    weighted NRR       = NRR x weight
    IKM                = sum of the nine weighted NRR
    converted IKM      = IKM x 25                                                    25 to 100

A questionnaire counts as filled when all nine elements were answered. One that breaks off (a caller hung up,
a line on paper was left out) is kept and counted apart, and enters no sum: an average of each element over
different people would be no average of questionnaires, and the rule divides by those that were filled.

Exact throughout: nothing is rounded before the converted index, which is rounded half up to two decimals,
printed so, and compared so with the bands (DOMAIN 1.1.3 and 1.1.4). The weight can change the grade, so it is
part of the result. Numbers of the rule come from second hand; none is quoted here as law.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from dispatch.domain.questionnaire import FORM_ORDER, HIGHEST, LOWEST, Element

CONVERSION = 25
"""What the index is multiplied by to reach a scale of 100."""


class Weight(StrEnum):
    """How much each of nine elements counts: exactly, or as some units print it."""

    NINTH = "1/9"
    THREE_DECIMALS = "0.111"
    TWO_DECIMALS = "0.11"

    @property
    def exactly(self) -> Fraction:
        """The number to calculate with."""
        return Fraction(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One row of the table of quality (*mutu pelayanan*), as it is printed."""

    perception: int
    letter: str
    label: str
    index_from: str
    index_to: str
    converted_from: Decimal
    converted_to: Decimal


def _band(
    perception: int, letter: str, label: str, index: tuple[str, str], converted: tuple[str, str]
) -> Band:
    return Band(
        perception=perception,
        letter=letter,
        label=label,
        index_from=index[0],
        index_to=index[1],
        converted_from=Decimal(converted[0]),
        converted_to=Decimal(converted[1]),
    )


BANDS: tuple[Band, ...] = (
    _band(1, "D", "Tidak baik", ("1.00", "2.5996"), ("25.00", "64.99")),
    _band(2, "C", "Kurang baik", ("2.60", "3.064"), ("65.00", "76.60")),
    _band(3, "B", "Baik", ("3.0644", "3.532"), ("76.61", "88.30")),
    _band(4, "A", "Sangat baik", ("3.5324", "4.00"), ("88.31", "100.00")),
)
"""The bands of DOMAIN 1.1.4, lowest first; the labels are the rule's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the questionnaires of a period add up to; ``sums`` are of the filled ones only."""

    filled: int = 0
    incomplete: int = 0
    sums: Mapping[Element, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The index of a period, exactly, with the weight that it was reckoned by."""

    weight: Weight
    filled: int
    incomplete: int
    nrr: Mapping[Element, Fraction]
    weighted: Mapping[Element, Fraction]
    ikm: Fraction
    converted: Fraction

    @property
    def rounded(self) -> Decimal:
        """The converted index with two decimals, as it is printed and graded."""
        return decimals(self.converted, 2)

    @property
    def band(self) -> Band:
        """Its grade."""
        return band_of(self.converted)

    def grade(self, element: Element) -> Band:
        """The grade of one element by itself: its NRR on the scale of 100, whatever the weight."""
        return band_of(self.nrr[element] * CONVERSION)


def index_of(tally: Tally, weight: Weight) -> Index | None:
    """The index of *tally*; None when no questionnaire was filled: there is nothing to be said then.

    Raises:
        ValueError: the sums cannot be those of so many filled questionnaires; a mistake of the program.
    """
    if tally.filled == 0:
        return None
    for element in FORM_ORDER:
        if not tally.filled * LOWEST <= tally.sums[element] <= tally.filled * HIGHEST:
            raise ValueError(f"{tally.sums[element]} is no sum of {tally.filled} answers ({element})")
    return index_from_nrr(
        {element: Fraction(tally.sums[element], tally.filled) for element in FORM_ORDER},
        weight,
        filled=tally.filled,
        incomplete=tally.incomplete,
    )


def index_from_nrr(
    nrr: Mapping[Element, Fraction], weight: Weight, *, filled: int, incomplete: int = 0
) -> Index:
    """The index of given averages, one for each of the nine elements."""
    weighted = {element: nrr[element] * weight.exactly for element in FORM_ORDER}
    ikm = sum(weighted.values(), start=Fraction(0))
    return Index(
        weight=weight,
        filled=filled,
        incomplete=incomplete,
        nrr={element: nrr[element] for element in FORM_ORDER},
        weighted=weighted,
        ikm=ikm,
        converted=ikm * CONVERSION,
    )


def band_of(converted: Fraction) -> Band:
    """The band of an index on the scale of 100, compared after rounding to two decimals.

    With a weight of 0.11 the lowest index is 24.75; what lies under the table belongs to its lowest band.

    >>> band_of(Fraction("88.305")).letter, band_of(Fraction("88.3049")).letter
    ('A', 'B')
    """
    rounded = decimals(converted, 2)
    reached = [band for band in BANDS if rounded >= band.converted_from]
    return reached[-1] if reached else BANDS[0]


def decimals(value: Fraction, places: int) -> Decimal:
    """*value* with so many decimals, rounded half up as people do; never negative.

    >>> decimals(Fraction("80.7125"), 2), decimals(Fraction(1, 3), 3)
    (Decimal('80.71'), Decimal('0.333'))
    """
    scaled = value * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole).scaleb(-places)


_CHI_SQUARE = Fraction("3.841")
"""Of one degree of freedom, for 95 %."""
_SPREAD = Fraction(1, 4)
"""P times Q, both one half: the most that a share can vary."""
_MARGIN_SQUARED = Fraction("0.05") ** 2


def respondents_needed(users: int) -> int:
    """How many of *users* of the service should answer (Krejcie and Morgan 1970; DOMAIN 1.1.5).

    S = X²·N·P·Q / (d²·(N − 1) + X²·P·Q), rounded to the nearest. *users* are those who used the service in
    the period, not the population. 0 for none; ValueError for fewer.

    >>> [respondents_needed(users) for users in (10, 150, 1000, 13908)]
    [10, 108, 278, 374]
    """
    if users < 0:
        raise ValueError(f"there cannot be {users} users")
    if users == 0:
        return 0
    found = _CHI_SQUARE * users * _SPREAD / (_MARGIN_SQUARED * (users - 1) + _CHI_SQUARE * _SPREAD)
    return int(decimals(found, 0))
