"""A call, as its handler sees it: one subject a file, mixed into ``Call``.

* ``identity``: who calls whom, the channel's state and variables as known
* ``control``: running applications, answering, ending, leaving
* ``speaking``: what the caller hears
* ``variables``: asking for and setting channel variables
* ``commands``: API commands, events, and the rest of the socket's commands

Beneath them ``line`` is the call's state, shared by all and written by the
reader; ``execution``, ``stopping``, ``jobs``, ``digits``, ``observing`` and ``record`` are its parts.
"""

from __future__ import annotations

from .arguments import Expand, literal
from .base import attach
from .commands import SocketCommands
from .control import Control
from .digits import Digits
from .execution import Execution, Stage
from .identity import Identity
from .jobs import Job
from .line import Line
from .observing import EventStream
from .record import CallRecord, Ending, RecordSource
from .speaking import PlaybackResult, Speaking
from .variables import VariableAccess

__all__ = [
    "Call",
    "CallRecord",
    "Digits",
    "Ending",
    "EventStream",
    "Execution",
    "Expand",
    "Job",
    "Line",
    "PlaybackResult",
    "RecordSource",
    "Stage",
    "attach",
    "literal",
]


class Call(Identity, Control, Speaking, VariableAccess, SocketCommands):
    """A telephone call that FreeSWITCH gave us.

    Methods that wait end with their answer, with the call's end
    (``CallHungUp``, ``CallTransferred``, ``CallReleased``) or with the connection's
    (``ConnectionLost``). Before a call is there they raise ``NoCallYet``.
    """
