"""What is said on the phone: short, whole, and always with the other way to help."""

import inspect

import pytest

from dispatch.domain.vocabulary import Category, Priority
from telephony.prompts import Prompts, spoken_digits

PROMPTS = Prompts(service_name="911 Puskesmas Kwamki", handoff_phone="+628114982800")
LONGEST = 320
"""Characters of one prompt: about twenty seconds of speech."""


def every_sentence() -> dict[str, str]:
    said = {
        name: getattr(PROMPTS, name)()
        for name, method in inspect.getmembers(Prompts, inspect.isfunction)
        if name[0] != "_" and list(inspect.signature(method).parameters) == ["self"]
    }
    said |= {
        f"understood {digit}": PROMPTS.understood(digit) for digit in (None, "", "1", "2", "3", "4", "7")
    }
    said |= {f"waiting {accepted}": PROMPTS.waiting(accepted=accepted) for accepted in (True, False)}
    said |= {
        f"accepted {primary} {waits}": PROMPTS.accepted(primary=primary, caller_waits=waits)
        for primary in (True, False)
        for waits in (True, False)
    }
    said |= {
        f"alert {priority} {category}": PROMPTS.alert(
            short_number=123, priority=str(priority), category=str(category), place="Jalur 2"
        )
        for priority in Priority
        for category in Category
    }
    return said


def test_every_sentence_is_short_and_whole() -> None:
    for name, words in every_sentence().items():
        assert 0 < len(words) <= LONGEST, name
        assert words.rstrip().endswith("."), name
        assert "None" not in words, name
        assert "  " not in words, name


def test_the_greeting_names_the_service_and_the_recording() -> None:
    assert "911 Puskesmas Kwamki" in PROMPTS.greeting()
    assert "direkam" in PROMPTS.greeting()
    silent = Prompts(service_name="911", handoff_phone="+628114982800", announce_recording=False)
    assert "direkam" not in silent.greeting()


def test_the_menu_names_every_key_and_that_waiting_is_safe() -> None:
    for key in "12349":
        assert f"Tekan {key} " in PROMPTS.menu()
    assert "tunggu" in PROMPTS.menu()


@pytest.mark.parametrize("words", [PROMPTS.waiting(accepted=False), PROMPTS.closed(), PROMPTS.other_way()])
def test_the_other_way_is_always_named(words: str) -> None:
    assert "119" in words
    assert words.replace(" ", "").replace(",", "").find("08114982800") > 0


def test_an_alert_names_number_urgency_kind_place_and_keys() -> None:
    words = PROMPTS.alert(short_number=123, priority="red", category="childbirth", place="Jalur 2")
    for part in ("1 2 3", "merah", "melahirkan", "Jalur 2", "Tekan 1", "Tekan 2", "Tekan 0"):
        assert part in words
    assert "Lokasi" not in PROMPTS.alert(short_number=1, priority="red", category="fall", place=None)


def test_a_long_place_ends_at_a_word_and_never_hides_the_keys() -> None:
    words = PROMPTS.alert(
        short_number=123, priority="red", category="fall", place="dekat\n\npasar  sentral " * 40
    )
    assert len(words) <= LONGEST
    assert "sentral. Tekan 1" in words or "pasar. Tekan 1" in words or "dekat. Tekan 1" in words
    unbroken = PROMPTS.alert(short_number=123, priority="red", category="fall", place="x" * 5000)
    assert len(unbroken) <= LONGEST


def test_numbers_are_said_digit_by_digit() -> None:
    assert spoken_digits(123) == "1 2 3"
    assert spoken_digits("0811") == "0 8 1 1"
