"""What the caller hears."""

from __future__ import annotations

import math
from typing import Final

import trio

from ..expansion import separate
from ..playing import Played, play
from ..session import Session
from ..wire import Event, atoi
from .application import Application
from .basics import playback_terminators

__all__ = ["APPLICATIONS", "stops_at"]


def stops_at(session: Session, terminators: str) -> _Terminators:
    """What ends a playback or a recording at one of these keys, and remembers which."""
    session.channel.set("playback_terminator_used", None)
    return _Terminators(session, terminators)


class _Terminators:
    def __init__(self, session: Session, terminators: str) -> None:
        self._session = session
        self._terminators = terminators

    def __call__(self, digit: str) -> bool:
        if digit not in self._terminators:
            return False
        self._session.channel.set("playback_terminator_used", digit)
        return True


async def _playback(session: Session, argument: str) -> None:
    played = await play(
        session, argument, on_digit=stops_at(session, playback_terminators(session)), on_event=_throw_away
    )
    _respond(session, played)


def _throw_away(_: Event) -> bool:
    """An event that was sent to the session: ``on_dtmf()`` in mod_dptools.c has no use for it."""
    return False


def _respond(session: Session, played: Played) -> None:
    errors = {Played.NOT_FOUND: "FILE NOT FOUND", Played.NOTHING: "PLAYBACK ERROR", Played.GONE: "PLAYBACK ERROR"}
    response = errors.get(played, "FILE PLAYED")
    session.channel.set("current_application_response", response)


async def _play_rounds(session: Session, path: str, rounds: float) -> None:
    """Play a file again and again: no key ends it, and a break ends a round."""
    played = Played.TO_ITS_END
    while session.is_ready and rounds > 0:
        rounds -= 1
        began = trio.current_time()
        played = await play(session, path)
        if played not in (Played.TO_ITS_END, Played.STOPPED):
            break
        if trio.current_time() == began:
            # However short it is, it takes a frame.
            await session.frames.next()
    _respond(session, played)


async def _endless_playback(session: Session, argument: str) -> None:
    await _play_rounds(session, argument, math.inf)


async def _loop_playback(session: Session, argument: str) -> None:
    """``[+<rounds>] <path>``; fewer than none are rounds without end."""
    rounds, path = 1.0, argument
    if argument.startswith("+"):
        count, _, path = argument[1:].partition(" ")
        rounds = atoi(count)
    if path:
        await _play_rounds(session, path, rounds if rounds >= 0 else math.inf)
    else:
        session.hang_up_from_within("DESTINATION_OUT_OF_ORDER")


async def _gentones(session: Session, argument: str) -> None:
    """``<script>[|<rounds>]``; it is no file, and nothing tells of it as of one."""
    tones, _, loops = argument.partition("|")
    if argument:
        path = f"tone_stream://{tones}" + (f";loops={loops}" if loops else "")
        await play(session, path, on_digit=stops_at(session, playback_terminators(session)), is_file=False)


async def _say(session: Session, argument: str) -> None:
    """``<module>[:<lang>] <type> <method> [<gender>] <text>``."""
    words = separate(argument)
    if len(words) >= 4:
        kind, text = words[1], words[-1]
        await play(
            session,
            f"say:{argument}",
            on_digit=stops_at(session, playback_terminators(session)),
            shown_as=f"say:{kind.lower()}:{text}",
        )


async def _speak(session: Session, argument: str) -> None:
    """``<engine>|<voice>|<text>``; what is left out comes from variables, and must."""
    if not argument:
        return
    *given, text = argument.split("|", 2)
    channel = session.channel
    has_voice = bool(given) or channel.get("tts_voice") is not None
    if not has_voice or (len(given) < 2 and channel.get("tts_engine") is None):
        session.hang_up_from_within("DESTINATION_OUT_OF_ORDER")
        return
    await play(session, f"speak:{text}", on_digit=stops_at(session, playback_terminators(session)))


async def _phrase(session: Session, argument: str) -> None:
    played = await play(session, f"phrase:{argument}", on_digit=stops_at(session, playback_terminators(session)))
    response = "PHRASE PLAYED" if played in (Played.TO_ITS_END, Played.STOPPED) else "UNKNOWN ERROR"
    session.channel.set("current_application_response", response)


APPLICATIONS: Final = (
    Application("playback", _playback, needs_media=True, is_told=False),
    Application("endless_playback", _endless_playback, needs_media=True, is_told=False),
    Application("loop_playback", _loop_playback, needs_media=True, is_told=False),
    Application("gentones", _gentones, needs_media=True, is_told=False),
    Application("say", _say, needs_media=True, is_told=False),
    Application("speak", _speak, needs_media=True, is_told=False),
    Application("phrase", _phrase, needs_media=True, is_told=False),
)
