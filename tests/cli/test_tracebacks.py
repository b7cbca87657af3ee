"""Tracebacks with the frames of the user's own program."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import trio

from esl_outbound.cli.demo import Reception
from esl_outbound.cli.importing import import_handler
from esl_outbound.cli.tracebacks import users_traceback
from esl_outbound.handler import handler_factory

HERE = Path(__file__).name
DEMO = "demo.py"


def files(traceback: str) -> list[str]:
    return [Path(name).name for name in re.findall(r'File "([^"]+)"', traceback)]


def caught(function: object) -> BaseException:
    assert callable(function)
    try:
        function()
    except BaseException as exc:
        return exc
    raise AssertionError("nothing was raised")


def test_only_the_users_frames_are_shown_in_causes_and_groups_too() -> None:
    async def fail() -> None:
        raise KeyError("tea")

    async def fail_in_nursery() -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail)
        except BaseExceptionGroup as group:
            raise ValueError("no tea") from group

    shown = users_traceback(caught(lambda: trio.run(fail_in_nursery)))
    assert set(files(shown)) == {HERE}
    assert "KeyError: 'tea'" in shown
    assert shown.endswith("ValueError: no tea")


def test_a_fault_of_ours_is_shown_whole() -> None:
    exc = caught(lambda: handler_factory(5))  # type: ignore[arg-type]
    assert exc.__traceback__ is not None
    exc.__traceback__ = exc.__traceback__.tb_next.tb_next if exc.__traceback__.tb_next is not None else None
    shown = users_traceback(exc)
    assert "handler.py" in files(shown)


def test_a_fault_of_syntax_is_shown_with_its_own_place_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no_python.py").write_text("if True\n    pass\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    exc = caught(lambda: import_handler("no_python:Reception", tmp_path))
    while exc.__traceback__ is not None and exc.__traceback__.tb_frame.f_code.co_filename == __file__:
        exc.__traceback__ = exc.__traceback__.tb_next
    shown = users_traceback(exc)
    assert files(shown) == ["no_python.py"]
    assert shown.endswith("SyntaxError: expected ':'")


def test_the_demos_handler_counts_as_a_users() -> None:
    exc = caught(lambda: Reception.put_through(None, "user/1001").send(None))  # type: ignore[arg-type]
    assert files(users_traceback(exc)) == [HERE, HERE, DEMO]
