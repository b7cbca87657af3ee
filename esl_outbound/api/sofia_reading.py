"""What ``sofia status`` prints, read.

It is read as text. ``sofia xmlstatus`` says the same, but writes most values into its XML as they are, and a telephone
chooses some of them (``show_reg_callback_xml()`` in mod_sofia.c); a line of text no value can leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, final

from ..arguments.numbers import whole
from .sofia_shown import (
    SofiaAlias,
    SofiaGateway,
    SofiaGatewayStatus,
    SofiaProfile,
    SofiaProfileStatus,
    SofiaRegistration,
    SofiaStatus,
)
from .switch_status import decimal

__all__ = ["read_gateway", "read_profile", "read_registrations", "read_sofia_status"]

_STATE: Final = re.compile(r"(\S*)(?: \((\d+)\))?(?: \(([A-Z]+)\))?")
_RETRY: Final = re.compile(r"(\S*)(?: \(retry: (\d+)s\))?")
# "%s(%s) EXP(%s) EXPSECS(%d)"
_REGISTERED: Final = re.compile(r"(.*)\(([^()]*)\) EXP\(([^()]*)\) EXPSECS\((-?\d{1,12})\)")
_CELLS: Final = 4
_NOT_SET: Final = "N/A"


@final
class _Lines:
    """Lines ``<what>TAB<value>`` that are taken out one by one."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._left: dict[str, list[str]] = {}
        for line in lines:
            what, divided, value = line.partition("\t")
            if divided:
                self._left.setdefault(what.strip().rstrip(":"), []).append(value)

    def all(self, what: str) -> tuple[str, ...]:
        return tuple(self._left.pop(what, ()))

    def text(self, what: str) -> str | None:
        value = (self._left.pop(what, None) or [""])[0].strip()
        return None if value in ("", _NOT_SET) else value

    def listed(self, what: str) -> tuple[str, ...]:
        return tuple(filter(None, (self.text(what) or "").split(",")))

    def whole(self, what: str) -> int | None:
        return whole(self.text(what))

    def decimal(self, what: str) -> float | None:
        return decimal(self.text(what))

    def thousandths(self, what: str) -> float | None:
        number = self.decimal(what)
        return None if number is None else number / 1000

    def rest(self) -> Mapping[str, str]:
        return MappingProxyType({what: values[0] for what, values in self._left.items()})


def read_sofia_status(text: str) -> SofiaStatus:
    r"""What ``sofia status`` printed: ``%25s\t%s\t  %40s\t%s`` a line."""
    profiles: list[SofiaProfile] = []
    gateways: list[SofiaGateway] = []
    aliases: list[SofiaAlias] = []
    for line in text.split("\n"):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) < _CELLS:
            continue
        name, kind, data, state = cells[:_CELLS]
        if kind == "profile":
            profiles.append(_profile(name, data, state))
        elif kind == "gateway":
            profile, _, gateway = name.partition("::")
            again = _RETRY.match(state)
            assert again is not None
            gateways.append(SofiaGateway(gateway, profile, data, again[1], whole(again[2])))
        elif kind == "alias":
            aliases.append(SofiaAlias(name, data))
    return SofiaStatus(tuple(profiles), tuple(gateways), tuple(aliases))


def _profile(name: str, url: str, state: str) -> SofiaProfile:
    match = _STATE.match(state)
    assert match is not None
    return SofiaProfile(name, url, match[1], whole(match[2]), match[3])


def read_gateway(text: str) -> SofiaGatewayStatus:
    """What ``sofia status gateway <name>`` printed."""
    lines = _Lines(text.split("\n"))
    password = lines.text("Password")
    pings = ((lines.text("PingState") or "") + "//").split("/")
    status, _, doing = (lines.text("Status") or "").partition(" ")
    return SofiaGatewayStatus(
        name=lines.text("Name") or "",
        profile=lines.text("Profile"),
        scheme=lines.text("Scheme"),
        realm=lines.text("Realm"),
        username=lines.text("Username"),
        has_password=None if password is None else password == "yes",
        from_=lines.text("From"),
        contact=lines.text("Contact"),
        exten=lines.text("Exten"),
        to=lines.text("To"),
        proxy=lines.text("Proxy"),
        context=lines.text("Context"),
        expires=lines.decimal("Expires"),
        freq=lines.decimal("Freq"),
        ping=lines.whole("Ping"),
        ping_freq=lines.decimal("PingFreq"),
        ping_time=lines.thousandths("PingTime"),
        ping_min=whole(pings[0]),
        ping_count=whole(pings[1]),
        ping_max=whole(pings[2]),
        state=lines.text("State"),
        status=status or None,
        is_pinging=doing == "(ping)",
        uptime=lines.decimal("Uptime"),
        calls_in=lines.whole("CallsIN"),
        calls_out=lines.whole("CallsOUT"),
        failed_calls_in=lines.whole("FailedCallsIN"),
        failed_calls_out=lines.whole("FailedCallsOUT"),
        more=lines.rest(),
    )


def read_profile(text: str) -> SofiaProfileStatus:
    """What ``sofia status profile <name>`` printed."""
    lines = _Lines(text.split("\n"))
    return SofiaProfileStatus(
        name=lines.text("Name") or "",
        domain_name=lines.text("Domain Name"),
        alias_of=lines.text("Alias Of"),
        dialplan=lines.text("Dialplan"),
        context=lines.text("Context"),
        challenge_realm=lines.text("Challenge Realm"),
        rtp_ip=lines.all("RTP-IP"),
        ext_rtp_ip=lines.text("Ext-RTP-IP"),
        sip_ip=lines.text("SIP-IP"),
        ext_sip_ip=lines.text("Ext-SIP-IP"),
        url=lines.text("URL"),
        bind_url=lines.text("BIND-URL"),
        tls_url=lines.text("TLS-URL"),
        tls_bind_url=lines.text("TLS-BIND-URL"),
        ws_bind_url=lines.text("WS-BIND-URL"),
        wss_bind_url=lines.text("WSS-BIND-URL"),
        hold_music=lines.text("HOLD-MUSIC"),
        outbound_proxy=lines.text("OUTBOUND-PROXY"),
        codecs_in=lines.listed("CODECS IN"),
        codecs_out=lines.listed("CODECS OUT"),
        dtmf_mode=lines.text("DTMF-MODE"),
        session_timeout=lines.decimal("SESSION-TO"),
        max_dialog=lines.whole("MAX-DIALOG"),
        calls_in=lines.whole("CALLS-IN"),
        failed_calls_in=lines.whole("FAILED-CALLS-IN"),
        calls_out=lines.whole("CALLS-OUT"),
        failed_calls_out=lines.whole("FAILED-CALLS-OUT"),
        registrations=lines.whole("REGISTRATIONS"),
        more=lines.rest(),
    )


def read_registrations(text: str) -> list[SofiaRegistration]:
    """What ``sofia status profile <name> reg`` printed: a line ``Call-ID:`` begins each."""
    found: list[list[str]] = []
    for line in text.split("\n"):
        if line.startswith("Call-ID:"):
            found.append([])
        if found:
            found[-1].append(line)
    return [_registration(_Lines(lines)) for lines in found]


def _registration(lines: _Lines) -> SofiaRegistration:
    said = lines.text("Status") or ""
    status = _REGISTERED.match(said)
    return SofiaRegistration(
        call_id=lines.text("Call-ID") or "",
        user=lines.text("User") or "",
        contact=lines.text("Contact"),
        agent=lines.text("Agent"),
        status=said or None if status is None else status[1],
        rpid=None if status is None else status[2] or None,
        expires=None if status is None else status[3] or None,
        expires_in=None if status is None else int(status[4]),
        ping_status=lines.text("Ping-Status"),
        ping_time=lines.thousandths("Ping-Time"),
        host=lines.text("Host"),
        ip=lines.text("IP"),
        port=lines.whole("Port"),
        auth_user=lines.text("Auth-User"),
        auth_realm=lines.text("Auth-Realm"),
        mwi_account=lines.text("MWI-Account"),
        more=lines.rest(),
    )
