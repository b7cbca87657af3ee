"""What kind of channel a call comes in on, and what such a channel has from the start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, final

import trio

from .channel import Channel, Indication, Profile, Signalling
from .core import Core
from .story import Story
from .wire import Value, as_text

__all__ = ["Endpoint", "make_channel"]

Endpoint: TypeAlias = Literal["sofia", "loopback"]
"""``sofia``: a SIP call; ``loopback``: a call that the switch makes to itself."""


def make_channel(
    core: Core,
    story: Story,
    *,
    endpoint: Endpoint,
    number: str,
    caller_id: str,
    caller_id_name: str,
    context: str,
    variables: Mapping[str, Value],
    dialplan: str = "xml",
    other_leg: Channel | None = None,
) -> Channel:
    """A channel as it is when its dialplan begins.

    Args:
        core: The switch.
        story: Where its story is told.
        endpoint: What kind of channel it is.
        number: The extension.
        caller_id: The caller's number.
        caller_id_name: The caller's display name.
        context: The dialplan's context.
        variables: Its variables.
        dialplan: Whose extension it is, on loopback.
        other_leg: The leg of a loopback call that it is the far end of, if that leg is simulated.
    """
    uuid = core.new_uuid()
    now = core.micros()
    if endpoint == "loopback":
        profile = Profile(
            uuid,
            f"loopback/{number}-b",
            number,
            caller_id_number=caller_id,
            caller_id_name=caller_id_name,
            callee_id_name="Outbound Call",
            callee_id_number="default",
            dialplan=dialplan,
            source="mod_loopback",
            context=context,
        )
        channel = Channel(core, profile, codec=("L16", 128000), story=story, signalling=_Loopback(other_leg))
        own = _loopback_variables(core, channel, other_leg)
    else:
        profile = Profile(
            uuid,
            f"sofia/internal/{caller_id}@127.0.0.1:5070",
            number,
            caller_id_number=caller_id,
            caller_id_name=caller_id_name,
            username=caller_id,
            network_address="127.0.0.1",
            context=context,
        )
        channel = Channel(core, profile, story=story, signalling=_Sofia())
        own = _sofia_variables(core, channel)
    profile.created = profile.profile_created = now
    for name, value in own:
        channel.set(name, value)
    for name, value in variables.items():
        channel.set(name, value)
    return channel


@final
class _Loopback(Signalling):
    """A call that the switch makes to itself.

    Args:
        other_leg: Whom it is the far end of, if that leg is simulated.
    """

    def __init__(self, other_leg: Channel | None) -> None:
        self._other_leg = other_leg

    def indicate(self, channel: Channel, indication: Indication) -> None:  # noqa: ARG002 - it is the other leg's
        # channel_receive_message() in mod_loopback.c marks the other leg, which tells of that first.
        match self._other_leg, indication:
            case None, _:
                pass
            case other_leg, "ringing":
                other_leg.ring()
            case other_leg, "progress":
                other_leg.pre_answer()
            case other_leg, "answer":
                other_leg.answer()

    def hang_up(self, channel: Channel, *, by_far_end: bool) -> None:  # noqa: ARG002 - whoever does it
        if self._other_leg is not None:
            self._other_leg.hang_up(channel.hangup_cause or "NORMAL_CLEARING")

    def report(self, channel: Channel) -> None:
        channel.set("is_loopback", "1")


_ACKNOWLEDGED_AFTER_SECONDS: Final = 0.005
_PACKET_BYTES: Final = 172


@final
class _Sofia(Signalling):
    """A SIP call."""

    def __init__(self) -> None:
        self._acknowledged_at = math.inf
        self._had_media = False

    def begin_media(self, channel: Channel) -> None:
        self._had_media = True
        sdp = "v=0\r\no=FreeSWITCH 1 2 IN IP4 127.0.0.1\r\ns=FreeSWITCH\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        media = "m=audio 18808 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        for name, value in (
            ("rtp_local_sdp_str", sdp + media),
            ("local_media_ip", "127.0.0.1"),
            ("local_media_port", "18808"),
            ("advertised_media_ip", "127.0.0.1"),
            ("rtp_use_timer_name", "soft"),
            ("rtp_use_pt", "0"),
            ("rtp_use_ssrc", "3205299607"),
            ("remote_media_ip", "127.0.0.1"),
            ("remote_media_port", "6000"),
        ):
            channel.set(name, value)

    def answer(self) -> None:
        self._acknowledged_at = trio.current_time() + _ACKNOWLEDGED_AFTER_SECONDS

    def catch_up(self, channel: Channel) -> None:
        # What the ACK of our 200 brings.
        if trio.current_time() < self._acknowledged_at:
            return
        self._acknowledged_at = math.inf
        variables = channel.variables
        sent = {name: as_text(variables.get(name) or "") for name in _SENT_AGAIN}
        for name, value in {
            "sip_to_tag": "2",
            "sip_from_tag": sent["sip_from_tag"],
            "sip_cseq": "1",
            "sip_call_id": sent["sip_call_id"],
            "sip_full_via": sent["sip_full_via"].replace("-1-0", "-1-5"),
            "sip_from_display": sent["sip_from_display"],
            "sip_full_from": sent["sip_full_from"],
            "sip_to_display": sent["sip_to_display"],
            "sip_full_to": f"{sent['sip_full_to']};tag=2",
        }.items():
            channel.set(name, value)

    def end(self, channel: Channel) -> None:
        if not channel.is_answered:
            channel.set("sip_hangup_disposition", "recv_cancel")
            return
        channel.set("sip_term_status", "200")
        channel.set("proto_specific_hangup_cause", "sip:200")
        channel.set("sip_term_cause", "16")

    def ended(self, channel: Channel) -> None:
        if channel.is_answered:
            channel.set("sip_hangup_disposition", "recv_bye")

    def hang_up(self, channel: Channel, *, by_far_end: bool) -> None:
        if not by_far_end:
            channel.set("sip_hangup_disposition", "send_bye" if channel.is_answered else "send_refuse")

    def report(self, channel: Channel) -> None:
        if not self._had_media:
            return
        began = channel.profile.progress_media or channel.profile.answered
        packets = max(channel.profile.hungup - began, 0) // 20_000
        for name in _RTP_STATISTICS:
            value = "0"
            if name.endswith("_bytes"):
                value = str(packets * _PACKET_BYTES)
            elif name.endswith(
                ("in_packet_count", "in_media_packet_count", "out_packet_count", "out_media_packet_count")
            ):
                value = str(packets)
            channel.set(f"rtp_audio_{name}", _RTP_RATES.get(name, value))


_SENT_AGAIN: Final = (
    "sip_from_tag",
    "sip_call_id",
    "sip_full_via",
    "sip_from_display",
    "sip_full_from",
    "sip_to_display",
    "sip_full_to",
)
_RTP_STATISTICS: Final = (
    *("in_raw_bytes", "in_media_bytes", "in_packet_count", "in_media_packet_count", "in_skip_packet_count"),
    *("in_jitter_packet_count", "in_dtmf_packet_count", "in_cng_packet_count", "in_flush_packet_count"),
    *("in_largest_jb_size", "in_jitter_min_variance", "in_jitter_max_variance", "in_jitter_loss_rate"),
    *("in_jitter_burst_rate", "in_mean_interval", "in_flaw_total", "in_quality_percentage", "in_mos"),
    *("out_raw_bytes", "out_media_bytes", "out_packet_count", "out_media_packet_count", "out_skip_packet_count"),
    *("out_dtmf_packet_count", "out_cng_packet_count", "rtcp_packet_count", "rtcp_octet_count"),
)
_RTP_RATES: Final = {
    "in_jitter_min_variance": "0.00",
    "in_jitter_max_variance": "0.00",
    "in_jitter_loss_rate": "0.00",
    "in_jitter_burst_rate": "0.00",
    "in_mean_interval": "0.00",
    "in_quality_percentage": "100.00",
    "in_mos": "4.50",
}


def _loopback_variables(core: Core, channel: Channel, other_leg: Channel | None) -> list[tuple[str, Value]]:
    return [
        ("direction", "inbound"),
        ("uuid", channel.uuid),
        ("session_id", str(core.next_session_id())),
        ("channel_name", channel.name),
        ("is_loopback", "1"),
        ("read_codec", "L16"),
        ("read_rate", "8000"),
        ("write_codec", "L16"),
        ("write_rate", "8000"),
        ("other_loopback_leg_uuid", core.new_uuid() if other_leg is None else other_leg.uuid),
        ("loopback_leg", "B"),
    ]


_MEDIA: Final[tuple[tuple[str, str], ...]] = (
    ("ep_codec_string", "CORE_PCM_MODULE.PCMU@8000h@20i@64000b"),
    ("rtp_use_codec_string", "PCMU,PCMA"),
    ("remote_video_media_flow", "inactive"),
    ("remote_text_media_flow", "inactive"),
    ("remote_audio_media_flow", "sendrecv"),
    ("audio_media_flow", "sendrecv"),
    ("remote_media_ip", "127.0.0.1"),
    ("remote_media_port", "6000"),
    ("rtp_audio_recv_pt", "0"),
    ("rtp_use_codec_name", "PCMU"),
    ("rtp_use_codec_rate", "8000"),
    ("rtp_use_codec_ptime", "20"),
    ("rtp_use_codec_channels", "1"),
    ("rtp_last_audio_codec_string", "PCMU@8000h@20i@1c"),
    ("read_codec", "PCMU"),
    ("original_read_codec", "PCMU"),
    ("read_rate", "8000"),
    ("original_read_rate", "8000"),
    ("write_codec", "PCMU"),
    ("write_rate", "8000"),
    ("dtmf_type", "info"),
    ("endpoint_disposition", "RECEIVED"),
)


def _sofia_variables(core: Core, channel: Channel) -> list[tuple[str, Value]]:
    profile = channel.profile
    caller, number = profile.caller_id_number, profile.destination_number
    display = profile.caller_id_name
    session_id = core.next_session_id()
    party = f"{caller}@127.0.0.1:5070"
    called = f"{number}@127.0.0.1:5080"
    sdp = "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    return [
        ("direction", "inbound"),
        ("uuid", channel.uuid),
        ("session_id", str(session_id)),
        ("sip_from_user", caller),
        ("sip_from_port", "5070"),
        ("sip_from_uri", party),
        ("sip_from_host", "127.0.0.1"),
        ("video_media_flow", "disabled"),
        ("text_media_flow", "disabled"),
        ("channel_name", channel.name),
        ("sip_call_id", f"{session_id}-{core.new_uuid()}@127.0.0.1"),
        ("sip_local_network_addr", "127.0.0.1"),
        ("sip_network_ip", "127.0.0.1"),
        ("sip_network_port", "5070"),
        ("sip_invite_stamp", str(core.micros())),
        ("sip_received_ip", "127.0.0.1"),
        ("sip_received_port", "5070"),
        ("sip_via_protocol", "udp"),
        ("sip_from_user_stripped", caller),
        ("sip_from_tag", "1"),
        ("sofia_profile_name", "internal"),
        ("sofia_profile_url", "sip:mod_sofia@127.0.0.1:5080"),
        ("recovery_profile_name", "internal"),
        ("sip_full_via", "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-1-0"),
        ("sip_from_display", display or caller),
        ("sip_full_from", f"{display or caller} <sip:{party}>;tag=1"),
        ("sip_to_display", number),
        ("sip_full_to", f"{number} <sip:{called}>"),
        ("sip_req_user", number),
        ("sip_req_port", "5080"),
        ("sip_req_uri", called),
        ("sip_req_host", "127.0.0.1"),
        ("sip_to_user", number),
        ("sip_to_port", "5080"),
        ("sip_to_uri", called),
        ("sip_to_host", "127.0.0.1"),
        ("sip_contact_user", caller),
        ("sip_contact_port", "5070"),
        ("sip_contact_uri", party),
        ("sip_contact_host", "127.0.0.1"),
        ("sip_via_host", "127.0.0.1"),
        ("sip_via_port", "5070"),
        ("max_forwards", "70"),
        ("switch_r_sdp", f"{sdp}m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"),
        *_MEDIA,
    ]
