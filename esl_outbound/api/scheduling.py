"""What FreeSWITCH is to do later: an API command, or something to a call."""

from __future__ import annotations

import re
from typing import Final

from ..arguments.applications import check_played
from ..arguments.checks import check_cause, check_number, check_word, whole_seconds
from ..arguments.extensions import Leg, extension_words
from ..arguments.text import Text, argument
from ..errors import ApiFailed, LocalProtocolError
from ..protocol import HangupCause
from .answers import AnsweringBase
from .words import check_channel, rest_of_line, words_of

__all__ = ["ScheduleCommands"]

_ADDED: Final = re.compile(r"\+OK Added: (\d{1,10})")
_DELETED: Final = re.compile(r"\+OK Deleted: (\d{1,10})")
_NO_TASK: Final = "-ERR No such id"
_MOST_TASKS: Final = 2**31 - 1


class ScheduleCommands(AnsweringBase):
    """What FreeSWITCH is to do later: an API command, or something to a call.

    FreeSWITCH counts whole seconds. A task belongs to a group: those about a channel to that of its UUID, so that
    ``sched_del(channel_uuid)`` takes back all that is to happen to it.
    """

    __slots__ = ()

    async def sched_api(
        self, seconds: float, command: str, *, group: str = "none", repeat: bool = False, own_thread: bool = False
    ) -> int:
        """Let FreeSWITCH run an API command later; what it prints is only logged.

        Runs ``sched_api``.

        Args:
            seconds: In how many seconds, at least 1.
            command: The command and its arguments. It is raw: blanks divide it.
            group: What the task belongs to, in one word.
            repeat: Run it again and again, with as many seconds in between.
            own_thread: Run it beside the scheduler, which does nothing else meanwhile otherwise.

        Returns:
            The task's number, for ``sched_del``.

        Raises:
            ApiFailed: FreeSWITCH refused it.
            LocalProtocolError: One of them cannot be said; nothing was sent.
        """
        rest_of_line(command, "command")
        if command[0] == " " or command[-1] == "&":
            # sched_api_function() in mod_commands.c takes the latter for the wish to have a thread.
            raise LocalProtocolError(f"command is {command!r}, and cannot begin with a blank or end with a &")
        when = f"{'@' if repeat else '+'}{whole_seconds(seconds, 'seconds', least=1)}"
        line = f"sched_api {when} {check_word(group, 'group')} {command}{'&' if own_thread else ''}"
        return int((await self._match_of(line, _ADDED))[1])

    async def sched_del(self, task: int | str) -> int:
        """Take back a task, or all tasks of a group (``sched_del``).

        Args:
            task: A task's number, or a group's name, such as a channel's UUID.

        Returns:
            How many were taken back; 0 where there was none.

        Raises:
            ApiFailed: FreeSWITCH printed no number.
            LocalProtocolError: It is neither; nothing was sent.
        """
        if isinstance(task, str):
            # sched_del_function() in mod_commands.c takes digits for a task's number.
            if check_word(task, "task").isdigit():
                raise LocalProtocolError(f"task is {task!r}, and a group cannot be asked for by digits alone")
        else:
            check_number(task, "task", least=1, most=_MOST_TASKS)
        return int((await self._match_of(f"sched_del {task}", _DELETED))[1])

    async def unsched_api(self, task_id: int) -> bool:
        """Take back a task (``unsched_api``).

        Args:
            task_id: Its number.

        Returns:
            Whether there was one.

        Raises:
            ApiFailed: FreeSWITCH refused it for another reason.
            LocalProtocolError: It is no task's number; nothing was sent.
        """
        command = f"unsched_api {check_number(task_id, 'task_id', least=1, most=_MOST_TASKS)}"
        response = await self._run(command)
        if not response.ok and response.text.rstrip("\n") != _NO_TASK:
            raise ApiFailed(command, response)
        return response.ok

    async def sched_hangup(
        self, seconds: float, channel_uuid: str, cause: HangupCause | str = HangupCause.ALLOTTED_TIMEOUT
    ) -> None:
        """Hang a channel up later, if it is still there.

        Runs ``sched_hangup``, which does not tell the task's number: ``sched_del(channel_uuid)`` takes it back.

        Args:
            seconds: In how many seconds, at least 1.
            channel_uuid: The channel.
            cause: The hangup cause.

        Raises:
            NoSuchChannel: There is no such channel.
            LocalProtocolError: One of them cannot be said; nothing was sent.
        """
        check_cause(cause)
        await self._on_channel(check_channel(channel_uuid), "sched_hangup", str(cause), before=_later(seconds))

    async def sched_transfer(
        self, seconds: float, channel_uuid: str, extension: str, *, dialplan: str = "", context: str = ""
    ) -> None:
        """Send a channel to an extension later, if it is still there.

        Runs ``sched_transfer``, which does not tell the task's number: ``sched_del(channel_uuid)`` takes it back.

        Args:
            seconds: In how many seconds, at least 1.
            channel_uuid: The channel.
            extension: Where it is sent.
            dialplan: The dialplan, such as ``XML``; that of the channel if empty.
            context: The context; that of the channel if empty.

        Raises:
            NoSuchChannel: There is no such channel.
            LocalProtocolError: One of them cannot be said; nothing was sent.
        """
        where = extension_words(extension, dialplan, context)
        await self._on_channel(check_channel(channel_uuid), "sched_transfer", *where, before=_later(seconds))

    async def sched_broadcast(self, seconds: float, channel_uuid: str, path: Text, *, leg: Leg = Leg.ALEG) -> None:
        """Play something on a channel later, if it is still there.

        Runs ``sched_broadcast``, which neither tells the task's number (``sched_del(channel_uuid)`` takes it back) nor
        looks whether there is such a channel.

        Args:
            seconds: In how many seconds, at least 1.
            channel_uuid: The channel.
            path: What is played, as of ``playback``.
            leg: Which side of its bridge hears it.

        Raises:
            ApiFailed: FreeSWITCH refused it.
            LocalProtocolError: One of them cannot be said; nothing was sent.
        """
        check_played(path)
        # The `playback` that it becomes expands it.
        words = words_of(_later(seconds), check_channel(channel_uuid), argument(path), Leg(leg))
        await self._carry_out(f"sched_broadcast {words}")


def _later(seconds: float) -> str:
    """A time from now on."""
    # Zero would be at once: sched_hangup_function() in mod_commands.c; and what runs again and again, elsewhere.
    return f"+{whole_seconds(seconds, 'seconds', least=1)}"
