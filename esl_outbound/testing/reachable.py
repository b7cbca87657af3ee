"""The switch as programs reach it: the port of its event socket, in memory or on a real one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import trio

from ..client import Switch, connect
from ..client.opening import CallListener, OpenStream, call_listeners, stream_openers
from ..handler import HandlerSource
from .checks import check_event_names
from .connection import Faults
from .core import Core
from .permissions import User
from .placing import own_calls
from .port import Port, check_networks
from .virtual import time_jumps

if TYPE_CHECKING:
    from ..protocol import EventFormat

__all__ = ["Reachable"]

T = TypeVar("T")

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Reachable:
    """A switch that programs can connect to, as they connect to port 8021 of a FreeSWITCH.

    Args:
        core: The switch.
    """

    def __init__(self, core: Core) -> None:
        self._core: Final = core
        self._port: Final = Port(core)

    # Who is let in

    @property
    def event_socket_password(self) -> str:
        """The password of its event socket; ``ClueCon``, if nothing else is said."""
        return self._port.doors.password

    @event_socket_password.setter
    def event_socket_password(self, password: str) -> None:
        self._port.doors.password = password

    @property
    def event_socket_acl(self) -> Sequence[str]:
        """The networks that may connect (``apply-inbound-acl``), such as ``10.0.0.0/8``: loopback, if not said.

        Others are told ``text/rude-rejection``. Programs in memory come from 127.0.0.1: ``phone.event_socket_acl = ()``
        turns everybody away.
        """
        return self._port.doors.networks

    @event_socket_acl.setter
    def event_socket_acl(self, networks: Sequence[str]) -> None:
        check_networks(networks)
        self._port.doors.networks = tuple(networks)

    def event_socket_user(
        self, name: str, password: str, *, events: str | None = None, api: str | None = None, log: bool = True
    ) -> None:
        """Say that a user of the directory's may connect (``userauth``).

        Args:
            name: ``user@domain``.
            password: His ``esl-password``.
            events: The events that he may hear (``esl-allowed-events``), with blanks or commas between, subclasses
                behind CUSTOM: ``"CHANNEL_ANSWER,CUSTOM,conference::maintenance"``; all, if not said.
            api: The API commands that he may run (``esl-allowed-api``), in the same way; all, if not said.
            log: Whether he may read the log (``esl-allowed-log``).

        Raises:
            ValueError: The name has no domain, or no user.
        """
        user, _, domain = name.partition("@")
        if not user or not domain or ":" in name:
            raise ValueError(f"name is {name!r}, and should be user@domain")
        self._port.doors.users[name] = User(password, events, api, log)

    # How programs reach it

    @contextlib.asynccontextmanager
    async def event_socket(
        self, *, host: str = "127.0.0.1", port: int = 8021, faults: Faults | None = None
    ) -> AsyncIterator[tuple[str, int]]:
        """Let programs connect, in memory and in virtual time: ``async with phone.event_socket()``.

        For the time of the block ``esl_outbound.client.connect`` of whatever is started in it reaches this switch at
        that address, and so does ``stay_connected``. A call that is placed for a handler is served in memory as well.
        Leaving the block ends the calls that were placed, waits for their handlers, and closes all connections.

        Args:
            host: Where the program expects FreeSWITCH; an address of loopback stands for all of them.
            port: At which port.
            faults: What goes wrong on the connections.

        Returns:
            The address.

        Raises:
            CallFailed: Somebody was left parked for ever in a call that was placed, or its handler does not end.
            HandlerFailed: A handler of such a call raised something that is not the end of its call.
            ValueError: An argument makes no sense; what is wrong is said.
        """
        __tracebackhide__ = True
        checked = _checked(faults)
        addresses = [(name, port) for name in (_LOOPBACK if host in _LOOPBACK else (host,))]
        async with own_calls(self._core) as nursery:
            with self._port.in_memory(nursery, checked) as open_stream:
                opener: OpenStream = open_stream
                listener: CallListener = self._serving
                with _put(stream_openers, addresses, opener), _put(call_listeners, addresses, listener):
                    yield host, port

    @contextlib.asynccontextmanager
    async def connect(
        self,
        *,
        password: str | None = None,
        user: str | None = None,
        domain: str | None = None,
        event_format: EventFormat | None = None,
        faults: Faults | None = None,
    ) -> AsyncIterator[Switch]:
        """Connect, as ``esl_outbound.client.connect`` does: ``async with phone.connect() as switch``.

        Args:
            password: What is said; the right one, if it is not said.
            user: A user of ``event_socket_user()``, as ``1000`` or ``1000@example.com``; nobody, if not said.
            domain: The user's domain.
            event_format: How events are written; plain, if not said.
            faults: What goes wrong on the connection.

        Raises:
            CallFailed: As of ``event_socket``; likewise ``HandlerFailed`` and ``ValueError``.
            AuthenticationFailed: The password was wrong, or there is no such user.
            AccessDenied: The ACL does not let anybody in.
            NoFreeSwitch: ``event_socket_is_up`` is False.
        """
        __tracebackhide__ = True
        if password is None:
            password = self._password_of(user, domain)
        async with self.event_socket(faults=faults) as (host, port):
            connected = partial(connect, host, port, password=password, user=user, domain=domain)
            if event_format is not None:
                connected = partial(connected, event_format=event_format)
            async with connected() as switch:
                yield switch

    @contextlib.asynccontextmanager
    async def listening(
        self, *, host: str = "127.0.0.1", port: int = 0, faults: Faults | None = None
    ) -> AsyncIterator[tuple[str, int]]:
        """Listen on a real port, for programs in other processes: ``async with phone.listening() as (host, port)``.

        This needs real time, and not a clock that jumps. Leaving the block does what it does of ``event_socket``.

        Args:
            host: The address.
            port: The port; 0 takes a free one.
            faults: What goes wrong on the connections.

        Returns:
            The address.

        Raises:
            CallFailed: As of ``event_socket``; likewise ``HandlerFailed``.
            OSError: The address cannot be listened on.
            ValueError: An argument makes no sense, or time jumps.
        """
        __tracebackhide__ = True
        checked = _checked(faults)
        if time_jumps():
            raise ValueError(
                "a real port takes real time: mark the test with @pytest.mark.trio(run=trio.run); "
                "event_socket() is for programs in this process"
            )
        async with own_calls(self._core) as nursery:
            yield await nursery.start(self._port.listen, host, port, nursery, checked)

    # What is done to them

    @property
    def event_socket_is_up(self) -> bool:
        """Whether anybody listens at its port; when that is False, new connections are refused."""
        return self._port.is_up

    @event_socket_is_up.setter
    def event_socket_is_up(self, is_up: bool) -> None:
        self._port.is_up = is_up

    async def drops_event_sockets(self) -> None:
        """Break all connections that programs have with its port, as a crash does; new ones are taken at once."""
        self._port.break_connections()
        await trio.lowlevel.checkpoint()

    # Behind it

    def _password_of(self, user: str | None, domain: str | None) -> str:
        if user is None:
            return self._port.doors.password
        name = user if domain is None else f"{user.partition('@')[0]}@{domain}"
        found = self._port.doors.users.get(name)
        if found is None:
            raise ValueError(f"there is no user {name!r}: phone.event_socket_user() makes one")
        return found.password

    @contextlib.asynccontextmanager
    async def _serving(self, handler: HandlerSource) -> AsyncIterator[str]:
        """Serve the calls that are placed for handlers, in memory; gives the address for their ``socket``."""
        core = self._core
        address = self._port.new_address()
        core.servers[address] = handler
        try:
            yield address
            for call in core.placed:
                if address in call.targets.addresses:
                    await call.targets.finished()
        except BaseException:
            for call in core.placed:
                if address in call.targets.addresses:
                    call.session.channel.hang_up("NORMAL_CLEARING")
            raise
        finally:
            del core.servers[address]


def _checked(faults: Faults | None) -> Faults:
    """The faults, if they make sense.

    Raises:
        ValueError: One names an event that FreeSWITCH does not have.
    """
    faults = faults or Faults()
    check_event_names(faults.lost_events)
    return faults


@contextlib.contextmanager
def _put(
    variable: ContextVar[dict[tuple[str, int], T] | None], keys: Sequence[tuple[str, int]], value: T
) -> Iterator[None]:
    """Let something stand at these addresses for the time of a block, whatever else is put elsewhere meanwhile."""
    before: Mapping[tuple[str, int], T] = variable.get() or {}
    variable.set({**before, **dict.fromkeys(keys, value)})
    try:
        yield
    finally:
        now = {key: found for key, found in (variable.get() or {}).items() if key not in keys}
        variable.set({**now, **{key: before[key] for key in keys if key in before}})
