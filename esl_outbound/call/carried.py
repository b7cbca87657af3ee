"""Variables that an application is given for the time that it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import attrs

from ..arguments.text import Expand, Text, argument
from ..errors import LocalProtocolError
from ..protocol import Execute
from .variable_commands import set_command

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Carried", "carry"]


@final
@attrs.frozen
class Carried:
    """How an application is given its variables."""

    scope: dict[str, str]
    """Those that its own argument can carry."""
    commands: tuple[Execute, ...]
    """What sets the others before it."""
    undone: tuple[str, ...]
    """Those that are to be unset after it."""

    async def undo(self, line: Line) -> None:
        """Unset what would outlive the application, if the call is still ours."""
        if self.undone and line.ending is None:
            await line.undo("multiunset", " ".join(self.undone))


def carry(line: Line, variables: Mapping[str, Text | None]) -> Carried:
    """Give variables to an application, and to it alone; None is one that is not given.

    Most values can stand in its argument, in brackets (``argument``). One that cannot is set
    before it and unset after it.
    """
    scope: dict[str, str] = {}
    commands: list[Execute] = []
    undone: list[str] = []
    for name, value in variables.items():
        if value is None:
            continue
        if not isinstance(value, Expand) and _fits(name, value):
            scope[name] = value
        else:
            commands.append(set_command(line, name, value))
            undone.append(name)
    return Carried(scope, tuple(commands), tuple(undone))


def _fits(name: str, value: str) -> bool:
    try:
        argument(scope={name: value})
    except LocalProtocolError:
        return False
    return True
