"""Every application of FreeSWITCH's mod_dptools has its place in the README's table, and what stands there is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from esl_outbound import Call

README = Path(__file__).parent.parent / "README.md"

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
