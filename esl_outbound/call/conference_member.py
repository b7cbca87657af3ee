"""A caller in a conference: what can be done to him and to the others, and what is seen of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, final

import trio

from ..arguments.checks import check_digits, check_file_name, check_number
from ..arguments.numbers import timestamp, whole
from ..arguments.text import Text, escaped, shown, words
from ..errors import ApplicationFailed, CallEnded, CommandRejected, LocalProtocolError
from ..protocol import Event
from .conference_events import ConferenceEvents, MemberWatch
from .conference_results import ConferenceExit, ConferenceResult
from .conference_room import ConferenceRoom, one_line
from .execution import Execution, Stage

if TYPE_CHECKING:
    from .line import Line

__all__ = ["ConferenceMember"]

_LOUDEST: Final = 4
_MOST_ENERGY: Final = 1800
# An event of an owner's job passes `myevents` (event_handler() in mod_event_socket.c), whatever else it is, and the
# variables of a conference are in each of its events (conference_event_add_data() in conference_event.c).
_SHOW_TO: Final = "Job-Owner-UUID"


@final
class ConferenceMember(ConferenceRoom):
    """A caller in a conference: ``member = await self.start_conference("room")``.

    What is done here runs the ``conference`` API command, and needs ``full`` in the
    dialplan line. Where a method takes ``member``, it is another one's number, ``"all"``,
    ``"last"`` or ``"non_moderator"``, and otherwise this caller.
    """

    __slots__ = ("_execution", "_watch")

    def __init__(self, line: Line, execution: Execution, name: str, watch: MemberWatch | None) -> None:
        super().__init__(line, name)
        self._execution = execution
        self._watch = watch

    @property
    def member_id(self) -> int | None:
        """His number in the conference; None before he has joined, and where the dialplan line lacks ``full``."""
        return None if self._watch is None else self._watch.member_id

    @property
    def is_over(self) -> bool:
        """Whether he has left, or was not let in."""
        return self._execution.stage >= Stage.COMPLETED

    def __repr__(self) -> str:
        return f"<ConferenceMember {self.member_id} of {self._name}{', over' if self.is_over else ''}>"

    # Coming and going

    async def joined(self) -> int:
        """Wait until he is in the conference, with his PIN accepted.

        Returns:
            His number in it.

        Raises:
            ApplicationFailed: He was not let in.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call ended first.
        """
        await self._line.require_full("events of a conference")
        await self._line.require_async("what is done in a conference")
        watch = self._watch
        assert watch is not None
        if watch.changed.is_set():
            await trio.lowlevel.checkpoint()
        else:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_set_at_end, self._execution, watch.changed)
                await watch.changed.wait()
                nursery.cancel_scope.cancel()
        if watch.member_id is None:
            await self._line.require_call()
            command = self._execution.command
            raise ApplicationFailed("conference", command.argument, f"did not let the caller into {self._name}")
        return watch.member_id

    async def leave(self) -> None:
        """Take him out of the conference, and wait until he is out of it; the call goes on.

        Kicks him; while he is still asked for a PIN, ends that by wrong ones.

        Raises:
            NotPermitted: The dialplan line does not say ``async``; without ``full`` it only logs that he stays.
        """
        await self._execution.stop()

    async def finished(self) -> ConferenceResult:
        """Wait until he has left; he stays if the waiting is cancelled.

        Raises:
            CallEnded: The call ended first.
        """
        completion = await self._execution.completed()
        if self._watch is not None:
            self._line.unwatch(self._watch)
        return self._result(completion)

    async def finish_or_leave(self) -> ConferenceResult:
        """Wait until he has left; if the waiting is cancelled, take him out."""
        try:
            return self._result(await self._line.finish(self._execution))
        finally:
            if self._watch is not None:
                self._line.unwatch(self._watch)

    def _result(self, completion: Event) -> ConferenceResult:
        watch, variables = self._watch, completion.variables
        member_id = whole(variables.get("conference_member_id"))
        reason = None if watch is None else watch.exit
        if self._execution.was_stopped:
            reason = ConferenceExit.LEFT
        if member_id is None:
            return ConferenceResult(reason or ConferenceExit.NOT_ADMITTED, None, None, None, None)
        began, began_event = None if watch is None else watch.joined_at, self._execution.began
        if began is None and began_event is not None:
            began = timestamp(began_event)
        ended = None if watch is None else watch.left_at
        if ended is None:
            ended = timestamp(completion)
        return ConferenceResult(
            reason,
            member_id,
            variables.get("conference_uuid"),
            _truth(variables.get("conference_moderator")),
            None if began is None or ended is None else (ended - began) / 1_000_000,
        )

    # What is seen of it

    @asynccontextmanager
    async def events(self, *, of_everybody: bool = False) -> AsyncIterator[ConferenceEvents]:
        """Observe what happens: ``async with member.events() as events: async for event in events: ...``.

        FreeSWITCH shows a call's socket what carries the call's own ``Unique-ID``: what
        happens to this caller. ``of_everybody`` has it show everything, by way of a
        conference variable that FreeSWITCH puts into each of the conference's events; only one call at a time
        can have a conference do so.

        Args:
            of_everybody: What happens to the others and to the conference as well.

        Raises:
            ApplicationFailed: The conference shows its events to another call already, or did not let the caller in.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over.
        """
        line = self._line
        if self._watch is None:
            await self.joined()
        events = ConferenceEvents(self._name, self._execution, line.end_error)
        line.watch(events)
        try:
            if not of_everybody:
                yield events
                return
            await self.joined()
            async with self._shown_everything():
                yield events
        finally:
            line.unwatch(events)

    @asynccontextmanager
    async def _shown_everything(self) -> AsyncIterator[None]:
        line = self._line
        shown_to = (await line.api(f"conference {self._name} getvar {_SHOW_TO}")).text.strip()
        if shown_to == line.channel_uuid:
            yield  # another block of ours sees to it, and has to last longer
            return
        if shown_to and not shown_to.startswith("-ERR"):
            # A call whose process has died, or whose connection was lost, has left it behind.
            if (await line.api(f"uuid_exists {shown_to}")).text.strip() != "false":
                raise ApplicationFailed("conference", self._name, "shows its events to another call already")
            await self._ask(f"setvar {_SHOW_TO}")
        try:
            await self._ask(f"setvar {_SHOW_TO} {line.channel_uuid}")
            yield
        finally:
            await self._undo(f"setvar {_SHOW_TO}")

    # Members

    async def mute(self, member: int | str | None = None, *, quiet: bool = False) -> None:
        """Let the others not hear him.

        Args:
            member: Another member.
            quiet: Without the sound that tells him.

        Raises:
            ApiFailed: There is no such member, or no such conference any more.
            ApplicationFailed: He was not let in.
            CallEnded: The call ended first.
        """
        await self._do("mute", member, "quiet" if quiet else "")

    async def unmute(self, member: int | str | None = None, *, quiet: bool = False) -> None:
        """Let the others hear him again; arguments and errors as of ``mute``."""
        await self._do("unmute", member, "quiet" if quiet else "")

    async def deaf(self, member: int | str | None = None, *, quiet: bool = False) -> None:
        """Let him not hear the others; arguments and errors as of ``mute``."""
        await self._do("deaf", member, "quiet" if quiet else "")

    async def undeaf(self, member: int | str | None = None, *, quiet: bool = False) -> None:
        """Let him hear the others again; arguments and errors as of ``mute``."""
        await self._do("undeaf", member, "quiet" if quiet else "")

    async def hold(self, member: int | str | None = None, *, music: Text = "") -> None:
        """Put him on hold within the conference; errors as of ``mute``.

        Args:
            member: Another member.
            music: What he hears meanwhile; else what the conference has for it.
        """
        await self._do("hold", member, _expanded(music, "music") if shown(music) else "")

    async def unhold(self, member: int | str | None = None) -> None:
        """Take him off hold; arguments and errors as of ``mute``."""
        await self._do("unhold", member)

    async def kick(self, member: int | str | None = None) -> None:
        """Put somebody out of the conference; for this caller ``leave()`` waits until he is out.

        Args:
            member: Another member.

        Raises:
            ApiFailed: There is no such member, or no such conference any more.
            ApplicationFailed: The caller was not let in.
            CallEnded: The call ended first.
        """
        await self._do("kick", member)

    async def volume_in(self, level: int, member: int | str | None = None) -> None:
        """Make him louder or softer for the others.

        Args:
            level: -4 to 4; 0 is as he is.
            member: Another member.

        Raises:
            LocalProtocolError: The level is out of these bounds; nothing was sent.
            ApiFailed: There is no such member, or no such conference any more.
            ApplicationFailed: The caller was not let in.
            CallEnded: The call ended first.
        """
        await self._do("volume_in", member, str(check_number(level, "level", least=-_LOUDEST, most=_LOUDEST)))

    async def volume_out(self, level: int, member: int | str | None = None) -> None:
        """Make the others louder or softer for him; arguments and errors as of ``volume_in``."""
        await self._do("volume_out", member, str(check_number(level, "level", least=-_LOUDEST, most=_LOUDEST)))

    async def energy(self, level: int, member: int | str | None = None) -> None:
        """Say how loud he must be to be heard at all; errors as of ``volume_in``.

        Args:
            level: 0 to 1800; FreeSWITCH's own configuration has 300 or thereabouts.
            member: Another member.
        """
        level = check_number(level, "level", least=0, most=_MOST_ENERGY)
        await self._do("energy", member, str(level), answer="Energy ")

    async def send_dtmf(self, digits: str, member: int | str | None = None) -> None:
        """Send digits to him; errors as of ``volume_in``.

        Args:
            digits: The digits.
            member: Another member.
        """
        if not check_digits(digits, "digits"):
            raise LocalProtocolError("digits is empty, and should be digits: 0-9 * # A-D")
        await self._do("dtmf", member, digits)

    async def play(self, path: Text, *, to: int | None = None, mix: bool = True) -> None:
        """Play a file to him alone, and do not wait for its end (``play-file-member-done``).

        Args:
            path: The file; one that is not absolute is below the conference's ``sound-prefix``.
            to: Another member.
            mix: Let him hear the others meanwhile.

        Raises:
            LocalProtocolError: The path cannot be said; nothing was sent.
            ApiFailed: There is no such file, member or conference.
            ApplicationFailed: The caller was not let in.
            CallEnded: The call ended first.
        """
        file = _expanded(path, "path")
        await self._ask("play", *words(file, str(await self._member(to)), *([] if mix else ["nomux"])))

    async def say(self, text: str, *, to: int | None = None) -> None:
        """Let the conference's speech synthesiser say a text to him alone, and do not wait for its end.

        Args:
            text: What to say. The profile must have ``tts-engine`` and ``tts-voice``.
            to: Another member.

        Raises:
            LocalProtocolError: The text cannot be said; nothing was sent.
            ApiFailed: There is no such member or conference, or no synthesiser.
            ApplicationFailed: The caller was not let in.
            CallEnded: The call ended first.
        """
        # conference_api_sub_saymember() in conference_api.c expands it.
        await self._say("saymember", f"{await self._member(to)} ", escaped(one_line(text)))

    async def stop_playing(self, *, to: int | None = None) -> None:
        """Stop what is played or said to him alone.

        Args:
            to: Another member.

        Raises:
            ApiFailed: There is no such member or conference.
            ApplicationFailed: The caller was not let in.
            CallEnded: The call ended first.
        """
        await self._ask("stop", "all ", str(await self._member(to)))

    # The command

    async def _member(self, member: int | str | None) -> int | str:
        own = await self.joined()
        if member is None:
            return own
        if isinstance(member, int):
            return check_number(member, "member", least=1, most=2**32 - 1)
        if member not in ("all", "last", "non_moderator"):
            raise LocalProtocolError(f"member is {member!r}, and should be a number, all, last or non_moderator")
        return member

    async def _do(self, verb: str, member: int | str | None, value: Text = "", *, answer: str = "+OK") -> None:
        who = str(await self._member(member))
        await self._ask(verb, *words(who, *([value] if shown(value) else [])), answer=answer)


def _expanded(path: Text, name: str) -> Text:
    """A file that one member hears: conference_member_play_file() in conference_member.c expands its path."""
    check_file_name(shown(path), name)
    return escaped(path) if isinstance(path, str) else path


async def _set_at_end(execution: Execution, event: trio.Event) -> None:
    """Set an event when an application is over, in whatever way."""
    with contextlib.suppress(CallEnded, CommandRejected, ApplicationFailed):
        await execution.completed()
    event.set()


def _truth(text: str | None) -> bool | None:
    return None if text is None else text == "true"
