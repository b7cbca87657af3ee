"""Calls that are there already, brought together: transfers of a bridged leg, three-way calls, listening in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from ..arguments.checks import check_digits, check_file_name, check_word
from ..arguments.dial_strings import DialLeg
from ..arguments.extensions import Leg, extension_words
from ..arguments.text import Expand, Text, api_words, argument, shown, words
from ..errors import LocalProtocolError
from .attended_transfer import AttXferResult, attended_transfer
from .base import CallBase
from .eavesdropping import (
    Eavesdrop,
    EavesdropResult,
    Spied,
    eavesdrop_argument,
    eavesdropped,
    start_eavesdrop,
)
from .legs import channel_uuid_of, leave_by, other_leg_of
from .scheduling import broadcast_path
from .variable_commands import set_command

if TYPE_CHECKING:
    from ..protocol import Execute

__all__ = ["Joining"]

_HOLD_MUSIC: Text = Expand("${hold_music}")


class Joining(CallBase):
    """Calls that are there already, brought together: transfers of a bridged leg, three-way calls, listening in.

    Where another channel is named, it is a ``Call``, such as another handler of this
    program's, or a channel's UUID.
    """

    @property
    def other_leg(self) -> str | None:
        """The UUID of the channel that the caller talks to, as CHANNEL_BRIDGE and CHANNEL_UNBRIDGE tell; else None."""
        return self._line.other_leg or None

    # Away from here, to each other

    async def att_xfer(
        self,
        destination: str | DialLeg | Expand,
        *,
        cancel_key: str = "#",
        hangup_key: str = "*",
        conference_key: str = "0",
    ) -> AttXferResult:
        """Let the caller talk to a third party while the other leg waits, and leave the two to each other or return.

        Runs the ``att_xfer`` application, nested in the bridge that goes on: call it beside ``bridge()``. Once the
        third party was reached, the call is not ours any more afterwards, whatever the caller does: ``bridge()``
        raises ``CallTransferred``, and ``run()`` goes on for its wind-down. Cancelling it hangs the third party up.

        Args:
            destination: Whom to call, as of ``bridge()``: one word such as ``user/1002``, a ``DialLeg`` with variables
                of its own, or a whole raw dial string as ``Expand``.
            cancel_key: The digit with which the caller returns to the other leg; empty for none.
            hangup_key: The digit with which the caller leaves; hanging up does the same. Empty for none.
            conference_key: The digit that brings all three together; empty for none.

        Returns:
            What became of it.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CallEnded: The call ended before the third party was reached.
        """
        return await attended_transfer(self._line, destination, cancel_key, hangup_key, conference_key)

    async def intercept(
        self,
        channel: CallBase | str,
        *,
        bleg: bool = False,
        unbridged_only: bool = False,
        unanswered_only: bool = False,
    ) -> None:
        """Take over another channel: the caller talks to it, and whoever talked to it is hung up with PICKED_OFF.

        Runs the ``intercept`` application, which answers both. Afterwards neither this call nor the other one is
        its handler's any more, and when one hangs up, so does FreeSWITCH the other, unless ``park_after_bridge``
        or ``transfer_after_bridge`` is set on it.

        Args:
            channel: The channel.
            bleg: Take whoever talks to that channel, and not the channel itself.
            unbridged_only: Take it only if it talks to nobody.
            unanswered_only: Take it only if it is not answered.

        Raises:
            ApplicationFailed: There is no such channel, or it was not to be taken.
            LocalProtocolError: That is no other channel's UUID; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        conditions = {"intercept_unbridged_only": unbridged_only, "intercept_unanswered_only": unanswered_only}
        scope = {name: "true" for name, is_one in conditions.items() if is_one}
        parts = [*(["-bleg"] if bleg else []), channel_uuid_of(line, channel)]
        await leave_by(line, "intercept", argument(*words(*parts), scope=scope), reason="found no channel to take")

    async def uuid_bridge(
        self, channel: CallBase | str, *, park_after_bridge: bool = False, transfer_after_bridge: str = ""
    ) -> None:
        """Let the caller talk to another channel, which leaves what it does, as the caller leaves this.

        Runs the API command ``uuid_bridge``. Afterwards neither call is its handler's any more: here whatever is
        asked of it raises ``CallTransferred``, and the other handler's ``run()`` is cancelled, as by any transfer
        that is not its own. Both connections are kept until FreeSWITCH closes them. When one of
        the two hangs up, FreeSWITCH hangs up the other.

        Args:
            channel: The other channel. One of the two must be answered, or have early media.
            park_after_bridge: Park the caller when the other one has hung up, for another program to fetch.
            transfer_after_bridge: Send the caller to this extension when the other one has hung up, such as one
                that comes back to us: ``extension``, ``extension:dialplan`` or ``extension:dialplan:context``.

        Raises:
            ApiFailed: There is no such channel, or neither of the two can be heard.
            LocalProtocolError: That is no other channel's UUID; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call ended first.
        """
        line = self._line
        uuid = channel_uuid_of(line, channel)
        await line.require_call()
        await line.require_full("uuid_bridge")
        before: list[Execute] = []
        if park_after_bridge:
            before.append(set_command(line, "park_after_bridge", "true"))
        if transfer_after_bridge:
            extension_words(transfer_after_bridge, "", "")
            before.append(set_command(line, "transfer_after_bridge", transfer_after_bridge))
        if before:
            for execution in await line.start(before):
                await execution.completed()
        await line.api_away(f"uuid_bridge {line.channel_uuid} {uuid}")

    async def dual_transfer(
        self, extension: str, other_extension: str, *, dialplan: str = "", context: str = ""
    ) -> None:
        """Send the caller to one extension, and whoever he talks to, to another.

        Runs the API command ``uuid_dual_transfer``. Afterwards the call is not ours any more.

        Args:
            extension: Where the caller goes.
            other_extension: Where the other leg goes.
            dialplan: Whose extensions these are; else those of each leg, ``XML`` if only a context is given.
            context: Where in that dialplan they are; else in that of each leg.

        Raises:
            ApplicationFailed: The caller talks to nobody.
            LocalProtocolError: Those are no extensions, or there is a ``/`` in one; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call ended first.
        """
        line = self._line
        places = ["/".join(extension_words(each, dialplan, context)) for each in (extension, other_extension)]
        # dual_transfer_function() in mod_commands.c divides at these.
        if any("/" in text for text in (extension, other_extension, dialplan, context)):
            raise LocalProtocolError("an extension for uuid_dual_transfer has a / in it")
        await line.require_full("uuid_dual_transfer")
        await other_leg_of(line, "uuid_dual_transfer")
        await line.api_away(f"uuid_dual_transfer {api_words(line.channel_uuid, *places)}")

    # Listening in

    async def eavesdrop(
        self,
        channel: CallBase | str,
        *,
        listen_to: Spied | str = Spied.BOTH,
        whisper_to: Spied | str = Spied.NOBODY,
        require_group: str = "",
        keys: bool = True,
    ) -> EavesdropResult:
        """Let the caller listen to another channel, until that ends or he presses ``*``.

        Runs the ``eavesdrop`` application. What else is sent to the call meanwhile waits for its end, but for
        ``hangup()``, and cancelling this ends it; both need ``full``.

        Args:
            channel: The channel; ``"all"`` for one channel after the other, to the next with ``*``,
                which only the call's end ends.
            listen_to: What is heard: what comes from the channel, what its other leg says, or both.
            whisper_to: Who hears the caller from the beginning: the channel, its other leg, both or nobody.
            require_group: Only a channel whose variable ``eavesdrop_group`` has this name in it.
            keys: Let the caller change with 0 to 3 who hears him (the values of ``Spied``), and end it with ``*``.

        Returns:
            Whether it came to that.

        Raises:
            LocalProtocolError: That is no other channel's UUID, or no group; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        _, text = eavesdrop_argument(line, channel, listen_to, whisper_to, require_group, keys)
        return eavesdropped(await line.finish(await start_eavesdrop(line, "eavesdrop", text)))

    async def start_eavesdrop(
        self,
        channel: CallBase | str,
        *,
        listen_to: Spied | str = Spied.BOTH,
        whisper_to: Spied | str = Spied.NOBODY,
        require_group: str = "",
        keys: bool = True,
    ) -> Eavesdrop:
        """Begin to let the caller listen to another channel, and do not wait for its end.

        Arguments as of ``eavesdrop()``.

        Returns:
            A handle: ``await handle.whisper(...)``, ``.stop()``, ``.finished()``.

        Raises:
            LocalProtocolError: That is no other channel's UUID, or no group; nothing was sent.
            CallEnded: The call is over.
        """
        line = self._line
        uuid, text = eavesdrop_argument(line, channel, listen_to, whisper_to, require_group, keys)
        execution = await start_eavesdrop(line, "eavesdrop", text)
        await trio.lowlevel.cancel_shielded_checkpoint()
        return Eavesdrop(line, execution, uuid)

    async def native_eavesdrop(self, channel: CallBase | str, *, written: bool = False) -> EavesdropResult:
        """Let the caller listen to what comes from another channel, as it is encoded, until that channel ends.

        Runs the ``native_eavesdrop`` application; both must use one codec. Cancelling it ends it, which needs ``full``.

        Args:
            channel: The channel.
            written: Listen to what goes to that channel, and not to what comes from it.

        Returns:
            Whether it came to that.

        Raises:
            LocalProtocolError: That is no other channel's UUID; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        text = f"{channel_uuid_of(line, channel)} {'write' if written else 'read'}"
        return eavesdropped(await line.finish(await start_eavesdrop(line, "native_eavesdrop", argument(text))))

    async def three_way(self, channel: CallBase | str) -> EavesdropResult:
        """Let the caller talk with another channel and whoever talks to that, until that channel ends.

        Runs the ``three_way`` application: an ``eavesdrop`` in which both hear the caller, and which has no keys.
        Cancelling it ends it, which needs ``full``.

        Args:
            channel: The channel.

        Returns:
            Whether it came to that.

        Raises:
            LocalProtocolError: That is no other channel's UUID; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        text = argument(channel_uuid_of(line, channel))
        return eavesdropped(await line.finish(await start_eavesdrop(line, "three_way", text)))

    async def userspy(self, user: str, channel: CallBase | str = "") -> None:
        """Let the caller listen to every call of a user from now on, until he hangs up.

        Runs the ``userspy`` application of mod_spy. Afterwards the call is not ours any more.

        Args:
            user: The user, as ``user@domain``.
            channel: The channel with which to begin.

        Raises:
            ApplicationFailed: The call did not go.
            LocalProtocolError: The user is no word, or that is no other channel's UUID; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        parts = [check_word(user, "user"), *([channel_uuid_of(line, channel)] if channel else [])]
        await leave_by(line, "userspy", argument(*words(*parts)), reason="did not take the call away")

    # Amid a bridge

    async def soft_hold(self, unhold_key: str, *, moh_a: Text = "", moh_b: Text = "") -> None:
        """Let the other leg hear music, and the caller too, until the caller presses a key.

        Runs the ``soft_hold`` application, nested in the bridge that goes on: call it beside ``bridge()``.

        Args:
            unhold_key: The digit that ends it.
            moh_a: What the caller hears; else what ``hold_music`` of the channel names, and ``silence`` is nothing.
            moh_b: What the other leg hears; else what ``hold_music`` of its channel names, and ``silence`` is nothing.

        Raises:
            ApplicationFailed: The caller talks to nobody.
            LocalProtocolError: The key is no digit, or a path cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        if len(check_digits(unhold_key, "unhold_key")) != 1:
            raise LocalProtocolError(f"unhold_key is {unhold_key!r}, and should be one digit")
        music: list[Text] = []
        for path, name in ((moh_a, "moh_a"), (moh_b, "moh_b")):
            if isinstance(path, str) and path:
                check_file_name(path, name)
        if moh_a or moh_b:
            music.append(moh_a or _HOLD_MUSIC)
        if moh_b:
            music.append(moh_b)
        await other_leg_of(line, "soft_hold")
        await line.execute("soft_hold", argument(*words(unhold_key, *music)))

    async def broadcast(self, path: Text, *, leg: Leg | str = Leg.BOTH) -> None:
        """Let both legs of a bridge hear a file, or one of them; do not wait for it.

        Runs the ``broadcast`` application, for one leg ``uuid_broadcast``. What is sent while the file plays waits
        for its end. If the caller talks to nobody, the other leg is left out.

        Args:
            path: The file, as of ``playback()``.
            leg: Who hears it.

        Raises:
            LocalProtocolError: The path cannot be said; nothing was sent.
            NotPermitted: One leg, and the dialplan line does not say ``full``.
            CallEnded: The call ended first.
        """
        line = self._line
        leg, what = Leg(leg), broadcast_path(path)
        if leg is Leg.BOTH:
            await line.execute("broadcast", argument(*words(what, leg)))
            return
        # broadcast_function() in mod_dptools.c lets both legs hear it, whichever is named.
        await line.require_call()
        await line.api_text(f"uuid_broadcast {line.channel_uuid} {api_words(shown(what), leg)}")

    async def uuid_media(self, *, off: bool = False) -> None:
        """Let the sound of a bridge go through FreeSWITCH again, or past it.

        Runs the API command ``uuid_media``: both sides are sent a re-INVITE. Past FreeSWITCH nothing can be
        played, recorded or heard.

        Args:
            off: Past it.

        Raises:
            ApiFailed: FreeSWITCH cannot.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over.
        """
        line = self._line
        await line.require_call()
        await line.api_text(f"uuid_media {'off ' if off else ''}{line.channel_uuid}")
