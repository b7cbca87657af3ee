"""Digits that FreeSWITCH acts upon by itself, and digits that are sent."""

from __future__ import annotations

from .base import CallBase

__all__ = ["KeyBindings"]


class KeyBindings(CallBase):
    """Digits that FreeSWITCH acts upon by itself, and digits that are sent."""
