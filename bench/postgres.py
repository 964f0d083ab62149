"""A PostgreSQL server of the benchmark's own, as Debian sets one up: durable, with its default settings.

Its data stay in the benchmark's folder, so that a large database is made once. The programs are found, and
root's rights given up, as the tests do it.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from tests.postgresql import READY_WITHIN_S, server_programs, unprivileged_prefix, wait_until_ready

# Beside what Debian ships: no network, room for two programs at once and for the generator's writing.
# Nothing that makes a commit cheaper.
SETTINGS = {"listen_addresses": "", "max_connections": "300", "max_wal_size": "4GB"}

_INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")


@contextmanager
def running(folder: Path) -> Iterator[URL]:
    """The server whose data are in *folder* while the block runs; its maintenance database's address."""
    programs = server_programs()
    folder.mkdir(parents=True, exist_ok=True)
    # A socket's path must stay under 107 characters.
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as sockets:
        unprivileged_prefix(Path(sockets))
        prefix = unprivileged_prefix(folder)
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": sockets}
        data = (folder / "data").resolve()
        if not (data / "PG_VERSION").exists():
            initdb = [*prefix, str(programs / "initdb"), f"--pgdata={data}", *_INITDB]
            subprocess.run(initdb, check=True, capture_output=True, cwd=sockets, env=environment)
        settings = SETTINGS | {"unix_socket_directories": sockets}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = folder / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [*prefix, str(programs / "postgres"), "-D", str(data), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=sockets,
                env=environment,
            )
        url = URL.create(
            "postgresql+psycopg", username="postgres", database="postgres", query={"host": sockets}
        )
        try:
            wait_until_ready(server, url, log)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(READY_WITHIN_S)
