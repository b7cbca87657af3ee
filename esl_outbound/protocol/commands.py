"""Everything that can be said to FreeSWITCH, one frozen class per command.

``encode()`` gives the bytes. A value that the wire cannot carry raises
``LocalProtocolError`` before anything is sent; whatever is accepted reaches
FreeSWITCH as it is. FreeSWITCH reads the head of a command a byte at a time
(``read_packet()`` in ``mod_event_socket.c``), so no header is sent that says nothing.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final, final

import attrs

from ..errors import LocalProtocolError
from .causes import HangupCause
from .events import EventFormat
from .frames import MAX_BODY_BYTES

__all__ = [
    "Api",
    "Auth",
    "BgApi",
    "Command",
    "Connect",
    "DivertEvents",
    "Execute",
    "Exit",
    "Filter",
    "FilterDelete",
    "GetVar",
    "Hangup",
    "Linger",
    "Log",
    "MyEvents",
    "NixEvent",
    "NoEvents",
    "NoLinger",
    "NoLog",
    "NoMedia",
    "Resume",
    "SendEvent",
    "SendMsg",
    "Subscribe",
    "Unicast",
    "UserAuth",
    "XferExt",
]

MAX_COMMAND_HEAD_BYTES: Final = 10_485_760
"""FreeSWITCH cuts a longer head off (``max_len`` in ``read_packet()``)."""

_BREAK: Final = re.compile(r"[\r\n\0]")
# FreeSWITCH drops the blanks before a header's value, and reads a line break as the next header.
_BODY_ONLY: Final = re.compile(r"\A |[\r\n]")
# No colon, which ends a name, and no bracket, which FreeSWITCH takes for an array's index (switch_event.c).
_HEADER_NAME: Final = re.compile(r"[!-9;-Z\\-~]+")
_WORD: Final = re.compile(r"[!-~]+")

# What things are called when they are refused.
_A_UUID: Final = "a channel's UUID"
_AN_EVENT: Final = "an event's name"
_A_SUBCLASS: Final = "an event's subclass"
_A_HEADER: Final = "a header's name"
_A_VARIABLE: Final = "a variable's name"
_A_FILTER_VALUE: Final = "a filter's value"
_AN_APPLICATION: Final = "an application's name"
_AN_ARGUMENT: Final = "an application's argument"


class Command:
    """What all commands have in common."""

    __slots__ = ()

    name: ClassVar[str]
    """The command's word on the wire."""

    def encode(self) -> bytes:
        """The command's bytes.

        Raises:
            LocalProtocolError: A value cannot be said on the wire.
        """
        return _finish(self.name)


@final
@attrs.frozen
class Connect(Command):
    """``connect``: take the call; the reply tells everything about its channel."""

    name = "connect"


@final
@attrs.frozen
class MyEvents(Command):
    """``myevents``: the events of this channel, or of another one from a connection that we opened."""

    name = "myevents"
    format: EventFormat = EventFormat.PLAIN
    channel_uuid: str | None = None

    def encode(self) -> bytes:
        """The command's bytes.

        Behind a UUID there is a format always: without one FreeSWITCH does not refuse a channel that there is not, and
        sends the events of all channels (``parse_command()`` in mod_event_socket.c). It does not heed it there.
        """
        words = [self.name]
        if self.channel_uuid is not None:
            words.append(_word(self.channel_uuid, _A_UUID))
        if self.format is not EventFormat.PLAIN or self.channel_uuid is not None:
            words.append(self.format.value)
        return _finish(" ".join(words))


def _names(names: tuple[str, ...]) -> str:
    return " ".join(_word(name, _AN_EVENT) for name in names)


def _subclasses(subclasses: tuple[str, ...]) -> str:
    # Whatever follows CUSTOM is a subclass, so it comes last.
    return "CUSTOM " + " ".join(_word(subclass, _A_SUBCLASS) for subclass in subclasses) if subclasses else ""


def _events(names: tuple[str, ...], subclasses: tuple[str, ...]) -> str:
    if not names and not subclasses:
        raise LocalProtocolError("no event was named")
    if "CUSTOM" in (name.upper() for name in names):
        raise LocalProtocolError("CUSTOM events are named by their subclasses")
    return " ".join(filter(None, (_names(names), _subclasses(subclasses))))


@final
@attrs.frozen
class Subscribe(Command):
    """``event``: send events of these names and CUSTOM subclasses, in this format from now on; ``ALL`` is a name."""

    name = "event"
    names: tuple[str, ...] = ()
    subclasses: tuple[str, ...] = ()
    format: EventFormat = EventFormat.PLAIN

    def encode(self) -> bytes:
        """The command's bytes."""
        return _finish(f"{self.name} {self.format.value} {_events(self.names, self.subclasses)}")


@final
@attrs.frozen
class NixEvent(Command):
    """``nixevent``: send events of these names and subclasses no longer."""

    name = "nixevent"
    names: tuple[str, ...] = ()
    subclasses: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """The command's bytes."""
        return _finish(f"{self.name} {_events(self.names, self.subclasses)}")


@final
@attrs.frozen
class NoEvents(Command):
    """``noevents``: send no events at all."""

    name = "noevents"


@final
@attrs.frozen
class Filter(Command):
    """``filter``: only events with this header and value; several are alternatives.

    A value ``-X`` excludes, ``/re/`` is a regular expression.
    """

    name = "filter"
    header: str
    value: str

    def encode(self) -> bytes:
        """The command's bytes; ``add`` keeps a header that is named ``delete`` what it is."""
        if not self.value:
            raise LocalProtocolError("a filter needs a value")
        return _finish(f"{self.name} add {_word(self.header, _A_HEADER)} {_line(self.value, _A_FILTER_VALUE)}")


@final
@attrs.frozen
class FilterDelete(Command):
    """``filter delete``: one value of a header, all of a header, or (without a header) every filter."""

    name = "filter"
    header: str | None = None
    value: str | None = None

    def encode(self) -> bytes:
        """The command's bytes."""
        words = [self.name, "delete", "all" if self.header is None else _word(self.header, _A_HEADER)]
        if self.header is not None and self.header.lower() == "all":
            raise LocalProtocolError("a filter on a header named all cannot be taken back: it would be every filter")
        if self.value is not None:
            if self.header is None or not self.value:
                raise LocalProtocolError("a filter's value goes with its header")
            words.append(_line(self.value, _A_FILTER_VALUE))
        return _finish(" ".join(words))


@final
@attrs.frozen
class Linger(Command):
    """``linger``: keep the socket open after the hangup, for so many seconds, or until we leave."""

    name = "linger"
    seconds: int | None = None

    def encode(self) -> bytes:
        """The command's bytes."""
        if self.seconds is None:
            return _finish(self.name)
        if self.seconds < 0:
            raise LocalProtocolError(f"linger cannot last {self.seconds} seconds")
        return _finish(f"{self.name} {self.seconds:d}")


@final
@attrs.frozen
class NoLinger(Command):
    """``nolinger``: take a ``linger`` back."""

    name = "nolinger"


@final
@attrs.frozen
class DivertEvents(Command):
    """``divert_events``: show events that are sent to the session here too."""

    name = "divert_events"
    on: bool = True

    def encode(self) -> bytes:
        """The command's bytes."""
        return _finish(f"{self.name} {'on' if self.on else 'off'}")


@final
@attrs.frozen
class GetVar(Command):
    """``getvar``: a channel variable, cut at 511 bytes.

    A value with line breaks comes raw and breaks the framing; whoever can put
    one there owns the connection. ``Call.get_variable`` does not use this.
    """

    name = "getvar"
    variable: str

    def encode(self) -> bytes:
        """The command's bytes."""
        return _finish(f"{self.name} {_filled(self.variable, _A_VARIABLE)}")


@final
@attrs.frozen
class Resume(Command):
    """``resume``: set ``socket_resume``. Of no use with ``async``; without it the channel gets stuck after ``exit``."""

    name = "resume"


@final
@attrs.frozen
class Execute(Command):
    """``sendmsg`` with ``execute``: queue an application on a channel.

    An argument with line breaks or a leading blank travels as a body, where
    FreeSWITCH leaves it as it is.
    """

    name = "sendmsg"
    application: str
    argument: str = ""
    event_uuid: str = ""
    """Comes back as ``Application-UUID`` in this execution's events."""
    event_uuid_name: str = ""
    loops: int = 1
    """How often; negative is for ever. FreeSWITCH stops early after a round of less than half a second."""
    event_lock: bool = False
    """Let nothing that is queued later interrupt it: not even a hangup."""
    as_body: bool = False
    """Send the argument as a body although a header could carry it."""
    channel_uuid: str = ""
    """The channel, if it is not the connection's own."""
    headers: tuple[tuple[str, str], ...] = ()
    """More headers, such as ``("lead-frames", "5")``."""

    def encode(self) -> bytes:
        """The command's bytes."""
        application = self.application
        if _WORD.fullmatch(application) is None:
            raise LocalProtocolError(f"{application!r} cannot be an application's name")
        text = f"{_target(self.channel_uuid)}\ncall-command: execute\nexecute-app-name: {application}\n"
        if self.event_uuid:
            text += f"Event-UUID: {_value(self.event_uuid, 'an Event-UUID')}\n"
        if self.event_uuid_name:
            text += f"Event-UUID-Name: {_value(self.event_uuid_name, 'an Event-UUID-Name')}\n"
        if self.loops != 1:
            if not self.loops:
                raise LocalProtocolError("an application cannot run zero times")
            text += f"loops: {self.loops:d}\n"
        if self.event_lock:
            text += "event-lock: true\n"
        if self.headers:
            text += _headers(self.headers, _SENDMSG_HEADERS)
        argument = self.argument
        if not argument:
            return _encode(text + "\n")
        if "\0" in argument:
            raise LocalProtocolError("an argument cannot hold a NUL")
        if self.as_body or _BODY_ONLY.search(argument) is not None:
            return _with_body(text + "content-type: text/plain\n", argument)
        return _encode(f"{text}execute-app-arg: {argument}\n\n")


@final
@attrs.frozen
class Hangup(Command):
    """``sendmsg`` with ``hangup``: end a channel."""

    name = "sendmsg"
    cause: HangupCause | str = HangupCause.NORMAL_CLEARING
    channel_uuid: str = ""

    def encode(self) -> bytes:
        """The command's bytes."""
        cause = _word(self.cause, "a hangup cause")
        return _encode(f"{_target(self.channel_uuid)}\ncall-command: hangup\nhangup-cause: {cause}\n\n")


@final
@attrs.frozen
class NoMedia(Command):
    """``sendmsg`` with ``nomedia``: let the media of a bridged channel go round FreeSWITCH."""

    name = "sendmsg"
    nomedia_uuid: str
    channel_uuid: str = ""

    def encode(self) -> bytes:
        """The command's bytes."""
        uuid = _word(self.nomedia_uuid, _A_UUID)
        return _encode(f"{_target(self.channel_uuid)}\ncall-command: nomedia\nnomedia-uuid: {uuid}\n\n")


@final
@attrs.frozen
class Unicast(Command):
    """``sendmsg`` with ``unicast``: the call's audio over UDP, 16-bit linear PCM in frames of 20 ms."""

    name = "sendmsg"
    local_ip: str = "127.0.0.1"
    local_port: int = 8025
    remote_ip: str = "127.0.0.1"
    remote_port: int = 8026
    transport: str = "udp"
    flags: str = ""
    channel_uuid: str = ""

    def encode(self) -> bytes:
        """The command's bytes."""
        for port in (self.local_port, self.remote_port):
            if not 0 < port < 65536:
                raise LocalProtocolError(f"{port} is no port")
        text = (
            f"{_target(self.channel_uuid)}\ncall-command: unicast\n"
            f"local-ip: {_word(self.local_ip, 'an address')}\nlocal-port: {self.local_port:d}\n"
            f"remote-ip: {_word(self.remote_ip, 'an address')}\nremote-port: {self.remote_port:d}\n"
            f"transport: {_word(self.transport, 'a transport')}\n"
        )
        if self.flags:
            text += f"flags: {_value(self.flags, 'flags')}\n"
        return _encode(text + "\n")


@final
@attrs.frozen
class XferExt(Command):
    """``sendmsg`` with ``xferext``: transfer the channel to an extension made of these applications."""

    name = "sendmsg"
    applications: tuple[tuple[str, str], ...]
    """Pairs of application and argument, which may be empty."""
    channel_uuid: str = ""

    def encode(self) -> bytes:
        """The command's bytes."""
        if not self.applications:
            raise LocalProtocolError("an extension needs an application")
        text = f"{_target(self.channel_uuid)}\ncall-command: xferext\n"
        for application, argument in self.applications:
            line = _word(application, _AN_APPLICATION)
            if argument:
                line += " " + _line(argument, _AN_ARGUMENT)
            text += f"application: {line}\n"
        return _encode(text + "\n")


@final
@attrs.frozen
class SendMsg(Command):
    """``sendmsg`` with headers of one's own."""

    name = "sendmsg"
    headers: tuple[tuple[str, str], ...]
    body: str = ""
    channel_uuid: str = ""

    def encode(self) -> bytes:
        """The command's bytes."""
        text = f"{_target(self.channel_uuid)}\n" + _headers(self.headers, _LENGTH_HEADERS)
        return _with_body(text, self.body) if self.body else _encode(text + "\n")


@final
@attrs.frozen
class SendEvent(Command):
    """``sendevent``: fire an event, into one session if it bears a ``unique-id`` header."""

    name = "sendevent"
    event: str
    subclass: str = ""
    """The ``Event-Subclass`` of a CUSTOM event."""
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def encode(self) -> bytes:
        """The command's bytes."""
        text = f"{self.name} {_word(self.event, _AN_EVENT)}\n"
        if self.subclass:
            text += f"Event-Subclass: {_value(self.subclass, _A_SUBCLASS)}\n"
        text += _headers(self.headers, _SENDEVENT_HEADERS if self.subclass else _LENGTH_HEADERS)
        return _with_body(text, self.body) if self.body else _encode(text + "\n")


@final
@attrs.frozen
class Api(Command):
    """``api``: run an API command and wait for what it prints. Nothing else comes on this connection meanwhile."""

    name = "api"
    line: str
    """The API command and its arguments."""
    console: bool = False
    """Let the line be a console command, aliases included (``console_execute``)."""

    def encode(self) -> bytes:
        """The command's bytes."""
        return _finish(f"{self.name} {_filled(self.line, 'an API command')}" + _CONSOLE[self.console])


@final
@attrs.frozen
class BgApi(Command):
    """``bgapi``: run an API command in the background; BACKGROUND_JOB with this Job-UUID brings what it printed."""

    name = "bgapi"
    line: str
    job_uuid: str
    console: bool = False

    def encode(self) -> bytes:
        """The command's bytes."""
        line = _filled(self.line, "an API command")
        return _finish(f"{self.name} {line}\nJob-UUID: {_value(self.job_uuid, 'a Job-UUID')}" + _CONSOLE[self.console])


@final
@attrs.frozen
class Log(Command):
    """``log``: send log lines of this level (``debug`` or 7, ...) and below."""

    name = "log"
    level: str | int = ""

    def encode(self) -> bytes:
        """The command's bytes."""
        level = str(self.level)
        return _finish(f"{self.name} {_word(level, 'a log level')}" if level else self.name)


@final
@attrs.frozen
class NoLog(Command):
    """``nolog``: send no log lines."""

    name = "nolog"


@final
@attrs.frozen
class Exit(Command):
    """``exit``: leave the call to its dialplan, if it is up, and let FreeSWITCH close."""

    name = "exit"


@final
@attrs.frozen
class Auth(Command):
    """``auth``: the password of the port that FreeSWITCH listens on."""

    name = "auth"
    password: str = attrs.field(repr=False)

    def encode(self) -> bytes:
        """The command's bytes."""
        return _finish(f"{self.name} {_filled(self.password, 'a password', secret=True)}")


@final
@attrs.frozen
class UserAuth(Command):
    """``userauth``: a directory user's name, domain and password."""

    name = "userauth"
    user: str
    domain: str
    password: str = attrs.field(repr=False)

    def encode(self) -> bytes:
        """The command's bytes; ``@`` and ``:`` divide them, so only a password may hold one."""
        for part in (self.user, self.domain):
            if "@" in part or ":" in part:
                raise LocalProtocolError(f"{part!r} holds an @ or a colon")
        user = f"{_word(self.user, 'a user')}@{_word(self.domain, 'a domain')}"
        return _finish(f"{self.name} {user}:{_filled(self.password, 'a password', secret=True)}")


_CONSOLE: Final = {False: "", True: "\nconsole_execute: true"}
_LENGTH_HEADERS: Final = frozenset({"content-length"})
_SENDEVENT_HEADERS: Final = _LENGTH_HEADERS | {"event-subclass"}
_SENDMSG_HEADERS: Final = _LENGTH_HEADERS | {
    "call-command",
    "content-type",
    "event-lock",
    "event-uuid",
    "event-uuid-name",
    "execute-app-arg",
    "execute-app-name",
    "loops",
}


def _line(text: str, what: str, *, secret: bool = False) -> str:
    """Text that stays on its line."""
    if _BREAK.search(text) is not None:
        raise LocalProtocolError(f"{what} cannot hold a line break or a NUL" + ("" if secret else f": {text!r}"))
    return text


def _filled(text: str, what: str, *, secret: bool = False) -> str:
    """Text that stays on its line and is there."""
    if not text or text[0] == " ":
        raise LocalProtocolError(f"{what} cannot be empty or begin with a blank")
    return _line(text, what, secret=secret)


# A header's value is the same: empty ones are dropped by FreeSWITCH, and so are leading blanks.
_value = _filled


def _word(text: str, what: str) -> str:
    """Text without blanks."""
    if _WORD.fullmatch(text) is None:
        raise LocalProtocolError(f"{text!r} cannot be {what}")
    return text


def _target(channel_uuid: str) -> str:
    return f"sendmsg {_word(channel_uuid, _A_UUID)}" if channel_uuid else "sendmsg"


def _headers(headers: tuple[tuple[str, str], ...], reserved: frozenset[str]) -> str:
    text = ""
    for name, value in headers:
        if _HEADER_NAME.fullmatch(name) is None:
            raise LocalProtocolError(f"{name!r} cannot be a header's name")
        if name.lower() in reserved:
            raise LocalProtocolError(f"{name} is written by the command itself")
        text += f"{name}: {_value(value, f'the header {name}')}\n"
    return text


def _finish(text: str) -> bytes:
    return _encode(text + "\n\n")


def _encode(text: str) -> bytes:
    data = _utf8(text)
    if len(data) > MAX_COMMAND_HEAD_BYTES:
        raise LocalProtocolError(f"a command of {len(data)} bytes, more than FreeSWITCH reads")
    return data


def _with_body(text: str, body: str) -> bytes:
    if "\0" in body:
        raise LocalProtocolError("a body cannot hold a NUL")
    data = _utf8(body)
    if len(data) > MAX_BODY_BYTES:
        raise LocalProtocolError(f"a body of {len(data)} bytes, more than FreeSWITCH reads")
    return _encode(f"{text}content-length: {len(data)}\n\n") + data


def _utf8(text: str) -> bytes:
    """Bytes that were no UTF-8 when they came go out as they came."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as exc:
        raise LocalProtocolError(f"{text[exc.start]!r} is no text") from None  # it might be in a password
