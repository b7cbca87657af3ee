"""The ``conference`` API command (``conference_api.c``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

import trio

from ..applications.conferencing import Member, Room, maintenance, tell_of_room
from ..core import Core
from ..destinations import dial_strings, find_destination
from ..expansion import separate
from ..wire import atoi
from .command import ApiCommand

__all__ = ["COMMANDS"]

_VERBS: Final = frozenset(
    (
        *("agc", "auto-energy", "bgdial", "cam", "canvas-auto-clear", "chkrecord", "clear-vid-floor", "count"),
        *("deaf", "dial", "dtmf", "energy", "enter_sound", "exit_sound", "file-vol", "file_seek", "floor"),
        *("get", "get-uuid", "getvar", "hold", "hup", "json_list", "kick", "list", "lock", "max-energy", "moh"),
        *("mute", "nopin", "norecord", "pause", "pause_play", "pin", "play", "play_status", "position"),
        *("record", "recording", "relate", "resume", "say", "saymember", "set", "setvar", "stop", "tmute"),
        *("transfer", "tvblind", "tvmute", "undeaf", "unhold", "unlock", "unmute", "unvblind", "unvmute"),
        *("vblind", "vid-banner", "vid-bandwidth", "vid-bgimg", "vid-border", "vid-canvas", "vid-codec-group"),
        *("vid-fgimg", "vid-filter", "vid-flip", "vid-floor", "vid-fps", "vid-layer", "vid-layout"),
        *("vid-logo-img", "vid-mute-img", "vid-personal", "vid-res", "vid-res-id", "vid-role-id"),
        *("vid-watching-canvas", "vid-write-png", "vmute", "vmute-snap", "volume_in", "volume_out", "xml_list"),
    )
)
"""What can be done in a conference; of these only some make a difference here."""

_LOUDEST: Final = 4
_ANSWER_SECONDS: Final = 60.0


async def _conference(core: Core, argument: str) -> str:
    """``<name> <verb> ...``; ``list`` of all conferences."""
    words = separate(argument, limit=25)
    name, verb = (*words, "", "")[:2]
    room = core.conferences.get(name)
    if room is None:
        if name == "list":
            return "".join(
                f"+OK Conference {each.name} ({len(each.members)} members)\n" for each in core.conferences.values()
            )
        return f"-ERR Conference {name} not found\n"
    verb = verb.lower()
    if verb not in _VERBS:
        return f"-ERR Conference command '{verb}' not found.\n"
    if verb in ("say", "saymember"):
        # What follows the verb's first appearance, wherever that is (conference_api_dispatch()).
        return await _say(room, verb, argument.partition(verb)[2].lstrip(" \t"))
    if verb == "play":
        return await _play(room, words)
    if verb == "dial":
        return await _dial(core, words)
    if verb in _ROOM:
        return _ROOM[verb](room, words)
    return _to_members(room, verb, words)


# Members

_STATES: Final[Mapping[str, tuple[str, bool]]] = {
    "mute": ("is_muted", True),
    "unmute": ("is_muted", False),
    "deaf": ("is_deaf", True),
    "undeaf": ("is_deaf", False),
    "hold": ("is_on_hold", True),
    "unhold": ("is_on_hold", False),
}


def _to_members(room: Room, verb: str, words: list[str]) -> str:
    who, value = (*words[2:], "", "")[:2]
    match who.lower():
        case "all":
            members = list(room.members)
        case "non_moderator":
            members = [member for member in room.members if not member.is_moderator]
        case "last":
            members = [max(room.members, key=lambda member: member.number)]
        case _ if atoi(who):
            members = [member for member in room.members if member.number == atoi(who)]
            if not members:
                return f"-ERR Non-Existant ID {atoi(who)}\n"
        case _:
            return f"{verb} <[member_id|all|last|non_moderator]>"
    return "".join(_to_member(room, member, verb, value) for member in members)


def _to_member(room: Room, member: Member, verb: str, value: str) -> str:
    session, number = member.session, member.number
    match verb:
        case "kick" | "hup":
            maintenance(session, room, member, f"{verb}-member")
            member.is_kicked = True
            session.notify()
            return f"+OK {'kicked' if verb == 'kick' else verb} {number}\n"
        case "volume_in" | "volume_out":
            if value:
                setattr(member, verb, max(min(atoi(value), _LOUDEST), -_LOUDEST))
                event = f"{verb.replace('_', '-')}-member"
                maintenance(session, room, member, event, ("Volume-Level", str(getattr(member, verb))))
            return f"+OK Volume {verb.removeprefix('volume_').upper()} {number} = {getattr(member, verb)}\n"
        case "energy":
            if value:
                member.energy = atoi(value)
                maintenance(session, room, member, "energy-level-member", ("Energy-Level", str(member.energy)))
            return f"Energy {number} = {member.energy}\n"
        case "dtmf":
            maintenance(session, room, member, "dtmf-member", ("Digits", value))
            return f"+OK sent {value} to {number}\n"
        case "get-uuid":
            return session.channel.uuid
        case _ if verb in _STATES:
            name, state = _STATES[verb]
            setattr(member, name, state)
            maintenance(session, room, member, f"{verb}-member")
    return f"+OK {verb} {number}\n"


# The conference


def _list(room: Room, words: list[str]) -> str:
    return "".join(
        f"{member.number};{member.session.channel.name};{member.session.channel.uuid}\n" for member in room.members
    )


def _json_list(room: Room, words: list[str]) -> str:
    """As ``conference_jlist()`` tells it, without what is about video."""
    ghosts = sum(member.is_ghost for member in room.members)
    now = trio.current_time()
    recordings = [
        {"type": "recording_node", "record_path": path, **({"status": "paused"} if rests else {}), "join_time": 0}
        for path, rests in room.recordings.items()
    ]
    about = {
        "conference_name": room.name,
        "member_count": len(room.members) - ghosts,
        "ghost_count": ghosts,
        "rate": 8000,
        "run_time": int(now - room.began),
        "conference_uuid": room.uuid,
        "locked": room.is_locked,
        "destruct": False,
        "wait_mod": room.waits_for_moderator,
        "audio_always": False,
        "running": True,
        "answered": True,
        "enforce_min": room.had_least,
        "dynamic": True,
        "recording": bool(room.recordings),
        **({"max_members": room.max_members} if room.max_members else {}),
        "variables": room.variables,
        "members": [*recordings, *(_json_member(room, member, now) for member in room.members)],
    }
    return json.dumps([about], indent="\t", ensure_ascii=False)


def _json_member(room: Room, member: Member, now: float) -> dict[str, object]:
    profile = member.session.channel.profile
    return {
        "type": "caller",
        "id": member.number,
        "flags": {
            "can_hear": not member.is_on_hold and not member.is_deaf,
            "can_see": not member.is_on_hold,
            "can_speak": not member.is_on_hold and not member.is_muted,
            "hold": member.is_on_hold,
            "mute_detect": False,
            "talking": False,
            "has_video": False,
            "video_bridge": False,
            "has_floor": member.number == room.floor_holder,
            "is_moderator": member.is_moderator,
            "end_conference": member.ends_conference,
            "mandatory_member_end_conference": False,
            "pass_digits": False,
        },
        "uuid": member.session.channel.uuid,
        "caller_id_name": profile.caller_id_name,
        "caller_id_number": profile.caller_id_number,
        "join_time": int(now - member.joined),
        "last_talking": 0,
        "energy": member.energy,
        "volume_in": member.volume_in,
        "volume_out": member.volume_out,
        "output-volume": member.volume_out,
        "input-volume": member.volume_in,
    }


def _lock(room: Room, words: list[str]) -> str:
    room.is_locked = words[1].lower() == "lock"
    tell_of_room(room, "lock" if room.is_locked else "unlock")
    return f"+OK {words[0]} {'locked' if room.is_locked else 'unlocked'}\n"


def _pin(room: Room, words: list[str]) -> str:
    if words[1] == "nopin":
        room.pin = ""
        return f"+OK Pin for conference {room.name} deleted\n"
    if len(words) != 3:
        return "-ERR Invalid parameters:\npin <pin#>"
    room.pin = words[2]
    return f"+OK Pin for conference {room.name} set: {room.pin}\n"


def _getvar(room: Room, words: list[str]) -> str:
    return room.variables.get(words[2], "") if len(words) > 2 else ""


def _setvar(room: Room, words: list[str]) -> str:
    if len(words) > 3:
        room.variables.setdefault(words[2], words[3])
    elif len(words) == 3:
        room.variables.pop(words[2], None)
    return "+OK\n"


def _recording(room: Room, words: list[str]) -> str:
    verb, what, path = (*words[1:], "", "")[:3]
    if verb != "recording":
        what, path = {"record": "start", "norecord": "stop", "chkrecord": "check"}.get(verb, verb), what
    match what.lower():
        case "start" if path in room.recordings:
            return f"-ERR file [{path}] is already being used for recording.\n"
        case "start" if path:
            room.recordings[path] = False
            tell_of_room(room, "start-recording", ("Path", path))
            return f"+OK Record file {path}\n"
        case "stop":
            found = [each for each in room.recordings if path in ("", "all", each)]
            for each in found:
                del room.recordings[each]
                tell_of_room(room, "stop-recording", ("Path", each))
            missing = "" if found or path in ("", "all") else f"-ERR non-existant recording '{path}'\n"
            return f"{missing}+OK Stopped recording {len(found)} file{'' if len(found) == 1 else 's'}\n"
        case "check":
            listed = "".join(f"+OK Record file {each}\n" for each in room.recordings)
            return listed or "-ERR Conference is not being recorded.\n"
        case "pause" | "resume" if path:
            said = f"+OK {what.capitalize()} recording file {path}\n"
            if path not in room.recordings:
                return f"{said}-ERR non-existant recording '{path}'\n"
            room.recordings[path] = what.lower() == "pause"
            tell_of_room(room, f"{what.lower()}-recording", ("Path", path))
            return said
        case _:
            return "recording [start|stop|check|pause|resume] [<filename>|all]"


# What is heard


async def _play(room: Room, words: list[str]) -> str:
    if len(words) < 3:
        return "play <file_path> [async|<member_id> [nomux]]"
    path, who = (*words[2:], "")[:2]
    if not who or who == "async":
        if not _hear(room, room.members, path, "play-file", ("File", path), ("Async", "false")):
            return f"-ERR (play) File: {path} not found.\n"
        return f"+OK (play) Playing file {path}\n"
    members = [member for member in room.members if member.number == atoi(who)]
    if not members:
        return f"-ERR Member: {who} not found.\n"
    # What is for one of them is expanded with his variables.
    heard = await members[0].session.executions.expand(path)
    if not _hear(room, members, heard, "play-file-member", ("File", path)):
        return f"-ERR (play) File: {path} not found.\n"
    return f"+OK (play) Playing file {path} to member {members[0].number}\n"


async def _say(room: Room, verb: str, text: str) -> str:
    if verb == "say":
        if not text:
            return "-ERR (say) Error! No text.\nsay <text>"
        _hear(room, room.members, f"say:{text}", "speak-text", ("Text", text))
        return "+OK (say) OK\n"
    who, _, text = text.partition(" ")
    members = [member for member in room.members if member.number == atoi(who)]
    if not members or not text:
        return f"-ERR (saymember) Unknown Member {who}!\nsaymember <member_id> <text>"
    text = await members[0].session.executions.expand(text)
    _hear(room, members, f"say:{text}", "speak-text-member", ("Text", text))
    return "+OK (saymember) OK\n"


def _hear(room: Room, members: list[Member], path: str, action: str, *about: tuple[str, str]) -> bool:
    """Let members hear a sound, which stops nothing else; a member's event is about him."""
    shown = f"speak:{path.removeprefix('say:')}" if path.startswith("say:") else path
    seconds = members[0].session.core.sounds.length(shown) if members else None
    if seconds is None:
        return False
    for member in list(members):
        story = member.session.channel.story
        sound = story.sound_begins(shown, seconds)

        def end(member: Member = member, sound: object = sound) -> None:
            told = member.session.channel.story
            for each in told.heard:
                if each is sound:
                    told.sound_ends(each, "heard")
            if action.startswith("play-") and member in room.members:
                if action.endswith("-member"):
                    maintenance(member.session, room, member, f"{action}-done", *about)
                elif member is room.members[0]:
                    tell_of_room(room, f"{action}-done", *about)

        member.session.schedule(seconds, end)
    if action.endswith("-member"):
        maintenance(members[0].session, room, members[0], action, *about)
    else:
        tell_of_room(room, action, *about)
    return True


def _stop(room: Room, words: list[str]) -> str:
    members = room.members
    if len(words) > 3:
        members = [member for member in room.members if member.number == atoi(words[3])]
        if not members:
            return f"-ERR Member: {words[3]} not found.\n"
    stopped = 0
    for member in members:
        story = member.session.channel.story
        for sound in story.heard:
            if sound.ended is None:
                story.sound_ends(sound, "stopped")
                stopped += 1
    return f"+OK Stopped {stopped} files.\n"


async def _dial(core: Core, words: list[str]) -> str:
    """Call somebody; he answers or not as he does a bridge, and is no member of the simulated conference."""
    if len(words) < 3:
        return "-ERR Bad Args\ndial <endpoint_module_name>/<destination> <callerid number> <callerid name>"
    (dialled,) = dial_strings(words[2])[:1]
    cause = "INVALID_GATEWAY"
    for group in dialled.groups[:1]:
        destination = find_destination(core.destinations, group[0].destination)
        after = destination.refuses_after if destination.cause else destination.answers_after
        await trio.sleep(_ANSWER_SECONDS if after is None else min(after, _ANSWER_SECONDS))
        cause = destination.cause or ("NO_ANSWER" if after is None or after >= _ANSWER_SECONDS else "SUCCESS")
    return f"+OK Call Requested: result: [{cause}]\n"


_ROOM: Final[Mapping[str, Callable[[Room, list[str]], str]]] = {
    "chkrecord": _recording,
    "getvar": _getvar,
    "json_list": _json_list,
    "list": _list,
    "lock": _lock,
    "nopin": _pin,
    "norecord": _recording,
    "pause": _recording,
    "pin": _pin,
    "record": _recording,
    "recording": _recording,
    "resume": _recording,
    "setvar": _setvar,
    "stop": _stop,
    "unlock": _lock,
}

COMMANDS: Final[Mapping[str, ApiCommand]] = {"conference": _conference}
