"""Tracebacks as users need them: with their own frames, and without those that led there."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import Final

import trio

__all__ = ["users_traceback"]

_PACKAGE: Final = Path(__file__).parent.parent
_NOT_THE_USERS: Final = (
    "<frozen importlib",
    "<attrs generated",
    str(_PACKAGE),
    str(Path(trio.__file__).parent),
    importlib.__file__,
)


def users_traceback(exc: BaseException) -> str:
    """The traceback of an exception without the frames of this package, of trio and of the import system.

    Where nothing is left, the fault is ours, and everything is shown.
    """
    trace = traceback.TracebackException.from_exception(exc)
    _keep_users_frames(trace)
    return "".join(trace.format()).rstrip("\n")


def _keep_users_frames(trace: traceback.TracebackException) -> None:
    users = [
        frame for frame in trace.stack if _is_example(frame.filename) or not frame.filename.startswith(_NOT_THE_USERS)
    ]
    # A fault of syntax has a place of its own, and the frames that led there are none of the user's.
    if users or hasattr(trace, "filename"):
        trace.stack = traceback.StackSummary.from_list(users)
    for other in (trace.__cause__, trace.__context__, *(trace.exceptions or ())):
        if other is not None:
            _keep_users_frames(other)


def _is_example(filename: str) -> bool:
    """The demo's handler is in this package, and written as a user would."""
    return filename == str(_PACKAGE / "cli" / "demo.py")
