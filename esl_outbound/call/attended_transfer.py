"""The attended transfer: the caller asks a third party, while the other leg waits."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, final

import attrs

from ..arguments.checks import check_digits
from ..arguments.dial_strings import DialLeg, dial_string_of, write_dial_string
from ..arguments.text import Expand
from ..errors import CallHungUp, CallTransferred, LocalProtocolError
from ..protocol import HangupCause, hangup_cause
from .endings import leaves_execute
from .legs import export_to_legs
from .variable_commands import set_command, unset_command

if TYPE_CHECKING:
    from ..protocol import Event
    from .line import Line
    from .observing import EventStream

__all__ = ["AttXferOutcome", "AttXferResult", "attended_transfer"]

_UNTOLD: Final = ("originate_disposition", "xfer_uuids")
# No telephone sends it: a key that is not to do anything.
_NO_KEY: Final = "n"


class AttXferOutcome(Enum):
    """How an attended transfer ended."""

    NOT_REACHED = "not reached"
    """The third party did not take the call. The bridge goes on, and the call is still ours."""
    TRANSFERRED = "transferred"
    """The caller left, by the key or by hanging up, while he talked to the third party: FreeSWITCH
    puts that one and the other leg together."""
    RETURNED = "returned"
    """The caller talks to the other leg again, and is not ours any more. He gave it up, or the third party hung up."""
    THREE_WAY = "three way"
    """All three talk, and the caller is not ours any more."""
    ENDED = "ended"
    """There was no other leg, so it was a bridge like any other, which has ended. The call is still ours."""


@final
@attrs.frozen
class AttXferResult:
    """What became of an attended transfer."""

    outcome: AttXferOutcome
    """How it ended."""
    channel_uuid: str | None
    """The third party's channel, if it was reached."""
    cause: HangupCause | str | None
    """Why the third party was not reached; None if it was, or FreeSWITCH did not say."""


def _check_keys(*keys: tuple[str, str]) -> None:
    used = [key for key, _ in keys if key]
    for key, name in keys:
        check_digits(key, name)
        if len(key) > 1:
            raise LocalProtocolError(f"{name} is {key!r}, and should be one digit, or none")
    if len(set(used)) != len(used):
        raise LocalProtocolError(f"the keys are {', '.join(used)}, and should differ")


async def attended_transfer(
    line: Line, destination: str | DialLeg | Expand, cancel_key: str, hangup_key: str, conference_key: str
) -> AttXferResult:
    """Run ``att_xfer`` and tell what became of it."""
    written = write_dial_string(dial_string_of(destination), {}, uuids=("",), of_leg={})
    keys = ((cancel_key, "cancel_key"), (hangup_key, "hangup_key"), (conference_key, "conference_key"))
    _check_keys(*keys)
    names = ("attxfer_cancel_key", "attxfer_hangup_key", "attxfer_conf_key")
    commands = [set_command(line, name, key or _NO_KEY) for name, (key, _) in zip(names, keys, strict=True)]
    before, after = export_to_legs(line, written.exported)
    command = line.execute_command("att_xfer", written.text({}))
    commands += [unset_command(line, _UNTOLD), *before, command]
    completion: Event | None = None
    with line.observed("CHANNEL_BRIDGE") as bridges:
        executions = await line.start([*commands, *after])
        execution = executions[len(commands) - 1]
        try:
            completion = await execution.finish_or_stop()
        except CallHungUp:
            third = _third_party(line, bridges)
            if third is None:
                raise
            return AttXferResult(AttXferOutcome.TRANSFERRED, third, None)
        except CallTransferred:
            completion = execution.completion  # told before it
        await line.wait_if_leaving()
        third = _third_party(line, bridges)
    if third is None:
        disposition = completion.variables.get("originate_disposition") if completion is not None else None
        cause = hangup_cause(disposition) if disposition and disposition != "SUCCESS" else None
        return AttXferResult(AttXferOutcome.NOT_REACHED, None, cause)
    return AttXferResult(_outcome(line, completion, third), third, None)


def _outcome(line: Line, completion: Event | None, third: str) -> AttXferOutcome:
    if line.ending is None and (completion is None or not leaves_execute(completion.block)):
        return AttXferOutcome.ENDED
    # att_thread_run() in mod_dptools.c sets it if the third party is up when the caller is done with it.
    variables = line.channel.variables if completion is None else completion.variables
    together = variables.get("xfer_uuids", "").startswith(f"{third} ")
    return AttXferOutcome.THREE_WAY if together else AttXferOutcome.RETURNED


def _third_party(line: Line, bridges: EventStream) -> str | None:
    """Whom the caller was bridged to meanwhile; None if nobody."""
    for event in bridges.drain():
        if event.get("Bridge-A-Unique-ID") == line.channel_uuid:
            return event.get("Bridge-B-Unique-ID") or None
    return None
