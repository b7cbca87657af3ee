"""Channel variables, asked for and set."""

from __future__ import annotations

from typing import Any

import pytest

from esl_outbound import CallHandler, Expand, LocalProtocolError
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, OK, REFUSED, ScriptedSwitch, api_response, connect_reply, dial


async def expect_all(switch: ScriptedSwitch, *executed: tuple[str, str], **headers: str) -> None:
    """Read applications that come in one write, and complete them."""
    uuids = [await switch.expect_execute(application, argument) for application, argument in executed]
    for uuid, (application, _) in zip(uuids, executed, strict=True):
        await switch.send(switch.execute(uuid, application), switch.complete(uuid, application, **headers))


async def test_many_variables_are_set_in_one_write_and_literally() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.set_variables(
                {
                    "plain": "it's; a, b \\ $",
                    "evil": "${system(touch x)}",
                    "escaped": r"a\nb",
                    "lines": "one\ntwo",
                    "gone": None,
                    "empty": "",
                    "expanded": Expand("${caller_id_name}"),
                }
            )
            await self.set_variables({})

    async with dial(Handler) as switch:
        await switch.greet()
        uuids = [
            await switch.expect_execute("set", argument)
            for argument in (
                r"plain=it's; a, b \ $",
                r"evil=\\\${system(touch x)}",
                r"escaped=a\\\\nb",
                "lines=one\ntwo",
                "gone=",
                "empty=",
                r"expanded=\${caller_id_name}",
            )
        ]
        for uuid in uuids:
            await switch.send(switch.execute(uuid, "set"), switch.complete(uuid, "set"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_name_that_could_be_something_else_is_refused_before_anything_is_sent() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for name in ("", "a=b", "a b", "a\nb", "%[x", "${x}", "a,b", "a\0", "a'b", "x\\"):
                with pytest.raises(LocalProtocolError):
                    await self.set_variables({"fine": "1", name: "2"})
                with pytest.raises(LocalProtocolError):
                    await self.get_variable(name)
            with pytest.raises(LocalProtocolError):
                await self.set_variable("x", "a\0b")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("_undef_", None),
        ("-ERR no reply\n", ""),
        ("a value", "a value"),
        ("line1\nline2\n\nline4", "line1\nline2\n\nline4"),
        ("x" * 20000, "x" * 20000),
        ("100%25 a%20b", "100%25 a%20b"),
        ("ARRAY::one|:two", "ARRAY::one|:two"),
        ("-ERR of a user", "-ERR of a user"),
    ],
)
async def test_with_full_a_variable_is_what_uuid_getvar_says(body: str, value: str | None) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.get_variable("thing") == value

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(f"api uuid_getvar {CHANNEL} thing")
        await switch.send(api_response(body))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_a_second_connect_tells_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.get_variable("thing") == "two\nlines"
            assert self.variables["thing"] == "two\nlines"
            assert await self.get_variable("other") is None

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), OK + REFUSED + REFUSED)
        for _ in range(2):
            await switch.expect("connect")
            await switch.send(connect_reply(control="single-channel", sequence=2000, thing="two%0Alines"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_channel_that_has_just_gone_is_asked_by_a_second_connect() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.get_variable("hangup_cause") == "NORMAL_CLEARING"

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(f"api uuid_getvar {CHANNEL} hangup_cause")
        await switch.send(api_response("-ERR No such channel!\n"))
        await switch.expect("connect")
        await switch.send(connect_reply(hangup_cause="NORMAL_CLEARING"))
        await switch.read_command()
        await switch.send(OK, switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


async def test_known_variables_follow_the_newest_event_that_carries_any() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert self.variables["x"] == "connect"
            await self.answer()
            assert self.variables["x"] == "newest"
            assert self.state == "CS_HIBERNATE"  # a later event, without variables
            assert self.variables.get("nothing") is None
            assert sorted(self.variables) == ["x", "y"]
            assert self.variables.get_array("y") == ["a", "b"]

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(x="connect"))
        uuid = await switch.expect_execute("answer")
        # Fired before the subscription, dispatched after it.
        await switch.send(switch.event("CHANNEL_EXECUTE", Event_Sequence="99", variable_x="older"))
        await switch.send(
            switch.event(
                "CHANNEL_ANSWER", Event_Sequence="5000", variable_x="newest", variable_y="ARRAY%3A%3Aa%7C%3Ab"
            ),
            switch.event("CHANNEL_STATE", Event_Sequence="5001", Channel_State="CS_HIBERNATE"),
            switch.event("CHANNEL_BRIDGE", Event_Sequence="4999", variable_x="late"),
            switch.event("CHANNEL_BRIDGE", "", "other-channel", Event_Sequence="6000", variable_x="foreign"),
            switch.event("CHANNEL_EXECUTE_COMPLETE", Event_Sequence="4998", Application_UUID=uuid),
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()


# Arrays


async def test_a_list_makes_an_array_unless_it_has_one_item() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.set_variables(
                {"many": ["one", "two, three"], "single": ("one",), "none": [], "evil": ["${x}", "|"]}
            )

    async with dial(Handler) as switch:
        await switch.greet()
        uuids = [
            await switch.expect_execute("set", argument)
            for argument in ("many=ARRAY::one|:two, three", "single=one", "none=", r"evil=ARRAY::\\\${x}|:|")
        ]
        for uuid in uuids:
            await switch.send(switch.execute(uuid, "set"), switch.complete(uuid, "set"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize("value", ["ARRAY::", "ARRAY::one", ["a", ""], ["a|:b", "c"], ["ARRAY::a", "b"]])
async def test_what_would_become_another_value_is_refused(value: str | list[str]) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await self.set_variable("x", value)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_items_are_pushed_and_unshifted_in_the_order_in_which_they_were_given() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.push_variable("x", "one", "it's ${two}")
            await self.unshift_variable("x", "a", "b")
            for item in ("", "ARRAY::a", "a|:b"):
                with pytest.raises(LocalProtocolError):
                    await self.push_variable("x", "fine", item)
                with pytest.raises(LocalProtocolError):
                    await self.unshift_variable("x", item)

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("push", "x=one"), ("push", r"x=it's \\\${two}"))
        await expect_all(switch, ("unshift", "x=b"), ("unshift", "x=a"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    ("body", "items"),
    [("_undef_", []), ("one", ["one"]), ("ARRAY::one|:two, three", ["one", "two, three"])],
)
async def test_an_array_is_asked_for(body: str, items: list[str]) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.get_array("thing") == items

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(f"api uuid_getvar {CHANNEL} thing")
        await switch.send(api_response(body))
        await switch.hang_up_as_told()
        await switch.expect_exit()


# Unsetting, and for a while


async def test_many_variables_are_unset_in_as_few_executions_as_freeswitch_takes() -> None:
    names = [f"v{number}" for number in range(201)]

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.unset_variables("a", "b")
            await self.unset_variables()
            await self.unset_variables(*names)
            for wrong in ("", "a b", "^^;a"):
                with pytest.raises(LocalProtocolError):
                    await self.unset_variables(wrong)

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("multiunset", "a b"))
        await expect_all(switch, ("multiunset", " ".join(names[:200])), ("multiunset", "v200"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_temporary_variables_get_their_true_values_back() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(KeyError, match="mine"):
                async with self.temporary_variables({"old": "b", "new": "c"}):
                    raise KeyError("mine")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("connect")
        await switch.send(connect_reply(sequence=2000, old="100%25%20a%20b"))
        await switch.expect(f"api uuid_getvar {CHANNEL} old")
        await switch.send(api_response("100%25 a%20b"))
        await expect_all(switch, ("set", "old=b"), ("set", "new=c"))
        await expect_all(switch, ("set", "old=100%25 a%20b"), ("set", "new="))
        await switch.read_command()  # it raised: the call is hung up
        await switch.send(OK, switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


async def test_temporary_variables_of_a_call_that_ends_are_let_be() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.temporary_variables({"a": "b"}):
                await self.hangup()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("connect")
        await switch.send(connect_reply(sequence=2000))
        await expect_all(switch, ("set", "a=b"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


# Other legs


async def test_variables_are_exported_and_one_that_is_exported_already_is_only_set_anew() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.export_variables({"a": "it's $b\\n", "c": Expand("${d}")})
            await self.export_variables({"a": "2", "x": "3"})
            await self.export_variables({"q": "4"}, nolocal=True)
            await self.export_variables({"q": "it's 5\\n"}, nolocal=True)
            await self.bridge_export_variables({"y": "6"})
            for wrong in ("nolocal:a", "_nolocal_a", "a b", ""):
                with pytest.raises(LocalProtocolError):
                    await self.export_variables({wrong: "1"})
            for value in ("${x}", "$\\\\{x}", "ARRAY::a|:b"):
                with pytest.raises(LocalProtocolError):
                    await self.export_variables({"z": value})
                with pytest.raises(LocalProtocolError):
                    await self.bridge_export_variables({"z": value}, nolocal=True)

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("export", r"a=it's \$b\\n"), ("export", "c=${d}"), variable_export_vars="a,c")
        await expect_all(switch, ("set", "a=2"), ("export", "x=3"), variable_export_vars="a,c,x")
        await expect_all(switch, ("export", "nolocal:q=4"), variable_export_vars="a,c,x,nolocal%3Aq")
        await expect_all(switch, ("set", r"nolocal:q=it's 5\\\\n"), variable_export_vars="a,c,x,nolocal%3Aq")
        await expect_all(switch, ("bridge_export", "y=6"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_exports_are_taken_back() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.unexport_variables("A", "nothing")
            await self.unexport_variables("nothing")  # nothing to send
            await self.export_variables({"c": None, "d": "", "n": "1"})
            await self.bridge_export_variables({"y": None}, nolocal=True)

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(export_vars="a,nolocal%3Aa,c,_nolocal_a,d", bridge_export_vars="nolocal%3Ay"))
        await expect_all(
            switch,
            ("set", "export_vars=c,d"),
            ("multiunset", "nolocal:a _nolocal_a"),
            variable_export_vars="c,d",
            variable_bridge_export_vars="nolocal%3Ay",
        )
        await expect_all(
            switch,
            ("set", "export_vars="),
            ("multiunset", "c d"),
            ("export", "n=1"),
            variable_bridge_export_vars="nolocal%3Ay",
        )
        await expect_all(switch, ("set", "bridge_export_vars="), ("multiunset", "nolocal:y"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_variables_are_copied_to_the_other_leg() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.transfer_variables("a", "b", prefix="sip_h_")
            for wrong in ("~a", "a b"):
                with pytest.raises(LocalProtocolError):
                    await self.transfer_variables(wrong)

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("transfer_vars", "a"), ("transfer_vars", "b"), ("transfer_vars", "~sip_h_"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


# The caller profile, and the switch


async def test_profile_and_global_variables() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.set_profile_variable("rdnis", "it's ${x}")
            await self.set_profile_variable("rdnis", "")
            await self.set_global_variable("town", "Bonn=\\n")
            await self.set_global_variable("town", None)
            assert await self.get_global_variable("town") == "Bonn\n"
            assert await self.get_global_variable("nothing") is None
            with pytest.raises(LocalProtocolError):
                await self.set_global_variable("town", "${x}")

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("set_profile_var", r"rdnis=it's \${x}"))
        await expect_all(switch, ("set_profile_var", "rdnis="))
        await expect_all(switch, ("set_global", r"town=Bonn=\\n"))
        await expect_all(switch, ("set_global", "town="))
        await switch.expect("api global_getvar town")
        await switch.send(api_response("Bonn\n"))
        await switch.expect("api global_getvar nothing")
        await switch.send(api_response("-ERR no reply\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_the_simulated_switch_keeps_them(phone: FakeFreeSwitch) -> None:
    evil = "it's ${system(touch x)} \\n, a|:b \udce9\nX"
    exported = evil.replace("$", "")

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.push_variable("list", "one", "two")
            await self.unshift_variable("list", "zero")
            assert await self.get_array("list") == ["zero", "one", "two"]
            async with self.temporary_variables({"list": "else", "evil": evil}):
                assert self.variables["list"] == "else"
                assert await self.get_variable("evil") == evil
            assert await self.get_array("list") == ["zero", "one", "two"]
            assert "evil" not in self.variables
            await self.export_variables({"evil": exported, "gone": "1"}, nolocal=True)
            await self.export_variables({"gone": None}, nolocal=True)
            await self.bridge_export_variables({"late": "yes"})
            await self.execute("bridge", "user/1001")

    async with phone.dial(Handler) as caller:
        callee = await caller.is_bridged_to("user/1001")
        assert callee.variables["evil"] == exported
        assert "gone" not in callee.variables
        assert callee.variables["late"] == "yes"
        await callee.hangs_up()
    assert caller.programs == []


async def test_what_is_to_be_expanded_is_expanded_once(phone: FakeFreeSwitch) -> None:
    found = "${system(touch x)} it's \\n"

    async def look_up(_: str) -> str:
        return found

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.set_variables({"shown": Expand("<${look_up(1)}>"), "cost": Expand(r"\${5}")})
            for _ in range(2):
                await self.export_variables({"exported": Expand("${look_up(2)}")}, nolocal=True)

    phone.api_command("look_up", look_up)
    async with phone.dial(Handler) as caller:
        await caller.was_hung_up()
    assert caller.variables["shown"] == f"<{found}>"
    assert caller.variables["cost"] == "${5}"
    assert caller.variables["nolocal:exported"] == found
    assert caller.programs == []


async def test_what_is_no_text_is_refused_by_name() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            wrong: Any
            for wrong in (5, {"a": 1}, [1, 2], 1.5, b"x"):
                with pytest.raises(LocalProtocolError, match=r"^(x cannot be|1 cannot be an item of x)"):
                    await self.set_variable("x", wrong)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()
