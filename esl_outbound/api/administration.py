"""What is done to a switch: its modules, its configuration, its global variables."""

from __future__ import annotations

from .base import ApiBase

__all__ = ["AdministrationCommands"]


class AdministrationCommands(ApiBase):
    """What is done to a switch: its modules, its configuration, its global variables."""

    __slots__ = ()
