"""Commands and messages, in a line each: how a conversation is told, and where it diverged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..happenings import shown
from ..recordings import RecordedFrame
from ..wire import Received, decoded

__all__ = ["IDS", "ReplayDiverged", "argument_of", "command_shown", "conversation_shown", "frame_shown", "word_of"]

IDS: Final = ("event-uuid", "job-uuid")
"""Headers of a command that its sender makes up, and that FreeSWITCH gives back."""

# Headers of a command that the line shows in another way.
_EXECUTE: Final = frozenset({"call-command", "execute-app-name", "execute-app-arg", "content-type", "content-length"})
_HANGUP: Final = frozenset({"call-command", "hangup-cause"})
_NONE: Final[frozenset[str]] = frozenset()
# How many lines of the conversation are shown, and how much of each.
_SHOWN_LINES: Final = 60
_SHOWN_CHARACTERS: Final = 140


class ReplayDiverged(AssertionError):
    """The handler did something else than was recorded.

    Attributes:
        recorded: What was recorded at that place.
        said: What the handler did.
        conversation: The conversation until then, a line each.
    """

    def __init__(self, where: str, recorded: str, said: str, conversation: Sequence[str]) -> None:
        super().__init__(
            f"the handler does not do what was recorded in {where}\n"
            f"  recorded: {recorded}\n"
            f"  now:      {said}\n"
            f"the conversation so far, > what the handler said:\n{conversation_shown(conversation)}"
        )
        self.recorded: Final = recorded
        self.said: Final = said
        self.conversation: Final = tuple(conversation)


def conversation_shown(conversation: Sequence[str]) -> str:
    """The last lines of a conversation, not too long."""
    lines = [
        line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 4] + " ..."
        for line in conversation[-_SHOWN_LINES:]
    ]
    if len(lines) < len(conversation):
        lines.insert(0, f"  ... {len(conversation) - len(lines)} lines before")
    return "\n".join(lines)


def word_of(command: Received) -> str:
    """Its first word, which says what it is."""
    return command.line.partition(" ")[0].lower()


def argument_of(command: Received) -> str:
    """With what argument it runs an application."""
    return command.get("execute-app-arg") or command.body


def command_shown(command: Received) -> str:
    """A command in a line."""
    match command.get("call-command"):
        case "execute":
            text = f"execute {command.get('execute-app-name')} {argument_of(command)}".rstrip()
            known = _EXECUTE
        case "hangup":
            text = f"hangup {command.get('hangup-cause')}".rstrip()
            known = _HANGUP
        case _:
            text = command.line
            known = _NONE
    rest = [f"{name}: {value}" for name, value in command.headers if name.lower() not in (*known, *IDS)]
    return shown(text + (f" ({', '.join(rest)})" if rest else ""))


def frame_shown(frame: RecordedFrame) -> str:
    """A message of FreeSWITCH's in a line."""
    if frame.is_channel_data:
        text = f"the channel's data: {frame.get('Channel-Name')}, {frame.get('Control')}"
    elif frame.is_event:
        names = ("Application", "Application-Data", "Application-Response", "DTMF-Digit", "Hangup-Cause", "Job-Command")
        values = (frame.get(name) for name in names)
        text = " ".join(filter(None, (frame.get("Event-Name") or "an event without a name", *values)))
    elif frame.content_type == "text/disconnect-notice":
        text = f"disconnect notice: {frame.get('Content-Disposition')}"
    elif frame.content_type == "api/response":
        text = decoded(frame.body).strip() or "(an empty answer)"
    else:
        text = frame.get("Reply-Text") or frame.content_type
    return shown(text)
