"""What all dialplan examples have in common."""

from __future__ import annotations

import ast
import re

import pytest

from esl_outbound.handler import handler_factory

from .example import FOLDER, NAMES, Example, served

WANTED = {
    *("hello", "menu_with_voicemail", "pin", "recording_with_consent", "queue_with_positions", "follow_me"),
    *("conference_with_pin", "survey", "night_service", "failover", "echo_through_python", "many_applications"),
}


def test_every_example_is_a_dialplan_and_a_handler() -> None:
    assert set(NAMES) == WANTED
    assert {path.stem for path in FOLDER.glob("*.py")} == WANTED
    # `python pin.py` makes its database there.
    assert {path.suffix for path in FOLDER.iterdir() if path.is_file()} - {".db"} == {".xml", ".py"}


@pytest.mark.parametrize("name", NAMES)
def test_the_dialplan_names_the_port_the_flags_and_the_path_of_its_handler(name: str) -> None:
    example = Example.load(name)
    text = (FOLDER / f"{name}.py").read_text()
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring is not None
    commands = re.findall(r"`esl-outbound serve (\S+?:\w+)(?: --port (\d+))?`", docstring)
    assert [int(port or 8084) for _, port in commands] == [place.port for place in example.places]
    assert {place.host for place in example.places} == {"127.0.0.1"}
    assert {place.path.partition("/")[0] for place in example.places} == {name}
    assert example.flags == "async full"
    for target, _ in commands:
        handler_factory(served(target))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_in_two_lines_what_it_shows(name: str) -> None:
    docstring = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text()))
    assert docstring is not None
    first, blank, shows, serve, *_ = docstring.splitlines()
    assert first.endswith((".", ","))
    assert blank == ""
    assert shows.startswith("Shows")
    assert serve
    assert (FOLDER / f"{name}.xml").read_text().startswith(f"<!-- {name}.py and this: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_server_that_dies_at_the_wrong_moment_parks_nobody_for_ever(name: str) -> None:
    variables = [action.data for action in Example.load(name).before if action.application == "set"]
    assert any(re.fullmatch(r"park_timeout=\d+", data) for data in variables)
