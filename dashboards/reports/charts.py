"""Charts as plain shapes, laid out here and drawn as SVG by a template: on the page, on paper, in the PDF.

Knows no words and no colours but dark, light and warning: everything must be read on a grey print.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 640.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 34.0, 10.0, 16.0, 30.0
_BAND_HEIGHT = 20.0
_LABELS_MAX = 16
"""More labels below the bars than that run into each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: its name below, its value, and the same as it is written above it."""

    name: str
    value: float
    text: str = ""
    is_late: bool = False
    """Drawn lighter and hatched: beyond the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A filled rectangle; ``tone`` is dark, light or warn."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line."""

    x1: float
    y1: float
    x2: float
    y2: float
    is_dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Some text; ``anchor`` is SVG's own word."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing with its title; ``told`` says the same to whoever cannot see it."""

    title: str
    told: str
    width: float
    height: float
    rects: Sequence[Rect]
    marks: Sequence[Mark]
    words: Sequence[Word]


def bars(title: str, told: str, given: Sequence[Bar], *, unit: str) -> Chart:
    """Bars side by side above their names; *unit* stands at the axis."""
    most = max((bar.value for bar in given), default=0.0) or 1.0
    room_x, room_y = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = room_x / max(1, len(given))
    width = min(46.0, step * 0.72)
    every = -(-len(given) // _LABELS_MAX)
    rects: list[Rect] = []
    words = [Word(x=2, y=10, text=unit, anchor="start")]
    base = _TOP + room_y
    for number, bar in enumerate(given):
        middle = _LEFT + step * (number + 0.5)
        height = room_y * bar.value / most
        if bar.value:
            rects.append(
                Rect(
                    x=_near(middle - width / 2),
                    y=_near(base - height),
                    width=_near(width),
                    height=_near(height),
                    tone="light" if bar.is_late else "dark",
                )
            )
        if number % every == 0:
            words.append(Word(x=_near(middle), y=_near(base + 14), text=bar.name))
        if bar.text and every == 1:
            words.append(Word(x=_near(middle), y=_near(base - height - 4), text=bar.text))
    marks = [Mark(x1=_LEFT, y1=base, x2=WIDTH - _RIGHT, y2=base)]
    return Chart(title=title, told=told, width=WIDTH, height=HEIGHT, rects=rects, marks=marks, words=words)


def bands(
    title: str,
    told: str,
    rows: Sequence[tuple[str, Sequence[tuple[datetime, datetime]]]],
    *,
    from_at: datetime,
    until_at: datetime,
    ticks: Sequence[tuple[datetime, str]],
) -> Chart:
    """For each row a band over the whole time, dark where something lies; *ticks* are dates below it."""
    left = 150.0
    room = WIDTH - left - _RIGHT
    whole = (until_at - from_at).total_seconds()

    def x_of(at: datetime) -> float:
        return left + room * min(1.0, max(0.0, (at - from_at).total_seconds() / whole))

    rects: list[Rect] = []
    words: list[Word] = []
    for number, (name, stretches) in enumerate(rows):
        top = 6 + number * (_BAND_HEIGHT + 6)
        words.append(Word(x=left - 8, y=top + 14, text=name, anchor="end"))
        rects.append(Rect(x=left, y=top, width=room, height=_BAND_HEIGHT, tone="ground"))
        for begins_at, ends_at in stretches:
            begin, end = x_of(begins_at), x_of(ends_at)
            # Seen even when it was short: a minute of a month is nothing on paper.
            rects.append(
                Rect(
                    x=_near(begin),
                    y=top,
                    width=_near(max(1.5, end - begin)),
                    height=_BAND_HEIGHT,
                    tone="warn",
                )
            )
    bottom = 6 + len(rows) * (_BAND_HEIGHT + 6)
    marks = [Mark(x1=_near(x_of(at)), y1=bottom - 4, x2=_near(x_of(at)), y2=bottom) for at, _ in ticks]
    words += [Word(x=_near(x_of(at)), y=bottom + 12, text=text) for at, text in ticks]
    return Chart(
        title=title, told=told, width=WIDTH, height=bottom + 18, rects=rects, marks=marks, words=words
    )


def _near(value: float) -> float:
    """A tenth of a point is finer than any printer."""
    return round(value, 1)
