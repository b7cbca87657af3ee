"""Calls that are placed: ``originate``."""

from __future__ import annotations

from .base import ApiBase

__all__ = ["OriginateCommands"]


class OriginateCommands(ApiBase):
    """Calls that are placed: ``originate``."""

    __slots__ = ()
