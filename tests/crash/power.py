"""A disk of one test's own, whose power can be cut and which can be full.

The program writes on a file system of its own, whose disk is a file. At the cut the program is frozen, and
that file is copied: what the kernel still held in memory is not in it, as it would not be on a disk that lost
its power (TESTBED 9). The copy is mounted and looked at. Needs root and loop devices; :func:`why_not` says
what is missing, and then a :class:`Folder` takes the disk's place, in which only a kill shows.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIZE = 96 << 20

BALLAST = "ballast"
"""The file that fills a disk."""


class Disk:
    """A file system in a file; ``folder`` is where it is mounted."""

    def __init__(self, place: Path, size: int = SIZE) -> None:
        self._size = size
        self._image = place / "disk.img"
        self._after = place / "after.img"
        self.folder = place / "before"
        self._restored = place / "after"

    def mount(self) -> None:
        """Make it, empty, and mount it."""
        for folder in (self.folder, self._restored):
            folder.mkdir(parents=True)
        with self._image.open("wb") as image:
            image.truncate(self._size)
        # No blocks are kept back for root, as whom these tests run: full is full.
        _run("mkfs.ext4", "-q", "-F", "-m", "0", str(self._image))
        _run("mount", "-o", "loop,noatime", str(self._image), str(self.folder))

    def flushes(self) -> None:
        """What was prepared before the program started is on the disk."""
        _run("sync", "--file-system", str(self.folder))

    def fills(self) -> None:
        """Somebody else's data take the last byte."""
        with (self.folder / BALLAST).open("wb", buffering=0) as ballast:
            for size in (1 << 20, 4096, 1):
                with suppress(OSError):
                    while ballast.write(b"x" * size):
                        pass

    def frees(self) -> None:
        """They are taken away."""
        (self.folder / BALLAST).unlink()

    def loses_power(self) -> None:
        """Keep the disk as it is now, for :meth:`after`; whoever writes on it must be frozen."""
        shutil.copyfile(self._image, self._after)

    @contextmanager
    def after(self) -> Iterator[Path]:
        """What stands on the disk when the power is back."""
        _run("mount", "-o", "loop", str(self._after), str(self._restored))
        try:
            yield self._restored
        finally:
            _run("umount", str(self._restored))

    def unmount(self) -> None:
        """Give the disk back."""
        _run("umount", str(self.folder))


class Folder:
    """What stands in for a disk where none can be made: what the kernel has in memory is never lost here."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "folder"

    def mount(self) -> None:
        """Make it."""
        self.folder.mkdir(parents=True)

    def flushes(self) -> None:
        """Nothing can be lost."""

    def loses_power(self) -> None:
        """Nothing happens: whoever writes here is killed, and that is all."""

    @contextmanager
    def after(self) -> Iterator[Path]:
        """The same folder."""
        yield self.folder

    def unmount(self) -> None:
        """Nothing was mounted."""


@contextmanager
def disk(place: Path) -> Iterator[Disk]:
    """A disk below *place* until the end of the block, when nobody may use it any more."""
    made = Disk(place)
    made.mount()
    try:
        yield made
    finally:
        made.unmount()


def why_not(place: Path) -> str | None:
    """Why no disk can be made here; None when one can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    if missing := [name for name in ("mkfs.ext4", "mount", "umount") if shutil.which(name) is None]:
        return f"there is no {missing[0]}"
    try:
        with disk(place):
            return None
    except (subprocess.CalledProcessError, OSError) as error:
        return str(getattr(error, "stderr", "") or error).strip()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
