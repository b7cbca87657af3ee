"""What an application is given that runs later, when a key or a tone sets it off."""

from __future__ import annotations

from typing import Final

from ..arguments.text import Expand, Text, argument, escaped
from ..errors import LocalProtocolError

__all__ = ["later_argument"]

# They expand the value a second time by themselves (base_set() in mod_dptools.c, and what calls it).
_EXPAND_VALUE: Final = frozenset({"set", "push", "unshift"})


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
        raise LocalProtocolError("multiset expands what it is given; bind a set for each variable, or an Expand")
    return argument(text)
