"""Applications that FreeSWITCH has and this only lets complete: the story of the call says so, once for each."""

from __future__ import annotations

from functools import partial
from typing import Final

from ..session import Session
from .application import Application

__all__ = ["APPLICATIONS"]


async def _complete(name: str, session: Session, argument: str) -> None:
    session.channel.story.only_completes(name)


_NEED_NO_MEDIA: Final = (
    *("acknowledge_call", "blind_transfer_ack", "capture_text", "clear_speech_cache", "cng_plc", "debug_media"),
    *("early_hangup", "enable_keepalive", "enum", "fifo_track_call", "filter_codecs", "jitterbuffer"),
    *("media_reset", "novideo", "pickup", "recovery_refresh", "reuse_caller_profile"),
    *("set_media_stats", "set_zombie_exec", "sofia_sla", "sofia_stir_shaken_vs", "unloop"),
    *("conference_set_auto_outcall", "wait_for_video_ready"),
)
_NEED_MEDIA: Final = (
    *("avmd_start", "avmd_stop", "vmd"),
    *("decode_video", "esf_page_group", "httapi", "ivr", "lua"),
    *("page", "play_fsv", "play_yuv", "preprocess", "record_fsv", "rxfax"),
    *("sound_test", "spandsp_detect_tdd", "spandsp_inject_tdd", "spandsp_send_tdd", "spandsp_start_dtmf"),
    *("spandsp_start_fax_detect", "spandsp_start_tone_detect", "spandsp_stop_detect_tdd", "spandsp_stop_dtmf"),
    *("spandsp_stop_fax_detect", "spandsp_stop_inject_tdd", "spandsp_stop_tone_detect", "stopfax"),
    *("stop_video_write_overlay", "t38_gateway", "txfax", "vad_test", "video_decode"),
    *("video_refresh", "video_write_overlay"),
)

APPLICATIONS: Final = (
    *(Application(name, partial(_complete, name)) for name in _NEED_NO_MEDIA),
    *(Application(name, partial(_complete, name), needs_media=True) for name in _NEED_MEDIA),
)
