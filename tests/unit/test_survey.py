"""The satisfaction index by the golden values of DOMAIN 1.1.3–1.1.5, and which answers are refused."""

from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise

import pytest

from dispatch.domain.errors import AnswerRefusedError, QuestionnaireVersionError
from dispatch.domain.questionnaire import CURRENT, FORM_ORDER, LIST_ORDER, UNSUR, Element, checked, is_filled
from dispatch.domain.survey import (
    BANDS,
    Tally,
    Weight,
    band_of,
    decimals,
    index_from_nrr,
    index_of,
    respondents_needed,
)

GOLDEN_A = ("3.20", "3.15", "3.05", "3.90", "3.25", "3.30", "3.40", "3.00", "3.10")


def averages(*texts: str) -> dict[Element, Fraction]:
    return {element: Fraction(text) for element, text in zip(FORM_ORDER, texts, strict=True)}


def everybody_says(score: int, filled: int = 7) -> Tally:
    return Tally(filled=filled, sums=dict.fromkeys(FORM_ORDER, score * filled))


@pytest.mark.parametrize(
    ("weight", "exactly", "printed"),
    [
        (Weight.TWO_DECIMALS, Fraction("80.7125"), "80.71"),
        (Weight.THREE_DECIMALS, Fraction("81.44625"), "81.45"),
        (Weight.NINTH, Fraction("29.35") * 25 / 9, "81.53"),
    ],
)
def test_golden_a(weight: Weight, exactly: Fraction, printed: str) -> None:
    index = index_from_nrr(averages(*GOLDEN_A), weight, filled=20)
    assert index.converted == exactly
    assert index.rounded == Decimal(printed)
    assert (index.band.letter, index.band.label) == ("B", "Baik")
    assert index.weight is weight


@pytest.mark.parametrize(
    ("weight", "exactly", "letter"),
    [
        (Weight.TWO_DECIMALS, Fraction("87.5875"), "B"),
        (Weight.THREE_DECIMALS, Fraction("88.38375"), "A"),
        (Weight.NINTH, Fraction("31.85") * 25 / 9, "A"),
    ],
)
def test_golden_b_the_weight_changes_the_grade(weight: Weight, exactly: Fraction, letter: str) -> None:
    same = dict.fromkeys(FORM_ORDER, Fraction("31.85") / 9)
    index = index_from_nrr(same, weight, filled=20)
    assert index.converted == exactly
    assert index.band.letter == letter


@pytest.mark.parametrize(
    ("weight", "lowest", "highest"),
    [
        (Weight.TWO_DECIMALS, "24.75", "99.00"),
        (Weight.THREE_DECIMALS, "24.975", "99.90"),
        (Weight.NINTH, "25.00", "100.00"),
    ],
)
def test_how_far_each_weight_reaches(weight: Weight, lowest: str, highest: str) -> None:
    low, high = index_of(everybody_says(1), weight), index_of(everybody_says(4), weight)
    assert low is not None
    assert high is not None
    assert (low.converted, high.converted) == (Fraction(lowest), Fraction(highest))
    assert (low.band.letter, high.band.letter) == ("D", "A")


@pytest.mark.parametrize(
    ("converted", "letter"),
    [
        ("25.00", "D"),
        ("64.99", "D"),
        ("64.994999", "D"),
        ("64.995", "C"),
        ("65.00", "C"),
        ("76.60", "C"),
        ("76.605", "B"),
        ("76.61", "B"),
        ("88.30", "B"),
        ("88.304999", "B"),
        ("88.305", "A"),
        ("88.31", "A"),
        ("100", "A"),
    ],
)
def test_bands_have_no_gaps_because_two_decimals_are_compared(converted: str, letter: str) -> None:
    assert band_of(Fraction(converted)).letter == letter


def test_each_band_begins_a_hundredth_after_the_one_before() -> None:
    for below, above in pairwise(BANDS):
        assert above.converted_from - below.converted_to == Decimal("0.01")


def test_an_element_is_graded_by_itself_whatever_the_weight() -> None:
    index = index_from_nrr(averages(*GOLDEN_A), Weight.TWO_DECIMALS, filled=20)
    assert index.grade(Element.COST).letter == "A"
    assert index.grade(Element.FACILITIES).letter == "C"


def test_the_average_divides_by_the_filled_ones_alone() -> None:
    tally = Tally(filled=3, incomplete=5, sums=dict.fromkeys(FORM_ORDER, 10))
    index = index_of(tally, Weight.NINTH)
    assert index is not None
    assert index.nrr[Element.TIME] == Fraction(10, 3)
    assert (index.filled, index.incomplete) == (3, 5)


def test_without_a_filled_questionnaire_there_is_no_index() -> None:
    assert index_of(Tally(filled=0, incomplete=4, sums=dict.fromkeys(FORM_ORDER, 0)), Weight.NINTH) is None


def test_sums_that_no_answers_have_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="no sum of 2 answers"):
        index_of(Tally(filled=2, sums=dict.fromkeys(FORM_ORDER, 9)), Weight.NINTH)


@pytest.mark.parametrize(
    ("users", "needed"),
    [
        (0, 0), (1, 1), (10, 10), (15, 14), (20, 19), (25, 24), (30, 28), (50, 44), (75, 63), (100, 80),
        (120, 92), (150, 108), (200, 132), (250, 152), (300, 169), (400, 196), (500, 217), (600, 234),
        (700, 248), (800, 260), (900, 269), (1000, 278), (2000, 322), (3000, 341), (5000, 357),
        (10_000, 370), (13_908, 374), (15_000, 375), (20_000, 377), (50_000, 381), (100_000, 383),
    ],
)  # fmt: skip
def test_how_many_should_answer(users: int, needed: int) -> None:
    assert respondents_needed(users) == needed


def test_there_are_no_fewer_users_than_none() -> None:
    with pytest.raises(ValueError, match="-1 users"):
        respondents_needed(-1)


def test_halves_are_rounded_up_and_not_to_the_even_one() -> None:
    assert decimals(Fraction("0.125"), 2) == Decimal("0.13")
    assert decimals(Fraction("0.115"), 2) == Decimal("0.12")
    assert str(decimals(Fraction(3), 2)) == "3.00"


# --- the questionnaire


def test_the_last_two_swap_places_and_keep_their_keys() -> None:
    assert FORM_ORDER[7:] == (Element.FACILITIES, Element.COMPLAINTS)
    assert LIST_ORDER[7:] == (Element.COMPLAINTS, Element.FACILITIES)
    assert set(LIST_ORDER) == set(FORM_ORDER) == set(UNSUR)


def test_every_element_has_its_words_in_both_languages() -> None:
    for language in ("id", "en"):
        words = [CURRENT.wording(element, language) for element in FORM_ORDER]
        assert all(word.question.endswith("?") for word in words)
        assert len({word.question for word in words}) == 9
        assert all(len(set(word.answers)) == 4 for word in words)


def test_answers_come_as_numbers_or_digits_and_leave_in_the_order_of_the_form() -> None:
    answers = checked(CURRENT.version, {"pengaduan": " 4 ", "waktu": 2})
    assert list(answers.items()) == [(Element.TIME, 2), (Element.COMPLAINTS, 4)]
    assert not is_filled(answers)
    assert is_filled(checked(CURRENT.version, dict.fromkeys(map(str, FORM_ORDER), "3")))


def test_an_element_that_is_left_out_is_no_answer() -> None:
    assert checked(CURRENT.version, {"waktu": None}) == {}


@pytest.mark.parametrize("version", ["", "SKM-14/2017-0", "skm-14/2017-1", "KEP/25/M.PAN/2/2004"])
def test_answers_to_another_questionnaire_are_refused(version: str) -> None:
    with pytest.raises(QuestionnaireVersionError) as raised:
        checked(version, {"waktu": 2})
    assert raised.value.params == {"version": version, "current": CURRENT.version}


@pytest.mark.parametrize("answer", [0, 5, -1, "0", "5", "", "x", "12", "1.0", "\u0661", 2.0, True, [1], b"1"])
def test_an_answer_out_of_range_is_refused(answer: object) -> None:
    with pytest.raises(AnswerRefusedError) as raised:
        checked(CURRENT.version, {"waktu": answer})
    assert raised.value.params["field"] == "waktu"


@pytest.mark.parametrize("key", ["u1", "0", "sarana_prasarana", "transparansi", ""])
def test_an_answer_to_no_question_is_refused(key: str) -> None:
    with pytest.raises(AnswerRefusedError):
        checked(CURRENT.version, {key: 3})


def test_other_words_are_another_version() -> None:
    """Whoever changes a word of the questionnaire gives it another version, and this line with it."""
    wordings = [CURRENT.wording(element, language) for language in ("id", "en") for element in FORM_ORDER]
    said = "\n".join(line for words in wordings for line in (words.question, *words.answers))
    assert (CURRENT.version, sha256(said.encode()).hexdigest()[:16]) == ("SKM-14/2017-1", "8d686f8911dbeb40")
