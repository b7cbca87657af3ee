"""Queues, parking lots and voicemail."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Queueing"]


class Queueing(CallBase):
    """Queues, parking lots and voicemail."""
