"""One spelling for every telephone number, and what each kind of reader may see of it.

Decides whether a text is an ordinary subscriber's number and writes it as E.164. Never decides whose
number it is, whether it is reachable, or who may see it unmasked (the caller of ``mask`` does).

A number is judged by its length (``phonenumbers``: *possible*), not by the numbering plan (*valid*).
The plan in the library is always older than the operators' newest blocks; refusing a frightened caller
because a prefix is unknown would lose a call, while a number that does not exist merely never answers.
Drills and tests need invented numbers for the same reason. What the length cannot tell (short codes,
withheld numbers, operators' names) is refused by rule. Source: DOMAIN 1.8.
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

_INDONESIA = 62
_DIGITS = re.compile(r"\+?[0-9]{3,20}")
_SUBSCRIBER = re.compile(r"[2-9][0-9]{7,12}")
"""National significant numbers in use: 0 is the trunk prefix, 1 starts short codes and access numbers."""

_SEPARATORS = frozenset("().-\u2010\u2011\u2012\u2013\u2014\u2015\u2212 \t")
_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""How providers spell a hidden number on a keypad: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE."""

_HIDDEN = "•••••"


@lru_cache(maxsize=256)
def normalise(text: str, *, region: str = "ID") -> str | None:
    """Return the E.164 form of a number in any usual spelling, or None when it is no ordinary number.

    Understands 0811…, 62811…, +62811…, 0062811…, 811…, with spaces, dashes, dots, parentheses and
    digits of other scripts, and foreign numbers written with ``+``. None for withheld numbers,
    operators' names, short codes and everything else; never raises. ``region`` is the ISO country
    whose national spelling is meant when there is no ``+``. Who is on duty calls and texts again and
    again: the last ones are remembered.
    """
    digits = _ascii_digits(text)
    if digits is None or digits in _WITHHELD:
        return None
    if region == "ID" and not digits.startswith("+"):
        digits = _with_country_code(digits)
    try:
        parsed = phonenumbers.parse(digits, region)
    except NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        return None
    national = phonenumbers.national_significant_number(parsed)
    if parsed.country_code == _INDONESIA and not _SUBSCRIBER.fullmatch(national):
        return None
    spelled = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return None if spelled in _WITHHELD else spelled


def is_ordinary(number: str | None) -> bool:
    """Whether this is a subscriber's number in E.164: it can be rung back, and its next call joins."""
    return number is not None and number.startswith("+") and normalise(number) == number


def mask(number: str | None) -> str | None:
    """Hide the middle of a number for roles that see it masked (CONTRACT 7): ``+62811•••••45``.

    The count of dots is constant, so that the length tells nothing. A withheld number stays None; what is
    no ordinary number is hidden whole.
    """
    if number is None:
        return None
    parsed = _parsed(number)
    if parsed is None:
        return _HIDDEN
    national = phonenumbers.national_significant_number(parsed)
    shown = national[:3] if len(national) >= 9 else ""
    return f"+{parsed.country_code}{shown}{_HIDDEN}{national[-2:]}"


def local_form(number: str | None) -> str:
    """Write a number as people here write it: ``0811-0000-0001``; foreign ones as ``+1 415-555-0123``.

    Empty for a withheld number; text that is no ordinary number is returned as it is.
    """
    if number is None:
        return ""
    parsed = _parsed(number)
    if parsed is None:
        return number
    if parsed.country_code != _INDONESIA:
        return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)
    national = "0" + phonenumbers.national_significant_number(parsed)
    return "-".join([*(national[at : at + 4] for at in range(0, min(8, len(national)), 4)), national[8:]])


def spoken(number: str | None) -> str:
    """Write a number so that a speech engine reads digit by digit: ``0 8 1 1, 0 0 0 0, 0 0 0 1``."""
    groups = re.findall(r"[0-9+]+", local_form(number))
    return ", ".join(" ".join(group) for group in groups)


def _ascii_digits(text: str) -> str | None:
    """Strip separators and invisible marks; None when anything but one leading plus and digits is left."""
    kept: list[str] = []
    for character in text.strip().removeprefix("tel:")[:64]:
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            kept.append(str(digit))
        elif character in "+＋":
            kept.append("+")
        elif character not in _SEPARATORS and unicodedata.category(character) not in ("Cf", "Zs"):
            return None
    digits = "".join(kept)
    return digits if _DIGITS.fullmatch(digits) else None


def _with_country_code(digits: str) -> str:
    """Read a leading 62 or 0062 as the country code.

    ``phonenumbers`` takes ``62811000001`` for a landline of area 0628; people who leave out both the plus
    and the zero mean the country code.
    """
    if digits.startswith("0062"):
        return "+" + digits[2:]
    return "+" + digits if digits.startswith("62") else digits


def _parsed(number: str) -> PhoneNumber | None:
    """Return the parsed number when it is ordinary, else None."""
    spelled = normalise(number)
    return None if spelled is None else phonenumbers.parse(spelled, None)
