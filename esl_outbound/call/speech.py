"""Speech that FreeSWITCH recognises, with whatever recogniser it has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, final

import attrs

from ..arguments.checks import check_word
from ..arguments.text import Text, argument, shown, words
from ..errors import ApplicationFailed, CallEnded, LocalProtocolError
from ..protocol import Event
from .base import CallBase
from .diverting import SessionEvents, session_events
from .playing import terminators_scope
from .prompts import files
from .speech_results import SpeechResult, read_speech_result
from .variable_commands import unset_command

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Speech", "SpeechEvent", "SpeechEventType", "SpeechRecognition"]

_EVENT: Final = "DETECTED_SPEECH"
_RESULT: Final = "detect_speech_result"
_TERMINATOR: Final = "playback_terminator_used"
_DETECT: Final = "detect:"

# The first word of detect_speech, where it names no engine (detect_speech_function() in mod_dptools.c).
_VERBS: Final = frozenset(
    {"grammar", "nogrammar", "grammaron", "grammaroff", "grammarsalloff", "init", "pause", "resume", "stop", "param"}
    | {"start-input-timers", "start_input_timers"}
)


class SpeechEventType(StrEnum):
    """What a recogniser tells (``Speech-Type`` of DETECTED_SPEECH, in speech_thread() of switch_ivr_async.c)."""

    BEGIN_SPEAKING = "begin-speaking"
    """The caller began to speak."""
    DETECTED_PARTIAL_SPEECH = "detected-partial-speech"
    """What was understood so far."""
    DETECTED_SPEECH = "detected-speech"
    """What was understood, or that nothing was."""
    CLOSED = "closed"
    """The recogniser has ended; nothing more comes."""


@final
@attrs.frozen
class SpeechEvent:
    """Something that a recogniser tells."""

    type: SpeechEventType | str
    """What it tells; a kind that FreeSWITCH grew since is its word for it."""
    result: SpeechResult | None
    """What was understood, so far or in all; None of events that have none."""
    event: Event
    """DETECTED_SPEECH itself: some recognisers add headers."""


@final
class Speech:
    """A recogniser that listens: ``async for event in speech``, which ends with it or with the call."""

    __slots__ = ("_closed", "_events", "_line")

    def __init__(self, line: Line, events: SessionEvents) -> None:
        self._line = line
        self._events = events
        self._closed = False

    def __aiter__(self) -> AsyncIterator[SpeechEvent]:
        return self

    async def __anext__(self) -> SpeechEvent:
        if self._closed:
            raise StopAsyncIteration
        try:
            return await self.get()
        except CallEnded:
            raise StopAsyncIteration from None

    async def get(self) -> SpeechEvent:
        """The next thing that the recogniser tells.

        Raises:
            CallEnded: The call ended, and all was told.
            EventsLost: Nobody read what it told, and some was dropped here.
        """
        event = await self._events.get()
        word = event.get("Speech-Type").lower()
        kind = _TYPES.get(word)
        self._closed = kind is SpeechEventType.CLOSED
        has_result = kind in (SpeechEventType.DETECTED_SPEECH, SpeechEventType.DETECTED_PARTIAL_SPEECH)
        return SpeechEvent(kind or word, read_speech_result(event.body) if has_result else None, event)

    async def result(self) -> SpeechResult:
        """The next thing that is understood in all, or that nothing was; what comes before it is passed over.

        A recogniser that is closed gives the outcome NOTHING.

        Raises:
            CallEnded: The call ended first.
            EventsLost: Nobody read what it told, and some was dropped here.
        """
        while not self._closed:
            event = await self.get()
            if event.type is SpeechEventType.DETECTED_SPEECH and event.result is not None:
                return event.result
        return read_speech_result("")

    async def pause(self) -> None:
        """Let it not listen for a while (``detect_speech pause``)."""
        await self._do("pause")

    async def resume(self) -> None:
        """Let it listen again, as most have to be told after each result (``detect_speech resume``)."""
        await self._do("resume")

    async def start_input_timers(self) -> None:
        """Let it wait for the caller's words only so long from now on (``detect_speech start-input-timers``)."""
        await self._do("start-input-timers")

    async def load_grammar(self, grammar: str, name: str = "") -> None:
        """Give it one more grammar (``detect_speech grammar``); one that it cannot load stops it.

        Args:
            grammar: The grammar, as the recogniser takes it.
            name: What it is called.

        Raises:
            LocalProtocolError: The grammar is empty; nothing was sent.
        """
        if not grammar:
            raise LocalProtocolError("grammar is empty")
        await self._do("grammar", grammar, *([name] if name else []))

    async def unload_grammar(self, name: str) -> None:
        """Take a grammar from it (``detect_speech nogrammar``)."""
        await self._do("nogrammar", name)

    async def enable_grammar(self, name: str) -> None:
        """Let it heed a grammar (``detect_speech grammaron``)."""
        await self._do("grammaron", name)

    async def disable_grammar(self, name: str) -> None:
        """Let it not heed a grammar (``detect_speech grammaroff``)."""
        await self._do("grammaroff", name)

    async def disable_all_grammars(self) -> None:
        """Let it heed no grammar (``detect_speech grammarsalloff``)."""
        await self._do("grammarsalloff")

    async def set_param(self, name: str, value: str) -> None:
        """Set one of its parameters (``detect_speech param``), such as ``no-input-timeout`` to ``5000``."""
        await self._do("param", check_word(name, "name"), value)

    async def _do(self, *parts: str) -> None:
        await self._line.execute("detect_speech", argument(*words(*parts)))


class SpeechRecognition(CallBase):
    """Speech that FreeSWITCH recognises, with whatever recogniser it has."""

    @asynccontextmanager
    async def detected_speech(
        self,
        engine: str,
        grammar: str,
        *,
        name: str = "",
        params: Mapping[str, str] | None = None,
        destination: str = "",
    ) -> AsyncIterator[Speech]:
        """Let a recogniser listen to the caller while the block lasts, whatever is said to him meanwhile.

        Runs ``detect_speech`` and, whatever happens, ``detect_speech stop``. What it tells comes by ``divert_events``,
        which needs no subscription. FreeSWITCH does not tell when there is no such
        engine, or when it cannot load the grammar: then nothing comes. A call has one recogniser at a time.

        Args:
            engine: The recogniser's module, such as ``pocketsphinx`` or ``unimrcp``, perhaps with what it takes
                behind a colon: ``unimrcp:profile``.
            grammar: The grammar, as the recogniser takes it: a name, a path or URL, ``builtin:speech/boolean``, or
                the whole text.
            name: What the grammar is called, for ``enable_grammar`` and the like.
            params: The recogniser's parameters, such as ``{"no-input-timeout": "5000"}``.
            destination: Where the recogniser connects to, if it is one that takes that.

        Returns:
            A stream: ``async for event in speech``, ``await speech.result()``.

        Raises:
            NotPermitted: The dialplan line does not say ``async``.
            LocalProtocolError: Something of this cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        line = self._line
        parts = [_engine(engine), _grammar(grammar, params), name, *([destination] if destination else [])]
        text = argument(*words(*parts))
        async with session_events(line, "listening beside what the handler does", _EVENT) as events:
            try:
                await line.execute("detect_speech", text)
                yield Speech(line, events)
            finally:
                await line.undo("detect_speech", "stop")

    async def play_and_detect_speech(
        self,
        prompt: Text | Sequence[Text],
        engine: str,
        grammar: str,
        *,
        params: Mapping[str, str] | None = None,
        terminators: str = "",
    ) -> SpeechResult:
        """Play a file and say what the caller answers; his words end the file.

        Runs the ``play_and_detect_speech`` application, which waits for the recogniser's result as long as
        that takes: ``params`` should say when to give up. If the waiting is cancelled, ``detect_speech stop``
        ends it, with the recogniser. While ``divert_events`` is on, it would hear of no result.

        Args:
            prompt: What to play: a file, or several in a row.
            engine: The recogniser's module, as of ``detected_speech``.
            grammar: The grammar, as of ``detected_speech``.
            params: The recogniser's parameters, such as ``{"no-input-timeout": "5000"}``.
            terminators: The digits that end it instead. The one that does is the result, and taken from ``digits``.

        Raises:
            ApplicationFailed: There is no such recogniser, or it cannot load the grammar, or the file could not be
                played: ``ASR INIT ERROR``, ``GRAMMAR ERROR``, ``ERROR``.
            LocalProtocolError: Something of this cannot be said, or a recogniser listens already; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        pieces = files(prompt)
        if any(_DETECT in shown(piece) for piece in pieces):
            raise LocalProtocolError(f"the prompt has a {_DETECT} in it, and FreeSWITCH divides there")
        if line.diversions:
            # Its result would be given to us and not to it, and it would wait for ever.
            raise LocalProtocolError("play_and_detect_speech cannot run while something else listens to the caller")
        listening = words(_engine(engine), _grammar(grammar, params))
        text = argument(*pieces, f" {_DETECT}", *listening, scope=terminators_scope(terminators))
        unset = unset_command(line, (_RESULT, _TERMINATOR))
        *_, execution = await line.start((unset, line.execute_command("play_and_detect_speech", text)))
        completion = await line.finish(execution)
        # play_and_detect_speech_function() says it last of all: no nested application's word hides it.
        response = line.response_to(completion)
        if response.endswith("ERROR"):
            raise ApplicationFailed("play_and_detect_speech", text, f"did not detect speech: {response}")
        result = read_speech_result(completion.variables.get(_RESULT, ""))
        line.digits.strike_out_last(result.digit, execution.digits)
        return result


_TYPES: Final = {kind.value: kind for kind in SpeechEventType}


def _engine(engine: str) -> str:
    if check_word(engine, "engine").lower() in _VERBS:
        raise LocalProtocolError(f"engine is {engine!r}, which detect_speech takes for something else")
    return engine


def _grammar(grammar: str, params: Mapping[str, str] | None) -> str:
    """A grammar with what switch_core_asr_load_grammar() reads before it: ``{name=value,name=value}``."""
    if not grammar.strip():
        raise LocalProtocolError("grammar is empty")
    if not params:
        return "{}" + grammar if grammar[0] in "{ " else grammar
    for name, value in params.items():
        check_word(name, "a parameter's name", without=",={}")
        if not value or not value.isprintable() or value != value.strip() or any(c in ",{}'\\" for c in value):
            raise LocalProtocolError(f"{name} is {value!r}, and cannot have , {{ }} ' \\ or blanks around it")
    return "{" + ",".join(f"{name}={value}" for name, value in params.items()) + "}" + grammar
