"""The spellings of telephone numbers that people and networks really send (DOMAIN 1.8)."""

import pytest

from dispatch.domain.phones import is_ordinary, local_form, mask, normalise, spoken


@pytest.mark.parametrize(
    "text",
    [
        "0811000001",
        "62811000001",
        "+62811000001",
        "0062811000001",
        "811000001",
        "8 11 000 001",
        "0811-000-001",
        "0811.000.001",
        "(0811) 000 001",
        "+62 811 000 001",
        "+62 (0)811-000-001",
        "+620811000001",
        " tel:+62811000001 ",
        "\u202a+62 811\u2011000\u2011001\u202c",
        "\uff10\uff18\uff11\uff11\uff10\uff10\uff10\uff10\uff10\uff11",
        "\u0660\u0668\u0661\u0661\u0660\u0660\u0660\u0660\u0660\u0661",
        "\uff0b62811000001",
    ],
)
def test_every_spelling_of_one_number_is_one_number(text: str) -> None:
    assert normalise(text) == "+62811000001"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0901-321123", "+62901321123"),
        ("+628114982800", "+628114982800"),
        ("021 1234 5678", "+622112345678"),
        ("+1 (415) 555-0123", "+14155550123"),
        ("+61 412 345 678", "+61412345678"),
        ("0852 1234 56789", "+6285212345678" + "9"),
    ],
)
def test_landlines_and_foreign_numbers(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "anonymous",
        "Restricted",
        "unknown",
        "+266696687",
        "+7378742833",
        "+2562533",
        "+8656696",
        "+86282452253",
        "TELKOMSEL",
        "DANA 2026",
        "1800FLOWERS",
        "112",
        "911",
        "119",
        "+62119",
        "14022",
        "1500567",
        "77723",
        "321123",
        "0811",
        "+62",
        "62",
        "+",
        "0811/0812",
        "0811000001 ext 5",
        "++62811000001",
        "sip:anonymous@anonymous.invalid",
        "0811000001\x00",
        "0" * 40,
        "8" * 10_000,
    ],
)
def test_what_is_no_ordinary_number_is_none(text: str) -> None:
    assert normalise(text) is None
    assert not is_ordinary(text)


def test_ordinary_means_already_normalised() -> None:
    assert is_ordinary("+62811000001")
    assert not is_ordinary("0811000001")
    assert not is_ordinary(None)


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+6281112345645", "+62811•••••45"),
        ("+62811000045", "+62811•••••45"),
        ("+14155550123", "+1415•••••23"),
        ("TELKOMSEL", "•••••"),
        (None, None),
    ],
)
def test_masked_numbers_show_neither_middle_nor_length(number: str | None, masked: str | None) -> None:
    assert mask(number) == masked


@pytest.mark.parametrize(
    ("number", "shown", "said"),
    [
        ("+6281100000001", "0811-0000-0001", "0 8 1 1, 0 0 0 0, 0 0 0 1"),
        ("+62811000001", "0811-0000-01", "0 8 1 1, 0 0 0 0, 0 1"),
        ("+14155550123", "+1 415-555-0123", "+ 1, 4 1 5, 5 5 5, 0 1 2 3"),
        ("TELKOMSEL", "TELKOMSEL", ""),
        (None, "", ""),
    ],
)
def test_numbers_as_people_read_and_hear_them(number: str | None, shown: str, said: str) -> None:
    assert local_form(number) == shown
    assert spoken(number) == said
