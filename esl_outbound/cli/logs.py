"""Lines of the log among those that the command prints."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias, final

import trio

__all__ = ["LogLines", "Show"]

Show: TypeAlias = Callable[[logging.LogRecord, str], None]
"""Prints a record with its message."""


@final
class LogLines(logging.Handler):
    """Lets records be shown in trio's thread, whichever thread logs.

    What is wrong with a record is told as ``logging`` tells it, and is not raised where it was logged.

    Args:
        show: Prints a record.
    """

    def __init__(self, show: Show) -> None:
        super().__init__()
        self._show = show
        self._token = trio.lowlevel.current_trio_token()
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, now or soon."""
        try:
            message = record.getMessage()
            if threading.get_ident() == self._thread:
                self._show(record, message)
            else:
                with suppress(trio.RunFinishedError):
                    self._token.run_sync_soon(self._show_later, record, message)
        except Exception:
            self.handleError(record)

    def _show_later(self, record: logging.LogRecord, message: str) -> None:
        # What is raised here would end the whole run.
        try:
            self._show(record, message)
        except Exception:
            self.handleError(record)
