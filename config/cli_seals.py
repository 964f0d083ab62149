"""``siaga seal`` and ``siaga key``: sealing what is not sealed yet, and the public key for the wall."""

import sys
from typing import Annotated

import segno
import typer
from mnemonic import Mnemonic

from config.cli_start import Started, start
from config.cli_words import CommandRefusedError, say
from dispatch.adapters.seal_key import FileSealKeys
from dispatch.domain.seals import Seal
from dispatch.ports import SealKeyError
from dispatch.service.sealed import last_seal
from dispatch.service.sealing import MOST_DAYS, Sealer, SealRefusedError

_IN_A_LINE = 6


def seal(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help=f"Also when more than {MOST_DAYS} days wait: the clock is right.")
    ] = False,
) -> None:
    """Seal each day that has ended and is not sealed; the running engine does so by itself."""
    with start() as started:
        try:
            made = sealer_of(started).seal_due(most_days=None if everything else MOST_DAYS)
        except (SealRefusedError, SealKeyError) as error:
            raise CommandRefusedError(str(error)) from error
        for one in made:
            say(_line_of(one))
        if not made:
            with started.uow.read() as session:
                last = last_seal(session, started.facility.code)
            say(
                f"nothing to seal; last: {_line_of(last)}"
                if last
                else "nothing to seal: no day has ended yet"
            )


def key() -> None:
    """Print the public key of the seals: digits, words, and a QR code; made when there is none."""
    with start() as started:
        try:
            public = sealer_of(started).key().public
        except (SealRefusedError, SealKeyError) as error:
            raise CommandRefusedError(str(error)) from error
        code = started.facility.code
        say(f"public key of the seals of {code}, {started.facility.name}:")
        say(public.hex())
        say()
        words = Mnemonic("english").to_mnemonic(public).split()
        for at in range(0, len(words), _IN_A_LINE):
            say("  ".join(f"{n:>2} {word:<8}" for n, word in enumerate(words[at : at + _IN_A_LINE], at + 1)))
        say()
        # Letters and digits of a QR code's own small alphabet make a small picture.
        segno.make(f"SIAGA:{code}:{public.hex()}".upper(), error="m").terminal(sys.stdout, compact=True)


def sealer_of(started: Started) -> Sealer:
    """Seals with the key in the data directory."""
    keys = FileSealKeys(started.settings.data_dir)
    return Sealer(started.services, keys, witnesses=started.facility.witnesses)


def _line_of(made: Seal) -> str:
    return f"{made.day}: {made.fingerprint}, {made.incidents} incidents, {made.calls} calls"
