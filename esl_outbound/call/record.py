"""How a call ended, in one value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import final

import attrs

from ..protocol import HangupCause

__all__ = ["CallRecord", "Ending", "RecordSource"]


class Ending(StrEnum):
    """How our control of a call ended."""

    HUNG_UP = "hung up"
    TRANSFERRED = "transferred"
    """It went to another extension, another socket or another call, by our doing or somebody else's."""
    LEFT_TO_DIALPLAN = "left to the dialplan"
    CONNECTION_LOST = "connection lost"
    """The connection ended while the call was up. What became of the call is not known."""


class RecordSource(StrEnum):
    """Where a record's variables come from."""

    HANGUP_COMPLETE = "CHANNEL_HANGUP_COMPLETE"
    """FreeSWITCH's own final word: everything is there."""
    CONNECT = "connect"
    """A second ``connect`` after the end: final values too, where the event does not come (without ``async``)."""
    LAST_KNOWN = "last known"
    """The last event that came before the connection went: what only the end tells is missing."""


@final
@attrs.frozen
class CallRecord:
    """What is known of a call after it ended, for billing, statistics and the like."""

    channel_uuid: str
    ending: Ending
    """How our control ended."""
    source: RecordSource
    """Where ``variables`` come from, and with them what of the rest is known."""
    hangup_cause: HangupCause | str | None
    """Why the channel was hung up; None if it was not, or FreeSWITCH did not say."""
    caller_id_name: str
    caller_id_number: str
    destination_number: str
    context: str
    seconds: float
    """How long we had the call, by our clock."""
    answered: bool
    """Whether the channel was answered, as far as is known."""
    duration: int | None
    """Seconds from the channel's creation to its end, as ``duration`` reports them; None if not known."""
    billsec: int | None
    """Seconds from the answer to the end, as ``billsec`` reports them; None if not known."""
    variables: Mapping[str, str]
    """All channel variables as of ``source``; decoded when asked for."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the fields that nobody could tell us."""
        return tuple(name for name in ("hangup_cause", "duration", "billsec") if getattr(self, name) is None)
