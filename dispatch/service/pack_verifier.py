"""Checks the record in an evidence pack of Siaga 911. Needs Python 3.11 or newer, and nothing else.

    python verify.py                    the unpacked folder in which this file lies
    python verify.py PACK.zip           a pack
    python verify.py PACK.zip 7K3M-Q2XP-9RTA …    and compares it with what witnesses got by text
    python verify.py PACK.zip 64-DIGITS           and with the public key that hangs on the wall

Ends with 0 when everything is intact, else with 1 and a line for everything that is not.

Every file in the pack stands in ``SHA256SUMS`` with its checksum, and that list is signed
(``SHA256SUMS.sig``, Ed25519) with the key of the record: reports and record come from the same house.

How the record is protected, from the inside out:

- ``record/events.jsonl``: one line of the record each, ``{"event":E,"hash":H}``. H is the SHA-256 of the
  bytes of E as they stand there. E names the hash of the line before it in the same incident: a chain.
  Numbers, names and free text are not in E, only hashes of them.
- ``record/calls.jsonl``: one call each. Its hash is the SHA-256 of the whole line.
- ``record/leaves.jsonl``: what was sealed, in order: of an incident its last line and that line's hash, of a
  call its hash.
- ``record/seals.jsonl``: one seal for each day, ``{"seal":S,"signature":G}``. S holds the root of the Merkle
  tree (RFC 9162) over the day's leaves, the SHA-256 of the S before it, and the public key with which the
  bytes of S are signed (Ed25519).
- ``record/period.json``: the period that was asked for, and how many seals it had then.
- The *fingerprint* of a seal is the first sixty bits of the SHA-256 of S. It went by text message to
  witnesses in the night after that day. Whoever rewrote the record since could make everything in this pack
  fit again, but not those texts. So compare at least one of them.
"""

import hashlib
import json
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from itertools import groupby, islice, pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    CAN_CHECK_SIGNATURES = False
else:
    CAN_CHECK_SIGNATURES = True

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
KEY, PERIOD = "record/public-key.txt", "record/period.json"
SEALS, LEAVES = "record/seals.jsonl", "record/leaves.jsonl"
CALLS, EVENTS = "record/calls.jsonl", "record/events.jsonl"

KEY_DIGITS = 64
FINGERPRINT_LENGTH = 12
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FIRST = "0" * 64
"""What the first line of an incident names as the one before it."""

BROKEN = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What reading damaged content can raise."""


class Finding(NamedTuple):
    """One thing that is wrong."""

    where: str
    problem: str
    detail: str

    def __str__(self) -> str:
        """For a person."""
        return f"{self.where}: {self.problem}: {self.detail}"


class Sealed(NamedTuple):
    """The hash that a leaf holds, and the day on which it was sealed."""

    hash: str
    day: str


class Line(NamedTuple):
    """A line of the record: what it says, its bytes, and the hash that is stated beside it."""

    event: dict[str, Any]
    written: bytes
    stated: str


class Pack:
    """The files of a pack, zipped or not."""

    def __init__(self, path: Path) -> None:
        """Open the pack at *path*."""
        self._path = path
        self._zip = None if path.is_dir() else zipfile.ZipFile(path)

    def names(self) -> list[str]:
        """The files in it."""
        if self._zip is not None:
            return self._zip.namelist()
        files = (file for file in self._path.rglob("*") if file.is_file())
        return [file.relative_to(self._path).as_posix() for file in files]

    def is_as_written(self) -> bool:
        """Whether an archive has no other byte around its files than the program puts there.

        Before a file's content Python says how long it is, up to 3.11.3 in two places, since then in one.
        """
        if self._zip is None:
            return True
        place, directory = 0, b""
        with self._path.open("rb") as file:
            for info in self._zip.infolist():
                name = info.filename.encode()
                long = struct.pack("<2H2Q", 1, 16, info.file_size, info.compress_size)
                headers = [
                    struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, zipfile.ZIP_DEFLATED, 0, 33, info.CRC, *short)
                    + name
                    + long
                    for short in (
                        (0xFFFFFFFF, 0xFFFFFFFF, len(name), len(long)),
                        (info.compress_size, info.file_size, len(name), len(long)),
                    )
                ]
                file.seek(place)
                if info.header_offset != place or file.read(len(headers[0])) not in headers:
                    return False
                fixed = (45, 3, 45, 0, 0, zipfile.ZIP_DEFLATED, 0, 33)
                sizes = (info.CRC, info.compress_size, info.file_size, len(name))
                rest = (0, 0, 0, 0, 0o644 << 16, place)
                directory += struct.pack("<4s4B4H3L5H2L", b"PK\1\2", *fixed, *sizes, *rest) + name
                place += len(headers[0]) + info.compress_size
            count, end = len(self._zip.infolist()), (len(directory), place, 0)
            file.seek(place)
            return file.read() == directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, *end)

    def open(self, name: str) -> IO[bytes]:
        """The file called *name*, for reading."""
        return (self._path / name).open("rb") if self._zip is None else self._zip.open(name)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file without their ends; each line, the last one too, must have one."""
        with self.open(name) as file:
            for line in file:
                if not line.endswith(b"\n"):
                    raise ValueError("its last line is cut off")
                yield line[:-1]


class Verifier:
    """Reads a pack from beginning to end and gathers what is wrong with it."""

    def __init__(self, pack: Pack) -> None:
        """Prepare; :meth:`run` does the work."""
        self.pack = pack
        self.findings: list[Finding] = []
        self.fingerprints: dict[str, str] = {}
        """Each seal's fingerprint, with its day."""
        self.counts = {"incidents": 0, "events": 0, "calls": 0}
        self.key = self.facility = self.asked = ""
        self._seals: list[dict[str, Any]] = []
        self._heads: dict[str, dict[int, Sealed]] = {}
        """What was sealed of each incident, by the number of the line."""
        self._calls: dict[str, Sealed] = {}

    def finds(self, where: str, problem: str, detail: str) -> None:
        """Note one finding."""
        self.findings.append(Finding(where, problem, detail))

    def run(self) -> None:
        """Check everything; a file that cannot be read is a finding, and the next one is looked at."""
        self._guarded(SUMS, self._files)
        self._guarded(KEY, self._public_key)
        self._guarded(SIGNATURE, self._signature)
        self._guarded(SEALS, self._row_of_seals)
        self._guarded(PERIOD, self._period)
        self._guarded(LEAVES, self._trees)
        self._guarded(CALLS, self._every_call)
        self._guarded(EVENTS, self._every_event)

    def _guarded(self, name: str, check: Any) -> None:  # noqa: ANN401 - one of the methods below
        try:
            check()
        except BROKEN as error:
            if name not in self.pack.names():
                self.finds(name, "missing", "it is not in the pack, and belongs into each")
                return
            self.finds(name, "unreadable", f"{type(error).__name__}: {error}")

    # --- the files

    def _files(self) -> None:
        """Every file is the one that the list of checksums names, and no other is there."""
        names = self.pack.names()
        if len(set(names)) != len(names):
            self.finds(SUMS, "inserted", "two files in the pack have the same name")
        lines = [line.decode().partition("  ") for line in self.pack.lines(SUMS)]
        listed = {name: digest for digest, _, name in lines}
        for name in sorted(listed.keys() | set(names) - {SUMS, SIGNATURE}):
            if name not in names:
                self.finds(name, "missing", "the list of checksums names it, and it is not in the pack")
            elif name not in listed:
                self.finds(name, "inserted", "the list of checksums does not name it")
            elif self._digest(name) != listed[name]:
                self.finds(name, "changed", "its content does not have the checksum in the list")

    def _digest(self, name: str) -> str:
        try:
            with self.pack.open(name) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type] # reads bytes
        except BROKEN:
            return "cannot be read"

    def _signature(self) -> None:
        """The list of checksums, and so every file, is the one that was signed with the key."""
        if SIGNATURE not in self.pack.names():
            self.finds(SIGNATURE, "missing", "nobody signed the list of checksums")
            return
        signature = next(self.pack.lines(SIGNATURE)).decode()
        with self.pack.open(SUMS) as file:
            if CAN_CHECK_SIGNATURES and not is_signed(file.read(), signature, self.key):
                detail = "it does not belong to that list; it, or the list with a file, was made anew"
                self.finds(SIGNATURE, "forged", detail)

    # --- the seals

    def _public_key(self) -> None:
        self.key = next(self.pack.lines(KEY)).decode()

    def _row_of_seals(self) -> None:
        """Each seal is signed with the key, and names the one before it."""
        before, expected = "", None
        for line in self.pack.lines(SEALS):
            written, signature = cut(line, b'{"seal":', b',"signature":"', b'"}')
            seal = json.loads(written)
            name = f"seal {seal['day']}"
            self.facility = self.facility or seal["facility"]
            if seal["facility"] != self.facility:
                self.finds(name, "inserted", f"it is of {seal['facility']}, others of {self.facility}")
            if seal["key"] != self.key:
                self.finds(name, "forged", "it is signed with another key than the pack's")
            if CAN_CHECK_SIGNATURES and not is_signed(written, signature.decode(), seal["key"]):
                self.finds(name, "forged", "the signature does not belong to what the seal says")
            if seal["day"] <= before:
                self.finds(name, "reordered", f"it stands after the seal of {before}")
            elif expected not in (None, seal["previous"]):
                self.finds(name, "broken_link", f"the seal of {before} is not the one before it as it was")
            before, expected = seal["day"], hashlib.sha256(written).hexdigest()
            self.fingerprints[fingerprint(expected)] = seal["day"]
            self._seals.append(seal)

    def _period(self) -> None:
        """Every seal that the period had is there."""
        asked = json.loads(next(self.pack.lines(PERIOD)))
        self.asked = f"{asked['first']} … {asked['last']}"
        if len(self._seals) != asked["seals"]:
            detail = f"there were {asked['seals']} from {self.asked}, {len(self._seals)} are here"
            self.finds(SEALS, "missing", detail)

    def _trees(self) -> None:
        """The leaves of each day make its root; what they say is kept for calls and events."""
        lines = self.pack.lines(LEAVES)
        for seal in self._seals:
            leaves = islice(lines, seal["incidents"] + seal["calls"])
            if merkle_root(self._leaf(line, seal["day"]) for line in leaves) != seal["root"]:
                detail = "its root does not belong to the leaves in the pack"
                self.finds(f"seal {seal['day']}", "changed", detail)
        if next(lines, None) is not None:
            self.finds(LEAVES, "inserted", "there are more leaves than were sealed")

    def _leaf(self, line: bytes, day: str) -> bytes:
        leaf = json.loads(line)
        sealed = Sealed(leaf["hash"], day)
        if leaf["kind"] == "call":
            self._calls[leaf["id"]] = sealed
        else:
            self._heads.setdefault(leaf["id"], {})[leaf["sequence"]] = sealed
        return line

    # --- what was sealed

    def _every_call(self) -> None:
        """Every call that was sealed is there as it was, and no other."""
        missing = dict(self._calls)
        for line in self.pack.lines(CALLS):
            self.counts["calls"] += 1
            call = json.loads(line)["call"]
            sealed = missing.pop(call, None)
            if sealed is None:
                detail = "no seal in the pack speaks of it, or it stands here twice"
                self.finds(f"call {call}", "inserted", detail)
            elif hashlib.sha256(line).hexdigest() != sealed.hash:
                self.finds(f"call {call}", "changed", f"it is not what was sealed on {sealed.day}")
        for call, sealed in missing.items():
            self.finds(f"call {call}", "missing", f"it was sealed on {sealed.day}")

    def _every_event(self) -> None:
        """Every incident's lines follow each other up to the line that was sealed, and not beyond."""
        seen: set[str] = set()
        for incident, group in groupby(self._lines(), key=lambda line: str(line.event["incident"])):
            chain = list(group)
            name = name_of(chain[0].event)
            self.counts["events"] += len(chain)
            if incident in seen:
                self.finds(name, "reordered", "some of its lines stand elsewhere in the file")
                continue
            seen.add(incident)
            self.counts["incidents"] += 1
            heads = self._heads.get(incident, {})
            self._order(name, [line.event["sequence"] for line in chain], max(heads, default=0))
            self._chain(name, sorted(chain, key=lambda line: int(line.event["sequence"])), heads)
        for incident, heads in self._heads.items():
            if incident not in seen:
                last = max(heads)
                detail = f"it was sealed on {heads[last].day} with {last} lines, and none is here"
                self.finds(f"incident {incident}", "missing", detail)

    def _lines(self) -> Iterator[Line]:
        for line in self.pack.lines(EVENTS):
            written, stated = cut(line, b'{"event":', b',"hash":"', b'"}')
            yield Line(json.loads(written), written, stated.decode())

    def _order(self, name: str, numbers: list[int], sealed: int) -> None:
        """The lines are numbered from 1 to the last one that was *sealed*, each once and in order."""
        if not sealed:
            self.finds(name, "inserted", "no seal in the pack speaks of it")
        for one in sorted(set(numbers)):
            if numbers.count(one) > 1:
                self.finds(f"{name} event {one}", "inserted", "the number is used more than once")
            if one > sealed > 0:
                self.finds(f"{name} event {one}", "inserted", "it stands after the last line that was sealed")
        for before, after in pairwise(numbers):
            if after < before:
                self.finds(f"{name} event {after}", "reordered", f"it stands after event {before}")
        for before, after in pairwise([0, *sorted(set(numbers))]):
            if after > before + 1:
                self.finds(f"{name} event {before + 1}", "missing", f"the next one here is event {after}")
        if max(numbers) < sealed:
            self.finds(f"{name} event {max(numbers) + 1}", "missing", f"{sealed} lines were sealed")

    def _chain(self, name: str, chain: list[Line], heads: dict[int, Sealed]) -> None:
        """Each line has its hash, names the one before it, and is the one that was sealed."""
        last, last_hash = 0, FIRST
        for event, written, stated in chain:
            here = f"{name} event {event['sequence']}"
            true_hash = hashlib.sha256(written).hexdigest()
            sealed = heads.get(event["sequence"], Sealed(true_hash, ""))
            if true_hash != stated:
                self.finds(here, "changed", "it does not fit its hash")
            elif true_hash != sealed.hash:
                self.finds(here, "changed", f"it is not the line that was sealed on {sealed.day}")
            if event["sequence"] == last + 1 and event["previous"] != last_hash:
                self.finds(here, "broken_link", "it does not name the line before it")
            last, last_hash = event["sequence"], stated


def cut(line: bytes, before: bytes, between: bytes, after: bytes) -> tuple[bytes, bytes]:
    """The two parts of a line, byte for byte as they stand there."""
    first, found, second = line.removeprefix(before).removesuffix(after).rpartition(between)
    if not found or not line.startswith(before) or not line.endswith(after):
        raise ValueError(f"a line is not written as {before.decode()}…")
    return first, second


def name_of(event: dict[str, Any]) -> str:
    """The incident's number, which stands in its first line; else its identifier."""
    opening = event["data"].get("incident") if event["sequence"] == 1 else None
    return str(opening["number"]) if opening else f"incident {event['incident']}"


def merkle_root(leaves: Iterator[bytes]) -> str:
    """RFC 9162, 2.1.1: complete subtrees are joined as soon as two are equally large."""
    whole: list[tuple[int, bytes]] = []
    for leaf in leaves:
        size, digest = 1, hashlib.sha256(b"\x00" + leaf).digest()
        while whole and whole[-1][0] == size:
            size, digest = 2 * size, hashlib.sha256(b"\x01" + whole.pop()[1] + digest).digest()
        whole.append((size, digest))
    if not whole:
        return hashlib.sha256().hexdigest()
    digest = whole.pop()[1]
    while whole:
        digest = hashlib.sha256(b"\x01" + whole.pop()[1] + digest).digest()
    return digest.hex()


def is_signed(written: bytes, signature: str, key: str) -> bool:
    """Whether *signature* over *written* was made with the private part of *key* (Ed25519)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), written)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(digest: str) -> str:
    """The first sixty bits in Crockford's base 32, in three groups of four."""
    bits = int(digest[:15], 16)
    text = "".join(SYMBOLS[bits >> place & 31] for place in range(55, -5, -5))
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


def read_fingerprint(text: str) -> str:
    """As a person wrote it down: small letters, spaces, O for 0, I and L for 1."""
    plain = text.upper().translate(str.maketrans("ILO", "110", "- ."))
    return f"{plain[:4]}-{plain[4:8]}-{plain[8:]}"


def compared(verifier: Verifier, witnessed: list[str]) -> tuple[list[str], list[str]]:
    """What is to be said of fingerprints and keys that somebody holds: those of this pack, and the others."""
    known, unknown = [], []
    whose = f"this is the record of {verifier.facility or 'nobody'}, sealed with the key {verifier.key}"
    for given in witnessed:
        held = given.strip().lower() if len(given.strip()) == KEY_DIGITS else read_fingerprint(given)
        if held == verifier.key:
            known.append(f"key {held}: is the one of this pack")
        elif held in verifier.fingerprints:
            known.append(f"fingerprint {held}: is that of the seal of {verifier.fingerprints[held]}")
        elif len(held) == KEY_DIGITS:
            unknown.append(f"key {held}: another: {whose}")
        elif len(held.replace("-", "")) != FINGERPRINT_LENGTH or not set(held) <= {*SYMBOLS, "-"}:
            unknown.append(f"{given}: is no fingerprint, which has {FINGERPRINT_LENGTH} letters and digits")
        else:
            unknown.append(f"fingerprint {held}: missing: no seal in this pack bears it; {whose}")
    return known, unknown


def verify(path: Path, witnessed: list[str]) -> tuple[int, list[str]]:
    """Check the pack at *path*: the exit status, and what is to be said, line by line."""
    try:
        pack = Pack(path)
        verifier = Verifier(pack)
    except BROKEN as error:
        return 1, [f"{path}: is no pack that can be read: {error}"]
    verifier.run()
    said, unknown = compared(verifier, witnessed)
    said += [*unknown, *map(str, verifier.findings)]
    if not verifier.findings and not pack.is_as_written():
        said.append(
            "NOTE / CATATAN: the archive around the files was changed, or packed again; the files were not"
        )
    if not CAN_CHECK_SIGNATURES:
        said.append("NOT CHECKED / TIDAK DIPERIKSA: signatures; that needs: pip install cryptography")
    if verifier.findings:
        return 1, [*said, f"NOT INTACT / TIDAK UTUH: {len(verifier.findings)} findings"]
    if unknown:
        verdict = f"whole in itself; not of it and its {verifier.asked}: {len(unknown)} of what was given"
        return 1, [*said, f"NOT CONFIRMED / TIDAK COCOK: {verdict}"]
    counts = ", ".join(f"{count} {what}" for what, count in verifier.counts.items())
    said.append(f"INTACT / UTUH: {len(verifier.fingerprints)} seals, {counts}")
    said += [
        f"sealed up to {day}: {shown}; compare it with what the witnesses hold"
        for shown, day in list(verifier.fingerprints.items())[-1:]
    ]
    days = list(verifier.fingerprints.values())
    said += [f"asked for {verifier.asked}, sealed from {first}" for first in days[:1]]
    return 0, [*said, f"record of {verifier.facility}", f"public key: {verifier.key}"]


def main(arguments: list[str]) -> int:
    """Print what :func:`verify` says; the exit status."""
    if arguments[:1] in (["-h"], ["--help"]):
        sys.stdout.write(__doc__ or "")
        return 0
    path = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    status, said = verify(path, arguments[1:])
    sys.stdout.write("".join(f"{line}\n" for line in said))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
