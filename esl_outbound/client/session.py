"""One connection with the port that FreeSWITCH listens on, from its greeting to its end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, final

import attrs
import trio

from ..errors import (
    AccessDenied,
    AuthenticationFailed,
    CommandRejected,
    ConnectionLost,
    Disconnected,
    NoFreeSwitch,
    Progress,
)
from ..jobs import Job, Jobs
from ..link import Link
from ..protocol import (
    Api,
    ApiResponse,
    Auth,
    AuthRequest,
    BgApi,
    Command,
    Connection,
    DisconnectNotice,
    Event,
    Exchange,
    Exit,
    LogLine,
    Message,
    Reply,
    RudeRejection,
    UserAuth,
)
from .hub import Hub
from .subscriptions import Step, Told

__all__ = ["Allowed", "Answers", "Session"]

_log: Final = logging.getLogger("esl_outbound.client")

_GOODBYE_SECONDS: Final = 2.0
_GOODBYE: Final = "Disconnected, goodbye."


@final
@attrs.frozen
class Allowed:
    """What FreeSWITCH lets us do on a connection; everything, where it was let in by the password alone."""

    events: tuple[str, ...] | None
    """``Allowed-Events``: names of events, and behind CUSTOM of subclasses; None if all."""
    api: tuple[str, ...] | None
    """``Allowed-API``: the API commands; None if all."""
    log: bool
    """``Allowed-LOG``: whether log lines can be had."""

    @property
    def hears_jobs(self) -> bool:
        """Whether the ends of background jobs can be had (BACKGROUND_JOB)."""
        return self.events is None or not {"ALL", "BACKGROUND_JOB"}.isdisjoint(map(str.upper, self.events))


@final
class Answers:
    """FreeSWITCH's word on some steps."""

    __slots__ = ("_all", "_left", "_lost", "_refusals", "_session")

    def __init__(self, session: Session, count: int) -> None:
        self._session = session
        self._left = count
        self._all = trio.Event()
        self._refusals: Final[list[CommandRejected]] = []
        self._lost: Command | None = None

    async def refusals(self) -> list[CommandRejected]:
        """Wait for it, and give what it refused.

        Raises:
            Disconnected: The connection ended first.
        """
        if not self._left:
            await trio.lowlevel.checkpoint()
        else:
            await self._all.wait()
        if self._lost is not None:
            raise self._session.lost(self._lost, Progress.SENT)
        return self._refusals

    async def all_answered(self) -> None:
        """Wait for it.

        Raises:
            CommandRejected: It refused one of them.
            Disconnected: The connection ended first.
        """
        if refusals := await self.refusals():
            raise refusals[0]

    def came(self, exchange: Exchange, step: Step) -> None:
        """One of them was answered."""
        if exchange.reply is None:
            self._lost = step.command
        elif isinstance(exchange.reply, Reply) and not exchange.reply.ok:
            step.undo()
            self._refusals.append(CommandRejected(step.command, exchange.reply))
        self._left -= 1
        if not self._left:
            self._all.set()


@final
class _Answer:
    """Waits for the answer to one step."""

    __slots__ = ("_answers", "_step")

    def __init__(self, answers: Answers, step: Step) -> None:
        self._answers = answers
        self._step = step

    def answered(self, exchange: Exchange) -> None:
        self._answers.came(exchange, self._step)


@final
class Session:
    """One connection.

    Args:
        stream: The connection, established.
        hub: Who is told what comes.
        peer: FreeSWITCH's address.
    """

    def __init__(self, stream: trio.abc.Stream, hub: Hub, peer: str) -> None:
        self.peer: Final = peer
        self.told: Final = Told()
        self.allowed = Allowed(None, None, log=True)
        self.ended: Final = trio.Event()
        self.notice: DisconnectNotice | None = None
        """The last word of FreeSWITCH's on the connection's end, if it has said one."""
        self.channel_ended = False
        """Whether FreeSWITCH has said that the channel is down that this connection is about."""
        self._hub = hub
        self._link: Final = Link(stream, Connection(opening=(Auth, UserAuth)), peer)
        self._first: Message | None = None
        self._greeted = trio.Event()
        self._jobs: Final = Jobs()
        self._reason: BaseException | None = None

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return self._link.is_open

    # The beginning

    async def read(self) -> None:
        """Read until the connection ends; this raises nothing.

        Shielded: whoever is cancelled still says goodbye, and reads the answer. ``close`` ends it.
        """
        self._link.listen(self)
        with trio.CancelScope(shield=True):
            await self._link.read_stream()

    async def log_in(self, credentials: Auth | UserAuth) -> None:
        """Wait to be asked who we are, and say so.

        Raises:
            NoFreeSwitch: It is none that listens there.
            AccessDenied: It turned us away by our address.
            AuthenticationFailed: It refused the password.
        """
        await self._greeted.wait()
        match self._first:
            case AuthRequest():
                pass
            case RudeRejection():
                raise AccessDenied(self.peer)
            case None:
                raise self._not_there("it closed the connection")
            case _:
                raise self._not_there("what it says is no event socket's greeting")
        try:
            reply = await self._link.ask(credentials)
        except ConnectionLost as exc:
            raise self._not_there("it closed the connection") from exc
        assert isinstance(reply, Reply)
        if not reply.ok:
            user = f"{credentials.user}@{credentials.domain}" if isinstance(credentials, UserAuth) else None
            raise AuthenticationFailed(self.peer, user)
        if isinstance(credentials, UserAuth):
            self.allowed = _allowed(reply)

    def _not_there(self, reason: str) -> NoFreeSwitch:
        error = NoFreeSwitch(self.peer, reason)
        error.__cause__ = self._reason
        return error

    # Commands

    async def ask(self, command: Command) -> Reply | ApiResponse:
        """Send a command and wait for its reply, whatever it says.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            Disconnected: The connection ended before the reply came.
        """
        if not self.is_open:
            await trio.lowlevel.checkpoint()  # a loop around this shall not freeze the program
        self._check_open(command)
        try:
            return await self._link.ask(command)
        except ConnectionLost as exc:
            raise self.lost(command, exc.progress) from exc.__cause__

    def _check_open(self, command: Command | None) -> None:
        if not self.is_open:  # or we have said `exit`
            raise self.lost(command, Progress.NOT_SENT)

    async def command(self, command: Command) -> Reply:
        """Send a command that must not be refused, and give its reply.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CommandRejected: FreeSWITCH refused it.
            Disconnected: The connection ended before the reply came.
        """
        reply = await self.ask(command)
        assert isinstance(reply, Reply)
        if not reply.ok:
            raise CommandRejected(command, reply)
        return reply

    async def say(self, steps: Sequence[Step]) -> Answers:
        """Take some steps, in one write, whatever happens; give what FreeSWITCH's word can be waited for with.

        They are on their way in the order in which this was called.

        Raises:
            Disconnected: The connection has ended.
        """
        answers = Answers(self, len(steps))
        commands = [step.command for step in steps]
        self._check_open(commands[0] if commands else None)
        if not commands:
            return answers
        try:
            await self._link.send(commands, [_Answer(answers, step) for step in steps], shielded=True)
        except ConnectionLost as exc:
            raise self.lost(commands[0], exc.progress) from exc.__cause__
        return answers

    async def api(self, line: str, *, console: bool = False) -> ApiResponse:
        """Run an API command that takes no time: nothing else comes over the connection meanwhile.

        Raises:
            CommandRejected: This user may not run it.
            Disconnected: The connection ended before the answer came.
        """
        command = Api(line, console)
        reply = await self.ask(command)
        if isinstance(reply, Reply):
            raise CommandRejected(command, reply)
        return reply

    async def start_job(self, line: str) -> Job:
        """Run an API command in the background; BACKGROUND_JOB is subscribed to.

        Raises:
            CommandRejected: This user may not run it.
            Disconnected: The connection ended before it was accepted.
        """
        return await self._jobs.start(line, self.command)

    @property
    def runs_jobs(self) -> bool:
        """Whether results of background jobs are waited for."""
        return bool(self._jobs)

    def lost(self, command: Command | None, progress: Progress | None) -> Disconnected:
        """The error for whoever waits, or asks for something, on a connection that has ended."""
        error = Disconnected(self.peer, "" if command is None else _shown(command), progress)
        error.__cause__ = self._reason or self._link.reason
        return error

    def end_error(self) -> Disconnected | None:
        """Why nothing more comes; None while something may."""
        return self.lost(None, None) if self.ended.is_set() else None

    @property
    def end_reason(self) -> str:
        """What ended the connection, in a few words."""
        reason = self._reason or self._link.reason
        if reason is not None:
            return " ".join(str(reason).split()) or type(reason).__name__
        # What kill_listener() in mod_event_socket.c says tells more than what everybody is told.
        said = "" if self.notice is None else self.notice.text.strip()
        return said if said and not said.startswith(_GOODBYE) else "FreeSWITCH closed the connection"

    # The reader's part

    def receive(self, message: Message) -> None:
        """Take in whatever is no reply to a command of ours."""
        if type(message) is Event:
            if message.raw_name == b"BACKGROUND_JOB":
                self._jobs.event_came(message)
            self._hub.event_came(message)
        elif not self._greeted.is_set():
            self._first = message
            self._greeted.set()
        elif type(message) is LogLine:
            self._hub.line_came(message)
        elif type(message) is DisconnectNotice:
            self.notice = message
            # Without `linger` it closes then; kill_listener() in mod_event_socket.c has other words.
            if self._link.is_open and (message.is_linger or message.text.startswith(_GOODBYE)):
                self.channel_ended = True

    def last_words(self) -> Sequence[Command]:
        """Nothing: FreeSWITCH ends what belongs to this connection by itself."""
        return ()

    def connection_ended(self, reason: BaseException | None) -> None:
        """The connection ended."""
        self._reason = reason
        self.ended.set()
        self._greeted.set()
        self._jobs.lose(lambda job: self.lost(BgApi(job.command, job.job_uuid), Progress.ANSWERED))
        self._hub.wake()

    # The end

    async def say_goodbye(self) -> None:
        """Say ``exit``, and let FreeSWITCH carry out what was said before; bounded, whatever happens."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _GOODBYE_SECONDS):
            try:
                await self._link.send((Exit(),))
                await self.ended.wait()
            except ConnectionLost:
                _log.debug("%s closed first", self.peer)
        self.close()

    def close(self) -> None:
        """End the connection now."""
        self._link.abort()


def _shown(command: Command) -> str:
    """A command's first line, unless it holds a password."""
    if isinstance(command, Auth | UserAuth):
        return command.name
    return command.encode().partition(b"\n")[0].decode("utf-8", "backslashreplace")


def _allowed(reply: Reply) -> Allowed:
    """What ``userauth`` was told (``parse_command()`` in mod_event_socket.c)."""
    return Allowed(
        _listed(reply.headers.get("Allowed-Events", "all")),
        _listed(reply.headers.get("Allowed-API", "all")),
        reply.headers.get("Allowed-LOG", "true").lower() == "true",
    )


def _listed(text: str) -> tuple[str, ...] | None:
    words = tuple(text.replace(",", " ").split())
    return None if [word.lower() for word in words] == ["all"] else words
