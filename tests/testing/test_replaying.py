"""Recorded conversations, played back against the handler that had them, and against others."""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from esl_outbound import CallHandler, CallRecord, Ending, FileNotPlayed
from esl_outbound.handler import HandlerSource
from esl_outbound.testing.failures import HandlerFailed
from esl_outbound.testing.recordings import NotARecording, Recording
from esl_outbound.testing.replaying import ReplayDiverged, replay

from ..freeswitch import (
    CHANNEL,
    GOODBYE,
    LINGER_NOTICE,
    OK,
    RECORDINGS,
    SET_UP_REPLIES,
    ScriptedSwitch,
    api_response,
    connect_reply,
    dial,
)

Story = Callable[[ScriptedSwitch], Awaitable[None]]


class Menu(CallHandler):
    """What most tests record: a prompt, a digit, a bridge."""

    prompt = "ivr/menu.wav"
    leg_prefix = ""

    async def run(self) -> None:
        await self.answer()
        await self.playback(self.prompt)
        if await self.digits.get() == "1":
            leg = uuid.UUID(int=random.getrandbits(128), version=4)
            await self.execute("bridge", f"{{origination_uuid={leg}}}user/1001")
            await self.api(f"uuid_exists {leg}", as_job=False)
        await self.hangup()


async def menu_call(switch: ScriptedSwitch) -> None:
    """FreeSWITCH's side of it, with the caller's patience."""
    await switch.greet()
    answer = await switch.expect_execute("answer")
    await trio.sleep(0.02)
    await switch.send(switch.execute(answer, "answer"), switch.complete(answer, "answer"))
    playback = await switch.expect_execute("playback")
    await switch.send(switch.execute(playback))
    await trio.sleep(2.5)
    await switch.send(switch.complete(playback, response="FILE%20PLAYED"))
    await trio.sleep(1.25)
    await switch.send(switch.event("DTMF", DTMF_Digit="1"))
    bridge = await switch.expect_execute("bridge")
    await switch.send(switch.execute(bridge, "bridge"))
    await trio.sleep(30)
    await switch.send(switch.complete(bridge, "bridge"))
    await switch.read_command()
    await switch.send(api_response("false"))
    await switch.hang_up_as_told()
    await switch.expect_exit()


async def recorded(directory: Path, handler: HandlerSource, story: Story) -> Recording:
    """Have a call, and give its recording."""
    async with dial(handler, record=directory) as switch:
        await story(switch)
    (path,) = list(directory.iterdir())  # noqa: ASYNC240 - the call is over
    return Recording.load(path)


async def diverges(recording: Recording | Path, handler: HandlerSource, *, limit_seconds: float = 15) -> ReplayDiverged:
    """Play a recording back against a handler that is not the recorded one."""
    with pytest.raises(ReplayDiverged) as caught:
        await replay(recording, handler, limit_seconds=limit_seconds)
    return caught.value


# A server's recording


async def test_the_same_handler_says_the_same_at_the_same_times(tmp_path: Path, autojump_clock: MockClock) -> None:
    records: list[CallRecord] = []

    class Kept(Menu):
        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    recording = await recorded(tmp_path, Kept, menu_call)
    assert recording.seconds == pytest.approx(33.77)
    replayed = await replay(recording, Kept)
    assert replayed.ending is Ending.HUNG_UP
    assert replayed.hangup_cause == "NORMAL_CLEARING"
    assert replayed.fault is None
    assert replayed.seconds == pytest.approx(33.77)
    assert replayed.commands[4:6] == ("execute answer", "execute playback %[playback_terminators=none]ivr/menu.wav")
    assert replayed.commands[-2:] == ("hangup NORMAL_CLEARING", "exit")
    assert [record.billsec for record in records] == [5, 5]
    assert records[0] == records[1]


async def test_a_recording_can_be_named_by_its_path(tmp_path: Path, autojump_clock: MockClock) -> None:
    recording = await recorded(tmp_path, Menu, menu_call)
    assert (await replay(str(recording.path), Menu)).ending is Ending.HUNG_UP


async def test_another_argument_diverges_and_the_message_tells_the_story(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    class Other(Menu):
        prompt = "ivr/other.wav"

    recording = await recorded(tmp_path, Menu, menu_call)
    diverged = await diverges(recording, Other)
    assert diverged.recorded == "execute playback %[playback_terminators=none]ivr/menu.wav"
    assert diverged.said == "execute playback %[playback_terminators=none]ivr/other.wav"
    assert str(diverged) == (
        f"the handler does not do what was recorded in {recording.path}, 0.020 s from its start\n"
        "  recorded: execute playback %[playback_terminators=none]ivr/menu.wav\n"
        "  now:      execute playback %[playback_terminators=none]ivr/other.wav\n"
        "the conversation so far, > what the handler said:\n"
        "      0.000 > connect\n"
        "      0.000 > myevents\n"
        "      0.000 > linger 14\n"
        "      0.000 > event plain BACKGROUND_JOB\n"
        "      0.000 < the channel's data: loopback/x-b, full\n"
        "      0.000 < +OK Events Enabled\n"
        "      0.000 < +OK will linger 14 seconds\n"
        "      0.000 < +OK event listener enabled plain\n"
        "      0.000 > execute answer\n"
        "      0.000 < +OK\n"
        "      0.020 < CHANNEL_EXECUTE answer\n"
        "      0.020 < CHANNEL_EXECUTE_COMPLETE answer _none_"
    )


class Again(Menu):
    async def run(self) -> None:
        await self.answer()
        await self.answer()


class AsksForAVariable(Menu):
    async def run(self) -> None:
        await self.answer()
        await self.getvar("uuid")


class StartsAJob(Menu):
    async def run(self) -> None:
        await self.answer()
        await self.bgapi("status")


class GoesAway(Menu):
    async def run(self) -> None:
        await self.answer()
        await self.continue_dialplan()


class HangsUp(Menu):
    async def run(self) -> None:
        await self.answer()
        await self.hangup("USER_BUSY")


class Asks(Menu):
    async def run(self) -> None:
        await self.answer()
        await self.api("status", as_job=False)


class SaysNothing(Menu):
    async def run(self) -> None:
        await trio.sleep_forever()


class OtherHeaders(Menu):
    async def run(self) -> None:
        await self.start("answer", event_lock=True)


@pytest.mark.parametrize(
    ("handler", "recorded_command", "said"),
    [
        (Again, "execute playback %[playback_terminators=none]ivr/menu.wav", "execute answer"),
        (GoesAway, "execute playback %[playback_terminators=none]ivr/menu.wav", "exit"),
        (HangsUp, "execute playback %[playback_terminators=none]ivr/menu.wav", "hangup USER_BUSY"),
        (Asks, "execute playback %[playback_terminators=none]ivr/menu.wav", "api status"),
        (SaysNothing, "execute answer", "nothing for 15 s"),
        (OtherHeaders, "execute answer", "execute answer (event-lock: true)"),
    ],
)
async def test_a_handler_that_says_something_else_diverges(
    tmp_path: Path,
    handler: type[CallHandler],
    recorded_command: str,
    said: str,
    autojump_clock: MockClock,
) -> None:
    diverged = await diverges(await recorded(tmp_path, Menu, menu_call), handler)
    assert (diverged.recorded, diverged.said) == (recorded_command, said)


async def test_a_command_too_many_diverges(tmp_path: Path, autojump_clock: MockClock) -> None:
    async def impatient(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.run_application("answer")
        await trio.sleep(3)
        await switch.send(switch.hangup(), switch.hangup_complete(), LINGER_NOTICE)
        await switch.expect_exit()

    class Waits(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await trio.sleep_forever()

    class Speaks(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await trio.sleep(1)
            await self.api("status", as_job=False)

    recording = await recorded(tmp_path, Waits, impatient)
    assert (await replay(recording, Waits)).hangup_cause == "NORMAL_CLEARING"
    diverged = await diverges(recording, Speaks)
    assert (diverged.recorded, diverged.said) == ("exit", "api status")


async def test_a_fault_of_the_handlers_is_the_cause_of_what_it_makes_diverge(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    autojump_clock: MockClock,
) -> None:
    class Faulty(Menu):
        async def run(self) -> None:
            await self.answer()
            raise ZeroDivisionError("oh")

    diverged = await diverges(await recorded(tmp_path, Menu, menu_call), Faulty)
    assert diverged.said == "hangup NORMAL_TEMPORARY_FAILURE"
    assert isinstance(diverged.__cause__, ZeroDivisionError)


async def test_a_fault_that_was_recorded_comes_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.run_application("playback", response="FILE%20NOT%20FOUND")
        await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
        await switch.expect_exit()

    class Trusting(CallHandler):
        async def run(self) -> None:
            await self.playback("nowhere.wav")

    recording = await recorded(tmp_path, Trusting, story)
    replayed = await replay(recording, Trusting, fails_if_handler_does=False)
    assert isinstance(replayed.fault, FileNotPlayed)
    assert replayed.hangup_cause == "NORMAL_TEMPORARY_FAILURE"
    with pytest.raises(HandlerFailed) as caught:
        await replay(recording, Trusting)
    assert isinstance(caught.value.__cause__, FileNotPlayed)
    assert caught.value.expected == f"the handler was to do what was recorded in {recording.path}"
    assert caught.value.instead == f"it raised {caught.value.__cause__!r}"
    assert str(caught.value).splitlines()[2:4] == ["The call:", "      0.000 > connect"]
    assert "      0.000 > hangup NORMAL_TEMPORARY_FAILURE\n" in str(caught.value)


async def test_a_fault_after_the_hangup_fails_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    class Faulty(Menu):
        async def after_hangup(self, record: CallRecord) -> None:
            raise ZeroDivisionError("oh")

    recording = await recorded(tmp_path, Menu, menu_call)
    with pytest.raises(HandlerFailed, match=r"it raised ZeroDivisionError\('oh'\)") as caught:
        await replay(recording, Faulty)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert (await replay(recording, Faulty, fails_if_handler_does=False)).fault is None


async def test_the_conversation_is_told_as_it_was_but_for_what_cannot_be_printed(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    class Asks(CallHandler):
        question = r"\d+"

        async def run(self) -> None:
            await self.api(f"expr {self.question}", as_job=False)

    class AsksElse(Asks):
        question = "\\d\t"

    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.read_command()
        await switch.send(api_response("1"))
        await switch.hang_up_as_told()
        await switch.expect_exit()

    diverged = await diverges(await recorded(tmp_path, Asks, story), AsksElse)
    assert (diverged.recorded, diverged.said) == (r"api expr \d+", r"api expr \d\t")


async def test_a_digit_comes_when_it_came(tmp_path: Path, autojump_clock: MockClock) -> None:
    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.run_application("answer")
        for digit in "12":
            await trio.sleep(1.5)
            await switch.send(switch.event("DTMF", DTMF_Digit=digit))
        await switch.hang_up_as_told()
        await switch.expect_exit()

    heard: list[tuple[str, float]] = []

    class Listens(CallHandler):
        async def run(self) -> None:
            await self.answer()
            for _ in range(2):
                digit = await self.digits.get()
                heard.append((digit, round(trio.current_time() - begun, 6)))

    begun = trio.current_time()
    recording = await recorded(tmp_path, Listens, story)
    begun = trio.current_time()
    await replay(recording, Listens)
    assert heard == [("1", 1.5), ("2", 3.0)] * 2


async def test_what_came_in_one_piece_comes_in_one_piece(tmp_path: Path, autojump_clock: MockClock) -> None:
    """A completion and a hangup in the same segment leave the handler no turn in between."""

    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        uuid_ = await switch.expect_execute("playback")
        await switch.send(switch.execute(uuid_))
        await trio.sleep(1)
        await switch.send(switch.complete(uuid_), switch.hangup(), switch.hangup_complete(), LINGER_NOTICE)
        await switch.expect_exit()

    class Plays(CallHandler):
        async def run(self) -> None:
            await self.playback("a.wav")
            await self.playback("b.wav")

    recording = await recorded(tmp_path, Plays, story)
    assert (await replay(recording, Plays)).commands[-2:] == (
        "execute playback %[playback_terminators=none]a.wav",
        "exit",
    )


async def test_a_reply_is_as_late_as_it_was_and_events_before_it_come_before_it(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.expect("api msleep 600")
        await trio.sleep(0.2)
        await switch.send(switch.event("DTMF", DTMF_Digit="5"))
        await trio.sleep(0.4)
        await switch.send(api_response("+OK"))
        await switch.hang_up_as_told()
        await switch.expect_exit()

    seen: list[object] = []

    class Asker(CallHandler):
        async def run(self) -> None:
            begun = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.listen)
                seen.append((await self.api("msleep 600", as_job=False)).text)
            seen.append(round(trio.current_time() - begun, 6))

        async def listen(self) -> None:
            seen.append(await self.digits.get())

    recording = await recorded(tmp_path, Asker, story)
    await replay(recording, Asker)
    assert seen == ["5", "+OK", 0.6] * 2


async def test_commands_are_answered_in_their_order(tmp_path: Path, autojump_clock: MockClock) -> None:
    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.expect("api msleep 600", "connect")
        await trio.sleep(0.6)
        await switch.send(api_response("+OK"), connect_reply())
        await switch.hang_up_as_told()
        await switch.expect_exit()

    answered: list[float] = []

    class Asker(CallHandler):
        async def run(self) -> None:
            begun = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(self.api, "msleep 600", as_job=False))
                await wait_all_tasks_blocked()
                await self.refresh()
            answered.append(round(trio.current_time() - begun, 6))

    class AsksTwice(Asker):
        async def run(self) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(super().run)
                await trio.sleep(0.1)
                await self.refresh()
                answered.append(round(trio.current_time(), 6))

    recording = await recorded(tmp_path, Asker, story)
    await replay(recording, Asker)
    begun = trio.current_time()
    await replay(recording, AsksTwice)
    assert answered[:2] == [0.6, 0.6]
    assert set(answered[2:]) == {0.6, round(begun + 0.6, 6)}


async def test_a_slower_handler_gets_its_events_after_its_own_commands(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    class Slow(Menu):
        async def run(self) -> None:
            await trio.sleep(7)
            await super().run()

    recording = await recorded(tmp_path, Menu, menu_call)
    assert (await replay(recording, Slow)).seconds == pytest.approx(40.77)


async def test_a_handler_that_takes_too_long_diverges(tmp_path: Path, autojump_clock: MockClock) -> None:
    class Slow(Menu):
        async def run(self) -> None:
            await trio.sleep(7)
            await super().run()

    diverged = await diverges(await recorded(tmp_path, Menu, menu_call), Slow, limit_seconds=5)
    assert (diverged.recorded, diverged.said) == ("execute answer", "nothing for 5 s")


async def test_a_handler_that_does_not_end_diverges(tmp_path: Path, autojump_clock: MockClock) -> None:
    class Lingers(Menu):
        async def after_hangup(self, record: CallRecord) -> None:
            await trio.sleep(9)

    recording = await recorded(tmp_path, Menu, menu_call)
    assert (await replay(recording, Lingers)).ending is Ending.HUNG_UP
    diverged = await diverges(recording, Lingers, limit_seconds=4)
    assert (diverged.recorded, diverged.said) == ("the handler ends", "it goes on for 4 s more")


async def test_made_up_names_may_be_others_and_freeswitch_uses_those_of_today(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    names = iter(["one 1", "the second: 100%, and longer"])

    class Names(CallHandler):
        async def run(self) -> None:
            execution = await self.start("sleep", "100", event_uuid=next(names))
            await execution.completed()
            job = await self.bgapi("status")
            assert (await job.result()).text == f"job {job.job_uuid}"

    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.expect_execute("sleep", "100")
        await switch.send(switch.execute("one%201", "sleep"))
        await switch.send(switch.complete("one%201", "sleep"))
        job = (await switch.read_command()).partition("Job-UUID: ")[2]
        await switch.send(
            f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n".encode(),
            switch.event("BACKGROUND_JOB", f"job {job}", Job_UUID=job),
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()

    recording = await recorded(tmp_path, Names, story)
    assert (await replay(recording, Names)).fault is None


async def test_a_uuid_of_freeswitchs_may_not_be_another(tmp_path: Path, autojump_clock: MockClock) -> None:
    class Breaks(CallHandler):
        target = CHANNEL

        async def run(self) -> None:
            await self.api(f"uuid_break {self.target}", as_job=False)

    class BreaksAnother(Breaks):
        target = "00000000-aaaa-4bbb-8ccc-000000000001"

    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.expect(f"api uuid_break {CHANNEL}")
        await switch.send(api_response("+OK\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()

    recording = await recorded(tmp_path, Breaks, story)
    assert (await replay(recording, Breaks)).ending is Ending.HUNG_UP
    diverged = await diverges(recording, BreaksAnother)
    assert diverged.said == "api uuid_break 00000000-aaaa-4bbb-8ccc-000000000001"


async def test_one_made_up_uuid_is_one_thing(tmp_path: Path, autojump_clock: MockClock) -> None:
    class Mixed(Menu):
        async def run(self) -> None:
            await self.answer()
            await self.playback(self.prompt)
            await self.digits.get()
            await self.execute("bridge", "{origination_uuid=00000000-aaaa-4bbb-8ccc-000000000001}user/1001")
            await self.api("uuid_exists 00000000-aaaa-4bbb-8ccc-000000000002", as_job=False)

    diverged = await diverges(await recorded(tmp_path, Menu, menu_call), Mixed)
    assert diverged.said == "api uuid_exists 00000000-aaaa-4bbb-8ccc-000000000002"


async def test_two_made_up_uuids_are_two_things(tmp_path: Path, autojump_clock: MockClock) -> None:
    class Two(CallHandler):
        legs = ("00000000-aaaa-4bbb-8ccc-000000000001", "00000000-aaaa-4bbb-8ccc-000000000002")

        async def run(self) -> None:
            for leg in self.legs:
                await self.api(f"create_uuid {leg}", as_job=False)

    class OtherTwo(Two):
        legs = ("11111111-aaaa-4bbb-8ccc-000000000001", "11111111-aaaa-4bbb-8ccc-000000000002")

    class One(Two):
        legs = ("11111111-aaaa-4bbb-8ccc-000000000001", "11111111-aaaa-4bbb-8ccc-000000000001")

    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        for _ in range(2):
            command = await switch.read_command()
            await switch.send(api_response(f"+OK {command[-36:]}"))
        await switch.hang_up_as_told()
        await switch.expect_exit()

    recording = await recorded(tmp_path, Two, story)
    assert (await replay(recording, OtherTwo)).ending is Ending.HUNG_UP
    diverged = await diverges(recording, One)
    assert diverged.recorded == "api create_uuid 00000000-aaaa-4bbb-8ccc-000000000002"


async def test_a_connection_may_be_set_up_in_another_order(tmp_path: Path, autojump_clock: MockClock) -> None:
    class Wants(Menu):
        subscriptions = ("RECORD_STOP",)
        after_hangup_seconds = 20

    recording = await recorded(tmp_path, Menu, menu_call)
    replayed = await replay(recording, Wants)
    assert replayed.commands[:4] == ("connect", "myevents", "linger 24", "event plain BACKGROUND_JOB RECORD_STOP")


async def test_a_call_that_goes_on_in_its_dialplan(tmp_path: Path, autojump_clock: MockClock) -> None:
    class Leaves(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.continue_dialplan()

    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.run_application("answer")
        await switch.expect("exit")
        await switch.send(b"Content-Type: command/reply\nReply-Text: +OK bye\n\n" + GOODBYE)

    recording = await recorded(tmp_path, Leaves, story)
    assert recording.closed_by == "freeswitch"
    replayed = await replay(recording, Leaves)
    assert replayed.ending is Ending.LEFT_TO_DIALPLAN
    assert replayed.hangup_cause is None


async def test_a_call_that_is_sent_away_keeps_its_connection_until_freeswitch_closes(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    class Sends(CallHandler):
        async def run(self) -> None:
            await self.execute("transfer", "9000")

    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        uuid_ = await switch.expect_execute("transfer", "9000")
        await switch.send(switch.execute(uuid_, "transfer"), switch.complete(uuid_, "transfer"))
        await trio.sleep(0.02)
        await switch.send(switch.complete("71227409-fa8c-4f2b-9b5a-000000000000", "socket"))
        await switch.expect("nolinger", "noevents")
        await switch.send(
            b"Content-Type: command/reply\nReply-Text: +OK will not linger\n\n"
            b"Content-Type: command/reply\nReply-Text: +OK no longer listening for events\n\n"
        )
        await trio.sleep(60)

    recording = await recorded(tmp_path, Sends, story)
    replayed = await replay(recording, Sends)
    assert replayed.ending is Ending.TRANSFERRED
    assert replayed.seconds == pytest.approx(60.02)


async def test_a_connection_that_broke_breaks_again(tmp_path: Path, autojump_clock: MockClock) -> None:
    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet()
        await switch.run_application("answer")
        await trio.sleep(4)

    class Waits(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await trio.sleep_forever()

    replayed = await replay(await recorded(tmp_path, Waits, story), Waits)
    assert replayed.ending is Ending.CONNECTION_LOST
    assert replayed.seconds == pytest.approx(4)


async def test_a_recording_that_was_cut_ends_the_call_where_it_ends(tmp_path: Path, autojump_clock: MockClock) -> None:
    recording = await recorded(tmp_path, Menu, menu_call)
    lines = recording.path.read_bytes().splitlines(keepends=True)
    endings = []
    for kept in range(5, len(lines)):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(b"".join(lines[:kept]) + lines[kept][:30])
        endings.append((await replay(path, Menu)).ending)
    assert endings[0] is Ending.CONNECTION_LOST
    assert endings[-1] is Ending.HUNG_UP
    assert set(endings) == {Ending.CONNECTION_LOST, Ending.HUNG_UP}


async def test_a_recorded_exit_need_not_come_after_the_calls_end(tmp_path: Path, autojump_clock: MockClock) -> None:
    recording = await recorded(tmp_path, Menu, menu_call)
    assert recording.commands is not None
    assert recording.commands[-1].command.line == "exit"
    lines = [line for line in recording.path.read_bytes().splitlines(keepends=True) if b'"exit' not in line]
    recording.path.write_bytes(b"".join(lines))
    assert (await replay(recording.path, Menu)).commands[-1] == "exit"


async def test_a_recording_without_a_call_cannot_be_played(tmp_path: Path, autojump_clock: MockClock) -> None:
    async def story(switch: ScriptedSwitch) -> None:
        await switch.send(OK)

    recording = await recorded(tmp_path, Menu, story)
    with pytest.raises(NotARecording, match="is not of a call: it holds no reply to connect"):
        await replay(recording, Menu)
    with pytest.raises(NotARecording, match="is not of a call"):
        await replay(RECORDINGS / "e8_silent_first25s.raw", Menu)


async def test_what_makes_no_handlers_is_refused(tmp_path: Path, autojump_clock: MockClock) -> None:
    recording = await recorded(tmp_path, Menu, menu_call)
    with pytest.raises(TypeError, match="5 is no handler class"):
        await replay(recording, 5)  # type: ignore[arg-type]


async def test_without_full_freeswitch_refuses_what_it_refused(tmp_path: Path, autojump_clock: MockClock) -> None:
    refused = b"Content-Type: command/reply\nReply-Text: -ERR command not found\n\n"

    async def story(switch: ScriptedSwitch) -> None:
        await switch.greet(connect_reply(control="single-channel"), SET_UP_REPLIES[:60] + refused * 2)
        await switch.run_application("answer")
        await switch.send(switch.hangup(), GOODBYE)

    class Waits(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await trio.sleep_forever()

    replayed = await replay(await recorded(tmp_path, Waits, story), Waits)
    assert replayed.ending is Ending.HUNG_UP


# What FreeSWITCH alone said


class SipCall(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback("tone_stream://%(10000,0,400)")


async def test_a_sip_caller_hangs_up_in_the_middle_of_a_file(autojump_clock: MockClock) -> None:
    records: list[CallRecord] = []

    class Kept(SipCall):
        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    replayed = await replay(RECORDINGS / "s1_sip_caller_bye.raw", Kept)
    assert replayed.ending is Ending.HUNG_UP
    assert replayed.hangup_cause == "NORMAL_CLEARING"
    assert replayed.seconds == pytest.approx(2.04, abs=0.001)
    assert [(record.billsec, record.missing) for record in records] == [(2, ())]


async def test_a_hangup_waits_behind_an_event_lock(autojump_clock: MockClock) -> None:
    class Locked(CallHandler):
        async def run(self) -> None:
            await self.start("playback", "tone_stream://%(3000,0,400)", event_lock=True)
            await self.send_msg({"call-command": "hangup", "hangup-cause": "USER_BUSY"})
            await trio.sleep_forever()

    replayed = await replay(RECORDINGS / "a3_eventlock_playback_then_hangup.raw", Locked)
    assert replayed.hangup_cause == "USER_BUSY"
    assert replayed.seconds == pytest.approx(3, abs=0.01)


async def test_what_is_queued_at_the_hangup_never_runs(autojump_clock: MockClock) -> None:
    class Queues(CallHandler):
        async def run(self) -> None:
            for tone in ("tone_stream://%(10000,0,400)", "tone_stream://%(500,0,800)"):
                await self.start("playback", tone, event_lock=True)
            await trio.sleep_forever()

    replayed = await replay(RECORDINGS / "f1_hangup_midplay_linger.raw", Queues)
    assert replayed.hangup_cause == "ORIGINATOR_CANCEL"
    assert replayed.seconds == pytest.approx(1.22, abs=0.01)


class Bridges(CallHandler):
    leg = "33333333-aaaa-4bbb-8ccc-000000000001"

    async def run(self) -> None:
        await self.start("set", "hangup_after_bridge=false")
        options = f"{{loopback_bowout=false,origination_uuid={self.leg}}}"
        bridge = await self.start("bridge", f"{options}loopback/9196/default", event_lock=True)
        await bridge.started()
        await self.api(f"uuid_kill {self.leg}", as_job=False)
        completion = await bridge.completed()
        assert completion.variables["originate_disposition"] == "SUCCESS"
        for name in ("last_bridge_hangup_cause", "originate_disposition", "bridge_hangup_cause"):
            await self.getvar(name)


async def test_a_bridge_whose_other_leg_is_killed(autojump_clock: MockClock) -> None:
    replayed = await replay(RECORDINGS / "h1_bridge_9196.raw", Bridges)
    assert replayed.fault is None
    assert replayed.commands[-2:] == ("hangup NORMAL_CLEARING", "exit")


async def test_a_digit_reaches_the_handler_with_what_was_typed(autojump_clock: MockClock) -> None:
    class Types(CallHandler):
        async def run(self) -> None:
            await self.execute(
                "play_and_get_digits",
                r"1 6 2 4000 # tone_stream://%(5000,0,300) silence_stream://250 myresult \d+ 2000",
            )
            assert self.variables["myresult"] == "1234"
            assert [await self.digits.get() for _ in range(5)] == ["1", "2", "3", "4", "#"]
            assert await self.getvar("myresult") == "1234"

    assert (await replay(RECORDINGS / "g1_dtmf_pagd.raw", Types)).fault is None


async def test_a_call_over_a_socket_without_async(autojump_clock: MockClock) -> None:
    class Sync(CallHandler):
        async def run(self) -> None:
            assert not self.is_async
            await self.answer()
            await self.playback("tone_stream://%(5000,0,400)")

    replayed = await replay(RECORDINGS / "c2_sync_hangup_midplay.raw", Sync)
    assert replayed.ending is Ending.HUNG_UP


async def test_a_call_whose_events_are_json_is_played_too(autojump_clock: MockClock) -> None:
    class Json(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.start("set", "weird=Zaß <a&b> \"q\" 100% 'x' \\\\ end")
            await (await self.start("playback", "tone_stream://%(300,0,400)")).completed()
            await self.execute("multiset", "^^:a=1:b=2:c=3")
            one, two = [await self.start("push", f"arr={item}") for item in ("one", "two")]
            await one.completed()
            await two.completed()
            await self.bgapi("status")

    for form in ("json", "xml"):
        replayed = await replay(RECORDINGS / f"b_myevents_{form}.raw", Json)
        assert replayed.fault is None
        assert replayed.hangup_cause == "NORMAL_CLEARING"


async def test_what_a_transferred_call_runs_is_not_the_handlers(autojump_clock: MockClock) -> None:
    """The dialplan plays another file than the one that was still to be played when the call was sent away."""

    class Plays(CallHandler):
        async def run(self) -> None:
            await self.start("playback", "tone_stream://%(500,0,800)")
            await trio.sleep_forever()

    replayed = await replay(RECORDINGS / "e3_xferext.raw", Plays)
    assert replayed.ending is Ending.TRANSFERRED


@pytest.mark.parametrize(
    ("name", "handler", "recorded_command", "said"),
    [
        ("s1_sip_caller_bye", HangsUp, "execute playback tone_stream://%(10000,0,400)", "hangup USER_BUSY"),
        ("s1_sip_caller_bye", Again, "execute playback tone_stream://%(10000,0,400)", "execute answer"),
        ("s1_sip_caller_bye", Asks, "a command that gets '+OK'", "api status"),
        ("s1_sip_caller_bye", StartsAJob, "a command that gets '+OK'", "bgapi status"),
        ("s1_sip_caller_bye", GoesAway, "a command that gets '+OK'", "exit"),
        ("s1_sip_caller_bye", AsksForAVariable, "nothing more", "hangup NORMAL_CLEARING"),
        ("g1_dtmf_pagd", SipCall, "execute play_and_get_digits", "execute answer"),
        ("s1_sip_caller_bye", SaysNothing, "one more command, which gets '+OK'", "nothing for 15 s"),
        ("f5_hangup_before_answer", SipCall, "nothing more", "execute answer"),
        (
            "a3_eventlock_playback_then_hangup",
            SipCall,
            "execute playback tone_stream://%(3000,0,400)",
            "execute answer",
        ),
    ],
)
async def test_another_handler_diverges_from_what_freeswitch_said(
    name: str,
    handler: type[CallHandler],
    recorded_command: str,
    said: str,
    autojump_clock: MockClock,
) -> None:
    diverged = await diverges(RECORDINGS / f"{name}.raw", handler)
    assert diverged.recorded.startswith(recorded_command)
    assert diverged.said == said


async def test_another_file_diverges_from_what_freeswitch_played(autojump_clock: MockClock) -> None:
    class Other(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.playback("ivr/other.wav")

    diverged = await diverges(RECORDINGS / "s1_sip_caller_bye.raw", Other)
    assert diverged.said == "execute playback %[playback_terminators=none]ivr/other.wav"


class Waits(CallHandler):
    async def run(self) -> None:
        await trio.sleep_forever()


async def test_a_handler_leaves_an_ended_call_when_it_likes(autojump_clock: MockClock) -> None:
    class Stays(Waits):
        async def after_hangup(self, record: CallRecord) -> None:
            await trio.sleep(9)

    at_once, late = [await replay(RECORDINGS / "f5_hangup_before_answer.raw", handler) for handler in (Waits, Stays)]
    assert at_once.hangup_cause == late.hangup_cause == "ORIGINATOR_CANCEL"
    assert at_once.commands[-1] == "exit"
    assert late.commands == ("connect", "myevents", "linger 14", "event plain BACKGROUND_JOB")


async def test_a_recorded_goodbye_need_not_be_asked_for(tmp_path: Path, autojump_clock: MockClock) -> None:
    class Stays(SipCall):
        async def after_hangup(self, record: CallRecord) -> None:
            await trio.sleep(20)

        after_hangup_seconds = 60

    bye = b"Content-Type: command/reply\nReply-Text: +OK bye\n\n"
    notice = (
        b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: %b\nContent-Disposition: disc"
        % CHANNEL.encode()
    )
    data = (RECORDINGS / "s1_sip_caller_bye.raw").read_bytes()
    assert data.count(notice) == 1
    path = tmp_path / "said_exit.raw"
    path.write_bytes(data.replace(notice, bye + notice))
    for _ in range(10):  # FreeSWITCH speaks in the instant in which the handler closes, before or behind it
        assert (await replay(path, SipCall)).commands[-1] == "exit"
    stayed = await replay(path, Stays)
    assert (stayed.ending, stayed.commands[-1][:7]) == (Ending.HUNG_UP, "execute")


async def test_without_full_the_usual_answer_is_a_refusal(autojump_clock: MockClock) -> None:
    class Alone(CallHandler):
        async def run(self) -> None:
            await self.answer()

    diverged = await diverges(RECORDINGS / "d_async_notfull.raw", Alone)
    assert [line[14:] for line in diverged.conversation if " < " in line][1:4] == [
        "+OK Events Enabled",
        "-ERR command not found",
        "-ERR command not found",
    ]


async def test_freeswitch_keeps_the_socket_as_long_as_it_said_unless_the_handler_leaves(
    autojump_clock: MockClock,
) -> None:
    class Stays(SipCall):
        async def after_hangup(self, record: CallRecord) -> None:
            await trio.sleep(1.5)
            await self.refresh()
            await trio.sleep(7)

    replayed = await replay(RECORDINGS / "s1_sip_caller_bye.raw", Stays)
    assert replayed.commands[-1] == "connect"
    assert replayed.seconds == pytest.approx(2.04 + 1.5 + 7, abs=0.01)


async def test_every_wait_ends_on_the_real_clock_too(tmp_path: Path, autojump_clock: MockClock) -> None:
    """A handler that blocks nothing but never goes on is given up in virtual time, and so quickly."""
    diverged = await diverges(RECORDINGS / "h1_bridge_9196.raw", SaysNothing, limit_seconds=3600)
    assert diverged.said == "nothing for 3600 s"


def test_a_long_conversation_is_shown_from_its_last_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    text = str(ReplayDiverged("x.raw", "a", "b", [f"  line {number} " + "y" * 500 for number in range(100)]))
    assert "\n  ... 40 lines before\n  line 40 " in text
    assert max(map(len, text.splitlines())) == 140
