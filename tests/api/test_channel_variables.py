"""What is known of a channel: its variables, and all its data."""

from __future__ import annotations

import pytest

from esl_outbound import CallHandler, NoSuchChannel, RemoteProtocolError
from esl_outbound.testing import FakeFreeSwitch
from esl_outbound.testing.expansion import separate

from .recording import GONE, Call, Case, Channels, check_failure, check_gone, check_refusal, check_success

HOSTILE = 'it\'s "${system(reboot)}" \\n a;b=c|d ^^,\nsecond line\\'

SUCCESSES = [
    Case(lambda a: a.uuid_getvar("U", "x"), "uuid_getvar U x", "a value", "a value"),
    Case(lambda a: a.uuid_getvar("U", "x"), "uuid_getvar U x", "_undef_", None),
    Case(lambda a: a.uuid_getvar("U", "x"), "uuid_getvar U x", "", ""),
    Case(lambda a: a.uuid_getvar("U", "x"), "uuid_getvar U x", " blanks \n", " blanks \n"),
    # What somebody set is no failure, whatever it looks like.
    Case(lambda a: a.uuid_getvar("U", "x"), "uuid_getvar U x", "-ERR No such channel!", "-ERR No such channel!"),
    Case(lambda a: a.uuid_getvar("U", "x"), "uuid_getvar U x", "-USAGE: none\n", "-USAGE: none\n"),
    Case(lambda a: a.uuid_getvar("U", "x"), "uuid_getvar U x", "caf\udce9", "caf\udce9"),
    Case(lambda a: a.uuid_getvar("U", "x", index=2), "uuid_getvar U 'x[2]'", "c", "c"),
    Case(lambda a: a.uuid_getvar("U", "nolocal:x"), "uuid_getvar U nolocal:x", "1", "1"),
    Case(lambda a: a.uuid_setvar("U", "x", "1"), "uuid_setvar U x 1"),
    Case(lambda a: a.uuid_setvar("U", "x", "ARRAY::a|:b"), "uuid_setvar U x 'ARRAY::a|:b'"),
    Case(lambda a: a.uuid_setvar("U", "x", " ${y} "), "uuid_setvar U x ' ${y} '"),
    Case(lambda a: a.uuid_setvar("U", "x", "a\r\nb"), r"uuid_setvar U x 'a\r\nb'"),
    Case(lambda a: a.uuid_setvar("U", "x", ""), "uuid_setvar U x"),
    Case(lambda a: a.uuid_setvar("U", "x", None), "uuid_setvar U x"),
    Case(
        lambda a: a.uuid_setvar_multi("U", {"a": "1", "b": "x; y", "c": None, "d": ""}),
        "uuid_setvar_multi U a=1;'b=x; y';c=;d=",
    ),
]


@pytest.mark.parametrize("case", SUCCESSES, ids=lambda case: ascii(case.line + case.printed))
async def test_a_command_is_said_and_its_answer_is_a_value(case: Case) -> None:
    await check_success(case)


@pytest.mark.parametrize(
    ("printed", "call"),
    [
        (GONE, lambda a: a.uuid_getvar("U", "x")),
        (GONE, lambda a: a.uuid_setvar("U", "x", "1")),
        (
            f"{GONE}-USAGE: <uuid> <var>=<value>;<var>=<value>...\n",
            lambda a: a.uuid_setvar_multi("U", {"x": "1"}),
        ),
        (GONE, lambda a: a.uuid_dump("U")),
    ],
)
async def test_a_channel_that_there_is_not_is_known_by_what_is_printed(printed: str, call: Call) -> None:
    await check_gone(call, printed, asks=False)


@pytest.mark.parametrize(
    ("printed", "call"),
    [
        ("-ERR uuid_getvar Command not found!\n", lambda a: a.uuid_getvar("U", "x")),
        ("-ERR No variable specified\n", lambda a: a.uuid_setvar("U", "x", "1")),
        ("-USAGE: <uuid> <var> [value]\n", lambda a: a.uuid_setvar("U", "x", "1")),
        (
            "-ERR No variable specified\n-USAGE: <uuid> <var>=<value>;<var>=<value>...\n",
            lambda a: a.uuid_setvar_multi("U", {"x": "1"}),
        ),
        ("-ERR no reply\n", lambda a: a.uuid_setvar_multi("U", {"x": "1"})),
        ("-ERR Allocation error\n", lambda a: a.uuid_dump("U")),
        ("-ERR Unable to create xml!\n", lambda a: a.uuid_dump("U")),
    ],
)
async def test_whatever_else_is_no_success_is_a_failure(printed: str, call: Call) -> None:
    await check_failure(call, printed)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("'' cannot be a variable's name", lambda a: a.uuid_getvar("U", "")),
        ("'a b' cannot be a variable's name", lambda a: a.uuid_getvar("U", "a b")),
        ("cannot be a variable's name", lambda a: a.uuid_getvar("U", "x[0]")),
        ("index is -1", lambda a: a.uuid_getvar("U", "x", index=-1)),
        ("cannot be a variable's name", lambda a: a.uuid_setvar("U", "x=1", "2")),
        ("takes for an array", lambda a: a.uuid_setvar("U", "x", "ARRAY::a")),
        ("there are 0 variables", lambda a: a.uuid_setvar_multi("U", {})),
        ("there are 65 variables", lambda a: a.uuid_setvar_multi("U", {f"x{n}": "1" for n in range(65)})),
        ("cannot be a variable's name", lambda a: a.uuid_setvar_multi("U", {"a;b": "1"})),
        ("a is '\\$\\{b\\}'", lambda a: a.uuid_setvar_multi("U", {"a": "${b}"})),
        ("takes for an array", lambda a: a.uuid_setvar_multi("U", {"a": "ARRAY::b"})),
        ("channel_uuid is 'U json'", lambda a: a.uuid_dump("U json")),
        ("channel_uuid is", lambda a: a.uuid_setvar("U x 1 ", "a", "b")),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(message: str, call: Call) -> None:
    await check_refusal(call, message)


async def test_a_value_arrives_as_it_is() -> None:
    api = Channels("+OK\n")
    await api.uuid_setvar("U", "x", HOSTILE)
    assert separate(api.lines[0].removeprefix("uuid_setvar "), limit=3) == ["U", "x", HOSTILE]
    assert "\n" not in api.lines[0]


async def test_several_values_arrive_as_they_are() -> None:
    values = {"^^": "1", "b": HOSTILE.replace("${", "$("), "c": " blanks ", "d": "=;'"}
    api = Channels("+OK\n")
    await api.uuid_setvar_multi("U", values)
    assert "\n" not in api.lines[0]
    pairs = separate(api.lines[0].removeprefix("uuid_setvar_multi U "), ";", 64)
    assert dict(pair.split("=", 1) for pair in pairs) == values


DUMP = (
    '{"Event-Name":"CHANNEL_DATA","Core-UUID":"c0","Channel-State":"CS_EXECUTE","Unique-ID":"U",'
    '"variable_x":"100%25 a%20b","variable_list":["one","two, three"],"variable_one":"only","variable_t":"a\\tb"}'
)


async def test_a_dump_has_the_true_values() -> None:
    api = Channels(DUMP)
    data = await api.uuid_dump("U")
    assert api.lines == ["uuid_dump U json"]
    assert data.name == "CHANNEL_DATA"
    assert data["channel-state"] == "CS_EXECUTE"
    assert dict(data.variables) == {
        "x": "100%25 a%20b",
        "list": "ARRAY::one|:two, three",
        "one": "only",
        "t": "a\tb",
    }
    assert data.variables.get_array("list") == ["one", "two, three"]
    assert list(data.headers)[:2] == ["Event-Name", "Core-UUID"]


async def test_a_dump_keeps_bytes_that_are_no_text() -> None:
    data = await Channels('{"Event-Name":"CHANNEL_DATA","variable_x":"caf\udce9"}').uuid_dump("U")
    assert data.variables["x"] == "caf\udce9"


@pytest.mark.parametrize("printed", ["Event-Name: CHANNEL_DATA\n", "[]", '{"a":1}', '{"a":"\ud800"}', "+OK\n"])
async def test_a_dump_that_is_no_json_is_found_at_once(printed: str) -> None:
    with pytest.raises(RemoteProtocolError):
        await Channels(printed).uuid_dump("U")


async def test_a_handler_asks_and_sets_and_ends_by_uuid(phone: FakeFreeSwitch) -> None:
    seen: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            switch, me = self.freeswitch, self.channel_uuid
            seen.append(await switch.uuid_exists(me))
            seen.append(await switch.uuid_exists("nobody"))
            await switch.uuid_setvar(me, "note", HOSTILE)
            seen.append(await switch.uuid_getvar(me, "note"))
            await switch.uuid_setvar_multi(me, {"a": "x; y", "note": None})
            seen.append(await switch.uuid_getvar(me, "note"))
            seen.append(await switch.uuid_getvar(me, "a"))
            await switch.uuid_setvar(me, "percent", "100%41")
            data = await switch.uuid_dump(me)
            seen.append((data["Unique-ID"] == me, data.variables["percent"], data.variables["a"]))
            for gone in (switch.uuid_kill, switch.uuid_answer, switch.uuid_hold, switch.uuid_dump, switch.uuid_media):
                with pytest.raises(NoSuchChannel):
                    await gone("nobody")
            await switch.uuid_answer(me)
            await switch.uuid_hold(me)
            await switch.uuid_hold(me, off=True)
            await switch.uuid_kill(me, "USER_BUSY")

    async with phone.dial(Handler) as caller:
        await caller.was_hung_up("USER_BUSY")
    assert seen == [True, False, HOSTILE, None, "x; y", (True, "100%41", "x; y")]
