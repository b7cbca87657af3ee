"""A scripted FreeSWITCH for the commands that connect to one, and what they print."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias, final
from urllib.parse import quote

import trio

from esl_outbound.cli.options import Address
from esl_outbound.cli.switches import Login
from esl_outbound.client.opening import stream_openers

from ..client.scripted import ACCEPTED, AUTH_REQUEST, BYE, reply
from ..freeswitch import GOODBYE, ScriptedSwitch, api_response

ADDRESS = Address("192.0.2.7", 8021)
LOGIN = Login(ADDRESS, "ClueCon")

ApiCommand: TypeAlias = "str | Callable[[str], Awaitable[str] | str]"


@final
class TypedSwitch:
    """FreeSWITCH's port: it takes every password but ``wrong``, and answers API commands from a table.

    Args:
        api: What API commands print, by the whole line or its first word.
    """

    def __init__(self, api: Mapping[str, ApiCommand] | None = None) -> None:
        self.api: dict[str, ApiCommand] = dict(api or {})
        self.refused_api: set[str] = set()
        """First words of API commands that this user may not run."""
        self.is_there = True
        self.greeting = AUTH_REQUEST
        self.commands: list[str] = []
        """What was said after the login."""
        self.when_subscribed: Callable[[TypedSwitch], Awaitable[None]] | None = None
        self.event_format = "plain"
        self._connection: ScriptedSwitch | None = None
        self._sending = trio.Lock()

    @contextmanager
    def at(self, address: Address) -> Iterator[None]:
        """Let whoever connects to an address reach it."""
        token = stream_openers.set({(address.host, address.port): self.open_stream})
        try:
            yield
        finally:
            stream_openers.reset(token)

    async def open_stream(self) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        if not self.is_there:
            raise ConnectionRefusedError(111, "Connection refused")
        ours, theirs = trio.testing.memory_stream_pair()
        self._connection = ScriptedSwitch(theirs)
        # It lives as long as its connection, whoever opened that.
        trio.lowlevel.spawn_system_task(self._serve, self._connection)
        return ours

    async def _serve(self, connection: ScriptedSwitch) -> None:
        try:
            await self._let_in(connection)
        except* (AssertionError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the other side is gone

    async def _let_in(self, connection: ScriptedSwitch) -> None:
        await self._send(connection, self.greeting)
        if self.greeting != AUTH_REQUEST:
            await connection.stream.aclose()
            return
        login = await connection.read_command()
        if login.endswith("wrong"):
            await self._send(connection, reply("-ERR invalid"), GOODBYE)
            await connection.stream.aclose()
            return
        await self._send(connection, ACCEPTED)
        async with trio.open_nursery() as nursery:
            await self._obey(connection, nursery)
            nursery.cancel_scope.cancel()

    async def _obey(self, connection: ScriptedSwitch, nursery: trio.Nursery) -> None:
        while True:
            command = await connection.read_command()
            self.commands.append(command)
            line = command.partition("\n")[0]
            word, _, rest = line.partition(" ")
            if word == "exit":
                await self._send(connection, BYE, GOODBYE)
                await connection.stream.aclose()
                return
            name = rest.partition(" ")[0]
            if word in ("api", "bgapi") and name in self.refused_api:
                await self._send(connection, reply("-ERR permission denied"))
            elif word == "api":
                await self._send(connection, api_response(await self._printed(rest)))
            elif word == "bgapi":
                job = re.search(r"(?m)^Job-UUID: (.*)$", command)
                assert job is not None
                await self._send(connection, reply(f"+OK Job-UUID: {job[1]}\nJob-UUID: {job[1]}"))
                nursery.start_soon(self._run_job, connection, job[1], rest)
            elif word == "event":
                if rest.partition(" ")[0] in ("plain", "json", "xml"):
                    self.event_format = rest.partition(" ")[0]
                await self._send(connection, reply(f"+OK event listener enabled {self.event_format}"))
                if self.when_subscribed is not None and "BACKGROUND_JOB" not in rest:
                    nursery.start_soon(self.when_subscribed, self)
                    self.when_subscribed = None
            elif word == "filter":
                await self._send(connection, reply("+OK filter added. [x]=[y]"))
            elif word == "nixevent":
                await self._send(connection, reply("+OK events nixed"))
            else:
                await self._send(connection, reply("-ERR command not found"))

    async def _printed(self, line: str) -> str:
        found = self.api.get(line, self.api.get(line.partition(" ")[0]))
        if found is None:
            return f"-ERR {line.partition(' ')[0]} Command not found!\n"
        if isinstance(found, str):
            return found
        printed = found(line)
        return printed if isinstance(printed, str) else await printed

    async def _run_job(self, connection: ScriptedSwitch, job_uuid: str, line: str) -> None:
        body = await self._printed(line)
        with trio.CancelScope(shield=True):
            await self.send_event({"Event-Name": "BACKGROUND_JOB", "Job-UUID": job_uuid}, body)

    async def _send(self, connection: ScriptedSwitch, *data: bytes) -> None:
        async with self._sending:
            await connection.send(*data)

    async def send_event(self, headers: Mapping[str, str], body: str = "") -> None:
        """Send an event, in the format that was asked for."""
        assert self._connection is not None
        if self.event_format == "json":
            inside = ",".join(
                f"{_json(name)}:{_json(value)}"
                for name, value in {**headers, **({"_body": body} if body else {})}.items()
            )
            await self.send_raw_event("{" + inside + "}")
            return
        lines = "".join(f"{name}: {quote(value, safe=_SAFE)}\n" for name, value in headers.items())
        data = body.encode()
        length = f"Content-Length: {len(data)}\n" if body else ""
        await self.send_raw_event(f"{lines}{length}\n{body}")

    async def send_raw_event(self, text: str) -> None:
        """Send an event that is written already."""
        assert self._connection is not None
        data = text.encode("utf-8", "surrogateescape")
        await self._send(
            self._connection,
            f"Content-Length: {len(data)}\nContent-Type: text/event-{self.event_format}\n\n".encode() + data,
        )

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes."""
        assert self._connection is not None
        await self._send(self._connection, data)

    async def breaks(self) -> None:
        """Close the connection without a word."""
        assert self._connection is not None
        await self._connection.stream.aclose()


_SAFE = "!$'()*,-./_~"


def _json(text: str) -> str:
    escaped = "".join(f"\\u{ord(c):04x}" if c < " " else "\\" + c if c in '"\\' else c for c in text)
    return f'"{escaped}"'
