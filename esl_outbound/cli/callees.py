"""``--callee user/1001=USER_BUSY``: what whoever is called from the call does."""

from __future__ import annotations

import math
from typing import final

import attrs

from ..testing.causes import Q850

__all__ = ["CalleeOption", "read_callee"]

# Names of Q850 that are no reason not to answer.
_NO_REASONS = frozenset(["NONE", "SUCCESS"])


@final
@attrs.frozen
class CalleeOption:
    """What one ``--callee`` says."""

    pattern: str
    """The dial string of a leg; ``*`` stands for anything."""
    answers_after: float
    """Seconds until the answer, unless there is a ``cause``."""
    cause: str
    """Why there is no answer; empty if there is one."""


def read_callee(text: str) -> CalleeOption:
    """What ``PATTERN=SECONDS`` or ``PATTERN=CAUSE`` means.

    Raises:
        ValueError: It means nothing.
    """
    pattern, _, does = text.rpartition("=")
    if not pattern or not does:
        raise ValueError("a callee is given as user/1001=USER_BUSY, or with seconds until the answer: user/1001=3")
    cause = does.upper()
    if cause in Q850 and cause not in _NO_REASONS:
        return CalleeOption(pattern, 0, cause)
    try:
        seconds = float(does)
    except ValueError:
        raise ValueError(f"{does} is neither a hangup cause, such as USER_BUSY, nor a number of seconds") from None
    if not 0 <= seconds < math.inf:
        raise ValueError(f"nobody answers after {does} seconds")
    return CalleeOption(pattern, seconds, "")
