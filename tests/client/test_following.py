"""One channel, followed over a connection of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio
import trio.testing

from esl_outbound import (
    AuthenticationFailed,
    CommandRejected,
    Disconnected,
    EventFormat,
    LocalProtocolError,
    NoFreeSwitch,
    NoSuchChannel,
    Progress,
)
from esl_outbound.client import FollowedChannel
from esl_outbound.client.following import followed
from esl_outbound.client.switch import opened

from ..freeswitch import CHANNEL, GOODBYE, LINGER_NOTICE, OK, REFUSED, ScriptedSwitch, connect_reply
from .scripted import ACCEPTED, AUTH_REQUEST, BYE, ScriptedPort, reply

ENABLED = reply("+OK Events Enabled")
# kill_listener() in mod_event_socket.c.
KILLED = (
    b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: 5f6433ee-df70-478f-a9ed-0397c83df1da\n"
    b"Content-Disposition: disconnect\nContent-Length: 41\n\nkilled listener because of lost events\n\n\n"
)


async def let_in(port: ScriptedPort, *exchanges: tuple[str, bytes]) -> ScriptedSwitch:
    server = await port.newest(1)
    await server.send(AUTH_REQUEST)
    await server.expect("auth ClueCon")
    await server.send(ACCEPTED)
    for command, answer in exchanges:
        await server.expect(command)
        await server.send(answer)
    return server


async def say_goodbye(server: ScriptedSwitch) -> None:
    await server.expect("exit")
    await server.send(BYE, GOODBYE)
    await server.stream.aclose()


@asynccontextmanager
async def following(
    *before: tuple[str, bytes], event_format: EventFormat = EventFormat.PLAIN
) -> AsyncIterator[tuple[FollowedChannel, ScriptedSwitch]]:
    """A channel that is followed; leaving the block sees ``exit`` and answers, unless the connection has ended."""
    port = ScriptedPort()
    exchanges = [*before, (f"myevents {CHANNEL} plain", ENABLED)]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(let_in, port, *exchanges))
            async with followed(port.opener(event_format=event_format), CHANNEL) as channel:
                server = port.connections[0]
                yield channel, server
                nursery.start_soon(bid_farewell, server)


async def bid_farewell(server: ScriptedSwitch) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await say_goodbye(server)


async def test_a_switch_opens_one_more_connection_with_the_same_login() -> None:
    port = ScriptedPort()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(let_in, port)
            async with opened(port.opener()) as switch:

                async def play_the_second() -> None:
                    server = await port.newest(2)
                    await server.send(AUTH_REQUEST)
                    await server.expect("auth ClueCon")
                    await server.send(ACCEPTED)
                    await server.expect(f"myevents {CHANNEL} plain")
                    await server.send(ENABLED, server.event("CHANNEL_ANSWER"))
                    await say_goodbye(server)

                nursery.start_soon(play_the_second)
                async with switch.follow(CHANNEL) as channel:
                    assert channel.channel_uuid == CHANNEL
                    assert (await channel.get()).name == "CHANNEL_ANSWER"
                assert port.connections[0].received == b""
                nursery.start_soon(say_goodbye, port.connections[0])


async def test_reading_ends_with_the_channel() -> None:
    async with following() as (channel, server):
        await server.send(server.event("CHANNEL_ANSWER"), server.hangup(), GOODBYE)
        await server.stream.aclose()
        assert [event.name async for event in channel] == ["CHANNEL_ANSWER", "CHANNEL_HANGUP"]
        assert channel.has_ended
        assert [event.name async for event in channel] == []
        with pytest.raises(Disconnected):
            await channel.get()


async def test_a_channel_that_lingers_is_read_to_its_last_event() -> None:
    async with following() as (channel, server), trio.open_nursery() as nursery:

        async def play() -> None:
            await server.expect("linger 5")
            await server.send(reply("+OK will linger 5 seconds"), server.hangup(), LINGER_NOTICE)
            await server.send(server.hangup_complete(), GOODBYE)
            await server.stream.aclose()

        nursery.start_soon(play)
        await channel.linger(4.2)
        assert [event.name async for event in channel] == ["CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"]
        assert channel.has_ended


async def test_a_channel_that_lingers_until_we_go_has_ended_though_its_connection_has_not() -> None:
    async with following() as (channel, server), trio.open_nursery() as nursery:

        async def play() -> None:
            await server.expect("linger")
            await server.send(reply("+OK will linger"), server.hangup(), LINGER_NOTICE)
            await server.expect("connect")
            await server.send(connect_reply(billsec="7"))

        nursery.start_soon(play)
        await channel.linger()
        assert (await channel.get()).name == "CHANNEL_HANGUP"
        reply_to_connect = await channel.refresh()
        assert channel.has_ended
        assert reply_to_connect.variables["billsec"] == "7"
        assert repr(channel) == f"<FollowedChannel {CHANNEL}, ended>"


async def test_a_connection_that_is_lost_before_the_channel_has_ended_raises() -> None:
    async with following() as (channel, server):
        await server.send(server.event("CHANNEL_ANSWER"))
        await server.stream.aclose()
        names = []
        with pytest.raises(Disconnected):
            async for event in channel:
                names.append(event.name)
        assert names == ["CHANNEL_ANSWER"]
        assert not channel.has_ended


async def test_a_listener_that_freeswitch_kills_is_no_end_of_the_channel() -> None:
    async with following() as (channel, server):
        await server.send(KILLED)
        await server.stream.aclose()
        with pytest.raises(Disconnected):
            await channel.__anext__()


async def test_a_command_whose_answer_is_lost_says_how_far_it_had_come() -> None:
    async with following() as (channel, server), trio.open_nursery() as nursery:

        async def play() -> None:
            await server.expect("getvar x")
            await server.stream.aclose()

        nursery.start_soon(play)
        with pytest.raises(Disconnected) as caught:
            await channel.getvar("x")
        assert caught.value.progress is Progress.SENT
        with pytest.raises(Disconnected) as caught:
            await channel.getvar("x")
        assert caught.value.progress is Progress.NOT_SENT


async def test_there_is_no_such_channel() -> None:
    port = ScriptedPort()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:

            async def play() -> None:
                await let_in(port, ("myevents 7f00 plain", reply("-ERR invalid uuid")))
                await say_goodbye(port.connections[0])

            nursery.start_soon(play)
            with pytest.raises(NoSuchChannel) as caught:
                async with followed(port.opener(), "7f00"):
                    raise AssertionError
    assert caught.value.channel_uuid == "7f00"
    assert str(caught.value) == "myevents failed: -ERR invalid uuid"
    assert isinstance(caught.value.__cause__, CommandRejected)


@pytest.mark.parametrize("channel_uuid", ["", "7f00 json", "7f00\n\nexit", "\0", "7f00\r"])
async def test_what_is_no_uuid_opens_nothing(channel_uuid: str) -> None:
    port = ScriptedPort()
    with pytest.raises(LocalProtocolError):
        async with followed(port.opener(), channel_uuid):
            raise AssertionError
    assert port.connections == []


async def test_a_connection_that_does_not_come_about_raises_as_that_of_connect_does() -> None:
    port = ScriptedPort()
    port.is_there = False
    with pytest.raises(NoFreeSwitch):
        async with followed(port.opener(), CHANNEL):
            raise AssertionError
    port.is_there = True

    async def refuse() -> None:
        server = await port.newest(1)
        await server.send(AUTH_REQUEST)
        await server.expect("auth s3cret")
        await server.send(reply("-ERR invalid"), GOODBYE)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(refuse)
        with pytest.raises(AuthenticationFailed):
            async with followed(port.opener("s3cret"), CHANNEL):
                raise AssertionError


async def test_a_connection_that_ends_before_freeswitch_has_agreed_raises() -> None:
    port = ScriptedPort()

    async def play() -> None:
        server = await let_in(port)
        await server.expect(f"myevents {CHANNEL} plain")
        await server.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(Disconnected) as caught:
            async with followed(port.opener(), CHANNEL):
                raise AssertionError
    assert caught.value.progress is Progress.SENT


async def test_another_format_is_chosen_by_another_command_whose_foreign_events_are_dropped() -> None:
    port = ScriptedPort()

    def answer(uuid: str) -> bytes:
        body = b'{"Event-Name":"CHANNEL_ANSWER","Unique-ID":"%s"}' % uuid.encode()
        return b"Content-Length: %d\nContent-Type: text/event-json\n\n" % len(body) + body

    async def play() -> None:
        server = await let_in(port, ("event json CHANNEL_ANSWER", reply("+OK event listener enabled json")))
        await server.expect(f"myevents {CHANNEL} plain")
        await server.send(answer("foreign"), ENABLED, answer("also-foreign"), answer(CHANNEL))
        await say_goodbye(server)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            async with followed(port.opener(event_format=EventFormat.JSON), CHANNEL) as channel:
                event = await channel.get()
                assert (event["Unique-ID"], event.format) == (CHANNEL, EventFormat.JSON)
                assert channel.drain() == []


async def test_a_user_who_may_not_hear_of_the_event_that_chooses_the_format_is_told() -> None:
    port = ScriptedPort()

    async def play() -> None:
        server = await let_in(port, ("event xml CHANNEL_ANSWER", reply("-ERR permission denied")))
        await say_goodbye(server)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(CommandRejected, match="permission denied"):
            async with followed(port.opener(event_format=EventFormat.XML), CHANNEL):
                raise AssertionError


async def test_a_channel_that_is_given_another_uuid_is_followed_all_the_same() -> None:
    before = ("event json CHANNEL_ANSWER", reply("+OK event listener enabled json"))
    async with following(before, event_format=EventFormat.JSON) as (channel, server):
        await server.send(
            server.event("CHANNEL_UUID", "", "new", Old_Unique_ID=CHANNEL),
            server.event("CHANNEL_ANSWER", "", CHANNEL),
            server.event("CHANNEL_ANSWER", "", "new"),
        )
        assert (await channel.get()).name == "CHANNEL_UUID"
        assert (await channel.get())["Unique-ID"] == "new"
        assert channel.channel_uuid == "new"


async def test_diverted_events_without_a_name_come_too() -> None:
    async with following() as (channel, server):
        body = b"Unique-ID: 1\nx: y\n\n"
        await server.send(b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(body) + body)
        assert (await channel.get())["x"] == "y"


Ask = Callable[[FollowedChannel], Awaitable[object]]


@pytest.mark.parametrize(
    ("ask", "said", "answer", "result"),
    [
        (lambda channel: channel.getvar("x"), "getvar x", reply("one two"), "one two"),
        (lambda channel: channel.linger(), "linger", reply("+OK will linger"), None),
        (lambda channel: channel.linger(5), "linger 5", reply("+OK will linger 5 seconds"), None),
        (lambda channel: channel.nolinger(), "nolinger", reply("+OK will not linger"), None),
        (lambda channel: channel.divert_events(), "divert_events on", reply("+OK events diverted"), None),
        (lambda channel: channel.divert_events(False), "divert_events off", reply("+OK events not diverted"), None),
        (lambda channel: channel.resume(), "resume", OK, None),
        (
            lambda channel: channel.subscribe("PLAYBACK_START", "CUSTOM x::y"),
            "event plain PLAYBACK_START CUSTOM x::y",
            reply("+OK event listener enabled plain"),
            None,
        ),
        (lambda channel: channel.unsubscribe("DTMF"), "nixevent DTMF", reply("+OK events nixed"), None),
    ],
)
async def test_each_command_is_said_as_freeswitch_reads_it(ask: Ask, said: str, answer: bytes, result: object) -> None:
    async with following() as (channel, server), trio.open_nursery() as nursery:

        async def play() -> None:
            await server.expect(said)
            await server.send(answer)

        nursery.start_soon(play)
        assert await ask(channel) == result


@pytest.mark.parametrize(
    ("ask", "said", "answer"),
    [
        (lambda channel: channel.getvar("x"), "getvar x", REFUSED),
        (lambda channel: channel.myevents(), f"myevents {CHANNEL} plain", reply("-ERR aready enabled.")),
        (lambda channel: channel.refresh(), "connect", REFUSED),
        (lambda channel: channel.subscribe("NO_SUCH"), "event plain NO_SUCH", reply("-ERR no keywords supplied")),
        (lambda channel: channel.subscribe("DTMF"), "event plain DTMF", reply("-ERR permission denied")),
        (lambda channel: channel.unsubscribe("NO_SUCH"), "nixevent NO_SUCH", reply("-ERR no keywords supplied")),
        # parse_command() in mod_event_socket.c has these, too.
        (lambda channel: channel.linger(5), "linger 5", reply("-ERR not controlling a session")),
        (lambda channel: channel.nolinger(), "nolinger", reply("-ERR not controlling a session")),
        (lambda channel: channel.divert_events(), "divert_events on", reply("-ERR not controlling a session.")),
        (lambda channel: channel.send_msg({"x": "y"}), "sendmsg\nx: y", reply("-ERR memory error")),
    ],
)
async def test_each_refusal_raises_with_what_freeswitch_said(ask: Ask, said: str, answer: bytes) -> None:
    async with following() as (channel, server), trio.open_nursery() as nursery:

        async def play() -> None:
            await server.expect(said)
            await server.send(answer)

        nursery.start_soon(play)
        with pytest.raises(CommandRejected) as caught:
            await ask(channel)
        assert caught.value.reply.text == answer.decode().split("Reply-Text: ")[1].rstrip("\n")


@pytest.mark.parametrize(
    "ask",
    [
        lambda channel: channel.getvar(""),
        lambda channel: channel.getvar("x\n\nexit"),
        lambda channel: channel.linger(-1),
        lambda channel: channel.linger(float("nan")),
        lambda channel: channel.subscribe(),
        lambda channel: channel.subscribe("CUSTOM"),
        lambda channel: channel.unsubscribe("a b"),
        lambda channel: channel.send_msg({"x y": "z"}),
        lambda channel: channel.send_msg({"x": "y\n\nexit"}),
        lambda channel: channel.execute("two words"),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(ask: Ask) -> None:
    async with following() as (channel, server):
        with pytest.raises(LocalProtocolError):
            await ask(channel)
        await trio.testing.wait_all_tasks_blocked()
        assert server.received == b""


async def test_an_application_is_queued_on_the_channel_whose_connection_this_is() -> None:
    async with following() as (channel, server), trio.open_nursery() as nursery:
        said = []

        async def play() -> None:
            said.append(await server.read_command())
            await server.send(OK)
            said.append(await server.read_command())
            await server.send(OK)

        nursery.start_soon(play)
        uuid = await channel.execute("playback", "a.wav", loops=2, event_lock=True)
        assert (await channel.send_msg({"call-command": "hangup"})).ok
        assert said == [
            f"sendmsg\ncall-command: execute\nexecute-app-name: playback\nEvent-UUID: {uuid}\nloops: 2\n"
            "event-lock: true\nexecute-app-arg: a.wav",
            "sendmsg\ncall-command: hangup",
        ]


async def test_a_channel_that_is_left_has_not_ended() -> None:
    async with following() as (channel, _):
        pass
    assert not channel.has_ended
    with pytest.raises(Disconnected):
        await channel.__anext__()


async def test_whoever_gives_up_leaves_nothing_open(autojump_clock: trio.testing.MockClock) -> None:
    port = ScriptedPort()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:

            async def play() -> None:
                await let_in(port, (f"myevents {CHANNEL} plain", ENABLED))
                await say_goodbye(port.connections[0])

            nursery.start_soon(play)
            with trio.move_on_after(0.1) as scope:
                async with followed(port.opener(), CHANNEL) as channel:
                    await channel.get()
            assert scope.cancelled_caught


async def test_what_leaves_the_block_leaves_it_as_it_is() -> None:
    port = ScriptedPort()
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            await let_in(port, (f"myevents {CHANNEL} plain", ENABLED))
            await say_goodbye(port.connections[0])

        nursery.start_soon(play)
        with pytest.raises(ZeroDivisionError):
            async with followed(port.opener(), CHANNEL):
                _ = 1 / 0
