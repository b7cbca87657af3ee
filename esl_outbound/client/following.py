"""One channel, followed over a connection of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, final
from uuid import uuid4

from ..arguments.checks import whole_seconds
from ..call.observing import wanted_events
from ..errors import CommandRejected, Disconnected, NoSuchChannel
from ..protocol import (
    ApiResponse,
    Connect,
    ConnectReply,
    DivertEvents,
    Event,
    EventFormat,
    Execute,
    GetVar,
    Linger,
    MyEvents,
    NixEvent,
    NoLinger,
    Reply,
    Resume,
    SendMsg,
    Subscribe,
)
from ..streams import Stream
from .hub import Hub
from .nursery import own_nursery
from .opening import Opener
from .session import Session

__all__ = ["FollowedChannel", "followed"]

_UNKNOWN: Final = "-ERR invalid uuid"
# Any event that `myevents` brings anyway would do.
_ANSWER: Final = "CHANNEL_ANSWER"


@final
class FollowedChannel(Stream[Event]):
    """The events of one channel, and commands for it: ``async for event in channel``, which ends with the channel.

    FreeSWITCH closes the connection as soon as the channel is down, and what it fires after that comes only if
    ``linger`` was said: CHANNEL_HANGUP_COMPLETE may be missing without it, and CHANNEL_DESTROY comes in no case, since
    the session lives as long as this connection. At most 1,024 events wait to be read, as of ``events``.

    When the connection is lost before the channel has ended, reading raises ``Disconnected``; ``get`` does so at every
    end, once all events were taken.
    """

    __slots__ = ("_channel_uuid", "_event_format", "_session")

    def __init__(self, session: Session, channel_uuid: str, event_format: EventFormat) -> None:
        super().__init__(session.end_error)
        self._session = session
        self._channel_uuid = channel_uuid
        self._event_format = event_format

    def __repr__(self) -> str:
        return f"<FollowedChannel {self._channel_uuid}{', ended' if self.has_ended else ''}>"

    @property
    def channel_uuid(self) -> str:
        """The channel's ``Unique-ID``, the newest one if it was given another (CHANNEL_UUID)."""
        return self._channel_uuid

    @property
    def has_ended(self) -> bool:
        """Whether FreeSWITCH has said that the channel ended; events may come even so, if it lingers."""
        return self._session.channel_ended

    async def __anext__(self) -> Event:
        try:
            return await self.get()
        except Disconnected:
            if self._session.channel_ended:
                raise StopAsyncIteration from None
            raise

    # Events

    async def subscribe(self, *names: str) -> None:
        """Ask for more events than ``myevents`` brings (``event``); they are of this channel all the same.

        ``myevents`` brings neither PLAYBACK_, RECORD_ nor CUSTOM events, nor CHANNEL_CALLSTATE.

        Args:
            names: Names of events, such as ``PLAYBACK_START``, ``ALL``, ``CUSTOM conference::maintenance``.

        Raises:
            LocalProtocolError: A name is no event's name, or there is none.
            CommandRejected: FreeSWITCH has no event of that name, or this user may not hear of it.
            Disconnected: The connection ended.
        """
        wanted = wanted_events(names)
        await self._session.command(Subscribe(wanted.names, wanted.subclasses, self._event_format))

    async def unsubscribe(self, *names: str) -> None:
        """Ask for events no longer (``nixevent``), those of ``myevents`` included.

        Raises:
            LocalProtocolError: A name is no event's name, or there is none.
            CommandRejected: FreeSWITCH has no event of that name.
            Disconnected: The connection ended.
        """
        wanted = wanted_events(names)
        await self._session.command(NixEvent(wanted.names, wanted.subclasses))

    async def myevents(self) -> None:
        """Say ``myevents`` once more, which FreeSWITCH allows once on a connection.

        Raises:
            CommandRejected: Always (``-ERR aready enabled.``).
            Disconnected: The connection ended.
        """
        await self._session.command(MyEvents(EventFormat.PLAIN, self._channel_uuid))

    async def divert_events(self, on: bool = True) -> None:
        """Show events that are sent to the session here (``divert_events``), and to nobody else.

        Raises:
            Disconnected: The connection ended.
        """
        await self._session.command(DivertEvents(on))

    # The end

    async def linger(self, seconds: float | None = None) -> None:
        """Keep the connection open after the channel's end, so that no event is missing (``linger``).

        Say it while the channel is up: after its end FreeSWITCH takes the seconds for a time that has passed.

        Args:
            seconds: For how long; whole ones, rounded up. None is until the block is left: then reading does not end
                by itself, and ``has_ended`` says when there is nothing more to wait for.

        Raises:
            LocalProtocolError: It is no such number; nothing was sent.
            Disconnected: The connection ended.
        """
        await self._session.command(Linger(None if seconds is None else whole_seconds(seconds, "seconds")))

    async def nolinger(self) -> None:
        """Take a ``linger`` back (``nolinger``).

        Raises:
            Disconnected: The connection ended.
        """
        await self._session.command(NoLinger())

    async def resume(self) -> None:
        """Have the channel reset when this connection is closed (``resume``): hardly ever what you want.

        It sets the channel variable ``socket_resume``. ``listener_run()`` in mod_event_socket.c then puts the channel
        into the state CS_RESET at the connection's end, which breaks off whatever runs on it.

        Raises:
            Disconnected: The connection ended.
        """
        await self._session.command(Resume())

    # The channel

    async def refresh(self) -> ConnectReply:
        """All that FreeSWITCH knows of the channel (``connect``): its ``headers`` and ``variables``, as they are now.

        While the connection lingers they have their final values, such as ``billsec``.

        Raises:
            CommandRejected: FreeSWITCH refused it.
            Disconnected: The connection ended.
        """
        command = Connect()
        reply = await self._session.command(command)
        if not isinstance(reply, ConnectReply):
            raise CommandRejected(command, reply)
        return reply

    async def getvar(self, name: str) -> str:
        """The raw ``getvar`` of a channel variable: cut at 511 bytes, and broken by line breaks.

        ``refresh`` gives it whole.

        Raises:
            LocalProtocolError: The name cannot be said; nothing was sent.
            CommandRejected: It is not set, or empty: FreeSWITCH says ``-ERR command not found``.
            Disconnected: The connection ended.
        """
        return (await self._session.command(GetVar(name))).text

    async def send_msg(self, headers: Mapping[str, str], *, body: str = "") -> Reply:
        """A ``sendmsg`` with headers of your own, to this channel.

        Raises:
            LocalProtocolError: They cannot be said; nothing was sent.
            Disconnected: The connection ended.
        """
        return await self._session.command(SendMsg(tuple(headers.items()), body))

    async def execute(self, application: str, argument: str = "", *, loops: int = 1, event_lock: bool = False) -> str:
        """Queue an application on this channel (``sendmsg`` with ``execute``), and do not wait for it.

        Args:
            application: The application's name. One that FreeSWITCH does not know hangs the channel up.
            argument: Its raw argument: ``${...}`` in it is expanded; ``literal(text)`` makes data of a text.
            loops: How often.
            event_lock: Let nothing that is queued later interrupt it: not even a hangup.

        Returns:
            The ``Application-UUID`` of its CHANNEL_EXECUTE and CHANNEL_EXECUTE_COMPLETE.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            Disconnected: The connection ended.
        """
        event_uuid = str(uuid4())
        command = Execute(application, argument, event_uuid=event_uuid, loops=loops, event_lock=event_lock)
        await self._session.command(command)
        return event_uuid

    # For the reader

    def offer(self, event: Event) -> None:
        """Take in an event, unless it is another channel's."""
        name = event.raw_name
        if name == b"CHANNEL_UUID" and event.get("Old-Unique-ID") == self._channel_uuid:
            self._channel_uuid = event.get("Unique-ID") or self._channel_uuid
        # Fired between the choice of a format and `myevents`, it may come after the replies to both.
        foreign = name == b"CHANNEL_ANSWER" and event.get("Unique-ID") != self._channel_uuid
        if not foreign or self._event_format is EventFormat.PLAIN:
            self.put(event)


@asynccontextmanager
async def followed(opener: Opener, channel_uuid: str) -> AsyncIterator[FollowedChannel]:
    """Open a connection and follow a channel over it, as ``SwitchCommands.follow``."""
    # FreeSWITCH follows every channel if it does not know this one and no format stands behind it, and forgets the
    # format before it looks at it (parse_command() in mod_event_socket.c): `event` chooses it.
    myevents = MyEvents(EventFormat.PLAIN, channel_uuid)
    myevents.encode()
    async with own_nursery() as nursery:
        hub = Hub(opener.peer)
        session = await opener.open(nursery, hub)
        try:
            channel = FollowedChannel(session, channel_uuid, opener.event_format)
            with hub.observed_by(channel):
                if opener.event_format is not EventFormat.PLAIN:
                    await session.command(Subscribe((_ANSWER,), (), opener.event_format))
                try:
                    await session.command(myevents)
                except CommandRejected as exc:
                    text = exc.reply.text
                    if text == _UNKNOWN:
                        said = myevents.encode().decode().rstrip("\n")
                        raise NoSuchChannel(channel_uuid, said, ApiResponse(text)) from exc
                    raise
                yield channel
        finally:
            await session.say_goodbye()
