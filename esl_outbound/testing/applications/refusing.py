"""Answers of SIP that end a call: ``respond``, ``redirect`` and ``deflect``. A loopback channel knows none of them."""

from __future__ import annotations

from typing import Final

from ..causes import cause_name
from ..expansion import separate
from ..session import Session
from ..wire import atoi
from .application import Application

__all__ = ["APPLICATIONS"]

_ACKNOWLEDGED_WITHIN: Final = 10.0
_REPLY_SECONDS: Final = 0.1

# sofia_glue_sip_cause_to_freeswitch()
_CAUSES: Final = {
    "CALL_REJECTED": (402, 403, 407, 603, 608),
    "USER_CHALLENGE": (401,),
    "UNWANTED": (607,),
    "UNALLOCATED_NUMBER": (404,),
    "NO_ROUTE_DESTINATION": (485, 604),
    "RECOVERY_ON_TIMER_EXPIRE": (408, 504),
    "NUMBER_CHANGED": (410,),
    "INTERWORKING": (413, 414, 416, 420, 421, 423, 505, 513),
    "NO_USER_RESPONSE": (480,),
    "NORMAL_TEMPORARY_FAILURE": (400, 481, 500, 503),
    "USER_BUSY": (486, 600),
    "INVALID_NUMBER_FORMAT": (484,),
    "INCOMPATIBLE_DESTINATION": (488, 606),
    "NETWORK_OUT_OF_ORDER": (502,),
    "SERVICE_UNAVAILABLE": (405,),
    "SERVICE_NOT_IMPLEMENTED": (406, 415, 501),
    "EXCHANGE_ROUTING_ERROR": (482, 483),
    "ORIGINATOR_CANCEL": (487,),
}
_CAUSE_OF: Final = {status: cause for cause, statuses in _CAUSES.items() for status in statuses}


def _is_sip(session: Session) -> bool:
    return not session.channel.get("is_loopback")


async def _respond(session: Session, argument: str) -> None:
    """``<status> [<reason>]``; SWITCH_MESSAGE_INDICATE_RESPOND in mod_sofia.c hangs up above 399."""
    if not _is_sip(session):
        return
    status = atoi(argument) or 488
    if status > 399 and not (status == 488 and session.channel.is_answered):
        session.hang_up_from_within(_CAUSE_OF.get(status, "NORMAL_UNSPECIFIED"))


async def _redirect(session: Session, argument: str) -> None:
    """``<uri>[,<uri>...] [<cause>]``, before the answer."""
    words = separate(argument)
    if words and _is_sip(session) and not session.channel.is_answered:
        session.hang_up_from_within(cause_name(words[1]) if len(words) > 1 else "NORMAL_UNSPECIFIED")


async def _deflect(session: Session, argument: str) -> None:
    """``<uri>``; the caller's phone agrees, and FreeSWITCH hangs up."""
    channel = session.channel
    if not channel.is_answered:
        await session.wait(
            _ACKNOWLEDGED_WITHIN, breakable=False, carries_out=False, goes_on=lambda: not channel.is_answered
        )
    if not _is_sip(session) or not session.is_ready or channel.is_true("sip_refer_continue_after_reply"):
        return
    await session.wait(_REPLY_SECONDS, breakable=False, carries_out=False)
    channel.set("sip_refer_target_status_code", "200")
    channel.set("sip_refer_reply", "SIP/2.0 200 OK\r\n")
    session.hang_up_from_within("BLIND_TRANSFER")


APPLICATIONS: Final = (
    Application("respond", _respond),
    Application("redirect", _redirect),
    Application("deflect", _deflect),
)
