"""``siaga verify`` and ``siaga fallback``: what must be true of the record, and what rings without us."""

import gc
import string
from pathlib import Path
from typing import Annotated

import typer

from config.cli_start import Started, start
from config.cli_words import CommandRefusedError, say
from config.wiring import prompts_of
from dispatch.adapters.seal_key import FileSealKeys
from dispatch.domain.seals import read_fingerprint
from dispatch.ports import SealKeyError
from dispatch.service import pack_verifier
from dispatch.service.findings import Finding
from dispatch.service.roster_keeping import duty_phones
from dispatch.service.sealed import last_seal
from dispatch.service.verifying import Checked
from dispatch.service.verifying import verify as verify_record
from telephony import fallback as static_fallback


def verify(
    pack: Annotated[
        Path | None, typer.Argument(metavar="[PACK.zip]", help="The live database when none is named.")
    ] = None,
    witnessed: Annotated[
        list[str] | None,
        typer.Option(
            "--fingerprint", metavar="7K3M-Q2XP-9RTA", help="What a witness holds; may be repeated."
        ),
    ] = None,
    public_key: Annotated[
        str | None,
        typer.Option("--key", metavar="DIGITS", help="The public key that hangs on the wall (siaga key)."),
    ] = None,
) -> None:
    """Check that the record is intact: every chain, row, number and seal; lists each finding."""
    fingerprints = [_fingerprint(text) for text in witnessed or ()]
    held = None if public_key is None else _key(public_key)
    if pack is None:
        _verify_database(fingerprints, held)
        return
    # Exactly what the verifier inside the pack says; it needs neither settings nor a database.
    status, said = pack_verifier.verify(pack, [*([held] if held else []), *fingerprints])
    for line in said[: len(said) - status]:
        say(line)
    if status:
        raise CommandRefusedError(said[-1])


def _verify_database(fingerprints: list[str], held: str | None) -> None:
    # What is imported by now stays: looking through it for garbage again and again took a tenth of the time.
    gc.freeze()
    checked = Checked()
    findings = 0
    with start() as started:
        key = held or _public_key(started)
        for finding in verify_record(
            started.uow, started.facility.code, checked, key=key, witnessed=fingerprints
        ):
            findings += 1
            say(line_of(finding))
        with started.uow.read() as session:
            last = last_seal(session, started.facility.code)
    looked_at = f"{checked.incidents} incidents, {checked.events} events"
    if findings:
        raise CommandRefusedError(f"the record is not intact: {findings} findings in {looked_at}")
    say(f"the record is intact: {looked_at}")
    if last is not None:
        say(f"sealed up to {last.day}: {last.fingerprint}; compare it with what the witnesses hold")


def _fingerprint(text: str) -> str:
    read = read_fingerprint(text)
    if read is None:
        raise typer.BadParameter(f"{text!r} is no fingerprint", param_hint="--fingerprint")
    return read


def _key(text: str) -> str:
    digits = "".join(text.split()).lower()
    if len(digits) != pack_verifier.KEY_DIGITS or not set(digits) <= set(string.hexdigits):
        raise typer.BadParameter(f"{text!r} is no public key of 64 digits", param_hint="--key")
    return digits


def _public_key(started: Started) -> str | None:
    """The public key of this installation; without it the first seal's own is taken."""
    try:
        key = FileSealKeys(started.settings.data_dir).load()
    except SealKeyError as error:
        say(f"the key of the seals is not looked at: {error}")
        return None
    return None if key is None else key.public.hex()


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
