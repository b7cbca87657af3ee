"""A connection with FreeSWITCH: the protocol on a socket or a trio stream.

Whoever reads hands what came to one receiver, synchronously; it never writes,
and waits for nothing but bytes. Whoever sends writes in its own task: encoded and
written under one lock, in one piece, shielded once begun and bounded, never sent twice.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol, final

import trio

from .errors import ConnectionLost, Progress, RemoteProtocolError
from .protocol import ApiResponse, Auth, Command, Connection, Exchange, Message, Reply, UserAuth, Waiter

__all__ = ["Link", "Receiver", "Tap", "keep_alive"]

WRITE_SECONDS: Final = 5.0
"""How long FreeSWITCH may take to take in a command. After that nobody knows what is on the wire."""

_CHUNK_BYTES: Final = 96 << 10
# All readers read into this one buffer and take their bytes out of it before they wait again: a call that is only
# held costs no buffer of its own.
_SHARED: Final = bytearray(_CHUNK_BYTES)
_SHARED_VIEW: Final = memoryview(_SHARED)
_BUFFERS: Final = (_SHARED,)

# Idle seconds before the first probe, seconds between probes, probes; not every system has them all.
_KEEPALIVE: Final = tuple(
    (getattr(socket, name), value)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6))
    if hasattr(socket, name)
)

_wire: Final = logging.getLogger("esl_outbound.wire")
_log: Final = logging.getLogger("esl_outbound.link")


class Receiver(Protocol):
    """Who gets what the reader reads. Nothing here may wait."""

    def receive(self, message: Message) -> None:
        """Take a message that is no reply to a command of ours."""

    def last_words(self) -> Sequence[Command]:
        """What is to be said before a connection is closed whose other end cannot be understood any more."""

    def connection_ended(self, reason: BaseException | None) -> None:
        """The connection ended; ``reason`` is None if FreeSWITCH closed it in order."""


class Tap(Protocol):
    """Who is shown all that goes over a link, without its passwords. Nothing here may wait or raise."""

    def heard(self, data: bytes) -> None:
        """Take what FreeSWITCH said."""

    def said(self, data: bytes) -> None:
        """Take what is about to be said to it."""

    def ended(self, *, by_peer: bool) -> None:
        """The connection has ended: FreeSWITCH closed it, or broke it, or else we did."""


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
        stream: The connection: a connected ``trio.socket``, which a ``SocketReader`` reads,
            or any stream of bytes, which ``read_stream`` reads.
        connection: The protocol's state, fresh.
        peer: The other end's address, for log lines.
        tap: Who is shown what goes over the connection.
    """

    __slots__ = (
        "_closed",
        "_connection",
        "_fd",
        "_forget",
        "_read_scope",
        "_reason",
        "_receiver",
        "_refusing",
        "_send_lock",
        "_socket",
        "_stream",
        "_tap",
        "peer",
    )

    def __init__(
        self,
        stream: trio.socket.SocketType | trio.abc.Stream,
        connection: Connection,
        peer: str = "a stream",
        tap: Tap | None = None,
    ) -> None:
        self._connection = connection
        self._socket: trio.socket.SocketType | None = None
        self._stream: trio.abc.Stream | None = None
        self._read_scope: trio.CancelScope | None = None
        self._receiver: Receiver | None = None
        self._forget: Callable[[int], None] | None = None
        self._fd = -1
        if isinstance(stream, trio.abc.Stream):
            self._stream = stream
        else:
            self._socket = stream
            self._fd = stream.fileno()
        self._send_lock = trio.Lock()
        self._closed = trio.Event()
        self._refusing = False
        self._reason: BaseException | None = None
        self._tap = _WireLog(peer, tap) if _wire.isEnabledFor(logging.DEBUG) else tap
        self.peer: Final = peer

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return not self._refusing and not self._connection.exited

    @property
    def is_greeted(self) -> bool:
        """Whether ``connect`` was sent: before that FreeSWITCH takes no other command."""
        return self._connection.opened

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

    @property
    def socket_fd(self) -> int:
        """The socket's descriptor; -1 if it is closed, or this is another stream."""
        return self._fd

    def listen(self, receiver: Receiver, forget: Callable[[int], None] | None = None) -> None:
        """Say who gets what is read, and who is to forget the socket before it is closed."""
        self._receiver = receiver
        self._forget = forget

    def read_now(self) -> None:
        """Read once from a socket that is readable; this raises nothing and waits for nothing."""
        try:
            count = os.readv(self._fd, _BUFFERS)
            if count:
                self._received(bytes(_SHARED_VIEW[:count]))
            else:
                self.abort(by_peer=True)
        except (BlockingIOError, InterruptedError):
            return
        except Exception as exc:
            if (data := self._last_words(exc)) is not None:
                with suppress(ConnectionLost):
                    self._write_now(data)  # all of it or, with a peer that does not read, nothing
            self._failed(exc)

    async def read_stream(self) -> None:
        """Read from a stream that is no socket until it ends; this raises nothing."""
        assert self._stream is not None
        with trio.CancelScope() as self._read_scope:
            try:
                while not self._closed.is_set() and (data := await self._stream.receive_some(_CHUNK_BYTES)):
                    self._received(bytes(data))
            except Exception as exc:
                await self._say_last_words(exc)
                self._failed(exc)
        self.abort(by_peer=True)  # unless it has ended already
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self._stream)

    def _failed(self, exc: Exception) -> None:
        """Reading failed: that ends this call, and nothing else."""
        if not isinstance(exc, (OSError, RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError)):
            _log.error("reading from %s failed", self.peer, exc_info=exc)
        self.abort(exc, by_peer=isinstance(exc, (OSError, trio.BrokenResourceError)))

    def _last_words(self, exc: Exception) -> bytes | None:
        """A last command to a peer that we do not understand, unless one of ours is half written."""
        assert self._receiver is not None
        if (
            not isinstance(exc, RemoteProtocolError)
            or not self.is_open
            or not self.is_greeted
            or self._send_lock.locked()
        ):
            return None
        commands = self._receiver.last_words()
        if not commands:
            return None
        data, _ = self._connection.send(commands)
        self._refusing = True  # and nothing after it
        if self._tap is not None:
            self._tap.said(data)
        return data

    async def _say_last_words(self, exc: Exception) -> None:
        if (data := self._last_words(exc)) is not None:
            with suppress(ConnectionLost):
                await self._write(data)

    def _received(self, data: bytes) -> None:
        assert self._receiver is not None
        if self._tap is not None:
            self._tap.heard(data)
        connection = self._connection
        connection.receive(data)
        next_message = connection.next_message
        receive = self._receiver.receive
        while (message := next_message()) is not None:
            if type(message) is Exchange:
                if message.waiter is not None:
                    message.waiter.answered(message)
            else:
                receive(message)

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
            ConnectionLost: The connection has ended, or broke in this write; its ``progress`` says which.
        """
        if not shielded:
            await trio.lowlevel.checkpoint_if_cancelled()
        lock = self._send_lock
        waited = lock.locked()
        if waited:
            with trio.CancelScope(shield=shielded):
                await lock.acquire()
        try:
            if self._refusing or (waited and self._connection.exited):  # while we waited
                raise self._lost(Progress.NOT_SENT)
            data, exchanges = self._connection.send(commands, encoded)
            for number, waiter in enumerate(waiters):
                exchanges[number].waiter = waiter
            if self._tap is not None:
                self._tap.said(_without_secrets(commands, data))
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
            raise self._lost(Progress.SENT)
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
        return self._lost(Progress.SENT)

    def _lost(self, progress: Progress) -> ConnectionLost:
        error = ConnectionLost(progress=progress)
        error.__cause__ = self._reason
        return error

    def abort(self, reason: BaseException | None = None, *, by_peer: bool = False) -> None:
        """End the connection now, and tell everybody whom it concerns."""
        if self._closed.is_set():
            return
        self._refusing = True
        self._reason = self._reason or reason
        self._closed.set()
        if self._socket is not None:
            if self._forget is not None:
                self._forget(self._fd)
            self._fd = -1
            self._socket.close()
        elif self._read_scope is not None:
            self._read_scope.cancel()
        if self._tap is not None:
            self._tap.ended(by_peer=by_peer)
        if self._receiver is not None:
            self._receiver.connection_ended(self._reason)
        for exchange in self._connection.unanswered:
            if exchange.waiter is not None:
                exchange.waiter.answered(exchange)


@final
class _WireLog:
    """Shows what goes over a link in the log, and passes it on."""

    __slots__ = ("_next", "_peer")

    def __init__(self, peer: str, next_tap: Tap | None) -> None:
        self._peer = peer
        self._next = next_tap

    def heard(self, data: bytes) -> None:
        self._show("<", data)
        if self._next is not None:
            self._next.heard(data)

    def said(self, data: bytes) -> None:
        self._show(">", data)
        if self._next is not None:
            self._next.said(data)

    def ended(self, *, by_peer: bool) -> None:
        if self._next is not None:
            self._next.ended(by_peer=by_peer)

    def _show(self, mark: str, data: bytes) -> None:
        for line in data.decode("utf-8", "backslashreplace").removesuffix("\n").split("\n"):
            # What a peer sends shall not steer the terminal that shows it.
            shown = line if line.isprintable() else repr(line)[1:-1]
            _wire.debug("%s %s %s", self._peer, mark, shown)


def keep_alive(sock: trio.socket.SocketType) -> None:
    """Probe a TCP connection that is idle: a machine that lost its power is found out in two minutes."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _without_secrets(commands: Sequence[Command], data: bytes) -> bytes:
    secret = next((command for command in commands if isinstance(command, Auth | UserAuth)), None)
    return data if secret is None else f"{secret.name} (not shown)\n\n".encode()
