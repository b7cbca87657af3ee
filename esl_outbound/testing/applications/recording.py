"""What is recorded of a call (``switch_ivr_record_file()``, ``switch_ivr_record_session()``)."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

import trio

from ..expansion import separate
from ..happenings import Happening, Who
from ..session import Session, Woken
from ..story import Recorded
from ..wire import atoi
from .application import Application
from .basics import playback_terminators
from .speaking import stops_at

__all__ = ["APPLICATIONS", "start_recording", "steer_recording", "stop_recording"]

_SAMPLES_A_SECOND: Final = 8000
_RATES: Final = frozenset((8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000))
_SILENCE_SECONDS: Final = 3
"""How long silence may last if `record` is told from which threshold on it is some, and not how long."""
# Where recordings beside the call say that they begin and end.
_START_SITE: Final = ("switch_ivr_async.c", "record_callback", 1482)
_STOP_SITE: Final = ("switch_ivr_async.c", "send_record_stop_event", 1241)
_TAGS: Final = ("title", "artist", "comment", "copyright", "software", "date")
"""What is written into a file, and not left on the channel."""
_WAV_HEADER_BYTES: Final = 44
_FORMATS: Final = frozenset(
    [
        "wav",
        "mp3",
        "ulaw",
        "alaw",
        "pcmu",
        "pcma",
        "raw",
        "sln",
        "r8",
        "r16",
        "l16",
        "gsm",
        "au",
        "snd",
        "ogg",
        "opus",
        "aiff",
        "vox",
        "mp4",
    ]
)


def can_be_opened(session: Session, path: str) -> bool:
    """Whether the switch can write there: no ``phone.unwritable`` matches, and it knows the extension.

    Without any it takes the channel's codec for one (mod_native_file).
    """
    return (_is_native(path) or _extension(path) in _FORMATS) and not session.core.is_unwritable(path)


def _is_native(path: str) -> bool:
    return "." not in path and "://" not in path


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()


async def _record(session: Session, argument: str) -> None:
    """``<path> [<seconds> [<silence threshold> [<silence hits>]]]``."""
    if not argument:
        return
    words = [*separate(argument, limit=4), "", "", "", ""]
    path = words[0]
    limit, threshold, hits = (max(atoi(word), 0) for word in words[1:4])
    if _is_native(path):
        threshold = 0  # silence cannot be found in it
    channel, story, core = session.channel, session.channel.story, session.core
    ends = stops_at(session, playback_terminators(session))
    if not can_be_opened(session, path):
        story.tell(Who.SWITCH, Happening.CANNOT_RECORD, path)
        session.hang_up_from_within("DESTINATION_OUT_OF_ORDER")
        return
    for tag in _TAGS:
        channel.set(f"record_{tag}", None)
    channel.set("silence_hits_exhausted", "false")
    _read_as(session, "L16")
    about = [("Record-File-Path", path)]
    channel.fire("RECORD_START", last=about)
    recorded = Recorded(path, story.now)
    story.recorded.append(recorded)
    story.tell(Who.CALLER, Happening.IS_RECORDED, path)
    began = trio.current_time()
    # The limit is in whole seconds of the wall clock, and must be exceeded.
    longest = limit + 1 - core.part_of_second if limit else math.inf
    # Counted in samples of the file, of which a packet of another rate is taken to have as many as one of the channel.
    longest_silence = (hits or _SILENCE_SECONDS) * _file_rate(session) / _SAMPLES_A_SECOND
    is_silent = False
    while True:
        until_silent = math.inf
        if threshold:
            until_silent = max(session.speaks_until, began) + longest_silence - trio.current_time()
        left = longest - (trio.current_time() - began)
        if until_silent <= 1e-9:
            is_silent = True
            break
        if left <= 1e-9:
            break
        woken = await session.wait(min(left, until_silent), on_digit=ends)
        if woken is not Woken.TIME:
            break
    took = trio.current_time() - began
    channel.set("silence_hits_exhausted", "true" if is_silent else "false")
    samples = round(took * _SAMPLES_A_SECOND)
    size = str(_WAV_HEADER_BYTES + 2 * samples)
    channel.set("record_record_file_size", size)
    channel.set("record_file_size", size)
    channel.set("record_seconds", str(samples // _SAMPLES_A_SECOND))
    channel.set("record_ms", str(samples * 1000 // _SAMPLES_A_SECOND))
    channel.set("record_samples", str(samples))
    recorded.ended = story.now
    core.sounds.record(path, took)
    channel.fire("RECORD_STOP", last=about)
    _read_as(session, channel.codec[0])
    story.tell(Who.SWITCH, Happening.HAS_RECORDED, path, f"{took:.1f}")


def _file_rate(session: Session) -> int:
    """The file's sample rate, if that is one that FreeSWITCH knows (``switch_is_valid_rate()``)."""
    rate = atoi(session.channel.get("record_sample_rate") or "")
    return rate if rate in _RATES else _SAMPLES_A_SECOND


def _read_as(session: Session, codec: str) -> None:
    """What is recorded is read in another codec."""
    session.channel.set("read_codec", codec)
    session.channel.set("read_rate", str(_SAMPLES_A_SECOND))


def start_recording(session: Session, path: str, seconds: float = math.inf) -> bool:
    """Record beside the call from now on (``switch_ivr_record_session_event()``).

    Returns:
        Whether the file can be opened, or is being recorded into.
    """
    channel, story = session.channel, session.channel.story
    if path in session.recordings:
        if channel.is_true("RECORD_TOGGLE_ON_REPEAT"):
            stop_recording(session, path)
        return True
    if not can_be_opened(session, path):
        channel.set("record_completion_cause", "uri-failure")
        story.tell(Who.SWITCH, Happening.CANNOT_RECORD, path)
        return False
    recorded = Recorded(path, story.now, application="record_session")
    recorded.shortest = max(atoi(channel.get("RECORD_MIN_SEC") or ("3" if channel.is_true("RECORD_APPEND") else "")), 0)
    for tag in _TAGS:
        channel.set(f"record_{tag}", None)
    story.recorded.append(recorded)
    if not session.recordings:
        session.at_end.append(partial(_stop_all, session))
    session.recordings[path] = recorded
    session.channel.fire("RECORD_START", last=[("Record-File-Path", path)], site=_START_SITE)
    story.tell(Who.SWITCH, Happening.RECORDS_CALL, path)
    if seconds != math.inf:
        session.schedule(seconds, partial(_stop_this, session, recorded))
    initial, final = (atoi(channel.get(f"RECORD_{name}_TIMEOUT_MS") or "") / 1000 for name in ("INITIAL", "FINAL"))
    if initial > 0 or final > 0:
        session.start_soon(partial(_stop_at_silence, session, recorded, max(initial, 0), max(final, 0)))
    return True


def _stop_this(session: Session, recorded: Recorded, cause: str = "success-maxtime") -> None:
    """Stop a recording, and not another one into the same file."""
    if session.recordings.get(recorded.path) is recorded:
        stop_recording(session, recorded.path, cause)


async def _stop_at_silence(session: Session, recorded: Recorded, initial: float, final: float) -> None:
    """Stop a recording after so many seconds of silence from its start, or of silence later; 0 is never."""
    story, began = session.channel.story, trio.current_time()
    while recorded.ended is None:
        has_spoken = session.speaks_until > began
        longest = final if has_spoken else initial
        end = max(session.speaks_until, began) + longest if longest else math.inf
        if trio.current_time() >= end - 1e-9:
            _stop_this(session, recorded, "success-silence" if has_spoken else "no-input-timeout")
            return
        with trio.move_on_at(end):
            await story.changed()


def stop_recording(session: Session, path: str, cause: str = "success-maxtime") -> bool:
    """End a recording beside the call.

    Returns:
        Whether there was one.
    """
    recorded = session.recordings.pop(path, None)
    if recorded is None:
        return False
    channel, story = session.channel, session.channel.story
    recorded.ended = story.now
    for spans in (recorded.masked, recorded.paused):
        _end_span(spans, story.now)
    took = recorded.ended - recorded.began - sum(end - begin for begin, end in recorded.paused)
    samples = round(took * _SAMPLES_A_SECOND)
    channel.set("record_file_size", str(_WAV_HEADER_BYTES + 2 * samples))
    if samples < recorded.shortest * _SAMPLES_A_SECOND and not channel.is_true("RECORD_APPEND"):
        cause = "input-too-short"
        recorded.is_discarded = True
        channel.set("RECORD_DISCARDED", "true")
    # In another order than `record` has them.
    channel.set("record_samples", str(samples))
    channel.set("record_seconds", str(samples // _SAMPLES_A_SECOND))
    channel.set("record_ms", str(samples * 1000 // _SAMPLES_A_SECOND))
    channel.set("record_completion_cause", cause)
    if not recorded.is_discarded:
        session.core.sounds.record(path, took)
    about = [("Record-File-Path", path), ("Record-Completion-Cause", cause)]
    channel.fire("RECORD_STOP", last=about, site=_STOP_SITE)
    story.tell(Who.SWITCH, Happening.HAS_RECORDED, path, f"{took:.1f}")
    return True


def _stop_all(session: Session) -> None:
    """The call is over, and so are its recordings; the cause is what FreeSWITCH says then."""
    for path in list(session.recordings):
        stop_recording(session, path, "success-silence")


async def _record_session(session: Session, argument: str) -> None:
    """``<path> [+<seconds>]``."""
    words = separate(argument, limit=5)
    if not words:
        return
    seconds = float(atoi(words[1][1:])) if len(words) > 1 and words[1].startswith("+") else 0.0
    opened = start_recording(session, words[0], seconds if seconds > 0 else math.inf)
    if not opened and session.channel.is_true("RECORD_HANGUP_ON_ERROR"):
        session.hang_up_from_within("DESTINATION_OUT_OF_ORDER")


async def _stop_record_session(session: Session, argument: str) -> None:
    for path in list(session.recordings) if argument.lower() == "all" else [argument]:
        stop_recording(session, path)


def steer_recording(session: Session, path: str, verb: str) -> bool:
    """Mask, unmask, pause or resume a recording beside the call.

    Returns:
        Whether there is one.
    """
    recorded = session.recordings.get(path)
    if recorded is None:
        return False
    now = session.channel.story.now
    spans = recorded.masked if verb in ("mask", "unmask") else recorded.paused
    if verb in ("unmask", "resume"):
        _end_span(spans, now)
    elif not spans or len(spans[-1]) == 2:
        spans.append([now])
    return True


def _end_span(spans: list[list[float]], now: float) -> None:
    if spans and len(spans[-1]) == 1:
        spans[-1].append(now)


async def _steer_record_session(verb: str, session: Session, argument: str) -> None:
    steer_recording(session, argument, verb)


APPLICATIONS: Final = (
    Application("record", _record, needs_media=True, is_told=False),
    Application("record_session", _record_session, needs_media=True, is_told=False),
    Application("stop_record_session", _stop_record_session, needs_media=True, is_told=False),
    *(
        Application(f"record_session_{verb}", partial(_steer_record_session, verb), needs_media=True)
        for verb in ("mask", "unmask", "pause", "resume")
    ),
)
