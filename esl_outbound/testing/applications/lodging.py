"""``valet_park`` and ``voicemail``: calls, and what callers say, are kept for somebody."""

from __future__ import annotations

import math
from typing import Final, final

import attrs
import trio

from ..core import Core
from ..expansion import separate
from ..happenings import Happening, Who
from ..playing import Played, play
from ..session import Session, Woken
from ..story import Recorded
from ..wire import atoi
from .application import Application
from .joining import join

__all__ = ["APPLICATIONS", "Message"]

_ANNOUNCE_SECONDS: Final = 1.5
_ORBIT_SECONDS: Final = 60


# mod_valet_parking


async def _valet_park(session: Session, argument: str) -> None:
    """``<lot> <stall>``, ``<lot> ask [<min> [<max> [<timeout> [<prompt>]]]]``, ``<lot> auto in|out <min> <max>``."""
    words = separate(argument, limit=6)
    if len(words) < 2:
        return
    core, channel = session.core, session.channel
    lot = core.lots.setdefault(words[0], {})
    stall = words[1]
    is_told = not channel.get("valet_announce_slot") or channel.is_true("valet_announce_slot")
    match stall.lower():
        case "auto" if len(words) < 5 or words[2].lower() not in ("in", "out"):
            return
        case "auto":
            goes_in = words[2].lower() == "in"
            found = _stall(lot, atoi(words[3]) or 1, atoi(words[4]), goes_in=goes_in)
            if not found:
                await play(session, f"phrase:valet_lot_{'full' if goes_in else 'empty'}")
                return
            stall = found
            if goes_in:
                lot[stall] = session
        case "ask":
            stall = await _ask(session, words)
            if not stall:
                session.hang_up_from_within("DESTINATION_OUT_OF_ORDER")
                return
        case _:
            pass
    parked = lot.get(stall)
    if parked is not None and parked is not session:
        if parked.is_ready and join(session, parked.channel.uuid):
            _info(parked, words[0], stall, "bridge", ("Bridge-To-UUID", channel.uuid))
            session.channel.state = parked.channel.state = "CS_HIBERNATE"
            del lot[stall]
            return
        del lot[stall]
    lot[stall] = session
    if words[1].lower() == "auto" and is_told:
        await session.wait(_ANNOUNCE_SECONDS)
        await play(session, f"phrase:valet_announce_ext,{words[0]}:{stall}")
    try:
        await _stay(session, words[0], stall)
    finally:
        if lot.get(stall) is session:
            del lot[stall]


def _stall(lot: dict[str, Session], least: int, most: int, *, goes_in: bool) -> str:
    if not goes_in:
        fits = (stall for stall in lot if least <= atoi(stall) and (not most or atoi(stall) <= most))
        return next(fits, "")
    number = least
    while str(number) in lot:
        number += 1
    return str(number) if not most or number <= most else ""


async def _ask(session: Session, words: list[str]) -> str:
    """Ask for digits until there are some (``switch_ivr_read()``)."""
    given = [*words[2:], "", "", "", ""]
    most, wait = atoi(given[1]) or 11, (atoi(given[2]) or 10_000) / 1000
    digits = ""

    def take(digit: str) -> bool:
        nonlocal digits
        digits += digit
        return True

    while session.is_ready:
        digits = ""
        await play(session, given[3] or "ivr/ivr-enter_ext_pound.wav", on_digit=take)
        while len(digits) < most and not digits.endswith("#") and session.is_ready:
            if await session.wait(wait, breakable=False, on_digit=take) is Woken.TIME:
                break
        if len(digits.rstrip("#")) >= (atoi(given[0]) or 1):
            return digits.rstrip("#")
    return ""


def _info(session: Session, lot: str, stall: str, action: str, *more: tuple[str, str]) -> None:
    about = [("Valet-Lot-Name", lot), ("Valet-Extension", stall), ("Action", action), *more]
    session.channel.fire("CUSTOM", before=[("Event-Subclass", "valet_parking::info")], first=about)


async def _stay(session: Session, lot: str, stall: str) -> None:
    channel, story = session.channel, session.channel.story
    _info(session, lot, stall, "hold")
    channel.set("valet_lot_extension", stall)
    music = channel.get("valet_hold_music") or channel.get("hold_music") or "silence"
    seconds = atoi(channel.get("valet_parking_timeout") or "")
    orbit = channel.get("valet_parking_orbit_exten")
    limit = seconds if seconds > 0 else _ORBIT_SECONDS if orbit else math.inf
    sound = None if music == "silence" else story.sound_begins(music, math.inf)
    story.wake()
    woken = await session.wait(limit, on_digit=lambda digit: digit == "#")
    if sound is not None:
        story.sound_ends(sound, "stopped")
    if woken is Woken.TIME and orbit:
        session.transfer(session.core.extensions.get(orbit), destination=orbit)
    _info(session, lot, stall, "exit")


# mod_voicemail


@final
@attrs.frozen
class Message:
    """A message in a mailbox."""

    path: str
    seconds: float
    is_urgent: bool


async def _voicemail(session: Session, argument: str) -> None:
    """``[check|auth|auth_only] <profile> <domain> [<id>]``: only leaving a message is simulated."""
    words = separate(argument, limit=6)
    if words and words[0].lower() in ("check", "auth", "auth_only"):
        session.channel.story.only_completes("voicemail check")
        return
    if len(words) > 2:
        await _leave_message(session, *words[:3])


async def _leave_message(session: Session, profile: str, domain: str, user: str) -> None:
    """``voicemail_leave_main()``, without the menu in which the caller hears his message and records it anew."""
    channel, story, core = session.channel, session.channel.story, session.core
    skips_greeting, skips_goodbye = channel.is_true("skip_greeting"), channel.is_true("voicemail_skip_goodbye")
    skips_instructions, skips_urgent = channel.is_true("skip_instructions"), channel.is_true("skip_record_urgent_check")
    if not _exists(core, domain, user):
        if not skips_goodbye:
            await play(session, "phrase:voicemail_goodbye")
        return
    if not skips_greeting:
        greeting = channel.get("voicemail_greeting_path") or f"phrase:voicemail_play_greeting,{user}"
        await play(session, greeting, on_digit=lambda _: True)
    if not skips_instructions and session.is_ready:
        await play(session, "phrase:voicemail_record_message", on_digit=lambda _: True)
    if not session.is_ready:
        return
    path = f"/var/lib/freeswitch/storage/voicemail/{profile}/{domain}/{user}/msg_{core.new_uuid()}.wav"
    recorded = Recorded(path, story.now, application="voicemail")
    story.recorded.append(recorded)
    story.tell(Who.CALLER, Happening.IS_RECORDED, path)
    began = trio.current_time()
    await session.wait(on_digit=lambda digit: digit == "#")
    seconds = trio.current_time() - began
    recorded.ended = story.now
    story.tell(Who.SWITCH, Happening.HAS_RECORDED, path, f"{seconds:.1f}")
    is_urgent = False
    if not skips_urgent and session.is_ready:
        is_urgent = await _asks_whether_urgent(session)
    core.mailboxes.setdefault(f"{user}@{domain}", []).append(Message(path, seconds, is_urgent))
    whole = int(seconds)
    channel.set("voicemail_account", user)
    channel.set("voicemail_domain", domain)
    channel.set("voicemail_file_path", path)
    channel.set("voicemail_read_flags", "A_URGENT" if is_urgent else "B_NORMAL")
    channel.set("voicemail_message_len", f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}")
    if not skips_goodbye and session.is_ready:
        await play(session, "phrase:voicemail_goodbye")


async def _asks_whether_urgent(session: Session) -> bool:
    pressed = ""

    def take(digit: str) -> bool:
        nonlocal pressed
        pressed = digit
        return True

    if await play(session, "phrase:voicemail_record_urgent_check,*:#", on_digit=take) is Played.TO_ITS_END:
        await session.wait(5, breakable=False, on_digit=take)
    if session.is_ready:
        await play(session, f"phrase:voicemail_ack,{'marked-urgent' if pressed == '*' else 'saved'}")
    return pressed == "*"


def _exists(core: Core, domain: str, user: str) -> bool:
    return f"{user}@{domain}" not in core.missing_mailboxes


APPLICATIONS: Final = (
    Application("valet_park", _valet_park, needs_media=True),
    Application("voicemail", _voicemail, needs_media=True),
)
