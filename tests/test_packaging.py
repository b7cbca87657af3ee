"""What is public, and which way imports go."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from importlib import resources
from pathlib import Path

import pytest

import esl_outbound
from esl_outbound import errors, testing

PACKAGE = Path(esl_outbound.__file__).parent

# A module imports only from rows above it.
ROWS = [
    "errors",
    "protocol",
    "arguments",
    "recorder",
    "link",
    "reading",
    "timers",
    "streams",
    "jobs",
    "log_lines",
    "api",
    "call",
    "handler",
    "routing",
    "plan",
    "conduct",
    "server",
    "client",
    "testing",
    "pytest_plugin",
    "cli",
]


def row(module: str) -> int:
    return ROWS.index(module)


def imports_of(path: Path) -> set[str]:
    """The rooms of this package that a module imports from at run time."""
    inside = path.relative_to(PACKAGE).parts
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    skipped = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    for_typing = {id(child) for node in skipped for child in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and id(node) not in for_typing:
            base = [*inside[: len(inside) - node.level], *(node.module or "").split(".")]
            names = [base[0]] if base[0] else [alias.name for alias in node.names]
            found.update(name for name in names if name in ROWS)
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room in ("__init__", "__main__"):
        return
    for other in imports_of(path):
        assert other == room or row(other) < row(room)


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "testing").rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_the_test_kit_shares_no_code_with_the_protocol(path: Path) -> None:
    """It is a second reading of FreeSWITCH: the two cannot share a misunderstanding."""
    assert "protocol" not in imports_of(path)


def test_everything_public_is_there_and_documented() -> None:
    for name in esl_outbound.__all__:
        thing = getattr(esl_outbound, name)
        assert not inspect.isclass(thing) or thing.__doc__
    assert set(errors.__all__) <= set(esl_outbound.__all__)


def test_every_public_name_is_in_the_readme() -> None:
    readme = (PACKAGE.parent / "README.md").read_text()
    assert [name for name in esl_outbound.__all__ if re.search(rf"\b{name}\b", readme) is None] == ["__version__"]
    methods = [name for name in dir(esl_outbound.CallHandler) if not name.startswith("_")]
    assert [name for name in methods if name not in readme] == []


def test_every_public_name_of_the_test_kit_is_documented_and_in_the_readme() -> None:
    readme = (PACKAGE.parent / "README.md").read_text()
    assert [name for name in testing.__all__ if re.search(rf"\b{name}\b", readme) is None] == []
    for kind in (testing.Caller, testing.Callee, testing.FakeFreeSwitch, testing.Faults):
        for name in (name for name in dir(kind) if not name.startswith("_")):
            assert name in readme, f"{kind.__name__}.{name} is not in the README"
            assert getattr(kind, name).__doc__ or name in fields_with_a_docstring(kind), f"{kind.__name__}.{name}"


def fields_with_a_docstring(kind: type) -> set[str]:
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id
        for field, text in itertools.pairwise(body.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def test_the_package_says_that_it_is_typed() -> None:
    assert resources.files("esl_outbound").joinpath("py.typed").is_file()
