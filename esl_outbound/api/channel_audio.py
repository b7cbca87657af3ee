"""What is played to a channel, and recorded of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, final

import attrs

from ..arguments.checks import check_file_name, check_number, milliseconds, whole_seconds
from ..errors import LocalProtocolError, NoSuchChannel
from ..protocol import NO_REPLY, ApiResponse
from .base import ApiBase
from .words import one_of, words_of

__all__ = ["ChannelAudioCommands", "MediaBug"]

# switch_core_media_bug_enumerate() in switch_core_media_bug.c; it encodes nothing.
_BUG: Final = re.compile(
    r"^ <media-bug>\n  <function>(.*?)</function>\n  <target>(.*?)</target>\n  <thread-locked>(\d+)</thread-locked>\n"
    r" </media-bug>\n",
    re.DOTALL | re.MULTILINE,
)
_BUGS: Final = re.compile(rf"<media-bugs>|{NO_REPLY}\Z")
_NULL: Final = "(null)"

# What switch_event_create_brackets() leaves as it is between its brackets, where a pair with a comma is in quotes.
_RECORDING_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_NOT_IN_BRACKETS: Final = re.compile(r"[{}'\\\x00-\x1f\x7f]|^ | $")

# switch_ivr_process_fh() in switch_ivr.c; a sign makes it a step.
_LEVELS: Final[Mapping[str, int]] = {"speed": 2, "volume": 4}
_PREPROCESS: Final = re.compile(r"[rw][._]?(?:agc|noise_suppress|echo_cancel|echo_suppress)")
_MOST_SETTINGS: Final = 5
_MOST: Final = 2**31 - 1


@final
@attrs.frozen
class MediaBug:
    """What listens to a channel's sound, or changes it (``uuid_buglist``)."""

    function: str
    """What it does, such as ``session_record``, ``eavesdrop``."""
    target: str | None
    """What it does it for, such as a file; None if for nothing."""
    is_thread_locked: bool
    """Whether it belongs to the thread that was asked."""


class ChannelAudioCommands(ApiBase):
    """What is played to a channel, and recorded of it."""

    __slots__ = ()

    async def uuid_record(
        self,
        channel_uuid: str,
        action: Literal["start", "stop", "pause", "resume", "mask", "unmask"],
        path: str,
        *,
        limit_seconds: float | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Record a channel, both what it says and what it hears, or do something to such a recording.

        Runs ``uuid_record``. A file that is being recorded into already, is not begun anew.

        Args:
            channel_uuid: The channel.
            action: Begin, end, leave out what comes (``pause``), or write silence in its place (``mask``).
            path: The file. A recording is known by the whole path that it has, with the ``sound_prefix`` that
                FreeSWITCH puts before another; ``stop`` takes ``all`` too.
            limit_seconds: How long at most, in whole seconds; None for as long as the call lasts.
            variables: What holds for this recording alone, such as ``RECORD_STEREO``.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH cannot write the file, the channel has no sound yet, or there is no such recording.
            LocalProtocolError: An argument cannot be said, or goes with ``start`` alone; nothing was sent.
        """
        parts = [
            one_of(action, "action", ("start", "stop", "pause", "resume", "mask", "unmask")),
            check_file_name(path),
        ]
        if action != "start" and (limit_seconds is not None or variables):
            raise LocalProtocolError(f"limit_seconds and variables do not go with {action}")
        if limit_seconds is not None or variables:
            parts.append(
                str(whole_seconds(limit_seconds, "limit_seconds", least=1) if limit_seconds is not None else 0)
            )
        if variables:
            parts.append(_in_brackets(variables))
        await self._done("uuid_record", channel_uuid, words_of(*parts))

    async def uuid_displace(
        self,
        channel_uuid: str,
        action: Literal["start", "stop"],
        path: str,
        *,
        limit_seconds: float | None = None,
        mux: bool = False,
        loop: bool = False,
        both: bool = False,
    ) -> None:
        """Let a channel hear a file in place of what it would hear, or no more.

        Runs ``uuid_displace``.

        Args:
            channel_uuid: The channel.
            action: Begin, or end.
            path: The file. What plays is known by its whole path, as of ``uuid_record``.
            limit_seconds: How long at most, in whole seconds; None for as long as it is.
            mux: Mix it with what the channel would hear.
            loop: Play it again and again.
            both: Let the one whom it talks to hear it too.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH cannot read the file, plays it already, or does not; or the channel has no sound yet.
            LocalProtocolError: An argument cannot be said, or goes with ``start`` alone; nothing was sent.
        """
        parts = [one_of(action, "action", ("start", "stop")), check_file_name(path)]
        # switch_ivr_displace_session() looks for these letters.
        flags = "m" * mux + "l" * loop + "rw" * both
        if action != "start" and (limit_seconds is not None or flags):
            raise LocalProtocolError("limit_seconds, mux, loop and both go with start alone")
        if limit_seconds is not None or flags:
            parts.append(
                str(whole_seconds(limit_seconds, "limit_seconds", least=1) if limit_seconds is not None else 0)
            )
        await self._done("uuid_displace", channel_uuid, words_of(*parts, *filter(None, [flags])))

    async def uuid_break(self, channel_uuid: str, *, all: bool = False, both: bool = False) -> None:  # noqa: A002 - FreeSWITCH's word
        """End what plays, records or sleeps on a channel.

        Runs ``uuid_break``. A bridge or a conference does not end by it, nor a question's wait for digits.

        Args:
            channel_uuid: The channel.
            all: Throw away what is queued there as well; of that nothing is ever heard again.
            both: On the channel that it talks to as well.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_break", channel_uuid, " ".join(filter(None, ("all" * all, "both" * both))))

    async def uuid_fileman(
        self,
        channel_uuid: str,
        command: Literal["speed", "volume", "seek", "pause", "stop", "truncate", "restart"],
        value: float | None = None,
        *,
        relative: bool = False,
    ) -> None:
        """Control the file that is played to a channel.

        Runs ``uuid_fileman``; twice for a ``speed`` or ``volume`` below 0, for to FreeSWITCH a sign means a step.

        Args:
            channel_uuid: The channel.
            command: ``pause`` lets it go on again, too; ``stop`` takes a second, ``uuid_break`` does not.
            value: For ``seek``, where to go on, in seconds; for ``speed`` -2 to 2, for ``volume`` -4 to 4, where 0 is
                as recorded. The others have none.
            relative: From where it is now.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: Nothing is played.
            LocalProtocolError: The command has no such value; nothing was sent.
        """
        one_of(command, "command", ("speed", "volume", "seek", "pause", "stop", "truncate", "restart"))
        if command in _LEVELS:
            text = _level(command, value, relative=relative)
            if not relative and text.startswith("-"):
                await self._done("uuid_fileman", channel_uuid, f"{command}:0")
        elif command == "seek":
            text = _place(value, relative=relative)
        elif value is not None or relative:
            raise LocalProtocolError(f"value is {value!r}, and {command} has none")
        else:
            text = ""
        await self._done("uuid_fileman", channel_uuid, f"{command}:{text}" if text else command)

    async def uuid_pause(self, channel_uuid: str, *, on: bool) -> None:
        """Hold a channel's sound back, or let it go on; its telephone does not hear of it.

        Runs ``uuid_pause``.

        Args:
            channel_uuid: The channel.
            on: Hold it back.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._silent("uuid_pause", channel_uuid, "on" if on else "off")

    async def uuid_audio(
        self,
        channel_uuid: str,
        action: Literal["start", "stop"],
        direction: Literal["read", "write"] | None = None,
        *,
        mute: int | None = None,
        level: int | None = None,
    ) -> None:
        """Make a channel louder or softer, or mute it.

        Runs ``uuid_audio``.

        Args:
            channel_uuid: The channel.
            action: Change it, or undo all that was changed.
            direction: What it says (``read``), or what it hears (``write``).
            mute: 1 for silence, more for a noise of that loudness, 0 to undo it.
            level: -4 (softest) to 4 (loudest); 0 is as it is.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID, or the arguments do not go together; nothing was sent.
        """
        parts: list[str] = [one_of(action, "action", ("start", "stop"))]
        if action == "stop":
            if (direction, mute, level) != (None, None, None):
                raise LocalProtocolError("direction, mute and level go with start alone")
        elif direction is None or (mute is None) == (level is None):
            raise LocalProtocolError("start needs a direction, and either mute or level")
        else:
            parts.append(one_of(direction, "direction", ("read", "write")))
            if level is not None:
                parts += ["level", str(check_number(level, "level", least=-4, most=4))]
            elif mute is not None:
                parts += ["mute", str(check_number(mute, "mute", least=0, most=_MOST))]
        await self._done("uuid_audio", channel_uuid, " ".join(parts))

    async def uuid_preprocess(self, channel_uuid: str, settings: Mapping[str, int | bool] | None) -> None:
        """Clean a channel's sound: level it, take noise or an echo out of it.

        Runs ``uuid_preprocess``.

        Args:
            channel_uuid: The channel.
            settings: Five at most, as ``switch_ivr_preprocess_session()`` in switch_ivr_async.c knows them: ``r.agc``,
                ``r.noise_suppress`` (in decibels, below 0), ``r.echo_cancel``, ``r.echo_suppress`` (likewise) for what
                the channel says, and with ``w`` for what it hears. None stops it.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: There is no such setting, or there are none or too many; nothing was sent.
        """
        if settings is None:
            await self._done("uuid_preprocess", channel_uuid, "stop")
            return
        if not 0 < len(settings) <= _MOST_SETTINGS:
            raise LocalProtocolError(f"there are {len(settings)} settings, and should be 1 to {_MOST_SETTINGS}")
        text = ",".join(_setting(name, value) for name, value in settings.items())
        await self._done("uuid_preprocess", channel_uuid, text)

    async def uuid_buglist(self, channel_uuid: str) -> list[MediaBug]:
        """What listens to a channel's sound, or changes it: recordings, eavesdroppers, detectors.

        Runs ``uuid_buglist``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        text = await self._done("uuid_buglist", channel_uuid, success=_BUGS)
        # uuid_buglist_function() prints nothing where there is no channel, and an empty list where there are no bugs.
        if not text.startswith("<"):
            raise NoSuchChannel(channel_uuid, f"uuid_buglist {channel_uuid}", ApiResponse(f"{text}\n"))
        return [MediaBug(bug[1], None if bug[2] == _NULL else bug[2], bug[3] != "0") for bug in _BUG.finditer(text)]


def _in_brackets(variables: Mapping[str, str]) -> str:
    """Variables as session_record_function() in mod_commands.c reads them: encoded as in a URL, then in brackets."""
    pairs = []
    for name, value in variables.items():
        if _RECORDING_NAME.fullmatch(name) is None:
            raise LocalProtocolError(f"{name!r} cannot be the name of a recording's variable")
        if not value or _NOT_IN_BRACKETS.search(value) is not None or value.startswith("ARRAY::"):
            raise LocalProtocolError(f"{name} is {value!r}, which cannot be said of a recording")
        pairs.append(f"'{name}={value}'" if "," in value else f"{name}={value}")
    return "{" + ",".join(pairs).replace("%", "%25") + "}"


def _level(command: str, value: float | None, *, relative: bool) -> str:
    most = _LEVELS[command] * (1 + relative)
    if value is None:
        raise LocalProtocolError(f"value is None, and should be a number for {command}")
    if value not in range(-most, most + 1):
        raise LocalProtocolError(f"value is {value!r}, and should be a whole number, {-most} to {most}, for {command}")
    number = int(value)
    if relative and not number:
        raise LocalProtocolError(f"value is {value!r}, and should be a step: FreeSWITCH takes 0 for 1")
    return f"{number:+d}" if relative else str(number)


def _place(value: float | None, *, relative: bool) -> str:
    if value is None:
        raise LocalProtocolError("value is None, and should be a number of seconds for seek")
    step = milliseconds(abs(value) if relative else value, "value")
    if not relative:
        return str(step)
    if not step:
        raise LocalProtocolError(f"value is {value!r}, and should be a step: FreeSWITCH takes 0 for a second")
    return f"{'-' if value < 0 else '+'}{step}"


def _setting(name: str, value: int | bool) -> str:
    if _PREPROCESS.fullmatch(name) is None:
        raise LocalProtocolError(f"{name!r} is no setting of uuid_preprocess, such as r.agc")
    if isinstance(value, bool):
        return f"{name}={'true' if value else 'false'}"
    most = -1 if name.endswith("suppress") else _MOST
    return f"{name}={check_number(value, name, least=-_MOST, most=most)}"
