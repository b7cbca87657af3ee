"""Regular expressions that come from outside."""

from __future__ import annotations

import re

__all__ = ["search"]


def search(pattern: str, text: str) -> re.Match[str] | None:
    """Where a pattern is found in a text; nowhere if it cannot be read (``switch_regex_perform()``)."""
    try:
        return re.search(pattern, text)
    except (re.error, OverflowError, RecursionError):
        return None
