"""Commands and messages, in a line each: how a conversation is told."""

from __future__ import annotations

from typing import Final

from ..recordings import RecordedFrame
from ..wire import Received, decoded

__all__ = ["IDS", "application_of", "argument_of", "command_shown", "frame_shown", "is_execute", "printable", "word_of"]

IDS: Final = ("event-uuid", "job-uuid")
"""Headers of a command that its sender makes up, and that FreeSWITCH gives back."""

# Headers of a command that the line shows in another way.
_EXECUTE: Final = frozenset({"call-command", "execute-app-name", "execute-app-arg", "content-type", "content-length"})
_HANGUP: Final = frozenset({"call-command", "hangup-cause"})
_NONE: Final[frozenset[str]] = frozenset()


def word_of(command: Received) -> str:
    """Its first word, which says what it is."""
    return command.line.partition(" ")[0].lower()


def is_execute(command: Received) -> bool:
    """Whether it runs an application."""
    return command.get("call-command") == "execute"


def application_of(command: Received) -> str:
    """Which one."""
    return command.get("execute-app-name").lower()


def argument_of(command: Received) -> str:
    """With what argument."""
    return command.get("execute-app-arg") or command.body


def command_shown(command: Received) -> str:
    """A command in a line."""
    headers = [(name, value) for name, value in command.headers if name.lower() not in IDS]
    text = command.line
    match command.get("call-command"):
        case "execute":
            text = f"execute {command.get('execute-app-name')} {argument_of(command)}".rstrip()
            known = _EXECUTE
        case "hangup":
            text = f"hangup {command.get('hangup-cause')}".rstrip()
            known = _HANGUP
        case _:
            known = _NONE
    rest = ", ".join(f"{name}: {value}" for name, value in headers if name.lower() not in known)
    return printable(text + (f" ({rest})" if rest else ""))


def frame_shown(frame: RecordedFrame) -> str:
    """A message of FreeSWITCH's in a line."""
    if frame.is_channel_data:
        return printable(f"the channel's data: {frame.get('Channel-Name')}, {frame.get('Control')}")
    if frame.is_event:
        names = ("Application", "Application-Data", "Application-Response", "DTMF-Digit", "Hangup-Cause", "Job-Command")
        values = (frame.get(name) for name in names)
        return printable(" ".join(filter(None, (frame.get("Event-Name") or "an event without a name", *values))))
    if frame.content_type == "text/disconnect-notice":
        return f"disconnect notice: {printable(frame.get('Content-Disposition'))}"
    if frame.content_type == "api/response":
        return printable(decoded(frame.body).strip() or "(an empty answer)")
    return printable(frame.get("Reply-Text") or frame.content_type)


def printable(text: str) -> str:
    """Text that stays on its line, whatever it is."""
    return text if text.isprintable() else repr(text)[1:-1]
