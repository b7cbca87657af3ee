"""Files that play: how they are asked for, controlled while they play, and how they ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, final

import attrs
import trio

from ..arguments.checks import check_digits, check_number, milliseconds
from ..arguments.numbers import thousandths, whole
from ..arguments.text import Expand, Text, argument, shown
from ..errors import FileNotPlayed, LocalProtocolError
from ..protocol import Event, Execute
from .execution import Execution, Stage
from .prompts import files

if TYPE_CHECKING:
    from .line import Line

__all__ = [
    "ANY_DIGIT",
    "Playback",
    "PlaybackResult",
    "playback_command",
    "played",
    "terminated_by",
    "terminators_scope",
]

ANY_DIGIT: Final = "0123456789*#ABCD"
"""Every digit, as terminators."""

# What FreeSWITCH's own sound files are made for, where the channel does not say.
_USUAL_RATE: Final = 8000  # hertz


@final
@attrs.frozen
class PlaybackResult:
    """How a file ended."""

    terminator: str
    """The digit that ended it early; empty if none did. It is not among ``digits`` any more."""
    seconds: float | None
    """How much of it was played, as ``playback_ms`` reports it; None if FreeSWITCH did not say.
    FreeSWITCH reads a little ahead of what is heard."""


@final
class Playback:
    """A file that plays while the handler goes on: ``playback = await self.start_playback(path)``.

    Its controls run ``uuid_fileman``; they need ``async`` and ``full`` in the dialplan
    line, and raise ``ApiFailed`` once the file is over.
    """

    __slots__ = ("_execution", "_line", "_path", "_paused", "_terminators")

    def __init__(self, line: Line, execution: Execution, path: Text | Sequence[Text], terminators: str) -> None:
        self._line = line
        self._execution = execution
        self._path = path
        self._terminators = terminators
        self._paused = False

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._execution.stage >= Stage.COMPLETED

    @property
    def is_paused(self) -> bool:
        """Whether ``pause()`` holds it."""
        return self._paused and not self.is_over

    async def pause(self) -> None:
        """Hold it where it is; nothing is heard meanwhile.

        Raises:
            ApiFailed: Nothing plays any more.
            CallEnded: The call ended first.
        """
        await self._toggle(paused=True)

    async def resume(self) -> None:
        """Let it go on after ``pause()``.

        Raises:
            ApiFailed: Nothing plays any more.
            CallEnded: The call ended first.
        """
        await self._toggle(paused=False)

    async def seek(self, seconds: float) -> None:
        """Go on at a place in the file.

        Args:
            seconds: From its beginning.

        Raises:
            LocalProtocolError: It is negative; nothing was sent.
            ApiFailed: Nothing plays any more.
            CallEnded: The call ended first.
        """
        await self._file_manager(f"seek:{milliseconds(seconds, 'seconds')}")

    async def skip(self, seconds: float) -> None:
        """Go on further ahead in the file, or further back.

        Args:
            seconds: Forward; negative is backward.

        Raises:
            ApiFailed: Nothing plays any more.
            CallEnded: The call ended first.
        """
        step = milliseconds(abs(seconds), "seconds")
        if step:  # process_fh takes a step of 0 for one of 1,000
            await self._file_manager(f"seek:{'-' if seconds < 0 else '+'}{step}")
        else:
            await trio.lowlevel.checkpoint()

    async def restart(self) -> None:
        """Begin it anew, at its own speed.

        Raises:
            ApiFailed: Nothing plays any more.
            CallEnded: The call ended first.
        """
        await self._file_manager("restart")

    async def set_volume(self, level: int) -> None:
        """Play it louder or softer.

        Args:
            level: -4 (softest) to 4 (loudest); 0 is as recorded (``switch_normalize_volume()``).

        Raises:
            LocalProtocolError: The level is out of these bounds; nothing was sent.
            ApiFailed: Nothing plays any more.
            CallEnded: The call ended first.
        """
        await self._file_manager(f"volume:{check_number(level, 'level', least=-4, most=4)}", absolute=level)

    async def set_speed(self, level: int) -> None:
        """Play it faster or slower.

        Args:
            level: -2 (slowest) to 2 (fastest), a quarter each; 0 is as recorded (``switch_ivr_play_file()``).

        Raises:
            LocalProtocolError: The level is out of these bounds; nothing was sent.
            ApiFailed: Nothing plays any more.
            CallEnded: The call ended first.
        """
        await self._file_manager(f"speed:{check_number(level, 'level', least=-2, most=2)}", absolute=level)

    async def stop(self) -> None:
        """Stop it, and wait until it has ended."""
        await self._execution.stop()

    async def finished(self) -> PlaybackResult:
        """Wait for its end; it plays on if the waiting is cancelled.

        Raises:
            FileNotPlayed: FreeSWITCH could not open or decode it.
            CallEnded: The call ended first.
        """
        result = played(self._line, await self._execution.completed(), self._path, self._terminators)
        self._line.digits.strike_out_last(result.terminator, self._execution.digits)
        return result

    async def _toggle(self, *, paused: bool) -> None:
        # `pause` is a toggle of FreeSWITCH's (switch_ivr_process_fh()).
        if paused == self._paused:
            await trio.lowlevel.checkpoint()
            return
        await self._file_manager("pause")
        self._paused = paused

    async def _file_manager(self, command: str, absolute: int = 0) -> None:
        line = self._line
        await line.require_async("controlling a file that plays")
        await self._execution.started()
        if absolute < 0:
            # A sign makes it a step from where it is (switch_ivr_process_fh()): to nothing, then down.
            name = command.partition(":")[0]
            await line.api_text(f"uuid_fileman {line.channel_uuid} {name}:0")
        await line.api_text(f"uuid_fileman {line.channel_uuid} {command}")


def playback_command(
    line: Line, path: Text | Sequence[Text], *, terminators: str = "", loops: int = 1, start_seconds: float = 0
) -> Execute:
    """The command that plays a file, or several.

    Raises:
        LocalProtocolError: A terminator is no digit, or a path cannot be said.
    """
    pieces = files(path)
    start = milliseconds(start_seconds, "start_seconds")
    check_number(loops, "loops", least=-(2**31), most=2**31 - 1)
    if start:
        if any("@" in shown(piece) for piece in pieces):
            raise LocalProtocolError(f"{path!r} has an @, behind which playback would not find start_seconds")
        # playback_function() in mod_dptools.c counts samples of the file, which is as a rule of the channel's rate.
        rate = whole(line.channel.variables.get("read_rate")) or _USUAL_RATE
        samples = start * rate // 1000
        pieces = (*pieces, f"@@{samples}")
    return line.execute_command("playback", argument(*pieces, scope=terminators_scope(terminators)), loops=loops)


def terminators_scope(terminators: str) -> Mapping[str, str]:
    """The variable that says which digits end what is said, for one application alone.

    Raises:
        LocalProtocolError: One of them is no digit.
    """
    return {"playback_terminators": check_digits(terminators, "terminators") or "none"}


def played(line: Line, completion: Event, path: Text | Sequence[Text], terminators: str) -> PlaybackResult:
    """What a completion of ``playback`` tells.

    Raises:
        FileNotPlayed: It could not be opened or decoded.
    """
    response = line.response_to(completion)
    if response not in ("FILE PLAYED", "_none_", ""):
        raise FileNotPlayed(shown(path) if isinstance(path, str | Expand) else "!".join(map(shown, path)), response)
    seconds = thousandths(completion.variables.get("playback_ms"))
    return PlaybackResult(terminated_by(completion) if terminators else "", seconds)


def terminated_by(completion: Event) -> str:
    """The digit that ended what was said; each application that says something clears the variable first."""
    return completion.variables.get("playback_terminator_used", "")
