"""One SMS segment in the phones' own alphabet, GSM 03.38: 160 septets, and nothing that doubles the price.

Decides how a text is spelled and shortened so that it arrives as one segment (CONTRACT 4: every text that the
program sends fits one). Never decides what is said. A single letter outside the alphabet turns the whole text
into UCS-2 with 70 characters a segment, so letters are replaced before anything is cut.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

SEGMENT = 160
"""Septets in one segment."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
"""Characters that are sent as an escape and a second septet."""

_ALPHABET = _BASIC | _EXTENSION

_REPLACEMENTS = str.maketrans(
    {
        **dict.fromkeys("\u2018’\u201a\u201b\u2032`\u00b4\u02bc", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("\u2010\u2011\u2012–—―−", "-"),
        **dict.fromkeys("•·●▪◦", "-"),
        "…": "...",
        "\t": " ",
        "\u2028": "\n",
        "\u2029": "\n",
        "\x85": "\n",
        "\v": "\n",
        "×": "x",
        "÷": "/",
        "\N{FRACTION SLASH}": "/",
        "°": " deg",
        "Đ": "D",
        "đ": "d",
        "Ł": "L",
        "ł": "l",
        "\u0131": "i",
        "Œ": "OE",
        "œ": "oe",
        "→": "->",
        "←": "<-",
        "≥": ">=",
        "≤": "<=",
        "\N{SOFT HYPHEN}": "",
    }
)
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_ELLIPSIS = "..."
_DROPPED = "\0"
_BESIDE_DROPPED = re.compile("(^| )\0+(?: \0+)*( |$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Elastic:
    """A part that may be shortened so that the fixed parts fit; ``least`` septets stay, if the text has them.

    The parts with the lowest ``importance`` are shortened first.
    """

    text: str
    least: int = 8
    importance: int = 0


def is_gsm7(text: str) -> bool:
    """Whether every character is in the basic alphabet or its extension table."""
    return _ALPHABET.issuperset(text)


def septets(text: str) -> int:
    """Return the length on the air of a text in the alphabet: 2 for an extension character, else 1."""
    return len(text) + sum(map(text.count, _EXTENSION))


def to_gsm7(text: str) -> str:
    """Spell a text in the alphabet: plain signs for typographic ones, accents dropped where it has no letter.

    Other line ends become line feeds, tabs spaces. What has no likeness (emoji, other scripts, control
    characters) is dropped, with the space it stood beside. Text in the alphabet is returned unchanged.

    >>> to_gsm7("“Jl. Mambruk” – 50 m… 🚑 é ş")
    '"Jl. Mambruk" - 50 m... é s'
    """
    if is_gsm7(text):
        return text
    composed = unicodedata.normalize("NFC", text).translate(_REPLACEMENTS)
    marked = "".join(_plain(character) or _DROPPED for character in composed)
    tidy = _BESIDE_DROPPED.sub(lambda match: " " if match[1] and match[2] else "", marked)
    return tidy.replace(_DROPPED, "")


def fit_segment(text: str, *, limit: int = SEGMENT) -> str:
    """Return the text in the alphabet, cut with ``...`` to at most ``limit`` septets.

    Never cuts inside a link, nor sets the dots against one: a link that does not fit whole is left out with
    what follows it (``compose`` keeps links). Raises ValueError for a limit under 3.
    """
    spelled = to_gsm7(text)
    if septets(spelled) <= limit:
        return spelled
    if limit < len(_ELLIPSIS):
        raise ValueError(f"no text fits {limit} septets")
    kept = _cut(spelled, limit - len(_ELLIPSIS))
    for link in _LINK.finditer(spelled):
        if link.start() < len(kept) < link.end():
            kept = kept[: link.start()]
    kept = kept.rstrip()
    whole_link = any(link.end() == len(kept) for link in _LINK.finditer(spelled))
    return kept if whole_link else kept + _ELLIPSIS


def compose(parts: Sequence[str | Elastic], *, limit: int = SEGMENT) -> str:
    """Join fixed and elastic parts into one segment; fixed parts (number, keys, link) are never touched.

    Elastic parts give way in order of importance, first down to their ``least``, then altogether; of equally
    important ones the last gives way first. Raises
    ValueError when the fixed parts alone are too long: that is a mistake in the template.

    >>> compose(["123 MERAH ", Elastic(text="dekat gereja di Jalur 2"), ". 1=YA 2=TIDAK"], limit=38)
    '123 MERAH dekat gerej.... 1=YA 2=TIDAK'
    """
    texts = [to_gsm7(part if isinstance(part, str) else part.text) for part in parts]
    fixed = sum(septets(text) for text, part in zip(texts, parts, strict=True) if isinstance(part, str))
    if fixed > limit:
        raise ValueError(f"the fixed parts need {fixed} septets of {limit}")
    elastic = sorted(
        (part.importance, -position, position, part.least)
        for position, part in enumerate(parts)
        if isinstance(part, Elastic)
    )
    order = [(position, least) for _, _, position, least in elastic]
    for left_out in range(len(order)):
        fitted = _squeezed(texts, order, left_out, limit)
        if sum(map(septets, fitted)) <= limit:
            return "".join(fitted)
    return "".join(text for text, part in zip(texts, parts, strict=True) if isinstance(part, str))


def _squeezed(texts: Sequence[str], order: Sequence[tuple[int, int]], left_out: int, limit: int) -> list[str]:
    """Leave out the first few elastic parts of the order and shorten the others as far as they allow."""
    fitted = list(texts)
    for position, _ in order[:left_out]:
        fitted[position] = ""
    for position, least in order[left_out:]:
        excess = sum(map(septets, fitted)) - limit
        fitted[position] = _shortened(fitted[position], max(least, septets(fitted[position]) - excess))
    return fitted


def _shortened(text: str, limit: int) -> str:
    """Cut to a length; a rest of nothing but dots is left out."""
    if septets(text) <= limit:
        return text
    return fit_segment(text, limit=limit) if limit > len(_ELLIPSIS) else ""


def _plain(character: str) -> str:
    """Return the likeness of one character in the alphabet, or nothing."""
    if character in _ALPHABET:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    likeness = unicodedata.normalize("NFKD", character).translate(_REPLACEMENTS)
    return "".join(part for part in likeness if part in _ALPHABET)


def _cut(text: str, limit: int) -> str:
    """Return the longest beginning of at most ``limit`` septets, never half of an escaped character."""
    used = 0
    for position, character in enumerate(text):
        used += 2 if character in _EXTENSION else 1
        if used > limit:
            return text[:position]
    return text
