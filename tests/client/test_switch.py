"""A connection that we open: logging in, and what is shared on it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from esl_outbound import AuthenticationFailed
from esl_outbound.client.switch import opened

from ..freeswitch import GOODBYE
from .scripted import AUTH_REQUEST, EVENTS_ENABLED, EVENTS_NIXED, ScriptedPort, connected, reply


async def test_a_refused_password_raises_and_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    port = ScriptedPort()

    async def refuse() -> None:
        server = await port.newest(1)
        await server.send(AUTH_REQUEST)
        await server.expect("auth s3cret")
        await server.send(reply("-ERR invalid"), GOODBYE)

    caplog.set_level("DEBUG")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(refuse)
        with pytest.raises(AuthenticationFailed) as caught:
            async with opened(port.opener("s3cret")):
                raise AssertionError
    assert str(caught.value) == "FreeSWITCH at 192.0.2.7:8021 refused the password"
    assert "s3cret" not in caplog.text + repr(caught.value) + repr(port.opener("s3cret"))


async def test_two_observers_of_one_event_cost_one_subscription_and_the_last_one_out_takes_it_back() -> None:
    async with connected() as (switch, server):
        async with trio.open_nursery() as nursery:

            async def play() -> None:
                await server.expect("event plain CHANNEL_ANSWER")
                await server.send(EVENTS_ENABLED)

            nursery.start_soon(play)
            async with switch.events("CHANNEL_ANSWER") as first:
                async with switch.events("channel_answer") as second:
                    await server.send(server.event("CHANNEL_ANSWER"))
                    assert (await first.get()).name == "CHANNEL_ANSWER"
                    assert (await second.get()).name == "CHANNEL_ANSWER"
                await trio.testing.wait_all_tasks_blocked()
                assert server.received == b""
        await server.expect("nixevent CHANNEL_ANSWER")
        await server.send(EVENTS_NIXED)
