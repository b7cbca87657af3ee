"""The thread of a channel: what it waits for, and what others ask of it.

What it runs is in ``executions``, the keys that were pressed in ``keys``, its rhythm in ``frames``, and its way from
the first state to the last in ``life``.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, TypeAlias, final

import attrs
import trio

from .channel import Channel
from .connection import Faults
from .core import Core
from .executions import Executions
from .frames import Frames
from .happenings import Happening, Who
from .keys import Keys
from .recognising import Tones
from .story import Recorded
from .unicast import Audio
from .wire import Event, atoi

if TYPE_CHECKING:
    from .inbound import InboundListener
    from .legs import Leg
    from .outbound import OutboundListener
    from .playing import Playing
    from .recognising import Recogniser

__all__ = ["Connect", "Dialplan", "Route", "Session", "Woken"]

_MOST_FORWARDS: Final = 70

Connect: TypeAlias = Callable[[str, int], Awaitable[trio.abc.Stream]]
Dialplan: TypeAlias = Sequence[str]
"""Actions, each ``application argument``."""


class Woken(Enum):
    """Why a wait ended."""

    TIME = auto()
    BREAK = auto()
    DIGIT = auto()
    EVENT = auto()
    """An event that was sent to the session."""
    GONE = auto()
    """The channel is hung up, or goes elsewhere."""


@final
class Route:
    """Where a channel goes: what its dialplan says to do, and whether it is to leave that.

    Args:
        actions: What its dialplan says to do.
    """

    def __init__(self, actions: Dialplan) -> None:
        self.actions = actions
        self.goes_to_park = False
        """Whether it leaves its dialplan to be parked."""
        self.leads_nowhere = False
        """Whether the dialplan has nothing for it where it goes."""
        self.is_given = False
        """Whether what it does there was given with it, and is not looked for in a dialplan."""
        self._next: Dialplan | None = None

    @property
    def is_left(self) -> bool:
        """Whether what runs is to end, because the channel goes elsewhere."""
        return self._next is not None

    def leave(self, actions: Dialplan | None, *, for_park: bool = False, is_given: bool = False) -> None:
        """Go elsewhere: what runs ends, and this is run instead; None leads nowhere."""
        self._next = actions or ()
        self.goes_to_park = for_park
        self.leads_nowhere = actions is None
        self.is_given = is_given

    def follow(self) -> None:
        """The channel is where it was to go."""
        self.actions, self._next = self._next or (), None


@final
class Session:
    """The thread of one channel.

    Args:
        channel: The channel.
        dialplan: What its dialplan says to do.
        nursery: Where what belongs to this call runs.
        connect: Opens the connection of a ``socket`` application, or raises OSError.
        faults: What goes wrong on its connections.
    """

    def __init__(
        self, channel: Channel, dialplan: Dialplan, *, nursery: trio.Nursery, connect: Connect, faults: Faults
    ) -> None:
        self.core: Final[Core] = channel.core
        self.channel: Final = channel
        self.is_controlled = False
        """Parked under an event socket's control."""
        self.park_ends = math.inf
        """When `park_timeout` hangs it up, on trio's clock."""
        self.is_held_by = 0
        """How many sockets hold the session after its end."""
        self.listeners: Final[list[OutboundListener]] = []
        """The sockets of this channel's ``socket`` applications."""
        self.followers: Final[list[InboundListener]] = []
        """The connections that somebody opened, and said ``myevents`` with this channel's UUID on."""
        self.faults: Final = faults
        self.connect: Final = connect
        self.nursery: Final = nursery
        self.is_reported = False
        """Whether the last events of the call are out."""
        self.is_taken = False
        """Whether somebody has said ``connect`` on one of its sockets, whatever became of that since."""
        self.is_placed = False
        """Whether nobody dialled it: one that never was in a ``socket`` may be parked for whoever placed it."""
        self.waits_for_nobody = False
        """In ``socket``, for a ``connect`` that nobody will send any more."""
        self.stuck = ""
        """Why the thread will wait for ever; empty if it will not."""
        self.was_hung_up_from_within = False
        """By a command that this thread itself carried out, and not from outside."""
        self.over: Final = trio.Event()
        """Set when the channel does not exist any more."""
        self.events: Final[deque[Event]] = deque()
        """Events that were sent to the session."""
        self.playing: Playing | None = None
        """The file that plays, for ``uuid_fileman``."""
        self.at_end: Final[list[Callable[[], None]]] = []
        """What is to be done before the last events of the call."""
        self.recordings: Final[dict[str, Recorded]] = {}
        """Those that run beside the call, by path."""
        self.displaced: Final[set[str]] = set()
        """What is mixed into the call, by path."""
        self.bridged_to: Leg | None = None
        self.keeps_leg: Leg | None = None
        """A leg that outlives the bridge that called it."""
        self.joined_by = ""
        """The channel that puts itself through to this one: its own thread tells of that."""
        self.joined_to = ""
        """The channel that this one is put through to, or soon will be."""
        self.conference_member_id = 0
        """Its number in conferences, which it keeps; 0 before the first."""
        self.recogniser: Recogniser | None = None
        """What understands what the caller says."""
        self.tones: Final = Tones(self)
        """The tones that are listened for."""
        self.speaks_until = 0.0
        """Until when the caller says something, on trio's clock."""
        self.audio: Final = Audio(self)
        """What of the caller's sound goes through the program."""
        self.frames: Final = Frames()
        self.keys: Final = Keys(channel, self.notify)
        self.executions: Final = Executions(self)
        self.route: Final = Route(dialplan)
        channel.when_hung_up = self.notify
        self.core.channels[channel.uuid] = self.core.existing[channel.uuid] = channel
        self.core.sessions[channel.uuid] = self

    # What others ask of it

    def take_event(self, event: Event) -> None:
        """Somebody sent an event to this session."""
        self.events.append(event)
        self.notify()
        for listener in (*self.listeners, *self.followers):
            listener.notify()

    @property
    def is_ready(self) -> bool:
        """Whether applications may go on (``switch_channel_ready()``)."""
        return self.channel.hangup_cause is None and not self.route.is_left and not self.stuck

    @property
    def is_parked_for_ever(self) -> bool:
        """Whether nothing but the caller's own hangup will end the caller's silence."""
        if self.channel.hangup_cause is not None:
            return False
        if self.stuck:
            return True
        if self.core.schedule.has(self.channel.uuid):
            return False
        if self.waits_for_nobody:
            return True
        if self.is_placed and not self.is_taken:
            return False
        # What was sent before the end of the socket is still carried out, and may be a hangup.
        is_idle = not self.executions.queued and not self.executions.are_carried_out
        return self._is_abandoned and is_idle and self.park_ends == math.inf

    @property
    def does_last_things(self) -> bool:
        """Whether an application runs that nobody waits for any more, and the caller talks to nobody."""
        return self.is_ready and self._is_abandoned and self.executions.are_carried_out and self.bridged_to is None

    @property
    def _is_abandoned(self) -> bool:
        """Whether the channel was parked under the control of a socket that is gone."""
        return self.is_controlled and not self.is_held_by

    def notify(self) -> None:
        """Something is there to look at, at the next frame."""
        self.frames.notify()

    def transfer(
        self, actions: Dialplan | None, *, destination: str = "", dialplan: str = "", context: str = ""
    ) -> bool:
        """Go elsewhere: what runs ends, and this is run instead.

        Args:
            actions: What is run; None if the dialplan has nothing there.
            destination: The extension that the caller is at now; the same, if not said.
            dialplan: Whose extension it is; the same, if not said.
            context: Where in that dialplan it is; the same, if not said.

        Returns:
            Whether it goes: one that was transferred too often is hung up.
        """
        if destination and not self._may_go_on():
            return False
        self._part()
        self.route.leave(actions)
        if destination:
            channel, profile = self.channel, self.channel.profile
            dialplan, context = dialplan or profile.dialplan, context or profile.context
            source = (
                f"{self.core.micros() // 1_000_000}:{self.core.new_uuid()}:bl_xfer:{destination}/{context}/{dialplan}"
            )
            channel.profile = attrs.evolve(
                profile,
                destination_number=destination,
                dialplan=dialplan,
                context=context,
                index=profile.index + 1,
                profile_created=self.core.micros(),
                rdnis=profile.destination_number,
                transfer_source=source,
            )
            channel.variables.push("transfer_history", source)
            channel.set("transfer_source", source)
        self.channel.state = "CS_ROUTING"
        self.notify()
        return True

    def _may_go_on(self) -> bool:
        """Whether `max_session_transfers`, or without that `max_forwards`, lets a transfer happen."""
        channel = self.channel
        name = "max_session_transfers" if channel.get("max_session_transfers") else "max_forwards"
        left = channel.get(name)
        forwards = atoi(left) - 1 if left else _MOST_FORWARDS
        if forwards <= 0:
            channel.hang_up("EXCHANGE_ROUTING_ERROR")
            return False
        channel.set(name, str(forwards))
        return True

    def _part(self) -> None:
        """Whoever this channel was put through to is to look: it goes elsewhere."""
        other, self.joined_to = self.core.sessions.get(self.joined_to), ""
        if other is not None:
            other.notify()

    def go_to_park(self) -> None:
        """Leave the dialplan, and wait for commands (``switch_ivr_park_session()``)."""
        self._part()
        self.route.leave((), for_park=True)
        self.channel.state = "CS_PARK"
        self.notify()

    def release(self) -> None:
        """A socket has ended: the channel is not under its control any more, wherever it is now."""
        self.is_controlled = False
        self.notify()

    def start_soon(self, function: Callable[[], Awaitable[None]]) -> None:
        """Start a thread that belongs to this call."""
        self.nursery.start_soon(function)

    def schedule(self, seconds: float, action: Callable[[], object]) -> int:
        """Do something later, unless the channel is gone by then or it is cancelled; gives the task's number."""

        async def act() -> None:
            action()

        return self.core.schedule.add(self.nursery, seconds, act, self.channel.uuid, self.over)

    # Time

    async def wait(
        self,
        seconds: float = math.inf,
        *,
        breakable: bool = True,
        on_digit: Callable[[str], bool] | None = None,
        on_event: Callable[[Event], bool] | None = None,
        stops_at_digit: bool = False,
        pauses: bool = False,
        parks: bool = False,
        goes_on: Callable[[], bool] | None = None,
        carries_out: bool = True,
    ) -> Woken:
        """Let time pass, carrying out what is queued meanwhile.

        Args:
            seconds: How long.
            breakable: Whether a break ends it.
            on_digit: Gets each key, one a frame; true ends the wait.
            on_event: Gets each event that was sent to the session, one a frame; true ends the wait.
            stops_at_digit: A key ends it, and is not taken.
            pauses: Whether the clock stands still while something runs nested.
            parks: Whether the channel is parked: events that were sent to the session are fired then, one a frame.
            goes_on: Ends the wait when it says no.
            carries_out: Whether it looks at what is queued.

        Returns:
            Why it ended.
        """
        end = trio.current_time() + seconds
        executions, keys = self.executions, self.keys

        def is_over() -> bool:
            return not self.is_ready or (goes_on is not None and not goes_on())

        while True:
            if is_over():
                return Woken.GONE
            if breakable and executions.take_break():
                return Woken.BREAK
            if carries_out and executions.may_start:
                # Without media the park takes the first by itself, and tells nobody.
                took = await executions.carry_out_queue(first_untold=parks and not self.channel.has_media)
                end += took if pauses else 0
                if is_over():
                    return Woken.GONE
            if keys.are_waiting and stops_at_digit:
                return Woken.DIGIT
            is_busy = (carries_out and executions.may_start) or (breakable and executions.has_break)
            if parks and self.events and not (self.channel.diverts_events and (self.listeners or self.followers)):
                sent = self.events.popleft()
                self.core.fire(Event(sent.name, (*sent.headers, *self.channel.headers(sent.name)), sent.body))
                is_busy = True
            if keys.are_waiting and on_digit is not None:
                if on_digit(keys.take()):
                    return Woken.DIGIT
                is_busy = True
            if on_event is not None and self.events and not self.channel.diverts_events:
                if on_event(self.events.popleft()):
                    return Woken.EVENT
                is_busy = True
            if trio.current_time() >= end - 1e-9:
                return Woken.TIME
            if is_busy:
                await self.frames.next(end)
            else:
                await self.frames.next_with_something(end)

    # Hanging up

    def hang_up_from_within(self, cause: str) -> None:
        """Hang up by what this thread itself does."""
        if self.channel.hangup_cause is None:
            self.was_hung_up_from_within = True
            self.channel.hang_up(cause)

    def hang_up_by_far_end(self, cause: str = "") -> None:
        """The caller hangs up; without a cause, with the one that FreeSWITCH takes it for."""
        channel = self.channel
        if channel.hangup_cause is None:
            cause = cause or ("NORMAL_CLEARING" if channel.is_answered else "ORIGINATOR_CANCEL")
            channel.story.tell(Who.CALLER, Happening.HANGS_UP, cause)
            channel.hang_up(cause, by_far_end=True)
