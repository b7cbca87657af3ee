"""The far end of a bridge: a leg that rings, answers, talks and hangs up, by itself or as a test says."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

import attrs
import trio

from .causes import cause_name
from .channel import Channel, is_true
from .destinations import Destination, DialledLeg
from .expansion import expand
from .frames import FRAME_SECONDS
from .happenings import Happening, Who
from .wire import Received

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Leg"]

# switch_string_var_check_const() in switch_utils.h.
_A_VARIABLE: Final = re.compile(r"\$\\*\{")

# With which status a SIP phone refuses a call, by the cause that FreeSWITCH makes of it.
_SIP_STATUSES: Final = {
    "CALL_REJECTED": "603",
    "INCOMPATIBLE_DESTINATION": "488",
    "INVALID_NUMBER_FORMAT": "484",
    "NORMAL_TEMPORARY_FAILURE": "503",
    "NO_ROUTE_DESTINATION": "404",
    "NO_USER_RESPONSE": "480",
    "NUMBER_CHANGED": "410",
    "UNALLOCATED_NUMBER": "404",
    "USER_BUSY": "486",
}


@final
class Leg:
    """One leg that a bridge calls. It exists at once, and does nothing before ``begin()``.

    Args:
        session: Who calls.
        dialled: What was dialled.
        destination: What happens there.
        changed: Called when something happens here that the bridge should see.
        knows_caller: Whether it is the caller's channel that calls it, and not the switch for the caller.
        delay: The seconds that it waits before it rings; whoever calls begins it.
    """

    def __init__(
        self,
        session: Session,
        dialled: DialledLeg,
        destination: Destination,
        changed: Callable[[], None],
        *,
        knows_caller: bool = True,
        delay: int = 0,
    ) -> None:
        self.destination: Final = dialled.destination
        self.dialled: Final = dialled
        self.is_answered = False
        self.plays_early_media = False
        self.is_delayed = bool(delay)
        """Whether others ring before it does (``leg_delay_start``)."""
        self.is_confirmed = False
        """Whether whoever answered has pressed what was asked for."""
        self._asked_for = ""
        self._pressed = ""
        self.has_ended_itself = False
        """Whether it was the far end that refused or ended the call."""
        caller = session.channel
        core = session.core
        now = core.micros()
        uuid = dialled.get("origination_uuid") or core.new_uuid()
        # `loopback/<extension>/<context>`, `user/<number>@<domain>`, `sofia/<profile>/<number>@<host>`.
        parts = dialled.destination.split("/")
        number = parts[1 if parts[0] == "loopback" else -1].partition("@")[0]
        # What FreeSWITCH takes for the callee's number is what stands last, of loopback the context.
        callee = parts[-1].partition("@")[0]
        profile = attrs.evolve(
            caller.profile,
            uuid=uuid,
            channel_name=_channel_name(dialled.destination),
            destination_number=number,
            caller_id_number=dialled.get("origination_caller_id_number")
            or caller.get("effective_caller_id_number")
            or caller.profile.caller_id_number,
            caller_id_name=dialled.get("origination_caller_id_name")
            or caller.get("effective_caller_id_name")
            or caller.profile.caller_id_name,
            callee_id_name="Outbound Call",
            callee_id_number=callee,
            direction="outbound",
            network_address="",
            username="",
            index=0,
            created=now,
            profile_created=now,
            answered=0,
            progress=0,
            progress_media=0,
            bridged=0,
            transferred=0,
            rdnis="",
            transfer_source="",
        )
        self.channel: Final = Channel(core, profile, story=caller.story)
        self.channel.when_hung_up = self._hung_up
        self._session = session
        self._changed = changed
        self._plan = destination
        self._answers_at = self._refuses_at = self._early_at = self._hangs_up_at = math.inf
        self._messages: deque[Received] = deque()
        self._create(knows_caller=knows_caller)

    def _create(self, *, knows_caller: bool) -> None:
        channel = self.channel
        channel.core.channels[channel.uuid] = channel.core.existing[channel.uuid] = channel
        channel.core.legs[channel.uuid] = self
        channel.other_leg = ("originator", attrs.evolve(self._session.channel.profile))
        channel.set("direction", "outbound")
        channel.set("uuid", channel.uuid)
        if knows_caller:
            channel.set("originator", self._session.channel.uuid)
            channel.set("signal_bond", self._session.channel.uuid)
        for name, value in self.dialled.variables:
            if not self._is_kept_away(value):
                channel.set(name, value)
        channel.fire("CHANNEL_OUTGOING")
        channel.fire("CHANNEL_CREATE")
        channel.fire("CHANNEL_ORIGINATE")
        channel.set_running_state("CS_INIT")
        channel.set_running_state("CS_ROUTING")
        channel.set_running_state("CS_CONSUME_MEDIA")

    def begin(self) -> None:
        """Let it ring, and do what its destination does."""
        self.is_delayed = False
        plan, now = self._plan, trio.current_time()
        if plan.cause:
            self._refuses_at = now + plan.refuses_after
        elif plan.answers_after is not None:
            self._answers_at = now + plan.answers_after
        if plan.early_media_after is not None:
            self._early_at = now + plan.early_media_after
        if self.cause is None and not plan.cause and plan.answers_after != 0:
            self.channel.ring()
            caller = self._session.channel
            caller.profile.progress = caller.profile.progress or self.channel.profile.progress
            caller.ring()

    def _is_kept_away(self, value: str) -> bool:
        """Whether originate keeps a value from the leg, because a variable is in it.

        As switch_channel_set_variable_var_check() does, unless something says ``origination_nested_vars``.
        """
        own = self.dialled.get("origination_nested_vars") or self._session.channel.get("origination_nested_vars")
        return _A_VARIABLE.search(value) is not None and not is_true(own)

    def bond(self) -> None:
        """It talks to the caller."""
        caller = self._session.channel
        for name, value in (
            ("last_bridge_to", caller.uuid),
            ("bridge_channel", caller.name),
            ("bridge_uuid", caller.uuid),
            ("signal_bond", caller.uuid),
        ):
            self.channel.set(name, value)

    @property
    def cause(self) -> str | None:
        """Why it is over; None while it is not."""
        return self.channel.hangup_cause

    @property
    def next_act(self) -> float:
        """When it will do something by itself, on trio's clock."""
        if self.cause is not None:
            return math.inf
        if self.is_answered:
            return self._hangs_up_at
        return min(self._answers_at, self._refuses_at, self._early_at)

    def act(self) -> None:
        """Do what is due."""
        now = trio.current_time() + 1e-9
        if self.cause is not None:
            return
        if self._early_at <= now and not self.is_answered:
            self._early_at = math.inf
            self.plays_early_media = True
            self.channel.pre_answer()
        if self._answers_at <= now:
            self.answer()
        if self._refuses_at <= now:
            self.end(self._plan.cause)
        if self._hangs_up_at <= now:
            self.end("NORMAL_CLEARING")

    def answer(self) -> None:
        """Take the call."""
        if self.is_answered or self.cause is not None:
            return
        self.is_answered = True
        self._answers_at = math.inf
        if self._plan.hangs_up_after is not None:
            self._hangs_up_at = trio.current_time() + self._plan.hangs_up_after
        self.channel.answer()
        self._tell(Happening.ANSWERS)
        self._changed()

    def is_reached(self, *, early_media_counts: bool) -> bool:
        """Whether the caller is to be connected to it, who may have to press something first.

        As check_channel_status() in switch_ivr_originate.c has it; whoever is asked for ``exec`` runs an application
        instead, which is not simulated.
        """
        if not self.is_answered and not (self.plays_early_media and early_media_counts):
            return False
        caller = self._session.channel
        key = self.dialled.get("group_confirm_key") or caller.get("group_confirm_key")
        if key and not self._asked_for:
            self._asked_for = key
            self._ask()
        return not key or self.is_confirmed

    def _ask(self) -> None:
        self._pressed = ""
        self._hears("group_confirm_file")

    def _hears(self, variable: str) -> None:
        path = self.dialled.get(variable) or self._session.channel.get(variable)
        if path and path != "undef":
            self._tell(Happening.FAR_END_HEARS, path)

    def press(self, digits: str) -> None:
        """Press keys at the far end."""
        self._tell(Happening.FAR_END_PRESSES, digits)
        for digit in digits:
            if not self._asked_for or self.is_confirmed or self.cause is not None:
                return
            self._pressed += digit
            if self._pressed == self._asked_for:
                self.is_confirmed = True
                self._changed()
            elif len(self._pressed) == len(self._asked_for):
                self._hears("group_confirm_error_file")
                self._ask()

    def end(self, cause: str) -> None:
        """Refuse the call, or end it, at the far end."""
        if self.cause is None:
            self.has_ended_itself = True
            self.hang_up(cause)

    @property
    def sip_status(self) -> str:
        """With which status of SIP the far end refused or ended the call; empty if it did not, or is no SIP phone."""
        if not self.has_ended_itself or self.destination.partition("/")[0] not in ("user", "sofia"):
            return ""
        return "200" if self.is_answered else _SIP_STATUSES.get(self.cause or "", "")

    def hang_up(self, cause: str) -> None:
        """End it, on FreeSWITCH's side."""
        self.channel.hang_up(cause)

    def _tell(self, happening: Happening, *details: str) -> None:
        self._session.channel.story.tell(Who.CALLEE, happening, self.destination, *details)

    def _hung_up(self) -> None:
        channel, cause = self.channel, self.cause or ""
        channel.core.channels.pop(channel.uuid, None)
        channel.core.legs.pop(channel.uuid, None)
        self._leave_variables(cause)
        self._tell(Happening.FAR_END_HANGS_UP if self.is_answered else Happening.DOES_NOT_ANSWER, cause)
        self._refuses_at = self._answers_at = self._early_at = self._hangs_up_at = math.inf
        self._changed()

    def _leave_variables(self, cause: str) -> None:
        """What its end leaves with its partner, as long as that is up (``switch_channel_perform_hangup()``)."""
        partner = self.channel.core.channels.get(self.channel.get("signal_bond") or "")
        if partner is None:
            return
        partner.set("last_bridge_hangup_cause", cause)
        if status := self.sip_status:
            partner.set("last_bridge_proto_specific_hangup_cause", f"sip:{status}")
            if not self.is_answered:
                partner.set("sip_invite_failure_status", status)

    # What is sent to it

    def queue(self, message: Received) -> None:
        """Queue a ``sendmsg``, to be carried out at a frame."""
        self._messages.append(message)
        if len(self._messages) == 1:
            self._session.start_soon(self._carry_out_messages)

    async def _carry_out_messages(self) -> None:
        # Its thread would look at a frame of its own, between two of the caller's; while it rings, the caller's does.
        await trio.sleep(FRAME_SECONDS / 2 if self.is_answered else 2 * FRAME_SECONDS)
        while self._messages and self.cause is None:
            await self._carry_out(self._messages[0])
            self._messages.popleft()
        self._messages.clear()

    async def _carry_out(self, message: Received) -> None:
        match message.get("call-command"):
            case "":
                pass
            case "hangup":
                cause = message.get("hangup-cause")
                self.hang_up(cause_name(cause) if cause else "NORMAL_CLEARING")
            case "execute":
                argument = message.get("execute-app-arg")
                if not argument and message.get("content-type").lower() == "text/plain":
                    argument = message.body
                await self._execute(message.get("execute-app-name"), argument, message.get("event-uuid"))
            case command:
                self.is_not_simulated(command)

    async def _execute(self, name: str, argument: str, uuid: str) -> None:
        """Run what can be seen afterwards: what becomes of its variables, and what is played to it."""
        channel = self.channel
        name = name.lower()
        if name not in ("set", "unset", "playback", "hangup"):
            if name:
                self.is_not_simulated(name)
            return
        argument = await self._expand(argument)
        about = [("Application", name), ("Application-Data", argument)]
        ids = [("Application-UUID", uuid or channel.core.new_uuid())]
        channel.fire("CHANNEL_EXECUTE", last=[each for each in (*about, *ids) if each[1]])
        response = "_none_"
        match name:
            case "set":
                variable, _, value = argument.partition("=" if "=" in argument else ",")
                channel.set(variable, await self._expand(value) or None)
            case "unset":
                channel.set(argument, None)
            case "playback":
                response = "FILE PLAYED"
                self._tell(Happening.FAR_END_HEARS, argument)
            case _:
                self.hang_up(cause_name(argument) if argument else "NORMAL_CLEARING")
        told = [*about, ("Application-Response", response), *ids]
        channel.fire("CHANNEL_EXECUTE_COMPLETE", last=[each for each in told if each[1]])

    async def _expand(self, text: str) -> str:
        core = self.channel.core
        return await expand(
            text, variable=self.channel.get, api=core.expand_api, global_variable=core.global_variables.get
        )

    def go_to(self, destination: str) -> None:
        """Leave the bridge for an extension, which nobody sees any more."""
        self._tell(Happening.FAR_END_GOES_TO, destination)
        self.channel.hang_up("BLIND_TRANSFER")

    def is_not_simulated(self, name: str) -> None:
        """Something was to be done here that only a thread of its own could do."""
        self.channel.story.tell(Who.SWITCH, Happening.IS_NOT_SIMULATED, name)

    def destroy(self) -> None:
        """What FreeSWITCH tells of it in the end."""
        channel = self.channel
        channel.set_running_state("CS_HANGUP")
        channel.set_running_state("CS_REPORTING")
        channel.profile.hungup = channel.core.micros()
        channel.hangup_variables()
        channel.fire("CHANNEL_HANGUP_COMPLETE", first=[("Hangup-Cause", channel.hangup_cause or "NORMAL_CLEARING")])
        channel.core.existing.pop(channel.uuid, None)
        channel.fire("CHANNEL_DESTROY")


def _channel_name(destination: str) -> str:
    endpoint, _, rest = destination.partition("/")
    match endpoint:
        case "user":
            return f"sofia/internal/{rest.partition('@')[0]}@127.0.0.1"
        case "loopback":
            return f"loopback/{rest.partition('/')[0]}-a"
        case _:
            return destination
