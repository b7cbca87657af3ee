"""Tracebacks as their reader needs them: his own frames, and not those that led there."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import Final

import trio

__all__ = ["users_traceback"]

_PACKAGE: Final = Path(__file__).parent.parent
_NOT_HIS: Final = (
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
    _leave_his_own(trace)
    return "".join(trace.format()).rstrip("\n")


def _leave_his_own(trace: traceback.TracebackException) -> None:
    his_own = [frame for frame in trace.stack if not frame.filename.startswith(_NOT_HIS) or _is_example(frame.filename)]
    if his_own:
        trace.stack = traceback.StackSummary.from_list(his_own)
    for other in (trace.__cause__, trace.__context__, *(trace.exceptions or ())):
        if other is not None:
            _leave_his_own(other)


def _is_example(filename: str) -> bool:
    """The demo's handler is in this package, and written as a user would."""
    return filename == str(_PACKAGE / "cli" / "demo.py")
