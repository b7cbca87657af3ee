"""FreeSWITCH's API commands, as methods.

``SwitchApi`` has all of them, and needs only to be told how one is run: over a call's own socket, or over a connection
that we opened.

* ``channels``: the ``uuid_`` commands
* ``originating``: calls that are placed
* ``overview``: ``show``, ``status`` and what else a switch says of itself
* ``administration``: modules, configuration, global variables, ``fsctl``
* ``sofia``: profiles, gateways, registrations
"""

from __future__ import annotations

from .administration import AdministrationCommands
from .channel_audio import MediaBug
from .channels import ChannelCommands
from .directory import ListedUser
from .limits import LimitUsage
from .originating import OriginateCommands
from .overview import OverviewCommands
from .shown import (
    ShownAlias,
    ShownCall,
    ShownChannel,
    ShownCommand,
    ShownInterface,
    ShownRegistration,
    ShownTask,
)
from .sofia import SofiaCommands
from .sofia_shown import (
    SofiaAlias,
    SofiaGateway,
    SofiaGatewayStatus,
    SofiaProfile,
    SofiaProfileStatus,
    SofiaRegistration,
    SofiaStatus,
)
from .switch_status import SwitchStatus, SwitchVersion

__all__ = [
    "LimitUsage",
    "ListedUser",
    "MediaBug",
    "ShownAlias",
    "ShownCall",
    "ShownChannel",
    "ShownCommand",
    "ShownInterface",
    "ShownRegistration",
    "ShownTask",
    "SofiaAlias",
    "SofiaGateway",
    "SofiaGatewayStatus",
    "SofiaProfile",
    "SofiaProfileStatus",
    "SofiaRegistration",
    "SofiaStatus",
    "SwitchApi",
    "SwitchStatus",
    "SwitchVersion",
]


class SwitchApi(ChannelCommands, OriginateCommands, OverviewCommands, AdministrationCommands, SofiaCommands):
    """FreeSWITCH's API commands, as methods with typed parameters and results."""

    __slots__ = ()
