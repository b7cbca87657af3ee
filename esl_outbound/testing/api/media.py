"""API commands about what a channel hears, and what is heard of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

import trio

from ..applications.basics import broadcast, send_digits
from ..applications.recording import start_recording, steer_recording, stop_recording
from ..core import Core
from ..expansion import separate
from ..keys import spelt
from ..playing import Playing
from ..wire import atoi
from .command import DONE, NO_CHANNEL, OK, ApiCommand, words_of

__all__ = ["COMMANDS"]

_NO_SESSION: Final = "-ERR Cannot locate session!\n"


async def _uuid_broadcast(core: Core, argument: str) -> str:
    uuid, what = words_of(argument, 2)
    if not what:
        return "-USAGE: <uuid> <path> [aleg|bleg|holdb|both]\n"
    session = core.sessions.get(uuid)
    if session is None:
        return "-ERR invalid uuid\n"
    broadcast(session, what)
    return "+OK Message sent\n"


async def _uuid_recv_dtmf(core: Core, argument: str) -> str:
    words = separate(argument, limit=2)
    if len(words) < 2:
        return "-USAGE: <uuid> <dtmf_data>\n"
    uuid, digits = words
    session = core.sessions.get(uuid)
    if session is None:
        return _NO_SESSION
    if not session.keys.press_spelt(digits) and re.search("[^~+@0-9]", digits):
        return "-USAGE: <uuid> <dtmf_data>\n"
    return f"+OK {uuid} received DTMF {digits}.\n"


async def _uuid_send_dtmf(core: Core, argument: str) -> str:
    words = separate(argument, limit=2)
    if len(words) < 2:
        return "-USAGE: <uuid> <dtmf_data>\n"
    uuid, digits = words
    channel = core.channels.get(uuid)
    if channel is None:
        return _NO_SESSION
    if not any(spelt(digits)):
        return "-ERR Operation failed\n"
    await trio.sleep(send_digits(channel, digits))
    return f"+OK {uuid} sent DTMF {digits}.\n"


async def _uuid_flush_dtmf(core: Core, argument: str) -> str:
    session = core.sessions.get(argument)
    if session is None:
        return "-ERR No such session\n"
    session.keys.flush()
    return OK


async def _uuid_record(core: Core, argument: str) -> str:
    uuid, action, rest = words_of(argument, 3)
    session = core.sessions.get(uuid)
    if session is None:
        return "-ERR Cannot locate session!\n"
    path, _, limit = rest.partition(" ")
    match action:
        case "start":
            done = start_recording(session, path, float(atoi(limit)) or math.inf)
        case "stop" if path == "all":
            done = all(stop_recording(session, each) for each in list(session.recordings))
        case "stop":
            done = stop_recording(session, path)
        case "mask" | "unmask" | "pause" | "resume":
            done = steer_recording(session, path, action)
        case _:
            return "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n"
    what = {"start": "record", "stop": "stop record"}.get(action, f"{action} recording")
    return DONE if done else f"-ERR Cannot {what} session!\n"


async def _uuid_fileman(core: Core, argument: str) -> str:
    """Steer the file that plays: pause, restart, seek, speed, volume, stop."""
    uuid, command = words_of(argument, 2)
    if not command:
        return "-USAGE: <uuid> <cmd>:<val>\n"
    session = core.sessions.get(uuid)
    if session is None:
        return NO_CHANNEL
    if session.playing is None:
        return "-ERR No file handle!\n"
    _steer(session.playing, command)
    return OK


def _steer(file: Playing, command: str) -> None:
    """What switch_ivr_process_fh() does; nobody is told if it fails. The volume changes nothing here."""
    verb, found, value = command.lower().partition(":")
    number = atoi(value)
    is_relative = value[:1] in ("+", "-")
    file.steer()
    if verb == "pause" and not found:
        file.is_paused = not file.is_paused
    elif verb == "restart" and not found:
        file.position = 0.0
        file.pace = 0
    elif verb == "stop" and not found:
        # The file's read-ahead is played first.
        file.position = max(file.position, file.seconds - 1.2) if file.seconds != math.inf else file.position
    elif verb.startswith("seek") and found:
        offset = (number or 1000 if is_relative else max(number, 0)) / 1000
        file.position = max(file.position + offset if is_relative else offset, 0.0)
    elif verb.startswith("speed") and found:
        file.set_pace(file.pace + (number or 1) if is_relative else number)


async def _uuid_displace(core: Core, argument: str) -> str:
    """What is mixed into a call is not heard in its story; whether it is there is known."""
    words = separate(argument, limit=5)
    if len(words) < 3:
        return _DISPLACE_USAGE
    uuid, action, path = words[:3]
    session = core.sessions.get(uuid)
    if session is None:
        return _NO_SESSION
    match action.lower():
        case "start":
            if path in session.displaced or core.sounds.length(path) is None:
                return "-ERR Cannot displace session!\n"
            session.displaced.add(path)
            session.channel.story.only_completes("uuid_displace")
        case "stop":
            if path not in session.displaced:
                return "-ERR Cannot stop displace session!\n"
            session.displaced.remove(path)
        case _:
            return _DISPLACE_USAGE
    return DONE


_DISPLACE_USAGE: Final = "-USAGE: <uuid> [start|stop] <path> [<limit>] [mux]\n"


async def _uuid_audio(core: Core, argument: str) -> str:
    words = argument.split(" ")
    usage = "-USAGE: <uuid> [start [read|write] [mute|level <level>]|stop]\n"
    if len(words) < 2:
        return usage
    if words[0] not in core.channels:
        return NO_CHANNEL
    match [word.lower() for word in words[1:]]:
        case ["stop", *_] | ["start", "read" | "write", "mute" | "level", _, *_]:
            return OK
        case _:
            return usage


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "uuid_audio": _uuid_audio,
    "uuid_broadcast": _uuid_broadcast,
    "uuid_displace": _uuid_displace,
    "uuid_fileman": _uuid_fileman,
    "uuid_flush_dtmf": _uuid_flush_dtmf,
    "uuid_record": _uuid_record,
    "uuid_recv_dtmf": _uuid_recv_dtmf,
    "uuid_send_dtmf": _uuid_send_dtmf,
}
