"""What the caller hears."""

from __future__ import annotations

import math
import re
from typing import Final

from ..expansion import separate
from ..playing import Played, play
from ..session import Session
from ..wire import atoi
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
    played = await play(session, argument, on_digit=stops_at(session, playback_terminators(session)))
    _respond(session, played)


def _respond(session: Session, played: Played) -> None:
    response = {Played.NOT_FOUND: "FILE NOT FOUND", Played.GONE: "PLAYBACK ERROR"}.get(played, "FILE PLAYED")
    session.channel.set("current_application_response", response)


async def _endless_playback(session: Session, argument: str) -> None:
    """Nothing ends it but the end of the call."""
    while session.is_ready:
        if await play(session, argument, is_breakable=False) is Played.NOT_FOUND:
            return


async def _loop_playback(session: Session, argument: str) -> None:
    """``[+<rounds>] <path>``; a break ends a round."""
    found = re.match(r"\+(-?\d+) (.*)", argument, re.DOTALL)
    rounds, path = (atoi(found[1]), found[2]) if found is not None else (math.inf, argument)
    terminators = stops_at(session, playback_terminators(session))
    played = Played.TO_ITS_END
    while session.is_ready and rounds != 0:
        rounds -= 1
        played = await play(session, path, on_digit=terminators)
        if played in (Played.NOT_FOUND, Played.GONE) or session.channel.get("playback_terminator_used"):
            break
    _respond(session, played)


async def _gentones(session: Session, argument: str) -> None:
    tones, _, loops = argument.partition("|")
    path = f"tone_stream://{tones}" + (f";loops={loops}" if loops else "")
    await play(session, path, on_digit=stops_at(session, playback_terminators(session)))


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
    """``<engine>|<voice>|<text>``; what is left out comes from variables."""
    text = argument.rpartition("|")[2]
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
