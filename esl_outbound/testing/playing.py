"""A file that plays: where it is, and what steers it while it does."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, final

import trio

from .expansion import separate
from .session import Session, Woken
from .wire import Event, atoi

if TYPE_CHECKING:
    from .story import Sound

__all__ = ["Played", "Playing", "play"]

_STREAM: Final = re.compile(r"(tone_stream|local_stream):", re.IGNORECASE)
_FASTEST: Final = 2
_SAMPLES_A_SECOND: Final = 8000
_READ_AHEAD_SAMPLES: Final = 16384
"""How much of a file is read at once."""
_PAUSE_MS: Final = 250
"""Between files that `playback_delimiter` separates, unless `playback_sleep_val` says otherwise."""
_SILENT: Final = "silence_stream://"


class Played(Enum):
    """How a playback ended."""

    TO_ITS_END = auto()
    STOPPED = auto()
    """By a break, or by a key."""
    NOT_FOUND = auto()
    NOTHING = auto()
    """There was no path."""
    GONE = auto()
    """The channel is hung up, or goes elsewhere."""


@final
class Playing:
    """A file that plays.

    Args:
        session: The channel's thread.
        path: The file.
        seconds: Its length; may be infinite.
    """

    def __init__(self, session: Session, path: str, seconds: float) -> None:
        self.path: Final = path
        self.seconds: Final = seconds
        self.position = 0.0
        """How much of it was played, in seconds."""
        self.pace = 0
        """``speed`` of ``uuid_fileman``: 2 is the fastest, -2 the slowest."""
        self.is_paused = False
        self.is_changed = False
        """Whether somebody steered it, so that its end is another one now."""
        self._session = session
        self._since = trio.current_time()
        self._nested = session.executions.nested_seconds

    def set_pace(self, pace: int) -> None:
        """Play faster or slower."""
        self.pace = max(min(pace, _FASTEST), -_FASTEST)

    @property
    def speed(self) -> float:
        """How much of it is played in a second; of each frame a quarter is left out, or put in, a step."""
        return 1 / (1 - 0.25 * self.pace)

    @property
    def remaining(self) -> float:
        """How long it will still take, in seconds."""
        return math.inf if self.is_paused else max(self.seconds - self.position, 0) / self.speed

    def catch_up(self) -> None:
        """Bring the position up to now; while something else runs nested, the file rests."""
        now, nested = trio.current_time(), self._session.executions.nested_seconds
        if not self.is_paused:
            played = now - self._since - (nested - self._nested)
            self.position = min(self.position + played * self.speed, self.seconds)
        self._since, self._nested = now, nested

    def steer(self) -> None:
        """Its position, speed or rest is about to be changed."""
        self.catch_up()
        self.is_changed = True
        self._session.notify()


async def play(
    session: Session,
    path: str,
    *,
    on_digit: Callable[[str], bool] | None = None,
    on_event: Callable[[Event], bool] | None = None,
    is_breakable: bool = True,
    shown_as: str = "",
    is_file: bool = True,
) -> Played:
    """Play a sound on a channel (``switch_ivr_play_file()``).

    Args:
        session: The channel's thread.
        path: What to play.
        on_digit: Gets each key; true ends the sound.
        on_event: Gets each event that was sent to the session, which is gone then; true ends the sound.
        is_breakable: Whether a break ends it.
        shown_as: What the caller is said to hear; the path, unless something else says it better.
        is_file: Whether events and variables tell of it, and ``uuid_fileman`` finds it.
    """
    channel, story = session.channel, session.channel.story
    if not path:
        return Played.NOTHING
    seconds = _length(session, shown_as or path)
    if seconds is None:
        return Played.NOT_FOUND
    file = Playing(session, path, seconds)
    before = session.playing
    if is_file:
        session.playing = file
    delimiter = (channel.get("playback_delimiter") or "")[:1]
    # Of several files the events tell the last.
    about = [("Playback-File-Path", separate(path, delimiter)[-1] if delimiter else path)]
    if (stream := _STREAM.match(path)) is not None:
        about.insert(0, ("Playback-File-Type", stream[1].lower()))
    if is_file:
        channel.fire("PLAYBACK_START", last=about)
    sound = story.sound_begins(shown_as or path, seconds, is_silence=path == "silence" or path.startswith(_SILENT))
    ending: list[str] = []

    def take(digit: str) -> bool:
        if on_digit is not None and on_digit(digit):
            ending.append(digit)
            return True
        return False

    try:
        result = await _play(session, file, take if on_digit is not None else None, on_event, is_breakable)
    finally:
        session.playing = before
    if is_file:
        _leave_variables(session, file)
    _end_sound(session, sound, result, ending)
    if is_file:
        status = "break" if result is Played.STOPPED else "done"
        channel.fire("PLAYBACK_STOP", last=[*about, ("Playback-Status", status)])
    return result


def _length(session: Session, path: str) -> float | None:
    """How long a sound lasts, or several with `playback_delimiter` between them; None if there is none."""
    sounds, channel = session.core.sounds, session.channel
    delimiter = (channel.get("playback_delimiter") or "")[:1]
    parts = separate(path, delimiter) if delimiter else [path]
    lengths = [seconds for seconds in map(sounds.length, parts) if seconds is not None]
    if not lengths:
        return None
    pause = channel.get("playback_sleep_val")
    return sum(lengths) + (len(parts) - 1) * (_PAUSE_MS if pause is None else max(atoi(pause), 0)) / 1000


async def _play(
    session: Session,
    file: Playing,
    on_digit: Callable[[str], bool] | None,
    on_event: Callable[[Event], bool] | None,
    is_breakable: bool,
) -> Played:
    while True:
        if session.channel.call_state == "HELD":
            await _wait_out_hold(session, file)
        file.is_changed = False
        woken = await session.wait(
            file.remaining,
            breakable=is_breakable,
            on_digit=on_digit,
            on_event=on_event,
            pauses=True,
            goes_on=lambda: not file.is_changed and session.channel.call_state != "HELD",
        )
        file.catch_up()
        match woken:
            case Woken.TIME:
                return Played.TO_ITS_END
            case Woken.BREAK | Woken.DIGIT | Woken.EVENT:
                return Played.STOPPED
            case Woken.GONE if session.is_ready:
                continue  # somebody steered it
            case Woken.GONE if session.was_hung_up_from_within:
                return Played.STOPPED
            case Woken.GONE:
                return Played.GONE


async def _wait_out_hold(session: Session, file: Playing) -> None:
    """A file rests on a channel that is held, and does not look at what is queued."""
    channel, was_paused, file.is_paused = session.channel, file.is_paused, True
    await session.wait(breakable=False, carries_out=False, goes_on=lambda: channel.call_state == "HELD")
    file.catch_up()
    file.is_paused = was_paused


def _leave_variables(session: Session, file: Playing) -> None:
    """What switch_ivr_play_file() tells of a file that is over: where it was, and how much was read of it."""
    channel = session.channel
    position = round(file.position * _SAMPLES_A_SECOND)
    channel.set("playback_last_offset_pos", str(position))
    chunks = max(math.ceil(position / _READ_AHEAD_SAMPLES), 1)
    samples = round(min(chunks * _READ_AHEAD_SAMPLES, file.seconds * _SAMPLES_A_SECOND))
    channel.set("playback_seconds", str(samples // _SAMPLES_A_SECOND))
    channel.set("playback_ms", str(samples * 1000 // _SAMPLES_A_SECOND))
    channel.set("playback_samples", str(samples))


def _end_sound(session: Session, sound: Sound, result: Played, digits: list[str]) -> None:
    story = session.channel.story
    match result:
        case Played.TO_ITS_END:
            story.sound_ends(sound, "heard")
        case Played.STOPPED if digits:
            story.sound_ends(sound, f"cut short by {digits[-1]}")
        case Played.STOPPED:
            story.sound_ends(sound, "stopped")
        case _:
            story.sound_ends(sound, "hung up")
