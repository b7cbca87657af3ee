"""What is known of a conference: how a caller left it, what it is like, and who is in it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import final

import attrs

from ..errors import RemoteProtocolError

__all__ = ["ConferenceExit", "ConferenceMemberState", "ConferenceResult", "ConferenceState", "conference_state"]


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
