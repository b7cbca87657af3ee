"""Digits that FreeSWITCH acts upon by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias, final

import attrs

from ..arguments.applications import later_argument
from ..arguments.checks import check_digits, check_number, check_pattern, check_word, milliseconds
from ..arguments.text import Text, argument, words
from ..errors import LocalProtocolError
from .collecting import CollectingDigits
from .dtmf import Dtmf
from .lasting import lasting

if TYPE_CHECKING:
    from ..protocol import Execute

__all__ = ["DigitAction", "DigitTarget", "KeyBindings", "MetaKeyOf", "MetaRunsOn", "RunApi", "RunApplication"]

# DMACHINE_MAX_DIGIT_LEN of switch_ivr_async.c, with what is put around a pattern.
_LONGEST_PATTERN: Final = 500
_META_KEYS: Final = frozenset("0123456789ABCD")
# switch_ivr_unbind_dtmf_meta_session() takes 0 for all keys, and no letters.
_META_KEYS_TO_UNBIND: Final = frozenset("123456789")


class DigitTarget(StrEnum):
    """Whose digits are bound, and who runs what is bound to them (``str2target()`` in mod_dptools.c)."""

    SELF = "self"
    """This call."""
    PEER = "peer"
    """The other leg of a bridge, as this call hears its digits."""
    BOTH = "both"


class MetaKeyOf(StrEnum):
    """Who may press a meta key."""

    CALLER = "a"
    """This call."""
    OTHER_LEG = "b"
    """The other leg of a bridge."""
    BOTH = "ab"


class MetaRunsOn(StrEnum):
    """Where it runs what a meta key sets off."""

    SAME = "s"
    """On the leg that pressed it."""
    OPPOSITE = "o"
    """On the leg that did not."""
    CALLER = "a"
    """On this call."""
    OTHER_LEG = "b"
    """On the other leg."""


@final
@attrs.frozen
class RunApplication:
    """An application that digits set off. It runs as it would if it were executed then: nested in what runs."""

    application: str
    """Its name."""
    argument: Text = ""
    """Its argument, as it takes it; in an ``Expand``, ``${...}`` is expanded when the digits are pressed."""
    inline: bool = False
    """Run it in the thread that takes the digits, and let no sound through until it is over (``exec[i]``)."""
    hold_other_leg: bool = True
    """Whether the other leg of a bridge is on hold meanwhile (``exec[H]`` says no)."""
    has_priority: bool = False
    """Act as soon as this matches, and do not wait whether longer digits would, too (``exec[P]``)."""


@final
@attrs.frozen
class RunApi:
    """An API command that digits set off; the variable ``bind_digit_action_api_result`` has what it printed."""

    command: str
    """Its name."""
    argument: str = ""
    """Its argument."""


DigitAction: TypeAlias = RunApplication | RunApi
"""What digits set off."""


class KeyBindings(CollectingDigits, Dtmf):
    """Digits that FreeSWITCH acts upon by itself, digits that it collects, and digits that are sent."""

    # Digits in a row

    async def bind_digit_action(
        self,
        realm: str,
        digits: str,
        action: DigitAction,
        *,
        is_pattern: bool = False,
        first_match: bool = False,
        digits_of: DigitTarget = DigitTarget.SELF,
        runs_on: DigitTarget = DigitTarget.SELF,
        digit_timeout_seconds: float | None = None,
        terminators: str = "",
    ) -> None:
        r"""Let digits in a row set off an application or an API command, from now on.

        Runs the ``bind_digit_action`` application. From the first binding on, FreeSWITCH looks at every digit of
        that leg: those that set something off are in no event and not in ``digits``, and those that
        may belong to something longer come there only when it is clear that they do not, after the digit
        timeout at the latest. Only one realm counts: the one that got a binding or was set last.

        Args:
            realm: A set of bindings, of which one counts at a time.
            digits: The digits in a row, such as ``*1``, or a pattern.
            action: What they set off.
            is_pattern: ``digits`` is a regular expression that they match as a whole, such as ``[1-4]\d``. Where it
                is the only binding of its realm it acts as soon as it matches, else after the digit timeout.
            first_match: Act as soon as this matches, and do not wait for more digits.
            digits_of: Whose digits count.
            runs_on: Where it runs.
            digit_timeout_seconds: How long to wait for a further digit; it counts only if this is the first binding.
                Else the variable ``bind_digit_digit_timeout`` says, else it is 1.5.
            terminators: Digits that end the wait for further ones; the variable ``bda_terminators`` if empty.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        scope = _digit_scope(digit_timeout_seconds, terminators)
        what = _digits(digits, terminators, is_pattern=is_pattern, first_match=first_match)
        await line.execute("bind_digit_action", _binding(realm, what, action, digits_of, runs_on, scope))

    async def clear_digit_action(self, realm: str | None = None, *, digits_of: DigitTarget = DigitTarget.SELF) -> None:
        """Take bindings of digits back.

        Runs the ``clear_digit_action`` application.

        Args:
            realm: The realm; all realms if None. After that of the realm that counts, none does, and digits come
                late, until another one is set or all are cleared.
            digits_of: Whose digits were bound.

        Raises:
            LocalProtocolError: The realm cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("clear_digit_action", _clearing(realm, digits_of))

    async def digit_action_set_realm(self, realm: str, *, digits_of: DigitTarget = DigitTarget.SELF) -> None:
        """Say which bindings of digits count from now on; a realm without any changes nothing.

        Runs the ``digit_action_set_realm`` application.

        Args:
            realm: The realm.
            digits_of: Whose digits.

        Raises:
            LocalProtocolError: The realm cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("digit_action_set_realm", f"{_realm(realm)},{digits_of.value}")

    @asynccontextmanager
    async def digit_actions(
        self,
        realm: str,
        actions: Mapping[str, DigitAction],
        *,
        back_to: str | None = None,
        digits_of: DigitTarget = DigitTarget.SELF,
        runs_on: DigitTarget = DigitTarget.SELF,
        digit_timeout_seconds: float | None = None,
        terminators: str = "",
    ) -> AsyncIterator[None]:
        """Let digits in a row set something off while the block lasts.

        Runs ``bind_digit_action`` for each, ``digit_action_set_realm``, all in one write, and, whatever happens,
        ``clear_digit_action``.

        Args:
            realm: A set of bindings, which counts within the block.
            actions: What the digits set off.
            back_to: The realm that counts after the block; without one all bindings of that leg are taken
                back, those of other realms, too.
            digits_of: Whose digits count.
            runs_on: Where it runs.
            digit_timeout_seconds: As of ``bind_digit_action``.
            terminators: As of ``bind_digit_action``.

        Raises:
            LocalProtocolError: One of them cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        if not actions:
            raise LocalProtocolError("there are no digits to be bound")
        scope = _digit_scope(digit_timeout_seconds, terminators)
        back = None if back_to is None else f"{_realm(back_to)},{digits_of.value}"
        bind = [
            _binding(realm, _digits(digits, "", is_pattern=False, first_match=False), action, digits_of, runs_on, scope)
            for digits, action in actions.items()
        ]
        commands: list[Execute] = [line.execute_command("bind_digit_action", each) for each in bind]
        commands.append(line.execute_command("digit_action_set_realm", f"{_realm(realm)},{digits_of.value}"))
        try:
            *_, execution = await line.start(commands)
            await line.finish(execution)
            yield
        finally:
            await line.undo("clear_digit_action", _clearing(None if back is None else realm, digits_of))
            if back is not None:
                await line.undo("digit_action_set_realm", back)

    # A meta key and another one

    async def bind_meta_app(
        self,
        key: str,
        application: str,
        argument: Text = "",
        *,
        pressed_by: MetaKeyOf = MetaKeyOf.CALLER,
        runs_on: MetaRunsOn = MetaRunsOn.SAME,
        once: bool = False,
        inline: bool = False,
        meta_key: str | None = None,
    ) -> None:
        """Let ``*`` and a key set off an application whenever they are pressed, from now on.

        Runs the ``bind_meta_app`` application. Neither key is in an event or in ``digits`` then; the meta key pressed
        twice is an ordinary digit. The other leg of a bridge is on hold while it runs.

        Args:
            key: The key behind the meta key: 0-9, A-D.
            application: The application's name.
            argument: Its argument; in an ``Expand``, ``${...}`` is expanded when the key is pressed.
            pressed_by: Who may press it.
            runs_on: Where it runs.
            once: Unbind the key when it was pressed.
            inline: Run it in the thread that takes the digits.
            meta_key: The meta key of this and of all keys bound before; the variable ``bind_meta_key`` if not said,
                else ``*``.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        text = _meta_binding(key, application, argument, pressed_by, runs_on, once, inline, meta_key)
        await self._line.execute("bind_meta_app", text)

    async def unbind_meta_app(self, key: str | None = None) -> None:
        """Take back what ``bind_meta_app`` bound.

        Runs the ``unbind_meta_app`` application.

        Args:
            key: The key, 1-9; all keys if None. FreeSWITCH unbinds 0 and A-D only together with all.

        Raises:
            LocalProtocolError: It cannot be unbound alone; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("unbind_meta_app", "" if key is None else _key_to_unbind(key))

    @asynccontextmanager
    async def meta_app(
        self,
        key: str,
        application: str,
        argument: Text = "",
        *,
        pressed_by: MetaKeyOf = MetaKeyOf.CALLER,
        runs_on: MetaRunsOn = MetaRunsOn.SAME,
        once: bool = False,
        inline: bool = False,
        meta_key: str | None = None,
    ) -> AsyncIterator[None]:
        """Let ``*`` and a key set off an application while the block lasts.

        Runs ``bind_meta_app`` and, whatever happens, ``unbind_meta_app``. Arguments as of ``bind_meta_app``; the key
        is one of 1-9, which FreeSWITCH unbinds singly.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        text = _meta_binding(key, application, argument, pressed_by, runs_on, once, inline, meta_key)
        async with lasting(self._line, ("bind_meta_app", text), ("unbind_meta_app", _key_to_unbind(key))):
            yield


def _realm(realm: str) -> str:
    # clear_digit_action and digit_action_set_realm divide at the first comma, whatever is around it.
    if check_word(realm, "realm", without=",").lower() == "all":
        raise LocalProtocolError("no realm can be called all, which stands for all of them")
    return realm


def _clearing(realm: str | None, digits_of: DigitTarget) -> str:
    return f"{'all' if realm is None else _realm(realm)},{digits_of.value}"


def _digits(digits: str, terminators: str, *, is_pattern: bool, first_match: bool) -> str:
    """Digits as switch_ivr_dmachine_bind() reads them: ``=`` acts at the first match, ``~`` makes it a pattern."""
    first = "=" * first_match
    if not is_pattern:
        if not check_digits(digits, "digits"):
            raise LocalProtocolError("digits is empty, and should be at least one")
        return first + digits
    check_number(len(check_pattern(digits, "digits").pattern), "the length of digits", least=1, most=_LONGEST_PATTERN)
    if "~~" in digits:
        raise LocalProtocolError(f"digits is {digits!r}, and FreeSWITCH takes what follows ~~ for a substitution")
    # switch_ivr_dmachine_check_match() shows a pattern the terminator, too, and takes it off afterwards.
    end = f"[{terminators}]?" if terminators else ""
    return f"{first}~^(?:{digits}){end}$"


def _digit_scope(digit_timeout_seconds: float | None, terminators: str) -> dict[str, str]:
    scope: dict[str, str] = {}
    if digit_timeout_seconds is not None:
        timeout = milliseconds(digit_timeout_seconds, "digit_timeout_seconds", least=0.001)
        scope["bind_digit_digit_timeout"] = str(timeout)
    if terminators:
        scope["bda_terminators"] = check_digits(terminators, "terminators")
    return scope


def _binding(
    realm: str, digits: str, action: DigitAction, digits_of: DigitTarget, runs_on: DigitTarget, scope: Mapping[str, str]
) -> str:
    """The argument of bind_digit_action: up to six parts between commas (bind_digit_action_function())."""
    if isinstance(action, RunApplication):
        flags = "i" * action.inline + "H" * (not action.hold_other_leg) + "P" * action.has_priority
        name = check_word(action.application, "application", without=":!,[]")
        # What runs later is expanded then; here it is data.
        value = later_argument(name, action.argument)
        what = f"exec{f'[{flags}]' * bool(flags)}:{name}"
    else:
        what = f"api:{check_word(action.command, 'command', without=':!,[]')}"
        value = action.argument
    parts = [_realm(realm), digits, what, value, digits_of.value, runs_on.value]
    while parts[-1] in ("", DigitTarget.SELF.value) and len(parts) > 3 and not (len(parts) == 4 and parts[-1]):
        parts.pop()
    return argument(*words(*parts, delimiter=","), scope=scope)


def _meta_binding(
    key: str,
    application: str,
    value: Text,
    pressed_by: MetaKeyOf,
    runs_on: MetaRunsOn,
    once: bool,
    inline: bool,
    meta_key: str | None,
) -> str:
    """The argument of bind_meta_app: four parts between blanks (dtmf_bind_function())."""
    if key not in _META_KEYS:
        raise LocalProtocolError(f"key is {key!r}, and should be one of 0-9 A-D")
    if meta_key is not None and (len(meta_key) != 1 or check_digits(meta_key, "meta_key") == key):
        raise LocalProtocolError(f"meta_key is {meta_key!r}, and should be one digit other than the key")
    flags = runs_on.value + "i" * inline + "1" * once
    # switch_ivr_broadcast() divides at the first `::`; what runs later is expanded then, and here it is data.
    name = check_word(application, "application", without=":!")
    what = f"{name}::{later_argument(name, value)}"
    scope = {} if meta_key is None else {"bind_meta_key": meta_key}
    return argument(*words(key, pressed_by.value, flags, what), scope=scope)


def _key_to_unbind(key: str) -> str:
    if key not in _META_KEYS_TO_UNBIND:
        raise LocalProtocolError(f"key is {key!r}, and FreeSWITCH unbinds singly only 1-9")
    return key
