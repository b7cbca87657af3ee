"""What applications do, one subject a file."""

from __future__ import annotations

from collections.abc import Iterable

from . import (
    basics,
    bindings,
    bridging,
    completing,
    conferencing,
    digits,
    eavesdropping,
    holding,
    joining,
    keeping,
    limiting,
    listening,
    lodging,
    queueing,
    recording,
    refusing,
    sockets,
    speaking,
    transferring,
    variables,
)
from .application import Application

__all__ = ["Application", "all_applications"]


def all_applications() -> Iterable[Application]:
    """Every application that the switch has from the start."""
    for module in (
        *(completing, basics, transferring, variables, keeping, limiting, speaking, listening, digits, bindings),
        *(recording, bridging, joining, eavesdropping, holding, refusing, conferencing, queueing),
        *(lodging, sockets),
    ):
        yield from module.APPLICATIONS
