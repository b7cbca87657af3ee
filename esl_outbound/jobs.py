"""API commands that run in the background (``bgapi``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Final, final
from uuid import uuid4

import trio

from .errors import EslOutboundError
from .protocol import NO_REPLY, ApiResponse, BgApi, Event
from .protocol.headers import decode, peek

__all__ = ["Job", "Jobs"]

_JOB_UUID: Final = b"\nJob-UUID: "


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

    async def api_response(self) -> ApiResponse:
        """As ``result``, but of what prints nothing in the words in which ``api`` says so.

        Raises:
            CallEnded: As of ``result``; likewise ``Disconnected``.
        """
        response = await self.result()
        return response if response.text else ApiResponse(NO_REPLY)

    # For the reader

    def finish(self, event: Event) -> None:
        """BACKGROUND_JOB came."""
        self._response = ApiResponse(event.body)
        self._finished.set()

    def lose(self, error: Callable[[], EslOutboundError | None]) -> None:
        """Its result will not come any more."""
        self._error = error
        self._finished.set()


@final
class Jobs:
    """The background jobs of one connection whose results are still to come."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: Final[dict[str, Job]] = {}

    def __bool__(self) -> bool:
        return bool(self._running)

    async def start(self, command: str, say: Callable[[BgApi], Awaitable[object]]) -> Job:
        """Begin one.

        Args:
            command: The API command and its arguments.
            say: Sends the ``bgapi``, and returns once FreeSWITCH has accepted it; what it raises is raised here.
        """
        job = Job(str(uuid4()), command)
        # Its event may come in the same segment as the reply.
        self._running[job.job_uuid] = job
        try:
            await say(BgApi(command, job.job_uuid))
        except BaseException:
            self._running.pop(job.job_uuid, None)
            raise
        return job

    # For the reader

    def event_came(self, event: Event) -> None:
        """BACKGROUND_JOB came, of a job of ours perhaps.

        Raises:
            RemoteProtocolError: What the event brings cannot be read; the job still waits for the connection's end.
        """
        job = self._running.get(decode(peek(event.block, _JOB_UUID) or b""))
        if job is not None:
            job.finish(event)
            del self._running[job.job_uuid]

    def lose(self, error: Callable[[Job], EslOutboundError | None]) -> None:
        """The connection has ended: no result comes any more."""
        for job in self._running.values():
            job.lose(partial(error, job))
        self._running.clear()
