"""Applications from the command that queues them to the event that says they are over."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import (
    CallHandler,
    CallHungUp,
    CommandRejected,
    ConnectionLost,
    Execution,
    ExecutionLost,
    LocalProtocolError,
    NotPermitted,
    Stage,
    UnknownApplication,
)

from ..freeswitch import CHANNEL, OK, REFUSED, api_response, connect_reply, dial

BREAK = f"api uuid_break {CHANNEL}"
API_OK = b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n"


async def test_an_application_is_over_when_its_own_completion_comes() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            completion = await self.execute("playback", "a.wav")
            seen.append(completion["Application-UUID"])
            seen.append(completion.variables["x"])

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("playback", "a.wav")
        await switch.send(switch.execute("11111111-aaaa-4bbb-8ccc-000000000001"))
        await switch.send(switch.complete("11111111-aaaa-4bbb-8ccc-000000000001"), switch.execute(uuid))
        assert seen == []
        await switch.send(switch.complete(uuid))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert seen == [uuid, "1"]


async def test_a_handle_tells_accepted_started_and_completed() -> None:
    stages: list[Stage] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            execution = await self.start("playback", "a.wav")
            stages.append(execution.stage)
            await execution.accepted()
            stages.append(execution.stage)
            await self.api("first", as_job=False)
            await execution.started()
            stages.append(execution.stage)
            await self.api("second", as_job=False)
            await execution.completed()
            stages.append(execution.stage)
            await execution.completed()
            assert not execution.was_stopped
            assert execution.completion is not None
            assert repr(execution) == "<Execution of playback, completed>"

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("playback", "a.wav")
        await switch.expect("api first")
        await switch.send(API_OK, switch.execute(uuid))
        await switch.expect("api second")
        await switch.send(API_OK, switch.complete(uuid))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert stages == [Stage.SENT, Stage.ACCEPTED, Stage.STARTED, Stage.COMPLETED]


async def test_a_refused_command_raises_what_freeswitch_said() -> None:
    errors: list[CommandRejected] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CommandRejected) as caught:
                await self.execute("playback", "a.wav")
            errors.append(caught.value)
            execution = await self.start("playback", "b.wav")
            with pytest.raises(CommandRejected):
                await execution.accepted()
            await execution.stop()

    async with dial(Handler) as switch:
        await switch.greet()
        for _ in range(2):
            await switch.read_command()
            await switch.send(b"Content-Type: command/reply\nReply-Text: -ERR memory error\n\n")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert errors[0].reply.text == "-ERR memory error"
    assert str(errors[0]) == "FreeSWITCH refused sendmsg: -ERR memory error"


async def test_an_application_that_freeswitch_does_not_know_raises_and_names_itself(
    autojump_clock: MockClock,
) -> None:
    reached: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(UnknownApplication) as caught:
                await self.execute("no_such_app", "x")
            assert (caught.value.application, caught.value.argument) == ("no_such_app", "x")
            await trio.sleep(1)  # the end is our own doing: run() goes on
            with pytest.raises(CallHungUp):
                await self.answer()
            reached.append("end")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect_execute("no_such_app")
        await switch.send(switch.hangup("DESTINATION_OUT_OF_ORDER"), switch.hangup_complete("DESTINATION_OUT_OF_ORDER"))
        await switch.expect_exit()
    assert reached == ["end"]


async def test_what_waits_behind_an_event_lock_is_not_taken_for_unknown() -> None:
    errors: list[BaseException] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.start("playback", "a.wav", event_lock=True)
            try:
                await self.execute("answer")
            except CallHungUp as exc:
                errors.append(exc)

    async with dial(Handler) as switch:
        await switch.greet()
        locked = await switch.expect_execute("playback")
        await switch.send(switch.execute(locked))
        await switch.expect_execute("answer")
        await switch.send(switch.hangup("DESTINATION_OUT_OF_ORDER"), switch.hangup_complete())
        await switch.expect_exit()
    assert type(errors[0]) is CallHungUp


async def test_loops_end_with_the_completion_of_the_last_round() -> None:
    rounds: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            completion = await self.execute("playback", "a.wav", loops=3)
            rounds.append(completion["Round"])
            completion = await self.execute("playback", "short.wav", loops=3)
            rounds.append(completion["Round"])

    def at(milliseconds: int) -> str:
        return str(1795385567411691 + milliseconds * 1000)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("playback", "a.wav")
        for number in range(3):
            began, ended = at(number * 600), at(number * 600 + 550)
            await switch.send(switch.execute(uuid, Event_Date_Timestamp=began))
            await switch.send(switch.complete(uuid, Event_Date_Timestamp=ended, Round=str(number + 1)))
        uuid = await switch.expect_execute("playback", "short.wav")
        # FreeSWITCH goes on only after a round of half a second.
        await switch.send(switch.execute(uuid, Event_Date_Timestamp=at(0)))
        await switch.send(switch.complete(uuid, Event_Date_Timestamp=at(499), Round="1"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert rounds == ["3", "1"]


async def test_a_cancelled_application_is_broken_after_its_start_and_waited_for(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(3):
                await self.playback("long.wav")
            await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("playback")
        await trio.sleep(3.1)  # cancelled by now, but FreeSWITCH has not started it: a break now would be lost
        assert switch.received == b""
        await switch.send(switch.execute(uuid))
        await switch.expect(BREAK)
        await switch.send(API_OK)
        await trio.sleep(0.1)
        await switch.send(switch.complete(uuid))
        await switch.run_application("answer")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_break_that_was_lost_is_said_again(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            execution = await self.start("loop_playback", "a.wav")
            await execution.stop()
            assert execution.was_stopped

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("loop_playback")
        await switch.send(switch.execute(uuid, "loop_playback"))
        for _ in range(3):
            await switch.expect(BREAK)
            await switch.send(API_OK)
        await switch.send(switch.complete(uuid, "loop_playback"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert 1 <= autojump_clock.current_time() < 2


async def test_without_full_a_nested_break_stops_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            execution = await self.start("playback", "a.wav")
            await execution.stop()

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), OK + REFUSED + REFUSED)
        uuid = await switch.expect_execute("playback")
        await switch.send(switch.execute(uuid))
        nested = await switch.expect_execute("break", "")
        await switch.send(switch.execute(nested, "break"), switch.complete(nested, "break"), switch.complete(uuid))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_async_nothing_can_be_stopped_and_stop_says_so() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            execution = await self.start("playback", "a.wav")
            with pytest.raises(NotPermitted) as caught:
                await execution.stop()
            assert caught.value.dialplan_line == '<action application="socket" data="127.0.0.1:8084 async full"/>'
            assert not execution.was_stopped

    async with dial(Handler) as switch:
        await switch.greet(connect_reply("static"))
        await switch.read_command()
        await switch.send(OK)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_stopping_gives_up_after_five_seconds(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            execution = await self.start("wait_for_silence", "200 15 10 5000")
            began = trio.current_time()
            await execution.stop()
            assert trio.current_time() - began == pytest.approx(5)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("wait_for_silence")
        await switch.send(switch.execute(uuid, "wait_for_silence"))
        command = await switch.read_command()
        while command == BREAK:
            await switch.send(API_OK)
            command = await switch.read_command()
        assert command == "sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING"
        await switch.send(OK, switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


async def test_a_bridge_is_stopped_by_its_other_leg(autojump_clock: MockClock) -> None:
    leg = "0a0b0c0d-0000-4000-8000-000000000001"

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(1):
                await self.execute("bridge", "user/1001")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("bridge", "user/1001")
        await switch.send(switch.execute(uuid, "bridge"))
        await switch.expect(f"api uuid_getvar {CHANNEL} continue_on_fail")
        await switch.send(api_response("_undef_"))
        await switch.expect(f"api uuid_setvar {CHANNEL} continue_on_fail true")
        await switch.send(api_response("+OK\n"))
        await switch.expect(f"api uuid_getvar {CHANNEL} originated_legs")
        await switch.send(api_response(f"{leg};Outbound Call;1001"))
        await switch.expect(f"api uuid_getvar {CHANNEL} signal_bond")
        await switch.send(api_response("_undef_"))
        await switch.expect(f"api uuid_kill {leg}")
        await switch.send(api_response("+OK\n"), switch.complete(uuid, "bridge"))
        await switch.expect(f"api uuid_setvar {CHANNEL} continue_on_fail")
        await switch.send(api_response("+OK\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_conference_is_left_by_a_kick(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(1):
                await self.execute("conference", "3000")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("conference", "3000")
        await switch.send(switch.execute(uuid, "conference"))
        for member in ("_undef_", "6"):
            await switch.expect(f"api uuid_getvar {CHANNEL} conference_name")
            await switch.send(api_response("3000" if member == "6" else "_undef_"))
            await switch.expect(f"api uuid_getvar {CHANNEL} conference_member_id")
            await switch.send(api_response(member))
        await switch.expect("api conference 3000 kick 6")
        await switch.send(api_response("+OK kicked 6\n"), switch.complete(uuid, "conference"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_executions_that_never_complete_end_with_the_call() -> None:
    errors: list[type[BaseException]] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            executions = [await self.start("playback", f"{n}.wav") for n in range(3)]
            async with trio.open_nursery() as nursery:

                async def wait(execution: Execution) -> None:
                    try:
                        await execution.completed()
                    except CallHungUp as exc:
                        errors.append(type(exc))

                for execution in executions:
                    nursery.start_soon(wait, execution)
                await trio.testing.wait_all_tasks_blocked()
                await self.hangup("USER_BUSY")

    async with dial(Handler) as switch:
        await switch.greet()
        first = await switch.expect_execute("playback")
        await switch.send(switch.execute(first))
        await switch.expect_execute("playback")
        await switch.expect_execute("playback")
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: USER_BUSY")
        await switch.send(OK, switch.hangup("USER_BUSY"), switch.complete(first), switch.hangup_complete("USER_BUSY"))
        await switch.expect_exit()
    assert errors == [CallHungUp] * 3


async def test_a_completion_in_the_same_segment_as_the_hangup_is_delivered(autojump_clock: MockClock) -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.execute("playback", "a.wav")
            seen.append("completed")
            await self.answer()
            seen.append("not reached")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("playback")
        await switch.send(switch.execute(uuid))
        await switch.send(switch.complete(uuid), switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
    assert seen == ["completed"]


async def test_a_completion_after_the_hangup_is_kept_on_the_handle() -> None:
    executions: list[Execution] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            executions.append(await self.start("playback", "a.wav"))
            await trio.sleep_forever()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("playback")
        await switch.send(switch.execute(uuid))
        await switch.send(switch.hangup(), switch.complete(uuid, response="PLAYBACK%20ERROR"), switch.hangup_complete())
        await switch.expect_exit()
    assert executions[0].completion is not None
    assert executions[0].completion["Application-Response"] == "PLAYBACK ERROR"
    with pytest.raises(CallHungUp):
        await executions[0].completed()


async def test_an_argument_with_line_breaks_travels_as_a_body_and_headers_of_ones_own_go_along() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await self.execute("set", "a\0b")
            await self.execute("set", "x=1\n\n2", event_uuid="my id/1 100%", headers={"lead-frames": "5"})

    async with dial(Handler) as switch:
        await switch.greet()
        assert await switch.read_command() == (
            "sendmsg\ncall-command: execute\nexecute-app-name: set\nEvent-UUID: my id/1 100%\nlead-frames: 5\n"
            "content-type: text/plain\ncontent-length: 6\n\nx=1\n\n2"
        )
        encoded = "my%20id/1%20100%25"
        await switch.send(OK, switch.execute(encoded, "set"), switch.complete(encoded, "set"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_lost_connection_ends_every_wait() -> None:
    errors: list[BaseException] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            try:
                with trio.CancelScope(shield=True):
                    await self.execute("playback", "a.wav")
            except ConnectionLost as exc:
                errors.append(exc)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect_execute("playback")
        await switch.stream.aclose()
    assert len(errors) == 1


async def test_what_does_not_start_while_a_later_one_runs_was_thrown_away(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            first = await self.start("playback", "a.wav", event_lock=True)
            lost = await self.start("playback", "b.wav")
            last = await self.start("playback", "c.wav")
            await first.completed()
            with pytest.raises(ExecutionLost) as caught:
                await lost.completed()
            assert (caught.value.application, caught.value.argument) == ("playback", "b.wav")
            await last.completed()

    async with dial(Handler) as switch:
        await switch.greet()
        first = await switch.expect_execute("playback", "a.wav")
        await switch.expect_execute("playback", "b.wav")
        last = await switch.expect_execute("playback", "c.wav")
        await switch.send(switch.execute(first), switch.complete(first))
        await switch.send(switch.execute(last))
        await trio.sleep(2)
        await switch.send(switch.complete(last))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_start_that_is_told_of_late_is_not_taken_for_a_loss() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.set_variables({"a": "1", "b": "2"})

    async with dial(Handler) as switch:
        await switch.greet()
        first = await switch.expect_execute("set", "a=1")
        second = await switch.expect_execute("set", "b=2")
        await switch.send(switch.execute(second, "set"), switch.complete(second, "set"))
        await switch.send(switch.execute(first, "set"), switch.complete(first, "set"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_an_event_uuid_that_is_in_use_is_refused() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.start("playback", "a.wav", event_uuid="mine")
            with pytest.raises(LocalProtocolError):
                await self.start("playback", "b.wav", event_uuid="mine")
            with pytest.raises(LocalProtocolError):
                await self.start("playback", "b.wav", event_uuid="\ud800")

    async with dial(Handler) as switch:
        await switch.greet()
        assert await switch.expect_execute("playback", "a.wav") == "mine"
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_any_text_is_an_event_uuid() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.execute("answer", event_uuid="100%25 a")
            await self.execute("answer", event_uuid="caf\udce9 #1")

    async with dial(Handler) as switch:
        await switch.greet()
        for encoded in ("100%25%20a", "caf%E9%20%231"):
            await switch.read_command()
            await switch.send(OK, switch.execute(encoded, "answer"), switch.complete(encoded, "answer"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_the_other_leg_is_looked_for_among_this_bridges_legs_only(autojump_clock: MockClock) -> None:
    earlier, named, leg = (f"0a0b0c0d-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(1):
                await self.execute("BRIDGE", "user/1001")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("BRIDGE")
        stale = {"variable_originated_legs": f"{earlier}%3BA%3B1", "variable_signal_bond": earlier}
        await switch.send(switch.execute(uuid, "bridge", **stale))
        await switch.expect(f"api uuid_getvar {CHANNEL} continue_on_fail")
        await switch.send(api_response("3,USER_BUSY"))
        await switch.expect(f"api uuid_setvar {CHANNEL} continue_on_fail true")
        await switch.send(api_response("+OK\n"))
        await switch.expect(f"api uuid_getvar {CHANNEL} originated_legs")
        # The far end calls itself by the UUID of another channel.
        await switch.send(api_response(f"ARRAY::{earlier};A;1|:{leg};{named};1001"))
        await switch.expect(f"api uuid_getvar {CHANNEL} signal_bond")
        await switch.send(api_response(earlier))
        await switch.expect(f"api uuid_kill {leg}")
        await switch.send(api_response("+OK\n"), switch.complete(uuid, "bridge"))
        await switch.expect(f"api uuid_setvar {CHANNEL} continue_on_fail 3,USER_BUSY")
        await switch.send(api_response("+OK\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_a_bridge_is_stopped_by_its_other_leg_too(autojump_clock: MockClock) -> None:
    leg = "0a0b0c0d-0000-4000-8000-000000000003"

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(1):
                await self.execute("bridge", "user/1001")

    def reply(sequence: int) -> bytes:
        legs = {"originated_legs": f"{leg}%3BOutbound%20Call%3B1001"}
        return connect_reply(control="single-channel", sequence=sequence, **legs)

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), OK + REFUSED + REFUSED)
        uuid = await switch.expect_execute("bridge")
        await switch.send(switch.execute(uuid, "bridge"))
        await switch.expect("connect")
        await switch.send(connect_reply(control="single-channel", sequence=2000))
        await switch.expect_execute("set", "continue_on_fail=true")
        for sequence in (2001, 2002):
            await switch.expect("connect")
            await switch.send(reply(sequence))
        await switch.expect(f"sendmsg {leg}\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.send(OK, switch.complete(uuid, "bridge"))
        await switch.expect_execute("set", "continue_on_fail=")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_what_does_not_end_when_it_is_stopped_is_named_in_the_log(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            execution = await self.start("detect_silence")
            await execution.stop()
            assert execution.stage is Stage.STARTED

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("detect_silence")
        await switch.send(switch.execute(uuid, "detect_silence"))
        for _ in range(10):
            await switch.expect(f"api uuid_break {CHANNEL}")
            await switch.send(api_response("+OK\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert f"channel {CHANNEL}: detect_silence runs on, or will: it did not end in 5 s" in caplog.text


@pytest.mark.parametrize("running", ["speak", "conference", "voicemail"])
async def test_what_waits_behind_an_application_that_gives_up_the_call_is_not_taken_for_unknown(
    running: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.start(running)
            execution = await self.start("playback", "a.wav")
            with pytest.raises(CallHungUp):
                await execution.completed()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute(running)
        await switch.send(switch.execute(uuid, running))
        await switch.expect_execute("playback")
        cause = "DESTINATION_OUT_OF_ORDER"
        await switch.send(switch.hangup(cause), switch.complete(uuid, running), switch.hangup_complete(cause))
        await switch.expect_exit()
    assert "there is no application" not in caplog.text
