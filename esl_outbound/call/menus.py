"""Menus: a choice of digits, each with what it leads to."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Menus"]


class Menus(CallBase):
    """Menus: a choice of digits, each with what it leads to."""
