"""Tones, beeps and fax calls that FreeSWITCH hears in a call's sound."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, final

import attrs

from ..arguments.applications import later_argument
from ..arguments.checks import check_number, check_word, whole_seconds
from ..arguments.text import Text, argument, words
from ..errors import ApplicationFailed, CallEnded, LocalProtocolError
from ..protocol import Event, Subscribe
from .base import CallBase
from .diverting import SessionEvents, session_events

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Beep", "BeepDetector", "Beeps", "DetectedTones", "Tone", "ToneDetection", "ToneDirection"]

_EVENT: Final = "DETECTED_TONE"
# MAX_TONES of switch_ivr_async.c; and what TELETONE_MAX_TONES leaves room for.
_MOST_TONES: Final = 16
_MOST_FREQUENCIES: Final = 16
_HIGHEST_HERTZ: Final = 24_000


class ToneDirection(StrEnum):
    """In which sound ``tone_detect`` looks for a tone."""

    READ = "r"
    """In what comes from the caller."""
    WRITE = "w"
    """In what is sent to him."""


@final
@attrs.frozen
class Tone:
    """A tone to listen for."""

    name: str
    """What to call it."""
    frequencies: Sequence[float]
    """What it is made of, all at once, in hertz."""


class BeepDetector(StrEnum):
    """A module that listens for the beep of an answering machine."""

    AVMD = "avmd"
    VMD = "vmd"


@final
@attrs.frozen
class Beep:
    """A beep, as of an answering machine."""

    frequency: float | None
    """Its pitch in hertz; None if the detector did not say."""
    event: Event
    """``avmd::beep`` or ``vmd::beep`` itself, with the detector's other numbers."""


@final
class DetectedTones:
    """Tones that were heard: ``async for name in tones``, which ends with the call."""

    __slots__ = ("_events", "_line", "_names")

    def __init__(self, line: Line, events: SessionEvents, names: Mapping[str, str]) -> None:
        self._line = line
        self._events = events
        self._names = names

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        try:
            return await self.get()
        except CallEnded:
            raise StopAsyncIteration from None

    async def get(self) -> str:
        """The name of the next tone that is heard.

        Raises:
            CallEnded: The call ended, and all were told.
            EventsLost: Nobody read what was heard, and some was dropped here.
        """
        return (await self._events.get()).get("Detected-Tone")

    async def listen_again(self, name: str) -> None:
        """Listen for a tone once more: ``tone_detect`` hears each of its tones only once.

        Raises:
            LocalProtocolError: It is none of the tones of this block; nothing was sent.
            CallEnded: The call is over.
        """
        if name not in self._names:
            raise LocalProtocolError(f"{name!r} is none of the tones that tone_detect listens for here")
        # switch_ivr_tone_detect_session() knows it by its name.
        await self._line.execute("tone_detect", self._names[name])


@final
class Beeps:
    """Beeps that were heard: ``async for beep in beeps``, which ends with the call."""

    __slots__ = ("_events",)

    def __init__(self, events: SessionEvents) -> None:
        self._events = events

    def __aiter__(self) -> AsyncIterator[Beep]:
        return self

    async def __anext__(self) -> Beep:
        try:
            return await self.get()
        except CallEnded:
            raise StopAsyncIteration from None

    async def get(self) -> Beep:
        """The next beep.

        Raises:
            CallEnded: The call ended, and all were told.
            EventsLost: Nobody read what was heard, and some was dropped here.
        """
        event = await self._events.get()
        try:
            frequency = float(event.get("Frequency"))
        except ValueError:
            return Beep(None, event)
        return Beep(frequency or None, event)


class ToneDetection(CallBase):
    """Tones, beeps and fax calls that FreeSWITCH hears in a call's sound."""

    @asynccontextmanager
    async def detected_tones(
        self, *tones: Tone, direction: ToneDirection = ToneDirection.READ, hits: int = 1
    ) -> AsyncIterator[DetectedTones]:
        """Listen for tones while the block lasts, whatever else happens in the call.

        Runs ``tone_detect`` for each, in one write, and, whatever happens, ``stop_tone_detect``, which ends all
        listening for tones in this call. What is heard comes by ``divert_events``, which needs no subscription.

        Args:
            tones: What to listen for, 16 at most.
            direction: In which sound.
            hits: How often a tone is to be heard, half a second apart at least, until it counts.

        Returns:
            A stream of the names of tones that were heard, each once.

        Raises:
            NotPermitted: The dialplan line does not say ``async``.
            LocalProtocolError: A tone is none; nothing was sent.
            CallEnded: The call is over.
        """
        line = self._line
        arguments = _tones(tones, direction, hits)
        async with session_events(line, "listening beside what the handler does", _EVENT) as events:
            try:
                commands = [line.execute_command("tone_detect", text) for text in arguments.values()]
                *_, execution = await line.start(commands)
                await line.finish(execution)
                yield DetectedTones(line, events, arguments)
            finally:
                await line.undo("stop_tone_detect")

    async def wait_for_tone(self, *tones: Tone, direction: ToneDirection = ToneDirection.READ, hits: int = 1) -> str:
        """Wait until one of some tones is heard, and give its name.

        Runs ``tone_detect`` for each and then ``stop_tone_detect``; arguments and errors as of ``detected_tones``. How
        long it may take is said with ``trio.move_on_after``.
        """
        line = self._line
        arguments = _tones(tones, direction, hits)
        async with session_events(line, "listening beside what the handler does", _EVENT) as events:
            try:
                commands = [line.execute_command("tone_detect", text) for text in arguments.values()]
                *_, execution = await line.start(commands)
                await line.finish(execution)
                return await DetectedTones(line, events, arguments).get()
            finally:
                await line.undo("stop_tone_detect")

    async def wait_for_fax(self) -> None:
        """Wait until a fax machine is heard that calls (1,100 hertz).

        Runs ``fax_detect`` and then ``stop_tone_detect``, which ends all listening for tones in this call. How
        long it may take is said with ``trio.move_on_after``.

        Raises:
            NotPermitted: The dialplan line does not say ``async``.
            CallEnded: The call ended first.
        """
        line = self._line
        async with session_events(line, "listening beside what the handler does", _EVENT) as events:
            try:
                await line.execute("fax_detect")
                while (await events.get()).get("Detected-Tone") != "fax":
                    pass
            finally:
                await line.undo("stop_tone_detect")

    @asynccontextmanager
    async def spandsp_detected_tones(self, descriptor: str) -> AsyncIterator[DetectedTones]:
        """Listen for tones with their cadence, such as busy and ringing tones, while the block lasts.

        Runs ``spandsp_start_tone_detect`` and, whatever happens, ``spandsp_stop_tone_detect``; subscribes to
        DETECTED_TONE.

        Args:
            descriptor: A descriptor of ``spandsp.conf``, such as a country's: ``1``.

        Returns:
            A stream of the names of tones that were heard, each as often as it is heard.

        Raises:
            NotPermitted: The dialplan line does not say ``async full``.
            ApplicationFailed: There is no such descriptor.
            LocalProtocolError: The descriptor cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        line = self._line
        name = argument(check_word(descriptor, "descriptor"))
        await line.require_call()
        await line.require_async("listening beside what the handler does")
        await line.require_full(f"event {_EVENT}")
        with line.observed(_EVENT) as events:
            # callprogress_detector_process_buffer() fires it to the world.
            await line.command(Subscribe((_EVENT,), (), line.event_format))
            try:
                completion = await line.execute("spandsp_start_tone_detect", name)
                response = line.response_to(completion)
                if response.startswith("-ERR"):
                    raise ApplicationFailed("spandsp_start_tone_detect", name, f"failed: {response}")
                yield DetectedTones(line, SessionEvents(events), {})
            finally:
                await line.undo("spandsp_stop_tone_detect")

    async def spandsp_start_fax_detect(
        self, application: str, argument: Text = "", *, timeout_seconds: float = 0, called: bool = False
    ) -> None:
        """Let a fax machine that is heard set off an application.

        Runs the ``spandsp_start_fax_detect`` application; ``spandsp_stop_fax_detect`` ends it. The application runs
        as if it were executed then, such as ``transfer`` to an extension that takes faxes.

        Args:
            application: The application's name.
            argument: Its argument; in an ``Expand``, ``${...}`` is expanded when it runs.
            timeout_seconds: How long to listen, in whole seconds; 0 is without end.
            called: Listen for a fax machine that was called, and not for one that calls.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        text = _fax_detection(application, argument, timeout_seconds, called=called)
        await self._line.execute("spandsp_start_fax_detect", text)

    async def spandsp_stop_fax_detect(self) -> None:
        """Stop listening for a fax machine (``spandsp_stop_fax_detect``)."""
        await self._line.execute("spandsp_stop_fax_detect")

    @asynccontextmanager
    async def detected_beeps(
        self, detector: BeepDetector = BeepDetector.AVMD, *, settings: Mapping[str, str] | None = None
    ) -> AsyncIterator[Beeps]:
        """Listen for the beep of an answering machine while the block lasts.

        Runs ``avmd_start`` and, whatever happens, ``avmd_stop``; or ``vmd start`` and ``vmd stop``. What is heard comes
        by ``divert_events``, which needs no subscription. FreeSWITCH does not tell when the module is not able to:
        mod_avmd listens to calls that FreeSWITCH placed, unless ``inbound_channel`` is set, and then to what the
        caller is sent.

        Args:
            detector: The module.
            settings: Of mod_avmd, such as ``{"inbound_channel": "1"}``.

        Returns:
            A stream: ``async for beep in beeps``.

        Raises:
            NotPermitted: The dialplan line does not say ``async``.
            LocalProtocolError: A setting cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        line = self._line
        if detector is BeepDetector.VMD:
            if settings:
                raise LocalProtocolError("vmd has no settings")
            start, stop = ("vmd", "start"), ("vmd", "stop")
        else:
            start, stop = ("avmd_start", _settings(settings or {})), ("avmd_stop", "")
        events_name = f"CUSTOM {detector.value}::beep"
        async with session_events(line, "listening beside what the handler does", events_name) as events:
            try:
                await line.execute(*start)
                yield Beeps(events)
            finally:
                await line.undo(*stop)


def _tones(tones: tuple[Tone, ...], direction: ToneDirection, hits: int) -> dict[str, str]:
    """The argument of tone_detect for each tone, by its name (tone_detect_session_function() in mod_dptools.c)."""
    check_number(len(tones), "the number of tones", least=1, most=_MOST_TONES)
    # Hits in the argument, without an application before them, would be taken for the application, which FreeSWITCH
    # does not know: it would hang up at the first tone.
    scope = {"tone_detect_hits": str(check_number(hits, "hits", least=1, most=1000))}
    arguments: dict[str, str] = {}
    for tone in tones:
        name = check_word(tone.name, "name")
        if name.lower() in map(str.lower, arguments):
            raise LocalProtocolError(f"two tones are called {name!r}")
        check_number(len(tone.frequencies), "the number of frequencies", least=1, most=_MOST_FREQUENCIES)
        if not all(0 < hertz <= _HIGHEST_HERTZ for hertz in tone.frequencies):
            raise LocalProtocolError(f"{name} is {tone.frequencies!r}, and should be hertz, up to {_HIGHEST_HERTZ}")
        spec = ",".join(f"{hertz:.2f}" for hertz in tone.frequencies)
        arguments[name] = argument(*words(name, spec, direction.value), scope=scope)
    return arguments


def _fax_detection(application: str, value: Text, timeout_seconds: float, *, called: bool) -> str:
    # spandsp_fax_detect_session_function() wants both; what runs later is expanded then, and here it is data.
    name = check_word(application, "application")
    timeout = str(whole_seconds(timeout_seconds, "timeout_seconds"))
    return argument(*words(name, later_argument(name, value), timeout, "ced" if called else "cng"))


def _settings(settings: Mapping[str, str]) -> str:
    pairs = [
        f"{check_word(name, 'setting', without=',=')}={check_word(value, name, without=',=')}"
        for name, value in settings.items()
    ]
    return argument(",".join(pairs))
