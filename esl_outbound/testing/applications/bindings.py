"""Keys that run an application whenever they are pressed: ``bind_meta_app`` and ``bind_digit_action``.

What is bound runs later, as an application of its own, and is expanded then. Only the caller's keys count, and only
on the caller's channel something is run: the far end of a bridge has no thread here.
"""

from __future__ import annotations

from functools import partial
from typing import Final, final

import trio

from ..expansion import separate
from ..patterns import search
from ..session import Session
from ..wire import atoi
from .application import Application

__all__ = ["APPLICATIONS"]

_META_SECONDS: Final = 5
"""How long the key behind ``*`` may take."""
_DIGIT_TIMEOUT_MS: Final = 1500


def _run(session: Session, application: str, argument: str) -> None:
    """Let an application run nested, as ``switch_ivr_broadcast()`` does."""
    session.executions.queue_execution(application, argument)


# `*` and a key


@final
class _MetaKeys:
    """What ``*`` and another key run (``meta_on_dtmf()``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_on = False
        self._last = 0.0
        self.bound: Final[dict[str, tuple[str, bool]]] = {}
        """By key: the application and its argument as ``application::argument``, and whether once only."""

    def __call__(self, digit: str) -> bool:
        now = trio.current_time()
        if self._is_on and now - self._last > _META_SECONDS:
            self._is_on = False
            return False
        self._last = now
        if digit == "*":
            self._is_on = not self._is_on
            return self._is_on
        if not self._is_on:
            return False
        self._is_on = False
        application, once = self.bound.get(digit, ("", False))
        if application:
            name, _, argument = application.partition("::")
            _run(self._session, name, argument)
        if once:
            del self.bound[digit]
        return True


def _meta_keys(session: Session) -> _MetaKeys | None:
    return next((each for each in session.keys.bindings if isinstance(each, _MetaKeys)), None)


async def _bind_meta_app(session: Session, argument: str) -> None:
    """``<key> [a|b|ab] [a|b|o|s|i|1] <application>[::<argument>]``."""
    words = separate(argument, limit=4)
    if len(words) != 4 or "a" not in words[1]:
        return
    keys = _meta_keys(session)
    if keys is None:
        keys = _MetaKeys(session)
        session.keys.bindings.append(keys)
    if "b" not in words[2] and "o" not in words[2]:
        keys.bound[words[0]] = (words[3], "1" in words[2])


async def _unbind_meta_app(session: Session, argument: str) -> None:
    keys = _meta_keys(session)
    if keys is not None and argument:
        keys.bound.pop(argument.strip(), None)
    elif keys is not None:
        session.keys.bindings.remove(keys)


# Keys in a row


@final
class _DigitActions:
    """What keys in a row do, in the realm that counts now (``switch_ivr_dmachine_feed()``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pressed = ""
        self._waits: trio.CancelScope | None = None
        self.realm = ""
        self.bound: Final[list[tuple[str, str, str, str]]] = []
        """Realm, keys, what is done, and its argument."""

    def __call__(self, digit: str) -> bool:
        if self._session.executions.runs_any:
            return False
        self._pressed += digit
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None
        mine = [each for each in self.bound if each[0] == self.realm]
        longer = [each for each in mine if each[1].startswith("~") or each[1].startswith(self._pressed)]
        exact = next((each for each in mine if each[1] == self._pressed), None)
        if exact is not None and longer == [exact]:
            self._do(exact)
        elif longer:
            timeout = atoi(self._session.channel.get("bind_digit_digit_timeout") or "") or _DIGIT_TIMEOUT_MS
            self._waits = trio.CancelScope()
            self._session.start_soon(partial(self._wait, self._waits, timeout / 1000))
        else:
            self._give_back()
        return True

    async def _wait(self, scope: trio.CancelScope, seconds: float) -> None:
        with scope:
            with trio.move_on_after(seconds):
                await self._session.over.wait()
                return
            self._waits = None
            mine = [each for each in self.bound if each[0] == self.realm]
            found = next((each for each in mine if _matches(each[1], self._pressed)), None)
            if found is not None:
                self._do(found)
            else:
                self._give_back()

    def _do(self, action: tuple[str, str, str, str]) -> None:
        _, _, what, argument = action
        self._session.channel.set("last_matching_digits", self._pressed)
        self._pressed = ""
        if what.startswith("exec"):
            _run(self._session, what.partition(":")[2], argument)
        elif what.startswith("api:"):
            self._session.start_soon(partial(self._run_api, what[4:], argument))

    async def _run_api(self, name: str, argument: str) -> None:
        output = await self._session.core.run_api(name, argument)
        self._session.channel.set("bind_digit_action_api_result", output)

    def _give_back(self) -> None:
        """Keys that mean nothing are there for whoever takes them."""
        pressed, self._pressed = self._pressed, ""
        self._session.channel.set("last_non_matching_digits", pressed)
        for digit in pressed:
            self._session.keys.queue(digit)


def _matches(keys: str, pressed: str) -> bool:
    if not keys.startswith("~"):
        return keys == pressed
    return search(keys[1:], pressed) is not None


def _digit_actions(session: Session) -> _DigitActions | None:
    return next((each for each in session.keys.bindings if isinstance(each, _DigitActions)), None)


async def _bind_digit_action(session: Session, argument: str) -> None:
    """``<realm>,<keys or ~regular expression>,<exec:application or api:command>[,<argument>[,<leg>[,<leg>]]]``."""
    realm, keys, what, value, target, *_ = (*separate(argument, ",", 6), "", "", "", "", "")
    if not what or (target and target not in ("self", "both")):
        return
    actions = _digit_actions(session)
    if actions is None:
        actions = _DigitActions(session)
        session.keys.bindings.append(actions)
    actions.realm = actions.realm or realm
    actions.bound.append((realm, keys, what, value))


async def _set_realm(session: Session, argument: str) -> None:
    actions = _digit_actions(session)
    if actions is not None:
        actions.realm = argument.partition(",")[0]


async def _clear(session: Session, argument: str) -> None:
    actions = _digit_actions(session)
    if actions is None:
        return
    realm = argument.partition(",")[0]
    if realm.lower() == "all":
        session.keys.bindings.remove(actions)
    actions.bound[:] = [each for each in actions.bound if each[0] != realm]


APPLICATIONS: Final = (
    Application("bind_meta_app", _bind_meta_app),
    Application("unbind_meta_app", _unbind_meta_app),
    Application("bind_digit_action", _bind_digit_action),
    Application("clear_digit_action", _clear),
    Application("digit_action_set_realm", _set_realm),
)
