"""What a test says wrongly is refused at once, with what was meant, if that can be guessed."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Sequence
from typing import cast, get_args

from ..handler import HandlerSource, handler_factory
from .causes import Q850
from .endpoints import Endpoint
from .event_names import EVENT_NAMES
from .targets import Target, is_socket_application
from .virtual import time_jumps

__all__ = [
    "check_actions",
    "check_cause",
    "check_endpoint",
    "check_event_names",
    "check_mode",
    "check_target",
    "check_texts",
]

_MODES = ("async full", "async", "full", "")


def check_target(target: Target, known: Container[str]) -> None:
    """Refuse what cannot take a call.

    Args:
        target: What is to take it.
        known: Addresses of which is known who is there, in memory.

    Raises:
        TypeError: It is nothing that ``dial`` takes.
        ValueError: It is no address, or an address while time jumps.
    """
    __tracebackhide__ = True
    if isinstance(target, str):
        addresses = [host.partition("/")[0] for host in target.split("|")]
        for address in addresses:
            _, colon, port = address.rpartition(":")
            if colon and not port.isdecimal() and "$" not in address:
                raise ValueError(f"{address!r} is no address: that is host:port; a handler is given as its class")
        if "$" not in target and not any(address in known for address in addresses) and time_jumps():
            raise ValueError(
                f"{target} is on the network, which takes real time: mark the test with @pytest.mark.trio(run=trio.run)"
            )
    elif not is_socket_application(target):
        handler_factory(cast("HandlerSource", target))


def check_mode(mode: str) -> None:
    """Refuse flags that no dialplan line has."""
    if "$" not in mode and " ".join(sorted(mode.split())) not in _MODES:
        raise ValueError(f"mode is {mode!r}; there are 'async full', 'async', 'full' and ''")


def check_endpoint(endpoint: str) -> None:
    """Refuse an endpoint that is not simulated."""
    if endpoint not in get_args(Endpoint):
        raise ValueError(f"endpoint is {endpoint!r}; there are {' and '.join(map(repr, get_args(Endpoint)))}")


def check_cause(cause: str) -> None:
    """Refuse a hangup cause that FreeSWITCH does not have; none is fine."""
    if cause and cause not in Q850:
        raise ValueError(f"{cause!r} is no hangup cause{_near(cause, Q850)}")


def check_event_names(names: object) -> None:
    """Refuse events that FreeSWITCH does not have."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"names of events stand in a set, not in {names!r}")
    for name in names:
        if name not in EVENT_NAMES:
            raise ValueError(f"{name!r} is no event{_near(str(name), EVENT_NAMES)}")


def check_texts(**texts: object) -> None:
    """Refuse numbers where FreeSWITCH has text."""
    for name, text in texts.items():
        if not isinstance(text, str):
            raise TypeError(f"{name} is {text!r}, and should be a str")


def check_actions(**dialplans: Sequence[str]) -> None:
    """Refuse one text where a list of actions is meant."""
    for name, actions in dialplans.items():
        if isinstance(actions, str) or not all(isinstance(action, str) for action in actions):
            raise TypeError(f"{name} is {actions!r}, and should be a list of actions, each 'application argument'")


def _near(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, names, 1)
    return f"; did you mean {near[0]}?" if near else ""
