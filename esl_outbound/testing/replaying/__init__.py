"""Playing a recorded conversation back: FreeSWITCH's side of it, against a handler.

A production call becomes a test: the handler has to say what was said then, in
the same order, and gets the answers that were given then. What it says in another way without meaning
anything else does not matter: the UUIDs that it makes up, the order in which a
connection is set up, when it lets go of a call that has ended.
"""

from __future__ import annotations

from .serving import LIMIT_SECONDS, Replayed, replay
from .telling import ReplayDiverged

__all__ = ["LIMIT_SECONDS", "ReplayDiverged", "Replayed", "replay"]
