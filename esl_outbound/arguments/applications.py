"""What an application is given that runs later, or elsewhere: when a key sets it off, or on a channel that is made."""

from __future__ import annotations

import re
from typing import Final, final

import attrs

from ..errors import LocalProtocolError
from .checks import check_file_name
from .text import Expand, Text, argument, escaped, shown

__all__ = ["Application", "check_played", "later_argument"]

# They expand the value a second time by themselves (base_set() in mod_dptools.c, and what calls it).
_EXPAND_VALUE: Final = frozenset({"set", "push", "unshift"})
# switch_ivr_broadcast() takes what stands before these colons for an application's name.
_APPLICATION: Final = re.compile(r"[^:]*::")


@final
@attrs.frozen
class Application:
    """An application that a call which is placed shall run: ``Application("playback", "welcome.wav")``."""

    name: str
    """Its name."""
    argument: Text = ""
    """Its argument, as it takes it; in an ``Expand``, ``${...}`` is expanded when it runs."""


def later_argument(application: str, text: Text) -> str:
    """The raw argument of an application that runs later, and is expanded then, as any is that is executed.

    Data reaches it as it is; an ``Expand`` is expanded when it runs.

    Raises:
        LocalProtocolError: Data for ``multiset``, which cannot be given any exactly.
    """
    name = application.lower()
    if isinstance(text, Expand):
        return argument(text)
    if name in _EXPAND_VALUE:
        variable, equals, value = text.partition("=")
        return argument(f"{variable}{equals}{escaped(value)}")
    if name == "multiset":
        raise LocalProtocolError("multiset expands what it is given; run a set for each variable, or give an Expand")
    return argument(text)


def check_played(path: Text, name: str = "path") -> None:
    """A file that FreeSWITCH broadcasts to a channel, and could take for an application.

    Raises:
        LocalProtocolError: It would, or no file can have that name.
    """
    text = check_file_name(shown(path), name)
    if _APPLICATION.match(text) is not None:
        raise LocalProtocolError(f"{name} is {text!r}, which FreeSWITCH takes for an application's name and argument")
