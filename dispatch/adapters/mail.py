"""Sends one message with files through a mail server; encrypted wherever the server can.

Never logs in over a connection that is not encrypted, and never repeats by itself.
"""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

from models.unit_of_work import refuse_inside_transaction

ANSWER_S = 30.0
_PORTS = {"smtp": 587, "smtps": 465}
_TYPES = {
    ".pdf": ("application", "pdf"),
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".html": ("text", "html"),
}


class MailError(Exception):
    """The message was not taken; the reason holds neither addresses nor passwords."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is sent, to whom."""

    sender: str
    to: Sequence[str]
    subject: str
    text: str
    files: Sequence[Path] = ()

    def as_message(self) -> EmailMessage:
        """The same as mail servers take it."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, ", ".join(self.to), self.subject
        message.set_content(self.text)
        for file in self.files:
            kind, subtype = _TYPES.get(file.suffix, ("application", "octet-stream"))
            message.add_attachment(file.read_bytes(), maintype=kind, subtype=subtype, filename=file.name)
        return message


class MailServer:
    """One server, by its address ``smtp://USER:PASSWORD@HOST:PORT``."""

    def __init__(self, url: str) -> None:
        """Keep the address; nothing is connected yet."""
        self._parts = urlsplit(url)

    def send(self, letter: Letter) -> None:
        """Hand *letter* over.

        Raises:
            MailError: the server did not take it, or not for everybody.
        """
        refuse_inside_transaction("a mail")
        try:
            with self._connected() as server:
                self._log_in(server)
                refused = server.send_message(letter.as_message())
        except (smtplib.SMTPException, OSError) as error:
            raise MailError(_reason(error)) from error
        if refused:
            raise MailError(f"{len(refused)} of {len(letter.to)} addresses were refused")

    def _connected(self) -> smtplib.SMTP:
        host, port = self._parts.hostname or "", self._parts.port or _PORTS[self._parts.scheme]
        context = ssl.create_default_context()
        if self._parts.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=ANSWER_S, context=context)
        server = smtplib.SMTP(host, port, timeout=ANSWER_S)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        if not self._parts.username:
            return
        if not isinstance(server.sock, ssl.SSLSocket):
            raise MailError("the server offers no encryption, so the password was not sent")
        server.login(unquote(self._parts.username), unquote(self._parts.password or ""))


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return type(error).__name__
