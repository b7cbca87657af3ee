"""What a conference's events tell: of our own member, and of all that happens there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Final, final

import attrs
import trio

from ..arguments.numbers import timestamp, whole
from ..errors import CallEnded
from ..protocol import Event
from .conference_results import ConferenceExit
from .execution import Execution, Stage
from .observing import EventStream, wanted_events

__all__ = ["MAINTENANCE", "ConferenceAction", "ConferenceEvent", "ConferenceEvents", "MemberWatch", "conference_event"]

MAINTENANCE: Final = "conference::maintenance"
"""The subclass of every event of mod_conference's."""


class ConferenceAction(StrEnum):
    """What happened in a conference: ``Action`` of its events. Others pass as ``str``."""

    ADD_MEMBER = "add-member"
    DEL_MEMBER = "del-member"
    KICK_MEMBER = "kick-member"
    HUP_MEMBER = "hup-member"
    MUTE_MEMBER = "mute-member"
    UNMUTE_MEMBER = "unmute-member"
    DEAF_MEMBER = "deaf-member"
    UNDEAF_MEMBER = "undeaf-member"
    HOLD_MEMBER = "hold-member"
    UNHOLD_MEMBER = "unhold-member"
    START_TALKING = "start-talking"
    STOP_TALKING = "stop-talking"
    MUTE_DETECT = "mute-detect"
    FLOOR_CHANGE = "floor-change"
    DTMF = "dtmf"
    DTMF_MEMBER = "dtmf-member"
    VOLUME_IN_MEMBER = "volume-in-member"
    VOLUME_OUT_MEMBER = "volume-out-member"
    ENERGY_LEVEL_MEMBER = "energy-level-member"
    PLAY_FILE = "play-file"
    PLAY_FILE_DONE = "play-file-done"
    PLAY_FILE_MEMBER = "play-file-member"
    PLAY_FILE_MEMBER_DONE = "play-file-member-done"
    SPEAK_TEXT = "speak-text"
    SPEAK_TEXT_MEMBER = "speak-text-member"
    LOCK = "lock"
    UNLOCK = "unlock"
    TRANSFER = "transfer"
    START_RECORDING = "start-recording"
    STOP_RECORDING = "stop-recording"
    PAUSE_RECORDING = "pause-recording"
    RESUME_RECORDING = "resume-recording"
    BGDIAL_RESULT = "bgdial-result"
    REJECTED_JOIN_ONLY = "rejected-join-only"
    CONFERENCE_CREATE = "conference-create"
    CONFERENCE_DESTROY = "conference-destroy"


_HAPPENINGS: Final = wanted_events((f"CUSTOM {MAINTENANCE}",))
_ACTIONS: Final[dict[str, ConferenceAction]] = {action.value: action for action in ConferenceAction}


@final
@attrs.frozen
class ConferenceEvent:
    """Something that happened in a conference."""

    action: ConferenceAction | str
    """What."""
    conference_name: str
    """Where."""
    size: int | None
    """How many members there are; ghosts are not counted."""
    member_id: int | None
    """Whom it is about; None if it is about the conference."""
    channel_uuid: str
    """His channel; empty if it is about the conference."""
    caller_id_name: str
    caller_id_number: str
    is_moderator: bool | None
    can_hear: bool | None
    can_speak: bool | None
    is_talking: bool | None
    has_floor: bool | None
    event: Event = attrs.field(repr=False, eq=False)
    """The event itself, with whatever else it tells: ``Digits``, ``Volume-Level``, ``File``, ``New-ID``, ..."""


def conference_event(event: Event) -> ConferenceEvent:
    """What a CUSTOM event of mod_conference tells (conference_member_add_event_data() in conference_member.c)."""
    action = event.get("Action")
    member_type = event.get("Member-Type")
    return ConferenceEvent(
        _ACTIONS.get(action, action),
        event.get("Conference-Name"),
        whole(event.get("Conference-Size")),
        whole(event.get("Member-ID")),
        event.get("Unique-ID"),
        event.get("Caller-Caller-ID-Name"),
        event.get("Caller-Caller-ID-Number"),
        member_type == "moderator" if member_type else None,
        _truth(event.get("Hear")),
        _truth(event.get("Speak")),
        _truth(event.get("Talking")),
        _truth(event.get("Floor")),
        event,
    )


def _truth(text: str) -> bool | None:
    return text == "true" if text else None


_EXITS: Final = {
    ConferenceAction.KICK_MEMBER: ConferenceExit.KICKED,
    ConferenceAction.HUP_MEMBER: ConferenceExit.TAKEN_OUT,
    ConferenceAction.REJECTED_JOIN_ONLY: ConferenceExit.NOT_THERE,
}


@final
class MemberWatch:
    """What the events of a conference tell of our own member, until he has left.

    Args:
        channel_uuid: Our channel.
    """

    def __init__(self, channel_uuid: str) -> None:
        self._channel_uuid = channel_uuid
        self.execution: Execution | None = None
        """The ``conference`` application, once it has been sent."""
        self.changed = trio.Event()
        """Set when he is a member, or will not be one any more."""
        self.member_id: int | None = None
        self.joined_at: int | None = None
        """Microseconds since 1970."""
        self.left_at: int | None = None
        self.exit: ConferenceExit | None = None

    def offer(self, event: Event) -> None:
        """Take in an event."""
        if self.execution is not None and self.execution.stage >= Stage.COMPLETED:
            self.changed.set()
        if event.raw_name != b"CUSTOM" or event.subclass != MAINTENANCE:
            return
        found = conference_event(event)
        if found.channel_uuid != self._channel_uuid:
            return
        if found.action == ConferenceAction.ADD_MEMBER:
            self.member_id = found.member_id
            self.joined_at = timestamp(event)
            self.changed.set()
        elif found.action == ConferenceAction.DEL_MEMBER:
            self.left_at = timestamp(event)
        elif isinstance(found.action, ConferenceAction) and found.action in _EXITS:
            self.exit = _EXITS[found.action]

    def wake(self) -> None:
        """The call has ended."""
        self.changed.set()


@final
class ConferenceEvents:
    """What happens in a conference: ``async for event in events``, which ends when our member has left it.

    At most 1,024 wait to be read. Whoever does not keep up gets an ``EventsLost``.
    """

    def __init__(self, name: str, execution: Execution, end: Callable[[], CallEnded | None]) -> None:
        def over() -> CallEnded | None:
            return end() or (CallEnded("the caller has left the conference") if self._has_left else None)

        self._name = name
        self._execution = execution
        self._stream = EventStream(_HAPPENINGS, over)

    def __aiter__(self) -> AsyncIterator[ConferenceEvent]:
        return self

    async def __anext__(self) -> ConferenceEvent:
        """The next event.

        Raises:
            EventsLost: Events were dropped here, between the last one and the next.
        """
        async for event in self._stream:
            found = conference_event(event)
            if found.conference_name == self._name:
                return found
        raise StopAsyncIteration

    @property
    def _has_left(self) -> bool:
        return self._execution.stage >= Stage.COMPLETED

    # For the reader

    def offer(self, event: Event) -> None:
        """Take in an event, if it is one of a conference's."""
        self._stream.offer(event)
        if self._has_left:
            self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        self._stream.wake()
