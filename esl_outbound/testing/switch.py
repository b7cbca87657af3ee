"""``FakeFreeSwitch``: a switch in memory, and the phones that call it."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, cast, final

import trio

from ..handler import CallHandler, HandlerSource, handler_class_of
from ..server import conduct_stream
from .api import API_COMMANDS
from .applications import Application, all_applications
from .applications.application import ApplicationFunction
from .caller import PATIENCE_SECONDS, Caller, CallFailed
from .connection import Faults
from .core import Core
from .destinations import Destination
from .ending import call_context, open_ending_nursery
from .endpoints import Endpoint, make_channel
from .groups import alone
from .happenings import Happening, Moment, Who
from .life import live
from .memory import MemoryStream, connected_pair
from .recordings import Recording
from .replaying import Replayed, replay
from .session import Session
from .story import Story

__all__ = ["Application", "FakeFreeSwitch", "Target"]

SocketApplication: TypeAlias = Callable[[trio.abc.Stream], Awaitable[None]]
"""A program that speaks the event socket itself."""
Target: TypeAlias = "HandlerSource | SocketApplication | str"
"""What takes a call: what ``serve`` takes, a coroutine function that is given the connection, or an address."""

_OURS: Final = "127.0.0.1:8084"
# Loggers of the framework that tell of a handler's fault, with its traceback.
_FAULT_LOGGERS: Final = ("esl_outbound.call", "esl_outbound.server")
_call: Final[ContextVar[Caller | None]] = ContextVar("esl_outbound_testing_call", default=None)


@final
class FakeFreeSwitch:
    """A simulated FreeSWITCH: ``async with phone.dial(Handler) as caller``.

    It plays FreeSWITCH's side of the event socket as FreeSWITCH 1.11 was measured to, on trio's clock: with a
    ``MockClock`` that jumps, an hour's call takes milliseconds.

    Args:
        seed: From which its UUIDs are made: the same seed gives the same ones.
        sounds: A folder of sound files: those that are in it last as long as their headers say.
        date: What its clock shows when the first call begins; the time of day, if not said. FreeSWITCH counts
            lingering, park_timeout and other limits in whole seconds of that clock.
    """

    def __init__(self, *, seed: int = 0, sounds: Path | None = None, date: datetime | None = None) -> None:
        self._core: Final = Core(seed, date)
        self._core.sounds.folder = sounds
        self._servers: Final[dict[str, Target | None]] = {}
        self.patience: float = PATIENCE_SECONDS
        """Seconds for which an expectation waits, and a handler may go on after the end of its call."""
        for application in all_applications():
            self._core.applications[application.name] = application
        self._core.api_commands.update(API_COMMANDS)

    # What there is on this switch

    @property
    def global_variables(self) -> dict[str, str]:
        """What ``$${name}`` becomes."""
        return self._core.global_variables

    @property
    def programs(self) -> Sequence[str]:
        """What the switch was asked to run by ``system``, of which nothing was run."""
        return tuple(self._core.programs)

    def sound(self, path: str, seconds: float) -> None:
        """Say how long a sound lasts; those of which nothing is said last a second.

        Args:
            path: As it is played, or its end, or a pattern with ``*``; ``say:number:12`` and ``speak:hello``
                for what is spoken.
            seconds: May be ``math.inf``.
        """
        self._core.sounds.add(path, seconds)

    def missing_sound(self, path: str) -> None:
        """Say that there is no such sound: ``playback`` says FILE NOT FOUND."""
        self._core.sounds.missing(path)

    def unwritable(self, pattern: str) -> None:
        """Say that paths cannot be opened for recording: ``record`` hangs the call up, as FreeSWITCH does."""
        self._core.unwritable.append(pattern)

    def destination(
        self,
        pattern: str,
        *,
        answers_after: float | None = 1.0,
        cause: str = "",
        refuses_after: float = 0.02,
        early_media_after: float | None = None,
        hangs_up_after: float | None = None,
    ) -> None:
        """Say what happens when ``bridge`` calls a destination; others ring for a second and answer.

        Args:
            pattern: The dial string of a leg, such as ``user/1001``, or a pattern with ``*``.
            answers_after: Seconds until it answers; None rings until ``Callee.answers()`` or a timeout.
            cause: Why it does not answer, such as USER_BUSY or UNALLOCATED_NUMBER.
            refuses_after: Seconds until it says so.
            early_media_after: Seconds until it is heard before the answer, which makes the bridge.
            hangs_up_after: Seconds of talk until it hangs up.
        """
        self._core.destinations.append(
            Destination(pattern, answers_after, cause, refuses_after, early_media_after, hangs_up_after)
        )

    def extension(self, number: str, actions: Sequence[str], *, context: str = "") -> None:
        """Say what the dialplan does at an extension, where ``transfer`` goes.

        Args:
            number: The extension.
            actions: Each ``application argument``; a ``socket`` finds the servers of ``listens()``.
            context: The dialplan's context; any, if not said.
        """
        self._core.extensions[f"{context}/{number}" if context else number] = tuple(actions)

    def application(
        self, name: str, function: ApplicationFunction, *, needs_media: bool = False, runs_after_hangup: bool = False
    ) -> None:
        """Add an application, or replace one.

        Args:
            name: Its name.
            function: A coroutine function that gets the ``Session`` and the argument after expansion.
            needs_media: Whether a channel without media is pre-answered first.
            runs_after_hangup: Whether it still runs on a channel that is hung up.
        """
        self._core.applications[name.lower()] = Application(name, function, needs_media, runs_after_hangup)

    def api_command(self, name: str, function: Callable[[str], Awaitable[str]]) -> None:
        """Add an API command, or replace one.

        Args:
            name: Its name.
            function: A coroutine function that gets the argument and returns what is printed.
        """

        async def command(_: Core, argument: str) -> str:
            return await function(argument)

        self._core.api_commands[name.lower()] = command

    def listens(self, address: str, target: HandlerSource | SocketApplication) -> None:
        """Say that a server listens at ``host:port``, in memory, for ``socket`` applications."""
        self._servers[address] = target

    def refuses(self, address: str) -> None:
        """Say that nobody listens at ``host:port``."""
        self._servers[address] = None

    # What is done to it

    async def api(self, name: str, argument: str = "") -> str:
        """Run an API command, as somebody else on the switch would, and say what it printed."""
        return await self._core.run_api(name, argument)

    async def shut_down(self) -> None:
        """Shut the switch down in order: all calls end with SYSTEM_SHUTDOWN."""
        self._core.is_shutting_down = True
        for channel in list(self._core.channels.values()):
            channel.story.tell(Who.SWITCH, Happening.SHUTS_DOWN)
            channel.hang_up("SYSTEM_SHUTDOWN")
        await trio.lowlevel.checkpoint()

    async def dies(self) -> None:
        """Kill the switch: its connections break, and nothing is said any more."""
        for session in list(self._core.sessions.values()):
            session.channel.story.tell(Who.SWITCH, Happening.DIES)
            for listener in tuple(session.listeners):
                listener.connection.reset()
                listener.notify()
            session.channel.hang_up("SYSTEM_SHUTDOWN")
        await trio.lowlevel.checkpoint()

    # Calls

    async def replay(
        self, recording: Recording | str | os.PathLike[str], handler: HandlerSource, *, limit_seconds: float = 15.0
    ) -> Replayed:
        """Play a recorded conversation back against a handler.

        The handler gets what FreeSWITCH said then, at the same moments after the commands that went before, and has to
        say what was said then. A ``.raw`` file, FreeSWITCH's bytes alone, plays back by order and time stamps.

        Args:
            recording: A recording, or the path of one: what ``serve(..., record=DIR)`` wrote, or a ``.raw`` file.
            handler: What ``serve`` takes.
            limit_seconds: How much longer than was recorded the handler may take for its next command, and to end.

        Returns:
            How the handler ended, and what it said.

        Raises:
            ReplayDiverged: The handler said something else than was recorded, or nothing more, or did not end.
            NotARecording: The file is no recording, or not one of a call.
            TypeError: ``handler`` makes no handlers.
        """
        return await replay(recording, handler, limit_seconds=limit_seconds)

    @call_context
    async def dial(
        self,
        target: Target,
        *,
        number: str = "5000",
        caller_id: str = "1000",
        caller_id_name: str = "",
        variables: Mapping[str, str] | None = None,
        mode: str = "async full",
        path: str = "",
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        context: str = "default",
        endpoint: Endpoint = "sofia",
        faults: Faults | None = None,
        fails_if_handler_does: bool = True,
        told: Callable[[Moment], None] | None = None,
    ) -> AsyncIterator[Caller]:
        """Call, and be the caller.

        The dialplan runs ``before``, hands the call to ``target`` with ``socket``, and then runs ``after``. When
        the block is left, a call that is up is hung up by the caller, and the handler is waited for.

        Args:
            target: What takes the call: whatever ``serve`` takes; ``host:port`` of a server that runs already, in
                any language, or several with ``|`` between; or a coroutine function that is given the connection.
                A server in another process needs real time, and not a clock that jumps.
            number: The number that is called.
            caller_id: The caller's number.
            caller_id_name: The caller's display name, which callers choose.
            variables: Channel variables.
            mode: The flags of the dialplan line: ``async full``, ``async``, ``full`` or none.
            path: What follows the address in the dialplan line (``socket_path``).
            before: Actions before the socket, each ``application argument``, such as ``answer``.
            after: Actions after it.
            context: The dialplan's context.
            endpoint: What kind of channel it is.
            faults: What goes wrong on the connection.
            fails_if_handler_does: Whether a fault of the handler's ``run`` fails the test.
            told: Gets each thing that happens, at once, to show a call live.

        Raises:
            CallFailed: The caller was left parked for ever, or the handler does not end.
            HandlerFailed: The handler raised something that is not the end of the call, and did not deal with it.
        """
        __tracebackhide__ = True
        hosts = target if isinstance(target, str) else _OURS
        places = "|".join(f"{host}/{path}" if path else host for host in hosts.split("|"))
        dialplan = [*before, f"socket {places} {mode}".rstrip(), *after]
        story = Story(told)
        story.begin()
        channel = make_channel(
            self._core,
            story,
            endpoint=endpoint,
            number=number,
            caller_id=caller_id,
            caller_id_name=caller_id_name,
            context=context,
            variables=variables or {},
        )
        problem: BaseException | None = None
        caller: Caller | None = None
        with _one_problem_at_a_time():
            async with open_ending_nursery(self.patience) as nursery:
                handlers = _Handlers(self, target, nursery)
                session = Session(
                    channel, dialplan, nursery=nursery, connect=handlers.connect, faults=faults or Faults()
                )
                caller = handlers.caller = Caller(session, self.patience)
                story.tell(Who.CALLER, Happening.CALLS, caller_id, number)
                nursery.start_soon(live, session)
                with _logs_kept():
                    try:
                        yield caller
                        await _finish(caller, session, handlers)
                    except trio.Cancelled:
                        raise
                    except BaseException as exc:
                        problem = _expectation_in(exc)
                nursery.cancel_scope.cancel()
        if problem is not None:
            raise problem
        if caller.handler_error is not None and fails_if_handler_does:
            raise caller.handler_failed("the handler was to do its work", "it")

    def _server_at(self, address: str, target: Target) -> Target | None:
        """Who listens there; an address itself stands for the network."""
        if address in self._servers:
            return self._servers[address]
        if isinstance(target, str):
            return address
        return target if address == _OURS else None


@final
class _Handlers:
    """The programs that take the calls of one caller."""

    def __init__(self, phone: FakeFreeSwitch, target: Target, nursery: trio.Nursery) -> None:
        self._phone = phone
        self._target = target
        self._nursery = nursery
        self.caller: Caller | None = None
        self._running = 0
        self._done = trio.Event()

    async def connect(self, host: str, port: int) -> trio.abc.Stream:
        """Open a connection as FreeSWITCH would.

        Raises:
            OSError: Nobody listens there.
        """
        server = self._phone._server_at(f"{host}:{port}", self._target)
        if server is None:
            raise ConnectionRefusedError(111, "Connection refused")
        if isinstance(server, str):
            return await _connect_over_network(host, port)
        ours, theirs = connected_pair()
        self._running += 1
        self._nursery.start_soon(self._run, server, theirs)
        return ours

    async def _run(self, server: HandlerSource | SocketApplication, stream: MemoryStream) -> None:
        _call.set(self.caller)
        try:
            if inspect.iscoroutinefunction(server):
                await self._run_application(cast("SocketApplication", server), stream)
            else:
                await self._serve(cast("HandlerSource", server), stream)
        finally:
            # Nothing may wait here: a cancellation would take the place of what went wrong.
            stream.close()
            self._running -= 1
            if not self._running:
                self._done.set()

    async def _run_application(self, application: SocketApplication, stream: trio.abc.Stream) -> None:
        try:
            await application(stream)
        except Exception as exc:
            self._failed(exc)

    async def _serve(self, source: HandlerSource, stream: trio.abc.Stream) -> None:
        outcome = await conduct_stream(source, stream)
        # How a program has set up its logging shall not hide its faults.
        deals_with_it = handler_class_of(source).on_error is not CallHandler.on_error
        if outcome.fault is not None and _is_class(source) and not deals_with_it:
            self._failed(outcome.fault)

    def _failed(self, error: BaseException) -> None:
        if self.caller is not None and self.caller.handler_error is None:
            self.caller.handler_error = error

    async def finished(self) -> None:
        """Wait until all of them have ended."""
        while self._running:
            self._done = trio.Event()
            await self._done.wait()


def _is_class(source: HandlerSource) -> bool:
    """Whether it is known before a call which class handles it."""
    return isinstance(source.func if isinstance(source, partial) else source, type)


async def _connect_over_network(host: str, port: int) -> trio.SocketStream:
    """Connect at once or not at all: FreeSWITCH does not try several addresses of a host side by side."""
    infos = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not infos:
        raise OSError(f"{host} has no address")
    family, kind, proto, _, address = infos[0]
    sock = trio.socket.socket(family, kind, proto)
    try:
        await sock.connect(address)
    except BaseException:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return trio.SocketStream(sock)


async def _finish(caller: Caller, session: Session, handlers: _Handlers) -> None:
    """End the call if it is up, and wait for the handler.

    Raises:
        CallFailed: The caller was left alone, or the handler does not end.
    """
    __tracebackhide__ = True
    # A handler that has left the caller alone is seen to have done so one frame after its socket is gone.
    if caller.is_up:
        await session.frames.next()
        caller.check_is_not_left_alone()
    await caller.hangs_up()
    with trio.move_on_after(caller.patience):
        await handlers.finished()
        await session.over.wait()
        return
    raise caller.failed("the handler was to end with the call", f"it went on for {caller.patience:g} s")


@contextlib.contextmanager
def _one_problem_at_a_time() -> Iterator[None]:
    """Take a single exception out of the groups that nurseries put around it."""
    __tracebackhide__ = True
    try:
        yield
    except BaseExceptionGroup as group:
        found = alone(group)
        raise found from found.__cause__


def _expectation_in(problem: BaseException) -> BaseException:
    """What went wrong; an expectation that failed in a nursery of the test's comes out of its groups."""
    found = alone(problem) if isinstance(problem, BaseExceptionGroup) else problem
    return found if isinstance(found, CallFailed) else problem


# What handlers log


@final
class _LogKeeper(logging.Handler):
    """Keeps what is logged in a call with that call."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        caller = _call.get()
        if caller is None:
            return
        caller.log.append(record)
        if record.levelno >= logging.ERROR and record.name in _FAULT_LOGGERS and record.exc_info is not None:
            caller.handler_error = record.exc_info[1]
        caller.tell_log(record)


_keeper: Final = _LogKeeper()
_keeping = 0


@contextlib.contextmanager
def _logs_kept() -> Iterator[None]:
    """Listen to the root logger while at least one call is up."""
    global _keeping
    root = logging.getLogger()
    if not _keeping:
        root.addHandler(_keeper)
    _keeping += 1
    try:
        yield
    finally:
        _keeping -= 1
        if not _keeping:
            root.removeHandler(_keeper)
