"""The system description: what runs here, for whom, how it is set up, and prints of its pages.

Prints are tables drawn from the same rows as the pages, without numbers, names and places: the server has no
browser to photograph them with. What is counted as kept now is not part of the sealed record, and says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from dashboards.i18n import msgid
from dashboards.queries import api_listings, installed
from dashboards.queries.installed import Kept
from dashboards.reports.chapters import framed
from dashboards.reports.chapters_impact import blank
from dashboards.reports.document import Block, Document, Row, Section, Table, Terms
from dashboards.reports.kipp_sections import TEAM
from dashboards.reports.page_prints import Prints, prints, read_prints
from dashboards.reports.pen import Pen
from dashboards.reports.response_times import Read
from dashboards.reports.sources import Sources
from dispatch.domain.response_times import INTERVAL

ROLES: Mapping[str, str] = {
    "admin": msgid("sees everything with whole numbers, acts, and looks after the program"),
    "dispatcher": msgid("sees everything with whole numbers, and acts"),
    "manager": msgid("reads everything with masked numbers"),
    "auditor": msgid("reads everything with masked numbers"),
    "worker": msgid("reads everything with masked numbers; answers by telephone or own page"),
}

PAGES = (
    ("/board", msgid("Board"), msgid("incidents that run, who was rung, who accepted")),
    ("/incidents", msgid("Incident log"), msgid("every incident and every ring, with filter")),
    ("/incidents/…", msgid("One incident"), msgid("its times and each line of its record")),
    ("/roster", msgid("Roster"), msgid("who is on duty, hours without anybody")),
    ("/reports", msgid("Reports"), msgid("response times and dossier, as page and file")),
    ("/evidence", msgid("Evidence pack"), msgid("the pack of a period by one button, last seal")),
    ("/verification", msgid("Verification"), msgid("how anybody checks a printed report; no log-in")),
    ("/w/…", msgid("Worker's own page"), msgid("accept, on the way, arrived; works while the network fails")),
)

DOES = (
    (
        msgid("Calls"),
        msgid(
            "A call or text becomes an incident with a number at once, and the caller is connected with the "
            "worker who accepts. Every ring is kept with its ending."
        ),
    ),
    (
        msgid("Alerting"),
        msgid(
            "People on duty are rung by tier and skill, by voice and text, again and again until somebody "
            "accepts by key, text or page, or a named person closes the incident."
        ),
    ),
    (
        msgid("Record"),
        msgid(
            "Each step is a line with two times, its source and its actor. Lines are chained by SHA-256, and "
            "each day is sealed by a Merkle tree that is signed (Ed25519)."
        ),
    ),
    (
        msgid("Personal data"),
        msgid(
            "Numbers, names and free text stand apart from the record, which holds only their salted hashes. "
            "Looks at them leave a line in the audit trail."
        ),
    ),
    (
        msgid("Reports"),
        msgid(
            "Response times, exports, dossier and this pack are made from the record; each says what is "
            "missing."
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What was read for the description."""

    read: Read
    kept: Kept
    shifts: int
    prints: Prints


def read(session: Session, found: Read, *, sources: Sources) -> System:
    """Count what is kept, and read the rows of the prints."""
    facility, report = sources.facility, found.report
    shifts = api_listings.shifts(session, facility.code, report.cover.from_at, report.cover.until_at)
    return System(
        read=found,
        kept=installed.kept(session, facility.code),
        shifts=len(shifts),
        prints=read_prints(session, report, facility, shifts),
    )


def worded(system: System, pen: Pen, *, sources: Sources) -> Document:
    """The description in the language of *pen*."""
    say = pen.say
    return framed(
        system.read.report.cover,
        pen,
        title=say("System description"),
        sections=(
            Section(title=say("What the system does"), blocks=(_does(pen),)),
            Section(title=say("This installation"), blocks=tuple(_installation(system, pen, sources))),
            Section(title=say("Who may do what"), blocks=(_roles(system, pen),)),
            Section(title=say("Pages in daily use"), blocks=(_pages(pen),)),
            Section(title=say("Prints of the pages"), blocks=tuple(prints(system.prints, pen))),
            Section(
                title=say("To be added"),
                blocks=(
                    blank(pen, say("photographs of the pages in use at the desk"), say(TEAM)),
                    blank(pen, say("account and profile at SIPPN, website of the unit"), say(TEAM)),
                ),
            ),
        ),
        sources=sources,
        standing=system.read.standing,
    )


def _does(pen: Pen) -> Terms:
    return Terms(items=[(pen.say(what), pen.say(how)) for what, how in DOES])


def _installation(system: System, pen: Pen, sources: Sources) -> Iterator[Block]:
    say = pen.say
    yield pen.note(
        "As it stood when this paper was made. It is not part of the sealed record: after a change of the "
        "settings or lists the paper of the same period says something else."
    )
    columns = (pen.column(say("Field"), weight=3), pen.column(say("Content"), weight=6))
    rows = [
        Row(cells=(pen.text(field), pen.text(content)))
        for field, content in _facts(system, pen, sources)
        if content
    ]
    yield Table(name=say("Installation"), title="", columns=columns, rows=rows)


def _facts(system: System, pen: Pen, sources: Sources) -> Iterator[tuple[str, str]]:
    """Field and content; a field without content is not known here."""
    say, here, facility = pen.say, sources.installation, sources.facility
    yield say("Program"), f"Siaga 911 {here.version}".strip()
    yield say("Facility"), f"{facility.name} ({facility.code})"
    yield say("Time zone"), facility.zone.key
    yield say("Address"), sources.public_url
    yield say("Database"), here.database
    yield say("Telephony providers, in order"), ", ".join(here.telephony)
    yield say("Tiers of alerting, in order"), ", ".join(here.tiers)
    staff = {pen.label("role", role): count for role, count in system.kept.staff.items()}
    places = {say(PLACES.get(kind, kind)): count for kind, count in system.kept.places.items()}
    yield say("Staff on the list"), _by_word(staff, pen)
    yield say("Shifts that touch the period"), pen.wording.number(system.shifts)
    yield say("Places in the gazetteer"), _by_word(places, pen)
    yield say("Programs with access"), pen.wording.number(system.kept.programs)
    targets = (
        f"{say(INTERVAL[key].title)} {say('at most %(target)s', target=pen.wording.seconds(seconds))}"
        for key, seconds in facility.targets.items()
    )
    yield say("Targets"), "; ".join(targets) or say("The facility's file names none.")
    yield say("Retention set"), _retention(here.retention, pen)
    yield say("Witnesses of the seals"), pen.wording.number(here.witnesses)
    yield say("Daily backup"), say("set up") if here.has_backup else say("not set up")


def _by_word(found: Mapping[str, int], pen: Pen) -> str:
    total = pen.wording.number(sum(found.values()))
    parts = ", ".join(f"{word} {pen.wording.number(count)}" for word, count in found.items())
    return f"{total} ({parts})" if found else total


PLACES: Mapping[str, str] = {
    "district": msgid("districts"),
    "village": msgid("villages"),
    "hamlet": msgid("hamlets"),
    "street": msgid("streets"),
    "landmark": msgid("landmarks"),
    "facility": msgid("facilities"),
}

RETAINED: Mapping[str, str] = {
    "calls": msgid("calls"),
    "recordings": msgid("recordings"),
    "incidents": msgid("incidents"),
}


def _retention(days: Mapping[str, int], pen: Pen) -> str:
    return "; ".join(
        f"{pen.say(RETAINED[name]) if name in RETAINED else name}: "
        + (pen.say("%(days)s days", days=kept) if kept else pen.say("for ever"))
        for name, kept in days.items()
    )


def _roles(system: System, pen: Pen) -> Table:
    say = pen.say
    columns = (
        pen.column(say("Role"), weight=2),
        pen.column(say("May"), weight=6),
        pen.column(say("Accounts now"), is_number=True),
    )
    rows: Sequence[Row] = [
        Row(
            cells=(
                pen.text(role),
                pen.text(say(may)),
                pen.count(system.kept.users.get(role, 0)),
            )
        )
        for role, may in ROLES.items()
    ]
    return Table(name=say("Roles"), title="", columns=columns, rows=rows)


def _pages(pen: Pen) -> Table:
    say = pen.say
    columns = (
        pen.column(say("Address"), weight=2),
        pen.column(say("Page"), weight=2),
        pen.column(say("Shows"), weight=6),
    )
    rows = [
        Row(cells=(pen.text(address), pen.text(say(title)), pen.text(say(shows))))
        for address, title, shows in PAGES
    ]
    return Table(name=say("Pages"), title="", columns=columns, rows=rows)
