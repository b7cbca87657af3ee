"""What several commands share: how they refuse, how they find a handler, what an address is."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final, NoReturn, final

import attrs
import click

from ..errors import EslOutboundError
from ..handler import HandlerSource
from .importing import import_handler
from .tracebacks import users_traceback

__all__ = [
    "LEVELS",
    "LOG_FORMAT",
    "LOOPBACK",
    "Address",
    "AddressType",
    "app_dir_option",
    "imported",
    "log_level_option",
    "refuse",
]

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
LEVELS: Final = ("critical", "error", "warning", "info", "debug")
LOG_FORMAT: Final = "%(asctime)s %(levelname)-7s %(message)s"

_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")

app_dir_option: Final = click.option(
    "--app-dir",
    default=".",
    show_default=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where MODULE is looked for first.",
)


log_level_option: Final = click.option(
    "--log-level",
    default="warning",
    show_default=True,
    type=click.Choice(LEVELS, case_sensitive=False),
    help="How much is logged, to standard error; debug shows the wire, '<' from FreeSWITCH and '>' to it.",
)


@final
@attrs.frozen
class Address:
    """A host and a port."""

    host: str
    """A name or an address; of IPv6 without brackets."""
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is on the machine of whoever names it."""
        return self.host.lower() in LOOPBACK

    @property
    def for_dialplan(self) -> str:
        """As the ``socket`` application takes it.

        What is behind the last colon is the port, and brackets would be part of the host (``socket_function()`` in
        mod_event_socket.c).
        """
        return f"{self.host}:{self.port}"

    @classmethod
    def read(cls, text: str, port: int | None = None) -> Address:
        """What ``HOST:PORT`` says, or ``HOST`` alone where there is a usual port.

        Raises:
            ValueError: It says nothing.
        """
        bracketed = re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", text)
        if bracketed is not None:
            host, given = bracketed[1], bracketed[2]
            if not _is_ipv6(host):
                raise ValueError(f"{host!r} is no address of IPv6")
        else:
            host, colon, after = text.partition(":")
            given = after if colon else None
            if ":" in after:
                raise ValueError("an address of IPv6 is written in brackets: [::1]:8084")
            if _HOST.fullmatch(host) is None:
                raise ValueError(f"{host!r} is no host's name or address")
        if given is None:
            if port is None:
                raise ValueError("the port is missing; it is given as HOST:PORT")
            return cls(host, port)
        if not (given.isascii() and given.isdigit() and len(given) < 6 and 0 < int(given) < 65536):
            raise ValueError(f"{given!r} is no port, which is a number from 1 to 65535")
        return cls(host, int(given))


@final
class AddressType(click.ParamType[Address]):
    """``HOST:PORT`` on the command line.

    Args:
        port: The port, where ``HOST`` alone is given; None if there has to be one.
    """

    name = "HOST:PORT"

    def __init__(self, port: int | None = None) -> None:
        self._port = port

    def convert(self, value: str | Address, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Read what was given."""
        if isinstance(value, Address):
            return value
        try:
            return Address.read(value, self._port)
        except ValueError as exc:
            self.fail(f"{value!r}: {exc}.", param, ctx)


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def imported(verb: str, target: str, app_dir: Path) -> HandlerSource:
    """What ``target`` names; if it cannot be imported, say why and leave."""
    try:
        return import_handler(target, app_dir)
    except EslOutboundError as exc:
        refuse(str(exc).replace("cannot serve", f"cannot {verb}", 1))
    except Exception as exc:
        click.echo(users_traceback(exc), err=True)
        raise SystemExit(1) from exc


def refuse(reason: str, status: int = 2) -> NoReturn:
    """Say in one line what is wrong with the command, and leave; the status is 2, unless it failed at work."""
    click.echo(f"esl-outbound: {reason}", err=True)
    raise SystemExit(status)
