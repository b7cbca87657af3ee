r"""Scripts of recorded conversations: what the application, the caller and the operator did, and when.

A script is a file of lines of JSON, made by `convert.py`. The first says what the dialplan did with the call:

    {"extension": "ans_async_full_8084", "variables": {}, "before": ["answer"], "socket": "127.0.0.1:8084 async full",
     "after": []}

and each of the others what happened at which second after FreeSWITCH connected:

    {"at": 0.0002, "sends": "connect\n\n"}                     the application sends this
    {"at": 0.0011, "receives": 3592}                           FreeSWITCH sends so many bytes of the recording
    {"at": 1.5, "caller": "presses", "digits": "1234#"}        the caller presses these keys, all at once
    {"at": 0.5, "caller": "speaks", "seconds": 2.0}
    {"at": 1.2, "caller": "hangs up", "cause": "USER_BUSY"}
    {"at": 0.8, "api": "uuid_exists <uuid>", "result": "true"} an API command over another connection
    {"at": 0.8, "api": "show channels", "shows": [...]}        likewise, and what matters in its table
    {"at": 0.5, "application": "closes"}                       or "resets", or "shuts down writing"
    {"at": 0.5, "freeswitch": "closes"}                        the end of the connection as the application saw it
    {"at": 0.5, "freeswitch": "shuts down"}
    {"at": 0.5, "note": "playback of a missing file"}          what the recorder had to say
    {"at": 2.5, "end": true}                                   nobody looked any longer

`<uuid>` stands for the call's channel, `<a-leg uuid>` for the caller's own leg. Text is UTF-8; a byte that is
not is escaped the way Python's `surrogateescape` has it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeAlias

import attrs

CHANNEL = "<uuid>"
A_LEG = "<a-leg uuid>"


@attrs.frozen
class Sends:
    """The application sends something."""

    at: float
    text: str
    """With placeholders."""


@attrs.frozen
class Receives:
    """The application receives a chunk of what FreeSWITCH says."""

    at: float
    size: int
    """Bytes."""


@attrs.frozen
class Presses:
    """The caller presses keys."""

    at: float
    digits: str


@attrs.frozen
class Speaks:
    """The caller says something."""

    at: float
    seconds: float


@attrs.frozen
class HangsUp:
    """The caller hangs up."""

    at: float
    cause: str


@attrs.frozen
class Operates:
    """An API command over another connection."""

    at: float
    command: str
    """With placeholders."""
    result: str | None
    """What it printed, with placeholders; None if `shows` says what matters of that."""
    shows: tuple[dict[str, str], ...]
    """The rows of a table, without those of callers' own legs."""


@attrs.frozen
class ApplicationEnds:
    """The application ends the connection, or its half of it."""

    at: float
    how: str
    """`closes`, `resets` or `shuts down writing`."""


@attrs.frozen
class FreeSwitchCloses:
    """FreeSWITCH closes the connection."""

    at: float


@attrs.frozen
class ShutsDown:
    """FreeSWITCH is told to shut down."""

    at: float


Act: TypeAlias = (
    Sends | Receives | Presses | Speaks | HangsUp | Operates | ApplicationEnds | FreeSwitchCloses | ShutsDown
)


@attrs.frozen
class Script:
    """A recorded conversation."""

    name: str
    extension: str
    """What the recorder's dialplan calls the extension; empty for a SIP call."""
    variables: dict[str, str]
    """Those that the channel was made with."""
    before: tuple[str, ...]
    """The dialplan's actions before `socket`."""
    socket: str
    """The argument of `socket`."""
    after: tuple[str, ...]
    """The dialplan's actions after `socket`."""
    acts: tuple[Act, ...]
    end: float
    """When the recorder stopped looking, seconds."""


def load(path: Path) -> Script:
    """Read a script."""
    head, *lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    end = next(line["at"] for line in lines if "end" in line)
    return Script(
        path.stem,
        head["extension"],
        head["variables"],
        tuple(head["before"]),
        head["socket"],
        tuple(head["after"]),
        tuple(_act(line) for line in lines if not {"note", "end"} & line.keys()),
        end,
    )


def _act(line: dict[str, object]) -> Act:
    match line:
        case {"at": float(at), "sends": str(text)}:
            return Sends(at, text)
        case {"at": float(at), "receives": int(size)}:
            return Receives(at, size)
        case {"at": float(at), "caller": "presses", "digits": str(digits)}:
            return Presses(at, digits)
        case {"at": float(at), "caller": "speaks", "seconds": float(seconds)}:
            return Speaks(at, seconds)
        case {"at": float(at), "caller": "hangs up", "cause": str(cause)}:
            return HangsUp(at, cause)
        case {"at": float(at), "api": str(command), "result": str(result)}:
            return Operates(at, command, result, ())
        case {"at": float(at), "api": str(command), "shows": list(shows)}:
            return Operates(at, command, None, tuple(shows))
        case {"at": float(at), "application": str(how)}:
            return ApplicationEnds(at, how)
        case {"at": float(at), "freeswitch": "closes"}:
            return FreeSwitchCloses(at)
        case {"at": float(at), "freeswitch": "shuts down"}:
            return ShutsDown(at)
    raise ValueError(f"not a line of a script: {line}")
