"""Input that is too long, too deep or no sense at all: the simulated FreeSWITCH goes on, and the test with it."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch
from esl_outbound.testing.channel import is_true
from esl_outbound.testing.patterns import search

from .speaking import executing, parked

MANY_DIGITS = "9" * 5000
DEEP = "(" * 3000

STILL_THERE = "0 is still there"


@pytest.mark.parametrize(
    "command",
    [
        executing("set", "a=1", event_lock="+-5"),
        executing("set", "a=1", event_lock=MANY_DIGITS),
        executing("set", "a=1", loops=MANY_DIGITS),
        executing("set", f"ignore_early_media={MANY_DIGITS}"),
        executing("set", f"a=${{a:{MANY_DIGITS}}}"),
        executing("set", f"a=${{a[{MANY_DIGITS}]}}"),
        executing("log", f"{MANY_DIGITS} text"),
        executing("sleep", f"-{MANY_DIGITS}"),
        executing("record", f"/tmp/a.wav -1 -1 -{MANY_DIGITS}") + "\nevent-lock: false",
        executing("play_and_get_digits", r"1 1 1 1000 # a.wav b.wav d \d{99999999999}"),
        executing("play_and_get_digits", f"1 1 1 1000 # a.wav b.wav d {DEEP}"),
        executing("capture", f"a|b|{DEEP}"),
        executing("bind_digit_action", r"r,~\d{99999999999},exec:set,a=1"),
        executing("bind_digit_action", f"r,~{DEEP},exec:set,a=1"),
        executing("limit_execute", "hash a b 1 " + "limit_execute hash a b 1 " * 2000 + "set a=1"),
        executing("set", "a=${eval(${eval(${eval(${a})})})}"),
        executing("execute_extension", "itself"),
        executing("gentones", "%(0,0,440)|-1"),
        executing("loop_playback", "+-1 silence_stream://0"),
        "api hupall_is_not_this",
        "api expr " + "1+" * 50_000 + "1",
        "api expr " + "(" * 5000 + "1" + ")" * 5000,
        "api eval ${eval(${eval(x)})}",
        "api strftime \x00%Q%",
        f"api strftime {MANY_DIGITS}|%Y",
        "api cond '" + "\\" * 5000,
        f"api regex a|{DEEP}",
        f"api md5 {MANY_DIGITS}",
        f"api sched_del {MANY_DIGITS}",
        f"linger {MANY_DIGITS}",
        f"filter Event-Name /{DEEP}/",
        "filter Event-Name /x{99999999999}/",
        "log 9",
        f"log {MANY_DIGITS}",
    ],
    ids=lambda command: command.partition("execute-app-name: ")[2][:40].replace("\n", " ") or command[:40],
)
async def test_the_call_goes_on(phone: FakeFreeSwitch, command: str) -> None:
    phone.extension("itself", ["execute_extension itself"])
    async with parked(phone) as (caller, socket):
        await socket.ask("event plain ALL")
        await socket.send(command)
        await caller.press("1")
        with trio.move_on_after(3):
            await socket.to_the_end()
        await socket.api(f"uuid_break {caller.channel_uuid} all")
        await socket.api(f"uuid_setvar {caller.channel_uuid} there {STILL_THERE}")
        assert caller.variables["there"] == STILL_THERE


async def test_lines_of_levels_that_have_no_name_are_logged(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.ask("log 9") == "+OK log level 9 [9]"
        await socket.run("log", "8 text")
        assert any(frame.kind == "log/data" and frame.body.endswith("text\n") for frame in socket.frames)


@pytest.mark.parametrize(
    ("text", "says_yes"),
    [
        *[("1", True), ("1.5", True), ("-1", True), ("0.5", False), ("0", False), ("+-5", False), (MANY_DIGITS, True)],
        *[("yes", True), ("Allow", True), ("no", False), ("", False), (None, False)],
    ],
)
def test_what_says_yes(text: str | None, says_yes: bool) -> None:
    assert is_true(text) is says_yes


@pytest.mark.parametrize("cause", [MANY_DIGITS, "700000", "-5"])
async def test_a_cause_that_is_none_ends_the_call(phone: FakeFreeSwitch, cause: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("hangup", cause)
        assert caller.hangup_cause == ("NORMAL_CLEARING" if cause == "-5" else "UNKNOWN")


async def test_hupall_with_blanks_behind_it_needs_no_cause(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.api("hupall  ") == "+OK hangup all channels with cause MANAGER_REQUEST\n"
        assert caller.hangup_cause == "MANAGER_REQUEST"


async def test_hupall_may_be_for_those_with_a_variable(phone: FakeFreeSwitch) -> None:
    async with parked(phone, variables={"who": "me"}) as (mine, socket), parked(phone) as (other, _):
        assert (
            await socket.api("hupall USER_BUSY who me")
            == "+OK hangup all channels matching [who]=[me] with cause: USER_BUSY\n"
        )
        assert mine.hangup_cause == "USER_BUSY"
        assert other.is_up


async def test_a_variable_may_have_a_name_of_any_bytes(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "caf\udce9=1")
        assert "\nvariable_caf\udce9: 1\n" in await socket.api(f"uuid_dump {caller.channel_uuid}")


async def test_a_variable_of_itself_twice_is_not_expanded_for_ever(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.send(f"api uuid_setvar {caller.channel_uuid} a ${{a}}${{a}}")
        await socket.run("set", "b=${a}")
        assert len(caller.variables.get("b", "")) < 1_000_000


async def test_executions_are_nested_33_deep_and_no_deeper(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.send(*(executing("sleep", "1000", uuid=str(number)) for number in range(150)))
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        began = [event for event in socket.events if event.name == "CHANNEL_EXECUTE"]
        assert len(began) == 33
        while sum(event.name == "CHANNEL_EXECUTE_COMPLETE" for event in socket.events) < 150:
            await socket.until("CHANNEL_EXECUTE_COMPLETE")


async def test_an_extension_that_executes_itself_ends_at_the_same_depth(phone: FakeFreeSwitch) -> None:
    phone.extension("itself", ["push depth=x", "execute_extension itself"])
    async with parked(phone) as (caller, socket):
        await socket.run("execute_extension", "itself")
        assert caller.variables["depth"].count("x") == 32


async def test_an_extension_that_transfers_to_itself_ends_after_69_transfers(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["push round=x", "transfer 9000"])
    async with parked(phone) as (caller, socket):
        await socket.execute("transfer", "9000")
        assert await caller.was_hung_up() == "EXCHANGE_ROUTING_ERROR"
        assert caller.variables["round"].count("x") == 69
        assert caller.variables["max_forwards"] == "1"


async def test_max_session_transfers_counts_before_max_forwards(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["transfer 9000"])
    async with parked(phone, variables={"max_session_transfers": "3"}) as (caller, socket):
        await socket.execute("transfer", "9000")
        assert await caller.was_hung_up() == "EXCHANGE_ROUTING_ERROR"
        assert caller.variables["max_forwards"] == "70"
        assert caller.variables["max_session_transfers"] == "1"


@pytest.mark.parametrize("pattern", ["(", r"\d{99999999999}", DEEP])
def test_a_pattern_that_cannot_be_read_is_found_nowhere(pattern: str) -> None:
    assert search(pattern, "1") is None


# The connection


async def test_a_connection_may_be_half_closed_after_its_end(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        connection = caller.connection
        await socket.send("exit")
        await socket.to_the_end()
        await connection.half_close()
        connection.reset()
        await connection.half_close()


async def test_a_connection_that_is_half_closed_amid_a_message_says_it_to_the_end_first(phone: FakeFreeSwitch) -> None:
    text = "x" * 300_000
    async with parked(phone) as (caller, socket):
        await socket.send(f"api echo {text}")
        await trio.sleep(0.01)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(caller.connection.half_close)
            await trio.sleep(0.1)
            frame = await socket.frame()
        assert frame.body == text
        await socket.to_the_end()
        assert socket.is_over
