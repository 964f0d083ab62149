"""The log of data updates of a period, from the record, the audit trail and the seals.

Nobody is named: of an act its time, its kind and what sort of actor did it, of an import its counts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dashboards import trail
from dashboards.api.boundaries import start_of_day
from dashboards.i18n import msgid
from dashboards.queries import updates
from dashboards.queries.updates import Act, Stretch
from dashboards.reports.chapters import framed
from dashboards.reports.chapters_record import changes
from dashboards.reports.document import Block, Document, Row, Section, Table
from dashboards.reports.pen import Pen
from dashboards.reports.periods import Period
from dashboards.reports.response_times import Read
from dashboards.reports.sources import Sources
from dispatch.domain.seals import Seal

ACTIONS: Mapping[str, str] = {
    "login.succeeded": msgid("Log-in"),
    "login.failed": msgid("Log-in refused"),
    "logout": msgid("Log-out"),
    "incident.read": msgid("Incident looked at"),
    "board.read": msgid("Board looked at"),
    "caller_number.read": msgid("Caller's number looked at"),
    "log.read": msgid("Incident log looked at"),
    "calls.read": msgid("Calls looked at"),
    "staff.read": msgid("Staff list looked at"),
    "worker_page.read": msgid("Worker's own page looked at"),
    "complaint.read": msgid("Complaint looked at"),
    "survey_suggestions.read": msgid("Suggestions of the survey looked at"),
    "personal.looked_up": msgid("Personal data of a number looked up"),
    "staff.imported": msgid("Staff list imported"),
    "roster.imported": msgid("Roster imported"),
    "places.imported": msgid("Places imported"),
    "incidents.exported": msgid("Log exported"),
    "evidence.made": msgid("Evidence pack made"),
    "survey_paper.entered": msgid("Paper form of the survey typed in"),
    "follow_up.planned": msgid("Follow-up planned"),
    "follow_up.moved": msgid("Follow-up brought up to date"),
    "personal.erased": msgid("Personal data erased"),
    "breach_notice.made": msgid("Breach notice drafted"),
    "user.added": msgid("Account added"),
    "token.created": msgid("Token for a program made"),
    "user.disabled": msgid("Account disabled"),
    "user.enabled": msgid("Account enabled again"),
    "user.password_changed": msgid("Password changed"),
    "token.revoked": msgid("Token of another program revoked"),
    "staff.taken_off": msgid("Health worker taken off the list"),
    "staff.taken_back": msgid("Health worker taken back on the list"),
    "backup.made": msgid("Backup made and checked"),
}
"""Words for what the audit trail calls by a code; a code that is not here is shown as it is."""

LOOKS = (*trail.LOG_INS, trail.LOGGED_OUT, *trail.LOOKS)
"""Acts that change nothing: counted, and not listed one by one."""

ACTORS: Mapping[str, str] = {
    "user": msgid("account"),
    "staff": msgid("health worker"),
    "token": msgid("another program"),
    "cli": msgid("command line"),
    "engine": msgid("this program"),
}

DAYS_LISTED = 31
ACTS_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What was read for it."""

    read: Read
    stretches: Sequence[Stretch]
    acts: Sequence[Act]
    seals: Sequence[Seal]


def read(session: Session, found: Read, *, sources: Sources) -> Log:
    """Count day by day in a month, month by month in a longer period."""
    code, zone, period = sources.facility.code, sources.facility.zone, found.report.cover.period
    span = period.span(zone)
    assert span.from_at is not None
    assert span.until_at is not None
    return Log(
        read=found,
        stretches=[
            updates.stretch(session, code, from_at, until_at) for from_at, until_at in _parts(period, zone)
        ],
        acts=updates.acts(session, code, span.from_at, span.until_at, without=LOOKS, limit=ACTS_LISTED + 1),
        seals=updates.seals(session, code, period.first, period.after),
    )


def _parts(period: Period, zone: ZoneInfo) -> Sequence[tuple[datetime, datetime]]:
    days = (period.after - period.first).days
    if days <= DAYS_LISTED:
        marks = [period.first + timedelta(days=day) for day in range(days + 1)]
    else:
        marks = [date(period.first.year, month, 1) for month in range(period.first.month, 13)]
        marks = [*(mark for mark in marks if mark < period.after), period.after]
    bounds = [start_of_day(mark, zone) for mark in marks]
    return list(pairwise(bounds))


def worded(log: Log, pen: Pen, *, sources: Sources) -> Document:
    """The log in the language of *pen*."""
    say = pen.say
    return framed(
        log.read.report.cover,
        pen,
        title=say("Log of data updates"),
        sections=(
            Section(title=say("Updates over the period"), blocks=(*_preface(pen), _over_time(log, pen))),
            Section(title=say("Acts by kind"), blocks=(_by_action(log, pen),)),
            Section(title=say("Acts that changed or gave out data"), blocks=tuple(_list(log, pen))),
            changes(log.read.report, pen),
        ),
        sources=sources,
        standing=log.read.standing,
    )


def _preface(pen: Pen) -> Sequence[Block]:
    return (
        pen.note(
            "Lines of the record are counted on the day on which the program learned of them. Nothing is "
            "overwritten: a correction is a further line. Acts are those of the audit trail; neither names "
            "nor files are shown here."
        ),
    )


def _over_time(log: Log, pen: Pen) -> Table:
    say = pen.say
    columns = (
        pen.column(say("Day or month"), weight=3),
        pen.column(say("Lines of the record"), is_number=True),
        pen.column(say("Calls and texts"), is_number=True),
        pen.column(say("Acts"), is_number=True, weight=1),
        pen.column(say("Seal"), weight=4),
    )
    rows = []
    for part in log.stretches:
        first = part.from_at.astimezone(pen.zone).date()
        after = part.until_at.astimezone(pen.zone).date()
        seals = [seal for seal in log.seals if first <= seal.day < after]
        is_day = (after - first).days == 1
        rows.append(
            Row(
                cells=(
                    pen.text(pen.formats.date(first) if is_day else f"{first:%Y-%m}"),
                    pen.count(part.lines),
                    pen.count(part.calls),
                    pen.count(sum(part.acts.values())),
                    pen.text(_sealed(seals, pen, is_day=is_day)),
                )
            )
        )
    rows.append(
        Row(
            cells=(
                pen.text(say("All")),
                pen.count(sum(part.lines for part in log.stretches)),
                pen.count(sum(part.calls for part in log.stretches)),
                pen.count(sum(sum(part.acts.values()) for part in log.stretches)),
                pen.text(say("%(number)s days sealed", number=pen.wording.number(len(log.seals)))),
            ),
            is_total=True,
        )
    )
    return Table(name=say("Updates"), title="", columns=columns, rows=rows)


def _sealed(seals: Sequence[Seal], pen: Pen, *, is_day: bool) -> str:
    if not seals:
        return pen.say("not sealed")
    if is_day:
        return seals[0].fingerprint
    return pen.say("%(number)s days sealed", number=pen.wording.number(len(seals)))


def _by_action(log: Log, pen: Pen) -> Table:
    say = pen.say
    counted: Counter[str] = Counter()
    for part in log.stretches:
        counted.update(part.acts)
    columns = (pen.column(say("Act"), weight=6), pen.column(say("Number"), is_number=True))
    rows = [
        Row(cells=(pen.text(_word(ACTIONS, action, pen)), pen.count(counted[action])))
        for action in sorted(counted)
    ]
    rows.append(Row(cells=(pen.text(say("All")), pen.count(counted.total())), is_total=True))
    return Table(name=say("Acts by kind"), title="", columns=columns, rows=rows)


def _list(log: Log, pen: Pen) -> Sequence[Block]:
    say = pen.say
    if not log.acts:
        return (pen.note("There was none."),)
    columns = (
        pen.column(say("At"), weight=3),
        pen.column(say("Act"), weight=3),
        pen.column(say("By"), weight=2),
        pen.column(say("Rows and checksum of the file"), weight=5),
    )
    shown = log.acts[:ACTS_LISTED]
    rows = [
        Row(
            cells=(
                pen.instant(act.at),
                pen.text(_word(ACTIONS, act.action, pen)),
                pen.text(_word(ACTORS, act.actor, pen)),
                pen.text(_figures(act, pen)),
            )
        )
        for act in shown
    ]
    blocks: list[Block] = [Table(name=say("Acts"), title="", columns=columns, rows=rows)]
    if len(log.acts) > len(shown):
        blocks.append(pen.note("There are more; they stand in the audit trail of the installation."))
    return blocks


def _figures(act: Act, pen: Pen) -> str:
    if "sha256" not in act.figures:
        return ""
    return pen.say(
        "%(added)s added, %(changed)s changed, %(unchanged)s unchanged; SHA-256 %(sum)s…",
        added=act.figures.get("added", 0),
        changed=act.figures.get("changed", 0),
        unchanged=act.figures.get("unchanged", 0),
        sum=str(act.figures["sha256"])[:12],
    )


def _word(table: Mapping[str, str], code: str, pen: Pen) -> str:
    return pen.say(table[code]) if code in table else code
