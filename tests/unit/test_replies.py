"""Every answer to a text: one segment, in words, for whatever was understood (CONTRACT 4)."""

import itertools
from collections.abc import Iterator

import pytest

from dispatch.domain import errors
from dispatch.domain.commands import Action
from dispatch.domain.errors import DispatchError
from dispatch.domain.segments import is_gsm7, septets
from dispatch.service.texting import TextAnswer, Understood
from telephony.replies import ERRORS, HELP, KEYS_HELP, reply_to

STEPS = (
    Action.ACCEPT,
    Action.DECLINE,
    Action.EN_ROUTE,
    Action.ON_SCENE,
    Action.AVAILABLE,
    Action.HELP,
    Action.STAGE,
    Action.LEAVE_SCENE,
    Action.ARRIVE_FACILITY,
    Action.INFO,
)
NUMBERS = (100, 123, 999_999)


def refusals(of: type[DispatchError] = DispatchError) -> Iterator[str]:
    """The code of every refusal there is."""
    for kind in of.__subclasses__():
        yield kind.code
        yield from refusals(kind)


def every_answer() -> Iterator[TextAnswer]:
    """Every answer that ``receive_text`` can give, with small and large numbers in it."""
    for step, number, minutes, primary in itertools.product(
        STEPS, NUMBERS, (None, 0, 10, 999), (True, False)
    ):
        yield TextAnswer(
            understood=Understood.DONE, action=step, short_number=number, minutes=minutes, is_primary=primary
        )
        yield TextAnswer(understood=Understood.DONE, action=step, short_number=number, was_closed=True)
    for step, number, code in itertools.product(STEPS, NUMBERS, (*refusals(), "refused", "new_one", None)):
        yield TextAnswer(understood=Understood.REFUSED, action=step, short_number=number, error=code)
    for step, named in itertools.product(STEPS, (None, *NUMBERS)):
        yield TextAnswer(understood=Understood.NOTHING_WAITING, action=step, short_number=named)
    for step, count in itertools.product(STEPS, (2, 3, 20, 500)):
        yield TextAnswer(
            understood=Understood.WHICH, action=step, short_numbers=tuple(range(100, 100 + count))
        )
    for number in NUMBERS:
        yield TextAnswer(understood=Understood.EMERGENCY, short_number=number)
        yield TextAnswer(understood=Understood.NOTED, short_number=number)
    for understood in (Understood.HELP, Understood.ON_DUTY, Understood.ON_BREAK):
        yield TextAnswer(understood=understood)


ANSWERS = list(every_answer())


def test_every_kind_of_answer_is_tried() -> None:
    assert {answer.understood for answer in ANSWERS} == set(Understood) - {Understood.IGNORED}


def test_every_answer_is_one_segment_with_words_in_it() -> None:
    for answer in ANSWERS:
        text = reply_to(answer)
        assert text, answer
        assert is_gsm7(text), answer
        assert septets(text) <= 160, answer
        assert "None" not in text, answer
        assert "{" not in text, answer


def test_an_answer_names_the_emergency_that_it_is_about() -> None:
    for answer in ANSWERS:
        if answer.understood in (Understood.DONE, Understood.EMERGENCY, Understood.NOTED):
            assert str(answer.short_number) in (reply_to(answer) or ""), answer


def test_different_steps_are_answered_differently() -> None:
    replies = {
        reply_to(TextAnswer(understood=Understood.DONE, action=step, short_number=123)) for step in STEPS
    }
    assert len(replies) == len(STEPS)


@pytest.mark.parametrize("primary", [True, False])
def test_who_accepts_hears_their_part_and_the_minutes(primary: bool) -> None:
    text = reply_to(
        TextAnswer(
            understood=Understood.DONE, action=Action.ACCEPT, short_number=123, minutes=10, is_primary=primary
        )
    )
    assert text is not None
    assert "10 menit" in text
    assert ("penanggung jawab" in text) is primary


def test_machines_are_not_answered() -> None:
    assert reply_to(TextAnswer(understood=Understood.IGNORED)) is None


def test_the_short_help_is_whole() -> None:
    assert reply_to(TextAnswer(understood=Understood.HELP)) == HELP
    for key in "123456780":
        assert key in HELP


@pytest.mark.parametrize("number", NUMBERS)
def test_the_help_after_a_note_is_whole(number: int) -> None:
    text = reply_to(TextAnswer(understood=Understood.NOTED, short_number=number))
    assert text == f"Dicatat pada panggilan {number}. {KEYS_HELP}"


def test_which_one_says_how_to_write_the_number() -> None:
    for count in (2, 5, 20, 500):
        answer = TextAnswer(
            understood=Understood.WHICH, action=Action.EN_ROUTE, short_numbers=tuple(range(100, 100 + count))
        )
        text = reply_to(answer)
        assert text is not None
        assert "100" in text
        assert "nomornya di depan" in text
        assert text.endswith("100 3.")


def test_every_refusal_has_words() -> None:
    assert set(refusals()) | {DispatchError.code} == set(ERRORS)
    assert all(kind.__module__ == errors.__name__ for kind in DispatchError.__subclasses__())


def test_a_step_of_a_closed_incident_asks_for_no_next_one() -> None:
    late = TextAnswer(understood=Understood.DONE, action=Action.EN_ROUTE, short_number=101, was_closed=True)
    assert reply_to(late) == "Tercatat untuk panggilan 101, yang sudah ditutup. Terima kasih."
