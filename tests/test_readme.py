"""What the README shows works, as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from esl_outbound import CallHandler

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


async def test_the_menu_takes_a_digit_and_bridges() -> None:
    async with dial(handler(1, "Menu")) as switch:
        await switch.greet()
        await switch.run_application("answer")
        uuids = [await switch.expect_execute("set", argument) for argument in ("language=en", "seen_name=Ada L.")]
        for uuid in uuids:
            await switch.send(switch.execute(uuid, "set"), switch.complete(uuid, "set"))
        await switch.run_application(
            "playback", "%[playback_terminators=12]ivr/menu.wav", response="FILE%20NOT%20FOUND"
        )
        await switch.run_application("log", "WARNING no menu for Ada L.")
        await switch.send(switch.event("DTMF", DTMF_Digit="1"))
        uuid = await switch.expect_execute("bridge", "user/1001")
        await switch.send(switch.execute(uuid, "bridge"), switch.complete(uuid, "bridge"), switch.hangup())
        await switch.send(switch.hangup_complete())
        await switch.expect_exit()


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


def test_the_examples_are_typed_for_their_users(tmp_path: Path) -> None:
    (tmp_path / "results.py").write_text(USERS_CODE)
    (tmp_path / "app.py").write_text(EXAMPLES[1])
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"example_{number}.py").write_text(example)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", "/dev/null", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout == f"Success: no issues found in {len(EXAMPLES) + 2} source files\n"


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


def test_the_dialplan_examples_are_xml_and_say_what_the_readme_says() -> None:
    for path in (ROOT / "dialplan_examples").glob("*.xml"):
        actions = ElementTree.parse(path).getroot().iter("action")
        sockets = [action.get("data") for action in actions if action.get("application") == "socket"]
        assert sockets == ["127.0.0.1:8084 async full"]
