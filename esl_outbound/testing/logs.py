"""What is logged in a call, kept with that call."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final, final

import trio

from .watch import Watch

__all__ = ["call_of_this_context", "logs_kept"]

call_of_this_context: Final[ContextVar[Watch | None]] = ContextVar("esl_outbound_testing_call", default=None)
"""The call that a handler's task, and whatever it starts, belongs to; threads inherit it."""


@contextlib.contextmanager
def logs_kept(watch: Watch) -> Iterator[None]:
    """Listen to the root logger for a call."""
    keeper = _LogKeeper(watch)
    root = logging.getLogger()
    root.addHandler(keeper)
    try:
        yield
    finally:
        root.removeHandler(keeper)


@final
class _LogKeeper(logging.Handler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        self._token = trio.lowlevel.current_trio_token()
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; what is wrong with it is no fault of the program that logs."""
        if call_of_this_context.get() is not self._watch:
            return
        try:
            message = record.getMessage()
            if threading.get_ident() == self._thread:
                self._watch.tell_log(record, message)
            else:
                self._token.run_sync_soon(self._watch.tell_log, record, message)
        except Exception:
            self.handleError(record)
