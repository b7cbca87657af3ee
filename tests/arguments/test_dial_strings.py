"""Dial strings: what is written exactly, what is exported, what is refused; nobody adds a leg or a variable."""

from __future__ import annotations

import random
import re

import pytest

from esl_outbound import Expand, LocalProtocolError
from esl_outbound.arguments.dial_strings import (
    Destination,
    DialLeg,
    DialString,
    WrittenDialString,
    caller_id_variables,
    dial_string_of,
    write_dial_string,
)
from esl_outbound.testing.destinations import dial_strings
from esl_outbound.testing.expansion import expand, scope

SCOPE = {"continue_on_fail": "true"}
SPECIAL = [",", "|", "]", "}", "'", '"', "\\", ";", ":", " ", "[", "{", "<", "^^", "=", ":_:", "&", "%"]


def write(destination: Destination, common: dict[str, str | Expand] | None = None) -> WrittenDialString:
    """Without UUIDs, and without what each leg is given."""
    dialled = dial_string_of(destination)
    count = 1 if isinstance(dialled, Expand) else sum(map(len, dialled.groups))
    return write_dial_string(dialled, common or {}, uuids=[""] * count, of_leg={})


def text(destination: Destination, common: dict[str, str | Expand] | None = None) -> str:
    return write(destination, common).text({})


async def called(written: WrittenDialString) -> list[list[tuple[str, dict[str, str]]]]:
    """Whom FreeSWITCH would call, and with which variables; what is exported comes first."""

    async def nothing(name: str, argument: str) -> str:
        raise AssertionError(f"{name} was run")

    argument = await expand(
        written.text(SCOPE), variable=lambda name: None, api=nothing, global_variable=lambda n: None
    )
    scoped, rest = scope(argument)
    assert dict(scoped) == SCOPE
    (only,) = dial_strings(rest)
    exported = {name: value for name, value in written.exported.items() if isinstance(value, str)}
    return [[(leg.destination, {**exported, **dict(leg.variables)}) for leg in group] for group in only.groups]


# How it is written


def test_one_destination() -> None:
    assert text("user/1001") == "user/1001"
    assert text("user/1001", {"a": "1", "b": "x y"}) == "{a=1,b=x y}user/1001"


def test_several_destinations_ring_at_once_or_in_turn() -> None:
    assert text(["user/1", "user/2"]) == "user/1,user/2"
    assert text(DialString.at_once("user/1", DialLeg("user/2", variables={"a": "1"}))) == "user/1,[a=1]user/2"
    in_turn = DialString.in_turn("user/1", ["user/2", "user/3"], variables={"a": "1"})
    assert text(in_turn, {"b": "2"}) == "{b=2,a=1}user/1|user/2,user/3"
    assert in_turn == DialString((("user/1",), ("user/2", "user/3")), variables={"a": "1"})


def test_a_leg_has_times_a_caller_id_and_a_confirmation_of_its_own() -> None:
    leg = DialLeg(
        "sofia/gateway/gw/1234",
        ring_seconds=9.5,
        delay_seconds=3,
        caller_id_name="Ada, L.",
        caller_id_number="+49 30 1",
        confirm_key="1",
        confirm_prompt="ivr/press one.wav",
        variables={"x": "y"},
    )
    assert text([leg, "user/1"]) == (
        r"[leg_timeout=10,leg_delay_start=3,origination_caller_id_name=Ada\, L.,"
        "origination_caller_id_number=+49 30 1,group_confirm_key=1,group_confirm_file=ivr/press one.wav,x=y]"
        "sofia/gateway/gw/1234,user/1"
    )


def test_what_holds_for_the_only_leg_holds_for_all() -> None:
    leg = DialLeg("user/1", variables={"a": "1", "b": "]{'"})
    written = write(leg, {"a": "0", "c": "2"})
    assert (written.text({}), written.exported) == ("{a=1,c=2}user/1", {"b": "]{'"})


def test_each_leg_gets_a_uuid_and_a_number() -> None:
    own = DialLeg("user/3", variables={"origination_uuid": "mine"})
    legs: list[str | DialLeg] = ["user/1", DialLeg("user/2"), own]
    written = write_dial_string(dial_string_of(legs), {}, uuids=["A", "B", "C"], of_leg={"x": "leg {}"})
    assert written.text({}) == (
        "[x=leg 0,origination_uuid=A]user/1,[x=leg 1,origination_uuid=B]user/2,[origination_uuid=mine,x=leg 2]user/3"
    )
    assert [(leg.destination, leg.channel_uuid) for leg in written.legs] == [
        ("user/1", "A"),
        (legs[1], "B"),
        (legs[2], "mine"),
    ]


@pytest.mark.parametrize(
    ("destination", "uuid"), [("user/1", ""), ("GROUP/sales@x", ""), ("sofia/internal/1@x", "A"), ("loopback/1", "A")]
)
def test_a_user_alone_may_have_several_telephones_which_cannot_have_one_uuid(destination: str, uuid: str) -> None:
    written = write_dial_string(dial_string_of(destination), {}, uuids=["A"], of_leg={})
    assert written.legs[0].channel_uuid == uuid
    assert ("origination_uuid" in written.text({})) == bool(uuid)


def test_a_uuid_that_is_given_to_all_legs_is_known_if_there_is_one() -> None:
    one = write_dial_string(dial_string_of("user/1"), {"origination_uuid": "mine"}, uuids=["A"], of_leg={})
    assert (one.text({}), one.legs[0].channel_uuid) == ("{origination_uuid=mine}user/1", "mine")
    unknown = write_dial_string(
        dial_string_of("sofia/x/1"), {"origination_uuid": Expand("${u}")}, uuids=["A"], of_leg={}
    )
    assert (unknown.text({}), unknown.legs[0].channel_uuid) == ("{origination_nested_vars=true}sofia/x/1", "")


def test_the_brackets_of_a_leg_are_never_taken_for_more_of_the_scope() -> None:
    assert write([DialLeg("user/1", variables={"a": "1"}), "user/2"]).text(SCOPE) == (
        "%[continue_on_fail=true]{}[a=1]user/1,user/2"
    )


def test_empty_values_are_left_out() -> None:
    assert text(["user/1", DialLeg("user/2", variables={"a": ""})], {"b": ""}) == "user/1,user/2"


def test_a_raw_dial_string_is_expanded_and_gets_what_holds_for_all() -> None:
    raw = Expand("[a=1]${sofia_contact(1001)},user/2")
    assert text(raw, {"b": "1"}) == "{b=1}[a=1]${sofia_contact(1001)},user/2"
    assert text(raw, {"b": "${x}"}) == "{origination_nested_vars=true}[a=1]${sofia_contact(1001)},user/2"
    assert write(raw, {"b": "${x}"}).exported == {"b": "${x}"}
    assert write(raw).legs[0].destination == raw
    for wrong in ("", " ", "<a=1>user/1", "user/1:_:user/2"):
        with pytest.raises(LocalProtocolError, match="one dial string"):
            write(Expand(wrong))


# What cannot be written


def test_a_value_that_freeswitch_takes_for_an_array_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="takes it for an array"):
        write("user/1", {"x": "ARRAY::a"})
    assert text("user/1", {"x": "ARRAY::a|:b", "origination_caller_id_name": "ARRAY::a"}) == (
        "{x=ARRAY::a|:b,origination_caller_id_name=ARRAY::a}user/1"
    )


@pytest.mark.parametrize("special", ["{", "}", ":_:", "'", "\n", "\r", "\x02"])
def test_what_cannot_be_written_for_all_legs_is_exported(special: str) -> None:
    written = write(["user/1", "user/2"], {"x": f"a{special}b", "y": "1"})
    assert (written.text({}), written.exported) == ("{y=1}user/1,user/2", {"x": f"a{special}b"})


@pytest.mark.parametrize("value", [" a", "a ", "a\\", "\\,", "\\n", "\\'", '\\"', "\\\\", "\\s", "\\t", "\\r", "\\="])
def test_what_dividing_would_change_is_exported(value: str) -> None:
    assert write("user/1", {"x": value}).exported == {"x": value}
    with pytest.raises(LocalProtocolError, match=r"x cannot be .* for one leg of several; for all of them it could"):
        write(["user/1", DialLeg("user/2", variables={"x": value})])


@pytest.mark.parametrize("special", ["[", "]", ":_:", "\n", "\\|"])
def test_what_cannot_be_written_for_one_leg_of_several_is_refused(special: str) -> None:
    with pytest.raises(LocalProtocolError, match="for one leg of several"):
        write(["user/1", DialLeg("user/2", variables={"x": f"a{special}b"})])


def test_one_quote_can_be_written_for_one_leg_and_comes_last() -> None:
    leg = DialLeg("user/2", caller_id_name="O'Brien", variables={"x": "1"})
    assert text(["user/1", leg]) == "user/1,[x=1,origination_caller_id_name=O'Brien]user/2"
    # A caller's name never fails a call: what cannot be written becomes like it.
    assert text([leg, leg]) == ",".join(["[origination_caller_id_name=O\u2019Brien,x=1]user/2"] * 2)
    odd = DialLeg("user/2", caller_id_name="[a] \\'b:_:c\\")
    assert text(["user/1", odd]) == "user/1,[origination_caller_id_name=(a) /\u2019b: :c]user/2"
    with pytest.raises(LocalProtocolError, match='x cannot be "O\'Brien"'):
        write([DialLeg("user/1", variables={"x": "O'Brien"})] * 2)
    with pytest.raises(LocalProtocolError, match="x cannot be \"it's Bob's\""):
        write(["user/1", DialLeg("user/2", variables={"x": "it's Bob's"})])


def test_what_expands_goes_to_all_legs_by_export() -> None:
    written = write("user/1", {"x": Expand("${y}")})
    assert (written.text({}), written.exported) == ("{origination_nested_vars=true}user/1", {"x": Expand("${y}")})


def test_a_value_that_looks_like_a_variable_is_let_pass() -> None:
    """switch_channel_set_variable_var_check() would keep it from the leg."""
    assert text("user/1", {"x": "${y}"}) == "{origination_nested_vars=true}user/1"
    several = text(["user/1", DialLeg("user/2", variables={"x": "$\\{y}"})])
    assert several == r"{origination_nested_vars=true}user/1,[x=\$\\{y}]user/2"
    # The profile takes these whatever they hold.
    assert text("user/1", {"origination_caller_id_name": "${y}"}) == "user/1"


@pytest.mark.parametrize(
    "destination",
    [
        "",
        "1001",
        "user/",
        "/1001",
        "user/1001,user/1002",
        "user/1001|user/1002",
        "user/1001:_:user/1002",
        "{a=1}user/1001",
        "[a=1]user/1001",
        "<a=1>user/1001",
        "user/[a=1]1001",
        "user/1001[a]",
        "user/10'01",
        'user/10"01',
        "user/10\\,01",
        "user/${system(touch x)}",
        "user/10 01",
        "user/1001\n",
        "user/10\x0001",
        "user/caf\udce9",
        "^^;user/1001",
        " user/1001",
    ],
)
def test_a_destination_is_one_word_and_nothing_else(destination: str) -> None:
    several: list[Destination] = [destination, [destination], ["user/1", DialLeg(destination)]]
    for each in several:
        with pytest.raises(LocalProtocolError, match=r"destination is .* should be <endpoint>/<address> in one word"):
            write(each)


@pytest.mark.parametrize(
    "destination",
    [
        "user/1001@example.org",
        "sofia/gateway/pro-vider_1/+4930*123#",
        "sofia/internal/sip:1001@[2001:db8::1]:5060;transport=tcp?X-A=%20b",
        "loopback/9196/default",
        "error/USER_BUSY",
        "verto.rtc/1001@x",
        "pickup/sales@example.org",
    ],
)
async def test_destinations_as_they_are_used(destination: str) -> None:
    assert [[leg for leg, _ in group] for group in await called(write(destination))] == [[destination]]


def test_there_is_somebody_to_call_and_not_too_many() -> None:
    for wrong in ([], DialString(()), DialString.in_turn([], "user/1"), ["user/1"] * 129):
        with pytest.raises(LocalProtocolError, match="should be 1 to 128 destinations"):
            dial_string_of(wrong)


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a=b", "a]", "${a}", "a\nb", "ä"])
def test_a_variables_name_is_one_word(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be the name of a leg's variable"):
        write("user/1", {name: "1"})
    with pytest.raises(LocalProtocolError, match="cannot be the name of a leg's variable"):
        write(["user/1", DialLeg("user/2", variables={name: "1"})])


def test_a_sip_header_is_one_line() -> None:
    with pytest.raises(LocalProtocolError, match="sip_h_X-Name is"):
        write("user/1", {"sip_h_X-Name": "a\r\nRoute: <sip:evil>"})


@pytest.mark.parametrize(
    "leg",
    [
        DialLeg("user/1", ring_seconds=0),
        DialLeg("user/1", ring_seconds=-1),
        DialLeg("user/1", delay_seconds=-1),
        DialLeg("user/1", confirm_key="exec"),
        DialLeg("user/1", confirm_key="0123456789"),
        DialLeg("user/1", confirm_prompt="a.wav"),
    ],
)
def test_nonsense_is_refused(leg: DialLeg) -> None:
    with pytest.raises(LocalProtocolError, match=r"_seconds is|confirm_key is"):
        write(leg)


def test_a_caller_id_is_put_on_one_line() -> None:
    assert caller_id_variables("Ada\r\nRoute: x", " 1\t2 ") == {
        "origination_caller_id_name": "Ada  Route: x",
        "origination_caller_id_number": "1 2",
    }
    assert caller_id_variables(None, None) == {}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('Ada "L." Lovelace', "Ada 'L.' Lovelace"),
        ('"x" <sip:evil@example.org>; y="z"', "'x' <sip:evil@example.org>; y='z'"),
        (r"Ada \"L.\"", "Ada 'L.'"),
        ("ends\\\\", "ends"),
        # switch_url_decode() would make a line break or a quote of these, of the third one too.
        ("a%0d%0aX: y %22 50% a 3%+a", "a%250d%250aX: y %2522 50%25 a 3%25+a"),
        ("100%, 50% off", "100%, 50% off"),
    ],
)
def test_a_callers_name_is_a_name_and_nothing_more_in_a_sip_message(name: str, shown: str) -> None:
    def names(destination: Destination, common: dict[str, str | Expand] | None = None) -> list[str]:
        written = write(destination, common)
        exported = written.exported.get("origination_caller_id_name")
        found = re.findall(r"origination_caller_id_name=((?:[^]},\\]|\\.)*)", written.text({}))
        return [str(exported)] if exported else [each.replace("\\,", ",") for each in found]

    common: dict[str, str | Expand] = {"origination_caller_id_name": name}
    assert names("user/1", common) == names(["sofia/gw/1", "loopback/1"], common) == [shown]
    assert names(Expand("user/1|user/2"), common) == names(DialLeg("user/1", caller_id_name=name)) == [shown]
    assert names(["user/1", DialLeg("user/2", caller_id_name=name)]) == [shown.replace("'", "\u2019")]


def test_a_callers_number_ends_no_address_in_a_sip_message() -> None:
    number = {"origination_caller_id_number": '1>, "x" <sip:evil@example.org%3e'}
    assert text("user/1", {**number}) == (r"{origination_caller_id_number=1\, x sip:evil@example.org%253e}user/1")


def test_whoever_is_called_without_sip_is_shown_what_was_given() -> None:
    common: dict[str, str | Expand] = {"origination_caller_id_name": 'Ada "L." %22'}
    assert text(["loopback/1", "loopback/2"], common) == (
        '{origination_caller_id_name=Ada "L." %22}loopback/1,loopback/2'
    )


# As the simulator reads it, which shares no code with this


@pytest.mark.parametrize("special", SPECIAL)
async def test_every_character_arrives_at_all_legs(special: str) -> None:
    value = f"a{special}b"
    written = write(["user/1", "user/2"], {"x": value, "y": "1"})
    assert await called(written) == [[("user/1", {"x": value, "y": "1"}), ("user/2", {"x": value, "y": "1"})]]


async def test_whatever_is_not_refused_arrives() -> None:
    letters = [
        "a",
        "b",
        " ",
        *SPECIAL,
        "$",
        "${",
        "\\",
        "\\\\",
        "n",
        "s",
        "t",
        "${system(touch x)}",
        "é",
        "\udce9",
        "^",
    ]
    chance = random.Random(4)
    refused = 0
    for _ in range(3000):
        values = ["".join(chance.choices(letters, k=chance.randrange(1, 6))) for _ in range(3)]
        first, second, common = values
        legs = [
            DialLeg("user/1", variables={"x": first, "y": "1"}),
            DialLeg("user/2", variables={"x": second, "y": "2"}),
        ]
        try:
            written = write(DialString.in_turn(*legs), {"z": common})
        except LocalProtocolError:
            refused += 1
            continue
        found = await called(written)
        for group in found:
            for _, variables in group:
                variables.pop("origination_nested_vars", None)
        assert found == [
            [("user/1", {"x": first, "y": "1", "z": common})],
            [("user/2", {"x": second, "y": "2", "z": common})],
        ], values
    assert 500 < refused < 2500
