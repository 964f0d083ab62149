"""What a measurement comes to: percentiles, spread, and whether a target is met. Pure calculation."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """By nearest rank: the smallest value that *share* (above 0, at most 1) of *values* do not exceed."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(rounds: Sequence[float]) -> float:
    """How far apart the rounds are: (largest - smallest) / median; 0 for a single round."""
    middle = median(rounds)
    return (max(rounds) - min(rounds)) / middle if middle else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table and one entry of ``var/bench.json``.

    ``rounds`` holds one value for each round: its median, or its rate. ``limit`` is what was measured
    beside it in the same run, ``target`` what is to be reached, ``met`` whether it is (None where nothing is
    asked).
    """

    name: str
    unit: str
    median: float
    p95: float | None = None
    p99: float | None = None
    rounds: tuple[float, ...] = field(default=())
    limit: float | None = None
    target: str | None = None
    met: bool | None = None

    def as_data(self) -> dict[str, object]:
        """The entry as it is written to the file."""
        return asdict(self) | {"rounds": list(self.rounds)}


def of_rounds(
    name: str,
    unit: str,
    rounds: Sequence[Sequence[float]],
    *,
    limit: float | None = None,
    target: str | None = None,
    met: bool | None = None,
) -> Figure:
    """The figure of several rounds of single values: percentiles over all, and each round's median."""
    values = [value for one in rounds for value in one]
    return Figure(
        name=name,
        unit=unit,
        median=percentile(values, 0.5),
        p95=percentile(values, 0.95),
        p99=percentile(values, 0.99),
        rounds=tuple(percentile(one, 0.5) for one in rounds),
        limit=limit,
        target=target,
        met=met,
    )


def of_rates(name: str, unit: str, rates: Sequence[float], *, at_least: float | None = None) -> Figure:
    """The figure of one rate for each round; *at_least* is asked of their median."""
    middle = median(rates)
    return Figure(
        name=name,
        unit=unit,
        median=middle,
        rounds=tuple(rates),
        target=None if at_least is None else f"≥ {at_least:g}",
        met=None if at_least is None else middle >= at_least,
    )


def ratio(
    name: str, above: Sequence[float], below: Sequence[float], *, at_most: float | None = None
) -> Figure:
    """*above* as a multiple of *below*, round by round: what disturbs a pair disturbs both of it."""
    rounds = tuple(a / b for a, b in zip(above, below, strict=True))
    middle = median(rounds)
    return Figure(
        name=name,
        unit="×",
        median=middle,
        rounds=rounds,
        limit=median(below),
        target=None if at_most is None else f"≤ {at_most:g}",
        met=None if at_most is None else middle <= at_most,
    )


def summary(figure: Figure) -> str:
    """One line, for whoever waits for the table."""
    return f"{figure.name}: " + " · ".join(cell for cell in _cells(figure)[1:5] if cell)


_COLUMNS = ("figure", "median", "p95", "p99", "unit", "rounds", "spread", "limit", "target", "met")


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table, for a terminal and for docs/performance.md alike."""
    lines = [_COLUMNS, *(_cells(figure) for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([shown[0], rule, *shown[1:]])


def _cells(figure: Figure) -> tuple[str, ...]:
    met = {None: "", True: "yes", False: "NO"}[figure.met]
    apart = f"{spread(figure.rounds):.0%}" if len(figure.rounds) > 1 else ""
    return (
        figure.name,
        _number(figure.median),
        _number(figure.p95),
        _number(figure.p99),
        figure.unit,
        str(len(figure.rounds) or ""),
        apart,
        _number(figure.limit),
        figure.target or "",
        met,
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
