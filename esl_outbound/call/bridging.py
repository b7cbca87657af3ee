"""Connecting the caller to somebody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final
from uuid import uuid4

import attrs
import trio

from ..arguments.checks import check_digits, check_one_line, milliseconds, whole_seconds
from ..arguments.dial_strings import (
    Destination,
    DialString,
    caller_id_variables,
    confirmation_variables,
    dial_string_of,
    write_dial_string,
)
from ..arguments.text import Expand, Text, argument
from ..errors import LocalProtocolError
from ..protocol import Execute
from .base import CallBase
from .bridge_results import STALE, BridgeResult, EarlyMedia, answered_variable
from .bridges import Bridge
from .legs import export_to_legs, leave_by
from .variable_commands import set_command, unset_command

if TYPE_CHECKING:
    from .line import Line

__all__ = ["RINGBACK", "Bridging"]

RINGBACK: Final = "%(2000,4000,440,480)"
"""The tone that a caller hears while somebody rings, in TGML: two seconds on, four off."""

# `ring_ready` is `true`, and a single callee's early media also lets a caller who is not answered hear his network's
# ringing, where `true` would let him hear nothing (check_channel_status() in switch_ivr_originate.c).
_EARLY_MEDIA: Final[Mapping[EarlyMedia, Mapping[str, Text]]] = {
    EarlyMedia.IGNORED: {"ignore_early_media": "ring_ready"},
    EarlyMedia.HEARD: {"ignore_early_media": "false", "bridge_early_media": "true"},
    EarlyMedia.CONNECTS: {"ignore_early_media": "false", "bridge_early_media": "false"},
}

# The argument of what a leg runs at its answer is expanded there (do_api_on() in switch_channel.c), and where a SIP
# Call-ID becomes the channel's UUID, the caller chose it.
_PLAIN_UUID: Final = re.compile(r"[A-Za-z0-9_.:@+-]+")
# Whatever begins with `api_on_answer` is run (switch_channel_api_on()), so this leaves a user's own in peace.
_ON_ANSWER: Final = "api_on_answer_esl_outbound"


class Bridging(CallBase):
    """Connecting the caller to somebody."""

    async def bridge(
        self,
        destination: Destination,
        *,
        ring_seconds: float | None = None,
        early_media: EarlyMedia = EarlyMedia.IGNORED,
        caller_id_name: str | None = None,
        caller_id_number: str | None = None,
        confirm_key: str = "",
        confirm_prompt: Text = "",
        confirm_error_prompt: Text = "",
        confirm_seconds: float = 5,
        ringback: Text | None = None,
        hold_music: Text = "",
        cancel_key: str = "",
        continue_on_fail: bool = True,
        hangup_after_bridge: bool = False,
        variables: Mapping[str, Text] | None = None,
    ) -> BridgeResult:
        r"""Connect the caller to somebody, and wait until they have talked, or nobody answered.

        Runs the ``bridge`` application. If the waiting is cancelled, whoever is called
        or talked to is hung up, and the caller stays. Digits that the caller presses
        meanwhile arrive in ``self.digits``, from the moment somebody is connected; what is
        queued meanwhile by another task runs nested. ``start_bridge`` gives a handle for both.

        Early media is ignored unless asked for. Where it is not, FreeSWITCH connects
        the first callee that has any, and counts that as success: all others stop
        ringing, ``ring_seconds`` limits nothing any more, and a network's "this number is
        not in service" ends a list of destinations that should have gone on. The price is
        that the caller hears ringing of ours in place of his callee's network's.

        Args:
            destination: Whom to call, such as ``"user/1001"`` or ``f"sofia/gateway/provider/{digits}"``: one word, in
                which nothing can become a second destination or a variable. Several in a list ring at once;
                ``DialString.in_turn(...)`` rings one after the other; a ``DialLeg`` has variables and times of its own.
                ``Expand("...")`` is a whole raw dial string, which FreeSWITCH expands and divides: keep data out of it.
            ring_seconds: How long each group rings, in whole seconds; then the next one does. FreeSWITCH's own limit,
                60 or the channel variable ``call_timeout``, if None.
            early_media: What becomes of what a callee lets hear before the answer.
            caller_id_name: The name that the callee is shown; the caller's own if None or empty. For SIP, in which
                FreeSWITCH does not escape it, a double quote becomes a single one.
            caller_id_number: The number that the callee is shown; the caller's own if None or empty.
            confirm_key: The digits, up to nine, that whoever answers must press before the caller is connected, so that
                no mailbox takes the call. They must come within ``ring_seconds`` too.
            confirm_prompt: The file that asks for them; silence if empty.
            confirm_error_prompt: The file that is played after others.
            confirm_seconds: How long to wait for them before the prompt is played again.
            ringback: What the caller hears meanwhile: a tone in TGML, or a file, such as music. If None, it is what
                the channel variables ``transfer_ringback`` and ``ringback`` say, else ``RINGBACK``; a caller who was
                not answered, and has heard nothing of us, hears his own network. Empty is silence, or what these
                variables say.
            hold_music: What the caller hears while the callee holds the call.
            cancel_key: The digit with which the caller gives up while it rings; the cause is then NO_ANSWER.
            continue_on_fail: Whether the call goes on when nobody answers; else it is hung up with the callee's cause.
            hangup_after_bridge: Whether the call is hung up when the callee, having answered, hangs up.
            variables: Channel variables of all legs: ``{"sip_h_X-Customer": name}``.

        Returns:
            Whether somebody answered, who, why not, for how long, and who hung up.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CallHungUp: The call ended, and not only the other leg. ``self.last_bridge.result`` tells the rest. Where
                that is ``continue_on_fail`` or ``hangup_after_bridge``, it is our doing, and ``run()`` goes on.
            CallEnded: The call ended in another way.
        """
        options = _Options(
            ring_seconds=ring_seconds,
            early_media=early_media,
            caller_id=caller_id_variables(caller_id_name, caller_id_number),
            confirm_key=confirm_key,
            confirm_prompt=confirm_prompt,
            confirm_error_prompt=confirm_error_prompt,
            confirm_seconds=confirm_seconds,
            ringback=ringback,
            hold_music=hold_music,
            cancel_key=cancel_key,
            continue_on_fail=continue_on_fail,
            hangup_after_bridge=hangup_after_bridge,
            variables=variables or {},
        )
        bridge = await _begin(self._line, destination, options)
        return await bridge.finish_or_stop()

    async def start_bridge(
        self,
        destination: Destination,
        *,
        ring_seconds: float | None = None,
        early_media: EarlyMedia = EarlyMedia.IGNORED,
        caller_id_name: str | None = None,
        caller_id_number: str | None = None,
        confirm_key: str = "",
        confirm_prompt: Text = "",
        confirm_error_prompt: Text = "",
        confirm_seconds: float = 5,
        ringback: Text | None = None,
        hold_music: Text = "",
        cancel_key: str = "",
        continue_on_fail: bool = True,
        hangup_after_bridge: bool = False,
        variables: Mapping[str, Text] | None = None,
    ) -> Bridge:
        """Begin to connect the caller to somebody, and do not wait for it.

        Arguments as of ``bridge``. The handle makes digits feature codes::

            bridge = await self.start_bridge("user/1001")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.listen_for_codes, bridge)  # async for digit in self.digits: ...
                result = await bridge.finished()
                nursery.cancel_scope.cancel()

        Returns:
            A handle: ``other_leg``, ``connected()``, ``answered()``, ``hang_up_other_leg()``, ``stop()``,
            ``finished()``.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        options = _Options(
            ring_seconds=ring_seconds,
            early_media=early_media,
            caller_id=caller_id_variables(caller_id_name, caller_id_number),
            confirm_key=confirm_key,
            confirm_prompt=confirm_prompt,
            confirm_error_prompt=confirm_error_prompt,
            confirm_seconds=confirm_seconds,
            ringback=ringback,
            hold_music=hold_music,
            cancel_key=cancel_key,
            continue_on_fail=continue_on_fail,
            hangup_after_bridge=hangup_after_bridge,
            variables=variables or {},
        )
        bridge = await _begin(self._line, destination, options)
        await trio.lowlevel.cancel_shielded_checkpoint()
        return bridge

    @property
    def last_bridge(self) -> Bridge | None:
        """The bridge that was begun last; None without one.

        In ``after_hangup``, ``self.last_bridge.result`` tells of a conversation that the caller ended.
        """
        return self._line.last_bridge

    async def pickup(self, group: str) -> None:
        """Take a call that rings at ``pickup/<group>``: the caller talks to whoever called, and leaves this handler.

        Runs the ``pickup`` application.

        Args:
            group: The group's name, as the other call's destination has it after ``pickup/``.

        Raises:
            ApplicationFailed: Nobody rings there; the call goes on here.
            LocalProtocolError: The name is empty, or on several lines; nothing was sent.
            CallEnded: The call ended, and in another way.
        """
        if not check_one_line(group, "group"):
            raise LocalProtocolError(f"group is {group!r}, and should be the name of one")
        await leave_by(self._line, "pickup", argument(group), reason=f"found nobody who rings at {group}")


@final
@attrs.frozen(kw_only=True)
class _Options:
    """How to bridge."""

    ring_seconds: float | None
    early_media: EarlyMedia
    caller_id: Mapping[str, Text]
    confirm_key: str
    confirm_prompt: Text
    confirm_error_prompt: Text
    confirm_seconds: float
    ringback: Text | None
    hold_music: Text
    cancel_key: str
    continue_on_fail: bool
    hangup_after_bridge: bool
    variables: Mapping[str, Text]

    def of_all_legs(self, dialled: DialString | Expand) -> dict[str, Text]:
        """What all legs are given."""
        common: dict[str, Text] = dict(_EARLY_MEDIA[self.early_media])
        if self.ring_seconds is not None:
            common["originate_timeout"] = str(whole_seconds(self.ring_seconds, "ring_seconds", least=1))
        if isinstance(dialled, DialString) and len(dialled.groups) > 1:
            common["originate_continue_on_timeout"] = "true"
        common |= self.caller_id
        common |= self._confirmation()
        if self.hold_music:
            common["hold_music"] = self.hold_music
        return {**common, **self.variables}

    def _confirmation(self) -> dict[str, Text]:
        variables = confirmation_variables(self.confirm_key, self.confirm_prompt)
        wait = milliseconds(self.confirm_seconds, "confirm_seconds", least=0.001)
        if self.confirm_error_prompt:
            variables["group_confirm_error_file"] = self.confirm_error_prompt
        if variables and not self.confirm_key:
            raise LocalProtocolError("there is a confirm_error_prompt, and no confirm_key")
        if variables and self.early_media is EarlyMedia.CONNECTS:
            # It would be asked for before the answer, where most telephones send no digits.
            raise LocalProtocolError("a confirmation needs an answer: early_media cannot be CONNECTS")
        return {**variables, "group_confirm_read_timeout": str(wait)} if variables else variables

    def scope(self) -> dict[str, str]:
        """What the caller's channel has for this bridge alone."""
        if len(check_digits(self.cancel_key, "cancel_key")) > 1:
            raise LocalProtocolError(f"cancel_key is {self.cancel_key!r}, and should be one digit")
        scope = {"hangup_after_bridge": "true" if self.hangup_after_bridge else "false"}
        if self.continue_on_fail:
            scope["continue_on_fail"] = "true"
        if self.cancel_key:
            scope["origination_cancel_key"] = self.cancel_key
        return scope


async def _begin(line: Line, destination: Destination, options: _Options) -> Bridge:
    """Send a bridge, with all that belongs to it, in one write."""
    await line.require_call()
    dialled = dial_string_of(destination)
    count = 1 if isinstance(dialled, Expand) else sum(map(len, dialled.groups))
    is_marked = _PLAIN_UUID.fullmatch(line.channel_uuid) is not None
    marker = f"uuid_setvar {line.channel_uuid} {answered_variable('{}')} true"
    written = write_dial_string(
        dialled,
        options.of_all_legs(dialled),
        uuids=[str(uuid4()) for _ in range(count)],
        of_leg={_ON_ANSWER: marker} if is_marked else {},
    )
    stale = unset_command(line, (*STALE, *map(answered_variable, range(count))))
    before, after = export_to_legs(line, written.exported)
    ringing, silent = _ringback(line, options.ringback)
    if not options.continue_on_fail:
        # Not in the scope: a cancelled bridge, which lets the call go on, could not change it there.
        before.append(set_command(line, "continue_on_fail", "false"))
    command = line.execute_command("bridge", written.text(options.scope()))
    commands = (stale, *before, *ringing, command, *after, *silent)

    bridge = Bridge(line, written.legs, connects_early=options.early_media is EarlyMedia.CONNECTS, is_marked=is_marked)
    line.watch(bridge)
    try:
        executions = await line.start(commands)
    except BaseException:
        line.unwatch(bridge)
        raise
    bridge.runs_as(executions[commands.index(command)])
    if line.last_bridge is not None:
        line.unwatch(line.last_bridge)
    line.last_bridge = bridge
    return bridge


def _ringback(line: Line, ringback: Text | None) -> tuple[list[Execute], list[Execute]]:
    """The commands that set what the caller hears while it rings, and those that set it back."""
    known = line.channel.variables
    state = line.channel.header("Answer-State")
    # Only who is answered hears the first of these; with the other, who is not hears ours, as early media
    # (switch_ivr_originate(), setup_ringback()).
    name = "transfer_ringback" if state == "answered" and ringback is not None else "ringback"
    if ringback is None:
        # Who hears nothing of us yet hears his own network ring.
        if state not in ("answered", "early") or "ringback" in known:
            return [], []
        # Where `transfer_ringback` is set, if only for the whole of FreeSWITCH, it comes first.
        ringback = RINGBACK
    if not ringback:
        return [], []
    return [set_command(line, name, ringback)], [set_command(line, name, known.get(name))]
