"""mod_callcenter: queues with agents, tiers and strategies, as FreeSWITCH's configuration has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias, final

import attrs
import trio

from ..arguments.checks import check_file_name, check_number, check_word
from ..arguments.numbers import whole
from ..arguments.text import Text, argument, escaped, shown
from ..errors import ApplicationFailed, LocalProtocolError
from ..protocol import Event, Subscribe
from .base import CallBase
from .carried import carry
from .execution import Execution
from .observing import EventStream, wanted_events
from .queue_places import QueuePlace, check_exit_keys, wait_in_queue
from .stopping import LEAVE_KEY
from .variable_commands import unset_command

if TYPE_CHECKING:
    from .line import Line

__all__ = [
    "CallcenterAgent",
    "CallcenterEvents",
    "CallcenterMember",
    "CallcenterOutcome",
    "CallcenterPlace",
    "CallcenterQueues",
    "CallcenterResult",
    "read_table",
]

# What callcenter_function() in mod_callcenter.c leaves on a caller's channel.
_LEFT_BEHIND: Final = (
    *("cc_cause", "cc_cancel_reason", "cc_agent", "cc_agent_uuid", "cc_exit_key", "cc_member_uuid"),
    *("cc_queue_joined_epoch", "cc_queue_answered_epoch", "cc_queue_canceled_epoch", "cc_queue_terminated_epoch"),
)
_INFO: Final = "callcenter::info"
_WAITING: Final = frozenset({"Waiting", "Trying"})
# Columns of `members`, of which a caller chooses the fifth and the sixth (members_sql in mod_callcenter.c).
_BEFORE_CALLER: Final = 4
_AFTER_CALLER: Final = 11


class CallcenterOutcome(StrEnum):
    """How a wait in a queue ended; the values but the first two are ``cc_cancel_reason``'s."""

    ANSWERED = "answered"
    """An agent took the call."""
    LEFT = "left"
    """We took him out."""
    TIMED_OUT = "TIMEOUT"
    """He waited as long as the queue lets anybody: ``max-wait-time``."""
    NO_AGENT = "NO_AGENT_TIMEOUT"
    """There was no agent for too long: ``max-wait-time-with-no-agent``."""
    LEFT_BY_KEY = "EXIT_WITH_KEY"
    """He pressed one of the exit keys."""
    BROKEN_OUT = "BREAK_OUT"
    """Something else took the call out of the queue."""


_OUTCOMES: Final[dict[str, CallcenterOutcome]] = {outcome.value: outcome for outcome in CallcenterOutcome}


@final
@attrs.frozen
class CallcenterResult:
    """How a wait in a queue ended."""

    outcome: CallcenterOutcome | str
    """How. After ANSWERED the call is the agent's, and whatever is asked of it raises ``CallTransferred``."""
    exit_key: str
    """The key with which he left; empty if he did not."""
    agent: str | None
    """The agent's name: ``cc_agent``. FreeSWITCH often tells it only after this, and then it is None."""
    agent_uuid: str | None
    """The channel of the agent who took the call: ``cc_agent_uuid``."""
    member_uuid: str | None
    """What mod_callcenter calls the caller: ``CC-Member-UUID`` of its events."""
    joined_epoch: int | None
    """When he came, in seconds since 1970."""
    answered_epoch: int | None
    """When an agent took the call; None as ``agent`` is."""
    canceled_epoch: int | None
    """When he was out of the queue without an agent."""


@final
@attrs.frozen
class CallcenterMember:
    """Somebody who waits in a queue, or did."""

    queue: str
    member_uuid: str
    channel_uuid: str
    """His channel; empty if he is gone."""
    caller_id_number: str
    caller_id_name: str
    state: str
    """``Waiting``, ``Trying``, ``Answered`` or ``Abandoned``."""
    joined_epoch: int | None
    """When he came, in seconds since 1970."""
    score: int | None
    """The higher, the sooner it is his turn."""
    serving_agent: str
    """Who is being called for him."""


@final
@attrs.frozen
class CallcenterAgent:
    """An agent of a queue."""

    name: str
    type: str
    """``callback`` or ``uuid-standby``."""
    contact: str
    """How he is called: a dial string."""
    status: str
    """``Available``, ``On Break``, ``Logged Out``, ..."""
    state: str
    """``Waiting``, ``Receiving``, ``In a queue call``, ``Idle``."""
    calls_answered: int | None


CallcenterPlace: TypeAlias = QueuePlace[CallcenterResult]
"""A caller's place in a queue of mod_callcenter's."""

CallcenterEvents: TypeAlias = EventStream
"""What happens to a call in mod_callcenter: CUSTOM events with ``CC-Action``."""


class CallcenterQueues(CallBase):
    """mod_callcenter: waiting for an agent."""

    async def callcenter(
        self,
        queue: str,
        *,
        music: Text | None = None,
        exit_keys: str = "",
        base_score: int | None = None,
    ) -> CallcenterResult:
        """Let the caller wait in a queue until an agent takes his call.

        Runs ``callcenter``, which answers. Once an agent takes the call it is his: this returns, and whatever
        is asked of the call afterwards raises ``CallTransferred``. How long a caller waits at most, the
        queue's configuration says. If the waiting is cancelled he is taken out, for which the dialplan
        line must say ``full``.

        Args:
            queue: The queue, such as ``support@default``.
            music: What he hears in place of the queue's own music.
            exit_keys: Digits with which he may leave.
            base_score: What he is ahead of others, in seconds of waiting.

        Returns:
            How the wait ended.

        Raises:
            ApplicationFailed: There is no such queue.
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        place = await _wait(self._line, queue, music, exit_keys, base_score)
        return await place.finish_or_leave()

    async def start_callcenter(
        self,
        queue: str,
        *,
        music: Text | None = None,
        exit_keys: str = "",
        base_score: int | None = None,
    ) -> CallcenterPlace:
        """Let the caller wait in a queue, and do not wait for it.

        Arguments as of ``callcenter``. What is said to him meanwhile, such as his
        position, pauses the music; an exit key that is pressed then comes to ``digits``, and
        does not end the wait.

        Returns:
            A handle: ``position()``, ``leave()``, ``finished()``.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        place = await _wait(self._line, queue, music, exit_keys, base_score)
        await trio.lowlevel.cancel_shielded_checkpoint()
        return place

    async def callcenter_members(self, queue: str) -> list[CallcenterMember]:
        """Ask who waits in a queue, in the order in which it will be their turn.

        Runs ``callcenter_config queue list members QUEUE``. Those whom an agent talks to, and those
        who gave up, are among them for a while.

        Raises:
            LocalProtocolError: It is no queue's name; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: mod_callcenter is not there.
            CallEnded: The call is over, and its socket too.
        """
        return await _members(self._line, _check_queue(queue))

    async def callcenter_agents(self, queue: str) -> list[CallcenterAgent]:
        """Ask for a queue's agents; errors as of ``callcenter_members``.

        Runs ``callcenter_config queue list agents QUEUE``.
        """
        text = await self._line.api_text(f"callcenter_config queue list agents {_check_queue(queue)}")
        return [
            CallcenterAgent(
                row.get("name", ""),
                row.get("type", ""),
                row.get("contact", ""),
                row.get("status", ""),
                row.get("state", ""),
                _whole(row.get("calls_answered")),
            )
            for row in read_table(text)
        ]

    @asynccontextmanager
    async def callcenter_events(self) -> AsyncIterator[CallcenterEvents]:
        """Observe what mod_callcenter does with this call: ``async with self.callcenter_events() as events``.

        FreeSWITCH shows a call's socket what carries its own ``Unique-ID``: ``CC-Action`` is
        ``member-queue-start``, ``member-queue-resume`` or ``member-queue-end`` for a caller, ``bridge-agent-start`` and
        ``bridge-agent-end`` for an agent.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over.
        """
        line = self._line
        await line.require_call()
        await line.require_full(f"event CUSTOM {_INFO}")
        with line.observing(wanted_events((f"CUSTOM {_INFO}",))) as stream:
            await line.command(Subscribe((), (_INFO,), line.event_format))
            yield stream

    async def callcenter_track(self, agent: str) -> None:
        """Count this call among an agent's other calls, until it is hung up.

        Runs ``callcenter_track``. An agent that there is not is not told.

        Args:
            agent: The agent's name.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        if not agent or not agent.isprintable():
            raise LocalProtocolError(f"agent is {agent!r}, and should be an agent's name")
        await self._line.execute("callcenter_track", argument(agent))


async def _wait(line: Line, queue: str, music: Text | None, exit_keys: str, base_score: int | None) -> CallcenterPlace:
    _check_queue(queue)
    variables: dict[str, Text | None] = {}
    if music is not None:
        check_file_name(shown(music), "music")
        # callcenter_function() in mod_callcenter.c expands it once more.
        variables["cc_moh_override"] = escaped(music) if isinstance(music, str) else music
    if base_score is not None:
        variables["cc_base_score"] = str(check_number(base_score, "base_score", least=-(2**31), most=2**31 - 1))
    carried = carry(line, variables)
    # The keys come last: that is how whoever has to stop it sees how.
    scope = {**carried.scope, "cc_exit_keys": check_exit_keys(exit_keys)}
    command = line.execute_command("callcenter", argument(queue, scope=scope))
    commands = [unset_command(line, _LEFT_BEHIND), *carried.commands, command]

    def result(execution: Execution, completion: Event) -> CallcenterResult:
        return _result(execution, completion, queue)

    async def position() -> int | None:
        waiting = [each for each in await _members(line, queue) if each.state in _WAITING]
        places = (place for place, each in enumerate(waiting, 1) if each.channel_uuid == line.channel_uuid)
        return next(places, None)

    return await wait_in_queue(line, commands, queue, result, position, carried)


def _result(execution: Execution, completion: Event, queue: str) -> CallcenterResult:
    variables = completion.variables
    cause = variables.get("cc_cause")
    if cause is None:
        # callcenter_function() has no other way to say so.
        raise ApplicationFailed("callcenter", execution.command.argument, f"found no queue {queue}")
    key = variables.get("cc_exit_key", "")
    reason = variables.get("cc_cancel_reason", "")
    outcome: CallcenterOutcome | str
    if cause == "answered":
        outcome = CallcenterOutcome.ANSWERED
    elif execution.was_stopped or key == LEAVE_KEY:
        outcome, key = CallcenterOutcome.LEFT, ""
    else:
        outcome = _OUTCOMES.get(reason, reason)
    return CallcenterResult(
        outcome,
        key,
        variables.get("cc_agent"),
        variables.get("cc_agent_uuid"),
        variables.get("cc_member_uuid"),
        _epoch(variables.get("cc_queue_joined_epoch")),
        _epoch(variables.get("cc_queue_answered_epoch")),
        _epoch(variables.get("cc_queue_canceled_epoch")),
    )


def _check_queue(queue: str) -> str:
    check_word(queue, "queue")
    if queue.startswith("^^"):
        raise LocalProtocolError(f"queue is {queue!r}, and that beginning has a meaning of its own")
    return queue


async def _members(line: Line, queue: str) -> list[CallcenterMember]:
    text = await line.api_text(f"callcenter_config queue list members {queue}")
    return [
        CallcenterMember(
            row.get("queue", ""),
            row.get("uuid", ""),
            row.get("session_uuid", ""),
            row.get("cid_number", ""),
            row.get("cid_name", ""),
            row.get("state", ""),
            _epoch(row.get("joined_epoch")),
            _whole(row.get("score")),
            row.get("serving_agent", ""),
        )
        for row in read_table(text, before=_BEFORE_CALLER, after=_AFTER_CALLER)
    ]


def read_table(text: str, *, before: int = 0, after: int = 0) -> list[dict[str, str]]:
    """Read a table that ``callcenter_config`` prints: names, then rows, divided by ``|``; nothing is quoted.

    A caller may have chosen a name with a ``|``, or with a line break, in it.

    Args:
        text: What was printed; ``+OK`` ends it.
        before: How many columns stand before those that may have any text.
        after: How many stand behind them.
    """
    lines = text.splitlines()
    if lines and lines[-1] == "+OK":
        del lines[-1]
    if not lines:
        return []
    names = lines[0].split("|")
    rows: list[dict[str, str]] = []
    rest = ""
    for line in lines[1:]:
        rest += line
        values = rest.split("|")
        if len(values) < len(names):
            rest += "\n"
            continue
        rest = ""
        if len(values) > len(names) and len(names) == before + 2 + after:
            # What is too much is in the name: a number rarely has such a thing in it.
            name = "|".join(values[before + 1 : len(values) - after])
            values = [*values[: before + 1], name, *values[len(values) - after :]]
        rows.append(dict(zip(names, values, strict=False)))
    return rows


def _epoch(text: str | None) -> int | None:
    """Seconds since 1970; 0 is no time at all."""
    return whole(text) or None


def _whole(text: str | None) -> int | None:
    """A number that may be negative."""
    try:
        return int(text or "")
    except ValueError:
        return None
