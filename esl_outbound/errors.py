"""Every exception of this package.

Chosen by whose act it was::

    EslOutboundError
    +-- ProtocolError
    |   +-- LocalProtocolError      we asked for what the wire cannot say
    |   +-- RemoteProtocolError     these bytes are not an event socket
    +-- CommandRejected             FreeSWITCH answered -ERR
    +-- ApiFailed                   an API command printed -ERR
    |   +-- NoSuchChannel           the channel that it was for does not exist, any more
    |   +-- OriginateFailed         nobody was reached
    +-- NotPermitted                the dialplan line lacks `full` or `async`
    +-- ApplicationFailed           an application did not do what it was asked
    |   +-- ExecutionLost           it was thrown away before it started
    |   +-- FileNotPlayed
    |   +-- RecordingFailed         a file could not be opened
    |   +-- UnknownApplication      and FreeSWITCH hung the call up for it
    +-- CallEnded                   the call is not ours to command any more
    |   +-- CallHungUp
    |   +-- CallTransferred         somebody, or we, sent it elsewhere
    |   +-- CallReleased            we let it go on in its dialplan
    |   +-- ConnectionLost          __cause__ says why, where anything is known
    +-- SwitchError                 a connection that we opened, to the port FreeSWITCH listens on
    |   +-- NoFreeSwitch            no FreeSWITCH answers there
    |   +-- AccessDenied            its access control list turned us away
    |   +-- AuthenticationFailed    it refused the password
    |   +-- Disconnected            the connection ended, or is not there
    +-- HandlerNotReached           a call was placed for a handler, and FreeSWITCH did not connect it to us
    +-- EventsLost                  an observer of events did not keep up
    +-- TooManyDigits               nobody read the caller's digits
    +-- NoCallYet                   the handler has no call to talk to
    +-- CannotRecord                the directory for recordings cannot be written to
    +-- HandlerNotFound             the command line cannot import app:Handler

``str()`` of each is one lower-case clause; what it is about is in attributes.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from .protocol.causes import HangupCause
    from .protocol.commands import Command
    from .protocol.messages import ApiResponse, Reply

__all__ = [
    "AccessDenied",
    "ApiFailed",
    "ApplicationFailed",
    "AuthenticationFailed",
    "CallEnded",
    "CallHungUp",
    "CallReleased",
    "CallTransferred",
    "CannotRecord",
    "CommandRejected",
    "ConnectionLost",
    "Disconnected",
    "EslOutboundError",
    "EventsLost",
    "ExecutionLost",
    "FileNotPlayed",
    "HandlerNotFound",
    "HandlerNotReached",
    "LocalProtocolError",
    "NoCallYet",
    "NoFreeSwitch",
    "NoSuchChannel",
    "NotPermitted",
    "OriginateFailed",
    "Progress",
    "ProtocolError",
    "RecordingFailed",
    "RemoteProtocolError",
    "SwitchError",
    "TooManyDigits",
    "UnknownApplication",
]


class EslOutboundError(Exception):
    """The root of all exceptions of this package."""


class ProtocolError(EslOutboundError):
    """The event socket protocol was not kept."""


class LocalProtocolError(ProtocolError):
    """We asked for something that the wire cannot say; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer sent bytes that FreeSWITCH would not send."""


class CommandRejected(EslOutboundError):
    """FreeSWITCH answered a command with ``-ERR``.

    Attributes:
        command: The command that was refused.
        reply: What FreeSWITCH answered; ``reply.text`` is its reason.
    """

    def __init__(self, command: Command, reply: Reply) -> None:
        # The first line says it all, but it may hold a password.
        first = command.encode().partition(b"\n")[0].decode("utf-8", "replace")
        super().__init__(f"FreeSWITCH refused {command.name if 'auth' in command.name else first}: {reply.text}")
        self.command: Final = command
        self.reply: Final = reply


class ApiFailed(EslOutboundError):
    """An API command that a method ran for you printed ``-ERR`` or ``-USAGE``.

    Attributes:
        command: The command and its arguments.
        response: What it printed.
    """

    def __init__(self, command: str, response: ApiResponse) -> None:
        super().__init__(f"{command.partition(' ')[0]} failed: {response.text.strip()}")
        self.command: Final = command
        self.response: Final = response


class NoSuchChannel(ApiFailed):
    """A channel that an API command was for does not exist, or no longer.

    Attributes:
        channel_uuid: The channel.
    """

    def __init__(self, channel_uuid: str, command: str, response: ApiResponse) -> None:
        super().__init__(command, response)
        self.channel_uuid: Final = channel_uuid


class OriginateFailed(ApiFailed):
    """A call that was to be placed reached nobody.

    Attributes:
        hangup_cause: Why, such as USER_BUSY; a text that FreeSWITCH alone knows stays a ``str``.
    """

    def __init__(self, hangup_cause: HangupCause | str, command: str, response: ApiResponse) -> None:
        super().__init__(command, response)
        self.hangup_cause: Final = hangup_cause


class NotPermitted(EslOutboundError):
    """The dialplan's ``socket`` action does not allow this.

    Attributes:
        what: What was asked for.
        dialplan_line: The action that would allow it, ready to paste.
    """

    def __init__(self, what: str, dialplan_line: str) -> None:
        super().__init__(f"{what} is not allowed on this socket; the dialplan line would have to be {dialplan_line}")
        self.what: Final = what
        self.dialplan_line: Final = dialplan_line


class ApplicationFailed(EslOutboundError):
    """An application did not do what it was asked to do.

    Attributes:
        application: The application's name.
        argument: The argument it was given.
    """

    def __init__(self, application: str, argument: str, reason: str) -> None:
        super().__init__(f"{application} {reason}")
        self.application: Final = application
        self.argument: Final = argument


class ExecutionLost(ApplicationFailed):
    """An application was thrown away with the channel's queue before it started (``uuid_break ... all``)."""

    def __init__(self, application: str, argument: str) -> None:
        super().__init__(application, argument, "was thrown away with the channel's queue before it started")


class FileNotPlayed(ApplicationFailed):
    """FreeSWITCH could not open or decode a sound file.

    Attributes:
        path: The file that was to be played.
    """

    def __init__(self, path: str, response: str) -> None:
        super().__init__("playback", path, f"could not play {path!r}: {response}")
        self.path: Final = path


class RecordingFailed(ApplicationFailed):
    """FreeSWITCH could not open a file to record into.

    For a message (``record``) it hangs the call up then; for the recording of a call it does so only
    if the channel variable ``RECORD_HANGUP_ON_ERROR`` is true.

    Attributes:
        path: The file that was to be written.
        hung_up: Whether FreeSWITCH hung the call up for it.
    """

    def __init__(self, path: str, application: str = "record", *, hung_up: bool = True) -> None:
        consequence = ", and FreeSWITCH hung the call up" if hung_up else ""
        super().__init__(application, path, f"could not open {path!r}{consequence}")
        self.path: Final = path
        self.hung_up: Final = hung_up


class UnknownApplication(ApplicationFailed):
    """FreeSWITCH has no such application, and hung the call up for asking."""

    def __init__(self, application: str, argument: str) -> None:
        super().__init__(application, argument, "is not an application that this FreeSWITCH knows; it hung the call up")


class CallEnded(EslOutboundError):
    """The call is no longer ours to command.

    Leaving ``run()`` with one of these is a normal end, not a fault.
    """


class CallHungUp(CallEnded):
    """The call was hung up.

    Attributes:
        hangup_cause: Why, as FreeSWITCH said; None if it did not say.
    """

    def __init__(self, hangup_cause: HangupCause | str | None = None) -> None:
        super().__init__(f"the call was hung up: {hangup_cause}" if hangup_cause else "the call was hung up")
        self.hangup_cause: Final = hangup_cause


class CallTransferred(CallEnded):
    """The call went elsewhere: another extension, another socket, another call's bridge."""

    def __init__(self) -> None:
        super().__init__("the call was transferred away")


class CallReleased(CallEnded):
    """The call was left to its dialplan with ``continue_dialplan()``."""

    def __init__(self) -> None:
        super().__init__("the call was left to its dialplan")


class Progress(Enum):
    """How far a command had come when its connection ended."""

    NOT_SENT = "was not sent"
    """Nothing of it was: FreeSWITCH did not carry it out."""
    SENT = "was sent, and not answered"
    """Some of it, at least, was: nobody knows whether FreeSWITCH carried it out."""
    ANSWERED = "was answered"
    """FreeSWITCH had accepted it; what came of it is not known. A background job goes on."""


class ConnectionLost(CallEnded):
    """The connection to FreeSWITCH ended while the call was up.

    Attributes:
        progress: How far the command had come that this was raised for; None if it was raised for no command.
    """

    def __init__(self, reason: str = "the connection to FreeSWITCH was lost", progress: Progress | None = None) -> None:
        super().__init__(reason)
        self.progress: Final = progress


class SwitchError(EslOutboundError):
    """A connection that we opened, to the port that FreeSWITCH listens on, did not come about or ended."""


class NoFreeSwitch(SwitchError):
    """No FreeSWITCH answers at an address: nobody listens, or something else does.

    Attributes:
        peer: The address.
    """

    def __init__(self, peer: str, reason: str) -> None:
        super().__init__(f"no FreeSWITCH answers at {peer}: {reason}")
        self.peer: Final = peer


class AccessDenied(SwitchError):
    """FreeSWITCH turned us away by our address (``apply-inbound-acl`` in event_socket.conf.xml).

    Attributes:
        peer: Its address.
    """

    def __init__(self, peer: str) -> None:
        super().__init__(f"FreeSWITCH at {peer} lets nobody in from this address (apply-inbound-acl)")
        self.peer: Final = peer


class AuthenticationFailed(SwitchError):
    """FreeSWITCH refused the password, or does not know the user.

    Attributes:
        peer: Its address.
        user: The user, as ``user@domain``; None where only a password was given.
    """

    def __init__(self, peer: str, user: str | None = None) -> None:
        super().__init__(f"FreeSWITCH at {peer} refused the password" + (f" of {user}" if user else ""))
        self.peer: Final = peer
        self.user: Final = user


class Disconnected(SwitchError):
    """A connection that we opened ended, or is not there at the moment. ``__cause__`` says why, where that is known.

    Attributes:
        command: The first line of the command that this was raised for, empty if there was none.
        progress: How far it had come; None if there was none.
    """

    def __init__(self, peer: str, command: str = "", progress: Progress | None = None) -> None:
        what = f"; {command!r} {progress.value}" if command and progress is not None else ""
        super().__init__(f"the connection to FreeSWITCH at {peer} ended{what}")
        self.command: Final = command
        self.progress: Final = progress


class HandlerNotReached(EslOutboundError):
    """A call that was placed for a handler was answered, and FreeSWITCH did not connect it to us; it is hung up.

    Attributes:
        channel_uuid: Its channel.
        address: Where FreeSWITCH was told to connect.
    """

    def __init__(self, channel_uuid: str, address: str, reason: str) -> None:
        super().__init__(f"call {channel_uuid} was answered, and did not come to its handler at {address}: {reason}")
        self.channel_uuid: Final = channel_uuid
        self.address: Final = address


class EventsLost(EslOutboundError):
    """An observer of events did not keep up, and its bounded buffer overflowed.

    Attributes:
        count: How many events were lost.
    """

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} events were lost because nobody read them")
        self.count: Final = count


class TooManyDigits(EslOutboundError):
    """More digits came than are kept for a handler that does not read them.

    Attributes:
        count: How many digits were waiting.
    """

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} digits were waiting and nobody read them")
        self.count: Final = count


class NoCallYet(EslOutboundError):
    """A handler was used before the framework gave it its call."""

    def __init__(self) -> None:
        super().__init__("this handler has no call yet: its methods work inside run(), not in __init__")


class CannotRecord(EslOutboundError):
    """Calls cannot be recorded into a directory.

    Attributes:
        directory: The directory.
    """

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"calls cannot be recorded into {directory}: {reason}")
        self.directory: Final = directory


class HandlerNotFound(EslOutboundError):
    """The command line names a handler that cannot be imported.

    Attributes:
        target: What was asked for, as ``module:name``.
    """

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"cannot serve {target}: {reason}")
        self.target: Final = target
