"""The generator's process: residents, workers and the provider, driven by one line of JSON after another.

Reads ``{"do": …}`` from standard input and answers each line with one on standard output. It runs apart from
the server, never waits for it with a thread, and collects no garbage while it measures.
"""

import asyncio
import gc
import json
import secrets
import sys
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import uvloop

from bench import webhook
from bench.lifecycle import Town, WrongAnswerError
from bench.standin import StandIn
from bench.wire import Answer, Client

Order = dict[str, Any]

_FALLBACK = b"Anda disambungkan ke petugas"
"""The document that rings the duty phones: an answer, but no incident."""


class Generator:
    """Carries out orders against one server at a time."""

    def __init__(self, provider: StandIn) -> None:
        """Let *provider* take what the server sends."""
        self._provider = provider
        self._callers = secrets.randbelow(50_000) * 1000
        self._rung: list[tuple[str, str, str]] = []

    async def carry_out(self, order: Order) -> object:
        """The answer to one order."""
        match order["do"]:
            case "calls":
                return await self._calls(order)
            case "hang_up":
                return await self._press_nine(order)
            case "lifecycles":
                return await self._lifecycles(order)
            case "alerts":
                return [[asked.kind, asked.delivery_id, asked.came_at] for asked in self._provider.asked]
            case "forget":
                self._provider.asked.clear()
                return None
            case "quiet":
                await self._provider.quiet(order["for_s"])
                return None
            case "answer_after":
                self._provider.answer_after_s = order["ms"] / 1000
                return None
            case "first_answer":
                return await self._first_answer(order)
        raise ValueError(order["do"])

    async def _calls(self, order: Order) -> object:
        """Ring *count* times from new numbers: *at_once* without pause, or *per_s* whatever comes back."""
        url, at_once = str(order["url"]), int(order["at_once"])
        sids = [self._provider.sid("CA") for _ in range(order["count"])]
        callers = [self._new_caller() for _ in sids]
        self._rung += [(url, sid, caller) for sid, caller in zip(sids, callers, strict=True)]
        forms = map(webhook.incoming, sids, callers)
        requests = [webhook.post(f"{url}/telephony/voice", form) for form in forms]
        client = _client(url, at_once)
        await client.open()
        if "per_s" in order:
            answers = await _paced(client, requests, order["per_s"])
        else:
            answers = await asyncio.gather(*(client.send(request) for request in requests))
        client.close()
        return {
            "ms": [answer.taken_ms for answer in answers],
            "sent_at": {sid: answer.sent_at for sid, answer in zip(sids, answers, strict=True)},
            "body": len(answers[0].body),
            "fallbacks": sum(_FALLBACK in answer.body or answer.status != 200 for answer in answers),
        }

    async def _press_nine(self, order: Order) -> object:
        """Everybody who rang and is still on the line presses 9 and hangs up."""
        rung, self._rung = self._rung, []
        client = _client(str(order["url"]), 8)

        async def end(url: str, sid: str, caller: str) -> None:
            nine = webhook.incoming(sid, caller, "in-progress", Digits="9")
            await client.send(webhook.post(f"{url}/telephony/voice/menu", nine))
            ended = webhook.incoming(sid, caller, "completed", SequenceNumber="0")
            await client.send(webhook.post(f"{url}/telephony/voice/status", ended))

        await asyncio.gather(*(end(*one) for one in rung if one[0] == order["url"]))
        client.close()
        return len(rung)

    async def _lifecycles(self, order: Order) -> object:
        """Live *count* calls, *at_once* at a time; how long it took and what went wrong."""
        client = _client(str(order["url"]), 3 * int(order["at_once"]))
        town = Town(client, self._provider, str(order["url"]))
        waiting = iter([self._new_caller() for _ in range(order["count"])])
        took_ms: list[float] = []
        asked_before = self._provider.requests

        async def one_after_another() -> None:
            for caller in waiting:
                begun_at = perf_counter()
                try:
                    await town.live(caller)
                except (WrongAnswerError, OSError, TimeoutError) as error:
                    town.failures.append(repr(error))
                else:
                    took_ms.append((perf_counter() - begun_at) * 1000)

        town.open()
        begun_at = perf_counter()
        await asyncio.gather(*(one_after_another() for _ in range(order["at_once"])))
        await town.close()
        seconds = perf_counter() - begun_at
        client.close()
        return {
            "seconds": seconds,
            "ms": took_ms,
            "webhooks": town.webhooks,
            "requests": self._provider.requests - asked_before,
            "failures": town.failures,
        }

    async def _first_answer(self, order: Order) -> object:
        """Ring again and again until somebody answers with an incident; when that was, by the wall clock."""
        url = str(order["url"])
        sid, caller = self._provider.sid("CA"), self._new_caller()
        self._rung.append((url, sid, caller))
        request = webhook.post(f"{url}/telephony/voice", webhook.incoming(sid, caller))
        async with asyncio.timeout(60):
            while True:
                client = _client(url, 1)
                try:
                    answer = await client.send(request)
                except OSError:
                    answer = None
                client.close()
                if answer is not None and answer.status == 200 and _FALLBACK not in answer.body:
                    return {"at": perf_counter()}
                await asyncio.sleep(0.01)

    def _new_caller(self) -> str:
        self._callers += 1
        return webhook.caller_number(self._callers)


async def _paced(client: Client, requests: list[bytes], per_s: float) -> list[Answer]:
    """Send each request at its own instant, *per_s* of them a second."""
    begun_at = perf_counter()
    under_way: list[asyncio.Task[Answer]] = []
    for number, request in enumerate(requests):
        await asyncio.sleep(begun_at + number / per_s - perf_counter())
        under_way.append(asyncio.ensure_future(client.send(request)))
    return await asyncio.gather(*under_way)


def _client(url: str, size: int) -> Client:
    parts = urlsplit(url)
    return Client(str(parts.hostname), int(parts.port or 80), size=size)


async def _serve() -> None:
    provider = StandIn(secrets.token_hex(4))
    port = await provider.listen()
    generator = Generator(provider)
    loop = asyncio.get_running_loop()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        gc.collect()
        answer = await generator.carry_out(json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    gc.disable()
    uvloop.run(_serve())
