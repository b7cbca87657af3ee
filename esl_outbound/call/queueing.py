"""Queues, parking lots, mailboxes: what FreeSWITCH has ready for callers who wait.

* ``fifo``: mod_fifo
* ``callcenter``: mod_callcenter
* ``valet_parking``: mod_valet_parking
* ``mailboxes``: mod_voicemail, mod_voicemail_ivr, mod_directory, and the menus of ``ivr.conf``
"""

from __future__ import annotations

from .callcenter import CallcenterQueues
from .fifo import Fifo
from .mailboxes import Mailboxes
from .valet_parking import ValetParking

__all__ = ["Queueing"]


class Queueing(Fifo, CallcenterQueues, ValetParking, Mailboxes):
    """Queues, parking lots and voicemail."""
