"""Going to another extension, alone, with the far end of a bridge, or without it."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked


async def test_an_extension_that_is_not_there_hangs_up_before_anything_is_executed(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("transfer", "nowhere")
        hangup = await socket.until("CHANNEL_HANGUP")
        assert caller.hangup_cause == "NO_ROUTE_DESTINATION"
        assert hangup["Channel-State"] == "CS_ROUTING"
        assert not [event for event in socket.told() if "hangup" in event]
        assert "EXECUTE transfer nowhere" in socket.told()


async def test_the_api_says_ok_even_if_the_extension_is_not_there(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.api(f"uuid_transfer {caller.channel_uuid} nowhere") == "+OK\n"
        assert await caller.was_hung_up() == "NO_ROUTE_DESTINATION"


@pytest.mark.parametrize("way", ["api", "application"])
@pytest.mark.parametrize("option", ["-bleg", "-both"])
async def test_the_far_end_of_a_bridge_is_sent_elsewhere(phone: FakeFreeSwitch, way: str, option: str) -> None:
    phone.extension("9000", ["playback elsewhere.wav"])
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/1001")
        callee = await caller.is_bridged_to("user/1001")
        if way == "api":
            assert await socket.api(f"uuid_transfer {caller.channel_uuid} {option} 9000") == "+OK\n"
        else:
            await socket.execute("transfer", f"{option} 9000 XML default")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="bridge")
        assert not callee.is_up
        assert "user/1001 goes to 9000" in caller.ladder()
        if option == "-both":
            await caller.hears("elsewhere.wav")
        else:
            await trio.sleep(1)
            assert caller.is_up
            assert not caller.heard


async def test_without_a_far_end_the_application_does_nothing_and_the_api_takes_the_caller(
    phone: FakeFreeSwitch,
) -> None:
    phone.extension("9000", ["playback elsewhere.wav"])
    async with parked(phone) as (caller, socket):
        await socket.run("transfer", "-bleg 9000")
        assert "UNPARK" not in socket.told()
        await socket.api(f"uuid_transfer {caller.channel_uuid} -bleg 9000")
        await caller.hears("elsewhere.wav")


@pytest.mark.parametrize("words", ["", "9000 XML default more words", "-bleg 9000 XML default more"])
async def test_uuid_transfer_with_too_few_or_too_many_words(phone: FakeFreeSwitch, words: str) -> None:
    async with parked(phone) as (caller, socket):
        assert (
            await socket.api(f"uuid_transfer {caller.channel_uuid} {words}")
            == "-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n"
        )
        assert "UNPARK" not in socket.told()


async def test_an_extension_is_executed_and_comes_back(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["set a=1", "set b=2"])
    async with parked(phone) as (caller, socket):
        await socket.run("execute_extension", "9000 XML default")
        assert (caller.variables["a"], caller.variables["b"]) == ("1", "2")
        await socket.run("execute_extension", "set:c=3 inline")
        assert caller.variables["c"] == "3"
        await socket.run("execute_extension", "nowhere")
        assert caller.is_up
