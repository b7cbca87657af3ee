"""A server in the foreground: from its start to Ctrl-C."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import trio

from ..handler import HandlerSource
from ..server import serve

__all__ = ["run_server"]

_log: Final = logging.getLogger("esl_outbound.server")


def run_server(handler: HandlerSource, *, host: str, port: int, record: Path | None = None) -> None:
    """Serve until SIGINT or SIGTERM: then the calls that are up are hung up, and this returns.

    A second signal ends the process at once. With ``record``, all calls are recorded into that directory.
    """
    trio.run(partial(_serve_until_told, handler, host=host, port=port, record=record))


async def _serve_until_told(handler: HandlerSource, *, host: str, port: int, record: Path | None = None) -> None:
    with trio.CancelScope() as scope, _stopped_by_signals(scope):
        await serve(handler, host=host, port=port, record=record)


@contextmanager
def _stopped_by_signals(scope: trio.CancelScope) -> Iterator[None]:
    """Cancel ``scope`` at the first signal; a second one ends the process, whatever it is doing.

    Not ``trio.open_signal_receiver``: a handler that blocks the loop would swallow Ctrl-C for good.
    """
    token = trio.lowlevel.current_trio_token()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        _log.info("%s: no more calls are taken, and those that are up are hung up", signal.Signals(number).name)
        token.run_sync_soon(scope.cancel)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        restore()
