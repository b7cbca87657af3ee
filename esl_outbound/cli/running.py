"""A server in the foreground: from its start to Ctrl-C."""

from __future__ import annotations

import logging
import signal
from functools import partial
from pathlib import Path
from typing import Final

import trio

from ..handler import HandlerSource
from ..server import serve
from .signals import stopped_by_signals

__all__ = ["run_server"]

_log: Final = logging.getLogger("esl_outbound.server")


def run_server(handler: HandlerSource, *, host: str, port: int, record: Path | None = None) -> None:
    """Serve until SIGINT or SIGTERM: then the calls that are up are hung up, and this returns.

    A second signal ends the process at once. With ``record``, all calls are recorded into that directory.
    """
    trio.run(partial(_serve_until_told, handler, host=host, port=port, record=record))


async def _serve_until_told(handler: HandlerSource, *, host: str, port: int, record: Path | None = None) -> None:
    with trio.CancelScope() as scope, stopped_by_signals(scope, _told):
        await serve(handler, host=host, port=port, record=record)


def _told(number: signal.Signals) -> None:
    _log.info("%s: no more calls are taken, and those that are up are hung up", number.name)
