"""API commands that set a switch: ``fsctl``, modules, its configuration, its global variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ..channel import is_true
from ..core import Core
from ..expansion import separate
from ..installation import Settings
from ..wire import LOG_LEVELS, atof, atoi, log_level
from .command import ApiCommand

__all__ = ["COMMANDS"]

_CTL_SYNTAX: Final = (
    "[api_expansion [on|off]|recover|send_sighup|hupall|pause [inbound|outbound]|resume [inbound|outbound]|"
    "shutdown [cancel|elegant|asap|now|restart]|uuid_version [4|7]|sps|sps_peak_reset|sync_clock|sync_clock_when_idle|"
    "reclaim_mem|max_sessions|min_dtmf_duration [num]|max_dtmf_duration [num]|default_dtmf_duration [num]|"
    "min_idle_cpu|loglevel [level]|debug_level [level]|mdns_resolve [enable|disable]]"
)
_OK: Final = "+OK\n"
_LOWEST_DTMF, _HIGHEST_DTMF = 400, 192000
_HIGHEST_DEBUG_LEVEL: Final = 10


async def _fsctl(core: Core, argument: str) -> str:
    words = separate(argument, limit=6)
    if not words:
        return f"-USAGE: {_CTL_SYNTAX}\n"
    name, value = words[0].lower(), words[1] if len(words) > 1 else None
    settings = core.installation.settings
    match name:
        case "hupall":
            for channel in list(core.channels.values()):
                channel.hang_up("MANAGER_REQUEST")
            return _OK
        case "pause" | "resume":
            _pause(settings, value or "", is_paused=name == "pause")
            return _OK
        case "pause_check" | "ready_check" | "shutdown_check":
            return _yes_or_no(core, name, value or "")
        case "shutdown":
            return _shut_down(core, [word.lower() for word in words[1:5]])
        case "recover":
            return "+OK flushed\n" if (value or "").lower() == "flush" else "+OK 0 session(s) recovered in total\n"
        case "verbose_events" | "api_expansion":
            is_on = is_true(value) if value is not None else name == "api_expansion"
            return f"+OK {name} is {'on' if is_on else 'off'} \n"
        case "sync_clock":
            return "+OK clock synchronized\n"
        case "sync_clock_when_idle":
            idle = "+OK clock synchronized\n"
            return "+OK clock will synchronize when there are no more calls\n" if core.existing else idle
        case "sps_peak_reset":
            return "+OK max sessions per second counter reset\n"
        case "last_sps":
            return "+OK last sessions per second: 0\n"
        case "send_sighup" | "flush_db_handles" | "calibrate_clock" | "save_history" | "reclaim_mem":
            return _OK
        case _ if name in _NUMBERS:
            return _NUMBERS[name](settings, value)
        case _:
            return f"-ERR Invalid command\nUSAGE: fsctl {_CTL_SYNTAX}\n"


def _pause(settings: Settings, direction: str, *, is_paused: bool) -> None:
    if direction.lower() != "outbound":
        settings.pauses_inbound = is_paused
    if direction.lower() != "inbound":
        settings.pauses_outbound = is_paused


def _yes_or_no(core: Core, name: str, value: str) -> str:
    settings = core.installation.settings
    match name, value.lower():
        case "pause_check", "inbound":
            found = settings.pauses_inbound
        case "pause_check", "outbound":
            found = settings.pauses_outbound
        case "pause_check", _:
            found = settings.pauses_inbound and settings.pauses_outbound
        case "ready_check", _:
            found = core.is_ready
        case _:
            found = settings.is_shutdown_requested
    return "true" if found else "false"


def _shut_down(core: Core, words: list[str]) -> str:
    """Of the ways to do it, those that wait for the last call only pause; ``cancel`` takes that back."""
    settings = core.installation.settings
    settings.is_shutdown_requested = "cancel" not in words
    if not settings.is_shutdown_requested:
        _pause(settings, "", is_paused=False)
    elif "asap" in words or "elegant" in words:
        settings.pauses_inbound = settings.pauses_outbound = True
    else:
        core.is_shutting_down = True
        for channel in list(core.channels.values()):
            channel.hang_up("SYSTEM_SHUTDOWN")
    return _OK


# Numbers


def _max_sessions(settings: Settings, value: str | None) -> str:
    settings.max_sessions = atoi(value or "") or settings.max_sessions
    return f"+OK max sessions: {settings.max_sessions}\n"


def _sps(settings: Settings, value: str | None) -> str:
    number = atoi(value or "")
    settings.sps = number if number > 0 else settings.sps
    return f"+OK sessions per second: {settings.sps}\n"


def _min_idle_cpu(settings: Settings, value: str | None) -> str:
    if value is not None and atof(value) >= 0:
        settings.min_idle_cpu = atof(value)
    # Its format says `%0.2f%\n`: a percent sign that is taken for the beginning of a conversion, and printed as it is.
    return f"+OK min idle cpu: {settings.min_idle_cpu:.2f}%\n" if settings.min_idle_cpu else _DISABLED


_DISABLED: Final = "+OK min idle cpu: DISABLED\n"


def _log_level(settings: Settings, value: str | None) -> str:
    if value is not None:
        level = atoi(value) if value[:1].isdecimal() else log_level(value)
        if level < 0:
            return "-ERR syntax error, log level not set!\n"
        settings.log_level = min(level, len(LOG_LEVELS) - 1)
    return f"+OK log level: {LOG_LEVELS[settings.log_level]} [{settings.log_level}]\n"


def _debug_level(settings: Settings, value: str | None) -> str:
    if value is not None and atoi(value) > -1:
        settings.debug_level = min(atoi(value), _HIGHEST_DEBUG_LEVEL)
    return f"+OK DEBUG level: {settings.debug_level}\n"


def _dtmf_duration(which: str) -> Callable[[Settings, str | None], str]:
    def command(settings: Settings, value: str | None) -> str:
        number = atoi(value or "")
        if number:
            number = max(_LOWEST_DTMF, min(number, _HIGHEST_DTMF))
            setattr(settings, f"{which}_dtmf_duration", number)
            if which != "min":
                settings.min_dtmf_duration = min(settings.min_dtmf_duration, number)
            if which != "max":
                settings.max_dtmf_duration = max(settings.max_dtmf_duration, number)
        return f"+OK {which} dtmf duration: {getattr(settings, f'{which}_dtmf_duration')}\n"

    return command


_NUMBERS: Final[Mapping[str, Callable[[Settings, str | None], str]]] = {
    "debug_level": _debug_level,
    "default_dtmf_duration": _dtmf_duration("default"),
    "loglevel": _log_level,
    "max_dtmf_duration": _dtmf_duration("max"),
    "max_sessions": _max_sessions,
    "min_dtmf_duration": _dtmf_duration("min"),
    "min_idle_cpu": _min_idle_cpu,
    "sps": _sps,
}


# Modules and configuration


async def _module_exists(core: Core, argument: str) -> str:
    if not argument:
        return ""
    return "true" if argument in core.installation.loaded else "false"


async def _load(core: Core, argument: str) -> str:
    if not argument:
        return "-USAGE: <mod_name>\n"
    error = core.load_module(argument)
    return "+OK Reloading XML\n" + (f"-ERR [{error}]\n" if error else _OK)


def _without_options(argument: str) -> str:
    return argument.partition(" ")[2] if argument.startswith("-") else argument


async def _unload(core: Core, argument: str) -> str:
    name = _without_options(argument)
    if not name:
        return "-USAGE: [-f] <mod_name>\n"
    error = core.unload_module(name)
    return f"-ERR [{error}]\n" if error else _OK


async def _reload(core: Core, argument: str) -> str:
    name = _without_options(argument)
    if not name:
        return "-USAGE: [-f] <mod_name>\n"
    error = core.unload_module(name)
    printed = "+OK Reloading XML\n" + (f"-ERR unloading module [{error}]\n" if error else "+OK module unloaded\n")
    error = core.load_module(name)
    return printed + (f"-ERR loading module [{error}]\n" if error else "+OK module loaded\n")


async def _reload_xml(core: Core, argument: str) -> str:
    return "+OK [Success]\n"


async def _reload_acl(core: Core, argument: str) -> str:
    is_old = argument.lower() == "reloadxml"
    said = "This option is deprecated, we now always reloadxml.\n" if is_old else ""
    return said + "+OK acl reloaded\n"


async def _global_setvar(core: Core, argument: str) -> str:
    """``<name>=<value>[=<value that it has to have>]``; no value unsets it."""
    name, value, condition = (*separate(argument, "=", 3), "", "", "")[:3]
    if not name:
        return "-USAGE: <var>=<value> [=<value2>]\n"
    if not condition or core.global_variables.get(name) == condition:
        if value:
            core.global_variables[name] = value
        else:
            core.global_variables.pop(name, None)
    return "+OK"


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "fsctl": _fsctl,
    "global_setvar": _global_setvar,
    "load": _load,
    "module_exists": _module_exists,
    "reload": _reload,
    "reloadacl": _reload_acl,
    "reloadxml": _reload_xml,
    "unload": _unload,
}
