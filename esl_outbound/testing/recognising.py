"""What listens to a caller: a speech recogniser, and detectors of tones.

After ``switch_ivr_detect_speech()`` and ``switch_ivr_tone_detect_session()`` of ``switch_ivr_async.c``, and, for what a
recogniser writes, after ``mod_pocketsphinx.c``. Nothing is heard that a test did not say.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Final, final

import trio

from .expansion import separate
from .wire import Event, atoi

if TYPE_CHECKING:
    from .session import Session

__all__ = ["CannotListen", "Recogniser", "Tones"]

_NO_INPUT_MS: Final = 4000
_SPEECH: Final = ("switch_ivr_async.c", "speech_thread", 4990)
_TONE: Final = ("switch_ivr_async.c", "tone_detect_callback", 4285)


class CannotListen(Exception):
    """There is no such recogniser, or it does not take the grammar; ``str()`` is what FreeSWITCH says of it."""


@final
class Recogniser:
    """A speech recogniser that is attached to a channel.

    Args:
        session: The channel's thread.
        engine: Its module.

    Raises:
        CannotListen: There is no such module.
    """

    def __init__(self, session: Session, engine: str) -> None:
        if engine.partition(":")[0] in session.core.missing_engines:
            raise CannotListen("ASR INIT ERROR")
        self._session = session
        self._no_input_ms = _NO_INPUT_MS
        self._has_timers = False
        self._waits: trio.CancelScope | None = None
        self.grammar = ""
        self.is_listening = False
        """Whether it heeds what is said."""

    def load(self, grammar: str) -> None:
        """Take a grammar, with the parameters before it (``switch_core_asr_load_grammar()``), and listen.

        Raises:
            CannotListen: It does not take it.
        """
        params = re.match(r" *\{([^{}]*)\}", grammar)
        for pair in separate(params[1], ",") if params is not None else ():
            self.set_param(*(*separate(pair, "=", 2), "", "")[:2])
        grammar = grammar[params.end() :] if params is not None else grammar.lstrip(" ")
        if not grammar or any(fnmatch.fnmatchcase(grammar, each) for each in self._session.core.missing_grammars):
            self.stop()
            raise CannotListen("GRAMMAR ERROR")
        self.grammar = grammar
        self.resume()

    def set_param(self, name: str, value: str) -> None:
        """Set a parameter."""
        if name == "no-input-timeout":
            self._no_input_ms = atoi(value)
        elif name == "start-input-timers":
            self._has_timers = value == "true"

    def pause(self) -> None:
        """Heed nothing."""
        self.is_listening = False
        self._stop_timer()

    def resume(self) -> None:
        """Heed what is said."""
        self.is_listening = True
        if self._has_timers:
            self.start_input_timers()

    def start_input_timers(self) -> None:
        """Wait for words only so long."""
        self._has_timers = True
        self._stop_timer()
        if self._no_input_ms > 0 and self.is_listening:
            self._waits = trio.CancelScope()
            self._session.start_soon(partial(self._wait, self._waits))

    def _stop_timer(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    async def _wait(self, scope: trio.CancelScope) -> None:
        with scope:
            with trio.move_on_after(self._no_input_ms / 1000):
                await self._session.over.wait()
                return
            self._waits = None
            self._understood('<input mode="speech"><noinput/></input>', "")

    def stop(self) -> None:
        """Let go of the channel."""
        self.pause()
        if self._session.recogniser is self:
            self._session.recogniser = None
            self._tell("closed")

    # What the caller does

    def hears_something(self) -> None:
        """The caller begins to say something."""
        if self.is_listening:
            self._stop_timer()
            self._tell("begin-speaking")

    def hears(self, words: str | None, confidence: int, result: str) -> None:
        """The caller has said something: what a recogniser makes of it.

        Args:
            words: What was understood; None if nothing was.
            confidence: How sure it is, of 100.
            result: All that it says of that, if it is another recogniser's.
        """
        if not self.is_listening:
            return
        if result:
            self.pause()
            self._tell("detected-speech", result)
        elif words is None:
            self._understood('<input mode="speech"><nomatch/></input>', "")
        else:
            about = f' grammar="{self.grammar}" confidence="{confidence}"'
            self._understood(f'<input mode="speech">{words}</input>', about)

    def _understood(self, said: str, about: str) -> None:
        """Say what pocketsphinx_asr_get_results() writes, and wait to be resumed."""
        self.pause()
        self._tell(
            "detected-speech",
            f'<?xml version="1.0"?>\n<result grammar="{self.grammar}">\n'
            f"  <interpretation{about}>\n    {said}\n  </interpretation>\n</result>\n",
        )

    def _tell(self, kind: str, body: str = "") -> None:
        session = self._session
        make = partial(session.core.make_event, "DETECTED_SPEECH", body=body, site=_SPEECH)
        _queue(session, make(headers=[("Speech-Type", kind)]), fires_copy=session.channel.is_true("fire_asr_events"))


@final
class Tones:
    """The tones that are listened for on a channel, each heard once.

    Args:
        session: The channel's thread.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._awaited: Final[dict[str, tuple[frozenset[float], bool]]] = {}
        """By name: what it is made of, and whether it is still to be heard."""

    def add(self, name: str, frequencies: Iterable[float]) -> None:
        """Listen for a tone, or once more for one that was heard."""
        known = next((each for each in self._awaited if each.lower() == name.lower()), None)
        if known is not None:
            self._awaited[known] = (self._awaited[known][0], True)
        elif made_of := frozenset(filter(None, frequencies)):
            self._awaited[name] = (made_of, True)

    def clear(self) -> None:
        """Listen for no tone."""
        self._awaited.clear()

    def hear(self, frequencies: Iterable[float]) -> None:
        """There is a tone."""
        heard = frozenset(frequencies)
        for name, (made_of, is_awaited) in tuple(self._awaited.items()):
            if is_awaited and made_of <= heard:
                self._awaited[name] = (made_of, False)
                headers = [("Detected-Tone", name)]
                event = self._session.core.make_event("DETECTED_TONE", headers=headers, site=_TONE)
                _queue(self._session, event, fires_copy=True)


def _queue(session: Session, event: Event, *, fires_copy: bool) -> None:
    """Queue an event to the session; the copy that is fired to the world is the same event."""
    if fires_copy:
        told = session.channel.headers(event.name) if event.name == "DETECTED_SPEECH" else ()
        session.core.fire(Event(event.name, (*event.headers, *told), event.body))
    session.take_event(event)
