"""A program that speaks the event socket by hand, for tests of the simulator.

It reads frames by rules of its own and shares nothing with the package: what it understands was said on the wire.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TypedDict, Unpack, final
from urllib.parse import unquote

import attrs
import trio

from esl_outbound.testing import Caller, FakeFreeSwitch, Faults

PARKED = ("connect", "myevents", "linger")
"""The usual first write."""


class Options(TypedDict, total=False):
    """What `phone.dial` takes beside the application."""

    number: str
    caller_id: str
    caller_id_name: str
    variables: dict[str, str]
    mode: str
    endpoint: Literal["sofia", "loopback"]
    path: str
    before: list[str]
    after: list[str]
    faults: Faults


@final
@attrs.frozen
class Frame:
    """Something that FreeSWITCH said."""

    at: float
    """When it was read, on trio's clock."""
    kind: str
    """Its Content-Type."""
    raw: bytes
    headers: dict[str, str]
    """Those of the frame; of an event in the plain format those of the event, decoded."""
    body: str

    def __getitem__(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def name(self) -> str:
        return self["Event-Name"]

    @property
    def seconds(self) -> float:
        """When the event was fired, on FreeSWITCH's clock."""
        return int(self["Event-Date-Timestamp"]) / 1_000_000

    @property
    def told(self) -> str:
        """The event in a few words."""
        short = self.name.removeprefix("CHANNEL_")
        match short:
            case "EXECUTE":
                words = [self["Application"], self["Application-Data"]]
            case "EXECUTE_COMPLETE":
                short, words = "COMPLETE", [self["Application"], self["Application-Response"]]
            case "HANGUP":
                words = [self["Hangup-Cause"]]
            case "DTMF":
                words = [self["DTMF-Digit"]]
            case _:
                words = []
        return " ".join([short, *filter(None, words)])


@final
class EventSocket:
    """The application's side of one connection."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.frames: list[Frame] = []
        """All that was said so far, in order."""
        self.is_over = False
        self._data = b""
        self._executions = 0
        self._seen = 0
        """How many frames `until` has passed."""

    # Saying things

    async def send(self, *commands: str) -> None:
        """Send commands in one write; the blank line behind each is added."""
        await self.stream.send_all("".join(f"{command}\n\n" for command in commands).encode("utf-8", "surrogateescape"))

    async def ask(self, *commands: str) -> str:
        """Send commands in one write and give the reply to the last."""
        await self.send(*commands)
        text = ""
        for _ in commands:
            text = await self.reply()
        return text

    async def reply(self) -> str:
        """The next reply, as it stands in the frame."""
        return (await self.reply_frame())["Reply-Text"]

    async def reply_frame(self) -> Frame:
        while True:
            frame = await self.frame()
            if frame.kind == "command/reply":
                return frame

    async def api(self, command: str) -> str:
        """What an API command prints."""
        await self.send(f"api {command}")
        while True:
            frame = await self.frame()
            if frame.kind == "api/response":
                return frame.body

    async def execute(self, application: str, argument: str = "", **headers: str) -> str:
        """Queue an application; an underscore in a header's name stands for a hyphen. Gives its UUID."""
        self._executions += 1
        uuid = headers.pop("uuid", f"execution-{self._executions}")
        await self.ask(executing(application, argument, uuid=uuid, **headers))
        return uuid

    async def run(self, application: str, argument: str = "", **headers: str) -> Frame:
        """Run an application to its end; gives the completion."""
        uuid = await self.execute(application, argument, **headers)
        return await self.until("CHANNEL_EXECUTE_COMPLETE", uuid=uuid)

    # Hearing things

    async def frame(self) -> Frame:
        """The next frame."""
        while True:
            head, blank, rest = self._data.partition(b"\n\n")
            if blank:
                lines = head.decode("utf-8", "surrogateescape").split("\n")
                headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
                length = int(headers.get("Content-Length", "0"))
                if len(rest) >= length:
                    self._data = rest[length:]
                    return self._keep(head + blank + rest[:length], headers, rest[:length])
            try:
                more = bytes(await self.stream.receive_some(65536))
            except trio.BrokenResourceError:
                more = b""
            if not more:
                self.is_over = True
                raise EOFError(f"the connection is over; unread: {self._data!r}")
            self._data += more

    def _keep(self, raw: bytes, headers: dict[str, str], data: bytes) -> Frame:
        body = data.decode("utf-8", "surrogateescape")
        if headers.get("Content-Type") == "text/event-plain":
            inner, _, body = body.partition("\n\n")
            pairs = [line.partition(": ") for line in inner.split("\n")]
            kind, headers = (
                "text/event-plain",
                {name: unquote(value, errors="surrogateescape") for name, _, value in reversed(pairs)},
            )
        else:
            kind = headers.get("Content-Type", "")
        frame = Frame(trio.current_time(), kind, raw, headers, body)
        self.frames.append(frame)
        return frame

    async def until(self, name: str, **headers: str) -> Frame:
        """The next event of that name; ``uuid`` is its Application-UUID.

        What was read before counts as well, if no `until` has passed it.
        """
        if "uuid" in headers:
            headers["Application-UUID"] = headers.pop("uuid")
        while True:
            while self._seen < len(self.frames):
                frame = self.frames[self._seen]
                self._seen += 1
                if frame.name == name and all(frame[key.replace("_", "-")] == value for key, value in headers.items()):
                    return frame
            await self.frame()

    async def listen(self, seconds: float) -> None:
        """Hear what is said within that time."""
        with trio.move_on_after(seconds):
            while not self.is_over:
                try:
                    await self.frame()
                except EOFError:
                    return

    async def to_the_end(self) -> None:
        """Hear all that is said until the connection is closed."""
        await self.listen(3600 * 24)

    # What was said

    @property
    def events(self) -> list[Frame]:
        return [frame for frame in self.frames if frame.kind.startswith("text/event-")]

    def told(self, *without: str) -> list[str]:
        """All events in a few words each."""
        return [event.told for event in self.events if event.told.split()[0] not in {*without, "STATE", "CREATE"}]

    def story(self) -> list[str]:
        """The events since the set-up, without the end that every call has."""
        told = self.told()
        return told[told.index("PARK") + 1 :] if "PARK" in told else told

    def forget(self) -> None:
        """Begin anew: what was said is past."""
        self.frames.clear()
        self._seen = 0


def executing(application: str, argument: str = "", *, uuid: str = "", **headers: str) -> str:
    """A sendmsg that executes an application, without the blank line behind it."""
    lines = ["sendmsg", "call-command: execute", f"execute-app-name: {application}"]
    if argument:
        lines.append(f"execute-app-arg: {argument}")
    if uuid:
        lines.append(f"Event-UUID: {uuid}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\n".join(lines)


@asynccontextmanager
async def connected(phone: FakeFreeSwitch, **options: Unpack[Options]) -> AsyncIterator[tuple[Caller, EventSocket]]:
    """A call whose application is the test itself: it has said nothing yet.

    When the test is done with it, the caller hangs up, unless the call is over.
    """
    sockets: list[EventSocket] = []
    has_come, is_done = trio.Event(), trio.Event()

    async def application(stream: trio.abc.Stream) -> None:
        sockets.append(EventSocket(stream))
        has_come.set()
        await is_done.wait()

    async with phone.dial(application, **options) as caller:
        await has_come.wait()
        try:
            with trio.fail_after(4 * 3600):
                yield caller, sockets[0]
            await caller.hangs_up()
        finally:
            is_done.set()


@asynccontextmanager
async def parked(phone: FakeFreeSwitch, **options: Unpack[Options]) -> AsyncIterator[tuple[Caller, EventSocket]]:
    """A call that is answered and parked, with ``myevents`` and ``linger``; what was said until then is forgotten."""
    options.setdefault("before", ["answer"])
    async with connected(phone, **options) as (caller, socket):
        await socket.ask(*PARKED)
        await socket.until("CHANNEL_PARK")
        await socket.listen(0.02)
        socket.forget()
        yield caller, socket


def variables(frame: Frame) -> dict[str, str]:
    """The channel variables in an event."""
    return {found[1]: value for name, value in frame.headers.items() if (found := re.fullmatch("variable_(.*)", name))}
