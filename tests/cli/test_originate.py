"""``esl-outbound originate``: a call from a shell."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trio
from click.testing import CliRunner, Result

from esl_outbound import CallHandler
from esl_outbound.cli import main
from esl_outbound.cli.options import Address
from esl_outbound.cli.originating import OriginateOptions, originate
from esl_outbound.cli.output import Output
from esl_outbound.cli.switches import Login
from esl_outbound.testing import FakeFreeSwitch

from .switches import ADDRESS, TypedSwitch

UUID = "5f6433ee-df70-478f-a9ed-0397c83df1da"
LOGIN = Login(Address("127.0.0.1", 8021), "ClueCon")
TO_USER = OriginateOptions(LOGIN, "user/1001")


class Reminder(CallHandler):
    async def run(self) -> None:
        await self.playback("appointment.wav")
        await self.hangup()


def as_originate(switch: TypedSwitch, *arguments: str) -> Result:
    with switch.at(ADDRESS):
        result = CliRunner().invoke(main, ["originate", "--switch", str(ADDRESS), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def placed(switch: TypedSwitch) -> str:
    """The command that placed the call, without what differs from call to call."""
    (command,) = [each for each in switch.commands if each.startswith("bgapi originate ")]
    return re.sub(r"esl_outbound_call=[0-9a-f-]{36}", "esl_outbound_call=T", command.partition("\n")[0])


# On a simulated FreeSWITCH


async def test_whoever_answers_is_connected_to_an_extension(
    phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.extension("5000", ["playback welcome.wav", "hangup"], context="public")
    async with phone.event_socket():
        assert await originate(attrs.evolve(TO_USER, extension="5000", context="public"), Output()) == 0
        caller = await phone.is_called("user/1001")
        await caller.hears("welcome.wav")
    assert capsys.readouterr().out == f"{caller.channel_uuid}\n"


async def test_applications_run_one_after_the_other(phone: FakeFreeSwitch) -> None:
    applications = [("playback", "tone_stream://%(1000,0,640)"), ("playback", "b ${c}) d.wav"), ("hangup", "")]
    async with phone.event_socket():
        assert await originate(attrs.evolve(TO_USER, applications=applications), Output()) == 0
        caller = await phone.is_called("user/1001")
        await caller.hears("tone_stream://%(1000,0,640)", to_the_end=True)
        await caller.hears("b ${c}) d.wav", to_the_end=True)


async def test_a_handler_conducts_the_call_and_is_waited_for(
    phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.sound("appointment.wav", 30)
    statuses: list[int] = []

    async def call() -> None:
        statuses.append(await originate(attrs.evolve(TO_USER, handler=Reminder), Output()))

    async with phone.event_socket(), trio.open_nursery() as nursery:
        nursery.start_soon(call)
        caller = await phone.is_called("user/1001")
        await caller.hears("appointment.wav", to_the_end=True)
    assert statuses == [0]
    assert trio.current_time() >= 30
    assert capsys.readouterr().out == f"{caller.channel_uuid}\n"


@pytest.mark.parametrize("cause", ["USER_BUSY", "NO_ANSWER", "UNALLOCATED_NUMBER"])
async def test_whoever_does_not_answer_is_one_line_with_the_cause(
    phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str], cause: str
) -> None:
    phone.destination("user/1001", cause=cause)
    async with phone.event_socket():
        assert await originate(attrs.evolve(TO_USER, extension="5000"), Output()) == 1
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", f"esl-outbound: user/1001 was not reached: {cause}\n")


async def test_what_the_callee_is_shown_and_what_his_channel_has(phone: FakeFreeSwitch) -> None:
    phone.extension("5000", ["sleep 1000"])
    options = attrs.evolve(
        TO_USER,
        extension="5000",
        caller_id_name="Ada, L.",
        caller_id_number="030123",
        variables={"campaign": "a=b;c"},
    )
    async with phone.event_socket():
        assert await originate(options, Output()) == 0
        caller = await phone.is_called("user/1001")
    assert caller.variables["campaign"] == "a=b;c"
    assert caller.variables["origination_caller_id_name"] == "Ada, L."


async def test_giving_up_ends_what_rings(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None)
    async with phone.event_socket():
        with trio.move_on_after(5) as given_up:
            await originate(attrs.evolve(TO_USER, extension="5000"), Output())
        assert given_up.cancelled_caught
        assert await phone.api("show", "channels count") == "\n0 total.\n"


# What is said on the wire


def test_every_option_is_said() -> None:
    switch = TypedSwitch({"originate": f"+OK {UUID}\n"})
    result = as_originate(
        switch,
        *("user/1001", "--extension", "5000", "--context", "public", "--dialplan", "enum", "--ring-seconds", "20"),
        *("--caller-id-name", "Ada", "--caller-id-number", "030", "--early-media", "--var", "x=y=z"),
    )
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{UUID}\n", "")
    assert placed(switch) == (
        "bgapi originate '{esl_outbound_call=T,originate_timeout=20,ignore_early_media=false,"
        "origination_caller_id_name=Ada,origination_caller_id_number=030,x=y=z}user/1001' 5000 enum public"
    )


def test_an_application_is_said_with_its_argument() -> None:
    switch = TypedSwitch({"originate": f"+OK {UUID}\n"})
    assert as_originate(switch, "user/1001", "--application", "playback:a.wav").exit_code == 0
    assert placed(switch).endswith("user/1001' '&playback(a.wav)'")


def test_ctrl_c_ends_it_with_130_and_what_rings_with_it() -> None:
    switch = TypedSwitch()
    hung_up = trio.Event()

    async def ring(_: str) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await hung_up.wait()
        return "-ERR ORIGINATOR_CANCEL\n"

    def hang_up(_: str) -> str:
        hung_up.set()
        return "+OK hangup all channels with cause ORIGINATOR_CANCEL\n"

    switch.api.update(originate=ring, hupall=hang_up)
    result = as_originate(switch, "user/1001", "--extension", "5000")
    assert result.exit_code == 130
    assert hung_up.is_set()


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("-ERR USER_BUSY\n", "user/1001 was not reached: USER_BUSY"),
        ("-ERR originate Command not found!\n", "originate failed: -ERR originate Command not found!"),
        ("-ERR \x1b[2J\n", "originate failed: -ERR \\x1b[2J"),
    ],
)
def test_a_failure_is_one_plain_line_and_status_1(printed: str, said: str) -> None:
    result = as_originate(TypedSwitch({"originate": printed}), "user/1001", "--extension", "5000")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"esl-outbound: {said}\n"


def test_a_user_who_may_not_is_told_so() -> None:
    switch = TypedSwitch()
    switch.refused_api.add("originate")
    result = as_originate(switch, "user/1001", "--extension", "5000")
    assert result.exit_code == 1
    assert "permission denied" in result.stderr


def test_an_end_of_the_connection_is_one_line_that_says_how_far_it_had_come() -> None:
    switch = TypedSwitch()

    async def break_it(_: str) -> str:
        await switch.breaks()
        await trio.sleep_forever()
        raise AssertionError

    switch.api["originate"] = break_it
    result = as_originate(switch, "user/1001", "--extension", "5000")
    assert result.exit_code == 1
    assert "the connection to FreeSWITCH at 192.0.2.7:8021 ended" in result.stderr
    assert result.stderr.rstrip().endswith("was answered")


def test_no_freeswitch_is_one_line() -> None:
    switch = TypedSwitch()
    switch.is_there = False
    result = as_originate(switch, "user/1001", "--extension", "5000")
    assert (result.exit_code, result.stderr) == (
        1,
        "esl-outbound: no FreeSWITCH answers at 192.0.2.7:8021: Connection refused\n",
    )


# The command


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    """A folder with a module of a user's, which is forgotten afterwards."""
    (tmp_path / "shop.py").write_text(
        "from esl_outbound import CallHandler\nclass Reminder(CallHandler): ...\nnumber = 5\n"
    )
    before = sys.path.copy()
    yield tmp_path
    sys.path[:] = before
    sys.modules.pop("shop", None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("user/1001",), "say whom to connect: one of --extension, --application and --handler"),
        (("user/1001", "--extension", "1", "--application", "echo"), "say whom to connect"),
        (("user/1001", "--extension", "1", "--var", "x"), "--var 'x': a variable is given as NAME=VALUE"),
        (("user/1001", "--handler", "shop:Nobody"), "cannot originate into shop:Nobody: shop has no Nobody"),
        (("user/1001", "--handler", "shop:number"), "cannot originate into shop:number: 5 is no handler class"),
        (("user/1001,user/1002", "--extension", "1"), "destination is 'user/1001,user/1002', and should be"),
        (("user/1001", "--extension", "a\nb"), "extension is 'a\\nb'"),
        (("user/1001", "--application", ":x"), "application is ''"),
        (("user/1001", "--extension", "1", "--var", "x={y}"), "x cannot be '{y}'"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_status_2(shop: Path, arguments: tuple[str, ...], said: str) -> None:
    switch = TypedSwitch()
    result = as_originate(switch, "--app-dir", str(shop), *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"esl-outbound: {said}")
    assert result.stderr.count("\n") == 1
    assert not any("originate" in each for each in switch.commands)
