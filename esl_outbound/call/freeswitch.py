"""API commands of the whole switch, over a call's own socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ..api import SwitchApi
from ..jobs import Job
from ..protocol import ApiResponse
from .base import CallBase

if TYPE_CHECKING:
    from .line import Line

__all__ = ["CallApi", "FreeSwitchAccess"]


@final
class CallApi(SwitchApi):
    """FreeSWITCH's API commands, each a background job of a call's own socket.

    They need ``full`` in the dialplan line, else they raise ``NotPermitted``; they work until the socket closes, and
    then raise how the call ended.
    """

    __slots__ = ("_line",)

    def __init__(self, line: Line) -> None:
        self._line = line

    async def _run(self, command: str) -> ApiResponse:
        return await self._line.run_job(command)

    async def _start(self, command: str) -> Job:
        return await self._line.start_job(command, "originate")


class FreeSwitchAccess(CallBase):
    """The way to the API commands of the whole switch."""

    @property
    def freeswitch(self) -> CallApi:
        """The switch that this call is on: ``await self.freeswitch.status()``, as of ``esl_outbound.client``."""
        return CallApi(self._line)
