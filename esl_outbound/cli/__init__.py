"""The command line: ``esl-outbound serve``, ``esl-outbound call`` and ``esl-outbound demo``."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
