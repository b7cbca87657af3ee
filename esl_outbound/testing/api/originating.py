"""``originate``: the switch calls somebody for nobody (``originate_function()``, ``switch_ivr_originate()``)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, final

import attrs
import trio

from ..channel import is_true
from ..core import Core
from ..destinations import Destination, DialledLeg, DialString, dial_strings, find_destination
from ..dialplans import actions_at
from ..expansion import separate
from ..failures import CallFailed
from ..frames import Frames
from ..placing import place_for_calls
from ..ringing import RingingLeg
from ..wire import atoi
from .command import ApiCommand

__all__ = ["COMMANDS"]

_USAGE: Final = (
    "-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] [<cid_name>] [<cid_num>]"
    " [<timeout_sec>]\n"
)
_FEWEST_WORDS, _MOST_WORDS = 2, 7
_SECONDS: Final = 60
"""How long it rings, unless something else is said (SWITCH_DEFAULT_TIMEOUT)."""
_MOST_RETRIES: Final = 100
_SHORTEST_REST_MS, _LONGEST_REST_MS, _REST_MS = 500, 60_000, 1000


async def _originate(core: Core, argument: str) -> str:
    words = separate(argument, limit=10)
    if not _FEWEST_WORDS <= len(words) <= _MOST_WORDS:
        return _USAGE
    given = [None if word.lower() == "undef" else word for word in words]
    url, extension, dialplan, context, name, number, seconds = given + [None] * (_MOST_WORDS - len(given))
    if extension is None:
        raise CallFailed(
            f"originate {argument} was to be run",
            "FreeSWITCH dies of it: originate_function() asserts that there is an extension",
            "  (there is none)",
        )
    nursery = place_for_calls(core, f"originate {argument}")
    attempts = [
        _Attempt(core, _with_caller_id(each, name, number), atoi(seconds) if seconds else _SECONDS, nursery)
        for each in dial_strings(url or "")
    ]
    leg, cause = await _reach(attempts)
    if leg is None:
        return f"-ERR {cause}\n"
    if extension.startswith("&") and extension != "&":
        application, _, its_argument = extension[1:].partition(")")[0].partition("(")
        leg.session.route.leave([f"{application} {its_argument}".rstrip(" ")], is_given=True)
        leg.session.notify()
    else:
        dialplan, context = dialplan or "XML", context or "default"
        actions = actions_at(core, extension, dialplan, context)
        leg.session.transfer(actions, destination=extension, dialplan=dialplan, context=context)
    return f"+OK {leg.channel.uuid}\n"


def _with_caller_id(dialled: DialString, name: str | None, number: str | None) -> DialString:
    """A dial string, with the caller ID of the command in it, unless it has one."""
    said = (("origination_caller_id_name", name), ("origination_caller_id_number", number))
    more = tuple((key, value) for key, value in said if value is not None and not dialled.get(key))
    groups = tuple(
        tuple(attrs.evolve(leg, variables=(*more, *leg.variables)) for leg in group) for group in dialled.groups
    )
    return DialString((*more, *dialled.common), groups)


async def _reach(attempts: list[_Attempt]) -> tuple[RingingLeg | None, str]:
    """Dial all dial strings at once; the first leg that is reached is the one.

    Returns:
        The leg, and why not if there is none.
    """
    if len(attempts) == 1:
        leg = await attempts[0].run()
        return leg, attempts[0].cause
    # switch_ivr_enterprise_originate()
    async with trio.open_nursery() as nursery:

        async def run(attempt: _Attempt) -> None:
            if await attempt.run() is not None:
                nursery.cancel_scope.cancel()

        for each in attempts:
            nursery.start_soon(run, each)
    winner = next((each for each in attempts if each.winner is not None), None)
    for each in attempts:
        if each is not winner:
            each.winner = None
            each.hang_up("LOSE_RACE")
    causes = [each.cause for each in attempts if each.cause not in ("LOSE_RACE", "NO_PICKUP")]
    return None if winner is None else winner.winner, causes[-1] if causes else "NO_ANSWER"


@final
class _Attempt:
    """One dial string that is dialled: group after group, and again if that was asked for.

    Args:
        core: The switch.
        dialled: The dial string.
        seconds: How long a group rings, unless the dial string says it.
        nursery: Where what comes of it lives.
    """

    def __init__(self, core: Core, dialled: DialString, seconds: int, nursery: trio.Nursery) -> None:
        self._core = core
        self._dialled = dialled
        self._nursery = nursery
        given = atoi(dialled.get("originate_timeout"))
        self._seconds = given if given > 0 else seconds if seconds > 0 else _SECONDS
        self._ignores_early_media = is_true(dialled.get("bridge_early_media")) or (
            is_true(dialled.get("ignore_early_media")) or dialled.get("ignore_early_media") in ("ring_ready", "consume")
        )
        self._legs: list[RingingLeg] = []
        """Those of the group that rings."""
        self._has_timed_out = False
        self.winner: RingingLeg | None = None
        self.cause = "DESTINATION_OUT_OF_ORDER"
        """Why the last group failed, or SUCCESS."""

    async def run(self) -> RingingLeg | None:
        """Dial until somebody is reached, or nobody is left."""
        retries = atoi(self._dialled.get("originate_retries"))
        rest = atoi(self._dialled.get("originate_retry_sleep_ms"))
        rest = rest if _SHORTEST_REST_MS <= rest <= _LONGEST_REST_MS else _REST_MS
        for turn in range(retries if 0 < retries <= _MOST_RETRIES else 1):
            for group in self._dialled.groups:
                if turn:
                    # A turn begins a second after the last at the earliest (originate_retry_min_period_ms).
                    await trio.sleep(max(rest, _REST_MS) / 1000)
                await self._ring(group)
                if self.winner is not None:
                    return self.winner
                if self._has_timed_out and not is_true(self._dialled.get("originate_continue_on_timeout")):
                    return None
        return None

    async def _ring(self, group: tuple[DialledLeg, ...]) -> None:
        """Let the legs of a group ring, until one is reached or none is left."""
        frames = Frames()
        self._legs = []
        limits: list[_Limits] = []
        self.cause = "ORIGINATOR_CANCEL"
        for each in group:
            plan = _plan(self._core, each.destination)
            if plan is not None and plan.cause and plan.refuses_after == 0:
                self.cause = plan.cause
                continue
            variables = self._variables(each)
            leg = RingingLeg(self._core, each, variables, plan, frames.notify, self._nursery)
            self._legs.append(leg)
            limits.append(_Limits(self._core, leg, each))
            if not limits[-1].is_delayed:
                leg.begin()
        if not self._legs:
            return
        ends_at = _moment(self._core, self._seconds)
        progresses_at = _moment(self._core, atoi(self._dialled.get("progress_timeout")), is_exceeded=True)
        while True:
            now = trio.current_time() + 1e-9
            winner = next((leg for leg in self._legs if self._is_reached(leg)), None)
            if winner is not None:
                self.winner, self.cause = winner, "SUCCESS"
                self.hang_up("LOSE_RACE")
                return
            _begin_delayed(limits, now)
            for limit in limits:
                limit.enforce(now)
            if all(leg.cause is not None for leg in self._legs):
                self.cause = self._legs[0].cause or "ORIGINATOR_CANCEL"
                return
            has_progress = any(leg.has_rung or leg.plays_early_media for leg in self._legs)
            if ends_at <= now or (progresses_at <= now and not has_progress):
                self.hang_up("NO_ANSWER" if ends_at <= now else "PROGRESS_TIMEOUT")
                self.cause, self._has_timed_out = "NO_ANSWER", True
                return
            due = [moment for limit in limits for moment in limit.moments if moment > now]
            if not has_progress:
                due.append(progresses_at)
            await frames.next_with_something(min([*due, ends_at]))

    def _variables(self, dialled: DialledLeg) -> Sequence[tuple[str, str]]:
        """What the channel gets: its own variables, and then those of all, unless they may be clobbered."""
        common = self._dialled.common
        own = dialled.variables[len(common) :]
        ordered = (*common, *own) if is_true(self._dialled.get("local_var_clobber")) else (*own, *common)
        early = "false" if self._ignores_early_media else "true"
        endpoint = dialled.destination.partition("/")[0]
        return (*ordered, ("originate_early_media", early), ("originate_endpoint", endpoint))

    def _is_reached(self, leg: RingingLeg) -> bool:
        """Whether that is what was waited for (the end of a group in switch_ivr_originate())."""
        if leg.cause is not None:
            return False
        is_heard = leg.plays_early_media and not self._ignores_early_media
        rings = leg.has_rung and is_true(self._dialled.get("return_ring_ready"))
        return leg.is_answered or is_heard or rings

    def hang_up(self, cause: str) -> None:
        """Hang up whoever rings, but not who was reached."""
        for leg in self._legs:
            if leg is not self.winner:
                leg.channel.hang_up(cause)


def _plan(core: Core, destination: str) -> Destination | None:
    """What happens where somebody calls; None if the dialplan says it."""
    if core.is_shutting_down or core.installation.settings.pauses_outbound:
        # switch_core_session_request() gives no channel, and that is what endpoints make of it.
        return Destination(destination, cause="DESTINATION_OUT_OF_ORDER", refuses_after=0)
    if destination.startswith("loopback/") and not any(each.matches(destination) for each in core.destinations):
        return None
    return find_destination(core.destinations, destination)


def _moment(core: Core, seconds: int, *, is_exceeded: bool = False) -> float:
    """When so many seconds are over, or more than so many: FreeSWITCH counts those of the wall clock."""
    if seconds <= 0:
        return math.inf
    return trio.current_time() + seconds + is_exceeded - core.part_of_second


@final
class _Limits:
    """How long one leg waits, and rings (check_per_channel_timeouts() in switch_ivr_originate.c)."""

    def __init__(self, core: Core, leg: RingingLeg, dialled: DialledLeg) -> None:
        delay, limit, progress = (
            atoi(dialled.get(name)) for name in ("leg_delay_start", "leg_timeout", "leg_progress_timeout")
        )
        self.leg = leg
        self.starts_at = _moment(core, delay, is_exceeded=True)
        # A delay comes before a leg's own time.
        self._ends_at = _moment(core, limit and limit + max(delay, 0), is_exceeded=True)
        self._progresses_at = _moment(core, progress and progress + max(delay, 0), is_exceeded=True)

    @property
    def moments(self) -> tuple[float, ...]:
        """When something is due."""
        return () if self.leg.cause is not None else (self.starts_at, self._ends_at, self._progresses_at)

    @property
    def is_delayed(self) -> bool:
        """Whether it still waits."""
        return self.starts_at < math.inf and self.leg.cause is None

    def begin(self) -> None:
        """Let it ring."""
        self.starts_at = math.inf
        self.leg.begin()

    def enforce(self, now: float) -> None:
        """End it if its time is over."""
        leg = self.leg
        if self._progresses_at <= now and not (leg.has_rung or leg.is_answered or leg.plays_early_media):
            leg.channel.hang_up("PROGRESS_TIMEOUT")
        if self._ends_at <= now:
            leg.channel.hang_up("ALLOTTED_TIMEOUT")


def _begin_delayed(limits: list[_Limits], now: float) -> None:
    """Let delayed legs ring whose time has come, the first of them at once if nothing else rings any more."""
    delayed = [each for each in limits if each.is_delayed]
    if not delayed:
        return
    rings = any(each.leg.cause is None and not each.is_delayed for each in limits)
    earlier = 0.0 if rings else max(0.0, min(each.starts_at for each in delayed) - now)
    for each in delayed:
        each.starts_at -= earlier
        if each.starts_at <= now:
            each.begin()


COMMANDS: Final[Mapping[str, ApiCommand]] = {"originate": _originate}
