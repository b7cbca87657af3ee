"""Calls that are placed: ``originate``.

FreeSWITCH divides the line at blanks (``originate_function()`` in mod_commands.c) and then divides each word as it is
meant for, but it expands nothing in it: there is no channel yet. So every word is quoted, and reaches
``switch_ivr_originate()`` or the dialplan as it was written.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, TypedDict, final
from uuid import uuid4

import attrs
import trio

from ..arguments.applications import Application, later_argument
from ..arguments.checks import check_one_line, check_word, whole_seconds
from ..arguments.dial_strings import (
    Destination,
    DialLeg,
    DialString,
    caller_id_variables,
    dial_string_of,
    write_dial_string,
)
from ..arguments.extensions import extension_words
from ..arguments.text import Expand, Text, api_words, shown, words
from ..errors import (
    ApiFailed,
    CallEnded,
    CommandRejected,
    EslOutboundError,
    LocalProtocolError,
    OriginateFailed,
    SwitchError,
)
from ..jobs import Job
from ..protocol import ApiResponse, BgApi, HangupCause, hangup_cause
from .base import ApiBase

__all__ = ["CALL_VARIABLE", "CallOptions", "OriginateCommands", "Placing", "Target", "application_words"]

_log: Final = logging.getLogger("esl_outbound.api")

CALL_VARIABLE: Final = "esl_outbound_call"
"""The channel variable that every leg of a call which we place bears, with a token of its own."""

Target: TypeAlias = str | Application | Sequence[Application]
"""What a call that was answered is connected to: an extension, an application, or several one after the other."""

# Once asked to end, a leg is gone within 20 to 100 ms; what rings in its place then is ended too.
_CALL_OFF_SECONDS: Final = 2.5
_AGAIN_SECONDS: Final = 0.1

_NAME: Final = "origination_caller_id_name"
_NUMBER: Final = "origination_caller_id_number"
# A word that originate_function() takes for none at all; without an extension it aborts FreeSWITCH as a whole.
_UNDEF: Final = "undef"
_ANSWERED: Final = re.compile(r"\+OK (\S+)\s*")
_FAILED: Final = re.compile(r"-ERR ([A-Z][A-Z0-9_]*)\s*")
# inline_dialplan_hunt() in mod_dptools.c has room for so many.
_MOST_APPLICATIONS: Final = 128
_DELIMITER: Final = "^"


class CallOptions(TypedDict, total=False):
    """How a call is placed."""

    caller_id_name: str | None
    """The name that whoever is called is shown; FreeSWITCH's own default if None."""
    caller_id_number: str | None
    """The number that he is shown; FreeSWITCH's own default if None."""
    ring_seconds: float
    """How long each group of the destination rings, in whole seconds."""
    ignore_early_media: bool
    """Whether only an answer counts."""
    channel_uuid: str | None
    """The new channel's UUID, of your choice."""
    variables: Mapping[str, str] | None
    """Channel variables of all legs."""


@final
@attrs.frozen(kw_only=True)
class Placing:
    """How a call is placed: ``CallOptions`` with their defaults, and the token of its legs."""

    caller_id_name: str | None = None
    caller_id_number: str | None = None
    ring_seconds: float = 60
    ignore_early_media: bool = True
    channel_uuid: str | None = None
    variables: Mapping[str, str] | None = None
    token: str = attrs.field(factory=lambda: str(uuid4()))

    def line(self, destination: Destination, where: Sequence[str]) -> str:
        """The API command.

        Args:
            destination: Whom to call.
            where: Where he is connected to: an extension, the dialplan and the context, as far as they are needed.

        Raises:
            LocalProtocolError: It cannot be said.
        """
        dialled = dial_string_of(destination)
        if isinstance(dialled, Expand):
            check_one_line(dialled.text, "destination")
        _check_names(dialled, self.variables or {})
        count = 1 if isinstance(dialled, Expand) else sum(map(len, dialled.groups))
        written = write_dial_string(dialled, self._of_all_legs(dialled, count), uuids=[""] * count, of_leg={})
        # A caller ID that the dial string cannot hold has words of its own, in which anything can be said.
        caller_id = [written.exported.get(name) for name in (_NAME, _NUMBER)]
        for name, value in written.exported.items():
            if isinstance(value, Expand) or name not in (_NAME, _NUMBER):
                raise LocalProtocolError(
                    f"{name} cannot be {value!r}: a dial string cannot hold that, and there is no channel to export it"
                )
        parts = [*where]
        if any(caller_id):
            parts += ("XML", "default")[len(where) - 1 :]
            parts += (_UNDEF if value is None else shown(value) for value in caller_id)
            while parts[-1] == _UNDEF:
                parts.pop()
        line = api_words(f"{written.braces}{shown(written.destinations)}", *parts)
        # A line break is within quotes, where it can be said with a backslash (cleanup_separated_string()).
        return "originate " + line.replace("\n", "\\n").replace("\r", "\\r")

    def _of_all_legs(self, dialled: DialString | Expand, count: int) -> dict[str, Text]:
        common: dict[str, Text] = {
            CALL_VARIABLE: self.token,
            # Not as the line's last word: a user's telephones ring in an originate of their own, which holds up the
            # outer one and does not know of its limit (user_outgoing_channel() in mod_dptools.c).
            "originate_timeout": str(whole_seconds(self.ring_seconds, "ring_seconds", least=1)),
            "ignore_early_media": "true" if self.ignore_early_media else "false",
        }
        if isinstance(dialled, DialString) and len(dialled.groups) > 1:
            common["originate_continue_on_timeout"] = "true"
        if self.channel_uuid is not None:
            if count > 1:
                raise LocalProtocolError(f"channel_uuid is {self.channel_uuid!r}, and {count} channels are to be made")
            common["origination_uuid"] = check_word(self.channel_uuid, "channel_uuid", without=",{}")
        common |= caller_id_variables(self.caller_id_name, self.caller_id_number)
        return {**common, **(self.variables or {})}


class OriginateCommands(ApiBase):
    """Calls that are placed: ``originate``."""

    __slots__ = ()

    async def originate(
        self,
        destination: Destination,
        target: Target,
        *,
        dialplan: str = "XML",
        context: str = "default",
        caller_id_name: str | None = None,
        caller_id_number: str | None = None,
        ring_seconds: float = 60,
        ignore_early_media: bool = True,
        channel_uuid: str | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Call somebody, wait until he answers, and connect him to an extension or an application.

        Runs ``originate`` as a background job. Cancelled while it rings, it ends all that rings for it, and nothing
        else: every leg bears the channel variable ``esl_outbound_call`` with a token of its own, for which ``hupall``
        is said until the job is over, for up to 2.5 seconds. If the connection ends meanwhile, FreeSWITCH goes on
        with the call.

        Args:
            destination: Whom to call, as of ``bridge``: ``"user/1001"``, a list of those that ring at once, a
                ``DialLeg``, a ``DialString``; ``Expand("...")`` is a whole raw dial string, in which there is no
                channel whose variables could be expanded.
            target: What whoever answers is connected to: an extension of the dialplan, such as ``"1000"``;
                an ``Application("playback", "welcome.wav")``; or several, one after the other. When they are over, he
                is hung up.
            dialplan: The extension's dialplan.
            context: The extension's context.
            caller_id_name: The name that whoever is called is shown; FreeSWITCH's own default if None. For SIP, in
                which FreeSWITCH does not escape it, a double quote becomes a single one.
            caller_id_number: The number that he is shown; FreeSWITCH's own default if None.
            ring_seconds: How long each group of the destination rings, in whole seconds.
            ignore_early_media: Whether only an answer counts; else whoever has early media is connected at once.
            channel_uuid: The new channel's UUID, of your choice; for one destination that is one telephone.
            variables: Channel variables of all legs: ``{"sip_h_X-Campaign": name}``. In them ``{``, ``}``, ``'``,
                ``:_:``, line breaks, blanks at either end, and a backslash before some characters cannot be said.

        Returns:
            The new channel's UUID.

        Raises:
            OriginateFailed: Nobody was reached; its ``hangup_cause`` says why.
            ApiFailed: FreeSWITCH did not understand it (``-USAGE``), or has no ``originate``.
            LocalProtocolError: It cannot be said; nothing was sent.
            CommandRejected: This user may not run it.
            NotPermitted: This is a call's socket, and its dialplan line does not say ``full``.
            Disconnected: The connection ended first; its ``progress`` says how far the command had come.
            CallEnded: It was a call's, and ended first.
        """
        where = _where(target, dialplan, context)
        placing = Placing(
            caller_id_name=caller_id_name,
            caller_id_number=caller_id_number,
            ring_seconds=ring_seconds,
            ignore_early_media=ignore_early_media,
            channel_uuid=channel_uuid,
            variables=variables,
        )
        return await self._place(placing.line(destination, where), placing.token)

    async def _place(self, command: str, token: str) -> str:
        """Run an ``originate``, and give the new channel's UUID; cancelled, end the call.

        Raises:
            OriginateFailed: As of ``originate``, and whatever else that raises.
        """
        BgApi(command, token).encode()
        await trio.lowlevel.checkpoint_if_cancelled()
        job, problem = await self._begin(command)
        response: ApiResponse | None = None
        if job is not None and problem is None:
            try:
                response = await job.result()
            except BaseException as exc:
                problem = exc
        if problem is not None:
            # Once the connection has ended, nothing more can be said.
            if job is not None and not isinstance(problem, EslOutboundError):
                await self._call_off(token, job)
            raise problem
        assert response is not None
        if (answered := _ANSWERED.fullmatch(response.text)) is not None:
            return answered[1]
        raise _failure(command, response)

    async def _begin(self, command: str) -> tuple[Job | None, BaseException | None]:
        """Start a job; whoever gives up meanwhile waits, though not for long, until FreeSWITCH has taken it on.

        Else he would not know whether a call is being placed.

        Returns:
            The job, if there is one, and what went wrong, if anything did.
        """
        job: Job | None = None
        problem: BaseException | None = None
        is_begun = trio.Event()
        scope = trio.CancelScope(shield=True)

        async def begin() -> None:
            nonlocal job, problem
            try:
                with scope:
                    job = await self._start(command)
            except EslOutboundError as exc:
                problem = exc
            finally:
                is_begun.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(begin)
            try:
                await is_begun.wait()
            except BaseException as exc:
                scope.deadline = trio.current_time() + _CALL_OFF_SECONDS
                with trio.CancelScope(shield=True):
                    await is_begun.wait()
                problem = exc
        return job, problem

    async def _call_off(self, token: str, job: Job | None = None) -> None:
        """End the call that a token belongs to, whatever happens: shielded, and bounded.

        Args:
            token: The token.
            job: The ``originate``, if it goes on: what it calls next is ended, too.
        """
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _CALL_OFF_SECONDS) as scope:
            try:
                await self._end_legs(token, job)
            except CommandRejected as exc:
                _log.warning("a call that is not wanted any more goes on: %s", exc)
            except (SwitchError, CallEnded) as exc:
                _log.debug("a call that is not wanted any more goes on: %s", exc)
        if scope.cancelled_caught:
            _log.warning("a call that is not wanted any more did not end within %g s", _CALL_OFF_SECONDS)

    async def _end_legs(self, token: str, job: Job | None) -> None:
        is_over = False
        while not is_over:
            is_over = job is None or job.is_finished
            if job is not None and is_over and not (await job.result()).ok:
                return  # nobody was reached, so no leg is left
            # hupall_api_function(): every channel with that value, ringing or answered. Its variables a leg has as soon
            # as it is there, those of a user's telephones too (switch_ivr_originate(), user_outgoing_channel()).
            await self._run(f"hupall {HangupCause.ORIGINATOR_CANCEL} {CALL_VARIABLE} {token}")
            if job is not None:
                # A leg that was not there yet, or the next in turn, may ring by now.
                with trio.move_on_after(_AGAIN_SECONDS):
                    await job.result()


def _failure(command: str, response: ApiResponse) -> ApiFailed:
    """The error for what ``originate`` printed: a cause by its name, or something else."""
    failed = _FAILED.fullmatch(response.text)
    if failed is None:
        return ApiFailed(command, response)
    return OriginateFailed(hangup_cause(failed[1]), command, response)


def _check_names(dialled: DialString | Expand, variables: Mapping[str, str]) -> None:
    """See that nobody gives a leg another token."""
    names = [*variables]
    if isinstance(dialled, DialString):
        names += dialled.variables
        for leg in (leg for group in dialled.groups for leg in group if isinstance(leg, DialLeg)):
            names += leg.variables
    for name in names:
        if name.lower() == CALL_VARIABLE:
            raise LocalProtocolError(f"{name} is a variable of ours, by which a call is found again")


# Where whoever answers is connected to


def _where(target: Target, dialplan: str, context: str) -> tuple[str, ...]:
    """An extension, its dialplan and its context, or what stands for them.

    Raises:
        LocalProtocolError: It cannot be said.
    """
    if isinstance(target, str):
        return _extension_words(target, dialplan, context)
    return application_words((target,) if isinstance(target, Application) else target)


def _extension_words(extension: str, dialplan: str, context: str) -> tuple[str, ...]:
    where = extension_words(extension, dialplan, context)
    for name, word in zip(("extension", "dialplan", "context"), where, strict=False):
        if word.lower() == _UNDEF:
            raise LocalProtocolError(f"{name} is {word!r}, which originate takes for none at all")
    if extension.startswith("&"):
        raise LocalProtocolError(f"extension is {extension!r}, and should be one of a dialplan, or an Application")
    defaults = (extension, "XML", "default")
    return (extension,) if where == defaults[: len(where)] else where


def application_words(applications: Sequence[Application]) -> tuple[str, ...]:
    """What stands for an extension, its dialplan and its context where applications are to be run.

    Raises:
        LocalProtocolError: It cannot be said.
    """
    if not 0 < len(applications) <= _MOST_APPLICATIONS:
        raise LocalProtocolError(
            f"{len(applications)} applications are to be run, and should be 1 to {_MOST_APPLICATIONS}"
        )
    pairs = [
        (check_word(each.name, "application", without="():&" + _DELIMITER), later_argument(each.name, each.argument))
        for each in applications
    ]
    (name, argument), *others = pairs
    if not others and ")" not in argument:
        return (f"&{name}({argument})" if argument else f"&{name}",)
    # What follows `&` is cut at its first `)`; this is not. It is divided once more, with a delimiter of its own.
    pieces = (f"{name}:{argument}" if argument else name for name, argument in pairs)
    divided = "".join(map(shown, words(*pieces, delimiter=_DELIMITER)))
    return f"m:{_DELIMITER}:{divided}", "inline"
