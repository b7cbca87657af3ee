"""Whose doing the end of a call is: what our own applications do to it, read from what they are and from its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..protocol import Execute, HangupCause
from ..protocol.headers import decode, peek
from .execution import Execution, Stage

__all__ = [
    "ANSWER_STATE",
    "DEAF",
    "goes_elsewhere",
    "is_elsewhere",
    "is_hung_up_by",
    "is_our_doing",
    "leaves_execute",
    "may_leave",
    "takes_away",
    "unknown_application",
]

ANSWER_STATE: Final = b"\nAnswer-State: "
_CURRENT_APPLICATION: Final = b"\nvariable_current_application: "
_DISPOSITION: Final = b"\nvariable_originate_disposition: "
_SILENCE_HITS: Final = b"\nvariable_silence_hits_exhausted: "
_STATE_NUMBER: Final = b"\nChannel-State-Number: "

# FreeSWITCH finds applications whatever their case.
_ENDING: Final = frozenset({"hangup", "respond", "redirect", "deflect"})
_LEAVING: Final = frozenset(
    {"transfer", "deflect", "redirect", "intercept", "att_xfer", "park_state", "pickup", "userspy"}
)
# These wait for somebody who takes the call, or may send it away; where the channel goes, their completion tells.
_MAY_LEAVE: Final = _LEAVING | {
    *("fifo", "callcenter", "valet_park", "voicemail", "directory", "ivr", "execute_extension"),
}
DEAF: Final = frozenset({"eavesdrop", "native_eavesdrop", "three_way"})
"""Applications that do not look at what is queued (switch_ivr_eavesdrop_session()), a hangup included."""

_GIVES_UP_SO: Final = frozenset({"conference", "page", "speak", "valet_park", "voicemail"})

# switch_channel_state_t from CS_INIT to CS_RESET, without CS_EXECUTE (4): the state that the channel is about to have.
_ELSEWHERE: Final = frozenset(map(str.encode, "12356789"))
# CS_EXECUTE, or nothing said.
_EXECUTING: Final = (b"4", b"", None)
# What a bridge says of itself that did not end the call.
_NO_FAILURE: Final = frozenset({b"SUCCESS", b"ORIGINATOR_CANCEL", b""})


def takes_away(command: Execute) -> bool:
    """Whether an application takes the call out of ``socket``, if it succeeds."""
    application = command.application.lower()
    if application == "transfer":
        return not command.argument.lstrip(" ").lower().startswith("-bleg")
    return application in _LEAVING


def may_leave(command: Execute) -> bool:
    """Whether an application may have sent the call elsewhere when it has completed."""
    return command.application.lower() in _MAY_LEAVE


def goes_elsewhere(command: Execute, block: bytes) -> bool:
    """Whether an application that may send the call elsewhere has done so: its completion has the channel's state."""
    elsewhere = is_elsewhere(block)
    return takes_away(command) if elsewhere is None else elsewhere


def is_elsewhere(block: bytes) -> bool | None:
    """Whether a channel is on its way out of our hands, bridged by somebody or transferred; None if not told.

    ``Channel-State-Number`` is the state that it is about to have (switch_channel_event_set_basic_data() in
    switch_channel.c).
    """
    number = peek(block, _STATE_NUMBER)
    return None if number is None else number in _ELSEWHERE


def leaves_execute(block: bytes) -> bool:
    """Whether a channel leaves ``socket`` for anything, a hangup included."""
    return peek(block, _STATE_NUMBER) not in _EXECUTING


def is_hung_up_by(command: Execute, block: bytes) -> bool:
    """Whether an application that hangs up has done so, as its completion tells; CHANNEL_HANGUP may come later."""
    return command.application.lower() in _ENDING and peek(block, ANSWER_STATE) == b"hangup"


def is_our_doing(unfinished: Iterable[Execution], cause: HangupCause | str | None, block: bytes) -> bool:
    """Whether a hangup was brought about by one of our applications.

    Args:
        unfinished: Those that had not completed.
        cause: The hangup's cause.
        block: The headers of its event.
    """
    running = {execution.command.application.lower() for execution in unfinished}
    if not running:
        return False
    # Media that cannot be agreed on when an application answers, or plays before the answer
    # (switch_channel_perform_answer() and switch_channel_perform_pre_answer()); what cannot be opened, is not known, or
    # cannot be done.
    if cause in (HangupCause.INCOMPATIBLE_DESTINATION, HangupCause.DESTINATION_OUT_OF_ORDER) or running & _ENDING:
        return True
    if "execute_extension" in running and decode(peek(block, _CURRENT_APPLICATION) or b"") in _ENDING:
        return True
    return "bridge" in running and _bridge_failed_with(cause, block)


def unknown_application(
    unfinished: Iterable[Execution], cause: HangupCause | str | None, block: bytes
) -> Execution | None:
    """The application that FreeSWITCH did not know, and hung the call up for.

    Arguments as of ``is_our_doing``. Such an application is accepted, never starts, and costs the call.
    """
    if cause != HangupCause.DESTINATION_OUT_OF_ORDER:
        return None
    waiting: Execution | None = None
    for execution in unfinished:
        command = execution.command
        if execution.stage < Stage.STARTED:
            waiting = waiting or execution
            continue
        # What waits behind one of these has not started either, but that is no sign: an event-lock, a bridge that
        # failed, a recording whose file could not be opened (switch_ivr_record_file_event()), and what hangs up so when
        # it has no sounds, no file or no channel.
        application = command.application.lower()
        if (
            (command.event_lock and execution.stage is Stage.STARTED)
            or application in _GIVES_UP_SO
            or (application == "bridge" and _bridge_failed_with(cause, block))
            or (application == "record" and execution.began is not None and _SILENCE_HITS not in block)
        ):
            return None
    return waiting


def _bridge_failed_with(cause: HangupCause | str | None, block: bytes) -> bool:
    """Whether a bridge gave its own cause to our leg: without ``continue_on_fail`` it does."""
    disposition = peek(block, _DISPOSITION) or b""
    return disposition not in _NO_FAILURE and decode(disposition) == cause
