"""Observers of a call's events."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import (
    CallHandler,
    CallHungUp,
    CommandRejected,
    EventFormat,
    EventName,
    EventsLost,
    LocalProtocolError,
    NotPermitted,
)
from esl_outbound.call.observing import wanted_events
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import OK, REFUSED, connect_reply, dial

SUBSCRIBED = b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"


async def test_an_observer_gets_what_it_asked_for_in_order_and_ends_with_the_call() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.events("CHANNEL_BRIDGE", "channel_unbridge") as events:
                await self.hangup()
                async for event in events:
                    seen.append(f"{event.name} {event['N']}")
                with pytest.raises(CallHungUp):
                    await events.get()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.read_command()
        await switch.send(switch.event("CHANNEL_BRIDGE", N="1"), switch.event("CHANNEL_PARK", N="2"))
        await switch.send(switch.event("CHANNEL_UNBRIDGE", N="3"), switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
    assert seen == ["CHANNEL_BRIDGE 1", "CHANNEL_UNBRIDGE 3"]


async def test_what_myevents_does_not_bring_is_subscribed_to() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.events("RECORD_START", "CHANNEL_BRIDGE", "CUSTOM conference::maintenance") as events:
                event = await events.get()
                assert event.subclass == "conference::maintenance"
            event = await self.wait_for("CHANNEL_BRIDGE", lambda event: event["N"] == "2")
            assert event["N"] == "2"
            assert (await self.wait_for("ALL")).name == "CHANNEL_PARK"

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event plain RECORD_START CUSTOM conference::maintenance")
        await switch.send(SUBSCRIBED, switch.event("CUSTOM", Event_Subclass="other%3A%3Aone"))
        await switch.send(switch.event("CUSTOM", Event_Subclass="conference%3A%3Amaintenance"))
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.event("CHANNEL_BRIDGE", N="1"), switch.event("CHANNEL_BRIDGE", N="2"))
        await switch.expect("event plain ALL")
        await switch.send(SUBSCRIBED, switch.event("CHANNEL_PARK"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_an_observer_that_does_not_keep_up_is_told_how_many_it_lost_and_nobody_else_notices() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.events("CHANNEL_STATE") as slow, self.events("CHANNEL_STATE", "CHANNEL_BRIDGE") as quick:
                await self.answer()
                numbers = [int((await slow.get())["N"]) for _ in range(1024)]
                assert numbers == list(range(1024))
                with pytest.raises(EventsLost) as caught:
                    await slow.get()
                assert caught.value.count == 10
                await self.answer()
                assert (await slow.get())["N"] == "2000"
                assert [(await quick.get())["N"] for _ in range(3)] == ["0", "1", "2"]

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("answer")
        await switch.send(b"".join(switch.event("CHANNEL_STATE", N=str(n)) for n in range(1034)))
        await switch.send(switch.complete(uuid, "answer"))
        uuid = await switch.expect_execute("answer")
        await switch.send(switch.event("CHANNEL_STATE", N="2000"), switch.complete(uuid, "answer"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_a_subscription_is_refused_with_the_line_that_would_allow_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.events("CHANNEL_BRIDGE"):
                pass
            with pytest.raises(NotPermitted) as caught:
                async with self.events("RECORD_START"):
                    pass
            assert caught.value.what == "event RECORD_START"
            assert caught.value.dialplan_line == '<action application="socket" data="127.0.0.1:8084 async full"/>'

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), OK + REFUSED + REFUSED)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_names_that_are_no_events_are_refused_before_anything_is_sent() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for name in ("CUSTOM", "CUSTOM ", "", "CHANNEL BRIDGE"):
                with pytest.raises(LocalProtocolError):
                    async with self.events(name):
                        pass
            with pytest.raises(LocalProtocolError, match="no event was named"):
                async with self.events():
                    pass

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_class_subscriptions_go_with_the_set_up() -> None:
    class Handler(CallHandler):
        subscriptions = ("RECORD_STOP", "CUSTOM conference::maintenance")

    async with dial(Handler) as switch:
        await switch.expect("connect", "myevents", "linger 14")
        await switch.expect("event plain BACKGROUND_JOB RECORD_STOP CUSTOM conference::maintenance")


async def test_events_in_json_drive_a_call_as_plain_ones_do(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.subscribe("CHANNEL_STATE", format=EventFormat.JSON)
            await self.answer()
            assert self.is_answered
            assert await self.digits.get() == "#"
            assert self.variables["x"] == "100% a"

    def event(text: str) -> bytes:
        return b"Content-Length: %d\nContent-Type: text/event-json\n\n%s" % (len(text), text.encode())

    channel = '"Unique-ID":"5f6433ee-df70-478f-a9ed-0397c83df1da"'
    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event json CHANNEL_STATE")
        await switch.send(b"Content-Type: command/reply\nReply-Text: +OK event listener enabled json\n\n")
        uuid = await switch.expect_execute("answer")
        await switch.send(
            event(
                f'{{"Event-Name":"CHANNEL_EXECUTE_COMPLETE",{channel},"Event-Sequence":"3000","Answer-State":"answered",'
                f'"variable_x":"100% a","Application":"answer","Application-UUID":"{uuid}"}}'
            )
        )
        await switch.send(event(f'{{"Event-Name":"DTMF",{channel},"DTMF-Digit":"#"}}'))
        await switch.read_command()
        await switch.send(event(f'{{"Event-Name":"CHANNEL_HANGUP",{channel},"Hangup-Cause":"NORMAL_CLEARING"}}'))
        await switch.send(event(f'{{"Event-Name":"CHANNEL_HANGUP_COMPLETE",{channel}}}'))
        await switch.expect_exit()


async def test_an_event_that_there_is_not_is_refused_and_not_waited_for(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CommandRejected, match="CHANNEL_BRIGDE"):
                await self.wait_for("CHANNEL_BRIGDE")
            await self.hangup()

    async with phone.dial(Handler) as caller:
        await caller.was_hung_up()


def test_only_what_myevents_leaves_out_is_subscribed_to() -> None:
    every = wanted_events(tuple(name for name in EventName if name.startswith("CHANNEL_")))
    assert every.beyond_myevents().names == ("CHANNEL_CALLSTATE", "CHANNEL_HOLD", "CHANNEL_UNHOLD")


async def test_what_came_so_far_is_taken_without_waiting() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.events("CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE") as events:
                assert events.drain() == []
                await self.answer()
                assert [event.name for event in events.drain()] == ["CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE"]
                assert events.drain() == []

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("answer")
        await switch.send(switch.event("CHANNEL_BRIDGE"), switch.event("CHANNEL_UNBRIDGE"))
        await switch.send(switch.execute(uuid, "answer"), switch.complete(uuid, "answer"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_gap_is_told_before_what_came_after_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.events("CHANNEL_BRIDGE") as events:
                await self.answer()
                with pytest.raises(EventsLost) as caught:
                    events.drain()
                assert caught.value.count == 6
                assert events.drain() == []

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("answer")
        await switch.send(*[switch.event("CHANNEL_BRIDGE")] * 1030)
        await switch.send(switch.execute(uuid, "answer"), switch.complete(uuid, "answer"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
