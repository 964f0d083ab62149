"""Lets an event loop go on, without letting time pass."""

import asyncio


async def goes_round(times: int = 5) -> None:
    """Come back after the loop has gone round so many *times*."""
    for _ in range(times):
        turn = asyncio.Event()
        asyncio.get_running_loop().call_soon(turn.set)
        await turn.wait()
