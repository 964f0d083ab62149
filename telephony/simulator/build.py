"""Puts the phone simulator together for the composition root.

One ``Simulator`` is one telephone network. Include its router in the web app, start it when the app starts
and stop it when the app stops. Everything in it belongs to the event loop that serves the app.
"""

import secrets
from collections.abc import Sequence

import httpx
from fastapi import APIRouter
from fastapi.params import Depends

from telephony.simulator.network import Network
from telephony.simulator.page import build_page
from telephony.simulator.rest import build_rest
from telephony.simulator.settings import Clock, NewId, SimulatorSettings
from telephony.simulator.words import Translate

_CONNECTIONS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


class Simulator:
    """The phones, their page and the provider's API, behind one router."""

    def __init__(self, *, network: Network, client: httpx.AsyncClient, router: APIRouter) -> None:
        self.network = network
        self.router = router
        self._client = client

    async def start(self) -> None:
        """Nothing moves before somebody uses a phone; here so that start and stop are a pair."""

    async def stop(self) -> None:
        """End all calls without a word and close the connections."""
        await self.network.stop()
        await self._client.aclose()


def build_simulator(
    settings: SimulatorSettings,
    *,
    clock: Clock,
    dependencies: Sequence[Depends] = (),
    translate: Translate | None = None,
    new_id: NewId | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Simulator:
    """Build a telephone network with its page.

    ``dependencies`` guard the page and its JSON (the API asks for the account's token in any case).
    ``translate`` turns the page's English into what is shown, by default Indonesian; English is shown to who
    asks for it by ``?lang=en`` or chose it on another page. ``new_id`` gives 32 hexadecimal digits for
    SIDs. ``transport`` replaces the network under httpx, for tests.
    """
    ids = new_id or _random_id
    client = httpx.AsyncClient(transport=transport, limits=_CONNECTIONS, trust_env=False)
    network = Network(settings=settings, clock=clock, new_id=ids, client=client)
    router = APIRouter()
    router.include_router(build_rest(network))
    router.include_router(
        build_page(network, run_id=ids()[:8], translate=translate, dependencies=dependencies)
    )
    return Simulator(network=network, client=client, router=router)


def _random_id() -> str:
    return secrets.token_hex(16)
