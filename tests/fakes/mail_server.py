"""A mail server on this machine that keeps what it is handed, or refuses it."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.fakes.listening import listening


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as a client needs that neither encrypts nor logs in."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.letters: list[EmailMessage] = []
        self.is_refusing = False

    @property
    def url(self) -> str:
        """As the settings name it."""
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say(220, "here")
        while line := self.rfile.readline():
            word = line.decode().split()[0].upper()
            if word == "QUIT":
                self._say(221, "bye")
                return
            if word == "MAIL" and self.server.is_refusing:
                self._say(451, "not now")
            elif word == "DATA":
                self._say(354, "go on")
                self._take()
                self._say(250, "kept")
            else:
                self._say(250, "fine")

    def _take(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        text = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
        letter = message_from_bytes(text, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.server.letters.append(letter)

    def _say(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server that takes mail while the block runs."""
    server = MailServer()
    with listening(server):
        yield server
