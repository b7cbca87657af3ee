"""Listening in on another channel: ``eavesdrop``, ``native_eavesdrop`` and ``three_way``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from ..channel import is_true
from ..expansion import separate
from ..session import Session
from ..wire import Event
from .application import Application

__all__ = ["APPLICATIONS"]

_MEDIA_SECONDS: Final = 6.0
_IDLE_SECONDS: Final = 2.0


async def _listen(session: Session, uuid: str, group: str = "", *, has_keys: bool = False) -> None:
    """Listen to a channel until it ends, or somebody says ``*`` (``switch_ivr_eavesdrop_session()``).

    What is queued waits, breaks are not looked at, and no digit that was not taken survives.
    """
    core, channel = session.core, session.channel
    target = core.channels.get(uuid)
    if target is None or target is channel:
        return

    def is_there() -> bool:
        return uuid in core.channels

    def has_no_media() -> bool:
        return is_there() and not target.has_media

    if has_no_media():
        await _wait_for_change(session, uuid, _MEDIA_SECONDS, has_no_media)
    if not is_there() or not target.has_media:
        return
    if group and group not in separate(target.get("eavesdrop_group") or "", ",", 10):
        return
    channel.pre_answer()
    channel.set("last_sent_callee_id_name", target.profile.caller_id_name)
    channel.set("last_sent_callee_id_number", target.profile.caller_id_number)
    await _wait_for_change(session, uuid, math.inf, is_there, has_keys=has_keys)
    session.keys.flush()


async def _wait_for_change(
    session: Session, uuid: str, seconds: float, goes_on: Callable[[], bool], *, has_keys: bool = False
) -> None:
    """Wait for as long as something is so; events of the other channel are what changes it."""

    def look(event: Event) -> None:
        if event.get("Unique-ID") == uuid:
            session.notify()

    session.core.observers.append(look)
    try:
        await session.wait(
            seconds,
            breakable=False,
            carries_out=False,
            on_digit=(lambda digit: digit == "*") if has_keys else None,
            on_event=lambda event: "*" in event.get("eavesdrop-command"),
            goes_on=goes_on,
        )
    finally:
        session.core.observers.remove(look)


async def _eavesdrop(session: Session, argument: str) -> None:
    """``all`` or ``<uuid>``."""
    core, channel = session.core, session.channel
    enabled = channel.get("eavesdrop_enable_dtmf")
    has_keys = enabled is None or is_true(enabled)
    group = channel.get("eavesdrop_require_group") or ""
    if not argument:
        return
    if argument.lower() != "all":
        await _listen(session, argument, group, has_keys=has_keys)
        return
    while session.is_ready:
        others = [uuid for uuid in core.channels if uuid != channel.uuid]
        for uuid in others:
            if session.is_ready:
                await _listen(session, uuid, group, has_keys=has_keys)
        if not others and session.is_ready:
            await session.wait(_IDLE_SECONDS, on_digit=lambda digit: digit == "*")


async def _attach(session: Session, argument: str) -> None:
    """``<uuid>``, and what else ``native_eavesdrop`` is told."""
    await _listen(session, argument.partition(" ")[0])


APPLICATIONS: Final = (
    Application("eavesdrop", _eavesdrop, needs_media=True),
    *(Application(name, _attach, needs_media=True) for name in ("native_eavesdrop", "three_way")),
)
