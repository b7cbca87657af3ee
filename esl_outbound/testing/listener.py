"""The event socket of one call, on FreeSWITCH's side (``listener_run()`` in ``mod_event_socket.c``)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final, final

import trio

from .channel import is_true
from .connection import Connection, Faults
from .core import Site
from .event_names import EVENT_NAMES
from .frames import FRAME_SECONDS
from .happenings import Happening, Who
from .session import Session
from .subscriptions import Subscriptions
from .wire import (
    LOG_LEVELS,
    CommandReader,
    Event,
    Received,
    UnreadableCommand,
    api_response,
    atoi,
    command_reply,
    cut,
    disconnect_notice,
    event_message,
    linger_notice,
    log_level,
    log_message,
    plain_head,
)

__all__ = ["Listener"]

_FIRST_COMMAND_SECONDS: Final = 25
# Text-Channel of a log line that stands by itself, without date, level and place.
_CLEAN_LINE: Final = 1
_FOR_EVER: Final = -1
_LONGEST_UUID: Final = 36
# The channel's thread sees a hangup at its next frame; this long the end of the call is waited for.
_LAST_EVENTS_SECONDS: Final = 0.04
_LAST_WORDS_SECONDS: Final = 5.0


@final
class Listener:
    """One connection to an application.

    Args:
        session: The channel's thread.
        stream: The connection, established.
        is_async: Whether the dialplan line says ``async``.
        is_full: Whether it says ``full``.
        faults: What goes wrong.
    """

    def __init__(
        self, session: Session, stream: trio.abc.Stream, *, is_async: bool, is_full: bool, faults: Faults
    ) -> None:
        self.session: Final = session
        self.connection: Final = Connection(stream, faults, session.nursery)
        self.is_connected = False
        """Whether ``connect`` was said."""
        self.is_finished = False
        self._core: Final = session.core
        self._channel: Final = session.channel
        self._is_async = is_async
        self._is_full = is_full
        self._faults = faults
        self._reader: Final = CommandReader()
        self._subscriptions: Final = Subscriptions(session.channel.uuid)
        self._events: Final[deque[tuple[float, Event]]] = deque()
        self._lagging: Final[deque[tuple[float, Event]]] = deque()
        self._logs: Final[deque[bytes]] = deque()
        self._log_level: int | None = None
        self._linger: int | None = None
        self._lingers_until = math.inf
        self._has_seen_end = False
        self._down_since = math.inf
        self._resumes = False
        self._runs = True
        self._input_ended = False
        self._wake = trio.Event()

    # Hearing of things

    def _hear(self, event: Event) -> None:
        if event.name in self._faults.lost_events:
            return
        if self._faults.dispatch_lag:
            self._hear_later(trio.current_time(), event)
        elif self._subscriptions.wants(event):
            self._queue_event(event)

    def _hear_later(self, fired: float, event: Event) -> None:
        self._lagging.append((fired + self._faults.dispatch_lag, event))
        if len(self._lagging) == 1:
            self.session.start_soon(self._dispatch)

    async def _dispatch(self) -> None:
        while self._lagging:
            due, event = self._lagging[0]
            await trio.sleep_until(due)
            self._lagging.popleft()
            if self._subscriptions.wants(event) and not self.is_finished:
                self._queue_event(event)

    def _queue_event(self, event: Event) -> None:
        due = trio.current_time() + self._faults.event_delay
        if not self._is_async:
            # The thread that runs applications is this one: it looks at events once a frame, and then at all of them.
            due = self._events[-1][0] if self._events else due + FRAME_SECONDS
        self._events.append((due, event))
        self._wake.set()

    def hear_log(self, level: int, text: str, site: Site, kind: int) -> None:
        """A line of FreeSWITCH's log."""
        if self._log_level is not None and level <= self._log_level:
            file, function, number = site
            if kind != _CLEAN_LINE:
                now = datetime.fromtimestamp(self._core.micros() / 1_000_000, UTC)
                name = LOG_LEVELS[level] if level < len(LOG_LEVELS) else f"DEBUG{level - len(LOG_LEVELS) + 1}"
                text = f"{now:%Y-%m-%d %H:%M:%S.%f} 99.00% [{name}] {file}:{number} {text}"
            self._logs.append(
                log_message(
                    text + "\n",
                    level=level,
                    channel=kind,
                    file=file,
                    function=function,
                    number=number,
                    uuid=self._channel.uuid,
                )
            )
            self._wake.set()

    def notify(self) -> None:
        """Something is there to look at."""
        self._wake.set()

    async def _read_input(self) -> None:
        while not self._input_ended:
            data = await self.connection.receive()
            if not data:
                self._input_ended = True
            self._reader.feed(data)
            self._wake.set()

    # The thread

    async def run(self) -> None:
        """Serve the connection to its end."""
        session = self.session
        session.is_held_by += 1
        session.listeners.append(self)
        self._core.observers.append(self._hear)
        for fired, event in self._core.recent_events:
            if trio.current_time() < fired + self._faults.dispatch_lag:
                self._hear_later(fired, event)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read_input)
            try:
                await self._serve()
            finally:
                with trio.CancelScope(shield=True):
                    await self._finish()
            nursery.cancel_scope.cancel()

    async def _serve(self) -> None:
        try:
            first = await self._next_command(_FIRST_COMMAND_SECONDS)
            if first is None:
                return
            await self._carry_out(first)  # and its reply is forgotten
            while self._runs:
                command = await self._next_command(math.inf)
                if command is None:
                    return
                reply = await self._carry_out(command)
                if reply is not None:
                    await self.connection.send(reply)
        except UnreadableCommand:
            return

    async def _next_command(self, seconds: float) -> Received | None:
        """The next command, saying meanwhile what there is to say; None at the end."""
        gives_up = trio.current_time() + seconds - self._core.part_of_second
        while True:
            self._wake = trio.Event()
            if self.connection.is_dead:
                return None
            command = self._reader.next_command()
            if command is not None:
                return command
            if self._input_ended or trio.current_time() >= gives_up - 1e-9:
                return None
            if not self._reader.is_amid_command:
                await self._say_what_there_is()
            if self._lingers_until <= trio.current_time() + 1e-9 or not await self._look_at_channel():
                return None
            if self._wake.is_set():
                continue
            with trio.move_on_at(min(gives_up, self._next_moment())):
                await self._wake.wait()

    def _next_moment(self) -> float:
        moment = self._lingers_until
        if self._events and not self._reader.is_amid_command:
            moment = min(moment, self._events[0][0])
        if self._channel.hangup_cause is not None and not self._has_seen_end:
            # Once this is over, it is the events that come late that are waited for.
            told = self._down_since + _LAST_EVENTS_SECONDS
            if told > trio.current_time() + 1e-9:
                moment = min(moment, told)
        return moment

    async def _say_what_there_is(self) -> None:
        while self._logs:
            await self.connection.send(self._logs.popleft())
        if self._channel.diverts_events and self._channel.hangup_cause is None:
            while self.session.events:
                self._events.append((trio.current_time(), self.session.events.popleft()))
        if not self._subscriptions.are_on:
            return
        if self._faults.notice_before_hangup and self._channel.hangup_cause is not None and not self._has_seen_end:
            await self._see_end()
        while self._events and self._events[0][0] <= trio.current_time() + 1e-9:
            event = self._events.popleft()[1]
            await self.connection.send(event_message(event, self._subscriptions.form))

    async def _look_at_channel(self) -> bool:
        """Whether the connection goes on, as far as its channel is concerned."""
        if self._channel.hangup_cause is None or self._has_seen_end:
            return True
        now = trio.current_time()
        if self._down_since is math.inf:
            self._down_since = now
        # The thread that reports the end is this one, if the socket is not async.
        is_told = (
            self.session.is_reported or not self._is_async or now >= self._down_since + _LAST_EVENTS_SECONDS - 1e-9
        )
        # Amid a command no event is said, and the end of the channel is seen all the same.
        has_events = self._events and self._subscriptions.are_on and not self._reader.is_amid_command
        if not is_told or has_events:
            return True
        return await self._see_end()

    async def _see_end(self) -> bool:
        self._has_seen_end = True
        if self._linger is None:
            return False
        if self._linger != _FOR_EVER:
            self._lingers_until = trio.current_time() + self._linger + 1 - self._core.part_of_second
        await self.connection.send(linger_notice(self._channel.uuid, self._channel.name, self._linger))
        return True

    async def _finish(self) -> None:
        session = self.session
        self._core.observers.remove(self._hear)
        session.listeners.remove(self)
        resumes = self._resumes or self._channel.is_true("socket_resume")
        # Whoever does not read shall not hold the test up.
        with trio.move_on_after(_LAST_WORDS_SECONDS):
            await self.connection.send(disconnect_notice(self._channel.uuid))
        with trio.move_on_after(_LAST_WORDS_SECONDS):
            await self.connection.close()
        self.is_finished = True
        session.is_held_by -= 1
        if resumes and not self._is_async and session.is_ready:
            # CS_RESET is a state that nothing leads out of here.
            self._channel.state = self._channel.running_state = "CS_RESET"
            session.stuck = "resume and exit on a socket without async leave the channel in CS_RESET"
        session.release()
        self._channel.story.tell(Who.SWITCH, Happening.CLOSES_SOCKET)

    # Commands

    async def _carry_out(self, command: Received) -> bytes | None:
        """Do what a command says (``parse_command()``).

        Returns:
            Its reply; None if it has had it already.
        """
        begins = self._faults.hang_up_with_reply_to
        if begins and command.line.lower().startswith(begins.lower()):
            self.session.hang_up_by_far_end()
        reply = await self._reply_to(command)
        if reply is None:
            return None
        reply = reply or "-ERR command not found"
        if reply.startswith("-ERR"):
            self._channel.story.tell(Who.SWITCH, Happening.REFUSES, repr(command.line), reply)
        return command_reply(reply)

    async def _reply_to(self, command: Received) -> str | None:
        line = command.line
        lowered = line.lower()
        channel = self._channel
        if lowered.startswith(("exit", "...")):
            self._runs = False
            channel.story.tell(Who.HANDLER, Happening.EXITS)
            return "+OK bye"
        if lowered.startswith("filter "):
            return self._subscriptions.filter(line[7:])
        if lowered.startswith("resume"):
            self._resumes = True
            channel.set("socket_resume", "true")
            return "+OK"
        if lowered.startswith("connect"):
            await self._connect()
            return None
        if lowered.startswith("getvar"):
            name = line.partition(" ")[2]
            return (channel.get(name) or "") if name else ""
        if lowered.startswith("myevents"):
            return self._subscriptions.my_events(line)
        if lowered.startswith("divert_events"):
            return self._divert(line[13:].lstrip(" "))
        if lowered.startswith("sendmsg"):
            # A line that a lone CR has made of several names no channel.
            uuid = line[7:].lstrip(" ")
            return await self._send_message(command, uuid if uuid[:1] != "\n" else "")
        if not self._is_full:
            return ""
        for word, carry_out in self._full_commands.items():
            if lowered.startswith(word):
                return await carry_out(self, command, line[len(word) :])
        return ""

    async def _connect(self) -> None:
        channel = self._channel
        headers = [*channel.profile.headers("Channel"), *channel.headers("CHANNEL_DATA")]
        event = self._core.make_event("CHANNEL_DATA", headers=headers)
        last = (
            ("Content-Type", "command/reply"),
            ("Reply-Text", "+OK\n"),
            ("Socket-Mode", "async" if self._is_async else "static"),
            ("Control", "full" if self._is_full else "single-channel"),
        )
        await self.connection.send(
            plain_head(event.headers) + b"".join(_plain_last(name, value) for name, value in last) + b"\n"
        )
        self.is_connected = self.session.is_taken = True
        self.session.notify()

    def _divert(self, word: str) -> str:
        if not word:
            return "-ERR missing value."
        self._channel.diverts_events = word.lower() == "on"
        return "+OK events diverted" if self._channel.diverts_events else "+OK events not diverted"

    async def _send_message(self, command: Received, uuid: str) -> str:
        uuid = uuid or command.get("session-id")
        if not uuid or uuid == self._channel.uuid:
            self._tell_message(command)
            if self._is_async or is_true(command.get("async")):
                self.session.executions.queue(command)
            else:
                await self.session.executions.carry_out(command)
            return "+OK"
        if (other := self._core.sessions.get(uuid)) is not None:
            other.executions.queue(command)
        elif (leg := self._core.legs.get(uuid)) is not None:
            leg.queue(command)
        else:
            return f"-ERR invalid session id [{uuid}]"
        return "+OK"

    def _tell_message(self, command: Received) -> None:
        if command.get("call-command") == "hangup":
            cause = command.get("hangup-cause") or "NORMAL_CLEARING"
            self._channel.story.tell(Who.HANDLER, Happening.HANGS_UP, cause)

    async def _send_event(self, command: Received, rest: str) -> str:
        name = rest.strip("\t ").upper()
        name = name if name in EVENT_NAMES else "CUSTOM"
        uuid = self._core.new_uuid()
        headers = [*_sent_headers(command), ("Event-UUID", uuid)]
        receiver = command.get("unique-id")
        target = self._core.sessions.get(receiver) if receiver else None
        if target is not None:
            target.take_event(Event(name, tuple(headers), command.body))
        else:
            self._core.fire(self._core.make_event(name, before=headers, body=command.body))
        return f"+OK {uuid}"

    async def _api(self, command: Received, rest: str) -> str | None:
        # `console_execute` makes a line of the console of it, which has the same words.
        name, _, argument = rest.partition(" ")
        self._channel.story.tell(Who.HANDLER, Happening.ASKS_API, rest)
        output = await self._run_api(name, argument)
        await self.connection.send(api_response(output or "-ERR no reply\n"))
        return None

    async def _run_api(self, name: str, argument: str) -> str:
        if name.strip().lower() not in self._core.api_commands:
            self._channel.story.tell(Who.SWITCH, Happening.LACKS_API_COMMAND, name.strip())
        return await self._core.run_api(name, argument)

    async def _bgapi(self, command: Received, rest: str) -> str | None:
        name, _, argument = rest.partition(" ")
        job = cut(command.get("job-uuid"), _LONGEST_UUID) or self._core.new_uuid()
        self._channel.story.tell(Who.HANDLER, Happening.STARTS_JOB, rest)
        reply = f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n"
        await self.connection.send(reply.encode("utf-8", "surrogateescape"))
        self.session.start_soon(partial(self._run_job, job, name, argument))
        return None

    async def _run_job(self, job: str, name: str, argument: str) -> None:
        output = await self._run_api(name, argument)
        headers = [("Job-UUID", job), ("Job-Owner-UUID", self._channel.uuid), ("Job-Command", name)]
        if argument:
            headers.append(("Job-Command-Arg", argument))
        self._core.fire(self._core.make_event("BACKGROUND_JOB", headers=headers, body=output))

    async def _log(self, command: Received, rest: str) -> str:
        word = rest.lstrip(" ").partition(" ")[0]
        level = 7 if not word else log_level(word)
        if level < 0:
            return "-ERR invalid log level"
        self._log_level = level
        return f"+OK log level {word} [{level}]"

    async def _linger_on(self, command: Received, rest: str) -> str:
        if rest.startswith(" ") and len(rest) > 1 and atoi(rest) != _FOR_EVER:
            self._linger = atoi(rest)
            if self._has_seen_end:
                # The time is taken for an absolute one, and that has long been over.
                self._lingers_until = trio.current_time()
            return f"+OK will linger {self._linger} seconds"
        self._linger = _FOR_EVER
        self._lingers_until = math.inf
        return "+OK will linger"

    async def _no_linger(self, command: Received, rest: str) -> str:
        self._linger = None
        return "+OK will not linger"

    async def _no_log(self, command: Received, rest: str) -> str:
        self._logs.clear()
        if self._log_level is None:
            return "-ERR not loging"
        self._log_level = None
        return "+OK no longer logging"

    async def _event(self, command: Received, rest: str) -> str:
        return self._subscriptions.subscribe(rest.partition(" ")[2])

    async def _nix_event(self, command: Received, rest: str) -> str:
        return self._subscriptions.unsubscribe(rest.partition(" ")[2])

    async def _no_events(self, command: Received, rest: str) -> str:
        self._events.clear()
        return self._subscriptions.none()

    # In the order in which parse_command() compares them.
    _full_commands: Final[Mapping[str, Callable[[Listener, Received, str], Awaitable[str | None]]]] = {
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


def _plain_last(name: str, value: str) -> bytes:
    return plain_head([(name, value)])


def _sent_headers(command: Received) -> list[tuple[str, str]]:
    """What of a ``sendevent`` is told to others."""
    subclass = [("Event-Subclass", command.get("Event-Subclass"))] if command.get("Event-Subclass") else []
    rest = [(name, value) for name, value in command.headers if name.lower() != "event-subclass"]
    return [*subclass, ("Command", command.line), *rest]
