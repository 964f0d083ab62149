"""What an evidence pack holds beside the record: reports, the duty roster, and an index by evidence slot.

Decides which slot of the evaluation of public services (PEKPPP, DOMAIN 1.2.4) each file serves, and says of
every other slot that it is to be filled by hand. The record itself is ``dispatch.service.record_pack``. The
same record gives the same bytes once the period is over.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from sqlalchemy.orm import Session

from dashboards.exports.tables import line, local
from dashboards.i18n import Language, msgid
from dashboards.queries import api_listings
from dashboards.reports import (
    complaint_recap,
    impact_sheet,
    kipp,
    questionnaire_sheet,
    response_times,
    roster_annex,
    skm,
    skm_plan,
    skm_survey,
    system_description,
    update_log,
)
from dashboards.reports.as_html import as_html
from dashboards.reports.as_pdf import as_pdf
from dashboards.reports.chapters import framed, pen_for
from dashboards.reports.chapters_impact import read_impact
from dashboards.reports.document import Document, Paragraph, Row, Section, Table
from dashboards.reports.pen import Pen
from dashboards.reports.periods import Period, parse_period, period_before
from dashboards.reports.response_times import Format, FormatMissingError
from dashboards.reports.sources import Sources
from dispatch.service.record_pack import PackWriter

TIMES = "laporan-waktu-tanggap"
DOSSIER, SHEET = "dosier-inovasi", "lembar-dampak"
SYSTEM, UPDATES = "deskripsi-sistem", "log-pemutakhiran"
ROSTER, ANNEX = "daftar-jaga.csv", "lampiran-sk-jadwal-jaga"
COMPLAINTS = "rekap-pengaduan"
SURVEY, PLAN, FORM = "laporan-skm", "rencana-tindak-lanjut-skm", "kuesioner-skm"
INDEX = "index"


class State(Enum):
    """How far a slot is filled by this pack."""

    SERVED = msgid("served")
    DRAFT = msgid("draft, to be signed")
    BY_HAND = msgid("to be added by hand")


@dataclass(frozen=True, slots=True)
class Slot:
    """One place for evidence: the aspect, what is asked for, and what of it lies in this pack."""

    aspect: str
    asked: str
    state: State
    files: tuple[str, ...] = ()


def _paper(name: str) -> tuple[str, str]:
    """The files of which one is there: a paper, or the page that stands for it where no PDF can be set."""
    return f"{name}.pdf", f"{name}.html"


SLOTS: Sequence[Slot] = (
    Slot("I", msgid("Service standard: proof of the time it takes"), State.SERVED, (f"{TIMES}.pdf",)),
    Slot("I", msgid("Decree on service standards, public consultation, published pledge"), State.BY_HAND),
    Slot(
        "I",
        msgid("Report of the satisfaction survey (SKM)"),
        State.DRAFT,
        _paper(SURVEY),
    ),
    Slot("I", msgid("Questionnaire of the satisfaction survey, blank"), State.SERVED, _paper(FORM)),
    Slot(
        "I",
        msgid("Follow-up plan of the survey (RTL) with proof that it was carried out"),
        State.DRAFT,
        _paper(PLAN),
    ),
    Slot(
        "II",
        msgid("Decree on service hours and duty on holidays: the roster as its annex"),
        State.DRAFT,
        (*_paper(ANNEX), ROSTER),
    ),
    Slot("II", msgid("Code of ethics, motivation, rewards and sanctions, culture of work"), State.BY_HAND),
    Slot("III", msgid("Photographs of premises and facilities"), State.BY_HAND),
    Slot(
        "IV",
        msgid("Documentation of the electronic system in use, with prints of its pages"),
        State.SERVED,
        _paper(SYSTEM),
    ),
    Slot("IV", msgid("Screenshots of account and profile at SIPPN, website of the unit"), State.BY_HAND),
    Slot(
        "IV",
        msgid("Log of the updates of data in the current year"),
        State.SERVED,
        (*_paper(UPDATES), "record/events.jsonl", "record/seals.jsonl"),
    ),
    Slot("V", msgid("Decree and procedure for complaints, channels"), State.BY_HAND),
    Slot(
        "V",
        msgid("Yearly recap of complaints: received, in work, settled in per cent"),
        State.SERVED,
        _paper(COMPLAINTS),
    ),
    Slot("VI", msgid("Innovation proposal"), State.DRAFT, _paper(DOSSIER)),
    Slot("VI", msgid("Decree on the innovation"), State.BY_HAND),
    Slot(
        "VI",
        msgid("Evaluation of results and impact"),
        State.DRAFT,
        (*_paper(SHEET), f"{TIMES}.pdf", f"{TIMES}.xlsx"),
    ),
    Slot("VI", msgid("Proof of budget, equipment and team"), State.BY_HAND),
)
"""The slots of DOMAIN 1.2.4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a paper of the pack is made from."""

    session: Session
    read: response_times.Read
    sources: Sources
    pen: Pen
    as_of: datetime
    """The present, which only a paper about a time that still runs may speak of."""


def _dossier(given: Drawn) -> Document:
    return kipp.worded(kipp.read(given.session, given.read, sources=given.sources), sources=given.sources)


def _sheet(given: Drawn) -> Document:
    found = read_impact(given.session, given.read, given.sources.facility)
    return impact_sheet.worded(found, given.pen, sources=given.sources)


def _system(given: Drawn) -> Document:
    found = system_description.read(given.session, given.read, sources=given.sources)
    return system_description.worded(found, given.pen, sources=given.sources)


def _updates(given: Drawn) -> Document:
    found = update_log.read(given.session, given.read, sources=given.sources)
    return update_log.worded(found, given.pen, sources=given.sources)


def _complaints(given: Drawn) -> Document:
    """The recap of the whole year, as it stood when the period ended: evaluators ask for it by the year."""
    cover = given.read.report.cover
    found = complaint_recap.read(
        given.session,
        sources=given.sources,
        period=parse_period(str(cover.period.first.year)),
        as_of=min(cover.until_at, given.as_of),
    )
    return complaint_recap.worded(found, sources=given.sources)


def _annex(given: Drawn) -> Document:
    period = given.read.report.cover.period
    found = roster_annex.read(given.session, sources=given.sources, period=period, as_of=given.as_of)
    return roster_annex.worded(found, sources=given.sources)


PAPERS: Mapping[str, Callable[[Drawn], Document]] = {
    DOSSIER: _dossier,
    SHEET: _sheet,
    SYSTEM: _system,
    UPDATES: _updates,
    COMPLAINTS: _complaints,
    ANNEX: _annex,
    FORM: lambda given: questionnaire_sheet.worded(sources=given.sources),
}
"""Papers that come as PDF, by the name of their file; as a page where no PDF can be set."""


def _survey_papers(given: Drawn) -> Iterator[tuple[str, Document]]:
    """Only where somebody was asked or answered, or there is a plan: a paper that says so is no evidence."""
    period = given.read.report.cover.period
    found = skm_survey.read(given.session, sources=given.sources, period=period, as_of=given.as_of)
    figures = found.figures
    if sum(figures.asked.values()) + figures.filled + figures.incomplete:
        yield SURVEY, skm.worded(found, sources=given.sources)
    if found.plan or found.plan_before:
        yield PLAN, skm_plan.plan(found, sources=given.sources)


def add_documents(
    session: Session, pack: PackWriter, *, sources: Sources, period: Period, as_of: datetime
) -> list[str]:
    """Add everything but the record; a line for each thing that could not be made."""
    found = response_times.read(
        session, sources=sources, period=period, before=period_before(period), as_of=as_of
    )
    left_out: list[str] = []
    alone = replace(found, before=None)
    for form in Format:
        try:
            written = response_times.render(alone, sources=sources, format=form)
        except FormatMissingError as error:
            left_out.append(str(error))
        else:
            pack.add(f"{TIMES}.{form}", [written])
    pen = pen_for(sources, Language.ID)
    given = Drawn(session=session, read=found, sources=sources, pen=pen, as_of=as_of)
    for name, draw in PAPERS.items():
        _add(pack, name, draw(given))
    for name, paper in _survey_papers(given):
        _add(pack, name, paper)
    pack.add(ROSTER, _roster(session, sources, period))
    _add(pack, INDEX, _index(found, sources, frozenset(pack.sums), left_out))
    return left_out


def _add(pack: PackWriter, name: str, paper: Document) -> None:
    """As PDF; where none can be set as a page, because whoever opens the pack needs it all the same."""
    try:
        pack.add(f"{name}.pdf", [as_pdf(paper)])
    except ImportError:
        pack.add(f"{name}.html", [as_html(paper).encode()])


def _roster(session: Session, sources: Sources, period: Period) -> Iterator[bytes]:
    """Every stretch of duty that touches the period, by its start."""
    facility = sources.facility
    span = period.span(facility.zone)
    assert span.from_at is not None
    assert span.until_at is not None
    yield line(("lapis", "kode", "nama", "mulai", "selesai")).encode()
    shifts = api_listings.shifts(session, facility.code, span.from_at, span.until_at)
    for code, name, tier, starts_at, ends_at in shifts:
        begins, ends = (local(at, facility.zone) for at in (starts_at, ends_at))
        yield line((tier, code, name, begins, ends)).encode()


def _index(
    found: response_times.Read, sources: Sources, files: frozenset[str], left_out: Sequence[str]
) -> Document:
    pen = pen_for(sources, Language.ID)
    return framed(
        found.report.cover,
        pen,
        title=pen.say("Evidence pack"),
        sections=(_slots(pen, files), _checking(pen)),
        sources=sources,
        standing=found.standing,
        omitted=left_out,
    )


def _slots(pen: Pen, files: frozenset[str]) -> Section:
    columns = (
        pen.column(pen.say("Aspect"), weight=1),
        pen.column(pen.say("Evidence asked for"), weight=5),
        pen.column(pen.say("In this pack"), weight=3),
        pen.column(pen.say("File"), weight=4),
    )
    return Section(
        title=pen.say("What this pack serves"),
        blocks=(
            Paragraph(
                text=pen.say(
                    "The slots follow a preset that evaluators of public services (PEKPPP) use; the "
                    "guideline of the current year was not at hand and may ask for others."
                )
            ),
            Table(
                name=pen.say("Slots"),
                title=pen.say("Slots and files"),
                columns=columns,
                rows=[_row(pen, slot, files) for slot in SLOTS],
            ),
        ),
    )


def _row(pen: Pen, slot: Slot, files: frozenset[str]) -> Row:
    """A slot is served only by what really lies in the pack."""
    there = [name for name in slot.files if name in files]
    state = slot.state if there else State.BY_HAND
    cells = (slot.aspect, pen.say(slot.asked), pen.say(state.value), ", ".join(there))
    return Row(cells=[pen.text(text) for text in cells])


def _checking(pen: Pen) -> Section:
    return Section(
        title=pen.say("How this pack is verified"),
        blocks=(
            Paragraph(
                text=pen.say(
                    "Run python verify.py in the unpacked folder: it needs nothing but Python, checks every "
                    "file against SHA256SUMS and the record against its seals, and shows the fingerprint to "
                    "be compared with the text messages of the witnesses."
                )
            ),
        ),
    )
