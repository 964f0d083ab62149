"""Sections two to eight of an innovation's proposal: what the program and the record know, and the blanks.

A narrative is what may be handed in as it stands; support (notes and tables) stands below it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboards.i18n import msgid
from dashboards.reports import chapters_impact
from dashboards.reports.chapters_impact import Impact, blank
from dashboards.reports.document import Block, Paragraph, Row, Table
from dashboards.reports.kipp_summary import sentences
from dashboards.reports.pen import Pen
from dashboards.reports.sources import Sources
from dispatch.domain.response_times import INTERVAL

TITLES: Mapping[str, str] = {
    "summary": msgid("Summary"),
    "background": msgid("Background and aim"),
    "novelty": msgid("Novelty"),
    "implementation": msgid("Implementation"),
    "significance": msgid("Significance (impact)"),
    "adaptability": msgid("Adaptability (replication)"),
    "resources": msgid("Resources"),
    "sustainability": msgid("Strategy of sustainability"),
}
"""In the order of the instrument."""

HEAD, TEAM, TREASURER = (
    msgid("the head of the puskesmas"),
    msgid("the innovation team"),
    msgid("the treasurer"),
)

YEAR_DAYS = 365
"""How long an innovation must have been carried out, by the guide of 2020 (DOMAIN 1.3)."""

NEEDS = (
    (
        msgid("Machine"),
        msgid(
            "One machine with Debian or Ubuntu and Python 3.11 or newer. The database is a file; PostgreSQL "
            "by choice. No other server."
        ),
    ),
    (
        msgid("Telephone"),
        msgid(
            "An ordinary number for voice calls at a provider with Twilio's interface, and a public https "
            "address for this machine. Short codes such as 911 are not routed by Indonesian networks."
        ),
    ),
    (
        msgid("Phones of the staff"),
        msgid("Any phone: a call is accepted by one key. No app and no data plan is needed."),
    ),
    (
        msgid("Files of its own"),
        msgid(
            "A facility file (name, numbers, time zone, targets), a policy file (who is rung, and when), and "
            "three lists as CSV: staff, roster, places. No line of the program is changed."
        ),
    ),
    (
        msgid("Steps"),
        msgid(
            "siaga migrate; siaga import staff, roster and places; siaga doctor; siaga serve. A trial with "
            "simulated phones and invented people: make demo, without any account."
        ),
    ),
    (
        msgid("Licence"),
        msgid("Apache-2.0: use, change and pass on without a fee."),
    ),
)
"""From the README of the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One section: what is drafted, what a person fills in, and what stands below it as support."""

    key: str
    narrative: Sequence[str] = ()
    blanks: Sequence[Paragraph] = ()
    support: Sequence[Block] = ()


def sections(impact: Impact, pen: Pen, sources: Sources) -> Iterator[Draft]:
    """All but the summary."""
    yield _background(pen, sources)
    yield _novelty(pen)
    yield _implementation(impact, pen, sources)
    yield _significance(impact, pen, sources)
    yield _adaptability(pen)
    yield _resources(impact, pen)
    yield _sustainability(impact, pen, sources)


def _background(pen: Pen, sources: Sources) -> Draft:
    say, facility = pen.say, sources.facility
    narrative = [
        say(
            "%(facility)s is called to emergencies in its area. Whether help was called, who went and how "
            "long it took was to become a figure that can be checked.",
            facility=facility.name,
        )
    ]
    if facility.targets:
        targets = "; ".join(
            f"{say(INTERVAL[key].title)} {say('at most %(target)s', target=pen.wording.seconds(seconds))}"
            for key, seconds in facility.targets.items()
        )
        narrative.append(
            say(
                "The aim can be measured in the record. Targets of the facility's file: %(targets)s.",
                targets=targets,
            )
        )
    return Draft(
        key="background",
        narrative=narrative,
        blanks=(
            blank(pen, say("the problem before the innovation, with figures, year and source"), say(HEAD)),
            blank(pen, say("decree that made the innovation official, its number and date"), say(HEAD)),
            blank(pen, say("who is reached: population of the area, groups at risk, with source"), say(TEAM)),
        ),
    )


def _novelty(pen: Pen) -> Draft:
    say = pen.say
    return Draft(
        key="novelty",
        narrative=(
            say(
                "A call is in the record before the caller hears a word. Whoever is on duty is rung until "
                "somebody accepts by one key, and nobody has to remember the next number."
            ),
            say(
                "Every call is counted with its ending, pranks and abandoned ones too. Each line of an "
                "incident names the hash of the line before it, and each day can be sealed and signed. An "
                "outsider verifies the evidence pack with Python alone."
            ),
            say(
                "It works with simple phones and through failures: of the network, of the power, of a "
                "provider. Each outage that was noticed is on record; what was missed in it can be found in "
                "the log of a provider that keeps one."
            ),
        ),
        blanks=(
            blank(
                pen,
                say("what comparable services in the region do, and what is new compared with them"),
                say(TEAM),
            ),
        ),
    )


def _implementation(impact: Impact, pen: Pen, sources: Sources) -> Draft:
    say, report = pen.say, impact.report
    narrative, support = [], []
    if impact.began is not None and impact.began < report.cover.period.after:
        days = (report.cover.period.after - impact.began).days
        narrative.append(
            say(
                "The record begins on %(day)s; until the end of the period it covers %(days)s days.",
                day=pen.formats.date(impact.began),
                days=pen.wording.number(days),
            )
        )
        if days < YEAR_DAYS:
            support.append(
                pen.note(
                    "The guide of 2020 asks for at least one year of practice before the closing date; the "
                    "record alone does not show that yet."
                )
            )
    if report.tables.drills.incidents:
        narrative.append(
            say(
                "%(drills)s drills were held in the period.",
                drills=pen.wording.number(report.tables.drills.incidents),
            )
        )
    if report.outages.stretches:
        narrative.append(
            say(
                "The service or a part of it was away for %(time)s in all, %(share)s of the period.",
                time=pen.wording.seconds(report.outages.away_s),
                share=pen.wording.fine_percent(report.outages.share),
            )
        )
    began = sources.facility.report.innovation.began
    if began is None:
        when = blank(pen, say("day on which the innovation was put into use, as its decree says"), say(HEAD))
        blanks = [when]
    else:
        narrative.insert(0, say("It was put into use on %(day)s.", day=pen.formats.date(began)))
        blanks = []
    blanks += [
        blank(
            pen, say("stages: preparation, trial, training, launch; with dates and photographs"), say(TEAM)
        ),
        blank(pen, say("partners (PSC 119, hospitals, village heads) and what each does"), say(TEAM)),
    ]
    return Draft(key="implementation", narrative=narrative, blanks=blanks, support=support)


def _significance(impact: Impact, pen: Pen, sources: Sources) -> Draft:
    say = pen.say
    found = [each.text for each in sentences(impact, pen, sources) if each.touches == "significance"]
    return Draft(
        key="significance",
        narrative=[" ".join(found)] if found else [say("Nothing was recorded in this period.")],
        blanks=(
            blank(
                pen,
                say("figures of the first column below, from the books of that time, with their source"),
                say(TEAM),
            ),
            blank(pen, say("what it meant for people who were helped, with their consent"), say(TEAM)),
            blank(pen, say("evaluation by somebody outside, if there was one"), say(HEAD)),
        ),
        support=(
            chapters_impact.comparison(impact, pen),
            *chapters_impact.chance(impact, pen),
            chapters_impact.endings(impact, pen),
            pen.note("Tests and second reports of the same incident stand in this table, drills do not."),
            chapters_impact.calls(impact, pen),
        ),
    )


def _adaptability(pen: Pen) -> Draft:
    say = pen.say
    columns = (pen.column(say("Needed"), weight=2), pen.column(say("What exactly"), weight=7))
    rows = [Row(cells=(pen.text(say(what)), pen.text(say(exactly)))) for what, exactly in NEEDS]
    return Draft(
        key="adaptability",
        narrative=(
            say(
                "Another puskesmas takes over the program as it is and writes its own name, numbers, rules "
                "and lists into files. Its record, seals and key are its own from the first call on."
            ),
        ),
        blanks=(
            blank(pen, say("places that have taken it over or asked for it, with letters"), say(TEAM)),
            blank(pen, say("what it costs a puskesmas to take it over"), say(TREASURER)),
        ),
        support=(
            Table(
                name=say("What another puskesmas needs"),
                title=say("What another puskesmas needs"),
                columns=columns,
                rows=rows,
            ),
        ),
    )


def _resources(impact: Impact, pen: Pen) -> Draft:
    say = pen.say
    people = sum(impact.on_duty.values())
    narrative = []
    if people:
        narrative.append(
            say("%(people)s people stood in the roster of the period.", people=pen.wording.number(people))
        )
    narrative.append(
        say("The program needs one machine and no licence fee; calls and texts cost what the provider asks.")
    )
    return Draft(
        key="resources",
        narrative=narrative,
        blanks=(
            blank(pen, say("budget document (DPA), its year and line"), say(TREASURER)),
            blank(pen, say("decree on the team of the innovation, with its members"), say(HEAD)),
        ),
        support=(
            *([chapters_impact.people(impact.on_duty, pen)] if people else []),
            chapters_impact.costs(pen),
        ),
    )


def _sustainability(impact: Impact, pen: Pen, sources: Sources) -> Draft:
    say, standing = pen.say, impact.read.standing
    narrative = [
        say(
            "Last month's report writes itself on the first of each month; the evidence of a period is one "
            "file made by one button, so that the proof does not depend on one person."
        )
    ]
    if standing.sealed_through is not None:
        narrative.append(
            say(
                "The record is sealed up to %(day)s; %(witnesses)s witnesses are named to get each "
                "fingerprint.",
                day=pen.formats.date(standing.sealed_through),
                witnesses=sources.installation.witnesses,
            )
            if sources.installation.witnesses
            else say("The record is sealed up to %(day)s.", day=pen.formats.date(standing.sealed_through))
        )
    if sources.installation.has_backup:
        narrative.append(say("A checked backup is made every day."))
    return Draft(
        key="sustainability",
        narrative=narrative,
        blanks=(
            blank(pen, say("institutional: regulation, decree, procedure that carries it on"), say(HEAD)),
            blank(pen, say("social: how residents and village heads take part"), say(TEAM)),
            blank(
                pen,
                say("managerial: who runs it, who replaces them, training, money of next year"),
                say(HEAD),
            ),
        ),
    )
