"""Both directions of one connection: which command a reply answers, and what may be said when."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_outbound.errors import LocalProtocolError, RemoteProtocolError
from esl_outbound.protocol import (
    Api,
    ApiResponse,
    Auth,
    AuthRequest,
    BgApi,
    Command,
    Connect,
    Connection,
    ConnectReply,
    DisconnectNotice,
    Event,
    Exchange,
    Execute,
    Exit,
    GetVar,
    Linger,
    LogLine,
    Message,
    MyEvents,
    Reply,
)

CONNECTED = (
    b"Event-Name: CHANNEL_DATA\nUnique-ID: 5f6433ee\nChannel-Name: a%20b\nContent-Type: command/reply\n"
    b"Reply-Text: %2BOK%0A\nSocket-Mode: async\nControl: full\n\n"
)
OK = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
ENABLED = b"Content-Type: command/reply\nReply-Text: +OK Events Enabled\n\n"
LINGERS = b"Content-Type: command/reply\nReply-Text: +OK will linger\n\n"
VALUE = b"Content-Type: command/reply\nReply-Text: 100%25 a%20b\n\n"
REFUSED = b"Content-Type: command/reply\nReply-Text: -ERR command not found\n\n"
BYE = b"Content-Type: command/reply\nReply-Text: +OK bye\n\n"
TRUE = b"Content-Type: api/response\nContent-Length: 4\n\ntrue"
NO_REPLY = b"Content-Type: api/response\nContent-Length: 14\n\n-ERR no reply\n"
EVENT = b"Content-Length: 18\nContent-Type: text/event-plain\n\nEvent-Name: DTMF\n\n"
LOG = b"Content-Type: log/data\nContent-Length: 3\nLog-Level: 7\n\nhi\n"
NOTICE = b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nLinger-Time: 5\nContent-Length: 0\n\n"
AUTH_REQUEST = b"Content-Type: auth/request\n\n"


def connected() -> Connection:
    """A connection whose ``connect`` was answered."""
    connection = Connection()
    connection.send([Connect()])
    connection.receive(CONNECTED)
    assert isinstance(connection.next_message(), Exchange)
    return connection


def answered(connection: Connection, data: bytes) -> list[Message | Exchange]:
    """What comes out for these bytes."""
    connection.receive(data)
    found = []
    while (message := connection.next_message()) is not None:
        found.append(message)
    return found


def reply_text(exchange: Exchange) -> str | None:
    return None if exchange.reply is None else exchange.reply.text


# What may be said


@pytest.mark.parametrize("command", [MyEvents(), Linger(5), Execute("answer"), Exit(), Api("status"), Auth("x")])
def test_nothing_can_be_said_before_connect(command: Command) -> None:
    connection = Connection()
    with pytest.raises(LocalProtocolError, match=f"the first command must be connect, not {command.name}"):
        connection.send([command])
    with pytest.raises(LocalProtocolError):
        connection.send([command, Connect()])
    assert connection.unanswered == ()
    data, _ = connection.send([Connect(), command])
    assert data.startswith(b"connect\n\n")


def test_other_connections_begin_otherwise() -> None:
    connection = Connection(opening=(Auth, Connect))
    with pytest.raises(LocalProtocolError, match="the first command must be auth, not linger"):
        connection.send([Linger()])
    assert answered(connection, AUTH_REQUEST) == [AuthRequest()]
    data, exchanges = connection.send([Auth("ClueCon")])
    assert data == b"auth ClueCon\n\n"
    assert answered(connection, b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n") == exchanges
    assert connection.send([Api("status")])[0] == b"api status\n\n"


def test_commands_are_written_in_one_piece_and_each_has_its_exchange() -> None:
    commands = [Connect(), MyEvents(), Linger(14)]
    connection = Connection()
    data, exchanges = connection.send(commands)
    assert data == b"connect\n\nmyevents\n\nlinger 14\n\n"
    assert [exchange.command for exchange in exchanges] == commands
    assert [(exchange.reply, exchange.waiter) for exchange in exchanges] == [(None, None)] * 3
    assert connection.unanswered == tuple(exchanges)


def test_bytes_that_were_kept_are_written_as_they_are() -> None:
    connection = Connection()
    data, exchanges = connection.send([Connect(), MyEvents()], b"kept")
    assert data == b"kept"
    assert [exchange.command for exchange in exchanges] == [Connect(), MyEvents()]
    assert connection.unanswered == tuple(exchanges)


def test_connect_may_be_said_again() -> None:
    connection = connected()
    _, exchanges = connection.send([GetVar("x"), Connect()])
    assert answered(connection, VALUE + CONNECTED) == exchanges
    assert [type(exchange.reply) for exchange in exchanges] == [Reply, ConnectReply]


def test_nothing_can_be_said_after_exit() -> None:
    connection = connected()
    assert not connection.exited
    connection.send([Linger(), Exit()])
    assert connection.exited
    with pytest.raises(LocalProtocolError, match="getvar after exit"):
        connection.send([GetVar("x")])
    with pytest.raises(LocalProtocolError, match="exit after exit"):
        connection.send([Exit()])
    assert len(connection.unanswered) == 2


def test_nothing_can_be_said_behind_an_exit_in_the_same_piece() -> None:
    connection = connected()
    with pytest.raises(LocalProtocolError, match="linger after exit"):
        connection.send([Exit(), Linger()])
    assert (connection.exited, connection.unanswered) == (False, ())
    assert connection.send([Exit()])[0] == b"exit\n\n"


def test_a_command_that_cannot_be_said_is_not_queued_and_nor_are_those_beside_it() -> None:
    connection = connected()
    with pytest.raises(LocalProtocolError):
        connection.send([Linger(), GetVar("a\nb"), Exit()])
    assert (connection.exited, connection.unanswered) == (False, ())
    _, exchanges = connection.send([GetVar("x")])
    assert answered(connection, VALUE) == exchanges


def test_a_first_command_that_cannot_be_said_does_not_open_the_connection() -> None:
    connection = Connection()
    with pytest.raises(LocalProtocolError):
        connection.send([Connect(), GetVar("")])
    with pytest.raises(LocalProtocolError, match="the first command must be connect"):
        connection.send([MyEvents()])


# Which command a reply answers


def test_replies_answer_commands_in_their_order() -> None:
    connection = Connection()
    _, exchanges = connection.send([Connect(), MyEvents(), Linger(), GetVar("x"), Api("a"), BgApi("b", "7"), Exit()])
    assert answered(connection, CONNECTED + ENABLED + LINGERS + VALUE + TRUE + OK + BYE) == exchanges
    assert [reply_text(exchange) for exchange in exchanges] == [
        "+OK",
        "+OK Events Enabled",
        "+OK will linger",
        "100%25 a%20b",
        "true",
        "+OK",
        "+OK bye",
    ]
    assert connection.unanswered == ()


def test_only_the_reply_to_connect_is_url_decoded() -> None:
    connection = Connection()
    _, (connect, getvar) = connection.send([Connect(), GetVar("x")])
    answered(connection, CONNECTED + VALUE)
    assert isinstance(connect.reply, ConnectReply)
    assert connect.reply.headers["Channel-Name"] == "a b"
    assert reply_text(getvar) == "100%25 a%20b"


def test_events_and_notices_between_replies_shift_nothing() -> None:
    connection = connected()
    _, exchanges = connection.send([MyEvents(), GetVar("x")])
    found = answered(connection, EVENT + LOG + ENABLED + NOTICE + EVENT + VALUE + EVENT)
    assert [type(message) for message in found] == [
        Event,
        LogLine,
        Exchange,
        DisconnectNotice,
        Event,
        Exchange,
        Event,
    ]
    assert [message for message in found if isinstance(message, Exchange)] == exchanges
    assert [reply_text(exchange) for exchange in exchanges] == ["+OK Events Enabled", "100%25 a%20b"]


def test_an_exchange_waits_until_its_last_byte_has_come() -> None:
    connection = connected()
    _, (getvar, api) = connection.send([GetVar("x"), Api("a")])
    data = VALUE + TRUE
    found = []
    for place in range(len(data)):
        assert connection.inside_frame == (place not in (0, len(VALUE)))
        assert connection.unanswered == ((getvar, api) if place < len(VALUE) else (api,))
        found += answered(connection, data[place : place + 1])
    assert found == [getvar, api]
    assert not connection.inside_frame


def test_a_refusal_answers_any_command() -> None:
    connection = Connection()
    _, exchanges = connection.send([Connect(), Api("status"), Linger()])
    assert answered(connection, REFUSED * 3) == exchanges
    assert [reply_text(exchange) for exchange in exchanges] == ["-ERR command not found"] * 3


def test_an_api_commands_own_failure_is_its_answer() -> None:
    connection = connected()
    _, (api,) = connection.send([Api("set x")])
    assert answered(connection, NO_REPLY) == [api]
    assert api.reply == ApiResponse("-ERR no reply\n")


# Strays


@pytest.mark.parametrize("stray", [OK, ENABLED, REFUSED, VALUE, TRUE, CONNECTED])
def test_a_reply_that_nobody_waits_for_comes_out_as_it_is_and_shifts_nothing(stray: bytes) -> None:
    connection = connected()
    (message,) = answered(connection, stray)
    assert isinstance(message, Reply | ApiResponse)
    _, (getvar,) = connection.send([GetVar("x")])
    assert answered(connection, VALUE) == [getvar]
    assert reply_text(getvar) == "100%25 a%20b"


@pytest.mark.parametrize(
    ("command", "stray", "answer"),
    [
        (GetVar("x"), TRUE, VALUE),
        (GetVar("x"), CONNECTED, VALUE),
        (GetVar("x"), NO_REPLY, OK),
        (Api("a"), OK, TRUE),
        (Api("a"), VALUE, TRUE),
        (Api("a"), CONNECTED, TRUE),
        (Connect(), OK, CONNECTED),
        (Connect(), ENABLED, CONNECTED),
        (Connect(), TRUE, CONNECTED),
        (Exit(), TRUE, BYE),
    ],
    ids=repr,
)
def test_a_reply_of_another_kind_is_not_taken_for_the_answer(command: Command, stray: bytes, answer: bytes) -> None:
    connection = connected()
    _, (exchange,) = connection.send([command])
    found = answered(connection, stray + stray)
    assert len(found) == 2
    assert exchange not in found
    assert exchange.reply is None
    assert connection.unanswered == (exchange,)
    assert answered(connection, answer) == [exchange]


def test_a_reply_before_connect_was_said_harms_nothing() -> None:
    connection = Connection()
    (message,) = answered(connection, OK)
    assert isinstance(message, Reply)
    _, exchanges = connection.send([Connect()])
    assert answered(connection, CONNECTED) == exchanges


def test_who_asked_may_be_told() -> None:
    @attrs.define(eq=False)
    class Asker:
        told: list[Exchange] = attrs.field(factory=list)

        def answered(self, exchange: Exchange) -> None:
            self.told.append(exchange)

    asker = Asker()
    connection = connected()
    _, (exchange,) = connection.send([GetVar("x")])
    exchange.waiter = asker
    (found,) = answered(connection, VALUE)
    assert isinstance(found, Exchange)
    assert found.waiter is asker
    assert asker.told == []  # it is not the protocol that tells
    found.waiter.answered(found)
    assert asker.told == [exchange]


# The bytes themselves


def test_bytes_that_are_no_event_socket_are_refused_after_what_came_before() -> None:
    connection = connected()
    _, (getvar,) = connection.send([GetVar("x")])
    connection.receive(VALUE + b"GET / HTTP/1.1\r\n\r\n")
    assert connection.next_message() is getvar
    with pytest.raises(RemoteProtocolError, match="not an event socket"):
        connection.next_message()


def test_the_limits_are_the_connections() -> None:
    connection = Connection(max_head_bytes=100, max_body_bytes=20)
    assert len(answered(connection, EVENT)) == 1
    connection.receive(b"Content-Type: api/response\nContent-Length: 21\n\n")
    with pytest.raises(RemoteProtocolError, match="more than 20"):
        connection.next_message()
    connection = Connection(max_head_bytes=100, max_body_bytes=20)
    connection.receive(b"Content-Type: command/reply\nReply-Text: " + b"x" * 100)
    with pytest.raises(RemoteProtocolError, match="more than 100"):
        connection.next_message()


ANSWERS: list[tuple[Command, bytes]] = [
    (GetVar("x"), VALUE),
    (GetVar("x"), REFUSED),
    (GetVar("x"), OK),
    (Linger(), LINGERS),
    (Api("a"), TRUE),
    (Api("a"), REFUSED),
    (Connect(), CONNECTED),
]


@settings(deadline=None, max_examples=200)
@given(
    talk=st.lists(
        st.tuples(st.sampled_from(ANSWERS), st.lists(st.sampled_from([EVENT, LOG, NOTICE, AUTH_REQUEST]), max_size=2)),
        max_size=10,
    ),
    size=st.integers(1, 200),
)
def test_whatever_comes_between_every_command_gets_its_own_answer(
    talk: list[tuple[tuple[Command, bytes], list[bytes]]], size: int
) -> None:
    connection = connected()
    _, exchanges = connection.send([command for (command, _), _ in talk])
    data = b"".join(b"".join(between) + answer for (_, answer), between in talk)
    found = []
    for start in range(0, len(data), size):
        found += answered(connection, data[start : start + size])
    assert [message for message in found if isinstance(message, Exchange)] == exchanges
    assert len(found) == len(exchanges) + sum(len(between) for _, between in talk)
    texts = {VALUE: "100%25 a%20b", REFUSED: "-ERR command not found", OK: "+OK", LINGERS: "+OK will linger"}
    texts |= {TRUE: "true", CONNECTED: "+OK"}
    assert [reply_text(exchange) for exchange in exchanges] == [texts[answer] for (_, answer), _ in talk]


def test_nothing_to_say_is_nothing() -> None:
    connection = Connection()
    assert connection.send([]) == (b"", [])
    assert (connection.unanswered, connection.opened) == ((), False)
    connection.send([Connect()])
    assert connection.opened
