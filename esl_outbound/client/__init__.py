"""A FreeSWITCH, over a connection that we open to it.

``async with connect("127.0.0.1", 8021, password="ClueCon") as switch`` is where everything begins.

* ``opening``, ``session``: one connection, from its greeting to its end
* ``commands``, ``subscribing``, ``switch``: what can be said on it
* ``subscriptions``, ``streams``, ``hub``: what its observers want to hear of, and hear
* ``landing``: calls that are placed for handlers of this process
* ``following``: one channel, over a connection of its own
* ``resilient``, ``keeping``, ``backoff``, ``absence``: a connection that comes back, and what is told of it meanwhile
* ``nursery``: the tasks behind a block
"""

from __future__ import annotations

from ..jobs import Job
from ..log_lines import LogLevel, LogLines
from .absence import Away, ResilientEvents, ResilientLogLines
from .backoff import Backoff
from .following import FollowedChannel
from .resilient import ResilientSwitch, stay_connected
from .session import Allowed
from .streams import SwitchEvents
from .switch import Switch, connect

__all__ = [
    "Allowed",
    "Away",
    "Backoff",
    "FollowedChannel",
    "Job",
    "LogLevel",
    "LogLines",
    "ResilientEvents",
    "ResilientLogLines",
    "ResilientSwitch",
    "Switch",
    "SwitchEvents",
    "connect",
    "stay_connected",
]
