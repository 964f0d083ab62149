"""Running a command of this program as a process of its own; its priority is low, for the sake of calls."""

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

_ENDS_WITHIN_S = 10.0

PROGRAM = (sys.executable, "-m", "config.cli")


def run(
    arguments: Sequence[str],
    *,
    stopping: threading.Event,
    program: Sequence[str] = PROGRAM,
    glance_s: float = 0.5,
    meanwhile: Callable[[], None] | None = None,
) -> tuple[int, list[str]] | None:
    """How the command ended and the lines that it said; None when *stopping* was set meanwhile.

    Every *glance_s* it is looked at, and *meanwhile* is done.
    """
    nice = shutil.which("nice")
    command = [*([nice, "-n", "10"] if nice else []), *program, *arguments]
    with subprocess.Popen(  # noqa: S603 - this program's own command, with the settings' own values
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        while True:
            try:
                said, _ = process.communicate(timeout=glance_s)
            except subprocess.TimeoutExpired:
                if stopping.is_set():
                    _interrupt(process)
                    return None
                if meanwhile is not None:
                    meanwhile()
            else:
                return process.returncode, [line.strip() for line in said.splitlines() if line.strip()]


def _interrupt(process: "subprocess.Popen[str]") -> None:
    # As Ctrl-C does: it takes away what is half done before it ends.
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
