"""What is known of a call's channel: from ``connect``, and from every event since."""

from __future__ import annotations

from typing import Final, final

from ..errors import RemoteProtocolError
from ..protocol import ConnectReply, Event, Variables
from ..protocol.headers import peek, url_decode

__all__ = ["Channel"]

_UNIQUE_ID: Final = b"\nUnique-ID: "
_SEQUENCE: Final = b"\nEvent-Sequence: "
_VARIABLE: Final = b"\nvariable_"
_CALLER: Final = b"\nCaller-Caller-ID-Number: "
_CALLED: Final = b"\nCaller-Destination-Number: "


@final
class Channel:
    """The newest that FreeSWITCH told of one channel; nothing of it is decoded before it is asked for.

    Args:
        reply: The reply to ``connect``.

    Raises:
        RemoteProtocolError: The reply does not say which channel it is about.
    """

    __slots__ = (
        "_first_sequence",
        "_last",
        "_last_sequence",
        "_mine",
        "_mine_near",
        "_variables",
        "_variables_sequence",
        "is_async",
        "is_full",
        "reply",
        "uuid",
    )

    def __init__(self, reply: ConnectReply) -> None:
        self.reply: Final = reply
        """What ``connect`` told when the call arrived."""
        self.uuid: Final = reply.channel_uuid
        if not self.uuid or not self.uuid.isprintable():
            raise RemoteProtocolError(f"a reply to connect with the Unique-ID {self.uuid!r}")
        self.is_async: Final = reply.is_async
        """Whether the dialplan line says ``async``."""
        self.is_full: Final = reply.is_full
        """Whether the dialplan line says ``full``."""
        self._mine = _UNIQUE_ID + self.uuid.encode("utf-8", "surrogateescape") + b"\n"
        self._mine_near = 0
        # The newest of all, and the newest that carries variables: DTMF and CHANNEL_STATE, say, carry none.
        self._last: Event | ConnectReply = reply
        self._variables: Event | ConnectReply = reply
        self._first_sequence = _sequence(reply.headers.block, -1)
        self._last_sequence = self._first_sequence
        self._variables_sequence = self._first_sequence

    @property
    def variables(self) -> Variables:
        """The channel's variables."""
        return Variables(self._variables.headers)

    @property
    def parties(self) -> tuple[str, str]:
        """The caller's number and the called one, as they were when the call arrived."""
        block = self.reply.headers.block
        return url_decode(peek(block, _CALLER) or b""), url_decode(peek(block, _CALLED) or b"")

    def header(self, name: str) -> str:
        """A header of the newest event, else of ``connect``, else empty."""
        value = self._last.headers.get(name)
        return self.reply.headers.get(name, "") if value is None else value

    def dialplan_line(self, *flags: str) -> str:
        """The ``socket`` action that brought this call, with these flags as well as those that it has."""
        address = self.reply.variables.get("current_application_data", "").partition(" ")[0] or "127.0.0.1:8084"
        has_async = self.is_async or "async" in flags
        has_full = self.is_full or "full" in flags
        data = " ".join([address, *(["async"] * has_async), *(["full"] * has_full)])
        return f'<action application="socket" data="{data}"/>'

    # For the reader

    def noted(self, event: Event, block: bytes) -> bool:
        """Remember an event of this channel if it is newer than what is known; say whether it is of this channel."""
        if self.owns(block):
            self.note(event, block)
            return True
        return False

    def owns(self, block: bytes) -> bool:
        """Whether an event's headers are of this channel."""
        # The header stands nearly where it stood the last time, which is half the search.
        near = self._mine_near
        at = block.find(self._mine, near, near + 512)
        if at < 0:
            at = block.find(self._mine)
            if at < 0:
                return False
            self._mine_near = max(0, at - 128)
        return True

    def is_new(self, block: bytes) -> bool:
        """Whether an event was fired after this connection took the call.

        Older ones may come after the subscription, and tell of another socket that had the call before.
        """
        return _sequence(block, self._first_sequence + 1) > self._first_sequence

    def note(self, source: Event | ConnectReply, block: bytes) -> None:
        """Remember what is newer than what is known; what is older may come later."""
        number = _sequence(block, self._last_sequence)
        if number >= self._last_sequence:
            self._last = source
            self._last_sequence = number
        if number >= self._variables_sequence and block.rfind(_VARIABLE) >= 0:
            self._variables = source
            self._variables_sequence = number


def _sequence(block: bytes, default: int) -> int:
    """An event's ``Event-Sequence``."""
    at = block.find(_SEQUENCE)
    if at < 0:
        return default
    digits = block[at + len(_SEQUENCE) : block.find(b"\n", at + 1)]
    return int(digits) if len(digits) < 20 and digits.isdigit() else default
