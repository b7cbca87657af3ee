"""What can happen in a call, and how its story tells it."""

from __future__ import annotations

from enum import Enum, StrEnum, unique
from typing import final

import attrs

__all__ = ["Happening", "Moment", "Who", "shown"]


class Who(StrEnum):
    """Whose act a moment is."""

    CALLER = "caller"
    HANDLER = "handler"
    SWITCH = "switch"
    CALLEE = "callee"
    EXPECTED = "expected"
    """Nobody's: what a test expected, and did not get."""


@unique
class Happening(Enum):
    """What can happen; the value is how it is told, with its details in their places."""

    # The caller
    CALLS = "{0} calls {1}"
    PRESSES = "presses {0}"
    STAYS_SILENT = "stays silent for {0} s"
    SPEAKS = "speaks for {0} s"
    SAYS = "says {0}"
    MAKES_TONE = "makes a tone of {0} Hz"
    HEARS = "hears {0} ({1})"
    HEARS_NOTHING = "hears nothing: {0} ({1})"
    IS_ASKED_FOR = "is asked for {0}"
    IS_SENT_DIGITS = "is sent the digits {0}"
    IS_RECORDED = "is recorded in {0}"
    TALKS_TO = "talks to {0}"
    TALKS_TO_ONE_OF_TWO = "talks to {0}, while {1} waits"
    IS_IN_CONFERENCE = "is in the conference {0}, one of {1}"
    LEAVES_CONFERENCE = "leaves the conference {0}"
    # Whoever ends the call, by his own act
    HANGS_UP = "hangs up: {0}"
    # The handler
    RUNS = "{0} {1}"
    """An application with its argument."""
    BRIDGES = "bridge {0}"
    BEGINS_ATTENDED_TRANSFER = "att_xfer {0}"
    ASKS_API = "api {0}"
    STARTS_JOB = "bgapi {0}"
    LOGS_ON_SWITCH = "log {0}: {1}"
    LOGS = "logs {0}: {1}"
    EXITS = "exit"
    # The far end
    RINGS = "{0} rings"
    ANSWERS = "{0} answers"
    DOES_NOT_ANSWER = "{0} does not answer: {1}"
    FAR_END_HANGS_UP = "{0} hangs up: {1}"
    FAR_END_HEARS = "{0} hears {1}"
    FAR_END_PRESSES = "{0} presses {1}"
    FAR_END_GOES_TO = "{0} goes to {1}"
    FAR_ENDS_TALK = "{0} talks to {1}"
    # The switch
    SOUND_ENDS = "{0} ends: {1}"
    RECORDS_CALL = "records the call in {0}"
    HAS_RECORDED = "{0} has {1} s"
    CANNOT_RECORD = "{0} cannot be opened for recording"
    GOES_TO = "the call goes to {0}"
    ENDS_BY_TIMER = "{0}: {1}"
    """``park_timeout`` or ``sched_hangup``, with the cause."""
    LACKS_APPLICATION = "the simulator has no application {0}"
    LACKS_API_COMMAND = "the simulator has no API command {0}"
    ONLY_COMPLETES = "the simulator only lets {0} complete"
    REFUSES = "refuses {0}: {1}"
    IS_NOT_SIMULATED = "the simulator does not run {0} on a far leg"
    IS_NOT_TAKEN_BY = "{0} does not take the call: {1}"
    IS_NOT_TAKEN = "nobody takes the call"
    HAS_NO_MORE_ACTIONS = "the dialplan has no more actions"
    CLOSES_SOCKET = "the event socket is closed"
    IS_TO_RUN_PROGRAM = "is asked to run a program: {0}"
    SHUTS_DOWN = "shuts down"
    DIES = "dies"
    # The test
    FAILED = "{0}, but {1}"


@final
@attrs.frozen
class Moment:
    """One thing that happened."""

    seconds: float
    """Since the call began."""
    who: Who
    happening: Happening
    details: tuple[str, ...] = ()
    """What it is about, printable, as many as the happening has places."""

    @property
    def what(self) -> str:
        """What happened, in one line."""
        return str(self.happening.value).format(*self.details).rstrip()


def shown(text: str) -> str:
    """Text from outside in a line of ours."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
