"""Waiting for what the caller says, for silence, or for a tone."""

from __future__ import annotations

import math
from typing import Final, final

import trio

from ..expansion import separate
from ..frames import FRAME_SECONDS
from ..playing import Played, play
from ..recognising import CannotListen, Recogniser
from ..session import Session, Woken
from ..wire import Event, atof, atoi
from .application import Application

__all__ = ["APPLICATIONS"]

_MOMENT: Final = 1e-6
"""Less than this is no time."""
_ROUND_SECONDS: Final = 5.0
"""After so long `play_and_detect_speech` looks whether the channel is there, and waits on."""
_VERBS: Final = frozenset(
    {"grammar", "nogrammar", "grammaron", "grammaroff", "grammarsalloff", "init", "pause", "resume", "stop", "param"}
    | {"start-input-timers", "start_input_timers"}
)
"""What `detect_speech` takes for no engine."""
_COUNTDOWN_FRAMES: Final = 25
"""For how long `wait_for_silence` goes on once there is silence."""


async def _wait_for_silence(session: Session, argument: str) -> None:
    """``<threshold> <silence hits> <listen hits> <timeout in ms> [<file>]``; a hit is a frame."""
    words = separate(argument, limit=5)
    if len(words) < 4:
        return
    threshold, hits, listen_hits, milliseconds = map(atoi, words[:4])
    if threshold <= 0 or hits <= 0:
        return
    timeout = milliseconds / 1000 if milliseconds > 0 else math.inf
    began = trio.current_time()
    heard = 0.0
    while heard <= listen_hits * FRAME_SECONDS and listen_hits and session.is_ready:
        spoken = session.speaks_until - trio.current_time()
        left = began + timeout - trio.current_time()
        if left <= _MOMENT:
            break
        if spoken > _MOMENT:
            heard += spoken
            await _hold_on(session, min(spoken, left))
        else:
            await _hold_on(session, min(FRAME_SECONDS, left))
    silent = max(session.speaks_until - trio.current_time(), 0) + (hits + _COUNTDOWN_FRAMES) * FRAME_SECONDS
    left = max(began + timeout - trio.current_time(), 0)
    if await _hold_on(session, min(silent, left)) is Woken.TIME:
        session.channel.set("wait_for_silence_timeout", "true" if left <= silent else "false")


async def _hold_on(session: Session, seconds: float) -> Woken:
    return await session.wait(seconds, breakable=False)


async def _detect_silence(session: Session, argument: str) -> None:
    """``<threshold> <hits> <timeout in ms>``."""
    words = argument.split()
    if len(words) < 3 or atoi(words[0]) <= 0 or atoi(words[1]) <= 0:
        return
    timeout = atoi(words[2]) / 1000 or math.inf
    silent = max(session.speaks_until - trio.current_time(), 0) + atoi(words[1]) * FRAME_SECONDS
    if await session.wait(max(min(silent, timeout), 0), breakable=False) is Woken.TIME:
        session.channel.set("detect_silence_timeout", "false" if silent < timeout else "true")


async def _detect_audio(session: Session, argument: str) -> None:
    """``<threshold> <hits> <timeout in ms> [<file>]``."""
    words = separate(argument, limit=4)
    if len(words) < 3:
        return
    threshold, hits, milliseconds = map(atoi, words[:3])
    if threshold <= 0 or hits <= 0:
        return
    gives_up = trio.current_time() + (milliseconds / 1000 if milliseconds > 0 else math.inf)

    def is_silent() -> bool:
        return session.speaks_until <= trio.current_time() + _MOMENT

    while session.is_ready:
        left = gives_up - trio.current_time()
        if left <= _MOMENT:
            session.channel.set("detect_audio_timeout", "true")
            return
        if is_silent():
            await session.wait(left, breakable=False, goes_on=is_silent)
            continue
        speaks = min(session.speaks_until - trio.current_time(), (hits + 1) * FRAME_SECONDS)
        await _hold_on(session, min(speaks, left))
        if speaks >= (hits + 1) * FRAME_SECONDS and left > speaks:
            session.channel.set("detect_audio_timeout", "false")
            return


# Speech


def _recogniser(session: Session, engine: str) -> Recogniser:
    """The channel's recogniser (``switch_ivr_detect_speech_init()``): there is one at a time."""
    if session.recogniser is None:
        session.recogniser = Recogniser(session, engine)
    return session.recogniser


async def _detect_speech(session: Session, argument: str) -> None:
    """``<engine> <grammar> <name> [<address>]``, or a verb and what it is about (``detect_speech_function()``)."""
    words = separate(argument, limit=4)
    if not words:
        return
    recogniser = session.recogniser
    try:
        match words[0].lower(), words[1:]:
            case "init", [engine, *_]:
                _recogniser(session, engine)
            case "grammar", [grammar, *_] if recogniser is not None:
                recogniser.load(grammar)
            case "param", [name, value, *_] if recogniser is not None:
                recogniser.set_param(name, value)
            case "pause", _ if recogniser is not None:
                recogniser.pause()
            case "resume", _ if recogniser is not None:
                recogniser.resume()
            case "start-input-timers" | "start_input_timers", _ if recogniser is not None:
                recogniser.start_input_timers()
            case "stop", _ if recogniser is not None:
                recogniser.stop()
            case verb, [grammar, _, *_] if verb not in _VERBS:
                _recogniser(session, words[0]).load(grammar)
    except CannotListen:
        pass  # nobody is told


@final
class _Answer:
    """What ``play_and_detect_speech`` waits for (``play_and_detect_input_callback()``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.is_done = False
        self.is_recognised = False
        self.result = ""

    def take_digit(self, digit: str) -> bool:
        terminators = self._session.channel.get("playback_terminators") or "none"
        if self.is_done or digit not in {"any": "1234567890*#", "none": ""}.get(terminators.lower(), terminators):
            return False
        self._session.channel.set("playback_terminator_used", digit)
        self.result, self.is_done = f"DIGIT: {digit}", True
        return True

    def take_event(self, event: Event) -> bool:
        kind = event.get("Speech-Type").lower()
        if self.is_done or event.name != "DETECTED_SPEECH":
            return False
        if kind in ("detected-speech", "closed"):
            self.result, self.is_done, self.is_recognised = event.body, True, True
        return kind in ("detected-speech", "closed", "begin-speaking")


async def _play_and_detect_speech(session: Session, argument: str) -> None:
    """``<file> detect:<engine> {<parameters>}<grammar>``."""
    session.channel.set("detect_speech_result", None)
    response = await _play_and_detect(session, argument)
    session.channel.set("current_application_response", response)


async def _play_and_detect(session: Session, argument: str) -> str:
    file, _, listening = argument.partition("detect:")
    words = separate(listening, limit=2)
    if len(words) != 2:
        return "USAGE ERROR"
    try:
        _recogniser(session, words[0]).load(words[1])
    except CannotListen as exc:
        return str(exc)
    answer = _Answer(session)
    played = await play(session, file.rstrip(), on_digit=answer.take_digit, on_event=answer.take_event)
    could_play = played in (Played.TO_ITS_END, Played.STOPPED)
    if could_play and not answer.is_done and session.recogniser is not None:
        session.recogniser.start_input_timers()
    while could_play and not answer.is_done and session.is_ready:
        await session.wait(_ROUND_SECONDS, on_digit=answer.take_digit, on_event=answer.take_event)
    if not answer.is_recognised and session.recogniser is not None:
        session.recogniser.pause()
    if session.recogniser is not None and session.channel.is_true("play_and_detect_speech_close_asr"):
        session.recogniser.stop()
    if not answer.is_done:
        return "ERROR"
    session.channel.set("detect_speech_result", answer.result)
    return "DONE"


# Tones


async def _tone_detect(session: Session, argument: str) -> None:
    """``<name> <hertz>,<hertz>... [<flags> <timeout> <application> <argument> <hits>]``; what it would run is not."""
    words = separate(argument, limit=7)
    if len(words) >= 2:
        session.tones.add(words[0], map(atof, words[1].split(",")))


async def _fax_detect(session: Session, argument: str) -> None:
    session.tones.add("fax", [1100.0])


async def _stop_tone_detect(session: Session, argument: str) -> None:
    session.tones.clear()


APPLICATIONS: Final = (
    Application("detect_speech", _detect_speech, needs_media=True),
    Application("play_and_detect_speech", _play_and_detect_speech, needs_media=True),
    Application("tone_detect", _tone_detect, needs_media=True),
    Application("fax_detect", _fax_detect, needs_media=True),
    Application("stop_tone_detect", _stop_tone_detect, needs_media=True),
    Application("wait_for_silence", _wait_for_silence, needs_media=True),
    Application("detect_silence", _detect_silence, needs_media=True),
    Application("detect_audio", _detect_audio, needs_media=True),
)
