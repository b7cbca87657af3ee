"""What became of a bridge: the account of it, and how it is read from the channel's variables."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, final

import attrs

from ..arguments.dial_strings import DialLeg, WrittenLeg
from ..arguments.numbers import whole
from ..arguments.text import Expand
from ..protocol import Event, HangupCause, Variables, array_items, hangup_cause

__all__ = [
    "STALE",
    "BridgeLeg",
    "BridgeResult",
    "EarlyMedia",
    "HungUpBy",
    "Told",
    "answered_variable",
    "other_leg_in",
    "seconds_between",
    "sequence",
]

# What a bridge leaves on the channel, and no later one clears: unset before what is to be read after.
STALE: Final = (
    "originate_disposition",
    "originated_legs",
    "originate_causes",
    "last_bridge_to",
    "bridge_uuid",
    "bridge_channel",
    "bridge_hangup_cause",
    "last_bridge_hangup_cause",
    "last_bridge_proto_specific_hangup_cause",
    "sip_invite_failure_status",
)


class EarlyMedia(StrEnum):
    """What becomes of what a callee lets hear before the answer (SIP 183): ringing, announcements, music."""

    IGNORED = "ignored"
    """It is not heard, and ringing goes on until somebody answers."""
    HEARD = "heard"
    """The caller hears that of the first callee that has some, and ringing goes on all the same."""
    CONNECTS = "connects"
    """Who has some is connected as if he had answered: nothing else rings any more, and no time limits it.
    FreeSWITCH's own way."""


class HungUpBy(StrEnum):
    """Who ended a conversation."""

    CALLER = "caller"
    CALLEE = "callee"
    """The other leg, or whoever ended it on FreeSWITCH's side: that looks the same."""
    HANDLER = "handler"
    """We did: by a hangup, by ``hang_up_other_leg()``, or because the waiting was cancelled."""


@final
@attrs.frozen
class BridgeLeg:
    """One leg that a bridge called, or was to call."""

    destination: str | DialLeg | Expand
    """As it was given."""
    channel_uuid: str | None
    """Its channel; None if there was none: its turn never came, or it could not be called at all."""
    cause: HangupCause | str | None
    """Why it ended, such as USER_BUSY, or LOSE_RACE if another one answered first; None if FreeSWITCH did not say."""


@final
@attrs.frozen
class BridgeResult:
    """What became of a bridge."""

    answered: bool
    """Whether somebody answered and was connected. Early media is no answer."""
    destination: str | DialLeg | Expand | None
    """Who was connected, as it was given; None if nobody was, or FreeSWITCH did not say which of several."""
    channel_uuid: str | None
    """The channel that was connected; None if none was."""
    channel_name: str | None
    """Its name, such as ``sofia/internal/1001@192.0.2.7``."""
    cause: HangupCause | str | None
    """Why nobody was connected (``originate_disposition``), or why the channel that was connected has ended
    (``last_bridge_hangup_cause``). ORIGINATOR_CANCEL: the caller gave up. None if FreeSWITCH did not say."""
    legs: tuple[BridgeLeg, ...]
    """All that were to be called, in their order; of a user with several telephones, each."""
    ring_seconds: float | None
    """From the beginning until somebody was connected, or else until it was given up; by FreeSWITCH's clock.
    With ``EarlyMedia.CONNECTS`` until the answer, and None if FreeSWITCH did not say when that was."""
    talk_seconds: float | None
    """How long they talked, from the answer on; 0 if nobody answered, None if FreeSWITCH did not say."""
    hung_up_by: HungUpBy | None
    """Who ended the conversation; the caller or the handler who gave up while it rang is here, too. None if nobody
    did: a leg went elsewhere, say."""
    sip_status: int | None
    """The SIP status that refused the call, such as 486; None without one."""


@final
class Told:
    """What the channel's variables tell of a bridge.

    Args:
        written: Whom it called.
        variables: The variables.
        at_connect: What they were when somebody was connected, if that is known.
    """

    def __init__(
        self, written: tuple[WrittenLeg, ...], variables: Variables | None, at_connect: Variables | None = None
    ) -> None:
        self._written = written
        self._variables = variables
        self._at_connect = at_connect
        self.called: Final = list(dict.fromkeys(uuid for uuid, _ in self._pairs("originated_legs")))
        """The channels that were called."""
        self._causes = dict(self._pairs("originate_causes"))

    def get(self, name: str) -> str:
        """A variable; empty without it."""
        return "" if self._variables is None else self._variables.get(name, "")

    def _pairs(self, name: str) -> list[tuple[str, str]]:
        """The items of ``uuid;rest|:uuid;rest``."""
        text = self.get(name)
        pairs = [item.partition(";")[::2] for item in array_items(text)] if text else []
        return [(uuid, rest) for uuid, rest in pairs if uuid]

    @property
    def failure(self) -> HangupCause | str | None:
        """Why nobody was connected."""
        disposition = self.get("originate_disposition")
        # These are only said while it goes on (switch_ivr_originate()).
        if disposition in ("", "failure", "call accepted", HangupCause.SUCCESS):
            return None
        return hangup_cause(disposition)

    @property
    def end_cause(self) -> HangupCause | str | None:
        """Why the other leg has ended."""
        # A leg that lost the race, or did not answer before, has left its own cause here when another was connected
        # (switch_channel_perform_hangup()).
        cause = self.get("last_bridge_hangup_cause")
        if self._at_connect is not None and cause == self._at_connect.get("last_bridge_hangup_cause"):
            cause = ""
        cause = cause or self.get("bridge_hangup_cause")
        return hangup_cause(cause) if cause else None

    @property
    def sip_status(self) -> int | None:
        """The SIP status that refused the call."""
        protocol, _, status = self.get("last_bridge_proto_specific_hangup_cause").partition(":")
        number = whole(self.get("sip_invite_failure_status") or (status if protocol == "sip" else ""))
        return number if number is not None and number >= 300 else None

    def number_of(self, channel_uuid: str | None) -> int | None:
        """Which of those that were to be called a channel is."""
        if channel_uuid is None:
            return None
        if len(self._written) == 1:
            return 0
        return next((at for at, leg in enumerate(self._written) if leg.channel_uuid == channel_uuid), None)

    def legs(self, connected_to: str | None) -> tuple[BridgeLeg, ...]:
        """What became of each."""
        only = self._written[0] if len(self._written) == 1 else None
        if only is not None and not only.channel_uuid and self.called:
            return tuple(self._leg(only, uuid, connected_to) for uuid in self.called)
        return tuple(
            self._leg(leg, leg.channel_uuid if leg.channel_uuid in self.called else None, connected_to)
            for leg in self._written
        )

    def _leg(self, leg: WrittenLeg, uuid: str | None, connected_to: str | None) -> BridgeLeg:
        if uuid is None:
            # A leg that could not even be made is in no list; if it was the only one, it is known all the same.
            return BridgeLeg(leg.destination, None, self.failure if len(self._written) == 1 else None)
        cause = self._causes.get(uuid, "")
        if uuid == connected_to:
            return BridgeLeg(leg.destination, uuid, self.end_cause)
        return BridgeLeg(leg.destination, uuid, hangup_cause(cause) if cause not in ("", "NONE") else None)


def answered_variable(number: int | str) -> str:
    """The variable of the caller's channel that tells that the leg of that number has answered."""
    return f"esl_outbound_answered_{number}"


def other_leg_in(event: Event) -> str:
    """Whom a CHANNEL_BRIDGE or CHANNEL_UNBRIDGE of the caller's is about."""
    return event.get("Bridge-B-Unique-ID")


def sequence(event: Event) -> int:
    """Its place among all events."""
    return whole(event.get("Event-Sequence")) or 0


def seconds_between(start: int | None, end: int | None) -> float | None:
    """Seconds from one moment to another; None if one of them is not known."""
    return None if start is None or end is None else max(0, end - start) / 1_000_000
