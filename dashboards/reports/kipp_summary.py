"""The sentences from which the summary of a proposal is drafted; each states a figure or a fact.

A sentence whose figure is not in the record is not there.
"""

from collections.abc import Iterator, Sequence

from dashboards.reports.chapters_impact import Impact
from dashboards.reports.chapters_times import MAIN
from dashboards.reports.contents import Report
from dashboards.reports.drafting import Sentence
from dashboards.reports.pen import Pen
from dashboards.reports.sources import Sources
from dispatch.domain.summaries import Summary
from dispatch.domain.vocabulary import Outcome

HELPED_ON_SCENE = (Outcome.TREATED,)
TAKEN = (Outcome.TRANSPORTED, Outcome.REFERRED)


def sentences(impact: Impact, pen: Pen, sources: Sources) -> Sequence[Sentence]:
    """In the order in which they are read."""
    return [*_what_it_is(impact, pen, sources), *_figures(impact, pen), *_beyond(impact, pen)]


def _what_it_is(impact: Impact, pen: Pen, sources: Sources) -> Iterator[Sentence]:
    facility = sources.facility
    yield Sentence(
        text=pen.say(
            "With %(innovation)s, %(facility)s takes emergency calls on one ordinary telephone number.",
            innovation=facility.report.innovation.name or pen.say("this innovation"),
            facility=facility.name,
        ),
        touches="background",
        rank=1,
    )
    yield Sentence(
        text=pen.say(
            "Each call becomes an incident at once; the staff on duty are rung, and others after them, until "
            "somebody accepts, and every step is a line that nobody can change unnoticed."
        ),
        touches="novelty",
        rank=2,
    )
    if impact.began is not None and impact.began < impact.report.cover.period.after:
        yield Sentence(
            text=pen.say("The record begins on %(day)s.", day=pen.formats.date(impact.began)),
            touches="implementation",
            rank=6,
        )


def _figures(impact: Impact, pen: Pen) -> Iterator[Sentence]:
    report, number = impact.report, pen.wording.number
    if report.calls_total or report.tables.total.incidents:
        yield _significant(
            3,
            pen.say(
                "In %(period)s %(calls)s calls and texts came in, %(false)s of them not genuine, and "
                "%(incidents)s incidents were recorded.",
                period=report.cover.period.text,
                calls=number(report.calls_total),
                false=number(report.not_genuine),
                incidents=number(report.tables.total.incidents),
            ),
        )
    if (answering := report.answering).offered:
        yield _significant(
            5,
            pen.say(
                "Of %(offered)s voice calls that rang, %(answered)s were answered by a person.",
                offered=number(answering.offered),
                answered=number(answering.answered),
            ),
        )
    if arrivals := _arrivals(report, impact.before, pen):
        yield _significant(4, arrivals)
    on_scene = sum(impact.outcomes.get(word, 0) for word in HELPED_ON_SCENE)
    taken = sum(impact.outcomes.get(word, 0) for word in TAKEN)
    if on_scene + taken:
        yield _significant(
            7,
            pen.say(
                "%(treated)s incidents ended with treatment on the spot, %(taken)s with the way to a "
                "facility or a referral.",
                treated=number(on_scene),
                taken=number(taken),
            ),
        )
    if report.tables.accepted:
        yield _significant(
            10,
            pen.say(
                "Of %(accepted)s accepted incidents %(complete)s have all their times.",
                accepted=number(report.tables.accepted),
                complete=number(report.tables.complete),
            ),
        )


def _significant(rank: int, text: str) -> Sentence:
    return Sentence(text=text, touches="significance", rank=rank)


def _arrivals(report: Report, before: Report | None, pen: Pen) -> str:
    """The response time: median and percentile where there are enough, from which to which otherwise."""
    now = report.tables.total.intervals[MAIN]
    if not now.recorded:
        return ""
    if now.recorded < pen.few or now.p90_s is None or now.median_s is None:
        least, most = (now.values or (0.0,))[0], (now.values or (0.0,))[-1]
        return pen.say(
            "%(count)s arrivals were recorded, %(least)s to %(most)s after the first ring.",
            count=pen.wording.number(now.recorded),
            least=pen.wording.seconds(least),
            most=pen.wording.seconds(most),
        )
    said = pen.say(
        "Of %(count)s recorded arrivals half came within %(median)s and nine of ten within %(p90)s of the "
        "first ring",
        count=pen.wording.number(now.recorded),
        median=pen.wording.seconds(now.median_s),
        p90=pen.wording.seconds(now.p90_s),
    )
    earlier = None if before is None else before.tables.total.intervals[MAIN]
    if before is None or earlier is None or not _is_enough(earlier, pen):
        return f"{said}."
    assert earlier.median_s is not None
    assert earlier.p90_s is not None
    compared = pen.say(
        "in %(period)s of %(count)s: %(median)s and %(p90)s",
        period=before.cover.period.text,
        count=pen.wording.number(earlier.recorded),
        median=pen.wording.seconds(earlier.median_s),
        p90=pen.wording.seconds(earlier.p90_s),
    )
    return f"{said} ({compared})."


def _is_enough(summary: Summary, pen: Pen) -> bool:
    return summary.recorded >= pen.few and summary.median_s is not None and summary.p90_s is not None


def _beyond(impact: Impact, pen: Pen) -> Iterator[Sentence]:
    yield Sentence(
        text=pen.say(
            "Another puskesmas needs one machine, an ordinary number and three lists (staff, roster, "
            "places); the program is free software."
        ),
        touches="adaptability",
        rank=8,
    )
    if people := sum(impact.on_duty.values()):
        yield Sentence(
            text=pen.say(
                "%(people)s people stood in the roster of the period.", people=pen.wording.number(people)
            ),
            touches="resources",
            rank=9,
        )
    if impact.read.standing.sealed_through is not None:
        yield Sentence(
            text=pen.say(
                "The record is sealed day by day, up to %(day)s so far, so that figures can be checked by "
                "outsiders in years to come.",
                day=pen.formats.date(impact.read.standing.sealed_through),
            ),
            touches="sustainability",
            rank=11,
        )
