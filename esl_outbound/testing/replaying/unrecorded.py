"""What FreeSWITCH's side tells of commands that were not recorded, or not by a name of the handler's own."""

from __future__ import annotations

import re
from typing import Final, final

from ..recordings import RecordedFrame
from ..wire import Received, url_encoded
from .identity import Identities
from .telling import argument_of, command_shown, word_of

__all__ = ["Requests", "fits"]

# Variables for the time of one application; FreeSWITCH does not show them.
_OWN_VARIABLES: Final = re.compile(r"^(?:%\[[^\]]*\])+")


@final
class Requests:
    """Which application of the recording is which of the handler's: the first that waits for one of that name.

    Args:
        identities: Learns what they are called now.
    """

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._waiting: list[Received] = []
        self._seen: set[str] = set()

    def add(self, command: Received) -> None:
        """The handler asked for an application."""
        self._waiting.append(command)

    def began(self, frame: RecordedFrame, *, is_asked_for: bool) -> tuple[str, str] | None:
        """One began in the recording; where the handler has asked for something else, or for nothing, tell both.

        Args:
            frame: That it began.
            is_asked_for: Whether the handler must have asked for it.
        """
        uuid, application = frame.get("Application-UUID"), frame.get("Application")
        if uuid in self._seen or uuid in self._identities or application == "socket":
            return None
        self._seen.add(uuid)
        data = frame.get("Application-Data")
        name = application.lower()
        command = next((each for each in self._waiting if each.get("execute-app-name").lower() == name), None)
        if command is not None:
            self._waiting.remove(command)
            self._identities.name(uuid, command.get("Event-UUID"))
            if _could_become(command, data):
                return None
        if not is_asked_for:
            return None
        other = command or next(iter(self._waiting), None)
        return f"execute {application} {data}".rstrip(), command_shown(other) if other is not None else ""


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
