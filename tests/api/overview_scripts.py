"""A switch that prints what a test says, and remembers the lines that it was told."""

from __future__ import annotations

import trio

from esl_outbound.api import SwitchApi
from esl_outbound.protocol import ApiResponse, BgApi


class ScriptedApi(SwitchApi):
    """Answers each API command with the next text."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.lines: list[str] = []

    async def _run(self, command: str) -> ApiResponse:
        await trio.lowlevel.checkpoint()
        BgApi(command, "job").encode()  # it can be sent
        self.lines.append(command)
        return ApiResponse(self.texts.pop(0))

    @property
    def line(self) -> str:
        """The only line."""
        (line,) = self.lines
        return line
