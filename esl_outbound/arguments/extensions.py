"""Where a channel is sent, and which side of a bridge that is done to, as several commands are told."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from ..errors import LocalProtocolError
from .checks import check_one_line

__all__ = ["Leg", "extension_words"]


class Leg(StrEnum):
    """Which side of a bridge something is done to."""

    ALEG = "aleg"
    """The caller, whose call this is."""
    BLEG = "bleg"
    """Whoever the caller talks to."""
    BOTH = "both"


_OPTION: Final = re.compile(r"-(bleg|both)", re.IGNORECASE)


def extension_words(extension: str, dialplan: str, context: str) -> tuple[str, ...]:
    """``<extension> [<dialplan> [<context>]]``, as the parts of an argument.

    Raises:
        LocalProtocolError: They cannot be said.
    """
    for name, value in (("extension", extension), ("dialplan", dialplan), ("context", context)):
        check_one_line(value, name)
    if not extension or _OPTION.fullmatch(extension):
        raise LocalProtocolError(f"extension is {extension!r}, and should be one of a dialplan")
    if context:
        # switch_ivr_session_transfer() takes XML where a channel has no dialplan either.
        return extension, dialplan or "XML", context
    return (extension, dialplan) if dialplan else (extension,)
