"""``uuid_bridge``, ``intercept`` and ``att_xfer``: ways in which a call gets out of its socket."""

from __future__ import annotations

import pytest

from esl_outbound.testing import CallFailed, FakeFreeSwitch

from .speaking import executing, parked, variables

LOST = ["UNPARK", "COMPLETE socket _none_"]


@pytest.mark.parametrize("way", ["uuid_bridge", "intercepted", "intercepts"])
async def test_control_is_lost_and_a_hangup_of_the_other_side_is_ours(phone: FakeFreeSwitch, way: str) -> None:
    async with parked(phone) as (caller, socket), parked(phone) as (other, theirs):
        match way:
            case "uuid_bridge":
                command = f"uuid_bridge {caller.channel_uuid} {other.channel_uuid}"
                assert await socket.api(command) == f"+OK {other.channel_uuid}\n"
            case "intercepts":
                await socket.execute("intercept", other.channel_uuid)
            case _:
                await theirs.execute("intercept", caller.channel_uuid)
        await socket.until("CHANNEL_EXECUTE", Application="uuid_bridge")
        told = socket.told("BRIDGE")
        if way == "intercepts":
            assert told[:2] == [f"EXECUTE intercept {other.channel_uuid}", "COMPLETE intercept _none_"]
            told = told[2:]
        assert told == [*LOST, f"EXECUTE uuid_bridge {other.channel_uuid}"]
        await socket.listen(5)
        assert caller.is_up
        await other.hangs_up()
        assert (await socket.until("CHANNEL_HANGUP"))["Hangup-Cause"] == "NORMAL_CLEARING"


async def test_the_bridge_is_told_on_the_side_that_made_it(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket), parked(phone) as (other, theirs):
        await socket.api(f"uuid_bridge {caller.channel_uuid} {other.channel_uuid}")
        bridge = await socket.until("CHANNEL_BRIDGE")
        assert (bridge["Bridge-A-Unique-ID"], bridge["Bridge-B-Unique-ID"]) == (
            caller.channel_uuid,
            other.channel_uuid,
        )
        await theirs.listen(5)
        assert "BRIDGE" not in theirs.told()
        await caller.hangs_up()
        await other.was_hung_up(within=0.05)
        await socket.until("CHANNEL_UNBRIDGE")


async def test_executes_still_run_in_a_bridge_that_somebody_else_made(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket), parked(phone) as (other, _):
        await socket.api(f"uuid_bridge {other.channel_uuid} {caller.channel_uuid}")
        await socket.until("CHANNEL_EXECUTE", Application="uuid_bridge")
        await socket.run("set", "still=mine")
        assert caller.variables["still"] == "mine"


async def test_with_park_after_bridge_the_call_is_parked_outside_of_the_socket(phone: FakeFreeSwitch) -> None:
    with pytest.raises(CallFailed, match="parked for ever"):
        async with parked(phone) as (caller, socket), parked(phone) as (other, _):
            await socket.run("set", "park_after_bridge=true")
            await socket.api(f"uuid_bridge {caller.channel_uuid} {other.channel_uuid}")
            await socket.until("CHANNEL_BRIDGE")
            await other.hangs_up()
            await socket.until("CHANNEL_PARK")
            await socket.run("playback", "still-here.wav")
            assert caller.is_up
            await socket.ask("exit")
            await caller.was_hung_up()


@pytest.mark.parametrize("wait", [0, 5])
async def test_a_peer_that_goes_elsewhere_ends_it_too(phone: FakeFreeSwitch, wait: float) -> None:
    phone.extension("9000", ["park"])
    async with parked(phone) as (caller, socket), parked(phone) as (other, _):
        await socket.api(f"uuid_bridge {caller.channel_uuid} {other.channel_uuid}")
        await socket.until("CHANNEL_BRIDGE")
        await socket.listen(wait)
        await phone.api("uuid_transfer", f"{other.channel_uuid} 9000")
        await caller.was_hung_up(within=0.1)
        assert other.is_up


async def test_nobody_can_be_intercepted(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("intercept", "no-such-uuid")
        assert await socket.api(f"uuid_bridge {caller.channel_uuid} no-such-uuid") == "-ERR Invalid uuid\n"
        await socket.listen(1)
        assert caller.is_up
        assert "UNPARK" not in socket.told()


@pytest.mark.parametrize("application", ["intercept", "att_xfer"])
async def test_they_open_the_callers_media(phone: FakeFreeSwitch, application: str) -> None:
    async with parked(phone, before=[]) as (_, socket):
        await socket.execute(application, "user/1001")
        await socket.until("CHANNEL_EXECUTE", Application=application)
        assert socket.told("PROGRESS")[:2] == ["PROGRESS_MEDIA", f"EXECUTE {application} user/1001"]


async def test_who_is_intercepted_is_answered(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket), parked(phone, before=[]) as (other, theirs):
        await socket.execute("intercept", other.channel_uuid)
        await theirs.until("CHANNEL_ANSWER")


async def test_after_a_bridge_that_somebody_else_made_the_call_may_go_elsewhere(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["playback survey.wav"])
    async with parked(phone) as (caller, socket), parked(phone) as (other, _):
        await socket.run("set", "transfer_after_bridge=9000")
        await socket.api(f"uuid_bridge {caller.channel_uuid} {other.channel_uuid}")
        await socket.until("CHANNEL_BRIDGE")
        await other.hangs_up()
        await caller.hears("survey.wav")


# att_xfer


@pytest.mark.parametrize("key", ["#", "9"])
async def test_an_attended_transfer_that_is_given_up_takes_the_call_out_of_the_socket(
    phone: FakeFreeSwitch, key: str
) -> None:
    async with parked(phone) as (caller, socket):
        if key != "#":
            await socket.run("set", f"attxfer_cancel_key={key}")
        await socket.execute("bridge", "user/1001", uuid="it")
        callee = await caller.is_bridged_to("user/1001")
        await socket.until("CHANNEL_BRIDGE")
        socket.forget()
        await socket.execute("att_xfer", "user/1002")
        third = await caller.is_bridged_to("user/1002")
        await socket.until("CHANNEL_BRIDGE")
        await caller.press("1")
        await socket.listen(1)
        await caller.press(key)
        execute = await socket.until("CHANNEL_EXECUTE", Application="uuid_bridge")
        assert socket.told("DTMF", "PROGRESS") == [
            "EXECUTE att_xfer user/1002",
            "BRIDGE",
            "COMPLETE att_xfer _none_",
            "UNBRIDGE",
            "COMPLETE bridge _none_",
            *LOST,
            execute.told,
        ]
        assert not third.is_up
        assert callee.is_up
        await callee.hangs_up()
        await caller.was_hung_up("NORMAL_CLEARING")


async def test_an_attended_transfer_is_completed_by_the_hangup_key(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/1001")
        await caller.is_bridged_to("user/1001")
        await socket.execute("att_xfer", "user/1002")
        await caller.is_bridged_to("user/1002")
        await caller.press("*")
        assert (await socket.until("CHANNEL_HANGUP"))["Hangup-Cause"] == "NORMAL_CLEARING"
        assert "user/1001 talks to user/1002" in caller.ladder()


async def test_an_attended_transfer_that_reaches_nobody_leaves_the_bridge_as_it_was(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1002", cause="USER_BUSY")
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/1001")
        callee = await caller.is_bridged_to("user/1001")
        complete = await socket.run("att_xfer", "user/1002")
        assert variables(complete)["originate_disposition"] == "USER_BUSY"
        await socket.listen(5)
        assert callee.is_up
        assert "UNBRIDGE" not in socket.told()


async def test_an_attended_transfer_outside_of_a_bridge_is_a_plain_bridge(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (caller, socket):
        await socket.send(executing("att_xfer", "user/1001", uuid="it"))
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert [line for line in socket.told() if "BRIDGE" in line] == ["BRIDGE", "UNBRIDGE"]
        assert caller.is_up
