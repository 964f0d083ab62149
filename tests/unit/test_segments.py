"""One segment of GSM 03.38, counted and cut as the network does."""

import doctest

import pytest

from dispatch.domain import segments
from dispatch.domain.segments import Elastic, compose, fit_segment, is_gsm7, septets, to_gsm7

_LINK = "http://127.0.0.1:8911/w/AbCdEfGhIjKl"


def test_the_examples_in_the_module_are_true() -> None:
    assert doctest.testmod(segments).failed == 0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("KWK 123", 7),
        ("\n\r", 2),
        ("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", 42),
        ("€", 2),
        ("[{^}]~|\\\f", 18),
    ],
)
def test_extension_characters_count_twice(text: str, count: int) -> None:
    assert is_gsm7(text)
    assert septets(text) == count


@pytest.mark.parametrize("text", ["ç", "`", "\t", "’", "\U0001f691", "á", "\x00", "Я"])
def test_what_is_not_in_the_alphabet_is_known(text: str) -> None:
    assert not is_gsm7(text)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("“Jalan Mambruk” – \u201850 m’…", "\"Jalan Mambruk\" - '50 m'..."),
        ("ibu hamil \U0001f930 tolong", "ibu hamil tolong"),
        ("\U0001f6a8\U0001f6a8 MERAH", "MERAH"),
        ("MERAH \U0001f6a8 \U0001f6a8", "MERAH"),
        ("MERAH\U0001f6a8!", "MERAH!"),
        ("a\tb\u00a0c", "a b c"),
        ("satu\ndua\u2028tiga", "satu\ndua\ntiga"),
        ("José çà Ş\u0131rnak Łódź", "José cà Sirnak Lodz"),
        ("e\u0301", "é"),
        ("½ jam, 5 km²", "1/2 jam, 5 km2"),
        ("\u0661\u0662\u0663", "123"),
        ("ﬁrst №1 ™", "first No1 TM"),
        ("пожар", ""),
        ("a\x00b", "ab"),
        ("price 5 €", "price 5 €"),
    ],
)
def test_texts_are_spelled_in_the_alphabet(text: str, spelled: str) -> None:
    assert to_gsm7(text) == spelled


@pytest.mark.parametrize(
    ("text", "limit", "fitted"),
    [
        ("a" * 160, 160, "a" * 160),
        ("a" * 161, 160, "a" * 157 + "..."),
        ("[" * 80, 160, "[" * 80),
        ("[" * 81, 160, "[" * 78 + "..."),
        ("dekat gereja", 10, "dekat g..."),
        ("dekat  gereja", 9, "dekat..."),
        (f"lihat {_LINK}", 160, f"lihat {_LINK}"),
        (f"lihat {_LINK}", 20, "lihat..."),
        (f"lihat {_LINK} segera ya", 6 + len(_LINK) + 3, f"lihat {_LINK}"),
        (_LINK, 10, "..."),
        ("“” " * 3, 3, "..."),
    ],
)
def test_long_texts_are_cut_but_links_are_not(text: str, limit: int, fitted: str) -> None:
    assert fit_segment(text, limit=limit) == fitted


def test_a_limit_without_room_for_the_dots_is_refused() -> None:
    with pytest.raises(ValueError, match="2 septets"):
        fit_segment("abc", limit=2)


def test_an_alert_keeps_number_keys_and_link_and_shortens_the_rest() -> None:
    parts: list[str | Elastic] = [
        "911 #123 MERAH ",
        Elastic(text="tidak sadar atau tidak bernapas", importance=1),
        ", ",
        Elastic(text="dekat gereja di seberang Jembatan Aspal, Jalur 1, rumah cat biru, Kwamki Narama"),
        f". 1=YA 2=TIDAK {_LINK}",
    ]
    text = compose(parts)
    assert septets(text) <= 160
    assert text.startswith("911 #123 MERAH tidak sadar atau tidak bernapas, dekat gereja di seberang")
    assert text.endswith(f"... 1=YA 2=TIDAK {_LINK}")


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (40, "X kategori panjang, tempat yang jauh Z"),
        (32, "X kategori panjang, tempat... Z"),
        (29, "X kategori panjang, temp... Z"),
        (28, "X kategori pan..., temp... Z"),
        (23, "X kategor..., temp... Z"),
        (22, "X kategori panjang,  Z"),
        (21, "X kategori pan...,  Z"),
        (15, "X ,  Z"),
    ],
)
def test_elastic_parts_give_way_in_order(limit: int, text: str) -> None:
    parts: list[str | Elastic] = [
        "X ",
        Elastic(text="kategori panjang", importance=1, least=10),
        ", ",
        Elastic(text="tempat yang jauh", least=7),
        " Z",
    ]
    assert compose(parts, limit=limit) == text


def test_fixed_parts_that_do_not_fit_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="fixed parts need 12 septets of 11"):
        compose(["a" * 12, Elastic(text="b")], limit=11)
