"""A dialplan example as FreeSWITCH and a test see it: its XML, and the handler that belongs to it."""

from __future__ import annotations

import importlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast, final
from xml.etree import ElementTree

import attrs

from esl_outbound.handler import HandlerSource
from esl_outbound.testing import Caller, FakeFreeSwitch

FOLDER = Path(__file__).parents[2] / "dialplan_examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.xml"))


@final
@attrs.frozen
class Action:
    """One action of a dialplan."""

    application: str
    data: str

    def __str__(self) -> str:
        return f"{self.application} {self.data}".rstrip()


@final
@attrs.frozen
class Place:
    """One host of a ``socket`` action."""

    host: str
    port: int
    path: str


@final
@attrs.frozen
class Example:
    """An example's dialplan."""

    name: str
    number: str
    """A number that its condition matches."""
    before: tuple[Action, ...]
    places: tuple[Place, ...]
    flags: str
    after: tuple[Action, ...]

    @classmethod
    def load(cls, name: str) -> Example:
        """Read an example's XML; whatever is not as in the others fails here."""
        root = ElementTree.parse(FOLDER / f"{name}.xml").getroot()
        assert root.tag == "include"
        (extension,) = root
        assert (extension.tag, extension.attrib) == ("extension", {"name": name})
        (condition,) = extension
        assert condition.tag == "condition"
        assert condition.attrib["field"] == "destination_number"
        expression = condition.attrib["expression"]
        number = re.sub(r"[\^$]", "", expression).replace(r"\d", "1")
        assert re.fullmatch(expression, number)
        actions = [Action(each.attrib["application"], each.attrib.get("data", "")) for each in condition]
        assert {each.tag for each in condition} == {"action"}
        assert all(set(each.attrib) <= {"application", "data"} for each in condition)
        (at,) = (index for index, action in enumerate(actions) if action.application == "socket")
        hosts, _, flags = actions[at].data.partition(" ")
        places = []
        for host in hosts.split("|"):
            address, _, path = host.partition("/")
            places.append(Place(address.partition(":")[0], int(address.partition(":")[2]), path))
        return cls(name, number, tuple(actions[:at]), tuple(places), flags, tuple(actions[at + 1 :]))

    @asynccontextmanager
    async def dial(
        self, phone: FakeFreeSwitch, handler: HandlerSource | str, *, caller_id: str = "1000"
    ) -> AsyncIterator[Caller]:
        """Call the example's number, through its own dialplan."""
        async with phone.dial(
            handler,
            number=self.number,
            caller_id=caller_id,
            path=self.places[0].path,
            mode=self.flags,
            before=[str(action) for action in self.before],
            after=[str(action) for action in self.after],
        ) as caller:
            yield caller


def served(target: str) -> HandlerSource:
    """What ``esl-outbound serve module:name`` serves from the examples' folder."""
    module, _, name = target.partition(":")
    return cast("HandlerSource", getattr(importlib.import_module(module), name))
