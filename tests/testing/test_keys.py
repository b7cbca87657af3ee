"""How digits are spelt that an application presses or sends."""

from __future__ import annotations

from typing import Literal

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch
from esl_outbound.testing.keys import spelt

from .speaking import executing, parked


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("12", [("1", 2000), ("2", 2000)]),
        ("12@100", [("1", 800), ("2", 800)]),
        ("1@100+2@200", [("1", 800), ("2", 1600)]),
        ("1@50", [("1", 2000)]),
        ("1@-9", [("1", 2000)]),
        ("1@99999999", [("1", 192000)]),
        ("~#*", [("#", 2000), ("*", 2000)]),
        ("1x2-3 4", [("1", 2000), ("2", 2000), ("3", 2000), ("4", 2000)]),
        ("AbeFwW", [("A", 2000), ("b", 2000), ("F", 2000), ("w", 2000), ("W", 2000)]),
        ("xyz", []),
        ("", []),
    ],
)
def test_digits_are_spelt_with_their_durations(text: str, digits: list[tuple[str, int]]) -> None:
    assert list(spelt(text)) == digits


@pytest.mark.parametrize("way", ["application", "api"])
async def test_digits_that_an_application_presses_tell_their_duration(phone: FakeFreeSwitch, way: str) -> None:
    async with parked(phone) as (caller, socket):
        if way == "api":
            await socket.api(f"uuid_recv_dtmf {caller.channel_uuid} 1@100+2x")
        else:
            await socket.send(executing("queue_dtmf", "1@100+2x"))
        await socket.listen(1)
        events = [event for event in socket.events if event.name == "DTMF"]
        told = [(event["DTMF-Digit"], event["DTMF-Duration"], event["DTMF-Source"]) for event in events]
        assert told == [("1", "800", "APP"), ("2", "2000", "APP")]


@pytest.mark.parametrize(("digits", "runs"), [("*1", False), ("~*1", True)])
async def test_what_is_bound_to_digits_counts_only_behind_a_tilde(
    phone: FakeFreeSwitch, digits: str, runs: bool
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("bind_meta_app", "1 a a set::bound=yes")
        await socket.run("queue_dtmf", digits)
        await socket.listen(1)
        assert ("bound" in caller.variables) is runs


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("uuid_recv_dtmf U xyz", "-USAGE: <uuid> <dtmf_data>\n"),
        ("uuid_recv_dtmf U 1x", "+OK U received DTMF 1x.\n"),
        ("uuid_send_dtmf U xyz", "-ERR Operation failed\n"),
        ("uuid_send_dtmf U 1x", "+OK U sent DTMF 1x.\n"),
    ],
)
async def test_what_the_api_says_to_digits(phone: FakeFreeSwitch, command: str, answer: str) -> None:
    async with parked(phone) as (caller, socket):
        uuid = caller.channel_uuid
        assert await socket.api(command.replace("U", uuid)) == answer.replace("+OK U", f"+OK {uuid}")


@pytest.mark.parametrize(("endpoint", "seconds"), [("sofia", 0), ("loopback", 1.5)])
async def test_pauses_hold_up_who_sends_unless_a_sip_phone_is_sent_them(
    phone: FakeFreeSwitch, endpoint: Literal["sofia", "loopback"], seconds: float
) -> None:
    async def application(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"connect\n\n")
        await trio.sleep(0.1)
        await stream.send_all((executing("send_dtmf", "1w2W3") + "\n\n").encode())
        await trio.sleep(3)

    async with phone.dial(application, before=["answer"], endpoint=endpoint) as caller:
        executed = await caller.sees_run("send_dtmf")
        await trio.sleep(2)
        assert executed.ended is not None
        assert executed.ended - executed.began == pytest.approx(seconds, abs=0.001)
        assert "is sent the digits 1w2W3" in caller.ladder()
