"""What outlives a call: limits, and values in the hash and the database."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Storing"]


class Storing(CallBase):
    """What outlives a call: limits, and values in the hash and the database."""
