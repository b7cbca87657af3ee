"""Keys that run something whenever they are pressed: ``bind_meta_app`` and ``bind_digit_action``."""

from __future__ import annotations

import pytest

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked


async def test_a_star_and_a_key_run_an_application_amid_a_bridge_and_are_not_told(phone: FakeFreeSwitch) -> None:
    async with parked(phone, variables={"song": "jingle"}) as (caller, socket):
        await socket.run("bind_meta_app", "1 a s playback::\\${song}.wav")
        await socket.execute("bridge", "user/1001")
        callee = await caller.is_bridged_to("user/1001")
        await caller.press("2*1")
        await caller.hears("jingle.wav")
        await socket.listen(2)
        assert [line for line in socket.told() if line.startswith("DTMF")] == ["DTMF 2"]
        assert callee.is_up


async def test_a_second_star_is_a_star(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("bind_meta_app", "1 a s playback::a.wav")
        await caller.press("**1")
        await socket.listen(1)
        assert socket.told()[2:] == ["DTMF *", "DTMF 1"]


async def test_a_meta_app_may_be_bound_for_once_and_be_unbound(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("bind_meta_app", "1 a s1 playback::once.wav")
        await socket.run("bind_meta_app", "2 a s playback::twice.wav")
        await caller.press("*1*1")
        await socket.listen(3)
        await socket.run("unbind_meta_app", "2")
        await caller.press("*2")
        await socket.listen(3)
        assert caller.heard == ["once.wav"]


@pytest.mark.parametrize(
    ("pressed", "heard", "told"),
    [
        ("11", ["eleven.wav"], ""),
        ("12", [], "12"),
        ("9", [], "9"),
        ("777", ["regex.wav"], ""),
    ],
)
async def test_keys_in_a_row_run_an_application_and_others_are_given_back(
    phone: FakeFreeSwitch, pressed: str, heard: list[str], told: str
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("bind_digit_action", "menu,11,exec:playback,eleven.wav")
        await socket.run("bind_digit_action", "menu,~^7+$,exec:playback,regex.wav")
        await caller.press(pressed)
        await socket.listen(5)
        assert caller.heard == heard
        assert "".join(event["DTMF-Digit"] for event in socket.events) == told


async def test_keys_in_a_row_count_whatever_runs(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 5)
    async with parked(phone) as (caller, socket):
        await socket.run("bind_digit_action", "menu,1,exec:set,done=yes")
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        await caller.press("1")
        await socket.listen(1)
        assert caller.variables["done"] == "yes"
        assert "DTMF 1" not in socket.told()


async def test_the_realm_that_got_a_binding_last_counts_until_another_is_set(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("bind_digit_action", "first,1,exec:set,which=first")
        await socket.run("bind_digit_action", "second,1,exec:set,which=second")
        await caller.press("1")
        await socket.listen(1)
        assert caller.variables["which"] == "second"
        await socket.run("digit_action_set_realm", "first")
        await socket.run("digit_action_set_realm", "third")
        await caller.press("1")
        await socket.listen(1)
        assert caller.variables["which"] == "first"
        await socket.run("clear_digit_action", "all")
        socket.forget()
        await caller.press("1")
        await socket.listen(1)
        assert socket.told() == ["DTMF 1"]


async def test_without_a_realm_keys_come_late(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("bind_digit_action", "menu,12,exec:set,which=it")
        await socket.run("clear_digit_action", "menu")
        socket.forget()
        await caller.press("1")
        await socket.listen(1.4)
        assert socket.told() == []
        await socket.listen(0.2)
        assert socket.told() == ["DTMF 1"]


@pytest.mark.parametrize(
    ("bound", "pressed", "within", "done"),
    [
        (["1", "12"], "1", 1.4, ""),
        (["1", "12"], "1", 1.6, "1"),
        (["1", "12"], "12", 0.2, "12"),
        (["=1", "12"], "1", 0.1, "=1"),
        (["~^[0-9]+$"], "1", 0.1, "~^[0-9]+$"),
        (["~^[0-9]+$", "9"], "1", 0.1, ""),
        (["~^[0-9]+$", "9"], "123", 2.0, "~^[0-9]+$"),
        # A pattern sees the terminator, too.
        (["~^[0-9]+#?$", "9"], "12#", 0.3, "~^[0-9]+#?$"),
        (["~^[0-9]+$", "9"], "12#", 1.0, ""),
        (["~^[0-9]+$", "9"], "12#", 2.0, "~^[0-9]+$"),
        (["12", "1234"], "12#", 0.3, "12"),
    ],
)
async def test_when_keys_in_a_row_count(
    phone: FakeFreeSwitch, bound: list[str], pressed: str, within: float, done: str
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "bda_terminators=#")
        for keys in bound:
            await socket.run("bind_digit_action", f"menu,{keys},exec:set,done={keys}")
        await caller.press(pressed)
        await socket.listen(within)
        assert caller.variables.get("done", "") == done


async def test_a_binding_may_run_an_api_command(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("bind_digit_action", "menu,1,api:echo,hello")
        await caller.press("1")
        await socket.listen(1)
        assert caller.variables["bind_digit_action_api_result"] == "hello"
        assert caller.variables["last_matching_digits"] == "1"
