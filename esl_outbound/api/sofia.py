"""What is asked of mod_sofia: profiles, gateways, registrations."""

from __future__ import annotations

from .base import ApiBase

__all__ = ["SofiaCommands"]


class SofiaCommands(ApiBase):
    """What is asked of mod_sofia: profiles, gateways, registrations."""

    __slots__ = ()
