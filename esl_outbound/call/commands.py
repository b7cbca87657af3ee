"""API commands, and the socket's commands for the channel that are no applications, as methods of a call."""

from __future__ import annotations

from collections.abc import Mapping

import trio

from ..arguments.checks import whole_seconds
from ..jobs import Job
from ..protocol import (
    ApiResponse,
    ConnectReply,
    GetVar,
    NoMedia,
    Reply,
    Resume,
    SendMsg,
    Unicast,
    XferExt,
)
from .base import CallBase

__all__ = ["SocketCommands"]


class SocketCommands(CallBase):
    """API commands, and what the socket understands beside applications and events.

    ``connect``, ``myevents`` and ``linger`` are said by the framework when a call arrives, and ``exit`` when it is
    over. ``refresh`` and the methods of these names change what can be changed without taking from it what it lives on.
    What is refused raises ``CommandRejected``. Without ``full`` FreeSWITCH knows but ``connect``, ``myevents``,
    ``getvar``, ``resume``, ``exit``, ``sendmsg``, ``filter`` and ``divert_events``, and the others raise
    ``NotPermitted`` before anything is sent. Without ``async`` each is answered when the application that runs is over.
    """

    # API commands

    async def api(self, command: str, *, as_job: bool = True, console: bool = False) -> ApiResponse:
        """Run an API command and wait for what it prints.

        It runs as a background job (``bgapi``): while FreeSWITCH runs an ``api`` nothing else comes over the
        connection, neither events nor the hangup. Cancelled, it runs on.

        Args:
            command: The command and its arguments, such as ``f"uuid_exists {self.channel_uuid}"``. It is raw:
                blanks divide it, and what a caller chose may be more than one argument.
            as_job: Say no to run it as a plain ``api``, which is answered up to 20 ms sooner and holds up all else.
            console: Let the line be a console command, aliases included (``console_execute``); never as a job.

        Returns:
            What it printed; ``.ok`` is false if that begins with ``-ERR`` or ``-USAGE``, and ``.reason`` says why.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CommandRejected: FreeSWITCH refused to run it.
            CallEnded: The call is over, and its socket too.
        """
        if as_job and not console:
            return await self._line.run_job(command)
        return await self._line.api(command, console=console)

    async def bgapi(self, command: str) -> Job:
        """Run an API command in the background.

        Args:
            command: The command and its arguments.

        Returns:
            The job: ``await job.result()``.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        return await self._line.start_job(command)

    # The channel

    async def getvar(self, name: str) -> str:
        """The raw ``getvar``: cut at 511 bytes, broken by line breaks. ``get_variable`` is the right one.

        Raises:
            CommandRejected: It is not set, or empty: FreeSWITCH says ``-ERR command not found``.
        """
        return (await self._line.command(GetVar(name))).text

    async def refresh(self) -> ConnectReply:
        """Bring ``variables`` and the rest up to date (a second ``connect``).

        Returns:
            All that FreeSWITCH knows of the channel now, as ``headers`` and ``variables`` of its own.

        Raises:
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        return await self._line.refresh()

    async def linger(self, seconds: float) -> None:
        """Have FreeSWITCH keep the socket for longer after the hangup (``linger``), for what ``after_hangup`` asks.

        The framework leaves once the hooks are over: set ``self.after_hangup_seconds`` as well, if they are to take
        longer than their class says. What is shorter than they need is lengthened to that. It counts for a
        hangup that is yet to come: said too late, ``linger`` closes the socket at once.

        Args:
            seconds: How long, in whole seconds; up to one second more.

        Raises:
            LocalProtocolError: The time is none; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over.
        """
        await self._line.require_call()
        await self._line.require_full("linger")
        await self._line.linger(whole_seconds(seconds, "seconds"))

    async def nolinger(self) -> None:
        """Take back what ``linger`` asked for.

        Says ``linger`` with the time that the hooks need: without that FreeSWITCH would close before they are told
        how the call ended.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over.
        """
        await self._line.require_call()
        await self._line.require_full("nolinger")
        await self._line.linger(0)

    async def resume(self) -> None:
        """Set the channel variable ``socket_resume`` (``resume``), which changes nothing: ``exit`` does as much.

        Without ``async`` it would leave the caller in a channel that is stuck (CS_RESET), and is not said.

        Raises:
            NotPermitted: The dialplan line does not say ``async``.
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over.
        """
        await self._line.require_call()
        await self._line.require_async("resume")
        await self._line.command(Resume())

    async def exit(self) -> None:
        """Leave the call to its dialplan (``exit``): ``continue_dialplan`` by the command's own name.

        Raises:
            CallEnded: The call was over before.
        """
        await self._line.leave_to_dialplan()
        await trio.lowlevel.checkpoint()

    async def send_msg(self, headers: Mapping[str, str], *, body: str = "", channel_uuid: str = "") -> Reply:
        """A ``sendmsg`` with headers of your own, to this channel or another one.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CommandRejected: There is no such channel (``-ERR invalid session id``), or more than 256 messages wait
                for this one (``-ERR memory error``).
            CallEnded: The call is over.
        """
        return await self._channel_command(SendMsg(tuple(headers.items()), body, channel_uuid))

    async def nomedia(self, nomedia_uuid: str) -> None:
        """Let the media of a bridged channel go round FreeSWITCH (``sendmsg`` with ``nomedia``).

        Raises:
            CommandRejected: As of ``send_msg``; likewise ``LocalProtocolError`` and ``CallEnded``.
        """
        await self._channel_command(NoMedia(nomedia_uuid))

    async def unicast(
        self,
        *,
        local_ip: str = "127.0.0.1",
        local_port: int = 8025,
        remote_ip: str = "127.0.0.1",
        remote_port: int = 8026,
        native: bool = False,
    ) -> None:
        """Send the call's audio as UDP datagrams, and play to the caller what comes back (``unicast``).

        On an L16/8000 channel FreeSWITCH sends 320 bytes of 16-bit little-endian
        linear PCM at 8,000 hertz every 20 ms, until the call ends. A port serves one call
        (``switch_ivr_activate_unicast()``). ``audio()`` does this with all that belongs to it. Answer or pre-answer
        the call first: without media an assertion in ``switch_ivr_park()`` aborts FreeSWITCH as a whole.

        Args:
            local_ip: The address FreeSWITCH sends from and listens on.
            local_port: Its port.
            remote_ip: The address it sends to.
            remote_port: Its port.
            native: Send the channel's codec as it is.

        Raises:
            CommandRejected: As of ``send_msg``; likewise ``LocalProtocolError`` and ``CallEnded``.
        """
        flags = "native" if native else ""
        await self._channel_command(Unicast(local_ip, local_port, remote_ip, remote_port, "udp", flags))

    async def xferext(self, *applications: tuple[str, str]) -> None:
        """Transfer the call to an extension made of these applications and arguments (``xferext``).

        The call is no longer ours then, and what is asked of it raises ``CallTransferred``.

        Raises:
            CommandRejected: As of ``send_msg``; likewise ``LocalProtocolError`` and ``CallEnded``.
        """
        await self._line.send_away(XferExt(applications))

    async def _channel_command(self, command: SendMsg | NoMedia | Unicast) -> Reply:
        await self._line.require_call()
        return await self._line.command(command)
