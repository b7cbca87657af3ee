"""How an application is stopped on the channel, each in the way that was measured to work.

``uuid_break`` ends whatever plays, records or sleeps 20 ms later. A bridge
does not heed it: its other leg is hung up. Nor does a conference: our member
is kicked. Never ``uuid_break all``, which throws away what is queued without any event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import trio

from ..protocol import Hangup, array_items
from .execution import Stage
from .variable_commands import ask_for_variable

if TYPE_CHECKING:
    from .execution import Execution
    from .line import Line

__all__ = ["stop_application"]

# A break takes 21 ms, nested 41; a completion that has not come after this means that the break was lost, or ended
# one round of `loop_playback`, or one prompt of several.
_AGAIN_SECONDS: Final = 0.5
# A leg exists some 20 ms after its bridge began, a conference member some time after it joined.
_LOOK_AGAIN_SECONDS: Final = 0.02

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


async def stop_application(line: Line, execution: Execution) -> None:
    """Ask for an application's end until it has completed. The caller bounds it."""
    match execution.command.application.lower():
        case "bridge":
            await _end_other_leg(line, execution)
        case "conference":
            await _leave_conference(line, execution)
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


async def _end_other_leg(line: Line, execution: Execution) -> None:
    # What earlier bridges left in these variables is none of ours.
    began = execution.began
    earlier = set() if began is None else _legs(began.variables.get("originated_legs", ""))
    earlier_bond = "" if began is None else began.variables.get("signal_bond", "")
    # A ringing leg that is killed would take ours with it, so the bridge is told to let ours go on.
    had = await _variable(line, "continue_on_fail")
    await _set_variable(line, "continue_on_fail", "true")
    try:
        while True:
            legs = _legs(await _variable(line, "originated_legs")) - earlier
            bond = await _variable(line, "signal_bond")
            if bond != earlier_bond and _UUID.fullmatch(bond):
                legs.add(bond)
            for leg in sorted(legs):
                if line.is_full:
                    await line.api(f"uuid_kill {leg}")
                else:
                    await line.ask(Hangup(channel_uuid=leg))
            if await _completed_within(execution, _LOOK_AGAIN_SECONDS):
                return
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            if line.ending is None:
                await _set_variable(line, "continue_on_fail", had)


def _legs(originated: str) -> set[str]:
    """The channels in ``originated_legs``: ``uuid;name;number`` each, where the far end chooses its name."""
    found = {item.partition(";")[0] for item in array_items(originated)}
    return {leg for leg in found if _UUID.fullmatch(leg)}


async def _leave_conference(line: Line, execution: Execution) -> None:
    await line.require_full("leaving a conference")
    while True:
        name = await _variable(line, "conference_name")
        member = await _variable(line, "conference_member_id")
        if name and member.isdecimal():
            await line.api(f"conference {name} kick {member}")
        if await _completed_within(execution, _LOOK_AGAIN_SECONDS):
            return


async def _variable(line: Line, name: str) -> str:
    return await ask_for_variable(line, name) or ""


async def _set_variable(line: Line, name: str, value: str) -> None:
    if line.is_full:
        await line.api(f"uuid_setvar {line.channel_uuid} {name} {value}".rstrip())
    else:
        await line.start((line.execute_command("set", f"{name}={value}"),))
