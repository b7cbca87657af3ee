"""What the caller hears."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final

import trio

from ..arguments.checks import check_file_name, whole_seconds
from ..arguments.text import Expand, Text, argument, words
from ..errors import ApplicationFailed, CallEnded, EslOutboundError
from ..protocol import Event
from .base import CallBase
from .execution import Execution
from .lasting import lasting
from .playing import Playback, PlaybackResult, playback_command, played, terminated_by, terminators_scope
from .prompts import Phrase, Prompt, Say, SayGender, SayMethod, SayType, Speak, Tones, spoken

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Speaking", "prompt_ended", "say_prompt", "start_prompt"]

_log: Final = logging.getLogger("esl_outbound.call")

_MUSIC: Final = "local_stream://moh"
# A piece of music that ends sooner is not begun again without a rest: it may not be there at all.
_SHORTEST_MUSIC_SECONDS: Final = 1.0


class Speaking(CallBase):
    """Sound files, numbers and dates, synthesised speech, tones, music on hold."""

    async def playback(
        self,
        path: Text | Sequence[Text],
        *,
        terminators: str = "",
        loops: int = 1,
        start_seconds: float = 0,
    ) -> PlaybackResult:
        """Play a file, or several in a row, to the caller and wait until it ends.

        Runs the ``playback`` application, once, whatever there is to play: several files
        are a ``file_string://``, in which a file that is missing is left out. Before the
        answer it is heard as early media.

        Args:
            path: What to play: a file below ``sound_prefix``, or a path with a
                scheme that FreeSWITCH knows, such as ``tone_stream://%(1000,0,400)``; or up to 128 of them.
            terminators: The digits that end it early, such as ``"12#"``. None do
                unless asked for: FreeSWITCH's own default is ``*``. The one that does is the result's, and is taken
                from ``digits``; others stay there. For a prompt that is answered with digits, there is ``ask``.
            loops: How often; negative is for ever. FreeSWITCH stops after a round that took less than half a second.
            start_seconds: Where in the file to begin. FreeSWITCH counts samples, and the file is taken for one of the
                channel's own rate (``read_rate``, else 8,000 hertz).

        Returns:
            How it ended, in its last round.

        Raises:
            FileNotPlayed: FreeSWITCH could not open or decode the file, or any of them.
            LocalProtocolError: A terminator is no digit, or a path cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        command = playback_command(line, path, terminators=terminators, loops=loops, start_seconds=start_seconds)
        (execution,) = await line.start((command,))
        result = played(line, await line.finish(execution), path, terminators)
        line.digits.strike_out_last(result.terminator, execution.digits)
        return result

    async def start_playback(
        self,
        path: Text | Sequence[Text],
        *,
        terminators: str = "",
        loops: int = 1,
        start_seconds: float = 0,
    ) -> Playback:
        """Begin to play a file, or several, and do not wait for it.

        Arguments as of ``playback``. What else is said meanwhile pauses it.

        Returns:
            A handle: ``pause()``, ``resume()``, ``seek()``, ``skip()``, ``restart()``, ``set_volume()``,
            ``set_speed()``, ``stop()``, ``finished()``.

        Raises:
            LocalProtocolError: A terminator is no digit, or a path cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        line = self._line
        command = playback_command(line, path, terminators=terminators, loops=loops, start_seconds=start_seconds)
        (execution,) = await line.start((command,))
        await trio.lowlevel.cancel_shielded_checkpoint()
        return Playback(line, execution, path, terminators)

    async def say(
        self,
        text: str | int | datetime,
        type: SayType | str = SayType.NUMBER,  # noqa: A002 - FreeSWITCH's word
        method: SayMethod | str = SayMethod.PRONOUNCED,
        *,
        gender: SayGender | str | None = None,
        language: str = "en",
        terminators: str = "",
    ) -> str:
        """Say a number, a date, a time, a sum of money or the like, in recorded words.

        Runs the ``say`` application. A language whose module or files are missing
        says nothing, and FreeSWITCH does not tell.

        Args:
            text: What to say; a ``datetime`` for dates and times.
            type: What it is.
            method: How to say it.
            gender: The grammatical gender, where the language has one.
            language: The say module, such as ``en``; with the language of its sounds, ``en:en-gb``.
            terminators: The digits that end it early.

        Returns:
            The digit that ended it early; empty if none did.

        Raises:
            LocalProtocolError: A terminator is no digit, or a name is no word; nothing was sent.
            CallEnded: The call ended first.
        """
        return await say_prompt(self._line, Say(text, type, method, gender, language), terminators)

    async def speak(self, text: str, *, engine: str = "", voice: str = "", terminators: str = "") -> str:
        """Let a speech synthesiser say a text.

        Runs the ``speak`` application. An engine or a voice that there is not says nothing,
        and FreeSWITCH does not tell.

        Args:
            text: What to say.
            engine: The synthesiser's module, such as ``flite``; else the channel variable ``tts_engine`` names it.
            voice: Its voice, such as ``kal``; else the channel variable ``tts_voice`` names it.
            terminators: The digits that end it early.

        Returns:
            The digit that ended it early; empty if none did.

        Raises:
            LocalProtocolError: A terminator is no digit, or a name is no word; nothing was sent.
            CallEnded: The call ended first.
        """
        return await say_prompt(self._line, Speak(text, engine, voice), terminators)

    async def phrase(self, macro: str, data: str = "", *, language: str = "", terminators: str = "") -> str:
        """Say a phrase macro of FreeSWITCH's language configuration.

        Runs the ``phrase`` application.

        Args:
            macro: The macro's name.
            data: What it is given.
            language: Its language; else the channel variable ``language`` names it.
            terminators: The digits that end it early.

        Returns:
            The digit that ended it early; empty if none did.

        Raises:
            ApplicationFailed: FreeSWITCH has no such macro, or could not say it.
            LocalProtocolError: A terminator is no digit, or a name is no word; nothing was sent.
            CallEnded: The call ended first.
        """
        return await say_prompt(self._line, Phrase(macro, data, language), terminators)

    async def tones(self, script: str, *, loops: int = 1, terminators: str = "") -> str:
        """Play tones that FreeSWITCH generates.

        Runs the ``gentones`` application.

        Args:
            script: In TGML, such as ``%(500,500,480,620)``: milliseconds on, milliseconds off, hertz.
            loops: How often; 0 is for ever.
            terminators: The digits that end them early.

        Returns:
            The digit that ended them early; empty if none did.

        Raises:
            LocalProtocolError: It is no script, or a terminator is no digit; nothing was sent.
            CallEnded: The call ended first.
        """
        return await say_prompt(self._line, Tones(script, loops), terminators)

    @asynccontextmanager
    async def displaced(
        self, path: str, *, mix: bool = False, loop: bool = False, to_far_end: bool = False, max_seconds: float = 0
    ) -> AsyncIterator[None]:
        """Let a file be heard in place of what is said, for as long as the block lasts.

        Runs ``displace_session`` and, whatever happens, ``stop_displace_session``.
        A file that cannot be opened is not heard, and FreeSWITCH does not tell.

        Args:
            path: The file; each can be used once at a time.
            mix: Mix it with what is said, and do not silence that.
            loop: Begin it anew when it ends.
            to_far_end: Let the other leg hear it in place of the caller, and not the caller in place of the other leg.
            max_seconds: The longest it plays, in whole seconds; 0 is no limit.

        Raises:
            LocalProtocolError: The path cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        flags = "m" * mix + "l" * loop + "r" * to_far_end
        limit = whole_seconds(max_seconds, "max_seconds")
        parts = [check_file_name(path), *([flags] if flags else []), *([f"+{limit}"] if limit else [])]
        begin = ("displace_session", argument(*words(*parts)))
        async with lasting(self._line, begin, ("stop_displace_session", argument(path))):
            yield

    @asynccontextmanager
    async def music_on_hold(self, path: Text = "") -> AsyncIterator[None]:
        """Play music while the block does something slow: ``async with self.music_on_hold(): ...``.

        Runs ``playback``, anew when it ends. Any application that runs inside the block
        pauses it (``sleep``, too: wait with ``trio.sleep``), and it stops at the end of the block, whatever happens
        there; what still plays then and began inside (``start_playback``) stops with it. Inside another such
        block the music that began first goes on.
        Music that cannot be played is a warning in the log, and silence.

        Args:
            path: What to play; else what the channel variable ``hold_music`` names, else ``local_stream://moh``.

        Raises:
            NotPermitted: The dialplan line does not say ``async``.
            LocalProtocolError: The path cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        line = self._line
        await line.require_call()
        await line.require_async("music beside what the handler does")
        music = path or line.channel.variables.get("hold_music") or _MUSIC
        playback_command(line, music)  # what is wrong with it is said here, and not in the background
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_keep_playing, line, music)
            try:
                yield
            except Exception as exc:
                failure = exc  # which the nursery would wrap in a group
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure


async def say_prompt(line: Line, prompt: Prompt, terminators: str) -> str:
    """Say a prompt, wait until it ends, and give the digit that ended it early; empty if none did.

    That digit is taken from the call's ``digits``: it has done what it was pressed for.

    Raises:
        FileNotPlayed: FreeSWITCH could not open or decode a file.
        ApplicationFailed: FreeSWITCH could not say a phrase.
        LocalProtocolError: It cannot be said; nothing was sent.
        CallEnded: The call ended first.
    """
    execution = await start_prompt(line, prompt, terminators)
    terminator = prompt_ended(line, prompt, await line.finish(execution), terminators)
    line.digits.strike_out_last(terminator, execution.digits)
    return terminator


async def start_prompt(line: Line, prompt: Prompt, terminators: str) -> Execution:
    """Begin to say a prompt.

    Raises:
        LocalProtocolError: It cannot be said; nothing was sent.
        CallEnded: The call is over.
    """
    application, text = spoken(prompt, terminators_scope(terminators))
    (execution,) = await line.start((line.execute_command(application, text),))
    return execution


def prompt_ended(line: Line, prompt: Prompt, completion: Event, terminators: str) -> str:
    """What a prompt's completion tells: the digit that ended it early; empty if none did.

    Raises:
        FileNotPlayed: FreeSWITCH could not open or decode a file.
        ApplicationFailed: FreeSWITCH could not say a phrase.
    """
    if isinstance(prompt, str | Expand):
        return played(line, completion, prompt, terminators).terminator
    # phrase_function() says PHRASE PLAYED, NOTHING or UNKNOWN ERROR; anything else is a nested application's word.
    response = line.response_to(completion)
    if isinstance(prompt, Phrase) and response in ("UNKNOWN ERROR", "NOTHING"):
        raise ApplicationFailed("phrase", prompt.macro, f"could not say {prompt.macro!r}: {response}")
    return terminated_by(completion) if terminators else ""


async def _keep_playing(line: Line, music: Text) -> None:
    """Play music again and again, but never inside of something else that is being said."""
    while True:
        try:
            # One that is sent while another application runs interrupts it, and this one may have no end.
            await line.wait_idle()
            began = trio.current_time()
            (execution,) = await line.start((playback_command(line, music),))
            played(line, await execution.finish_or_stop(), music, "")
        except CallEnded:
            return
        except EslOutboundError as exc:
            _log.warning("channel %s: no music: %s", line.channel_uuid, exc)
            return
        if trio.current_time() - began < _SHORTEST_MUSIC_SECONDS:
            await trio.sleep(_SHORTEST_MUSIC_SECONDS)
