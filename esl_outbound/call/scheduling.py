"""What FreeSWITCH is to do to a call later: hang it up, send it elsewhere, play something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, final

import trio

from ..arguments.applications import check_played
from ..arguments.checks import check_cause, whole_seconds
from ..arguments.extensions import Leg, extension_words
from ..arguments.numbers import whole
from ..arguments.text import Expand, Text, argument, words
from ..errors import NotPermitted
from ..protocol import HangupCause

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Scheduled", "broadcast_path", "schedule_broadcast", "schedule_hangup", "schedule_transfer"]

_ADDED: Final = re.compile(r"\+OK Added: (\d+)")


@final
class Scheduled:
    """Something that FreeSWITCH will do to the call later, unless it is cancelled or the call ends before."""

    __slots__ = ("_line", "task_id", "what")

    def __init__(self, line: Line, what: str, task_id: int | None) -> None:
        self._line = line
        self.what: Final = what
        """``hangup``, ``transfer`` or ``broadcast``."""
        self.task_id: Final = task_id
        """The task's number in FreeSWITCH's scheduler; None if FreeSWITCH did not tell it."""

    def __repr__(self) -> str:
        return f"<Scheduled {self.what}, task {self.task_id}>"

    async def cancel(self) -> None:
        """See to it that it does not happen; nothing if it has happened.

        Runs the ``sched_cancel`` application with the task's number.

        Raises:
            NotPermitted: It is a hangup, whose number FreeSWITCH tells only where the dialplan line says ``full``;
                ``sched_cancel()`` cancels all that is scheduled for the call.
            CallEnded: The call ended, and what was scheduled for it with it.
        """
        line = self._line
        await line.require_call()
        if self.task_id is None:
            await trio.lowlevel.checkpoint()
            raise NotPermitted(f"cancelling a scheduled {self.what}", line.channel.dialplan_line("full"))
        await line.execute("sched_cancel", str(self.task_id))


async def schedule_hangup(line: Line, seconds: float, cause: HangupCause | str) -> Scheduled:
    """Let FreeSWITCH hang the call up later."""
    time = _time(seconds)
    check_cause(cause)
    if not line.is_full:
        await line.execute("sched_hangup", f"{time} {cause}")
        return Scheduled(line, "hangup", None)
    # sched_hangup_function() in mod_dptools.c keeps the task's number to itself, sched_api tells it. The group is that
    # of all tasks of the channel, which end with it (switch_core_session_perform_destroy()).
    await line.require_call()
    uuid = line.channel_uuid
    added = _ADDED.match(await line.api_text(f"sched_api {time} {uuid} uuid_kill {uuid} {cause}"))
    return Scheduled(line, "hangup", None if added is None else int(added[1]))


async def schedule_transfer(line: Line, seconds: float, extension: str, dialplan: str, context: str) -> Scheduled:
    """Let FreeSWITCH send the call to an extension later."""
    parts = (_time(seconds), *extension_words(extension, dialplan, context))
    return await _schedule(line, "transfer", argument(*words(*parts)))


async def schedule_broadcast(line: Line, seconds: float, path: Text, leg: Leg) -> Scheduled:
    """Let FreeSWITCH play something later."""
    return await _schedule(line, "broadcast", argument(*words(_time(seconds), broadcast_path(path), Leg(leg))))


async def _schedule(line: Line, what: str, text: str) -> Scheduled:
    # Both set the variable, and nothing unsets it (sched_transfer_function() in mod_dptools.c).
    completion = await line.execute(f"sched_{what}", text)
    number = completion.variables.get("last_sched_id", "")
    return Scheduled(line, what, whole(number))


def broadcast_path(path: Text) -> Text:
    """A file for ``broadcast`` and its like, which play it by a ``playback`` of its own: that expands it again.

    Raises:
        LocalProtocolError: It cannot be said.
    """
    check_played(path)
    return path if isinstance(path, Expand) else argument(path)


def _time(seconds: float) -> str:
    """A time from now on, in whole seconds."""
    # Zero would be at once: sched_hangup_function() in mod_dptools.c; and what runs again and again, elsewhere.
    return f"+{whole_seconds(seconds, 'seconds', least=1)}"
