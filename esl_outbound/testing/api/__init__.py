"""API commands, as ``api``, ``bgapi``, ``${command(...)}`` and ``phone.api()`` run them, one subject a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from . import channels, conferences, media, originating, overview, queues, scheduling, text, values
from .command import ApiCommand

__all__ = ["API_COMMANDS", "ApiCommand"]

API_COMMANDS: Final[Mapping[str, ApiCommand]] = {
    **channels.COMMANDS,
    **conferences.COMMANDS,
    **media.COMMANDS,
    **originating.COMMANDS,
    **overview.COMMANDS,
    **queues.COMMANDS,
    **scheduling.COMMANDS,
    **text.COMMANDS,
    **values.COMMANDS,
}
