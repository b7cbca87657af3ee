"""Speech, silence and tones that FreeSWITCH listens for."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Detecting"]


class Detecting(CallBase):
    """Speech, silence and tones that FreeSWITCH listens for."""
