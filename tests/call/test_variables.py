"""Channel variables, asked for and set."""

from __future__ import annotations

import pytest

from esl_outbound import CallHandler, Expand, LocalProtocolError

from ..freeswitch import CHANNEL, OK, REFUSED, api_response, connect_reply, dial


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
                "expanded=${caller_id_name}",
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
