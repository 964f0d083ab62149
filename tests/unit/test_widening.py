"""An incident that turns out to be urgent does not go on one by one (CONTRACT 5)."""

from dispatch.domain.commands import Action
from dispatch.domain.decisions import Condition
from dispatch.domain.vocabulary import Category, Priority
from tests.builders import DUTY, LADDER, NEIGHBOUR, Story, person, policy, tier

FOUR = [*DUTY[:3], person("N04"), *DUTY[3:]]


def calm(**options: object) -> Story:
    """One by one: N03 is asked alone at 30 s, N04 stands ready."""
    story = Story(duty=FOUR, **options)  # type: ignore[arg-type] # the options of Story, by name
    return story.rings().presses("4").passes(35)


def test_turning_red_asks_the_next_at_once_beside_who_is_asked() -> None:
    story = calm()
    assert story.alerted[2:] == [(30, "N03")]
    story.does(Action.SET_PRIORITY, priority=Priority.RED)
    assert story.alerted[2:] == [(30, "N03"), (35, "N04")]
    assert story.incident.ladder.batch == ("N03", "N04")
    assert story.events[-1].data["reason"] == "widened"


def test_a_second_caller_who_presses_1_makes_it_red() -> None:
    story = calm().rings(caller_number=NEIGHBOUR).presses("1", call=2)
    assert story.alerted[-1] == (35, "N04")


def test_a_category_that_raises_the_colour_does_the_same() -> None:
    story = calm().does(Action.SET_CATEGORY, category=Category.UNCONSCIOUS)
    assert story.incident.priority is Priority.RED
    assert story.alerted[-1] == (35, "N04")


def test_it_is_filled_up_once_and_no_further() -> None:
    story = calm().does(Action.SET_PRIORITY, priority=Priority.RED)
    story.does(Action.NOTE, text="masih menunggu").declines("N04")
    assert [code for _, code in story.alerted] == ["N01", "N02", "N03", "N04"]


def test_the_next_rung_waits_until_everybody_in_it_had_their_time() -> None:
    story = calm().does(Action.SET_PRIORITY, priority=Priority.RED).passes(29.9)
    assert story.alerted[-1] == (35, "N04")
    story.passes(0.1)
    assert story.alerted[-2:] == [(65, "C01"), (65, "C02")]


def test_only_the_same_tier_is_filled_up() -> None:
    story = Story().rings().presses("4").passes(35).does(Action.SET_PRIORITY, priority=Priority.RED)
    assert story.alerted[-1] == (30, "N03"), "nobody of this tier is left to ask"


def test_it_takes_as_many_as_the_policy_says() -> None:
    plan = policy(tier("jaga", at_once=3, within_s=30.0), *LADDER[1:])
    story = Story(plan=plan, duty=FOUR).rings().declines("N01").declines("N02").declines("N03")
    assert story.alerted[-1] == (0, "N04")
    story = Story(plan=plan, duty=FOUR, conditions={"N02": Condition(on_break=True)})
    story.rings().presses("4")
    assert len(story.alerted) == 3


def test_what_stays_calm_goes_on_one_by_one() -> None:
    story = calm().does(Action.SET_PRIORITY, priority=Priority.GREEN, reason="hanya luka kecil")
    assert story.alerted[-1] == (30, "N03")


def test_a_helper_is_still_asked_alone() -> None:
    story = Story(duty=FOUR).rings().accepts("N01").does(Action.HELP, "N01").jumps(1)
    story.does(Action.NOTE, text="satu saja")
    assert story.alerted[2:] == [(0, "N03")]
