"""Whatever people answer: the index keeps within its weight, and better answers grade no worse."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain.questionnaire import FORM_ORDER, Element
from dispatch.domain.survey import BANDS, Index, Tally, Weight, band_of, index_of, respondents_needed

_scores = st.lists(st.integers(1, 4), min_size=9, max_size=9)
_questionnaires = st.lists(_scores, min_size=1, max_size=30)
_weights = st.sampled_from(Weight)


def tallied(questionnaires: Sequence[Sequence[int]]) -> Tally:
    columns = zip(*questionnaires, strict=True)
    return Tally(
        filled=len(questionnaires),
        sums={element: sum(scores) for element, scores in zip(FORM_ORDER, columns, strict=True)},
    )


def indexed(questionnaires: Sequence[Sequence[int]], weight: Weight) -> Index:
    index = index_of(tallied(questionnaires), weight)
    assert index is not None
    return index


@given(_questionnaires, _weights)
def test_the_index_is_the_mean_of_all_answers_on_the_scale_of_100(
    questionnaires: list[list[int]], weight: Weight
) -> None:
    index = indexed(questionnaires, weight)
    every = [score for scores in questionnaires for score in scores]
    assert index.converted == Fraction(sum(every), len(questionnaires)) * weight.exactly * 25
    assert 225 * weight.exactly <= index.converted <= 900 * weight.exactly
    assert all(1 <= nrr <= 4 for nrr in index.nrr.values())
    assert abs(index.rounded - Decimal(float(index.converted))) <= Decimal("0.0051")


@given(_questionnaires, _weights, st.sampled_from(list(Element)))
def test_one_better_answer_never_grades_worse(
    questionnaires: list[list[int]], weight: Weight, element: Element
) -> None:
    place = FORM_ORDER.index(element)
    better = [list(scores) for scores in questionnaires]
    better[0][place] = 4
    before, after = indexed(questionnaires, weight), indexed(better, weight)
    assert after.converted >= before.converted
    assert after.band.perception >= before.band.perception


@given(_questionnaires, _weights)
def test_the_order_in_which_people_answered_means_nothing(
    questionnaires: list[list[int]], weight: Weight
) -> None:
    assert indexed(questionnaires[::-1], weight) == indexed(questionnaires, weight)


@given(st.fractions(min_value=0, max_value=100))
def test_every_value_has_one_band(converted: Fraction) -> None:
    rounded = Decimal(round(float(converted), 4)).quantize(Decimal("0.01"))
    band = band_of(converted)
    at_edge = any(abs(rounded - edge.converted_from) <= Decimal("0.01") for edge in BANDS)
    assert at_edge or band is BANDS[0] or band.converted_from <= rounded <= band.converted_to


@given(st.integers(0, 10**9))
def test_never_more_should_answer_than_there_are_nor_fewer_when_there_are_more(users: int) -> None:
    needed = respondents_needed(users)
    assert 0 <= needed <= min(users, 384)
    assert respondents_needed(users + 1) >= needed
