"""``bridge``: legs are called, one answers, and it talks to the caller (``switch_ivr_originate()``).

Which variable it leaves when is as measured: some are set only on success, and hardly any is ever cleared.
"""

from __future__ import annotations

import math
from typing import Final, final

import attrs
import trio

from ..channel import is_true
from ..destinations import DialledLeg, dialled, find_destination
from ..happenings import Happening, Who
from ..legs import Leg
from ..session import Session, Woken
from ..story import Bridge
from ..wire import atoi
from .application import Application
from .variables import export_to_legs

__all__ = ["APPLICATIONS", "Originate", "begin_bridge", "run_bridge"]

# How originate tells a failure in DIALSTATUS; others are named like their cause.
_DIALSTATUS: Final = {
    "ORIGINATOR_CANCEL": "CANCEL",
    "USER_BUSY": "BUSY",
    "NO_ANSWER": "NOANSWER",
    "INVALID_NUMBER_FORMAT": "INVALIDARGS",
    "CALL_REJECTED": "DONTCALL",
}


@final
class Originate:
    """One attempt to reach somebody."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._channel = session.channel
        self._changes = 0
        self.legs: list[Leg] = []

    def changed(self) -> None:
        """Something happened at a leg."""
        self._changes += 1
        self._session.notify()

    async def reach(self, groups: list[list[DialledLeg]], bridge: Bridge) -> tuple[Leg | None, str]:
        """Try group after group.

        Returns:
            The leg that the caller talks to, and why not if there is none.
        """
        cause = "ORIGINATOR_CANCEL"
        if not groups:
            self._fail(cause, [])
        for group in groups:
            winner, cause = await self._ring(group, bridge)
            if winner is not None or not self._session.is_ready:
                return winner, cause
        return None, cause

    async def _ring(self, group: list[DialledLeg], bridge: Bridge) -> tuple[Leg | None, str]:
        session, channel = self._session, self._channel
        legs: list[Leg] = []
        cause = "CHAN_NOT_IMPLEMENTED"
        for each in group:
            destination = find_destination(session.core.destinations, each.destination)
            if destination.cause == "CHAN_NOT_IMPLEMENTED":
                continue
            if destination.cause and destination.refuses_after == 0:
                cause = destination.cause
                continue
            variables = tuple((name, value) for name, value in export_to_legs(session) if isinstance(value, str))
            leg = Leg(session, DialledLeg(each.destination, (*variables, *each.variables)), destination, self.changed)
            channel.set("originate_signal_bond", leg.channel.uuid)
            profile = leg.channel.profile
            channel.variables.push(
                "originated_legs", f"{profile.uuid};{profile.callee_id_name};{profile.callee_id_number}"
            )
            session.channel.story.tell(Who.CALLEE, Happening.RINGS, leg.destination)
            legs.append(leg)
        self.legs += legs
        bridge.legs = list(self.legs)
        channel.story.wake()
        if not legs:
            self._fail(cause, [])
            return None, cause
        limits = [_whole_seconds(session, self._limit(leg)) for leg in legs]
        began = trio.current_time()
        while True:
            for leg in legs:
                leg.act()
            winner = next((leg for leg in legs if leg.cause is None and self._is_reached(leg)), None)
            if winner is not None:
                self._succeed(winner, legs)
                return winner, "SUCCESS"
            alive = [(leg, limit) for leg, limit in zip(legs, limits, strict=True) if leg.cause is None]
            if not alive:
                cause = next((leg.cause for leg in reversed(legs) if leg.cause), "NORMAL_UNSPECIFIED")
                self._fail(cause, legs)
                return None, cause
            now = trio.current_time()
            for leg, limit in alive:
                if now - began >= limit - 1e-9:
                    leg.hang_up("ALLOTTED_TIMEOUT" if leg.dialled.get("leg_timeout") else "NO_ANSWER")
            if any(leg.cause is None for leg in legs):
                due = min(min(leg.next_act for leg, _ in alive), began + min(limit for _, limit in alive))
                woken = await self._wait(due, cancels=True)
                if woken is Woken.DIGIT:
                    for leg in legs:
                        leg.hang_up("NO_ANSWER")
                if woken is Woken.GONE and not session.is_ready:
                    for leg in legs:
                        leg.hang_up("ORIGINATOR_CANCEL")
                    self._fail("ORIGINATOR_CANCEL", legs)
                    return None, "ORIGINATOR_CANCEL"

    def _is_reached(self, leg: Leg) -> bool:
        ignores = is_true(leg.dialled.get("ignore_early_media") or self._channel.get("ignore_early_media"))
        return leg.is_answered or (leg.plays_early_media and not ignores)

    def _limit(self, leg: Leg) -> int:
        """How long a leg may ring, in whole seconds."""
        named = (
            leg.dialled.get("leg_timeout")
            or leg.dialled.get("originate_timeout")
            or leg.dialled.get("call_timeout")
            or self._channel.get("originate_timeout")
            or self._channel.get("call_timeout")
        )
        return atoi(named or "") or 60

    async def _wait(self, due: float, *, cancels: bool = False) -> Woken:
        """Wait for a moment, or for a change; whether `origination_cancel_key` ends it."""
        seen = self._changes
        key = self._channel.get("origination_cancel_key") if cancels else None
        return await self._session.wait(
            max(due - trio.current_time(), 0),
            breakable=False,
            on_digit=lambda digit: digit == key,
            goes_on=lambda: self._changes == seen,
        )

    def _succeed(self, winner: Leg, legs: list[Leg]) -> None:
        channel = self._channel
        channel.set("originate_signal_bond", None)
        channel.set("originate_disposition", "SUCCESS")
        channel.set("DIALSTATUS", "SUCCESS")
        for leg in legs:
            if leg is not winner and leg.cause is None:
                leg.hang_up("LOSE_RACE")
        for leg in legs:
            outcome = "NONE" if leg is winner else leg.cause or "NONE"
            channel.variables.push("originate_causes", f"{leg.channel.uuid};{outcome}")

    def _fail(self, cause: str, legs: list[Leg]) -> None:
        channel = self._channel
        if legs and cause != "ORIGINATOR_CANCEL":
            channel.set("last_bridge_hangup_cause", cause)
        channel.set("originate_disposition", cause)
        channel.set("DIALSTATUS", _DIALSTATUS.get(cause, cause))
        for leg in legs:
            channel.variables.push("originate_causes", f"{leg.channel.uuid};{leg.cause or 'NONE'}")
        channel.set("originate_failed_cause", cause)
        for leg in legs:
            self._tell_sip(leg)

    def _tell_sip(self, leg: Leg) -> None:
        """What a SIP phone said at the end."""
        if leg.sip_status:
            self._channel.set("last_bridge_proto_specific_hangup_cause", f"sip:{leg.sip_status}")
            if not leg.is_answered:
                self._channel.set("sip_invite_failure_status", leg.sip_status)

    async def talk(self, leg: Leg, bridge: Bridge) -> None:
        """Caller and leg talk until one of them is gone."""
        session, channel = self._session, self._channel
        other = leg.channel
        # A copy: what becomes of the other leg later is not told here.
        channel.other_leg = ("originatee", attrs.evolve(other.profile))
        channel.set("signal_bond", other.uuid)
        if leg.is_answered:
            channel.answer()
        channel.profile.bridged = session.core.micros()
        other.profile.bridged = 0
        ids = [("Bridge-A-Unique-ID", channel.uuid), ("Bridge-B-Unique-ID", other.uuid)]
        channel.fire("CHANNEL_BRIDGE", first=ids)
        channel.set("last_bridge_to", other.uuid)
        channel.set("bridge_channel", other.name)
        channel.set("bridge_uuid", other.uuid)
        channel.set("signal_bond", other.uuid)
        channel.set("last_sent_callee_id_name", other.profile.callee_id_name)
        channel.set("last_sent_callee_id_number", other.profile.callee_id_number)
        bridge.callee = leg.destination
        bridge.leg = leg
        channel.story.tell(Who.CALLER, Happening.TALKS_TO, leg.destination)
        session.bridged_to = leg
        was_answered = leg.is_answered
        try:
            while session.is_ready and leg.cause is None:
                leg.act()
                if leg.is_answered and not was_answered:
                    was_answered = True
                    channel.answer()
                    await _run_on_answer(session, leg)
                if leg.cause is None:
                    await self._wait(leg.next_act)
        finally:
            session.bridged_to = None
        if leg.cause is not None:
            channel.set("last_bridge_hangup_cause", leg.cause)
            self._tell_sip(leg)
        elif session.keeps_leg is not leg:
            leg.hang_up(channel.hangup_cause or "NORMAL_CLEARING")
        if channel.hangup_cause or leg.cause:
            channel.set("bridge_hangup_cause", channel.hangup_cause or leg.cause)
        channel.fire("CHANNEL_UNBRIDGE", first=ids)


def _whole_seconds(session: Session, limit: int) -> float:
    """A limit that FreeSWITCH counts on the wall clock's whole seconds."""
    return limit - session.core.micros() % 1_000_000 / 1_000_000 if limit else math.inf


def begin_bridge(session: Session, happening: Happening, argument: str) -> tuple[list[list[DialledLeg]], Bridge]:
    """Read a dial string, and tell that it is dialled."""
    groups = dialled(argument)
    shown = "|".join(",".join(leg.destination for leg in group) for group in groups)
    story = session.channel.story
    bridge = Bridge(shown, argument, story.now)
    story.bridges.append(bridge)
    story.tell(Who.HANDLER, happening, shown or argument)
    return groups, bridge


async def run_bridge(session: Session, argument: str) -> None:
    """``bridge``: its argument is a dial string."""
    if not argument:
        return  # no variable is set, and those of the last bridge stay
    channel, story = session.channel, session.channel.story
    groups, bridge = begin_bridge(session, Happening.BRIDGES, argument)
    attempt = Originate(session)
    leg, cause = await attempt.reach(groups, bridge)
    bridge.disposition = cause
    if leg is not None:
        await _run_on_answer(session, leg)
        await attempt.talk(leg, bridge)
    bridge.ended = story.now
    story.wake()
    for each in attempt.legs:
        if each is not session.keeps_leg:
            each.destroy()
    if leg is None:
        if session.is_ready and not _continues_on(channel.get("continue_on_fail"), cause):
            session.hang_up_from_within(cause)
    elif session.is_ready and channel.is_true("hangup_after_bridge"):
        session.hang_up_from_within(leg.cause or "NORMAL_CLEARING")


async def _run_on_answer(session: Session, leg: Leg) -> None:
    """``api_on_answer`` of the leg, with or without the quotes of its brackets."""
    name, _, argument = leg.dialled.get("api_on_answer").strip("'").partition(" ")
    if name and leg.is_answered:
        await session.core.run_api(name, argument)


def _continues_on(named: str | None, cause: str) -> bool:
    """What ``continue_on_fail`` says to a cause: yes, no, or a list of causes by name or number."""
    if named is None:
        return False
    if is_true(named):
        return True
    return cause in {each.strip().upper() for each in named.split(",")}


APPLICATIONS: Final = (Application("bridge", run_bridge, is_told=False),)
