"""``siaga verify`` and ``siaga fallback``: what must be true of the record, and what rings without us."""

from config.cli_start import start
from config.cli_words import CommandRefusedError, say
from config.wiring import prompts_of
from dispatch.service.roster_keeping import duty_phones
from dispatch.service.verifying import Checked, Finding
from dispatch.service.verifying import verify as verify_record
from telephony import fallback as static_fallback


def verify() -> None:
    """Check that the live record is intact: every chain, every row, every number; lists each finding."""
    checked = Checked()
    findings = 0
    with start() as started:
        for finding in verify_record(started.uow, started.facility.code, checked):
            findings += 1
            say(line_of(finding))
    looked_at = f"{checked.incidents} incidents, {checked.events} events"
    if findings:
        raise CommandRefusedError(f"the record is not intact: {findings} findings in {looked_at}")
    say(f"the record is intact: {looked_at}")


def fallback() -> None:
    """Print the static TwiML that rings today's duty phones, for the provider's own fallback URL."""
    with start() as started, started.uow.read() as session:
        on_duty = duty_phones(session, started.services, started.clock.now())
    facility = started.facility
    say(
        static_fallback.render(
            on_duty=on_duty,
            facility_phones=facility.duty_phones,
            handoff=facility.handoff_phone,
            prompts=prompts_of(facility),
        )
    )


def line_of(finding: Finding) -> str:
    """A finding as a person reads it."""
    where = f"{finding.incident} event {finding.sequence}" if finding.sequence else finding.incident
    what = f"{finding.field}: {finding.problem}" if finding.field else finding.problem
    return f"{where}: {what}: {finding.detail}"
