"""One leg of an originate: it rings somewhere, is answered or refused, and may become a call of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Final, final

import trio

from .called_channels import make_called_channel
from .channel import is_true
from .core import Core
from .destinations import Destination, DialledLeg
from .dialplans import actions_at
from .endpoints import make_channel
from .happenings import Happening, Who
from .patterns import holds_variable
from .placing import PlacedCall
from .story import Story

__all__ = ["RingingLeg"]


@final
class RingingLeg:
    """A leg that the switch calls somebody with, for nobody. It exists at once, and rings with ``begin()``.

    Args:
        core: The switch.
        dialled: What is dialled.
        variables: What its channel gets of the dial string, in that order.
        plan: What happens there; None if the dialplan says it, at the far end of a loopback channel.
        changed: Called when something happens here that the originate should see.
        nursery: Where the call lives.
    """

    def __init__(
        self,
        core: Core,
        dialled: DialledLeg,
        variables: Sequence[tuple[str, str]],
        plan: Destination | None,
        changed: Callable[[], None],
        nursery: trio.Nursery,
    ) -> None:
        self.destination: Final = dialled.destination
        self.is_delayed = False
        """Whether others ring before it does (``leg_delay_start``)."""
        self._core = core
        self._dialled = dialled
        self._plan = plan
        self._changed = changed
        self._nursery = nursery
        story = Story()
        story.begin()
        self.channel: Final = make_called_channel(core, story, dialled, self._has_changed)
        names = (self.channel.name,) if plan is None else (self.destination, self.channel.name)
        call = PlacedCall(self.channel, (), names, nursery, leg=self)
        self.session: Final = call.session
        self.channel.when_hung_up = self._hung_up
        for name, value in variables:
            if is_true(dialled.get("origination_nested_vars")) or not holds_variable(value):
                self.channel.set(name, value)
        for event in ("CHANNEL_OUTGOING", "CHANNEL_CREATE", "CHANNEL_ORIGINATE"):
            self.channel.fire(event)
        self._call = call

    def _has_changed(self) -> None:
        self._core.placed.wake()
        self._changed()

    def _hung_up(self) -> None:
        self.session.notify()
        self._has_changed()

    # Ringing

    def begin(self) -> None:
        """Let it ring, and do what its destination does."""
        self.is_delayed = False
        self._nursery.start_soon(self._call.live, self._originate)

    async def _originate(self) -> None:
        """What its thread does until it is known what it was called for."""
        channel, session = self.channel, self.session
        channel.set_running_state("CS_INIT")
        if self._plan is None:
            self._begin_other_leg()
        channel.set_running_state("CS_ROUTING")
        channel.set_running_state("CS_CONSUME_MEDIA")
        if self._plan is not None:
            self._nursery.start_soon(self._act, self._plan)
        while session.is_ready:
            await session.wait(breakable=False)
        if session.route.is_left:
            session.route.follow()

    async def _act(self, plan: Destination) -> None:
        """What is done at the far end, whatever the channel's thread does meanwhile."""
        began = trio.current_time()
        if self._is_settled:
            return
        if not plan.cause and plan.answers_after != 0:
            self._tell(Happening.RINGS)
            self.channel.ring()
        acts: list[tuple[float, Callable[[], None]]] = []
        if plan.early_media_after is not None:
            acts.append((plan.early_media_after, self.channel.pre_answer))
        if plan.cause:
            acts.append((plan.refuses_after, partial(self.end, plan.cause)))
        elif plan.answers_after is not None:
            acts.append((plan.answers_after, self.answer))
        for seconds, act in sorted(acts, key=itemgetter(0)):
            with trio.move_on_at(began + seconds):
                await self.session.over.wait()
            if self._is_settled:
                return
            act()

    @property
    def _is_settled(self) -> bool:
        """Whether there is nothing left to be done by itself: it was answered, or is over."""
        return self.is_answered or self.cause is not None

    async def _talk(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self.session.over.wait()
        self.session.hang_up_by_far_end("NORMAL_CLEARING")

    def _begin_other_leg(self) -> None:
        """The far end of a loopback channel, which the dialplan takes (channel_on_init() in mod_loopback.c)."""
        core, channel, profile = self._core, self.channel, self.channel.profile
        number = profile.destination_number
        application = channel.get("loopback_app")
        story = Story()
        story.begin()
        other = make_channel(
            core,
            story,
            endpoint="loopback",
            number=number,
            caller_id=profile.caller_id_number,
            caller_id_name=profile.caller_id_name,
            context=profile.context,
            dialplan=profile.dialplan,
            variables=dict(self._dialled.variables),
            other_leg=channel,
        )
        actions = actions_at(core, number, profile.dialplan, profile.context)
        if application is not None:
            actions = ("pre_answer", f"{application} {channel.get('loopback_app_arg') or ''}".rstrip())
        names = (self.destination, f"loopback/{number}", other.name)
        call = PlacedCall(other, actions or (), names, self._nursery)
        call.session.route.leads_nowhere = actions is None
        call.session.route.is_given = application is not None
        channel.set("other_loopback_leg_uuid", other.uuid)
        channel.set("loopback_leg", "A")
        story.tell(Who.SWITCH, Happening.CALLS, profile.caller_id_number, number)
        self._nursery.start_soon(call.live)

    # What can be seen of it, and done at the far end

    @property
    def is_answered(self) -> bool:
        """Whether the call was taken."""
        return self.channel.is_answered

    @property
    def plays_early_media(self) -> bool:
        """Whether it is heard before it is answered."""
        return self.channel.is_early

    @property
    def has_rung(self) -> bool:
        """Whether it has said that it rings."""
        return self.channel.has_rung

    @property
    def cause(self) -> str | None:
        """Why it is over; None while it is not."""
        return self.channel.hangup_cause

    def answer(self) -> None:
        """Take the call."""
        if self._is_settled:
            return
        self._tell(Happening.ANSWERS)
        self.channel.answer()
        if self._plan is not None and self._plan.hangs_up_after is not None:
            self._nursery.start_soon(self._talk, self._plan.hangs_up_after)

    def press(self, digits: str) -> None:
        """Press keys."""
        self._tell(Happening.FAR_END_PRESSES, digits)
        for digit in digits:
            self.session.keys.press(digit)

    def end(self, cause: str) -> None:
        """Refuse the call, or end it."""
        if self.is_answered:
            self.session.hang_up_by_far_end(cause)
        elif self.cause is None:
            self._tell(Happening.DOES_NOT_ANSWER, cause)
            self.channel.hang_up(cause, by_far_end=True)

    def _tell(self, happening: Happening, *details: str) -> None:
        self.channel.story.tell(Who.CALLER, happening, self.destination, *details)
