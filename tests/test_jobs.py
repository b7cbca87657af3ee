"""Background jobs: each one's wait ends, whatever comes in place of its result."""

from __future__ import annotations

import pytest
import trio

from esl_outbound import CallHandler, ConnectionLost, Disconnected, EventFormat, Job, Progress, RemoteProtocolError
from esl_outbound.client.switch import opened

from .client.scripted import ACCEPTED, AUTH_REQUEST, ScriptedPort, reply
from .freeswitch import ScriptedSwitch, dial


def broken_result(job_uuid: str) -> bytes:
    """A BACKGROUND_JOB in XML, whose body refers to a character by a number that is none."""
    text = (
        "<event>\n  <headers>\n    <Event-Name>BACKGROUND_JOB</Event-Name>\n"
        f"    <Job-UUID>{job_uuid}</Job-UUID>\n  </headers>\n  <Content-Length>1</Content-Length>\n"
        f"  <body>&#{'9' * 5000};</body>\n</event>\n"
    )
    return f"Content-Length: {len(text)}\nContent-Type: text/event-xml\n\n{text}".encode()


async def finish_brokenly(server: ScriptedSwitch) -> None:
    job_uuid = (await server.read_command()).rpartition("Job-UUID: ")[2]
    await server.send(reply(f"+OK Job-UUID: {job_uuid}"), broken_result(job_uuid))


async def test_a_clients_job_whose_result_cannot_be_read_ends_with_the_connection(autojump_clock: object) -> None:
    port = ScriptedPort()

    async def play() -> None:
        server = await port.newest(1)
        await server.send(AUTH_REQUEST)
        await server.expect("auth ClueCon")
        await server.send(ACCEPTED)
        await server.expect("event xml BACKGROUND_JOB")
        await server.send(reply("+OK event listener enabled xml"))
        await finish_brokenly(server)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with opened(port.opener(event_format=EventFormat.XML)) as switch:
            job = await switch.bgapi("status")
            with trio.fail_after(60), pytest.raises(Disconnected) as caught:
                await job
    assert caught.value.progress is Progress.ANSWERED
    assert isinstance(caught.value.__cause__, RemoteProtocolError)
    assert not job.is_finished


async def test_a_calls_job_whose_result_cannot_be_read_ends_with_the_connection(autojump_clock: object) -> None:
    jobs: list[Job] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            jobs.append(await self.bgapi("status"))
            await trio.sleep_forever()

    async with dial(Handler) as server:
        await server.greet()
        await finish_brokenly(server)
        await server.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_TEMPORARY_FAILURE")
        await server.expect_end()
    with trio.fail_after(60), pytest.raises(ConnectionLost) as caught:
        await jobs[0]
    assert caught.value.progress is Progress.ANSWERED
    assert isinstance(caught.value.__cause__, RemoteProtocolError)
