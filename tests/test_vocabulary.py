"""Every application of mod_dptools, and every command of the event socket, has its place in the README's tables.

What stands there is there.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import esl_outbound
from esl_outbound import Call, api, client
from esl_outbound.api import SwitchApi
from esl_outbound.client import FollowedChannel, ResilientSwitch, Switch

from .freeswitch import RECORDINGS

TESTS = Path(__file__).parent
README = TESTS.parent / "README.md"

# What mod_dptools.c of FreeSWITCH 1.11 registers.
MOD_DPTOOLS = re.findall(
    "[a-z_]+",
    """
    acknowledge_call answer att_xfer bgsystem bind_digit_action bind_meta_app blind_transfer_ack block_dtmf break bridge
    bridge_export broadcast capture capture_text check_acl clear_digit_action clear_speech_cache cng_plc debug_media
    deduplicate_dtmf deflect delay_echo detect_audio detect_silence detect_speech digit_action_set_realm
    displace_session early_hangup eavesdrop echo enable_heartbeat enable_keepalive endless_playback eval event
    execute_extension export fax_detect filter_codecs flush_dtmf gentones hangup hold info intercept ivr jitterbuffer
    limit limit_execute limit_hash limit_hash_execute log loop_playback media_reset mkdir multiset multiunset mutex
    native_eavesdrop novideo page park park_state phrase pickup play_and_detect_speech play_and_get_digits playback
    pre_answer preprocess presence privacy push queue_dtmf read record record_session record_session_mask
    record_session_pause record_session_resume record_session_unmask recovery_refresh redirect remove_bugs rename
    respond reuse_caller_profile ring_ready say sched_broadcast sched_cancel sched_hangup sched_heartbeat sched_transfer
    send_display send_dtmf send_info session_loglevel set set_audio_level set_global set_media_stats set_mute set_name
    set_profile_var set_user set_zombie_exec sleep soft_hold sound_test speak start_dtmf start_dtmf_generate stop
    stop_displace_session stop_dtmf stop_dtmf_generate stop_record_session stop_tone_detect stop_video_write_overlay
    strftime system three_way tone_detect transfer transfer_vars unbind_meta_app unblock_dtmf unhold unset unshift
    vad_test verbose_events video_decode video_refresh video_write_overlay wait_for_answer wait_for_silence
    wait_for_video_ready
    """,
)


def rows() -> list[tuple[list[str], str]]:
    """The table's rows: the applications, and where they are in the API."""
    found = re.search(r"<!-- applications -->\n(.*?)<!-- /applications -->", README.read_text(), re.DOTALL)
    assert found is not None, "the README has no table of applications"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]
    return [(re.findall("`([a-z_]+)`", names), where) for names, where in cells if names.startswith("`")]


@pytest.mark.parametrize("application", MOD_DPTOOLS)
def test_an_application_stands_in_the_table_once(application: str) -> None:
    assert len(set(MOD_DPTOOLS)) == 139
    assert [application in names for names, _ in rows()].count(True) == 1


def test_each_method_in_the_table_is_one_of_a_call() -> None:
    # `stop()` and `cancel()` are of the things that other methods give.
    named = {name for _, where in rows() for name in re.findall(r"`([a-z_]+)\(", where)} - {"stop", "cancel"}
    assert len(named) > 100
    assert sorted(name for name in named if not callable(getattr(Call, name, None))) == []


def test_an_application_without_a_method_says_why() -> None:
    for names, where in rows():
        assert re.search(r"`[a-z_]+\(", where) or re.fullmatch(r"`execute`: .+|methods of .+", where), names


# The commands of the event socket

# What parse_command() in mod_event_socket.c of FreeSWITCH 1.11 knows.
COMMANDS = [
    *("api", "bgapi", "linger", "nolinger", "event", "myevents", "divert_events", "filter", "filter delete"),
    *("sendevent", "sendmsg execute", "sendmsg hangup", "sendmsg nomedia", "sendmsg unicast", "sendmsg xferext"),
    *("sendmsg", "exit", "auth", "userauth", "log", "nolog", "nixevent", "noevents", "getvar", "resume", "connect"),
]

# What it refuses them with.
REFUSALS = [
    "-ERR invalid",
    "-ERR permission denied",
    "-ERR command not found",
    "-ERR not controlling a session",
    "-ERR not controlling a session.",
    "-ERR no keywords supplied",
    "-ERR aready enabled.",
    "-ERR not loging",
    "-ERR invalid log level",
    "-ERR missing value.",
    "-ERR invalid syntax",
    "-ERR invalid session id",
    "-ERR not listening for events",
    "-ERR invalid uuid",
    "-ERR memory error",
]


def commands() -> dict[str, list[str]]:
    """The table's rows by their command: of a call, of the client, the answer, the refusals."""
    found = re.search(r"<!-- commands -->\n(.*?)<!-- /commands -->", README.read_text(), re.DOTALL)
    assert found is not None, "the README has no table of commands"
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()[2:]]
    rows = {name.strip("`"): cells for name, *cells in table}
    assert len(rows) == len(table)
    assert {len(cells) for cells in rows.values()} == {4}
    return rows


def methods(cell: str) -> list[str]:
    """The methods and properties that a cell names."""
    return re.findall(r"`([a-z_]+)(?:\([^`]*\))?`", cell)


def test_every_command_stands_in_the_table_and_no_other() -> None:
    assert list(commands()) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_is_reached_by_is_there(command: str) -> None:
    of_call, of_client, _, _ = commands()[command]
    # What is said on the wire instead, and a flag of the dialplan's.
    words = {"event", "nixevent", "linger", "async"} - {command}
    named = [name for name in methods(of_call) if name not in words]
    assert [name for name in named if not hasattr(Call, name)] == []
    assert named or command in ("auth", "userauth")
    for part in re.split(r"[;,] (?=`)", of_client):
        for name in methods(part):
            if name == "connect" and command in ("auth", "userauth"):
                assert callable(client.connect)
            elif "of a channel" in part:
                assert callable(getattr(FollowedChannel, name))
            else:
                assert hasattr(Switch, name)
                assert hasattr(ResilientSwitch, name)
    assert methods(of_client) or command == "exit"


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_is_answered_with_was_seen_or_is_tried(command: str) -> None:
    _, _, answers, refusals = commands()[command]
    errors = re.findall(r"`([A-Z][A-Za-z]+)`", refusals)
    assert [name for name in errors if not hasattr(esl_outbound, name)] == []
    assert errors or command == "exit"
    recorded = b"".join(path.read_bytes() for path in RECORDINGS.glob("*.raw"))
    tried = "".join((TESTS / folder / name).read_text() for folder, name in TRIED)
    quoted = re.findall(r"`(?!ApiResponse)([^`]+)`", answers) + re.findall(r"`(-ERR [^`]+)`", refusals)
    assert [text for text in quoted if text.encode() not in recorded and text not in tried] == []


TRIED = [("call", "test_socket_commands.py"), ("client", "test_commands.py"), ("client", "test_following.py")]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_refusal_is_in_the_table_and_is_tried(refusal: str) -> None:
    assert any(f"`{refusal}`" in refusals for _, _, _, refusals in commands().values())
    assert any(refusal in (TESTS / folder / name).read_text() for folder, name in TRIED)


def test_no_other_refusal_is_in_the_table() -> None:
    named = {text for _, _, _, refusals in commands().values() for text in re.findall(r"`(-ERR [^`]+)`", refusals)}
    assert named == set(REFUSALS)


def test_every_api_command_that_is_a_method_is_in_the_readme_and_the_other_way_round() -> None:
    section = README.read_text().partition("## API commands that are methods\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    methods = {name for name in dir(SwitchApi) if not name.startswith("_")}
    values = set(api.__all__) - {"SwitchApi"}
    assert named == methods | values | {"fsctl"}
