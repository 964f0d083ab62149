"""The real program, which dies at a named point: ``python -m tests.crash.dying_program POINT NTH serve …``.

A point is an instant at which a promise could break: something was done and not yet said, or said to somebody
and not yet written down. The program itself knows nothing of them: each is a function below that puts a fuse
between two of its steps before it starts. Where steps are added, their point is one more function in
``POINTS``.
"""

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from starlette.types import Message, Receive, Scope, Send

from config import cli, wiring
from config.web import Application
from config.wiring import Program
from dispatch.domain.seals import Seal
from dispatch.ports import CallRequest, Handed, SealKey
from dispatch.service.sealing import Sealer
from models.unit_of_work import UnitOfWork
from telephony.journal import Apply, Journal
from telephony.providers.twilio import TwilioProvider

ENGINE_THREADS = ("engine", "sender")


class Fuse:
    """Ends the process at the *nth* passing, between one instruction and the next."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self._lock = threading.Lock()

    def passes(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def answering(fuse: Fuse) -> None:
    """A call's webhook is committed, and its answer has not left."""

    def with_fuse(call: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def call_and_pass(app: Application, scope: Scope, receive: Receive, send: Send) -> None:
            async def send_unless_dead(message: Message) -> None:
                if message["type"] == "http.response.start" and scope["path"] == "/telephony/voice":
                    fuse.passes()
                await send(message)

            await call(app, scope, receive, send_unless_dead)

        return call_and_pass

    put_between(Application, "__call__", with_fuse)


def committing(fuse: Fuse) -> None:
    """The engine, or one of its senders, has committed, and its next commit has not begun."""

    def with_fuse(write: Callable[[UnitOfWork], Any]) -> Callable[[UnitOfWork], Any]:
        @contextmanager
        def write_and_pass(uow: UnitOfWork) -> Iterator[Session]:
            with write(uow) as session:
                yield session
            if threading.current_thread().name.startswith(ENGINE_THREADS):
                fuse.passes()

        return write_and_pass

    put_between(UnitOfWork, "write", with_fuse)


def sent(fuse: Fuse) -> None:
    """The provider has said that it took a call over, and that is written down nowhere."""

    def with_fuse(
        place_call: Callable[[TwilioProvider, CallRequest], Handed],
    ) -> Callable[[TwilioProvider, CallRequest], Handed]:
        def place_and_pass(provider: TwilioProvider, request: CallRequest) -> Handed:
            handed = place_call(provider, request)
            fuse.passes()
            return handed

        return place_and_pass

    put_between(TwilioProvider, "place_call", with_fuse)


def draining(fuse: Fuse) -> None:
    """A request out of the journal is applied, and still stands in the journal."""

    def with_fuse(drain: Callable[[Journal, Apply], int]) -> Callable[[Journal, Apply], int]:
        def drain_and_pass(journal: Journal, apply: Apply) -> int:
            def apply_and_pass(kind: str, path: str, form: Mapping[str, str], at: datetime) -> None:
                apply(kind, path, form, at)
                fuse.passes()

            return drain(journal, apply_and_pass)

        return drain_and_pass

    put_between(Journal, "drain", with_fuse)
    # The first look into the journal comes at once, and not after the usual pause.
    put_between(wiring, "JOURNAL_EVERY_S", lambda _usual: 0.2)


def sealed(fuse: Fuse) -> None:
    """A day's seal is stored, and no witness has heard of it."""

    def with_fuse(
        keep: Callable[[Sealer, Seal, SealKey], Seal | None],
    ) -> Callable[[Sealer, Seal, SealKey], Seal | None]:
        def keep_and_pass(sealer: Sealer, seal: Seal, key: SealKey) -> Seal | None:
            kept = keep(sealer, seal, key)
            fuse.passes()
            return kept

        return keep_and_pass

    put_between(Sealer, "_keep", with_fuse)
    # Days are looked at in the first moments, and not after the usual pause.
    put_between(wiring, "SEALS_FIRST_AFTER_S", lambda _usual: 0.2)


def starting(fuse: Fuse) -> None:
    """Everything that runs by itself runs, and no request was served yet."""

    def with_fuse(start: Callable[[Program], None]) -> Callable[[Program], None]:
        def start_and_pass(program: Program) -> None:
            start(program)
            fuse.passes()

        return start_and_pass

    put_between(Program, "start", with_fuse)


POINTS: Mapping[str, Callable[[Fuse], None]] = {
    point.__name__: point for point in (answering, committing, sent, draining, sealed, starting)
}


def put_between(owner: object, name: str, wrap: Callable[[Any], object]) -> None:
    setattr(owner, name, wrap(getattr(owner, name)))


if __name__ == "__main__":
    POINTS[sys.argv[1]](Fuse(int(sys.argv[2])))
    cli.main(sys.argv[3:])
