"""How an application is stopped on the channel, each in the way that was measured to work.

``uuid_break`` ends whatever plays, records or sleeps 20 ms later. A bridge
does not heed it: its other leg is hung up. Nor does a conference: our member
is kicked, or gives wrong PINs. Nor does a queue: its exit key is pressed. Never ``uuid_break all``,
which throws away what is queued without any event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import trio

from ..protocol import Hangup, array_items
from .eavesdropping import send_eavesdrop_command
from .execution import Stage
from .variable_commands import ask_for_variable

if TYPE_CHECKING:
    from .execution import Execution
    from .line import Line

__all__ = ["LEAVE_KEY", "end_other_leg", "stop_application"]

LEAVE_KEY: Final = "D"
"""The digit that takes a caller out of a queue by our doing: one that telephones do not have."""

# A break takes 21 ms, nested 41; a completion that has not come after this means that the break was lost, or ended
# one round of `loop_playback`, or one prompt of several.
_AGAIN_SECONDS: Final = 0.5
# A leg exists some 20 ms after its bridge began, a conference member some time after it joined.
_LOOK_AGAIN_SECONDS: Final = 0.02

# Longer than nearly any; what is too much of it is thrown away with each try.
_WRONG_PIN: Final = LEAVE_KEY * 16

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


async def stop_application(line: Line, execution: Execution) -> None:
    """Ask for an application's end until it has completed. The caller bounds it."""
    match execution.command.application.lower():
        case "bridge" | "att_xfer":
            await end_other_leg(line, execution)
        case "eavesdrop" | "native_eavesdrop" | "three_way":
            await _end_eavesdrop(line, execution)
        case "conference":
            await _leave_conference(line, execution)
        case "fifo" | "callcenter" if f"{LEAVE_KEY}]" in execution.command.argument:
            await _leave_queue(line, execution)
        case "play_and_detect_speech":
            # Its loop heeds no break; a recogniser that closes ends it (play_and_detect_input_callback()).
            await _end_by(line, execution, "detect_speech", "stop")
        case "rxfax" | "txfax":
            await _end_by(line, execution, "stopfax")
        case _:
            await _break(line, execution)


async def _completed_within(execution: Execution, seconds: float) -> bool:
    with trio.move_on_after(seconds):
        await execution.completed()
    return execution.stage >= Stage.COMPLETED


async def _end_by(line: Line, execution: Execution, application: str, argument: str = "") -> None:
    while True:
        await line.start((line.execute_command(application, argument),))
        if await _completed_within(execution, _AGAIN_SECONDS):
            return


async def _break(line: Line, execution: Execution) -> None:
    while True:
        if line.is_full:
            await line.api(f"uuid_break {line.channel_uuid}")
        else:
            # Without an argument: with one it empties the queue (break_function() in mod_dptools.c).
            await line.start((line.execute_command("break"),))
        if await _completed_within(execution, _AGAIN_SECONDS):
            return


async def _end_eavesdrop(line: Line, execution: Execution) -> None:
    # switch_ivr_eavesdrop_session() looks neither at breaks nor at what is queued, but at events for its session.
    while True:
        await send_eavesdrop_command(line, "*")
        if await _completed_within(execution, _AGAIN_SECONDS):
            return


async def end_other_leg(line: Line, execution: Execution, cause: str = "") -> None:
    """Hang up whoever a bridge calls or talks to, until it is over; the caller stays.

    Args:
        line: The call's state.
        execution: The bridge.
        cause: Why; FreeSWITCH's own if empty.
    """
    # What earlier bridges left in these variables is none of ours.
    began = execution.began
    earlier = set() if began is None else _legs(began.variables.get("originated_legs", ""))
    earlier_bond = "" if began is None else began.variables.get("signal_bond", "")
    # A ringing leg that is killed would take ours with it, so the bridge is told to let ours go on.
    had = await _variable(line, "continue_on_fail")
    if had != "true":
        await _set_variable(line, "continue_on_fail", "true")
    try:
        while execution.stage < Stage.COMPLETED:
            legs = _legs(await _variable(line, "originated_legs")) - earlier
            bond = await _variable(line, "signal_bond")
            if bond != earlier_bond and _UUID.fullmatch(bond):
                legs.add(bond)
            for leg in sorted(legs):
                if line.is_full:
                    await line.api(f"uuid_kill {leg} {cause}".rstrip())
                else:
                    await line.ask(Hangup(cause, leg) if cause else Hangup(channel_uuid=leg))
            await _completed_within(execution, _LOOK_AGAIN_SECONDS)
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            if line.ending is None and had != "true":
                await _set_variable(line, "continue_on_fail", had)


def _legs(originated: str) -> set[str]:
    """The channels in ``originated_legs``: ``uuid;name;number`` each, where the far end chooses its name."""
    found = {item.partition(";")[0] for item in array_items(originated)}
    return {leg for leg in found if _UUID.fullmatch(leg)}


async def _leave_conference(line: Line, execution: Execution) -> None:
    await line.require_full("leaving a conference")
    presses = 0
    press_at = trio.current_time() + _AGAIN_SECONDS
    try:
        while True:
            name = await _variable(line, "conference_name")
            member = await _variable(line, "conference_member_id")
            if name and member.isdecimal():
                await line.api(f"conference {name} kick {member}")
            elif trio.current_time() >= press_at:
                # He is asked for a PIN, and is no member yet. Nothing but the end of his tries ends that
                # (conference_function() in mod_conference.c): each is a wrong PIN, and a break for the sounds.
                presses += len(_WRONG_PIN)
                await line.api(f"uuid_recv_dtmf {line.channel_uuid} {_WRONG_PIN}")
                await line.api(f"uuid_break {line.channel_uuid}")
                press_at = trio.current_time() + _AGAIN_SECONDS
            if await _completed_within(execution, _LOOK_AGAIN_SECONDS):
                return
    finally:
        _forget_presses(line, presses)


async def _leave_queue(line: Line, execution: Execution) -> None:
    # A break only begins the music anew (fifo_function() in mod_fifo.c, callcenter_function() in mod_callcenter.c); an
    # exit key ends the wait, and whoever put the caller there made this one of them.
    await line.require_full("leaving a queue")
    presses = 0
    try:
        while True:
            presses += 1
            await line.api(f"uuid_recv_dtmf {line.channel_uuid} {LEAVE_KEY}")
            if await _completed_within(execution, _AGAIN_SECONDS):
                return
            # Something that is said to the caller meanwhile has taken it.
            await line.api(f"uuid_break {line.channel_uuid}")
    finally:
        _forget_presses(line, presses)


def _forget_presses(line: Line, presses: int) -> None:
    """Take out of the digits what the caller did not press."""
    for _ in range(presses):
        line.digits.strike_out_last(LEAVE_KEY, range(line.digits.came))


async def _variable(line: Line, name: str) -> str:
    return await ask_for_variable(line, name) or ""


async def _set_variable(line: Line, name: str, value: str) -> None:
    if line.is_full:
        await line.api(f"uuid_setvar {line.channel_uuid} {name} {value}".rstrip())
    else:
        await line.start((line.execute_command("set", f"{name}={value}"),))
