"""What a switch's directory says."""

from __future__ import annotations

import pytest

from esl_outbound import ApiFailed, LocalProtocolError
from esl_outbound.api.directory import ListedUser

from .overview_scripts import ScriptedApi

HEADING = "userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number\n"


async def test_users_and_domains_are_there_or_not() -> None:
    switch = ScriptedApi("true", "false", "true", "false")
    assert await switch.user_exists("1001", "example.com") is True
    assert await switch.user_exists("it's \\", "example.com", key="number-alias") is False
    assert await switch.domain_exists("example.com") is True
    assert await switch.in_group("1001", "sales, all", domain="example.com") is False
    assert switch.lines == [
        "user_exists id 1001 example.com",
        "user_exists number-alias 'it\\'s \\\\' example.com",
        "domain_exists example.com",
        "in_group 1001@example.com,'sales, all'",
    ]


async def test_the_data_of_users_and_domains_are_texts() -> None:
    switch = ScriptedApi("-ERR, my name", "", "x", "-ERR no reply\n")
    assert await switch.user_data("1001", "example.com", "effective_caller_id_name") == "-ERR, my name"
    assert await switch.user_data("1001", "example.com", "vm-password", kind="param") is None
    assert await switch.user_data("1001", "example.com", "id", kind="attr") == "x"
    assert await switch.domain_data("example.com", "record_stereo") is None
    assert switch.lines == [
        "user_data 1001@example.com var effective_caller_id_name",
        "user_data 1001@example.com param vm-password",
        "user_data 1001@example.com attr id",
        "domain_data example.com var record_stereo",
    ]
    with pytest.raises(LocalProtocolError, match="should be one of var, param, attr"):
        await switch.user_data("1001", "example.com", "id", kind="id")  # type: ignore[arg-type]
    with pytest.raises(LocalProtocolError):
        await switch.user_data("1001@elsewhere", "example.com", "id")


async def test_users_are_listed_with_what_is_configured() -> None:
    # dump_user() in mod_commands.c prints a NULL with %s.
    text = (
        HEADING + '1001|default|example.com|sales|sofia/internal/sip:1001@192.0.2.9:5060|techsupport|Ada, "L"|1001\n'
        "1002|(null)|example.com||error/user_not_registered|(null)|(null)|\n"
        "\n+OK\n"
    )
    switch = ScriptedApi(text)
    assert await switch.list_users() == [
        ListedUser(
            "1001",
            "default",
            "example.com",
            "sales",
            "sofia/internal/sip:1001@192.0.2.9:5060",
            "techsupport",
            'Ada, "L"',
            "1001",
        ),
        ListedUser("1002", None, "example.com", None, None, None, None, None),
    ]
    assert switch.line == "list_users"


async def test_users_can_be_asked_for_by_group_domain_user_and_context() -> None:
    switch = ScriptedApi(HEADING + "\n+OK\n")
    assert await switch.list_users(group="sales team", domain="example.com", user="1001", context="default") == []
    assert switch.line == "list_users group 'sales team' domain example.com user 1001 context default"
    for word in ("", "Domain"):
        with pytest.raises(LocalProtocolError):
            await switch.list_users(user=word)


async def test_a_list_that_is_refused_is_a_failure() -> None:
    with pytest.raises(ApiFailed):
        await ScriptedApi("-USAGE: [group <group>] [domain <domain>] [user <user>] [context <context>]\n").list_users()


async def test_a_group_is_called_by_its_dial_string() -> None:
    switch = ScriptedApi(
        "[dialed_user=1001]user/1001@example.com,user/1002@example.com", "error/NO_ROUTE_DESTINATION", "user/1001"
    )
    assert await switch.group_call("sales", "example.com") == (
        "[dialed_user=1001]user/1001@example.com,user/1002@example.com"
    )
    assert await switch.group_call("nobody", order="one_by_one") is None
    assert await switch.group_call("sales", order="enterprise") == "user/1001"
    assert switch.lines == ["group_call sales@example.com+A", "group_call nobody+F", "group_call sales+E"]
    for group, domain in (("sales+F", ""), ("sales@x", ""), ("sales", "a b"), ("", "")):
        with pytest.raises(LocalProtocolError):
            await switch.group_call(group, domain)
