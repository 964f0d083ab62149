"""How urgent something seems, and who suits it: the caller's menu, triage suggestions, wanted skills.

Decides what a machine may suggest. The tables are a starting point that the health centre's doctor confirms
(DOMAIN 4.5). Never decides a downgrade: a machine may raise a priority, only a named person lowers it or says
that somebody is dead, and gives a reason; that is ``set_priority``, not this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dispatch.domain.vocabulary import Category, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuChoice:
    """What one key of the caller's first menu says; ``closes`` ends the alerting as a wrong number."""

    priority: Priority
    category: Category
    closes: bool = False


MENU: Mapping[str, MenuChoice] = MappingProxyType(
    {
        "1": MenuChoice(priority=Priority.RED, category=Category.UNCONSCIOUS),
        "2": MenuChoice(priority=Priority.RED, category=Category.TRAUMA),
        "3": MenuChoice(priority=Priority.YELLOW, category=Category.CHILDBIRTH),
        "4": MenuChoice(priority=Priority.YELLOW, category=Category.OTHER),
        "9": MenuChoice(priority=Priority.UNKNOWN, category=Category.UNKNOWN, closes=True),
    }
)
"""The caller's keypad (CONTRACT 4). Other keys, and none at all, say nothing: the incident stays unknown."""

_SUGGESTED: Mapping[Category, Priority] = MappingProxyType(
    {
        Category.UNCONSCIOUS: Priority.RED,
        Category.BREATHING: Priority.RED,
        Category.CARDIAC: Priority.RED,
        Category.STROKE: Priority.RED,
        Category.SEIZURE: Priority.RED,
        Category.BLEEDING: Priority.RED,
        Category.TRAUMA: Priority.RED,
        Category.TRAFFIC: Priority.RED,
        Category.PENETRATING: Priority.RED,
        Category.BURN: Priority.RED,
        Category.CHOKING: Priority.RED,
        Category.DROWNING: Priority.RED,
        Category.POISONING: Priority.RED,
        Category.SNAKEBITE: Priority.RED,
        Category.CHILDBIRTH: Priority.YELLOW,
        Category.FEVER: Priority.YELLOW,
        Category.CHILD_ILLNESS: Priority.YELLOW,
        Category.PSYCHIATRIC: Priority.YELLOW,
        Category.ASSAULT: Priority.YELLOW,
        Category.FALL: Priority.YELLOW,
        Category.TRANSFER: Priority.GREEN,
        Category.INFORMATION: Priority.GREEN,
        Category.OTHER: Priority.YELLOW,
        Category.UNKNOWN: Priority.UNKNOWN,
    }
)

_URGENCY: Mapping[Priority, int] = MappingProxyType({Priority.GREEN: 1, Priority.YELLOW: 2, Priority.RED: 3})
"""The ladder that a machine may climb; unknown and black do not stand on it."""

_ADVANCED = ("als", "doctor")
_INJURY = ("trauma", "als")
_SKILLS: Mapping[Category, tuple[str, ...]] = MappingProxyType(
    {
        Category.UNCONSCIOUS: _ADVANCED,
        Category.BREATHING: _ADVANCED,
        Category.CARDIAC: _ADVANCED,
        Category.STROKE: _ADVANCED,
        Category.SEIZURE: _ADVANCED,
        Category.CHOKING: _ADVANCED,
        Category.DROWNING: _ADVANCED,
        Category.POISONING: _ADVANCED,
        Category.SNAKEBITE: _ADVANCED,
        Category.BLEEDING: _INJURY,
        Category.TRAUMA: _INJURY,
        Category.TRAFFIC: _INJURY,
        Category.PENETRATING: _INJURY,
        Category.ASSAULT: _INJURY,
        Category.FALL: _INJURY,
        Category.BURN: _INJURY,
        Category.CHILDBIRTH: ("midwife", "obstetric"),
        Category.CHILD_ILLNESS: ("paediatric", "doctor"),
        Category.FEVER: ("doctor", "nurse"),
        Category.PSYCHIATRIC: ("doctor", "nurse"),
        Category.TRANSFER: ("driver", "nurse"),
    }
)


def suggested_priority(category: Category) -> Priority:
    """Return the usual priority of a category (DOMAIN 4.5), erring upwards where its kinds differ.

    Burns, injuries and seizures are red until somebody has seen how small they are. Never black.
    """
    return _SUGGESTED[category]


def raise_only(current: Priority, suggested: Priority) -> Priority:
    """Return the priority after a machine's or a caller's suggestion: the higher one, never a lower one.

    An unknown priority becomes whatever the caller stated. Black is never reached or left this way: only a
    named person says that somebody is dead, or takes it back.
    """
    if current is Priority.UNKNOWN and suggested in _URGENCY:
        return suggested
    if current in _URGENCY and _URGENCY.get(suggested, 0) > _URGENCY[current]:
        return suggested
    return current


def required_skills(category: Category) -> tuple[str, ...]:
    """Return the skills that suit a category best, most wanted first; empty when anybody will do.

    They order people and exclude nobody. The words are those of the staff file (CONTRACT 6).
    """
    return _SKILLS.get(category, ())
