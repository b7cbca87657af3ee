"""Answering, ending, leaving, resting, and what only leaves a trace."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import Final

import trio

from ..causes import cause_name
from ..expansion import separate
from ..happenings import Happening, Who
from ..life import park
from ..session import Session, Woken
from ..wire import LOG_LEVELS, Received, atoi, log_level
from .application import Application

__all__ = ["APPLICATIONS", "broadcast", "hang_up_later", "seconds_until", "transfer_to"]


async def _answer(session: Session, argument: str) -> None:
    session.channel.answer()


async def _pre_answer(session: Session, argument: str) -> None:
    session.channel.pre_answer()


async def _ring_ready(session: Session, argument: str) -> None:
    session.channel.ring()


async def _hangup(session: Session, argument: str) -> None:
    session.hang_up_from_within(cause_name(argument) if argument else "NORMAL_CLEARING")


async def _respond(session: Session, argument: str) -> None:
    # A final answer of SIP ends the call; FreeSWITCH's cause for it is that of the number.
    code = atoi(argument)
    if code >= 300:
        session.hang_up_from_within(_CAUSES_OF_SIP.get(code, "NORMAL_UNSPECIFIED"))


_CAUSES_OF_SIP: Final = {
    401: "CALL_REJECTED",
    402: "CALL_REJECTED",
    403: "CALL_REJECTED",
    404: "UNALLOCATED_NUMBER",
    407: "CALL_REJECTED",
    408: "RECOVERY_ON_TIMER_EXPIRE",
    410: "NUMBER_CHANGED",
    480: "NO_USER_RESPONSE",
    484: "INVALID_NUMBER_FORMAT",
    486: "USER_BUSY",
    487: "ORIGINATOR_CANCEL",
    488: "INCOMPATIBLE_DESTINATION",
    502: "NETWORK_OUT_OF_ORDER",
    503: "NORMAL_TEMPORARY_FAILURE",
    504: "RECOVERY_ON_TIMER_EXPIRE",
    600: "USER_BUSY",
    603: "CALL_REJECTED",
}


async def _redirect(session: Session, argument: str) -> None:
    session.hang_up_from_within("REDIRECTION_TO_NEW_DESTINATION")


async def _deflect(session: Session, argument: str) -> None:
    session.hang_up_from_within("BLIND_TRANSFER")


async def _sleep(session: Session, argument: str) -> None:
    # on_dtmf() in mod_dptools.c: without `sleep_eat_digits` any digit ends it, with it the terminators do.
    eats = session.channel.is_true("sleep_eat_digits")
    terminators = playback_terminators(session) if eats else ""
    await session.wait(
        atoi(argument) / 1000,
        on_digit=(lambda digit: digit in terminators) if eats else None,
        stops_at_digit=not eats,
    )


def playback_terminators(session: Session) -> str:
    """The keys that end a playback or a recording; without a word about them, ``*`` does."""
    named = session.channel.get("playback_terminators")
    if named is None:
        return "*"
    if named.lower() == "none":
        return ""
    return "0123456789*#" if named.lower() == "any" else named


async def _park(session: Session, argument: str) -> None:
    if session.is_controlled:
        return  # "Cannot park channels that are under control already."
    await park(session)


async def _echo(session: Session, argument: str) -> None:
    await session.wait(on_digit=lambda _: False)


async def _delay_echo(session: Session, argument: str) -> None:
    await session.wait(breakable=False, on_digit=lambda _: False)


async def _break(session: Session, argument: str) -> None:
    # break_function() in mod_dptools.c: any argument but "all" empties the queue.
    if argument and argument != "all":
        session.executions.flush()
    session.executions.break_all()


def transfer_to(session: Session, words: str) -> bool:
    """Send a channel to an extension.

    Returns:
        Whether there is something to send it to: ``<extension> [<dialplan> [<context>]]``.
    """
    destination, dialplan, context, *_ = (*separate(words), "", "", "")
    if not destination:
        return False
    if dialplan.lower() == "inline":
        actions = [_inline(action) for action in destination.split(",")]
    else:
        key = f"{context or session.channel.profile.context}/{destination}"
        extensions = session.core.extensions
        actions = list(extensions.get(key, extensions.get(destination, ("hangup NO_ROUTE_DESTINATION",))))
    session.channel.story.tell(Who.SWITCH, Happening.GOES_TO, destination)
    session.transfer(actions, destination=destination, dialplan=dialplan, context=context)
    return True


def _inline(action: str) -> str:
    name, _, argument = action.partition(":")
    return f"{name} {argument}"


async def _transfer(session: Session, argument: str) -> None:
    transfer_to(session, argument)


async def _execute_extension(session: Session, argument: str) -> None:
    words = separate(argument)
    for action in session.core.extensions.get(words[0], ()) if words else ():
        if session.is_ready:
            name, _, rest = action.partition(" ")
            await session.executions.execute(name, rest)


async def _queue_dtmf(session: Session, argument: str) -> None:
    session.keys.press(argument.partition("@")[0], "APP")


async def _flush_dtmf(session: Session, argument: str) -> None:
    session.keys.flush()


async def _send_dtmf(session: Session, argument: str) -> None:
    digits = argument.partition("@")[0]
    session.channel.story.tell(Who.CALLER, Happening.IS_SENT_DIGITS, digits)


def seconds_until(session: Session, time: str) -> int:
    """How long it is until a time: ``+30`` is half a minute, and without the sign it is a time since 1970."""
    if time.startswith("+"):
        return max(atoi(time[1:]), 0)
    return max(atoi(time.removeprefix("@")) - session.core.micros() // 1_000_000, 0)


def hang_up_later(session: Session, argument: str) -> None:
    """``[+]<seconds> [<cause>]`` of sched_hangup: a number without a sign is a time since 1970."""
    words = argument.split()
    if not words:
        return
    seconds = seconds_until(session, words[0])
    cause = cause_name(words[1]) if len(words) > 1 else "ALLOTTED_TIMEOUT"
    if seconds == 0:
        session.hang_up_from_within(cause)
        return

    def hang_up() -> None:
        session.channel.story.tell(Who.SWITCH, Happening.ENDS_BY_TIMER, "sched_hangup", cause)
        session.channel.hang_up(cause)

    session.schedule(seconds, hang_up)


async def _sched_hangup(session: Session, argument: str) -> None:
    hang_up_later(session, argument)


async def _sched_transfer(session: Session, argument: str) -> None:
    time, _, words = argument.partition(" ")
    session.schedule(seconds_until(session, time), partial(_transfer_if_possible, session, words))


def _transfer_if_possible(session: Session, words: str) -> None:
    transfer_to(session, words)


def broadcast(session: Session, what: str) -> None:
    """Let a file be played on a channel, or ``application::argument`` run, whatever runs there (``uuid_broadcast``)."""
    what = re.sub(r" (aleg|bleg|both|holda|holdb)$", "", what)
    name, found, rest = what.partition("::")
    name, rest = (name, rest) if found else ("playback", what)
    headers = (
        ("call-command", "execute"),
        ("execute-app-name", name),
        ("execute-app-arg", rest),
        ("event-lock", "true"),
        ("lead-frames", "5"),
    )
    session.executions.queue(Received("sendmsg", headers))


async def _sched_broadcast(session: Session, argument: str) -> None:
    """``[+|@]<seconds> <path> [aleg|bleg|both]``."""
    time, _, what = argument.partition(" ")
    if what:
        session.schedule(seconds_until(session, time), partial(broadcast, session, what))


async def _sched_cancel(session: Session, argument: str) -> None:
    session.cancel_scheduled()


async def _wait_for_silence(session: Session, argument: str) -> None:
    # <threshold> <hits> <listen hits> [<timeout in ms>]: a caller who says nothing is silent from the start.
    words = argument.split()
    timeout = atoi(words[3]) / 1000 if len(words) > 3 else 60.0
    hits = atoi(words[1]) * 0.02 if len(words) > 1 else 0.0
    speaking = max(session.speaks_until - trio.current_time(), 0)
    await session.wait(min(speaking + hits, timeout), breakable=False)


async def _detect_silence(session: Session, argument: str) -> None:
    # <threshold> <hits> <timeout in ms>
    words = argument.split()
    if len(words) < 3 or atoi(words[0]) <= 0 or atoi(words[1]) <= 0:
        return
    timeout = atoi(words[2]) / 1000 or math.inf
    silent = max(session.speaks_until - trio.current_time(), 0) + atoi(words[1]) * 0.02
    if await session.wait(min(silent, timeout), breakable=False) is Woken.TIME:
        session.channel.set("detect_silence_timeout", "false" if silent < timeout else "true")


async def _log(session: Session, argument: str) -> None:
    level, _, text = argument.partition(" ")
    session.channel.story.tell(Who.HANDLER, Happening.LOGS_ON_SWITCH, level, text)
    number = log_level(level) if text else -1
    site = ("mod_dptools.c", "log_function", 1865)
    session.channel.log(number if number >= 0 else LOG_LEVELS.index("DEBUG"), text or level, site)


async def _system(session: Session, argument: str) -> None:
    session.channel.story.runs_program(argument)
    session.core.programs.append(argument)


async def _nothing(session: Session, argument: str) -> None:
    """Completes at once: what it does is not heard, and nothing here depends on it."""


async def _untold(session: Session, argument: str) -> None:
    """Runs beside the call, as media bugs do."""


_MEDIA_TAPS: Final = (
    "start_dtmf",
    "stop_dtmf",
    "start_dtmf_generate",
    "stop_dtmf_generate",
    "displace_session",
    "stop_displace_session",
    "set_audio_level",
    "set_mute",
    "remove_bugs",
    "tone_detect",
    "stop_tone_detect",
    "detect_speech",
)
_SIDE_EFFECTS: Final = (
    "block_dtmf",
    "deduplicate_dtmf",
    "enable_heartbeat",
    "hold",
    "limit",
    "presence",
    "privacy",
    "sched_heartbeat",
    "send_display",
    "send_info",
    "session_loglevel",
    "set_user",
    "unblock_dtmf",
    "unhold",
    "verbose_events",
)
_TRACES: Final = ("eval", "event", "info", "rename", "transfer_vars")

APPLICATIONS: Final = (
    Application("answer", _answer),
    Application("pre_answer", _pre_answer),
    Application("ring_ready", _ring_ready),
    Application("hangup", _hangup),
    Application("respond", _respond),
    Application("redirect", _redirect),
    Application("deflect", _deflect),
    Application("sleep", _sleep),
    Application("park", _park),
    Application("echo", _echo, needs_media=True),
    Application("delay_echo", _delay_echo, needs_media=True),
    Application("break", _break),
    Application("transfer", _transfer),
    Application("execute_extension", _execute_extension),
    Application("queue_dtmf", _queue_dtmf),
    Application("flush_dtmf", _flush_dtmf),
    Application("send_dtmf", _send_dtmf),
    Application("sched_hangup", _sched_hangup),
    Application("sched_transfer", _sched_transfer),
    Application("sched_broadcast", _sched_broadcast),
    Application("sched_cancel", _sched_cancel),
    Application("wait_for_silence", _wait_for_silence, needs_media=True),
    Application("detect_silence", _detect_silence, needs_media=True),
    Application("log", _log, runs_after_hangup=True, is_told=False),
    Application("system", _system, runs_after_hangup=True),
    Application("bgsystem", _system, runs_after_hangup=True),
    *(Application(name, _untold, needs_media=True) for name in _MEDIA_TAPS),
    *(Application(name, _nothing) for name in _SIDE_EFFECTS),
    *(Application(name, _nothing, runs_after_hangup=True) for name in _TRACES),
)
