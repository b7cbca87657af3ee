"""Hold: ``hold``, ``unhold`` and ``soft_hold``."""

from __future__ import annotations

from typing import Final

from ..channel import Channel
from ..core import Core
from ..expansion import separate
from ..playing import play
from ..session import Session
from ..wire import Received
from .application import Application

__all__ = ["APPLICATIONS", "hold", "unhold"]


def hold(core: Core, channel: Channel) -> bool:
    """Put a channel on hold (``switch_ivr_hold()``); say whether it was not."""
    if channel.call_state == "HELD":
        return False
    channel.set_call_state("HELD")
    channel.fire("CHANNEL_HOLD")
    _wake(core, channel)
    return True


def unhold(core: Core, channel: Channel) -> bool:
    """Take a channel back from hold (``switch_ivr_unhold()``); say whether it was held."""
    if channel.call_state != "HELD":
        return False
    channel.set_call_state("UNHELD")
    channel.fire("CHANNEL_UNHOLD")
    _wake(core, channel)
    return True


def _wake(core: Core, channel: Channel) -> None:
    session = core.sessions.get(channel.uuid)
    if session is not None:
        session.notify()


async def _hold(session: Session, argument: str) -> None:
    hold(session.core, session.channel)


async def _unhold(session: Session, argument: str) -> None:
    unhold(session.core, session.channel)


async def _soft_hold(session: Session, argument: str) -> None:
    """``<key> [<music of ours> [<music of theirs>]]``, amid a bridge (``switch_ivr_soft_hold()``)."""
    words = separate(argument, limit=3)
    leg = session.bridged_to
    if not words or leg is None:
        return
    key = words[0][:1]
    ours = words[1] if len(words) > 1 else session.channel.get("hold_music") or ""
    theirs = words[2] if len(words) > 2 else leg.channel.get("hold_music") or ""
    if theirs and theirs.lower() != "silence":
        headers = (("call-command", "execute"), ("execute-app-name", "playback"), ("execute-app-arg", theirs))
        leg.queue(Received("sendmsg", headers))
    if ours and ours.lower() != "silence":
        await play(session, ours, on_digit=lambda digit: digit == key)
    else:
        await session.wait(on_digit=lambda digit: digit == key)


APPLICATIONS: Final = (
    Application("hold", _hold),
    Application("unhold", _unhold),
    Application("soft_hold", _soft_hold, needs_media=True),
)
