"""The life of a channel, from its first state to its last (``switch_core_state_machine.c``), and parking."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import trio

from .causes import cause_name
from .happenings import Happening, Who
from .session import Session, Woken
from .wire import atoi

__all__ = ["live", "park"]


async def live(session: Session, originating: Callable[[], Awaitable[None]] | None = None) -> None:
    """Run a channel from its creation to its destruction.

    Args:
        session: The channel's thread.
        originating: What it does before it has a dialplan, if it is one that the switch calls somebody with.
    """
    core, channel = session.core, session.channel
    try:
        if originating is None:
            channel.fire("CHANNEL_CREATE")
            channel.set_running_state("CS_INIT")
            channel.set_call_state("RINGING")
        else:
            await originating()
        await _run_dialplans(session)
        # Nothing leads out of being stuck but the hangup.
        while channel.hangup_cause is None:
            await session.frames.next_with_something()
        _report(session)
        while session.is_held_by:
            await session.frames.next_with_something()
        channel.fire("CHANNEL_DESTROY")
        channel.set_running_state("CS_DESTROY")
    finally:
        core.forget(channel.uuid)
        core.existing.pop(channel.uuid, None)
        session.over.set()
        channel.story.wake()


async def _run_dialplans(session: Session) -> None:
    channel, route = session.channel, session.route
    while channel.hangup_cause is None and not session.stuck:
        if route.goes_to_park:
            await _stay_parked(session)
            continue
        if not route.is_given:
            channel.set_running_state("CS_ROUTING")
        if route.leads_nowhere:
            session.hang_up_from_within("NO_ROUTE_DESTINATION")
            continue
        channel.sort_caller_id()
        channel.set_running_state("CS_EXECUTE")
        channel.set("call_uuid", channel.uuid)
        for action in route.actions:
            if not session.is_ready:
                break
            name, _, argument = action.partition(" ")
            if not await session.executions.execute(name, argument, Who.SWITCH):
                break
        if route.is_left and channel.hangup_cause is None:
            route.follow()
        elif not session.stuck:
            if session.is_ready:
                channel.story.tell(Who.SWITCH, Happening.HAS_NO_MORE_ACTIONS)
            session.hang_up_from_within("NORMAL_CLEARING")


async def _stay_parked(session: Session) -> None:
    """Park outside of every dialplan (CS_PARK): once let go, nothing is done with the channel any more."""
    session.route.follow()
    session.route.goes_to_park = False
    session.channel.set_running_state("CS_PARK")
    await park(session)
    session.waits_for_nobody = session.is_ready
    session.channel.story.wake()
    while session.is_ready:
        await session.frames.notified()
    session.waits_for_nobody = False
    session.route.follow()


def _report(session: Session) -> None:
    """From CS_HANGUP to the last event of the call."""
    channel = session.channel
    for action in session.at_end:
        action()
    channel.set_running_state("CS_HANGUP")
    channel.signalling.hang_up(channel, by_far_end=channel.is_ended_by_far_end)
    channel.profile.hungup = session.core.micros()
    channel.hangup_variables()
    channel.signalling.report(channel)
    channel.set_call_state("HANGUP")
    channel.set_running_state("CS_REPORTING")
    cause = channel.hangup_cause or "NORMAL_CLEARING"
    channel.fire("CHANNEL_HANGUP_COMPLETE", first=[("Hangup-Cause", cause)])
    session.is_reported = True
    for listener in session.listeners:
        listener.notify()


async def park(session: Session) -> None:
    """Wait for commands until somebody lets the channel go (``switch_ivr_park()``)."""
    channel, executions = session.channel, session.executions
    if session.is_controlled or not session.is_ready:
        return
    limit, cause = _park_timeout(session)
    session.park_ends = trio.current_time() + limit
    session.is_controlled = True
    channel.fire("CHANNEL_PARK")
    channel.story.wake()
    await session.frames.next()

    def is_parked() -> bool:
        return session.is_ready and session.is_controlled

    while is_parked():
        woken = await session.wait(
            max(session.park_ends - trio.current_time(), 0),
            breakable=False,
            on_digit=lambda _: False,
            parks=True,
            goes_on=is_parked,
        )
        if woken is Woken.TIME:
            channel.story.tell(Who.SWITCH, Happening.ENDS_BY_TIMER, "park_timeout", cause)
            session.hang_up_from_within(cause)
    if not session.was_hung_up_from_within:
        # What was sent between the hangup and this frame is still looked at.
        await executions.carry_out_queue()
    session.is_controlled = False
    channel.fire("CHANNEL_UNPARK")
    session.audio.park_ends()
    await executions.carry_out_queue()


def _park_timeout(session: Session) -> tuple[float, str]:
    """``park_timeout=N[:CAUSE]``: how long a park may last, in whole seconds of the wall clock, and what ends it."""
    channel = session.channel
    timeout = channel.get("park_timeout")
    if not timeout:
        return math.inf, "NORMAL_CLEARING"
    seconds, colon, name = timeout.partition(":")
    channel.set("park_timeout", None)
    channel.set("park_after_bridge", None)
    limit = max(atoi(seconds) - session.core.part_of_second, 0)
    return limit, cause_name(name) if colon else "NORMAL_CLEARING"
