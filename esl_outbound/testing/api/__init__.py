"""API commands, as ``api``, ``bgapi``, ``${command(...)}`` and ``phone.api()`` run them, one subject a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from . import (
    administration,
    channels,
    conferences,
    directory,
    media,
    originating,
    overview,
    queues,
    scheduling,
    showing,
    sofia,
    text,
    values,
)
from .command import ApiCommand

__all__ = ["API_COMMANDS", "ApiCommand"]

API_COMMANDS: Final[Mapping[str, ApiCommand]] = {
    **administration.COMMANDS,
    **channels.COMMANDS,
    **conferences.COMMANDS,
    **directory.COMMANDS,
    **media.COMMANDS,
    **originating.COMMANDS,
    **overview.COMMANDS,
    **queues.COMMANDS,
    **scheduling.COMMANDS,
    **showing.COMMANDS,
    **sofia.COMMANDS,
    **text.COMMANDS,
    **values.COMMANDS,
}
