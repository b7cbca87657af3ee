"""API commands whose lines are noted, and that print what they are told to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, final

import attrs
import pytest

from esl_outbound import ApiFailed, LocalProtocolError, NoSuchChannel
from esl_outbound.api.base import ApiBase
from esl_outbound.api.channels import ChannelCommands
from esl_outbound.protocol import ApiResponse

GONE = "-ERR No such channel!\n"
DONE = "+OK Success\n"


class RecordingApi(ApiBase):
    """Notes the commands that are run, and answers each with the next of some texts."""

    def __init__(self, *printed: str) -> None:
        self.lines: list[str] = []
        self._printed = list(printed)

    async def _run(self, command: str) -> ApiResponse:
        self.lines.append(command)
        # As api_exec() in mod_event_socket.c says it.
        return ApiResponse(self._printed.pop(0) or "-ERR no reply\n")


@final
class Channels(RecordingApi, ChannelCommands):
    """The commands for channels."""


Call: TypeAlias = Callable[[Channels], Awaitable[object]]


@final
@attrs.frozen
class Case:
    """A command that is said, and what comes of it."""

    call: Call
    line: str
    """What is said to FreeSWITCH."""
    printed: str = "+OK\n"
    """What it prints."""
    value: object = None
    """What the caller gets."""


async def check_success(case: Case) -> None:
    """The line is said, and the value comes back."""
    api = Channels(case.printed)
    assert await case.call(api) == case.value
    assert api.lines == [case.line]


async def check_gone(call: Call, printed: str, *, asks: bool) -> None:
    """What is printed means that there is no channel U; it says so, or that is asked."""
    api = Channels(printed, *(["false"] if asks else []))
    with pytest.raises(NoSuchChannel) as caught:
        await call(api)
    assert caught.value.channel_uuid == "U"
    assert caught.value.response.text == (printed or "-ERR no reply\n")
    assert caught.value.command == api.lines[0]
    assert api.lines[1:] == (["uuid_exists U"] if asks else [])


async def check_failure(call: Call, printed: str, *, asks: bool = False) -> None:
    """What is printed is a failure, and the channel is there."""
    api = Channels(printed, *(["true"] if asks else []))
    with pytest.raises(ApiFailed) as caught:
        await call(api)
    assert not isinstance(caught.value, NoSuchChannel)
    assert caught.value.response.text == printed
    assert api.lines[1:] == (["uuid_exists U"] if asks else [])


async def check_refusal(call: Call, message: str) -> None:
    """It is refused before anything is sent."""
    api = Channels()
    with pytest.raises(LocalProtocolError, match=message):
        await call(api)
    assert api.lines == []
