"""A FreeSWITCH, over a connection that we open to it.

``async with connect("127.0.0.1", 8021, password="ClueCon") as switch`` is where everything begins.

* ``opening``, ``session``: one connection, from its greeting to its end
* ``commands``, ``switch``: what can be said on it
* ``subscriptions``, ``streams``, ``hub``: what its observers want to hear of, and hear
"""

from __future__ import annotations

from ..jobs import Job
from ..log_lines import LogLevel, LogLines
from .session import Allowed
from .streams import SwitchEvents
from .switch import Switch, connect

__all__ = ["Allowed", "Job", "LogLevel", "LogLines", "Switch", "SwitchEvents", "connect"]
