"""Both directions of one connection: what may be sent now, and which command a reply answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol, final

from ..errors import LocalProtocolError
from .commands import Api, Command, Connect, Exit
from .events import Event
from .frames import MAX_BODY_BYTES, MAX_HEAD_BYTES, FrameReader
from .messages import OK, ApiResponse, ConnectReply, Message, Reply, read_message

__all__ = ["Connection", "Exchange", "Waiter"]


class Waiter(Protocol):
    """Who is told of a command's reply. It may not wait."""

    def answered(self, exchange: Exchange) -> None:
        """The reply has come, or (``exchange.reply`` is None) never will."""


@final
class Exchange:
    """A command that was sent, and its reply once it has come.

    A plain slotted class: there is one for every command.
    """

    __slots__ = ("command", "reply", "waiter")

    def __init__(self, command: Command) -> None:
        self.command: Final = command
        self.reply: Reply | ApiResponse | None = None
        self.waiter: Waiter | None = None
        """Whom the sender wants to be told when the reply has come."""


@final
class Connection:
    """The state of one connection, without any I/O.

    Commands go in and bytes come out (``send``); bytes go in and messages come
    out (``receive``, ``next_message``). FreeSWITCH answers commands in their
    order, so the oldest command without an answer is the one a reply belongs
    to, whether anybody still waits for it or not.

    Args:
        opening: The commands that may come first. FreeSWITCH carries out another one too,
            but does not answer it, so every later reply would be off by one.
        max_head_bytes: The longest head that is accepted, in bytes.
        max_body_bytes: The longest body that is accepted, in bytes.
    """

    def __init__(
        self,
        *,
        opening: tuple[type[Command], ...] = (Connect,),
        max_head_bytes: int = MAX_HEAD_BYTES,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._frames = FrameReader(max_head_bytes=max_head_bytes, max_body_bytes=max_body_bytes)
        self._unanswered: deque[Exchange] = deque()
        self._opening = opening
        self._opened = False
        self._exited = False

    @property
    def inside_frame(self) -> bool:
        """Whether the peer is in the middle of a frame."""
        return self._frames.inside_frame

    @property
    def opened(self) -> bool:
        """Whether the opening command was sent."""
        return self._opened

    @property
    def exited(self) -> bool:
        """Whether ``exit`` was sent."""
        return self._exited

    @property
    def unanswered(self) -> tuple[Exchange, ...]:
        """The commands that wait for their replies, oldest first."""
        return tuple(self._unanswered)

    def send(self, commands: Sequence[Command], encoded: bytes | None = None) -> tuple[bytes, list[Exchange]]:
        """Encode commands, all or none of them.

        Args:
            commands: What to say.
            encoded: The bytes that they make, where the caller says the same often and has kept them.

        Returns:
            The bytes to write, in one piece, and an exchange for each command.

        Raises:
            LocalProtocolError: One of them cannot be said, or not now. Nothing was sent.
        """
        if not commands:
            return b"", []
        if not self._opened and not isinstance(commands[0], self._opening):
            raise LocalProtocolError(f"the first command must be {self._opening[0].name}, not {commands[0].name}")
        exited = self._exited
        exchanges = []
        parts = []
        for command in commands:
            if exited:
                raise LocalProtocolError(f"{command.name} after exit")
            exited = type(command) is Exit
            exchanges.append(Exchange(command))
            if encoded is None:
                parts.append(command.encode())
        self._opened = True
        self._exited = exited
        self._unanswered.extend(exchanges)
        if encoded is None:
            encoded = parts[0] if len(parts) == 1 else b"".join(parts)
        return encoded, exchanges

    def receive(self, data: bytes) -> None:
        """Take in bytes from the wire."""
        self._frames.feed(data)

    def next_message(self) -> Message | Exchange | None:
        """What came next: an exchange that got its reply, a message, or None until more bytes come.

        A reply that belongs to no command comes out as it is.

        Raises:
            RemoteProtocolError: The bytes are not an event socket's.
        """
        body = self._frames.next_plain_event()
        if body is not None:
            return Event(body)
        frame = self._frames.next_frame()
        if frame is None:
            return None
        message = read_message(frame)
        if not self._unanswered:
            return message
        if isinstance(message, Reply | ApiResponse):
            exchange = self._unanswered[0]
            if _answers(message, exchange.command):
                self._unanswered.popleft()
                exchange.reply = message
                return exchange
        return message


def _answers(reply: Reply | ApiResponse, command: Command) -> bool:
    """Whether a reply can be the one to that command: a stray one must not shift the rest."""
    asked = type(command)
    if reply is OK:
        return asked is not Connect and asked is not Api
    if isinstance(reply, ApiResponse):
        return asked is Api
    if isinstance(reply, ConnectReply):
        return asked is Connect
    # A refused `connect` or `api` is answered like any other command.
    return (asked is not Connect and asked is not Api) or not reply.ok
