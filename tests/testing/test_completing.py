"""Applications that a handler may use although they make no difference here, and those of which little is real."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked

LISTED = (
    *("broadcast", "capture", "check_acl", "db", "detect_audio", "eavesdrop", "t38_gateway", "hash", "ivr"),
    *("jitterbuffer", "limit_execute", "limit_hash", "limit_hash_execute", "mkdir", "mutex", "page", "pickup"),
    *("set_zombie_exec", "soft_hold", "stop", "strftime", "three_way", "voicemail", "fifo", "valet_park"),
    *("rxfax", "txfax", "wait_for_answer", "acknowledge_call", "media_reset", "httapi"),
)


@pytest.mark.parametrize("application", LISTED)
async def test_an_application_that_freeswitch_has_completes(phone: FakeFreeSwitch, application: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run(application)
        assert caller.is_up


@pytest.mark.parametrize("application", ["ivr", "pickup", "t38_gateway", "page"])
async def test_one_that_only_completes_is_told_once(phone: FakeFreeSwitch, application: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run(application, "words")
        await socket.run(application, "words")
        assert caller.ladder().count(f"the simulator only lets {application} complete") == 1


async def test_one_that_freeswitch_lacks_ends_the_call(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("mod_nonsense")
        assert await caller.was_hung_up() == "DESTINATION_OUT_OF_ORDER"


# Those of which something is real


async def test_strftime_sets_a_variable() -> None:
    phone = FakeFreeSwitch(date=datetime(2026, 8, 21, 12, 0, tzinfo=UTC))
    async with parked(phone) as (caller, socket):
        await socket.run("strftime", "day=%Y-%m-%d %H")
        assert caller.variables["day"] == "2026-08-21 12"


@pytest.mark.parametrize(
    ("argument", "cause"),
    [
        ("10.1.2.3 10.0.0.0/8", None),
        ("11.1.2.3 10.0.0.0/8", "CALL_REJECTED"),
        ("11.1.2.3 10.0.0.0/8 USER_BUSY", "USER_BUSY"),
        ("192.168.1.1 rfc1918.auto", None),
        ("8.8.8.8 rfc1918.auto", "CALL_REJECTED"),
        ("8.8.8.8", None),
        ("nonsense 10.0.0.0/8", "CALL_REJECTED"),
        ("10.1.2.3 nonsense/8", "CALL_REJECTED"),
        ("8.8.8.8 a-list-of-mine", None),
    ],
)
async def test_check_acl(phone: FakeFreeSwitch, argument: str, cause: str | None) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("check_acl", argument)
        assert caller.hangup_cause == cause
        assert ("only lets check_acl complete" in caller.ladder()) is ("a-list-of-mine" in argument)


@pytest.mark.parametrize("store", ["hash", "db"])
async def test_what_is_kept_can_be_asked_for(phone: FakeFreeSwitch, store: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run(store, "insert/realm/key/a value/of it")
        await socket.run("set", f"found=${{{store}(select/realm/key)}}")
        assert caller.variables["found"] == "a value/of it"
        await socket.run(store, "delete/realm/key")
        await socket.run("set", f"found=${{{store}(select/realm/key)}}")
        assert "found" not in caller.variables


async def test_hash_inserts_if_empty_and_deletes_if_it_matches(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("hash", "insert_ifempty/r/k/1")
        await socket.run("hash", "insert_ifempty/r/k/2")
        assert await socket.api("hash select/r/k") == "1"
        await socket.run("hash", "delete_ifmatch/r/k/2")
        assert await socket.api("hash select/r/k") == "1"
        await socket.run("hash", "delete_ifmatch/r/k/1")
        assert await socket.api("hash select/r/k") == "-ERR no reply\n"


@pytest.mark.parametrize(
    ("commands", "answer"),
    [
        (["hash insert/r/k/v"], "+OK\n"),
        (["hash insert/r/k/v", "hash insert_ifempty/r/k/w"], "-ERR key already exists\n"),
        (["hash insert/r/k/v", "hash delete/r/k"], "+OK\n"),
        (["hash delete/r/k"], "-ERR Not found\n"),
        (["hash insert/r/k/v", "hash delete_ifmatch/r/k/w"], "-ERR Doesn't match\n"),
        (["hash x"], "-ERR Usage: hash insert|insert_ifempty|select|delete|delete_ifmatch/realm/key[/value]\n"),
        (["db insert/r/k/v"], "+OK"),
        (["db insert/r/k/v", "db exists/r/k"], "true"),
        (["db exists/r/k"], "false"),
        (["db delete/r/k"], "+OK"),
        (["db x"], "!err!"),
    ],
)
async def test_what_the_stores_answer(phone: FakeFreeSwitch, commands: list[str], answer: str) -> None:
    async with parked(phone) as (_, socket):
        answers = [await socket.api(command) for command in commands]
        assert answers[-1] == answer


async def test_capture_makes_an_array_of_what_is_found(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("capture", r"arr|sip:1001@example.org|sip:(\d+)@(.*)")
        assert caller.variables["arr"] == "ARRAY::sip:1001@example.org|:1001|:example.org"
        await socket.run("capture", "other|abc|x")
        assert "other" not in caller.variables


async def test_limit_execute_runs_what_it_is_given(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("limit_execute", "hash realm id 5 set a=1 2")
        assert caller.variables["a"] == "1 2"


async def test_broadcast_plays_nested(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("broadcast", "news.wav aleg")
        await caller.hears("news.wav")


@pytest.mark.parametrize("name", ["playback::x.wav", "PLAYBACK::x.wav"])
async def test_a_name_with_an_argument_in_it_is_queued_and_locked(phone: FakeFreeSwitch, name: str) -> None:
    phone.sound("x.wav", 3)
    async with parked(phone) as (caller, socket):
        await socket.execute(name)
        await caller.hears("x.wav")
        await socket.execute("set", "a=1")
        await caller.press("1")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="set")
        told = [each for each in socket.told() if not each.startswith("DTMF")]
        assert told == [
            "EXECUTE playback x.wav",
            "COMPLETE playback FILE PLAYED",
            "EXECUTE set a=1",
            "COMPLETE set _none_",
        ]


async def test_break_all_is_read_in_any_case(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 5)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        await socket.send(
            *(
                f"sendmsg\ncall-command: execute\nexecute-app-name: {name}\nexecute-app-arg: {argument}"
                for name, argument in (("break", "ALL"), ("set", "a=1"))
            )
        )
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="set")
        assert caller.variables["a"] == "1"
