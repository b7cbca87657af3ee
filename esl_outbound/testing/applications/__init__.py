"""What applications do, one subject a file."""

from __future__ import annotations

from collections.abc import Iterable

from . import basics, bindings, bridging, conferencing, digits, joining, recording, sockets, speaking, variables
from .application import Application

__all__ = ["Application", "all_applications"]


def all_applications() -> Iterable[Application]:
    """Every application that the switch has from the start."""
    for module in (basics, variables, speaking, digits, bindings, recording, bridging, joining, conferencing, sockets):
        yield from module.APPLICATIONS
