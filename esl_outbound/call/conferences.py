"""Conferences as values: how one is joined and left, what happens in it, who is in it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Final, final

import attrs

from ..errors import RemoteProtocolError
from ..protocol import Event

__all__ = [
    "MAINTENANCE",
    "ConferenceAction",
    "ConferenceEvent",
    "ConferenceExit",
    "ConferenceFlag",
    "ConferenceMemberState",
    "ConferenceResult",
    "ConferenceState",
    "conference_event",
    "conference_state",
    "number",
]

MAINTENANCE: Final = "conference::maintenance"
"""The subclass of every event of mod_conference's."""


class ConferenceFlag(StrEnum):
    """What a member may be asked to be, and what a conference that he begins shall be like.

    The first are a member's (conference_utils_set_mflags()), those from WAIT_FOR_MODERATOR on the
    conference's (conference_utils_set_cflags() in conference_utils.c). Names that are not here can be given as ``str``.
    """

    MUTE = "mute"
    DEAF = "deaf"
    MUTE_DETECT = "mute-detect"
    """Tell when somebody talks who is muted."""
    DIST_DTMF = "dist-dtmf"
    """Send the member's digits to all others."""
    SKIP_DTMF = "skip-dtmf"
    """Do not send him theirs."""
    MODERATOR = "moderator"
    NO_MUSIC = "nomoh"
    """No music while he is there, even if he is alone."""
    END_CONFERENCE = "endconf"
    """The conference ends when he leaves."""
    MANDATORY_MEMBER_END_CONFERENCE = "mandatory_member_endconf"
    """It ends when the last of those who have this flag leaves."""
    MINIMUM_TWO = "mintwo"
    """Once there were two, it ends when there is only one."""
    GHOST = "ghost"
    """He is not counted."""
    JOIN_ONLY = "join-only"
    """Only join a conference that is there already."""
    VIDEO_MUTE = "vmute"
    BLIND = "blind"
    POSITIONAL = "positional"
    NO_POSITIONAL = "no-positional"
    TALK_DATA_EVENTS = "talk-data-events"

    WAIT_FOR_MODERATOR = "wait-mod"
    """Music until a moderator comes."""
    AUDIO_ALWAYS = "audio-always"
    """Do not mix only those who talk."""
    RESTART_AUTO_RECORD = "restart-auto-record"


class ConferenceExit(StrEnum):
    """Why a caller is not in a conference any more, as far as FreeSWITCH tells."""

    LEFT = "left"
    """We took him out: ``ConferenceMember.leave()``."""
    KICKED = "kicked"
    """Somebody kicked him: the event ``kick-member``."""
    TAKEN_OUT = "taken_out"
    """Somebody took him out by ``hup``, which plays no sound: the event ``hup-member``."""
    NOT_ADMITTED = "not_admitted"
    """He was never in it: a wrong PIN, a locked or a full conference. FreeSWITCH does not tell which."""
    NOT_THERE = "not_there"
    """He was only to join, and there was no such conference: the event ``rejected-join-only``."""


@final
@attrs.frozen
class ConferenceResult:
    """How a conference ended for the caller."""

    reason: ConferenceExit | None
    """Why. None if FreeSWITCH did not say: the conference itself ended, or the caller pressed a key
    that lets him out; without ``full`` it never tells of a kick either."""
    member_id: int | None
    """His number in the conference; None if he was never in it."""
    conference_uuid: str | None
    """The conference's UUID; None if he was never in it."""
    was_moderator: bool | None
    """Whether he was a moderator when he joined; None if he never was a member."""
    seconds: float | None
    """How long he was in it, by the time stamps of the events; without ``full`` the time for a PIN is in it.
    None if he was never in it."""


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


@final
@attrs.frozen
class ConferenceMemberState:
    """A member of a conference."""

    member_id: int
    channel_uuid: str
    caller_id_name: str
    caller_id_number: str
    seconds: int
    """How long he has been in it, in whole seconds."""
    silent_seconds: int | None
    """How long ago he talked last, in whole seconds; None if he never did, or just now."""
    can_hear: bool
    can_speak: bool
    is_talking: bool
    has_floor: bool
    is_on_hold: bool
    is_moderator: bool
    ends_conference: bool
    """Whether the conference ends when he leaves."""
    volume_in: int
    """How loud the others hear him, -4 to 4."""
    volume_out: int
    """How loud he hears the others, -4 to 4."""
    energy: int
    """How loud he must be to be heard at all, 0 to 1800."""


@final
@attrs.frozen
class ConferenceState:
    """A conference, and who is in it."""

    name: str
    conference_uuid: str
    seconds: int
    """How long it has been going on, in whole seconds."""
    is_locked: bool
    is_recorded: bool
    waits_for_moderator: bool
    max_members: int | None
    """How many it admits; None is no limit."""
    members: tuple[ConferenceMemberState, ...]
    """Who is in it; the newest first."""
    recordings: tuple[str, ...]
    """The files into which it is recorded."""


def number(text: str | None) -> int | None:
    """A number that FreeSWITCH wrote; None if there is none."""
    return int(text) if text and text.isascii() and text.isdecimal() else None


def conference_event(event: Event) -> ConferenceEvent:
    """What a CUSTOM event of mod_conference tells (conference_member_add_event_data() in conference_member.c)."""
    action = event.get("Action")
    member_type = event.get("Member-Type")
    return ConferenceEvent(
        _ACTIONS.get(action, action),
        event.get("Conference-Name"),
        number(event.get("Conference-Size")),
        number(event.get("Member-ID")),
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


def conference_state(text: str) -> ConferenceState:
    """Read what ``conference NAME json_list`` prints (conference_jlist() in mod_conference.c).

    Raises:
        RemoteProtocolError: It is something else.
    """
    try:
        (found,) = json.loads(text, strict=False)
        members = [each for each in found["members"] if isinstance(each, dict)]
        return ConferenceState(
            str(found["conference_name"]),
            str(found["conference_uuid"]),
            int(found["run_time"]),
            bool(found["locked"]),
            bool(found["recording"]),
            bool(found["wait_mod"]),
            found.get("max_members"),
            tuple(_member_state(each) for each in members if each.get("type") == "caller"),
            tuple(str(each["record_path"]) for each in members if each.get("type") == "recording_node"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise RemoteProtocolError(f"no list of a conference: {text[:60]!r}") from exc


def _member_state(member: dict[str, object]) -> ConferenceMemberState:
    flags = member["flags"]
    assert isinstance(flags, dict)

    def whole(name: str) -> int:
        value = member[name]
        if not isinstance(value, int | float):
            raise TypeError(name)
        return int(value)

    return ConferenceMemberState(
        whole("id"),
        str(member["uuid"]),
        # A channel without a caller's name has no such key.
        str(member.get("caller_id_name") or ""),
        str(member.get("caller_id_number") or ""),
        whole("join_time"),
        whole("last_talking") or None,
        bool(flags["can_hear"]),
        bool(flags["can_speak"]),
        bool(flags["talking"]),
        bool(flags["has_floor"]),
        bool(flags["hold"]),
        bool(flags["is_moderator"]),
        bool(flags["end_conference"]),
        whole("volume_in"),
        whole("volume_out"),
        whole("energy"),
    )
