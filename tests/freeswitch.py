"""What tests of the package share: a scripted FreeSWITCH, and the recorded conversations."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Unpack

import pytest
import trio
import trio.testing

from esl_outbound import serve_stream
from esl_outbound.handler import HandlerSource
from esl_outbound.plan import Options

RECORDINGS = Path(__file__).parent / "recordings"
CHANNEL = "5f6433ee-df70-478f-a9ed-0397c83df1da"
SET_UP = b"connect\n\nmyevents\n\nlinger 14\n\nevent plain BACKGROUND_JOB\n\n"
OK = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
SET_UP_REPLIES = (
    b"Content-Type: command/reply\nReply-Text: +OK Events Enabled\n\n"
    b"Content-Type: command/reply\nReply-Text: +OK will linger 14 seconds\n\n"
    b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"
)
REFUSED = b"Content-Type: command/reply\nReply-Text: -ERR command not found\n\n"
LINGER_NOTICE = (
    b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: 5f6433ee-df70-478f-a9ed-0397c83df1da\n"
    b"Content-Disposition: linger\nChannel-Name: loopback/x-b\nLinger-Time: 14\nContent-Length: 0\n\n"
)
GOODBYE = (
    b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: 5f6433ee-df70-478f-a9ed-0397c83df1da\n"
    b"Content-Disposition: disconnect\nContent-Length: 67\n\n"
    b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
)


def api_response(text: str) -> bytes:
    """What an API command printed."""
    data = text.encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(data), data)


def connect_reply(mode: str = "async", control: str = "full", sequence: int = 100, **variables: str) -> bytes:
    """The reply to ``connect``, as short as it can be; values are to be given URL-encoded."""
    data = "127.0.0.1%3A8084" + ("%20async" if mode == "async" else "") + ("%20full" if control == "full" else "")
    lines = "".join(f"variable_{name}: {value}\n" for name, value in variables.items())
    return (
        f"Event-Name: CHANNEL_DATA\nEvent-Sequence: {sequence}\nChannel-State: CS_EXECUTE\n"
        f"Channel-Name: loopback/x-b\nUnique-ID: {CHANNEL}\nAnswer-State: ringing\n"
        "Caller-Caller-ID-Name: Ada%20L.\nCaller-Caller-ID-Number: 1000\nCaller-Destination-Number: 2000\n"
        "Caller-Context: default\nCaller-Channel-Answered-Time: 0\n"
        f"variable_current_application_data: {data}\nvariable_socket_host: 127.0.0.1\n{lines}"
        "Content-Type: command/reply\nReply-Text: %2BOK%0A\n"
        f"Socket-Mode: {mode}\nControl: {control}\n\n"
    ).encode()


class ScriptedSwitch:
    """FreeSWITCH's side of one connection, played by a test line by line.

    It shares nothing with the package: it reads commands with a regular
    expression and writes events with f-strings.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.received = b""
        self.sequence = 1000

    async def read_command(self) -> str:
        """The next command, head and body, without the blank line that ends its head."""
        while (end := self.received.find(b"\n\n")) < 0:
            await self._more()
        length = re.search(rb"(?im)^content-length: *(\d+)$", self.received[:end])
        whole = end + 2 + (int(length[1]) if length else 0)
        while len(self.received) < whole:
            await self._more()
        head, body = self.received[:end], self.received[end + 2 : whole]
        self.received = self.received[whole:]
        return (head + (b"\n\n" + body if length else b"")).decode("utf-8", "surrogateescape")

    async def _more(self) -> None:
        data = await self.stream.receive_some(65536)
        assert data, f"the connection was closed; unread: {self.received!r}"
        self.received += bytes(data)

    async def expect(self, *commands: str) -> None:
        """Read these commands."""
        for command in commands:
            assert await self.read_command() == command

    async def expect_execute(self, application: str, argument: str | None = None) -> str:
        """Read a ``sendmsg`` that executes an application; answer +OK; give its Event-UUID."""
        command = await self.read_command()
        assert re.search(r"(?m)^execute-app-name: (.*)$", command), command
        found: list[tuple[str, str]] = re.findall(r"(?m)^([^:\n]+): (.*)$", command.partition("\n\n")[0])
        headers = dict(found)
        assert headers["execute-app-name"] == application
        given = headers.get("execute-app-arg", command.partition("\n\n")[2])
        if argument is not None:
            assert given == argument
        await self.send(OK)
        return headers["Event-UUID"]

    async def send(self, *data: bytes) -> None:
        """Send bytes, in one piece."""
        await self.stream.send_all(b"".join(data))

    def event(self, name: str, body: str = "", channel: str = CHANNEL, /, **headers: str) -> bytes:
        """An event of the channel; an underscore in a header's name stands for a hyphen, but in ``variable_``."""
        self.sequence += 1
        lines = [f"Event-Name: {name}", f"Event-Sequence: {headers.pop('Event_Sequence', self.sequence)}"]
        if channel:
            lines.append(f"Unique-ID: {channel}")
        for header, value in headers.items():
            lines.append(f"{header if header.startswith('variable_') else header.replace('_', '-')}: {value}")
        if body:
            lines.append(f"Content-Length: {len(body.encode())}")
        data = ("\n".join(lines) + "\n\n" + body).encode()
        return b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(data) + data

    def execute(self, uuid: str, application: str = "playback", **headers: str) -> bytes:
        """CHANNEL_EXECUTE."""
        return self.event("CHANNEL_EXECUTE", variable_x="1", **headers, Application=application, Application_UUID=uuid)

    def complete(self, uuid: str, application: str = "playback", response: str = "_none_", **headers: str) -> bytes:
        """CHANNEL_EXECUTE_COMPLETE."""
        return self.event(
            "CHANNEL_EXECUTE_COMPLETE",
            variable_x="1",
            **headers,
            Application=application,
            Application_Response=response,
            Application_UUID=uuid,
        )

    def hangup(self, cause: str = "NORMAL_CLEARING", **headers: str) -> bytes:
        """CHANNEL_HANGUP."""
        return self.event("CHANNEL_HANGUP", Answer_State="hangup", Hangup_Cause=cause, **headers)

    def hangup_complete(self, cause: str = "NORMAL_CLEARING", **headers: str) -> bytes:
        """CHANNEL_HANGUP_COMPLETE, with what only it tells."""
        return self.event(
            "CHANNEL_HANGUP_COMPLETE",
            Hangup_Cause=cause,
            variable_hangup_cause=cause,
            variable_duration="7",
            variable_billsec="5",
            **headers,
        )

    async def greet(self, reply: bytes | None = None, replies: bytes = SET_UP_REPLIES) -> None:
        """Read the set-up and answer it."""
        await self.expect("connect", "myevents", "linger 14", "event plain BACKGROUND_JOB")
        await self.send(connect_reply() if reply is None else reply, replies)

    async def run_job(self, line: str, printed: str) -> None:
        """Read a ``bgapi``, accept it, and tell at once what it printed."""
        command = await self.read_command()
        found = re.fullmatch(rf"bgapi {re.escape(line)}\nJob-UUID: (.*)", command)
        assert found, command
        reply = f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {found[1]}\nJob-UUID: {found[1]}\n\n"
        await self.send(reply.encode(), self.event("BACKGROUND_JOB", printed, "", Job_UUID=found[1]))

    async def run_application(self, application: str, argument: str | None = None, **headers: str) -> None:
        """Accept, start and complete one application."""
        uuid = await self.expect_execute(application, argument)
        await self.send(self.execute(uuid, application), self.complete(uuid, application, **headers))

    async def hang_up_as_told(self, cause: str = "NORMAL_CLEARING") -> None:
        """Read a ``sendmsg`` that hangs up, and do so."""
        await self.expect(f"sendmsg\ncall-command: hangup\nhangup-cause: {cause}")
        await self.send(OK, self.hangup(cause), self.hangup_complete(cause), LINGER_NOTICE)

    async def expect_exit(self) -> None:
        """Read ``exit`` and the end of the connection."""
        await self.expect("exit")
        await self.expect_end()

    async def expect_end(self) -> None:
        """See the other side close."""
        assert not self.received
        assert await self.stream.receive_some(1) == b""


@asynccontextmanager
async def dial(handler: HandlerSource, **options: Unpack[Options]) -> AsyncIterator[ScriptedSwitch]:
    """Give a handler a call over a stream in memory; leaving waits until its side has ended."""
    ours, theirs = trio.testing.memory_stream_pair()
    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:

            async def serve() -> None:
                await serve_stream(handler, ours, **options)

            nursery.start_soon(serve)
            yield ScriptedSwitch(theirs)
            await theirs.aclose()


@pytest.fixture
def recording() -> Callable[[str], bytes]:
    """Read what FreeSWITCH sent in a recorded conversation."""

    def read(name: str) -> bytes:
        return (RECORDINGS / f"{name}.raw").read_bytes()

    return read
