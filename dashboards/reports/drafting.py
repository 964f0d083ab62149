"""Drafts under a limit of words: how words are counted, and which sentences fit."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence of a draft: the section of the proposal that it touches, and how much it matters.

    Of two the one with the smaller ``rank`` is kept.
    """

    text: str
    touches: str
    rank: int


def words_in(text: str) -> int:
    """How many words: whatever stands between blanks and holds a letter or a digit.

    >>> words_in("12 mnt 5 dtk – 3 / 4 (75 %)")
    7
    """
    return sum(any(letter.isalnum() for letter in part) for part in text.split())


def fitted(sentences: Sequence[Sentence], *, at_most: int) -> Sequence[Sentence]:
    """Those that fit into *at_most* words together, the more important ones first, in the order given."""
    kept: set[int] = set()
    left = at_most
    for place in sorted(range(len(sentences)), key=lambda place: sentences[place].rank):
        words = words_in(sentences[place].text)
        if words <= left:
            kept.add(place)
            left -= words
    return [sentences[place] for place in sorted(kept)]
