"""Puts a period's figures into words: chapter by chapter, in one language, for every format alike."""

from collections.abc import Sequence
from dataclasses import replace

from dashboards.i18n import Language
from dashboards.reports import chapters_compared, chapters_key, chapters_record, chapters_times
from dashboards.reports.catalogues import report_catalogue
from dashboards.reports.contents import Report
from dashboards.reports.cover import Cover
from dashboards.reports.document import Block, Document, Paragraph, Proof, Section, Signing
from dashboards.reports.measuring import Kept
from dashboards.reports.pen import Pen
from dashboards.reports.proof import Standing
from dashboards.reports.sources import Sources

DOTS = "." * 46


def pen_for(sources: Sources, language: Language) -> Pen:
    """What writes the reports of this facility in *language*."""
    return Pen(
        language=language,
        translations=report_catalogue(language),
        zone=sources.facility.zone,
        few=sources.facility.report.few,
    )


def compose(
    report: Report,
    pen: Pen,
    *,
    sources: Sources,
    standing: Standing,
    before: Report | None = None,
    omitted: Sequence[str] = (),
) -> Document:
    """The whole report; *before* is the period that it is compared with.

    Its figures lead to what is behind them, also from a file that is opened elsewhere.
    """
    document = framed(
        report.cover,
        pen,
        title=pen.say("Response-time report"),
        sections=_sections(report, before, pen),
        sources=sources,
        standing=standing,
        omitted=omitted,
    )
    return replace(document, origin=sources.public_url)


def framed(
    cover: Cover,
    pen: Pen,
    *,
    title: str,
    sections: Sequence[Section],
    sources: Sources,
    standing: Standing,
    omitted: Sequence[str] = (),
) -> Document:
    """*sections* with what every paper of this facility about a period bears around them."""
    return in_frame(
        pen,
        title=title,
        period=cover.period.text,
        lines=_lines(cover, pen),
        sections=sections,
        sources=sources,
        standing=standing,
        omitted=omitted,
    )


def in_frame(
    pen: Pen,
    *,
    title: str,
    period: str,
    lines: Sequence[str],
    sections: Sequence[Section],
    sources: Sources,
    standing: Standing,
    omitted: Sequence[str] = (),
) -> Document:
    """The same around a paper about any stretch of time; *lines* stand below its title."""
    house, facility = sources.facility.report, sources.facility.name
    return Document(
        language=str(pen.language),
        house=house,
        facility=facility,
        title=title,
        period=period,
        lines=tuple(lines),
        sections=tuple(sections),
        proof=_proof(standing, sources, pen),
        signing=Signing(
            place_and_date=f"{house.signatory.place or DOTS[:20]}, {DOTS[:28]}",
            title=house.signatory.title or DOTS,
            room=pen.say(
                "Room for a signature or a certified electronic one (BSrE). This document bears no "
                "electronic signature."
            ),
            name=house.signatory.name or DOTS,
            nip=pen.say("NIP %(number)s", number=house.signatory.nip or DOTS[:36]),
        ),
        foot=f"{facility} · {title} {period}",
        page_words=pen.say("page %%(page)s of %%(pages)s"),
        omitted=tuple(omitted),
    )


def _lines(cover: Cover, pen: Pen) -> Sequence[str]:
    lines = [
        pen.say("Period %(period)s", period=cover.period.text)
        + ": "
        + pen.say(
            "from %(first)s until before %(after)s",
            first=pen.formats.day(cover.from_at),
            after=pen.formats.day(cover.until_at),
        )
        + ", "
        + pen.say("days of the zone %(zone)s", zone=cover.zone_name)
    ]
    if cover.begun_at is not None:
        lines.append(pen.say("The record begins on %(day)s.", day=pen.formats.day(cover.begun_at)))
    if cover.as_of is not None:
        lines.append(
            pen.say("Made on %(instant)s.", instant=pen.formats.stamp(cover.as_of))
            + " "
            + pen.say("The period was not over yet.")
        )
    return lines


def _sections(report: Report, before: Report | None, pen: Pen) -> Sequence[Section]:
    found: list[Section | None] = []
    if report.is_empty:
        notice: Block = Paragraph(
            text=pen.say("Nothing was recorded in this period: no call, no incident, no drill."),
            is_notice=True,
        )
        found.append(Section(title=pen.say("Nothing recorded"), blocks=(notice,)))
    else:
        found.append(chapters_key.key_figures(report, pen))
    if before is not None:
        found.append(chapters_compared.comparison(report, before, pen))
    found += [chapters_times.calls(report, pen), chapters_times.times(report, pen)]
    if report.tables.total.incidents:
        found.append(chapters_times.groups(report, pen))
    if report.tables.drills.incidents:
        found.append(_drills(report, pen))
    found += [
        chapters_record.anomalies(report, pen),
        chapters_record.sources(report, pen),
        chapters_record.changes(report, pen),
        chapters_record.outages(report, pen),
        chapters_record.method(report, pen),
    ]
    return [section for section in found if section is not None]


def _drills(report: Report, pen: Pen) -> Section:
    return Section(
        title=pen.say("Drills"),
        blocks=(
            pen.note("Drills are in none of the numbers above."),
            chapters_times.intervals(report.tables.drills, pen, name=pen.say("Drills"), kept=Kept.DRILL),
        ),
    )


def _proof(standing: Standing, sources: Sources, pen: Pen) -> Proof:
    title = pen.say("Proof that nothing was changed")
    if not standing.is_of_this:
        return Proof(
            title=pen.say("What is not proved here"),
            words=pen.say(
                "What this paper counts is not part of the sealed record: no fingerprint shows that none of "
                "it was changed. What was entered stands in the database, with who entered it and when."
            ),
            how="",
            fingerprint="",
            address="",
        )
    address = f"{sources.public_url}/verification" if sources.public_url else ""
    if standing.sealed_through is not None:
        words = pen.say(
            "The record was sealed up to and including %(day)s. Whoever got this fingerprint by text message "
            "can see that what was recorded until then is still the same.",
            day=pen.formats.date(standing.sealed_through),
        )
        if standing.after_seal:
            words += " " + pen.say(
                "%(lines)s lines about the incidents of this report were recorded later; later seals cover "
                "them.",
                lines=pen.wording.number(standing.after_seal),
            )
    else:
        words = pen.say(
            "The days of this period are not sealed yet, so there is no fingerprint to print here. The "
            "record itself is chained line by line: siaga verify checks it."
        )
    return Proof(
        title=title,
        words=words,
        how=pen.say("How to check this report:"),
        fingerprint=standing.fingerprint,
        address=address,
    )
