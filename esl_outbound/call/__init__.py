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

from .answering import Answering
from .arguments import Expand, literal
from .asking import Asking
from .base import attach
from .bridging import Bridging
from .commands import SocketCommands
from .composing import Composing
from .conferencing import Conferencing
from .control import Control
from .detecting import Detecting
from .digits import Digits
from .execution import Execution, Stage
from .identifying import Identifying
from .identity import Identity
from .jobs import Job
from .joining import Joining
from .key_bindings import KeyBindings
from .leaving import Leaving
from .line import Line
from .media import Media
from .menus import Choice, Menu, Menus, MenuStep
from .observing import EventStream
from .playing import Playback, PlaybackResult
from .prompts import Phrase, Prompt, Say, SayGender, SayMethod, SayType, Speak, Tones
from .questions import Answer, AnswerEnding, Prompts
from .queueing import Queueing
from .record import CallRecord, Ending, RecordSource
from .recording import Recordings
from .speaking import Speaking
from .storing import Storing
from .variables import VariableAccess

__all__ = [
    "Answer",
    "AnswerEnding",
    "Call",
    "CallRecord",
    "Choice",
    "Digits",
    "Ending",
    "EventStream",
    "Execution",
    "Expand",
    "Job",
    "Line",
    "Menu",
    "MenuStep",
    "Phrase",
    "Playback",
    "PlaybackResult",
    "Prompt",
    "Prompts",
    "RecordSource",
    "Say",
    "SayGender",
    "SayMethod",
    "SayType",
    "Speak",
    "Stage",
    "Tones",
    "attach",
    "literal",
]


class Call(
    Identity,
    Control,
    Answering,
    Leaving,
    Speaking,
    Asking,
    Menus,
    Composing,
    KeyBindings,
    Detecting,
    Bridging,
    Joining,
    Recordings,
    Conferencing,
    Queueing,
    VariableAccess,
    Identifying,
    Storing,
    Media,
    SocketCommands,
):
    """A telephone call that FreeSWITCH gave us.

    Methods that wait end with their answer, with the call's end
    (``CallHungUp``, ``CallTransferred``, ``CallReleased``) or with the connection's
    (``ConnectionLost``). Before a call is there they raise ``NoCallYet``.
    """
