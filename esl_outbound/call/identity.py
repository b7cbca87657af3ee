"""Who calls whom, and what is known of the channel."""

from __future__ import annotations

from ..arguments.numbers import whole
from ..protocol import Headers, Variables
from .base import CallBase
from .sip_headers import SipHeaders

__all__ = ["Identity"]


class Identity(CallBase):
    """What FreeSWITCH told of the call; kept current from its events, and decoded when asked for."""

    @property
    def channel_uuid(self) -> str:
        """The channel's UUID (``Unique-ID``)."""
        return self._line.channel.uuid

    @property
    def caller_id_name(self) -> str:
        """The caller's display name, which the caller chooses (``Caller-Caller-ID-Name``)."""
        return self._line.channel.header("Caller-Caller-ID-Name")

    @property
    def caller_id_number(self) -> str:
        """The caller's number (``Caller-Caller-ID-Number``)."""
        return self._line.channel.header("Caller-Caller-ID-Number")

    @property
    def destination_number(self) -> str:
        """The number that was called (``Caller-Destination-Number``)."""
        return self._line.channel.header("Caller-Destination-Number")

    @property
    def context(self) -> str:
        """The dialplan's context (``Caller-Context``)."""
        return self._line.channel.header("Caller-Context")

    @property
    def network_address(self) -> str:
        """Where the caller's signalling comes from (``Caller-Network-Addr``); empty on a loopback channel."""
        return self._line.channel.header("Caller-Network-Addr")

    @property
    def channel_name(self) -> str:
        """The channel's name, such as ``sofia/internal/1000@example.org``."""
        return self._line.channel.header("Channel-Name")

    @property
    def socket_path(self) -> str:
        """What follows the address in the dialplan's ``socket`` action: ``ivr/menu`` of ``127.0.0.1:8084/ivr/menu``."""
        return self._line.channel.reply.variables.get("socket_path", "")

    @property
    def state(self) -> str:
        """The channel's state, such as ``CS_EXECUTE`` (``Channel-State``)."""
        return self._line.channel.header("Channel-State")

    @property
    def answer_state(self) -> str:
        """``ringing``, ``early``, ``answered`` or ``hangup`` (``Answer-State``)."""
        return self._line.channel.header("Answer-State")

    @property
    def is_answered(self) -> bool:
        """Whether the call is answered, as far as the newest event tells."""
        return self.answer_state == "answered"

    @property
    def is_up(self) -> bool:
        """Whether the call is still ours to command."""
        return self._line.ending is None

    @property
    def is_async(self) -> bool:
        """Whether the dialplan line says ``async``: we can act while an application runs."""
        return self._line.channel.is_async

    @property
    def is_full(self) -> bool:
        """Whether the dialplan line says ``full``: ``api``, ``event``, ``linger`` and the like are allowed."""
        return self._line.channel.is_full

    @property
    def variables(self) -> Variables:
        """The channel's variables, as the newest event has them: a view of this moment."""
        return self._line.channel.variables

    @property
    def headers(self) -> Headers:
        """Everything that ``connect`` told when the call arrived."""
        return self._line.channel.reply.headers

    # Media

    @property
    def read_codec(self) -> str:
        """The codec in which the caller speaks, such as ``PCMU`` (``Channel-Read-Codec-Name``); empty without media."""
        return self._line.channel.header("Channel-Read-Codec-Name")

    @property
    def read_rate(self) -> int | None:
        """Its sample rate in hertz (``Channel-Read-Codec-Rate``); None before media."""
        return whole(self._line.channel.header("Channel-Read-Codec-Rate"))

    @property
    def write_codec(self) -> str:
        """The codec in which the caller hears (``Channel-Write-Codec-Name``); empty before media."""
        return self._line.channel.header("Channel-Write-Codec-Name")

    @property
    def write_rate(self) -> int | None:
        """Its sample rate in hertz (``Channel-Write-Codec-Rate``); None before media."""
        return whole(self._line.channel.header("Channel-Write-Codec-Rate"))

    # Signalling

    @property
    def sip_headers(self) -> SipHeaders:
        """The headers of the caller's INVITE that FreeSWITCH keeps: ``self.sip_headers["X-Campaign"]``.

        These are the variables ``sip_h_...`` as they were when the call arrived, whatever has been set since. In them
        a ``%`` before two hex digits cannot be told from an encoded byte; ``await
        self.get_variable("sip_h_X-Campaign")`` tells them apart.
        """
        return SipHeaders(self._line.channel.reply.variables)
