"""The record in a pack: whoever has Python alone can verify it, and each way of tampering is named.

The attacker knows the format: the list of checksums is made anew after each change, unless a test says
otherwise. What the verifier says when it runs alone is what our program says.
"""

import hashlib
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dispatch.adapters.seal_key import FileSealKey
from dispatch.service import pack_verifier as verifier
from dispatch.service.record_pack import NothingSealedError, PackWriter, write_record
from tests.fakes.seal_keys import FakeSealKeys
from tests.service.conftest import MakeWorld
from tests.service.sealed_days import DAY, FIRST, NEXT, SECOND, live_two_days
from tests.world import World

Files = dict[str, bytes]
Change = Callable[[list[bytes]], Sequence[bytes]]
OWN = FakeSealKeys().create()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
def lived(make_world: MakeWorld) -> World:
    world = make_world()
    live_two_days(world)
    return world


@pytest.fixture
def pack(lived: World, tmp_path: Path) -> Path:
    return written(lived, tmp_path / "pack.zip")


def written(world: World, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive, world.uow.read() as session:
        new = PackWriter(archive)
        write_record(session, new, facility="KWK", name="Puskesmas Kwamki", first=DAY, last=NEXT)
        new.close(FakeSealKeys().create())
    return path


def contents(pack: Path) -> Files:
    with zipfile.ZipFile(pack) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def made_of(
    files: Mapping[str, bytes], path: Path, *, sums: bool = True, key: FileSealKey | None = OWN
) -> Path:
    """A pack with these files; with *sums* the list of checksums fits them, signed with *key* if any."""
    listed = {name: content for name, content in files.items() if name != verifier.SUMS}
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(listed.items())
        if name != verifier.SIGNATURE
    ]
    if sums:
        written = "".join(lines).encode()
        files = {**listed, verifier.SUMS: written}
        if key is not None:
            files[verifier.SIGNATURE] = f"{key.sign(written).hex()}\n".encode()
    with zipfile.ZipFile(path, "w") as archive:
        pack = PackWriter(archive)
        for name, content in files.items():
            pack.add(name, [content])
    return path


def said_of(pack: Path, *witnessed: str) -> tuple[int, list[str]]:
    """What the verifier says: ours, and a copy of it that runs alone."""
    ours = verifier.verify(pack, list(witnessed))
    alone = subprocess.run(
        [sys.executable, "-I", verifier.__file__, str(pack), *witnessed],
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert alone.stderr == ""
    assert (alone.returncode, alone.stdout.splitlines()) == ours
    return ours


def found_in(pack: Path, *witnessed: str) -> list[str]:
    """The findings, without their details."""
    status, said = said_of(pack, *witnessed)
    found = [line.rpartition(": ")[0] for line in said[:-1]]
    assert (status, said[-1]) == (1, f"NOT INTACT / TIDAK UTUH: {len(found)} findings")
    return found


def changed(pack: Path, name: str, change: Change) -> Path:
    """The pack with the lines of one file changed."""
    files = contents(pack)
    files[name] = b"".join(change(files[name].splitlines(keepends=True)))
    return made_of(files, pack)


# --- untouched ------------------------------------------------------------------------------------


def test_a_pack_is_intact_and_says_how_far_it_is_sealed(pack: Path) -> None:
    status, said = said_of(pack)
    assert status == 0
    assert said[0].startswith("INTACT / UTUH: 2 seals, 3 incidents, ")
    assert said[0].endswith(", 4 calls")
    assert said[1].startswith(f"sealed up to {NEXT}: ")
    assert said[2] == f"asked for {DAY} … {NEXT}, sealed from {DAY}"
    assert said[3:] == ["record of KWK", f"public key: {FakeSealKeys().create().public.hex()}"]


def test_it_is_verified_where_it_was_unpacked_by_python_alone(pack: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(folder)
    # Neither site-packages nor anything of ours: what an auditor's own machine has.
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-B", str(folder / "verify.py")],
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("NOT CHECKED / TIDAK DIPERIKSA: signatures")
    assert lines[1:] == said_of(pack)[1]


def test_the_same_period_gives_the_same_bytes(lived: World, pack: Path, tmp_path: Path) -> None:
    lived.resident("+628119999008").rings("CA-8")
    assert written(lived, tmp_path / "again.zip").read_bytes() == pack.read_bytes()


def test_nothing_personal_is_in_it(pack: Path) -> None:
    everything = b"".join(contents(pack).values())
    for secret in (b"628119999001", b"pagar biru", b"Pulsa", b"sudah sadar", b"Ns. N01"):
        assert secret not in everything


def test_a_period_without_a_seal_is_refused(lived: World, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive, lived.uow.read() as session:
        pack = PackWriter(archive)
        with pytest.raises(NothingSealedError, match="no day from 2025-11-23"):
            write_record(
                session,
                pack,
                facility="KWK",
                name="",
                first=DAY.replace(year=2025),
                last=NEXT.replace(year=2025),
            )


# --- files ----------------------------------------------------------------------------------------


def test_one_flipped_byte_of_any_file_is_named(pack: Path, tmp_path: Path) -> None:
    files = contents(pack)
    for name, content in files.items():
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        path = made_of({**files, name: flipped}, tmp_path / "flipped.zip", sums=False)
        status, said = verifier.verify(path, [])
        where = {line.partition(":")[0] for line in said}
        expected = where if name == verifier.SUMS else {name}
        assert status == 1, name
        assert expected & where, (name, said)


def test_a_damaged_zip_is_never_intact_and_never_a_traceback(pack: Path, tmp_path: Path) -> None:
    whole, path = pack.read_bytes(), tmp_path / "damaged.zip"
    unharmed = contents(pack)
    with zipfile.ZipFile(pack) as archive:
        # The same content can be compressed in several ways: a repeat may name either of two equal places
        # before it, and the last byte has bits that mean nothing. What is compressed is no "around".
        compressed = [
            range(start, start + info.compress_size)
            for info in archive.infolist()
            for start in [info.header_offset + len(info.FileHeader(zip64=True))]
        ]
    for place in range(0, len(whole), len(whole) // 300):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        status, said = verifier.verify(path, [])
        assert said
        if status == 0:
            # Dates and other marks of the archive itself are no content; that they differ is said.
            assert contents(path) == unharmed, place
            noted = any(line.startswith("NOTE / CATATAN: the archive") for line in said)
            assert noted or any(place in data for data in compressed), place


def test_a_pack_is_as_written_whichever_python_wrote_it(pack: Path, tmp_path: Path) -> None:
    """Up to 3.11.3 the fields before a file's content hold its sizes, since then a mark that they follow."""
    whole = bytearray(pack.read_bytes())
    with zipfile.ZipFile(pack) as archive:
        for info in archive.infolist():
            sizes = slice(info.header_offset + 18, info.header_offset + 26)
            real, mark = struct.pack("<2L", info.compress_size, info.file_size), b"\xff" * 8
            assert whole[sizes] in (real, mark)
            whole[sizes] = mark if whole[sizes] == real else real
    path = tmp_path / "other.zip"
    path.write_bytes(whole)
    assert verifier.verify(path, []) == verifier.verify(pack, [])
    assert not any(line.startswith("NOTE") for line in verifier.verify(path, [])[1])


def test_a_pack_that_was_unpacked_and_packed_again_is_intact_and_said_to_be_so(
    pack: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "again.zip", "w") as archive:
        for name, content in contents(pack).items():
            archive.writestr(name, content)
    status, said = said_of(tmp_path / "again.zip")
    assert status == 0
    assert "packed again" in said[0]
    assert said[1:] == said_of(pack)[1]


def test_a_report_and_the_list_made_anew_without_the_key(pack: Path) -> None:
    """Whoever has the pack alone can make the checksums fit, but not their signature."""
    files = contents(pack)
    made_of({**files, "README.txt": b"other words"}, pack, key=None)
    assert found_in(pack) == ["SHA256SUMS.sig: forged"]
    made_of({**files, "README.txt": b"other words"}, pack, key=FileSealKey(OTHER))
    assert found_in(pack) == ["SHA256SUMS.sig: forged"]
    del files[verifier.SIGNATURE]
    made_of(files, pack, sums=False)
    assert found_in(pack) == ["SHA256SUMS.sig: missing"]


def test_the_first_days_cut_off(pack: Path) -> None:
    """Even with the key: the period says how many seals it had."""
    files = contents(pack)
    first, second = files[verifier.SEALS].splitlines(keepends=True)
    sealed = json.loads(first)["seal"]
    cut = sealed["incidents"] + sealed["calls"]
    leaves = files[verifier.LEAVES].splitlines(keepends=True)
    kept = {json.loads(line)["id"] for line in leaves[cut:]}
    made_of(
        {
            **files,
            verifier.SEALS: second,
            verifier.LEAVES: b"".join(leaves[cut:]),
            verifier.CALLS: b"",
            verifier.EVENTS: b"".join(
                line
                for line in files[verifier.EVENTS].splitlines(keepends=True)
                if json.loads(line)["event"]["incident"] in kept
            ),
        },
        pack,
    )
    assert found_in(pack) == ["record/seals.jsonl: missing"]


@pytest.mark.parametrize("content", [b"", b"no archive at all"])
def test_what_is_no_pack_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(content)
    status, [line] = said_of(path)
    assert (status, "is no pack that can be read" in line) == (1, True)
    assert said_of(tmp_path / "nowhere.zip")[0] == 1


def test_files_that_are_missing_or_were_added(pack: Path) -> None:
    files = contents(pack)
    made_of({**files, "more.txt": b"x"}, pack, sums=False)
    assert found_in(pack) == ["more.txt: inserted"]
    made_of({name: content for name, content in files.items() if name != "README.txt"}, pack, sums=False)
    assert found_in(pack) == ["README.txt: missing"]
    made_of({name: content for name, content in files.items() if name != verifier.CALLS}, pack)
    assert found_in(pack) == ["record/calls.jsonl: missing"]


# --- events ---------------------------------------------------------------------------------------


def of_second(lines: list[bytes]) -> range:
    """Where the lines of the second incident stand."""
    first = next(place for place, line in enumerate(lines) if SECOND.encode() in line)
    incident = json.loads(lines[first])["event"]["incident"]
    last = max(place for place, line in enumerate(lines) if json.loads(line)["event"]["incident"] == incident)
    return range(first, last + 1)


def hashed_anew(lines: list[bytes]) -> Iterator[bytes]:
    """The lines of one incident, numbered and chained again as if they had always been so."""
    previous = verifier.FIRST
    for sequence, line in enumerate(lines, 1):
        event = {**json.loads(line)["event"], "sequence": sequence, "previous": previous}
        canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        previous = hashlib.sha256(canonical).hexdigest()
        yield b'{"event":' + canonical + f',"hash":"{previous}"}}\n'.encode()


def in_second(change: Change) -> Change:
    """*change* on the lines of the second incident alone."""

    def in_all(lines: list[bytes]) -> list[bytes]:
        its = of_second(lines)
        return [*lines[: its.start], *change(lines[its.start : its.stop]), *lines[its.stop :]]

    return in_all


NAIVE: Mapping[str, tuple[Change, list[str]]] = {
    "changed": (
        lambda lines: [lines[0], lines[1].replace(b'"engine"', b'"nobody"'), *lines[2:]],
        [f"{SECOND} event 2: changed"],
    ),
    "missing": (lambda lines: [lines[0], *lines[2:]], [f"{SECOND} event 2: missing"]),
    "inserted": (lambda lines: [*lines[:2], lines[1], *lines[2:]], [f"{SECOND} event 2: inserted"]),
    "reordered": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], [f"{SECOND} event 2: reordered"]),
    "truncated": (lambda lines: lines[:-1], [f"{SECOND} event 4: missing"]),
}


@pytest.mark.parametrize("way", NAIVE)
def test_lines_that_were_tampered_with(pack: Path, way: str) -> None:
    change, expected = NAIVE[way]
    assert found_in(changed(pack, verifier.EVENTS, in_second(change))) == expected


CLEVER: Mapping[str, tuple[Change, list[str]]] = {
    "changed": (
        lambda lines: [lines[0], lines[1].replace(b'"engine"', b'"nobody"'), *lines[2:]],
        [f"{SECOND} event 4: changed"],
    ),
    "missing": (lambda lines: [lines[0], *lines[2:]], [f"{SECOND} event 4: missing"]),
    "inserted": (
        lambda lines: [*lines[:2], lines[1], *lines[2:]],
        [f"{SECOND} event 5: inserted", f"{SECOND} event 4: changed"],
    ),
    "reordered": (
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        [f"{SECOND} event 4: changed"],
    ),
    "truncated": (lambda lines: lines[:-1], [f"{SECOND} event 4: missing"]),
    "appended": (lambda lines: [*lines, lines[1]], [f"{SECOND} event 5: inserted"]),
}


@pytest.mark.parametrize("way", CLEVER)
def test_lines_that_were_tampered_with_and_hashed_anew(pack: Path, way: str) -> None:
    change, expected = CLEVER[way]

    def anew(lines: list[bytes]) -> list[bytes]:
        return list(hashed_anew(list(change(lines))))

    assert found_in(changed(pack, verifier.EVENTS, in_second(anew))) == expected


def test_a_line_that_was_hashed_anew_alone(pack: Path) -> None:
    def change(lines: list[bytes]) -> list[bytes]:
        alone = list(hashed_anew([lines[0], lines[1].replace(b'"engine"', b'"nobody"')]))
        return [lines[0], alone[1], *lines[2:]]

    assert found_in(changed(pack, verifier.EVENTS, in_second(change))) == [f"{SECOND} event 3: broken_link"]


def test_a_line_that_is_written_otherwise(pack: Path) -> None:
    changed(pack, verifier.EVENTS, lambda lines: [lines[0].replace(b'{"event":', b'{ "event":'), *lines[1:]])
    _, said = said_of(pack)
    assert any(line.startswith("record/events.jsonl: unreadable: ValueError: a line is not") for line in said)


def test_an_incident_that_is_gone_or_was_invented(pack: Path) -> None:
    files = contents(pack)
    lines = files[verifier.EVENTS].splitlines(keepends=True)
    [gone] = {json.loads(lines[place])["event"]["incident"] for place in of_second(lines)}
    changed(pack, verifier.EVENTS, in_second(lambda _: []))
    assert found_in(pack) == [f"incident {gone}: missing"]
    invented = [
        line.replace(gone.encode(), b"0" * 36).replace(SECOND.encode(), b"KWK-2026-000103") for line in lines
    ]
    its = of_second(lines)
    made_of(
        {**files, verifier.EVENTS: b"".join([*lines, *hashed_anew(invented[its.start : its.stop])])},
        pack,
    )
    assert found_in(pack) == ["KWK-2026-000103: inserted"]


def test_lines_that_stand_apart(pack: Path) -> None:
    changed(pack, verifier.EVENTS, lambda lines: [*lines[1:], lines[0]])
    found = found_in(pack)
    assert f"{FIRST}: reordered" in found


# --- calls, leaves, seals -------------------------------------------------------------------------


def test_calls(pack: Path) -> None:
    files = contents(pack)
    first = json.loads(files[verifier.CALLS].splitlines()[0])["call"]
    changed(pack, verifier.CALLS, lambda lines: lines[1:])
    assert found_in(pack) == [f"call {first}: missing"]
    made_of(files, pack)
    changed(pack, verifier.CALLS, lambda lines: [lines[0].replace(b"CA-", b"CB-"), *lines[1:]])
    assert found_in(pack) == [f"call {first}: changed"]
    made_of(files, pack)
    changed(pack, verifier.CALLS, lambda lines: [lines[0], *lines])
    assert found_in(pack) == [f"call {first}: inserted"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: lines[1:], "missing"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "changed"),
        (lambda lines: [*lines, lines[0]], "inserted"),
    ],
    ids=["missing", "reordered", "inserted"],
)
def test_leaves(pack: Path, change: Change, problem: str) -> None:
    found = found_in(changed(pack, verifier.LEAVES, change))
    expected = "record/leaves.jsonl: inserted" if problem == "inserted" else f"seal {DAY}: changed"
    assert expected in found


def resealed(line: bytes, key: Ed25519PrivateKey, **fields: object) -> bytes:
    """A seal with other fields, signed with *key*."""
    seal = {**json.loads(line)["seal"], "key": key.public_key().public_bytes_raw().hex(), **fields}
    canonical = json.dumps(seal, sort_keys=True, separators=(",", ":")).encode()
    return b'{"seal":' + canonical + f',"signature":"{key.sign(canonical).hex()}"}}\n'.encode()


def test_a_seal_that_was_edited(pack: Path) -> None:
    def change(lines: list[bytes]) -> list[bytes]:
        return [lines[0].replace(b'"calls":4', b'"calls":5'), lines[1]]

    found = found_in(changed(pack, verifier.SEALS, change))
    assert f"seal {DAY}: forged" in found
    assert f"seal {NEXT}: broken_link" in found


def test_seals_in_another_order_or_gone(pack: Path) -> None:
    files = contents(pack)
    assert f"seal {DAY}: reordered" in found_in(
        changed(pack, verifier.SEALS, lambda lines: [lines[1], lines[0]])
    )
    made_of(files, pack)
    _, said = said_of(pack)
    held = said[1].split(": ")[1].partition(";")[0]
    changed(pack, verifier.SEALS, lambda lines: lines[:1])
    status, said = said_of(pack, held)
    assert (status, said[0].startswith(f"fingerprint {held}: missing")) == (1, True)
    assert said[-1].startswith("NOT INTACT"), "a seal is missing, whatever a witness holds"


@pytest.mark.parametrize("typed", ["hello", "7K3M-Q2XP", "7K3M-Q2XP-9RT*"])
def test_what_is_no_fingerprint_is_said_to_be_none(pack: Path, typed: str) -> None:
    status, said = said_of(pack, typed)
    assert (status, said[0]) == (1, f"{typed}: is no fingerprint, which has 12 letters and digits")
    assert said[-1].startswith("NOT CONFIRMED")


def test_a_seal_that_was_made_with_another_key(pack: Path) -> None:
    changed(pack, verifier.SEALS, lambda lines: [lines[0], resealed(lines[1], OTHER)])
    assert found_in(pack) == [f"seal {NEXT}: forged"]


def test_everything_made_anew_with_another_key_is_known_by_what_a_witness_holds(pack: Path) -> None:
    held = said_of(pack)[1][1].split(": ")[1].partition(";")[0]
    assert (
        said_of(pack, held.lower().replace("-", " "))[1][0]
        == f"fingerprint {held}: is that of the seal of {NEXT}"
    )

    def anew(lines: list[bytes]) -> list[bytes]:
        first = resealed(lines[0], OTHER)
        written = verifier.cut(first.rstrip(), b'{"seal":', b',"signature":"', b'"}')[0]
        return [first, resealed(lines[1], OTHER, previous=hashlib.sha256(written).hexdigest())]

    files = contents(changed(pack, verifier.SEALS, anew))
    key = OTHER.public_key().public_bytes_raw().hex()
    made_of({**files, verifier.KEY: f"{key}\n".encode()}, pack, key=FileSealKey(OTHER))
    assert said_of(pack)[0] == 0, "the pack alone cannot tell"
    assert said_of(pack)[1][-1] == f"public key: {key}"
    status, said = said_of(pack, held)
    assert (status, said[0].partition(";")[0]) == (
        1, f"fingerprint {held}: missing: no seal in this pack bears it"
    )  # fmt: skip
    assert said[-1].startswith("NOT CONFIRMED / TIDAK COCOK: whole in itself; ")
