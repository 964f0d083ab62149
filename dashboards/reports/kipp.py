"""The innovation dossier: a proposal by section, with every figure that the record can supply (DOMAIN 1.3).

Nothing is invented: what the record does not hold is a marked blank that names who has it. The summary is
drafted from figures alone and never longer than its limit; of every other section the words are counted, and
that its limit is not known is said. Weights and limits are those of the facility's file, or of 2023.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from dashboards.i18n import Language
from dashboards.reports import kipp_sections
from dashboards.reports.chapters import framed, pen_for
from dashboards.reports.chapters_impact import BLANK, Impact, read_impact
from dashboards.reports.document import Block, Document, Paragraph, Row, Section, Table
from dashboards.reports.drafting import fitted, words_in
from dashboards.reports.house import SUMMARY_WORDS, Innovation
from dashboards.reports.kipp_sections import Draft
from dashboards.reports.kipp_summary import sentences
from dashboards.reports.pen import Pen
from dashboards.reports.response_times import FormatMissingError, Read, left_out
from dashboards.reports.sources import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A section of the proposal, and how many words its draft has."""

    draft: Draft
    words: int


def read(session: Session, found: Read, *, sources: Sources) -> Impact:
    """Read what the response-time report of the same period does not count."""
    return read_impact(session, found, sources.facility)


def worded(
    impact: Impact,
    *,
    sources: Sources,
    language: Language = Language.ID,
    missing: FormatMissingError | None = None,
) -> Document:
    """The dossier in *language*."""
    pen = pen_for(sources, language)
    drafted = [Drafted(draft=draft, words=_words(draft)) for draft in drafts(impact, pen, sources)]
    innovation = sources.facility.report.innovation
    return framed(
        impact.report.cover,
        pen,
        title=pen.say("Innovation dossier (KIPP)"),
        sections=[
            _identity(impact, sources, pen),
            _overview(drafted, innovation, pen),
            *(_section(each, innovation, pen) for each in drafted),
        ],
        sources=sources,
        standing=impact.read.standing,
        omitted=left_out(pen, sources, missing),
    )


def drafts(impact: Impact, pen: Pen, sources: Sources) -> Iterator[Draft]:
    """The eight sections in the order of the instrument."""
    yield _summary(impact, pen, sources)
    yield from kipp_sections.sections(impact, pen, sources)


def _words(draft: Draft) -> int:
    return sum(map(words_in, draft.narrative))


def _summary(impact: Impact, pen: Pen, sources: Sources) -> Draft:
    """As many sentences as fit, and which aspects nobody has drafted."""
    limit = min(SUMMARY_WORDS, sources.facility.report.innovation.limits.get("summary", SUMMARY_WORDS))
    kept = fitted(sentences(impact, pen, sources), at_most=limit)
    text = " ".join(sentence.text for sentence in kept)
    touched = {sentence.touches for sentence in kept}
    titles = kipp_sections.TITLES.items()
    untouched = [pen.say(title) for key, title in titles if key not in {"summary", *touched}]
    notes: list[Block] = [
        pen.note(
            "Drafted from figures of the record alone. The instrument asks it to touch every aspect; "
            "%(words)s words are left for what follows.",
            words=limit - words_in(text),
        )
    ]
    if untouched:
        notes.append(pen.note("Not touched yet: %(aspects)s.", aspects="; ".join(untouched)))
    return Draft(key="summary", narrative=[text] if text else [], support=notes)


def _identity(impact: Impact, sources: Sources, pen: Pen) -> Section:
    """Whose proposal this is; what the facility's file does not say is a blank."""
    say, facility = pen.say, sources.facility
    innovation = facility.report.innovation
    began = innovation.began
    rows = (
        (say("Name of the innovation"), innovation.name or BLANK),
        (say("Agency"), facility.name),
        (say("Put into use on"), BLANK if began is None else pen.formats.date(began)),
        (say("Record begins on"), BLANK if impact.began is None else pen.formats.date(impact.began)),
        (say("Group (general or replication) and category"), BLANK),
        (say("Person in charge, telephone, mail"), BLANK),
        (say("Address of video and evidence"), BLANK),
    )
    columns = (pen.column(say("Field"), weight=3), pen.column(say("Content"), weight=6))
    table = Table(
        name=say("Identity"),
        title="",
        columns=columns,
        rows=[Row(cells=(pen.text(field), pen.text(content))) for field, content in rows],
    )
    return Section(title=say("Identity of the innovation"), blocks=(table,))


def _overview(drafted: list[Drafted], innovation: Innovation, pen: Pen) -> Section:
    say = pen.say
    columns = (
        pen.column(say("Section"), weight=5),
        pen.column(say("Weight"), is_number=True, weight=2),
        pen.column(say("Words drafted"), is_number=True, weight=2),
        pen.column(say("Limit of words"), weight=5),
    )
    rows = [
        Row(
            cells=(
                pen.text(_title(number, each.draft, pen)),
                pen.text(pen.wording.percent(innovation.weights[each.draft.key] / 100)),
                pen.count(each.words),
                pen.text(_limit(each, innovation, pen)),
            )
        )
        for number, each in enumerate(drafted, 1)
    ]
    return Section(
        title=say("Draft by section"),
        blocks=(
            Paragraph(text=_instrument(innovation, pen), is_notice=not innovation.instrument),
            pen.note(
                "This is a draft for the team of the innovation. Figures are from the record of the period; "
                "words in dashed boxes are to be filled in by the person named there, and count in no limit "
                "before that."
            ),
            Table(name=say("Sections"), title="", columns=columns, rows=rows),
        ),
    )


def _instrument(innovation: Innovation, pen: Pen) -> str:
    if innovation.instrument:
        return pen.say(
            "Weights and limits as the facility's file states them: %(instrument)s.",
            instrument=innovation.instrument,
        )
    return pen.say(
        "Weights of the instrument of 2023, general group, as a public presentation shows them. The "
        "guideline of the current year was not at hand and may differ: compare before you submit. That the "
        "summary has at most 200 words stands there; that the other sections have a limit is said and not "
        "confirmed."
    )


def _limit(each: Drafted, innovation: Innovation, pen: Pen) -> str:
    limit = innovation.limits.get(each.draft.key)
    if limit is None:
        return pen.say("not known (unconfirmed)")
    if each.words <= limit:
        return pen.say("at most %(limit)s words", limit=limit)
    return pen.say("at most %(limit)s words: %(over)s too many", limit=limit, over=each.words - limit)


def _title(number: int, draft: Draft, pen: Pen) -> str:
    return f"{number}. {pen.say(kipp_sections.TITLES[draft.key])}"


def _section(each: Drafted, innovation: Innovation, pen: Pen) -> Section:
    number = list(kipp_sections.TITLES).index(each.draft.key) + 1
    facts = pen.note(
        "Weight %(weight)s · %(words)s words drafted · limit: %(limit)s",
        weight=pen.wording.percent(innovation.weights[each.draft.key] / 100),
        words=each.words,
        limit=_limit(each, innovation, pen),
    )
    narrative = (Paragraph(text=text) for text in each.draft.narrative)
    return Section(
        title=_title(number, each.draft, pen),
        blocks=(facts, *narrative, *each.draft.blanks, *each.draft.support),
    )
