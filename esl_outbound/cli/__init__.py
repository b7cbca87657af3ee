"""The command line: ``esl-outbound serve`` and ``esl-outbound demo``."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
