"""The connection of a program that has connected to FreeSWITCH's port (``listener_run()``, ``parse_command()``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import trio

from .commands import CommandedListener
from .connection import Faults
from .core import Core
from .happenings import Happening, Who
from .wire import AUTH_REQUEST, RUDE_REJECTION, Event, Received

if TYPE_CHECKING:
    from .port import Doors

__all__ = ["InboundListener"]

_LOGIN_SECONDS: Final = 25
_INVALID: Final = "-ERR invalid"


@final
class InboundListener(CommandedListener):
    """One connection from a program.

    Args:
        core: The switch.
        doors: Who may come in.
        stream: The connection, established.
        address: Where it comes from.
        nursery: Where what belongs to it runs, its jobs included.
        faults: What goes wrong.
    """

    def __init__(
        self, core: Core, doors: Doors, stream: trio.abc.Stream, address: str, *, nursery: trio.Nursery, faults: Faults
    ) -> None:
        super().__init__(core, stream, nursery=nursery, faults=faults)
        self._doors: Final = doors
        self._address: Final = address
        self._is_let_in = False

    async def serve(self) -> None:
        """Ask who it is, and carry out what he says."""
        if not self._doors.let_in(self._address):
            await self.connection.send(RUDE_REJECTION)
            return
        await self.connection.send(AUTH_REQUEST)
        # Only the first command is waited for with patience that ends: after a wrong one there is time for ever.
        first = await self.next_command(_LOGIN_SECONDS)
        if first is None:
            return
        reply = await self.carry_out(first)
        if reply is not None:
            await self.connection.send(reply)
        await self.answer_commands()

    async def reply_to(self, command: Received) -> str | None:
        """Do what a command says; gives its reply, empty if it is unknown, or None if it has had it already."""
        line = command.line
        lowered = line.lower()
        if self._is_let_in or lowered.startswith(("exit", "...")):
            return await super().reply_to(command)
        if lowered.startswith("auth "):
            return self._authenticate(_first_line(line[5:]))
        if lowered.startswith("userauth "):
            return self._authenticate_user(_first_line(line[9:]))
        return ""

    # Who it is

    def _authenticate(self, password: str) -> str:
        """``auth <password>``."""
        if password != self._doors.password:
            return self._turn_away()
        self._is_let_in = True
        return "+OK accepted"

    def _authenticate_user(self, words: str) -> str:
        """``userauth <user>@<domain>:<password>``, or ``<user>:<password>@<domain>``."""
        user, _, domain = words.partition("@")
        domain, _, password = domain.partition(":")
        user, colon, behind_user = user.partition(":")
        if colon:
            password = behind_user
        found = self._doors.users.get(f"{user}@{domain}") if user and domain else None
        if found is None or not password or password != found.password:
            return self._turn_away()
        self._is_let_in = True
        self.subscriptions.permissions = found.permissions
        return found.reply

    def _turn_away(self) -> str:
        self.runs = False
        return _INVALID

    # The channel that it follows

    def my_events(self, line: str) -> str:
        """``myevents <uuid>``: from now on this connection belongs to that channel."""
        if not self.subscriptions.is_mine_only and self.channel is None:
            if not line[8:].startswith(" "):
                return ""
            # A format behind the UUID is cut off before it is looked at.
            uuid, is_followed, _ = _first_line(line[9:]).partition(" ")
            if not self._follow(uuid) and is_followed:
                return "-ERR invalid uuid"
            line = line[:9] + uuid
        return self.subscriptions.my_events(line)

    def _follow(self, uuid: str) -> bool:
        """Make a channel one's own, if there is one of that name."""
        session = self.core.sessions.get(uuid)
        leg = self.core.legs.get(uuid)
        if session is not None:
            self.session, self.channel = session, session.channel
            session.is_held_by += 1
            session.followers.append(self)
        elif leg is not None:
            self.channel = leg.channel
        else:
            return False
        self.subscriptions.channel_uuid = uuid
        self.core.observers.append(self._watch)
        return True

    def _watch(self, event: Event) -> None:
        """Look at the channel when it ends, whether its events are listened to or not."""
        if event.name.startswith("CHANNEL_HANGUP") and event.get("Unique-ID") == self.subscriptions.channel_uuid:
            self.notify()

    def stops_listening(self) -> None:
        """The connection is about to be closed."""
        if self.channel is not None:
            self.core.observers.remove(self._watch)
        if self.session is not None:
            self.session.followers.remove(self)

    def let_go(self) -> None:
        """The connection is closed: the channel is not under its control any more, nor under anybody's."""
        if self.session is not None:
            self.session.is_held_by -= 1
            # The end of any socket clears the flag that keeps a parked channel where it is.
            self.session.release()

    def tell(self, who: Who, happening: Happening, *details: str) -> None:
        """Nothing: the story of a call is that of its caller and of its handler."""


def _first_line(text: str) -> str:
    """What ``strip_cr()`` leaves of a text."""
    return text.partition("\n")[0]
