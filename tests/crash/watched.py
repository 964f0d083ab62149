"""Watches what a program asks of the system, in which order, and makes the system slow or unwilling.

By ``strace``: each call with its beginning and its end, which lie apart where several threads are at it.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(
    r"(?P<thread>\d+) +"
    r"(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()"
    r"(?P<what>.*?)"
    r"(?:(?P<unfinished> <unfinished \.\.\.>)|\) += (?P<result>-?\d+|\?).*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCall:
    """One call; beginnings and ends of all calls are counted in one row."""

    name: str
    what: str
    began: int
    ended: int
    result: str

    @property
    def succeeded(self) -> bool:
        """Whether the system did what it was asked."""
        return not self.result.startswith("-")


def why_not() -> str | None:
    """Why nothing can be watched here; None when it can."""
    if shutil.which("strace") is None:
        return "there is no strace"
    tried = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True, text=True
    )
    return tried.stderr.strip() or "strace failed" if tried.returncode else None


def watching(trace: Path, *names: str, inject: str = "") -> Sequence[str]:
    """What to put before a command, so that its calls of *names* are written to *trace*."""
    options = ("-f", "-y", "-qq", "-s", "100000", "-o", str(trace), "-e", f"trace={','.join(names)}")
    return ("strace", *options, *(("-e", f"inject={inject}") if inject else ()))


def calls(trace: Path) -> Iterator[SystemCall]:
    """What was written to *trace*, in the order in which the calls ended."""
    begun: dict[str, tuple[int, str, str]] = {}
    for place, line in enumerate(trace.read_text(encoding="utf-8").splitlines()):
        found = _LINE.fullmatch(line)
        if found is None:
            # A signal, or the end of a thread.
            continue
        thread = found["thread"]
        if found["name"]:
            begun[thread] = (place, found["name"], found["what"])
        if not found["unfinished"]:
            began, name, what = begun.pop(thread)
            yield SystemCall(name=name, what=what, began=began, ended=place, result=found["result"])
