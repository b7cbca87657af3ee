"""What a switch says of itself: ``show``, ``status``, ``version`` and their like."""

from __future__ import annotations

from .base import ApiBase

__all__ = ["OverviewCommands"]


class OverviewCommands(ApiBase):
    """What a switch says of itself: ``show``, ``status``, ``version`` and their like."""

    __slots__ = ()
