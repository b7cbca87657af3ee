"""Variables: setting, expanding, encoding, and those that hold for one application."""

from __future__ import annotations

import json

import pytest

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked, variables

UNDEFINED = "-ERR command not found"


async def after(phone: FakeFreeSwitch, *executed: str) -> dict[str, str]:
    """The channel's variables after these applications, each ``application argument``."""
    async with parked(phone) as (caller, socket):
        for each in executed:
            application, _, argument = each.partition(" ")
            await socket.run(application, argument)
        return dict(caller.variables)


# Setting


@pytest.mark.parametrize(
    ("executed", "name", "value"),
    [
        (["set a=it's  'quoted'  text "], "a", "it's  'quoted'  text "),
        (["set a=1", "set a="], "a", None),
        (["set a=1", "unset a"], "a", None),
        (["set A=1", "set a=2"], "a", "2"),
        (["set a=b=c"], "a", "b=c"),
        (["multiset a=1 b=2"], "b", "2"),
        (["multiset ^^;a=1 x;b=2"], "a", "1 x"),
        (["multiset ^^\x1ea=1;x\x1eb=2"], "a", "1;x"),
        (["multiset ^^;a='1 x';b=2"], "a", "1 x"),
        (["multiset ^^;a=1\\;x;b=2"], "a", "1;x"),
        (["multiset a=1 b=2", "multiunset a b"], "b", None),
        (["push a=one"], "a", "one"),
        (["push a=one", "push a=two, three"], "a", "ARRAY::one|:two, three"),
        (["push a=one", "unshift a=zero"], "a", "ARRAY::zero|:one"),
        (["export x=1"], "export_vars", "x"),
        (["export nolocal:x=1", "export y=2"], "export_vars", "nolocal:x,y"),
        (["export nolocal:x=1"], "nolocal:x", "1"),
        (["export nolocal:x=1"], "x", None),
    ],
)
async def test_setting(phone: FakeFreeSwitch, executed: list[str], name: str, value: str | None) -> None:
    assert (await after(phone, *executed)).get(name) == value


async def test_global_variables(phone: FakeFreeSwitch) -> None:
    phone.global_variables["company"] = "ACME"
    found = await after(phone, "set a=$${company}", "set_global town=Bonn", "set b=$${town} ${town}")
    assert (found["a"], found["b"]) == ("ACME", "Bonn Bonn")
    assert phone.global_variables["town"] == "Bonn"


async def test_the_callers_fields_are_variables_too(phone: FakeFreeSwitch) -> None:
    async with parked(phone, caller_id="2000", caller_id_name="Ada", number="1000") as (_, socket):
        assert await socket.ask("getvar caller_id_number") == "2000"
        assert await socket.ask("getvar caller_id_name") == "Ada"
        assert await socket.ask("getvar destination_number") == "1000"


# getvar, and what events show


async def test_getvar_gives_the_bare_value_and_refuses_what_is_not_set(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "a=  two blanks, 100% a+b")
        assert await socket.ask("getvar a") == "  two blanks, 100% a+b"
        assert await socket.ask("getvar nothing") == UNDEFINED
        assert await socket.ask("getvar") == UNDEFINED
        assert await socket.ask("getvar  a") == UNDEFINED
        assert await socket.ask("GETVAR a") == "  two blanks, 100% a+b"
        assert await socket.ask("getvariable a") == "  two blanks, 100% a+b"


async def test_getvar_is_cut_at_511_bytes_and_uuid_getvar_is_not(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "a=" + "x" * 20000)
        assert await socket.ask("getvar a") == "x" * 511
        assert await socket.api(f"uuid_getvar {caller.channel_uuid} a") == "x" * 20000


async def test_a_value_with_newlines_breaks_the_framing_of_getvar(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.stream.send_all(
            b"sendmsg\ncall-command: execute\nexecute-app-name: set\n"
            b"content-type: text/plain\ncontent-length: 24\n\na=1\nContent-Length: 3\n\nx"
        )
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        await socket.send("getvar a")
        frame = await socket.reply_frame()
        assert frame["Reply-Text"] == "1"
        assert frame["Content-Length"] == "3"
        assert frame.body == "x\n\n"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (
            "".join(map(chr, range(32, 127))),
            "%20!%22%23$%25%26'()*%2B,-./0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ"
            "%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~",
        ),
        ("caf\udce9", "caf%E9"),
        ("caf\u00e9", "caf%C3%A9"),
        ("a+b", "a%2Bb"),
        ("100% a b", "100%25%20a%20b"),
        ("100%25 a%20b", "100%25%20a%20b"),
        ("Z%C3%A4 100% ab=c;d", "Z%C3%A4%20100%25%20ab%3Dc%3Bd"),
    ],
)
async def test_values_are_encoded_in_plain_events(phone: FakeFreeSwitch, value: str, encoded: str) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "app_disable_expand_variables=true")
        complete = await socket.run("set", f"a={value}")
        assert f"\nvariable_a: {encoded}\n".encode() in complete.raw


async def test_arrays_in_plain_json_and_xml(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        first = await socket.run("push", "arr=one")
        assert b"\nvariable_arr: one\n" in first.raw
        second = await socket.run("push", "arr=two, three")
        assert b"\nvariable_arr: ARRAY%3A%3Aone%7C%3Atwo,%20three\n" in second.raw
        assert await socket.ask("getvar arr") == "ARRAY::one|:two, three"
        await socket.ask("event json CHANNEL_EXECUTE")
        await socket.execute("set", "x=1")
        await socket.listen(0.03)
        body = json.loads(socket.frames[-1].body)
        assert body["variable_arr"] == ["one", "two, three"]
        await socket.ask("event xml CHANNEL_EXECUTE")
        await socket.execute("set", "x=2")
        await socket.listen(0.03)
        xml = socket.frames[-1].body
        assert "<variable_arr>one</variable_arr>\n    <variable_arr>two,%20three</variable_arr>" in xml


async def test_json_values_are_not_encoded_and_control_characters_are_escaped(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "a=100%25 a%20b\t\x01\u00e4")
        await socket.ask("event json CHANNEL_EXECUTE")
        await socket.execute("set", "b=1")
        await socket.listen(0.03)
        frame = socket.frames[-1]
        assert b'"variable_a":"100%25 a%20b\\t\\u0001\xc3\xa4"' in frame.raw
        assert not frame.raw.endswith(b"\n")


async def test_xml_values_are_encoded(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "a=x y<z>")
        await socket.ask("event xml CHANNEL_EXECUTE")
        await socket.execute("set", "b=1")
        await socket.listen(0.03)
        body = socket.frames[-1].body
        assert body.startswith("<event>\n  <headers>\n    <Event-Name>CHANNEL_EXECUTE")
        assert "\n    <variable_a>x%20y%3Cz%3E</variable_a>\n" in body
        assert body.endswith("  </headers>\n</event>\n")


# Expansion


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("a=${who} is here", "Ada is here"),
        ("a=$${domain}", "127.0.0.1"),
        ("a=${toupper(abc)}", "ABC"),
        ("a=${unknown}.", "."),
        ("a=it\\'s", "its"),
        ("a=one \\d two", "one \\d two"),
        ("a=\\\\", "\\"),
        ("a=\\\\\\${who}", "${who}"),
        ("a=\\\\\\\\\\\\\\${who}", "\\${who}"),
        ("a=$5 and $who", "$5 and $who"),
        ("a=${indirect}", "Ada"),
    ],
)
async def test_set_expands_its_argument_and_the_value_again(phone: FakeFreeSwitch, argument: str, value: str) -> None:
    async with parked(phone, variables={"who": "Ada", "indirect": "${who}"}) as (caller, socket):
        await socket.run("set", argument)
        assert caller.variables.get("a") == value


@pytest.mark.parametrize("application", ["export", "log", "eval", "set_global", "playback", "bridge_export"])
async def test_others_expand_their_argument_once(phone: FakeFreeSwitch, application: str) -> None:
    async with parked(phone, variables={"who": "Ada"}) as (_, socket):
        complete = await socket.run(application, "a=\\${who}")
        assert complete["Application-Data"] == "a=${who}"


@pytest.mark.parametrize("application", ["set", "multiset", "push", "unshift"])
async def test_these_expand_their_value_a_second_time(phone: FakeFreeSwitch, application: str) -> None:
    async with parked(phone, variables={"who": "Ada"}) as (caller, socket):
        complete = await socket.run(application, "a=\\${who}")
        assert complete["Application-Data"] == "a=${who}"
        assert caller.variables["a"] == "Ada"


async def test_an_argument_runs_api_commands_and_the_callers_name_may_be_one(phone: FakeFreeSwitch) -> None:
    async with parked(phone, caller_id_name="${system(touch x)}") as (caller, socket):
        await socket.run("set", "greeting=hello ${caller_id_name}")
        assert caller.programs == ["touch x"]


async def test_application_data_shows_the_expanded_argument_in_both_events(phone: FakeFreeSwitch) -> None:
    async with parked(phone, variables={"who": "Ada"}) as (_, socket):
        await socket.run("log", "INFO ${who}")
        assert [event["Application-Data"] for event in socket.events] == ["INFO Ada", "INFO Ada"]


async def test_app_disable_expand_variables_turns_it_off_for_all_that_follow(phone: FakeFreeSwitch) -> None:
    async with parked(phone, after=["set b=${who}"], variables={"who": "Ada"}) as (caller, socket):
        await socket.run("set", "app_disable_expand_variables=true")
        complete = await socket.run("log", "INFO ${who}")
        assert complete["Application-Data"] == "INFO ${who}"
        await socket.ask("exit")
        run = await caller.sees_run("set", "b=*")
        assert run.argument == "b=${who}"


# Variables for one application


async def test_a_scoped_variable_holds_for_one_application(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        complete = await socket.run("playback", "%[playback_terminators=none,a=1]a.wav")
        assert complete["Application-Data"] == "a.wav"
        assert complete["scope_variable_a"] == "1"
        assert await socket.ask("getvar a") == UNDEFINED
        assert "a" not in caller.variables
        assert "scope_variable_a" not in (await socket.run("set", "b=1")).headers


async def test_a_scoped_variable_may_have_a_delimiter_of_its_own(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        complete = await socket.run("log", "%;[a=1,2;b=3]INFO x")
        assert (complete["scope_variable_a"], complete["scope_variable_b"]) == ("1,2", "3")


# Text from outside


async def test_variables_of_the_call_are_there_from_the_start(phone: FakeFreeSwitch) -> None:
    async with parked(phone, variables={"sip_h_X-Campaign": "spring sale"}) as (_, socket):
        assert await socket.ask("getvar sip_h_X-Campaign") == "spring sale"
        complete = await socket.run("set", "a=1")
        assert variables(complete)["sip_h_X-Campaign"] == "spring sale"


async def test_a_nolocal_export_makes_a_header_with_a_colon_in_its_name(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        complete = await socket.run("export", "nolocal:x=1")
        assert b"\nvariable_nolocal:x: 1\n" in complete.raw
        assert b"\nvariable_export_vars: nolocal%3Ax\n" in complete.raw


async def test_the_bytes_of_a_value_survive_whatever_they_are(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.stream.send_all(
            b"sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=\xff\xfe\xe9\n\n"
        )
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert b"\nvariable_a: %FF%FE%E9\n" in complete.raw


@pytest.mark.parametrize(
    ("executions", "exported", "for_bridges"),
    [
        ([("export", "a=1"), ("export", "a=1")], "a,a", None),
        ([("export", "a=1"), ("export", "a=")], "a", None),
        ([("export", "a=")], None, None),
        ([("export", "")], None, None),
        ([("bridge_export", "a=1"), ("export", "b=1"), ("bridge_export", "c=1")], "b", "a,c"),
        ([("export", "nolocal:a=1"), ("export", "_nolocal_b=1")], "nolocal:a,_nolocal_b", None),
    ],
)
async def test_what_is_exported_is_listed(
    phone: FakeFreeSwitch, executions: list[tuple[str, str]], exported: str | None, for_bridges: str | None
) -> None:
    async with parked(phone) as (caller, socket):
        for application, argument in executions:
            await socket.run(application, argument)
        assert caller.variables.get("export_vars") == exported
        assert caller.variables.get("bridge_export_vars") == for_bridges


async def test_the_far_end_has_what_is_exported_without_the_prefix(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        for application, argument in (
            ("export", "a=1"),
            ("export", "nolocal:b=2"),
            ("export", "_nolocal_c=3"),
            ("bridge_export", "d=4"),
        ):
            await socket.run(application, argument)
        await socket.execute("bridge", "user/1001")
        callee = await caller.is_bridged_to("user/1001")
        assert [callee.variables.get(name) for name in "abcd"] == ["1", "2", "3", "4"]


async def test_an_item_of_an_array_is_asked_for_by_its_index(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        uuid = caller.channel_uuid
        await socket.run("push", "arr=one")
        await socket.run("push", "arr=two")
        assert await socket.api(f"uuid_getvar {uuid} arr[0]") == "one"
        assert await socket.api(f"uuid_getvar {uuid} arr[1]") == "two"
        assert await socket.api(f"uuid_getvar {uuid} arr[9]") == "_undef_"
        assert await socket.api(f"uuid_getvar {uuid} arr") == "ARRAY::one|:two"
