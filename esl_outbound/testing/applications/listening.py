"""Waiting for what the caller says, or for silence."""

from __future__ import annotations

import math
from typing import Final

import trio

from ..expansion import separate
from ..frames import FRAME_SECONDS
from ..session import Session, Woken
from ..wire import atoi
from .application import Application

__all__ = ["APPLICATIONS"]

_MOMENT: Final = 1e-6
"""Less than this is no time."""
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


APPLICATIONS: Final = (
    Application("wait_for_silence", _wait_for_silence, needs_media=True),
    Application("detect_silence", _detect_silence, needs_media=True),
    Application("detect_audio", _detect_audio, needs_media=True),
)
