"""mod_fifo: first in, first out; callers on one side, agents on the other."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias, final
from urllib.parse import unquote

import attrs
import trio

from ..arguments.checks import check_file_name, check_number, check_word, milliseconds, whole_seconds
from ..arguments.numbers import whole
from ..arguments.text import Expand, Text, argument, shown, words
from ..errors import ApiFailed, LocalProtocolError, RemoteProtocolError
from ..protocol import ApiResponse, Event
from .base import CallBase
from .carried import carry
from .execution import Execution
from .queue_places import QueuePlace, check_exit_keys, wait_in_queue
from .stopping import LEAVE_KEY
from .variable_commands import ask_for_variable, unset_command

if TYPE_CHECKING:
    from .line import Line

__all__ = [
    "Fifo",
    "FifoCaller",
    "FifoOutcome",
    "FifoPlace",
    "FifoResult",
    "FifoService",
    "FifoState",
]

# What fifo_function() in mod_fifo.c leaves on a caller's channel, and on an agent's.
_LEFT_ON_CALLER: Final = (
    *("fifo_status", "fifo_serviced_uuid", "fifo_serviced_by", "fifo_position", "fifo_target"),
    *("fifo_caller_exit_key", "fifo_bridge_seconds"),
)
_LEFT_ON_AGENT: Final = (
    *("fifo_status", "fifo_target", "fifo_bridge_seconds", "fifo_epoch_start_bridge", "fifo_epoch_stop_bridge"),
    *("fifo_serviced_uuid",),
)
# MAX_PRI and MAX_CHIME in mod_fifo.c.
_LEAST_URGENT: Final = 9
_MOST_CHIMES: Final = 25
_SILENCE: Final = "silence"
_DEFAULT: Final = "undef"


class FifoOutcome(StrEnum):
    """How a wait in a fifo ended."""

    SERVED = "served"
    """An agent took the call."""
    TIMED_OUT = "timed_out"
    """He waited as long as he was to."""
    LEFT_BY_KEY = "left_by_key"
    """He pressed one of the exit keys."""
    LEFT = "left"
    """We took him out."""
    ABORTED = "aborted"
    """FreeSWITCH says ABORTED, and nothing more."""


@final
@attrs.frozen
class FifoResult:
    """How a wait in a fifo ended."""

    outcome: FifoOutcome | None
    """How. None if FreeSWITCH said nothing at all: the application was asked for something it does not know.
    After SERVED the call is the agent's, and whatever is asked of it raises ``CallTransferred``."""
    exit_key: str
    """The key with which he left; empty if he did not."""
    agent_uuid: str | None
    """The channel of the agent who took the call: ``fifo_serviced_uuid``."""
    agent: str | None
    """Who took it: ``fifo_consumer_id`` of the agent, else his channel's UUID (``fifo_serviced_by``)."""
    position: int | None
    """His last place in the queue; 1 is next."""


@final
@attrs.frozen
class FifoService:
    """What an agent has done in a fifo."""

    caller_uuid: str | None
    """The channel of the last caller whom he talked to; None if there was none."""
    talk_seconds: int | None
    """How long he talked to him, in whole seconds: ``fifo_bridge_seconds``."""


@final
@attrs.frozen
class FifoCaller:
    """Somebody who waits in a fifo."""

    channel_uuid: str
    caller_id_name: str
    caller_id_number: str
    status: str
    """FreeSWITCH's word: ``WAITING``, ..."""
    position: int | None
    """His place among those of his priority; 1 is next."""
    priority: int | None
    """0 is the most urgent, 9 the least."""


@final
@attrs.frozen
class FifoState:
    """A fifo, and who waits in it."""

    name: str
    agent_count: int
    """How many agents wait for callers."""
    caller_count: int
    """How many callers wait."""
    importance: int
    callers: tuple[FifoCaller, ...]
    """Who waits, in the order in which they will be served."""


FifoPlace: TypeAlias = QueuePlace[FifoResult]
"""A caller's place in a fifo."""


class Fifo(CallBase):
    """mod_fifo: waiting for an agent, and being one."""

    async def fifo_in(
        self,
        name: str,
        *,
        music: Text | None = None,
        announce: Text | None = None,
        priority: int | None = None,
        exit_keys: str = "",
        max_wait_seconds: float | None = None,
        chimes: Sequence[str] = (),
        chime_seconds: float = 30,
        importance: int | None = None,
        answer: bool = True,
    ) -> FifoResult:
        """Let the caller wait in a fifo until an agent takes his call.

        Runs ``fifo NAME in``. Once an agent takes the call it is his: this returns, and whatever
        is asked of the call afterwards raises ``CallTransferred``. If the waiting is cancelled he is taken
        out, for which the dialplan line must say ``full``.

        Args:
            name: The fifo; one that FreeSWITCH does not know is made.
            music: What he hears; ``""`` is silence, and None what ``fifo_music`` names, else silence.
            announce: What he hears when an agent takes the call; None is what ``fifo_announce`` names.
            priority: 0 is the most urgent, 9 the least; None is what ``fifo_priority`` says, else 0.
            exit_keys: Digits with which he may leave.
            max_wait_seconds: How long he waits at most, in whole seconds; None is for ever.
            chimes: Files that he hears now and then, in turn, while the music pauses; at most 25, without commas.
            chime_seconds: How long it is until the next of them, in whole seconds.
            importance: How important a new fifo is for agents who serve several.
            answer: Answer the call first; else he waits without that (``noans``).

        Returns:
            How the wait ended.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        place = await _wait(
            self._line,
            *(name, music, announce, priority, exit_keys, max_wait_seconds, chimes, chime_seconds, importance, answer),
        )
        return await place.finish_or_leave()

    async def start_fifo_in(
        self,
        name: str,
        *,
        music: Text | None = None,
        announce: Text | None = None,
        priority: int | None = None,
        exit_keys: str = "",
        max_wait_seconds: float | None = None,
        chimes: Sequence[str] = (),
        chime_seconds: float = 30,
        importance: int | None = None,
        answer: bool = True,
    ) -> FifoPlace:
        """Let the caller wait in a fifo, and do not wait for it.

        Arguments as of ``fifo_in``. What is said to him meanwhile, such as his
        position, pauses the music; an exit key that is pressed then comes to ``digits``, and
        does not end the wait.

        Returns:
            A handle: ``position()``, ``leave()``, ``finished()``.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        place = await _wait(
            self._line,
            *(name, music, announce, priority, exit_keys, max_wait_seconds, chimes, chime_seconds, importance, answer),
        )
        await trio.lowlevel.cancel_shielded_checkpoint()
        return place

    async def fifo_out(
        self,
        *names: str,
        wait: bool = True,
        music: Text | None = None,
        announce: Text | None = None,
        wrapup_seconds: float = 0,
        wrapup_sound: str = "",
        wrapup_key: str = "",
        exit_key: str = "*",
        agent_id: str = "",
        strategy: str = "",
    ) -> FifoService:
        """Let this call be an agent's, and serve those who wait in a fifo, or in several.

        Runs ``fifo NAMES out``. With ``wait`` it serves one caller after the other until
        the agent hangs up: FreeSWITCH has no other way out, and cannot be stopped there by cancelling
        either. Without ``wait`` it serves one caller, if there is one, and returns.

        Args:
            names: The fifos, up to 25, without commas.
            wait: Wait for callers, and go on with the next one.
            music: What the agent hears while he waits; ``""`` is silence, and None what ``fifo_music`` names.
            announce: What he hears before each caller; None is what ``fifo_announce`` names.
            wrapup_seconds: How long he rests after each; FreeSWITCH on its own has 5 seconds.
            wrapup_sound: What he hears first when he rests.
            wrapup_key: A digit that ends the rest.
            exit_key: A digit with which he hangs the caller up.
            agent_id: What callers get to see in ``FifoResult.agent``.
            strategy: Which fifo is served of several: ``waiting_longer`` or ``more_ppl``.

        Returns:
            Whom he talked to last.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        fifos = ",".join(_check_fifo(name) for name in names)
        if not names:
            raise LocalProtocolError("an agent needs a fifo to serve")
        scope = {"fifo_consumer_exit_key": _one_key(exit_key, "exit_key")}
        scope["fifo_consumer_wrapup_time"] = str(milliseconds(wrapup_seconds, "wrapup_seconds"))
        if wrapup_sound:
            scope["fifo_consumer_wrapup_sound"] = check_file_name(wrapup_sound, "wrapup_sound")
        if wrapup_key:
            scope["fifo_consumer_wrapup_key"] = _one_key(wrapup_key, "wrapup_key")
        if agent_id:
            scope["fifo_consumer_id"] = agent_id
        if strategy:
            if strategy not in ("waiting_longer", "more_ppl"):
                raise LocalProtocolError(f"strategy is {strategy!r}, and should be waiting_longer or more_ppl")
            scope["fifo_strategy"] = strategy
        parts = [fifos, "out", "wait" if wait else "nowait", *_sounds(line, announce, music)]
        text = argument(*words(*parts), scope=scope)
        variables = (await line.execute("fifo", text, after=(unset_command(line, _LEFT_ON_AGENT),))).variables
        return FifoService(variables.get("fifo_target"), whole(variables.get("fifo_bridge_seconds")))

    async def fifo_state(self, name: str) -> FifoState | None:
        """Ask who waits in a fifo, whether or not this caller does.

        Runs ``fifo list NAME``.

        Args:
            name: The fifo.

        Returns:
            The fifo; None if FreeSWITCH does not know it.

        Raises:
            LocalProtocolError: It is no fifo's name; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: mod_fifo is not there.
            CallEnded: The call is over, and its socket too.
        """
        command = f"fifo list {_check_fifo(name)}"
        return _state(command, await self._line.api_text(command))


async def _wait(
    line: Line,
    name: str,
    music: Text | None,
    announce: Text | None,
    priority: int | None,
    exit_keys: str,
    max_wait_seconds: float | None,
    chimes: Sequence[str],
    chime_seconds: float,
    importance: int | None,
    answer: bool,
) -> FifoPlace:
    fifo = _check_fifo(name)
    if importance is not None:
        fifo += f"!{check_number(importance, 'importance', least=0, most=2**31 - 1)}"
    scope: dict[str, str] = {}
    if priority is not None:
        scope["fifo_priority"] = str(check_number(priority, "priority", least=0, most=_LEAST_URGENT))
    if max_wait_seconds is not None:
        # An extension of this name stays where it is (fifo_function()).
        limit = whole_seconds(max_wait_seconds, "max_wait_seconds", least=0.001)
        scope["fifo_orbit_exten"] = f"_continue_:{limit}"
    keys = check_exit_keys(exit_keys)
    chiming: dict[str, Text | None] = {}
    if chimes:
        if len(chimes) > _MOST_CHIMES or any("," in check_file_name(chime, "chimes") for chime in chimes):
            raise LocalProtocolError(f"chimes should be at most {_MOST_CHIMES} files without commas")
        chiming["fifo_chime_list"] = ",".join(chimes)
        chiming["fifo_chime_freq"] = str(whole_seconds(chime_seconds, "chime_seconds", least=0.001))
    carried = carry(line, chiming)
    sounds = _sounds(line, announce, music, "" if answer else "noans")
    # The keys come last: that is how whoever has to stop it sees how.
    text = argument(*words(fifo, "in", *sounds), scope={**carried.scope, **scope, "fifo_caller_exit_key": keys})
    commands = [unset_command(line, _LEFT_ON_CALLER), *carried.commands, line.execute_command("fifo", text)]

    def result(execution: Execution, completion: Event) -> FifoResult:
        return _result(execution, completion, keys)

    async def position() -> int | None:
        return whole(await ask_for_variable(line, "fifo_position"))

    return await wait_in_queue(line, commands, name, result, position, carried)


def _result(execution: Execution, completion: Event, keys: str) -> FifoResult:
    variables = completion.variables
    served = variables.get("fifo_serviced_uuid")
    key = variables.get("fifo_caller_exit_key", "")
    status = variables.get("fifo_status")
    outcome: FifoOutcome | None
    if status == "TIMEOUT":
        outcome = FifoOutcome.TIMED_OUT
    elif status == "ABORTED":
        outcome = FifoOutcome.ABORTED
        if execution.was_stopped or key == LEAVE_KEY:
            outcome, key = FifoOutcome.LEFT, ""
        elif key and key in keys:
            outcome = FifoOutcome.LEFT_BY_KEY
    elif served is not None:
        outcome = FifoOutcome.SERVED
    else:
        outcome = None
    return FifoResult(
        outcome,
        key,
        served if outcome is FifoOutcome.SERVED else None,
        variables.get("fifo_serviced_by") if outcome is FifoOutcome.SERVED else None,
        whole(variables.get("fifo_position")),
    )


def _check_fifo(name: str) -> str:
    # Several are divided at commas, and what follows a ! is an importance (fifo_function()).
    check_word(name, "name", without=",!")
    if name.startswith("^^"):
        raise LocalProtocolError(f"name is {name!r}, and that beginning has a meaning of its own")
    return name


def _one_key(key: str, name: str) -> str:
    if len(key) != 1 or key not in "0123456789*#ABCD":
        raise LocalProtocolError(f"{name} is {key!r}, and should be one digit: 0-9 * # A-D")
    return key


def _sounds(line: Line, announce: Text | None, music: Text | None, mode: str = "") -> list[Text]:
    """The announcement, the music and the mode, as ``fifo`` takes them.

    One that is given takes the place of both variables, so that the other has to be given as well.
    """
    if announce is None and music is None and not mode:
        return []
    known = line.channel.variables
    sounds: list[Text] = []
    for given, name, variable in (announce, "announce", "fifo_announce"), (music, "music", "fifo_music"):
        if given is None:
            sounds.append(Expand(f"${{{variable}}}") if known.get(variable) else _DEFAULT)
        elif shown(given):
            check_file_name(shown(given), name)
            sounds.append(given)
        else:
            sounds.append(_SILENCE if variable == "fifo_music" else _DEFAULT)
    return [*sounds, mode] if mode else sounds


def _state(command: str, text: str) -> FifoState | None:
    """Read what ``fifo list`` prints (list_node() and xml_caller() in mod_fifo.c)."""
    if not text.startswith("<"):
        raise ApiFailed(command, ApiResponse(text))
    try:
        fifo = ElementTree.fromstring(text.encode("utf-8", "replace")).find("fifo")
        if fifo is None:
            return None
        return FifoState(
            fifo.get("name", ""),
            int(fifo.get("consumer_count", "")),
            int(fifo.get("caller_count", "")),
            int(fifo.get("importance", "")),
            tuple(map(_caller, fifo.iterfind("callers/caller"))),
        )
    except (ElementTree.ParseError, ValueError) as exc:
        raise RemoteProtocolError(f"no list of a fifo: {text[:60]!r}") from exc


def _caller(caller: ElementTree.Element) -> FifoCaller:
    return FifoCaller(
        caller.get("uuid", ""),
        unquote(caller.get("caller_id_name", ""), errors="surrogateescape"),
        unquote(caller.get("caller_id_number", ""), errors="surrogateescape"),
        caller.get("status", ""),
        whole(caller.get("position")),
        whole(caller.get("slot")),
    )
