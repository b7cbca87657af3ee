"""Recording messages and whole calls."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Recordings"]


class Recordings(CallBase):
    """Recording messages and whole calls."""
