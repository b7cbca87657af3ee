"""``bridge``: legs are called, one answers, and it talks to the caller (``switch_ivr_originate()``).

Which variable it leaves when is as measured: some are set only on success, and hardly any is ever cleared.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, final

import attrs
import trio

from ..causes import Q850
from ..channel import is_true
from ..destinations import DialledLeg, DialString, dial_strings, find_destination
from ..expansion import separate
from ..happenings import Happening, Who
from ..legs import Leg
from ..session import Session, Woken
from ..story import Bridge
from ..wire import as_text, atoi
from .application import Application
from .transferring import transfer_to
from .variables import export_to_legs

__all__ = ["APPLICATIONS", "Originate", "begin_bridge", "leave_after_bridge", "run_bridge"]

_SECONDS: Final = 60
"""How long it rings at most, unless something else is said."""

# How originate tells a failure in DIALSTATUS; others are named like their cause.
_DIALSTATUS: Final = {
    "ORIGINATOR_CANCEL": "CANCEL",
    "USER_BUSY": "BUSY",
    "NO_ANSWER": "NOANSWER",
    "DESTINATION_OUT_OF_ORDER": "INVALIDARGS",
    "INVALID_PROFILE": "INVALIDARGS",
    "CALL_REJECTED": "DONTCALL",
}

_NEVER_A_FAILURE: Final = ("NO_ANSWER", "NO_USER_RESPONSE", "ORIGINATOR_CANCEL")
"""After these the dialplan goes on, if nothing is said about causes."""


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

    async def reach(self, dialled: list[DialString], bridge: Bridge) -> tuple[Leg | None, str]:
        """Call all dial strings at once; the first leg that is reached is the one.

        Returns:
            The leg that the caller talks to, and why not if there is none.
        """
        several = len(dialled) > 1
        attempts = [_Attempt(self._session, self, each, bridge, is_one_of_several=several) for each in dialled]
        if not several and dialled[0].groups:
            self._channel.set("originate_disposition", "failure")
            self._channel.set("DIALSTATUS", "INVALIDARGS")
        winner = await self._ring(attempts)
        leg = None if winner is None else winner.winner
        if several:
            return leg, self._end_several(attempts, winner)
        return leg, attempts[0].cause

    async def _ring(self, attempts: list[_Attempt]) -> _Attempt | None:
        while True:
            for each in attempts:
                each.act()
            winner = next((each for each in attempts if each.winner is not None), None)
            if winner is not None or all(each.is_over for each in attempts):
                return winner
            woken = await self._wait(min(each.next_act for each in attempts), cancels=len(attempts) == 1)
            if woken is Woken.DIGIT:
                attempts[0].give_up()
            if woken is Woken.GONE and not self._session.is_ready:
                for each in attempts:
                    each.cancel("ORIGINATOR_CANCEL")
                return None

    def _end_several(self, attempts: list[_Attempt], winner: _Attempt | None) -> str:
        """What is left by ``switch_ivr_enterprise_originate()``, which has its own words for it."""
        channel = self._channel
        if winner is not None:
            for each in attempts:
                if each is not winner:
                    each.cancel("LOSE_RACE")
            channel.set("originate_disposition", "success")
            return "SUCCESS"
        for each in attempts:
            _handle_cause(self._session, each.cause)
        causes = [each.cause for each in attempts if each.cause not in ("LOSE_RACE", "NO_PICKUP")]
        cause = causes[-1] if causes else "NO_ANSWER"
        channel.set("originate_disposition", "failure")
        channel.set("hangup_cause", cause)
        return cause

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
        leg.bond()
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
        if leg.cause is None and session.keeps_leg is not leg:
            # audio_bridge_on_exchange_media(): the far end's own thread does it, whatever the caller's cause is.
            leg.hang_up("NORMAL_CLEARING" if leg.is_answered else "ORIGINATOR_CANCEL")
        if leg.cause is not None:
            channel.set("bridge_hangup_cause", leg.cause)
        channel.fire("CHANNEL_UNBRIDGE", first=ids)


@final
class _Attempt:
    """One dial string that is dialled: group after group (``switch_ivr_originate()``).

    Args:
        session: Who calls.
        originate: What it is a part of.
        dialled: The dial string.
        bridge: Where the story has it.
        is_one_of_several: Whether others are dialled at the same time; the switch calls then, and not the caller's
            channel, of whose variables none counts.
    """

    def __init__(
        self, session: Session, originate: Originate, dialled: DialString, bridge: Bridge, *, is_one_of_several: bool
    ) -> None:
        self._session = session
        self._channel = session.channel
        self._originate = originate
        self._dialled = dialled
        self._bridge = bridge
        self._is_one_of_several = is_one_of_several
        self._exported = tuple((name, as_text(value)) for name, value in export_to_legs(session))
        self._groups = deque(dialled.groups)
        self._legs: list[Leg] = []
        """Those of the group that rings."""
        self._leg_limits: list[float] = []
        self._leg_starts: list[float] = []
        """When those that are delayed begin."""
        self._limit = math.inf
        self.winner: Leg | None = None
        self.cause = "DESTINATION_OUT_OF_ORDER" if is_one_of_several else "ORIGINATOR_CANCEL"
        """Why the last group failed, or SUCCESS."""
        if not self._groups and not is_one_of_several:
            self._tell_disposition()

    @property
    def is_over(self) -> bool:
        """Whether there is nobody left to reach."""
        return not self._legs and not self._groups

    @property
    def next_act(self) -> float:
        """When something will happen by itself, on trio's clock."""
        acts = [
            min(start if leg.is_delayed else leg.next_act, limit)
            for leg, limit, start in zip(self._legs, self._leg_limits, self._leg_starts, strict=True)
            if leg.cause is None
        ]
        return min([*acts, self._limit] if acts else acts, default=math.inf)

    def act(self) -> None:
        """Do what is due; the next group rings as soon as one has failed."""
        while self.winner is None and not self.is_over:
            if not self._legs:
                if not self._session.is_ready:
                    self._groups.clear()
                    return
                cause = self._begin(self._groups.popleft())
                if not self._legs:
                    self._fail(cause)
                    continue
            for leg in self._legs:
                leg.act()
            now = trio.current_time() + 1e-9
            self._begin_delayed(now)
            winner = next((leg for leg in self._legs if leg.cause is None and self._is_reached(leg)), None)
            if winner is not None:
                self._succeed(winner)
                return
            for leg, limit in zip(self._legs, self._leg_limits, strict=True):
                if limit <= now:
                    leg.hang_up("ALLOTTED_TIMEOUT")
            if all(leg.cause is not None for leg in self._legs):
                self._fail(self._legs[0].cause or "ORIGINATOR_CANCEL")
            elif self._limit <= now:
                self._hang_up_all("NO_ANSWER")
                self._fail("NO_ANSWER", has_timed_out=True)
            else:
                return

    def _begin_delayed(self, now: float) -> None:
        """Let delayed legs ring whose time has come, the first of them at once if nothing else rings any more.

        As check_per_channel_timeouts() in switch_ivr_originate.c has it.
        """
        delayed = [
            (start, number)
            for number, (leg, start) in enumerate(zip(self._legs, self._leg_starts, strict=True))
            if leg.is_delayed and leg.cause is None
        ]
        if not delayed:
            return
        rings = any(leg.cause is None and not leg.is_delayed for leg in self._legs)
        earlier = 0.0 if rings else max(0.0, min(delayed)[0] - now)
        for start, number in delayed:
            self._leg_starts[number] = start - earlier
            if start - earlier <= now:
                self._let_ring(self._legs[number])

    def _let_ring(self, leg: Leg) -> None:
        self._channel.story.tell(Who.CALLEE, Happening.RINGS, leg.destination)
        leg.begin()

    def _begin(self, group: tuple[DialledLeg, ...]) -> str:
        """Let the legs of a group ring.

        Returns:
            Why the last one does not.
        """
        session, channel = self._session, self._channel
        cause = "ORIGINATOR_CANCEL"
        for each in group:
            destination = find_destination(session.core.destinations, each.destination)
            if destination.cause and destination.refuses_after == 0:
                cause = destination.cause
                continue
            leg = Leg(
                session,
                DialledLeg(each.destination, (*self._exported, *each.variables)),
                destination,
                self._originate.changed,
                knows_caller=not self._is_one_of_several,
                delay=atoi(DialledLeg(each.destination, each.variables).get("leg_delay_start")),
            )
            if not self._is_one_of_several:
                channel.set("originate_signal_bond", leg.channel.uuid)
            profile = leg.channel.profile
            channel.variables.push(
                "originated_legs", f"{profile.uuid};{profile.callee_id_name};{profile.callee_id_number}"
            )
            self._legs.append(leg)
            if not leg.is_delayed:
                self._let_ring(leg)
        self._originate.legs += self._legs
        self._bridge.legs = list(self._originate.legs)
        channel.story.wake()
        delays = [atoi(leg.dialled.get("leg_delay_start")) for leg in self._legs]
        limits = [atoi(leg.dialled.get("leg_timeout")) for leg in self._legs]
        # A delay comes before a leg's own time (switch_ivr_originate()).
        self._leg_limits = [
            self._moment(limit and limit + delay, is_exceeded=True) for limit, delay in zip(limits, delays, strict=True)
        ]
        self._leg_starts = [self._moment(delay, is_exceeded=True) for delay in delays]
        self._limit = self._moment(self._seconds())
        return cause

    def _seconds(self) -> int:
        """How long a group rings: a variable of the caller's channel says it, or one of the dial string."""
        own = 0 if self._is_one_of_several else atoi(self._channel.get("call_timeout") or "")
        given = atoi(self._get("originate_timeout"))
        return given if given > 0 else own if own > 0 else _SECONDS

    def _get(self, name: str) -> str:
        """A variable that is given to all legs."""
        exported = next((value for key, value in reversed(self._exported) if key == name), "")
        return self._dialled.get(name) or exported

    def _is_true(self, name: str) -> bool:
        own = None if self._is_one_of_several else self._channel.get(name)
        return is_true(self._get(name) or own)

    def _moment(self, seconds: int, *, is_exceeded: bool = False) -> float:
        """When so many seconds are over, or more than so many: FreeSWITCH counts those of the wall clock."""
        if seconds <= 0:
            return math.inf
        return trio.current_time() + seconds + is_exceeded - self._session.core.part_of_second

    def _is_reached(self, leg: Leg) -> bool:
        ignores = self._is_one_of_several or self._is_true("bridge_early_media")
        # Of these two words is one that is no yes (switch_ivr_originate()).
        ignored = self._get("ignore_early_media") or self._channel.get("ignore_early_media") or ""
        ignores = ignores or is_true(ignored) or ignored in ("ring_ready", "consume")
        return leg.is_reached(early_media_counts=not ignores)

    def give_up(self) -> None:
        """The caller has pressed the key that ends the ringing; the next group rings all the same."""
        self._hang_up_all("NO_ANSWER" if len(self._legs) == 1 else "LOSE_RACE")
        self._fail(self._legs[0].cause or "NO_ANSWER")

    def cancel(self, cause: str) -> None:
        """Nobody is to be reached any more."""
        self._groups.clear()
        if self._legs:
            self._hang_up_all(cause)
            self._fail(cause)

    def _hang_up_all(self, cause: str) -> None:
        for leg in self._legs:
            leg.hang_up(cause)

    def _succeed(self, winner: Leg) -> None:
        channel = self._channel
        for leg in self._legs:
            if leg is not winner:
                leg.hang_up("LOSE_RACE")
        if not self._is_one_of_several:
            if winner.is_answered:
                channel.answer()
            else:
                channel.pre_answer()
            channel.set("originate_signal_bond", None)
        self.winner = winner
        self._end("SUCCESS")

    def _fail(self, cause: str, *, has_timed_out: bool = False) -> None:
        self._end(cause)
        if has_timed_out and not self._is_true("originate_continue_on_timeout"):
            self._groups.clear()

    def _end(self, cause: str) -> None:
        """The group has failed, or somebody of it was reached."""
        self.cause = cause
        legs, self._legs, self._leg_limits, self._leg_starts = self._legs, [], [], []
        if self._is_one_of_several:
            return
        self._tell_disposition()
        for leg in legs:
            self._channel.variables.push("originate_causes", f"{leg.channel.uuid};{leg.cause or 'NONE'}")

    def _tell_disposition(self) -> None:
        self._channel.set("originate_disposition", self.cause)
        self._channel.set("DIALSTATUS", _DIALSTATUS.get(self.cause, self.cause))


def begin_bridge(session: Session, happening: Happening, argument: str) -> tuple[list[DialString], Bridge]:
    """Read a dial string, and tell that it is dialled."""
    dialled = dial_strings(argument)
    shown = ":_:".join(
        "|".join(",".join(leg.destination for leg in group) for group in each.groups) for each in dialled
    )
    story = session.channel.story
    bridge = Bridge(shown, argument, story.now)
    story.bridges.append(bridge)
    story.tell(Who.HANDLER, happening, shown or argument)
    return dialled, bridge


async def run_bridge(session: Session, argument: str) -> None:
    """``bridge``: its argument is a dial string."""
    if not argument:
        return  # no variable is set, and those of the last bridge stay
    channel, story = session.channel, session.channel.story
    dialled, bridge = begin_bridge(session, Happening.BRIDGES, argument)
    attempt = Originate(session)
    leg, cause = await attempt.reach(dialled, bridge)
    bridge.disposition = cause
    if leg is None:
        channel.set("originate_failed_cause", cause)
    else:
        await _run_on_answer(session, leg)
        await attempt.talk(leg, bridge)
    bridge.ended = story.now
    story.wake()
    for each in attempt.legs:
        if each is not session.keeps_leg:
            each.destroy()
    if leg is None:
        _handle_cause(session, cause)
    else:
        _leave(session, leg)


async def _run_on_answer(session: Session, leg: Leg) -> None:
    """Every ``api_on_answer...`` of the leg (``switch_channel_api_on()``), with or without quotes around it."""
    if leg.is_answered:
        for variable, value in dict(leg.dialled.variables).items():
            name, _, argument = value.strip("'").partition(" ")
            if name and variable.lower().startswith("api_on_answer"):
                await session.core.run_api(name, argument)


# What becomes of the caller


def _handle_cause(session: Session, cause: str) -> None:
    """Hang the caller up because nobody was reached, unless he is not to be (``switch_channel_handle_cause()``)."""
    if not session.is_ready:
        return
    channel = session.channel
    if cause != "ATTENDED_TRANSFER":
        going_on, failing = channel.get("continue_on_fail"), channel.get("failure_causes")
        if going_on is None and failing is None and cause in _NEVER_A_FAILURE:
            return
        if failing is not None and not _names(failing, cause):
            return
        if going_on is not None and (is_true(going_on) or _names(going_on, cause)):
            return
        causes, where, *rest = (*separate(channel.get("transfer_on_fail") or ""), "", "")
        if is_true(causes):
            # It means "at any cause", and gives the call back to the dialplan instead.
            return
        if _names(causes, cause):
            where = cause if where.lower() in ("", "auto_cause") else where
            transfer_to(session, " ".join([where, *rest]).rstrip())
    if session.is_ready:
        session.hang_up_from_within(cause)


def _names(causes: str, cause: str) -> bool:
    """Whether a list of causes has this one, by its name or its number."""
    words = {each.upper() for each in separate(causes, ",")}
    return cause in words or str(Q850.get(cause, "")) in words - {""}


def _leave(session: Session, leg: Leg) -> None:
    """What becomes of the caller after a bridge (the end of ``switch_ivr_multi_threaded_bridge()``).

    A far end that ended the call before it had answered it leaves the caller where he is, as measured.
    """
    if not session.is_ready:
        return
    channel = session.channel
    cause = leg.cause or "NORMAL_CLEARING"
    hangs_up = channel.get("hangup_after_bridge") or ""
    if hangs_up.lower() == "explicit":
        session.hang_up_from_within(cause)
    elif leave_after_bridge(session, was_answered=leg.is_answered):
        pass
    elif leg.is_answered and is_true(hangs_up):
        session.hang_up_from_within(cause)


def leave_after_bridge(session: Session, *, was_answered: bool) -> bool:
    """Park the caller after a bridge, or send him elsewhere, if his variables say so.

    Args:
        session: The caller's.
        was_answered: Whether the far end had answered; there are variables of their own for one that had not.

    Returns:
        Whether they do.
    """
    channel = session.channel
    if (was_answered and channel.is_true("park_after_bridge")) or channel.is_true("park_after_early_bridge"):
        session.go_to_park()
        return True
    where = channel.get("transfer_after_bridge") if was_answered else None
    where = where or channel.get("transfer_after_early_bridge")
    if where is None:
        return False
    channel.set("transfer_after_bridge", None)
    transfer_to(session, " ".join(separate(where, ":")[:3]))
    return True


APPLICATIONS: Final = (Application("bridge", run_bridge, is_told=False),)
