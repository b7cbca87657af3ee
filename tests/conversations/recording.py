"""The recorded conversations: their scripts, and what FreeSWITCH said in them."""

from __future__ import annotations

from pathlib import Path

from . import script
from .projection import Message, project
from .script import Receives, Script

SCRIPTS = Path(__file__).parent
RAW = SCRIPTS.parent / "recordings"
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.jsonl"))


def load_script(name: str) -> Script:
    """The script of a conversation."""
    return script.load(SCRIPTS / f"{name}.jsonl")


def bytes_of(name: str) -> bytes:
    """What FreeSWITCH sent in it. Where it never connected, or said nothing, there may be no file."""
    path = RAW / f"{name}.raw"
    return path.read_bytes() if path.exists() else b""


def arrivals_of(recorded: Script) -> list[tuple[float, int]]:
    """When it came: seconds, and how many bytes of it were there by then."""
    arrivals: list[tuple[float, int]] = []
    size = 0
    for act in recorded.acts:
        if isinstance(act, Receives):
            size += act.size
            arrivals.append((act.at, size))
    return arrivals


def messages_of(name: str) -> list[Message]:
    """What FreeSWITCH sent in it, as messages."""
    return project(bytes_of(name), arrivals_of(load_script(name)))
