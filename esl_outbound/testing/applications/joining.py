"""Channels that are there already and are put through to each other: ``intercept``, ``att_xfer``, ``uuid_bridge``."""

from __future__ import annotations

from functools import partial
from typing import Final

import attrs
import trio

from ..expansion import separate
from ..happenings import Happening, Who
from ..legs import Leg
from ..session import Session
from ..wire import Event
from .application import Application
from .bridging import Originate, begin_bridge, leave_after_bridge, run_bridge
from .holding import unhold

__all__ = ["APPLICATIONS", "join"]


def join(session: Session, other: str) -> bool:
    """Let a channel leave what it does and talk to another, which does the same (``switch_ivr_uuid_bridge()``).

    Returns:
        Whether the other one is there. The far end of a bridge is nobody whom this could take from it.
    """
    uuid = session.channel.uuid
    peer = session.core.sessions.get(other)
    if peer is None or peer is session:
        return False
    for each in (session, peer):
        unhold(each.core, each.channel)  # switch_ivr_check_hold()
    session.transfer([f"uuid_bridge {other}"])
    peer.transfer([f"uuid_bridge {uuid}"])
    session.joined_to, peer.joined_to, peer.joined_by = other, uuid, uuid
    return True


async def _uuid_bridge(session: Session, argument: str) -> None:
    """Talk to a channel that is there; when it leaves, this one is hung up, unless its variables say where it goes."""
    channel, core = session.channel, session.core
    other = core.channels.get(argument)
    kept, session.keeps_leg = session.keeps_leg, None
    leg = kept if kept is not None and kept.channel.uuid == argument else None
    # Only the one that was told to talk to the other tells of it.
    tells = session.joined_by != argument
    session.joined_by = ""
    if other is None:
        if leg is not None:
            leg.destroy()
        return
    channel.other_leg = ("originatee" if tells else "originator", attrs.evolve(other.profile))
    ids = [("Bridge-A-Unique-ID", channel.uuid), ("Bridge-B-Unique-ID", other.uuid)]
    if tells:
        channel.fire("CHANNEL_BRIDGE", first=ids)
    channel.set("last_bridge_to", other.uuid)
    channel.set("bridge_uuid", other.uuid)
    channel.story.tell(Who.CALLER, Happening.TALKS_TO, leg.destination if leg else other.profile.caller_id_number)

    def look(event: Event) -> None:
        if event.name == "CHANNEL_HANGUP" and event.get("Unique-ID") == argument:
            session.notify()

    def is_there() -> bool:
        peer = core.sessions.get(argument)
        return argument in core.channels and (peer is None or peer.joined_to == channel.uuid)

    core.observers.append(look)
    try:
        while session.is_ready and is_there():
            if leg is not None:
                await _talk_for_a_while(session, leg)
            else:
                await session.wait(breakable=False, on_digit=lambda _: False, goes_on=is_there)
    finally:
        core.observers.remove(look)
    if leg is not None:
        leg.hang_up(channel.hangup_cause or "NORMAL_CLEARING")
        leg.destroy()
    if tells:
        channel.fire("CHANNEL_UNBRIDGE", first=ids)
    if not session.is_ready:
        return
    if not leave_after_bridge(session, was_answered=True):
        session.hang_up_from_within("NORMAL_CLEARING")


async def _talk_for_a_while(session: Session, leg: Leg, ending: str = "") -> str:
    """Let the far end of a bridge do what it does next; gives the key that was pressed, of those that end it."""
    pressed = ""

    def take(digit: str) -> bool:
        nonlocal pressed
        pressed = digit if digit in ending else ""
        return bool(pressed)

    leg.act()
    if leg.cause is None:
        due = max(leg.next_act - trio.current_time(), 0)
        await session.wait(due, breakable=False, on_digit=take, goes_on=lambda: leg.cause is None)
    return pressed


async def _intercept(session: Session, argument: str) -> None:
    """``[-bleg] <uuid>``."""
    words = separate(argument)
    if words and words[0].lower() == "-bleg":
        del words[0]
    other = session.core.sessions.get(words[0]) if words else None
    if other is None:
        return
    session.channel.answer()
    other.channel.answer()
    join(session, words[0])


async def _att_xfer(session: Session, argument: str) -> None:
    """Talk to a third party; `#` gives it up, `*` or the caller's hangup leaves the other two to each other.

    Amid a bridge this takes the call out of the socket whichever way it ends, unless the third party is not reached.
    """
    channel, story = session.channel, session.channel.story
    before = session.bridged_to
    if before is None:
        await run_bridge(session, argument)
        return
    dialled, bridge = begin_bridge(session, Happening.BEGINS_ATTENDED_TRANSFER, argument)
    attempt = Originate(session)
    leg, bridge.disposition = await attempt.reach(dialled, bridge)
    if leg is None:
        bridge.ended = story.now
        story.wake()
        for each in attempt.legs:
            each.destroy()
        return
    cancel_key = channel.get("attxfer_cancel_key") or "#"
    hangup_key = channel.get("attxfer_hangup_key") or "*"
    conference_key = channel.get("attxfer_conf_key") or "0"
    bridge.leg, bridge.callee = leg, leg.destination
    story.tell(Who.CALLER, Happening.TALKS_TO_ONE_OF_TWO, leg.destination, before.destination)
    ids = [("Bridge-A-Unique-ID", channel.uuid), ("Bridge-B-Unique-ID", leg.channel.uuid)]
    channel.fire("CHANNEL_BRIDGE", first=ids)
    channel.set("signal_bond", leg.channel.uuid)
    pressed = ""
    while session.is_ready and leg.cause is None and not pressed:
        pressed = await _talk_for_a_while(session, leg, cancel_key[0] + hangup_key[0] + conference_key[0])
    if pressed and pressed == hangup_key[0]:
        session.hang_up_from_within("NORMAL_CLEARING")
    if channel.hangup_cause is not None and leg.cause is None:
        story.tell(Who.CALLEE, Happening.FAR_ENDS_TALK, before.destination, leg.destination)
    if pressed and pressed == conference_key[0] and leg.cause is None:
        # It listens to the caller from now on, and is heard: `three_way` on a channel that has no thread here.
        channel.set("xfer_uuids", f"{leg.channel.uuid} {before.channel.uuid}")
        session.at_end.append(partial(_end, leg, attempt))
    else:
        _end(leg, attempt)
    bridge.ended = story.now
    story.wake()
    if session.is_ready and before.cause is None:
        session.keeps_leg = before
        # The caller may be gone before they talk again.
        session.at_end.append(partial(before.hang_up, "NORMAL_CLEARING"))
        session.transfer([f"uuid_bridge {before.channel.uuid}"])


def _end(leg: Leg, attempt: Originate) -> None:
    leg.hang_up("NORMAL_CLEARING")
    for each in attempt.legs:
        each.destroy()


APPLICATIONS: Final = (
    Application("uuid_bridge", _uuid_bridge, is_told=False),
    Application("intercept", _intercept, needs_media=True),
    Application("att_xfer", _att_xfer, needs_media=True, is_told=False),
)
