"""mod_valet_parking: calls that wait in a lot until somebody fetches them."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, final

import attrs

from ..arguments.checks import check_file_name, check_number, check_word, milliseconds, whole_seconds
from ..arguments.text import Text, argument, shown, words
from ..errors import LocalProtocolError
from .base import CallBase
from .carried import carry
from .endings import is_elsewhere
from .variable_commands import unset_command

if TYPE_CHECKING:
    from .line import Line

__all__ = ["ParkedCall", "ParkingOutcome", "ParkingResult", "ValetParking"]

_LEFT_BEHIND: Final = ("valet_lot_extension",)
_STALL: Final = re.compile(r'<extension uuid="([^"]*)">(.*)</extension>')
# valet_parking_function() in mod_valet_parking.c has room for so many.
_MOST_DIGITS: Final = 127


class ParkingOutcome(StrEnum):
    """What became of a call that was to be parked."""

    FETCHED = "fetched"
    """Somebody fetched it."""
    FETCHES = "fetches"
    """A call was parked there already, and this one talks to it."""
    NO_STALL = "no_stall"
    """There was no free stall, or no parked call to fetch."""
    LEFT = "left"
    """We took it out."""
    ENDED = "ended"
    """It waited as long as it was to, or the caller pressed ``#``. FreeSWITCH does not tell which."""


@final
@attrs.frozen
class ParkingResult:
    """What became of a call that was to be parked."""

    outcome: ParkingOutcome
    """What. After FETCHED and FETCHES the call is somebody else's, and whatever is asked of it raises
    ``CallTransferred``."""
    stall: str | None
    """Where it was parked: ``valet_lot_extension``; None if it never was."""


@final
@attrs.frozen
class ParkedCall:
    """A call that waits in a lot."""

    stall: str
    channel_uuid: str


class ValetParking(CallBase):
    """Parking lots."""

    async def valet_park(
        self,
        lot: str,
        stall: str | int | None = None,
        *,
        min_stall: int = 1,
        max_stall: int = 0,
        announce: bool = True,
        music: Text | None = None,
        max_wait_seconds: float | None = None,
    ) -> ParkingResult:
        """Park the call until somebody fetches it; where one is parked already, fetch that.

        Runs ``valet_park``. The call stays until somebody runs ``valet_park`` with the same lot and stall; then
        both are out of their handlers' hands. ``#`` ends the wait. If the waiting is cancelled the
        call is taken out.

        Args:
            lot: The lot; one that FreeSWITCH does not know is made.
            stall: Where; None is the first that is free, whose number the caller is told.
            min_stall: The first of them.
            max_stall: The last of them; 0 is no limit.
            announce: Tell the number (the phrase ``valet_announce_ext``).
            music: What the caller hears; None is what ``valet_hold_music`` or his hold music says.
            max_wait_seconds: How long he waits at most, in whole seconds; None is for ever.

        Returns:
            Where it was parked, and what became of it.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        where = _range("auto", "in", min_stall, max_stall) if stall is None else [_check_stall(stall)]
        return await _park(self._line, [_check_lot(lot), *where], announce, music, max_wait_seconds)

    async def valet_ask(
        self,
        lot: str,
        *,
        min_digits: int = 1,
        max_digits: int = 11,
        timeout_seconds: float = 10,
        prompt: Text = "ivr/ivr-enter_ext_pound.wav",
        music: Text | None = None,
        max_wait_seconds: float | None = None,
    ) -> ParkingResult:
        """Ask the caller for a stall, and park him there, or fetch the call that is parked there.

        Runs ``valet_park LOT ask``, which asks until he answers. What it returns is as of ``valet_park``.

        Args:
            lot: The lot.
            min_digits: How many digits a stall has at least.
            max_digits: How many it has at most; ``#`` ends fewer.
            timeout_seconds: After how long he is asked again.
            prompt: What asks him.
            music: What he hears when he is parked.
            max_wait_seconds: How long he is parked at most, in whole seconds.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        check_number(min_digits, "min_digits", least=1, most=_MOST_DIGITS)
        check_number(max_digits, "max_digits", least=min_digits, most=_MOST_DIGITS)
        check_file_name(shown(prompt), "prompt")
        wait = milliseconds(timeout_seconds, "timeout_seconds", least=0.001)
        parts = [_check_lot(lot), "ask", str(min_digits), str(max_digits), str(wait), prompt]
        return await _park(self._line, parts, True, music, max_wait_seconds)

    async def valet_fetch(self, lot: str, *, min_stall: int = 1, max_stall: int = 9999) -> ParkingResult:
        """Talk to the call that has been parked longest.

        Runs ``valet_park LOT auto out``. With nobody parked the caller is told so (the phrase ``valet_lot_empty``).

        Args:
            lot: The lot.
            min_stall: The first stall to look at.
            max_stall: The last. There has to be one: without it FreeSWITCH would search an empty lot for ever.

        Returns:
            FETCHES or NO_STALL.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        # next_id() in mod_valet_parking.c goes on until it has found one, if there is no limit.
        check_number(max_stall, "max_stall", least=1, most=2**31 - 1)
        return await _park(
            self._line, [_check_lot(lot), *_range("auto", "out", min_stall, max_stall)], True, None, None
        )

    async def valet_info(self, lot: str) -> list[ParkedCall]:
        """Ask who is parked in a lot.

        Runs the ``valet_info`` command.

        Raises:
            LocalProtocolError: It is no lot's name; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: mod_valet_parking is not there.
            CallEnded: The call is over, and its socket too.
        """
        text = await self._line.api_text(f"valet_info {_check_lot(lot)}")
        return [ParkedCall(stall, channel_uuid) for channel_uuid, stall in _STALL.findall(text)]


async def _park(
    line: Line, parts: list[Text], announce: bool, music: Text | None, max_wait_seconds: float | None
) -> ParkingResult:
    variables: dict[str, Text | None] = {"valet_announce_slot": None if announce else "false"}
    if max_wait_seconds is not None:
        variables["valet_parking_timeout"] = str(whole_seconds(max_wait_seconds, "max_wait_seconds", least=0.001))
    if music is not None:
        check_file_name(shown(music), "music")
        variables["valet_hold_music"] = music
    carried = carry(line, variables)
    command = line.execute_command("valet_park", argument(*words(*parts), scope=carried.scope))
    *_, execution = await line.start((unset_command(line, _LEFT_BEHIND), *carried.commands, command))
    try:
        completion = await line.finish(execution)
    finally:
        await carried.undo(line)
    stall = completion.variables.get("valet_lot_extension")
    if is_elsewhere(completion.block):
        outcome = ParkingOutcome.FETCHES if stall is None else ParkingOutcome.FETCHED
    elif execution.was_stopped:
        outcome = ParkingOutcome.LEFT
    else:
        outcome = ParkingOutcome.NO_STALL if stall is None else ParkingOutcome.ENDED
    return ParkingResult(outcome, stall)


def _check_lot(lot: str) -> str:
    check_word(lot, "lot", without=",:")
    if lot.startswith("^^"):
        raise LocalProtocolError(f"lot is {lot!r}, and that beginning has a meaning of its own")
    return lot


def _check_stall(stall: str | int) -> str:
    name = check_word(str(stall), "stall", without=",:")
    if name.lower() in ("auto", "ask"):
        raise LocalProtocolError(f"stall is {stall!r}, which FreeSWITCH takes for something else")
    return name


def _range(kind: str, direction: str, min_stall: int, max_stall: int) -> list[Text]:
    check_number(min_stall, "min_stall", least=1, most=2**31 - 1)
    if max_stall:
        check_number(max_stall, "max_stall", least=min_stall, most=2**31 - 1)
    return [kind, direction, str(min_stall), str(max_stall)]
