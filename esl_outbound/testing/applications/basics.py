"""Answering, ending, leaving, resting, and what only leaves a trace."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Final

from ..causes import cause_name
from ..channel import Channel
from ..expansion import separate
from ..frames import FRAME_SECONDS
from ..happenings import Happening, Who
from ..keys import spelt
from ..life import park
from ..session import Session
from ..wire import LOG_LEVELS, Received, atoi, log_level
from .application import Application
from .transferring import transfer_to

__all__ = [
    "APPLICATIONS",
    "broadcast",
    "hang_up_later",
    "is_allowed",
    "playback_terminators",
    "send_digits",
    "transfer_to",
]

_MOST_SENT: Final = 99
_ANSWER_POLL_MS: Final = 100


async def _answer(session: Session, argument: str) -> None:
    session.channel.answer()


async def _pre_answer(session: Session, argument: str) -> None:
    session.channel.pre_answer()


async def _ring_ready(session: Session, argument: str) -> None:
    session.channel.ring()


async def _hangup(session: Session, argument: str) -> None:
    session.hang_up_from_within(cause_name(argument) if argument else "NORMAL_CLEARING")


async def _sleep(session: Session, argument: str) -> None:
    """``<milliseconds>``, of which the microseconds are counted in 32 bits."""
    if not argument:
        return
    milliseconds = atoi(argument) % 2**32
    if not session.channel.has_media:
        await _doze(session, milliseconds)
        return
    # on_dtmf() in mod_dptools.c: without `sleep_eat_digits` any digit ends it, with it the terminators do.
    eats = session.channel.is_true("sleep_eat_digits")
    terminators = playback_terminators(session) if eats else ""
    seconds = milliseconds * 1000 % 2**32 / 1_000_000 if milliseconds < 2**31 else 0.0
    await session.wait(
        seconds,
        on_digit=(lambda digit: digit in terminators) if eats else None,
        stops_at_digit=not eats,
    )


async def _doze(session: Session, milliseconds: int) -> None:
    """Sleep without media: whole frames in which nothing is looked at but a break."""
    await session.wait(milliseconds // 20 * FRAME_SECONDS, carries_out=False)


async def _wait_for_answer(session: Session, argument: str) -> None:
    channel = session.channel
    while session.is_ready and not channel.is_answered:
        if channel.has_media:
            await session.wait(_ANSWER_POLL_MS / 1000)
        else:
            await _doze(session, _ANSWER_POLL_MS)


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
    if argument and argument.lower() != "all":
        session.executions.flush()
    session.executions.break_all()


async def _queue_dtmf(session: Session, argument: str) -> None:
    session.keys.press_spelt(argument)


async def _flush_dtmf(session: Session, argument: str) -> None:
    session.keys.flush()


async def _send_dtmf(session: Session, argument: str) -> None:
    session.channel.pre_answer()
    await session.wait(send_digits(session.channel, argument), breakable=False, carries_out=False)


def send_digits(channel: Channel, text: str) -> float:
    """Let the caller hear digits, spelt as in `spelt`; too many are not sent.

    Returns:
        How long the pauses among them hold up whoever sends: a SIP phone is sent them beside the call.
    """
    digits = "".join(digit for digit, _ in spelt(text)) if len(text.removeprefix("~")) <= _MOST_SENT else ""
    if not digits:
        return 0.0
    channel.story.tell(Who.CALLER, Happening.IS_SENT_DIGITS, digits)
    return 0.5 * digits.count("w") + digits.count("W") if channel.get("is_loopback") else 0.0


def hang_up_later(session: Session, argument: str) -> None:
    """``[+]<seconds> [<cause>]`` of sched_hangup: a number without a sign is a time since 1970."""
    words = argument.split()
    if not words:
        return
    seconds = session.core.seconds_until(words[0])
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


def broadcast(session: Session, what: str, legs: str = "") -> None:
    """Let a file be played on a channel, or ``application::argument`` run, whatever runs there (``uuid_broadcast``).

    Args:
        session: The channel's thread.
        what: ``<path> [aleg|bleg|holdb|both]``.
        legs: Who hears it, if that does not say so; the channel, if nobody does.
    """
    words = separate(what, limit=3)
    if not words:
        return
    name, found, rest = words[0].partition("::")
    name, rest = (name, rest) if found else ("playback", words[0])
    legs = (words[1] if len(words) > 1 else legs or "aleg").lower()
    leg = session.bridged_to
    if leg is not None and ("both" in legs or "bleg" in legs):
        headers = (("call-command", "execute"), ("execute-app-name", name), ("execute-app-arg", rest))
        leg.queue(Received("sendmsg", headers))
    if "both" in legs or "aleg" in legs:
        session.executions.queue_execution(name, rest, ("lead-frames", "5"))


async def _broadcast(session: Session, argument: str) -> None:
    """``<path> [aleg|bleg|holdb|both]``: both legs hear it whatever is said, but for ``holdb``."""
    words = separate(argument, limit=4)
    if 1 <= len(words) <= 2:
        legs = "aleg" if len(words) > 1 and "holdb" in words[1].lower() else "both"
        broadcast(session, "'" + words[0].replace("\\", "\\\\").replace("'", "\\'") + f"' {legs}")
        session.channel.set("current_application_response", "BROADCAST_SENT")


async def _sched_broadcast(session: Session, argument: str) -> None:
    """``[+|@]<seconds> <path> [aleg|bleg|both]``."""
    time, _, what = argument.partition(" ")
    if what:
        number = session.schedule(session.core.seconds_until(time), partial(broadcast, session, what))
        session.channel.set("last_sched_id", str(number))


async def _sched_cancel(session: Session, argument: str) -> None:
    """``[<task> | <group>]``."""
    session.core.schedule.delete(argument or session.channel.uuid)


async def _strftime(session: Session, argument: str) -> None:
    """``<variable>=<format>``."""
    words = separate(argument, "=", 2)
    if len(words) == 2:
        session.channel.set(words[0], session.core.strftime(words[1]))


async def _check_acl(session: Session, argument: str) -> None:
    """``<address> <network> [<cause>]``; of the lists that a configuration names none is known here."""
    words = separate(argument, limit=3)
    if len(words) < 2:
        return
    if not _networks(words[1]):
        session.channel.story.only_completes("check_acl")
    elif not is_allowed(words[0], words[1]):
        session.hang_up_from_within(cause_name(words[2]) if len(words) > 2 else "CALL_REJECTED")


def is_allowed(address: str, acl: str) -> bool:
    """Whether an address is in an access control list; of the lists that a configuration names none is known here."""
    return any(_is_in(address, network) for network in _networks(acl))


def _networks(acl: str) -> tuple[str, ...]:
    return _NETWORKS.get(acl, (acl,) if "/" in acl else ())


def _is_in(address: str, network: str) -> bool:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False


_PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_NETWORKS: Final[Mapping[str, tuple[str, ...]]] = {
    "any_v4.auto": ("0.0.0.0/0",),
    "any_v6.auto": ("::/0",),
    "loopback.auto": ("127.0.0.0/8", "::1/128"),
    "rfc1918.auto": _PRIVATE,
}


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
)
_SIDE_EFFECTS: Final = (
    "block_dtmf",
    "deduplicate_dtmf",
    "enable_heartbeat",
    "presence",
    "sched_heartbeat",
    "send_display",
    "send_info",
    "session_loglevel",
    "unblock_dtmf",
    "verbose_events",
)
_SILENT: Final = ("limit_hash", "limit_hash_execute", "mkdir", "stop")
"""The first two say in the log that they are only there with mod_limit."""
_TRACES: Final = ("eval", "event", "info", "rename")

APPLICATIONS: Final = (
    Application("answer", _answer),
    Application("pre_answer", _pre_answer),
    Application("ring_ready", _ring_ready),
    Application("hangup", _hangup),
    Application("sleep", _sleep),
    Application("park", _park),
    Application("echo", _echo, needs_media=True),
    Application("delay_echo", _delay_echo, needs_media=True),
    Application("break", _break),
    Application("wait_for_answer", _wait_for_answer),
    Application("broadcast", _broadcast, needs_media=True),
    Application("strftime", _strftime),
    Application("check_acl", _check_acl),
    Application("queue_dtmf", _queue_dtmf),
    Application("flush_dtmf", _flush_dtmf),
    Application("send_dtmf", _send_dtmf),
    Application("sched_hangup", _sched_hangup),
    Application("sched_broadcast", _sched_broadcast),
    Application("sched_cancel", _sched_cancel),
    Application("log", _log, runs_after_hangup=True, is_told=False),
    Application("system", _system, runs_after_hangup=True),
    Application("bgsystem", _system, runs_after_hangup=True),
    *(Application(name, _untold, needs_media=True) for name in _MEDIA_TAPS),
    *(Application(name, _nothing) for name in (*_SIDE_EFFECTS, *_SILENT)),
    *(Application(name, _nothing, runs_after_hangup=True) for name in _TRACES),
)
