"""The thread of a channel: it runs the dialplan and what is queued to it, and looks around once a frame.

After ``switch_core_session.c``, ``switch_ivr.c`` and ``switch_core_state_machine.c``. Where FreeSWITCH polls every
20 ms, this waits for something to happen and then for the next frame, so that an hour costs nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, TypeAlias, final

import attrs
import trio

from .causes import cause_name
from .channel import Channel, is_true
from .connection import Faults
from .core import FRAME_SECONDS, Core, Site
from .expansion import expand, scope
from .story import Executed, Recorded, Who, shown
from .wire import Event, Received, atoi

if TYPE_CHECKING:
    from .applications import Application
    from .legs import Leg
    from .listener import Listener
    from .playing import Playing

__all__ = ["Connect", "Dialplan", "Digit", "Session", "Woken"]

Connect: TypeAlias = Callable[[str, int], Awaitable[trio.abc.Stream]]
Dialplan: TypeAlias = Sequence[str]
"""Actions, each ``application argument``."""

_LONGEST_QUIET_ROUND_SECONDS: Final = 0.5
"""``loops`` go on only after a round that took this long."""


class Woken(Enum):
    """Why a wait ended."""

    TIME = auto()
    BREAK = auto()
    DIGIT = auto()
    GONE = auto()
    """The channel is hung up, or goes elsewhere."""


@final
@attrs.frozen
class Digit:
    """A key that was pressed."""

    digit: str
    source: str = "UNKNOWN"


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
        self.is_held_by = 0
        """How many sockets hold the session after its end."""
        self.listeners: Final[list[Listener]] = []
        """The sockets that listen to this channel."""
        self.faults: Final = faults
        self.connect: Final = connect
        self.nursery: Final = nursery
        self.is_reported = False
        """Whether the last events of the call are out."""
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
        self.bridged_to: Leg | None = None
        self.keeps_leg: Leg | None = None
        """A leg that outlives the bridge that called it."""
        self.joined_by = ""
        """The channel that puts itself through to this one: its own thread tells of that."""
        self.joined_to = ""
        """The channel that this one is put through to, or soon will be."""
        self.speaks_until = 0.0
        """Until when the caller says something, on trio's clock."""
        self.nested_seconds = 0.0
        """How long applications have run nested in others, all told."""
        self.key_bindings: Final[list[Callable[[str], bool]]] = []
        """Asked for each key before it is queued; one that says yes has taken it."""
        self._scheduled: list[trio.CancelScope] = []
        self._dialplan: Dialplan = dialplan
        self._transfer: Dialplan | None = None
        self._goes_to_park = False
        self._queue: deque[Received] = deque()
        self._digits: deque[Digit] = deque()
        self._break = False
        self._locks = 0
        self._depth = 0
        """How many executions of what was queued are nested now."""
        self._is_broadcast = False
        self._stops_broadcast = False
        self._wake: trio.Event | None = None
        self._origin = 0.0
        channel.when_hung_up = self.notify
        channel.when_logged = self._log
        self.core.channels[channel.uuid] = self.core.existing[channel.uuid] = channel
        self.core.sessions[channel.uuid] = self

    # What others ask of it

    async def notified(self) -> None:
        """Wait until something happens that might concern the thread."""
        self._wake = trio.Event()
        await self._wake.wait()
        self._wake = None

    def take_event(self, event: Event) -> None:
        """Somebody sent an event to this session."""
        self.events.append(event)
        self.notify()
        for listener in self.listeners:
            listener.notify()

    @property
    def is_ready(self) -> bool:
        """Whether applications may go on (``switch_channel_ready()``)."""
        return self.channel.hangup_cause is None and self._transfer is None and not self.stuck

    @property
    def is_parked_for_ever(self) -> bool:
        """Whether nothing but the caller's own hangup will end the caller's silence."""
        if self.channel.hangup_cause is not None:
            return False
        if self.stuck or self.waits_for_nobody:
            return True
        # What was sent before the end of the socket is still carried out, and may be a hangup.
        return self.is_controlled and not self.is_held_by and not self._queue

    def notify(self) -> None:
        """Something is there to look at, at the next frame."""
        if self._wake is not None:
            self._wake.set()

    def _log(self, level: int, text: str, site: Site, kind: int) -> None:
        for listener in self.listeners:
            listener.hear_log(level, text, site, kind)

    def queue_message(self, message: Received) -> None:
        """Queue a ``sendmsg`` to be carried out at a frame."""
        self._queue.append(message)
        self.notify()

    def flush_queue(self) -> int:
        """Throw away what is queued."""
        count = len(self._queue)
        self._queue.clear()
        return count

    def press(self, digits: str, source: str = "UNKNOWN") -> None:
        """The caller presses keys, or somebody does it for him."""
        for digit in digits:
            if not any(takes(digit) for takes in tuple(self.key_bindings)):
                self.queue_digit(digit, source)

    def queue_digit(self, digit: str, source: str = "UNKNOWN") -> None:
        """A key for whoever takes it next, whatever is bound to it."""
        self._digits.append(Digit(digit, source))
        self.notify()

    @property
    def runs_execution(self) -> bool:
        """Whether something runs that was sent to the channel (``CF_BROADCAST``)."""
        return self._is_broadcast

    def flush_digits(self) -> None:
        """Throw away the keys that nothing has taken; no event tells of them."""
        self._digits.clear()

    def break_application(self) -> None:
        """End what runs (``uuid_break``)."""
        if self._is_broadcast:
            self._stops_broadcast = True
        self._break = True
        self.notify()

    def set_break(self) -> None:
        """End the innermost application that looks."""
        self._break = True
        self.notify()

    def transfer(self, actions: Dialplan, *, destination: str = "", dialplan: str = "", context: str = "") -> None:
        """Go elsewhere: what runs ends, and this is run instead.

        Args:
            actions: What is run.
            destination: The extension that the caller is at now; the same, if not said.
            dialplan: Whose extension it is; the same, if not said.
            context: Where in that dialplan it is; the same, if not said.
        """
        self._part()
        self._transfer = actions
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
            forwards = channel.get("max_forwards")
            channel.set("max_forwards", str(atoi(forwards) - 1) if forwards else "70")
            channel.variables.push("transfer_history", source)
            channel.set("transfer_source", source)
        self.channel.state = "CS_ROUTING"
        self.notify()

    def _part(self) -> None:
        """Whoever this channel was put through to is to look: it goes elsewhere."""
        other, self.joined_to = self.core.sessions.get(self.joined_to), ""
        if other is not None:
            other.notify()

    def go_to_park(self) -> None:
        """Leave the dialplan, and wait for commands (``switch_ivr_park_session()``)."""
        self._part()
        self._transfer = ()
        self._goes_to_park = True
        self.channel.state = "CS_PARK"
        self.notify()

    def release(self) -> None:
        """A socket has ended: the channel is not under its control any more, wherever it is now."""
        self.is_controlled = False
        self.notify()

    def start_soon(self, function: Callable[[], Awaitable[None]]) -> None:
        """Start a thread that belongs to this call."""
        self.nursery.start_soon(function)

    def schedule(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later, unless the channel is gone by then or it is cancelled."""
        cancelled = trio.CancelScope()
        self._scheduled.append(cancelled)

        async def wait_and_act() -> None:
            with cancelled:
                with trio.move_on_after(seconds):
                    await self.over.wait()
                    return
                action()

        self.start_soon(wait_and_act)

    def cancel_scheduled(self) -> int:
        """Cancel what was scheduled, and say how much it was."""
        count = len(self._scheduled)
        for each in self._scheduled:
            each.cancel()
        self._scheduled.clear()
        return count

    # Time

    async def wait(
        self,
        seconds: float = math.inf,
        *,
        breakable: bool = True,
        on_digit: Callable[[str], bool] | None = None,
        stops_at_digit: bool = False,
        pauses: bool = False,
        fires_events: bool = False,
        goes_on: Callable[[], bool] | None = None,
    ) -> Woken:
        """Let time pass, carrying out what is queued meanwhile.

        Args:
            seconds: How long.
            breakable: Whether a break ends it.
            on_digit: Gets each key, one a frame; true ends the wait.
            stops_at_digit: A key ends it, and is not taken.
            pauses: Whether the clock stands still while something runs nested.
            fires_events: Whether events that were sent to the session are fired, one a frame.
            goes_on: Ends the wait when it says no.

        Returns:
            Why it ended.
        """
        end = trio.current_time() + seconds
        while True:
            if not self.is_ready or (goes_on is not None and not goes_on()):
                return Woken.GONE
            if breakable and self._break:
                self._break = False
                return Woken.BREAK
            if self._queue and not self._locks:
                began, nested = trio.current_time(), self.nested_seconds
                if fires_events and not self.channel.has_media:
                    # Without media the park takes the first by itself, and tells nobody.
                    await self.carry_out(self._queue.popleft())
                await self.carry_out_queue()
                took = trio.current_time() - began
                self.nested_seconds = nested + took
                if pauses:
                    end += took
                if not self.is_ready:
                    return Woken.GONE
                if goes_on is not None and not goes_on():
                    return Woken.GONE
            if self._digits and stops_at_digit:
                return Woken.DIGIT
            busy = bool(self._queue and not self._locks) or (breakable and self._break)
            if self.events and fires_events and not (self.channel.diverts_events and self.listeners):
                sent = self.events.popleft()
                self.core.fire(Event(sent.name, (*sent.headers, *self.channel.headers(sent.name)), sent.body))
                busy = True
            if self._digits and on_digit is not None:
                if on_digit(self.take_digit()):
                    return Woken.DIGIT
                busy = True
            if trio.current_time() >= end - 1e-9:
                return Woken.TIME
            if busy:
                await trio.sleep_until(min(self._next_frame(), end))
            else:
                await self._look_around(end)

    async def next_frame(self) -> None:
        """Wait for the next frame."""
        await trio.sleep_until(self._next_frame())

    def _next_frame(self) -> float:
        frames = math.floor((trio.current_time() - self._origin) / FRAME_SECONDS + 1e-6) + 1
        return self._origin + frames * FRAME_SECONDS

    async def _look_around(self, end: float) -> None:
        """Wait until something is there, and for the frame at which it is seen."""
        self._wake = trio.Event()
        with trio.move_on_at(end):
            await self._wake.wait()
        self._wake = None
        if trio.current_time() < end:
            await trio.sleep_until(min(self._next_frame(), end))

    def take_digit(self) -> str:
        """Take a key from the channel's queue: only now an event tells of it."""
        taken = self._digits.popleft()
        self.channel.digits_dialed += taken.digit
        self.channel.fire(
            "DTMF",
            last=[("DTMF-Digit", taken.digit), ("DTMF-Duration", "800"), ("DTMF-Source", taken.source)],
        )
        return taken.digit

    @property
    def has_digits(self) -> bool:
        """Whether a key waits to be taken."""
        return bool(self._digits)

    # What is queued

    async def carry_out_queue(self) -> None:
        """Carry out what is queued, until a lock or a break (``switch_ivr_parse_all_events()``)."""
        self._depth += 1
        try:
            while self._queue and not self._locks:
                message = self._queue.popleft()
                carried_out = await self.carry_out(message)
                # A line that names a channel is cut behind the name; without one the whole head is the command.
                command = message.line if message.line[7:].strip(" ") else message.head
                told = [("Command", command)] if command else []
                self.channel.fire("PRIVATE_COMMAND", before=[*told, *message.headers])
                if not carried_out or self._break:
                    return
        finally:
            self._depth -= 1
            self.channel.story.wake()

    async def carry_out(self, message: Received) -> bool:
        """Carry out one ``sendmsg`` (``switch_ivr_parse_event()``).

        Returns:
            Whether it is one.
        """
        command = message.get("call-command")
        if not command:
            return False
        locks = is_true(message.get("event-lock"))
        self._locks += locks
        try:
            await self._lead(message)
            match command:
                case "execute":
                    await self._execute_message(message)
                case "hangup":
                    cause = message.get("hangup-cause")
                    self.hang_up_from_within(cause_name(cause) if cause else "NORMAL_CLEARING")
                case "xferext":
                    actions = [value for name, value in message.headers if name.lower() == "application"]
                    self.transfer(actions)
                case _:
                    # nomedia and unicast move media, of which there is none here; others FreeSWITCH ignores, too.
                    pass
        finally:
            self._locks -= locks
        return True

    async def _lead(self, message: Received) -> None:
        """Wait for some frames of the caller's sound; those in which he sends none count half."""
        frames = atoi(message.get("lead-frames"))
        if frames > 0 and self.channel.has_media:
            sends = not self.channel.get("is_loopback")
            await self.wait((frames if sends else 2 * frames - 1) * FRAME_SECONDS, breakable=False)

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
            channel.story.tell(Who.CALLER, f"hangs up: {cause}")
            channel.hang_up(cause, by_far_end=True)

    async def _execute_message(self, message: Received) -> None:
        name = message.get("execute-app-name")
        if not name:
            return
        argument = message.get("execute-app-arg")
        if not argument and message.get("content-type").lower() == "text/plain":
            argument = message.body
        loops = atoi(message.get("loops")) if message.get("loops") else 1
        channel = self.channel
        self._stops_broadcast = False
        is_outermost = not self._is_broadcast
        self._is_broadcast = True
        number = 0
        while number < loops or loops < 0:
            number += 1
            began = trio.current_time()
            channel.log(
                7,
                f"{channel.name} Command Execute [depth={self._depth}] {name}({argument})",
                ("switch_ivr.c", "switch_ivr_parse_event", 632),
            )
            if uuid := message.get("event-uuid"):
                channel.set("app_uuid", uuid)
            if uuid_name := message.get("event-uuid-name"):
                channel.set("app_uuid_name", uuid_name)
            channel.set("current_loop", str(number))
            channel.set("total_loops", str(loops))
            if not await self.execute(name, argument):
                break
            too_quick = trio.current_time() - began < _LONGEST_QUIET_ROUND_SECONDS
            if not self.is_ready or self._stops_broadcast or too_quick:
                break
        channel.set("current_loop", None)
        channel.set("total_loops", None)
        if is_outermost:
            self._is_broadcast = False
        if self._stops_broadcast:
            # What it was nested in ends as well.
            self._is_broadcast = False
            self.set_break()

    # Applications

    async def execute(self, name: str, argument: str, by: Who = Who.HANDLER) -> bool:
        """Run an application (``switch_core_session_execute_application()``).

        Args:
            name: The application.
            argument: Its argument, which is expanded.
            by: Who asked for it.

        Returns:
            Whether the dialplan goes on.
        """
        channel = self.channel
        application = self.core.applications.get(name.lower())
        if channel.hangup_cause is not None and (application is None or not application.runs_after_hangup):
            return application is not None
        if application is None:
            channel.story.tell(Who.SWITCH, f"there is no application {name}")
            self.hang_up_from_within("DESTINATION_OUT_OF_ORDER")
            return False
        if application.needs_media:
            channel.pre_answer()
        await self._run(application, name, argument, by)
        return True

    async def _run(self, application: Application, name: str, argument: str, by: Who) -> None:
        channel, story = self.channel, self.channel.story
        uuid = channel.get("app_uuid") or self.core.new_uuid()
        uuid_name = channel.get("app_uuid_name") or ""
        channel.set("app_uuid", None)
        channel.set("app_uuid_name", None)
        expands = not channel.is_true("app_disable_expand_variables")
        if expands:
            argument = await self.expand(argument)
        scoped: list[tuple[str, str]] | None = None
        if expands and argument.startswith("%") and "[" in argument[1:3]:
            scoped, argument = scope(argument)
            channel.scopes.append(scoped)
        channel.log(
            6,
            f"EXECUTE [depth={self._depth}] {channel.name} {name}({argument})",
            ("switch_core_session.c", "switch_core_session_exec", 2907),
            1,
        )
        channel.set("current_application", application.name)
        channel.set("current_application_data", argument)
        channel.set("current_application_response", None)
        about = [("Application", application.name), ("Application-Data", argument)]
        ids = [("Application-UUID", uuid), ("Application-UUID-Name", uuid_name)]
        channel.fire("CHANNEL_EXECUTE", last=[each for each in (*about, *ids) if each[1]])
        self._break = False
        channel.set("current_application", application.name)
        executed = Executed(application.name, argument, story.now)
        if application.name != "socket":
            story.executed.append(executed)
            if application.is_told:
                story.tell(by, f"{application.name} {shown(argument)}".rstrip())
        await application.function(self, argument)
        response = channel.get("current_application_response") or "_none_"
        executed.ended, executed.response = story.now, response
        channel.fire(
            "CHANNEL_EXECUTE_COMPLETE",
            last=[each for each in (*about, ("Application-Response", response), *ids) if each[1]],
        )
        story.wake()
        if scoped is not None:
            channel.scopes.remove(scoped)

    async def expand(self, text: str) -> str:
        """Text with ``${...}`` replaced."""
        return await expand(
            text,
            variable=self.channel.get,
            api=self.core.expand_api,
            global_variable=self.core.global_variables.get,
        )

    # Parking

    async def park(self) -> None:
        """Wait for commands until somebody lets the channel go (``switch_ivr_park()``)."""
        channel = self.channel
        if self.is_controlled or not self.is_ready:
            return
        limit, cause = math.inf, "NORMAL_CLEARING"
        if timeout := channel.get("park_timeout"):
            seconds, colon, name = timeout.partition(":")
            # In whole seconds of the wall clock.
            limit = max(atoi(seconds) - self.core.micros() % 1_000_000 / 1_000_000, 0)
            cause = cause_name(name) if colon else cause
            channel.set("park_timeout", None)
            channel.set("park_after_bridge", None)
        expires = trio.current_time() + limit
        self.is_controlled = True
        channel.fire("CHANNEL_PARK")
        channel.story.wake()
        await self.next_frame()
        while self._is_parked():
            woken = await self.wait(
                max(expires - trio.current_time(), 0),
                breakable=False,
                on_digit=lambda _: False,
                fires_events=True,
                goes_on=lambda: self.is_controlled,
            )
            if woken is Woken.TIME:
                channel.story.tell(Who.SWITCH, f"park_timeout: {cause}")
                self.hang_up_from_within(cause)
        if not self.was_hung_up_from_within:
            # What was sent between the hangup and this frame is still looked at.
            await self.carry_out_queue()
        self.is_controlled = False
        channel.fire("CHANNEL_UNPARK")
        await self.carry_out_queue()

    def _is_parked(self) -> bool:
        return self.is_ready and self.is_controlled

    # From the first state to the last

    async def run(self) -> None:
        """Run the channel from its creation to its destruction."""
        core, channel = self.core, self.channel
        self._origin = trio.current_time()
        try:
            channel.fire("CHANNEL_CREATE")
            channel.set_running_state("CS_INIT")
            channel.set_call_state("RINGING")
            await self._run_dialplans()
            await self._stay_stuck()
            self._report()
            while self.is_held_by:
                await self._look_around(math.inf)
            channel.fire("CHANNEL_DESTROY")
            channel.set_running_state("CS_DESTROY")
        finally:
            core.forget(channel.uuid)
            core.existing.pop(channel.uuid, None)
            self.over.set()
            channel.story.wake()

    async def _run_dialplans(self) -> None:
        channel = self.channel
        while channel.hangup_cause is None and not self.stuck:
            if self._goes_to_park:
                await self._stay_parked()
                continue
            channel.set_running_state("CS_ROUTING")
            channel.set_running_state("CS_EXECUTE")
            channel.set("call_uuid", channel.uuid)
            for action in self._dialplan:
                if not self.is_ready:
                    break
                name, _, argument = action.partition(" ")
                if not await self.execute(name, argument, Who.SWITCH):
                    break
            if self._transfer is not None and channel.hangup_cause is None:
                self._dialplan, self._transfer = self._transfer, None
            elif not self.stuck:
                if self.is_ready:
                    channel.story.tell(Who.SWITCH, "the dialplan has no more actions")
                self.hang_up_from_within("NORMAL_CLEARING")

    async def _stay_parked(self) -> None:
        """Park outside of every dialplan (CS_PARK): once let go, nothing is done with the channel any more."""
        channel = self.channel
        self._goes_to_park, self._transfer = False, None
        channel.set_running_state("CS_PARK")
        await self.park()
        self.waits_for_nobody = self.is_ready
        while self.is_ready:
            await self.notified()
        self.waits_for_nobody = False
        self._dialplan = self._take_transfer()

    def _take_transfer(self) -> Dialplan:
        actions, self._transfer = self._transfer, None
        return actions or ()

    async def _stay_stuck(self) -> None:
        """Wait for the only thing that ends a stuck call."""
        while self.channel.hangup_cause is None:
            await self._look_around(math.inf)

    def _report(self) -> None:
        """From CS_HANGUP to the last event of the call."""
        channel = self.channel
        cause = channel.hangup_cause or "NORMAL_CLEARING"
        for action in self.at_end:
            action()
        channel.set_running_state("CS_HANGUP")
        channel.signalling.hang_up(channel, by_far_end=channel.is_ended_by_far_end)
        channel.profile.hungup = self.core.micros()
        channel.hangup_variables()
        channel.signalling.report(channel)
        channel.set_call_state("HANGUP")
        channel.set_running_state("CS_REPORTING")
        channel.fire("CHANNEL_HANGUP_COMPLETE", first=[("Hangup-Cause", cause)])
        self.is_reported = True
        for listener in self.listeners:
            listener.notify()
