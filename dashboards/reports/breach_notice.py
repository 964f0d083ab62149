"""The notice that UU PDP 27/2022 asks for when personal data were not protected, within 3 × 24 hours.

Puts in what the log knows and leaves the rest as marked blanks; decides nothing about whether there was a
breach. It is written to the authority and to the people concerned (DOMAIN 1.6).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dashboards.i18n import Language, msgid
from dashboards.queries.breach import Known, read_known
from dashboards.reports.chapters import in_frame, pen_for
from dashboards.reports.document import Block, Cell, Document, Paragraph, Row, Section, Table
from dashboards.reports.pen import Pen
from dashboards.reports.proof import Standing
from dashboards.reports.sources import Sources
from dashboards.reports.update_log import ACTIONS
from dispatch.service.sealed import last_seal

WITHIN = timedelta(hours=72)
"""3 × 24 hours, from when the failure became known."""

VALUES = {
    "caller_number": msgid("telephone number of a caller"),
    "text": msgid("what somebody said or wrote"),
    "place": msgid("place by its name"),
    "lat": msgid("exact position, latitude"),
    "lon": msgid("exact position, longitude"),
    "reason": msgid("reason that somebody gave"),
}
"""The personal values of the record, by name."""

HELD = {
    "call": msgid("Calls and texts with the number of the caller"),
    "delivery": msgid("Calls and texts that went out, with number or words"),
    "inbox": msgid("Requests of the telephone provider, with numbers and words as they came"),
    "link": msgid("Personal web addresses with the number that they went to"),
    "idempotency": msgid("Marks of requests of other programs, made of what was in them"),
    "complaint": msgid("Complaints with text, name or contact"),
    "complaint_note": msgid("Notes to complaints"),
    "survey_request": msgid("Survey: numbers of those who were asked"),
    "survey_response": msgid("Survey: suggestions in people's own words"),
    "survey_opt_out": msgid("Survey: numbers of those who are not to be asked"),
    "staff": msgid("Members of staff with name and number"),
    "user_account": msgid("Accounts with name and hash of the password"),
}
"""What the tables of ``models.personal`` hold, in the order in which the notice tells it."""

DOTS = "." * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The stretch in which it may have happened, and when it was found out, if that is known."""

    from_at: datetime
    until_at: datetime
    found_at: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        """Until when people and the authority must have the notice."""
        return None if self.found_at is None else self.found_at + WITHIN


def breach_notice(
    db: Session, asked: Asked, *, sources: Sources, language: Language = Language.ID
) -> Document:
    """The notice, filled in as far as the log knows."""
    pen = pen_for(sources, language)
    facility = sources.facility
    known = read_known(db, facility.code, asked.from_at, asked.until_at)
    seal = last_seal(db, facility.code)
    standing = Standing() if seal is None else Standing(fingerprint=seal.fingerprint, sealed_through=seal.day)
    stamp = pen.formats.stamp
    return in_frame(
        pen,
        title=pen.say("Notice of a failure to protect personal data"),
        period=f"{stamp(asked.from_at)} – {stamp(asked.until_at)}",
        lines=[pen.say("Draft. What stands in dots is to be filled in by hand; figures come from the log.")],
        sections=tuple(_sections(asked, known, pen, facility.name)),
        sources=sources,
        standing=standing,
    )


def _sections(asked: Asked, known: Known, pen: Pen, facility: str) -> Iterator[Section]:
    say = pen.say
    yield Section(title=say("To whom, and by when"), blocks=tuple(_deadline(asked, pen)))
    yield Section(
        title=say("What happened, and how"),
        blocks=(
            pen.note(
                "It may have happened from %(first)s to %(last)s.",
                first=pen.formats.stamp(asked.from_at),
                last=pen.formats.stamp(asked.until_at),
            ),
            _blank(say("What failed, and how it came about")),
            _blank(say("How it was found, and by whom")),
        ),
    )
    yield Section(title=say("Which data"), blocks=tuple(_data(known, pen)))
    yield Section(title=say("Who read what in that time"), blocks=tuple(_access(known, pen)))
    yield Section(
        title=say("Handling and recovery"),
        blocks=(
            _blank(say("What was done to end it, when, and by whom")),
            _blank(say("What is done so that it does not happen again")),
            _blank(say("What people should do now, and what it may mean for them")),
            _blank(say("Whom to ask: name, telephone, address")),
        ),
    )
    yield Section(title=say("Letter to the people concerned"), blocks=tuple(_letter(asked, pen, facility)))
    yield Section(
        title=say("What this paper does not know"),
        blocks=(
            pen.note(
                "A page that refreshes itself and a program are noted once an hour for each thing, so the "
                "true number of looks may be higher. Whoever had the machine, its disk or a backup in hand "
                "left no line here. Of most of what was erased since, the program knows how much it was and "
                "not since when it had been there, so the true number may be smaller."
            ),
        ),
    )


def _deadline(asked: Asked, pen: Pen) -> Iterator[Block]:
    say = pen.say
    if asked.found_at is None or asked.due_at is None:
        yield _blank(say("Found out on"))
        words = say("Due at most 3 × 24 hours after it was found out (UU 27/2022, article 46).")
    else:
        words = say(
            "Found out on %(found)s; due by %(due)s: at most 3 × 24 hours after it (UU 27/2022, article 46).",
            found=pen.formats.stamp(asked.found_at),
            due=pen.formats.stamp(asked.due_at),
        )
    yield Paragraph(text=words, is_notice=True)
    yield _blank(say("To the authority for the protection of personal data"))
    yield _blank(say("To the people concerned (letter below), by what way and on which day"))
    yield pen.note(
        "Where it disturbs public services or has a serious effect on the public, it is made public, too."
    )


def _data(known: Known, pen: Pen) -> Iterator[Block]:
    say = pen.say
    figures = [
        (say("Incidents with personal data that stood there in that time"), known.incidents),
        (say("Of these, received in that time"), known.incidents_new),
        (say("Different numbers but for the staff's, and so at most as many people"), known.numbers),
        *(
            (say("Values: %(name)s", name=say(VALUES[name]) if name in VALUES else name), count)
            for name, count in sorted(known.values.items())
        ),
    ]
    rows = [Row(cells=(pen.text(name), pen.count(count), pen.text(""))) for name, count in figures]
    rows += [
        Row(
            cells=(
                pen.text(say(HELD[name]) if name in HELD else name),
                pen.count(known.held[name].stood),
                pen.count(known.held[name].erased_since),
            )
        )
        for name in sorted(known.held, key=_order)
    ]
    yield pen.note(
        "These stood in the database in that time. How many were really seen or taken is to be stated below."
    )
    yield Table(
        name=say("Which data"),
        title="",
        columns=(
            pen.column(say("What"), weight=6),
            pen.column(say("How many"), is_number=True, weight=1),
            pen.column(say("Erased since, at most"), is_number=True, weight=1),
        ),
        rows=rows,
    )
    yield pen.note("Data about health and about children are specific personal data (UU 27/2022, article 4).")
    yield _blank(say("Seen or taken, as far as is known: which data, of how many people"))


def _order(table: str) -> tuple[int, str]:
    """What has no word yet comes last, and is told by the table's own name rather than not at all."""
    names = list(HELD)
    return (names.index(table) if table in names else len(names), table)


def _access(known: Known, pen: Pen) -> Iterator[Block]:
    say = pen.say
    if known.looks:
        yield Table(
            name=say("Looks"),
            title=say("Accounts, programs and workers that read personal data"),
            columns=(
                pen.column(say("Who"), weight=3),
                pen.column(say("What"), weight=3),
                pen.column(say("Times noted"), is_number=True, weight=1),
                pen.column(say("Different things"), is_number=True, weight=1),
                pen.column(say("First"), weight=3),
                pen.column(say("Last"), weight=3),
            ),
            rows=[
                Row(
                    cells=(
                        pen.text(one.actor),
                        _act(pen, one.action),
                        pen.count(one.times),
                        pen.count(one.things),
                        pen.instant(one.first_at),
                        pen.instant(one.last_at),
                    )
                )
                for one in known.looks
            ],
        )
    else:
        yield pen.note("No look at personal data was noted in that time.")
    yield pen.note(
        "%(count)s programs had a token with which they could read whole numbers in that time.",
        count=known.programs,
    )
    yield from _log_ins(known, pen)
    yield from _given(known, pen)
    yield from _files(known, pen)


def _log_ins(known: Known, pen: Pen) -> Iterator[Block]:
    say = pen.say
    if not known.log_ins:
        yield pen.note("Nobody logged in or tried to in that time.")
        return
    yield Table(
        name=say("Log-ins"),
        title=say("Log-ins, and attempts that failed"),
        columns=(
            pen.column(say("Who"), weight=3),
            pen.column(say("Succeeded"), is_number=True, weight=1),
            pen.column(say("Failed"), is_number=True, weight=1),
            pen.column(say("From the machines"), weight=5),
        ),
        rows=[
            Row(
                cells=(
                    pen.text(one.actor),
                    pen.count(one.succeeded),
                    pen.count(one.failed),
                    pen.text(", ".join(sorted(one.addresses))),
                )
            )
            for one in known.log_ins
        ],
    )


def _given(known: Known, pen: Pen) -> Iterator[Block]:
    say = pen.say
    if not known.given:
        yield pen.note("No account and no token was made in that time.")
        return
    yield Table(
        name=say("Access given"),
        title=say("Accounts and tokens that were made"),
        columns=(
            pen.column(say("When"), weight=3),
            pen.column(say("Who"), weight=2),
            pen.column(say("What"), weight=3),
            pen.column(say("For whom"), weight=3),
            pen.column(say("Role"), weight=2),
        ),
        rows=[
            Row(
                cells=(
                    pen.instant(one.at),
                    pen.text(one.actor),
                    _act(pen, one.action),
                    pen.text(one.subject),
                    pen.text(one.role),
                )
            )
            for one in known.given
        ],
    )


def _files(known: Known, pen: Pen) -> Iterator[Block]:
    say = pen.say
    if not known.files:
        yield pen.note("No export, pack or backup was made in that time.")
        return
    yield Table(
        name=say("Files"),
        title=say("Exports, packs and backups"),
        columns=(
            pen.column(say("When"), weight=3),
            pen.column(say("Who"), weight=3),
            pen.column(say("What"), weight=3),
            pen.column(say("Which"), weight=4),
        ),
        rows=[
            Row(
                cells=(pen.instant(one.at), pen.text(one.actor), _act(pen, one.action), pen.text(one.subject))
            )
            for one in known.files
        ],
    )
    if known.files_left_out:
        yield pen.note("%(count)s more are in the audit trail.", count=known.files_left_out)


def _letter(asked: Asked, pen: Pen, facility: str) -> Sequence[Block]:
    found = DOTS[:20] if asked.found_at is None else pen.formats.stamp(asked.found_at)
    return (
        pen.note("Dear %(name)s,", name=DOTS[:40]),
        pen.note(
            "%(facility)s learned on %(found)s that personal data about you may have become known to people "
            "who must not have them, between %(first)s and %(last)s.",
            facility=facility,
            found=found,
            first=pen.formats.stamp(asked.from_at),
            last=pen.formats.stamp(asked.until_at),
        ),
        _blank(pen.say("Which of your data")),
        _blank(pen.say("How it came about, and what we have done")),
        _blank(pen.say("What you should do now, and whom you can ask")),
        pen.note("You may ask which data we hold about you, have them corrected, or have them erased."),
    )


def _act(pen: Pen, action: str) -> Cell:
    """What was done, in a word, and what the audit trail calls it."""
    return pen.text(pen.say(ACTIONS.get(action, action)), action)


def _blank(what: str) -> Paragraph:
    """A line to be filled in by hand."""
    return Paragraph(text=f"{what}: {DOTS}", is_blank=True)
