"""The duty roster as it is proposed for the annex of a decree: who is on duty when, and for how long.

Says what the roster holds and decides nothing: it is a proposal until the head of the health centre signs.
Breaks are not in it. No telephone number stands in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dashboards.api import shapes
from dashboards.i18n import Language
from dashboards.queries.staff import Duty, duties_between
from dashboards.reports import data
from dashboards.reports.chapters import framed, pen_for
from dashboards.reports.cover import Cover, cover_of
from dashboards.reports.document import Block, Cell, Document, Paragraph, Row, Section, Table
from dashboards.reports.pen import Pen
from dashboards.reports.periods import Period
from dashboards.reports.proof import UNSEALED
from dashboards.reports.response_times import FormatMissingError, left_out
from dashboards.reports.sources import Sources

_HOUR = timedelta(hours=1)

COLUMNS = ("section", "code", "name", "role", "tier", "from", "to", "shifts", "hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How often one person is on duty, and for how many hours of the period."""

    code: str
    name: str
    role: str
    shifts: int
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Annex:
    """Every stretch of duty that touches the period, in order of its start."""

    facility_code: str
    cover: Cover
    duties: Sequence[Duty]

    def hours(self, duty: Duty) -> float:
        """How much of *duty* lies within the period."""
        return (min(duty.ends_at, self.cover.until_at) - max(duty.starts_at, self.cover.from_at)) / _HOUR

    @property
    def totals(self) -> Sequence[Total]:
        """By person, in order of their names."""
        people = {duty.code: duty for duty in self.duties}
        own = {code: [duty for duty in self.duties if duty.code == code] for code in people}
        return [
            Total(
                code=code,
                name=one.name,
                role=one.role,
                shifts=len(own[code]),
                hours=sum(map(self.hours, own[code])),
            )
            for code, one in sorted(people.items(), key=lambda item: (item[1].name, item[0]))
        ]


def read(session: Session, *, sources: Sources, period: Period, as_of: datetime | None = None) -> Annex:
    """The roster of *period* as it stands now."""
    facility = sources.facility
    cover = cover_of(facility, period, as_of)
    return Annex(
        facility_code=facility.code,
        cover=cover,
        duties=duties_between(session, facility.code, cover.from_at, cover.until_at),
    )


def worded(
    found: Annex,
    *,
    sources: Sources,
    language: Language = Language.ID,
    missing: FormatMissingError | None = None,
) -> Document:
    """The annex in *language*."""
    pen = pen_for(sources, language)
    return framed(
        found.cover,
        pen,
        title=pen.say("Annex to the decree: duty roster (proposal)"),
        sections=(_decree(found, pen), *_months(found, pen), *_people(found, pen)),
        sources=sources,
        standing=UNSEALED,
        omitted=left_out(pen, sources, missing),
    )


def _decree(found: Annex, pen: Pen) -> Section:
    say = pen.say
    to_fill = say("number and date of the decree of the head of the health centre on duty hours")
    blocks: list[Block] = [
        Paragraph(
            text=say(
                "Proposal, drawn from the roster of this program. It becomes an annex of the decree when it "
                "is signed."
            ),
            is_notice=True,
        ),
        Paragraph(text=f"[ {say('to be filled in')}: {to_fill} ]", is_blank=True),
    ]
    if not found.duties:
        blocks.append(pen.note("Nobody is in the roster of this period."))
    return Section(title=say("Decree"), blocks=blocks)


def _months(found: Annex, pen: Pen) -> Iterator[Section]:
    """One section for each month with duty, by when it begins; what began before belongs to the first."""
    months: dict[str, list[Duty]] = {}
    for duty in found.duties:
        began_at = max(duty.starts_at, found.cover.from_at).astimezone(pen.zone)
        months.setdefault(f"{began_at:%Y-%m}", []).append(duty)
    for month, duties in months.items():
        title = pen.say("Duty roster %(month)s", month=month)
        yield Section(title=title, blocks=(_month(month, duties, found, pen),))


def _month(name: str, duties: Sequence[Duty], found: Annex, pen: Pen) -> Table:
    say = pen.say
    zone = pen.formats.zone_name(found.cover.from_at)
    columns = (
        pen.column(say("No."), is_number=True, weight=1),
        pen.column(say("Name"), weight=5),
        pen.column(say("Role"), weight=3),
        pen.column(say("Tier"), weight=2),
        pen.column(say("From (%(zone)s)", zone=zone), weight=5),
        pen.column(say("Until (%(zone)s)", zone=zone), weight=5),
    )
    rows = [
        Row(
            cells=(
                pen.count(place),
                pen.text(f"{duty.name} ({duty.code})"),
                pen.text(pen.label("role", duty.role)),
                pen.text(duty.tier),
                _moment(duty.starts_at, pen),
                _moment(duty.ends_at, pen),
            )
        )
        for place, duty in enumerate(duties, 1)
    ]
    return Table(name=name, title="", columns=columns, rows=rows)


def _moment(at: datetime, pen: Pen) -> Cell:
    """With its day of the week and without seconds, as rosters are written."""
    text = f"{pen.formats.weekday(at)}, {pen.formats.minute(at)}"
    return Cell(text=text, values=pen.instant(at).values)


def _people(found: Annex, pen: Pen) -> Iterator[Section]:
    """How much duty each person has."""
    say = pen.say
    if not found.duties:
        return
    columns = (
        pen.column(say("No."), is_number=True, weight=1),
        pen.column(say("Name"), weight=5),
        pen.column(say("Role"), weight=3),
        pen.column(say("Shifts"), is_number=True, weight=2),
        pen.column(say("Hours"), is_number=True, weight=2),
    )
    rows = [
        Row(
            cells=(
                pen.count(place),
                pen.text(f"{one.name} ({one.code})"),
                pen.text(pen.label("role", one.role)),
                pen.count(one.shifts),
                _hours(one.hours, pen),
            )
        )
        for place, one in enumerate(found.totals, 1)
    ]
    shifts, hours = len(found.duties), sum(map(found.hours, found.duties))
    all_of_them = (pen.text(""), pen.text(say("Total")), pen.text(""), pen.count(shifts), _hours(hours, pen))
    rows.append(Row(cells=all_of_them, is_total=True))
    yield Section(
        title=say("Totals for each person"),
        blocks=(
            pen.note("Hours that lie within the period; a shift may begin before it or end after it."),
            Table(name=say("Totals"), title="", columns=columns, rows=rows),
        ),
    )


def _hours(hours: float, pen: Pen) -> Cell:
    return Cell(text=pen.wording.short(hours), values=(hours,))


# --- for programs ---------------------------------------------------------------------------------


def as_csv(found: Annex) -> str:
    """A row for each stretch of duty, and one for each person."""
    rows: list[data.Row] = [{"section": "period", "name": found.cover.period.text}]
    rows += [{"section": "duty", **one} for one in _duties_data(found)]
    rows += [{"section": "total", **one} for one in _totals_data(found)]
    return data.csv_text(COLUMNS, rows)


def as_json(found: Annex) -> str:
    """The roster and what it amounts to."""
    return data.json_text(
        {
            "report": "roster",
            **data.head(found.cover, found.facility_code),
            "is_proposal": True,
            "duty": list(_duties_data(found)),
            "totals": list(_totals_data(found)),
        }
    )


def _duties_data(found: Annex) -> Iterator[data.Row]:
    for duty in found.duties:
        yield {
            "code": duty.code,
            "name": duty.name,
            "role": duty.role,
            "tier": duty.tier,
            "from": shapes.instant(duty.starts_at),
            "to": shapes.instant(duty.ends_at),
            "hours": found.hours(duty),
        }


def _totals_data(found: Annex) -> Iterator[data.Row]:
    for one in found.totals:
        yield {
            "code": one.code,
            "name": one.name,
            "role": one.role,
            "shifts": one.shifts,
            "hours": one.hours,
        }
