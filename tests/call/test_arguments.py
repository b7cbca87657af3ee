"""Data that reaches an application as it is, against a model of what FreeSWITCH does to an argument."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_outbound import Expand, LocalProtocolError, literal
from esl_outbound.call.arguments import argument, escaped, words
from esl_outbound.testing.expansion import separate


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


@given(AWKWARD, AWKWARD)
@settings(deadline=None, max_examples=300)
def test_data_beside_an_expansion_stays_data(before: str, after: str) -> None:
    text = argument(before, Expand("${x}"), after)
    assert scoped_by_freeswitch(expanded_by_freeswitch(text)) == f"{before}<expanded>{after}"


def test_variables_for_one_application_are_in_brackets_before_its_argument() -> None:
    assert argument("a.wav", scope={"x": "1 2", "y": "*#"}) == "%[x=1 2,y=*#]a.wav"
    assert argument("%[z=1]", scope={"x": "1"}) == "%[x=1]%[z=1]"
    assert argument(Expand("${name}")) == "%[]${name}"  # which may begin with brackets of its own
    for wrong in ("a,b", "]", "'", "\\", "${x}", "\n"):
        with pytest.raises(LocalProtocolError):
            argument("a.wav", scope={"x": wrong})
