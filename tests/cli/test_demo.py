"""``esl-outbound demo``, at three times its speed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import trio.testing

from esl_outbound.cli.demo import Reception
from esl_outbound.cli.demonstrating import Person, run_demo
from esl_outbound.testing import Caller, FakeFreeSwitch

from .terminals import COMMAND, environment


def quick() -> trio.abc.Clock:
    """Time for people who have none; what comes over TCP needs some."""
    return trio.testing.MockClock(rate=3)


def test_all_get_what_they_came_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(seconds=90, clock=quick()) == 0
    said = capsys.readouterr().out
    for line in (
        r"Ada   hears reception/wrong_key\.wav \(1 s\)",
        r"Ada   hears say:current_time:\d+ \(1 s\)",
        r"Ben       user/1001 does not answer: USER_BUSY",
        r"log       user/1001 does not answer 2002: USER_BUSY",
        r"Ben   is recorded in /tmp/message-[-0-9a-f]+\.wav",
        r"Cleo  hears reception/are_you_there\.wav \(1 s\)",
        r"Cleo  talks to user/1002",
        r"Dan   hangs up: NORMAL_CLEARING",
        r"log       2004 was here for \d\.\d s: NORMAL_CLEARING",
    ):
        assert re.search(rf"(?m)^ +\d+\.\d  {line}$", said), line
    assert said.endswith("  esl-outbound call esl_outbound.cli.demo:Reception\n")
    assert "\x1b" not in said


async def _expects_another_menu(caller: Caller) -> None:
    await caller.hears("reception/welcome.wav")
    await caller.hears("reception/another_menu.wav")


async def _is_never_content(caller: Caller) -> None:
    await trio.sleep_forever()


def test_who_did_not_get_it_is_shown_with_the_call_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    people = [Person("Eve", "2005", "red", _expects_another_menu, 0, "wants what is not there")]
    assert run_demo(people, clock=quick()) == 1
    said = capsys.readouterr().out
    assert "Eve did not get what was wanted: the caller was to hear reception/another_menu.wav, but heard " in said
    assert re.search(r"The call:\n +0\.\d+  caller +2005 calls 5000\n", said)


def test_who_reads_no_further_ends_the_demo(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "demo"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"A server listens on 127.0.0.1:")
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (1, b"")


def test_the_demo_has_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    people = [Person("Eve", "2005", "red", _is_never_content, 0, "wants the moon")]
    assert run_demo(people, 2, clock=quick()) == 1
    assert capsys.readouterr().out.endswith("Eve was not served within 2 s.\n")


async def _is_interrupted(caller: Caller) -> None:
    await caller.hears("reception/welcome.wav")
    raise KeyboardInterrupt


def test_ctrl_c_needs_no_words(capsys: pytest.CaptureFixture[str]) -> None:
    people = [Person("Eve", "2005", "red", _is_interrupted, 0, "wants to leave")]
    assert run_demo(people, clock=quick()) == 1
    assert capsys.readouterr().err == ""


async def _is_faulty(caller: Caller) -> None:
    raise ValueError("a fault of the demo's own")


def test_a_fault_of_the_demo_is_not_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    people = [Person("Eve", "2005", "red", _is_faulty, 0, "wants nothing")]
    with pytest.raises(BaseExceptionGroup) as raised:
        run_demo(people, clock=quick())
    assert raised.group_contains(ValueError, match="a fault of the demo's own")


async def test_who_chooses_nothing_is_asked_three_times(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Reception) as caller:
        await caller.hears("reception/welcome.wav")
        for _ in range(3):
            await caller.hears("reception/menu.wav")
            await caller.hears("reception/are_you_there.wav")
        await caller.hears("reception/goodbye.wav", to_the_end=True)
        await caller.was_hung_up("NORMAL_CLEARING")
