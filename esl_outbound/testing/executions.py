"""What is queued to a channel, and the applications that run on it, nested in one another.

After ``switch_ivr.c`` and ``switch_core_session.c``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

import trio

from .causes import cause_name
from .channel import is_true
from .expansion import expand, scope
from .frames import FRAME_SECONDS
from .happenings import Happening, Who
from .story import Executed
from .wire import Received, atoi

if TYPE_CHECKING:
    from .applications import Application
    from .session import Session

__all__ = ["Executions"]

_DEEPEST: Final = 32
"""How deep executions may be nested (``SWITCH_MAX_STACKS``)."""
_LONGEST_QUIET_ROUND_SECONDS: Final = 0.5
"""``loops`` go on only after a round that took this long."""
_HOUSEKEEPING: Final = frozenset({"set", "export", "multiunset", "limit_execute"})
"""Applications that are not told of when they run for the sake of another one."""


@final
class Executions:
    """What runs on a channel, and what waits to run.

    Args:
        session: The channel's thread.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._channel = session.channel
        self._queue: deque[Received] = deque()
        self._locks = 0
        self._depth = 0
        """How many executions of what was queued are nested now."""
        self._has_break = False
        self._stops_all = False
        self.runs_any = False
        """Whether something runs that was sent to the channel (``CF_BROADCAST``)."""
        self._left_of_write = 0
        """How much of a write that began with housekeeping has not run yet."""
        self.nested_seconds = 0.0
        """How long applications have run nested in others, all told."""

    # What is queued

    @property
    def queued(self) -> int:
        """How much is queued."""
        return len(self._queue)

    @property
    def are_carried_out(self) -> bool:
        """Whether something that was queued is being carried out."""
        return self._depth > 0

    @property
    def may_start(self) -> bool:
        """Whether something is queued that nothing holds back, and may be nested in what runs."""
        return self._depth <= _DEEPEST and self._has_more()

    def _has_more(self) -> bool:
        return bool(self._queue) and not self._locks

    def queue(self, message: Received) -> None:
        """Queue a ``sendmsg``, to be carried out at a frame."""
        self._queue.append(message)
        self._session.notify()

    def queue_execution(self, name: str, argument: str, *more: tuple[str, str]) -> None:
        """Queue an application that lets nothing interrupt it (``switch_core_session_execute_application_async()``).

        Args:
            name: The application.
            argument: Its argument.
            more: Headers that are told in the event of it.
        """
        headers = [("call-command", "execute"), ("execute-app-name", name)]
        if argument:
            headers.append(("execute-app-arg", argument))
        self.queue(Received("sendmsg", (*headers, ("event-lock", "true"), *more)))

    def flush(self) -> None:
        """Throw away what is queued."""
        self._queue.clear()

    # Breaks

    @property
    def has_break(self) -> bool:
        """Whether the innermost application that looks is to end."""
        return self._has_break

    def break_all(self) -> None:
        """End what runs, and what that is nested in (``uuid_break``)."""
        self._stops_all = self._stops_all or self.runs_any
        self.break_innermost()

    def break_innermost(self) -> None:
        """End the innermost application that looks."""
        self._has_break = True
        self._session.notify()

    def take_break(self) -> bool:
        """Whether there is a break; it has had its effect then."""
        had, self._has_break = self._has_break, False
        return had

    # Carrying out

    async def carry_out_queue(self, *, first_untold: bool = False) -> float:
        """Carry out what is queued, until a lock or a break (``switch_ivr_parse_all_events()``).

        Args:
            first_untold: Whether no event tells of the first.

        Returns:
            How long it took, in seconds.
        """
        began, nested = trio.current_time(), self.nested_seconds
        if not self.may_start:
            return 0.0
        if first_untold:
            await self.carry_out(self._queue.popleft())
        self._depth += 1
        try:
            while self._has_more():
                message = self._queue.popleft()
                is_command = await self.carry_out(message)
                # A line that names a channel is cut behind the name; without one the whole head is the command.
                command = message.line if message.line[7:].strip(" ") else message.head
                told = [("Command", command)] if command else []
                self._channel.fire("PRIVATE_COMMAND", before=[*told, *message.headers])
                if not is_command or self._has_break:
                    break
        finally:
            self._depth -= 1
            self._channel.story.wake()
        took = trio.current_time() - began
        self.nested_seconds = nested + took
        return took

    async def execute_extension(self, actions: Sequence[str]) -> None:
        """Run the actions of an extension within what runs (``switch_core_session_execute_exten()``)."""
        if self._depth > _DEEPEST:
            return
        self._depth += 1
        try:
            for action in actions:
                if self._session.is_ready:
                    name, _, argument = action.partition(" ")
                    await self.execute(name, argument)
        finally:
            self._depth -= 1

    async def carry_out(self, message: Received) -> bool:
        """Carry out one ``sendmsg`` (``switch_ivr_parse_event()``).

        Returns:
            Whether it is one.
        """
        command = message.get("call-command")
        if not command:
            return False
        session = self._session
        locks = is_true(message.get("event-lock"))
        self._locks += locks
        try:
            await self._lead(message)
            match command:
                case "execute":
                    await self._execute_message(message)
                case "hangup":
                    cause = message.get("hangup-cause")
                    session.hang_up_from_within(cause_name(cause) if cause else "NORMAL_CLEARING")
                case "xferext":
                    session.transfer([value for name, value in message.headers if name.lower() == "application"])
                case "unicast":
                    await session.audio.activate(message)
                case _:
                    # nomedia moves media of which there is none here; others FreeSWITCH ignores, too.
                    pass
        finally:
            self._locks -= locks
        return True

    async def _lead(self, message: Received) -> None:
        """Wait for some frames of the caller's sound; those in which he sends none count half."""
        frames = atoi(message.get("lead-frames"))
        if frames > 0 and self._channel.has_media:
            sends = not self._channel.get("is_loopback")
            await self._session.wait((frames if sends else 2 * frames - 1) * FRAME_SECONDS, breakable=False)

    async def _execute_message(self, message: Received) -> None:
        name = message.get("execute-app-name")
        if not name:
            return
        argument = message.get("execute-app-arg")
        if not argument and message.get("content-type").lower() == "text/plain":
            argument = message.body
        loops = atoi(message.get("loops")) if message.get("loops") else 1
        channel = self._channel
        self._stops_all = False
        is_outermost = not self.runs_any
        self.runs_any = True
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
            if not self._session.is_ready or self._stops_all or too_quick:
                break
        channel.set("current_loop", None)
        channel.set("total_loops", None)
        if is_outermost:
            self.runs_any = False
        if self._stops_all:
            # What it was nested in ends as well.
            self.runs_any = False
            self.break_innermost()

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
        channel, session = self._channel, self._session
        if "::" in name and not argument:
            name, _, argument = name.partition("::")
            if channel.hangup_cause is None:
                self.queue_execution(name, argument)
                return True
        application = session.core.applications.get(name.lower())
        if channel.hangup_cause is not None and (application is None or not application.runs_after_hangup):
            return application is not None
        if application is None:
            channel.story.tell(Who.SWITCH, Happening.LACKS_APPLICATION, name)
            session.hang_up_from_within("DESTINATION_OUT_OF_ORDER")
            return False
        if application.needs_media:
            channel.pre_answer()
        await self._run(application, name, argument, by)
        return True

    async def _run(self, application: Application, name: str, argument: str, by: Who) -> None:
        channel, story = self._channel, self._channel.story
        uuid = channel.get("app_uuid") or self._session.core.new_uuid()
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
        # What came too early is lost.
        self._has_break = False
        channel.set("current_application", application.name)
        executed = Executed(application.name, argument, story.now)
        if application.name != "socket":
            story.executed.append(executed)
            is_housekeeping = by is Who.HANDLER and self._is_housekeeping(application.name, argument)
            if application.is_told and not is_housekeeping:
                story.tell(by, Happening.RUNS, application.name, argument)
        await application.function(self._session, argument)
        self._session.audio.application_ends(application.name)
        # One that ran nested may have left its own.
        response = channel.get("current_application_response") or "_none_"
        executed.ended, executed.response = story.now, response
        channel.fire(
            "CHANNEL_EXECUTE_COMPLETE",
            last=[each for each in (*about, ("Application-Response", response), *ids) if each[1]],
        )
        story.wake()
        if scoped is not None:
            channel.scopes.remove(scoped)

    def _is_housekeeping(self, name: str, argument: str) -> bool:
        """Whether an application only makes things ready for another one, or tidies up after it, and need not be told.

        So does a write that begins with ``multiunset``, of what earlier applications have left behind, and
        what is done to a variable of ``esl_outbound``'s own.
        """
        if self._left_of_write:
            self._left_of_write -= 1
            return name in _HOUSEKEEPING
        if name == "multiunset":
            self._left_of_write = len(self._queue)
        return self._left_of_write > 0 or (name in _HOUSEKEEPING and "esl_outbound" in argument)

    async def expand(self, text: str) -> str:
        """Text with ``${...}`` replaced."""
        core = self._session.core
        return await expand(
            text, variable=self._channel.get, api=core.expand_api, global_variable=core.global_variables.get
        )
