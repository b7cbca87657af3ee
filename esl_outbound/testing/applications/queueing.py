"""``fifo`` and ``callcenter``: callers wait, and somebody takes their calls (``mod_fifo.c``, ``mod_callcenter.c``)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final, final

import attrs
import trio

from ..core import Core
from ..expansion import separate
from ..happenings import Happening, Who
from ..playing import play
from ..session import Session, Woken
from ..wire import Event, atoi
from .application import Application
from .bridging import leave_after_bridge

__all__ = ["APPLICATIONS", "Callcenter", "CallcenterCaller", "FifoNode", "Waiting"]

_PRIORITIES: Final = 10
_ORBIT_SECONDS: Final = 60
_CHIME_SECONDS: Final = 30
_DATE: Final = "%Y-%m-%d %H:%M:%S"


# mod_fifo


@final
@attrs.define(eq=False)
class Waiting:
    """A caller in a fifo."""

    session: Session
    priority: int
    is_handed_over: bool = False
    """Whether he has heard the announcement and is ready to talk."""


@final
@attrs.define(eq=False)
class FifoNode:
    """A fifo."""

    name: str
    importance: int = 0
    waiting: list[Waiting] = attrs.field(factory=list)
    consumers: list[Session] = attrs.field(factory=list)

    def callers(self) -> Iterator[Waiting]:
        """Those who wait, the most urgent first."""
        for priority in range(_PRIORITIES):
            yield from (each for each in self.waiting if each.priority == priority)

    def count(self, priority: int) -> int:
        """How many of a priority wait."""
        return sum(each.priority == priority for each in self.waiting)

    def remove(self, caller: Waiting) -> None:
        """Somebody waits no longer: the others move up (``change_pos()``)."""
        if caller in self.waiting:
            self.waiting.remove(caller)
            same = (each for each in self.waiting if each.priority == caller.priority)
            for place, each in enumerate(same, 1):
                each.session.channel.set("fifo_position", str(place))


def _info(session: Session, subclass: str, *headers: tuple[str, str]) -> None:
    session.channel.fire("CUSTOM", before=[("Event-Subclass", subclass)], last=headers)


def _status(session: Session, status: str) -> None:
    session.channel.set("fifo_status", status)
    session.channel.set("fifo_timestamp", session.core.strftime(_DATE))


def _sound(words: list[str], place: int, default: str | None) -> str:
    word = words[place] if len(words) > place else default or ""
    return "" if word.lower() == "undef" else word


async def _fifo(session: Session, argument: str) -> None:
    """``<names>[!<importance>] in [<announce> [<music> [early|noans]]]``, or ``out [wait|nowait] ...``."""
    words = separate(argument, limit=5)
    if len(words) < 2 or words[1].lower() not in ("in", "out"):
        return
    names, is_agent = words[0].split(","), words[1].lower() == "out"
    if not is_agent and len(names) > 1:
        return
    nodes = [_node(session.core, name) for name in names]
    channel = session.channel
    announce = _sound(words, 3 if is_agent else 2, channel.get("fifo_announce"))
    music = _sound(words, 4 if is_agent else 3, channel.get("fifo_music"))
    music = "" if music.lower() == "silence" else music
    if not is_agent:
        if not (len(words) > 4 and words[4].lower() in ("noans", "early")):
            channel.answer()
        await _wait_in(session, nodes[0], announce, music)
    elif len(words) < 3 or words[2].lower() in ("wait", "nowait"):
        await _serve(session, nodes, announce, music, waits=not (len(words) > 2 and words[2].lower() == "nowait"))


def _node(core: Core, text: str) -> FifoNode:
    name, mark, importance = text.rpartition("!")
    if not mark:
        name, importance = text, ""
    return core.fifos.setdefault(name, FifoNode(name, max(atoi(importance), 0)))


async def _wait_in(session: Session, node: FifoNode, announce: str, music: str) -> None:
    channel = session.channel
    told = ("FIFO-Name", node.name)
    priority = min(max(atoi(channel.get("fifo_priority") or ""), 0), _PRIORITIES - 1)
    _info(session, "fifo::info", told, ("FIFO-Action", "push"), ("FIFO-Slot", str(priority)))
    caller = Waiting(session, priority)
    node.waiting.append(caller)
    channel.set("fifo_position", str(node.count(priority)))
    if channel.get("fifo_priority") is None:
        channel.set("fifo_priority", str(priority))
    _status(session, "WAITING")
    channel.set("fifo_push_timestamp", channel.get("fifo_timestamp"))
    channel.set("fifo_serviced_uuid", None)
    for consumer in node.consumers:
        consumer.notify()
    channel.story.wake()
    orbit, ends = _orbit(session)
    outcome = await _hear_music(session, music, ends)
    if outcome == "SERVED":
        if announce:
            await play(session, announce)
        if session.is_ready:
            agent = channel.get("fifo_serviced_uuid") or ""
            _hand_over(session, f"uuid_bridge {agent}")
            # The agent tells of it.
            session.joined_by = session.joined_to = agent
            caller.is_handed_over = True
            agent_session = session.core.sessions.get(agent)
            if agent_session is not None:
                agent_session.joined_to = channel.uuid
                agent_session.notify()
            return
        outcome = "ABORTED"
    _status(session, outcome)
    _info(session, "fifo::info", told, ("FIFO-Action", "timeout" if outcome == "TIMEOUT" else "abort"))
    node.remove(caller)
    if outcome == "TIMEOUT" and orbit != "_continue_":
        session.transfer(session.core.extensions.get(orbit), destination=orbit)


def _orbit(session: Session) -> tuple[str, float]:
    """``fifo_orbit_exten``: where a caller goes who has waited too long, and when that is."""
    orbit = session.channel.get("fifo_orbit_exten")
    if orbit is None:
        return "", math.inf
    exten, colon, seconds = orbit.partition(":")
    limit = atoi(seconds) if colon else _ORBIT_SECONDS
    return exten, trio.current_time() + max((limit if limit >= 0 else _ORBIT_SECONDS) - session.core.part_of_second, 0)


async def _hear_music(session: Session, music: str, ends: float) -> str:
    """Wait until somebody serves the caller, or he leaves; SERVED, TIMEOUT or ABORTED."""
    channel, story = session.channel, session.channel.story
    keys = channel.get("fifo_caller_exit_key") or ""
    chimes = separate(channel.get("fifo_chime_list") or "", ",") if channel.get("fifo_chime_list") else []
    every = atoi(channel.get("fifo_chime_freq") or "") or _CHIME_SECONDS
    next_chime, number = trio.current_time() + every if chimes else math.inf, 0
    pressed = ""

    def take(digit: str) -> bool:
        nonlocal pressed
        pressed = digit if digit in keys else ""
        return bool(pressed)

    def waits() -> bool:
        return channel.get("fifo_serviced_uuid") is None

    sound = story.sound_begins(music, math.inf) if music else None
    try:
        while True:
            due = min(ends, next_chime) - trio.current_time()
            woken = await session.wait(max(due, 0), on_digit=take, goes_on=waits)
            if not session.is_ready:
                return "ABORTED"
            if not waits():
                return "SERVED"
            if pressed:
                channel.set("fifo_caller_exit_key", pressed)
                return "ABORTED"
            if trio.current_time() >= ends - 1e-9:
                return "TIMEOUT"
            if woken is Woken.TIME:
                await play(session, chimes[number % len(chimes)], on_digit=take)
                if pressed:
                    return "ABORTED"
                number += 1
                next_chime = trio.current_time() + every
    finally:
        if sound is not None:
            story.sound_ends(sound, "stopped")


def _hand_over(session: Session, action: str) -> None:
    """The channel leaves what it does, and talks to whoever took it."""
    session.transfer([action])
    session.channel.state = "CS_HIBERNATE"


async def _serve(session: Session, nodes: list[FifoNode], announce: str, music: str, *, waits: bool) -> None:
    channel = session.channel
    told = ("FIFO-Name", ",".join(node.name for node in nodes))
    if waits:
        for node in nodes:
            node.consumers.append(session)
        channel.answer()
    _info(session, "fifo::info", told, ("FIFO-Action", "consumer_start"))
    _status(session, "WAITING")
    channel.story.wake()

    def none_waits() -> bool:
        return not any(node.waiting for node in nodes)

    try:
        while session.is_ready:
            first = next((each for each in nodes if each.waiting), None)
            if first is not None:
                await _talk(session, first, announce, told)
                if waits and session.is_ready:
                    await _wrap_up(session)
            if not waits:
                break
            if none_waits():
                # Without music the agent does not look at what is queued (switch_core_session_read_frame()).
                await session.wait(
                    breakable=False, on_digit=lambda _: False, goes_on=none_waits, carries_out=bool(music)
                )
    finally:
        for node in nodes:
            if session in node.consumers:
                node.consumers.remove(session)
    _info(session, "fifo::info", told, ("FIFO-Action", "consumer_stop"))


async def _talk(session: Session, node: FifoNode, announce: str, told: tuple[str, str]) -> None:
    channel, core = session.channel, session.core
    caller = next(node.callers())
    node.remove(caller)
    other = caller.session.channel
    _info(caller.session, "fifo::info", told, ("FIFO-Action", "caller_pop"))
    _info(session, "fifo::info", told, ("FIFO-Action", "consumer_pop"), ("FIFO-Caller-UUID", other.uuid))
    if announce:
        await play(session, announce)
    other.set("fifo_serviced_by", channel.get("fifo_consumer_id") or channel.uuid)
    other.set("fifo_serviced_uuid", channel.uuid)
    # Whatever the caller hears meanwhile is broken off (CF_BREAK).
    caller.session.executions.break_innermost()

    def look(event: Event) -> None:
        if event.name == "CHANNEL_HANGUP" and event.get("Unique-ID") == other.uuid:
            session.notify()

    core.observers.append(look)
    try:
        await _talk_to(session, caller)
    finally:
        core.observers.remove(look)


async def _talk_to(session: Session, caller: Waiting) -> None:
    channel, core, other = session.channel, session.core, caller.session.channel

    def is_up() -> bool:
        return other.uuid in core.channels

    await session.wait(breakable=False, goes_on=lambda: is_up() and not caller.is_handed_over, carries_out=False)
    if not session.is_ready or not is_up():
        return
    began = core.micros() // 1_000_000
    for each, target, role in (session, other.uuid, "consumer"), (caller.session, channel.uuid, "caller"):
        _status(each, "TALKING")
        each.channel.set("fifo_target", target)
        each.channel.set("fifo_role", role)
        each.channel.set("fifo_epoch_start_bridge", str(began))
    ids = [("Bridge-A-Unique-ID", channel.uuid), ("Bridge-B-Unique-ID", other.uuid)]
    channel.fire("CHANNEL_BRIDGE", first=ids)
    channel.story.tell(Who.CALLER, Happening.TALKS_TO, other.profile.caller_id_number)
    exit_key = (channel.get("fifo_consumer_exit_key") or "*")[:1]

    def talks() -> bool:
        return is_up() and caller.session.joined_to == channel.uuid

    woken = await session.wait(breakable=False, on_digit=lambda digit: digit == exit_key, goes_on=talks)
    if woken is Woken.DIGIT:
        other.hang_up("NORMAL_CLEARING")
    session.joined_to = ""
    caller.session.notify()
    channel.fire("CHANNEL_UNBRIDGE", first=ids)
    ended = core.micros() // 1_000_000
    for side in (channel, other):
        side.set("fifo_epoch_stop_bridge", str(ended))
        side.set("fifo_bridge_seconds", str(ended - began))
    _status(session, "WAITING")
    _status(caller.session, "DONE")


async def _wrap_up(session: Session) -> None:
    channel = session.channel
    time = channel.get("fifo_consumer_wrapup_time")
    seconds = (5000 if time is None else atoi(time)) / 1000
    if seconds <= 0:
        return
    channel.set("fifo_status", "WRAPUP")
    if sound := channel.get("fifo_consumer_wrapup_sound"):
        await play(session, sound)
    key = channel.get("fifo_consumer_wrapup_key") or ""
    await session.wait(seconds, breakable=False, on_digit=lambda digit: bool(key) and digit == key)
    channel.set("fifo_status", "WAITING")


# mod_callcenter


@final
@attrs.define(eq=False)
class CallcenterCaller:
    """A caller in a queue of mod_callcenter's."""

    session: Session
    uuid: str
    joined: int
    base_score: int
    state: str = "Waiting"
    is_left: str = ""
    """Why he is to leave: ``TIMEOUT``, ``NO_AGENT_TIMEOUT``."""
    agent: str = ""
    agent_uuid: str = ""


@final
@attrs.define(eq=False)
class Callcenter:
    """A queue of mod_callcenter's, as a test describes it."""

    name: str
    music: str
    max_wait_seconds: float
    agent: str
    """The agent who takes calls; empty if there is none."""
    answers_after: float
    talks_for: float
    members: list[CallcenterCaller] = attrs.field(factory=list)


async def _callcenter(session: Session, argument: str) -> None:
    words = separate(argument, limit=6)
    core, channel = session.core, session.channel
    queue = core.callcenters.get(words[0]) if words else None
    if queue is None:
        return
    channel.answer()
    joined = core.micros() // 1_000_000
    member = CallcenterCaller(session, core.new_uuid(), joined, atoi(channel.get("cc_base_score") or ""))
    channel.set("cc_side", "member")
    channel.set("cc_member_uuid", member.uuid)
    channel.set("cc_agent_found", None)
    channel.set("cc_agent_bridged", None)
    channel.set("cc_queue_joined_epoch", str(joined))
    channel.set("cc_queue", queue.name)
    about = [
        ("CC-Member-UUID", member.uuid),
        ("CC-Member-Session-UUID", channel.uuid),
        ("CC-Member-CID-Name", channel.profile.caller_id_name),
        ("CC-Member-CID-Number", channel.profile.caller_id_number),
    ]
    told = ("CC-Queue", queue.name)
    _info(session, "callcenter::info", told, ("CC-Action", "member-queue-start"), *about)
    queue.members.append(member)
    channel.story.wake()
    if queue.max_wait_seconds:
        session.schedule(queue.max_wait_seconds, _leave(member, "TIMEOUT"))
    if queue.agent:
        session.schedule(queue.answers_after, _answer(member, queue))
    reason = await _wait_for_agent(session, queue, member)
    channel.set("cc_agent_found", None)
    if not reason and session.channel.hangup_cause is None:
        channel.set("cc_cause", "answered")
        return
    member.state = "Abandoned"
    now = str(core.micros() // 1_000_000)
    reason = reason or "BREAK_OUT"
    cancelled = [("CC-Cause", "Cancel"), ("CC-Cancel-Reason", reason)]
    _info(session, "callcenter::info", told, ("CC-Action", "member-queue-end"), *cancelled, *about)
    channel.set("cc_queue_canceled_epoch", now)
    channel.set("cc_cause", "cancel")
    channel.set("cc_cancel_reason", reason)


def _leave(member: CallcenterCaller, reason: str) -> Callable[[], None]:
    def leave() -> None:
        if member.state == "Waiting":
            member.is_left = reason
            member.session.notify()

    return leave


def _answer(member: CallcenterCaller, queue: Callcenter) -> Callable[[], None]:
    def answer() -> None:
        session = member.session
        if member.state != "Waiting" or member.is_left or not session.is_ready:
            return
        member.state, member.agent, member.agent_uuid = "Answered", queue.agent, session.core.new_uuid()
        session.channel.set("cc_agent_found", "true")
        session.channel.set("cc_agent_uuid", member.agent_uuid)
        _hand_over(session, f"simulated_agent {queue.name} {queue.agent}")

    return answer


async def _wait_for_agent(session: Session, queue: Callcenter, member: CallcenterCaller) -> str:
    """Hear music until an agent answers, and then nothing is said; or until the caller leaves, and then why."""
    channel, story = session.channel, session.channel.story
    music = channel.get("cc_moh_override") or queue.music
    sound = story.sound_begins(music, math.inf) if music else None
    pressed = ""

    def take(digit: str) -> bool:
        nonlocal pressed
        pressed = digit if digit in (channel.get("cc_exit_keys") or "") else ""
        return bool(pressed)

    try:
        while session.is_ready and not member.is_left:
            await session.wait(on_digit=take, goes_on=lambda: not member.is_left)
            if pressed:
                channel.set("cc_exit_key", pressed)
                return "EXIT_WITH_KEY"
    finally:
        if sound is not None:
            story.sound_ends(sound, "stopped")
    if member.is_left:
        return member.is_left
    return "" if channel.is_true("cc_agent_found") else "BREAK_OUT"


async def _simulated_agent(session: Session, argument: str) -> None:
    """Talk to the agent who took the call, until he or the caller hangs up."""
    core, channel = session.core, session.channel
    name, _, agent = argument.partition(" ")
    queue = core.callcenters[name]
    member = next(each for each in queue.members if each.session is session)
    ids = [("Bridge-A-Unique-ID", channel.uuid), ("Bridge-B-Unique-ID", member.agent_uuid)]
    channel.fire("CHANNEL_BRIDGE", first=ids)
    channel.story.tell(Who.CALLER, Happening.TALKS_TO, agent)
    channel.set("cc_agent_bridged", "true")
    channel.set("cc_agent", agent)
    channel.set("cc_queue_answered_epoch", str(core.micros() // 1_000_000))
    await session.wait(queue.talks_for, breakable=False, on_digit=lambda _: False)
    channel.fire("CHANNEL_UNBRIDGE", first=ids)
    channel.set("cc_queue_terminated_epoch", str(core.micros() // 1_000_000))
    queue.members.remove(member)
    if session.is_ready and not leave_after_bridge(session, was_answered=True):
        session.hang_up_from_within("NORMAL_CLEARING")


APPLICATIONS: Final = (
    Application("fifo", _fifo, needs_media=True),
    Application("callcenter", _callcenter, needs_media=True),
    Application("simulated_agent", _simulated_agent, is_told=False),
)
