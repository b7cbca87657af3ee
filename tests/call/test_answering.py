"""Ringing, answering, holding, and what the caller's phone is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import (
    ApiFailed,
    ApplicationFailed,
    CallHandler,
    CallHungUp,
    HangupCause,
    LocalProtocolError,
    NotPermitted,
)
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, OK, api_response, connect_reply, dial

OTHER = "c0ffee00-aaaa-4bbb-8ccc-000000000002"


@pytest.mark.parametrize(
    ("ask", "application", "argument"),
    [
        (lambda call: call.answer(), "answer", ""),
        (lambda call: call.pre_answer(), "pre_answer", ""),
        (lambda call: call.ring_ready(), "ring_ready", ""),
        (lambda call: call.ring_ready(queued=True), "ring_ready", "queued"),
        (lambda call: call.acknowledge_call(), "acknowledge_call", ""),
        (lambda call: call.early_hangup(), "early_hangup", ""),
        (lambda call: call.hold(), "hold", ""),
        (lambda call: call.hold("on hold"), "hold", "on hold"),
        (lambda call: call.hold("${system(x)}"), "hold", r"\${system(x)}"),
        (lambda call: call.send_display("Ada L.", "1000"), "send_display", "'Ada L.'|1000"),
        (lambda call: call.send_display("Ada"), "send_display", "Ada"),
        (lambda call: call.send_display("a|b '${x}'", "1"), "send_display", r"'a|b \\'\${x}\\''|1"),
        # Latin-1, and what joins the parts of one character.
        (lambda call: call.send_display("J\udcf6rg \u200d"), "send_display", "'J\udcf6rg \u200d'"),
        (lambda call: call.send_info("it's ${x}\nand more"), "send_info", "it's \\${x}\nand more"),
        (lambda call: call.send_info("caf\udce9"), "send_info", "caf\udce9"),
    ],
)
async def test_what_is_run(ask: Callable[[CallHandler], Awaitable[None]], application: str, argument: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await ask(self)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application(application, argument)
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    "ask",
    [
        lambda call: call.send_display(""),
        lambda call: call.send_display("a\nb"),
        lambda call: call.hold("a\nb"),
        lambda call: call.on_hold("a\nb").__aenter__(),
        lambda call: call.sleep(-1),
        lambda call: call.sleep(float("nan")),
        lambda call: call.send_display("a", "1\n2"),
        lambda call: call.send_info("x", content_type="json"),
        lambda call: call.send_info("x", content_type="a b/c"),
        lambda call: call.send_info("two\nlines", content_type="text/plain"),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(
    ask: Callable[[CallHandler], Awaitable[None]],
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await ask(self)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize("application", ["answer", "pre_answer", "playback"])
async def test_a_call_whose_media_cannot_be_agreed_on_is_ended_by_our_own_doing(application: str) -> None:
    # switch_channel_perform_answer() and switch_channel_perform_pre_answer() hang up if the endpoint refuses.
    errors: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallHungUp) as caught:
                await self.execute(application)
            errors.append(caught.value.hangup_cause)
            await trio.lowlevel.checkpoint()  # it goes on

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute(application)
        await switch.send(switch.execute(uuid, application), switch.hangup("INCOMPATIBLE_DESTINATION"))
        await switch.send(switch.complete(uuid, application), switch.hangup_complete("INCOMPATIBLE_DESTINATION"))
        await switch.expect_exit()
    assert errors == [HangupCause.INCOMPATIBLE_DESTINATION]


# wait_for_answer


async def test_waiting_for_the_answer_runs_nothing_and_can_be_given_up(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(2) as scope:
                await self.wait_for_answer()
            assert scope.cancelled_caught
            await self.wait_for_answer()
            assert self.is_answered
            await self.wait_for_answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await trio.sleep(3)
        assert switch.received == b""
        await switch.send(switch.event("CHANNEL_ANSWER", Answer_State="answered"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_waiting_for_the_answer_ends_with_the_call() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True), pytest.raises(CallHungUp):
                await self.wait_for_answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.hangup("ORIGINATOR_CANCEL"), switch.hangup_complete("ORIGINATOR_CANCEL"))
        await switch.expect_exit()


# Holding


async def test_unhold_reaches_freeswitch_even_while_a_file_waits_for_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.unhold()
            await self.unhold()

    async with dial(Handler) as switch:
        await switch.greet()
        for answer in ("+OK Success\n", "-ERR Operation failed\n"):  # the second: there was no hold
            await switch.expect(f"api uuid_hold off {CHANNEL}")
            await switch.send(api_response(answer))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_unhold_is_an_application() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.on_hold("later"):
                pass
            with pytest.raises(ApplicationFailed):
                await self.hold(other_leg=True)

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"))
        await switch.run_application("hold", "later")
        await switch.run_application("unhold", "")
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.send(OK, switch.hangup())
        await switch.expect_exit()


async def test_the_block_ends_the_hold_whatever_happens_in_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(KeyError):
                async with self.on_hold():
                    raise KeyError
            with trio.CancelScope() as scope:
                async with self.on_hold():
                    scope.cancel()
                    await trio.sleep_forever()

    async with dial(Handler) as switch:
        await switch.greet()
        for _ in range(2):
            await switch.run_application("hold", "")
            await switch.expect(f"api uuid_hold off {CHANNEL}")
            await switch.send(api_response("+OK Success\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_hold_ends_quietly_with_the_call() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.on_hold():
                await trio.sleep_forever()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("hold", "")
        await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


async def test_the_other_leg_is_held_by_its_uuid() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed, match="needs another leg"):
                await self.unhold(other_leg=True)
            await self.wait_for("CHANNEL_BRIDGE")
            async with self.on_hold("a 'b'", other_leg=True):
                pass
            with pytest.raises(ApiFailed):
                await self.hold(other_leg=True)
            with pytest.raises(ApiFailed):
                async with self.on_hold(other_leg=True):
                    raise AssertionError("it is not on hold")

    async with dial(Handler) as switch:
        await switch.greet()
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(
            switch.event("CHANNEL_BRIDGE", Bridge_A_Unique_ID=CHANNEL, Bridge_B_Unique_ID=OTHER, variable_x="1")
        )
        await switch.expect(rf"api uuid_hold {OTHER} 'a \'b\''")
        await switch.send(api_response("+OK Success\n"))
        await switch.expect(f"api uuid_hold off {OTHER}")
        await switch.send(api_response("+OK Success\n"))
        # Whoever is held already stays so.
        for _ in range(2):
            await switch.expect(f"api uuid_hold {OTHER}")
            await switch.send(api_response("-ERR Operation failed\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_text_of_a_kind_of_its_own_goes_by_the_api() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.send_info('{"a": 1}', content_type="application/json")
            with pytest.raises(ApiFailed):
                await self.send_info("x", content_type="a/b")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(f"api uuid_send_info {CHANNEL} application json '{{\"a\": 1}}'")
        await switch.send(api_response("+OK Success\n"))
        await switch.expect(f"api uuid_send_info {CHANNEL} a b x")
        await switch.send(api_response("-ERR Operation Failed\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_that_is_not_permitted() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(NotPermitted, match="full"):
                await self.send_info("x", content_type="a/b")

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"))
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.send(OK, switch.hangup())
        await switch.expect_exit()


# As a user would


async def test_a_caller_who_is_held_hears_the_rest_of_the_news_afterwards(phone: FakeFreeSwitch) -> None:
    class News(CallHandler):
        async def run(self) -> None:
            await self.ring_ready()
            await self.answer()
            news = await self.start_playback("news.wav")
            await trio.sleep(2)
            async with self.on_hold("please wait"):
                await trio.sleep(30)
            await news.finished()

    phone.sound("news.wav", 10)
    async with phone.dial(News) as caller:
        news = await caller.hears("news.wav")
        await caller.was_hung_up(within=60)
    assert news.ended is not None
    assert news.ended - news.began == pytest.approx(40, abs=0.5)


async def test_what_myevents_leaves_out_is_asked_for() -> None:
    # parse_command() in mod_event_socket.c enables neither CHANNEL_HOLD nor CHANNEL_UNHOLD with it.
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.events("CHANNEL_HOLD", "CHANNEL_UNHOLD", "CHANNEL_ANSWER"):
                pass

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event plain CHANNEL_HOLD CHANNEL_UNHOLD")
        await switch.send(b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n")
        await switch.hang_up_as_told()
        await switch.expect_exit()
