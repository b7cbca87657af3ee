"""The ways out of a call: hanging up, sending it elsewhere, letting it go on."""

from __future__ import annotations

import trio

from ..protocol import HangupCause
from .base import CallBase

__all__ = ["Leaving"]


class Leaving(CallBase):
    """Ending the call, and letting it go elsewhere."""

    async def hangup(self, cause: HangupCause | str = HangupCause.NORMAL_CLEARING) -> None:
        """Hang the call up, and wait until FreeSWITCH says so.

        Sends ``sendmsg`` with ``hangup``; while an application runs that carries
        ``event-lock``, which would hold that back, ``uuid_kill``. Before the answer, the
        cause is what the caller hears: USER_BUSY is SIP 486.

        Args:
            cause: Why. FreeSWITCH takes a name that it does not know for NORMAL_CLEARING.

        Raises:
            CallEnded: The call was over before.
        """
        await self._line.hangup(cause)

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
