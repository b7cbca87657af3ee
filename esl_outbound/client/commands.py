"""The commands of the event socket, on a connection that we opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import uuid4

from ..arguments.checks import check_cause
from ..errors import LocalProtocolError
from ..jobs import Job
from ..protocol import (
    ApiResponse,
    Execute,
    Hangup,
    HangupCause,
    NoMedia,
    Reply,
    SendEvent,
    SendMsg,
    Unicast,
    XferExt,
)
from .following import FollowedChannel, followed
from .opening import Opener
from .session import Allowed
from .subscribing import SwitchSubscriptions

__all__ = ["SwitchCommands"]


class SwitchCommands(SwitchSubscriptions):
    """What can be said to a FreeSWITCH over a connection that we opened to it.

    The words are those of ``Call``; a command for a channel takes the channel's UUID first.
    """

    @property
    def _login(self) -> Opener:
        """What opens one more connection, as the same user."""
        raise NotImplementedError

    @property
    def allowed(self) -> Allowed:
        """What FreeSWITCH lets this user do (``userauth``); the password alone lets one do everything."""
        session = self._connected()
        if session is None:
            raise self._not_connected("")
        return session.allowed

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
        session = await self._session(f"api {command}")
        if not as_job or console or not session.allowed.hears_jobs:
            return await session.api(command, console=console)
        return await (await self.bgapi(command)).api_response()

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
        session = await self._session(f"bgapi {command}")
        if not self._hub.wishes.hears_jobs:
            # Whoever comes while the first one asks waits for FreeSWITCH's word, too: of a job whose end nobody is to
            # hear of nothing would ever come.
            await self._tell(self._hub.wishes.want_jobs, self._forget_jobs)
            self._hub.wishes.hears_jobs = True
        return await session.start_job(command)

    def _forget_jobs(self) -> None:
        # Another one's job may be running by now.
        if not self._hub.wishes.hears_jobs:
            self._hub.wishes.forget_jobs()

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

    async def _start(self, command: str) -> Job:
        return await self.bgapi(command)

    # One channel

    @asynccontextmanager
    async def follow(self, channel_uuid: str) -> AsyncIterator[FollowedChannel]:
        """Follow one channel to its end: ``async with switch.follow(channel_uuid) as channel``.

        Opens a further connection as the same user, and says ``myevents`` there. FreeSWITCH keeps what it knows of the
        channel for as long as this connection is open. **When it is closed, the channel is not under any socket's
        control any more** (``listener_run()`` in mod_event_socket.c): a call that a handler conducts over its own
        socket, and that is parked between two applications, is hung up or goes on in its dialplan then. ``events`` with
        ``where={"Unique-ID": channel_uuid}`` does it no harm.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            LocalProtocolError: ``channel_uuid`` cannot be said; nothing was opened.
            CommandRejected: This user may not hear of CHANNEL_ANSWER, which chooses another format than plain.
            NoFreeSwitch: No FreeSWITCH listens there, any more; likewise ``AccessDenied``, ``AuthenticationFailed``.
            Disconnected: The connection ended before FreeSWITCH had agreed.
        """
        async with followed(self._login, channel_uuid) as channel:
            yield channel

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
        session = await self._session(f"sendevent {name}")
        reply = await session.command(command)
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
        session = await self._session(f"sendmsg {command.channel_uuid}")
        return await session.command(command)


def _given(channel_uuid: str) -> str:
    """A channel's UUID: without one the message would be nobody's.

    Raises:
        LocalProtocolError: It is empty.
    """
    if not channel_uuid:
        raise LocalProtocolError("channel_uuid is empty, and should be a channel's UUID")
    return channel_uuid
