"""A connection that we open: logging in, and what is shared on it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from esl_outbound import AuthenticationFailed, EventFormat, LocalProtocolError, NoFreeSwitch
from esl_outbound.client import connect
from esl_outbound.client.opening import credentials_of
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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"user": "1000"}, "user is '1000', and should have a domain: '1000@example.com'"),
        ({"user": "1000@"}, "user is '1000@', and should have a domain: '1000@example.com'"),
        ({"user": "1000@a", "domain": "b"}, "user is '1000@a', and domain is 'b': there should be one domain"),
    ],
)
def test_a_user_has_one_domain(options: dict[str, str], said: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        credentials_of("s3cret", options["user"], options.get("domain"))
    assert str(caught.value) == said


def test_a_users_domain_may_be_said_twice() -> None:
    assert credentials_of("s3cret", "1000@a", "a") == credentials_of("s3cret", "1000", "a")


@pytest.mark.parametrize("port", [-1, 0, 65536, 99999, 80.5])
async def test_a_password_goes_to_no_other_port_than_the_one_that_was_said(port: int) -> None:
    with pytest.raises(LocalProtocolError, match=f"port is {port}, and should be a whole number, 1 to 65535"):
        async with connect("127.0.0.1", port, password="s3cret"):
            raise AssertionError


@pytest.mark.parametrize("seconds", [-1, 0, float("nan")])
async def test_a_time_for_the_login_is_one(seconds: float) -> None:
    with pytest.raises(LocalProtocolError, match=f"login_seconds is {seconds}, and should be more than 0"):
        async with connect(password="s3cret", login_seconds=seconds):
            raise AssertionError


async def test_what_is_no_format_of_events_is_refused_before_there_is_a_connection() -> None:
    # Whoever uses no type checker may write so.
    event_format: EventFormat = "jsno"  # type: ignore[assignment]
    with pytest.raises(LocalProtocolError, match="event_format is 'jsno', and should be plain, json, xml"):
        async with connect(password="s3cret", event_format=event_format):
            raise AssertionError


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
async def test_what_can_be_no_hosts_name_is_no_freeswitch(host: str) -> None:
    with pytest.raises(NoFreeSwitch, match=f"no FreeSWITCH answers at {host}:8021: that is no host's name"):
        async with connect(host, password="s3cret"):
            raise AssertionError
