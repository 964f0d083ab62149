"""The text grammar of CONTRACT 4: what is understood, and what is left alone because it is not certain."""

import pytest

from dispatch.domain.texts import KEYS, WORDS, TextCommand, Verb, parse, spelled


def _read(text: str) -> tuple[str | None, int | None, int | None, str | None]:
    command = parse(text)
    assert command.raw == text
    return command.verb, command.short_number, command.minutes, command.reason


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        (
            ["1", "YA", "TERIMA", "ACCEPT", "y", "yes", "Ok", "OKE", "siap", "Siap pak", "ok siap", "1 bu"],
            Verb.ACCEPT,
        ),
        (
            ["2", "TIDAK", "TOLAK", "DECLINE", "t", "no", "tdk", "tidak bisa", "Tidak bisa, pak", "2."],
            Verb.DECLINE,
        ),
        (
            ["3", "BERANGKAT", "otw", "OTW", "sudah berangkat", "ok otw", "on the way", "berangkat ya"],
            Verb.EN_ROUTE,
        ),
        (["4", "TIBA", "arrived", "sudah tiba", "on scene", "su tiba", "sampai"], Verb.ON_SCENE),
        (
            ["5", "SELESAI", "done", "beres", "sudah selesai", "5 terima kasih", "selesai, makasih"],
            Verb.AVAILABLE,
        ),
        (["6", "BANTU", "bantuan", "help"], Verb.HELP),
        (["7", "TUNGGU", "staging"], Verb.STAGE),
        (["8", "RUJUK", "merujuk"], Verb.LEAVE_SCENE),
        (["0", "INFO", "info?", "detail"], Verb.INFO),
        (["HADIR", "hadir pak"], Verb.DUTY_ON),
        (["ISTIRAHAT", "rehat"], Verb.DUTY_OFF),
    ],
)
def test_keys_and_words_mean_the_same(words: list[str], verb: Verb) -> None:
    assert {text: _read(text) for text in words} == dict.fromkeys(words, (verb, None, None, None))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1 10", (Verb.ACCEPT, None, 10, None)),
        ("1.10", (Verb.ACCEPT, None, 10, None)),
        ("1,10", (Verb.ACCEPT, None, 10, None)),
        ("1*10", (Verb.ACCEPT, None, 10, None)),
        ("1-10", (Verb.ACCEPT, None, 10, None)),
        ("1#10#", (Verb.ACCEPT, None, 10, None)),
        ('"1 10"', (Verb.ACCEPT, None, 10, None)),
        ("“1”", (Verb.ACCEPT, None, None, None)),
        ("\uff11 \uff11\uff10", (Verb.ACCEPT, None, 10, None)),
        ("\u0661 \u0661\u0660", (Verb.ACCEPT, None, 10, None)),
        ("\u202b1\u202c 10", (Verb.ACCEPT, None, 10, None)),
        ("\U0001f44d 1", (Verb.ACCEPT, None, None, None)),
        ("1\ufe0f\u20e3", (Verb.ACCEPT, None, None, None)),
        ("ya 5", (Verb.ACCEPT, None, 5, None)),
        ("YA5", (Verb.ACCEPT, None, 5, None)),
        ("ok 15 menit", (Verb.ACCEPT, None, 15, None)),
        ("1 10 mnt", (Verb.ACCEPT, None, 10, None)),
        ("1 10menit", (Verb.ACCEPT, None, 10, None)),
        ("terima 10", (Verb.ACCEPT, None, 10, None)),
        ("1 jalan kaki", (Verb.ACCEPT, None, None, "jalan kaki")),
        ("123 4", (Verb.ON_SCENE, 123, None, None)),
        ("#123 4", (Verb.ON_SCENE, 123, None, None)),
        ("123.4", (Verb.ON_SCENE, 123, None, None)),
        ("123 1 10", (Verb.ACCEPT, 123, 10, None)),
        ("123,1,10", (Verb.ACCEPT, 123, 10, None)),
        ("123 ya 10", (Verb.ACCEPT, 123, 10, None)),
        ("1 123", (Verb.ACCEPT, 123, None, None)),
        ("tiba 123", (Verb.ON_SCENE, 123, None, None)),
        ("KWK-2026-000123 1", (Verb.ACCEPT, 123, None, None)),
        ("1234567 5", (Verb.AVAILABLE, 1234567, None, None)),
        ("123", (None, 123, None, None)),
        ("110", (None, 110, None, None)),
        ("2 banjir", (Verb.DECLINE, None, None, "banjir")),
        ("2.Banjir di Jalur 2!", (Verb.DECLINE, None, None, "Banjir di Jalur 2!")),
        ("123 2 banjir", (Verb.DECLINE, 123, None, "banjir")),
        ("tolak masih rujuk pasien", (Verb.DECLINE, None, None, "masih rujuk pasien")),
        ("2 sedang istirahat", (Verb.DECLINE, None, None, "sedang istirahat")),
        ("tidak terima", (Verb.DECLINE, None, None, "terima")),
        ("tidak bisa banjir", (Verb.DECLINE, None, None, "banjir")),
        ("berangkat 10", (Verb.EN_ROUTE, None, 10, None)),
        ("3 10 menit", (Verb.EN_ROUTE, None, 10, None)),
        ("6 ambulans lagi", (Verb.HELP, None, None, "ambulans lagi")),
        ("7 ada perkelahian", (Verb.STAGE, None, None, "ada perkelahian")),
        ("8 RSUD", (Verb.LEAVE_SCENE, None, None, "RSUD")),
        ("istirahat 30 menit", (Verb.DUTY_OFF, None, 30, None)),
        ("istirahat 1 jam", (Verb.DUTY_OFF, None, 60, None)),
    ],
)
def test_numbers_minutes_and_reasons(
    text: str, meaning: tuple[str | None, int | None, int | None, str | None]
) -> None:
    assert _read(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "?",
        "...",
        "\x00",
        "\u202e",
        "\U0001f44d",
        "9",
        "10",
        "12 5",
        "00",
        "1 orang luka",
        "2 orang luka parah",
        "3 korban",
        "5 menit lagi",
        "1 jam lagi",
        "1 5 orang",
        "kami 4",
        "pak 1",
        "terima kasih",
        "Terima kasih banyak",
        "ok terima kasih",
        "siap, makasih",
        "ya tidak bisa",
        "ya ada apa?",
        "ya Tuhan",
        "ok tapi saya jauh",
        "1 tidak bisa",
        "3 belum",
        "belum tiba",
        "tidak selesai",
        "tidak apa-apa",
        "no problem",
        "tidak jadi",
        "2 ya",
        "4 5",
        "3 4",
        "2 5",
        "5-11-2026",
        "1-11-2026",
        "23-11-2026",
        "1:30",
        "5/11",
        "08.00",
        "1 10 20",
        "1 000",
        "081234567890",
        "0811000001",
        "+62811000001 1",
        "available",
        "stop",
        "N01 sakit",
        "1a",
        "ada orang tidak sadar di jembatan aspal",
        "tolong cepat",
        "terima 5 pasien",
        "sampai jam 5",
        "' OR 1=1 --",
        "<script>alert(1)</script>",
    ],
)
def test_what_is_not_certain_is_left_unknown(text: str) -> None:
    assert _read(text) == (Verb.UNKNOWN, None, None, None)


@pytest.mark.parametrize("text", ["123 banjir besar", "123 9", "123 10", "123 terima kasih"])
def test_the_incident_of_an_unknown_text_is_still_known(text: str) -> None:
    assert _read(text) == (Verb.UNKNOWN, 123, None, None)


def test_a_long_text_is_kept_whole() -> None:
    text = "2 " + "banjir \U0001f30a \u202eabc\x00 " * 700
    command = parse(text)
    assert command.verb is Verb.DECLINE
    assert command.raw == text
    assert command.reason == text[2:].strip()


def test_every_key_and_every_word_reads_back() -> None:
    assert {parse(key).verb for key in KEYS} == set(KEYS.values())
    assert {parse(word).verb: word for word in WORDS.values()} == WORDS
    assert set(WORDS) == set(Verb) - {Verb.UNKNOWN}


def test_a_command_is_spelled_one_way() -> None:
    assert spelled(parse("\uff11\uff12\uff13, ya 10 mnt")) == "123 TERIMA 10"
    assert spelled(parse("123 2. banjir")) == "123 TOLAK banjir"
    assert spelled(TextCommand(verb=Verb.UNKNOWN, raw="apa?")) == "apa?"
