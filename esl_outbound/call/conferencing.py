"""Conferences, and what this call does in one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import trio

from ..arguments.checks import check_number, check_word, whole_seconds
from ..arguments.text import argument
from ..errors import LocalProtocolError
from ..protocol import Execute, Subscribe
from .base import CallBase
from .conference_events import MAINTENANCE, MemberWatch
from .conference_member import ConferenceMember
from .conference_results import ConferenceResult, ConferenceState
from .conference_room import ask_conference, check_pin
from .variable_commands import set_command, unset_command

if TYPE_CHECKING:
    from .line import Line

__all__ = ["ConferenceFlag", "Conferencing"]

# What the last conference left on the channel (conference_member_add() in conference_member.c).
_LEFT_BEHIND: Final = ("conference_name", "conference_member_id", "conference_uuid", "conference_moderator")
_FLAG: Final = re.compile(r"[A-Za-z0-9_-]+")
# conference_utils_set_mflags() in conference_utils.c looks at so many.
_MOST_FLAGS: Final = 10
# conference_loop_output() in conference_loop.c takes others for a minute.
_LEAST_OUTCALL_SECONDS: Final = 10
_MOST_OUTCALL_SECONDS: Final = 500


class ConferenceFlag(StrEnum):
    """What a member may be asked to be, and what a conference that he begins shall be like.

    The first are a member's (conference_utils_set_mflags()), those from WAIT_FOR_MODERATOR on the
    conference's (conference_utils_set_cflags() in conference_utils.c). Names that are not here can be given as ``str``.
    """

    MUTE = "mute"
    DEAF = "deaf"
    MUTE_DETECT = "mute-detect"
    """Tell when somebody talks who is muted."""
    DIST_DTMF = "dist-dtmf"
    """Send the member's digits to all others."""
    SKIP_DTMF = "skip-dtmf"
    """Do not send him theirs."""
    MODERATOR = "moderator"
    NO_MUSIC = "nomoh"
    """No music while he is there, even if he is alone."""
    END_CONFERENCE = "endconf"
    """The conference ends when he leaves."""
    MANDATORY_MEMBER_END_CONFERENCE = "mandatory_member_endconf"
    """It ends when the last of those who have this flag leaves."""
    MINIMUM_TWO = "mintwo"
    """Once there were two, it ends when there is only one."""
    GHOST = "ghost"
    """He is not counted."""
    JOIN_ONLY = "join-only"
    """Only join a conference that is there already."""
    VIDEO_MUTE = "vmute"
    BLIND = "blind"
    POSITIONAL = "positional"
    NO_POSITIONAL = "no-positional"
    TALK_DATA_EVENTS = "talk-data-events"

    WAIT_FOR_MODERATOR = "wait-mod"
    """Music until a moderator comes."""
    AUDIO_ALWAYS = "audio-always"
    """Do not mix only those who talk."""
    RESTART_AUTO_RECORD = "restart-auto-record"


class Conferencing(CallBase):
    """Conferences, and what this call does in one."""

    async def conference(
        self,
        name: str,
        *,
        profile: str = "default",
        flags: Iterable[ConferenceFlag | str] = (),
        pin: str = "",
        supplied_pin: str = "",
        moderator_pin: str = "",
        max_members: int | None = None,
        music: str = "",
        outcalls: Sequence[str] = (),
        outcall_seconds: float = 60,
        hangup_after: bool = False,
    ) -> ConferenceResult:
        """Let the caller into a conference, and wait until he is out of it.

        Runs the ``conference`` application; whoever comes first begins the conference. If the waiting is
        cancelled he is taken out, for which the dialplan line must say ``full``; while he is asked for a PIN that
        takes some seconds, and wrong ones (``uuid_recv_dtmf``). What is pressed comes to ``digits`` as well, the PIN
        too.

        Args:
            name: The conference.
            profile: Its profile in FreeSWITCH's configuration.
            flags: What he is to be: ``mute``, ``moderator``, ...; at most ten.
            pin: Digits that he must enter before he is let in; else the profile's, or nobody is asked.
                FreeSWITCH asks those who called, not those who were called.
            supplied_pin: Digits that he has entered before: if they are right, he is not asked.
            moderator_pin: Digits that make him a moderator, in place of the PIN.
            max_members: How many the conference admits, if he begins it; at least 2, and else what the profile says.
            music: What he hears while he is alone, if he begins it and the profile has no music.
            outcalls: Dial strings of others whom the conference calls as soon as he is in it.
            outcall_seconds: How long they are rung, in whole seconds, 10 to 500.
            hangup_after: Let the call be hung up if the conference itself ends while he is in it, which is what
                FreeSWITCH does on its own.

        Returns:
            Why he is out of it, as far as FreeSWITCH tells, and how long he was in it.

        Raises:
            LocalProtocolError: A name, flag or PIN cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        scope = _scope(supplied_pin, moderator_pin, max_members, music, hangup_after=hangup_after)
        calls = _outcalls(self._line, outcalls, outcall_seconds, scope)
        text = argument(_target(name, profile, pin, flags), scope=scope)
        member = await _join(self._line, name, text, calls)
        return await member.finish_or_leave()

    async def start_conference(
        self,
        name: str,
        *,
        profile: str = "default",
        flags: Iterable[ConferenceFlag | str] = (),
        pin: str = "",
        supplied_pin: str = "",
        moderator_pin: str = "",
        max_members: int | None = None,
        music: str = "",
        outcalls: Sequence[str] = (),
        outcall_seconds: float = 60,
        hangup_after: bool = False,
    ) -> ConferenceMember:
        """Let the caller into a conference, and do not wait for it.

        Arguments as of ``conference``. What is played meanwhile he alone hears, and
        not the conference.

        Returns:
            A handle: ``joined()``, ``events()``, ``mute()``, ``kick()``, ``volume_in()``, ``play()``, ``lock()``,
            ``record()``, ``dial()``, ``state()``, ``leave()``, ``finished()``, ...

        Raises:
            LocalProtocolError: A name, flag or PIN cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        scope = _scope(supplied_pin, moderator_pin, max_members, music, hangup_after=hangup_after)
        calls = _outcalls(self._line, outcalls, outcall_seconds, scope)
        text = argument(_target(name, profile, pin, flags), scope=scope)
        member = await _join(self._line, name, text, calls)
        await trio.lowlevel.cancel_shielded_checkpoint()
        return member

    async def conference_state(self, name: str) -> ConferenceState | None:
        """Ask who is in a conference, whether or not this caller is.

        Runs ``conference NAME json_list``.

        Args:
            name: The conference.

        Returns:
            The conference; None if there is none of that name.

        Raises:
            LocalProtocolError: It is no conference's name; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over, and its socket too.
        """
        return await ask_conference(self._line, _check_name(name))


def _check_name(name: str) -> str:
    # Neither conference_function() in mod_conference.c nor the command lets one quote it.
    check_word(name, "name", without="@+{}")
    if name.lower().startswith("bridge:") or name.startswith("^^"):
        raise LocalProtocolError(f"name is {name!r}, and that beginning has a meaning of its own")
    return name


def _target(name: str, profile: str, pin: str, flags: Iterable[ConferenceFlag | str]) -> str:
    """``name@profile+pin+flags{...}`` (conference_function() in mod_conference.c)."""
    _check_name(name)
    check_word(profile, "profile", without="@+{}")
    given = [flags] if isinstance(flags, str) else list(flags)
    for flag in given:
        if _FLAG.fullmatch(flag) is None:
            raise LocalProtocolError(f"{flag!r} cannot be a conference flag")
    if len(given) > _MOST_FLAGS:
        raise LocalProtocolError(f"there are {len(given)} flags, and FreeSWITCH looks at {_MOST_FLAGS}")
    said_pin = f"+{check_pin(pin)}" if pin else ""
    said_flags = f"+flags{{{'|'.join(given)}}}" if given else ""
    return f"{name}@{profile}{said_pin}{said_flags}"


def _scope(
    supplied_pin: str, moderator_pin: str, max_members: int | None, music: str, *, hangup_after: bool
) -> dict[str, str]:
    """The channel variables that conference_function() and conference_thread_run() look at."""
    scope: dict[str, str] = {}
    if supplied_pin:
        scope["supplied_pin"] = check_pin(supplied_pin)
    if moderator_pin:
        scope["conference_moderator_pin"] = check_pin(moderator_pin)
    if max_members is not None:
        scope["conference_max_members"] = str(check_number(max_members, "max_members", least=2, most=2**31 - 1))
    if music:
        scope["conference_moh_sound"] = music
    return {**scope, "hangup_after_conference": "true" if hangup_after else "false"}


def _outcalls(line: Line, outcalls: Sequence[str], seconds: float, scope: dict[str, str]) -> tuple[Execute, ...]:
    """The commands that tell whom to call; they are forgotten when the conference has taken them up."""
    if not outcalls:
        return ()
    rung = whole_seconds(seconds, "outcall_seconds", least=_LEAST_OUTCALL_SECONDS)
    if rung > _MOST_OUTCALL_SECONDS:
        raise LocalProtocolError(f"outcall_seconds is {seconds!r}, and should be 10 to {_MOST_OUTCALL_SECONDS}")
    scope["conference_auto_outcall_timeout"] = str(rung)
    # A dial string is divided at this character, which none can have in it (conference_loop_output()); a comma
    # would do so otherwise.
    commands = [line.execute_command("conference_set_auto_outcall")]
    commands += [line.execute_command("conference_set_auto_outcall", argument(each)) for each in outcalls]
    return (set_command(line, "conference_auto_outcall_delimiter", "\x1f"), *commands)


async def _join(line: Line, name: str, text: str, before: Sequence[Execute]) -> ConferenceMember:
    await line.require_call()
    commands = (unset_command(line, _LEFT_BEHIND), *before, line.execute_command("conference", text))
    if not line.is_full:
        *_, execution = await line.start(commands)
        return ConferenceMember(line, execution, name, None)
    await line.command(Subscribe((), (MAINTENANCE,), line.event_format))
    watch = MemberWatch(line.channel_uuid)
    line.watch(watch)
    try:
        *_, watch.execution = await line.start(commands)
    except BaseException:
        line.unwatch(watch)
        raise
    return ConferenceMember(line, watch.execution, name, watch)
