"""A call in which a handler does one thing, against a FreeSWITCH that is played line by line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from esl_outbound import Call, CallHandler

from ..freeswitch import ScriptedSwitch, dial


class Doing(CallHandler):
    """Does one thing."""

    def __init__(self, do: Callable[[Call], Awaitable[None]]) -> None:
        self.do = do

    async def run(self) -> None:
        await self.do(self)


@asynccontextmanager
async def doing(do: Callable[[Call], Awaitable[None]], reply: bytes | None = None) -> AsyncIterator[ScriptedSwitch]:
    """FreeSWITCH's side while a handler does one thing and then hangs up."""
    async with dial(lambda: Doing(do)) as switch:
        await switch.greet(reply)
        yield switch
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def refuses_what(do: Callable[[Call], Awaitable[None]]) -> None:
    """A handler does something that sends nothing at all."""
    async with doing(do) as switch:
        assert switch.received == b""
