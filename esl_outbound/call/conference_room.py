"""What can be done to a conference as a whole: the ``conference`` API command."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import trio

from ..arguments.checks import check_digits, check_file_name
from ..arguments.text import Text, shown, words
from ..errors import ApiFailed, CallEnded, LocalProtocolError
from ..protocol import HangupCause, hangup_cause
from .conference_results import ConferenceState, conference_state
from .execution import STOP_SECONDS

if TYPE_CHECKING:
    from .line import Line

__all__ = ["ConferenceRoom", "ask_conference", "check_pin", "one_line"]

_NOT_FOUND: Final = "-ERR Conference "
_NOTHING: Final = "-ERR no reply"
# conference_function() in mod_conference.c copies a PIN that was entered before into so much, however long it is.
_LONGEST_PIN: Final = 79


class ConferenceRoom:
    """A conference, as far as it is not about one of its members."""

    __slots__ = ("_line", "_name")

    def __init__(self, line: Line, name: str) -> None:
        self._line = line
        self._name = name

    @property
    def name(self) -> str:
        """The conference's name."""
        return self._name

    async def state(self) -> ConferenceState | None:
        """The conference, and who is in it; None if it is over.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over, and its socket too.
        """
        return await ask_conference(self._line, self._name)

    async def play_to_all(self, path: str) -> None:
        """Play a file to everybody, and do not wait for its end (``play-file-done``); errors as of ``play``.

        Args:
            path: The file; one that is not absolute is below the conference's ``sound-prefix``.
        """
        await self._ask("play", *words(check_file_name(path)))

    async def say_to_all(self, text: str) -> None:
        """Let the conference's speech synthesiser say a text to everybody; arguments and errors as of ``say``."""
        await self._say("say", "", one_line(text))

    async def stop_playing_to_all(self) -> None:
        """Stop what is played or said to everybody; errors as of ``stop_playing``."""
        await self._ask("stop", "all")

    async def lock(self) -> None:
        """Let nobody else in.

        Raises:
            ApiFailed: There is no such conference any more.
            CallEnded: The call ended first.
        """
        await self._ask("lock")

    async def unlock(self) -> None:
        """Let others in again; errors as of ``lock``."""
        await self._ask("unlock")

    async def set_pin(self, pin: str) -> None:
        """Ask whoever joins from now on for a PIN; errors as of ``lock``.

        Args:
            pin: Digits; empty asks nobody.
        """
        await self._ask(*(("pin", check_pin(pin)) if pin else ("nopin",)))

    async def record(self, path: str) -> None:
        """Record the conference into a file, until ``stop_recording`` or the conference's end.

        Args:
            path: The file. One that cannot be opened is not told.

        Raises:
            LocalProtocolError: The path cannot be said; nothing was sent.
            ApiFailed: It is recorded into this file already, or there is no such conference any more.
            CallEnded: The call ended first.
        """
        await self._ask("recording", "start ", *words(check_file_name(path)))

    async def stop_recording(self, path: str = "") -> None:
        """Stop recording it.

        Args:
            path: Into which file; into any, if not said.

        Raises:
            ApiFailed: It is not recorded into this file, or there is no such conference any more.
            CallEnded: The call ended first.
        """
        await self._ask("recording", "stop ", *(words(check_file_name(path)) if path else ("all",)))

    async def pause_recording(self, path: str) -> None:
        """Leave out of a recording what is said from now on; errors as of ``stop_recording``."""
        await self._ask("recording", "pause ", *words(check_file_name(path)))

    async def resume_recording(self, path: str) -> None:
        """Let a recording go on; errors as of ``stop_recording``."""
        await self._ask("recording", "resume ", *words(check_file_name(path)))

    async def dial(
        self, dial_string: str, *, caller_id_number: str = "", caller_id_name: str = ""
    ) -> HangupCause | str:
        """Call somebody into the conference, and wait until he has answered, or has not.

        Runs ``conference NAME dial`` in the background. He is rung for a minute at most. If the
        waiting is cancelled he is rung all the same.

        Args:
            dial_string: Whom, as FreeSWITCH has it: ``user/1001``, ``sofia/gateway/carrier/+4930123``.
            caller_id_number: What he sees; else the conference's own.
            caller_id_name: What he sees; else the conference's own.

        Returns:
            ``SUCCESS`` if he answered, else why he did not.

        Raises:
            LocalProtocolError: A text cannot be said; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: There is no such conference any more.
            CallEnded: The call ended first.
        """
        line = self._line
        await line.require_call()
        await line.require_full("calling somebody into a conference")
        cid = [caller_id_number, caller_id_name] if caller_id_number or caller_id_name else []
        what = "".join(map(shown, words(one_line(dial_string), *cid)))
        command = f"conference {self._name} dial {what}"
        response = await (await line.start_job(command)).result()
        _, found, cause = response.text.strip().partition("result: [")
        if not found:
            raise ApiFailed(command, response)
        return hangup_cause(cause.rstrip("]")) or ""

    # The command

    async def _ask(self, verb: str, *pieces: Text, answer: str = "+OK") -> None:
        line = self._line
        await line.require_call()
        rest = "".join(map(shown, pieces))
        command = f"conference {self._name} {verb} {rest}".rstrip()
        response = await line.api(command)
        # What cannot be done is told by a usage, or behind what would have been said (conference_api.c). Of all members
        # there may be none, and then nothing is printed.
        lines = response.text.splitlines()
        if lines != [_NOTHING] and (not response.text.startswith(answer) or any(map(_is_error, lines))):
            raise ApiFailed(command, response)

    async def _say(self, verb: str, to: str, text: str) -> None:
        # The command looks for its own name in the whole line (conference_api_dispatch() in conference_api.c).
        if verb in self._name:
            await self._ask("play", *words(f"say:{text}", *([to.strip()] if to else [])))
        else:
            await self._ask(verb, to + text)

    async def _undo(self, what: str) -> None:
        # The conference may go on without us, and after a hangup its command can still be given; if it is over, there
        # is nothing to undo.
        with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_SECONDS), suppress(CallEnded):
            await self._line.api(f"conference {self._name} {what}")


async def ask_conference(line: Line, name: str) -> ConferenceState | None:
    """A conference, and who is in it; None if there is none of that name."""
    command = f"conference {name} json_list"
    response = await line.api(command)
    if response.text.startswith(_NOT_FOUND):
        return None
    if not response.ok:
        raise ApiFailed(command, response)
    return conference_state(response.text)


def check_pin(pin: str) -> str:
    """A PIN that somebody can type: ``#`` ends it."""
    if "#" in check_digits(pin, "pin"):
        raise LocalProtocolError(f"pin is {pin!r}, and # ends what is typed")
    if len(pin) > _LONGEST_PIN:
        raise LocalProtocolError(f"pin has {len(pin)} digits, and should have {_LONGEST_PIN} at most")
    return pin


def one_line(text: str) -> str:
    """A text that a command can take."""
    if not text.strip() or any(c < " " for c in text):
        raise LocalProtocolError(f"{text!r} is no text on one line")
    return text


def _is_error(text: str) -> bool:
    return text.startswith("-ERR ")
