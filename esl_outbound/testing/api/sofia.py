"""``sofia`` and its like: SIP profiles, gateways and registrations (``cmd_status()``, ``cmd_profile()``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..channel import is_true
from ..core import Core
from ..expansion import separate
from ..installation import Gateway, Installation, Registration
from .command import ApiCommand

__all__ = ["COMMANDS"]

_LINE: Final = "=" * 97
_HOST: Final = "127.0.0.1"
_USAGE: Final = (
    "USAGE:\n"
    "--------------------------------------------------------------------------------\n"
    "sofia global siptrace <on|off>\n"
    "sofia        capture  <on|off>\n"
    "             watchdog <on|off>\n\n"
    "sofia profile <name> [start | stop | restart | rescan] [wait]\n"
    "                     flush_inbound_reg [<call_id> | <[user]@domain>] [reboot]\n"
    "                     check_sync [<call_id> | <[user]@domain>]\n"
    "                     [register | unregister] [<gateway name> | all]\n"
    "                     killgw <gateway name>\n"
    "                     [stun-auto-disable | stun-enabled] [true | false]]\n"
    "                     siptrace <on|off>\n"
    "                     capture  <on|off>\n"
    "                     watchdog <on|off>\n\n"
    "sofia <status|xmlstatus> profile <name> [reg [<contact str>]] | [pres <pres str>] | [user <user@domain>]\n"
    "sofia <status|xmlstatus> gateway <name>\n\n"
    "sofia loglevel <all|default|tport|iptsec|nea|nta|nth_client|nth_server|nua|soa|sresolv|stun> [0-9]\n"
    "sofia tracelevel <console|alert|crit|err|warning|notice|info|debug>\n\n"
    "sofia help\n"
    "--------------------------------------------------------------------------------\n"
)
_RETRYING: Final = ("FAILED", "FAIL_WAIT", "TRYING")


async def _sofia(core: Core, argument: str) -> str:
    words = separate(argument)
    match [word.lower() for word in words[:1]]:
        case ["status"]:
            return _status(core, words[1:])
        case ["profile"]:
            return _profile(core, words[1:])
        case [] | ["help"]:
            return _USAGE
        case _:
            return "Unknown Command [" + words[0] + "]\n"


# Status


def _status(core: Core, words: list[str]) -> str:
    installation = core.installation
    match words:
        case []:
            return _everything(installation)
        case [_]:
            return _gateways(installation)
        case [what, name, *_] if what.lower() == "gateway":
            gateway = _find_gateway(installation, name)
            return "Invalid Gateway!\n" if gateway is None else _gateway(core, gateway)
        case [what, name, *rest] if what.lower() == "profile":
            return _profile_status(core, name, rest)
        case _:
            return "Invalid Syntax!\n"


def _url(installation: Installation, profile: str) -> str:
    return f"sip:mod_sofia@{_HOST}:{installation.profiles[profile]}"


def _register_to(gateway: Gateway) -> str:
    return f"sip:{gateway.username}@{gateway.realm}"


def _everything(installation: Installation) -> str:
    lines = [f"{'Name':>25}\t   Type\t  {'Data':>40}\tState", _LINE]
    for name, other in installation.aliases.items():
        lines.append(f"{name:>25}\t  alias\t  {other:>40}\tALIASED")
    for name in installation.profiles:
        lines.append(f"{name:>25}\tprofile\t  {_url(installation, name):>40}\tRUNNING (0)")
        for gateway in installation.gateways:
            if gateway.profile == name:
                key = f"{name}::{gateway.name}"
                retry = " (retry: NEVER)" if gateway.state in _RETRYING else ""
                lines.append(f"{key:>25}\tgateway\t  {_register_to(gateway):>40}\t{gateway.state}{retry}")
    profiles, aliases = len(installation.profiles), len(installation.aliases)
    total = f"{profiles} profile{'' if profiles == 1 else 's'} {aliases} alias{'' if aliases == 1 else 'es'}"
    return "\n".join([*lines, _LINE, total, ""])


def _gateways(installation: Installation) -> str:
    head = f"{'Profile::Gateway-Name':>25}\t{'    Data    ':>32}\tState\tPing Time\tIB Calls(F/T)\tOB Calls(F/T)"
    lines = [head, _LINE]
    for gateway in installation.gateways:
        key = f"{gateway.profile}::{gateway.name}"
        retry = " (retry: NEVER)" if gateway.state in _RETRYING else ""
        lines.append(
            f"{key:>25}\t{_register_to(gateway):>32}\t{gateway.state}\t{gateway.ping_ms:6.2f}\t0/0\t0/0{retry}"
        )
    count = len(installation.gateways)
    total = f"{count} gateway{'' if count == 1 else 's'}: Inbound(Failed/Total): 0/0,Outbound(Failed/Total):0/0"
    return "\n".join([*lines, _LINE, total, ""])


def _find_gateway(installation: Installation, name: str) -> Gateway | None:
    name = name.rpartition("::")[2]
    return next((each for each in installation.gateways if each.name == name), None)


def _gateway(core: Core, gateway: Gateway) -> str:
    uptime = core.uptime_micros // 1_000_000 if gateway.is_up else 0
    values = (
        ("Name    ", gateway.name),
        ("Profile ", gateway.profile),
        ("Scheme  ", "Digest"),
        ("Realm   ", gateway.realm),
        ("Username", gateway.username),
        ("Password", "yes"),
        ("From    ", f"<sip:{gateway.username}@{gateway.realm}>"),
        ("Contact ", f"<sip:gw+{gateway.name}@{_HOST}:{core.installation.profiles.get(gateway.profile, '')}>"),
        ("Exten   ", gateway.username),
        ("To      ", _register_to(gateway)),
        ("Proxy   ", f"sip:{gateway.realm}"),
        ("Context ", "public"),
        ("Expires ", "3600"),
        ("Freq    ", "3600"),
        ("Ping    ", "0"),
        ("PingFreq", "0"),
        ("PingTime", f"{gateway.ping_ms:.2f}"),
        ("PingState", "0/0/0"),
        ("State   ", gateway.state),
        ("Status  ", "UP" if gateway.is_up else "DOWN"),
        ("Uptime  ", f"{uptime}s"),
        *((name, "0") for name in ("CallsIN ", "CallsOUT", "FailedCallsIN", "FailedCallsOUT")),
    )
    return "\n".join([_LINE, *(f"{name}\t{value}" for name, value in values), _LINE, ""])


def _profile_status(core: Core, name: str, rest: list[str]) -> str:
    installation = core.installation
    profile = installation.aliases.get(name, name)
    if profile not in installation.profiles:
        return "Invalid Profile!\n"
    option, value = (*rest, "", "")[:2]
    registered = [each for each in installation.registrations if each.profile == profile]
    printed = ""
    if option.lower() not in ("reg", "user"):
        url = _url(installation, profile)
        alias = (("Alias Of", profile),) if name != profile else ()
        values = (
            ("Name", name),
            ("Domain Name", "N/A"),
            *alias,
            ("Auto-NAT", "false"),
            ("DBName", f"sofia_reg_{profile}"),
            ("Pres Hosts", _HOST if profile == "internal" else ""),
            ("Dialplan", "XML"),
            ("Context", "public"),
            ("Challenge Realm", "auto_from"),
            ("RTP-IP", _HOST),
            ("SIP-IP", _HOST),
            ("URL", url),
            ("BIND-URL", f"{url};transport=udp,tcp"),
            ("HOLD-MUSIC", "local_stream://moh"),
            ("OUTBOUND-PROXY", "N/A"),
            ("CODECS IN", "PCMU,PCMA"),
            ("CODECS OUT", "PCMU,PCMA"),
            ("TEL-EVENT", "101"),
            ("DTMF-MODE", "rfc2833"),
            ("CNG", "13"),
            ("SESSION-TO", "0"),
            ("MAX-DIALOG", "0"),
            ("MAX-RECV-RPS", "0"),
            ("NOMEDIA", "false"),
            ("LATE-NEG", "true"),
            ("PROXY-MEDIA", "false"),
            ("AGGRESSIVENAT", "false"),
            *((name, "0") for name in ("CALLS-IN", "FAILED-CALLS-IN", "CALLS-OUT", "FAILED-CALLS-OUT")),
            ("REGISTRATIONS", str(len(registered))),
        )
        printed = "\n".join([_LINE, *(f"{key:<17}\t{text}" for key, text in values), ""])
    if option.lower() == "user":
        user, _, domain = value.rpartition("@")
        registered = [each for each in registered if each.user == (user or each.user) and domain in ("", each.domain)]
    elif option.lower() == "reg":
        registered = [each for each in registered if value in each.contact]
    elif option.lower() != "pres" or not value:
        return printed
    entries = "".join(_registration(core, each) for each in registered)
    return f"{printed}\nRegistrations:\n{_LINE}\n{entries}Total items returned: {len(registered)}\n{_LINE}\n"


def _registration(core: Core, each: Registration) -> str:
    """As show_reg_callback() prints it."""
    ends = core.strftime("%Y-%m-%d %T", each.expires)
    left = each.expires - core.micros() // 1_000_000
    host, port = each.network
    values = (
        ("Call-ID:    ", each.call_id),
        ("User:       ", f"{each.user}@{each.domain}"),
        ("Contact:    ", f'"" <{each.contact}>'),
        ("Agent:      ", each.agent),
        ("Status:     ", f"Registered(UDP)(unknown) EXP({ends}) EXPSECS({left})"),
        ("Ping-Status:", "Reachable"),
        ("Ping-Time:", "0.00"),
        ("Host:       ", "vm"),
        ("IP:         ", host),
        ("Port:       ", port),
        ("Auth-User:  ", each.user),
        ("Auth-Realm: ", each.domain),
        ("MWI-Account:", f"{each.user}@{each.domain}"),
    )
    return "".join(f"{name}\t{value}\n" for name, value in values) + "\n"


# What is done to a profile

_RELOADED: Final = "Reload XML [Success]\n"


def _profile(core: Core, words: list[str]) -> str:
    if len(words) < 2:
        return "Invalid Args!\n"
    name, command, value = words[0], words[1].lower(), (*words[2:], "")[0]
    installation = core.installation
    if command == "start":
        return _RELOADED + (
            f"{name} started successfully\n" if name in installation.profiles else f"Failure starting {name}\n"
        )
    if name.lower() == "restart" and command == "all":
        return ""
    profile = installation.aliases.get(name, name)
    if profile not in installation.profiles:
        return f"Invalid Profile [{name}]"
    match command:
        case "rescan":
            return f"{_RELOADED}+OK scan complete\n"
        case "restart":
            return f"{_RELOADED}restarting: {profile}"
        case "stop":
            return f"{_RELOADED}stopping: {profile}"
        case "check_sync":
            return "+OK syncing all registrations" + (" matching specified call_id\n" if value else "\n")
        case "flush_inbound_reg":
            return _flush(core, profile, [word for word in words[2:] if word.lower() != "reboot"], "reboot" in words)
        case "register" | "unregister":
            return _register(installation, profile, value, command)
        case "killgw":
            return _kill_gateway(installation, profile, value)
        case "siptrace" | "capture" | "watchdog":
            what = "sip capturing" if command == "capture" else "sip debugging"
            if not value:
                return f"Usage: sofia profile <name> {command} <on/off>\n"
            return f"{'Enabled' if is_true(value) else 'Disabled'} {what} on {profile}"
        case "gwlist":
            is_up = value.lower() != "down"
            return " ".join(
                each.name for each in installation.gateways if each.profile == profile and each.is_up == is_up
            )
        case _:
            return "-ERR Unknown command!\n"


def _flush(core: Core, profile: str, who: list[str], reboots: bool) -> str:
    wanted = (*who, "")[0]
    user, at, domain = wanted.partition("@")
    registrations = core.installation.registrations
    registrations[:] = [
        each
        for each in registrations
        if each.profile != profile
        or (wanted and each.call_id != wanted and not (at and user in ("", each.user) and domain == each.domain))
    ]
    doing = "rebooting" if reboots else "flushing"
    return f"+OK {doing} all registrations" + (" matching specified call_id\n" if wanted else "\n")


def _register(installation: Installation, profile: str, name: str, command: str) -> str:
    if not name:
        return "No gateway name provided!\n"
    state = "REGED" if command == "register" else "NOREG"
    if name.lower() == "all":
        for each in installation.gateways:
            if each.profile == profile and each.state != "NOREG":
                each.state = state
        return "+OK\n"
    gateway = _find_gateway(installation, name)
    if gateway is None:
        return "Invalid gateway!\n"
    if gateway.state == "NOREG":
        return f"-ERR NOREG gateway [{name}] can't be {command}ed!\n"
    gateway.state = state
    return "+OK\n"


def _kill_gateway(installation: Installation, profile: str, name: str) -> str:
    if not name:
        return "-ERR missing gw name\n"
    if name.lower() == "_all_":
        installation.gateways[:] = [each for each in installation.gateways if each.profile != profile]
        return "+OK every gateway marked for deletion.\n"
    gateway = _find_gateway(installation, name)
    if gateway is None:
        return "-ERR no such gateway.\n"
    installation.gateways.remove(gateway)
    return "+OK gateway marked for deletion.\n"


# Where a telephone is


async def _sofia_contact(core: Core, argument: str) -> str:
    """``[<profile>/]<user>@<domain>[/<what stands before each address>]``."""
    if not argument:
        return ""
    return contacts_of(core, argument)


def contacts_of(core: Core, address: str) -> str:
    """Where somebody can be called (``sofia_contact_function()``)."""
    address = address.partition("~")[0]
    profile, slash, user = address.partition("/")
    if not slash:
        profile, user = "", address
    user, _, rest = user.partition("@")
    domain, _, before = rest.partition("/")
    domain = domain or core.global_variables.get("domain", "")
    installation = core.installation
    known = installation.aliases.get(profile, profile)
    if known not in installation.profiles and profile != "*":
        known = installation.aliases.get(domain, domain)
    found = [
        f"{before}sofia/{each.profile}/{each.contact}"
        for each in installation.registrations
        if each.user.lower() == user.lower()
        and each.domain == domain
        and (known not in installation.profiles or each.profile == known)
    ]
    return ",".join(found) or "error/user_not_registered"


COMMANDS: Final[Mapping[str, ApiCommand]] = {"sofia": _sofia, "sofia_contact": _sofia_contact}
