"""``conference``: a room in which callers hear each other (``conference_function()`` in ``mod_conference.c``)."""

from __future__ import annotations

import re
from typing import Final, final

import attrs
import trio

from ..core import Headers
from ..happenings import Happening, Who
from ..playing import Played, play
from ..session import Session, Woken
from ..wire import atoi
from .application import Application

__all__ = ["APPLICATIONS", "Member", "Room", "maintenance", "tell_of_room"]

_SUBCLASS: Final = "conference::maintenance"
_PIN_SOUND: Final = "conference/conf-pin.wav"
_BAD_PIN_SOUND: Final = "conference/conf-bad-pin.wav"
_PIN_TRIES: Final = 3
_PIN_SECONDS: Final = 10.0


@final
@attrs.define(eq=False)
class Member:
    """Somebody in a conference."""

    number: int
    session: Session
    joined: float = attrs.field(factory=trio.current_time)
    is_kicked: bool = False
    """Whether he is to leave, because of a command or because the conference ends."""
    is_muted: bool = False
    is_deaf: bool = False
    is_on_hold: bool = False
    is_moderator: bool = False
    is_ghost: bool = False
    ends_conference: bool = False
    volume_in: int = 0
    volume_out: int = 0
    energy: int = 300


@final
@attrs.define(eq=False)
class Room:
    """A conference."""

    name: str
    uuid: str
    profile: str = "default"
    began: float = attrs.field(factory=trio.current_time)
    members: list[Member] = attrs.field(factory=list)
    variables: dict[str, str] = attrs.field(factory=dict)
    """They are in each of its events."""
    recordings: dict[str, bool] = attrs.field(factory=dict)
    """Its files, and whether they rest."""
    pin: str = ""
    is_locked: bool = False
    waits_for_moderator: bool = False
    max_members: int = 0
    floor_holder: int = 0
    least: int = 1
    """Once there were so many, it ends when there are fewer."""
    had_least: bool = False

    def headers(self) -> Headers:
        """What an event tells of it (``conference_event_add_data()``)."""
        ghosts = sum(member.is_ghost for member in self.members)
        return [
            ("Conference-Name", self.name),
            ("Conference-Domain", "127.0.0.1"),
            ("Conference-Size", str(len(self.members) - ghosts)),
            ("Conference-Ghosts", str(ghosts)),
            ("Conference-Profile-Name", self.profile),
            ("Conference-Unique-ID", self.uuid),
            *self.variables.items(),
        ]

    def end(self) -> None:
        """It is over: whoever is in it is hung up, unless a variable of his says no (``conference_thread_run()``)."""
        for member in self.members:
            if (member.session.channel.get("hangup_after_conference") or "true").lower() != "false":
                member.session.channel.hang_up("NORMAL_CLEARING")
            member.is_kicked = True
            member.session.notify()


def maintenance(session: Session, room: Room, member: Member, action: str, *more: tuple[str, str]) -> None:
    """Tell of a member, as mod_conference does (``conference_member_add_event_data()``)."""
    core = session.core
    headers: Headers = [*room.headers(), *_of_member(session, room, member), ("Action", action), *more]
    core.fire(core.make_event("CUSTOM", before=[("Event-Subclass", _SUBCLASS)], headers=headers))


def tell_of_room(room: Room, action: str, *more: tuple[str, str]) -> None:
    """Tell of a conference; its floor's holder is told of as well."""
    if not room.members:
        return
    core = room.members[0].session.core
    headers = [*room.headers(), ("Action", action), *more]
    core.fire(core.make_event("CUSTOM", before=[("Event-Subclass", _SUBCLASS)], headers=headers))


def _of_member(session: Session, room: Room, member: Member) -> Headers:
    return [
        ("Floor", _word(room.floor_holder == member.number)),
        # Without its variables, as long as the profile does not ask for verbose events.
        *session.channel.headers("CHANNEL_STATE"),
        ("Video", "false"),
        ("Hear", _word(not member.is_deaf)),
        ("See", "true"),
        ("Speak", _word(not member.is_muted)),
        ("Talking", "false"),
        ("Mute-Detect", "false"),
        ("Hold", _word(member.is_on_hold)),
        ("Member-ID", str(member.number)),
        ("Member-Type", "moderator" if member.is_moderator else "member"),
        ("Member-Ghost", _word(member.is_ghost)),
        ("Energy-Level", str(member.energy)),
        ("Current-Energy", "0"),
    ]


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def _give_floor(room: Room, member: Member | None) -> None:
    """Let somebody have the floor, or nobody (``conference_member_set_floor_holder()``)."""
    before, room.floor_holder = room.floor_holder, 0 if member is None else member.number
    ids = [("Old-ID", str(before) if before else "none")]
    if member is None:
        tell_of_room(room, "floor-change", *ids, ("New-ID", "none"))
        return
    session, core = member.session, member.session.core
    headers = [
        *room.headers(),
        ("Action", "floor-change"),
        *ids,
        *room.headers(),
        *_of_member(session, room, member),
        ("New-ID", str(member.number)),
    ]
    core.fire(core.make_event("CUSTOM", before=[("Event-Subclass", _SUBCLASS)], headers=headers))


async def _conference(session: Session, argument: str) -> None:
    """``<name>[@<profile>][+[<pin>][+flags{...}]]``."""
    text, _, rest = argument.partition("+flags{")
    flags = {each.lower() for each in re.split(r"[|,]", rest.partition("}")[0]) if each}
    name, _, pin = text.lstrip(" ").partition("+")
    name, _, profile = name.rpartition("@") if "@" in name else (name, "", "default")
    if not name:
        return
    core, channel = session.core, session.channel
    room = core.conferences.get(name)
    if room is None:
        if "join-only" in flags:
            _reject_join_only(session, name, profile)
            return
        room = core.conferences[name] = Room(name, core.new_uuid(), profile)
        room.max_members = max(atoi(channel.get("conference_max_members") or ""), 0)
        room.waits_for_moderator = "wait-mod" in flags
    channel.set("conference_name", name)
    channel.answer()
    is_admitted, is_moderator = await _may_enter(session, room, pin or room.pin)
    if is_admitted and not room.is_locked and not 0 < room.max_members <= len(room.members) and session.is_ready:
        number = session.conference_member_id or core.next_conference_member()
        session.conference_member_id = number
        member = Member(number, session)
        member.is_muted, member.is_deaf, member.is_ghost = ("mute" in flags, "deaf" in flags, "ghost" in flags)
        member.is_moderator = is_moderator or "moderator" in flags
        member.ends_conference = "endconf" in flags
        room.least = 2 if "mintwo" in flags else room.least
        await _be_member(session, room, member)
    if not room.members and core.conferences.get(name) is room:
        del core.conferences[name]


def _reject_join_only(session: Session, name: str, profile: str) -> None:
    core, channel = session.core, session.channel
    about = [("Conference-Name", name), ("Conference-Profile-Name", profile), ("Action", "rejected-join-only")]
    headers: Headers = [*channel.headers("CHANNEL_STATE"), *about]
    core.fire(core.make_event("CUSTOM", before=[("Event-Subclass", _SUBCLASS)], headers=headers))
    if (channel.get("hangup_after_conference") or "true").lower() != "false":
        session.hang_up_from_within("NORMAL_CLEARING")


async def _may_enter(session: Session, room: Room, pin: str) -> tuple[bool, bool]:
    """Ask for a PIN, if there is one: whether it was given, and whether it was the moderators'."""
    channel = session.channel
    moderator_pin = channel.get("conference_moderator_pin") or ""
    enforced = channel.get("conference_enforce_security")
    is_asked = channel.profile.direction == "inbound" if enforced is None else channel.is_true(enforced)
    if not is_asked or not (pin or moderator_pin):
        return True, False

    def is_right(given: str) -> bool:
        return bool(given) and given in (pin, moderator_pin)

    supplied = (channel.get("supplied_pin") or "").rpartition("X-ConfPin=")[2].partition(";")[0]
    if is_right(supplied):
        return True, supplied == moderator_pin
    for _ in range(_PIN_TRIES):
        given = await _read_pin(session, max(len(pin), len(moderator_pin)))
        if given is None:
            return False, False
        if is_right(given):
            return True, given == moderator_pin
        await play(session, _BAD_PIN_SOUND)
        session.keys.flush()
    return False, False


async def _read_pin(session: Session, longest: int) -> str | None:
    given = ""

    def take(digit: str) -> bool:
        nonlocal given
        given += digit
        return True

    played = await play(session, _PIN_SOUND, on_digit=take)
    if played is Played.NOT_FOUND:
        # Nor is there a synthesiser that could ask.
        session.hang_up_from_within("DESTINATION_OUT_OF_ORDER")
        return None
    while len(given) < longest and session.is_ready:
        woken = await session.wait(_PIN_SECONDS, breakable=False, on_digit=take)
        if woken is not Woken.DIGIT or given.endswith("#"):
            break
    return given.rstrip("#") if session.is_ready else None


async def _be_member(session: Session, room: Room, member: Member) -> None:
    channel, story = session.channel, session.channel.story
    room.members.insert(0, member)
    channel.set("conference_member_id", str(member.number))
    channel.set("conference_moderator", _word(member.is_moderator))
    channel.set("conference_ghost", _word(member.is_ghost))
    channel.set("conference_recording", next(iter(room.recordings), None))
    channel.set("conference_uuid", room.uuid)
    room.waits_for_moderator = room.waits_for_moderator and not member.is_moderator
    room.had_least = room.had_least or len(room.members) >= room.least
    story.tell(Who.CALLER, Happening.IS_IN_CONFERENCE, room.name, str(len(room.members)))
    maintenance(session, room, member, "add-member")
    if not room.floor_holder:
        _give_floor(room, member)
    try:
        woken = Woken.TIME
        while woken is not Woken.GONE:
            woken = await session.wait(breakable=False, on_digit=lambda _: False, goes_on=lambda: not member.is_kicked)
    finally:
        room.members.remove(member)
    if room.floor_holder == member.number:
        _give_floor(room, None)
    if member.ends_conference or (room.had_least and len(room.members) < room.least):
        room.end()
    maintenance(session, room, member, "del-member")
    story.tell(Who.CALLER, Happening.LEAVES_CONFERENCE, room.name)


APPLICATIONS: Final = (Application("conference", _conference, needs_media=True, is_told=False),)
