"""The texts that leave the house: one segment, and what must not be cut is never cut (CONTRACT 4)."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain.effects import Purpose, StandDownReason
from dispatch.domain.segments import is_gsm7, septets
from dispatch.domain.vocabulary import Category, Priority
from dispatch.ports import MessageFacts, Sealed
from dispatch.service.checks import OF_THE_JOURNAL
from dispatch.service.invariants import ALERT_NOT_LEFT, CHECKS
from dispatch.service.watchdog import CHECK_FAILED
from telephony.prompts import CATEGORY_WORDS, PRIORITY_WORDS
from telephony.wording import IndonesianWording

LINK = "https://911.puskesmas-kwamki.example/w/Ab3dEf6hIj9kLm2n"
PLACES = (None, "", "Jalur 2", "Gang “Melati” – dekat gereja 🚑", "dekat pasar sentral " * 40, "{[~^€]}" * 30)
WORDING = IndonesianWording()


FOUND = [*(check.name for check in CHECKS), *OF_THE_JOURNAL, CHECK_FAILED]


def every_message() -> Iterator[MessageFacts]:
    for purpose, priority, category, place in itertools.product(
        (Purpose.ALERT, Purpose.DETAILS), Priority, Category, PLACES
    ):
        yield MessageFacts(
            purpose=purpose,
            short_number=123,
            priority=str(priority),
            category=str(category),
            place=place,
            link=LINK,
        )
    for reason, name in itertools.product(StandDownReason, (None, "Ns. Contoh", "Ñandú \U0001f691 " * 30)):
        yield MessageFacts(
            purpose=Purpose.STAND_DOWN, short_number=999_999, reason=str(reason), accepted_by=name
        )
    for tier in ("jaga", "cadangan yang namanya sangat panjang " * 5):
        yield MessageFacts(purpose=Purpose.WARNING, short_number=999_999, tier=tier)
    for check, number in itertools.product(FOUND, (None, 999_999)):
        yield MessageFacts(
            purpose=Purpose.WATCHDOG, check=check, short_number=number, since="31/12 23.59", others=99
        )
    yield MessageFacts(
        purpose=Purpose.SEAL,
        sealed=Sealed(
            facility="PUSKESMASKWAMKI9",
            day="31-12-2026",
            fingerprint="7K3M-Q2XP-9RTA",
            incidents=999_999,
            calls=999_999,
        ),
    )
    for name in ("Puskesmas", "Pusat Kesehatan Masyarakat “Kwamki” 🚑 " * 6):
        yield MessageFacts(purpose=Purpose.SURVEY, facility=name, link=LINK)
    for purpose in set(Purpose) - {Purpose.WARNING, Purpose.SEAL}:
        yield MessageFacts(purpose=str(purpose), short_number=123)


def test_every_text_is_one_segment() -> None:
    for facts in every_message():
        text = WORDING.text(facts)
        assert text
        assert is_gsm7(text), facts
        assert septets(text) <= 160, facts
        assert "None" not in text, facts


@given(place=st.text(max_size=400), number=st.integers(100, 9_999_999))
def test_number_keys_and_link_survive_any_place(place: str, number: int) -> None:
    facts = MessageFacts(
        purpose=Purpose.ALERT,
        short_number=number,
        priority="red",
        category="traffic",
        place=place,
        link=LINK,
    )
    text = WORDING.text(facts)
    assert septets(text) <= 160
    assert text.startswith(f"DARURAT {number} MERAH: ")
    assert "1 terima, 2 tolak" in text
    assert text.endswith(LINK)


def test_a_plain_alert_reads_as_a_sentence() -> None:
    facts = MessageFacts(
        purpose=Purpose.ALERT, short_number=123, priority="red", category="bleeding", place="Jalur 2"
    )
    assert WORDING.text(facts) == "DARURAT 123 MERAH: perdarahan di Jalur 2. Balas 1 terima, 2 tolak."


def test_what_is_not_known_is_not_called_unknown_red() -> None:
    facts = MessageFacts(purpose=Purpose.ALERT, short_number=123)
    assert WORDING.text(facts) == "DARURAT 123: keadaan belum diketahui. Balas 1 terima, 2 tolak."


def test_a_text_never_carries_the_callers_number() -> None:
    facts = MessageFacts(purpose=Purpose.ALERT, short_number=123, caller_number="+6281199990001", link=LINK)
    assert "81199990001" not in WORDING.text(facts)


@pytest.mark.parametrize("name", ["Ns. Contoh", None])
def test_who_is_stood_down_learns_why(name: str | None) -> None:
    accepted = MessageFacts(
        purpose=Purpose.STAND_DOWN,
        short_number=123,
        reason=str(StandDownReason.ACCEPTED_BY_OTHER),
        accepted_by=name,
    )
    assert (name or "petugas lain") in WORDING.text(accepted)
    closed = MessageFacts(purpose=Purpose.STAND_DOWN, short_number=123, reason=str(StandDownReason.CLOSED))
    assert "ditutup" in WORDING.text(closed)


def test_every_word_of_the_field_has_a_translation() -> None:
    assert set(CATEGORY_WORDS) == {str(category) for category in Category}
    assert set(PRIORITY_WORDS) == {str(priority) for priority in Priority}


def test_each_finding_of_the_watchdog_has_its_own_words() -> None:
    said = {
        check: WORDING.text(MessageFacts(purpose=Purpose.WATCHDOG, check=check, short_number=123))
        for check in FOUND
    }
    assert len(set(said.values())) == len(FOUND)
    assert not [check for check, text in said.items() if "tidak beres" in text]
    facts = MessageFacts(
        purpose=Purpose.WATCHDOG, check=ALERT_NOT_LEFT, short_number=123, since="24/11 14.05", others=2
    )
    assert WORDING.text(facts) == (
        "SIAGA: panggilan 123: belum ada petugas terhubung. Panggil petugas jaga sendiri "
        "(sejak 24/11 14.05). Dan 2 temuan lain. Lihat papan."
    )


def test_a_witness_reads_day_fingerprint_and_counts() -> None:
    sealed = Sealed(facility="KWK", day="23-11-2026", fingerprint="7K3M-Q2XP-9RTA", incidents=12, calls=15)
    assert WORDING.text(MessageFacts(purpose=Purpose.SEAL, sealed=sealed)) == (
        "SIAGA KWK: segel catatan 23-11-2026 adalah 7K3M-Q2XP-9RTA (12 insiden, 15 panggilan). "
        "Simpan SMS ini sebagai saksi."
    )
