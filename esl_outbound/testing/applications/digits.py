"""``read`` and ``play_and_get_digits`` (``switch_ivr_read()``, ``switch_play_and_get_digits()``)."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, final

import attrs
import trio

from ..expansion import separate
from ..happenings import Happening, Who
from ..patterns import search
from ..playing import Played, play
from ..session import Session, Woken
from ..wire import atoi
from .application import Application
from .transferring import transfer_to

__all__ = ["APPLICATIONS"]

_SHORTEST_TIMEOUT_MS: Final = 1000
_BUFFER_SIZE: Final = 128


class _Status(Enum):
    SUCCESS = auto()
    TIMEOUT = auto()
    TOO_SMALL = auto()
    FAILURE = auto()
    RESTART = auto()


@final
@attrs.frozen
class _Wanted:
    """What is asked of the caller. Timeouts are milliseconds, as FreeSWITCH has them."""

    least: int
    most: int
    prompt: str
    variable: str
    timeout: int
    terminators: str
    digit_timeout: int


async def _read_once(session: Session, wanted: _Wanted) -> tuple[_Status, str]:
    """One try: prompt, then digits; the variables that tell of it are set."""
    channel = session.channel
    most = max(wanted.most, wanted.least)
    channel.set("read_result", None)
    if wanted.variable:
        channel.set(wanted.variable, None)
    if most > _BUFFER_SIZE:
        return _Status.FAILURE, ""
    channel.pre_answer()
    collected = ""

    def first(digit: str) -> bool:
        nonlocal collected
        collected += digit
        return True

    if wanted.prompt and wanted.prompt.lower() != "silence":
        played = await play(session, wanted.prompt, on_digit=first)
        if played in (Played.NOT_FOUND, Played.NOTHING, Played.GONE):
            return _Status.FAILURE, ""
    digit_timeout = wanted.digit_timeout or wanted.timeout
    status, terminator = _Status.SUCCESS, ""
    if len(collected) < wanted.least or len(collected) < most:
        status, collected, terminator = await _collect(session, wanted, collected, most, digit_timeout)
    if terminator:
        channel.set("read_terminator_used", terminator)
        place = wanted.terminators.find(terminator)
        if place > 0 and wanted.terminators[place - 1] in "+x":
            collected += terminator
            if wanted.terminators[place - 1] == "x":
                status = _Status.RESTART
    elif wanted.terminators.startswith("="):
        status = _Status.TOO_SMALL
    if wanted.least and len(collected) < wanted.least:
        status = _Status.TOO_SMALL
    words = {_Status.SUCCESS: "success", _Status.TIMEOUT: "timeout"}
    channel.set("read_result", words.get(status, "failure"))
    if status is not _Status.RESTART and most == 1 and len(collected) == 1 and collected in wanted.terminators:
        collected = ""
    if wanted.variable and collected:
        channel.set(wanted.variable, collected)
    return status, collected


async def _collect(
    session: Session, wanted: _Wanted, collected: str, most: int, digit_timeout: int
) -> tuple[_Status, str, str]:
    """Wait for digits (``switch_ivr_collect_digits_count()``): status, digits, terminator."""
    for digit in collected:
        if digit in wanted.terminators:
            return _Status.SUCCESS, collected.partition(digit)[0], digit
    timeout = digit_timeout if collected else wanted.timeout
    while True:
        while session.keys.are_waiting:
            digit = session.keys.take()
            if digit in wanted.terminators:
                return _Status.SUCCESS, collected, digit
            collected += digit
            if len(collected) >= most:
                return _Status.SUCCESS, collected, ""
            timeout = digit_timeout
        woken = await session.wait(timeout / 1000, breakable=False, stops_at_digit=True)
        if woken is Woken.TIME:
            return _Status.TIMEOUT, collected, ""
        if woken is Woken.GONE:
            return _Status.FAILURE, collected, ""


async def _read(session: Session, argument: str) -> None:
    """``<min> <max> <file> <variable> <timeout> <terminators> [<digit timeout>]``."""
    words = separate(argument, limit=7)
    if not words:
        return
    words += [""] * 7
    wanted = _Wanted(
        least=max(atoi(words[0]), 1),
        most=atoi(words[1]),
        prompt=words[2],
        variable=words[3],
        timeout=max(atoi(words[4]), _SHORTEST_TIMEOUT_MS),
        terminators=words[5] or "#",
        digit_timeout=max(atoi(words[6]), 0),
    )
    session.channel.story.tell(Who.CALLER, Happening.IS_ASKED_FOR, _shown(wanted))
    await _read_once(session, wanted)


def _shown(wanted: _Wanted) -> str:
    most = max(wanted.most, wanted.least)
    count = f"{wanted.least} to {most} digits" if most != wanted.least else f"{most} digit{'s' * (most != 1)}"
    return f"{count}, {wanted.terminators} ends them"


async def _play_and_get_digits(session: Session, argument: str) -> None:
    """``<min> <max> <tries> <timeout> <terminators> <file> <invalid file> <variable> <regex> [<digit timeout>...]``."""
    words = separate(argument, limit=11)
    if not words:
        return
    words += [""] * 11
    channel = session.channel
    least = max(atoi(words[0]), 0)
    wanted = _Wanted(
        least=least,
        most=max(atoi(words[1]), least),
        prompt=words[5],
        variable=words[7],
        timeout=max(atoi(words[3]), _SHORTEST_TIMEOUT_MS),
        terminators=words[4] or "#",
        digit_timeout=max(atoi(words[9]), 0),
    )
    # A negative number of tries is read as a huge one.
    tries, invalid, pattern, elsewhere = atoi(words[2]) % 2**32, words[6], words[8], words[10]
    channel.story.tell(Who.CALLER, Happening.IS_ASKED_FOR, _shown(wanted))
    if pattern and wanted.variable:
        channel.set(f"{wanted.variable}_invalid", None)
    while session.is_ready and tries > 0:
        began = trio.current_time()
        status, collected = await _read_once(session, wanted)
        if status is _Status.RESTART:
            return
        if status is _Status.TIMEOUT and len(collected) >= wanted.least:
            status = _Status.SUCCESS
        if wanted.least == 0 and not collected and channel.get("read_terminator_used") is not None:
            return
        if status is _Status.SUCCESS and collected:
            if not pattern or search(pattern, collected) is not None:
                return
            channel.set(wanted.variable, None)
            if wanted.variable:
                channel.set(f"{wanted.variable}_invalid", collected)
        if not session.is_ready:
            return
        await play(session, invalid)
        tries -= 1
        if trio.current_time() == began and tries % 2 == 0:
            # Two tries that fail at once take a frame.
            await session.frames.next()
    if elsewhere:
        transfer_to(session, elsewhere)


APPLICATIONS: Final = (
    Application("read", _read, needs_media=True, is_told=False),
    Application("play_and_get_digits", _play_and_get_digits, needs_media=True, is_told=False),
)
