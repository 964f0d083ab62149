"""From what the caller says to a colour, and from what happened to the skills it asks for.

The suggestions are those of DOMAIN 4.5, to be confirmed by the health centre's doctor: they are marked as
unconfirmed there and serve to order the work, never to refuse it. The machine may raise a priority; only
a named person lowers one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.domain.vocabulary import Category, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuChoice:
    """What a key of the caller's first menu means (CONTRACT 4)."""

    priority: Priority
    category: Category
    closes: bool = False


MENU: Mapping[str, MenuChoice] = {
    "1": MenuChoice(priority=Priority.RED, category=Category.UNCONSCIOUS),
    "2": MenuChoice(priority=Priority.RED, category=Category.TRAUMA),
    "3": MenuChoice(priority=Priority.YELLOW, category=Category.CHILDBIRTH),
    "4": MenuChoice(priority=Priority.YELLOW, category=Category.OTHER),
    "9": MenuChoice(priority=Priority.UNKNOWN, category=Category.UNKNOWN, closes=True),
}

_SUGGESTED: Mapping[Category, Priority] = {
    Category.UNCONSCIOUS: Priority.RED,
    Category.BREATHING: Priority.RED,
    Category.CARDIAC: Priority.RED,
    Category.STROKE: Priority.RED,
    Category.SEIZURE: Priority.RED,
    Category.BLEEDING: Priority.RED,
    Category.TRAUMA: Priority.RED,
    Category.TRAFFIC: Priority.RED,
    Category.PENETRATING: Priority.RED,
    Category.CHOKING: Priority.RED,
    Category.DROWNING: Priority.RED,
    Category.POISONING: Priority.RED,
    Category.SNAKEBITE: Priority.RED,
    Category.BURN: Priority.YELLOW,
    Category.CHILDBIRTH: Priority.YELLOW,
    Category.CHILD_ILLNESS: Priority.YELLOW,
    Category.PSYCHIATRIC: Priority.YELLOW,
    Category.ASSAULT: Priority.YELLOW,
    Category.FALL: Priority.YELLOW,
    Category.OTHER: Priority.YELLOW,
    Category.FEVER: Priority.GREEN,
    Category.TRANSFER: Priority.GREEN,
    Category.INFORMATION: Priority.GREEN,
}

_SKILLS: Mapping[Category, tuple[str, ...]] = {
    Category.UNCONSCIOUS: ("als", "doctor", "bls"),
    Category.BREATHING: ("als", "doctor", "bls"),
    Category.CARDIAC: ("als", "doctor", "bls"),
    Category.STROKE: ("doctor", "als"),
    Category.SEIZURE: ("als", "doctor", "nurse"),
    Category.BLEEDING: ("trauma", "bls", "nurse"),
    Category.TRAUMA: ("trauma", "bls", "nurse"),
    Category.TRAFFIC: ("trauma", "bls", "nurse"),
    Category.PENETRATING: ("trauma", "als", "doctor"),
    Category.BURN: ("trauma", "nurse"),
    Category.CHOKING: ("bls", "als"),
    Category.DROWNING: ("bls", "als"),
    Category.POISONING: ("doctor", "als"),
    Category.SNAKEBITE: ("doctor", "als", "nurse"),
    Category.CHILDBIRTH: ("midwife", "obstetric"),
    Category.FEVER: ("nurse",),
    Category.CHILD_ILLNESS: ("paediatric", "nurse"),
    Category.PSYCHIATRIC: ("doctor", "nurse"),
    Category.ASSAULT: ("trauma", "nurse"),
    Category.FALL: ("trauma", "nurse"),
}

_ORDER = (Priority.GREEN, Priority.YELLOW, Priority.RED)


def suggested_priority(category: Category) -> Priority:
    """The colour that this category suggests before anybody has looked closer (DOMAIN 4.5)."""
    return _SUGGESTED.get(category, Priority.UNKNOWN)


def raise_only(current: Priority, suggested: Priority) -> Priority:
    """The priority after the machine learned that *suggested* might be right: the higher of the two.

    Unknown becomes whatever was said; nothing becomes unknown; black is a person's word and stays.
    """
    if suggested in (Priority.UNKNOWN, Priority.BLACK) or current is Priority.BLACK:
        return current
    if current is Priority.UNKNOWN:
        return suggested
    return max(current, suggested, key=_ORDER.index)


def required_skills(category: Category) -> tuple[str, ...]:
    """The skills that matter most for *category*, best first; empty when anybody will do."""
    return _SKILLS.get(category, ())
