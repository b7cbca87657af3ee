"""Conferences, and what this call does in one."""

from __future__ import annotations

from .base import CallBase

__all__ = ["Conferencing"]


class Conferencing(CallBase):
    """Conferences, and what this call does in one."""
