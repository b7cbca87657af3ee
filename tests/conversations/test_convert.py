import json
from pathlib import Path

import pytest

from .convert import Conversion, extension_actions, sent_bytes, written
from .script import Operates, Presses, Sends, load

# A call in which everything happens that a log can show; `~` is the end of a line that ends with a blank.
LOG = r"""[   0.0000] fs_cli: originate {x=y}loopback/ans_async_full_8084/default dtmf_1*# XML default
[   0.0000] ### accepted connection 1 from ('127.0.0.1', 53910)
[   0.0002] >>> conn1 9 bytes
  > connect
  > ~
[   0.0011] <<< conn1 81 bytes
  < Event-Name: CHANNEL_DATA
  < Unique-ID: 5f6433ee-df70-478f-a9ed-0397c83df1da
  < ~
[   0.0414] fs_cli result of [originate {x=y}loopback/ans_async_full_8084/default dtmf_1*# XML default]
  = +OK 02fb4cc4-1e53-4b7c-8641-2126c5bcd2d3
  = ~
[   0.5000] ### half a command
[   0.5001] >>> conn1 9 bytes
  > getvar a<CR><no-newline>
[   0.6000] >>> conn1 6 bytes
  > <CR>
  > caf\xe9<no-newline>
[   0.7000] fs_cli: uuid_getvar 5f6433ee-df70-478f-a9ed-0397c83df1da a
[   0.7030] fs_cli result of [uuid_getvar 5f6433ee-df70-478f-a9ed-0397c83df1da a]
  = two
  = lines
[   0.8000] fs_cli: show channels
[   0.8030] fs_cli result of [show channels]
  = uuid,name,state,application,application_data,callstate
  = 02fb4cc4-1e53-4b7c-8641-2126c5bcd2d3,loopback/x-a,CS_EXECUTE,park,,ACTIVE
  = 5f6433ee-df70-478f-a9ed-0397c83df1da,loopback/x-b,CS_EXECUTE,socket,127.0.0.1:8084 async full,ACTIVE
  = ~
  = 2 total.
  = ~
[   0.9000] fs_cli: uuid_kill 02fb4cc4-1e53-4b7c-8641-2126c5bcd2d3 USER_BUSY
[   0.9030] fs_cli result of [uuid_kill 02fb4cc4-1e53-4b7c-8641-2126c5bcd2d3 USER_BUSY]
  = +OK
  = ~
[   1.0000] ### conn1 closed by FreeSWITCH (EOF)
[   1.2000] ### end of script
""".replace("~", "")


def test_a_log_becomes_a_script_of_what_the_application_the_caller_and_the_operator_did() -> None:
    assert [written(line) for line in Conversion(LOG).run()] == [
        '{"extension": "ans_async_full_8084", "variables": {"x": "y"}, "before": ["answer"], '
        '"socket": "127.0.0.1:8084 async full", "after": []}',
        r'{"at": 0.0002, "sends": "connect\n\n"}',
        '{"at": 0.0011, "receives": 81}',
        '{"at": 0.5, "note": "half a command"}',
        r'{"at": 0.5001, "sends": "getvar a\r"}',
        r'{"at": 0.6, "sends": "\r\ncaf\udce9"}',
        '{"at": 0.7, "api": "uuid_getvar <uuid> a", "result": "two\\nlines"}',
        '{"at": 0.8, "api": "show channels", "shows": [{"state": "CS_EXECUTE", "application": "socket"}]}',
        '{"at": 0.9, "caller": "hangs up", "cause": "USER_BUSY"}',
        '{"at": 1.0, "freeswitch": "closes"}',
        '{"at": 1.2, "end": true}',
        '{"at": 1.5, "caller": "presses", "digits": "1*#"}',
    ]


def test_a_script_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a_conversation.jsonl"
    path.write_text("".join(written(line) + "\n" for line in Conversion(LOG).run()), encoding="utf-8")
    script = load(path)
    assert (script.name, script.variables, script.before, script.socket, script.end) == (
        "a_conversation",
        {"x": "y"},
        ("answer",),
        "127.0.0.1:8084 async full",
        1.2,
    )
    assert script.acts[3] == Sends(0.6, "\r\ncaf\udce9")
    assert script.acts[4] == Operates(0.7, "uuid_getvar <uuid> a", "two\nlines", ())
    assert script.acts[-1] == Presses(1.5, "1*#")


def test_what_looks_like_an_escaped_byte_is_one_only_if_the_number_of_bytes_says_so() -> None:
    assert sent_bytes([r"caf\xe9<no-newline>"], 4) == b"caf\xe9"
    assert sent_bytes([r"caf\xe9<no-newline>"], 7) == rb"caf\xe9"
    with pytest.raises(ValueError, match="5 bytes were sent"):
        sent_bytes([r"caf\xe9<no-newline>"], 5)


def test_a_placeholder_in_the_data_itself_is_refused() -> None:
    log = LOG.replace("0.5001] >>> conn1 9 bytes", "0.5001] >>> conn1 16 bytes")
    with pytest.raises(ValueError, match="<uuid> is in the text itself"):
        Conversion(log.replace("getvar a<CR><no-newline>", "getvarr a<uuid>")).run()


@pytest.mark.parametrize(
    ("extension", "actions"),
    [
        ("sync_8084", ([], "127.0.0.1:8084", [])),
        ("ans_async_full_8084", (["answer"], "127.0.0.1:8084 async full", [])),
        (
            "failover_8099_8084",
            ([], "127.0.0.1:8099|127.0.0.1:8084 async full", ["playback tone_stream://%(300,0,500)"]),
        ),
        (
            "afterwards_sync_8084",
            ([], "127.0.0.1:8084 full", ["set after_socket=true", "playback tone_stream://%(1000,0,500)"]),
        ),
        ("sockpath_8084", ([], "127.0.0.1:8084/ivr/menu?a=1 async full", [])),
    ],
)
def test_what_an_extension_of_the_recorders_dialplan_does(
    extension: str, actions: tuple[list[str], str, list[str]]
) -> None:
    assert extension_actions(extension) == actions


def test_every_line_of_every_script_is_json_of_its_own() -> None:
    for path in Path(__file__).parent.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert written(json.loads(line)) == line
