"""Digits and texts to and from a channel, and what its telephone shows."""

from __future__ import annotations

from typing import Literal

from ..arguments.applications import check_played
from ..arguments.checks import check_digits, check_one_line, check_word
from ..arguments.digits import digits_received, digits_sent
from ..arguments.text import argument, words
from ..errors import LocalProtocolError
from .base import ApiBase
from .words import check_stored, one_of, rest_of_line, words_of

__all__ = ["ChannelMessageCommands"]


class ChannelMessageCommands(ApiBase):
    """Digits and texts to and from a channel, and what its telephone shows."""

    __slots__ = ()

    # Digits

    async def uuid_send_dtmf(self, channel_uuid: str, digits: str, *, duration_seconds: float | None = None) -> None:
        """Send digits to a channel, as a telephone does that presses keys.

        Runs ``uuid_send_dtmf``, which does not wait until they have been sent.

        Args:
            channel_uuid: The channel.
            digits: Of ``0123456789*#ABCD``; ``w`` is a pause of half a second, ``W`` one of a second. 99 at most,
                the duration's characters among them.
            duration_seconds: How long each lasts, 0.051 to 24; FreeSWITCH's own duration if None.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: They cannot be sent, or that can be no channel's UUID; nothing was sent.
        """
        text = digits_sent(digits, duration_seconds)
        await self._done("uuid_send_dtmf", channel_uuid, text)

    async def uuid_recv_dtmf(self, channel_uuid: str, digits: str, *, duration_seconds: float | None = None) -> None:
        """Let digits come from a channel as if they had been pressed there.

        Runs ``uuid_recv_dtmf``.

        Args:
            channel_uuid: The channel.
            digits: Of ``0123456789*#ABCD``.
            duration_seconds: How long each lasts, 0.051 to 24; FreeSWITCH's own duration if None.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: They are no digits, or that can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_recv_dtmf", channel_uuid, digits_received(digits, duration_seconds))

    async def uuid_flush_dtmf(self, channel_uuid: str) -> None:
        """Throw away the digits that were pressed, and that nothing has taken yet; no event tells of them.

        Runs ``uuid_flush_dtmf``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_flush_dtmf", channel_uuid)

    async def uuid_drop_dtmf(self, channel_uuid: str, *, on: bool, mask_digits: str = "", mask_file: str = "") -> None:
        """Keep digits from being sent to a channel, such as those of a credit card, or no more.

        Runs ``uuid_drop_dtmf``.

        Args:
            channel_uuid: The channel.
            on: Keep them.
            mask_digits: What it is sent in place of each of them.
            mask_file: A file that it hears in place of each of them.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: Both masks, one that cannot be said, or that can be no channel's UUID; nothing was sent.
        """
        if mask_digits and mask_file:
            raise LocalProtocolError("there are mask_digits and mask_file, and should be one of them")
        if mask_file:
            check_played(mask_file, "mask_file")
            # It is kept in a variable, and an application of FreeSWITCH's own expands it.
            mask = ("mask_file", argument(check_stored(mask_file, "mask_file")))
        else:
            mask = ("mask_digits", check_digits(mask_digits, "mask_digits"))
        # uuid_drop_dtmf_function() wants all four arguments, and sets no mask for an empty one.
        await self._done("uuid_drop_dtmf", channel_uuid, words_of("on" if on else "off", *mask))

    # Texts

    async def uuid_send_info(self, channel_uuid: str, text: str, *, content_type: str = "") -> None:
        """Send a text to a channel in a SIP INFO.

        Runs ``uuid_send_info``. FreeSWITCH sends it only to another FreeSWITCH that has said that it takes it, unless
        the channel variable ``fs_send_unsupported_info`` is true; it does not tell whether it did.

        Args:
            channel_uuid: The channel.
            text: The text; it may have several lines.
            content_type: What it is, such as ``application/json``; else ``freeswitch/data``.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: The content type is none, or that can be no channel's UUID; nothing was sent.
        """
        parts: tuple[str, ...] = (text,)
        if content_type:
            kind, slash, subtype = check_word(content_type, "content_type").partition("/")
            if not (kind and slash and subtype):
                raise LocalProtocolError(
                    f"content_type is {content_type!r}, and should be two words with a / between them"
                )
            parts = (kind, subtype, text)
        await self._done("uuid_send_info", channel_uuid, words_of(*parts))

    async def uuid_send_message(self, channel_uuid: str, text: str) -> None:
        """Send a text to a channel in a SIP MESSAGE.

        Runs ``uuid_send_message``. FreeSWITCH sends it only to another FreeSWITCH that has said that it takes it,
        unless the channel variable ``fs_send_unsupported_message`` is true; it does not tell whether it did.

        Args:
            channel_uuid: The channel.
            text: The text; it may have several lines.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_send_message", channel_uuid, words_of(text))

    async def uuid_send_text(self, channel_uuid: str, text: str) -> None:
        """Send a line of real-time text to a channel.

        Runs ``uuid_send_text``. To a channel without real-time text FreeSWITCH sends nothing, and does not tell.

        Args:
            channel_uuid: The channel.
            text: The line.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no text on one line, or can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_send_text", channel_uuid, rest_of_line(text, "text"))

    async def uuid_chat(self, channel_uuid: str, text: str) -> None:
        """Send a chat message to a channel, where its endpoint has them.

        Runs ``uuid_chat``.

        Args:
            channel_uuid: The channel.
            text: The message.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: The endpoint has no chat messages.
            LocalProtocolError: That is no text on one line, or can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_chat", channel_uuid, rest_of_line(text, "text"))

    async def uuid_capture_text(self, channel_uuid: str, *, on: bool) -> None:
        """Have TEXT events of the real-time text that comes from a channel, or no more.

        Runs ``uuid_capture_text``, which does not tell whether it could.

        Args:
            channel_uuid: The channel.
            on: Have them.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._silent("uuid_capture_text", channel_uuid, "on" if on else "off")

    # The telephone

    async def uuid_display(self, channel_uuid: str, name: str, number: str = "") -> None:
        """Change what a telephone shows of whom it talks to.

        Runs ``uuid_display``. Whether anything is shown depends on the telephone, and on the profile's
        ``send-display-update``.

        Args:
            channel_uuid: The channel.
            name: The name.
            number: The number; the one that was dialled if empty.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: The name is empty, or has several lines, or that can be no channel's UUID; nothing was
                sent.
        """
        if not check_one_line(name, "name"):
            raise LocalProtocolError("name is '', and should be what is to be shown")
        check_one_line(number, "number")
        # switch_core_session_perform_receive_message() divides it once more, at the bar.
        pieces = words(*filter(None, (name, number)), delimiter="|")
        display = "".join(piece for piece in pieces if isinstance(piece, str))
        await self._done("uuid_display", channel_uuid, words_of(display))

    async def uuid_phone_event(self, channel_uuid: str, event: Literal["talk", "hold"] = "talk") -> None:
        """Let a telephone answer, or take a call back (``talk``), or put it on hold, where it knows such SIP NOTIFYs.

        Runs ``uuid_phone_event``. Of a call that came in and is not answered FreeSWITCH sends nothing.

        Args:
            channel_uuid: The channel.
            event: What it is to do.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH could not.
            LocalProtocolError: That is no such event, or can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_phone_event", channel_uuid, one_of(event, "event", ("talk", "hold")))
