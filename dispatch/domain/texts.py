"""What a health worker's text message means: the grammar of CONTRACT 4.

Decides which key or word a text begins with, which incident it names, and what minutes or reason follow.
Never decides whether the worker may do it, which incident is meant when none is named, or what is answered.

A text is understood or left ``unknown``; it is never guessed, because a wrong *accept* stops the alerting and
nobody comes. So a number of people (``2 orang luka``) is no key, ``terima kasih`` accepts nothing, and a
word of another meaning further on (``ya tidak bisa``) makes the whole unknown. No text is ever lost:
``raw`` is what came in.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise


class Verb(StrEnum):
    """What the worker says is the case."""

    ACCEPT = "accept"
    DECLINE = "decline"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    AVAILABLE = "available"
    HELP = "help"
    STAGE = "stage"
    LEAVE_SCENE = "leave_scene"
    INFO = "info"
    DUTY_ON = "duty_on"
    DUTY_OFF = "duty_off"
    UNKNOWN = "unknown"


KEYS: dict[str, Verb] = {
    "1": Verb.ACCEPT,
    "2": Verb.DECLINE,
    "3": Verb.EN_ROUTE,
    "4": Verb.ON_SCENE,
    "5": Verb.AVAILABLE,
    "6": Verb.HELP,
    "7": Verb.STAGE,
    "8": Verb.LEAVE_SCENE,
    "0": Verb.INFO,
}
"""Keys of the alert call and of texts alike; ``4`` after ``8`` means arrived at the facility."""

WORDS: dict[Verb, str] = {
    Verb.ACCEPT: "TERIMA",
    Verb.DECLINE: "TOLAK",
    Verb.EN_ROUTE: "BERANGKAT",
    Verb.ON_SCENE: "TIBA",
    Verb.AVAILABLE: "SELESAI",
    Verb.HELP: "BANTU",
    Verb.STAGE: "TUNGGU",
    Verb.LEAVE_SCENE: "RUJUK",
    Verb.INFO: "INFO",
    Verb.DUTY_ON: "HADIR",
    Verb.DUTY_OFF: "ISTIRAHAT",
}
"""The word that is shown for each verb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCommand:
    """A text as it was understood.

    ``verb`` is None when the text is nothing but an incident's short number (the answer to "which one?"), and
    ``unknown`` when it is not understood. ``minutes`` is the time to arrival, or the length of a break.
    ``reason`` is what was said beside the command, as it was written.
    """

    verb: Verb | None
    short_number: int | None = None
    minutes: int | None = None
    reason: str | None = None
    raw: str


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    start: int
    end: int

    @property
    def is_number(self) -> bool:
        return self.word.isascii() and self.word.isdecimal()

    @property
    def short_number(self) -> int | None:
        """The incident's short number that this token can be: three to seven digits, from 100."""
        usable = self.is_number and 3 <= len(self.word) <= 7 and self.word[0] != "0"
        return int(self.word) if usable else None


def _words(spellings: str) -> frozenset[str]:
    return frozenset(spellings.split())


def _lexicon(**spellings: str) -> dict[str, Verb]:
    return {word: Verb(verb) for verb, words in spellings.items() for word in words.split()}


_WITH_COMMENT = _lexicon(
    accept="terima accept",
    decline="tidak tdk tolak decline",
    en_route="berangkat",
    on_scene="tiba",
    available="selesai",
    help="bantu",
    stage="tunggu",
    leave_scene="rujuk",
    duty_on="hadir",
    duty_off="istirahat",
)
"""The contract's own words; a comment may follow them."""

_ALONE = _lexicon(
    accept="ya y yes yap iya iyo ok oke okay siap accepted menerima",
    decline="t n no menolak declined reject rejected",
    en_route="otw meluncur jalan enroute departed",
    on_scene="sampai arrived onscene",
    available="done finished finish completed beres tuntas",
    help="bantuan help backup tolong",
    stage="wait waiting staging stage menunggu",
    leave_scene="merujuk refer transport transporting",
    info="info detail details informasi information",
    duty_on="present",
    duty_off="rehat break",
)
"""Everyday words that mean as much only when nothing else is said, apart from courtesy and minutes."""

_PHRASES: dict[tuple[str, ...], Verb] = {
    ("on", "scene"): Verb.ON_SCENE,
    ("en", "route"): Verb.EN_ROUTE,
    ("on", "the", "way"): Verb.EN_ROUTE,
    ("on", "my", "way"): Verb.EN_ROUTE,
    ("on", "duty"): Verb.DUTY_ON,
    ("tidak", "bisa"): Verb.DECLINE,
    ("tdk", "bisa"): Verb.DECLINE,
    ("tra", "bisa"): Verb.DECLINE,
}

_NODS = _words("ya iya iyo yes yap ok oke okay")
"""Words of agreement that may stand before or after another command: ``ok otw``, ``berangkat ya``."""

_THANKS = _words("makasih trims trimakasih terimakasih thanks thank thx tq")
_NEGATIONS = _words(
    "tidak tdk tak tra trada nggak ngga gak ga enggak belum blm bukan jangan batal gagal no not "
    "dont cant cannot"
)
_COURTESY = _THANKS | _words(
    "pak bapak bpk bu ibu bos boss dok dokter kak kakak mas mbak om bang abang komandan ndan sir "
    "saya sa sy kami kitong tong i im we sudah sdh udah su so have sekarang skrg segera langsung now"
)
_COUNTED = _words(
    "orang org korban pasien anak bayi ibu bapak perempuan laki pria wanita warga jam hari menit mnt min km "
    "kilo meter kali unit mobil motor ekor rumah luka meninggal tewas people person persons patient patients "
    "victim victims hour hours minute minutes day days child children"
)
"""What follows a number that counts something, and so is no key."""

_UNITS = dict.fromkeys(_words("menit mnt min mins minute minutes m"), 1) | dict.fromkeys(
    _words("jam hour hours"), 60
)
"""Minutes in each unit of time; hours are understood for breaks alone."""

_NOT_A_REFUSAL = _words("apa papa problem masalah worries jadi perlu")
"""``tidak apa-apa`` and ``no problem`` refuse nothing; ``tidak jadi`` refuses an unknown thing."""

_VERB_OF = _WITH_COMMENT | _ALONE
_TOKEN = re.compile(r"[^\W_]+")
_GLUED = re.compile(r"([0-9]{1,2})([a-z]+)|([a-z]{2,})([0-9]{1,2})")
_FACILITY = re.compile(r"[a-z][a-z0-9]{1,7}")
_SPOILERS = frozenset(":/\\%+=^~<>|")
"""What makes a time, a date or a sum of two numbers; anything else between them is a separator."""


def parse(text: str) -> TextCommand:
    """Read one text message. Total: any text gives a command, ``unknown`` at worst; never raises."""
    tokens = _tokens(text)
    short, rest = _leading_number(tokens)
    if not rest:
        return TextCommand(verb=Verb.UNKNOWN if short is None else None, short_number=short, raw=text)
    found = None if _is_date_or_time(text, tokens) else _command(text, rest, short)
    return found or TextCommand(verb=Verb.UNKNOWN, short_number=short, raw=text)


def spelled(command: TextCommand) -> str:
    """Write a command so that it reads back as the same: ``123 TERIMA 10``; the raw text if unknown.

    The key stands for the word where a comment would change the word's meaning (``1 kasih obat``).
    """
    if command.verb is Verb.UNKNOWN:
        return command.raw
    names: list[str | None] = [None]
    if command.verb is not None:
        words = [word.upper() for word, verb in _WITH_COMMENT.items() if verb is command.verb]
        keys = [key for key, verb in KEYS.items() if verb is command.verb]
        names = [WORDS[command.verb], *keys, *words]
    written = [
        " ".join(
            str(part)
            for part in (command.short_number, name, command.minutes, command.reason)
            if part is not None
        )
        for name in names
    ]
    same = (text for text in written if replace(parse(text), raw=command.raw) == command)
    return next(same, written[0])


def _tokens(text: str) -> list[_Token]:
    """Split into words and numbers in one spelling each, remembering where they stand."""
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(text):
        word = "".join(_plain(character) for character in match.group()).casefold()
        glued = _GLUED.fullmatch(word)
        known = glued is not None and (glued[2] in _UNITS or glued[3] in _VERB_OF)
        if word == "kasih" and tokens and tokens[-1].word == "terima":
            tokens[-1] = _Token("terimakasih", tokens[-1].start, match.end())
        elif glued is None or not known or len(word) != len(match.group()):
            tokens.append(_Token(word, match.start(), match.end()))
        else:
            middle = match.start() + len(glued[1] or glued[3])
            tokens.append(_Token(glued[1] or glued[3], match.start(), middle))
            tokens.append(_Token(glued[2] or glued[4], middle, match.end()))
    return tokens


def _plain(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return unicodedata.normalize("NFKC", character) if digit is None else str(digit)


def _leading_number(tokens: Sequence[_Token]) -> tuple[int | None, Sequence[_Token]]:
    """Take the incident's number off the front: ``123`` or ``KWK-2026-000123``."""
    if not tokens:
        return None, tokens
    short = tokens[0].short_number
    if short is not None:
        return short, tokens[1:]
    if len(tokens) >= 3 and _FACILITY.fullmatch(tokens[0].word) and tokens[0].word not in _VERB_OF:
        year, serial = tokens[1], tokens[2]
        if year.is_number and len(year.word) == 4 and serial.is_number and len(serial.word) == 6:
            return int(serial.word), tokens[3:]
    return None, tokens


def _is_date_or_time(text: str, tokens: Sequence[_Token]) -> bool:
    """Whether two of the first numbers are joined by something that is no separator, as in 1:30 or 5/11."""
    return any(
        left.is_number and right.is_number and not _SPOILERS.isdisjoint(text[left.end : right.start])
        for left, right in pairwise(tokens[:4])
    )


def _command(text: str, tokens: Sequence[_Token], short: int | None) -> TextCommand | None:
    """Read key or word and what follows; None when that is not certain."""
    head = tokens[0].word
    if head in KEYS:
        verb, rest, comment_allowed = KEYS[head], tokens[1:], True
        if _counts(rest):
            return None
    else:
        worded = _worded(tokens)
        if worded is None:
            return None
        verb, rest, comment_allowed = worded
    if short is None and rest and rest[0].short_number is not None:
        short, rest = rest[0].short_number, rest[1:]
    minutes, rest = _minutes(verb, rest, unit_needed=head in KEYS and verb is not Verb.ACCEPT)
    if minutes is not None and _counts(rest):
        return None
    if not _is_certain(verb, head, [token.word for token in rest], comment_allowed=comment_allowed):
        return None
    said = not _only([token.word for token in rest], _COURTESY | _NODS)
    reason = text[rest[0].start :].strip() if said else None
    return TextCommand(verb=verb, short_number=short, minutes=minutes, reason=reason, raw=text)


def _worded(tokens: Sequence[_Token]) -> tuple[Verb, Sequence[_Token], bool] | None:
    """Find the word that commands, after courtesy and a nod: (verb, what follows, comment allowed)."""
    words = [token.word for token in tokens]
    at = 0
    while at < len(words) - 1 and (
        words[at] in _COURTESY
        or (words[at] in _NODS and not tokens[at + 1].is_number and words[at + 1] in _VERB_OF)
    ):
        at += 1
    found, length = _VERB_OF.get(words[at]), 1
    for phrase, verb in _PHRASES.items():
        if tuple(words[at : at + len(phrase)]) == phrase:
            found, length = verb, len(phrase)
    nodded = not _NODS.isdisjoint(words[:at])
    if found is None or (nodded and found is Verb.DECLINE):
        return None
    comment_allowed = words[at] in _WITH_COMMENT or (length > 1 and found is Verb.DECLINE)
    return found, tokens[at + length :], comment_allowed


def _minutes(verb: Verb, rest: Sequence[_Token], *, unit_needed: bool) -> tuple[int | None, Sequence[_Token]]:
    """Take minutes off the front of what follows.

    After a key other than 1 the unit must be written, because the number could be another key.
    """
    if verb not in (Verb.ACCEPT, Verb.EN_ROUTE, Verb.DUTY_OFF) or not rest:
        return None, rest
    number = rest[0]
    if not number.is_number or len(number.word) > 2:
        return None, rest
    unit = _UNITS.get(rest[1].word) if len(rest) > 1 else None
    if unit is None or (unit > 1 and verb is not Verb.DUTY_OFF):
        return (None, rest) if unit_needed else (int(number.word), rest[1:])
    return int(number.word) * unit, rest[2:]


def _is_certain(verb: Verb, head: str, words: Sequence[str], *, comment_allowed: bool) -> bool:
    """Whether what follows the command leaves its meaning certain."""
    if not words:
        return True
    if verb is Verb.DECLINE:
        return _is_refusal(head, words, comment_allowed=comment_allowed)
    if words[0].isdecimal() or not _NEGATIONS.isdisjoint(words):
        return False
    if verb is Verb.ACCEPT and head not in KEYS and not _THANKS.isdisjoint(words):
        return False
    if any(_WITH_COMMENT.get(word, verb) is not verb for word in words):
        return False
    same = {word for word, meant in _VERB_OF.items() if meant is verb}
    return comment_allowed or _only(words, _COURTESY | _NODS | same)


def _is_refusal(head: str, words: Sequence[str], *, comment_allowed: bool) -> bool:
    """Whether a key or word of refusal is meant as one, whatever reason follows it."""
    if all(word.isdecimal() for word in words) or not _NOT_A_REFUSAL.isdisjoint(words[:2]):
        return False
    if head in _NEGATIONS:
        meant = {_WITH_COMMENT.get(word, Verb.DECLINE) for word in words}
        if not meant <= {Verb.ACCEPT, Verb.DECLINE, Verb.DUTY_ON, Verb.DUTY_OFF}:
            return False
    elif _VERB_OF.get(words[0]) is Verb.ACCEPT:
        return False
    return comment_allowed or _only(words, _COURTESY)


def _counts(rest: Sequence[_Token]) -> bool:
    """Whether the number before was a count (``2 orang luka``) and not a key; ``1 bu`` is courtesy."""
    words = [token.word for token in rest]
    return bool(words) and words[0] in _COUNTED and not _only(words, _COURTESY)


def _only(words: Sequence[str], allowed: frozenset[str]) -> bool:
    return all(word in allowed for word in words)
