"""The record's part of an evidence pack: what an outsider needs to verify it without this server.

Decides which lines, calls, leaves and seals belong to a period, and how they are written. The same period
gives the same bytes. Everything is streamed: a year takes no more memory than a day. What the files mean is
said where they are read, in ``pack_verifier``, which goes into every pack.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from mnemonic import Mnemonic
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from dispatch.domain.evidence import canonical
from dispatch.domain.seals import LeafKind, Seal
from dispatch.ports import SealKey
from dispatch.service import pack_verifier as verifier
from dispatch.service.sealed import call_facts, from_row, leaves_of
from dispatch.service.verifying import link_of
from models import record
from models.base import table_of
from models.incident import Call
from models.record import Event, SealLeaf

_CHUNK = 1000
_LEAF, _EVENT, _CALL = table_of(SealLeaf), table_of(Event), table_of(Call)

_OF_PERIOD = (
    _LEAF.c.facility_id == bindparam("facility"),
    _LEAF.c.day >= bindparam("first"),
    _LEAF.c.day <= bindparam("last"),
)
_LAST_SEALED = (
    select(_LEAF.c.subject, func.max(_LEAF.c.sequence).label("sequence"))
    .where(*_OF_PERIOD, _LEAF.c.kind == LeafKind.INCIDENT)
    .group_by(_LEAF.c.subject)
    .subquery("last_sealed")
)
_EVENTS = (
    select(_EVENT)
    .join(
        _LAST_SEALED,
        (_LAST_SEALED.c.subject == _EVENT.c.incident_id) & (_EVENT.c.sequence <= _LAST_SEALED.c.sequence),
    )
    .order_by(_EVENT.c.incident_id, _EVENT.c.sequence)
)
"""Each chain from its beginning to where it was last sealed in the period."""

_CALLS = (
    select(_CALL)
    .join(_LEAF, _LEAF.c.subject == _CALL.c.id)
    .where(*_OF_PERIOD, _LEAF.c.kind == LeafKind.CALL)
    .order_by(_LEAF.c.day, _LEAF.c.position)
)

_README = """\
{name} ({code}): catatan {first} … {last}

Paket ini dapat diperiksa tanpa server kami:

    python verify.py

Yang diperlukan hanya Python 3.11 atau yang lebih baru; untuk memeriksa tanda tangan juga:

    pip install cryptography

Bandingkan sidik segel yang tampil dengan SMS yang diterima para saksi. Penjelasan ada di awal verify.py.

This pack can be verified without our server: run `python verify.py`, and compare the fingerprint that it
shows with the text messages that the witnesses received. verify.py begins with how it works.
"""


class NothingSealedError(Exception):
    """The period has no seal."""


@dataclass(slots=True)
class PackWriter:
    """Writes files into a pack and remembers their checksums; *archive* must be open for writing."""

    archive: zipfile.ZipFile
    sums: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, content: Iterable[bytes]) -> None:
        """Put *content* there as the file *name*."""
        digest = hashlib.sha256()
        # Neither the hour nor the user of this machine: the same content is the same pack.
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system, info.external_attr = 3, 0o644 << 16
        # As Python itself has it since 3.11.4, where files may be as long as they like.
        info.create_version = info.extract_version = zipfile.ZIP64_VERSION
        with self.archive.open(info, "w", force_zip64=True) as file:
            for part in content:
                digest.update(part)
                file.write(part)
        self.sums[name] = digest.hexdigest()

    def close(self, key: SealKey) -> None:
        """Add the list of checksums, and its signature by *key*, the one of the seals; they come last."""
        listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(self.sums.items())).encode()
        self.add(verifier.SUMS, [listed])
        self.add(verifier.SIGNATURE, [f"{key.sign(listed).hex()}\n".encode()])


def write_record(
    session: Session, pack: PackWriter, *, facility: str, name: str, first: date, last: date
) -> Seal:
    """Add everything about the record from *first* to *last*, both included; its newest seal.

    Raises:
        NothingSealedError: no day of the period is sealed.
    """
    period: dict[str, object] = {"facility": facility, "first": first, "last": last}
    sealed = [
        from_row(row)
        for row in session.scalars(
            select(record.Seal)
            .where(record.Seal.facility_id == facility, record.Seal.day.between(first, last))
            .order_by(record.Seal.day)
        )
    ]
    if not sealed:
        raise NothingSealedError(f"no day from {first} to {last} is sealed")
    newest = sealed[-1]
    words = Mnemonic("english").to_mnemonic(bytes.fromhex(newest.key))
    readme = _README.format(name=name, code=facility, first=sealed[0].day, last=newest.day)
    pack.add("README.txt", [readme.encode()])
    pack.add("verify.py", [Path(verifier.__file__).read_bytes()])
    pack.add(verifier.KEY, [f"{newest.key}\n{words}\n".encode()])
    asked = {"facility": facility, "first": str(first), "last": str(last), "seals": len(sealed)}
    pack.add(verifier.PERIOD, [f"{json.dumps(asked)}\n".encode()])
    pack.add(verifier.SEALS, (_line_of_seal(seal) for seal in sealed))
    leaves = (leaf for seal in sealed for leaf in leaves_of(session, facility, seal.day))
    pack.add(verifier.LEAVES, (leaf.written() + b"\n" for leaf in leaves))
    pack.add(verifier.CALLS, (call_facts(row).written() + b"\n" for row in _rows(session, _CALLS, period)))
    pack.add(verifier.EVENTS, (_line_of_event(row) for row in _rows(session, _EVENTS, period)))
    return newest


def _rows(session: Session, query: Any, period: dict[str, object]) -> Iterator[Any]:  # noqa: ANN401 - rows of either query
    connection = session.connection().execution_options(yield_per=_CHUNK)
    with connection.execute(query, period) as rows:
        yield from rows


def _line_of_seal(seal: Seal) -> bytes:
    return b'{"seal":' + seal.written() + f',"signature":"{seal.signature}"}}\n'.encode()


def _line_of_event(row: Any) -> bytes:  # noqa: ANN401 - a row of the query above
    return b'{"event":' + canonical(link_of(row)) + f',"hash":"{row.hash}"}}\n'.encode()
