"""The connection of a call's ``socket`` application (``socket_function()`` in ``mod_event_socket.c``)."""

from __future__ import annotations

from typing import Final, final

import trio

from .commands import CommandedListener
from .connection import Faults
from .happenings import Happening, Who
from .session import Session

__all__ = ["OutboundListener"]

_FIRST_COMMAND_SECONDS: Final = 25


@final
class OutboundListener(CommandedListener):
    """One connection to an application.

    Args:
        session: The channel's thread.
        stream: The connection, established.
        is_async: Whether the dialplan line says ``async``.
        is_full: Whether it says ``full``.
        faults: What goes wrong.
    """

    def __init__(
        self, session: Session, stream: trio.abc.Stream, *, is_async: bool, is_full: bool, faults: Faults
    ) -> None:
        super().__init__(
            session.core, stream, nursery=session.nursery, session=session, is_async=is_async, faults=faults
        )
        self.is_connected = False
        """Whether ``connect`` was said."""
        self.is_full = is_full
        self._owner: Final = session

    async def run(self) -> None:
        """Serve the connection to its end."""
        self._owner.is_held_by += 1
        self._owner.listeners.append(self)
        await super().run()

    async def serve(self) -> None:
        """Wait for the first command, and carry that and all others out."""
        first = await self.next_command(_FIRST_COMMAND_SECONDS)
        if first is None:
            return
        await self.carry_out(first)  # and its reply is forgotten
        await self.answer_commands()

    def connected(self) -> None:
        """Let the channel's thread go on."""
        self.is_connected = self._owner.is_taken = True
        self._owner.notify()

    def my_events(self, line: str) -> str:
        """``myevents [plain|json|xml]``."""
        return self.subscriptions.my_events(line)

    def tell(self, who: Who, happening: Happening, *details: str) -> None:
        """Something happened in the call."""
        self._owner.channel.story.tell(who, happening, *details)

    def stops_listening(self) -> None:
        """The connection is about to be closed."""
        self._owner.listeners.remove(self)

    def let_go(self) -> None:
        """The connection is closed: the channel is not under its control any more."""
        session = self._owner
        session.is_held_by -= 1
        if self.resumes and not self.is_async and session.is_ready:
            # CS_RESET is a state that nothing leads out of here.
            session.channel.state = session.channel.running_state = "CS_RESET"
            session.stuck = "resume and exit on a socket without async leave the channel in CS_RESET"
        session.release()
        self.tell(Who.SWITCH, Happening.CLOSES_SOCKET)
