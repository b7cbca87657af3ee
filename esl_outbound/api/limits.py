"""How much a limit is used."""

from __future__ import annotations

from typing import final

import attrs

__all__ = ["LimitUsage"]


@final
@attrs.frozen
class LimitUsage:
    """How much a limit is used."""

    usage: int
    """How many calls have a place."""
    rate: int
    """How many have asked in the interval that was last asked for; 0 where none was."""
