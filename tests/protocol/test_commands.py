"""Everything that can be said to FreeSWITCH, byte for byte, and what cannot be said."""

from __future__ import annotations

import copy
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_outbound.errors import LocalProtocolError
from esl_outbound.protocol import (
    Api,
    Auth,
    BgApi,
    Command,
    Connect,
    DivertEvents,
    EventFormat,
    Execute,
    Exit,
    Filter,
    FilterDelete,
    GetVar,
    Hangup,
    HangupCause,
    Linger,
    Log,
    MyEvents,
    NixEvent,
    NoEvents,
    NoLinger,
    NoLog,
    NoMedia,
    Resume,
    SendEvent,
    SendMsg,
    Subscribe,
    Unicast,
    UserAuth,
    XferExt,
)

JSON = EventFormat.JSON
XML = EventFormat.XML
UUID = "5f6433ee-df70-478f-a9ed-0397c83df1da"

# Byte for byte

ENCODED: list[tuple[Command, bytes]] = [
    (Connect(), b"connect\n\n"),
    (Resume(), b"resume\n\n"),
    (Exit(), b"exit\n\n"),
    (NoEvents(), b"noevents\n\n"),
    (NoLinger(), b"nolinger\n\n"),
    (NoLog(), b"nolog\n\n"),
    # myevents
    (MyEvents(), b"myevents\n\n"),
    (MyEvents(JSON), b"myevents json\n\n"),
    (MyEvents(XML), b"myevents xml\n\n"),
    (MyEvents(channel_uuid="5f64"), b"myevents 5f64 plain\n\n"),
    (MyEvents(JSON, "5f64"), b"myevents 5f64 json\n\n"),
    # event, nixevent
    (Subscribe(("CHANNEL_ANSWER",)), b"event plain CHANNEL_ANSWER\n\n"),
    (Subscribe(("DTMF", "ALL"), format=JSON), b"event json DTMF ALL\n\n"),
    (Subscribe(subclasses=("my::event",)), b"event plain CUSTOM my::event\n\n"),
    (Subscribe(("DTMF",), ("a::b", "c::d"), XML), b"event xml DTMF CUSTOM a::b c::d\n\n"),
    (NixEvent(("DTMF", "TALK")), b"nixevent DTMF TALK\n\n"),
    (NixEvent(subclasses=("my::event",)), b"nixevent CUSTOM my::event\n\n"),
    (NixEvent(("DTMF",), ("my::event",)), b"nixevent DTMF CUSTOM my::event\n\n"),
    # filter
    (Filter("Unique-ID", "5f64"), b"filter add Unique-ID 5f64\n\n"),
    (Filter("Event-Name", "-CHANNEL_EXECUTE"), b"filter add Event-Name -CHANNEL_EXECUTE\n\n"),
    (Filter("delete", "a b "), b"filter add delete a b \n\n"),
    (FilterDelete(), b"filter delete all\n\n"),
    (FilterDelete("Event-Name"), b"filter delete Event-Name\n\n"),
    (FilterDelete("Event-Name", "CHANNEL EXECUTE"), b"filter delete Event-Name CHANNEL EXECUTE\n\n"),
    # linger, divert_events, getvar, log
    (Linger(), b"linger\n\n"),
    (Linger(14), b"linger 14\n\n"),
    (Linger(0), b"linger 0\n\n"),
    (DivertEvents(), b"divert_events on\n\n"),
    (DivertEvents(on=False), b"divert_events off\n\n"),
    (GetVar("caller_id_name"), b"getvar caller_id_name\n\n"),
    (GetVar("nolocal:x"), b"getvar nolocal:x\n\n"),
    (Log(), b"log\n\n"),
    (Log(7), b"log 7\n\n"),
    (Log(0), b"log 0\n\n"),
    (Log("debug"), b"log debug\n\n"),
    # api, bgapi
    (Api("status"), b"api status\n\n"),
    (Api("uuid_setvar 5f64 x Za\u00df 100% "), b"api uuid_setvar 5f64 x Za\xc3\x9f 100% \n\n"),
    (Api("st", console=True), b"api st\nconsole_execute: true\n\n"),
    (BgApi("msleep 300", "job 1"), b"bgapi msleep 300\nJob-UUID: job 1\n\n"),
    (BgApi("st", "7", console=True), b"bgapi st\nJob-UUID: 7\nconsole_execute: true\n\n"),
    # auth, userauth
    (Auth("ClueCon"), b"auth ClueCon\n\n"),
    (UserAuth("1000", "example.org", "pa:ss w@rd"), b"userauth 1000@example.org:pa:ss w@rd\n\n"),
    # sendmsg execute
    (Execute("answer"), b"sendmsg\ncall-command: execute\nexecute-app-name: answer\n\n"),
    (
        Execute("playback", "ivr/a b.wav"),
        b"sendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: ivr/a b.wav\n\n",
    ),
    (
        Execute(
            "playback",
            "a.wav",
            event_uuid="my id/1 100%",
            event_uuid_name="greeting",
            loops=3,
            event_lock=True,
            channel_uuid="5f64",
            headers=(("lead-frames", "5"), ("hold-bleg", "true")),
        ),
        b"sendmsg 5f64\ncall-command: execute\nexecute-app-name: playback\nEvent-UUID: my id/1 100%\n"
        b"Event-UUID-Name: greeting\nloops: 3\nevent-lock: true\nlead-frames: 5\nhold-bleg: true\n"
        b"execute-app-arg: a.wav\n\n",
    ),
    (
        Execute("playback", loops=-1),
        b"sendmsg\ncall-command: execute\nexecute-app-name: playback\nloops: -1\n\n",
    ),
    (
        Execute("set", "a=1\nZa\u00df\n\n"),
        b"sendmsg\ncall-command: execute\nexecute-app-name: set\ncontent-type: text/plain\ncontent-length: 10\n\n"
        b"a=1\nZa\xc3\x9f\n\n",
    ),
    (
        Execute("set", " a=1"),
        b"sendmsg\ncall-command: execute\nexecute-app-name: set\ncontent-type: text/plain\ncontent-length: 4\n\n a=1",
    ),
    (
        Execute("set", "a=\r"),
        b"sendmsg\ncall-command: execute\nexecute-app-name: set\ncontent-type: text/plain\ncontent-length: 3\n\na=\r",
    ),
    (
        Execute("set", "a=1 ", as_body=True, event_uuid="7"),
        b"sendmsg\ncall-command: execute\nexecute-app-name: set\nEvent-UUID: 7\ncontent-type: text/plain\n"
        b"content-length: 4\n\na=1 ",
    ),
    (
        Execute("set", as_body=True),
        b"sendmsg\ncall-command: execute\nexecute-app-name: set\n\n",
    ),
    (
        Execute("set", "bad=caf\udce9"),
        b"sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: bad=caf\xe9\n\n",
    ),
    # the other messages to a channel
    (Hangup(), b"sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING\n\n"),
    (Hangup(HangupCause.USER_BUSY, "5f64"), b"sendmsg 5f64\ncall-command: hangup\nhangup-cause: USER_BUSY\n\n"),
    (Hangup("17"), b"sendmsg\ncall-command: hangup\nhangup-cause: 17\n\n"),
    (NoMedia("9999"), b"sendmsg\ncall-command: nomedia\nnomedia-uuid: 9999\n\n"),
    (NoMedia("9999", "5f64"), b"sendmsg 5f64\ncall-command: nomedia\nnomedia-uuid: 9999\n\n"),
    (
        Unicast(),
        b"sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: 8025\nremote-ip: 127.0.0.1\n"
        b"remote-port: 8026\ntransport: udp\n\n",
    ),
    (
        Unicast("10.0.0.1", 1, "10.0.0.2", 65535, "tcp", "native", "5f64"),
        b"sendmsg 5f64\ncall-command: unicast\nlocal-ip: 10.0.0.1\nlocal-port: 1\nremote-ip: 10.0.0.2\n"
        b"remote-port: 65535\ntransport: tcp\nflags: native\n\n",
    ),
    (
        XferExt((("answer", ""), ("set", "xfer=1 2"))),
        b"sendmsg\ncall-command: xferext\napplication: answer\napplication: set xfer=1 2\n\n",
    ),
    (
        XferExt((("hangup", "CALL_REJECTED"),), "5f64"),
        b"sendmsg 5f64\ncall-command: xferext\napplication: hangup CALL_REJECTED\n\n",
    ),
    (
        SendMsg((("call-command", "execute"), ("a", "a: b "))),
        b"sendmsg\ncall-command: execute\na: a: b \n\n",
    ),
    (SendMsg((), channel_uuid="5f64"), b"sendmsg 5f64\n\n"),
    (
        SendMsg((("content-type", "text/plain"),), "Za\u00df\r\n"),
        b"sendmsg\ncontent-type: text/plain\ncontent-length: 6\n\nZa\xc3\x9f\r\n",
    ),
    # sendevent
    (SendEvent("MESSAGE"), b"sendevent MESSAGE\n\n"),
    (
        SendEvent("CUSTOM", "my::event", (("X-Foo", "1"), ("X-Foo", "2")), "hello\n"),
        b"sendevent CUSTOM\nEvent-Subclass: my::event\nX-Foo: 1\nX-Foo: 2\ncontent-length: 6\n\nhello\n",
    ),
    (
        SendEvent("NOTIFY", headers=(("unique-id", "5f64"), ("Event-Subclass", "own"))),
        b"sendevent NOTIFY\nunique-id: 5f64\nEvent-Subclass: own\n\n",
    ),
]


@pytest.mark.parametrize(("command", "data"), ENCODED, ids=lambda value: repr(value)[:60])
def test_a_command_is_these_bytes(command: Command, data: bytes) -> None:
    assert command.encode() == data


def test_every_command_is_among_them() -> None:
    assert {type(command) for command, _ in ENCODED} == set(Command.__subclasses__())


@pytest.mark.parametrize(("command", "data"), ENCODED, ids=lambda value: repr(value)[:60])
def test_a_commands_name_is_its_first_word(command: Command, data: bytes) -> None:
    assert data.split()[0] == command.name.encode()


@pytest.mark.parametrize(("command", "data"), ENCODED, ids=lambda value: repr(value)[:60])
def test_commands_are_values(command: Command, data: bytes) -> None:
    again = copy.copy(command)
    assert again is not command
    assert (again, hash(again)) == (command, hash(command))
    assert command.encode() == data


# What is refused

REFUSED: list[tuple[Command, str]] = [
    (MyEvents(channel_uuid=""), "'' cannot be a channel's UUID"),
    (MyEvents(channel_uuid="a b"), "'a b' cannot be a channel's UUID"),
    (Subscribe(), "no event was named"),
    (NixEvent(), "no event was named"),
    (Subscribe(("",)), "'' cannot be an event's name"),
    (Subscribe(("A B",)), "'A B' cannot be an event's name"),
    (Subscribe(subclasses=("",)), "'' cannot be an event's subclass"),
    (Subscribe(subclasses=("a b",)), "'a b' cannot be an event's subclass"),
    (Subscribe(("CUSTOM",)), "CUSTOM events are named by their subclasses"),
    (Subscribe(("DTMF", "Custom"), ("my::event",)), "CUSTOM events are named by their subclasses"),
    (NixEvent(("custom",)), "CUSTOM events are named by their subclasses"),
    (NixEvent(("é",)), "'é' cannot be an event's name"),
    (Filter("", "x"), "'' cannot be a header's name"),
    (Filter("a b", "x"), "'a b' cannot be a header's name"),
    (Filter("A", ""), "a filter needs a value"),
    (FilterDelete("a b"), "'a b' cannot be a header's name"),
    (FilterDelete(""), "'' cannot be a header's name"),
    (FilterDelete("A", ""), "a filter's value goes with its header"),
    (FilterDelete(None, "x"), "a filter's value goes with its header"),
    (Linger(-1), "linger cannot last -1 seconds"),
    (GetVar(""), "a variable's name cannot be empty or begin with a blank"),
    (GetVar(" x"), "a variable's name cannot be empty or begin with a blank"),
    (Api(""), "an API command cannot be empty or begin with a blank"),
    (Api(" status"), "an API command cannot be empty or begin with a blank"),
    (BgApi("", "7"), "an API command cannot be empty or begin with a blank"),
    (BgApi("status", ""), "a Job-UUID cannot be empty or begin with a blank"),
    (BgApi("status", " 7"), "a Job-UUID cannot be empty or begin with a blank"),
    (Log("de bug"), "'de bug' cannot be a log level"),
    (Auth(""), "a password cannot be empty or begin with a blank"),
    (Auth(" x"), "a password cannot be empty or begin with a blank"),
    (UserAuth("", "d", "p"), "'' cannot be a user"),
    (UserAuth("u", "", "p"), "'' cannot be a domain"),
    (UserAuth("u", "d", ""), "a password cannot be empty or begin with a blank"),
    (UserAuth("u@x", "d", "p"), "'u@x' holds an @ or a colon"),
    (UserAuth("u:x", "d", "p"), "'u:x' holds an @ or a colon"),
    (UserAuth("u", "d@x", "p"), "'d@x' holds an @ or a colon"),
    (UserAuth("u", "d:x", "p"), "'d:x' holds an @ or a colon"),
    (Execute(""), "'' cannot be an application's name"),
    (Execute("play back"), "'play back' cannot be an application's name"),
    (Execute("a", channel_uuid="5f 64"), "'5f 64' cannot be a channel's UUID"),
    (Execute("a", event_uuid=" 7"), "an Event-UUID cannot be empty or begin with a blank"),
    (Execute("a", event_uuid_name=" 7"), "an Event-UUID-Name cannot be empty or begin with a blank"),
    (Execute("a", loops=0), "an application cannot run zero times"),
    (Execute("a", "b\0"), "an argument cannot hold a NUL"),
    (Execute("a", "b\0", as_body=True), "an argument cannot hold a NUL"),
    (Execute("a", "b\n\0"), "an argument cannot hold a NUL"),
    (Execute("a", headers=(("", "1"),)), "'' cannot be a header's name"),
    (Execute("a", headers=(("a b", "1"),)), "'a b' cannot be a header's name"),
    (Execute("a", headers=(("a:b", "1"),)), "'a:b' cannot be a header's name"),
    (Execute("a", headers=(("x", ""),)), "the header x cannot be empty or begin with a blank"),
    (Execute("a", headers=(("x", " 1"),)), "the header x cannot be empty or begin with a blank"),
    *(
        (Execute("a", headers=((name, "1"),)), f"{name} is written by the command itself")
        for name in (
            "Content-Length",
            "Content-Type",
            "Call-Command",
            "Event-Lock",
            "Event-UUID",
            "Event-UUID-Name",
            "Execute-App-Arg",
            "Execute-App-Name",
            "LOOPS",
        )
    ),
    (Hangup(""), "'' cannot be a hangup cause"),
    (Hangup("USER BUSY"), "'USER BUSY' cannot be a hangup cause"),
    (NoMedia(""), "'' cannot be a channel's UUID"),
    (Unicast(local_port=0), "0 is no port"),
    (Unicast(remote_port=65536), "65536 is no port"),
    (Unicast(remote_port=-1), "-1 is no port"),
    (Unicast(local_ip=""), "'' cannot be an address"),
    (Unicast(remote_ip="a b"), "'a b' cannot be an address"),
    (Unicast(transport=""), "'' cannot be a transport"),
    (Unicast(flags=" native"), "flags cannot be empty or begin with a blank"),
    (XferExt(()), "an extension needs an application"),
    (XferExt((("", ""),)), "'' cannot be an application's name"),
    (XferExt((("a b", ""),)), "'a b' cannot be an application's name"),
    (SendMsg((("Content-length", "7"),)), "Content-length is written by the command itself"),
    (SendMsg((), "a\0"), "a body cannot hold a NUL"),
    (SendEvent(""), "'' cannot be an event's name"),
    (SendEvent("A B"), "'A B' cannot be an event's name"),
    (SendEvent("CUSTOM", " a"), "an event's subclass cannot be empty or begin with a blank"),
    (
        SendEvent("CUSTOM", "a", (("event-Subclass", "b"),)),
        "event-Subclass is written by the command itself",
    ),
    (SendEvent("A", headers=(("content-length", "7"),)), "content-length is written by the command itself"),
    (SendEvent("A", body="\0"), "a body cannot hold a NUL"),
]


@pytest.mark.parametrize(("command", "reason"), REFUSED, ids=lambda value: repr(value)[:60])
def test_what_the_wire_cannot_say_is_refused_with_its_reason(command: Command, reason: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        command.encode()
    assert str(caught.value) == reason


# One constructor for every place where text stands that has to stay on its line.
ON_A_LINE: dict[str, Callable[[str], Command]] = {
    "myevents uuid": lambda text: MyEvents(channel_uuid=text),
    "event name": lambda text: Subscribe((text,)),
    "event subclass": lambda text: Subscribe(subclasses=(text,)),
    "nixevent name": lambda text: NixEvent((text,)),
    "nixevent subclass": lambda text: NixEvent(subclasses=(text,)),
    "filter header": lambda text: Filter(text, "x"),
    "filter value": lambda text: Filter("A", text),
    "filter delete header": FilterDelete,
    "filter delete value": lambda text: FilterDelete("A", text),
    "getvar": GetVar,
    "log": Log,
    "api": Api,
    "bgapi": lambda text: BgApi(text, "7"),
    "bgapi uuid": lambda text: BgApi("status", text),
    "auth": Auth,
    "userauth user": lambda text: UserAuth(text, "d", "p"),
    "userauth domain": lambda text: UserAuth("u", text, "p"),
    "userauth password": lambda text: UserAuth("u", "d", text),
    "execute application": Execute,
    "execute uuid": lambda text: Execute("a", channel_uuid=text),
    "execute Event-UUID": lambda text: Execute("a", event_uuid=text),
    "execute Event-UUID-Name": lambda text: Execute("a", event_uuid_name=text),
    "execute header": lambda text: Execute("a", headers=((text, "1"),)),
    "execute header's value": lambda text: Execute("a", headers=(("x", text),)),
    "hangup cause": Hangup,
    "hangup uuid": lambda text: Hangup(channel_uuid=text),
    "nomedia": NoMedia,
    "nomedia uuid": lambda text: NoMedia("7", text),
    "unicast local": lambda text: Unicast(local_ip=text),
    "unicast remote": lambda text: Unicast(remote_ip=text),
    "unicast transport": lambda text: Unicast(transport=text),
    "unicast flags": lambda text: Unicast(flags=text),
    "unicast uuid": lambda text: Unicast(channel_uuid=text),
    "xferext application": lambda text: XferExt(((text, ""),)),
    "xferext argument": lambda text: XferExt((("a", text),)),
    "xferext uuid": lambda text: XferExt((("a", ""),), text),
    "sendmsg header": lambda text: SendMsg(((text, "1"),)),
    "sendmsg header's value": lambda text: SendMsg((("x", text),)),
    "sendmsg uuid": lambda text: SendMsg((), channel_uuid=text),
    "sendevent": SendEvent,
    "sendevent subclass": lambda text: SendEvent("CUSTOM", text),
    "sendevent header": lambda text: SendEvent("A", headers=((text, "1"),)),
    "sendevent header's value": lambda text: SendEvent("A", headers=(("x", text),)),
}


@pytest.mark.parametrize("place", ON_A_LINE)
def test_a_line_break_or_a_nul_is_refused_wherever_text_stays_on_its_line(place: str) -> None:
    assert ON_A_LINE[place]("xyz").encode()
    for text in (
        "x\ny",
        "x\n",
        "\nx",
        "x\ry",
        "x\r",
        "\rx",
        "x\r\ny",
        "x\0y",
        "x\0",
        "\0x",
        "\n",
        "\r",
        "\0",
        "x\n\ny",
    ):
        with pytest.raises(LocalProtocolError):
            ON_A_LINE[place](text).encode()


@pytest.mark.parametrize(
    "command",
    [
        GetVar("\ud800"),
        Api("x\udfffy"),
        Execute("a", "\ud800"),
        Execute("a", "\ud800\n"),
        SendMsg((), "\ud800"),
        SendEvent("A", headers=(("x", "\ud800"),)),
    ],
    ids=repr,
)
def test_text_that_no_encoding_has_is_refused(command: Command) -> None:
    with pytest.raises(LocalProtocolError, match=r"^'\\ud800' is no text$|^'\\udfff' is no text$"):
        command.encode()


# Passwords


MAKE = pytest.mark.parametrize(
    "make", [Auth, lambda password: UserAuth("1000", "example.org", password)], ids=["auth", "userauth"]
)


@MAKE
def test_a_password_is_not_shown(make: Callable[[str], Command]) -> None:
    assert "hunter2" not in repr(make("hunter2"))
    assert "hunter2" not in str(make("hunter2"))


@MAKE
@pytest.mark.parametrize("password", ["hunter2\n", "\0hunter2", " hunter2", "\ud800hunter2", "hunter2\ud800"])
def test_a_password_is_not_shown_when_it_is_refused(make: Callable[[str], Command], password: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        make(password).encode()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_user_is_shown_without_the_password() -> None:
    assert repr(UserAuth("1000", "example.org", "hunter2")) == "UserAuth(user='1000', domain='example.org')"


# Sizes: FreeSWITCH cuts a head at 10 MB and refuses a body above 16 MB.


def test_a_command_may_be_as_long_as_freeswitch_reads() -> None:
    longest = "x" * (10_485_760 - len("api \n\n"))
    assert len(Api(longest).encode()) == 10_485_760
    with pytest.raises(LocalProtocolError, match="a command of 10485761 bytes, more than FreeSWITCH reads"):
        Api(longest + "x").encode()


def test_a_head_is_measured_in_bytes() -> None:
    with pytest.raises(LocalProtocolError, match="a command of 10485762 bytes"):
        Api("ß" * ((10_485_760 - len("api \n\n")) // 2 + 1)).encode()


@pytest.mark.parametrize(
    "make",
    [
        lambda body: Execute("set", body, as_body=True),
        lambda body: SendMsg((), body),
        lambda body: SendEvent("A", body=body),
    ],
    ids=["execute", "sendmsg", "sendevent"],
)
def test_a_body_may_be_as_long_as_freeswitch_reads(make: Callable[[str], Command]) -> None:
    assert make("x" * 16_777_216).encode().endswith(b"content-length: 16777216\n\n" + b"x" * 16_777_216)
    with pytest.raises(LocalProtocolError, match="a body of 16777217 bytes, more than FreeSWITCH reads"):
        make("x" * 16_777_217).encode()


# A reader of its own: what FreeSWITCH makes of the bytes


@attrs.frozen
class Packet:
    """A command as FreeSWITCH has it before it looks at the command's word."""

    command: str
    headers: list[tuple[str, str]]
    body: str | None

    def get(self, name: str) -> str:
        return next((value for other, value in self.headers if other.lower() == name.lower()), "")


def read_packet(data: bytes) -> tuple[Packet, bytes]:
    """One command and the bytes behind it, as ``read_packet()`` of ``mod_event_socket.c`` reads them."""
    position = 0
    while data[position : position + 1] == b"\n":
        position += 1
    command: str | None = None
    headers: list[tuple[str, str]] = []
    length = None
    while True:
        end = data.index(b"\n", position)
        line = data[position:end]
        position = end + 1
        if not line:
            break
        # A carriage return loses all headers before it, a NUL the rest of its line.
        assert b"\r" not in line
        assert b"\0" not in line
        if command is None:
            command = line.decode("utf-8", "surrogateescape")
            continue
        raw_name, colon, raw_value = line.partition(b":")
        raw_value = raw_value.lstrip(b" ")
        if not colon or not raw_value:
            continue
        headers.append((raw_name.decode("utf-8", "surrogateescape"), raw_value.decode("utf-8", "surrogateescape")))
        if raw_name.lower() == b"content-length":
            length = int(raw_value)
    assert command is not None
    if length is None:
        return Packet(command, headers, None), data[position:]
    assert len(data) >= position + length
    body = data[position : position + length].decode("utf-8", "surrogateescape")
    return Packet(command, headers, body), data[position + length :]


def test_the_reader_of_these_tests_reads_like_freeswitch() -> None:
    packet, rest = read_packet(
        b"\n\nsendmsg 7\na:  1 \nA:b: c\nempty:\nblank:  \nno colon\ncontent-length: 2\n\n\n\nexit\n\n"
    )
    assert packet == Packet("sendmsg 7", [("a", "1 "), ("A", "b: c"), ("content-length", "2")], "\n\n")
    assert rest == b"exit\n\n"


WORDS = st.text("abXY09-_.:", min_size=1, max_size=8)
NASTY = st.text("ab :%=\"'\\\t\r\n\0|[]{}$\u00df\u65e5\udce9\ud800\u2028\x85\x0b\x0c\x1c\u00a0", max_size=10)
TEXTS = st.one_of(WORDS, NASTY, st.text(max_size=10))
HEADERS = st.lists(st.tuples(st.one_of(st.text("ab-_XY", min_size=1, max_size=5), NASTY), TEXTS), max_size=3).map(tuple)
NUMBERS = st.integers(-2, 70000)
FORMATS = st.sampled_from(EventFormat)


def mostly_none(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | texts


def lines(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return list(headers)


def to(channel_uuid: str) -> str:
    return f"sendmsg {channel_uuid}" if channel_uuid else "sendmsg"


def said(command: Command) -> Packet:
    """What FreeSWITCH should have, written once more without the code under test; an argument is checked apart."""
    match command:
        case Subscribe() | NixEvent():
            words = [command.name, *([command.format.value] if isinstance(command, Subscribe) else []), *command.names]
            if command.subclasses:
                words += ["CUSTOM", *command.subclasses]
            return Packet(" ".join(words), [], None)
        case MyEvents():
            words = ["myevents", *filter(None, [command.channel_uuid])]
            said = command.format.value != "plain" or command.channel_uuid is not None
            return Packet(" ".join(words + [command.format.value] * said), [], None)
        case Filter():
            return Packet(f"filter add {command.header} {command.value}", [], None)
        case FilterDelete(header, value):
            text = "filter delete " + ("all" if header is None else header)
            return Packet(text if value is None else f"{text} {value}", [], None)
        case Linger(seconds):
            return Packet("linger" if seconds is None else f"linger {seconds}", [], None)
        case DivertEvents(on):
            return Packet("divert_events on" if on else "divert_events off", [], None)
        case GetVar(variable):
            return Packet(f"getvar {variable}", [], None)
        case Log(level):
            return Packet(f"log {level}" if level != "" else "log", [], None)
        case Api(line, console):
            return Packet(f"api {line}", [("console_execute", "true")] if console else [], None)
        case BgApi(line, job_uuid, console):
            headers = [("Job-UUID", job_uuid)] + ([("console_execute", "true")] if console else [])
            return Packet(f"bgapi {line}", headers, None)
        case Auth(password):
            return Packet(f"auth {password}", [], None)
        case UserAuth(user, domain, password):
            return Packet(f"userauth {user}@{domain}:{password}", [], None)
        case Execute():
            headers = [("call-command", "execute"), ("execute-app-name", command.application)]
            headers += [("Event-UUID", command.event_uuid)] if command.event_uuid else []
            headers += [("Event-UUID-Name", command.event_uuid_name)] if command.event_uuid_name else []
            headers += [("loops", str(command.loops))] if command.loops != 1 else []
            headers += [("event-lock", "true")] if command.event_lock else []
            return Packet(to(command.channel_uuid), headers + lines(command.headers), None)
        case Hangup(cause, channel_uuid):
            return Packet(to(channel_uuid), [("call-command", "hangup"), ("hangup-cause", str(cause))], None)
        case NoMedia(uuid, channel_uuid):
            return Packet(to(channel_uuid), [("call-command", "nomedia"), ("nomedia-uuid", uuid)], None)
        case Unicast():
            headers = [
                ("call-command", "unicast"),
                ("local-ip", command.local_ip),
                ("local-port", str(command.local_port)),
                ("remote-ip", command.remote_ip),
                ("remote-port", str(command.remote_port)),
                ("transport", command.transport),
            ]
            headers += [("flags", command.flags)] if command.flags else []
            return Packet(to(command.channel_uuid), headers, None)
        case XferExt(applications, channel_uuid):
            headers = [("call-command", "xferext")]
            headers += [("application", f"{name} {argument}" if argument else name) for name, argument in applications]
            return Packet(to(channel_uuid), headers, None)
        case SendMsg(own, body, channel_uuid):
            return Packet(to(channel_uuid), lines(own), body or None)
        case SendEvent(event, subclass, own, body):
            headers = ([("Event-Subclass", subclass)] if subclass else []) + lines(own)
            return Packet(f"sendevent {event}", headers, body or None)
        case _:
            return Packet(command.name, [], None)


COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from([Connect(), Resume(), Exit(), NoEvents(), NoLinger(), NoLog()]),
    st.builds(MyEvents, FORMATS, mostly_none(TEXTS)),
    st.builds(Subscribe, st.lists(TEXTS, max_size=2).map(tuple), st.lists(TEXTS, max_size=2).map(tuple), FORMATS),
    st.builds(NixEvent, st.lists(TEXTS, max_size=2).map(tuple), st.lists(TEXTS, max_size=2).map(tuple)),
    st.builds(Filter, TEXTS, TEXTS),
    st.builds(FilterDelete, mostly_none(TEXTS), mostly_none(TEXTS)),
    st.builds(Linger, st.none() | NUMBERS),
    st.builds(DivertEvents, st.booleans()),
    st.builds(GetVar, TEXTS),
    st.builds(Log, TEXTS | NUMBERS),
    st.builds(Api, TEXTS, st.booleans()),
    st.builds(BgApi, TEXTS, TEXTS, st.booleans()),
    st.builds(Auth, TEXTS),
    st.builds(UserAuth, TEXTS, TEXTS, TEXTS),
    st.builds(
        Execute,
        WORDS,
        TEXTS,
        st.just("") | TEXTS,
        st.just("") | TEXTS,
        st.sampled_from([1, 1, 2, -1, 0]),
        st.booleans(),
        st.booleans(),
        st.just("") | WORDS,
        HEADERS,
    ),
    st.builds(Execute, TEXTS, TEXTS),
    st.builds(Hangup, TEXTS | st.sampled_from(HangupCause), TEXTS),
    st.builds(NoMedia, TEXTS, TEXTS),
    st.builds(Unicast, TEXTS, NUMBERS, WORDS, NUMBERS, WORDS, TEXTS, st.just("") | TEXTS),
    st.builds(XferExt, st.lists(st.tuples(WORDS, TEXTS), max_size=3).map(tuple), st.just("") | TEXTS),
    st.builds(SendMsg, HEADERS, TEXTS, st.just("") | TEXTS),
    st.builds(SendEvent, TEXTS, st.just("") | TEXTS, HEADERS, TEXTS),
)


@settings(deadline=None, max_examples=1500)
@given(command=COMMANDS)
def test_whatever_is_accepted_reaches_freeswitch_as_it_went_in(command: Command) -> None:
    try:
        data = command.encode()
    except LocalProtocolError:
        return
    packet, rest = read_packet(data + b"exit\n\n")
    assert rest == b"exit\n\n"
    expected = said(command)
    if isinstance(command, Execute):
        # The argument comes in a header, or as the body of a message of its type that has no such header.
        argument = packet.get("execute-app-arg")
        if not argument and packet.get("content-type") == "text/plain":
            argument = packet.body or ""
        assert argument == command.argument
        ways = {"execute-app-arg", "content-type", "content-length"}
        headers = [pair for pair in packet.headers if pair[0] not in ways]
        assert (packet.command, headers) == (expected.command, expected.headers)
        return
    if packet.body is not None:
        assert packet.headers.pop() == ("content-length", str(len(packet.body.encode("utf-8", "surrogateescape"))))
    assert packet == expected


@settings(deadline=None, max_examples=200)
@given(commands=st.lists(COMMANDS, max_size=5))
def test_commands_written_together_are_read_one_by_one(commands: list[Command]) -> None:
    encoded = []
    for command in commands:
        try:
            encoded.append((command, command.encode()))
        except LocalProtocolError:
            continue
    data = b"".join(part for _, part in encoded)
    for command, _ in encoded:
        packet, data = read_packet(data)
        assert packet.command == said(command).command
    assert data == b""


def test_a_filter_on_a_header_named_all_cannot_be_taken_back_alone() -> None:
    for name in ("all", "ALL"):
        with pytest.raises(LocalProtocolError):
            FilterDelete(name).encode()


def test_a_header_name_with_a_bracket_would_be_an_array_index() -> None:
    with pytest.raises(LocalProtocolError):
        SendEvent("CUSTOM", headers=(("x[1]", "a"),)).encode()
