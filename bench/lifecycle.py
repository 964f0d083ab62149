"""One whole call, as the provider would report it (docs/performance.md counts its requests).

A resident calls, presses 3, waits in the room; the worker's phone rings, they pick up, press 1, type the
minutes and talk; both hang up; the worker texts 3, 4 and 5, and the last one closes the incident. Every
callback is sent and every answer is read: a life that goes another way is a failure of the run.
"""

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench import webhook
from bench.standin import Asked, StandIn
from bench.wire import Client

_ROOM = re.compile(rb"/telephony/rooms/([^/<\"]+)/")
_SHORT_NUMBER = re.compile(rb"darurat nomor ([0-9 ]+)\.")

ACCEPTED_WITHIN_S = 30.0

_STEPS = (("3", b"BERANGKAT"), ("4", b"TIBA"), ("5", b"SELESAI"))
"""What the worker texts, and the word that the answer must say."""


class WrongAnswerError(Exception):
    """The server said something that does not belong to the life of this call."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """The worker is in the caller's room: their number and call, and the short number they were told."""

    worker: str
    worker_sid: str
    short_number: str
    delivery_url: str


class Town:
    """Residents and workers with their phones, all of them at the stand-in."""

    def __init__(self, client: Client, provider: StandIn, public_url: str) -> None:
        """Send everything through *client* to the program behind *public_url*."""
        self._client = client
        self._provider = provider
        self._url = public_url
        self._met: dict[str, asyncio.Future[Meeting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.webhooks = 0
        self.failures: list[str] = []

    def open(self) -> None:
        """Let phones ring from now on."""
        self._provider.on_asked = self._ring

    async def close(self) -> None:
        """Wait for what still goes on, and let no phone ring any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
        self._provider.on_asked = None

    async def live(self, caller: str) -> None:
        """One call of *caller* from its first ring to the closed incident.

        Raises:
            WrongAnswerError: the server answered something else than belongs here.
            TimeoutError: nobody accepted in time.
        """
        sid = self._provider.sid("CA")
        greeting = await self._post("/telephony/voice", webhook.incoming(sid, caller))
        incident_id = _found(_ROOM, greeting, "a room in the greeting")
        met = self._meeting(incident_id)
        pressed = webhook.incoming(sid, caller, "in-progress", Digits="3", msg="Gather Digits")
        _found(_ROOM, await self._post("/telephony/voice/menu", pressed), "a room after the menu")
        room = f"/telephony/rooms/{incident_id}"
        await self._post(f"{room}/events", webhook.room_event(sid, "participant-join", 1))
        await self._post(f"{room}/wait", webhook.incoming(sid, caller, "in-progress"))
        async with asyncio.timeout(ACCEPTED_WITHIN_S):
            meeting = await met
        await self._talk_ends(sid, caller, room, meeting)
        for word, reply in _STEPS:
            form = webhook.text_in(self._provider.sid("SM"), meeting.worker, f"{meeting.short_number} {word}")
            answer = await self._post("/telephony/sms", form)
            if reply not in answer:
                raise WrongAnswerError(f"{word!r} was answered with {answer!r}")
        del self._met[incident_id]

    async def _talk_ends(self, sid: str, caller: str, room: str, meeting: Meeting) -> None:
        """The worker hangs up first, which ends the room; then the caller does."""
        worker, worker_sid = meeting.worker, meeting.worker_sid
        await self._post(f"{room}/events", webhook.room_event(worker_sid, "participant-leave", 3))
        await self._post(meeting.delivery_url, webhook.progress(worker_sid, worker, "completed", 3))
        await self._post(f"{room}/events", webhook.room_event(sid, "participant-leave", 4))
        after = webhook.incoming(sid, caller, "in-progress", DialCallStatus="answered")
        await self._post("/telephony/voice/after", after)
        ended = webhook.incoming(sid, caller, "completed", CallDuration="84", SequenceNumber="0")
        await self._post("/telephony/voice/status", ended)
        await self._post(f"{room}/recording", webhook.recording(sid))

    def _ring(self, asked: Asked) -> None:
        work = self._text_arrives(asked) if asked.kind == "SM" else self._phone_rings(asked)
        task = asyncio.ensure_future(self._noting_failure(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _noting_failure(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except (WrongAnswerError, OSError, TimeoutError) as error:
            self.failures.append(repr(error))

    async def _text_arrives(self, asked: Asked) -> None:
        for status in ("sent", "delivered"):
            form = webhook.text_status(asked.sid, asked.form["To"], status)
            await self._post(asked.form["StatusCallback"], form)

    async def _phone_rings(self, asked: Asked) -> None:
        """A worker picks up, accepts, types the minutes and enters the room."""
        sid, worker, status_url = asked.sid, asked.form["To"], asked.form["StatusCallback"]
        for sequence, status in enumerate(("initiated", "ringing", "in-progress")):
            await self._post(status_url, webhook.progress(sid, worker, status, sequence))
        answer_url = asked.form["Url"]
        alert = await self._post(answer_url, webhook.outgoing(sid, worker, "in-progress"))
        short_number = _found(_SHORT_NUMBER, alert, "a short number in the alert").replace(" ", "")
        accept = webhook.outgoing(sid, worker, "in-progress", Digits="1", msg="Gather Digits")
        accepted = await self._post(answer_url.replace("/answer", "/key"), accept)
        incident_id = _found(_ROOM, accepted, "a room after the acceptance")
        minutes = webhook.outgoing(sid, worker, "in-progress", Digits="10", msg="Gather Digits")
        await self._post(answer_url.replace("/answer", "/minutes"), minutes)
        joined = webhook.room_event(sid, "participant-join", 2)
        await self._post(f"/telephony/rooms/{incident_id}/events", joined)
        self._meeting(incident_id).set_result(Meeting(worker, sid, short_number, status_url))

    def _meeting(self, incident_id: str) -> "asyncio.Future[Meeting]":
        """Caller and worker learn of the room in no certain order."""
        if incident_id not in self._met:
            self._met[incident_id] = asyncio.get_running_loop().create_future()
        return self._met[incident_id]

    async def _post(self, address: str, form: dict[str, str]) -> bytes:
        url = address if address.startswith("http") else self._url + address
        answer = await self._client.send(webhook.post(url, form))
        self.webhooks += 1
        if answer.status != 200:
            raise WrongAnswerError(f"{urlsplit(url).path} was answered with {answer.status}")
        return answer.body


def _found(pattern: re.Pattern[bytes], answer: bytes, what: str) -> str:
    found = pattern.search(answer)
    if found is None:
        raise WrongAnswerError(f"not {what}: {answer!r}")
    return found[1].decode()
