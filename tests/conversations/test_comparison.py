from collections.abc import Callable

import attrs
import pytest

from .comparison import Comparison
from .projection import Headers, Kind, Message, frames, project
from .recording import NAMES, arrivals_of, bytes_of, load_script, messages_of

A1 = "a1_async_full_plain"
L1 = "l1_pipelining"


def compare(name: str, got: list[Message]) -> list[str]:
    """What is different in a conversation that should be the recorded one."""
    channel = next((m["Unique-ID"] for m in got if m.kind is Kind.CHANNEL_DATA), "")
    return [
        f"{d.what}: {d.expected} / {d.got}"
        for d in Comparison(load_script(name), messages_of(name), got, channel).run()
    ]


def changed(messages: list[Message], number: int, change: Callable[[Message], Message]) -> list[Message]:
    return [change(message) if i == number else message for i, message in enumerate(messages)]


def with_header(message: Message, name: str, value: str) -> Message:
    return attrs.evolve(message, headers=tuple((n, value if n == name else v) for n, v in message.headers))


def moved(messages: list[Message], number: int, place: int) -> list[Message]:
    """The messages in another order, at times that fit."""
    others = [message for i, message in enumerate(messages) if i != number]
    return [*others[:place], attrs.evolve(messages[number], at=others[place].at), *others[place:]]


def number_of(messages: list[Message], title: str, occurrence: int = 0) -> int:
    return [i for i, message in enumerate(messages) if message.title.startswith(title)][occurrence]


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_conversation_is_the_same_as_itself(name: str) -> None:
    assert compare(name, messages_of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_all_bytes_of_a_recording_have_their_time_and_their_message(name: str) -> None:
    data = bytes_of(name)
    arrivals = arrivals_of(load_script(name))
    assert (arrivals[-1][1] if arrivals else 0) == len(data)
    assert [end for end, _, _, _ in frames(data)][-1:] == ([len(data)] if data else [])
    # What FreeSWITCH's own bugs put on the wire is the only thing that is no message.
    stray = [m.body for m in project(data, arrivals) if m.kind is Kind.STRAY or m.layout == "odd"]
    assert stray == (["line4\n\n"] if name == "i5_getvar_newline" else [])


def test_a_missing_message_is_a_difference() -> None:
    messages = messages_of(A1)
    del messages[number_of(messages, "CHANNEL_ANSWER")]
    assert compare(A1, messages) == [
        "CHANNEL_ANSWER CS_EXECUTE answered: missing: CHANNEL_ANSWER CS_EXECUTE answered / nothing"
    ]


def test_a_message_too_much_is_a_difference() -> None:
    messages = messages_of(A1)
    at = number_of(messages, "+OK", 2)
    assert compare(A1, [*messages[:at], messages[at], *messages[at:]]) == ["+OK: too much: nothing / +OK"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Channel-State", "CS_HANGUP"),
        ("Answer-State", "early"),
        ("Application-Data", "tone_stream://%25(500,0,400)"),
        ("Application-UUID", "11111111-aaaa-4bbb-8ccc-000000000002"),
        ("variable_socket_host", ""),
        ("Caller-Channel-Answered-Time", "0"),
        ("Event-Date-Timestamp", "1795384371251919"),
        ("Event-Sequence", ""),
        ("Caller-Unique-ID", "02fb4cc4-1e53-4b7c-8641-2126c5bcd2d3"),
    ],
)
def test_another_value_is_a_difference(header: str, value: str) -> None:
    messages = messages_of(A1)
    number = number_of(messages, "CHANNEL_EXECUTE playback")
    before = messages[number][header]
    got = changed(messages, number, lambda message: with_header(message, header, value))
    assert compare(A1, got) == [f"CHANNEL_EXECUTE playback: {header}: {before} / {value}"]


def test_other_headers_are_a_difference_and_so_is_another_order_of_them() -> None:
    messages = messages_of(A1)
    number = number_of(messages, "CHANNEL_ANSWER")

    def with_headers(change: Callable[[Headers], Headers]) -> list[str]:
        return compare(A1, changed(messages, number, lambda m: attrs.evolve(m, headers=change(m.headers))))

    assert with_headers(lambda headers: headers[:-1]) == [
        "CHANNEL_ANSWER: variable_current_application missing: after variable_total_loops / nothing"
    ]
    assert with_headers(lambda headers: (*headers, ("X", "y"))) == [
        "CHANNEL_ANSWER: X too much: nothing / after variable_current_application"
    ]
    assert with_headers(lambda headers: (headers[1], headers[0], *headers[2:])) == [
        "CHANNEL_ANSWER: order of headers at Event-Name: first / Core-UUID first"
    ]


def test_another_time_is_a_difference() -> None:
    messages = messages_of(A1)
    number = number_of(messages, "CHANNEL_EXECUTE_COMPLETE playback")
    assert compare(A1, changed(messages, number, lambda m: attrs.evolve(m, at=m.at + 0.05))) == []
    assert compare(A1, changed(messages, number, lambda m: attrs.evolve(m, at=m.at + 0.07))) == [
        "CHANNEL_EXECUTE_COMPLETE playback: time: 1.0472 / 1.1172"
    ]


def test_events_in_another_order_are_a_difference() -> None:
    messages = messages_of(A1)
    hangup = number_of(messages, "CHANNEL_HANGUP ")
    assert len(compare(A1, moved(messages, hangup, hangup + 1))) == 2


def test_identifiers_may_be_others_if_they_are_so_everywhere() -> None:
    name = "c2_sync_hangup_midplay"
    other = bytes_of(name).replace(b"58e2acbe-9576-447f-8b3b-d9eeb156ec1c", b"5f6433ee-df70-478f-a9ed-0397c83df1da")
    arrivals = arrivals_of(load_script(name))
    assert compare(name, project(other, arrivals)) == []
    once = bytes_of(name).replace(b"58e2acbe-9576-447f-8b3b-d9eeb156ec1c", b"5f6433ee-df70-478f-a9ed-0397c83df1da", 1)
    assert compare(name, project(once, arrivals)) != []


# Races


def test_a_reply_and_an_event_of_the_same_instant_may_change_places() -> None:
    messages = messages_of(L1)
    event = number_of(messages, "CHANNEL_EXECUTE playback")
    assert messages[event - 1].title == "<uuid>"
    assert compare(L1, moved(messages, event - 1, event)) == []
    # The reply before that came half a second earlier.
    late = changed(moved(messages, event - 2, event), event - 2, lambda m: m)
    assert [line.partition(":")[2] for line in compare(L1, late)] != []


def test_the_linger_notice_may_come_before_the_hangup() -> None:
    messages = messages_of(A1)
    notice = number_of(messages, "notice: linger")
    assert compare(A1, moved(messages, notice, number_of(messages, "CHANNEL_HANGUP "))) == []


def test_a_linger_ends_in_its_last_second() -> None:
    messages = messages_of(A1)
    goodbye = number_of(messages, "notice: disconnect")
    hung_up_at = messages[number_of(messages, "notice: linger")].at
    for seconds, differences in (
        (4.9, ["time", "end of linger"]),
        (5.1, ["time"]),
        (5.9, []),
        (6.1, ["time", "end of linger"]),
    ):
        end = attrs.evolve(messages[goodbye], at=hung_up_at + seconds)
        found = compare(A1, [*messages[:goodbye], end])
        assert [line.split(": ")[2] for line in found] == differences


def test_the_park_may_be_missing_unless_the_set_up_was_one_write() -> None:
    for name, differences in (("g4_dtmf_idle_plain", 0), (L1, 1)):
        messages = messages_of(name)
        del messages[number_of(messages, "CHANNEL_PARK")]
        assert len(compare(name, messages)) == differences


def test_events_from_before_the_subscription_may_be_missing() -> None:
    name = "e10_resume"
    messages = messages_of(name)
    assert number_of(messages, "CHANNEL_EXECUTE socket") > number_of(messages, "+OK")
    without = [m for m in messages if m["Event-Name"] not in ("CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE")]
    assert len(without) < len(messages)
    assert compare(name, without) == []


def test_a_ladder_shows_both_conversations_and_what_the_application_did() -> None:
    messages = messages_of("e11_last_action_exit")
    got = [message for message in messages_of("e11_last_action_exit") if message.kind is not Kind.REPLY]
    comparison = Comparison(load_script("e11_last_action_exit"), messages, got, messages[0]["Unique-ID"])
    comparison.run()
    assert comparison.ladder(width=40) == (
        "   0.000      > 'connect'\n"
        "   0.001 CHANNEL_DATA async full              0.001 CHANNEL_DATA async full\n"
        "   0.001      > 'myevents'\n"
        "   0.001 +OK Events Enabled              - \n"
        "   0.021 CHANNEL_PARK CS_EXECUTE answere      0.021 CHANNEL_PARK CS_EXECUTE answere\n"
        "   0.301      > 'exit'\n"
        "   0.302 +OK bye                         - \n"
        "   0.302 notice: disconnect                   0.302 notice: disconnect"
    )
