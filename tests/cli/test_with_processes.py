"""The commands as processes, with a simulated FreeSWITCH on a real port."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest
import trio

from esl_outbound import CallHandler, serve_listeners
from esl_outbound.testing import FakeFreeSwitch

SECONDS = 30


class Greeting(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.hangup()


@pytest.mark.trio(run=trio.run)
async def test_the_doctor_calls_through_the_dialplan_and_events_are_watched(phone: FakeFreeSwitch) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    server = f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    phone.dialplan_xml = (
        '<context name="default"><extension name="greeting"><condition field="destination_number" expression="^5000$">'
        f'<action application="socket" data="{server} async full"/></condition></extension></context>'
    )
    phone.extension("5000", [f"socket {server} async full"])
    with trio.fail_after(SECONDS):
        async with trio.open_nursery() as nursery, phone.listening() as (host, port):
            nursery.start_soon(partial(serve_listeners, Greeting, listeners))
            switch = ("--switch", f"{host}:{port}")

            async def command(*arguments: str) -> subprocess.CompletedProcess[bytes]:
                line = [sys.executable, "-m", "esl_outbound", *arguments]
                return await trio.run_process(
                    line, check=False, capture_stdout=True, capture_stderr=True, stdin=subprocess.DEVNULL
                )

            watched: list[subprocess.CompletedProcess[bytes]] = []

            async def watch() -> None:
                watched.append(await command("events", "CHANNEL_ANSWER", *switch, "--format", "json", "--count", "1"))

            async with trio.open_nursery() as commands:
                commands.start_soon(watch)
                doctor = await command("doctor", *switch, "--server", server, "--call", "5000", "--seconds", "5")
                while not watched:  # it may have come too late for that call
                    await command("originate", "loopback/5000", *switch, "--application", "park")
            nursery.cancel_scope.cancel()
    (events,) = watched
    assert events.stdout.startswith(b'{"Event-Name": "CHANNEL_ANSWER"'), events
    assert events.returncode == 0
    assert f"the call to 5000 in context default reached the server at {server}".encode() in doctor.stdout, doctor
    assert b"its channel is gone" in doctor.stdout
    # Nothing follows the socket action, and no net is below it: these are warnings.
    assert doctor.stdout.count(b"warning") >= 2
    assert doctor.returncode == 0
