"""The file that holds the key of the seals: made once, for its owner alone, and never by two processes."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dispatch.adapters.seal_key import NAME, FileSealKeys
from dispatch.ports import SealKeyError


def test_it_is_made_once_and_found_again(tmp_path: Path) -> None:
    keys = FileSealKeys(tmp_path / "var")
    assert keys.load() is None
    made = keys.create()
    Ed25519PublicKey.from_public_bytes(made.public).verify(made.sign(b"a seal"), b"a seal")
    found = keys.load()
    assert found is not None
    assert found.public == made.public == keys.create().public
    assert [path.name for path in (tmp_path / "var").iterdir()] == [NAME]
    assert stat.S_IMODE((tmp_path / "var" / NAME).stat().st_mode) == 0o600


def test_several_processes_make_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: FileSealKeys(tmp_path).create().public, range(8)))
    assert len(set(made)) == 1


def test_its_text_does_not_show_it(tmp_path: Path) -> None:
    key = FileSealKeys(tmp_path).create()
    secret = (tmp_path / NAME).read_text().splitlines()[1]
    assert secret not in f"{key} {key!r}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_one_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    keys = FileSealKeys(tmp_path)
    keys.create()
    (tmp_path / NAME).chmod(mode)
    with pytest.raises(SealKeyError, match="chmod 600"):
        keys.load()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key at all",
        X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
    ids=["empty", "text", "another kind"],
)
def test_what_is_no_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / NAME
    file.touch(0o600)
    file.write_bytes(content)
    with pytest.raises(SealKeyError, match=NAME):
        FileSealKeys(tmp_path).create()
    assert file.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with pytest.raises(SealKeyError, match="cannot be"):
        FileSealKeys(tmp_path / "var").create()
