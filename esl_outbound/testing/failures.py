"""How a test learns that a call did not go as expected."""

from __future__ import annotations

from typing import Final

__all__ = ["CallFailed", "HandlerFailed", "without_our_frames"]

_PACKAGE: Final = f"{__name__.partition('.')[0]}."


class CallFailed(AssertionError):
    """A call did not go as expected.

    Its text says what was expected, what happened instead, and the call so far.

    Attributes:
        expected: What was expected.
        instead: What happened instead.
    """

    def __init__(self, expected: str, instead: str, ladder: str) -> None:
        super().__init__(f"{expected}, but {instead}\n\nThe call:\n{ladder}")
        self.expected: Final = expected
        self.instead: Final = instead


class HandlerFailed(CallFailed):
    """The handler raised something; that is this exception's ``__cause__``."""


def without_our_frames(error: BaseException | None) -> BaseException | None:
    """What a handler raised, with a traceback that begins with the handler."""
    traceback = error.__traceback__ if error is not None else None
    while traceback is not None and str(traceback.tb_frame.f_globals.get("__name__")).startswith(_PACKAGE):
        traceback = traceback.tb_next
    return error if error is None or traceback is None else error.with_traceback(traceback)
