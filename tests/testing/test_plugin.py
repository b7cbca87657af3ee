"""The pytest plugin, as a user's test run sees it; and the same without pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

pytest_plugins = ["pytester"]

HANDLER = """
import trio
import trio.testing

from esl_outbound import CallHandler
from esl_outbound.testing import FakeFreeSwitch


class Tape(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback("tape.wav")


"""


def run(pytester: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    """Run a user's test file in a folder of its own."""
    pytester.makepyfile(test_calls=HANDLER + dedent(tests))
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)


A_CALL = """
    async def test_a_call(phone: FakeFreeSwitch) -> None:
        async with phone.dial(Tape) as caller:
            await caller.hears("tape.wav")
            await caller.was_hung_up()
        assert isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
"""


# Nothing to configure


def test_async_tests_run_with_no_configuration(pytester: pytest.Pytester) -> None:
    result = run(pytester, A_CALL, "--strict-markers", "--strict-config", "-W", "error")
    result.assert_outcomes(passed=1)


def test_async_tests_run_in_trio_mode(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntrio_mode = true")
    result = run(
        pytester,
        A_CALL
        + """
    async def test_without_a_phone(autojump_clock) -> None:
        await trio.sleep(3600)
    """,
    )
    result.assert_outcomes(passed=2)


def test_async_tests_run_with_a_mark(pytester: pytest.Pytester) -> None:
    result = run(pytester, "import pytest\n" + dedent(A_CALL).replace("async def", "@pytest.mark.trio\nasync def", 1))
    result.assert_outcomes(passed=1)


def test_tests_in_classes_with_parameters_run(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        class TestCalls:
            @pytest.mark.parametrize("number", ["1", "2"])
            async def test_a_call(self, phone: FakeFreeSwitch, number: str) -> None:
                async with phone.dial(Tape, number=number) as caller:
                    await caller.hears("tape.wav", to_the_end=True)
        """,
    )
    result.assert_outcomes(passed=2)


def test_fixtures_of_ones_own_prepare_the_phone(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest
        import pytest_trio

        @pytest.fixture
        def slow_phone(phone: FakeFreeSwitch) -> FakeFreeSwitch:
            phone.sound("tape.wav", seconds=3600)
            return phone

        @pytest_trio.trio_fixture
        async def caller(slow_phone):
            async with slow_phone.dial(Tape) as caller:
                yield caller

        async def test_a_call(caller) -> None:
            await caller.hears("tape.wav", to_the_end=True, within=4000)
            assert trio.current_time() > 3600
        """,
    )
    result.assert_outcomes(passed=1)


def test_tests_of_hypothesis_run(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        from hypothesis import HealthCheck, given, settings, strategies

        @settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
        @given(number=strategies.integers(1, 5))
        async def test_a_call(phone: FakeFreeSwitch, autojump_clock, number: int) -> None:
            async with phone.dial(Tape, number=str(number)) as caller:
                await caller.hears("tape.wav", to_the_end=True)
        """,
    )
    result.assert_outcomes(passed=1)


def test_synchronous_tests_can_have_a_phone(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it_is_a_phone(phone: FakeFreeSwitch) -> None:
            phone.sound("a.wav", seconds=3)
            assert isinstance(phone, FakeFreeSwitch)

        def test_it_calls_in_a_run_of_ones_own(phone: FakeFreeSwitch) -> None:
            async def main() -> None:
                async with phone.dial(Tape) as caller:
                    await caller.hears("tape.wav")
                    await caller.hangs_up()

            trio.run(main)
        """,
    )
    result.assert_outcomes(passed=2)


# Time


def test_an_hours_call_takes_no_time(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import time

        async def test_an_hour(phone: FakeFreeSwitch) -> None:
            began = time.perf_counter()
            phone.sound("tape.wav", seconds=3600)
            async with phone.dial(Tape) as caller:
                await caller.hears("tape.wav", to_the_end=True, within=4000)
                await caller.was_hung_up()
            assert 3600 < trio.current_time() < 3601
            assert time.perf_counter() - began < 0.5
        """,
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", ["false", "true"])
def test_a_test_may_have_a_clock_of_its_own(pytester: pytest.Pytester, mode: str) -> None:
    pytester.makeini(f"[pytest]\ntrio_mode = {mode}")
    result = run(
        pytester,
        """
        from trio.testing import MockClock

        async def test_autojump(phone: FakeFreeSwitch, autojump_clock: MockClock) -> None:
            async with phone.dial(Tape) as caller:
                await caller.hears("tape.wav", to_the_end=True)
                assert trio.lowlevel.current_clock() is autojump_clock

        async def test_by_hand(phone: FakeFreeSwitch, mock_clock: MockClock) -> None:
            async with phone.dial(Tape) as caller:
                for _ in range(4):
                    await trio.testing.wait_all_tasks_blocked()
                    mock_clock.jump(0.02)
                await caller.hears("tape.wav")
                assert trio.current_time() == 0.08
                mock_clock.autojump_threshold = 0
        """,
    )
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("mode", ["false", "true"])
@pytest.mark.parametrize("place", ["@pytest.mark.trio(run=trio.run)", "pytestmark = pytest.mark.trio(run=trio.run)"])
def test_a_test_may_ask_for_real_time(pytester: pytest.Pytester, mode: str, place: str) -> None:
    pytester.makeini(f"[pytest]\ntrio_mode = {mode}")
    result = run(
        pytester,
        f"""
        import pytest

        {place}
        async def test_real_time(phone: FakeFreeSwitch) -> None:
            assert not isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
        """,
    )
    result.assert_outcomes(passed=1)


# What goes wrong is said plainly


def test_without_pytest_trio_the_error_says_what_is_missing(pytester: pytest.Pytester) -> None:
    result = run(pytester, A_CALL + "\n    def test_another_thing() -> None:\n        pass\n", "-p", "no:trio")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*async tests with the fixture 'phone' need pytest-trio: pip install pytest-trio"])


def test_a_fixture_of_the_same_name_is_left_alone(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.fixture
        def phone() -> str:
            return "555-1234"

        def test_a_number(phone: str) -> None:
            assert phone == "555-1234"

        async def test_a_number_later(phone: str) -> None:
            assert phone == "555-1234"
        """,
        "-p",
        "no:trio",
    )
    assert "need pytest-trio" not in result.stdout.str()


def test_a_fixture_that_is_made_of_ours_runs_like_ours(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.fixture
        def phone(phone: FakeFreeSwitch) -> FakeFreeSwitch:
            phone.sound("tape.wav", 1800)
            return phone

        async def test_a_call(phone: FakeFreeSwitch) -> None:
            async with phone.dial(Tape) as caller:
                await caller.hears("tape.wav", to_the_end=True)
        """,
    )
    result.assert_outcomes(passed=1)


# Virtual time


def test_time_waits_for_a_thread(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import time

        class AsksDatabase(CallHandler):
            async def run(self) -> None:
                with trio.fail_after(5):
                    await trio.to_thread.run_sync(time.sleep, 0.05)
                await self.playback("found.wav")

        async def test_a_call(phone: FakeFreeSwitch) -> None:
            async with phone.dial(AsksDatabase) as caller:
                await caller.hears("found.wav", within=5)
        """,
    )
    result.assert_outcomes(passed=1)


def test_a_failed_expectation_shows_the_test_and_nothing_of_the_kit(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        async def test_a_call(phone: FakeFreeSwitch) -> None:
            async with phone.dial(Tape) as caller:
                await caller.hears("welcome.wav")
        """,
    )
    result.assert_outcomes(failed=1)
    said = result.stdout.str()
    shown = said[said.index("____ test_a_call ____") : said.index("short test summary")].splitlines()
    assert [line for line in shown[1:-1] if line.strip()] == [
        "phone = <esl_outbound.testing.switch.FakeFreeSwitch object at "
        + said.partition("FakeFreeSwitch object at ")[2].partition("\n")[0],
        "    async def test_a_call(phone: FakeFreeSwitch) -> None:",
        "        async with phone.dial(Tape) as caller:",
        '>           await caller.hears("welcome.wav")',
        "E           esl_outbound.testing.failures.CallFailed: "
        "the caller was to hear welcome.wav, but heard tape.wav next",
        "E           ",
        "E           The call:",
        "E                0.000  caller      1000 calls 5000",
        "E                0.020     handler  answer",
        "E                0.040  caller      hears tape.wav (1 s)",
        "E                0.040  !!          the caller was to hear welcome.wav, but heard tape.wav next",
        "test_calls.py:17: CallFailed",
    ]


EXPECTATIONS = {
    "hears": 'hears("x.wav", within=1)',
    "hears to the end": 'hears("tape.wav", to_the_end=True, within=0.5)',
    "hears_silence": "hears_silence(9)",
    "gets_an_answer": "gets_an_answer(within=0.01)",
    "is_calling": 'is_calling("user/1", within=1)',
    "is_bridged_to": 'is_bridged_to("user/1", within=1)',
    "is_not_put_through": 'is_not_put_through("user/1", within=1)',
    "is_recorded": "is_recorded(within=1)",
    "sees_run": 'sees_run("record", within=1)',
    "was_hung_up": "was_hung_up(within=1)",
    "press": 'press("123456789", gap=0.5)\n                    await caller.was_hung_up()\n'
    + '                    await caller.press("1")',
}


def test_no_expectation_shows_anything_of_the_kit(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        "".join(
            f"""
            async def test_{number}(phone: FakeFreeSwitch) -> None:
                async with phone.dial(Tape) as caller:
                    await caller.{call}
            """
            for number, call in enumerate(EXPECTATIONS.values())
        ),
        "--tb=short",
    )
    result.assert_outcomes(failed=len(EXPECTATIONS))
    places = [line for line in result.stdout.lines if ": in " in line]
    assert len(places) == len(EXPECTATIONS)
    assert {place.partition(":")[0] for place in places} == {"test_calls.py"}


def test_a_caller_left_parked_is_shown_without_the_kit(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        async def leaves(stream) -> None:
            await stream.send_all(b"connect\\n\\nexit\\n\\n")
            while await stream.receive_some():
                pass

        async def test_a_call(phone: FakeFreeSwitch) -> None:
            async with phone.dial(leaves):
                pass
        """,
        "--tb=short",
    )
    result.assert_outcomes(failed=1)
    assert [line for line in result.stdout.lines if ": in " in line] == ["test_calls.py:21: in test_a_call"]
    result.stdout.fnmatch_lines(
        ["E*CallFailed: the handler was to let the caller go, but the caller is parked for ever*"]
    )


def test_a_handler_that_raised_is_shown_with_its_own_lines_first(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        class Broken(Tape):
            async def run(self) -> None:
                await self.answer()
                {}["menu"]

        async def test_a_call(phone: FakeFreeSwitch) -> None:
            async with phone.dial(Broken) as caller:
                await caller.hears("tape.wav")
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "self = <test_calls.Broken object at *",
            "*async def run(self) -> None:",
            '>*{}[[]"menu"[]]',
            "E*KeyError: 'menu'",
            "*The above exception was the direct cause of the following exception:*",
            '>*await caller.hears("tape.wav")',
            "E*HandlerFailed: the caller was to hear tape.wav, but the handler raised KeyError('menu')",
        ]
    )
    assert "conduct.py" not in result.stdout.str().partition("Captured log call")[0]


def test_a_test_that_is_skipped_or_fails_as_expected_amid_a_call_is_no_failure(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        async def test_skipped(phone: FakeFreeSwitch) -> None:
            async with phone.dial(Tape):
                pytest.skip("not today")

        async def test_expected(phone: FakeFreeSwitch) -> None:
            async with phone.dial(Tape):
                pytest.xfail("a bug")
        """,
    )
    result.assert_outcomes(skipped=1, xfailed=1)


# A user's code is typed, and needs no pytest


USERS_TESTS = """
import pytest
import trio
from typing_extensions import assert_type

from esl_outbound import Call, CallHandler
from esl_outbound.testing import (
    Bridge,
    Callee,
    Caller,
    CallFailed,
    Executed,
    FakeFreeSwitch,
    Faults,
    Moment,
    Recorded,
    Session,
    Sound,
)


class Tape(CallHandler):
    async def run(self) -> None:
        await self.playback("tape.wav")


def choose(call: Call) -> CallHandler:
    return Tape()


async def raw(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"connect\\n\\n")


async def ivr(session: Session, argument: str) -> None:
    await session.wait(3)


async def version(argument: str) -> str:
    return "1.11"


async def test_a_call(phone: FakeFreeSwitch) -> None:
    phone.sound("tape.wav", seconds=3)
    phone.destination("user/*", answers_after=None)
    phone.application("ivr", ivr)
    phone.api_command("version", version)
    phone.extension("9000", ["answer", "park"])
    phone.listens("192.0.2.1:8084", Tape)
    phone.refuses("192.0.2.1:8085")
    shown: list[Moment] = []
    for target in (Tape, choose, raw, "127.0.0.1:8084", lambda: Tape()):
        async with phone.dial(target, faults=Faults(split=True), told=shown.append) as caller:
            assert_type(caller, Caller)
            assert_type(await caller.hears("tape.wav"), Sound)
            assert_type(await caller.is_calling("user/1"), Callee)
            assert_type(await caller.is_recorded(), Recorded)
            assert_type(await caller.sees_run("set"), Executed)
            assert_type(await caller.was_hung_up(), str)
            for bridge in caller.bridges:
                assert_type(bridge, Bridge)
            with pytest.raises(CallFailed):
                await caller.press("1")
"""


def test_a_users_tests_are_typed(tmp_path: Path) -> None:
    (tmp_path / "test_calls.py").write_text(USERS_TESTS)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", "/dev/null", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout == "Success: no issues found in 1 source file\n"


NO_PYTEST = """
import sys

sys.modules["pytest"] = sys.modules["_pytest"] = None
"""
PROGRAM = """

async def main() -> None:
    phone = FakeFreeSwitch()
    async with phone.dial(Tape) as caller:
        await caller.hears("tape.wav", to_the_end=True)
        assert await caller.was_hung_up() == "NORMAL_CLEARING"
    print(caller.ladder())


trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
"""


def test_any_trio_program_can_call_without_pytest(tmp_path: Path) -> None:
    (tmp_path / "call.py").write_text(NO_PYTEST + HANDLER + PROGRAM)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "call.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "     0.000  caller      1000 calls 5000",
        "     0.020     handler  answer",
        "     0.040  caller      hears tape.wav (1 s)",
        "     1.040     handler  hangs up: NORMAL_CLEARING",
        "     1.060      switch  the event socket is closed",
    ]
