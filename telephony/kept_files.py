"""Small files that must be whole at any instant: replaced at once, flushed to the disk, for us alone."""

import os
from pathlib import Path


def replace_file(path: Path, text: str) -> bool:
    """Let *path* hold *text*; nothing is written, and False returned, when it does already.

    Raises:
        OSError: the disk does not take it; what was there before is there still, or is it again after a
            power failure.
    """
    content = text.encode()
    if _read(path) == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several processes may write at once: each has a file of its own, and the last one put in place stays.
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)
    return True


def flush_folder(folder: Path) -> None:
    """A new name is there after a power failure only when its folder was flushed too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
