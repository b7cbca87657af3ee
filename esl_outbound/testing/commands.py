"""What connections of the event socket are told to do (``parse_command()`` in ``mod_event_socket.c``)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import trio

from .channel import Channel, is_true
from .event_names import EVENT_NAMES
from .happenings import Happening, Who
from .listener import FOR_EVER, Listener
from .permissions import NeverEnds
from .wire import Event, Received, api_response, atoi, command_reply, cut, encoded, log_level, plain_head

__all__ = ["CommandedListener"]

_LONGEST_UUID: Final = 36
_DENIED: Final = "-ERR permission denied"
_UNCONTROLLED: Final = "-ERR not controlling a session"


class CommandedListener(Listener):
    """A connection that knows the commands which both kinds have."""

    is_full = True
    """Whether it knows the commands that need ``full``."""

    async def carry_out(self, command: Received) -> bytes | None:
        """Do what a command says; gives its reply, or None if it has had it already."""
        begins = self.faults.hang_up_with_reply_to
        if begins and self.session is not None and command.line.lower().startswith(begins.lower()):
            self.session.hang_up_by_far_end()
        reply = await self.reply_to(command)
        if reply is None:
            return None
        reply = reply or "-ERR command not found"
        if reply.startswith("-ERR"):
            self.tell(Who.SWITCH, Happening.REFUSES, repr(command.line), reply)
        return command_reply(reply)

    async def reply_to(self, command: Received) -> str | None:
        """Do what a command says; gives its reply, empty if it is unknown, or None if it has had it already."""
        line = command.line
        lowered = line.lower()
        if lowered.startswith(("exit", "...")):
            self.runs = False
            self.tell(Who.HANDLER, Happening.EXITS)
            return "+OK bye"
        if lowered.startswith("filter "):
            return self.subscriptions.filter(line[7:])
        if self.channel is not None:
            reply = await self._reply_about(self.channel, line)
            if reply != "":
                return reply
        if lowered.startswith("myevents"):
            return self.my_events(line)
        if lowered.startswith("divert_events"):
            return self._divert(line[13:].lstrip(" "))
        if lowered.startswith("sendmsg"):
            # A line that a lone CR has made of several names no channel.
            uuid = line[7:].lstrip(" ")
            return await self._send_message(command, uuid if uuid[:1] != "\n" else "")
        if not self.is_full:
            return ""
        for word, carry_out in self._full_commands.items():
            if lowered.startswith(word):
                return await carry_out(self, command, line[len(word) :])
        return ""

    # What is about the channel that it controls

    async def _reply_about(self, channel: Channel, line: str) -> str | None:
        lowered = line.lower()
        if lowered.startswith("resume"):
            self.resumes = True
            channel.set("socket_resume", "true")
            return "+OK"
        if lowered.startswith("connect"):
            await self._connect(channel)
            return None
        if lowered.startswith("getvar"):
            name = line.partition(" ")[2]
            # A variable that is not there is a command that is not there.
            return ((channel.get(name) or "") if name else "") or "-ERR command not found"
        return ""

    async def _connect(self, channel: Channel) -> None:
        headers = [*channel.profile.headers("Channel"), *channel.headers("CHANNEL_DATA")]
        event = self.core.make_event("CHANNEL_DATA", headers=headers)
        last = (
            ("Content-Type", "command/reply"),
            ("Reply-Text", "+OK\n"),
            ("Socket-Mode", "async" if self.is_async else "static"),
            ("Control", "full" if self.is_full else "single-channel"),
        )
        await self.connection.send(plain_head([*event.headers, *last]) + b"\n")
        self.connected()

    def connected(self) -> None:
        """Somebody said ``connect``."""

    @abstractmethod
    def my_events(self, line: str) -> str:
        """``myevents``."""

    def _divert(self, word: str) -> str:
        if self.channel is None:
            return f"{_UNCONTROLLED}."
        if not word:
            return "-ERR missing value."
        self.channel.diverts_events = word.lower() == "on"
        return "+OK events diverted" if self.channel.diverts_events else "+OK events not diverted"

    async def _linger_on(self, command: Received, rest: str) -> str:
        if self.channel is None:
            return _UNCONTROLLED
        if rest.startswith(" ") and len(rest) > 1 and atoi(rest) != FOR_EVER:
            self.linger = atoi(rest)
            if self.has_seen_end:
                # The time is taken for an absolute one, and that has long been over.
                self.lingers_until = trio.current_time()
            return f"+OK will linger {self.linger} seconds"
        self.linger = FOR_EVER
        self.lingers_until = math.inf
        return "+OK will linger"

    async def _no_linger(self, command: Received, rest: str) -> str:
        if self.channel is None:
            return _UNCONTROLLED
        self.linger = None
        return "+OK will not linger"

    # Messages and events

    async def _send_message(self, command: Received, uuid: str) -> str:
        uuid = uuid or command.get("session-id")
        if self.channel is not None and (not uuid or uuid == self.channel.uuid):
            await self._message_to_ones_own(self.channel, command)
        elif (other := self.core.sessions.get(uuid)) is not None:
            other.executions.queue(command)
        elif (leg := self.core.legs.get(uuid)) is not None:
            leg.queue(command)
        else:
            return f"-ERR invalid session id [{uuid}]"
        return "+OK"

    async def _message_to_ones_own(self, channel: Channel, command: Received) -> None:
        if command.get("call-command") == "hangup":
            self.tell(Who.HANDLER, Happening.HANGS_UP, command.get("hangup-cause") or "NORMAL_CLEARING")
        if self.session is None:
            # A far leg has no thread; once it is gone, nobody looks at what is sent to it.
            leg = self.core.legs.get(channel.uuid)
            if leg is not None:
                leg.queue(command)
        elif self.is_async or is_true(command.get("async")):
            self.session.executions.queue(command)
        else:
            await self.session.executions.carry_out(command)

    async def _send_event(self, command: Received, rest: str) -> str:
        name = rest.strip("\t ").upper()
        name = name if name in EVENT_NAMES else "CUSTOM"
        uuid = self.core.new_uuid()
        headers = [*_sent_headers(command), ("Event-UUID", uuid)]
        receiver = command.get("unique-id")
        target = self.core.sessions.get(receiver) if receiver else None
        if target is not None:
            target.take_event(Event(name, tuple(headers), command.body))
        else:
            self.core.fire(self.core.make_event(name, before=headers, body=command.body))
        return f"+OK {uuid}"

    # API commands

    async def _api(self, command: Received, rest: str) -> str | None:
        # `console_execute` makes a line of the console of it, which has the same words.
        name, blank, argument = rest.partition(" ")
        if not await self._may_run(name, argument if blank else None):
            return _DENIED
        self.tell(Who.HANDLER, Happening.ASKS_API, rest)
        output = await self._run_api(name, argument)
        await self.connection.send(api_response(output or "-ERR no reply\n"))
        return None

    async def _may_run(self, name: str, argument: str | None) -> bool:
        try:
            return self.subscriptions.permissions.may_run(name, argument)
        except NeverEnds:
            await trio.sleep_forever()

    async def _run_api(self, name: str, argument: str) -> str:
        if name.strip().lower() not in self.core.api_commands:
            self.tell(Who.SWITCH, Happening.LACKS_API_COMMAND, name.strip())
        return await self.core.run_api(name, argument)

    async def _bgapi(self, command: Received, rest: str) -> str | None:
        name, blank, argument = rest.partition(" ")
        if not await self._may_run(name, argument if blank else None):
            return _DENIED
        job = cut(command.get("job-uuid"), _LONGEST_UUID) or self.core.new_uuid()
        self.tell(Who.HANDLER, Happening.STARTS_JOB, rest)
        reply = f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n"
        await self.connection.send(encoded(reply))
        self.job_begins()
        owner = "" if self.channel is None else self.channel.uuid
        self.nursery.start_soon(partial(self._run_job, job, owner, name, argument))
        return None

    async def _run_job(self, job: str, owner: str, name: str, argument: str) -> None:
        try:
            output = await self._run_api(name, argument)
            told = [("Job-UUID", job), ("Job-Owner-UUID", owner), ("Job-Command", name), ("Job-Command-Arg", argument)]
            # switch_event_base_add_header() adds no header without a value.
            headers = [each for each in told if each[1]]
            self.core.fire(self.core.make_event("BACKGROUND_JOB", headers=headers, body=output))
        finally:
            self.job_ends()

    # The log

    async def _log(self, command: Received, rest: str) -> str:
        if not self.subscriptions.permissions.log:
            return _DENIED
        word = rest.lstrip(" ").partition(" ")[0]
        level = 7 if not word else log_level(word)
        if level < 0:
            return "-ERR invalid log level"
        self.hearing.log_level = level
        return f"+OK log level {word} [{level}]"

    async def _no_log(self, command: Received, rest: str) -> str:
        self.hearing.forget_lines()
        if self.hearing.log_level is None:
            return "-ERR not loging"
        self.hearing.log_level = None
        return "+OK no longer logging"

    # Events

    async def _event(self, command: Received, rest: str) -> str:
        return self.subscriptions.subscribe(rest.partition(" ")[2])

    async def _nix_event(self, command: Received, rest: str) -> str:
        return self.subscriptions.unsubscribe(rest.partition(" ")[2])

    async def _no_events(self, command: Received, rest: str) -> str:
        self.hearing.forget_events()
        return self.subscriptions.none()

    # In the order in which parse_command() compares them.
    _full_commands: Final[Mapping[str, Callable[[CommandedListener, Received, str], Awaitable[str | None]]]] = {
        "sendevent": _send_event,
        "api ": _api,
        "bgapi ": _bgapi,
        "log": _log,
        "linger": _linger_on,
        "nolinger": _no_linger,
        "nolog": _no_log,
        "event": _event,
        "nixevent": _nix_event,
        "noevents": _no_events,
    }


def _sent_headers(command: Received) -> list[tuple[str, str]]:
    """What of a ``sendevent`` is told to others."""
    subclass = [("Event-Subclass", command.get("Event-Subclass"))] if command.get("Event-Subclass") else []
    rest = [(name, value) for name, value in command.headers if name.lower() != "event-subclass"]
    return [*subclass, ("Command", command.line), *rest]
