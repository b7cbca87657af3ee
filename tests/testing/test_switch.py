"""``FakeFreeSwitch``: what takes its calls, what there is on it, and what is done to it."""

from __future__ import annotations

import logging
import socket
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import attrs
import pytest
import trio
import trio.testing

from esl_outbound import Call, CallHandler, CallRecord, CallTransferred, FileNotPlayed, serve
from esl_outbound.handler import HandlerSource
from esl_outbound.testing import (
    CallFailed,
    FakeFreeSwitch,
    Faults,
    HandlerFailed,
    Moment,
    Session,
    Who,
    Woken,
)


class Plays(CallHandler):
    def __init__(self, file: str = "tape.wav") -> None:
        self.file = file

    async def run(self) -> None:
        await self.playback(self.file)


class Waits(CallHandler):
    """Waits for the caller to go."""

    async def run(self) -> None:
        await trio.sleep_forever()


class Leaves(CallHandler):
    """Plays, and lets the dialplan go on."""

    async def run(self) -> None:
        await self.playback("ours.wav")
        await self.continue_dialplan()


def chosen(call: Call) -> CallHandler:
    return Plays(f"{call.destination_number}.wav")


async def speaks(stream: trio.abc.Stream, *, file: str = "tape.wav") -> None:
    """A program that speaks the event socket itself."""
    await stream.send_all(
        b"connect\n\nsendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: %s\n\n"
        % file.encode()
    )
    while await stream.receive_some():
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast("int", probe.getsockname()[1])


# What takes a call


@pytest.mark.parametrize(
    ("target", "sound"),
    [
        (Plays, "tape.wav"),
        (partial(Plays, "partial.wav"), "partial.wav"),
        (Plays().__class__, "tape.wav"),
        (lambda: Plays("made.wav"), "made.wav"),
        (chosen, "5000.wav"),
        (partial(chosen), "5000.wav"),
        (speaks, "tape.wav"),
        (partial(speaks, file="partial.wav"), "partial.wav"),
    ],
)
async def test_a_call_is_taken_by_whatever_serve_takes_and_by_a_program_of_its_own(
    phone: FakeFreeSwitch, target: HandlerSource, sound: str
) -> None:
    async with phone.dial(target) as caller:
        await caller.hears(sound)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Plays(), "serve Plays, the class, and not an instance of it: every call gets its own"),
        (CallHandler, None),
        (3, "3 is no handler class, and makes none"),
    ],
)
async def test_what_takes_no_calls_is_refused(phone: FakeFreeSwitch, target: HandlerSource, message: str) -> None:
    if message is None:
        with pytest.raises(HandlerFailed, match=r"raised NotImplementedError\('CallHandler does not say what to do"):
            async with phone.dial(target):
                await trio.sleep(1)
        return
    with pytest.raises(TypeError) as failed:
        async with phone.dial(target):
            await trio.sleep(1)
    assert str(failed.value) == message


async def test_a_handler_knows_who_calls(phone: FakeFreeSwitch) -> None:
    seen: list[tuple[object, ...]] = []

    class Looks(CallHandler):
        async def run(self) -> None:
            seen.append((self.destination_number, self.caller_id_number, self.caller_id_name, self.context))
            seen.append((self.socket_path, await self.get_variable("x"), self.is_async, self.is_full))

    dialled = phone.dial(
        Looks,
        number="1000",
        caller_id="2000",
        caller_id_name="Ada L.",
        context="public",
        variables={"x": "y z"},
        path="ivr/menu?a=1",
    )
    async with dialled as caller:
        await caller.was_hung_up()
    assert seen == [("1000", "2000", "Ada L.", "public"), ("ivr/menu?a=1", "y z", True, True)]


@pytest.mark.parametrize(
    ("mode", "flags"),
    [("async full", (True, True)), ("async", (True, False)), ("full", (False, True)), ("", (False,) * 2)],
)
async def test_calls_come_in_all_four_modes(phone: FakeFreeSwitch, mode: str, flags: tuple[bool, bool]) -> None:
    seen: list[tuple[bool, bool]] = []

    class Looks(Plays):
        async def run(self) -> None:
            seen.append((self.is_async, self.is_full))
            await super().run()

    async with phone.dial(Looks, mode=mode) as caller:
        await caller.hears("tape.wav", to_the_end=True)
        await caller.was_hung_up("NORMAL_CLEARING")
    assert seen == [flags]


# The dialplan


async def test_the_dialplan_goes_on_where_the_handler_leaves_it(phone: FakeFreeSwitch) -> None:
    before = ["answer", "set x=1", "playback before.wav"]
    async with phone.dial(Leaves, before=before, after=["playback after.wav", "hangup USER_BUSY"]) as caller:
        await caller.hears("before.wav")
        await caller.hears("ours.wav")
        await caller.hears("after.wav")
        await caller.was_hung_up("USER_BUSY")
    assert caller.variables["x"] == "1"


async def test_a_dialplan_without_more_actions_hangs_up(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Leaves) as caller:
        await caller.was_hung_up("NORMAL_CLEARING")


async def test_a_handler_transfers_a_call_to_an_extension(phone: FakeFreeSwitch) -> None:
    class Transfers(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallTransferred):
                await self.execute("transfer", "9000")
                await self.playback("never.wav")

    phone.extension("9000", ["answer", "playback there.wav", "hangup CALL_REJECTED"])
    async with phone.dial(Transfers) as caller:
        await caller.hears("there.wav")
        await caller.was_hung_up("CALL_REJECTED")


async def test_an_extension_belongs_to_its_context(phone: FakeFreeSwitch) -> None:
    class Transfers(CallHandler):
        async def run(self) -> None:
            await self.execute("transfer", "9000 XML inside")

    phone.extension("9000", ["playback outside.wav"])
    phone.extension("9000", ["playback inside.wav"], context="inside")
    async with phone.dial(Transfers) as caller:
        await caller.hears("inside.wav")


async def test_an_extension_that_is_not_there_ends_the_call(phone: FakeFreeSwitch) -> None:
    class Transfers(CallHandler):
        async def run(self) -> None:
            await self.execute("transfer", "9000")

    async with phone.dial(Transfers) as caller:
        await caller.was_hung_up("NO_ROUTE_DESTINATION")


async def test_a_call_goes_from_one_server_to_another(phone: FakeFreeSwitch) -> None:
    records: list[CallRecord] = []

    class First(CallHandler):
        async def run(self) -> None:
            await self.playback("first.wav")
            await self.execute("transfer", "9000")

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    class Second(CallHandler):
        async def run(self) -> None:
            await self.playback(f"{self.destination_number}-second.wav")

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    phone.extension("9000", ["socket 192.0.2.7:9999 async full"])
    phone.listens("192.0.2.7:9999", Second)
    async with phone.dial(First) as caller:
        await caller.hears("first.wav")
        await caller.hears("9000-second.wav", to_the_end=True)
        await caller.was_hung_up()
    assert sorted(record.ending.name for record in records) == ["HUNG_UP", "TRANSFERRED"]


async def test_a_program_that_speaks_the_socket_can_listen(phone: FakeFreeSwitch) -> None:
    phone.listens("192.0.2.7:9999", partial(speaks, file="raw.wav"))
    async with phone.dial("192.0.2.7:9999") as caller:
        await caller.hears("raw.wav")


# Failover


async def test_the_first_host_that_is_there_has_the_call(phone: FakeFreeSwitch) -> None:
    phone.refuses("192.0.2.1:8084")
    phone.refuses("192.0.2.2:8085")
    phone.listens("192.0.2.3:8086", Plays)
    async with phone.dial("192.0.2.1:8084|192.0.2.2:8085|192.0.2.3:8086|192.0.2.4:8087", path="menu") as caller:
        await caller.hears("tape.wav")
    assert caller.variables["socket_host"] == "192.0.2.3"
    assert caller.variables["socket_path"] == "menu"
    assert caller.ladder().splitlines()[1:3] == [
        "     0.000      switch  192.0.2.1:8084 does not take the call: Connection refused",
        "     0.000      switch  192.0.2.2:8085 does not take the call: Connection refused",
    ]


async def test_a_call_that_nobody_takes_goes_on_in_the_dialplan(phone: FakeFreeSwitch) -> None:
    phone.refuses("192.0.2.1:8084")
    async with phone.dial("192.0.2.1:8084", after=["playback closed.wav"]) as caller:
        await caller.hears("closed.wav", to_the_end=True)
        await caller.was_hung_up("NORMAL_CLEARING")


async def test_a_handler_can_be_made_to_refuse(phone: FakeFreeSwitch) -> None:
    phone.refuses("127.0.0.1:8084")
    async with phone.dial(Plays, after=["hangup USER_BUSY"]) as caller:
        await caller.was_hung_up("USER_BUSY")


# Over the network, in real time


@pytest.mark.trio(run=trio.run)
async def test_a_server_is_called_over_the_network(phone: FakeFreeSwitch) -> None:
    phone.sound("tape.wav", seconds=0.05)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(serve, Plays, port=0))
        port = listeners[0].socket.getsockname()[1]
        async with phone.dial(f"127.0.0.1:{free_port()}|127.0.0.1:{port}") as caller:
            await caller.hears("tape.wav", to_the_end=True)
            await caller.was_hung_up("NORMAL_CLEARING")
        async with phone.dial(f"127.0.0.1:{port}") as caller:
            await caller.hears("tape.wav")
            await caller.hangs_up()
        nursery.cancel_scope.cancel()


@pytest.mark.trio(run=trio.run)
async def test_nobody_at_a_port_is_no_server(phone: FakeFreeSwitch) -> None:
    async with phone.dial(f"127.0.0.1:{free_port()}", after=["hangup USER_BUSY"]) as caller:
        await caller.was_hung_up("USER_BUSY")


@pytest.mark.trio(run=trio.run)
async def test_a_switch_that_dies_breaks_its_connections_over_the_network(phone: FakeFreeSwitch) -> None:
    records: list[CallRecord] = []

    class Keeps(Waits):
        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)
            nursery.cancel_scope.cancel()

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(serve, Keeps, port=0))
            async with phone.dial(f"127.0.0.1:{listeners[0].socket.getsockname()[1]}") as caller:
                await trio.sleep(0.1)
                await phone.dies()
                await caller.was_hung_up("SYSTEM_SHUTDOWN")
    assert [record.ending.name for record in records] == ["CONNECTION_LOST"]


# What there is on the switch


async def test_an_application_of_ones_own_runs_like_the_others(phone: FakeFreeSwitch) -> None:
    seen: list[object] = []

    async def ivr(session: Session, argument: str) -> None:
        seen.append(argument)
        seen.append(await session.wait(10, on_digit=lambda digit: digit == "5"))
        session.channel.set("ivr_result", "five")

    class Asks(CallHandler):
        async def run(self) -> None:
            event = await self.execute("my_ivr", "menu ${destination_number}")
            seen.append(event.variables["ivr_result"])

    phone.application("My_IVR", ivr, needs_media=True)
    async with phone.dial(Asks) as caller:
        await caller.sees_run("My_IVR", "menu 5000")
        await caller.press("15")
        await caller.was_hung_up()
    assert seen == ["menu 5000", Woken.DIGIT, "five"]
    assert caller.variables["endpoint_disposition"] != ""


async def test_an_application_can_be_replaced(phone: FakeFreeSwitch) -> None:
    async def playback(session: Session, argument: str) -> None:
        session.channel.set("current_application_response", "PLAYBACK ERROR")

    phone.application("playback", playback)
    with pytest.raises(HandlerFailed) as failed:
        async with phone.dial(Plays) as caller:
            await caller.was_hung_up("NORMAL_TEMPORARY_FAILURE")
    assert isinstance(failed.value.__cause__, FileNotPlayed)


async def test_an_api_command_of_ones_own_answers_everybody(phone: FakeFreeSwitch) -> None:
    async def weather(argument: str) -> str:
        return f"sunny in {argument}"

    seen: list[str] = []

    class Asks(CallHandler):
        async def run(self) -> None:
            seen.append((await self.api("weather Bonn")).text)
            seen.append((await (await self.bgapi("weather Rome")).result()).text)
            await self.execute("set", "weather=${weather(Oslo)}")

    phone.api_command("Weather", weather)
    async with phone.dial(Asks) as caller:
        await caller.was_hung_up()
    assert [*seen, caller.variables["weather"], await phone.api("weather", "Prague")] == [
        *("sunny in Bonn", "sunny in Rome", "sunny in Oslo", "sunny in Prague")
    ]
    assert await phone.api("nonsense", "x") == "-ERR nonsense Command not found!\n"


async def test_global_variables_are_expanded(phone: FakeFreeSwitch) -> None:
    phone.global_variables["company"] = "ACME"
    async with phone.dial(Leaves, after=["set x=$${company} ${company}"]) as caller:
        await caller.was_hung_up()
    assert caller.variables["x"] == "ACME ACME"


async def test_sounds_last_as_long_as_was_said(phone: FakeFreeSwitch) -> None:
    phone.sound("tape.wav", seconds=90)
    async with phone.dial(Plays) as caller:
        sound = await caller.hears("tape.wav", to_the_end=True, within=100)
    assert sound.ended == pytest.approx(sound.began + 90)


async def test_a_missing_sound_is_not_played(phone: FakeFreeSwitch) -> None:
    phone.missing_sound("tape.wav")
    with pytest.raises(HandlerFailed) as failed:
        async with phone.dial(Plays) as caller:
            await caller.was_hung_up()
    assert isinstance(failed.value.__cause__, FileNotPlayed)
    assert caller.heard == []


async def test_a_path_that_cannot_be_written_hangs_up(phone: FakeFreeSwitch) -> None:
    class Records(CallHandler):
        async def run(self) -> None:
            await self.execute("record", "/full/a.wav")

    phone.unwritable("/full/*")
    async with phone.dial(Records) as caller:
        await caller.was_hung_up("DESTINATION_OUT_OF_ORDER")
    assert caller.recorded == []


async def test_what_the_switch_is_asked_to_run_is_only_kept(phone: FakeFreeSwitch, tmp_path: Path) -> None:
    class Runs(CallHandler):
        async def run(self) -> None:
            await self.execute("set", f"x=${{system(touch {tmp_path}/a)}}")
            await self.execute("system", f"touch {tmp_path}/b")

    async with phone.dial(Runs) as caller:
        await caller.was_hung_up()
    assert list(phone.programs) == [f"touch {tmp_path}/a", f"touch {tmp_path}/b"]
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - it is asked once


async def test_the_same_seed_gives_the_same_uuids() -> None:
    uuids = []
    for seed in (1, 1, 2):
        async with FakeFreeSwitch(seed=seed).dial(Plays) as caller:
            uuids.append(caller.channel_uuid)
    assert uuids[0] == uuids[1] != uuids[2]


# Several calls


class Logs(CallHandler):
    async def run(self) -> None:
        for _ in range(3):
            logging.getLogger("app").warning("call of %s", self.caller_id_number)
            await self.sleep(1)


async def test_several_callers_call_at_once_and_what_they_log_is_kept_apart(phone: FakeFreeSwitch) -> None:
    async with (
        phone.dial(Logs, caller_id="1") as one,
        phone.dial(Logs, caller_id="2") as two,
        FakeFreeSwitch().dial(Logs, caller_id="3") as three,
    ):
        for caller in (two, one, three):
            await caller.was_hung_up()
    for number, caller in enumerate((one, two, three), start=1):
        assert [record.getMessage() for record in caller.log if record.name == "app"] == [f"call of {number}"] * 3
        assert caller.ladder().count("logs WARNING: call of") == 3
    assert len({one.channel_uuid, two.channel_uuid}) == 2


async def test_a_call_sees_the_other_calls_of_its_switch_and_of_no_other(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Waits) as one, phone.dial(Waits) as two, FakeFreeSwitch(seed=9).dial(Waits) as other:
        for caller, is_here in ((one, "true"), (two, "true"), (other, "false")):
            assert await phone.api("uuid_exists", caller.channel_uuid) == is_here
        await phone.api("uuid_kill", f"{one.channel_uuid} CALL_REJECTED")
        await one.was_hung_up("CALL_REJECTED")
        assert two.is_up


async def test_a_fault_of_one_call_is_not_the_others(phone: FakeFreeSwitch) -> None:
    class Fails(CallHandler):
        async def run(self) -> None:
            raise KeyError(self.caller_id_number)

    async with phone.dial(Logs) as good:
        with pytest.raises(HandlerFailed, match=r"raised KeyError\('2'\)"):
            async with phone.dial(Fails, caller_id="2") as bad:
                await bad.was_hung_up()
        await good.was_hung_up("NORMAL_CLEARING")
    assert good.handler_error is None


async def test_nothing_listens_to_the_log_after_the_calls(phone: FakeFreeSwitch) -> None:
    before = list(logging.getLogger().handlers)
    async with phone.dial(Plays), phone.dial(Plays):
        assert len(logging.getLogger().handlers) == len(before) + 2
    assert logging.getLogger().handlers == before


# What is done to the switch


async def test_a_switch_that_shuts_down_ends_its_calls_in_order(phone: FakeFreeSwitch) -> None:
    records: list[CallRecord] = []

    class Keeps(Waits):
        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with phone.dial(Keeps) as one, phone.dial(Keeps) as two:
        await trio.sleep(1)
        await phone.shut_down()
        for caller in (one, two):
            assert await caller.was_hung_up() == "SYSTEM_SHUTDOWN"
            assert not caller.hung_up_first
    assert [str(record.hangup_cause) for record in records] == ["SYSTEM_SHUTDOWN"] * 2


async def test_a_switch_that_dies_breaks_its_connections(phone: FakeFreeSwitch) -> None:
    records: list[CallRecord] = []

    class Keeps(Waits):
        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with phone.dial(Keeps) as caller:
        await trio.sleep(1)
        await phone.dies()
        await caller.was_hung_up("SYSTEM_SHUTDOWN")
    assert [record.ending.name for record in records] == ["CONNECTION_LOST"]


# Handlers with faults


class Fails(CallHandler):
    async def run(self) -> None:
        await self.playback("tape.wav")
        raise KeyError("menu")


async def test_a_fault_of_run_fails_the_test(phone: FakeFreeSwitch) -> None:
    with pytest.raises(HandlerFailed) as failed:
        async with phone.dial(Fails) as caller:
            await caller.was_hung_up("NORMAL_TEMPORARY_FAILURE")
    assert str(failed.value).partition("\n")[0] == "the handler was to do its work, but it raised KeyError('menu')"
    assert repr(failed.value.__cause__) == "KeyError('menu')"
    assert caller.handler_error is failed.value.__cause__


async def test_a_fault_of_run_fails_no_test_that_means_it(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Fails, fails_if_handler_does=False) as caller:
        await caller.was_hung_up("NORMAL_TEMPORARY_FAILURE")
    assert repr(caller.handler_error) == "KeyError('menu')"


async def test_a_fault_fails_the_test_though_the_handler_deals_with_it_unless_it_is_expected(
    phone: FakeFreeSwitch,
) -> None:
    class Deals(Fails):
        async def on_error(self, error: BaseException) -> None:
            await self.playback("sorry.wav")

    async with phone.dial(Deals, fails_if_handler_does=False) as caller:
        await caller.hears("tape.wav")
        await caller.hears("sorry.wav")
        await caller.was_hung_up("NORMAL_TEMPORARY_FAILURE")
    assert isinstance(caller.handler_error, KeyError)
    with pytest.raises(HandlerFailed, match=r"it raised KeyError\('menu'\)"):
        async with phone.dial(Deals):
            await trio.sleep(10)


async def test_a_fault_after_the_call_fails_the_test(phone: FakeFreeSwitch) -> None:
    class FailsLater(Plays):
        async def after_hangup(self, record: CallRecord) -> None:
            raise OSError("disk full")

    with pytest.raises(HandlerFailed, match=r"but it raised OSError\('disk full'\)"):
        async with phone.dial(FailsLater) as caller:
            await caller.was_hung_up("NORMAL_CLEARING")


async def test_a_handler_that_cannot_be_made_fails_the_test(phone: FakeFreeSwitch) -> None:
    class Needs(CallHandler):
        def __init__(self) -> None:
            raise RuntimeError("no database")

    with pytest.raises(HandlerFailed, match=r"but it raised RuntimeError\('no database'\)"):
        async with phone.dial(Needs) as caller:
            await caller.was_hung_up("NORMAL_TEMPORARY_FAILURE")


async def test_a_program_that_fails_fails_the_test(phone: FakeFreeSwitch) -> None:
    async def fails(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"connect\n\n")
        await trio.sleep(1)
        raise KeyError("menu")

    with pytest.raises(
        HandlerFailed, match=r"^the caller was to hear x.wav, but the handler raised KeyError"
    ) as failed:
        async with phone.dial(fails) as caller:
            await caller.hears("x.wav")
    assert repr(failed.value.__cause__) == "KeyError('menu')"


@pytest.mark.parametrize("way", ["disabled", "not propagated"])
async def test_a_fault_is_seen_however_logging_is_set_up(
    phone: FakeFreeSwitch, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "disabled":
        monkeypatch.setattr(logging.getLogger("esl_outbound.call"), "disabled", True)
    else:
        monkeypatch.setattr(logging.getLogger("esl_outbound"), "propagate", False)
    with pytest.raises(HandlerFailed):
        async with phone.dial(Fails) as caller:
            await caller.was_hung_up()


# Handlers that do not end


class Shields(CallHandler):
    async def run(self) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep_forever()


async def ignores_the_end(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"connect\n\nmyevents\n\n")
    await trio.sleep_forever()


@pytest.mark.parametrize("target", [Shields, ignores_the_end])
async def test_a_handler_that_does_not_end_fails_the_test(phone: FakeFreeSwitch, target: HandlerSource) -> None:
    phone.patience = 20
    with pytest.raises(CallFailed, match=r"^the handler was to end with the call, but it went on for 20 s\n"):
        async with phone.dial(target) as caller:
            await trio.sleep(1)
            await caller.hangs_up()


async def test_a_handler_that_does_not_end_does_not_hold_a_test_that_failed_otherwise(phone: FakeFreeSwitch) -> None:
    with pytest.raises(RuntimeError, match=r"^the test's own$"):
        async with phone.dial(Shields):
            await trio.sleep(1)
            raise RuntimeError("the test's own")


async def test_a_handler_may_take_its_time_after_the_call(phone: FakeFreeSwitch) -> None:
    done: list[str] = []

    class Slow(Plays):
        async def after_hangup(self, record: CallRecord) -> None:
            await trio.sleep(9)
            done.append("done")

    async with phone.dial(Slow) as caller:
        await caller.hears("tape.wav")
    assert done == ["done"]


# The block of a call


async def test_a_call_that_is_up_at_the_end_of_the_block_is_hung_up_by_the_caller(phone: FakeFreeSwitch) -> None:
    records: list[CallRecord] = []

    class Keeps(Waits):
        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with phone.dial(Keeps, before=["answer"]) as caller:
        await trio.sleep(30)
    assert caller.hung_up_first
    assert [(str(record.hangup_cause), record.billsec) for record in records] == [("NORMAL_CLEARING", 30)]


async def test_a_block_that_is_left_at_once_is_a_call_all_the_same(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Plays) as caller:
        pass
    assert caller.hangup_cause == "ORIGINATOR_CANCEL"
    assert caller.cdr["hangup_cause"] == "ORIGINATOR_CANCEL"


async def test_what_the_test_raises_comes_out_alone(phone: FakeFreeSwitch) -> None:
    error = ValueError("the test's own")
    with pytest.raises(ValueError, match=r"^the test's own$") as failed:
        async with phone.dial(Plays), phone.dial(Waits):
            raise error
    assert failed.value is error


async def test_a_failed_expectation_comes_out_alone_of_a_nursery_of_the_tests(phone: FakeFreeSwitch) -> None:
    with pytest.raises(CallFailed, match=r"^the caller was to hear x.wav, but heard tape.wav next\n"):
        async with phone.dial(Plays) as caller, trio.open_nursery() as nursery:
            nursery.start_soon(caller.stays_silent, 10)
            nursery.start_soon(caller.hears, "x.wav")


async def test_what_several_tasks_of_the_test_raise_stays_together(phone: FakeFreeSwitch) -> None:
    async def fails(number: int) -> None:
        raise ValueError(number)

    with pytest.raises(ExceptionGroup) as failed:
        async with phone.dial(Plays), trio.open_nursery() as nursery:
            nursery.start_soon(fails, 1)
            nursery.start_soon(fails, 2)
    assert len(failed.value.exceptions) == 2


async def test_a_call_is_cancelled_with_what_it_is_in(phone: FakeFreeSwitch) -> None:
    done: list[str] = []

    class Keeps(Waits):
        async def after_hangup(self, record: CallRecord) -> None:
            done.append(record.ending.name)

    with trio.move_on_after(5) as scope:
        async with phone.dial(Keeps) as caller:
            await caller.hears("x.wav")
    assert scope.cancelled_caught
    assert 5 <= trio.current_time() < 6
    assert len(done) == 1


@pytest.mark.parametrize("place", ["the test", "the handler"])
def test_ctrl_c_is_not_swallowed(place: str) -> None:
    class Interrupted(CallHandler):
        async def run(self) -> None:
            raise KeyboardInterrupt

    async def main() -> None:
        async with FakeFreeSwitch().dial(Interrupted if place == "the handler" else Waits) as caller:
            if place == "the test":
                raise KeyboardInterrupt
            await caller.hears("x.wav")

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_who_is_told_is_told_at_once(phone: FakeFreeSwitch) -> None:
    told: list[Moment] = []
    async with phone.dial(Plays, told=told.append) as caller:
        assert [(each.who, each.what) for each in told] == [(Who.CALLER, "1000 calls 5000")]
        await caller.hears("tape.wav")
        assert [(each.who, each.what) for each in told[1:]] == [(Who.CALLER, "hears tape.wav (1 s)")]
        await caller.press("1")
    assert [f"{each.seconds:.2f} {each.who}: {each.what}" for each in told[2:4]] == [
        "0.02 caller: presses 1",
        "0.04 caller: hangs up: ORIGINATOR_CANCEL",
    ]
    assert (told[-1].who, told[-1].what) == (Who.SWITCH, "the event socket is closed")


@attrs.define(eq=False)
class Counted(CallHandler):
    """Every call gets a handler of its own, made with the constructor that it has."""

    made: ClassVar[int] = 0
    greeting: str = "hello.wav"

    def __attrs_post_init__(self) -> None:
        type(self).made += 1

    async def run(self) -> None:
        await self.playback(self.greeting)


async def test_every_call_gets_a_handler_of_its_own(phone: FakeFreeSwitch) -> None:
    Counted.made = 0
    async with phone.dial(Counted) as one, phone.dial(partial(Counted, greeting="hi.wav")) as two:
        await one.hears("hello.wav")
        await two.hears("hi.wav")
    assert Counted.made == 2


# What is said wrongly


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"mode": "aysnc full"}, ValueError, "there are 'async full', 'async', 'full' and ''"),
        ({"endpoint": "verto"}, ValueError, "endpoint is 'verto'; there are 'sofia' and 'loopback'"),
        ({"caller_id": 1000}, TypeError, "caller_id is 1000, and should be a str"),
        ({"after": "playback x"}, TypeError, "after is 'playback x', and should be a list of actions"),
        ({"target": "app:Menu"}, ValueError, "'app:Menu' is no address"),
        ({"target": "127.0.0.1:9"}, ValueError, "on the network, which takes real time"),
        ({"target": Plays()}, TypeError, "serve Plays, the class, and not an instance of it"),
        ({"target": None}, TypeError, "None is no handler class"),
        ({"faults": Faults(lost_events=frozenset({"CHANNEL_HANGUP_COMPLET"}))}, ValueError, "did you mean CHANNEL_H"),
    ],
)
async def test_what_makes_no_sense_is_refused_at_once(
    phone: FakeFreeSwitch, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        async with phone.dial(**{"target": Plays, **arguments}):
            pass


async def test_causes_and_actions_that_do_not_exist_are_refused(phone: FakeFreeSwitch) -> None:
    with pytest.raises(ValueError, match="'BUSY' is no hangup cause; did you mean USER_BUSY"):
        phone.destination("user/1", cause="BUSY")
    with pytest.raises(TypeError, match="should be a list of actions"):
        phone.extension("9000", "playback x")
    async with phone.dial(Plays) as caller:
        with pytest.raises(ValueError, match="'BUSY' is no hangup cause"):
            await caller.hangs_up("BUSY")
        with pytest.raises(TypeError, match="digits is 1, and should be a str"):
            await caller.press(1)  # type: ignore[arg-type]


async def test_what_the_handler_raises_after_an_expectation_failed_is_told_with_it(phone: FakeFreeSwitch) -> None:
    class Nurses(CallHandler):
        async def run(self) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.fail)
                await self.playback("tape.wav")

        async def fail(self) -> None:
            await trio.sleep(0.5)
            raise KeyError("menu")

    with pytest.raises(CallFailed) as failed:
        async with phone.dial(Nurses) as caller:
            await caller.hears("tape.wav", to_the_end=True)
    assert failed.value.__cause__ is not None
    assert "KeyError('menu')" in " ".join((str(failed.value), *getattr(failed.value, "__notes__", ())))


async def test_a_handler_may_log_in_a_thread(phone: FakeFreeSwitch) -> None:
    log = logging.getLogger("shop")

    class LogsFromAfar(CallHandler):
        async def run(self) -> None:
            await trio.to_thread.run_sync(log.warning, "from a thread")

    async with phone.dial(LogsFromAfar) as caller:
        await caller.was_hung_up()
    assert [record.getMessage() for record in caller.log if record.name == "shop"] == ["from a thread"]


async def test_a_conference_can_be_expected(phone: FakeFreeSwitch) -> None:
    class Meets(CallHandler):
        async def run(self) -> None:
            await self.execute("conference", "room@default")

    async with phone.dial(Meets) as one:
        await one.is_in_conference("room")
        async with phone.dial(Meets) as other:
            await other.is_in_conference("room", members=2)
            with pytest.raises(CallFailed, match="in the conference cellar, but was not within 3 s"):
                await one.is_in_conference("cellar", within=3)
