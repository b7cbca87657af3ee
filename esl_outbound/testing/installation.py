"""What is installed on a switch, and how it is set: its modules, its SIP profiles, its limits, its dialplan's XML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, final

import attrs

__all__ = ["Gateway", "Installation", "Interface", "Registration", "Settings"]


@final
@attrs.frozen
class Interface:
    """Something that a module brings."""

    type: str
    name: str
    module: str


@final
@attrs.frozen
class Registration:
    """A telephone that has registered."""

    user: str
    domain: str
    contact: str
    """Its address, such as ``sip:1001@192.0.2.10:5060``."""
    expires: int
    """When it ends, in seconds since 1970."""
    call_id: str
    profile: str = "internal"
    agent: str = "Telephone"

    @property
    def network(self) -> tuple[str, str]:
        """The host and the port that it came from."""
        host, _, port = self.contact.rpartition("@")[2].partition(";")[0].partition(":")
        return host, port or "5060"


@final
@attrs.define(eq=False)
class Gateway:
    """A SIP provider, or another switch."""

    name: str
    state: str = "REGED"
    """``NOREG``, ``REGED``, ``FAIL_WAIT``, ``TRYING`` and so on (``sofia_state_names`` in mod_sofia.c)."""
    profile: str = "external"
    realm: str = "sip.example.com"
    username: str = "user"
    is_up: bool = True
    ping_ms: float = 0.0


@final
@attrs.define(eq=False)
class Settings:
    """What ``fsctl`` reads and sets."""

    max_sessions: int = 1000
    sps: int = 1000
    log_level: int = 7
    debug_level: int = 0
    min_idle_cpu: float = 0.0
    min_dtmf_duration: int = 400
    max_dtmf_duration: int = 192000
    default_dtmf_duration: int = 2000
    pauses_inbound: bool = False
    pauses_outbound: bool = False
    is_shutdown_requested: bool = False
    peak_sessions: int = 0


@final
class Installation:
    """What is installed."""

    def __init__(self) -> None:
        self.settings: Final = Settings()
        self.loaded: Final[set[str]] = set(_MODULES)
        self.loadable: Final[set[str]] = {*_MODULES, *_OTHERS}
        self.profiles: Final[dict[str, str]] = {"internal": "5060", "external": "5080"}
        """Their ports."""
        self.aliases: Final[dict[str, str]] = {"127.0.0.1": "internal"}
        """Other names of profiles."""
        self.gateways: Final[list[Gateway]] = []
        self.registrations: Final[list[Registration]] = []
        self.dialplan_xml = ""

    @staticmethod
    def module_of(type: str, name: str) -> str:  # noqa: A002 - FreeSWITCH's word
        """The module that an application or an API command is in."""
        modules = _APPLICATIONS if type == "application" else _COMMANDS
        usual = "mod_dptools" if type == "application" else "mod_commands"
        return next((module for module, names in modules.items() if name in names), usual)

    def interfaces(self) -> Iterator[Interface]:
        """What the loaded modules bring beside applications and API commands."""
        for module, interfaces in _MODULES.items():
            if module in self.loaded:
                for each in interfaces:
                    kind, _, name = each.partition(" ")
                    yield Interface(kind, name, module)


_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "CORE_PCM_MODULE": ("codec G.711 alaw", "codec G.711 ulaw"),
    "CORE_SOFTTIMER_MODULE": ("timer soft",),
    "CORE_SPEEX_MODULE": ("codec Speex",),
    "mod_callcenter": (),
    "mod_commands": (),
    "mod_conference": (),
    "mod_console": ("generic mod_console",),
    "mod_db": ("limit db",),
    "mod_dialplan_xml": ("dialplan XML",),
    "mod_dptools": (
        *("chat event", "chat api", "dialplan inline"),
        *("endpoint error", "endpoint group", "endpoint pickup", "endpoint user"),
    ),
    "mod_event_socket": (),
    "mod_fifo": (),
    "mod_hash": ("limit hash",),
    "mod_local_stream": ("file local_stream",),
    "mod_logfile": ("generic mod_logfile",),
    "mod_loopback": ("endpoint loopback", "endpoint null"),
    "mod_say_en": ("say en",),
    "mod_sndfile": ("file au", "file gsm", "file raw", "file ulaw", "file wav"),
    "mod_sofia": ("chat sip", "endpoint rtp", "endpoint sofia", "management sofia"),
    "mod_spandsp": ("codec ADPCM (IMA)", "codec G.722", "codec G.726 32k"),
    "mod_tone_stream": ("file silence_stream", "file tone_stream"),
    "mod_valet_parking": (),
    "mod_voicemail": (),
}
"""The modules of a switch, and what they bring."""
_OTHERS: Final = ("mod_amr", "mod_av", "mod_curl", "mod_enum", "mod_flite", "mod_opus", "mod_pocketsphinx", "mod_verto")
"""Modules that can be loaded."""

_APPLICATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "mod_callcenter": ("callcenter",),
    "mod_conference": ("conference", "conference_set_auto_outcall"),
    "mod_db": ("db", "group"),
    "mod_event_socket": ("socket",),
    "mod_fifo": ("fifo", "fifo_track_call"),
    "mod_hash": ("hash",),
    "mod_loopback": ("unloop",),
    "mod_sofia": ("sofia_sla", "sofia_stir_shaken_vs"),
    "mod_spandsp": (
        *("rxfax", "spandsp_detect_tdd", "spandsp_inject_tdd", "spandsp_send_tdd", "spandsp_start_dtmf"),
        *("spandsp_start_fax_detect", "spandsp_start_tone_detect", "spandsp_stop_detect_tdd", "spandsp_stop_dtmf"),
        *("spandsp_stop_fax_detect", "spandsp_stop_inject_tdd", "spandsp_stop_tone_detect", "stopfax"),
        *("t38_gateway", "txfax"),
    ),
    "mod_valet_parking": ("valet_park",),
    "mod_voicemail": ("voicemail",),
}
"""Applications that are not in mod_dptools."""
_COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "mod_callcenter": ("callcenter_config",),
    "mod_conference": ("conference",),
    "mod_db": ("db", "group"),
    "mod_dptools": ("strepoch", "strftime"),
    "mod_expr": ("expr",),
    "mod_fifo": ("fifo",),
    "mod_hash": ("hash",),
    "mod_sofia": ("sofia", "sofia_contact"),
    "mod_valet_parking": ("valet_info",),
    "mod_voicemail": ("vm_boxcount",),
}
"""API commands that are not in mod_commands."""
