"""API commands that run in the background (``bgapi``)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final, final

import trio

from .errors import EslOutboundError
from .protocol import ApiResponse, Event

__all__ = ["Job"]


@final
class Job:
    """An API command that runs in the background: ``job = await self.bgapi("originate ...")``.

    It runs on, whoever waits for it or no longer does, and its result is kept: ``await job`` gives it as often as it
    is asked for.
    """

    __slots__ = ("_error", "_finished", "_response", "command", "job_uuid")

    def __init__(self, job_uuid: str, command: str) -> None:
        self.job_uuid: Final = job_uuid
        """``Job-UUID``, which we chose."""
        self.command: Final = command
        """The API command and its arguments."""
        self._finished = trio.Event()
        self._response: ApiResponse | None = None
        self._error: Callable[[], EslOutboundError | None] | None = None

    def __repr__(self) -> str:
        return f"<Job {self.job_uuid}, {'finished' if self._finished.is_set() else 'running'}>"

    @property
    def is_finished(self) -> bool:
        """Whether its result has come."""
        return self._response is not None

    def __await__(self) -> Generator[object, object, ApiResponse]:
        return self.result().__await__()

    async def result(self) -> ApiResponse:
        """Wait for what it prints; a call's hangup does not end it, the connection's end does.

        Raises:
            CallEnded: The connection was a call's, and ended before the result came.
            Disconnected: It was one that we opened, and ended before the result came.
        """
        await self._finished.wait()
        if self._response is None:
            assert self._error is not None
            error = self._error()
            assert error is not None
            raise error
        return self._response

    # For the reader

    def finish(self, event: Event) -> None:
        """BACKGROUND_JOB came."""
        self._response = ApiResponse(event.body)
        self._finished.set()

    def lose(self, error: Callable[[], EslOutboundError | None]) -> None:
        """Its result will not come any more."""
        self._error = error
        self._finished.set()
