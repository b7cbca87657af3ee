"""Regular expressions that come from outside."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["holds_variable", "search"]

# switch_string_var_check_const() in switch_utils.h.
_A_VARIABLE: Final = re.compile(r"\$\\*\{")


def holds_variable(text: str) -> bool:
    """Whether there is a variable in a text that comes from outside, which FreeSWITCH then keeps away from channels."""
    return _A_VARIABLE.search(text) is not None


def search(pattern: str, text: str) -> re.Match[str] | None:
    """Where a pattern is found in a text; nowhere if it cannot be read (``switch_regex_perform()``)."""
    try:
        return re.search(pattern, text)
    except (re.error, OverflowError, RecursionError):
        return None
