"""Header blocks: looked up lazily, and the same to whoever reads them all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_outbound.protocol import Headers, Variables, array_items
from esl_outbound.protocol.headers import decode, peek, peek_last, url_decode, url_encode

BLOCK = (
    b"Event-Name: CHANNEL_EXECUTE\n"
    b"Unique-ID: d8822cad\n"
    b"Hangup-Cause: NORMAL_CLEARING\n"
    b"variable_DP_MATCH: ARRAY%3A%3Aasync_full_8084%7C%3A8084\n"
    b"variable_utf: Za%C3%9F%20%E6%97%A5%E6%9C%AC%20100%25\n"
    b"variable_bad: caf%E9%20tab%09here\n"
    b"variable_nolocal:x: 1\n"
    b"variable_x: 2\n"
    b"variable_empty: \n"
    b"Hangup-Cause: USER_BUSY\n"
    b"hangup-cause: NO_ANSWER\n"
)
PAIRS = [
    ("Event-Name", "CHANNEL_EXECUTE"),
    ("Unique-ID", "d8822cad"),
    ("Hangup-Cause", "NORMAL_CLEARING"),
    ("variable_DP_MATCH", "ARRAY::async_full_8084|:8084"),
    ("variable_utf", "Zaß 日本 100%"),
    ("variable_bad", "caf\udce9 tab\there"),
    ("variable_nolocal:x", "1"),
    ("variable_x", "2"),
    ("variable_empty", ""),
    ("Hangup-Cause", "USER_BUSY"),
    ("hangup-cause", "NO_ANSWER"),
]
NAMES = [
    "Event-Name",
    "Unique-ID",
    "Hangup-Cause",
    "variable_DP_MATCH",
    "variable_utf",
    "variable_bad",
    "variable_nolocal:x",
    "variable_x",
    "variable_empty",
]

NO_TEXT: list[object] = [b"Unique-ID", b"utf", 7]


def parsed(block: bytes) -> Headers:
    """The same headers, split into all their lines before anything is looked up."""
    headers = Headers(block, url_encoded=True)
    len(headers)
    return headers


def lazy(block: bytes) -> Headers:
    return Headers(block, url_encoded=True)


Maker = Callable[[bytes], Headers]
BOTH = pytest.mark.parametrize("make", [lazy, parsed], ids=["lazy", "parsed"])


# Looking up


@BOTH
def test_a_header_is_found_whatever_the_case_of_its_name(make: Maker) -> None:
    headers = make(BLOCK)
    assert headers["Unique-ID"] == headers["unique-id"] == headers["UNIQUE-ID"] == "d8822cad"
    assert headers["VARIABLE_dp_match"] == "ARRAY::async_full_8084|:8084"


@BOTH
def test_the_first_value_of_a_repeated_name_is_its_value(make: Maker) -> None:
    assert make(BLOCK)["Hangup-Cause"] == make(BLOCK)["hangup-cause"] == "NORMAL_CLEARING"


@BOTH
def test_a_name_may_hold_a_colon_and_is_not_taken_for_a_shorter_one(make: Maker) -> None:
    headers = make(BLOCK)
    assert headers["variable_nolocal:x"] == "1"
    assert "variable_nolocal" not in headers
    assert "variable_nolocal:" not in headers
    block = b"variable_a:b: 1\nvariable_a: 2\nvariable_a:b:c: 3\n"
    assert [make(block)[name] for name in ("variable_a", "variable_a:b", "variable_a:b:c")] == ["2", "1", "3"]


@BOTH
def test_an_empty_value_is_a_value(make: Maker) -> None:
    headers = make(BLOCK)
    assert headers["variable_empty"] == ""
    assert "variable_empty" in headers


@BOTH
def test_only_whole_names_at_the_beginning_of_a_line_are_found(make: Maker) -> None:
    headers = make(b"X-Unique-ID: 1\nUnique-ID-X: 2\nA: Unique-ID: 3\n")
    assert "Unique-ID" not in headers
    assert headers["A"] == "Unique-ID: 3"


@BOTH
def test_a_header_that_is_not_there_is_a_key_error_that_names_it(make: Maker) -> None:
    with pytest.raises(KeyError, match=r"(?i)answer-state"):
        make(BLOCK)["Answer-State"]
    assert make(BLOCK).get("Answer-State") is None
    assert make(BLOCK).get("Answer-State", "ringing") == "ringing"


@BOTH
def test_only_text_can_be_in_headers(make: Maker) -> None:
    headers = make(BLOCK)
    assert "unique-id" in headers
    assert "Answer-State" not in headers
    assert [other in headers for other in NO_TEXT] == [False] * 3


@BOTH
def test_a_line_without_a_blank_after_its_colon_is_understood_too(make: Maker) -> None:
    headers = make(b"Unique-ID:d8822cad\nEmpty:\nTime: 12:30\n")
    assert [headers[name] for name in ("unique-id", "empty", "time")] == ["d8822cad", "", "12:30"]


@BOTH
def test_only_one_blank_after_the_colon_is_not_the_values(make: Maker) -> None:
    assert make(b"Reply-Text:  two \n")["Reply-Text"] == " two "


def test_lines_without_a_colon_are_no_headers() -> None:
    assert lazy(b"nonsense\nA: 1\n\nmore\n").pairs() == [("A", "1")]


def test_headers_of_nothing_are_empty() -> None:
    headers = lazy(b"")
    assert (len(headers), list(headers), headers.pairs(), headers.get("A")) == (0, [], [], None)


# All of them


@BOTH
def test_pairs_are_all_headers_in_the_order_of_the_wire(make: Maker) -> None:
    assert make(BLOCK).pairs() == PAIRS


@BOTH
def test_names_come_out_once_as_they_were_sent_first(make: Maker) -> None:
    headers = make(BLOCK)
    assert list(headers) == NAMES
    assert len(headers) == len(NAMES)


@BOTH
def test_headers_are_a_mapping(make: Maker) -> None:
    headers = make(b"A: 1\nB: 2\na: 3\n")
    assert dict(headers) == {"A": "1", "B": "2"}
    assert headers == {"A": "1", "B": "2"}
    assert (list(headers.keys()), list(headers.values()), list(headers.items())) == (
        ["A", "B"],
        ["1", "2"],
        [("A", "1"), ("B", "2")],
    )


@BOTH
def test_get_all_gives_every_value_of_a_name_in_order(make: Maker) -> None:
    headers = make(BLOCK)
    assert headers.get_all("HANGUP-cause") == ["NORMAL_CLEARING", "USER_BUSY", "NO_ANSWER"]
    assert headers.get_all("Unique-ID") == ["d8822cad"]
    assert headers.get_all("variable_nolocal") == []


def test_headers_show_themselves_and_keep_their_bytes() -> None:
    headers = lazy(b"A: 1\nB: %20\n")
    assert repr(headers) == "<Headers [('A', '1'), ('B', ' ')]>"
    assert headers.block == b"A: 1\nB: %20\n"


def test_headers_that_were_parsed_elsewhere_read_the_same() -> None:
    headers = Headers.from_pairs((("A", "1%20"), ("b", "2"), ("B", "3"), ("a:b", "4")))
    assert headers.pairs() == [("A", "1%20"), ("b", "2"), ("B", "3"), ("a:b", "4")]
    assert (headers["a"], headers["B"], headers["A:B"], headers.get_all("b")) == ("1%20", "2", "4", ["2", "3"])
    assert (len(headers), headers.block) == (3, b"")
    with pytest.raises(KeyError):
        headers["c"]


# Values


def test_values_are_url_decoded_only_where_they_are_url_encoded() -> None:
    block = b"Reply-Text: 100%25 a%20b+c\n"
    assert Headers(block, url_encoded=False)["Reply-Text"] == "100%25 a%20b+c"
    assert Headers(block, url_encoded=True)["Reply-Text"] == "100% a b+c"
    assert Headers(block, url_encoded=False).pairs() == [("Reply-Text", "100%25 a%20b+c")]


def test_every_character_that_freeswitch_encodes_comes_back() -> None:
    value = rb"%20!%22%23$%25%26'()*%2B,-./0%3A%3B%3C%3D%3E%3F%40A%5B%5C%5D%5E_%60a%7B%7C%7D~"
    assert url_decode(value) == " !\"#$%&'()*+,-./0:;<=>?@A[\\]^_`a{|}~"


def test_a_percent_that_two_hex_digits_followed_cannot_be_told_from_an_encoded_character() -> None:
    # FreeSWITCH writes the values `100%25 a%20b` and `100% a b` as the same bytes.
    assert lazy(b"variable_pct: 100%25%20a%20b\n")["variable_pct"] == "100% a b"


def test_a_percent_that_nothing_follows_stays() -> None:
    assert url_decode(b"100%") == "100%"
    assert url_decode(b"%zz%4") == "%zz%4"


def test_lower_case_hex_digits_are_understood() -> None:
    assert url_decode(b"%c3%9f") == "ß"


@BOTH
def test_bytes_that_are_no_text_survive_as_lone_surrogates(make: Maker) -> None:
    value = make(BLOCK)["variable_bad"]
    assert value == "caf\udce9 tab\there"
    assert value.encode("utf-8", "surrogateescape") == b"caf\xe9 tab\there"
    assert decode(b"caf\xe9") == "caf\udce9"


@BOTH
def test_a_name_that_is_no_text_can_be_looked_up(make: Maker) -> None:
    headers = make(b"variable_\xe9: 1\nvariable_\xc3\xa9: 2\n")
    assert (headers["variable_\udce9"], headers["variable_é"]) == ("1", "2")


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("ARRAY::one|:two, three", ["one", "two, three"]),
        ("ARRAY::one", ["one"]),
        ("ARRAY::", [""]),
        ("ARRAY::|:", ["", ""]),
        ("one|:two", ["one|:two"]),
        ("array::one|:two", ["array::one|:two"]),
        ("", [""]),
    ],
)
def test_an_array_is_told_from_other_values_by_its_beginning(value: str, items: list[str]) -> None:
    assert array_items(value) == items


@BOTH
def test_the_items_of_a_header_are_those_of_its_array_or_its_values(make: Maker) -> None:
    headers = make(BLOCK)
    assert headers.get_array("variable_dp_match") == ["async_full_8084", "8084"]
    assert headers.get_array("Unique-ID") == ["d8822cad"]
    assert headers.get_array("Hangup-Cause") == ["NORMAL_CLEARING", "USER_BUSY", "NO_ANSWER"]
    assert headers.get_array("Answer-State") == []


# Peeks


def test_a_peek_finds_an_undecoded_value_and_the_other_one_the_last() -> None:
    assert peek(BLOCK, b"\nUnique-ID: ") == b"d8822cad"
    assert peek(BLOCK, b"\nHangup-Cause: ") == b"NORMAL_CLEARING"
    assert peek_last(BLOCK, b"\nHangup-Cause: ") == b"USER_BUSY"
    assert peek_last(BLOCK, b"\nvariable_DP_MATCH: ") == b"ARRAY%3A%3Aasync_full_8084%7C%3A8084"


def test_a_peek_finds_nothing_that_is_not_there_just_like_that() -> None:
    for key in (b"\nUnique-Id: ", b"\nAnswer-State: ", b"\nEvent-Name: "):
        assert peek(BLOCK, key) is None
        assert peek_last(BLOCK, key) is None


# Variables


@BOTH
def test_variables_are_the_headers_that_begin_like_one(make: Maker) -> None:
    variables = Variables(make(BLOCK))
    assert list(variables) == ["DP_MATCH", "utf", "bad", "nolocal:x", "x", "empty"]
    assert len(variables) == 6
    assert variables["dp_match"] == "ARRAY::async_full_8084|:8084"
    assert variables["nolocal:x"] == "1"
    assert variables["X"] == "2"
    assert variables.get("none") is None


@BOTH
def test_a_variable_that_is_not_set_is_a_key_error_with_its_own_name(make: Maker) -> None:
    with pytest.raises(KeyError) as caught:
        Variables(make(BLOCK))["none"]
    assert caught.value.args == ("none",)


@BOTH
def test_only_text_can_be_in_variables(make: Maker) -> None:
    variables = Variables(make(BLOCK))
    assert "UTF" in variables
    assert "none" not in variables
    assert "Unique-ID" not in variables
    assert [other in variables for other in NO_TEXT] == [False] * 3


def test_the_items_of_a_variable_are_those_of_its_array() -> None:
    variables = Variables(lazy(BLOCK))
    assert variables.get_array("DP_MATCH") == ["async_full_8084", "8084"]
    assert variables.get_array("x") == ["2"]
    assert variables.get_array("none") == []


def test_variables_show_themselves() -> None:
    assert repr(Variables(lazy(b"A: 1\nvariable_a: %20\n"))) == "<Variables {'a': ' '}>"


# The lazy way and the whole way agree

HEADER_NAMES = st.text("abAB:-_", min_size=1, max_size=6)
HEADER_VALUES = st.text("ab: %41é", max_size=8)


@settings(deadline=None, max_examples=300)
@given(lines=st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=8), asked=HEADER_NAMES)
def test_looking_one_header_up_and_reading_all_of_them_agree(lines: list[tuple[str, str]], asked: str) -> None:
    block = "".join(f"{name}: {value}\n" for name, value in lines).encode()
    indexed = Headers(block, url_encoded=False)
    assert indexed.pairs() == lines
    assert len(indexed) == len({name.lower() for name, _ in lines})
    for name in (asked, *(name for name, _ in lines)):
        expected = next((value for other, value in lines if other.lower() == name.lower()), None)
        assert Headers(block, url_encoded=False).get(name) == expected
        assert (name in Headers(block, url_encoded=False)) == (expected is not None)
        assert indexed.get(name) == expected


def test_a_name_that_no_header_can_have_is_found_nowhere() -> None:
    headers = Headers(b"a\nb: 1\na:b:c\nc:2\n", url_encoded=False)
    assert headers.pairs() == [("b", "1"), ("a", "b:c"), ("c", "2")]
    for name in ("a\nb", "a:b", "\ud800", ""):
        assert name not in headers
        assert headers.get_all(name) == []
    assert (headers["a"], headers["C"]) == ("b:c", "2")


def test_a_missing_header_is_named_as_it_was_asked_for() -> None:
    headers = Headers(b"A: 1\n", url_encoded=False)
    for _ in range(2):
        with pytest.raises(KeyError, match="'Answer-State'"):
            headers["Answer-State"]
        assert len(headers) == 1


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("plain-1_2.3~", b"plain-1_2.3~"),
        ("my id/1 100%", b"my%20id/1%20100%25"),
        ("100%25 a%20b", b"100%25%20a%20b"),
        ("!$'()*,", b"!$'()*,"),
        ("+&=;@", b"%2B%26%3D%3B%40"),
        ("caf\udce9 ß\n", b"caf%E9%20%C3%9F%0A"),
    ],
)
def test_a_value_is_encoded_as_freeswitch_does(text: str, encoded: bytes) -> None:
    assert url_encode(text) == encoded
