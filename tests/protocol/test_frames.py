"""Bytes in, frames out: wherever they are cut, and whatever they are."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_outbound.errors import RemoteProtocolError
from esl_outbound.protocol import MAX_BODY_BYTES, MAX_HEAD_BYTES, FrameReader, read_message

from .wire import FrameParts, cut_at, everything, frame_parts, pieces, read_frames

OK = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
NOTICE = (
    b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: 5f6433ee-df70-478f-a9ed-0397c83df1da\n"
    b"Content-Disposition: disconnect\nContent-Length: 67\n\n"
    b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
)
# Every sort of frame, in the order and the form that FreeSWITCH gives their heads.
FRAMES: list[tuple[bytes, FrameParts]] = [
    (OK, ("command/reply", b"Content-Type: command/reply\nReply-Text: +OK\n", b"")),
    (
        b"Content-Type: command/reply\nReply-Text: +OK will linger 5 seconds\n\n",
        ("command/reply", b"Content-Type: command/reply\nReply-Text: +OK will linger 5 seconds\n", b""),
    ),
    (
        b"Event-Name: CHANNEL_DATA\nUnique-ID: 5f6433ee\nContent-Type: command/reply\nReply-Text: %2BOK%0A\n\n",
        (
            "command/reply",
            b"Event-Name: CHANNEL_DATA\nUnique-ID: 5f6433ee\nContent-Type: command/reply\nReply-Text: %2BOK%0A\n",
            b"",
        ),
    ),
    (
        b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: 7\nJob-UUID: 7\n\n",
        ("command/reply", b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: 7\nJob-UUID: 7\n", b""),
    ),
    (
        b"Content-Length: 18\nContent-Type: text/event-plain\n\nEvent-Name: DTMF\n\n",
        ("text/event-plain", b"Content-Length: 18\nContent-Type: text/event-plain\n", b"Event-Name: DTMF\n\n"),
    ),
    (
        b'Content-Length: 21\nContent-Type: text/event-json\n\n{"Event-Name":"DTMF"}',
        ("text/event-json", b"Content-Length: 21\nContent-Type: text/event-json\n", b'{"Event-Name":"DTMF"}'),
    ),
    (
        b"Content-Length: 14\nContent-Type: text/event-xml\n\n<event/>\n\n\n\n\n\n",
        ("text/event-xml", b"Content-Length: 14\nContent-Type: text/event-xml\n", b"<event/>\n\n\n\n\n\n"),
    ),
    (
        b"Content-Type: api/response\nContent-Length: 4\n\n\n\n\n\n",
        ("api/response", b"Content-Type: api/response\nContent-Length: 4\n", b"\n\n\n\n"),
    ),
    (
        b"Content-Type: api/response\nContent-Length: 0\n\n",
        ("api/response", b"Content-Type: api/response\nContent-Length: 0\n", b""),
    ),
    (
        b"Content-Type: log/data\nContent-Length: 3\nLog-Level: 7\nUser-Data: \n\nhi\n",
        ("log/data", b"Content-Type: log/data\nContent-Length: 3\nLog-Level: 7\nUser-Data: \n", b"hi\n"),
    ),
    (
        NOTICE,
        (
            "text/disconnect-notice",
            b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: 5f6433ee-df70-478f-a9ed-0397c83df1da\n"
            b"Content-Disposition: disconnect\nContent-Length: 67\n",
            b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n",
        ),
    ),
    (b"Content-Type: auth/request\n\n", ("auth/request", b"Content-Type: auth/request\n", b"")),
    (
        b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n",
        (
            "text/rude-rejection",
            b"Content-Type: text/rude-rejection\nContent-Length: 24\n",
            b"Access Denied, go away.\n",
        ),
    ),
    (b"Content-Type: text/of-tomorrow\n\n", ("text/of-tomorrow", b"Content-Type: text/of-tomorrow\n", b"")),
]
CONVERSATION = b"".join(data for data, _ in FRAMES)
EXPECTED = [parts for _, parts in FRAMES]


def refusal(data: bytes, *, max_head_bytes: int = MAX_HEAD_BYTES, max_body_bytes: int = MAX_BODY_BYTES) -> str:
    """Why these bytes are refused, in one piece; byte by byte they have to be refused too."""
    reader = FrameReader(max_head_bytes=max_head_bytes, max_body_bytes=max_body_bytes)
    frames, failed = read_frames(pieces(data, 1), reader)
    assert (frames, failed) == ([], True)
    reader = FrameReader(max_head_bytes=max_head_bytes, max_body_bytes=max_body_bytes)
    reader.feed(data)
    with pytest.raises(RemoteProtocolError) as caught:
        reader.next_frame()
    with pytest.raises(RemoteProtocolError):
        reader.next_frame()
    return str(caught.value)


# What comes out


@pytest.mark.parametrize(("data", "parts"), FRAMES)
def test_every_sort_of_frame_is_read_whole_and_byte_by_byte(data: bytes, parts: FrameParts) -> None:
    for size in (len(data), 1):
        frames, failed = read_frames(pieces(data, size))
        assert (frame_parts(frames), failed) == ([parts], False)


@pytest.mark.parametrize(("data", "parts"), FRAMES)
def test_the_beginning_of_the_next_frame_does_not_disturb_the_one_before(data: bytes, parts: FrameParts) -> None:
    for end in range(1, len(OK)):
        reader = FrameReader()
        reader.feed(data + OK[:end])
        frame = reader.next_frame()
        assert frame is not None
        assert (frame.content_type, frame.head, frame.body) == parts
        assert reader.inside_frame
        reader.feed(OK[end:])
        assert frame_parts(filter(None, [reader.next_frame()])) == [EXPECTED[0]]
        assert reader.next_frame() is None
        assert not reader.inside_frame


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
def test_a_conversation_is_cut_into_its_frames_at_any_size_of_reads(size: int) -> None:
    frames, failed = read_frames(pieces(CONVERSATION, size))
    assert (frame_parts(frames), failed) == (EXPECTED, False)


@settings(deadline=None, max_examples=200)
@given(
    places=st.lists(st.integers(0, len(CONVERSATION)), max_size=30),
    asks=st.lists(st.integers(0, 3), max_size=31),
)
def test_any_cutting_gives_the_same_frames_however_often_they_are_asked_for(places: list[int], asks: list[int]) -> None:
    reader = FrameReader()
    given_out = []
    parts = cut_at(CONVERSATION, places)
    for part, asked in zip(parts, asks + [9] * len(parts), strict=False):
        reader.feed(part)
        for _ in range(asked):
            frame = reader.next_frame()
            if frame is not None:
                given_out.append(frame)
    while (frame := reader.next_frame()) is not None:
        given_out.append(frame)
    assert frame_parts(given_out) == EXPECTED
    assert not reader.inside_frame


def test_inside_frame_is_true_from_the_first_byte_of_a_frame_to_its_last() -> None:
    reader = FrameReader()
    assert not reader.inside_frame
    for part in pieces(NOTICE[:-1], 1):
        reader.feed(part)
        assert reader.next_frame() is None
        assert reader.inside_frame
    reader.feed(NOTICE[-1:])
    assert reader.inside_frame
    assert reader.next_frame() is not None
    assert not reader.inside_frame


def test_nothing_fed_is_nothing_read() -> None:
    reader = FrameReader()
    assert reader.next_frame() is None
    reader.feed(b"")
    assert reader.next_frame() is None
    assert not reader.inside_frame


def test_a_content_length_counts_bytes_and_not_characters() -> None:
    frames, failed = read_frames([b"Content-Type: api/response\nContent-Length: 4\n\nZa\xc3\x9f" + OK])
    assert not failed
    assert [frame.body for frame in frames] == [b"Za\xc3\x9f", b""]


def test_head_names_and_types_are_matched_whatever_their_case_and_blanks() -> None:
    frames, failed = read_frames([b"CONTENT-LENGTH:003 \ncontent-type:Text/Event-PLAIN\n\nabc" + OK])
    assert not failed
    assert frame_parts(frames)[0] == (
        "text/event-plain",
        b"CONTENT-LENGTH:003 \ncontent-type:Text/Event-PLAIN\n",
        b"abc",
    )


def test_a_name_that_ends_like_a_length_is_none() -> None:
    frames, failed = read_frames(
        [b"X-Content-Length: 99\nContent-Type: command/reply\nReply-Text: Content-Length: 9\n\n"]
    )
    assert not failed
    assert [frame.body for frame in frames] == [b""]


def test_a_type_that_is_no_ascii_is_kept_readable() -> None:
    frames, failed = read_frames([b"Content-Type: Za\xdf\n\nContent-Type:\n\n"])
    assert not failed
    assert [frame.content_type for frame in frames] == ["za\\xdf", ""]


def test_a_frame_shows_its_type_and_its_size_but_no_content() -> None:
    frames, _ = read_frames([NOTICE])
    assert repr(frames[0]) == "<Frame text/disconnect-notice 150+67 bytes>"


# Lengths that are refused


@pytest.mark.parametrize(
    "length",
    [
        b"-1",
        b"-0",
        b"+5",
        b"",
        b" ",
        b"five",
        b"0x10",
        b"1e3",
        b"1_000",
        b"1 000",
        b"5,",
        b"5\r",
        b"\t5",
        b"5\0",
        b"\xd9\xa5",
        b"9" * 19,
        b"9" * 5000,
    ],
)
@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: command/reply\nContent-Length: %b\n\n",
        b"Content-Length: %b\nContent-Type: text/event-plain\n\n",
        b"Content-Type: api/response\nContent-Length: %b\n\n",
    ],
)
def test_a_length_that_is_no_number_is_refused(head: bytes, length: bytes) -> None:
    assert refusal(head % length).startswith("Content-Length b")


@pytest.mark.parametrize("length", [b"16777217", b"999999999", b"9999999999", b"9" * 18])
@pytest.mark.parametrize("kind", [b"text/event-plain", b"text/disconnect-notice"])
def test_a_body_over_the_limit_is_refused_before_it_has_come(kind: bytes, length: bytes) -> None:
    reason = refusal(b"Content-Length: %b\nContent-Type: %b\n\n" % (length, kind))
    assert reason == f"a body of {length.decode()} bytes, more than 16777216"


def test_a_body_of_the_limit_itself_is_accepted() -> None:
    body = b"x" * 16777216
    for size in (1 << 20, len(body) + 100):
        frames, failed = read_frames(
            pieces(b"Content-Length: 16777216\nContent-Type: text/event-plain\n\n" + body, size)
        )
        assert not failed
        assert [frame.body == body for frame in frames] == [True]


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\nContent-Length: 4\nContent-Type: text/event-plain\n\n",
        b"Content-Length: 4\nContent-Type: text/event-plain\nContent-Length: 4\n\n",
        b"Content-Type: api/response\nContent-Length: 4\ncontent-length: 5\n\n",
        b"Content-Type: command/reply\nContent-Length: 0\nContent-Length:\n\n",
    ],
)
def test_a_length_given_twice_is_refused(head: bytes) -> None:
    assert refusal(head) == "more than one Content-Length"


@pytest.mark.parametrize("kind", ["text/event-plain", "text/event-json", "text/event-xml", "api/response", "log/data"])
def test_what_always_has_a_body_is_refused_without_its_length(kind: str) -> None:
    assert refusal(b"Content-Type: %b\n\n" % kind.encode()) == f"{kind} without Content-Length"


@pytest.mark.parametrize(
    "kind",
    ["command/reply", "text/disconnect-notice", "auth/request", "text/rude-rejection", "text/of-tomorrow"],
)
def test_other_frames_without_a_length_have_no_body(kind: str) -> None:
    frames, failed = read_frames([b"Content-Type: %b\n\n" % kind.encode() + OK])
    assert not failed
    assert [(frame.content_type, frame.body) for frame in frames] == [(kind, b""), ("command/reply", b"")]


def test_a_head_without_a_type_is_refused() -> None:
    assert refusal(b"Content-Length: 4\nX-Content-Type: api/response\n\nabcd").startswith("a head without Content-Type")


# Limits on heads and bodies


def test_the_limits_are_one_mebibyte_of_head_and_sixteen_of_body() -> None:
    assert (MAX_HEAD_BYTES, MAX_BODY_BYTES) == (1048576, 16777216)


def fed_until_refused(part: bytes, reader: FrameReader) -> tuple[int, str]:
    """How many bytes of an endless repetition are taken before they are refused, and why."""
    for count in range(1, 1000):
        reader.feed(part)
        try:
            assert reader.next_frame() is None
        except RemoteProtocolError as exc:
            return count * len(part), str(exc)
    raise AssertionError("never refused")


@pytest.mark.parametrize("repeated", [131072, 4096, 256])
def test_a_head_that_never_ends_is_refused_at_the_limit(repeated: int) -> None:
    part = b"X-Filler: 12345\n" * repeated
    fed, reason = fed_until_refused(part, FrameReader())
    assert reason == "a head of more than 1048576 bytes"
    assert MAX_HEAD_BYTES < fed <= MAX_HEAD_BYTES + len(part)


@pytest.mark.parametrize("size", [1, 1 << 21])
def test_a_head_counts_with_its_blank_line_and_may_be_as_long_as_the_limit(size: int) -> None:
    head = b"Content-Type: text/disconnect-notice\nX: 12345\n\n"
    assert len(head) == 47
    frames, failed = read_frames(pieces(head + head, size), FrameReader(max_head_bytes=47))
    assert (len(frames), failed) == (2, False)
    frames, failed = read_frames(pieces(head + head, size), FrameReader(max_head_bytes=46))
    assert (len(frames), failed) == (0, True)


def test_a_whole_head_over_the_limit_is_refused() -> None:
    head = b"Content-Type: text/disconnect-notice\nX: 12345\n\n"
    assert refusal(head, max_head_bytes=46) == "a head of 47 bytes, more than 46"


def test_a_reply_over_the_limit_is_refused_like_any_other_head() -> None:
    reply = b"Content-Type: command/reply\nReply-Text: " + b"x" * 100 + b"\n\n"
    assert refusal(reply, max_head_bytes=100) == f"a head of {len(reply)} bytes, more than 100"
    frames, failed = read_frames([reply], FrameReader(max_head_bytes=len(reply)))
    assert (len(frames), failed) == (1, False)


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 11\nContent-Type: text/event-plain\n\n",
        b"Content-Type: api/response\nContent-Length: 11\n\n",
    ],
)
def test_a_body_over_a_limit_of_ones_own_is_refused(head: bytes) -> None:
    assert refusal(head + b"x" * 11, max_body_bytes=10) == "a body of 11 bytes, more than 10"
    frames, failed = read_frames([head + b"x" * 11], FrameReader(max_body_bytes=11))
    assert (len(frames), failed) == (1, False)


# Strangers and errors


@pytest.mark.parametrize(
    ("greeting", "enough"),
    [
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8084\r\n\r\n", 4),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 1),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", 22),
        (b"\n", 1),
        (b"\r\n\r\n", 1),
        (b"\0\0\0\0", 1),
        (b" Content-Type: command/reply\n\n", 1),
        (b": value\n\n", 1),
        (b"Content-Type\n\n", 13),
        (b"\xc3\x9f: 1\n\n", 1),
    ],
)
def test_a_stranger_is_refused_by_its_first_bytes(greeting: bytes, enough: int) -> None:
    assert refusal(greeting).startswith("not an event socket: b")
    reader = FrameReader()
    for part in pieces(greeting[: enough - 1], 1):
        reader.feed(part)
        assert reader.next_frame() is None
    reader.feed(greeting[enough - 1 : enough])
    with pytest.raises(RemoteProtocolError, match="not an event socket"):
        reader.next_frame()


@pytest.mark.parametrize("size", [1, 2, 256, 1000])
def test_a_stranger_that_never_says_a_colon_is_refused_at_the_longest_name(size: int) -> None:
    fed, reason = fed_until_refused(b"x" * size, FrameReader())
    assert reason.startswith("not an event socket")
    assert 256 < fed <= 256 + size


def test_a_refusal_shows_only_the_first_bytes() -> None:
    assert refusal(b"\x16" * 10000) == "not an event socket: " + repr(b"\x16" * 40)


@pytest.mark.parametrize("size", [1, 5, 100000])
@pytest.mark.parametrize(
    "trouble",
    [
        b"Content-Length: -1\nContent-Type: text/event-plain\n\n",
        b"Content-Type: log/data\n\n",
        b"GET / HTTP/1.1\r\n",
        b"Content-Length: 99999999\nContent-Type: text/event-json\n\n",
    ],
)
def test_the_frames_before_an_error_are_given_out_first(trouble: bytes, size: int) -> None:
    frames, failed = read_frames(pieces(CONVERSATION + trouble + CONVERSATION, size))
    assert (frame_parts(frames), failed) == (EXPECTED, True)


# Any bytes at all

MUTATIONS = st.tuples(
    st.integers(0, len(CONVERSATION)),
    st.integers(0, 12),
    st.binary(max_size=4)
    | st.sampled_from([b"\n", b"\n\n", b"\0", b"9", b"Content-Length: 3\n", b"Content-Type: x\n"]),
)


def mutate(data: bytes, mutations: list[tuple[int, int, bytes]]) -> bytes:
    for start, length, replacement in mutations:
        data = data[:start] + replacement + data[start + length :]
    return data


def read_within_limits(parts: list[bytes], max_head_bytes: int, max_body_bytes: int) -> None:
    """Read with limits; whatever is held must be below them plus the last piece, or be refused."""
    reader = FrameReader(max_head_bytes=max_head_bytes, max_body_bytes=max_body_bytes)
    held = 0
    for part in parts:
        reader.feed(part)
        held += len(part)
        try:
            while (frame := reader.next_frame()) is not None:
                held -= len(frame.head) + 1 + len(frame.body)
                everything(read_message(frame))
        except RemoteProtocolError:
            return
        assert 0 <= held <= max_head_bytes + max_body_bytes
        assert reader.inside_frame == (held > 0)


@settings(deadline=None, max_examples=300)
@given(parts=st.lists(st.binary(max_size=60), max_size=10))
def test_any_bytes_give_frames_or_a_protocol_error_and_nothing_else(parts: list[bytes]) -> None:
    read_within_limits(parts, 100, 50)


@settings(deadline=None, max_examples=300)
@given(
    mutations=st.lists(MUTATIONS, min_size=1, max_size=4),
    places=st.lists(st.integers(0, len(CONVERSATION)), max_size=10),
)
def test_a_damaged_conversation_gives_messages_or_a_protocol_error_in_any_cutting(
    mutations: list[tuple[int, int, bytes]], places: list[int]
) -> None:
    damaged = mutate(CONVERSATION, mutations)
    read_within_limits(cut_at(damaged, places), 300, 100)
    whole = read_frames([damaged])
    cut = read_frames(cut_at(damaged, places))
    assert (frame_parts(whole[0]), whole[1]) == (frame_parts(cut[0]), cut[1])


def test_what_was_given_out_is_not_held() -> None:
    event = b"Content-Length: 10000\nContent-Type: text/event-plain\n\n" + b"x" * 10000
    reader = FrameReader()
    tracemalloc.start()
    try:
        for _ in range(1000):
            reader.feed(event[:6000])
            assert reader.next_frame() is None
            reader.feed(event[6000:])
            assert reader.next_frame() is not None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000


def test_a_frame_that_two_chunks_share_leaves_the_rest_of_the_second_for_later() -> None:
    event = b"Content-Length: 20\nContent-Type: text/event-plain\n\nEvent-Name: NOTALK\n\n"
    reply = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
    reader = FrameReader()
    reader.feed(event[:60])
    assert reader.next_frame() is None
    reader.feed(event[60:] + reply + event[:10])
    first = reader.next_frame()
    assert first is not None
    assert (first.body, reader.inside_frame) == (b"Event-Name: NOTALK\n\n", True)
    # More comes before the rest was taken out.
    reader.feed(event[10:])
    types = [frame.content_type for frame in iter(reader.next_frame, None)]
    assert types == ["command/reply", "text/event-plain"]
    assert not reader.inside_frame
