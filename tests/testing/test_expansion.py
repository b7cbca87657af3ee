"""What the simulated FreeSWITCH makes of an argument before its application sees it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_outbound.testing.expansion import brackets, expand, is_expanded, scope, separate

UUID = "11e391a5-526a-4fb9-951a-eacd873038be"

VARIABLES = {
    "uuid": UUID,
    "one": "1",
    "name": "one",
    "digits": "0123456789",
    "caller": "Zoë",
    "latin": "caf\udce9!",
    "list": "ARRAY::a|:b|:${one}",
    "nested": "<${one}>",
    "escaped": r"a\\b",
    "itself": "${itself}",
    "domain": "the channel's own",
}
GLOBALS = {"hostname": "pbx", "digits": "never seen", "list": "after the end"}


async def expanded(text: str) -> str:
    """The argument after a FreeSWITCH that knows the variables above and tells which commands it was asked."""

    async def api(command: str, argument: str) -> str:
        return "2" if (command, argument) == ("expr", "1+1") else f"<{command}|{argument}>"

    return await expand(text, variable=VARIABLES.get, api=api, global_variable=GLOBALS.get)


def literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("$", "\\$") if is_expanded(text) else text


async def test_the_recorded_argument_comes_out_as_recorded() -> None:
    async def expr(command: str, argument: str) -> str:
        assert (command, argument) == ("expr", "1+1")
        return "2"

    argument = "exp=${uuid}|${not_there}|$${domain}|${expr(1+1)}"
    recorded = f"exp={UUID}||127.0.0.1|2"
    assert (
        await expand(argument, variable={"uuid": UUID}.get, api=expr, global_variable={"domain": "127.0.0.1"}.get)
        == recorded
    )


@pytest.mark.parametrize("text", ["${", "a${b}", "$${x}", r"$\{", r"$\$\{", r"\\", r"\n", r"\s", r"\t", r"it\'s"])
def test_an_argument_with_a_reference_or_an_escape_is_looked_into(text: str) -> None:
    assert is_expanded(text)


@pytest.mark.parametrize("text", ["", "plain", "$name", "$ {x}", "{x}", "$5", "\\", r"\$x", r"a\b", r"\"", "$$", "a$"])
async def test_any_other_argument_goes_through_untouched(text: str) -> None:
    assert not is_expanded(text)
    assert await expanded(text) == text


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (r"a\\b", r"a\b"),
        (r"\\\\", r"\\"),
        (r"it\'s", "its"),
        (r"a\nb\sc\td", r"a\nb\sc\td"),
        (r"\${uuid}", "${uuid}"),
        (r"\$\${uuid}", "$${uuid}"),
        (r"\$${one}", "${one}"),
        (r"\\${one}", r"\1"),
        ("$name ${one}", "$name 1"),
        ("$5 and $$6 ${one}", "$5 and $6 1"),
        ("$$${one}", "$1"),
        ("${one}$", "1$"),
        ("${one}$$", "1$"),
    ],
)
async def test_backslashes_and_dollars_are_taken_as_freeswitch_takes_them(text: str, result: str) -> None:
    assert await expanded(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${one}${one}", "11"),
        ("<${}>", "<>"),
        ("${not_there}", ""),
        ("${hostname}", "pbx"),
        ("$${hostname}", "pbx"),
        ("$${domain}", "the channel's own"),
        ("${${name}}", "1"),
        ("${nested}", "<1>"),
        ("${escaped}", r"a\b"),
        ("${one", "1"),
        ("${one}}", "1}"),
        ("${{one}|", "|"),
        ("${itself}", "${itself}"),
    ],
)
async def test_a_variable_is_looked_up_and_its_value_expanded_again(text: str, result: str) -> None:
    assert await expanded(text) == result


async def test_values_are_expanded_again_a_hundred_deep_and_no_deeper() -> None:
    async def api(command: str, argument: str) -> str:
        raise AssertionError(command)

    def following(name: str) -> str:
        return f"${{{int(name) + 1}}}"

    assert await expand("${0}", variable=following, api=api, global_variable=GLOBALS.get) == "${101}"


async def test_a_backslash_right_behind_a_brace_protects_nothing() -> None:
    assert await expanded(r"${one}\${one}") == r"1\1"
    assert await expanded(r"${one}\\") == "1\\\\"
    assert await expanded(r"${one} \${one}") == "1 ${one}"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${digits:3}", "3456789"),
        ("${digits:3:2}", "34"),
        ("${digits:0:4}", "0123"),
        ("${digits:-2}", "89"),
        ("${digits:-4:2}", "67"),
        ("${digits:-11}", "0123456789"),
        ("${digits:10}", ""),
        ("${digits:11}", ""),
        ("${digits:2:99}", "23456789"),
        ("${digits:2:-1}", "23456789"),
        ("${digits:${one}:${one}}", "1"),
        ("${digits::3}", "012"),
        ("${digits:x}", "0123456789"),
        ("${not_there:1:2}", ""),
        ("${caller:0:4}", "Zoë"),
        ("${caller:4}", ""),
        ("${latin:3:1}", "\udce9"),
        ("${caller:0:3}", "Zo\udcc3"),
    ],
)
async def test_a_part_of_a_value_is_counted_in_bytes(text: str, result: str) -> None:
    assert await expanded(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${list[0]}", "a"),
        ("${list[1]}", "b"),
        ("${list[2]}", "1"),
        ("${list[${one}]}", "b"),
        ("${list[-1]}", "ARRAY::a|:b|:1"),
        ("${list}", "ARRAY::a|:b|:1"),
        ("${list[3]}", "after the end"),
        ("${one[0]}", ""),
        ("${one[0}", ""),
    ],
)
async def test_an_array_is_read_by_its_index(text: str, result: str) -> None:
    assert await expanded(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${expr(1+1)}", "2"),
        ("${expr( 1+1 )}", "2"),
        ("${expr 1+1}", "2"),
        ("${expr(${one}+1)}", "2"),
        ("${${name}(x)}", "<one|x>"),
        ("${status()}", "<status|>"),
        ("${status(}", "<status|>"),
        ("${hash(a/(b)/c) lost}", "<hash|a/(b)/c>"),
        ("${cond (1)}", "<cond|(1>"),
        ("${cond a(b)c}", "<cond|a(b>"),
        ("${cond a)b}", "<cond|a)b>"),
        ("${cond a) (b) c}", "<cond|a) (b>"),
        ("${\texpr(1+1)}", "2"),
        ("${regex(x|a{2}|y)}", "<regex|x|a{2}|y>"),
        (r"${system(echo \${one})}", "<system|echo ${one}>"),
        ("a ${say(${list[1]})} b", "a <say|b> b"),
    ],
)
async def test_a_command_in_an_argument_is_run(text: str, result: str) -> None:
    assert await expanded(text) == result


async def test_what_a_command_says_is_not_expanded_again() -> None:
    async def api(command: str, argument: str) -> str:
        return r"${one} a\\b"

    text = "${echo(x)}"
    assert await expand(text, variable=VARIABLES.get, api=api, global_variable=GLOBALS.get) == r"${one} a\\b"


@given(st.text(st.sampled_from("\\${}'\"%,; ()[]:nst1") | st.characters(codec="utf-8")))
async def test_the_literal_form_of_any_text_comes_back_exact(text: str) -> None:
    assert await expanded(literal(text)) == text


@given(st.text(st.sampled_from("\\${}'\"()[]: :-1xone")))
async def test_no_argument_is_too_odd_to_be_expanded(text: str) -> None:
    assert isinstance(await expanded(text), str)


@pytest.mark.parametrize(
    ("argument", "variables", "rest"),
    [
        ("%[a=b]welcome.wav", [("a", "b")], "welcome.wav"),
        ("%[a=b,c=d] rest, of it", [("a", "b"), ("c", "d")], " rest, of it"),
        ("%;[a=1,2;b=3]rest", [("a", "1,2"), ("b", "3")], "rest"),
        ("%X[aXb=1]rest", [("b", "1")], "rest"),
        ("%[^^:a=1,2:b=3]rest", [("a", "1,2"), ("b", "3")], "rest"),
        ("%[^^]rest", [], "rest"),
        ("%[]rest", [], "rest"),
        ("%[a=b]", [("a", "b")], ""),
        ("%[a=b][c=d]rest", [("a", "b")], "[c=d]rest"),
        ("%[a=b", [], "%[a=b"),
        ("%a=b]", [], "%a=b]"),
        ("%%%[a=b]", [], "%%%[a=b]"),
        ("[a=b]rest", [], "[a=b]rest"),
        ("50% [a=b]", [], "50% [a=b]"),
        ("%", [], "%"),
        ("", [], ""),
    ],
)
def test_variables_for_the_time_of_an_application_stand_before_its_argument(
    argument: str, variables: list[tuple[str, str]], rest: str
) -> None:
    assert scope(argument) == (variables, rest)


@pytest.mark.parametrize(
    ("text", "variables", "rest"),
    [
        ("{a=b}user/1001", [("a", "b")], "user/1001"),
        ("{a='b,c'}x", [("a", "b,c")], "x"),
        (r"{a=b\,c}x", [("a", "b,c")], "x"),
        (r"{a=b\;c}x", [("a", r"b\;c")], "x"),
        (r"{a='it\'s'}x", [("a", "it's")], "x"),
        ("{a=b=c}x", [("a", "b=c")], "x"),
        ("{a=b{c}d}x", [("a", "b{c}d")], "x"),
        ("{ a = b , c = d }x", [("a", "b"), ("c", "d")], "x"),
        ("{a}x", [], "x"),
        ("{a=}x", [], "x"),
        ("{a=1,a=''}x", [("a", "1")], "x"),
        (r"{a=1,a=\s}x", [], "x"),
        ("{a=1,b=2,A=3}x", [("b", "2"), ("A", "3")], "x"),
        ("{a=b}{c=d}x", [("a", "b")], "{c=d}x"),
        ("{a=b} {c=d}x", [("a", "b")], " {c=d}x"),
        ("{a=b}  ", [("a", "b")], "  "),
        (" {a=b}x", [("{a", "b")], "x"),
        ("{a=b}{{c=d},e=f,g", [("a", "b"), ("e", "f")], "{{c=d}"),
        ("{^^;a=b}{{c=d};e=f,g;h=i", [("a", "b"), ("e", "f,g"), ("h", "i")], "{{c=d}"),
        ("{a=b}{{c", [("a", "b")], "{{c"),
        ("{a=b", [], "{a=b"),
        ("a=b}", [], "a=b}"),
        ("", [], ""),
    ],
)
def test_a_group_in_braces_gives_its_variables(text: str, variables: list[tuple[str, str]], rest: str) -> None:
    assert brackets(text, "{", "}") == (variables, rest)


def test_other_brackets_and_delimiters_are_read_in_the_same_way() -> None:
    assert brackets("<a=b,c=d>x", "<", ">") == ([("a", "b"), ("c", "d")], "x")
    assert brackets("[a=b|c=d]x", "[", "]", "|") == ([("a", "b"), ("c", "d")], "x")
    assert brackets("[a=1 b=2]x", "[", "]", " ") == ([("a", "1"), ("b", "2")], "x")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("one", ["one"]),
        ("one two  three ", ["one", "two", "three"]),
        ("  one", ["one"]),
        ("   ", [""]),
        ("'one two' three", ["one two", "three"]),
        ("a '' b", ["a", "", "b"]),
        ("' a '", [" a "]),
        ("a'b c'd e", ["ab cd", "e"]),
        ("it's one", ["it's one"]),
        ("'it's one'", ["its", "one'"]),
        (r"it\'s one", ["it's", "one"]),
        (r"a\ b c", [r"a\ b", "c"]),
        (r"a\sb c", ["a b", "c"]),
        (r"a\nb\rc\td", ["a\nb\rc\td"]),
        (r"a\\b \"c\"", [r"a\b", '"c"']),
        ("a\\", ["a\\"]),
        ('"a b"', ['"a', 'b"']),
        ("^^;a b;c", ["a b", "c"]),
        ("^^;", ["^^;"]),
    ],
)
def test_blanks_separate_arguments_and_collapse(text: str, parts: list[str]) -> None:
    assert separate(text) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b", ["a", "b"]),
        (",a,,b,", ["", "a", "", "b"]),
        (" a , b c ", ["a", "b c"]),
        ("'a,b',c", ["a,b", "c"]),
        ("a '' ,b", ["a ", "b"]),
        (r"a\,b,c", ["a,b", "c"]),
        ("it's,one", ["it's", "one"]),
        ("it's,on'e", ["its,one"]),
        ("^^:a,b:c", ["a,b", "c"]),
    ],
)
def test_other_delimiters_leave_empty_parts(text: str, parts: list[str]) -> None:
    assert separate(text, ",") == parts


def test_the_last_part_is_all_that_is_left() -> None:
    assert separate("one two  three four ", limit=3) == ["one", "two", "three four"]
    assert separate("a=b=c", "=", 2) == ["a", "b=c"]
    assert separate("'a b' 'c d' 'e f'", limit=2) == ["a b", "c d e f"]


@given(st.lists(st.from_regex(re.compile(r"[^\s'\\^]+", re.ASCII), fullmatch=True)))
def test_plain_words_are_separated_and_nothing_is_lost(words: list[str]) -> None:
    assert separate("  ".join(words)) == words


@given(st.text(st.sampled_from("'\\ ,=^abns")), st.sampled_from(" ,="), st.integers(1, 4))
def test_there_are_never_more_parts_than_asked_for(text: str, delimiter: str, limit: int) -> None:
    assert len(separate(text, delimiter, limit)) <= limit
