"""Data that reaches an application as it is, against a model of what FreeSWITCH does to an argument."""

from __future__ import annotations

import re

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_outbound import Expand, LocalProtocolError, literal
from esl_outbound.arguments.text import argument, escaped, words
from esl_outbound.testing.expansion import expand, separate


def expanded_by_freeswitch(argument: str) -> str:
    """What FreeSWITCH gives to the application, by the rules that were measured; ${...} becomes a mark."""
    if re.search(r"\$[\\$]*\{", argument) is None and re.search(r"\\[\\nst']", argument) is None:
        return argument
    out, at = "", 0
    while at < len(argument):
        pair = argument[at : at + 2]
        if pair in ("\\\\", "\\$"):
            out += pair[1]
            at += 2
        elif pair == "\\'":
            at += 2
        elif pair == "${":
            out += "<expanded>"
            at = (argument.find("}", at) + 1) or len(argument)
        else:
            out += argument[at]
            at += 1
    return out


def scoped_by_freeswitch(argument: str) -> str:
    """What is left of an argument after the brackets that set variables for one application."""
    match = re.match(r"%.?\[", argument, re.DOTALL)
    return argument if match is None else argument[argument.index("]", match.end()) + 1 :]


AWKWARD = st.text(alphabet="\\${}'\"%,;nst[] ab", max_size=40) | st.text(max_size=40)


@given(AWKWARD)
@settings(deadline=None, max_examples=600)
def test_literal_text_reaches_the_application_as_it_is(text: str) -> None:
    assert scoped_by_freeswitch(expanded_by_freeswitch(literal(text))) == text
    assert expanded_by_freeswitch(escaped(text)) == text


@given(AWKWARD)
@settings(deadline=None, max_examples=300)
def test_what_set_expands_twice_is_made_literal_twice(text: str) -> None:
    argument = expanded_by_freeswitch(escaped(f"name={escaped(text)}"))
    assert expanded_by_freeswitch(argument.removeprefix("name=")) == text


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("plain", "plain"),
        ("costs $5 \\ or {x}", "costs $5 \\ or {x}"),
        ("${system(touch x)}", "\\${system(touch x)}"),
        ("$${hold_music}", "\\$\\${hold_music}"),
        (r"it\'s", r"it\\'s"),
        (r"a\nb", r"a\\nb"),
        (r"$\{x", r"\$\\{x"),
        ("", ""),
        ("%[a=b]x", "%[]%[a=b]x"),
        ("%;[a=b]${x}", "%[]%;[a=b]\\${x}"),
    ],
)
def test_the_literal_form(text: str, form: str) -> None:
    assert literal(text) == form


@given(st.lists(AWKWARD, min_size=1, max_size=5), st.sampled_from(" ,|!"))
@settings(deadline=None, max_examples=600)
def test_each_word_reaches_the_application_as_one_part(parts: list[str], delimiter: str) -> None:
    text = argument("first", delimiter, *words(*parts, delimiter=delimiter))
    assert separate(scoped_by_freeswitch(expanded_by_freeswitch(text)), delimiter) == ["first", *parts]


EXPANSIONS = st.sampled_from(
    ["${x}", "$${x}", "${x}.wav", "a${x}", "${x}}", "${y${x}}", "${x}${x}", "${{x}", "plain", ""]
)


async def as_the_simulator_expands_it(text: str) -> str:
    """The other reading of switch_channel_expand_variables_check(): with its oddities."""

    async def runs_a_command(command: str, argument: str) -> str:
        raise AssertionError(command, argument)

    return await expand(text, variable=lambda name: f"<{name}>", api=runs_a_command, global_variable=lambda _: None)


@given(st.lists(st.tuples(AWKWARD, EXPANSIONS), min_size=1, max_size=3), AWKWARD)
@settings(deadline=None, max_examples=600)
def test_data_beside_expansions_stays_data(pairs: list[tuple[str, str]], last: str) -> None:
    """Even a ``${system(...)}`` directly behind a variable, where FreeSWITCH copies the backslash before it."""

    async def check() -> None:
        expected = ""
        for data, expansion in pairs:
            expected += data + await as_the_simulator_expands_it(expansion)
        pieces = [piece for data, expansion in pairs for piece in (data, Expand(expansion))]
        text = argument(*pieces, last)
        assert scoped_by_freeswitch(await as_the_simulator_expands_it(text)) == expected + last

    trio.run(check)


def test_what_follows_a_variable_is_protected_from_the_character_that_is_not_looked_at() -> None:
    assert argument(Expand("${x}"), "${system(touch x)}") == "%[]${x}$\\'{system(touch x)}"
    assert argument(Expand("${x}"), "\\${y}") == "%[]${x}\\\\${y}"
    assert argument(Expand("${x}"), " it\\'s") == "%[]${x} it\\\\'s"


def test_variables_for_one_application_are_in_brackets_before_its_argument() -> None:
    assert argument("a.wav", scope={"x": "1 2", "y": "*#"}) == "%[x=1 2,y=*#]a.wav"
    assert argument("%[z=1]", scope={"x": "1"}) == "%[x=1]%[z=1]"
    assert argument(Expand("${name}")) == "%[]${name}"  # which may begin with brackets of its own
    for wrong in ("a,b", "]", "'", "\\", "${x}", "\n"):
        with pytest.raises(LocalProtocolError):
            argument("a.wav", scope={"x": wrong})
