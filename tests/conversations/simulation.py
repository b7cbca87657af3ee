"""A recorded conversation, had once more with `FakeFreeSwitch`: the same commands at the same moments."""

from __future__ import annotations

import contextlib
import csv
import re
from uuid import uuid4

import attrs
import trio

from esl_outbound.testing import Caller, CallFailed, FakeFreeSwitch

from .comparison import Difference
from .projection import Message, project
from .script import (
    A_LEG,
    CHANNEL,
    Act,
    ApplicationEnds,
    FreeSwitchCloses,
    HangsUp,
    Operates,
    Presses,
    Script,
    Sends,
    ShutsDown,
    Speaks,
)

OURS = "127.0.0.1:8084"
TOTAL = re.compile(r"\n(\d+) total\.\n")


@attrs.define(eq=False)
class Simulation:
    """One conversation with the simulator.

    Attributes:
        script: What to do.
        phone: The simulator.
        channel_uuid: The simulated channel.
        differences: What is not as it was recorded, beside what was said on the connection.
    """

    script: Script
    phone: FakeFreeSwitch
    channel_uuid: str = ""
    differences: list[Difference] = attrs.Factory(list)
    _other_channel: str = ""
    """A channel that is not the call's own, as the caller's leg was when it was recorded."""
    _data: bytearray = attrs.Factory(bytearray)
    _arrivals: list[tuple[float, int]] = attrs.Factory(list)
    _began: float = 0.0
    _closed: trio.Event = attrs.Factory(trio.Event)

    async def run(self) -> list[Message]:
        """Have the conversation, and give what the simulator said."""
        if any(A_LEG in text_of(act) for act in self.script.acts):
            async with self.phone.dial(hold_the_line, before=["answer"]) as other:
                self._other_channel = other.channel_uuid
                await trio.sleep(0.1)
                await self._call()
        else:
            await self._call()
        return project(bytes(self._data), self._arrivals)

    @property
    def _number(self) -> str:
        """What was called: the extension, by SIP the one that all SIP calls of the recorder had."""
        return self.script.extension or "async_full_8084"

    async def _call(self) -> None:
        streams, receive_stream = trio.open_memory_channel[trio.abc.HalfCloseableStream](1)
        over = trio.Event()

        async def application(stream: trio.abc.Stream) -> None:
            assert isinstance(stream, trio.abc.HalfCloseableStream)
            self._began = trio.current_time()
            streams.send_nowait(stream)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._receive, stream)
                await over.wait()
                nursery.cancel_scope.cancel()

        hosts, _, mode = self.script.socket.partition(" ")
        for host in re.findall(r"127\.0\.0\.1:\d+", hosts):
            self.phone.refuses(host)
        self.phone.listens(OURS, application)
        async with self.phone.dial(
            hosts,
            number=self._number,
            caller_id="0000000000" if self.script.extension else "sipp",
            caller_id_name="" if self.script.extension else "sipp",
            mode=mode,
            before=self.script.before,
            after=self.script.after,
            endpoint="loopback" if self.script.extension else "sofia",
            variables=self._variables(),
        ) as caller:
            self.channel_uuid = caller.channel_uuid
            stream = await receive_stream.receive()
            async with trio.open_nursery() as nursery:
                for act in self.script.acts:
                    await trio.sleep_until(self._began + act.at)
                    await self._act(act, stream, caller, nursery)
            await trio.sleep_until(self._began + self.script.end)
            if any(isinstance(act, FreeSwitchCloses) for act in self.script.acts):
                # It may take up to a second longer than it did when it was recorded.
                with trio.move_on_after(1):
                    await self._closed.wait()
            self._check_what_became_of_the_call(caller)
            await caller.hangs_up()
            over.set()

    async def _receive(self, stream: trio.abc.HalfCloseableStream) -> None:
        try:
            async for chunk in stream:
                self._data += chunk
                self._arrivals.append((trio.current_time() - self._began, len(self._data)))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the script closed it
        self._closed.set()

    def _variables(self) -> dict[str, str]:
        """What the channel has from the start beside what all have, in the order of the recording."""
        own: dict[str, str] = {}
        if self.script.extension:
            # One that is set again goes to the end, behind those of the script.
            own = {"other_loopback_leg_uuid": self._other_channel or str(uuid4()), "loopback_leg": "B"}
        # What the regular expressions of the recorder's dialplan leave: the extension, and the ports.
        match = "ARRAY::" + "|:".join([self._number, *re.findall(r"_(\d+)", self._number)])
        return {**self.script.variables, **own, "DP_MATCH": match}

    async def _act(self, act: Act, stream: trio.abc.HalfCloseableStream, caller: Caller, nursery: trio.Nursery) -> None:
        match act:
            case Sends(text=text):
                # Some conversations go on talking to a FreeSWITCH that has closed.
                with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    await stream.send_all(self._named(text).encode("utf-8", "surrogateescape"))
            case Presses(digits=digits):
                await caller.press(digits, gap=0)
            case Speaks(seconds=seconds):
                nursery.start_soon(caller.speaks, seconds)
            case HangsUp(cause=cause):
                await caller.hangs_up(cause)
            case ApplicationEnds(how="shuts down writing"):
                await stream.send_eof()
            case ApplicationEnds():
                await trio.aclose_forcefully(stream)
            case Operates():
                await self._operate(act)
            case ShutsDown():
                await self.phone.shut_down()

    def _named(self, text: str) -> str:
        return text.replace(CHANNEL, self.channel_uuid).replace(A_LEG, self._other_channel)

    async def _operate(self, act: Operates) -> None:
        verb, _, argument = self._named(act.command).partition(" ")
        if verb == "bgapi":
            # What it prints is a new identifier each time; what it does may be seen by the application.
            verb, _, argument = argument.partition(" ")
            await self.phone.api(verb, argument)
            return
        got = await self.phone.api(verb, argument)
        if act.result is None:
            expected = str(list(act.shows))
            got = str([{name: value for name, value in row.items() if name in act.shows[0]} for row in rows_of(got)])
        elif total := TOTAL.fullmatch(act.result):
            # The caller's own leg is a channel, too, where there is one.
            expected = f"\n{min(int(total[1]), 1)} total.\n"
        else:
            expected = self._named(act.result)
        if got != expected:
            self.differences.append(Difference(act.at, act.command, expected, got))

    def _check_what_became_of_the_call(self, caller: Caller) -> None:
        recorded = "left alone" if is_left_alone(self.script) else "looked after, or over"
        got = "looked after, or over"
        try:
            caller.check_is_not_left_alone()
        except CallFailed:
            got = "left alone"
        if got != recorded:
            self.differences.append(Difference(self.script.end, "the caller at the end", recorded, got))


async def hold_the_line(stream: trio.abc.Stream) -> None:
    """An application that does nothing with a call."""
    await stream.send_all(b"connect\n\n")
    async for _ in stream:
        pass


def text_of(act: Act) -> str:
    """The text of an act, if it has one."""
    if isinstance(act, Sends):
        return act.text
    return act.command if isinstance(act, Operates) else ""


def rows_of(printed: str) -> list[dict[str, str]]:
    """The rows of a table, or what `uuid_dump` prints of a channel as one."""
    if printed.startswith("Event-Name: "):
        return [dict(re.findall("^(.*?): (.*)$", printed, re.MULTILINE))]
    return list(csv.DictReader(printed.split("\n\n", maxsplit=1)[0].splitlines()))


def is_left_alone(script: Script) -> bool:
    """Whether the recorded call was there still when the recorder looked for the last time."""
    looks = [
        act
        for act in script.acts
        if isinstance(act, Operates) and re.match("show channels|uuid_exists|uuid_dump", act.command)
    ]
    if not looks:
        return False
    result = looks[-1].result
    if result is None:
        return bool(looks[-1].shows)
    return result in ("true", "\n2 total.\n")
