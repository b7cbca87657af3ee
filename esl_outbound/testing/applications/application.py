"""An application, as the switch knows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, final

import attrs

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["Application", "ApplicationFunction"]

ApplicationFunction: TypeAlias = "Callable[[Session, str], Awaitable[None]]"


@final
@attrs.frozen
class Application:
    """An application."""

    name: str
    function: ApplicationFunction
    needs_media: bool = False
    """Whether a channel without media is pre-answered first (no SAF_SUPPORT_NOMEDIA)."""
    runs_after_hangup: bool = False
    """Whether it still runs on a channel that is hung up (SAF_ZOMBIE_EXEC)."""
    is_told: bool = True
    """Whether the story of the call tells that it ran; some tell their own."""
