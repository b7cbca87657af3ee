"""``socket``: the call is handed to an application (``socket_function()`` in ``mod_event_socket.c``)."""

from __future__ import annotations

from typing import Final

import trio

from ..expansion import separate
from ..happenings import Happening, Who
from ..life import park
from ..outbound import OutboundListener
from ..session import Session
from ..wire import atoi
from .application import Application

__all__ = ["APPLICATIONS"]

_DEFAULT_PORT: Final = 8084
_POLL_SECONDS: Final = 0.001
"""How often the channel's thread looks whether ``connect`` was said."""


async def _socket(session: Session, argument: str) -> None:
    words = separate(argument)
    if not words:
        return
    flags = {word.lower() for word in words[1:]}
    is_async = "async" in flags
    stream = await _connect(session, words[0])
    if stream is None:
        return
    listener = OutboundListener(session, stream, is_async=is_async, is_full="full" in flags, faults=session.faults)
    session.channel.story.wake()
    if not is_async:
        await listener.run()
        return
    session.start_soon(listener.run)
    while session.is_ready and not listener.is_connected:
        # Once the connection is gone only a hangup or a transfer ends this wait: what is queued is not looked at.
        session.waits_for_nobody = listener.is_finished
        session.channel.story.wake()
        await session.frames.notified()
    session.waits_for_nobody = False
    # Between the answer to `connect` and the park passes a moment in which the end of the socket goes unseen.
    await trio.sleep(_POLL_SECONDS)
    await park(session)


async def _connect(session: Session, hosts: str) -> trio.abc.Stream | None:
    """Try each of the hosts; the first that is there has the call."""
    channel, story = session.channel, session.channel.story
    port = _DEFAULT_PORT
    for host in hosts.split("|"):
        if not host:
            continue
        name, colon, rest = host.rpartition(":")
        if not colon:
            name, rest = host, ""
        before_path, slash, path = (rest if colon else name).partition("/")
        if slash:
            channel.set("socket_path", path)
        if colon:
            port = atoi(before_path)
        else:
            name = before_path
        channel.set("socket_host", name)
        try:
            stream = await session.connect(name, port)
        except OSError as exc:
            story.tell(Who.SWITCH, Happening.IS_NOT_TAKEN_BY, f"{name}:{port}", exc.strerror or str(exc))
            continue
        return stream
    story.tell(Who.SWITCH, Happening.IS_NOT_TAKEN)
    return None


APPLICATIONS: Final = (Application("socket", _socket, is_told=False),)
