"""Limits, mutexes, groups, and what is copied or told of a channel, as FreeSWITCH's source has them."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked


async def test_a_limit_counts_a_call_once_and_says_how_many_there_are(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("limit", "hash gw acme 2")
        await socket.run("limit", "hash gw acme 2")
        assert caller.variables["limit_usage"] == caller.variables["limit_usage_gw_acme"] == "1"
        assert caller.variables["limit_backend"] == "hash"
        assert await phone.api("limit_usage", "hash gw acme") == "1"
        await socket.run("limit", "db gw acme")
        await socket.run("limit", "db gw acme -1")
        assert caller.variables["limit_usage"] == "2"
        assert "limit_rate_gw_other" not in caller.variables
        assert await phone.api("uuid_limit_release", f"{caller.channel_uuid} hash gw acme") == "+OK"
        assert await phone.api("limit_usage", "hash gw acme rate") == "0/0"
        assert await phone.api("limit_usage", "db gw acme rate") == "2/0"
    assert await phone.api("limit_usage", "db gw acme") == "0"


@pytest.mark.parametrize(
    ("argument", "goes_to"),
    [
        ("hash gw acme 0", "limit_exceeded"),
        ("hash gw acme 0 busy XML default", "busy"),
        ("nowhere gw acme 10", "limit_exceeded"),
    ],
)
async def test_a_limit_that_is_exceeded_sends_the_call_away(phone: FakeFreeSwitch, argument: str, goes_to: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("limit", argument)
        await trio.sleep(1)
        assert f"the call goes to {goes_to}" in caller.ladder()


async def test_a_limit_may_hang_up_with_a_cause(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("limit", "hash gw acme 0 !USER_BUSY")
        await caller.was_hung_up("USER_BUSY")


async def test_limit_execute_gives_back_what_it_took_and_does_nothing_beyond_the_limit(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("limit_execute", "hash gw acme 1 set a=1 2")
        assert caller.variables["a"] == "1 2"
        assert await phone.api("limit_usage", "hash gw acme") == "0"
        for argument in ("hash gw acme 0 set b=1", "nowhere gw acme 9 set b=1", "hash gw acme 1 set"):
            await socket.run("limit_execute", argument)
        assert "b" not in caller.variables
        await socket.run("limit_execute", "hash gw probe 9 limit hash gw acme 9")
        assert await phone.api("limit_usage", "hash gw probe") == "0"
        assert await phone.api("limit_usage", "hash gw acme") == "1"


async def test_a_rate_counts_what_is_refused_and_begins_anew(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        rates = []
        for _ in range(3):
            await socket.run("limit_execute", "hash gw acme 9/10 eval x")
            rates.append(caller.variables["limit_rate_gw_acme"])
        await trio.sleep(11)
        await socket.run("limit_execute", "hash gw acme 9/10 eval x")
        assert [*rates, caller.variables["limit_rate_gw_acme"]] == ["1", "2", "3", "1"]
        await socket.run("limit_execute", "hash gw acme 1/10 set a=1")
        assert "a" not in caller.variables
        assert await phone.api("limit_usage", "hash gw acme rate") == "0/2"


async def test_who_broke_off_waiting_for_a_mutex_passes_the_next_time(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, first):
        await first.run("mutex", "door")
        async with parked(phone) as (caller, second):
            await second.execute("mutex", "door")
            await second.listen(5)
            assert [event.told for event in second.events] == ["EXECUTE mutex door"]
            await second.api(f"uuid_break {caller.channel_uuid}")
            await second.until("CHANNEL_EXECUTE_COMPLETE")
            began = trio.current_time()
            await second.run("mutex", "door")  # it does not have it
            assert trio.current_time() - began < 1
            await second.run("mutex", "door off")
            async with parked(phone) as (_, third):
                await third.execute("mutex", "door on")
                await third.listen(5)
                assert third.events[-1].name == "CHANNEL_EXECUTE"
                await first.run("mutex", "door off")
                await third.until("CHANNEL_EXECUTE_COMPLETE")


async def test_a_group_takes_members_twice_from_the_application_and_once_from_the_command(
    phone: FakeFreeSwitch,
) -> None:
    async with parked(phone) as (_, socket):
        for _ in range(2):
            await socket.run("group", "insert:sales:user/1")
        assert await phone.api("group", "call:sales") == "user/1,user/1"
        assert await phone.api("group", "insert:sales:user/1") == "+OK"
        assert await phone.api("group", "insert:sales:user/2") == "+OK"
        assert await phone.api("group", "call:sales:order") == "user/1|user/2"
        assert await phone.api("group", "call:sales:multi") == "user/1:_:user/2"
        await socket.run("group", "delete:sales:*")
        assert await phone.api("group", "call:sales") == "user/1,user/2"
        assert await phone.api("group", "delete:sales:*") == "+OK"
        assert await phone.api("group", "call:sales") == ""
        assert await phone.api("group") == "!err!"


async def test_variables_are_copied_to_the_leg_that_the_call_is_bridged_to(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        for name, value in {"a": "1", "sip_h_X-A": "2", "sip_h_X-B": "3"}.items():
            await socket.run("set", f"{name}={value}")
        await socket.run("transfer_vars", "a")  # there is nobody yet
        await socket.execute("bridge", "user/1001")
        callee = await caller.is_bridged_to("user/1001")
        assert "a" not in callee.variables
        for argument in ("a", "~sip_h_", "nothing"):
            await socket.execute("transfer_vars", argument)
        await trio.sleep(1)
        assert [callee.variables.get(name) for name in ("a", "sip_h_X-A", "sip_h_X-B")] == ["1", "2", "3"]


async def test_a_user_of_the_directory_brings_his_variables(phone: FakeFreeSwitch) -> None:
    phone.users["1000@example.org"] = {"department": "sales"}
    async with parked(phone) as (caller, socket):
        await socket.run("set_user", "nobody@example.org")
        assert "user_name" not in caller.variables
        await socket.run("set_user", "1000@example.org his_")
        assert caller.variables["his_department"] == "sales"
        assert caller.variables["his_user_name"] == "1000"
        assert caller.variables["his_domain_name"] == "example.org"


async def test_privacy_adds_to_what_is_hidden(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        hidden = []
        for mode in ("name", "number", "no", "full"):
            event = await socket.run("privacy", mode)
            hidden.append((event["Caller-Privacy-Hide-Name"], event["Caller-Privacy-Hide-Number"]))
        assert hidden == [("true", "false"), ("true", "true"), ("false", "false"), ("true", "true")]


async def test_a_channel_with_another_name_shows_it(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        event = await socket.run("set_name", "desk/1")
        assert (event["Channel-Name"], event["variable_channel_name"]) == ("desk/1", "desk/1")


async def test_what_would_be_expanded_later_is_kept_out_of_global_variables_and_bridges(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set_global", r"town=a \${b} $c")
        assert phone.global_variables["town"] == "a %{b} $c"
        await socket.run("bridge_export", r"a=\${b}")
        assert "a" not in caller.variables
        assert caller.variables["bridge_export_vars"] == "a"


async def test_addresses_are_looked_up_in_lists(phone: FakeFreeSwitch) -> None:
    assert await phone.api("acl", "10.1.2.3 rfc1918.auto") == "true"
    assert await phone.api("acl", "10.1.2.3 192.168.0.0/16") == "false"
    assert await phone.api("acl", "10.1.2.3 nowhere") == "false"
    assert await phone.api("acl") == "false"
    async with parked(phone) as (caller, _):
        assert await phone.api("uuid_session_heartbeat", f"{caller.channel_uuid} off") == "+OK\n"
        assert (await phone.api("uuid_session_heartbeat")).startswith("-USAGE")
