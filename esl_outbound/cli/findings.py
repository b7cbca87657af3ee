"""What ``doctor`` finds: values, and how they are printed."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeAlias, final

import attrs

from .output import Output, one_line

__all__ = ["Finding", "Found", "Mark", "ok", "print_finding", "warning", "wrong"]

_MARK_WIDTH: Final = 7


class Mark(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and not in every case; or it could not be seen."""
    WRONG = "wrong"
    """Calls will not be served, or not as they should be."""


@final
@attrs.frozen
class Finding:
    """One thing that was looked at."""

    mark: Mark
    what: str
    """In plain words, one line."""
    place: str = ""
    """Where something has to be changed."""
    lines: tuple[str, ...] = ()
    """What has to stand there."""


Found: TypeAlias = Callable[[Finding], None]
"""Takes a finding."""


def ok(what: str) -> Finding:
    """All is well with this."""
    return Finding(Mark.OK, what)


def warning(what: str, place: str = "", *lines: str) -> Finding:
    """This is to be known, and may be as it is."""
    return Finding(Mark.WARNING, what, place, lines)


def wrong(what: str, place: str = "", *lines: str) -> Finding:
    """This has to be changed."""
    return Finding(Mark.WRONG, what, place, lines)


_COLOURS: Final = {Mark.OK: "green", Mark.WARNING: "yellow", Mark.WRONG: "red"}


def print_finding(finding: Finding, output: Output) -> None:
    """Print a finding, and below it what has to be changed."""
    margin = " " * (_MARK_WIDTH + 2)
    output.say(f"{output.styled(f'{finding.mark:{_MARK_WIDTH}}', _COLOURS[finding.mark])}  {one_line(finding.what)}")
    if finding.place:
        output.say(f"{margin}{one_line(finding.place)}:" if finding.lines else f"{margin}{one_line(finding.place)}")
    for line in finding.lines:
        output.say(f"{margin}  {one_line(line)}")
