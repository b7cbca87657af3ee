"""Digits that FreeSWITCH itself collects: what it is told, and what its variables mean."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import Call, CallHandler, CallHungUp, Expand, FileNotPlayed, LocalProtocolError
from esl_outbound.call.collecting import CollectedDigits, DigitsOutcome, play_and_get_digits
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, LINGER_NOTICE, RECORDINGS, ScriptedSwitch, connect_reply, dial
from .doing import Doing, doing, refuses_what

UNSET = "esl_outbound_digits esl_outbound_digits_invalid read_result read_terminator_used"


async def expect(switch: ScriptedSwitch, application: str, argument: str | None = None) -> str:
    """Read the two applications of one write; unset what is asked."""
    uuid = await switch.expect_execute("multiunset", UNSET)
    await switch.send(switch.execute(uuid, "multiunset"), switch.complete(uuid, "multiunset"))
    uuid = await switch.expect_execute(application, argument)
    await switch.send(switch.execute(uuid, application))
    return uuid


async def asked(application: str, variables: dict[str, str], *, min_digits: int = 1) -> CollectedDigits:
    """What a method makes of the variables of its completion."""
    results: list[CollectedDigits] = []

    async def do(call: Call) -> None:
        if application == "read":
            results.append(await call.read("a.wav", min_digits=min_digits, max_digits=6))
        else:
            results.append(
                await call.play_and_get_digits("a.wav", min_digits=min_digits, max_digits=6, pattern="[12]+")
            )

    async with doing(do) as switch:
        uuid = await expect(switch, application)
        said = {f"variable_{name}": value for name, value in variables.items()}
        await switch.send(switch.complete(uuid, application, **said))
    return results[0]


# What is sent


async def test_play_and_get_digits_is_told_everything_in_its_order() -> None:
    async def do(call: Call) -> None:
        await call.play_and_get_digits("a.wav", min_digits=4)
        await call.play_and_get_digits(
            "a.wav",
            min_digits=0,
            max_digits=6,
            tries=2,
            timeout_seconds=4,
            digit_timeout_seconds=1.5,
            terminators="*#",
            invalid="b.wav",
            pattern=r"\d+",
        )
        await call.play_and_get_digits(None, digit_timeout_seconds=2, terminators="")
        await call.play_and_get_digits("a.wav", terminators="#", terminator_required=True)

    answered = {"variable_read_result": "failure"}
    async with doing(do) as switch:
        for argument in (
            "4 4 3 5000 # a.wav '' esl_outbound_digits",
            r"0 6 2 4000 *# a.wav b.wav esl_outbound_digits '^(?:\\\\d+)\$' 1500",
            "1 1 3 5000 none '' '' esl_outbound_digits '' 2000",
            "1 1 3 5000 =# a.wav '' esl_outbound_digits",
        ):
            uuid = await expect(switch, "play_and_get_digits", argument)
            await switch.send(switch.complete(uuid, "play_and_get_digits", **answered))


async def test_read_is_told_everything_in_its_order() -> None:
    async def do(call: Call) -> None:
        await call.read("a.wav", min_digits=1, max_digits=4, timeout_seconds=3)
        await call.read("a.wav", digit_timeout_seconds=0.5, terminators="")

    async with doing(do) as switch:
        for argument in ("1 4 a.wav esl_outbound_digits 3000 #", "1 1 a.wav esl_outbound_digits 5000 none 500"):
            uuid = await expect(switch, "read", argument)
            await switch.send(switch.complete(uuid, "read", variable_read_result="failure"))


async def test_a_file_stays_one_file_whatever_its_name_is() -> None:
    async def do(call: Call) -> None:
        await call.read("it's a ${system(touch x)}\\file.wav")
        await call.read(Expand("${sounds_dir}/a b.wav"))
        await call.read(["a.wav", "it's b.wav", Expand("${x}.wav")])
        await call.read("caf\udce9 a.wav")

    async with doing(do) as switch:
        for file in (
            # Expansion makes one backslash of two, and the application's own reading one of those two.
            r"'it\\'s a \${system(touch x)}\\\\file.wav'",
            "'${sounds_dir}/a b.wav'",
            r"'file_string://a.wav!\\'it\\\\\\'s b.wav\\'!\\'${x}.wav\\''",
            "'caf\udce9 a.wav'",
        ):
            uuid = await expect(switch, "read", f"1 1 {file} esl_outbound_digits 5000 #")
            await switch.send(switch.complete(uuid, "read", variable_read_result="failure"))


async def test_what_makes_no_sense_is_refused_before_anything_is_sent() -> None:
    async def do(call: Call) -> None:
        wrong: list[Callable[[], Awaitable[object]]] = [
            lambda: call.play_and_get_digits("a.wav", min_digits=-1),
            lambda: call.play_and_get_digits("a.wav", min_digits=5, max_digits=4),
            lambda: call.play_and_get_digits("a.wav", max_digits=128),
            lambda: call.play_and_get_digits("a.wav", max_digits=0),
            lambda: call.play_and_get_digits("a.wav", tries=0),
            lambda: call.play_and_get_digits("a.wav", timeout_seconds=0.5),
            lambda: call.play_and_get_digits("a.wav", timeout_seconds=-1),
            lambda: call.play_and_get_digits("a.wav", digit_timeout_seconds=0),
            lambda: call.play_and_get_digits("a.wav", terminators="any"),
            lambda: call.play_and_get_digits("a.wav", terminators="", terminator_required=True),
            lambda: call.play_and_get_digits("a.wav", pattern="(["),
            lambda: call.play_and_get_digits("a.wav", invalid=""),
            lambda: call.read(""),
            lambda: call.read("a\nb.wav"),
            lambda: call.read([]),
        ]
        for each in wrong:
            with pytest.raises(LocalProtocolError):
                await each()
        with pytest.raises(LocalProtocolError, match="min_digits is 0"):
            await call.read("a.wav", min_digits=0)

    await refuses_what(do)


# What comes back: PROTOCOL.md section 13, switch_ivr_read() and switch_play_and_get_digits()

OURS = "esl_outbound_digits"
SUCCESS, TIMEOUT, INVALID, FAILURE = DigitsOutcome


@pytest.mark.parametrize("application", ["play_and_get_digits", "read"])
@pytest.mark.parametrize(
    ("variables", "result"),
    [
        ({OURS: "12", "read_result": "success", "read_terminator_used": "%23"}, CollectedDigits(SUCCESS, "12", "#")),
        ({OURS: "123456", "read_result": "success"}, CollectedDigits(SUCCESS, "123456")),
        ({OURS: "12", "read_result": "timeout"}, CollectedDigits(TIMEOUT, "12")),
        ({"read_result": "failure"}, CollectedDigits(FAILURE)),
        ({OURS: "1", "read_result": "failure"}, CollectedDigits(FAILURE, rejected="1")),
        ({"read_result": "failure", "read_terminator_used": "%23"}, CollectedDigits(FAILURE, "", "#")),
        # The only digit, typed into the prompt, is a terminator: it is taken back after the result was set.
        ({"read_result": "success"}, CollectedDigits(FAILURE)),
    ],
)
async def test_each_result_is_told_apart(application: str, variables: dict[str, str], result: CollectedDigits) -> None:
    found = await asked(application, variables)
    assert found == result
    assert found.accepted is (result.outcome in (SUCCESS, TIMEOUT))


@pytest.mark.parametrize(
    ("variables", "result"),
    [
        ({f"{OURS}_invalid": "99", "read_result": "success"}, CollectedDigits(INVALID, rejected="99")),
        ({f"{OURS}_invalid": "99", "read_result": "timeout"}, CollectedDigits(INVALID, rejected="99")),
        # A wrong try, and then a right one.
        ({f"{OURS}_invalid": "99", OURS: "12", "read_result": "timeout"}, CollectedDigits(TIMEOUT, "12")),
        # A wrong try, and then silence, or too little.
        ({f"{OURS}_invalid": "99", "read_result": "failure"}, CollectedDigits(FAILURE, rejected="99")),
        ({f"{OURS}_invalid": "99", OURS: "1", "read_result": "failure"}, CollectedDigits(FAILURE, rejected="1")),
    ],
)
async def test_digits_that_do_not_match_are_told_apart(variables: dict[str, str], result: CollectedDigits) -> None:
    assert await asked("play_and_get_digits", variables) == result


@pytest.mark.parametrize(
    ("variables", "result"),
    [
        ({"read_result": "success", "read_terminator_used": "%23"}, CollectedDigits(SUCCESS, "", "#")),
        ({"read_result": "timeout"}, CollectedDigits(FAILURE)),
    ],
)
async def test_none_at_all_has_to_be_said_with_a_terminator(variables: dict[str, str], result: CollectedDigits) -> None:
    assert await asked("play_and_get_digits", variables, min_digits=0) == result


@pytest.mark.parametrize("application", ["play_and_get_digits", "read"])
async def test_a_prompt_that_cannot_be_played_raises(application: str) -> None:
    async def do(call: Call) -> None:
        with pytest.raises(FileNotPlayed) as caught:
            await (call.read("gone.wav") if application == "read" else call.play_and_get_digits("gone.wav"))
        assert caught.value.path == "gone.wav"

    async with doing(do) as switch:
        uuid = await expect(switch, application)
        await switch.send(switch.complete(uuid, application))


def recorded_completion(name: str, application: str) -> bytes:
    """The first CHANNEL_EXECUTE_COMPLETE of an application in a recorded conversation, as it was sent."""
    raw = (RECORDINGS / f"{name}.raw").read_bytes()
    found = re.search(
        rb"Event-Name: CHANNEL_EXECUTE_COMPLETE\n(?:[^\n]+\n)*?Application: "
        + application.encode()
        + rb"\n(?:[^\n]+\n)*Application-UUID: [^\n]+\n\n",
        raw,
    )
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("name", "application", "variable", "result"),
    [
        ("g1_dtmf_pagd", "play_and_get_digits", b"myresult", CollectedDigits(SUCCESS, "1234", "#")),
        ("g2_dtmf_read_timeout", "read", b"rres", CollectedDigits(TIMEOUT, "12")),
        ("g2_dtmf_read_timeout", "play_and_get_digits", b"r2", CollectedDigits(FAILURE)),
    ],
)
async def test_completions_as_they_were_recorded(
    name: str, application: str, variable: bytes, result: CollectedDigits
) -> None:
    results: list[CollectedDigits] = []

    async def do(call: Call) -> None:
        results.append(await call.play_and_get_digits("a.wav", min_digits=1, max_digits=6))

    data = recorded_completion(name, application)
    async with doing(do) as switch:
        ours = await expect(switch, "play_and_get_digits")
        # Of another channel, execution and variable, but for these: bytes as they were sent.
        data = re.sub(rb"\nUnique-ID: [^\n]+", b"\nUnique-ID: " + CHANNEL.encode(), data)
        data = re.sub(rb"\nApplication-UUID: [^\n]+", b"\nApplication-UUID: " + ours.encode(), data)
        data = data.replace(b"variable_" + variable + b":", b"variable_" + OURS.encode() + b":")
        data = re.sub(rb"\nEvent-Sequence: [0-9]+", b"\nEvent-Sequence: 5000", data)
        await switch.send(b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(data) + data)
    assert results == [result]


# Digits


async def test_digits_that_it_took_are_not_given_out_again() -> None:
    async def do(call: Call) -> None:
        result = await call.play_and_get_digits("a.wav", min_digits=2)
        assert result.digits == "23"
        assert call.digits.clear() == "14"

    async with doing(do) as switch:
        uuid = await switch.expect_execute("multiunset")
        await switch.send(switch.complete(uuid, "multiunset"))
        uuid = await switch.expect_execute("play_and_get_digits")
        await switch.send(
            switch.event("DTMF", DTMF_Digit="1"),
            switch.execute(uuid, "play_and_get_digits"),
            switch.event("DTMF", DTMF_Digit="2"),
            switch.event("DTMF", DTMF_Digit="3"),
            switch.complete(
                uuid, "play_and_get_digits", variable_esl_outbound_digits="23", variable_read_result="success"
            ),
            switch.event("DTMF", DTMF_Digit="4"),
        )


async def test_without_async_it_works_as_well() -> None:
    async def do(call: Call) -> None:
        result = await play_and_get_digits(call._line, "a.wav")
        assert (result.digits, call.digits.clear()) == ("1", "")

    async with dial(lambda: Doing(do)) as switch:
        await switch.greet(connect_reply("static"))
        for application in ("multiunset", "play_and_get_digits"):
            uuid = await switch.expect_execute(application)
            said = {"variable_esl_outbound_digits": "1", "variable_read_result": "success"}
            await switch.send(switch.execute(uuid, application))
            if application == "play_and_get_digits":
                await switch.send(switch.event("DTMF", DTMF_Digit="1"))
            await switch.send(switch.complete(uuid, application, **said))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_hangup_amid_it_ends_it() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True), pytest.raises(CallHungUp):
                await self.play_and_get_digits("a.wav")
            seen.append("ended")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect(switch, "play_and_get_digits")
        await switch.send(
            switch.hangup(), switch.complete(uuid, "play_and_get_digits"), switch.hangup_complete(), LINGER_NOTICE
        )
        await switch.expect_exit()
    assert seen == ["ended"]


async def test_cancelled_it_is_broken_off_as_far_as_freeswitch_allows(autojump_clock: MockClock) -> None:
    async def do(call: Call) -> None:
        began = trio.current_time()
        with trio.move_on_after(1):
            await call.play_and_get_digits("a.wav")
        assert trio.current_time() - began == pytest.approx(6, abs=0.1)

    async with doing(do) as switch:
        await expect(switch, "play_and_get_digits")
        for _ in range(10):
            assert (await switch.read_command()).startswith("api uuid_break ")
            await switch.send(b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n")


# As a user would


class Pin(CallHandler):
    """Asks for a PIN by FreeSWITCH's own means."""

    results: list[CollectedDigits]

    def __init__(self) -> None:
        self.results = []

    async def run(self) -> None:
        await self.answer()
        pin = await self.play_and_get_digits(
            "my pin.wav", min_digits=4, tries=2, invalid="wrong.wav", pattern="1.*", digit_timeout_seconds=2
        )
        self.results.append(pin)
        await self.playback("welcome.wav" if pin.accepted else "goodbye.wav")
        assert len(self.digits) == 0


@pytest.mark.parametrize("mode", ["async full", "async", "full", ""])
async def test_a_pin_is_asked_for_in_every_mode(phone: FakeFreeSwitch, mode: str) -> None:
    pin = Pin()
    async with phone.dial(lambda: pin, mode=mode) as caller:
        await caller.hears("my pin.wav")
        await caller.press("2222")
        await caller.hears("wrong.wav")
        await caller.hears("my pin.wav")
        await caller.press("1234")
        await caller.hears("welcome.wav")
    assert pin.results == [CollectedDigits(SUCCESS, "1234")]


@pytest.mark.parametrize(
    ("typed", "result"),
    [
        ("12#", CollectedDigits(FAILURE, "", "#", "12")),
        ("9999", CollectedDigits(INVALID, rejected="9999")),
        ("", CollectedDigits(FAILURE)),
    ],
)
async def test_a_pin_that_is_wrong_twice(phone: FakeFreeSwitch, typed: str, result: CollectedDigits) -> None:
    pin = Pin()
    async with phone.dial(lambda: pin) as caller:
        for _ in range(2):
            await caller.hears("my pin.wav")
            if typed:
                await caller.press(typed)
            await caller.hears("wrong.wav")
        await caller.hears("goodbye.wav")
    assert pin.results == [result]
