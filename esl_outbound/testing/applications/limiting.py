"""``limit``, ``limit_execute`` and ``mutex``: how many calls may do something at a time."""

from __future__ import annotations

from typing import Final

from ..causes import cause_name
from ..core import Core
from ..expansion import separate
from ..session import Session
from ..wire import atoi
from .application import Application
from .transferring import transfer_to

__all__ = ["APPLICATIONS"]


def _maximum(text: str) -> tuple[int, int]:
    """``<max>[/<interval>]``; what begins with a hyphen is no maximum, and has no interval."""
    if text.startswith("-"):
        return -1, 0
    most, _, interval = text.partition("/")
    return max(atoi(most), 0), atoi(interval)


def _take(session: Session, words: list[str], most: str) -> bool:
    """Take a place (``switch_limit_incr()``); without the backend there is none."""
    backend, realm, name = words[:3]
    core, channel = session.core, session.channel
    if backend not in core.limits.backends:
        return False
    maximum, interval = _maximum(most)
    now = core.micros() // 1_000_000
    taken = core.limits.take(backend, f"{realm}_{name}", channel.uuid, maximum, interval, now)
    if backend == "db":
        channel.set("limit_realm", realm)
        channel.set("limit_id", name)
        channel.set("limit_max", str(maximum))
    if taken is None:
        return False
    for kind, number in zip(("usage", "rate"), taken, strict=True):
        if kind == "usage" or backend == "hash":
            channel.set(f"limit_{kind}", str(number))
            channel.set(f"limit_{kind}_{realm}_{name}", str(number))
    if channel.get("limit_backend") is None:
        channel.set("limit_backend", backend)
        session.at_end.append(lambda: core.limits.release(channel.uuid))
    return True


async def _limit(session: Session, argument: str) -> None:
    """``<backend> <realm> <id> [<max>[/<interval>]] [<extension> [<dialplan> [<context>]]]``."""
    words = separate(argument, limit=7)
    if len(words) < 3 or _take(session, words, words[3] if len(words) > 3 else "-"):
        return
    where = words[4] if len(words) > 4 else "limit_exceeded"
    if where.startswith("!"):
        session.hang_up_from_within(cause_name(where[1:]))
    else:
        transfer_to(session, " ".join([where, *words[5:]]))


async def _limit_execute(session: Session, argument: str) -> None:
    """``<backend> <realm> <id> <max>[/<interval>] <application> <argument>``; the place is given back at once."""
    words = separate(argument, limit=6)
    if len(words) == 6 and words[4] and _take(session, words, words[3]):
        # Bounded like an extension in an extension, where FreeSWITCH has its stack to lose.
        await session.executions.execute_extension([" ".join(words[4:])])
        if session.channel.state == "CS_EXECUTE":
            session.core.limits.release(session.channel.uuid, words[0], f"{words[1]}_{words[2]}")


async def _mutex(session: Session, argument: str) -> None:
    """``<name> [on|off]``."""
    if not argument:
        return
    key, _, word = argument.partition(" ")
    mutexes, channel = session.core.mutexes, session.channel
    uuid = channel.uuid
    if word.lower() == "off":
        _free(session.core, key, uuid)
    elif mutexes.ask(key, uuid):
        await session.wait(goes_on=lambda: not mutexes.has(key, uuid))
        if mutexes.has(key, uuid) and session.is_ready:
            session.at_end.append(lambda: _free(session.core, key, uuid))
        else:
            mutexes.give_up(key, uuid)
            _wake(session.core, key)


def _free(core: Core, key: str, uuid: str) -> None:
    core.mutexes.free(key, uuid)
    _wake(core, key)


def _wake(core: Core, key: str) -> None:
    waiting = core.sessions.get(core.mutexes.first(key))
    if waiting is not None:
        waiting.notify()


APPLICATIONS: Final = (
    Application("limit", _limit),
    Application("limit_execute", _limit_execute),
    Application("mutex", _mutex),
)
