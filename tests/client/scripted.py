"""The listening side of a scripted FreeSWITCH, and a client that is connected to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from esl_outbound import EventFormat
from esl_outbound.client import Switch
from esl_outbound.client.opening import Opener, credentials_of
from esl_outbound.client.switch import opened

from ..freeswitch import GOODBYE, ScriptedSwitch

AUTH_REQUEST = b"Content-Type: auth/request\n\n"
ACCEPTED = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
BYE = b"Content-Type: command/reply\nReply-Text: +OK bye\n\n"
EVENTS_ENABLED = b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"
EVENTS_NIXED = b"Content-Type: command/reply\nReply-Text: +OK events nixed\n\n"


def reply(text: str) -> bytes:
    """A command's reply."""
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()


class ScriptedPort:
    """A port that FreeSWITCH listens on: ``connections`` are those that were opened, in their order."""

    def __init__(self) -> None:
        self.connections: list[ScriptedSwitch] = []
        self.is_there = True
        self._opened = trio.Event()

    async def open_stream(self) -> trio.abc.Stream:
        """Connect."""
        await trio.lowlevel.checkpoint()
        if not self.is_there:
            raise ConnectionRefusedError(111, "Connection refused")
        ours, theirs = trio.testing.memory_stream_pair()
        self.connections.append(ScriptedSwitch(theirs))
        self._opened.set()
        self._opened = trio.Event()
        return ours

    def opener(
        self,
        password: str = "ClueCon",
        user: str | None = None,
        event_format: EventFormat = EventFormat.PLAIN,
        seconds: float = 10,
    ) -> Opener:
        """What opens connections here."""
        credentials = credentials_of(password, user, None)
        return Opener("192.0.2.7:8021", self.open_stream, credentials, event_format, seconds)

    async def newest(self, count: int) -> ScriptedSwitch:
        """The connection that was opened as this many-th."""
        while len(self.connections) < count:
            await self._opened.wait()
        return self.connections[count - 1]


@asynccontextmanager
async def connected(
    event_format: EventFormat = EventFormat.PLAIN,
) -> AsyncIterator[tuple[Switch, ScriptedSwitch]]:
    """A client that was let in; leaving the block sees it say ``exit`` and answers."""
    port = ScriptedPort()
    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_let_in, port)
            async with opened(port.opener(event_format=event_format)) as switch:
                server = port.connections[0]
                yield switch, server
                nursery.start_soon(_say_goodbye, server)


async def _let_in(port: ScriptedPort) -> None:
    server = await port.newest(1)
    await server.send(AUTH_REQUEST)
    await server.expect("auth ClueCon")
    await server.send(ACCEPTED)


async def _say_goodbye(server: ScriptedSwitch) -> None:
    await server.expect("exit")
    await server.send(BYE, GOODBYE)
    await server.stream.aclose()
