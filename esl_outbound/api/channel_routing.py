"""Where a channel goes, and whom it talks to."""

from __future__ import annotations

from typing import Final

from ..arguments.applications import later_argument
from ..arguments.checks import check_cause, check_file_name, check_uri, check_word
from ..arguments.extensions import Leg, extension_words
from ..arguments.text import Text, shown
from ..errors import LocalProtocolError, NoSuchChannel
from ..protocol import HangupCause
from .base import ApiBase
from .words import check_channel, one_of, rest_of_line, words_of

__all__ = ["ChannelRoutingCommands"]

# What printf() makes of a text that there is not.
_NULL: Final = "(null)"
_MOST_URIS: Final = 100


class ChannelRoutingCommands(ApiBase):
    """Where a channel goes, and whom it talks to."""

    __slots__ = ()

    async def uuid_transfer(
        self,
        channel_uuid: str,
        extension: str,
        *,
        dialplan: str = "",
        context: str = "",
        leg: Leg | str = Leg.ALEG,
    ) -> None:
        """Send a channel to an extension of the dialplan; a handler that has it loses it.

        Runs ``uuid_transfer``.

        Args:
            channel_uuid: The channel.
            extension: Where it goes. With the dialplan ``inline``, the applications that it runs, whose arguments
                FreeSWITCH expands then.
            dialplan: Whose extension that is; else the channel's own, ``XML`` if only a context is given.
            context: Where in that dialplan it is; else the channel's own.
            leg: The channel itself, the one that it talks to, or both.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: It has been transferred too often (``max_forwards``).
            LocalProtocolError: That is no extension, or can be no channel's UUID; nothing was sent.
        """
        parts = extension_words(extension, dialplan, context)
        leg = one_of(leg, "leg", list(Leg))
        # transfer_function() takes whatever begins like this for an option, and does not care what follows it.
        option = [f"-{leg}"] if leg != Leg.ALEG or extension.startswith("-") else []
        await self._done("uuid_transfer", channel_uuid, words_of(*option, *parts))

    async def uuid_dual_transfer(
        self,
        channel_uuid: str,
        extension: str,
        other_extension: str,
        *,
        dialplan: str = "",
        context: str = "",
        other_dialplan: str = "",
        other_context: str = "",
    ) -> None:
        """Send a channel to one extension, and the channel that it talks to, to another.

        Runs ``uuid_dual_transfer``. If it talks to nobody, it goes alone, and FreeSWITCH does not tell.

        Args:
            channel_uuid: The channel.
            extension: Where it goes.
            other_extension: Where the other one goes.
            dialplan: Whose extension ``extension`` is; else the channel's own.
            context: Where in that dialplan it is; else the channel's own.
            other_dialplan: Likewise of ``other_extension``.
            other_context: Likewise of ``other_extension``.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: Those are no extensions, or there is a ``/`` in one; nothing was sent.
        """
        places = (
            _place("extension", extension, dialplan, context),
            _place("other_extension", other_extension, other_dialplan, other_context),
        )
        await self._done("uuid_dual_transfer", channel_uuid, words_of(*places))

    async def uuid_bridge(self, channel_uuid: str, other_uuid: str, *, fallback_uuid: str = "") -> str:
        """Let two channels talk to each other; both leave what they do, and handlers that have them lose them.

        Runs ``uuid_bridge``. One of the two must be answered, or have early media.

        Args:
            channel_uuid: The one.
            other_uuid: The other.
            fallback_uuid: A third, that is taken if the other one cannot be.

        Returns:
            The UUID of the one that was taken.

        Raises:
            NoSuchChannel: One of the channels does not exist, any more; its ``channel_uuid`` says which.
            ApiFailed: No sound comes from either yet, or the first is being hung up.
            LocalProtocolError: One can be no channel's UUID; nothing was sent.
        """
        others = [check_channel(other_uuid, "other_uuid")]
        if fallback_uuid:
            others.append(check_channel(fallback_uuid, "fallback_uuid"))
        command = f"uuid_bridge {check_channel(channel_uuid)} {words_of(*others)}"
        response = await self._run(command)
        if response.text.startswith("+OK "):
            return response.text[4:].rstrip("\n")
        # uuid_bridge_function() says "Invalid uuid" whatever the reason is.
        if response.text.startswith("-ERR Invalid uuid"):
            for each in (channel_uuid, *others):
                if await self._is_gone(each):
                    raise NoSuchChannel(each, command, response)
        raise await self._refusal(channel_uuid, command, response)

    async def uuid_broadcast(
        self,
        channel_uuid: str,
        path: Text,
        *,
        application: str = "playback",
        leg: Leg | str | None = None,
        hangup_cause: HangupCause | str | None = None,
    ) -> None:
        """Let a channel hear a file, or run another application on it, whatever it does; do not wait for it.

        Runs ``uuid_broadcast``. What is sent to the channel meanwhile waits.

        Args:
            channel_uuid: The channel.
            path: The file, or what the other application is given; it is expanded if it is an ``Expand``.
            application: The application.
            leg: The channel itself, the one that it talks to, or both. If None, the channel itself, while the other one
                is on hold.
            hangup_cause: Hang the channel up afterwards, for this.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: An argument cannot be said; nothing was sent.
        """
        if application == "playback":
            check_file_name(shown(path))
        # switch_ivr_broadcast() looks for these; what stands behind the first two colons, it does not look at.
        what = check_word(application, "application", without=":!")
        if hangup_cause is not None:
            what += f"!{check_cause(hangup_cause, 'hangup_cause')}"
        parts = [f"{what}::{later_argument(application, path)}"]
        if leg is not None:
            parts.append(one_of(leg, "leg", list(Leg)))
        await self._done("uuid_broadcast", channel_uuid, words_of(*parts))

    async def uuid_park(self, channel_uuid: str) -> None:
        """Park a channel; a handler that has it loses it.

        Runs ``uuid_park``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_park", channel_uuid)

    # By SIP

    async def uuid_deflect(self, channel_uuid: str, uri: str) -> str | None:
        """Let the other side of an answered SIP call, call somebody else instead (SIP REFER).

        Runs ``uuid_deflect``. FreeSWITCH waits up to 10 s for a reply, and hangs up whatever it is, unless the
        channel variable ``sip_refer_continue_after_reply`` is true.

        Args:
            channel_uuid: The channel.
            uri: A SIP URI, or an extension of the other side.

        Returns:
            What the other side replied, ``no reply`` if nothing; None if it was not waited for.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no URI, or can be no channel's UUID; nothing was sent.
        """
        printed = await self._done("uuid_deflect", channel_uuid, check_uri(uri, "uri"))
        reply = printed.removeprefix("+OK:")
        return None if reply in ("", _NULL) else reply

    async def uuid_redirect(self, channel_uuid: str, *uris: str, cause: HangupCause | str | None = None) -> None:
        """Send a SIP call that is not answered yet, elsewhere (SIP 302, to several 300).

        Runs ``uuid_redirect``. Of a call that is answered, or is no SIP call, FreeSWITCH says ``+OK`` too.

        Args:
            channel_uuid: The channel.
            uris: Where it goes, the best first.
            cause: The hangup cause; NORMAL_UNSPECIFIED if None. With one, FreeSWITCH says 300 in any case.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: There is no URI, or more than 100, or what is none; nothing was sent.
        """
        if not 0 < len(uris) <= _MOST_URIS:
            raise LocalProtocolError(f"there are {len(uris)} uris, and should be 1 to {_MOST_URIS}")
        # sofia_receive_message() in mod_sofia.c divides it at blanks, then at commas.
        text = ",".join(check_uri(uri, "uri", without=",") for uri in uris)
        if cause is not None:
            text += f" {check_cause(cause)}"
        await self._done("uuid_redirect", channel_uuid, text)

    async def uuid_recovery_refresh(self, channel_uuid: str, uri: str) -> None:
        """Tell a channel to refresh what is kept to recover it after a crash.

        Runs ``uuid_recovery_refresh``. What it does, and what the URI is for, is up to the channel's endpoint; SIP
        has no use for it.

        Args:
            channel_uuid: The channel.
            uri: What the endpoint is given.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no text on one line, or can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_recovery_refresh", channel_uuid, rest_of_line(uri, "uri"))

    async def uuid_simplify(self, channel_uuid: str) -> None:
        """Try to take FreeSWITCH out of a bridged SIP call: the two sides are told to talk directly (SIP REFER).

        Runs ``uuid_simplify``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_simplify", channel_uuid)


def _place(name: str, extension: str, dialplan: str, context: str) -> str:
    """An extension as dual_transfer_function() in mod_commands.c reads it: divided at these, but for ``/inline``."""
    parts = extension_words(extension, dialplan, context)
    if dialplan == "inline" and not context and "/inline" not in extension:
        return f"{extension}/inline"
    if any("/" in part for part in parts):
        raise LocalProtocolError(f"{name} is {'/'.join(parts)!r}, and nothing of it can have a / in it")
    return "/".join(parts)
