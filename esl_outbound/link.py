"""A connection with FreeSWITCH: the protocol on a trio stream.

One task per link, the reader, takes bytes from the stream and hands messages
to one receiver, synchronously; it never writes and waits for nothing but the
stream. Whoever sends writes in its own task: encoded and written under one
lock, in one piece, shielded once begun and bounded, never sent twice.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Final, Protocol, final

import trio

from .errors import ConnectionLost, RemoteProtocolError
from .protocol import ApiResponse, Auth, Command, Connection, Event, Exchange, Message, Reply, UserAuth

__all__ = ["Link", "Receiver", "Waiter"]

WRITE_SECONDS: Final = 5.0
"""How long FreeSWITCH may take to take in a command. After that nobody knows what is on the wire."""

_CHUNK_BYTES: Final = 65536
# All readers read into this one buffer and take their bytes out of it before they wait again: a call that is only
# held costs no buffer of its own.
_SHARED: Final = bytearray(_CHUNK_BYTES)
_SHARED_VIEW: Final = memoryview(_SHARED)
_BUFFERS: Final = (_SHARED,)

_wire: Final = logging.getLogger("esl_outbound.wire")
_log: Final = logging.getLogger("esl_outbound.link")


class Receiver(Protocol):
    """Who gets what the reader reads. Nothing here may wait."""

    def receive(self, message: Message) -> None:
        """Take a message that is no reply to a command of ours."""

    def connection_ended(self, reason: BaseException | None) -> None:
        """The connection ended; ``reason`` is None if FreeSWITCH closed it in order."""


class Waiter(Protocol):
    """Who is told of a command's reply, by the reader. It may not wait."""

    def answered(self, exchange: Exchange) -> None:
        """The reply has come, or (``exchange.reply`` is None) never will."""


@final
class _Asking:
    """A task that waits for one reply."""

    __slots__ = ("event",)

    def __init__(self) -> None:
        self.event = trio.Event()

    def answered(self, exchange: Exchange) -> None:  # noqa: ARG002 - the exchange has the reply
        self.event.set()


@final
class Link:
    """One connection with FreeSWITCH.

    Args:
        stream: The connection: a connected ``trio.socket``, which is read and
            written without trio's intermediate steps, or any stream of bytes.
        connection: The protocol's state, fresh.
        peer: The other end's address, for log lines.
    """

    __slots__ = (
        "_closed",
        "_connection",
        "_fd",
        "_read_scope",
        "_reason",
        "_refusing",
        "_send_lock",
        "_show_wire",
        "_socket",
        "_stream",
        "peer",
    )

    def __init__(
        self, stream: trio.socket.SocketType | trio.abc.Stream, connection: Connection, peer: str = "a stream"
    ) -> None:
        self._connection = connection
        self._socket: trio.socket.SocketType | None = None
        self._stream: trio.abc.Stream | None = None
        # A socket is aborted by closing it, which wakes its reader; another stream by cancelling the reading.
        self._read_scope: trio.CancelScope | None = None
        self._fd = -1
        if isinstance(stream, trio.abc.Stream):
            self._stream = stream
            self._read_scope = trio.CancelScope()
        else:
            self._socket = stream
            self._fd = stream.fileno()
        self._send_lock = trio.Lock()
        self._closed = trio.Event()
        self._refusing = False
        self._reason: BaseException | None = None
        self._show_wire = _wire.isEnabledFor(logging.DEBUG)
        self.peer: Final = peer

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return not self._refusing and not self._connection.exited

    @property
    def inside_frame(self) -> bool:
        """Whether the peer stopped in the middle of a frame."""
        return self._connection.inside_frame

    @property
    def reason(self) -> BaseException | None:
        """Why the connection broke; None while it did not, and after an orderly end."""
        return self._reason

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        await self._closed.wait()

    # Reading

    async def read(self, receiver: Receiver) -> None:
        """Read until the connection ends, then close it: this is the reader's whole life, and it raises nothing.

        Args:
            receiver: Who gets the messages, and word of the end.
        """
        try:
            if self._socket is not None:
                await self._read_socket(self._socket, receiver)
            else:
                await self._read_stream(receiver)
        except (OSError, RemoteProtocolError, trio.BrokenResourceError) as exc:
            self._reason = self._reason or exc
        except trio.ClosedResourceError:
            pass  # by abort(), which may have a reason
        except Exception as exc:
            # A fault of ours ends this call, not the server.
            _log.exception("reading from %s failed", self.peer)
            self._reason = exc
        finally:
            self._end(receiver)
            self.abort()
            if self._stream is not None:
                with trio.CancelScope(shield=True):
                    await trio.aclose_forcefully(self._stream)

    async def _read_stream(self, receiver: Receiver) -> None:
        assert self._read_scope is not None
        assert self._stream is not None
        with self._read_scope:
            while data := await self._stream.receive_some(_CHUNK_BYTES):
                self._received(bytes(data), receiver)

    async def _read_socket(self, sock: trio.socket.SocketType, receiver: Receiver) -> None:
        count = 0
        while True:
            if count == _CHUNK_BYTES:
                # There is more, nearly certainly: let the others have their turn, but do not ask the kernel.
                await trio.lowlevel.checkpoint()
            else:
                await trio.lowlevel.wait_readable(sock)
            try:
                count = os.readv(self._fd, _BUFFERS)
            except (BlockingIOError, InterruptedError):
                count = 0
                continue
            if not count:
                return
            self._received(bytes(_SHARED_VIEW[:count]), receiver)

    def _received(self, data: bytes, receiver: Receiver) -> None:
        connection = self._connection
        connection.receive(data)
        if self._show_wire:
            self._log_wire("<", data)
        next_message = connection.next_message
        receive = receiver.receive
        while (message := next_message()) is not None:
            if type(message) is Exchange:
                if message.waiter is not None:
                    message.waiter.answered(message)  # type: ignore[attr-defined]
            else:
                receive(message)  # type: ignore[arg-type]

    def _end(self, receiver: Receiver) -> None:
        self._refusing = True
        receiver.connection_ended(self._reason)
        for exchange in self._connection.unanswered:
            if exchange.waiter is not None:
                exchange.waiter.answered(exchange)  # type: ignore[attr-defined]
        self._closed.set()

    # Writing

    async def send(
        self,
        commands: Sequence[Command],
        waiters: Sequence[Waiter | None] = (),
        *,
        encoded: bytes | None = None,
        shielded: bool = False,
    ) -> list[Exchange]:
        """Write commands, in one piece, and do not wait for their replies.

        Cancelled before the write it has cost nothing; a begun write is
        finished whatever happens.

        Args:
            commands: What to send.
            waiters: Who is told of the replies, in the same order; may be shorter.
            encoded: Their bytes, where they are known.
            shielded: Write even if the caller is cancelled already.

        Raises:
            LocalProtocolError: A command cannot be said; nothing was sent.
            ConnectionLost: The connection has ended, or broke in this write.
        """
        if not shielded:
            await trio.lowlevel.checkpoint_if_cancelled()
        lock = self._send_lock
        waited = lock.locked()
        if waited:
            with trio.CancelScope(shield=shielded):
                await lock.acquire()
        try:
            if self._refusing:
                raise self._lost()
            data, exchanges = self._connection.send(commands, encoded)
            for exchange, waiter in zip(exchanges, waiters, strict=False):
                exchange.waiter = waiter
            if self._show_wire:
                self._log_wire(">", _without_secrets(commands, data))
            rest = self._write_now(data)
            if rest is not None:
                # Nothing has waited since we found the lock free, so it still is.
                if not waited:
                    lock.acquire_nowait()
                    waited = True
                await self._write(rest)
        finally:
            if waited:
                lock.release()
        return exchanges

    async def ask(self, command: Command) -> Reply | ApiResponse:
        """Send a command and wait for its reply.

        Raises:
            LocalProtocolError: The command cannot be said; nothing was sent.
            ConnectionLost: The connection ended before the reply came.
        """
        asking = _Asking()
        exchange = (await self.send((command,), (asking,)))[0]
        await asking.event.wait()
        if exchange.reply is None:
            raise self._lost()
        return exchange.reply

    def _write_now(self, data: bytes) -> bytes | memoryview | None:
        """Write what the socket takes at once, which is nearly always everything; return the rest."""
        if self._socket is None:
            return data
        try:
            count = os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            return data
        except OSError as exc:
            raise self._break(exc) from exc
        return None if count == len(data) else memoryview(data)[count:]

    async def _write(self, rest: bytes | memoryview) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + WRITE_SECONDS) as scope:
            try:
                if self._stream is not None:
                    await self._stream.send_all(rest)
                elif self._socket is not None:
                    while rest:
                        rest = rest[await self._socket.send(rest) :]
            except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as exc:
                raise self._break(exc) from exc
        if scope.cancelled_caught:
            error = self._break(TimeoutError(f"FreeSWITCH did not read a command within {WRITE_SECONDS:g} s"))
            self.abort()
            raise error

    def _break(self, reason: BaseException) -> ConnectionLost:
        """Send nothing more: nobody knows what of a command is on the wire.

        The reader goes on to the end of what FreeSWITCH sent: it may tell of the hangup that closed the connection.
        """
        self._refusing = True
        self._reason = self._reason or reason
        return self._lost()

    def _lost(self) -> ConnectionLost:
        error = ConnectionLost()
        error.__cause__ = self._reason
        return error

    def abort(self, reason: BaseException | None = None) -> None:
        """End the connection now; the reader, which owns it, closes it and tells everybody."""
        self._refusing = True
        self._reason = self._reason or reason
        if self._socket is not None:
            self._fd = -1
            self._socket.close()
        elif self._read_scope is not None:
            self._read_scope.cancel()

    # Showing

    def _log_wire(self, mark: str, data: bytes) -> None:
        for line in data.decode("utf-8", "backslashreplace").removesuffix("\n").split("\n"):
            _wire.debug("%s %s %s", self.peer, mark, line)


def _without_secrets(commands: Sequence[Command], data: bytes) -> bytes:
    secret = next((command for command in commands if isinstance(command, Auth | UserAuth)), None)
    return data if secret is None else f"{secret.name} (not shown)\n\n".encode()
