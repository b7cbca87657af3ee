"""``FakeFreeSwitch``: a switch in memory, and the phones that call it."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, final

import trio

from ..handler import HandlerSource
from .api import API_COMMANDS
from .applications import Application, all_applications
from .applications.application import ApplicationFunction
from .applications.queueing import Callcenter
from .callee import Callee
from .caller import Caller
from .checks import check_actions, check_cause, check_endpoint, check_event_names, check_mode, check_target, check_texts
from .connection import Faults
from .core import Core
from .destinations import Destination
from .ending import call_context, open_ending_nursery
from .endpoints import Endpoint, make_channel
from .far_legs import with_far_legs
from .finishing import expectation_in, finish, hear_handler_out, one_problem_at_a_time
from .happenings import Happening, Moment, Who
from .installation import Gateway, Registration
from .life import live
from .logs import logs_kept
from .placing import calls_live_in, finish_placed, is_called, placed_in, raise_fault, rings
from .reachable import Reachable
from .recordings import Recording
from .replaying import LIMIT_SECONDS, Replayed, replay
from .session import Session
from .story import Story
from .targets import Server, Target, Targets
from .watch import Watch

__all__ = ["FakeFreeSwitch"]

_OURS: Final = "127.0.0.1:8084"
_REGISTERED_SECONDS: Final = 3600


@final
class FakeFreeSwitch(Reachable):
    """A simulated FreeSWITCH: ``async with phone.dial(Handler) as caller``.

    It plays FreeSWITCH's side of the event socket as FreeSWITCH 1.11 was measured to, on trio's clock: with a
    ``MockClock`` that jumps, an hour's call takes milliseconds.

    Args:
        seed: From which its UUIDs are made: the same seed gives the same ones.
        sounds: A folder of sound files: those that are in it last as long as their headers say.
        date: What its clock shows when the first call begins; the time of day, if not said. FreeSWITCH counts
            lingering, park_timeout and other limits in whole seconds of that clock.
    """

    def __init__(self, *, seed: int = 0, sounds: Path | None = None, date: datetime | None = None) -> None:
        super().__init__(Core(seed, date))
        self._core.sounds.folder = sounds
        for application in all_applications():
            self._core.applications[application.name] = application
        self._core.api_commands.update(with_far_legs(API_COMMANDS))

    # What there is on this switch

    @property
    def patience(self) -> float | None:
        """Seconds for which an expectation waits, and a handler may go on after its call's end.

        A minute, if it is not said, and an hour of time that jumps.
        """
        return self._core.patience

    @patience.setter
    def patience(self, seconds: float | None) -> None:
        self._core.patience = seconds

    @property
    def global_variables(self) -> dict[str, str]:
        """What ``$${name}`` becomes."""
        return self._core.global_variables

    @property
    def users(self) -> dict[str, Mapping[str, str]]:
        """The variables of its directory's users, by ``user@domain``, for ``set_user``."""
        return self._core.users

    @property
    def programs(self) -> list[str]:
        """What the switch was asked to run by ``system``, of which nothing was run."""
        return list(self._core.programs)

    def sound(self, path: str, seconds: float) -> None:
        """Say how long a sound lasts; those of which nothing is said last a second.

        Args:
            path: As it is played, or its end, or a pattern with ``*``; ``say:number:12`` and ``speak:hello``
                for what is spoken.
            seconds: May be ``math.inf``.
        """
        self._core.sounds.add(path, seconds)

    def missing_sound(self, path: str) -> None:
        """Say that there is no such sound: ``playback`` says FILE NOT FOUND."""
        self._core.sounds.missing(path)

    def unwritable(self, pattern: str) -> None:
        """Say that paths cannot be opened for recording: ``record`` hangs the call up, as FreeSWITCH does."""
        self._core.unwritable.append(pattern)

    def missing_engine(self, engine: str) -> None:
        """Say that there is no speech recogniser of that name; all others there are."""
        self._core.missing_engines.add(engine)

    def missing_grammar(self, pattern: str) -> None:
        """Say that no speech recogniser takes a grammar, or those that a pattern with ``*`` matches."""
        self._core.missing_grammars.append(pattern)

    def destination(
        self,
        pattern: str,
        *,
        answers_after: float | None = 1.0,
        cause: str = "",
        refuses_after: float = 0.02,
        early_media_after: float | None = None,
        hangs_up_after: float | None = None,
    ) -> None:
        """Say what happens when ``bridge`` calls a destination; others ring for a second and answer.

        Args:
            pattern: The dial string of a leg, such as ``user/1001``, or a pattern with ``*``.
            answers_after: Seconds until it answers; None rings until ``Callee.answers()`` or a timeout.
            cause: Why it does not answer, such as USER_BUSY or UNALLOCATED_NUMBER.
            refuses_after: Seconds until it says so.
            early_media_after: Seconds until it is heard before the answer, which makes the bridge.
            hangs_up_after: Seconds of talk until it hangs up.
        """
        check_cause(cause)
        self._core.destinations.append(
            Destination(pattern, answers_after, cause, refuses_after, early_media_after, hangs_up_after)
        )

    def extension(self, number: str, actions: Sequence[str], *, context: str = "") -> None:
        """Say what the dialplan does at an extension, where ``transfer`` goes.

        Args:
            number: The extension.
            actions: Each ``application argument``; a ``socket`` finds the servers of ``listens()``.
            context: The dialplan's context; any, if not said.
        """
        check_actions(actions=actions)
        self._core.extensions[f"{context}/{number}" if context else number] = tuple(actions)

    def application(
        self, name: str, function: ApplicationFunction, *, needs_media: bool = False, runs_after_hangup: bool = False
    ) -> None:
        """Add an application, or replace one.

        Args:
            name: Its name.
            function: A coroutine function that gets the ``Session`` and the argument after expansion.
            needs_media: Whether a channel without media is pre-answered first.
            runs_after_hangup: Whether it still runs on a channel that is hung up.
        """
        self._core.applications[name.lower()] = Application(name, function, needs_media, runs_after_hangup)

    def api_command(self, name: str, function: Callable[[str], Awaitable[str]]) -> None:
        """Add an API command, or replace one.

        Args:
            name: Its name.
            function: A coroutine function that gets the argument and returns what is printed.
        """

        async def command(_: Core, argument: str) -> str:
            return await function(argument)

        self._core.api_commands[name.lower()] = command

    def callcenter(
        self,
        queue: str,
        *,
        music: str = "local_stream://moh",
        max_wait_seconds: float = 0,
        agent: str = "",
        answers_after: float = 1.0,
        talks_for: float = math.inf,
    ) -> None:
        """Say that there is a queue of mod_callcenter's; ``callcenter`` finds no others.

        Args:
            queue: Its name, such as ``support@default``.
            music: What callers hear in it.
            max_wait_seconds: How long they wait at most; 0 is for ever.
            agent: Who takes each call; nobody, if not said.
            answers_after: Seconds until he does.
            talks_for: Seconds until he hangs up.
        """
        self._core.callcenters[queue] = Callcenter(queue, music, max_wait_seconds, agent, answers_after, talks_for)

    def missing_mailbox(self, user_id: str, domain: str) -> None:
        """Say that there is no such mailbox: ``voicemail`` says goodbye at once."""
        self._core.missing_mailboxes.add(f"{user_id}@{domain}")

    def registered(self, user: str, domain: str = "127.0.0.1", *, contact: str = "", profile: str = "internal") -> None:
        """Say that a telephone has registered, for ``show registrations``, ``sofia_contact`` and the like.

        Args:
            user: Its user.
            domain: The user's domain.
            contact: Its address, such as ``sip:1001@192.0.2.10:5060``.
            profile: With which SIP profile.
        """
        check_texts(user=user, domain=domain, contact=contact, profile=profile)
        expires = self._core.micros() // 1_000_000 + _REGISTERED_SECONDS
        contact = contact or f"sip:{user}@192.0.2.10:5060"
        self._core.installation.registrations.append(
            Registration(user, domain, contact, expires, self._core.new_uuid(), profile)
        )

    def gateway(self, name: str, *, state: str = "REGED", profile: str = "external", is_up: bool = True) -> None:
        """Say that there is a SIP gateway, for ``sofia status``.

        Args:
            name: Its name.
            state: ``REGED``, ``NOREG``, ``FAIL_WAIT``, ``TRYING`` and so on.
            profile: Its SIP profile.
            is_up: Whether it answers when it is pinged.
        """
        self._core.installation.gateways.append(Gateway(name, state, profile, is_up=is_up))

    def missing_module(self, name: str) -> None:
        """Say that a module is not loaded, and that there is no such one to load: what it brings is not there."""
        self._core.unload_module(name)
        self._core.installation.loadable.discard(name)

    @property
    def dialplan_xml(self) -> str:
        """The dialplan's XML, for ``xml_locate dialplan``: a context, or several in an ``<include>``.

        Calls follow ``extension()``, and not this.
        """
        return self._core.installation.dialplan_xml

    @dialplan_xml.setter
    def dialplan_xml(self, text: str) -> None:
        self._core.installation.dialplan_xml = text

    def listens(self, address: str, target: Server) -> None:
        """Say that a server listens at ``host:port``, in memory, for ``socket`` applications."""
        self._core.servers[address] = target

    def refuses(self, address: str) -> None:
        """Say that nobody listens at ``host:port``."""
        self._core.servers[address] = None

    # What is done to it

    async def api(self, name: str, argument: str = "") -> str:
        """Run an API command, as somebody else on the switch would, and say what it printed."""
        return await self._core.run_api(name, argument)

    async def rings(self, destination: str, *, within: float | None = None) -> Callee:
        """Expect that ``originate`` calls somebody, and that it rings there.

        Args:
            destination: What was dialled, such as ``user/1001``, or a pattern with ``*``; each call is expected once.
            within: Seconds for which to wait; ``patience`` if not said.

        Returns:
            Who is called, who can answer or refuse.

        Raises:
            CallFailed: Nobody was called in time.
        """
        __tracebackhide__ = True
        return await rings(self._core, destination, within)

    async def is_called(self, destination: str, *, within: float | None = None) -> Caller:
        """Expect that ``originate`` calls somebody who answers, and be the one.

        Of a call to ``loopback/1000`` it is the caller of the dialplan's extension 1000, and ``loopback/1000-a``, the
        name of the channel, the one at the other end.

        Args:
            destination: What was dialled, such as ``user/1001``, or a pattern with ``*``; each call is expected once.
            within: Seconds for which to wait; ``patience`` if not said.

        Returns:
            The call, as ``dial()`` gives it to a caller.

        Raises:
            CallFailed: Nobody was called in time, or nobody answered.
        """
        __tracebackhide__ = True
        return await is_called(self._core, destination, within)

    async def shut_down(self) -> None:
        """Shut the switch down in order: all calls end with SYSTEM_SHUTDOWN."""
        self._core.is_shutting_down = True
        if self._core.call_nursery is not None:
            self._core.call_nursery.start_soon(self._port.shut_down_after, list(self._core.sessions.values()))
        for channel in list(self._core.channels.values()):
            channel.story.tell(Who.SWITCH, Happening.SHUTS_DOWN)
            channel.hang_up("SYSTEM_SHUTDOWN")
        await trio.lowlevel.checkpoint()

    async def dies(self) -> None:
        """Kill the switch: its connections break, and nothing is said any more."""
        self._port.die()
        for session in list(self._core.sessions.values()):
            session.channel.story.tell(Who.SWITCH, Happening.DIES)
            for listener in tuple(session.listeners):
                listener.connection.reset()
                listener.notify()
            session.channel.hang_up("SYSTEM_SHUTDOWN")
        await trio.lowlevel.checkpoint()

    # Calls

    async def replay(
        self,
        recording: Recording | str | os.PathLike[str],
        handler: HandlerSource,
        *,
        limit_seconds: float = LIMIT_SECONDS,
        fails_if_handler_does: bool = True,
    ) -> Replayed:
        """Play a recorded conversation back against a handler.

        The handler gets what FreeSWITCH said then, at the same moments after the commands that went before, and has to
        say what was said then. A ``.raw`` file, FreeSWITCH's bytes alone, plays back by order and time stamps.

        Args:
            recording: A recording, or the path of one: what ``serve(..., record=DIR)`` wrote, or a ``.raw`` file.
            handler: What ``serve`` takes.
            limit_seconds: How much longer than was recorded the handler may take for its next command, and to end.
            fails_if_handler_does: Whether a fault of the handler fails the test.

        Returns:
            How the handler ended, and what it said.

        Raises:
            HandlerFailed: The handler said what was recorded, and raised something.
            ReplayDiverged: The handler said something else than was recorded, or nothing more, or did not end.
            NotARecording: The file is no recording, or not one of a call.
            TypeError: ``handler`` makes no handlers.
        """
        __tracebackhide__ = True
        return await replay(
            recording, handler, limit_seconds=limit_seconds, fails_if_handler_does=fails_if_handler_does
        )

    @call_context
    async def dial(
        self,
        target: Target,
        *,
        number: str = "5000",
        caller_id: str = "1000",
        caller_id_name: str = "",
        variables: Mapping[str, str] | None = None,
        mode: str = "async full",
        path: str = "",
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        context: str = "default",
        endpoint: Endpoint = "sofia",
        faults: Faults | None = None,
        fails_if_handler_does: bool = True,
        told: Callable[[Moment], None] | None = None,
    ) -> AsyncIterator[Caller]:
        """Call, and be the caller.

        The dialplan runs ``before``, hands the call to ``target`` with ``socket``, and then runs ``after``. When
        the block is left, a call that is up is hung up by the caller, and the handler is waited for.

        Args:
            target: What takes the call: whatever ``serve`` takes; ``host:port`` of a server that runs already, in
                any language, or several with ``|`` between; or a coroutine function that is given the connection.
                A server in another process needs real time, and not a clock that jumps.
            number: The number that is called.
            caller_id: The caller's number.
            caller_id_name: The caller's display name, which callers choose.
            variables: Channel variables.
            mode: The flags of the dialplan line: ``async full``, ``async``, ``full`` or none.
            path: What follows the address in the dialplan line (``socket_path``).
            before: Actions before the socket, each ``application argument``, such as ``answer``.
            after: Actions after it.
            context: The dialplan's context.
            endpoint: What kind of channel it is.
            faults: What goes wrong on the connection.
            fails_if_handler_does: Whether a fault of the handler fails the test, even one for ``on_error``.
            told: Gets each thing that happens, at once, to show a call live.

        Raises:
            CallFailed: The caller was left parked for ever, or the handler does not end.
            HandlerFailed: The handler raised something that is not the end of the call.
            ValueError: An argument makes no sense; what is wrong is said.
        """
        __tracebackhide__ = True
        check_target(target, self._core.servers)
        check_mode(mode)
        check_endpoint(endpoint)
        check_texts(number=number, caller_id=caller_id, caller_id_name=caller_id_name, path=path, context=context)
        check_actions(before=before, after=after)
        check_event_names(faults.lost_events if faults is not None else ())
        hosts = target if isinstance(target, str) else _OURS
        places = "|".join(f"{host}/{path}" if path else host for host in hosts.split("|"))
        dialplan = [*before, f"socket {places} {mode}".rstrip(), *after]
        patience = self._core.patience_seconds
        story = Story(told)
        story.begin()
        channel = make_channel(
            self._core,
            story,
            endpoint=endpoint,
            number=number,
            caller_id=caller_id,
            caller_id_name=caller_id_name,
            context=context,
            variables=variables or {},
        )
        problem: BaseException | None = None
        watches: list[Watch] = []
        try:
            with one_problem_at_a_time():
                async with open_ending_nursery(patience) as nursery:
                    targets = Targets(partial(self._server_at, target), nursery)
                    session = Session(
                        channel, dialplan, nursery=nursery, connect=targets.connect, faults=faults or Faults()
                    )
                    watch = targets.watch = Watch(session, patience)
                    story.tell(Who.CALLER, Happening.CALLS, caller_id, number)
                    nursery.start_soon(live, session)
                    caller = Caller(watch)
                    with logs_kept(watch), calls_live_in(self._core, nursery):
                        try:
                            yield caller
                            await finish(caller, watch, targets)
                            await finish_placed(self._core, nursery)
                        except trio.Cancelled:
                            raise
                        except BaseException as exc:
                            problem = expectation_in(exc)
                            await hear_handler_out(problem, watch, targets)
                    watches = [watch, *(call.watch for call in placed_in(self._core, nursery))]
                    nursery.cancel_scope.cancel()
        except Exception as exc:
            if problem is None:
                raise
            # What the test was told first comes first; the other is told with it.
            problem.add_note(f"and then: {exc!r}")
        if problem is not None:
            raise problem
        if fails_if_handler_does:
            raise_fault(watches)

    def _server_at(self, target: Target, address: str) -> Target | None:
        """Who listens there; an address itself stands for the network."""
        if address in self._core.servers:
            return self._core.servers[address]
        if isinstance(target, str):
            return address
        return target if address == _OURS else None
