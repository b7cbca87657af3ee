"""The ways out of a call: hanging up, sending it elsewhere, letting it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import attrs
import trio

from ..arguments.checks import check_cause, check_number, check_one_line, check_uri, check_word, whole_seconds
from ..arguments.extensions import Leg, extension_words
from ..arguments.text import Text, argument, words
from ..errors import ApplicationFailed, CallHungUp, LocalProtocolError
from ..protocol import Execute, HangupCause
from .base import CallBase
from .legs import leave_by, other_leg_of
from .scheduling import Scheduled, schedule_broadcast, schedule_hangup, schedule_transfer
from .variable_commands import set_command, unset_command

if TYPE_CHECKING:
    from .line import Line

__all__ = ["DeflectResult", "Leaving"]

_HANGUP_SECONDS: Final = 1.0
_REFERRED: Final = ("sip_refer_target_status_code", "sip_refer_reply")


@final
@attrs.frozen
class DeflectResult:
    """What became of a call that was deflected."""

    status: int | None
    """The SIP status with which the new destination answered the caller's side; None if nobody told."""
    reply: str | None
    """The line in which the caller's side told it, such as ``SIP/2.0 200 OK``; None if it did not."""


class Leaving(CallBase):
    """Ending the call, and letting it go elsewhere, now or later."""

    async def hangup(self, cause: HangupCause | str = HangupCause.NORMAL_CLEARING) -> None:
        """Hang the call up, and wait until FreeSWITCH says so.

        Sends ``sendmsg`` with ``hangup``; while an application runs that would hold that back
        (one that carries ``event-lock``, ``eavesdrop``), ``uuid_kill``. Before the answer, the
        cause is what the caller hears: USER_BUSY is SIP 486.

        Args:
            cause: Why.

        Raises:
            LocalProtocolError: It is no cause; FreeSWITCH would take it for NORMAL_CLEARING. Nothing was sent.
            CallEnded: The call was over before.
        """
        await self._line.hangup(check_cause(cause))

    async def respond(self, status: int, reason: str = "") -> None:
        """Refuse the call with a SIP status, and wait until FreeSWITCH says that it is hung up.

        Runs the ``respond`` application, which works on SIP channels alone. After the answer the call is hung
        up with a BYE, but for 488, which then ends nothing. For the provisional answers see ``ring_ready()``,
        ``pre_answer()`` and ``acknowledge_call()``, for a redirection ``redirect()``.

        Args:
            status: The status, 400 to 699; the channel's hangup cause follows from it.
            reason: What is said with it; else the status's usual phrase.

        Raises:
            ApplicationFailed: It did not end the call: it is no SIP call.
            LocalProtocolError: FreeSWITCH does not respond with that status, or the reason is not one line.
            CallEnded: The call was over before.
        """
        # sofia_receive_message() in mod_sofia.c hangs up only above 399, and takes 302 for a redirection to nowhere.
        check_number(status, "status", least=400, most=699)
        check_one_line(reason, "reason")
        await _end_by(self._line, "respond", argument(f"{status} {reason}".rstrip(" ")))

    async def redirect(self, *destinations: str) -> None:
        """Send the caller elsewhere instead of answering (SIP 302, to several 300), and wait for the hangup.

        Runs the ``redirect`` application, which works on SIP channels before the answer alone. The hangup cause
        is NORMAL_UNSPECIFIED. For a call that is answered, see ``deflect()``.

        Args:
            destinations: SIP URIs, the best first.

        Raises:
            ApplicationFailed: It did not end the call: that is answered, or no SIP call.
            LocalProtocolError: A destination is no URI, or there are none or more than 100.
            CallEnded: The call was over before.
        """
        if not 0 < len(destinations) <= 100:
            raise LocalProtocolError(f"there are {len(destinations)} destinations, and should be 1 to 100")
        uris = [check_uri(destination, "destination", without=",<>") for destination in destinations]
        await _end_by(self._line, "redirect", argument(",".join(uris)))

    async def deflect(self, destination: str) -> DeflectResult:
        """Let the caller's side call somebody else instead (SIP REFER), and wait for the hangup.

        Runs the ``deflect`` application, which works on SIP channels that are answered; before the answer it
        waits 10 s for one. Whatever the caller's side replies, FreeSWITCH then hangs up with BLIND_TRANSFER, 10 s
        after the REFER if there is no reply, unless the channel variable ``sip_refer_continue_after_reply``
        is true: then this returns as soon as the REFER is sent. It cannot be stopped.

        Args:
            destination: A SIP URI, or an extension of the caller's own side.

        Returns:
            What the caller's side said of it.

        Raises:
            ApplicationFailed: It did not end the call: it is no SIP call.
            LocalProtocolError: The destination is no URI and no extension.
            CallEnded: The call was over before.
        """
        line = self._line
        text = argument(check_uri(destination, "destination"))
        continues = line.channel.variables.get("sip_refer_continue_after_reply", "")
        await _end_by(
            line,
            "deflect",
            text,
            after=(unset_command(line, _REFERRED),),
            may_go_on=continues.lower() in ("true", "yes", "on", "1", "enabled", "active", "allow"),
        )
        status, reply = map(line.channel.variables.get, _REFERRED)
        known = status is not None and status.isascii() and status.isdigit()
        return DeflectResult(
            status=int(status) if known and status is not None else None,
            reply=reply.strip() if reply else None,
        )

    # Elsewhere

    async def transfer(
        self, extension: str, *, dialplan: str = "", context: str = "", leg: Leg | str = Leg.ALEG
    ) -> None:
        """Send the call to an extension of the dialplan, and wait until it has gone there.

        Runs the ``transfer`` application. Afterwards the call is not ours any more: whatever is asked of it
        raises ``CallTransferred``. An extension that is not there hangs it up with NO_ROUTE_DESTINATION.

        Args:
            extension: The extension, usually a number.
            dialplan: Whose extension it is; else that of the call, ``XML`` if only a context is given.
            context: Where in that dialplan it is; else that of the call.
            leg: Who goes there. ``Leg.BLEG``, whoever the caller talks to: the bridge ends, and the call stays
                ours. ``Leg.BOTH``: both.

        Raises:
            ApplicationFailed: The caller talks to nobody whom this could send away, or the call did not go.
            LocalProtocolError: That is no extension; nothing was sent.
            CallEnded: The call ended first, or FreeSWITCH hung it up for too many transfers.
        """
        line = self._line
        leg = Leg(leg)
        parts = extension_words(extension, dialplan, context)
        if leg is not Leg.ALEG:
            await other_leg_of(line, "transfer")
        match leg:
            case Leg.ALEG:
                await leave_by(line, "transfer", argument(*words(*parts)), reason="did not take the call away")
            case Leg.BOTH:
                text = argument(*words("-both", *parts))
                await leave_by(line, "transfer", text, reason="did not take the call away")
            case Leg.BLEG:
                await line.execute("transfer", argument(*words("-bleg", *parts)))

    async def execute_extension(self, extension: str, *, dialplan: str = "", context: str = "") -> None:
        """Run the actions of an extension of the dialplan, and come back when they are done.

        Runs the ``execute_extension`` application. An extension that is not there does nothing, and FreeSWITCH
        does not tell. If one of its actions takes the call away, that is our doing: this returns, and what
        is asked of the call afterwards raises ``CallTransferred``. Cancelling it stops the action that runs, and
        those that follow one after the other, as far as they can be stopped.

        Args:
            extension: The extension, usually a number; with the dialplan ``inline`` the actions themselves.
            dialplan: Whose extension it is; else that of the call, ``XML`` if only a context is given.
            context: Where in that dialplan it is; else that of the call.

        Raises:
            LocalProtocolError: That is no extension; nothing was sent.
            CallEnded: The call ended first, or by one of the actions.
        """
        parts = extension_words(extension, dialplan, context)
        await self._line.execute("execute_extension", argument(*words(*parts)))

    async def park(
        self, timeout_seconds: float | None = 3600, *, timeout_cause: HangupCause | str = HangupCause.NORMAL_CLEARING
    ) -> None:
        """Give the call away, parked, for another program to fetch (``uuid_bridge``, ``intercept``, ``uuid_transfer``).

        Sets ``park_timeout`` and runs ``uuid_park``; without ``full`` the ``park_state`` application, which opens
        early media before the answer. Afterwards the call is not ours any more: whatever is asked of
        it raises ``CallTransferred``. Its connection is kept, because closing it would set the caller free.
        The ``park`` application itself does nothing here: while no application of a handler's runs, its caller is
        parked, and can be fetched by others. To wait for that, wait: ``await trio.sleep_forever()``.

        Args:
            timeout_seconds: After how long FreeSWITCH hangs up a caller whom nobody has fetched, in whole seconds;
                None is never, and may leave him in silence for ever.
            timeout_cause: With which cause.

        Raises:
            ApplicationFailed: The call did not go.
            LocalProtocolError: The time or the cause is none; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        before: tuple[Execute, ...] = ()
        if timeout_seconds is not None:
            # switch_ivr_park() reads it when a park begins.
            seconds = whole_seconds(timeout_seconds, "timeout_seconds", least=1)
            cause = check_cause(timeout_cause, "timeout_cause")
            before = (set_command(line, "park_timeout", f"{seconds}:{cause}"),)
        if not line.is_full:
            await leave_by(line, "park_state", "", after=before, reason="did not take the call away")
            return
        if before:
            await line.finish((await line.start(before))[0])
        # uuid_park and park_state are the same: switch_ivr_park_session().
        await line.api_away(f"uuid_park {line.channel_uuid}")

    async def continue_dialplan(self) -> None:
        """Leave the call to its dialplan, which goes on with the action after ``socket``.

        Says ``exit``, as soon as that cannot leave the caller parked for ever.
        What was started and not awaited still runs, and a file that plays, plays to its
        end first. Without a next action FreeSWITCH hangs up with NORMAL_CLEARING. Whatever
        is asked of the call afterwards raises ``CallReleased``.

        Raises:
            CallEnded: The call was over before.
        """
        await self._line.leave_to_dialplan()
        await trio.lowlevel.checkpoint()

    # Later

    async def sched_hangup(self, seconds: float, cause: HangupCause | str = HangupCause.ALLOTTED_TIMEOUT) -> Scheduled:
        """Let FreeSWITCH hang the call up later, whatever becomes of us until then.

        Runs the API command ``sched_api`` with ``uuid_kill``, which gives a number to cancel it by; without ``full``
        the ``sched_hangup`` application. ``run()`` is cancelled then, as by any hangup that is not its own.

        Args:
            seconds: From now on, in whole seconds, at least 1. FreeSWITCH counts those of its clock: up to one
                second less, or half a second more.
            cause: With which cause.

        Returns:
            A handle: ``await handle.cancel()``.

        Raises:
            LocalProtocolError: The time or the cause is none; nothing was sent.
            CallEnded: The call is over.
        """
        return await schedule_hangup(self._line, seconds, cause)

    async def sched_transfer(
        self, seconds: float, extension: str, *, dialplan: str = "", context: str = ""
    ) -> Scheduled:
        """Let FreeSWITCH send the call to an extension later.

        Runs the ``sched_transfer`` application. ``run()`` is cancelled then, as by any transfer that is not its own.

        Args:
            seconds: From now on, as of ``sched_hangup()``.
            extension: The extension.
            dialplan: Whose extension it is; else that of the call, ``XML`` if only a context is given.
            context: Where in that dialplan it is; else that of the call.

        Returns:
            A handle: ``await handle.cancel()``.

        Raises:
            LocalProtocolError: The time is none, or that is no extension; nothing was sent.
            CallEnded: The call is over.
        """
        return await schedule_transfer(self._line, seconds, extension, dialplan, context)

    async def sched_broadcast(self, seconds: float, path: Text, *, leg: Leg | str = Leg.ALEG) -> Scheduled:
        """Let FreeSWITCH play a file later, amid whatever runs then.

        Runs the ``sched_broadcast`` application. What is sent while the file plays waits for its end.

        Args:
            seconds: From now on, as of ``sched_hangup()``.
            path: The file, as of ``playback()``.
            leg: Who hears it: the caller, whoever he talks to then, or both.

        Returns:
            A handle: ``await handle.cancel()``.

        Raises:
            LocalProtocolError: The time is none, or the path cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        return await schedule_broadcast(self._line, seconds, path, Leg(leg))

    async def sched_cancel(self, group: str = "") -> None:
        """Cancel everything that is scheduled for the call, or for a group.

        Runs the ``sched_cancel`` application. What another program, or the dialplan, has scheduled
        for the call goes too, and so does its session heartbeat.

        Args:
            group: Another group, or a task's number; else the channel's own.

        Raises:
            LocalProtocolError: The group is no word; nothing was sent.
            CallEnded: The call is over.
        """
        await self._line.execute("sched_cancel", check_word(group, "group") if group else "")


async def _end_by(
    line: Line, application: str, text: str, *, after: tuple[Execute, ...] = (), may_go_on: bool = False
) -> None:
    """Run an application that ends the call, and wait until FreeSWITCH says that it has."""
    await line.require_call()
    try:
        completion = await line.execute(application, text, after=after)
    except CallHungUp:
        return  # CHANNEL_HANGUP comes before the completion
    if line.ending is None and completion.get("Answer-State") == "hangup":
        with trio.move_on_after(_HANGUP_SECONDS):
            await line.ended.wait()
    if line.ending is None and not may_go_on:
        raise ApplicationFailed(application, text, "did not end the call")
