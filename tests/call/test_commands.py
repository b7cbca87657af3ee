"""The socket's commands as methods of a call: each with its bytes."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
import trio

from esl_outbound import CallHandler, CallHungUp, CallTransferred, CommandRejected, Job, NotPermitted

from ..freeswitch import CHANNEL, LINGER_NOTICE, OK, REFUSED, connect_reply, dial


async def test_each_command_is_said_as_freeswitch_reads_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.filter("Event-Name", "CHANNEL_EXECUTE")
            await self.delete_filter("Event-Name", "CHANNEL_EXECUTE")
            await self.delete_filter()
            await self.divert_events()
            await self.divert_events(False)
            await self.subscribe("RECORD_START")
            await self.unsubscribe("RECORD_START", "CUSTOM a::b")
            await self.log()
            await self.log(7)
            await self.nolog()
            assert await self.getvar("uuid") == "+OK"
            await self.send_msg({"call-command": "execute", "execute-app-name": "answer"}, channel_uuid="other")
            await self.nomedia("other")
            await self.unicast(local_port=9000, native=True)
            assert await self.send_event("CUSTOM", {"X-A": "1"}, subclass="my::event", body="hello") == "+OK"
            await self.refresh()
            assert self.variables["x"] == "2"
            with pytest.raises(CommandRejected):
                await self.getvar("nothing")

    async with dial(Handler) as switch:
        await switch.greet()
        for command in (
            "filter add Event-Name CHANNEL_EXECUTE",
            "filter delete Event-Name CHANNEL_EXECUTE",
            "filter delete all",
            "divert_events on",
            "divert_events off",
            "event plain RECORD_START",
            "nixevent RECORD_START CUSTOM a::b",
            "log debug",
            "log 7",
            "nolog",
            "getvar uuid",
            "sendmsg other\ncall-command: execute\nexecute-app-name: answer",
            "sendmsg\ncall-command: nomedia\nnomedia-uuid: other",
            "sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: 9000\n"
            "remote-ip: 127.0.0.1\nremote-port: 8026\ntransport: udp\nflags: native",
            "sendevent CUSTOM\nEvent-Subclass: my::event\nX-A: 1\ncontent-length: 5\n\nhello",
        ):
            await switch.expect(command)
            await switch.send(OK)
        await switch.expect("connect")
        await switch.send(connect_reply(sequence=2000, x="2"))
        await switch.expect("getvar nothing")
        await switch.send(REFUSED)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_what_needs_it_raises_at_once_with_the_line_that_would_allow_it() -> None:
    line = '<action application="socket" data="127.0.0.1:8084 full"/>'

    class Handler(CallHandler):
        async def run(self) -> None:
            for attempt in (
                lambda: self.api("status"),
                lambda: self.bgapi("status"),
                lambda: self.subscribe("ALL"),
                lambda: self.unsubscribe("ALL"),
                lambda: self.send_event("CUSTOM"),
                self.log,
                self.nolog,
            ):
                with pytest.raises(NotPermitted) as caught:
                    await attempt()
                assert caught.value.dialplan_line == line
            await self.filter("A", "b")

    async with dial(Handler) as switch:
        await switch.greet(connect_reply("static", "single-channel"), OK + REFUSED + REFUSED)
        await switch.expect("filter add A b")
        await switch.send(OK)
        await switch.read_command()
        await switch.send(OK, switch.hangup())
        await switch.expect_exit()


async def test_a_job_brings_its_result_though_it_comes_with_the_reply() -> None:
    jobs: list[Job] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            job = await self.bgapi("status")
            assert job.is_finished
            assert (await job.result()).text == "UP\n"
            await self.bgapi("msleep 300")
            jobs.append(await self.bgapi("msleep 400"))
            assert repr(jobs[0]) == f"<Job {jobs[0].job_uuid}, running>"
            with pytest.raises(CommandRejected):
                await self.bgapi("refused")
            await trio.sleep_forever()

        async def after_hangup(self, record: object) -> None:
            # The hangup does not end a job.
            assert (await jobs[0].result()).text == "-ERR no\n"
            assert not (await jobs[0].result()).ok
            jobs.append(await self.bgapi("never"))

    reply = b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: x\nJob-UUID: x\n\n"

    async with dial(Handler) as switch:
        await switch.greet()
        command = await switch.read_command()
        uuid = re.fullmatch(r"bgapi status\nJob-UUID: (.*)", command)
        assert uuid is not None
        await switch.send(reply, switch.event("BACKGROUND_JOB", "UP\n", "", Job_UUID=uuid[1]))
        await switch.read_command()
        await switch.send(reply, switch.event("BACKGROUND_JOB", "nobody knows", "", Job_UUID="foreign"))
        uuid = re.fullmatch(r"bgapi msleep 400\nJob-UUID: (.*)", await switch.read_command())
        assert uuid is not None
        await switch.send(reply)
        await switch.read_command()
        await switch.send(REFUSED)
        await switch.send(switch.hangup(), switch.hangup_complete(), LINGER_NOTICE)
        await switch.send(switch.event("BACKGROUND_JOB", "-ERR no\n", "", Job_UUID=uuid[1]))
        await switch.read_command()
        await switch.send(reply)
        await switch.expect_exit()
    with pytest.raises(CallHungUp):
        await jobs[1].result()


async def test_xferext_sends_the_call_elsewhere() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.xferext(("set", "a=b"), ("park", ""))
            with pytest.raises(CallTransferred):
                await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("sendmsg\ncall-command: xferext\napplication: set a=b\napplication: park")
        await switch.send(OK, switch.event("CHANNEL_UNPARK"), switch.complete("foreign", "socket"))
        await switch.expect("nolinger", "noevents")
        await switch.stream.aclose()


async def test_after_the_end_and_its_socket_every_command_tells_how_it_ended() -> None:
    async def ended(handler: CallHandler[None]) -> None:
        for attempt in (lambda: handler.api("status"), lambda: handler.filter("a", "b"), handler.refresh):
            with pytest.raises(CallHungUp):
                await attempt()

    class Handler(CallHandler[None]):
        async def run(self) -> None:
            handlers.append(self)
            await trio.sleep_forever()

    handlers: list[CallHandler[None]] = []
    async with dial(Handler) as switch:
        await switch.greet()
        await switch.send(switch.hangup())
        await switch.expect_exit()
    assert handlers[0].channel_uuid == CHANNEL
    await ended(handlers[0])


async def test_log_lines_of_freeswitch_reach_a_logger(caplog: pytest.LogCaptureFixture) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.log("warning")

    line = b"2026-11-22 [WARNING] something\n"
    caplog.set_level("DEBUG", "esl_outbound.freeswitch")
    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("log warning")
        await switch.send(OK, b"Content-Type: log/data\nContent-Length: 31\nLog-Level: 4\nUser-Data: \n\n", line)
        await switch.hang_up_as_told()
        await switch.expect_exit()
    (record,) = [record for record in caplog.records if record.name == "esl_outbound.freeswitch"]
    assert (record.levelname, record.getMessage()) == (
        "WARNING",
        f"channel {CHANNEL}: 2026-11-22 [WARNING] something",
    )


async def test_a_loop_around_what_is_not_permitted_does_not_freeze_the_server() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(0.02):
                while True:
                    with suppress(NotPermitted):
                        await self.api("status")

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), OK + REFUSED + REFUSED)
        await switch.hang_up_as_told()
        await switch.expect_exit()
