"""Asking the caller for digits."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Asking"]


class Asking(CallBase):
    """Asking the caller for digits."""
