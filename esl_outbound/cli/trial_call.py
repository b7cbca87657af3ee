"""A loopback call through the dialplan to a server, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, final
from uuid import uuid4

import attrs
import trio

from ..arguments.applications import Application
from ..arguments.checks import check_word
from ..client import LogLines, Switch, SwitchEvents
from ..errors import ApiFailed, CommandRejected, Disconnected, EventsLost, OriginateFailed
from ..protocol import Event
from .findings import Finding, Found, ok, warning, wrong
from .options import Address
from .reading_dialplan import SocketAction

__all__ = ["CallStory", "TrialCall", "place_trial_call", "story_findings"]

_SERVER_SECONDS: Final = 5.0
"""How long the server has to do anything at all with the call."""
_LATE_SECONDS: Final = 0.5
"""How long events may come behind the news that the call failed."""
_LOG_SECONDS: Final = 0.2
"""How long a line of the log may come behind the event that it belongs to."""
_HANGUP_SECONDS: Final = 2.0
_END_SECONDS: Final = 20.0
"""How long the channel may stay after its hangup: servers linger."""
_EVENTS: Final = (
    *("CHANNEL_PARK", "CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE", "CHANNEL_HANGUP"),
    *("CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"),
)
# What divides a dial string, or loopback's part of it.
_NOT_IN_PARTS: Final = ",|/{}[]<>"
# What listener_run() in mod_event_socket.c logs when a channel is down whose server has said linger.
_LINGER: Final = re.compile(r"Socket Linger (-?\d+)")
# socket_function() there, of each host that it could not connect to.
_SOCKET_ERROR: Final = re.compile(r"Socket Error: (.+)")


@final
@attrs.frozen
class TrialCall:
    """A call that is to be placed.

    Raises:
        LocalProtocolError: Its number or its context cannot be said.
    """

    number: str
    context: str = "default"
    seconds: float = 10
    """How long it is let to go on."""

    def __attrs_post_init__(self) -> None:
        check_word(self.number, "call", without=_NOT_IN_PARTS)
        check_word(self.context, "context", without=_NOT_IN_PARTS)


@final
class CallStory:
    """What the leg of a loopback call went through that is in the dialplan.

    Args:
        a_leg: The UUID of its other leg.
    """

    def __init__(self, a_leg: str) -> None:
        self.channel_uuid = ""
        """Empty until the leg was seen."""
        self.executed: Final[list[tuple[str, str]]] = []
        """The applications that ran, with their arguments, from the dialplan and from the server."""
        self.socket: str | None = None
        """What the first ``socket`` action was given."""
        self.was_taken = False
        """Whether a server said ``connect``: FreeSWITCH parks the call then, or runs what the server wants."""
        self.socket_is_over = False
        self.hangup_cause = ""
        self.is_gone = False
        """Whether the channel does not exist any more."""
        self.linger: int | None = None
        """For how many seconds the server asked to linger: -1 is for ever; None if it did not, as far as is known."""
        self.socket_error = ""
        """Why FreeSWITCH could not connect, as it logged it."""
        self.is_being_ended = False
        """Whether we have asked for its end."""
        self._a_leg: Final = a_leg

    def take(self, event: Event) -> bool:
        """Take in an event; says whether it was of this leg."""
        uuid = event.get("Unique-ID")
        # mod_loopback.c names each leg to the other.
        if not self.channel_uuid and event.variables.get("other_loopback_leg_uuid") == self._a_leg:
            self.channel_uuid = uuid
        if not uuid or uuid != self.channel_uuid:
            return False
        application = event.get("Application")
        match event.name:
            case "CHANNEL_PARK" | "CHANNEL_EXECUTE" | "CHANNEL_EXECUTE_COMPLETE" if self.hangup_cause:
                pass  # `socket` parks even then, and completes (socket_function() in mod_event_socket.c)
            case "CHANNEL_EXECUTE":
                self.executed.append((application, event.get("Application-Data")))
                if application == "socket" and self.socket is None:
                    self.socket = event.get("Application-Data")
                elif self.socket is not None and not self.socket_is_over:
                    self.was_taken = True
            case "CHANNEL_PARK" if self.socket is not None and not self.socket_is_over:
                self.was_taken = True
            case "CHANNEL_EXECUTE_COMPLETE" if application == "socket":
                self.socket_is_over = True
            case "CHANNEL_HANGUP":
                self.hangup_cause = event.get("Hangup-Cause")
                # Without a server the dialplan, or its end, hangs up, when `socket` is over.
                self.was_taken |= self.socket is not None and not self.socket_is_over and not self.is_being_ended
            case "CHANNEL_DESTROY":
                self.is_gone = True
        return True

    def take_line(self, text: str) -> None:
        """Take in a line of the log that belongs to this leg."""
        if (found := _LINGER.search(text)) is not None:
            self.linger = int(found[1][:20])
        elif (found := _SOCKET_ERROR.search(text)) is not None:
            self.socket_error = found[1]


async def place_trial_call(switch: Switch, call: TrialCall, server: Address, found: Found) -> None:
    """Call a number by loopback, let the call go on for a while, end it, and tell what became of it.

    Raises:
        Disconnected: The connection ended meanwhile.
    """
    a_leg = str(uuid4())
    story = CallStory(a_leg)
    failed: list[ApiFailed | CommandRejected] = []
    problem: Finding | None = None
    lost: BaseException | None = None
    try:
        async with switch.events(*_EVENTS) as events, trio.open_nursery() as nursery:
            nursery.start_soon(_read_log, switch, story)
            over = trio.Event()
            nursery.start_soon(_originate, switch, call, a_leg, failed, over)
            try:
                await _follow(call, story, events, failed)
            finally:
                story.is_being_ended = True
                await _hang_up(switch, a_leg)
            with trio.move_on_after(_END_SECONDS):
                while story.channel_uuid and not story.is_gone:
                    story.take(await events.get())
                await over.wait()
            await trio.sleep(_LOG_SECONDS)
            nursery.cancel_scope.cancel()
    except* EventsLost:
        problem = warning("the call could not be followed: there are too many other calls")
    except* CommandRejected as group:
        problem = warning(f"the call could not be followed: {_first(group)}")
    except* Disconnected as group:
        lost = _first(group)
    if lost is not None:
        raise lost
    if problem is not None:
        found(problem)
        return
    for finding in story_findings(story, call, server, failed[0] if failed else None):
        found(finding)


async def _follow(
    call: TrialCall, story: CallStory, events: SwitchEvents, failed: list[ApiFailed | CommandRejected]
) -> None:
    """Take in what happens, until the call is over, has had its time, or will come to nothing."""
    with trio.move_on_after(call.seconds):
        while not story.hangup_cause and not (failed and not story.channel_uuid):
            with trio.move_on_after(_LATE_SECONDS if failed else _SERVER_SECONDS) as waiting:
                story.take(await events.get())
            if waiting.cancelled_caught and (failed or (story.socket is not None and not story.was_taken)):
                return


def _first(group: BaseExceptionGroup[CommandRejected | Disconnected]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _originate(
    switch: Switch, call: TrialCall, a_leg: str, failed: list[ApiFailed | CommandRejected], over: trio.Event
) -> None:
    try:
        await switch.originate(
            f"loopback/{call.number}/{call.context}",
            Application("park"),
            channel_uuid=a_leg,
            caller_id_name="esl-outbound doctor",
            ring_seconds=call.seconds + 1,
        )
    except (ApiFailed, CommandRejected) as exc:
        failed.append(exc)
    finally:
        over.set()


async def _read_log(switch: Switch, story: CallStory) -> None:
    """Read what FreeSWITCH logs of the call: nothing else says that a server lingers."""
    try:
        async with switch.log_lines("debug") as lines:
            await _read_lines(lines, story)
    except CommandRejected:
        pass  # this user may not read the log


async def _read_lines(lines: LogLines, story: CallStory) -> None:
    while True:
        try:
            line = await lines.get()
        except EventsLost:
            continue
        if story.channel_uuid and line.channel_uuid == story.channel_uuid:
            story.take_line(line.text)


async def _hang_up(switch: Switch, a_leg: str) -> None:
    """End the call, whatever happens; it may be over, or still ring."""
    with trio.CancelScope(shield=True, deadline=trio.current_time() + _HANGUP_SECONDS):
        await switch.api(f"uuid_kill {a_leg}")


# What is to be said of it


def story_findings(
    story: CallStory, call: TrialCall, server: Address, failed: ApiFailed | CommandRejected | None
) -> Iterable[Finding]:
    """What is to be said of a call."""
    what = f"the call to {call.number} in context {call.context}"
    if not story.channel_uuid:
        if isinstance(failed, OriginateFailed) and failed.hangup_cause == "CHAN_NOT_IMPLEMENTED":
            yield wrong(
                f"{what} cannot be placed: mod_loopback is not loaded",
                "in autoload_configs/modules.conf.xml (or say to FreeSWITCH now: load mod_loopback)",
                '<load module="mod_loopback"/>',
            )
        else:
            yield wrong(f"{what} never came into the dialplan: {failed or 'FreeSWITCH said nothing of it'}")
        return
    if story.socket is None:
        ran = ", ".join(f"{name} {argument}".rstrip() for name, argument in story.executed)
        ended = f", and it ended with {story.hangup_cause}" if story.hangup_cause else ""
        yield wrong(
            f"{what} came to no socket action: the dialplan ran {ran or 'nothing'}{ended}",
            f"let an extension of context {call.context} that matches {call.number} have",
            f'<action application="socket" data="{server.for_dialplan} async full"/>',
        )
        return
    yield from _socket_findings(story, what, server)


def _socket_findings(story: CallStory, what: str, server: Address) -> Iterable[Finding]:
    assert story.socket is not None
    action = SocketAction("", "", story.socket, has_next=True, has_net=True)
    hosts = story.socket.strip().partition(" ")[0]
    right = f'<action application="socket" data="{hosts} async full"/>'
    if not any(host.is_at(server) for host in action.hosts):
        yield wrong(
            f"{what} was sent to {hosts}, and not to {server}",
            "let its socket action be",
            f'<action application="socket" data="{server.for_dialplan} async full"/>',
        )
        return
    if not story.was_taken:
        if story.socket_is_over:
            yield wrong(
                f"{what} was sent to {hosts}, and FreeSWITCH could not connect to it"
                f"{f' ({story.socket_error})' if story.socket_error else ', or was sent away at once'}"
                f"{_what_followed(story)}",
                "start the server there, and let FreeSWITCH's machine reach it",
                f"esl-outbound serve app:Handler --host {server.host} --port {server.port}",
            )
        else:
            yield wrong(
                f"{what} was sent to {hosts}, which took the connection and did not say connect: the caller waits in"
                " silence",
                "let a server of the event socket listen there",
                f"esl-outbound serve app:Handler --host {server.host} --port {server.port}",
            )
        return
    yield ok(f"{what} reached the server at {hosts}{_what_it_did(story)}")
    mode = "async" if "async" in action.flags else "static"
    control = "full" if "full" in action.flags else "single-channel"
    if len(action.flags) == 2:
        yield ok(f"Socket-Mode is {mode}, Control is {control}")
    else:
        yield wrong(
            f"Socket-Mode is {mode}, Control is {control}: not everything works", "let its socket action be", right
        )
    yield _linger_finding(story, control, right)
    if not story.hangup_cause or not story.is_gone:
        yield wrong(
            f"{what} did not end: channel {story.channel_uuid} is still there {_END_SECONDS:g} s after its hangup",
            "let the server close its connection when a call is over; to end it now, restart the server",
        )
    else:
        yield ok(f"the call ended with {story.hangup_cause}, and its channel is gone")


def _linger_finding(story: CallStory, control: str, right: str) -> Finding:
    if story.linger is not None and story.linger >= 0:
        return ok(f"linger was granted, for {story.linger} s")
    if story.linger is not None:
        return warning(
            "linger was granted without an end: if the server does not close its connection, FreeSWITCH keeps the"
            " channel for ever",
            "let the server say",
            "linger 10",
        )
    if control != "full":
        return wrong(
            "linger was not granted: it needs full, and without it the end of the call's record may be lost",
            "let its socket action be",
            right,
        )
    return warning("whether linger was granted cannot be seen: FreeSWITCH logged nothing of it")


def _what_it_did(story: CallStory) -> str:
    at = next(number for number, (name, _) in enumerate(story.executed) if name == "socket")
    did = [name for name, _ in story.executed[at + 1 :]]
    return f", which ran {', '.join(did)}" if did else ""


def _what_followed(story: CallStory) -> str:
    did = _what_it_did(story).replace(", which ran", "; then the dialplan ran", 1)
    return f"{did}; it ended with {story.hangup_cause}" if story.hangup_cause else did
