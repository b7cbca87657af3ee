"""What the caller hears."""

from __future__ import annotations

from typing import Final, final

import attrs

from ..errors import FileNotPlayed, LocalProtocolError
from .arguments import Expand, escaped
from .base import CallBase

__all__ = ["PlaybackResult", "Speaking"]

_TERMINATORS: Final = frozenset("0123456789*#ABCD")


@final
@attrs.frozen
class PlaybackResult:
    """How a file ended."""

    terminator: str
    """The digit that ended it early; empty if it was heard to its end."""


class Speaking(CallBase):
    """Sound files."""

    async def playback(self, path: str | Expand, *, terminators: str = "") -> PlaybackResult:
        """Play a file to the caller and wait until it ends.

        Runs the ``playback`` application. Before the answer it is heard as early media.

        Args:
            path: What to play: a file below ``sound_prefix``, or a path with a
                scheme that FreeSWITCH knows, such as ``tone_stream://%(1000,0,400)``.
            terminators: The digits that end it early, such as ``"12#"``. None do
                unless asked for: FreeSWITCH's own default is ``*``.

        Returns:
            How it ended.

        Raises:
            FileNotPlayed: FreeSWITCH could not open or decode the file.
            LocalProtocolError: A terminator is no digit; nothing was sent.
            CallEnded: The call ended first.
        """
        if not _TERMINATORS.issuperset(terminators):
            raise LocalProtocolError(f"{terminators!r} are not digits")
        # Set for this one application, by the brackets (switch_core_session_exec()).
        scope = f"%[playback_terminators={terminators or 'none'}]"
        argument = scope + path.text if isinstance(path, Expand) else escaped(scope + path)
        completion = await self._line.execute("playback", argument)
        response = self._line.response_to(completion)
        if response not in ("FILE PLAYED", "_none_", ""):
            raise FileNotPlayed(path.text if isinstance(path, Expand) else path, response)
        return PlaybackResult(completion.variables.get("playback_terminator_used", "") if terminators else "")
