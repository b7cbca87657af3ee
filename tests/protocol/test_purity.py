"""The protocol is bytes and values: it does no I/O, keeps no time and writes no log."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import esl_outbound.protocol

FORBIDDEN = {"asyncio", "logging", "select", "selectors", "socket", "ssl", "threading", "time", "trio"}
MODULES = sorted(Path(esl_outbound.protocol.__file__).parent.glob("**/*.py"))


def imported_names(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module is not None:
            names.add(node.module.partition(".")[0])
    return names


def relative_imports(source: str) -> set[tuple[int, str | None]]:
    return {
        (node.level, node.module)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.level
    }


def test_there_are_modules_to_look_at() -> None:
    assert {module.name for module in MODULES} >= {
        "__init__.py",
        "causes.py",
        "commands.py",
        "connection.py",
        "events.py",
        "frames.py",
        "headers.py",
        "messages.py",
    }


def test_an_import_is_seen_in_every_form() -> None:
    source = "import trio.lowlevel\nfrom time import sleep\ndef f() -> None:\n    import socket as s\nfrom . import x\n"
    assert imported_names(source) == {"trio", "time", "socket"}
    assert relative_imports(source + "from ..link import Link\n") == {(1, None), (2, "link")}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_no_module_of_the_protocol_imports_anything_that_does_io(module: Path) -> None:
    assert not imported_names(module.read_text()) & FORBIDDEN


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_of_the_protocol_uses_nothing_of_the_package_but_its_errors(module: Path) -> None:
    assert {target for level, target in relative_imports(module.read_text()) if level > 1} <= {"errors"}
