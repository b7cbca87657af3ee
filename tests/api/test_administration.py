"""What is done to a switch, and what it is to do later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from esl_outbound import ApiFailed, Expand, HangupCause, LocalProtocolError, NoSuchChannel
from esl_outbound.arguments.extensions import Leg

from .overview_scripts import ScriptedApi

Ask = Callable[[ScriptedApi], Awaitable[object]]


async def test_the_configuration_is_read_anew() -> None:
    switch = ScriptedApi("+OK [Success]\n", "+OK acl reloaded\n", "+OK cert reload event sent\n")
    await switch.reloadxml()
    await switch.reloadacl()
    await switch.reloadcert()
    assert switch.lines == ["reloadxml", "reloadacl", "reloadcert"]


@pytest.mark.parametrize(
    "text",
    [
        "+OK [[error near line 214]: unexpected closing tag </include>]\n",
        "+OK [Cannot Open log directory or XML Root!]\n",
        "-ERR reloadxml Command not found!\n",
    ],
)
async def test_a_configuration_that_cannot_be_read_is_a_failure_though_freeswitch_says_ok(text: str) -> None:
    with pytest.raises(ApiFailed):
        await ScriptedApi(text).reloadxml()


async def test_lists_that_cannot_be_read_are_a_failure() -> None:
    with pytest.raises(ApiFailed, match="reloadacl failed"):
        await ScriptedApi("-ERR [Cannot Open log directory or XML Root!]\n").reloadacl()


async def test_the_cache_is_flushed_of_all_or_of_one() -> None:
    switch = ScriptedApi("+OK cleared 12 entries\n", "+OK cleared 1 entry\n", "+OK cleared 0 entries\n")
    assert await switch.xml_flush_cache() == 12
    assert await switch.xml_flush_cache("1001", "example.com") == 1
    assert await switch.xml_flush_cache("1001", key="number-alias") == 0
    assert switch.lines == [
        "xml_flush_cache",
        "xml_flush_cache id 1001 example.com",
        "xml_flush_cache number-alias 1001",
    ]
    with pytest.raises(LocalProtocolError):
        await switch.xml_flush_cache("")


async def test_modules_are_loaded_and_unloaded() -> None:
    switch = ScriptedApi(
        "+OK Reloading XML\n+OK\n",
        "+OK\n",
        "+OK\n",
        "+OK Reloading XML\n+OK module unloaded\n+OK module loaded\n",
        "+OK Reloading XML\n-ERR unloading module [No such module!]\n+OK module loaded\n",
    )
    await switch.load("mod_callcenter")
    await switch.unload("mod_callcenter")
    await switch.unload("mod_callcenter", force=True)
    await switch.reload("mod_callcenter")
    await switch.reload("mod_callcenter", force=True)
    assert switch.lines == [
        "load mod_callcenter",
        "unload mod_callcenter",
        "unload -f mod_callcenter",
        "reload mod_callcenter",
        "reload -f mod_callcenter",
    ]


@pytest.mark.parametrize(
    ("text", "ask"),
    [
        ("+OK Reloading XML\n-ERR [Module already loaded]\n", lambda switch: switch.load("mod_sofia")),
        ("-ERR [Module is not unloadable]\n", lambda switch: switch.unload("mod_commands")),
        (
            "+OK Reloading XML\n-ERR unloading module [Module in use.]\n-ERR loading module [Module already loaded]\n",
            lambda switch: switch.reload("mod_sofia"),
        ),
        ("-ERR reload Command not found!\n", lambda switch: switch.reload("mod_sofia")),
    ],
)
async def test_a_module_that_is_not_as_it_was_asked_for_is_a_failure(text: str, ask: Ask) -> None:
    with pytest.raises(ApiFailed):
        await ask(ScriptedApi(text))


async def test_global_variables_are_set_to_what_was_given() -> None:
    switch = ScriptedApi(*["+OK"] * 6)
    await switch.global_setvar("office", "open")
    await switch.global_setvar("office", "it's a=b \\ $x")
    await switch.global_setvar("office", "two\nlines")
    await switch.global_setvar("office", None)
    await switch.global_setvar("office", "")
    await switch.global_setvar("office", "closed", if_value="open")
    assert switch.lines == [
        "global_setvar office=open",
        "global_setvar office='it\\'s a=b \\\\ $x'",
        "global_setvar office='two\\nlines'",
        "global_setvar office=''",
        "global_setvar office=''",
        "global_setvar office=closed=open",
    ]


async def test_global_variables_that_freeswitch_would_change_are_not_set() -> None:
    switch = ScriptedApi("-USAGE: <var>=<value> [=<value2>]\n")
    for name, value, if_value in (("a=b", "x", None), ("", "x", None), ("a", "${x}", None), ("a", "x", "")):
        with pytest.raises(LocalProtocolError):
            await switch.global_setvar(name, value, if_value=if_value)
    assert switch.lines == []
    with pytest.raises(ApiFailed):
        await switch.global_setvar("a", "b")


async def test_what_is_scheduled_is_a_task_with_a_number() -> None:
    switch = ScriptedApi("+OK Added: 17\n", "+OK Added: 18\n", "+OK Deleted: 1\n", "+OK Deleted: 0\n")
    assert await switch.sched_api(2.5, "fsctl pause") == 17
    assert await switch.sched_api(60, "status", group="watch", repeat=True, own_thread=True) == 18
    assert await switch.sched_del(17) == 1
    assert await switch.sched_del("watch") == 0
    assert switch.lines == [
        "sched_api +3 none fsctl pause",
        "sched_api @60 watch status&",
        "sched_del 17",
        "sched_del watch",
    ]


async def test_a_task_is_taken_back_or_there_was_none() -> None:
    switch = ScriptedApi("+OK\n", "-ERR No such id\n", "-ERR unsched_api Command not found!\n")
    assert await switch.unsched_api(17) is True
    assert await switch.unsched_api(17) is False
    with pytest.raises(ApiFailed):
        await switch.unsched_api(17)
    assert switch.lines[0] == "unsched_api 17"


async def test_calls_are_hung_up_sent_elsewhere_and_played_to_later() -> None:
    switch = ScriptedApi("+OK\n", "+OK\n", "+OK\n", "+OK\n", "+OK Message scheduled\n", "+OK Message scheduled\n")
    await switch.sched_hangup(30, "a-uuid")
    await switch.sched_hangup(1.5, "a-uuid", HangupCause.USER_BUSY)
    await switch.sched_transfer(30, "a-uuid", "1002")
    await switch.sched_transfer(30, "a-uuid", "the office", context="default")
    await switch.sched_broadcast(30, "a-uuid", "it's ${system(x)}.wav")
    await switch.sched_broadcast(30, "a-uuid", Expand("${sounds_dir}/x.wav"), leg=Leg.BOTH)
    assert switch.lines == [
        "sched_hangup +30 a-uuid ALLOTTED_TIMEOUT",
        "sched_hangup +2 a-uuid USER_BUSY",
        "sched_transfer +30 a-uuid 1002",
        "sched_transfer +30 a-uuid 'the office' XML default",
        "sched_broadcast +30 a-uuid 'it\\'s \\\\${system(x)}.wav' aleg",
        "sched_broadcast +30 a-uuid '%[]${sounds_dir}/x.wav' both",
    ]


async def test_a_channel_that_is_gone_is_said_to_be() -> None:
    with pytest.raises(NoSuchChannel):
        await ScriptedApi("-ERR No such channel!\n").sched_hangup(30, "a-uuid")
    with pytest.raises(NoSuchChannel):
        await ScriptedApi("-ERR No such channel!\n").sched_transfer(30, "a-uuid", "1002")


BAD: list[Ask] = [
    lambda switch: switch.load("-f"),
    lambda switch: switch.unload("mod_a mod_b"),
    lambda switch: switch.reload(""),
    lambda switch: switch.sched_api(0, "status"),
    lambda switch: switch.sched_api(5, "status &"),
    lambda switch: switch.sched_api(5, "status "),
    lambda switch: switch.sched_api(5, " status"),
    lambda switch: switch.sched_api(5, ""),
    lambda switch: switch.sched_api(5, "a\nb"),
    lambda switch: switch.sched_api(5, "status", group="a b"),
    lambda switch: switch.sched_del("17"),
    lambda switch: switch.sched_del(""),
    lambda switch: switch.sched_del(0),
    lambda switch: switch.unsched_api(0),
    lambda switch: switch.sched_hangup(0, "a-uuid"),
    lambda switch: switch.sched_hangup(5, "a uuid"),
    lambda switch: switch.sched_hangup(5, "a-uuid", "NONSENSE"),
    lambda switch: switch.sched_transfer(5, "a-uuid", ""),
    lambda switch: switch.sched_broadcast(5, "a-uuid", "hangup::USER_BUSY"),
    lambda switch: switch.sched_broadcast(5, "a-uuid", ""),
]


@pytest.mark.parametrize("ask", BAD)
async def test_what_would_be_taken_for_something_else_is_not_sent(ask: Ask) -> None:
    switch = ScriptedApi()
    with pytest.raises(LocalProtocolError):
        await ask(switch)
    assert switch.lines == []
