"""What is done to a channel by its UUID: the ``uuid_`` commands.

Each is a method of that name. All that FreeSWITCH 1.11 has are there, but ``uuid_media_params``: said over an event
socket it ends FreeSWITCH itself, since ``uuid_media_params_function()`` in mod_commands.c asks the session that runs
it for its channel, and there is none.

* here: a channel's life
* ``channel_routing``: where it goes, and whom it talks to
* ``channel_limits``: how many of them use something
* ``channel_variables``: what is known of it
* ``channel_audio``: what is played to it, and recorded of it
* ``channel_media``: how its sound and picture travel
* ``channel_messages``: digits, texts, and what a telephone shows
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..arguments.checks import check_cause, check_name, whole_seconds
from ..errors import LocalProtocolError
from ..log_lines import LogLevel, log_level_of
from ..protocol import HangupCause
from .channel_audio import ChannelAudioCommands
from .channel_limits import ChannelLimitCommands
from .channel_media import ChannelMediaCommands
from .channel_messages import ChannelMessageCommands
from .channel_routing import ChannelRoutingCommands
from .channel_variables import ChannelVariableCommands
from .words import check_channel, check_value, words_of

__all__ = ["ChannelCommands"]

# hupall_api_function() has room for so many pairs.
_MOST_CONDITIONS: Final = 5


class ChannelCommands(
    ChannelRoutingCommands,
    ChannelLimitCommands,
    ChannelVariableCommands,
    ChannelAudioCommands,
    ChannelMediaCommands,
    ChannelMessageCommands,
):
    """What is done to a channel by its UUID: the ``uuid_`` commands."""

    __slots__ = ()

    async def create_uuid(self) -> str:
        """A new UUID, such as ``origination_uuid`` takes.

        Runs ``create_uuid``.

        Raises:
            ApiFailed: FreeSWITCH refused.
        """
        return await self._text("create_uuid")

    async def uuid_exists(self, channel_uuid: str) -> bool:
        """Whether there is such a channel.

        Runs ``uuid_exists``. A channel that has been hung up does not exist, even while its socket lingers.

        Args:
            channel_uuid: The channel.

        Raises:
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        return (await self._text(f"uuid_exists {check_channel(channel_uuid)}")) == "true"

    # Its end

    async def uuid_kill(self, channel_uuid: str, cause: HangupCause | str = HangupCause.NORMAL_CLEARING) -> None:
        """Hang a channel up.

        Runs ``uuid_kill``, which nothing holds back, not even an application that carries ``event-lock``.

        Args:
            channel_uuid: The channel.
            cause: Why.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no hangup cause, or can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_kill", channel_uuid, check_cause(cause))

    async def hupall(
        self, cause: HangupCause | str = HangupCause.MANAGER_REQUEST, *, where: Mapping[str, str] | None = None
    ) -> None:
        """Hang up all channels of the switch, or those with certain variables.

        Runs ``hupall``. This connection's own calls are among them.

        Args:
            cause: Why.
            where: Variables that a channel must have, each with just this value; 5 at most. None means all channels.

        Raises:
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no hangup cause, a name is no variable's name, a value is empty (FreeSWITCH
                would leave that condition out), or there are none or too many of them; nothing was sent.
        """
        parts: list[str] = [check_cause(cause)]
        if where is not None:
            if not 0 < len(where) <= _MOST_CONDITIONS:
                raise LocalProtocolError(f"there are {len(where)} conditions, and should be 1 to {_MOST_CONDITIONS}")
            for name, value in where.items():
                if not value:
                    raise LocalProtocolError(f"{name} is to be empty, and should have a value: all channels would end")
                parts += [check_name(name), check_value(value, name)]
        await self._text(f"hupall {words_of(*parts)}")

    # Its beginning

    async def uuid_ring_ready(self, channel_uuid: str, *, queued: bool = False) -> None:
        """Tell the caller that it rings (SIP 180).

        Runs ``uuid_ring_ready``.

        Args:
            channel_uuid: The channel.
            queued: That the call waits in a queue (SIP 182).

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_ring_ready", channel_uuid, "queued" if queued else "")

    async def uuid_pre_answer(self, channel_uuid: str) -> None:
        """Let the caller hear sound before the answer (SIP 183).

        Runs ``uuid_pre_answer``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_pre_answer", channel_uuid)

    async def uuid_answer(self, channel_uuid: str) -> None:
        """Answer a call that came in.

        Runs ``uuid_answer``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_answer", channel_uuid)

    async def uuid_outgoing_answer(self, channel_uuid: str) -> None:
        """Take a call that FreeSWITCH placed for answered, whatever the other side says.

        Runs ``uuid_outgoing_answer``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH did not place this call.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_outgoing_answer", channel_uuid)

    async def uuid_early_ok(self, channel_uuid: str) -> None:
        """Take early media for a sign of life from now on, where a call is placed with ``ignore_early_media``.

        Runs ``uuid_early_ok``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._silent("uuid_early_ok", channel_uuid)

    async def uuid_xfer_zombie(self, channel_uuid: str) -> None:
        """Let a call that is being placed go on ringing when the caller, whose channel this is, hangs up.

        Runs ``uuid_xfer_zombie``.

        Args:
            channel_uuid: The caller's channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_xfer_zombie", channel_uuid)

    async def uuid_zombie_exec(self, channel_uuid: str) -> None:
        """Let applications run on a channel even when it has been hung up.

        Runs ``uuid_zombie_exec``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_zombie_exec", channel_uuid)

    # Hold

    async def uuid_hold(self, channel_uuid: str, *, off: bool = False, toggle: bool = False, display: str = "") -> None:
        """Put a channel on hold, or take it back; whoever it talks to hears music.

        Runs ``uuid_hold``, and then ``uuid_exists``, since FreeSWITCH says ``+OK Success`` of a channel that
        there is not (``switch_ivr_hold_uuid()`` in switch_ivr.c).

        Args:
            channel_uuid: The channel.
            off: Take it back.
            toggle: Hold it, or take it back if it is on hold.
            display: What its telephone is told to show, if it can.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: It is on hold already, or ``off`` and it is not.
            LocalProtocolError: ``off`` and ``toggle``, ``off`` and a text to show, or an argument that cannot be said;
                nothing was sent.
        """
        if off and (toggle or display):
            raise LocalProtocolError("off goes neither with toggle nor with display")
        check_channel(channel_uuid, options=("off", "toggle"))
        option = "off" if off else "toggle" * toggle
        await self._done("uuid_hold", channel_uuid, words_of(display) if display else "", before=option)
        await self._require_channel(channel_uuid)

    # Watching it

    async def uuid_session_heartbeat(self, channel_uuid: str, seconds: float | None, *, sched: bool = False) -> None:
        """Have SESSION_HEARTBEAT events of a channel, or no more.

        Runs ``uuid_session_heartbeat``.

        Args:
            channel_uuid: The channel.
            seconds: How often, in whole seconds; None for never.
            sched: Let FreeSWITCH's scheduler make them and not the flow of sound; then they come as often as was
                asked for without ``sched`` before (``switch_core_session_sched_heartbeat()`` in switch_core_session.c).

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no time of a second or more, or can be no channel's UUID; nothing was sent.
        """
        # With 0 it would be every minute (uuid_session_heartbeat_function() in mod_commands.c).
        how_often = "off" if seconds is None else str(whole_seconds(seconds, "seconds", least=1))
        await self._done("uuid_session_heartbeat", channel_uuid, f"{'sched ' * sched}{how_often}")

    async def uuid_loglevel(self, channel_uuid: str, level: LogLevel | int | str, *, both_legs: bool = False) -> None:
        """Log of a channel all that a level lets through, even where less is logged of others.

        Runs ``uuid_loglevel``.

        Args:
            channel_uuid: The channel.
            level: The level, such as ``LogLevel.DEBUG``, 7 or ``debug``.
            both_legs: And of the channel that it talks to.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no log level from 0 to 7, or can be no channel's UUID; nothing was sent.
        """
        number = log_level_of(level)
        if number > LogLevel.DEBUG:
            raise LocalProtocolError(f"level is {level!r}, and should be {LogLevel.DEBUG:d} at most for a channel")
        await self._done("uuid_loglevel", channel_uuid, f"{'-b ' * both_legs}{number}")
