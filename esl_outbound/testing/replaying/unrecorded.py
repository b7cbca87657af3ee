"""What FreeSWITCH's side tells of commands that were not recorded, or not by a name of the handler's own."""

from __future__ import annotations

import re
from typing import Final, final

from ..recordings import RecordedFrame
from ..wire import Received, url_encoded
from .identity import Identities
from .telling import application_of, argument_of, command_shown, word_of

__all__ = ["Executions", "fits"]

# Variables for the time of one application; FreeSWITCH does not show them.
_OWN_VARIABLES: Final = re.compile(r"^(?:%\[[^\]]*\])+")


@final
class Executions:
    """Which application of the recording is which of the handler's: the first that waits for one of that name.

    Args:
        identities: Learns what they are called now.
        first_sequence: The number of the connection's first event: what ran before that is the dialplan's.
        is_strict: Whether all that ran later was the handler's doing, and has to be now.
    """

    def __init__(self, identities: Identities, first_sequence: str, *, is_strict: bool) -> None:
        self._identities = identities
        self._first_sequence = int(first_sequence) if first_sequence.isdecimal() else 0
        self._is_strict = is_strict
        self._waiting: list[Received] = []
        self._seen: set[str] = set()

    def said(self, command: Received) -> None:
        """The handler asked for an application."""
        self._waiting.append(command)

    def began(self, frame: RecordedFrame, *, is_ours: bool) -> tuple[str, str] | None:
        """One began in the recording; where the handler has asked for something else, or for nothing, tell both."""
        uuid, application = frame.get("Application-UUID"), frame.get("Application")
        if uuid in self._seen or uuid in self._identities or application == "socket":
            return None
        self._seen.add(uuid)
        data = frame.get("Application-Data")
        ran = f"execute {application} {data}".rstrip()
        command = next((each for each in self._waiting if application_of(each) == application.lower()), None)
        if command is None:
            if not self._is_strict or not is_ours or self._is_earlier(frame):
                return None
            return ran, command_shown(self._waiting[0]) if self._waiting else ""
        self._waiting.remove(command)
        self._identities.name(uuid, command.get("Event-UUID"))
        return (ran, command_shown(command)) if self._is_strict and not _could_become(command, data) else None

    def _is_earlier(self, frame: RecordedFrame) -> bool:
        sequence = frame.get("Event-Sequence")
        return sequence.isdecimal() and int(sequence) < self._first_sequence


def _could_become(command: Received, data: str) -> bool:
    """Whether an argument can have become this: FreeSWITCH shows it expanded."""
    argument = argument_of(command)
    if "$" in argument or "\\" in argument:
        return True
    argument, data = (_OWN_VARIABLES.sub("", text).strip() for text in (argument, data))
    # A % before two hex digits is ambiguous on the wire.
    return argument == data or url_encoded(argument) == url_encoded(data)


def fits(frame: RecordedFrame, command: Received) -> bool:
    """Whether a reply can be one to such a command."""
    text = frame.get("Reply-Text")
    is_api = frame.content_type == "api/response"
    is_job = bool(frame.get("Job-UUID"))
    if text.startswith("-ERR") and not is_api:
        return True
    match word_of(command):
        case "api":
            return is_api
        case "bgapi":
            return is_job
        case "getvar":
            return not is_api and not is_job
        case "sendmsg":
            return text == "+OK" and not is_api
        case "exit":
            return text == "+OK bye"
        case _:
            return text.startswith("+OK") and not is_api and not is_job
