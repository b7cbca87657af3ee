"""Calls that are there already, brought together: transfers of a bridged leg, three-way calls, listening in."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Joining"]


class Joining(CallBase):
    """Calls that are there already, brought together: transfers of a bridged leg, three-way calls, listening in."""
