"""The text grammar answers any text, loses none, and reads its own spelling back."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from dispatch.domain.texts import KEYS, WORDS, Verb, parse, spelled

_everyday = """123 10 5 0 9 ya ok siap otw tidak no banjir orang pak menit jam terima kasih sudah on scene
    tiba2 5m kwk 2026 000123 apa \u0661 \uff11 \u00b2 \u00df"""
_pieces = st.sampled_from([*KEYS, *WORDS.values(), *_everyday.split()])
_separators = st.sampled_from([" ", ".", ",", "*", "-", "#", ":", "/", "\n", "", "\u200f", "'"])
_likely = st.lists(st.tuples(_pieces, _separators), max_size=6).map(
    lambda parts: "".join(map("".join, parts))
)


@given(st.text() | _likely)
@example("\ud800")
@example("1" * 10_000)
@example("ya " * 5_000)
@example("5\u0345 menit")
def test_any_text_is_answered_and_none_is_lost(text: str) -> None:
    command = parse(text)
    assert command.raw == text
    assert command.reason is None or command.reason in text
    assert command.minutes is None or 0 <= command.minutes <= 99 * 60
    assert command.short_number is None or 100 <= command.short_number <= 9_999_999


@given(_likely | st.text())
def test_the_spelled_form_reads_back_as_the_same_command(text: str) -> None:
    command = parse(text)
    again = parse(spelled(command))
    assert replace(again, raw="") == replace(command, raw="")


@given(st.text())
def test_free_speech_never_accepts_unless_it_begins_with_a_key_or_word(text: str) -> None:
    spoken = "ada orang sakit " + text
    assert parse(spoken).verb is Verb.UNKNOWN


@given(
    st.sampled_from(sorted(KEYS)), st.integers(100, 99_999), _separators.filter(lambda mark: mark not in ":/")
)
def test_number_and_key_in_any_usual_separation(key: str, number: int, separator: str) -> None:
    command = parse(f"{number}{separator or ' '}{key}")
    assert (command.verb, command.short_number) == (KEYS[key], number)
