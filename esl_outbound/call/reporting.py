"""What is told of the call on the switch: log lines, events, access lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ..arguments.checks import check_word, whole_seconds
from ..arguments.text import argument, words
from ..errors import LocalProtocolError
from .base import CallBase

__all__ = ["Reporting"]

# LEVELS in switch_log.c; switch_log_str2level() takes numbers too.
_LOG_LEVELS: Final = ("console", "alert", "crit", "err", "warning", "notice", "info", "debug")
_DEEPEST_DEBUG: Final = 10
_MOST_HEADERS: Final = 25  # argv of event_function() in mod_dptools.c
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_WRITTEN_BY_US: Final = frozenset({"event-name", "event-subclass", "_body"})
_EVENT_NAME: Final = re.compile(r"[A-Z0-9_]+")


class Reporting(CallBase):
    """What is told of the call on the switch: log lines, events, access lists."""

    async def log_line(self, level: str | int, text: str) -> None:
        """Write a line into FreeSWITCH's log.

        Runs ``log``. (``log()`` asks for FreeSWITCH's own lines.)

        Args:
            level: ``debug``, ``info``, ``notice``, ``warning``, ``err``, ``crit``, ``alert`` or ``console``.
            text: What to write, as it is; line breaks make several lines of it.

        Raises:
            LocalProtocolError: There is no such level; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("log", argument(f"{_level(level)} {text}"))

    async def dump_to_log(self, level: str | int = "info") -> None:
        """Write everything that is known of the channel into FreeSWITCH's log.

        Runs ``info``.

        Args:
            level: As of ``log_line``.

        Raises:
            LocalProtocolError: There is no such level; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("info", _level(level))

    async def set_loglevel(self, level: str | int) -> None:
        """Say how much FreeSWITCH logs of this call.

        Runs ``session_loglevel``.

        Args:
            level: As of ``log_line``; 8 to 10 are deeper than ``debug``.

        Raises:
            LocalProtocolError: There is no such level; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("session_loglevel", _level(level))

    async def fire_event(self, headers: Mapping[str, str], *, name: str = "", subclass: str = "") -> None:
        """Fire an event that tells everything of this channel, and some headers more.

        Runs ``event``. Unlike ``send_event`` it needs no ``full``.

        Args:
            headers: Names and values, 25 at most; no value is empty or begins with a blank.
            name: The event's name; CHANNEL_APPLICATION, if not said, and CUSTOM with a subclass.
            subclass: The ``Event-Subclass`` of a CUSTOM event, such as ``shop::order``.

        Raises:
            LocalProtocolError: A name or a value cannot be said, or there are too many; nothing was sent.
            CallEnded: The call ended first.
        """
        parts: list[str] = []
        event = name or ("CUSTOM" if subclass else "")
        if event:
            if _EVENT_NAME.fullmatch(event) is None:
                raise LocalProtocolError(f"{event!r} is not the name of an event")
            parts.append(f"Event-Name={event}")
        if (event == "CUSTOM") != bool(subclass):
            raise LocalProtocolError("a CUSTOM event has a subclass, and no other has one")
        if subclass:
            parts.append(f"Event-Subclass={check_word(subclass, 'subclass')}")
        parts += [_header(header, value) for header, value in headers.items()]
        if len(parts) > _MOST_HEADERS:
            raise LocalProtocolError(f"{len(parts)} headers, and FreeSWITCH takes {_MOST_HEADERS}")
        await self._line.execute("event", argument(*words(*parts, delimiter=",")))

    async def enable_verbose_events(self) -> None:
        """Let every event of this channel carry all its variables; there is no way back.

        Runs ``verbose_events``.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("verbose_events")

    async def enable_heartbeat(self, seconds: float = 60) -> None:
        """Let FreeSWITCH fire SESSION_HEARTBEAT events of this call, for billing and the like.

        Runs ``enable_heartbeat``. ``async with self.events("SESSION_HEARTBEAT")`` shows them.

        Args:
            seconds: How often, in whole seconds.

        Raises:
            LocalProtocolError: It is less than a second; nothing was sent.
            CallEnded: The call ended first.
        """
        # switch_core_session_enable_heartbeat() in switch_core_session.c takes 0 for a minute.
        await self._line.execute("enable_heartbeat", f"{whole_seconds(seconds, 'seconds', least=1)}")

    async def disable_heartbeat(self) -> None:
        """Let FreeSWITCH fire no SESSION_HEARTBEAT any more.

        Runs ``uuid_session_heartbeat``: there is no application for it.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: FreeSWITCH refused.
            CallEnded: The call is over.
        """
        line = self._line
        await line.api_text(f"uuid_session_heartbeat {line.channel_uuid} off")

    async def check_acl(self, acl: str, *, address: str = "") -> bool:
        """Ask whether an address is in an access control list.

        Runs the API command ``acl``; the application ``check_acl`` would hang up.

        Args:
            acl: The list's name, such as ``domains`` or ``rfc1918.auto``, or a network such as ``10.0.0.0/8``.
            address: An IP address; the caller's (``self.network_address``), if not said.

        Returns:
            Whether it is; of a list that does not exist FreeSWITCH says no.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            LocalProtocolError: One of them is no word, or the channel has no address; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        line = self._line
        where = address or line.channel.header("Caller-Network-Addr")
        text = await line.api_text(f"acl {check_word(where, 'address')} {check_word(acl, 'acl')}")
        return text == "true"


def _level(level: str | int) -> str:
    text = str(level).lower()
    if text not in _LOG_LEVELS and not (text.isdecimal() and int(text) <= _DEEPEST_DEBUG):
        raise LocalProtocolError(f"level is {level!r}, and should be one of {' '.join(_LOG_LEVELS)}")
    return text


def _header(name: str, value: str) -> str:
    if _HEADER_NAME.fullmatch(name) is None or name.lower() in _WRITTEN_BY_US:
        raise LocalProtocolError(f"{name!r} cannot be a header of an event")
    # event_function() drops blanks behind the equals sign, and FreeSWITCH keeps no empty header.
    if not value or value[0] == " " or value.startswith("ARRAY::"):
        raise LocalProtocolError(f"{name} is {value!r}, and cannot be empty, begin with a blank, or be an array")
    return f"{name}={value}"
