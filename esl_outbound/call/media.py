"""The call's audio, heard and spoken by this program."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Media"]


class Media(CallBase):
    """The call's audio, heard and spoken by this program."""
