"""What ``sofia status`` shows, as values: profiles, gateways, registrations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import attrs

__all__ = [
    "SofiaAlias",
    "SofiaGateway",
    "SofiaGatewayStatus",
    "SofiaProfile",
    "SofiaProfileStatus",
    "SofiaRegistration",
    "SofiaStatus",
]


@final
@attrs.frozen
class SofiaProfile:
    """A SIP profile that runs; one that speaks TLS beside another transport is there twice."""

    name: str
    url: str
    """Where it is reached."""
    state: str
    """``RUNNING``, as a rule."""
    calls: int | None
    """How many channels it has."""
    transport: str | None
    """``TLS``, where the address is one for that."""


@final
@attrs.frozen
class SofiaGateway:
    """A gateway, in short."""

    name: str
    profile: str
    """The profile that it belongs to."""
    to: str
    """Its address."""
    state: str
    """``REGED``, ``NOREG`` (it does not register), ``TRYING``, ``FAILED``, ``FAIL_WAIT`` or another."""
    retry_seconds: int | None
    """In how many seconds it tries again to register; None where it does not, or need not."""


@final
@attrs.frozen
class SofiaAlias:
    """Another name of a profile."""

    name: str
    profile: str


@final
@attrs.frozen
class SofiaStatus:
    """What mod_sofia has."""

    profiles: tuple[SofiaProfile, ...]
    gateways: tuple[SofiaGateway, ...]
    aliases: tuple[SofiaAlias, ...]


@final
@attrs.frozen
class SofiaGatewayStatus:
    """How a gateway is doing; what is not configured or not told is None."""

    name: str
    profile: str | None
    scheme: str | None
    realm: str | None
    username: str | None
    has_password: bool | None
    from_: str | None
    contact: str | None
    exten: str | None
    to: str | None
    proxy: str | None
    context: str | None
    expires: float | None
    """For how long it registers, in seconds."""
    freq: float | None
    """How often it registers, in seconds."""
    ping: int | None
    """When it is pinged next, in seconds since 1970; 0 if it is not."""
    ping_freq: float | None
    """How often it is pinged, in seconds."""
    ping_time: float | None
    """How long its last answer took, in seconds."""
    ping_min: int | None
    """With fewer pings in a row answered than this it is taken for down."""
    ping_count: int | None
    ping_max: int | None
    state: str | None
    """Of its registration: ``REGED``, ``NOREG``, ``TRYING``, ``FAILED``, ``FAIL_WAIT`` or another."""
    status: str | None
    """``UP`` or ``DOWN``."""
    is_pinging: bool
    """Whether a ping is under way."""
    uptime: float | None
    """How long it has been up, in seconds."""
    calls_in: int | None
    calls_out: int | None
    failed_calls_in: int | None
    failed_calls_out: int | None
    more: Mapping[str, str] = attrs.field(hash=False)
    """Lines that are none of these, by what they begin with."""


@final
@attrs.frozen
class SofiaProfileStatus:
    """How a SIP profile is configured and doing; what is not configured or not told is None."""

    name: str
    domain_name: str | None
    alias_of: str | None
    """The profile's own name, where it was asked for by another."""
    dialplan: str | None
    context: str | None
    challenge_realm: str | None
    rtp_ip: tuple[str, ...]
    ext_rtp_ip: str | None
    sip_ip: str | None
    ext_sip_ip: str | None
    url: str | None
    bind_url: str | None
    tls_url: str | None
    tls_bind_url: str | None
    ws_bind_url: str | None
    wss_bind_url: str | None
    hold_music: str | None
    outbound_proxy: str | None
    codecs_in: tuple[str, ...]
    codecs_out: tuple[str, ...]
    dtmf_mode: str | None
    """``rfc2833``, ``info`` or ``none``."""
    session_timeout: float | None
    """How often the other side has to show that it is there, in seconds; 0 if never."""
    max_dialog: int | None
    """How many calls it has at most; 0 for any number."""
    calls_in: int | None
    failed_calls_in: int | None
    calls_out: int | None
    failed_calls_out: int | None
    registrations: int | None
    more: Mapping[str, str] = attrs.field(hash=False)
    """Lines that are none of these, by what they begin with."""


@final
@attrs.frozen
class SofiaRegistration:
    """A telephone that is registered with a profile. Most of this the telephone chose; what it did not say is None."""

    call_id: str
    user: str
    """``user@host``."""
    contact: str | None
    """Where it is reached, as it says."""
    agent: str | None
    """What it is, as it says."""
    status: str | None
    """Such as ``Registered(UDP)``, ``Registered(TCP-NAT)``."""
    rpid: str | None
    """Its presence."""
    expires: str | None
    """When it ends, as text, in the switch's time zone."""
    expires_in: int | None
    """In how many seconds; below 0 where it has ended."""
    ping_status: str | None
    """``Reachable`` or ``Unreachable``."""
    ping_time: float | None
    """How long its last answer took, in seconds."""
    host: str | None
    """The switch that it is registered with."""
    ip: str | None
    """Where it is reached."""
    port: int | None
    auth_user: str | None
    auth_realm: str | None
    mwi_account: str | None
    """The mailbox whose messages it is told of."""
    more: Mapping[str, str] = attrs.field(hash=False)
    """Lines that are none of these, by what they begin with."""
