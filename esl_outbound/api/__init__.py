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
from .channels import ChannelCommands
from .originating import OriginateCommands
from .overview import OverviewCommands
from .sofia import SofiaCommands

__all__ = ["SwitchApi"]


class SwitchApi(ChannelCommands, OriginateCommands, OverviewCommands, AdministrationCommands, SofiaCommands):
    """FreeSWITCH's API commands, as methods with typed parameters and results."""

    __slots__ = ()
