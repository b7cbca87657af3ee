"""What outlives a call: limits and mutexes, and values in the hash and the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import ApiFailed, ApplicationFailed, CallEnded, CallHandler, LocalProtocolError, NotPermitted
from esl_outbound.call.limiting import LimitBackend, LimitUsage
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, OK, REFUSED, ScriptedSwitch, api_response, connect_reply, dial

EVIL = "it's a/b \\ ${system(touch x)} \udce9\n'x' "
QUOTED = "'it\\'s a/b \\\\ ${system(touch x)} \udce9\n\\'x\\' '"
NO_REPLY = "-ERR no reply\n"
TAKEN = "hash gw esl_outbound 2147483647 limit hash gw acme 2147483647"
GIVEN_BACK = "hash gw acme 2147483647 eval released"
LIMIT_VARIABLES = (
    "limit_usage_gw_acme limit_rate_gw_acme limit_usage_gw_esl_outbound limit_rate_gw_esl_outbound"
    " limit_usage limit_rate"
)


async def expect_all(switch: ScriptedSwitch, *executed: tuple[str, str], **headers: str) -> None:
    """Read applications that come in one write, and complete them."""
    uuids = [await switch.expect_execute(application, argument) for application, argument in executed]
    for uuid, (application, _) in zip(uuids, executed, strict=True):
        await switch.send(switch.execute(uuid, application), switch.complete(uuid, application, **headers))


async def refused(*attempts: Callable[[CallHandler], Awaitable[object]]) -> None:
    """See that each raises before anything is sent."""

    class Handler(CallHandler):
        async def run(self) -> None:
            for number, attempt in enumerate(attempts):
                with pytest.raises(LocalProtocolError):
                    await attempt(self)
                    pytest.fail(f"number {number} was not refused")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def asked(run: Callable[[CallHandler], Awaitable[object]], command: str, printed: str) -> object:
    """What a method makes of what an API command prints."""
    results: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            try:
                results.append(await run(self))
            except ApiFailed as exc:
                results.append(exc)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(f"api {command}")
        await switch.send(api_response(printed))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    return results[0]


# The hash and the database


async def test_values_are_kept_as_they_are() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.hash_insert("shop", "order", "1")
            await self.hash_insert("my shop", "a/b", EVIL)
            await self.hash_delete("my shop", "a/b")
            await self.db_insert("shop", "order", EVIL)
            await self.db_delete("shop", "order")

    # The whole is expanded once, so what is in it is escaped once more.
    escaped = QUOTED.replace("\\", "\\\\").replace("$", "\\$")
    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("hash", "insert/shop/order/1"))
        await expect_all(switch, ("hash", f"insert/'my shop'/'a/b'/{escaped}"))
        await expect_all(switch, ("hash", "delete/'my shop'/'a/b'"))
        await expect_all(switch, ("db", f"insert/shop/order/{escaped}"))
        await expect_all(switch, ("db", "delete/shop/order"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    ("printed", "value"),
    [("1", "1"), ("two\nlines\n", "two\nlines\n"), (NO_REPLY, None), ("-ERR of a user", "-ERR of a user")],
)
async def test_a_value_is_given_back_as_it_is(printed: str, value: str | None) -> None:
    assert await asked(lambda call: call.hash_select("shop", "order"), "hash select/shop/order", printed) == value
    assert await asked(lambda call: call.db_select("shop", "a b"), "db select/shop/'a b'", printed) == value


async def test_an_api_command_has_its_line_breaks_escaped() -> None:
    command = "hash insert_ifempty/shop/order/" + QUOTED.replace("\n", "\\n")
    assert await asked(lambda call: call.hash_insert_ifempty("shop", "order", EVIL), command, "+OK\n") is True


@pytest.mark.parametrize(
    ("printed", "expected"),
    [("+OK\n", True), ("-ERR key already exists\n", False), ("-ERR hash Command not found!\n", ApiFailed)],
)
async def test_whether_a_value_was_kept(printed: str, expected: object) -> None:
    found = await asked(lambda call: call.hash_insert_ifempty("a", "b", "c"), "hash insert_ifempty/a/b/c", printed)
    assert found is expected or type(found) is expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("+OK\n", True),
        ("-ERR Not found\n", False),
        ("-ERR Doesn't match\n", False),
        ("-ERR hash Command not found!\n", ApiFailed),
    ],
)
async def test_whether_a_value_was_the_one(printed: str, expected: object) -> None:
    found = await asked(lambda call: call.hash_delete_ifmatch("a", "b", "c"), "hash delete_ifmatch/a/b/c", printed)
    assert found is expected or type(found) is expected


async def test_whether_the_database_keeps_a_value() -> None:
    assert await asked(lambda call: call.db_exists("a", "b"), "db exists/a/b", "true") is True
    assert await asked(lambda call: call.db_exists("a", "b"), "db exists/a/b", "false") is False


async def test_a_missing_module_is_no_value() -> None:
    printed = "-ERR hash Command not found!\n"
    failed = await asked(lambda call: call.hash_select("a", "b"), "hash select/a/b", printed)
    assert str(failed) == "hash failed: -ERR hash Command not found!"
    failed = await asked(lambda call: call.db_select("a", "b"), "db select/a/b", printed.replace("hash", "db"))
    assert str(failed) == "db failed: -ERR db Command not found!"


async def test_what_cannot_be_kept_or_told_apart_is_refused() -> None:
    await refused(
        lambda call: call.hash_insert("a", "b", ""),
        lambda call: call.hash_insert("a", "", "c"),
        lambda call: call.hash_insert("", "b", "c"),
        lambda call: call.hash_insert("a", "b", NO_REPLY),
        lambda call: call.hash_insert("a", "b", "c\0"),
        lambda call: call.hash_insert_ifempty("a", "b", "c\0"),
        lambda call: call.hash_select("a", ""),
        lambda call: call.hash_delete("", "b"),
        lambda call: call.hash_delete_ifmatch("a", "b", ""),
        lambda call: call.db_insert("a", "b", ""),
        lambda call: call.db_insert("a", "b", "ä" * 128),
        lambda call: call.db_insert("a" * 256, "b", "c"),
        lambda call: call.db_select("a", "b" * 256),
        lambda call: call.db_exists("a", ""),
        lambda call: call.db_delete("a", "b" * 256),
        lambda call: call.group_insert("sales", "user/1:_:user/2"),
        lambda call: call.group_insert("", "user/1"),
        lambda call: call.group_delete("sales", "u" * 256),
        lambda call: call.group_members(""),
    )


# Groups


async def test_a_group_has_each_member_once() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.group_insert("sales", "sofia/gateway/acme/1:5060")
            await self.group_delete("the sales", "user/1000")

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(
            switch,
            ("group", "delete:sales:'sofia/gateway/acme/1:5060'"),
            ("group", "insert:sales:'sofia/gateway/acme/1:5060'"),
        )
        await expect_all(switch, ("group", "delete:'the sales':user/1000"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_the_members_of_a_group() -> None:
    async def members(printed: str) -> object:
        return await asked(lambda call: call.group_members("sales"), "group call:sales:multi", printed)

    assert await members("user/1000:_:user/1001,user/1002") == ("user/1000", "user/1001,user/1002")
    assert await members("user/1000") == ("user/1000",)
    assert await members(NO_REPLY) == ()
    assert isinstance(await members("u" * 4092), ApiFailed)  # cut off, perhaps
    assert isinstance(await members("-ERR group Command not found!\n"), ApiFailed)


# Limits


async def test_a_place_is_taken_and_given_back() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.limit("gw", "acme", 2) as limit:
                assert (limit.allowed, limit.usage, limit.rate) == (True, 2, None)
                await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("limit_execute", TAKEN), variable_limit_usage_gw_acme="2")
        await expect_all(switch, ("answer", ""), variable_limit_usage_gw_acme="2")
        await expect_all(switch, ("limit_execute", GIVEN_BACK), ("multiunset", LIMIT_VARIABLES))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_place_too_many_is_given_back_before_the_block() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.limit("gw", "acme", 2) as limit:
                assert (limit.allowed, limit.usage) == (False, 3)
                await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("limit_execute", TAKEN), variable_limit_usage_gw_acme="3")
        await expect_all(switch, ("limit_execute", GIVEN_BACK), ("multiunset", LIMIT_VARIABLES))
        await expect_all(switch, ("answer", ""))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_place_that_the_dialplan_took_is_kept() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.limit("gw", "acme", 2) as limit:
                assert limit.allowed
            async with self.limit("gw", "acme", 1) as limit:
                assert not limit.allowed

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(limit_usage_gw_acme="2"))
        await expect_all(switch, ("limit_execute", TAKEN), variable_limit_usage_gw_acme="2")
        await expect_all(switch, ("limit_execute", TAKEN), variable_limit_usage_gw_acme="2")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_rate_is_limited() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for maximum, allowed in ((5, True), (4, False)):
                async with self.limit("gw", "acme", maximum, interval_seconds=10) as limit:
                    assert (limit.allowed, limit.usage, limit.rate) == (allowed, 1, 5)

    counted = {"variable_limit_usage_gw_acme": "1", "variable_limit_rate_gw_acme": "5"}
    async with dial(Handler) as switch:
        await switch.greet()
        for _ in range(2):
            await expect_all(switch, ("limit_execute", f"{TAKEN}/10"), **counted)
            await expect_all(switch, ("limit_execute", GIVEN_BACK), ("multiunset", LIMIT_VARIABLES))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_the_backend_nobody_is_thrown_out() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed, match="limit has no backend db"):
                async with self.limit("gw", "acme", 2, backend=LimitBackend.DB):
                    raise AssertionError
            await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("limit_execute", TAKEN.replace("hash", "db")))
        await expect_all(switch, ("limit_execute", GIVEN_BACK.replace("hash", "db")), ("multiunset", LIMIT_VARIABLES))
        await expect_all(switch, ("answer", ""))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_place_is_given_back_whatever_happens() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope() as scope:
                async with self.limit("gw", "acme", 2):
                    scope.cancel()
                    await trio.sleep_forever()
            async with self.limit("gw", "acme", 2):
                await self.hangup()

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, ("limit_execute", TAKEN), variable_limit_usage_gw_acme="1")
        await expect_all(switch, ("limit_execute", GIVEN_BACK), ("multiunset", LIMIT_VARIABLES))
        await expect_all(switch, ("limit_execute", TAKEN), variable_limit_usage_gw_acme="1")
        await switch.hang_up_as_told()  # FreeSWITCH gives it back by itself
        await switch.expect_exit()


async def test_a_limit_that_makes_no_sense_is_refused() -> None:
    async def take(call: CallHandler, *args: str | int, **options: float | str) -> None:
        async with call.limit(*args, **options):  # type: ignore[arg-type]
            raise AssertionError

    await refused(
        lambda call: take(call, "gw", "acme", -1),
        lambda call: take(call, "gw", "acme", 1.5),  # type: ignore[arg-type]
        lambda call: take(call, "two words", "acme", 1),
        lambda call: take(call, "gw", "${x}", 1),
        lambda call: take(call, "gw", "", 1),
        lambda call: take(call, "gw", "acme", 1, interval_seconds=-1),
        lambda call: take(call, "gw", "acme", 1, backend="hiredis"),
        lambda call: take(call, "gw", "acme", 1, backend="db", interval_seconds=1),
        lambda call: call.limit_usage("gw", "two words"),
    )


async def test_how_much_a_limit_is_used() -> None:
    async def used(printed: str) -> object:
        return await asked(lambda call: call.limit_usage("gw", "acme"), "limit_usage hash gw acme rate", printed)

    assert await used("3/17") == LimitUsage(3, 17)
    assert isinstance(await used("USAGE: limit_usage <backend> <realm> <id>\n"), ApiFailed)


async def test_three_calls_and_two_places(phone: FakeFreeSwitch) -> None:
    answers: list[bool] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.limit("gw", "acme", 2) as limit:
                answers.append(limit.allowed)
                if limit.allowed:
                    await self.digits.get()
            await self.playback("free.wav" if limit.allowed else "busy.wav")

    async with phone.dial(Handler) as first, phone.dial(Handler) as second:
        await trio.sleep(1)
        async with phone.dial(Handler) as third:
            await third.hears("busy.wav")
            assert await phone.api("limit_usage", "hash gw acme") == "2"
        await first.press("1")
        await first.hears("free.wav")
        await second.hangs_up()
        async with phone.dial(Handler) as fourth:
            await trio.sleep(1)
            await fourth.press("1")
            await fourth.hears("free.wav")
    assert answers == [True, True, False, True]


# Mutexes

MUTEX = "%[mutex_timeout=1000000000]door"
BEFORE = (("multiunset", "mutex_feedback"), ("set", "esl_outbound_mutex=door"))
FREED = (("mutex", "door off"), ("multiunset", "esl_outbound_mutex"))


async def test_a_mutex_is_had_for_a_block_and_only_one_at_a_time() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.mutex("door"):
                with pytest.raises(LocalProtocolError, match="has the mutex door"):
                    async with self.mutex("door"):
                        raise AssertionError
                with pytest.raises(LocalProtocolError, match="can have only one"):
                    async with self.mutex("window"):
                        raise AssertionError
            with pytest.raises(LocalProtocolError):
                async with self.mutex("two words"):
                    raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, *BEFORE, ("mutex", MUTEX), variable_esl_outbound_mutex="door")
        await expect_all(switch, *FREED)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_who_gives_up_waiting_cannot_wait_again(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(2) as scope:
                async with self.mutex("door"):
                    raise AssertionError
            assert scope.cancelled_caught
            with pytest.raises(LocalProtocolError, match="given up its turn for the mutex door"):
                async with self.mutex("door"):
                    raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet()
        uuids = [await switch.expect_execute(*each) for each in (*BEFORE, ("mutex", MUTEX))]
        names = [application for application, _ in (*BEFORE, ("mutex", MUTEX))]
        await switch.send(*(switch.execute(uuid, name) for uuid, name in zip(uuids, names, strict=True)))
        await switch.send(*(switch.complete(uuid, name) for uuid, name in zip(uuids[:2], names, strict=False)))
        await switch.expect(f"api uuid_break {CHANNEL}")
        await switch.send(api_response("+OK\n"), switch.complete(uuids[2], "mutex"))
        await expect_all(
            switch,
            *FREED,
            ("set", "esl_outbound_mutex_given_up_door=true"),
            variable_esl_outbound_mutex_given_up_door="true",
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_call_that_ends_in_a_mutex_ends_quietly() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallEnded):
                async with self.mutex("door"):
                    await self.hangup()
                    await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, *BEFORE, ("mutex", MUTEX))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_calls_take_turns(phone: FakeFreeSwitch) -> None:
    story: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            who = self.caller_id_number
            async with self.mutex("door"):
                story.append(f"{who} in")
                await self.digits.get()
                story.append(f"{who} out")
            await self.playback("bye.wav")

    async with phone.dial(Handler, caller_id="1") as first:
        await trio.sleep(1)
        async with phone.dial(Handler, caller_id="2") as second:
            await trio.sleep(1)
            async with phone.dial(Handler, caller_id="3") as third:
                await trio.sleep(1)
                assert story == ["1 in"]
                await first.press("1")
                await first.hears("bye.wav")
                await trio.sleep(1)
                assert story == ["1 in", "1 out", "2 in"]
                await second.hangs_up()
                await trio.sleep(1)
                assert story[-1] == "3 in"
                await third.press("1")
                await third.hears("bye.wav")


async def test_who_gives_up_lets_the_next_one_have_its_turn(phone: FakeFreeSwitch) -> None:
    story: list[str] = []

    class Patient(CallHandler):
        async def run(self) -> None:
            async with self.mutex("door"):
                story.append(self.caller_id_number)
                await self.digits.get()

    class Impatient(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(2):
                async with self.mutex("door"):
                    raise AssertionError
            story.append("gave up")
            await self.playback("sorry.wav")
            await self.digits.get()

    async with phone.dial(Patient, caller_id="1") as first:
        await trio.sleep(1)
        async with phone.dial(Impatient) as second, phone.dial(Patient, caller_id="3"):
            await second.hears("sorry.wav")
            await first.press("1")
            await trio.sleep(1)
            assert story == ["1", "gave up", "3"]


# Keeping, with a simulated switch


async def test_what_one_call_keeps_the_next_one_finds(phone: FakeFreeSwitch) -> None:
    class First(CallHandler):
        async def run(self) -> None:
            await self.hash_insert("shop", "a/b", EVIL)
            assert await self.hash_insert_ifempty("shop", "new", EVIL)
            assert not await self.hash_insert_ifempty("shop", "new", "other")
            await self.db_insert("shop", "a'b", EVIL)
            await self.group_insert("sales", "user/1000")
            await self.group_insert("sales", "user/1001")
            await self.group_insert("sales", "user/1000")

    class Second(CallHandler):
        async def run(self) -> None:
            assert await self.hash_select("shop", "a/b") == EVIL
            assert await self.hash_select("shop", "new") == EVIL
            assert await self.hash_select("shop", "nothing") is None
            assert not await self.hash_delete_ifmatch("shop", "new", "other")
            assert await self.hash_delete_ifmatch("shop", "new", EVIL)
            await self.hash_delete("shop", "a/b")
            assert await self.hash_select("shop", "a/b") is None
            assert await self.db_exists("shop", "a'b")
            assert await self.db_select("shop", "a'b") == EVIL
            await self.db_delete("shop", "a'b")
            assert not await self.db_exists("shop", "a'b")
            assert await self.group_members("sales") == ("user/1001", "user/1000")
            await self.group_delete("sales", "user/1001")
            assert await self.group_members("sales") == ("user/1000",)
            assert await self.group_members("nobody") == ()

    for handler in (First, Second):
        async with phone.dial(handler) as caller:
            await caller.was_hung_up()
        assert caller.programs == []


async def test_without_full_values_can_be_kept_and_not_asked_for() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.hash_insert("a", "b", "c")
            for attempt in (
                self.hash_select("a", "b"),
                self.db_exists("a", "b"),
                self.group_members("a"),
                self.limit_usage("a", "b"),
            ):
                with pytest.raises(NotPermitted):
                    await attempt

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), OK + REFUSED + REFUSED)
        await expect_all(switch, ("hash", "insert/a/b/c"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_place_in_the_database_is_asked_for_once() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError, match="has a place of gw acme already"):
                async with self.limit("gw", "acme", 2, backend=LimitBackend.DB):
                    pytest.fail("it was counted twice")

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(limit_usage_gw_acme="1"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
