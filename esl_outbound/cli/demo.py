"""``esl-outbound demo``: a real server on loopback, called by a recorded FreeSWITCH.

The recording is of a SIP call that FreeSWITCH 1.11 took: the handler answers,
plays a tone of ten seconds, and the caller hangs up in its middle. What FreeSWITCH said
then is said again, in the same order and at the same pace, over a real TCP
connection; only the ``Application-UUID`` of each application is put in, as a switch would.
"""

from __future__ import annotations

import re
from functools import partial
from importlib import resources
from typing import Final

import attrs
import click
import trio

from ..call import CallRecord
from ..handler import CallHandler
from ..protocol import FrameReader
from ..server import serve

__all__ = ["run_demo"]


class Demo(CallHandler):
    """The handler that is shown."""

    async def run(self) -> None:
        """Answer, and play until the caller has had enough."""
        _say("handler", f"run(): {self.caller_id_number} calls {self.destination_number}; answer() ...")
        await self.answer()
        _say("handler", "answered; playback() of a tone of ten seconds ...")
        try:
            await self.playback("tone_stream://%(10000,0,400)")
        finally:
            _say("handler", "the caller hung up: run() is cancelled, wherever it waits")

    async def after_hangup(self, record: CallRecord) -> None:
        """Show what is known in the end."""
        _say("handler", f"after_hangup(): {record.ending.value}, {record.hangup_cause}, billsec {record.billsec},")
        _say("handler", f"  {len(record.variables)} channel variables, from {record.source.value}")


@attrs.frozen
class _Step:
    """What the recorded FreeSWITCH does about one command."""

    command: str
    """A regular expression for what the handler's side says."""
    sends: tuple[tuple[float, slice], ...]
    """Seconds after the command, and which frames of the recording are sent then."""


_AGREED: Final = b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"
# The recorded handler said linger before myevents, and did not ask for BACKGROUND_JOB.
_STEPS: Final = (
    _Step(r"connect", ((0.001, slice(0, 1)),)),
    _Step(r"myevents", ((0.0, slice(2, 3)),)),
    _Step(r"linger \d+", ((0.0, slice(1, 2)),)),
    _Step(r"event plain .*", ()),
    _Step(r"sendmsg\n.*execute-app-name: answer\n", ((0.0, slice(3, 4)), (0.02, slice(4, 5)), (0.02, slice(5, 8)))),
    _Step(
        r"sendmsg\n.*execute-app-name: playback\n", ((0.0, slice(8, 9)), (0.02, slice(9, 10)), (1.53, slice(10, 18)))
    ),
    # It closes right behind this; what FreeSWITCH says to that reaches nobody.
    _Step(r"exit", ((0.0, slice(0)),)),
)
_RECORDED_UUID: Final = re.compile(rb"11111111-aaaa-4bbb-8ccc-00000000000[12]")


def run_demo() -> None:
    """Show the call, and return when it is over."""
    with_time_limit = partial(_demo, seconds=30)
    trio.run(with_time_limit)


async def _demo(*, seconds: float) -> None:
    with trio.fail_after(seconds):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(serve, Demo, port=0))
            port = listeners[0].socket.getsockname()[1]
            _say("server", f"listening on 127.0.0.1:{port}")
            _say("freeswitch", f'a call reaches <action application="socket" data="127.0.0.1:{port} async full"/>')
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await _replay(stream)
            _say("server", "the call is over, the connection is closed")
            nursery.cancel_scope.cancel()
    click.echo("\nNow your own: esl-outbound serve app:Reception (see the README).")


async def _replay(stream: trio.SocketStream) -> None:
    frames = _recorded_frames()
    received = b""
    for step in _STEPS:
        while b"\n\n" not in received:
            data = await stream.receive_some(65536)
            if not data:
                return
            received += bytes(data)
        head, _, received = received.partition(b"\n\n")
        command = head.decode()
        if re.match(step.command, command + "\n", re.DOTALL) is None:
            raise click.ClickException(f"the recording has no answer to {command!r}")
        _say("handler's side", "> " + " | ".join(command.split("\n")))
        uuid = re.search(rb"(?m)^Event-UUID: (.*)$", head)
        if not step.sends:
            await stream.send_all(_AGREED)
        for delay, which in step.sends:
            await trio.sleep(delay)
            for frame in frames[which]:
                data = _RECORDED_UUID.sub(uuid[1], frame) if uuid is not None else frame
                _say("freeswitch", "< " + _summary(data))
                await stream.send_all(data)


def _recorded_frames() -> list[bytes]:
    """The recording, a frame each, as bytes."""
    data = resources.files(__package__).joinpath("recorded_call.raw").read_bytes()
    reader = FrameReader()
    reader.feed(data)
    frames = []
    while (frame := reader.next_frame()) is not None:
        frames.append(frame.head + b"\n" + frame.body)
    return frames


def _summary(frame: bytes) -> str:
    """What a frame is, in a line."""

    def header(name: str) -> str:
        found = re.search(rb"(?m)^" + name.encode() + rb": (.*)$", frame)
        return found[1].decode() if found else ""

    if header("Event-Name") == "CHANNEL_DATA":
        return f"the channel's data, {len(frame)} bytes: {header('Channel-Name')}, {header('Control')} control"
    if name := header("Event-Name"):
        details = [header(key) for key in ("Application", "Application-Response", "Hangup-Cause") if header(key)]
        return " ".join([name, *dict.fromkeys(details)]) + f" ({len(frame)} bytes)"
    if disposition := header("Content-Disposition"):
        return f"disconnect notice: {disposition}"
    return header("Reply-Text")


_COLOURS: Final = {"handler": "green", "handler's side": "blue", "freeswitch": "yellow", "server": "cyan"}


def _say(who: str, what: str) -> None:
    click.echo(click.style(f"{who:>14}  ", fg=_COLOURS[who]) + what)
