"""What the dialplan does at an extension."""

from __future__ import annotations

from collections.abc import Sequence

from .core import Core
from .expansion import separate

__all__ = ["actions_at"]


def actions_at(core: Core, destination: str, dialplan: str, context: str) -> Sequence[str] | None:
    """What is done at an extension; None if there is none."""
    if dialplan.lower() == "inline":
        return _inline(destination)
    return core.extensions.get(f"{context}/{destination}", core.extensions.get(destination))


def _inline(target: str) -> list[str]:
    """``app:argument,app:argument``, or ``m:^:app:argument^app:argument`` with a delimiter of one's own.

    As inline_dialplan_hunt() in mod_dptools.c reads it.
    """
    delimiter = ","
    if target.startswith("m:") and target[3:4] == ":":
        delimiter, target = target[2], target[4:]
    found = (action.partition(":") for action in separate(target, delimiter, 128))
    return [f"{name.lstrip(' ')} {argument}".rstrip() for name, _, argument in found]
