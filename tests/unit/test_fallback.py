"""The static fallback: rings without the program, whoever is on duty or nobody at all."""

import pytest
from lxml import etree

from telephony.fallback import render
from telephony.prompts import Prompts

HANDOFF = "+628114982800"
PROMPTS = Prompts(service_name="911 Puskesmas Kwamki", handoff_phone=HANDOFF)
MANY = tuple(f"+62811000{number:04d}" for number in range(12))


def rung(on_duty: tuple[str, ...], facility: tuple[str, ...]) -> list[list[str]]:
    document = render(on_duty=on_duty, facility_phones=facility, handoff=HANDOFF, prompts=PROMPTS)
    root = etree.fromstring(document.encode())
    return [[str(number.text) for number in dial] for dial in root.findall("Dial")]


@pytest.mark.parametrize(
    ("on_duty", "facility", "expected"),
    [
        (("+621", "+622"), ("+623",), ["+621", "+622", "+623"]),
        (("+621", "+622"), ("+622",), ["+621", "+622"]),
        ((), ("+623",), ["+623"]),
        (MANY, ("+623",), list(MANY[:10])),
    ],
)
def test_people_on_duty_come_first_ten_at_most(
    on_duty: tuple[str, ...], facility: tuple[str, ...], expected: list[str]
) -> None:
    assert rung(on_duty, facility) == [expected, [HANDOFF]]


def test_with_nobody_the_other_way_is_rung() -> None:
    assert rung((), ()) == [[HANDOFF]]


def test_it_asks_nothing_of_the_program() -> None:
    document = render(on_duty=MANY, facility_phones=(), handoff=HANDOFF, prompts=PROMPTS)
    assert "http" not in document
    assert "action" not in document
    assert len(document.encode()) < 4000, "it must fit where the provider keeps static documents"
