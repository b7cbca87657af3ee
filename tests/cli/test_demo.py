"""``esl-outbound demo``, at five times its speed."""

from __future__ import annotations

import re

import pytest
import trio.testing

from esl_outbound.cli.demonstrating import Person, run_demo
from esl_outbound.testing import Caller


def quick() -> trio.abc.Clock:
    """Time for people who have none; what comes over TCP needs some."""
    return trio.testing.MockClock(rate=5)


def test_everybody_gets_what_he_came_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(clock=quick()) == 0
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


def test_the_demo_has_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    people = [Person("Eve", "2005", "red", _is_never_content, 0, "wants the moon")]
    assert run_demo(people, 2, clock=quick()) == 1
    assert capsys.readouterr().out.endswith("Eve was not served within 2 s.\n")
