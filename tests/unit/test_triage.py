"""What a key, a category and a machine's suggestion may do to a priority."""

import pytest

from dispatch.domain.triage import MENU, MenuChoice, raise_only, required_skills, suggested_priority
from dispatch.domain.vocabulary import Category, Priority

_RED, _YELLOW, _GREEN = Priority.RED, Priority.YELLOW, Priority.GREEN
_BLACK, _UNKNOWN = Priority.BLACK, Priority.UNKNOWN


@pytest.mark.parametrize(
    ("key", "choice"),
    [
        ("1", MenuChoice(priority=_RED, category=Category.UNCONSCIOUS)),
        ("2", MenuChoice(priority=_RED, category=Category.TRAUMA)),
        ("3", MenuChoice(priority=_YELLOW, category=Category.CHILDBIRTH)),
        ("4", MenuChoice(priority=_YELLOW, category=Category.OTHER)),
        ("9", MenuChoice(priority=_UNKNOWN, category=Category.UNKNOWN, closes=True)),
    ],
)
def test_the_callers_keys_are_those_of_the_contract(key: str, choice: MenuChoice) -> None:
    assert MENU[key] == choice


def test_there_are_no_other_keys() -> None:
    assert set(MENU) == set("12349")


@pytest.mark.parametrize(
    ("current", "suggested", "after"),
    [
        (_UNKNOWN, _GREEN, _GREEN),
        (_UNKNOWN, _YELLOW, _YELLOW),
        (_UNKNOWN, _RED, _RED),
        (_UNKNOWN, _UNKNOWN, _UNKNOWN),
        (_UNKNOWN, _BLACK, _UNKNOWN),
        (_GREEN, _YELLOW, _YELLOW),
        (_GREEN, _RED, _RED),
        (_YELLOW, _RED, _RED),
        (_YELLOW, _GREEN, _YELLOW),
        (_RED, _YELLOW, _RED),
        (_RED, _GREEN, _RED),
        (_RED, _UNKNOWN, _RED),
        (_GREEN, _UNKNOWN, _GREEN),
        (_RED, _BLACK, _RED),
        (_BLACK, _RED, _BLACK),
        (_BLACK, _GREEN, _BLACK),
        (_BLACK, _UNKNOWN, _BLACK),
    ],
)
def test_a_machine_raises_and_never_lowers(current: Priority, suggested: Priority, after: Priority) -> None:
    assert raise_only(current, suggested) is after


@pytest.mark.parametrize(
    ("category", "priority"),
    [
        (Category.UNCONSCIOUS, _RED),
        (Category.PENETRATING, _RED),
        (Category.SNAKEBITE, _RED),
        (Category.CHILDBIRTH, _YELLOW),
        (Category.ASSAULT, _YELLOW),
        (Category.FEVER, _YELLOW),
        (Category.TRANSFER, _GREEN),
        (Category.INFORMATION, _GREEN),
        (Category.UNKNOWN, _UNKNOWN),
    ],
)
def test_categories_suggest_a_priority(category: Category, priority: Priority) -> None:
    assert suggested_priority(category) is priority


def test_every_category_has_a_suggestion_and_none_is_black() -> None:
    assert _BLACK not in {suggested_priority(category) for category in Category}


@pytest.mark.parametrize(
    ("category", "skills"),
    [
        (Category.CHILDBIRTH, ("midwife", "obstetric")),
        (Category.CARDIAC, ("als", "doctor")),
        (Category.PENETRATING, ("trauma", "als")),
        (Category.CHILD_ILLNESS, ("paediatric", "doctor")),
        (Category.UNKNOWN, ()),
        (Category.OTHER, ()),
    ],
)
def test_categories_want_skills(category: Category, skills: tuple[str, ...]) -> None:
    assert required_skills(category) == skills
