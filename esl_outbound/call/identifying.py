"""What others are told of the call: caller ID, SIP headers, codecs, presence."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Identifying"]


class Identifying(CallBase):
    """What others are told of the call: caller ID, SIP headers, codecs, presence."""
