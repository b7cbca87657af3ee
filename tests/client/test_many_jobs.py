"""A thousand background jobs at once, on a connection of ours and on a call's: each ends with its own end."""

from __future__ import annotations

import random
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import attrs
import pytest
import trio
import trio.testing

from esl_outbound import (
    CallHandler,
    CallHungUp,
    CommandRejected,
    ConnectionLost,
    Disconnected,
    Progress,
    serve_stream,
)
from esl_outbound.client import connect
from esl_outbound.client.switch import opened
from esl_outbound.link import WRITE_SECONDS

from ..freeswitch import OK, ScriptedSwitch, dial
from .scripted import ACCEPTED, AUTH_REQUEST, EVENTS_ENABLED, ScriptedPort, connected, reply

COUNT = 1000


@attrs.frozen
class Asked:
    """A job that FreeSWITCH was asked for."""

    command: str
    job_uuid: str

    @property
    def accepted(self) -> bytes:
        """The reply (`bgapi` in parse_command() of mod_event_socket.c)."""
        return (
            f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {self.job_uuid}\nJob-UUID: {self.job_uuid}\n\n"
        ).encode()

    def finished(self, server: ScriptedSwitch, printed: str | None = None) -> bytes:
        """BACKGROUND_JOB."""
        text = f"+OK {self.command}\n" if printed is None else printed
        return server.event("BACKGROUND_JOB", text, "", Job_UUID=self.job_uuid, Job_Command="msleep")


async def read_jobs(server: ScriptedSwitch, count: int) -> list[Asked]:
    """Read that many jobs."""
    jobs = []
    for _ in range(count):
        line, _, uuid = (await server.read_command()).partition("\nJob-UUID: ")
        assert line.startswith("bgapi ")
        jobs.append(Asked(line.removeprefix("bgapi "), uuid))
    return jobs


async def answer_shuffled(server: ScriptedSwitch, count: int) -> None:
    """Accept jobs in their order, and tell their results in another, some of them in the segment of their reply."""
    chance = random.Random(7)
    waiting: list[Asked] = []
    for job in await read_jobs(server, count):
        foreign = Asked("foreign", f"foreign-{job.job_uuid}")
        match chance.randrange(4):
            case 0:
                await server.send(job.accepted, job.finished(server))
            case 1:
                await server.send(foreign.finished(server), job.accepted)
                waiting.append(job)
            case _:
                await server.send(job.accepted)
                waiting.append(job)
    chance.shuffle(waiting)
    while waiting:
        some, waiting = waiting[:7], waiting[7:]
        await server.send(*(job.finished(server) for job in some))


async def each_has_its_own(run: Callable[[str], Awaitable[str]]) -> int:
    """Run all jobs at once, each in a task of its own; say how many had their own result."""
    own = 0

    async def one(command: str) -> None:
        nonlocal own
        assert await run(command) == f"+OK {command}\n"
        own += 1

    async with trio.open_nursery() as nursery:
        for number in range(COUNT):
            nursery.start_soon(one, f"msleep {number}")
    return own


# All end well


async def test_a_thousand_jobs_of_a_client_have_their_own_results() -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def play() -> None:
            await server.expect("event plain BACKGROUND_JOB")  # once
            await server.send(EVENTS_ENABLED)
            await answer_shuffled(server, COUNT)

        async def run(command: str) -> str:
            return (await switch.job(command)).text

        nursery.start_soon(play)
        assert await each_has_its_own(run) == COUNT


async def test_a_thousand_jobs_of_a_call_have_their_own_results() -> None:
    owners: list[int] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            async def run(command: str) -> str:
                return (await self.api(command)).text

            owners.append(await each_has_its_own(run))

    async with dial(Handler) as switch:
        await switch.greet()
        await answer_shuffled(switch, COUNT)
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert owners == [COUNT]


# The connection ends half-way

FINISHED, ACCEPTED_JOBS, SENT = 300, 200, 150
"""How many jobs have come how far; the rest was not sent, but for one that is being written."""


class Writes:
    """Lets some writes through, and holds up the next one until the stream breaks."""

    def __init__(self, stream: trio.abc.Stream, count: int) -> None:
        assert isinstance(stream, trio.StapledStream)
        assert isinstance(stream.send_stream, trio.testing.MemorySendStream)
        self._left = count
        self.is_stuck = trio.Event()
        self.breaks = trio.Event()
        self._pump = stream.send_stream.send_all_hook
        stream.send_stream.send_all_hook = self._wrote

    async def _wrote(self) -> None:
        assert self._pump is not None
        await self._pump()  # the other side has it then
        self._left -= 1
        if self._left < 0:
            self.is_stuck.set()
            await self.breaks.wait()
            raise trio.BrokenResourceError


class WatchedPort(ScriptedPort):
    """A port whose client's own end of the connection can be had."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: trio.abc.Stream | None = None

    async def open_stream(self) -> trio.abc.Stream:
        self.stream = await super().open_stream()
        return self.stream


@attrs.define(eq=False)
class Ends:
    """How each job ended: its result, or how far it had come."""

    of: dict[str, str | Progress | None] = attrs.field(factory=dict)

    async def job(self, run: Callable[[str], Awaitable[str]], command: str) -> None:
        """Run one."""
        assert command not in self.of
        try:
            self.of[command] = await run(command)
        except (Disconnected, ConnectionLost) as exc:
            self.of[command] = exc.progress

    def counted(self) -> Counter[str | Progress | None]:
        """How many ended how."""
        return Counter("finished" if isinstance(end, str) else end for end in self.of.values())

    def check(self, asked: Sequence[Asked]) -> None:
        """Each job whose command FreeSWITCH has read ended as it was left, and no other was sent."""
        ends = [self.of[job.command] for job in asked]
        assert ends[:FINISHED] == [f"+OK {job.command}\n" for job in asked[:FINISHED]]
        assert ends[FINISHED : FINISHED + ACCEPTED_JOBS] == [Progress.ANSWERED] * ACCEPTED_JOBS
        assert ends[FINISHED + ACCEPTED_JOBS :] == [Progress.SENT] * (len(asked) - FINISHED - ACCEPTED_JOBS)
        read = {job.command for job in asked}
        assert {command for command, end in self.of.items() if end is Progress.NOT_SENT}.isdisjoint(read)


async def answer_some(server: ScriptedSwitch, count: int) -> list[Asked]:
    """Read jobs; answer some, finish some."""
    asked = await read_jobs(server, count)
    for job in asked[: FINISHED + ACCEPTED_JOBS]:
        await server.send(job.accepted)
    for job in reversed(asked[:FINISHED]):
        await server.send(job.finished(server))
    return asked


@pytest.mark.parametrize("breaks_in_the_write", [True, False])
async def test_a_clients_connection_that_ends_amid_a_thousand_jobs_leaves_nobody_in_doubt(
    breaks_in_the_write: bool, autojump_clock: trio.testing.MockClock
) -> None:
    port, ends = WatchedPort(), Ends()
    asked: list[Asked] = []

    async def play() -> None:
        server = await port.newest(1)
        await server.send(AUTH_REQUEST)
        await server.expect("auth ClueCon")
        await server.send(ACCEPTED)
        await server.expect("event plain BACKGROUND_JOB")
        await server.send(EVENTS_ENABLED)
        asked.extend(await answer_some(server, FINISHED + ACCEPTED_JOBS + SENT))
        await writes.is_stuck.wait()
        await trio.testing.wait_all_tasks_blocked()
        if breaks_in_the_write:
            writes.breaks.set()
            await trio.testing.wait_all_tasks_blocked()
        await server.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with opened(port.opener()) as switch:
            assert port.stream is not None
            # `event`, and then a write a job.
            writes = Writes(port.stream, 1 + FINISHED + ACCEPTED_JOBS + SENT)

            async def run(command: str) -> str:
                return (await switch.job(command)).text

            began = trio.current_time()
            async with trio.open_nursery() as jobs:
                for number in range(COUNT):
                    jobs.start_soon(ends.job, run, f"msleep {number}")
            # A write that nobody takes is given up after its time: then what waits behind it is told.
            assert trio.current_time() - began == (0 if breaks_in_the_write else WRITE_SECONDS)
    rest = COUNT - FINISHED - ACCEPTED_JOBS - SENT
    assert ends.counted() == {
        "finished": FINISHED,
        Progress.ANSWERED: ACCEPTED_JOBS,
        Progress.SENT: SENT + 1,
        Progress.NOT_SENT: rest - 1,
    }
    ends.check(asked)


async def test_a_calls_connection_that_ends_amid_a_thousand_jobs_leaves_nobody_in_doubt(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ends = Ends()

    class Handler(CallHandler):
        async def run(self) -> None:
            async def run(command: str) -> str:
                return (await self.api(command)).text

            # The connection's end cancels run(): here everybody is to see what became of his job.
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as jobs:
                    for number in range(COUNT):
                        jobs.start_soon(ends.job, run, f"msleep {number}")

    ours, theirs = trio.testing.memory_stream_pair()
    switch = ScriptedSwitch(theirs)
    # The set-up, and then a write a job.
    writes = Writes(ours, 1 + FINISHED + ACCEPTED_JOBS + SENT)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_stream, Handler, ours)
        await switch.greet()
        asked = await answer_some(switch, FINISHED + ACCEPTED_JOBS + SENT)
        await writes.is_stuck.wait()
        await trio.testing.wait_all_tasks_blocked()
        writes.breaks.set()
        await trio.testing.wait_all_tasks_blocked()
        await theirs.aclose()
    rest = COUNT - FINISHED - ACCEPTED_JOBS - SENT
    assert ends.counted() == {
        "finished": FINISHED,
        Progress.ANSWERED: ACCEPTED_JOBS,
        Progress.SENT: SENT + 1,
        Progress.NOT_SENT: rest - 1,
    }
    ends.check(asked)


async def test_a_calls_end_ends_the_jobs_that_nobody_has_told_of() -> None:
    ends: list[type[BaseException]] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            jobs = [await self.bgapi(f"msleep {number}") for number in range(3)]
            with trio.CancelScope(shield=True):
                for job in jobs:
                    try:
                        await job
                    except CallHungUp as exc:
                        ends.append(type(exc))

    async with dial(Handler) as switch:
        await switch.greet()
        asked = []
        for _ in range(3):
            asked += await read_jobs(switch, 1)
            await switch.send(asked[-1].accepted)
        await switch.send(switch.hangup(), switch.hangup_complete())
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(asked[-1].finished(switch))  # the hangup ends no job, the socket's end does
        await switch.stream.aclose()
    assert ends == [CallHungUp, CallHungUp]


# Over TCP


async def test_over_tcp_a_reset_amid_a_thousand_jobs_leaves_nobody_in_doubt() -> None:
    """More is said than the buffers of both sides hold: some of it was never sent."""
    ends = Ends()
    padding = "x" * 20_000
    read: list[Asked] = []
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    results = 0
    enough = trio.Event()

    async def run(command: str) -> str:
        nonlocal results
        text = (await switch.job(command)).text
        results += 1
        if results == FINISHED:
            enough.set()
        return text

    async def play() -> None:
        async with listener:
            stream = await listener.accept()
        server = ScriptedSwitch(stream)
        await server.send(AUTH_REQUEST)
        await server.expect("auth ClueCon")
        await server.send(ACCEPTED)
        await server.expect("event plain BACKGROUND_JOB")
        await server.send(EVENTS_ENABLED)
        for number in range(FINISHED + ACCEPTED_JOBS):
            (job,) = await read_jobs(server, 1)
            read.append(job)
            await server.send(job.accepted, *([job.finished(server, "done")] if number < FINISHED else []))
        await enough.wait()
        # Closed at once: what was not read yet is reset.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.aclose()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            async with (
                connect("127.0.0.1", port, password="ClueCon") as switch,
                trio.open_nursery() as jobs,
            ):
                for number in range(COUNT):
                    jobs.start_soon(ends.job, run, f"msleep {number} {padding}")
    assert len(ends.of) == COUNT
    counted = ends.counted()
    assert counted["finished"] == FINISHED
    # A reset may overtake what was said before it: then an accepted job was sent, for all we know.
    assert counted[Progress.ANSWERED] <= ACCEPTED_JOBS
    assert counted[Progress.SENT] >= 1
    assert counted[Progress.NOT_SENT] >= 1
    known = {job.command for job in read}
    assert [command for command, end in ends.of.items() if end is Progress.NOT_SENT and command in known] == []


async def test_over_tcp_a_thousand_jobs_have_their_own_results() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def play() -> None:
        async with listener, await listener.accept() as stream:
            server = ScriptedSwitch(stream)
            await server.send(AUTH_REQUEST)
            await server.expect("auth ClueCon")
            await server.send(ACCEPTED)
            await server.expect("event plain BACKGROUND_JOB")
            await server.send(EVENTS_ENABLED)
            await answer_shuffled(server, COUNT)
            await server.expect("exit")

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            async with connect("127.0.0.1", listener.socket.getsockname()[1], password="ClueCon") as switch:

                async def run(command: str) -> str:
                    return (await switch.job(command)).text

                assert await each_has_its_own(run) == COUNT


# One job


async def test_a_job_survives_its_waiter_and_can_be_awaited_again_and_again() -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        asked: list[Asked] = []

        async def play() -> None:
            await server.expect("event plain BACKGROUND_JOB")
            await server.send(EVENTS_ENABLED)
            asked.extend(await read_jobs(server, 1))
            await server.send(asked[0].accepted)

        nursery.start_soon(play)
        job = await switch.bgapi("msleep 300")
        for _ in range(2):
            with trio.CancelScope() as scope:
                scope.cancel()
                await job
            assert scope.cancelled_caught
        texts: list[str] = []

        async def wait() -> None:
            texts.append((await job).text)

        for _ in range(3):
            nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert (job.is_finished, texts) == (False, [])
        await server.send(Asked("foreign", "foreign").finished(server, "not this"))
        await server.send(asked[0].finished(server, "+OK\n"), asked[0].finished(server, "a second time"))
        await trio.testing.wait_all_tasks_blocked()
        assert (job.is_finished, texts) == (True, ["+OK\n"] * 3)
        assert (await job).text == (await job.result()).text == "+OK\n"
        assert repr(job) == f"<Job {asked[0].job_uuid}, finished>"


async def test_a_job_that_was_asked_for_by_a_task_that_gave_up_shifts_nobodys_reply() -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        asked: list[Asked] = []

        async def play() -> None:
            await server.expect("event plain BACKGROUND_JOB")
            await server.send(EVENTS_ENABLED)
            asked.extend(await read_jobs(server, 1))

        nursery.start_soon(play)
        async with trio.open_nursery() as impatient:
            impatient.start_soon(switch.bgapi, "first")
            await trio.testing.wait_all_tasks_blocked()
            impatient.cancel_scope.cancel()

        async def answer() -> None:
            (second,) = await read_jobs(server, 1)
            await server.send(asked[0].accepted, asked[0].finished(server), second.accepted, second.finished(server))

        nursery.start_soon(answer)
        assert (await switch.job("second")).text == "+OK second\n"


async def test_whoever_asks_while_the_first_ones_subscription_is_refused_is_refused_too() -> None:
    """Of a job whose end nobody is told of nothing would ever come."""
    refused: list[str] = []

    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(CommandRejected) as caught:
                await switch.bgapi("status")
            refused.append(caught.value.reply.text)

        for _ in range(3):
            nursery.start_soon(ask)
        for _ in range(3):
            await server.expect("event plain BACKGROUND_JOB")
            await trio.testing.wait_all_tasks_blocked()
            assert server.received == b""
            await server.send(reply("-ERR permission denied"))
    assert refused == ["-ERR permission denied"] * 3


async def test_what_is_asked_for_after_the_end_was_not_sent() -> None:
    port = ScriptedPort()

    async def play() -> None:
        server = await port.newest(1)
        await server.send(AUTH_REQUEST)
        await server.expect("auth ClueCon")
        await server.send(ACCEPTED)
        await server.expect("event plain BACKGROUND_JOB")
        await server.send(EVENTS_ENABLED)
        (job,) = await read_jobs(server, 1)
        await server.send(job.accepted)
        await server.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with opened(port.opener()) as switch:
            job = await switch.bgapi("msleep 9")
            for _ in range(2):
                with pytest.raises(Disconnected) as caught:
                    await job
                assert caught.value.progress is Progress.ANSWERED
                assert str(caught.value) == (
                    "the connection to FreeSWITCH at 192.0.2.7:8021 ended; 'bgapi msleep 9' was answered"
                )
            for attempt in (switch.bgapi, switch.job, switch.api):
                with pytest.raises(Disconnected) as caught:
                    await attempt("status")
                assert caught.value.progress is Progress.NOT_SENT


async def test_how_far_an_application_had_come_is_said_as_well() -> None:
    progress: list[Progress | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True):
                executions = [await self.start("playback", "a.wav"), await self.start("playback", "b.wav")]
                for execution in executions:
                    with pytest.raises(ConnectionLost) as caught:
                        await execution.completed()
                    progress.append(caught.value.progress)
                with pytest.raises(ConnectionLost) as caught:
                    await self.start("playback", "c.wav")
                progress.append(caught.value.progress)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.read_command()
        await switch.send(OK)
        await switch.read_command()
        await switch.stream.aclose()
    assert progress == [Progress.ANSWERED, Progress.SENT, Progress.NOT_SENT]
