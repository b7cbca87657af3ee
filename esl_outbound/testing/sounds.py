"""How long the sounds last that FreeSWITCH is asked to play, and which of them exist."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, final

import attrs

from .expansion import brackets, separate
from .wire import atof, atoi

__all__ = ["Sounds"]

_RATE: Final = 8000
_SPOKEN_SECONDS: Final = 1.0
_MOST_PARTS: Final = 128

# Bytes in a second of the files that have no header, by their extension.
_BYTES_PER_SECOND: Final = {
    "al": 8000,
    "alaw": 8000,
    "pcma": 8000,
    "pcmu": 8000,
    "ul": 8000,
    "ulaw": 8000,
    "gsm": 1650,
    "l16": 16000,
    "r8": 16000,
    "raw": 16000,
    "sln": 16000,
    "r16": 32000,
}


@final
@attrs.define(eq=False)
class Sounds:
    """The sounds of a simulated FreeSWITCH.

    What a test has said about a path comes first, then the path's scheme, then the file on the disk,
    then `default_seconds`.
    """

    folder: Path | None = None
    """Where files with a relative path are looked for: the channel's ``sound_prefix``, so to say."""

    default_seconds: float = 1.0
    """How long a file lasts that nothing is known about, in seconds."""

    exist_by_default: bool = True
    """Whether a file exists that nothing is known about: the simulated FreeSWITCH has a disk of its own."""

    _told: dict[str, float | None] = attrs.field(factory=dict, init=False)
    _recorded: dict[str, float] = attrs.field(factory=dict, init=False)

    def add(self, path: str, seconds: float) -> None:
        """Say how long a sound lasts.

        Args:
            path: What is played, or the end of it behind a slash (``ivr/welcome.wav`` is also
                ``/usr/share/sounds/en/ivr/welcome.wav``), or a pattern such as ``ivr/*.wav``. The whole path
                counts most, the latest pattern next, then the longest end.
            seconds: How long it lasts, which may be `math.inf`.
        """
        self._tell(path, _checked(seconds))

    def missing(self, path: str) -> None:
        """Say that a sound does not exist, with a path as in `add`."""
        self._tell(path, None)

    def record(self, path: str, seconds: float) -> None:
        """Keep a file that was recorded, so that it lasts as long when it is played."""
        self._recorded[path] = _checked(seconds)

    def length(self, path: str) -> float | None:
        """How long a sound lasts when it is played, in seconds.

        Args:
            path: What ``playback`` is given: a file, ``{variables}`` before it, ``@@samples`` to start at
                behind it, or a scheme such as ``tone_stream://``.

        Returns:
            Its seconds, `math.inf` if it never ends, None if FreeSWITCH cannot play it.
        """
        if path in self._told and path not in self._recorded:
            return self._told[path]
        # playback_function() in mod_dptools.c looks at the first `@` alone.
        name, _, start = path.partition("@")
        skipped = atoi(start[1:]) if start.startswith("@") else 0
        if not start.startswith("@"):
            name = path
        parameters: dict[str, str] = {}
        while name.startswith("{"):
            variables, rest = brackets(name, "{", "}")
            if rest == name:
                return None
            parameters.update(variables)
            name = rest.lstrip(" ")
        seconds = self._length(name, parameters)
        # Streams cannot be asked to start elsewhere.
        if seconds is not None and skipped > 0 and not name.startswith(("tone_stream://", "silence_stream://")):
            seconds = max(0.0, seconds - skipped / _RATE)
        timeout = atoi(parameters.get("timeout", ""))
        if seconds is not None and timeout > 0:
            seconds = min(seconds, timeout / 1000)
        return seconds

    def _tell(self, path: str, seconds: float | None) -> None:
        # What was said last is found first.
        self._told.pop(path, None)
        self._recorded.pop(path, None)
        self._told[path] = seconds

    def _length(self, name: str, parameters: dict[str, str]) -> float | None:
        if not name:
            return None
        for known in (self._recorded, self._told):
            key = _find(name, known)
            if key is not None:
                return known[key]
        if name.lower().startswith(("say:", "phrase:")):
            return _SPOKEN_SECONDS
        scheme, found, rest = name.partition("://")
        if not found:
            return self._on_disk(name)
        match scheme:
            case "tone_stream":
                return _tone_stream(rest, parameters.get("loops", ""))
            case "silence_stream":
                return _silence_stream(rest)
            case "local_stream":
                return math.inf
            case "tts":
                return _SPOKEN_SECONDS
            case "file_string":
                lengths = [self.length(part) for part in separate(rest, "!", _MOST_PARTS)]
                there = [seconds for seconds in lengths if seconds is not None]
                return sum(there) if there else None
            case _:
                return self._unknown()

    def _on_disk(self, name: str) -> float | None:
        path = Path(name)
        if not path.is_absolute():
            if self.folder is None:
                return self._unknown()
            path = self.folder / path
        try:
            file = next((candidate for candidate in _candidates(path) if candidate.is_file()), None)
            if file is None:
                # switch_core_file_open() refuses a folder.
                return None if path.is_dir() else self._unknown()
            extension = file.suffix[1:].lower()
            if extension in {"wav", "wave"}:
                return _riff_seconds(file.read_bytes())
            if extension in _BYTES_PER_SECOND:
                return file.stat().st_size / _BYTES_PER_SECOND[extension]
        except (OSError, ValueError):
            # It cannot be looked at from here, which says nothing about the simulated disk.
            return self._unknown()
        return self.default_seconds

    def _unknown(self) -> float | None:
        return self.default_seconds if self.exist_by_default else None


def _checked(seconds: float) -> float:
    if not seconds >= 0:
        raise ValueError(f"a sound cannot last {seconds} seconds")
    return seconds


def _find(path: str, known: dict[str, float | None] | dict[str, float]) -> str | None:
    """The entry that speaks of a path: itself, the latest pattern, or the longest end of it."""
    paths = [path]
    if "://" not in path and "." not in path:
        # switch_ivr_play_file() adds an extension to a path that has none.
        paths.append(f"{path}.wav")
    for played in paths:
        if played in known:
            return played
        for entry in reversed(known):
            if re.search(r"[*?\[]", entry) and (fnmatchcase(played, entry) or fnmatchcase(played, f"*/{entry}")):
                return entry
    ends = [entry for entry in known if any(played.endswith(f"/{entry}") for played in paths)]
    return max(ends, key=len, default=None)


# Files


def _candidates(path: Path) -> Iterator[Path]:
    """Where mod_sndfile looks for a file: in the folders for the rates, then at its own place."""
    paths = [path] if "." in str(path) else [path, path.with_name(f"{path.name}.wav")]
    for file in paths:
        for rate in (8000, 48000, 32000, 16000):
            yield file.parent / str(rate) / file.name
        yield file


def _riff_seconds(data: bytes) -> float | None:
    """How long a WAV file lasts, whatever its codec, None if it is none."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    at = 12
    bytes_per_second = 0
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if kind == b"fmt ":
            bytes_per_second = int.from_bytes(data[at + 8 : at + 12], "little")
        elif kind == b"data" and bytes_per_second:
            # What was written to a pipe does not know its size.
            left = len(data) - at
            return (min(size, left) or left) / bytes_per_second
        at += size + size % 2
    return None


# Streams


def _silence_stream(text: str) -> float | None:
    milliseconds = atoi(text)
    if not milliseconds:
        return None
    return math.inf if milliseconds < 0 else milliseconds / 1000


def _tone_stream(text: str, loops: str) -> float:
    tones, *options = re.split(";loops=", text, maxsplit=1, flags=re.IGNORECASE)
    times = atoi(loops or "".join(options))
    once = 1.0 if tones.lower().startswith("path=") else _Tones().seconds(tones)
    if times < 0 and once:
        return math.inf
    return once * max(times, 1)


@final
@attrs.define(eq=False)
class _Tones:
    """The generator of tones, as far as it tells their length: teletone_run() in libteletone."""

    rate: int = _RATE
    duration: int = 2000
    wait: int = 500
    loops: int = 0
    repeats: int = 0
    samples: float = 0

    def seconds(self, script: str) -> float:
        done = 0
        while not done or done < self.repeats:
            self._run(script)
            done += 1
        return self.samples / _RATE

    def _run(self, script: str) -> None:
        while script:
            if script[0] in " \r\n":
                script = script[1:]
                continue
            segment, semicolon, rest = script.partition(";")
            if segment[1:2] == "=":
                self._set(segment[0], segment[2:])
                # The last one of a script is read on from its `=`: the digits of its value are played as DTMF.
                script = rest if semicolon else segment[1:]
            elif self._play(segment):
                script = rest
            else:
                return

    def _set(self, name: str, value: str) -> None:
        number = atoi(value)
        match name:
            case "r":
                self.rate = number
            case "d":
                self.duration = number * (self.rate // 1000)
            case "w":
                self.wait = number * (self.rate // 1000)
            case "l":
                self.loops = number
            case "L" if number > 0 and not self.repeats:
                self.repeats = number

    def _play(self, segment: str) -> bool:
        """Play the tones of a segment. False if one of them makes no sense, which ends the script."""
        while segment:
            name, segment = segment[0], segment[1:]
            if name in " \r\n":
                continue
            heard = name in "0123456789ABCD*#"
            frequency = 1.0
            duration, wait = self.duration, self.wait
            if segment.startswith("("):
                inside, _, segment = segment[1:].partition(")")
                numbers = inside.split(",")
                if name == "%" and len(numbers) > 2:
                    frequency = atof(numbers[2])
                    heard = frequency != 0
                elif name == "%" or len(numbers) != 2:
                    return False
                own = [atoi(number) * (self.rate // 1000) for number in numbers[:2]]
                duration, wait = (
                    mine if mine >= 0 else usual for mine, usual in zip(own, (duration, wait), strict=True)
                )
            if heard:
                times = math.inf if self.loops < 0 else max(self.loops, 1)
                once = max(duration, 0) * (frequency > 0) + max(wait, 0)
                self.samples += times * once if once else 0
                self.loops = 0
        return True
