"""What is printed, for whoever may be gone, and the lines of the log among it."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from esl_outbound.cli.logs import LogLines
from esl_outbound.cli.output import Output
from esl_outbound.cli.screen import Screen
from esl_outbound.testing import Happening, Moment, Who


@contextmanager
def logged(handler: logging.Handler) -> Iterator[logging.Logger]:
    """A logger of a user's, all of whose records go to a handler."""
    logger = logging.getLogger("shop.of.this.test")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


@contextmanager
def broken() -> Iterator[TextIO]:
    """A pipe that nobody reads."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as stream:
        yield stream


def lowest_free_descriptor() -> int:
    number = os.dup(0)
    os.close(number)
    return number


# Printing


def test_when_nobody_reads_standard_output_it_is_told_once_and_errors_are_still_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told: list[str] = []
    output = Output()
    output.when_gone = lambda: told.append("gone")
    with broken() as stream, redirect_stdout(stream):
        before = lowest_free_descriptor()
        for _ in range(3):
            output.say("nobody reads this")
        assert lowest_free_descriptor() == before
        output.say("an error", is_error=True)
    assert (told, output.is_gone) == (["gone"], True)
    assert capsys.readouterr() == ("", "an error\n")


def test_when_nobody_reads_errors_the_call_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    output = Output()
    output.when_gone = lambda: told.append("gone")
    with broken() as stream, redirect_stderr(stream):
        output.say("an error", is_error=True)
        output.say("a line")
    assert (told, output.is_gone) == ([], False)
    assert capsys.readouterr().out == "a line\n"


def test_nobody_need_be_told() -> None:
    with broken() as stream, redirect_stdout(stream):
        Output().say("nobody reads this")


def test_a_process_without_standard_output_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    output = Output()
    output.say("a line")
    assert not output.has_colours


def test_letters_that_a_terminal_lacks_are_spelled_out() -> None:
    buffer = io.BytesIO()
    with io.TextIOWrapper(buffer, encoding="ascii") as stream, redirect_stdout(stream):
        Output().say("J\xfcrgen")
        assert buffer.getvalue() == b"J\\xfcrgen\n"


# The log


async def test_a_record_that_cannot_be_formatted_raises_nothing_where_it_is_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logged(Screen().log_handler()) as log:
        log.info("%d calls", "no")
        log.info("%d calls", 2)
    said, errors = capsys.readouterr()
    assert said.endswith("  log INFO shop.of.this.test: 2 calls\n")
    assert said.count("\n") == 1
    assert errors.startswith("--- Logging error ---\n")


async def test_what_another_thread_logs_is_shown_in_trios_own(capsys: pytest.CaptureFixture[str]) -> None:
    with logged(Screen().log_handler()) as log:
        await trio.to_thread.run_sync(log.warning, "from afar")
        await trio.to_thread.run_sync(log.warning, "%d", "x")
        await wait_all_tasks_blocked()
    said, errors = capsys.readouterr()
    assert said.endswith("  log WARNING shop.of.this.test: from afar\n")
    assert errors.startswith("--- Logging error ---\n")


async def test_a_line_that_cannot_be_shown_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(record: logging.LogRecord, message: str) -> None:
        raise ValueError(message)

    with logged(LogLines(fail)) as log:
        log.info("here")
        await trio.to_thread.run_sync(log.info, "there")
        await wait_all_tasks_blocked()
    errors = capsys.readouterr().err
    assert "ValueError: here\n" in errors
    assert "ValueError: there\n" in errors


def test_what_is_logged_after_the_run_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    async def make() -> logging.Handler:
        return Screen().log_handler()

    with logged(trio.run(make)) as log:
        log.info("in time")
        trio.run(trio.to_thread.run_sync, log.info, "too late")
    said, errors = capsys.readouterr()
    assert said.endswith(": in time\n")
    assert (said.count("\n"), errors) == (1, "")


async def test_ours_are_shown_from_warnings_on_and_without_the_channel(capsys: pytest.CaptureFixture[str]) -> None:
    for shows_all in (False, True):
        handler = Screen(shows_all=shows_all).log_handler()
        for level, text in ((logging.INFO, "channel 1: quiet"), (logging.WARNING, "channel 1: \x1b[2Jloud")):
            handler.handle(logging.LogRecord("esl_outbound.call", level, "", 1, text, None, None))
    lines = [line[9:] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "log WARNING \\x1b[2Jloud",
        "log INFO esl_outbound.call: channel 1: quiet",
        "log WARNING esl_outbound.call: channel 1: \\x1b[2Jloud",
    ]


# The call


def test_what_follows_from_the_end_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.show(Moment(0, Who.CALLER, Happening.PRESSES, ("1",)))
    assert screen.is_quiet
    screen.show(Moment(1, Who.HANDLER, Happening.HANGS_UP, ("USER_BUSY",)))
    screen.show(Moment(1, Who.SWITCH, Happening.CLOSES_SOCKET))
    screen.show(Moment(1, Who.CALLER, Happening.HANGS_UP, ("NORMAL_CLEARING",)))
    lines = [line[9:] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["you press 1", "the handler hangs up (USER_BUSY)"]
    assert (screen.pressed, screen.ended_by, screen.is_quiet) == ("1", "the handler", False)


def test_lines_of_one_moment_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().happens("one\ntwo")
    assert capsys.readouterr().out == "    0.0  one\n         two\n"
