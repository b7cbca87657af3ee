"""Digits that set something off: what FreeSWITCH is told, and that data stays data through both expansions."""

from __future__ import annotations

import pytest
import trio

from esl_outbound import Call, CallHandler, Expand, LocalProtocolError
from esl_outbound.call.key_bindings import DigitAction, DigitTarget, MetaKeyOf, MetaRunsOn, RunApi, RunApplication
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import LINGER_NOTICE, dial
from .doing import Doing, doing, refuses_what

EVIL = 'it\'s ${system(touch x)}, \\n "x" \\'


# Digits in a row


async def test_bind_digit_action_is_told_as_much_as_is_needed() -> None:
    async def do(call: Call) -> None:
        await call.bind_digit_action("menu", "*1", RunApplication("playback", "a.wav"))
        await call.bind_digit_action("menu", "2", RunApplication("park"))
        await call.bind_digit_action("menu", "2", RunApplication("set", "self"), runs_on=DigitTarget.BOTH)
        await call.bind_digit_action("menu", "3", RunApplication("park"), digits_of=DigitTarget.PEER)
        await call.bind_digit_action("menu", "4", RunApi("uuid_kill", "a b"), first_match=True)
        await call.bind_digit_action("menu", r"[12]\d", RunApplication("log", "INFO a, b"), is_pattern=True)
        await call.bind_digit_action("menu", "1+", RunApplication("park"), is_pattern=True, terminators="*#")
        await call.bind_digit_action(
            "menu",
            "5",
            RunApplication("playback", "a.wav", inline=True, hold_other_leg=False, has_priority=True),
            digit_timeout_seconds=0.5,
            terminators="#*",
        )

    async with doing(do) as switch:
        for argument in (
            "menu,*1,exec:playback,a.wav",
            "menu,2,exec:park",
            "menu,2,exec:set,self,self,both",
            "menu,3,exec:park,'',peer",
            "menu,=4,api:uuid_kill,'a b'",
            r"menu,'~^(?:[12]\\\\d)\$',exec:log,'INFO a, b'",
            "%[bda_terminators=*#]menu,'~^(?:1+)[*#]?$',exec:park",
            "%[bind_digit_digit_timeout=500,bda_terminators=#*]menu,5,'exec[iHP]:playback',a.wav",
        ):
            await switch.run_application("bind_digit_action", argument)


async def test_realms_are_cleared_and_set() -> None:
    async def do(call: Call) -> None:
        await call.clear_digit_action()
        await call.clear_digit_action("menu", digits_of=DigitTarget.BOTH)
        await call.digit_action_set_realm("menu")

    async with doing(do) as switch:
        await switch.run_application("clear_digit_action", "all,self")
        await switch.run_application("clear_digit_action", "menu,both")
        await switch.run_application("digit_action_set_realm", "menu,self")


async def test_a_block_of_digit_actions_is_one_write_and_taken_back_whatever_happens() -> None:
    async def do(call: Call) -> None:
        actions: dict[str, DigitAction] = {"1": RunApplication("park"), "2": RunApi("status")}
        with pytest.raises(ZeroDivisionError):
            async with call.digit_actions("menu", actions):
                raise ZeroDivisionError
        async with call.digit_actions("inner", actions, back_to="outer", digits_of=DigitTarget.PEER):
            pass

    async with doing(do) as switch:
        for realm, tail, after in (
            ("menu", "", [("clear_digit_action", "all,self")]),
            ("inner", ",'',peer", [("clear_digit_action", "inner,peer"), ("digit_action_set_realm", "outer,peer")]),
        ):
            uuids = [
                await switch.expect_execute("bind_digit_action", f"{realm},1,exec:park{tail}"),
                await switch.expect_execute("bind_digit_action", f"{realm},2,api:status{tail}"),
                await switch.expect_execute("digit_action_set_realm", f"{realm},{'peer' if tail else 'self'}"),
            ]
            await switch.send(*(switch.execute(uuid) + switch.complete(uuid) for uuid in uuids))
            for application, argument in after:
                await switch.run_application(application, argument)


async def test_a_block_whose_call_ends_ends_too() -> None:
    async def do(call: Call) -> None:
        async with call.digit_actions("menu", {"1": RunApplication("park")}):
            await trio.sleep_forever()

    async with dial(lambda: Doing(do)) as switch:
        await switch.greet()
        for _ in range(2):
            uuid = await switch.expect_execute("bind_digit_action" if _ == 0 else "digit_action_set_realm")
            await switch.send(switch.execute(uuid), switch.complete(uuid))
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.hangup(), switch.hangup_complete(), LINGER_NOTICE)
        await switch.expect_exit()


async def test_what_cannot_be_bound_is_refused_before_anything_is_sent() -> None:
    run = RunApplication("park")

    async def do(call: Call) -> None:
        for realm in ("", "a,b", "All", "a b", "it's"):
            with pytest.raises(LocalProtocolError):
                await call.bind_digit_action(realm, "1", run)
            with pytest.raises(LocalProtocolError):
                await call.digit_action_set_realm(realm)
        for digits in ("", "1,2", "x", "~1"):
            with pytest.raises(LocalProtocolError):
                await call.bind_digit_action("menu", digits, run)
        for pattern in ("", "([", "1" * 501, "1~~2"):
            with pytest.raises(LocalProtocolError):
                await call.bind_digit_action("menu", pattern, run, is_pattern=True)
        actions: list[DigitAction] = [RunApplication(name) for name in ("a:b", "a!b", "", "multiset")]
        for action in [*actions, RunApi("a b")]:
            with pytest.raises(LocalProtocolError):
                await call.bind_digit_action("menu", "1", action)
        with pytest.raises(LocalProtocolError):
            await call.bind_digit_action("menu", "1", run, digit_timeout_seconds=0)
        with pytest.raises(LocalProtocolError):
            await call.bind_digit_action("menu", "1", run, terminators="x")
        with pytest.raises(LocalProtocolError):
            async with call.digit_actions("menu", {}):
                pass

    await refuses_what(do)


# Meta keys


async def test_bind_meta_app_is_told_everything_in_its_order() -> None:
    async def do(call: Call) -> None:
        await call.bind_meta_app("1", "playback", "a b.wav")
        await call.bind_meta_app(
            "A",
            "execute_extension",
            Expand("${x} XML features"),
            pressed_by=MetaKeyOf.BOTH,
            runs_on=MetaRunsOn.OPPOSITE,
            once=True,
            inline=True,
            meta_key="#",
        )
        await call.unbind_meta_app("1")
        await call.unbind_meta_app()

    async with doing(do) as switch:
        await switch.run_application("bind_meta_app", "1 a s 'playback::a b.wav'")
        # It is expanded when the key is pressed, and not now.
        await switch.run_application(
            "bind_meta_app", r"%[bind_meta_key=#]A ab oi1 'execute_extension::%[]\${x} XML features'"
        )
        await switch.run_application("unbind_meta_app", "1")
        await switch.run_application("unbind_meta_app", None)


async def test_a_block_with_a_meta_key_is_taken_back() -> None:
    async def do(call: Call) -> None:
        async with call.meta_app("1", "park"):
            pass

    async with doing(do) as switch:
        await switch.run_application("bind_meta_app", "1 a s park::")
        await switch.run_application("unbind_meta_app", "1")


async def test_what_cannot_be_a_meta_key_is_refused_before_anything_is_sent() -> None:
    async def do(call: Call) -> None:
        for key in ("", "*", "#", "12", "x"):
            with pytest.raises(LocalProtocolError):
                await call.bind_meta_app(key, "park")
        with pytest.raises(LocalProtocolError):
            await call.bind_meta_app("1", "playback::x")
        with pytest.raises(LocalProtocolError):
            await call.bind_meta_app("1", "park", meta_key="1")
        # switch_ivr_unbind_dtmf_meta_session() would unbind all of them.
        for key in ("0", "A", ""):
            with pytest.raises(LocalProtocolError):
                await call.unbind_meta_app(key)
            with pytest.raises(LocalProtocolError):
                async with call.meta_app(key or "0", "park"):
                    pass

    await refuses_what(do)


# As a user would


class Bound(CallHandler):
    """Whose caller sets things off with keys."""

    async def run(self) -> None:
        await self.answer()
        run = RunApplication("set", f"by_row={EVIL}")
        taste = RunApplication("set", Expand("by_digit=${flavour}"))
        async with self.digit_actions("menu", {"12": run, "9": taste}):
            await trio.sleep(30)
        await self.playback("after.wav")


async def test_keys_set_off_what_is_bound_to_them_with_data_as_it_was(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Bound, variables={"flavour": "mint"}) as caller:
        await caller.gets_an_answer()
        await caller.stays_silent(1)
        await caller.press("12")
        await caller.stays_silent(2)
        await caller.press("9")
        await caller.hears("after.wav")
        assert (caller.variables["by_row"], caller.variables["by_digit"]) == (EVIL, "mint")
        assert caller.programs == []
        await caller.press("12")
        await caller.stays_silent(2)
        assert len([each for each in caller.executed if each.application == "set"]) == 2


async def test_a_meta_key_sets_off_its_application_with_data_as_it_was(phone: FakeFreeSwitch) -> None:
    async def run(call: Call) -> None:
        await call.answer()
        async with call.meta_app("1", "log", f"INFO {EVIL}"):
            await trio.sleep(10)
        await call.playback("after.wav")

    async with phone.dial(lambda: Doing(run)) as caller:
        await caller.gets_an_answer()
        await caller.stays_silent(1)
        await caller.press("*1")
        await caller.hears("after.wav")
        assert [each.argument for each in caller.executed if each.application == "log"] == [f"INFO {EVIL}"]
        assert caller.programs == []
