"""A handler that does something else than was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["ReplayDiverged"]

# How many lines of the conversation are shown, and how much of each.
_SHOWN_LINES: Final = 60
_SHOWN_CHARACTERS: Final = 140


class ReplayDiverged(AssertionError):
    """The handler did something else than was recorded.

    Attributes:
        recorded: What was recorded at that place.
        said: What the handler did.
        conversation: The conversation until then, a line each.
    """

    def __init__(self, where: str, recorded: str, said: str, conversation: Sequence[str]) -> None:
        shown = [_cut(line) for line in conversation[-_SHOWN_LINES:]]
        if len(shown) < len(conversation):
            shown.insert(0, f"  ... {len(conversation) - len(shown)} lines before")
        text = [
            f"the handler does not do what was recorded in {where}",
            f"  recorded: {recorded}",
            f"  now:      {said}",
        ]
        super().__init__("\n".join([*text, "the conversation so far, > what the handler said:", *shown]))
        self.recorded: Final = recorded
        self.said: Final = said
        self.conversation: Final = tuple(conversation)


def _cut(line: str) -> str:
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 4] + " ..."
