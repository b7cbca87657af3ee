"""Keys that run an application whenever they are pressed: ``bind_meta_app`` and ``bind_digit_action``.

What is bound runs later, as an application of its own, and is expanded then. Only the caller's keys count, and only
on the caller's channel something is run: the far end of a bridge has no thread here.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import partial
from typing import Final, final

import attrs
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
_LONGEST_PATTERN: Final = 511
"""For how many keys there is room, once a regular expression is bound."""


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
@attrs.frozen
class _Action:
    """What keys in a row do (``switch_ivr_dmachine_bind()``)."""

    keys: str
    """The keys, or a regular expression."""
    is_pattern: bool
    is_first: bool
    """Whether the first match counts, and no longer one is waited for."""
    has_priority: bool
    what: str
    argument: str

    @classmethod
    def read(cls, keys: str, what: str, argument: str) -> _Action:
        """What an argument says: ``=`` before the keys is the first match, ``~`` a regular expression."""
        flags = re.match(r"exec\[([^]]*)\]:", what)
        has_priority = flags is not None and "P" in flags[1]
        is_first, rest = keys.startswith("="), keys.removeprefix("=")
        return cls(rest.removeprefix("~"), rest.startswith("~"), is_first, has_priority, what, argument)

    def begins(self, pressed: str) -> bool:
        """Whether the keys begin with what was pressed."""
        return not self.is_pattern and self.keys.startswith(pressed)


class _Match(Enum):
    """What the keys that were pressed are, so far."""

    NONE = auto()
    PARTIAL = auto()
    BOTH = auto()
    EXACT = auto()
    NEVER = auto()


@final
class _Realm:
    """A set of actions, of which one counts at a time."""

    def __init__(self) -> None:
        self.actions: Final[list[_Action]] = []
        self.terminators = ""

    def match(self, pressed: str, longest: int, is_timeout: bool) -> tuple[_Match, _Action | None, str]:
        """What the keys mean (``switch_ivr_dmachine_check_match()``): how, what they do, and without terminator."""
        fitting = {each for each in self.actions if each.is_pattern and search(each.keys, pressed) is not None}
        patterns = sum(each.is_pattern for each in self.actions)
        possible = patterns + sum(each.begins(pressed) for each in self.actions)
        exact_keys = any(each.begins(pressed) and len(each.keys) == len(pressed) for each in self.actions)
        size = len(pressed)
        for terminator in self.terminators:
            if terminator in pressed:
                pressed, is_timeout = pressed[: pressed.rindex(terminator)], True
                break
        best, exact, has_longer = _Match.NONE, None, False
        for each in self.actions:
            if each.is_pattern:
                if each not in fitting:
                    continue
                if each.is_first or (each.has_priority and not exact_keys) or is_timeout or self.actions == [each]:
                    best, exact = _Match.EXACT, each
                    break
                best = _Match.PARTIAL
                continue
            waits_for_none = each.is_first or not patterns or each.has_priority or is_timeout
            if exact is None and waits_for_none and each.keys == pressed:
                best, exact = _Match.EXACT, each
                if each.is_first or each.has_priority or size == longest:
                    break
            if len(each.keys) != len(pressed) and each.begins(pressed):
                has_longer = has_longer or exact is not None
                best = _Match.PARTIAL if exact is None else _Match.BOTH
        if not possible:
            best = _Match.NEVER
        if exact is not None and (best is _Match.EXACT or (has_longer and is_timeout)):
            return _Match.EXACT, exact, pressed
        return best, None, pressed


@final
class _DigitActions:
    """What keys in a row do, in the realm that counts now (``switch_ivr_dmachine_feed()``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pressed = ""
        self._waits: trio.CancelScope | None = None
        self._longest = 0
        # Both are read when the machine is made.
        given = session.channel.get("bind_digit_digit_timeout")
        self._timeout = (_DIGIT_TIMEOUT_MS if given is None else max(atoi(given), 0)) / 1000
        self.realms: Final[dict[str, _Realm]] = {}
        self.realm: _Realm | None = None

    def bind(self, realm: str, keys: str, what: str, argument: str) -> None:
        """Let keys do something; a realm that gets more counts from then on."""
        action = _Action.read(keys, what, argument)
        here = self.realms.setdefault(realm, _Realm())
        same = next((n for n, each in enumerate(here.actions) if each.keys == action.keys), None)
        if same is not None:
            here.actions[same] = action
        else:
            here.actions.append(action)
            self.realm = here
            self._longest = _LONGEST_PATTERN if action.is_pattern else max(self._longest, len(keys))
        terminators = self._session.channel.get("bda_terminators")
        if terminators is not None and self.realm is not None:
            self.realm.terminators = terminators

    def clear(self, realm: str) -> None:
        """Let the keys of a realm do nothing."""
        if self.realms.pop(realm, None) is self.realm:
            self.realm = None

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def __call__(self, digit: str) -> bool:
        # switch_core_session_recv_dtmf() feeds it every digit, whatever runs.
        if len(self._pressed) < self._longest:
            self._pressed += digit
            self.stop()
            self._look(is_timeout=False)
        return True

    def _look(self, *, is_timeout: bool) -> None:
        """Do what the keys mean, give them back, or wait for more (``switch_ivr_dmachine_ping()``)."""
        size = len(self._pressed)
        match, action = _Match.NONE, None
        if self.realm is not None:
            match, action, self._pressed = self.realm.match(self._pressed, self._longest, is_timeout)
        if action is not None:
            self._do(action)
        elif is_timeout or match is _Match.NEVER or (match is _Match.NONE and size == self._longest):
            self._give_back()
        else:
            self._waits = trio.CancelScope()
            self._session.start_soon(partial(self._wait, self._waits))

    async def _wait(self, scope: trio.CancelScope) -> None:
        with scope:
            with trio.move_on_after(self._timeout):
                await self._session.over.wait()
                return
            self._waits = None
            self._look(is_timeout=True)

    def _do(self, action: _Action) -> None:
        self._session.channel.set("last_matching_digits", self._pressed)
        self._pressed = ""
        if action.what.startswith("exec"):
            _run(self._session, action.what.partition(":")[2], action.argument)
        elif action.what.startswith("api:"):
            self._session.start_soon(partial(self._run_api, action.what[4:], action.argument))

    async def _run_api(self, name: str, argument: str) -> None:
        output = await self._session.core.run_api(name, argument)
        self._session.channel.set("bind_digit_action_api_result", output)

    def _give_back(self) -> None:
        """Keys that mean nothing are there for whoever takes them."""
        pressed, self._pressed = self._pressed, ""
        self._session.channel.set("last_non_matching_digits", pressed)
        for digit in pressed:
            self._session.keys.queue(digit)


def _digit_actions(session: Session) -> _DigitActions | None:
    return next((each for each in session.keys.bindings if isinstance(each, _DigitActions)), None)


async def _bind_digit_action(session: Session, argument: str) -> None:
    """``<realm>,<keys or ~regular expression>,<exec:application or api:command>[,<argument>[,<leg>[,<leg>]]]``."""
    realm, keys, what, value, target, *_ = (*separate(argument, ",", 6), "", "", "", "", "")
    if not realm or not keys or not what or target.lower() == "peer":
        return
    actions = _digit_actions(session)
    if actions is None:
        actions = _DigitActions(session)
        session.keys.bindings.append(actions)
    actions.bind(realm, keys, what, value)


async def _set_realm(session: Session, argument: str) -> None:
    actions = _digit_actions(session)
    realm, _, target = argument.partition(",")
    if actions is not None and target.lower() != "peer" and realm in actions.realms:
        actions.realm = actions.realms[realm]


async def _clear(session: Session, argument: str) -> None:
    actions = _digit_actions(session)
    realm, _, target = argument.partition(",")
    if actions is None or target.lower() == "peer":
        return
    if realm.lower() in ("", "all"):
        actions.stop()
        session.keys.bindings.remove(actions)
    else:
        actions.clear(realm)


APPLICATIONS: Final = (
    Application("bind_meta_app", _bind_meta_app),
    Application("unbind_meta_app", _unbind_meta_app),
    Application("bind_digit_action", _bind_digit_action),
    Application("clear_digit_action", _clear),
    Application("digit_action_set_realm", _set_realm),
)
