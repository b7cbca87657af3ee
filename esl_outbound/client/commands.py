"""The commands of the event socket, on a connection that we opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import ClassVar, Final, TypeVar
from uuid import uuid4

import trio

from ..api import SwitchApi
from ..arguments.checks import check_cause
from ..call.observing import Observer
from ..errors import Disconnected, LocalProtocolError, Progress, SwitchError
from ..jobs import Job
from ..log_lines import LogLevel, LogLines, log_level_of
from ..protocol import (
    ApiResponse,
    EventFormat,
    Execute,
    Filter,
    FilterDelete,
    Hangup,
    HangupCause,
    NoEvents,
    NoMedia,
    Reply,
    SendEvent,
    SendMsg,
    Unicast,
    XferExt,
)
from .hub import Hub
from .session import Allowed, Answers, Session
from .streams import Selection, selection_of
from .subscriptions import Step

__all__ = ["SwitchCommands"]

ObserverT = TypeVar("ObserverT", bound=Observer)


class SwitchCommands(SwitchApi):
    """What can be said to a FreeSWITCH over a connection that we opened to it.

    The words are those of ``Call``; a command for a channel takes the channel's UUID first.
    """

    _waits_for_connection: ClassVar[bool] = False
    """Whether what is wished for while there is no connection is told to the next one."""

    def __init__(self, hub: Hub, peer: str, event_format: EventFormat) -> None:
        self._hub: Final = hub
        self._peer: Final = peer
        self._event_format: Final = event_format
        # One change of subscriptions at a time: what FreeSWITCH is told is to be in the order of what is wanted.
        self._changing: Final = trio.Lock()
        self._subscriptions: Final[list[Selection]] = []
        """What was subscribed to without an observer."""
        self._hears_jobs = False
        """Whether FreeSWITCH has agreed to tell the ends of background jobs."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._peer}{'' if self.is_connected else ', not connected'}>"

    def _connected(self) -> Session | None:
        """The connection, if there is one."""
        raise NotImplementedError

    def _stream_end(self) -> SwitchError | None:
        """Why observers hear nothing more; None while they may."""
        raise NotImplementedError

    def _session(self, command: str) -> Session:
        """The connection, to say something on it.

        Raises:
            Disconnected: There is none.
        """
        session = self._connected()
        if session is None:
            raise Disconnected(self._peer, command, Progress.NOT_SENT)
        return session

    @property
    def is_connected(self) -> bool:
        """Whether commands can be sent."""
        session = self._connected()
        return session is not None and session.is_open

    @property
    def allowed(self) -> Allowed:
        """What FreeSWITCH lets this user do (``userauth``); the password alone lets one do everything."""
        return self._session("").allowed

    # API commands

    async def api(self, command: str, *, as_job: bool = True, console: bool = False) -> ApiResponse:
        """Run an API command and wait for what it prints.

        It runs as a background job (``bgapi``): while FreeSWITCH runs an ``api`` nothing else comes over the
        connection. Cancelled, it runs on. For a user who may not hear of BACKGROUND_JOB it runs as an ``api``.

        Args:
            command: The command and its arguments, such as ``"show channels"``. It is raw: blanks divide it, and what
                a caller chose may be more than one argument.
            as_job: Say no to run it as a plain ``api``, which is answered up to 20 ms sooner and holds up all else.
            console: Let the line be a console command, aliases included (``console_execute``); never as a job.

        Returns:
            What it printed; ``.ok`` is false if that begins with ``-ERR`` or ``-USAGE``, and ``.reason`` says why.

        Raises:
            CommandRejected: This user may not run it.
            Disconnected: The connection ended first; its ``progress`` says how far the command had come.
        """
        session = self._session(f"api {command}")
        if not as_job or console or not session.allowed.hears_jobs:
            return await session.api(command, console=console)
        response = await self.job(command)
        # What prints nothing is said to have done so by `api` alone (api_exec() in mod_event_socket.c).
        return response if response.text else ApiResponse("-ERR no reply\n")

    async def bgapi(self, command: str) -> Job:
        """Run an API command in the background.

        Args:
            command: The command and its arguments.

        Returns:
            The job: ``await job``, as often as you like.

        Raises:
            CommandRejected: This user may not run it, or may not hear of BACKGROUND_JOB.
            Disconnected: The connection ended before FreeSWITCH had accepted it.
        """
        session = self._session(f"bgapi {command}")
        if not self._hears_jobs:
            # Whoever comes while the first one asks waits for FreeSWITCH's word, too: of a job whose end nobody is to
            # hear of nothing would ever come.
            await self._tell(self._hub.wishes.want_jobs, self._hub.wishes.forget_jobs)
            self._hears_jobs = True
        return await session.start_job(command)

    async def job(self, command: str) -> ApiResponse:
        """Run an API command in the background, and wait for what it prints; cancelled, it runs on.

        Args:
            command: The command and its arguments.

        Raises:
            CommandRejected: This user may not run it.
            Disconnected: The connection ended first; its ``progress`` says how far the command had come.
        """
        return await (await self.bgapi(command)).result()

    async def _run(self, command: str) -> ApiResponse:
        return await self.api(command)

    # Events

    @asynccontextmanager
    async def _observing(self, selection: Selection, stream: ObserverT) -> AsyncIterator[ObserverT]:
        """Show a stream the events that it wants, and ask FreeSWITCH for them if nobody has yet."""
        with self._hub.observed_by(stream):
            async with self._subscribed(selection):
                yield stream

    @asynccontextmanager
    async def _subscribed(self, selection: Selection) -> AsyncIterator[None]:
        await self._tell(partial(self._hub.wishes.add, selection), partial(self._hub.wishes.remove, selection))
        try:
            yield
        finally:
            self._hub.wishes.remove(selection)
            await self._tell_of_less()

    async def subscribe(self, *names: str) -> None:
        """Ask for events, whoever observes them (``event``): an observer that comes later has them at once.

        Args:
            names: Names as ``events`` takes them.

        Raises:
            LocalProtocolError: A name is no event's name, or there is none.
            CommandRejected: FreeSWITCH has no event of that name, or this user may not hear of it.
            Disconnected: There is no connection, or it ended.
        """
        selection = selection_of(names, None)
        await self._tell(partial(self._hub.wishes.add, selection), partial(self._hub.wishes.remove, selection))
        self._subscriptions.append(selection)

    async def unsubscribe(self, *names: str) -> None:
        """Take a ``subscribe`` of the same names back (``nixevent``); what others observe goes on.

        Raises:
            LocalProtocolError: These names were not subscribed to.
        """
        selection = selection_of(names, None)
        found = next((each for each in self._subscriptions if each == selection), None)
        if found is None:
            raise LocalProtocolError(f"{' '.join(names)} was not subscribed to")
        self._subscriptions.remove(found)
        self._hub.wishes.remove(found)
        await self._tell_of_less()
        await trio.lowlevel.checkpoint()

    async def noevents(self) -> None:
        """Have no events at all (``noevents``), and let those go that FreeSWITCH has still in its queue.

        Raises:
            LocalProtocolError: Somebody observes events or waits for a job, and would wait for ever.
            CommandRejected: There were none anyway (``-ERR not listening for events``).
            Disconnected: There is no connection, or it ended.
        """
        async with self._changing:
            session = self._session("noevents")
            if self._hub.is_observed or session.runs_jobs:
                raise LocalProtocolError("noevents while somebody observes events or waits for a job")
            await trio.lowlevel.checkpoint_if_cancelled()
            for selection in self._subscriptions:
                self._hub.wishes.remove(selection)
            self._subscriptions.clear()
            self._hub.wishes.forget_jobs()
            self._hears_jobs = False
            session.told.names.clear()
            session.told.subclasses.clear()
            await (await session.say([Step(NoEvents())])).all_answered()

    async def filter(self, header: str, value: str) -> None:
        """Let only events through with this header and value (``filter``), whoever observes; several are alternatives.

        ``events(..., where=...)`` does this for one observer. The ends of background jobs always come.

        Args:
            header: The header's name, such as ``Unique-ID``.
            value: Its value, whatever its case; ``-X`` keeps out those with X, ``/X/`` is a regular expression.

        Raises:
            LocalProtocolError: They cannot be said; nothing was sent.
            Disconnected: There is no connection, or it ended.
        """
        Filter(header, value).encode()
        wishes = self._hub.wishes
        await self._tell(partial(wishes.add_filter, (header, value)), partial(wishes.remove_filters, header, value))

    async def delete_filter(self, header: str | None = None, value: str | None = None) -> None:
        """Take back one value of a filter, all of a header, or (without a header) every one (``filter delete``).

        Raises:
            LocalProtocolError: They cannot be said; nothing was sent.
        """
        FilterDelete(header, value).encode()
        self._hub.wishes.remove_filters(header, value)
        await self._tell_of_less()
        await trio.lowlevel.checkpoint()

    async def _tell(self, add: Callable[[], None], take_back: Callable[[], None]) -> None:
        """Wish for more, tell FreeSWITCH, and wait for its word; what it refuses is not wished for any more."""
        async with self._changing:
            session = self._connected()
            if session is None and not self._waits_for_connection:
                raise Disconnected(self._peer, "event", Progress.NOT_SENT)
            await trio.lowlevel.checkpoint_if_cancelled()
            add()
            if session is None:
                return
            try:
                await (await self._say(session)).all_answered()
            except BaseException as exc:
                if isinstance(exc, Disconnected) and self._waits_for_connection:
                    return  # the next connection is told
                take_back()
                await self._tell_of_less()
                raise

    async def _tell_of_less(self) -> None:
        """Tell FreeSWITCH what nobody wishes for any more; whatever happens, and without waiting for its word."""
        session = self._connected()
        if session is not None:
            with suppress(Disconnected):
                await self._say(session)

    async def _say(self, session: Session) -> Answers:
        return await session.say(self._hub.wishes.steps(session.told, self._event_format))

    @asynccontextmanager
    async def log_lines(self, level: LogLevel | int | str = "debug") -> AsyncIterator[LogLines]:
        """Read FreeSWITCH's log: ``async with switch.log_lines("warning") as lines``.

        Several readers share one ``log`` with the most verbose of their levels; the last one out says ``nolog``.

        Args:
            level: Lines of this level, and of those that are worse.

        Raises:
            LocalProtocolError: There is no such level.
            CommandRejected: This user may not read the log.
            Disconnected: There is no connection, or it ended.
        """
        number = log_level_of(level)
        lines = LogLines(number, self._stream_end)
        wishes = self._hub.wishes
        with self._hub.read_by(lines):
            await self._tell(partial(wishes.add_log_level, number), partial(wishes.remove_log_level, number))
            try:
                yield lines
            finally:
                wishes.remove_log_level(number)
                await self._tell_of_less()

    async def log(self, level: LogLevel | int | str = "debug") -> None:
        """Have FreeSWITCH's log lines sent, to the logger ``esl_outbound.freeswitch`` (``log``).

        Args:
            level: Lines of this level, and of those that are worse.

        Raises:
            LocalProtocolError: There is no such level.
            CommandRejected: This user may not read the log.
            Disconnected: There is no connection, or it ended.
        """
        number = log_level_of(level)
        wishes = self._hub.wishes
        await self._tell(partial(wishes.add_log_level, number), partial(wishes.remove_log_level, number))
        before, self._hub.logged_level = self._hub.logged_level, number
        if before is not None:
            wishes.remove_log_level(before)
            await self._tell_of_less()

    async def nolog(self) -> None:
        """Have them sent to the logger no longer (``nolog``, unless somebody reads them with ``log_lines``)."""
        before, self._hub.logged_level = self._hub.logged_level, None
        if before is not None:
            self._hub.wishes.remove_log_level(before)
            await self._tell_of_less()
        await trio.lowlevel.checkpoint()

    # Events and messages of our own

    async def send_event(
        self, name: str, headers: Mapping[str, str] | None = None, *, subclass: str = "", body: str = ""
    ) -> str:
        """Fire an event (``sendevent``), into one session if it bears a ``unique-id`` header.

        Args:
            name: The event's name; FreeSWITCH makes one that it does not know CUSTOM.
            headers: Its headers.
            subclass: The ``Event-Subclass`` of a CUSTOM event.
            body: Its body.

        Returns:
            The new event's ``Event-UUID``.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            Disconnected: There is no connection, or it ended.
        """
        command = SendEvent(name, subclass, tuple((headers or {}).items()), body)
        reply = await self._session(f"sendevent {name}").command(command)
        return reply.text.removeprefix("+OK ")

    async def send_msg(self, channel_uuid: str, headers: Mapping[str, str], *, body: str = "") -> Reply:
        """A ``sendmsg`` with headers of your own, to a channel.

        Raises:
            CommandRejected: There is no such channel (``-ERR invalid session id``).
            LocalProtocolError: It cannot be said; nothing was sent.
            Disconnected: There is no connection, or it ended.
        """
        return await self._to_channel(SendMsg(tuple(headers.items()), body, _given(channel_uuid)))

    async def execute(
        self, channel_uuid: str, application: str, argument: str = "", *, loops: int = 1, event_lock: bool = False
    ) -> str:
        """Queue an application on a channel (``sendmsg`` with ``execute``), and do not wait for it.

        Args:
            channel_uuid: The channel.
            application: The application's name. One that FreeSWITCH does not know hangs the channel up.
            argument: Its raw argument: ``${...}`` in it is expanded; ``literal(text)`` makes data of a text.
            loops: How often.
            event_lock: Let nothing that is queued later interrupt it: not even a hangup.

        Returns:
            The ``Application-UUID`` of its CHANNEL_EXECUTE and CHANNEL_EXECUTE_COMPLETE.

        Raises:
            CommandRejected: There is no such channel (``-ERR invalid session id``).
            LocalProtocolError: It cannot be said; nothing was sent.
            Disconnected: There is no connection, or it ended.
        """
        event_uuid = str(uuid4())
        command = Execute(
            application,
            argument,
            event_uuid=event_uuid,
            loops=loops,
            event_lock=event_lock,
            channel_uuid=_given(channel_uuid),
        )
        await self._to_channel(command)
        return event_uuid

    async def hangup(self, channel_uuid: str, cause: HangupCause | str = HangupCause.NORMAL_CLEARING) -> None:
        """End a channel (``sendmsg`` with ``hangup``); what carries ``event-lock`` holds it up, ``uuid_kill`` passes.

        Raises:
            CommandRejected: There is no such channel (``-ERR invalid session id``).
            LocalProtocolError: The cause is none; nothing was sent.
            Disconnected: There is no connection, or it ended.
        """
        await self._to_channel(Hangup(check_cause(cause), _given(channel_uuid)))

    async def nomedia(self, channel_uuid: str, nomedia_uuid: str) -> None:
        """Let the media of a bridged channel go round FreeSWITCH (``sendmsg`` with ``nomedia``).

        Raises:
            CommandRejected: There is no such channel (``-ERR invalid session id``).
            Disconnected: There is no connection, or it ended.
        """
        await self._to_channel(NoMedia(nomedia_uuid, _given(channel_uuid)))

    async def unicast(
        self,
        channel_uuid: str,
        *,
        local_ip: str = "127.0.0.1",
        local_port: int = 8025,
        remote_ip: str = "127.0.0.1",
        remote_port: int = 8026,
        native: bool = False,
    ) -> None:
        """Send a parked channel's audio as UDP datagrams, and play to it what comes back (``unicast``).

        On an L16/8000 channel FreeSWITCH sends 320 bytes of 16-bit little-endian linear PCM at 8,000 hertz every 20 ms
        (``switch_ivr_activate_unicast()``). The channel is to have media: without it an assertion in
        ``switch_ivr_park()`` aborts FreeSWITCH as a whole.

        Args:
            channel_uuid: The channel.
            local_ip: The address FreeSWITCH sends from and listens on.
            local_port: Its port.
            remote_ip: The address it sends to.
            remote_port: Its port.
            native: Send the channel's codec as it is.

        Raises:
            CommandRejected: There is no such channel (``-ERR invalid session id``).
            Disconnected: There is no connection, or it ended.
        """
        flags = "native" if native else ""
        await self._to_channel(
            Unicast(local_ip, local_port, remote_ip, remote_port, "udp", flags, _given(channel_uuid))
        )

    async def xferext(self, channel_uuid: str, *applications: tuple[str, str]) -> None:
        """Transfer a channel to an extension made of these applications and arguments (``sendmsg`` with ``xferext``).

        Raises:
            CommandRejected: There is no such channel (``-ERR invalid session id``).
            LocalProtocolError: It cannot be said; nothing was sent.
            Disconnected: There is no connection, or it ended.
        """
        await self._to_channel(XferExt(applications, _given(channel_uuid)))

    async def _to_channel(self, command: SendMsg | Execute | Hangup | NoMedia | Unicast | XferExt) -> Reply:
        return await self._session(f"sendmsg {command.channel_uuid}").command(command)


def _given(channel_uuid: str) -> str:
    """A channel's UUID: without one the message would be nobody's.

    Raises:
        LocalProtocolError: It is empty.
    """
    if not channel_uuid:
        raise LocalProtocolError("channel_uuid is empty, and should be a channel's UUID")
    return channel_uuid
