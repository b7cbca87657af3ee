"""Answering, playing, resting and the ways to end a call."""

from __future__ import annotations

import math

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import (
    CallHandler,
    CallHungUp,
    CallRecord,
    CallReleased,
    CallTransferred,
    Ending,
    Expand,
    FileNotPlayed,
    HangupCause,
    LocalProtocolError,
    NoCallYet,
    RecordSource,
)

from ..freeswitch import CHANNEL, GOODBYE, OK, connect_reply, dial

BYE = b"Content-Type: command/reply\nReply-Text: +OK bye\n\n"


async def test_playback_plays_to_the_end_unless_terminators_are_asked_for() -> None:
    results: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append((await self.playback("a.wav")).terminator)
            results.append((await self.playback("a.wav", terminators="12#")).terminator)
            results.append((await self.playback(Expand("${sounds_dir}/a.wav"))).terminator)
            results.append((await self.playback("%[x=1]${system(touch x)}.wav")).terminator)
            with pytest.raises(LocalProtocolError):
                await self.playback("a.wav", terminators="any")

    async with dial(Handler) as switch:
        await switch.greet()
        played = {"response": "FILE%20PLAYED", "variable_playback_terminator_used": "%23"}
        await switch.run_application("playback", "%[playback_terminators=none]a.wav", **played)
        await switch.run_application("playback", "%[playback_terminators=12#]a.wav", **played)
        await switch.run_application("playback", "%[playback_terminators=none]${sounds_dir}/a.wav", **played)
        await switch.run_application("playback", r"%[playback_terminators=none]%[x=1]\${system(touch x)}.wav", **played)
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == ["", "#", "", ""]


async def test_a_file_that_cannot_be_played_raises() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(FileNotPlayed) as caught:
                await self.playback("gone.wav")
            assert caught.value.path == "gone.wav"
            assert str(caught.value) == "playback could not play 'gone.wav': FILE NOT FOUND"

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("playback", response="FILE%20NOT%20FOUND")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_sleep_lasts_its_time_whatever_ends_it_early(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            began = trio.current_time()
            await self.sleep(2)
            assert trio.current_time() - began == pytest.approx(2, abs=0.02)
            for wrong in (-1, math.inf, math.nan):
                with pytest.raises(LocalProtocolError):
                    await self.sleep(wrong)

    scope = "%[sleep_eat_digits=true,playback_terminators=none]"
    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("sleep", scope + "2000")
        await trio.sleep(0.5)
        await switch.send(switch.execute(uuid, "sleep"), switch.complete(uuid, "sleep"))
        uuid = await switch.expect_execute("sleep", scope + "1500")
        await trio.sleep(1.49)
        await switch.send(switch.execute(uuid, "sleep"), switch.complete(uuid, "sleep"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_hangup_waits_for_freeswitchs_word_and_then_everything_raises() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.hangup(HangupCause.USER_BUSY)
            assert not self.is_up
            for attempt in (self.hangup, self.answer, self.continue_dialplan):
                with pytest.raises(CallHungUp) as caught:
                    await attempt()
                assert caught.value.hangup_cause is HangupCause.USER_BUSY
            assert (await self.api("status")).text == "+OK\n"  # the socket lingers

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: USER_BUSY")
        await switch.send(OK, switch.hangup("USER_BUSY"), switch.hangup_complete("USER_BUSY"))
        await switch.run_job("status", "+OK\n")
        await switch.expect_exit()


async def test_a_hangup_behind_an_event_lock_goes_by_uuid_kill() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.start("playback", "a.wav", event_lock=True)
            await self.hangup("USER_BUSY")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect_execute("playback")
        await switch.expect(f"api uuid_kill {CHANNEL} USER_BUSY")
        await switch.send(b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n")
        await switch.send(switch.hangup("USER_BUSY"), switch.hangup_complete("USER_BUSY"))
        await switch.expect_exit()


async def test_continuing_in_the_dialplan_first_makes_sure_that_the_call_has_parked(autojump_clock: MockClock) -> None:
    records: list[CallRecord] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.continue_dialplan()
            with pytest.raises(CallReleased):
                await self.answer()
            await trio.sleep_forever()  # wound down after 3 s

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("set", "esl_outbound=left")
        await trio.sleep(1)
        assert switch.received == b""  # an exit before its CHANNEL_EXECUTE would leave the caller parked for ever
        await switch.send(switch.execute(uuid, "set"))
        await switch.expect("exit")
        await switch.send(BYE, GOODBYE)
        await switch.stream.aclose()
    assert records[0].ending is Ending.LEFT_TO_DIALPLAN
    assert records[0].hangup_cause is None
    assert records[0].source is RecordSource.LAST_KNOWN
    assert records[0].missing == ("hangup_cause", "duration", "billsec")


async def test_after_channel_park_or_an_application_it_continues_at_once() -> None:
    class Parked(CallHandler):
        async def run(self) -> None:
            await self.wait_for("CHANNEL_PARK")
            await self.continue_dialplan()

    class Answered(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.continue_dialplan()

    async with dial(Parked) as switch:
        await switch.greet()
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.event("CHANNEL_PARK"))
        await switch.expect("exit")
        await switch.send(BYE, GOODBYE)
        await switch.stream.aclose()
    async with dial(Answered) as switch:
        await switch.greet()
        await switch.run_application("answer")
        await switch.expect("exit")
        await switch.send(BYE, GOODBYE)
        await switch.stream.aclose()


async def test_a_call_that_we_transfer_is_left_alone_and_its_connection_kept(autojump_clock: MockClock) -> None:
    records: list[CallRecord] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.execute("transfer", "2000 XML default")
            with pytest.raises(CallTransferred):
                await self.answer()

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("transfer", "2000 XML default")
        await switch.send(
            switch.execute(uuid, "transfer"),
            switch.complete(uuid, "transfer"),
            switch.event("CHANNEL_UNPARK"),
            switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket"),
        )
        await switch.expect("connect")
        await switch.send(connect_reply(sequence=2000, new="1"))
        await switch.expect("nolinger", "noevents")
        with trio.move_on_after(60) as scope:
            await switch.read_command()
        assert scope.cancelled_caught  # nothing more is said, and the connection stays
        await switch.stream.aclose()
    assert records[0].ending is Ending.TRANSFERRED
    assert records[0].source is RecordSource.CONNECT
    assert records[0].variables["new"] == "1"


async def test_a_transfer_by_somebody_else_cancels_run() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            try:
                await trio.sleep_forever()
            finally:
                seen.append("cancelled")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.send(switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket"))
        await switch.expect("nolinger", "noevents")
        await switch.stream.aclose()
    assert seen == ["cancelled"]


async def test_a_bridge_that_fails_without_continue_on_fail_ends_the_call_by_our_own_doing() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallHungUp) as caught:
                await self.execute("bridge", "user/1001")
            assert caught.value.hangup_cause is HangupCause.USER_BUSY
            await trio.lowlevel.checkpoint()
            seen.append("run goes on")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("bridge")
        await switch.send(switch.execute(uuid, "bridge"))
        await switch.send(
            switch.hangup("USER_BUSY", variable_originate_disposition="USER_BUSY"),
            switch.complete(uuid, "bridge"),
            switch.hangup_complete("USER_BUSY"),
        )
        await switch.expect_exit()
    assert seen == ["run goes on"]


async def test_the_callers_hangup_during_a_bridge_cancels_run() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            try:
                await self.execute("bridge", "user/1001")
            except trio.Cancelled:
                seen.append("cancelled")
                raise

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("bridge")
        await switch.send(switch.execute(uuid, "bridge"))
        await switch.send(
            switch.hangup("ORIGINATOR_CANCEL", variable_originate_disposition="ORIGINATOR_CANCEL"),
            switch.complete(uuid, "bridge"),
            switch.hangup_complete(),
        )
        await switch.expect_exit()
    assert seen == ["cancelled"]


async def test_who_calls_whom() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert self.channel_uuid == CHANNEL
            assert (self.caller_id_name, self.caller_id_number) == ("Ada L.", "1000")
            assert (self.destination_number, self.context) == ("2000", "default")
            assert self.socket_path == "ivr/menu?a=1"
            assert (self.channel_name, self.network_address) == ("loopback/x-b", "")
            assert (self.state, self.answer_state, self.is_answered) == ("CS_EXECUTE", "ringing", False)
            assert (self.is_up, self.is_async, self.is_full) == (True, True, True)
            assert self.headers["Socket-Mode"] == "async"
            await self.answer()
            assert self.is_answered

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(socket_path="ivr/menu%3Fa%3D1"))
        await switch.run_application("answer", Answer_State="answered")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_before_a_call_is_there_everything_says_so() -> None:
    handler = CallHandler[None]()
    with pytest.raises(NoCallYet):
        _ = handler.caller_id_number
    with pytest.raises(NoCallYet):
        await handler.answer()


async def test_run_may_return_right_after_its_transfer() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.execute("Transfer", "2000 XML default")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("Transfer")
        await switch.send(switch.execute(uuid, "transfer"), switch.complete(uuid, "transfer"))
        await trio.testing.wait_all_tasks_blocked()
        assert switch.received == b""  # a hangup now would reach the call where it went
        await switch.send(switch.complete("foreign", "socket"))
        await switch.expect("nolinger", "noevents")
        await switch.stream.aclose()


async def test_what_an_earlier_socket_left_behind_says_nothing_about_this_one(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await trio.sleep(1)
            await self.continue_dialplan()

    async with dial(Handler) as switch:
        await switch.greet()
        # Fired before this connection took the call at sequence 100, and dispatched after it subscribed.
        await switch.send(switch.event("CHANNEL_PARK", Event_Sequence="90"))
        await switch.send(switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket", Event_Sequence="91"))
        uuid = await switch.expect_execute("set", "esl_outbound=left")
        await switch.send(switch.execute(uuid, "set"))
        await switch.expect("exit")
        await switch.send(BYE, GOODBYE)
        await switch.stream.aclose()


async def test_a_hangup_that_was_not_said_is_not_our_doing() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await self.hangup("NO SUCH")
            with trio.move_on_after(0):
                await self.hangup()
            try:
                await trio.sleep_forever()
            finally:
                seen.append("cancelled")

    async with dial(Handler) as switch:
        await switch.greet()
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
    assert seen == ["cancelled"]
