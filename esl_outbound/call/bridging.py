"""Connecting the caller to somebody."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Bridging"]


class Bridging(CallBase):
    """Connecting the caller to somebody."""
