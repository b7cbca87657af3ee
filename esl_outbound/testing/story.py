"""What happened in a call, as it is told afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

import attrs
import trio

from .happenings import Happening, Moment, Who, shown

if TYPE_CHECKING:
    from .legs import Leg

__all__ = ["Bridge", "Executed", "Recorded", "Sound", "Story"]

_FIRST_RUNGS: Final = 40
_LAST_RUNGS: Final = 160
_SIDES: Final = {
    Who.CALLER: "caller    ",
    Who.HANDLER: "   handler",
    Who.SWITCH: "    switch",
    Who.CALLEE: "    callee",
    Who.EXPECTED: "!!        ",
}


@final
@attrs.define(eq=False)
class Sound:
    """Something that was played to the caller."""

    path: str
    """What was asked for: a file, a tone stream, ``say:12``."""
    began: float
    """Seconds since the call began."""
    is_silence: bool = False
    ended: float | None = None
    how: str = ""
    """``heard``, ``cut short by 1``, ``stopped``, ``hung up``; empty while it plays."""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it goes on."""
        return None if self.ended is None else self.ended - self.began


@final
@attrs.define(eq=False)
class Recorded:
    """Something that was recorded of the call."""

    path: str
    began: float
    """Seconds since the call began."""
    ended: float | None = None
    application: str = "record"
    masked: list[list[float]] = attrs.field(factory=list)
    """From when to when silence was written in place of what was said; the last may have no end yet."""
    paused: list[list[float]] = attrs.field(factory=list)
    """From when to when nothing was written."""
    shortest: int = 0
    """It is thrown away if it gets shorter than so many seconds."""
    is_discarded: bool = False
    """Whether it was thrown away."""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it goes on."""
        return None if self.ended is None else self.ended - self.began


@final
@attrs.define(eq=False)
class Bridge:
    """A bridge that was tried."""

    destination: str
    """The dial string, without the variables in its brackets."""
    dial_string: str
    """The dial string as FreeSWITCH got it."""
    began: float
    """Seconds since the call began."""
    callee: str = ""
    """The destination that the caller talks to."""
    legs: list[Leg] = attrs.field(factory=list)
    """Those that were called so far."""
    leg: Leg | None = None
    """The one that the caller talks to, or talked to."""
    ended: float | None = None
    disposition: str = ""
    """FreeSWITCH's word for it, such as SUCCESS or USER_BUSY; empty while it rings."""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it goes on."""
        return None if self.ended is None else self.ended - self.began


@final
@attrs.define(eq=False)
class Executed:
    """An application that ran on the channel."""

    application: str
    argument: str
    """After expansion."""
    began: float
    """Seconds since the call began."""
    ended: float | None = None
    response: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it goes on."""
        return None if self.ended is None else self.ended - self.began


@final
class Story:
    """Everything that happened in one call, in order.

    Whoever waits for something to happen calls ``changed()`` in a loop.

    Args:
        told: Gets each moment at once.
    """

    def __init__(self, told: Callable[[Moment], None] | None = None) -> None:
        self._told = told
        self.moments: Final[list[Moment]] = []
        self.heard: Final[list[Sound]] = []
        self.recorded: Final[list[Recorded]] = []
        self.bridges: Final[list[Bridge]] = []
        self.executed: Final[list[Executed]] = []
        self.programs: Final[list[str]] = []
        """What the ``system`` command was asked to run; nothing was run."""
        self.began_at: float = 0.0
        self._changed: trio.Event | None = None
        self._only_completed: Final[set[str]] = set()

    @property
    def now(self) -> float:
        """Seconds since the call began."""
        return trio.current_time() - self.began_at

    def begin(self) -> None:
        """The call begins now."""
        self.began_at = trio.current_time()

    def tell(self, who: Who, happening: Happening, *details: str) -> None:
        """Something happened."""
        moment = Moment(self.now, who, happening, tuple(map(shown, details)))
        self.moments.append(moment)
        if self._told is not None:
            self._told(moment)
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def changed(self) -> None:
        """Wait until something happens."""
        if self._changed is None:
            self._changed = trio.Event()
        await self._changed.wait()

    # What the switch tells

    def only_completes(self, application: str) -> None:
        """The simulator does nothing at all for an application; this is told once."""
        if application not in self._only_completed:
            self._only_completed.add(application)
            self.tell(Who.SWITCH, Happening.ONLY_COMPLETES, application)

    def runs_program(self, program: str) -> None:
        """The switch was asked to run a program, and did not."""
        self.programs.append(program)
        self.tell(Who.SWITCH, Happening.IS_TO_RUN_PROGRAM, program)

    def sound_begins(self, path: str, seconds: float, *, is_silence: bool = False) -> Sound:
        """A sound begins to play."""
        sound = Sound(path, self.now, is_silence)
        self.heard.append(sound)
        length = "without end" if seconds == math.inf else f"{seconds:g} s"
        self.tell(Who.CALLER, Happening.HEARS_NOTHING if is_silence else Happening.HEARS, path, length)
        return sound

    def sound_ends(self, sound: Sound, how: str) -> None:
        """A sound is over."""
        if sound.ended is None:
            sound.ended = self.now
            sound.how = how
            if how == "heard" or how == "hung up":
                self.wake()
            else:
                self.tell(Who.SWITCH, Happening.SOUND_ENDS, sound.path, how)

    # What is told of it

    def ladder(self) -> str:
        """The call so far, a line for each thing that happened, the caller's side on the left."""
        if not self.moments:
            return "  (nothing happened)"
        return "\n".join(map(_rung, self.moments))

    def short_ladder(self) -> str:
        """The same for the text of an error: of a very long call its beginning and its end."""
        left_out = len(self.moments) - _FIRST_RUNGS - _LAST_RUNGS
        if left_out <= 1:
            return self.ladder()
        first = map(_rung, self.moments[:_FIRST_RUNGS])
        last = map(_rung, self.moments[-_LAST_RUNGS:])
        return "\n".join((*first, f"  ... {left_out} lines more, all of them in caller.ladder() ...", *last))


def _rung(moment: Moment) -> str:
    return f"  {moment.seconds:8.3f}  {_SIDES[moment.who]}  {moment.what}"
