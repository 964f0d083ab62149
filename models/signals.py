"""How a commit in one process wakes the engine in another on PostgreSQL: NOTIFY and LISTEN (ADR 0021).

A notification carries nothing and promises nothing: whoever misses one sees the same rows with the next tick.
It is sent after the commit, never within it, because NOTIFY makes commits queue; and from a thread of its
own, so that no caller waits for it. Many commits in one moment are one notification.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import structlog
from sqlalchemy import Engine

from models.session import server_options

if TYPE_CHECKING:
    from psycopg import Connection

log = structlog.get_logger(__name__)

CHANNEL = "siaga_engine"

RETRY_S = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Pauses before connecting again; the last one for as long as it takes."""

LOOK_UP_S = 0.5
"""How often the thread that listens looks whether it is to stop."""


class _Thread:
    """A connection of one's own in a thread of one's own, made again whenever it breaks."""

    def __init__(self, database: Engine, name: str) -> None:
        self._database = database
        self._name = name
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; connecting happens in the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it and its connection."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _serve(self, connection: "Connection") -> None:
        """Work on *connection* until it breaks or the thread is to stop."""
        raise NotImplementedError

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                with self._connect() as connection:
                    failures = 0
                    self._serve(connection)
            except (OSError, self._database.dialect.loaded_dbapi.Error) as error:
                if failures == 0:
                    log.warning("signals.interrupted", thread=self._name, reason=type(error).__name__)
                self._stopping.wait(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1

    def _connect(self) -> "Connection":
        # Not from the pool: this connection is never given back, and never inside a transaction.
        dialect, url = self._database.dialect, self._database.url
        arguments, options = dialect.create_connect_args(url)
        connection = cast("Connection", dialect.connect(*arguments, **{**options, **server_options(url)}))
        connection.autocommit = True
        return connection


class Notifier(_Thread):
    """For a process without an engine of its own: tells those of the other processes."""

    def __init__(self, database: Engine) -> None:
        """Use a connection to the server of *database*."""
        super().__init__(database, "notifier")
        self._wanted = threading.Event()

    def notify(self) -> None:
        """Tell the engines that there is something for them; returns at once."""
        self._wanted.set()

    def stop(self) -> None:
        """End it and its connection."""
        self._stopping.set()
        self._wanted.set()
        super().stop()

    def _serve(self, connection: "Connection") -> None:
        # Nothing of it need survive a power cut, so it waits for no disk.
        connection.execute("SET synchronous_commit = off")
        while True:
            self._wanted.wait()
            if self._stopping.is_set():
                return
            self._wanted.clear()
            told = False
            try:
                connection.execute(f"NOTIFY {CHANNEL}")
                told = True
            finally:
                if not told:
                    self._wanted.set()


class Listener(_Thread):
    """For a process with an engine: hears what the others tell."""

    def __init__(self, database: Engine, woken: Callable[[], None]) -> None:
        """Call *woken* for every notification, and after every new connection to the server of *database*."""
        super().__init__(database, "listener")
        self._woken = woken

    def _serve(self, connection: "Connection") -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        # What was committed while nobody listened.
        self._woken()
        while not self._stopping.is_set():
            for _ in connection.notifies(timeout=LOOK_UP_S, stop_after=1):
                self._woken()
