"""What the README shows works, as it stands there."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from esl_outbound import CallHandler
from esl_outbound.testing import FakeFreeSwitch

from .freeswitch import OK, dial

ROOT = Path(__file__).parent.parent
EXAMPLES = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def handler(number: int, name: str) -> type[CallHandler]:
    """A handler class of the README's examples."""
    namespace: dict[str, object] = {"__name__": "example"}
    exec(EXAMPLES[number], namespace)
    found = namespace[name]
    assert isinstance(found, type)
    assert issubclass(found, CallHandler)
    return found


async def test_the_first_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    async with dial(handler(0, "Reception")) as switch:
        await switch.greet()
        await switch.run_application("answer")
        await switch.run_application(
            "playback", "%[playback_terminators=none]ivr/ivr-welcome_to_freeswitch.wav", response="FILE%20PLAYED"
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert capsys.readouterr().out == "1000 NORMAL_CLEARING 5\n"


async def test_the_switchboard_says_the_time_and_its_menu_again(phone: FakeFreeSwitch) -> None:
    async with phone.dial(handler(1, "Switchboard")) as caller:
        await caller.hears("ivr/menu.wav")
        await caller.press("2")
        await caller.hears("say:current_time:*")
        await caller.hears("ivr/menu.wav")
        await caller.press("1")
        callee = await caller.is_bridged_to("user/1001")
        await callee.hangs_up()
        await caller.was_hung_up("NORMAL_CLEARING")


def test_the_test_of_the_menu_passes(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(EXAMPLES[1])
    (tmp_path / "test_app.py").write_text(EXAMPLES[2])
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in tested.stdout, tested.stdout


async def test_the_echo_echoes() -> None:
    async with dial(handler(4, "Echo")) as switch:
        await switch.greet()
        await switch.run_application("answer")
        await switch.expect_execute("echo", "")
        await switch.send(switch.hangup(), switch.hangup_complete(), OK)
        await switch.expect_exit()


def test_the_test_of_the_reminder_passes(tmp_path: Path) -> None:
    (tmp_path / "reminder.py").write_text(EXAMPLES[5])
    (tmp_path / "test_reminder.py").write_text(EXAMPLES[7])
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in tested.stdout, tested.stdout
    assert re.search(r"^\d+ channels are up\nreminding [0-9a-f-]{36}$", tested.stdout, re.MULTILINE), tested.stdout


async def test_the_reminder_says_why_nobody_was_reached(
    phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.destination("user/1001", cause="USER_BUSY")
    async with phone.event_socket():
        await program(5)()
    assert capsys.readouterr().out.splitlines()[1:] == ["nobody was reached: USER_BUSY"]


async def test_whoever_watches_hears_of_hangups_and_of_what_was_missed(
    phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with phone.event_socket(), trio.open_nursery() as nursery:
        nursery.start_soon(program(6))
        await trio.sleep(1)
        for caller_id in ("030123", "030456"):
            async with phone.dial(handler(4, "Echo"), caller_id=caller_id) as caller:
                await caller.gets_an_answer()
                await caller.hangs_up()
            await trio.sleep(1)
            await phone.drops_event_sockets()
            await trio.sleep(5)
        nursery.cancel_scope.cancel()
    first, missed, second, _ = capsys.readouterr().out.splitlines()
    assert (first, second) == ("030123 NORMAL_CLEARING", "030456 NORMAL_CLEARING")
    assert re.fullmatch(r"missed what happened for [0-9] s: .+", missed)


def program(number: int) -> Callable[[], Awaitable[None]]:
    """The main() of one of the README's programs."""
    namespace: dict[str, object] = {"__name__": "example"}
    exec(EXAMPLES[number], namespace)
    main = namespace["main"]
    assert inspect.iscoroutinefunction(main)
    return main


def test_the_examples_are_typed_for_their_users(tmp_path: Path) -> None:
    (tmp_path / "results.py").write_text(USERS_CODE)
    (tmp_path / "app.py").write_text(EXAMPLES[1])
    (tmp_path / "reminder.py").write_text(EXAMPLES[5])
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"example_{number}.py").write_text(example)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", "/dev/null", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout == f"Success: no issues found in {len(EXAMPLES) + 3} source files\n"


USERS_CODE = """
from functools import partial

import attrs
from typing_extensions import assert_type

from esl_outbound import Call, CallHandler, Event, HangupCause, PlaybackResult, serve


class Asked(CallHandler[str]):
    subscriptions = ("RECORD_STOP",)

    async def run(self) -> str:
        assert_type(await self.execute("answer"), Event)
        assert_type(await self.playback("a.wav"), PlaybackResult)
        assert_type(await self.get_variable("x"), str | None)
        async for digit in self.digits:
            assert_type(digit, str)
        return "done"


@attrs.define(eq=False)
class Configured(CallHandler):
    database: str

    async def run(self) -> None:
        await self.hangup(HangupCause.USER_BUSY)


def choose(call: Call) -> CallHandler[str]:
    return Asked()


async def main() -> None:
    await serve(Asked)
    await serve(partial(Configured, "db"))
    await serve(lambda: Configured("db"))
    await serve(choose, port=0, handshake_seconds=5.0)
"""


def test_the_dialplan_example_that_the_readme_names_is_there_and_as_it_says() -> None:
    readme = (ROOT / "README.md").read_text()
    (shown,) = re.findall(r'<action application="socket" data="([^"/ ]+) (async full)"/>', readme)
    (named,) = set(re.findall(r"dialplan_examples/\w+\.xml", readme))
    actions = ElementTree.parse(ROOT / named).getroot().iter("action")
    (data,) = (action.attrib["data"] for action in actions if action.attrib["application"] == "socket")
    assert (data.partition("/")[0], data.partition(" ")[2]) == shown
