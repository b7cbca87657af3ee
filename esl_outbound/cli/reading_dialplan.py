"""The ``socket`` actions in FreeSWITCH's XML dialplan, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, final
from xml.etree import ElementTree

import attrs

from .dialplan import quoted
from .findings import Finding, ok, warning, wrong
from .options import LOOPBACK, Address

__all__ = ["Host", "SocketAction", "read_dialplan", "socket_findings"]

# What socket_function() in mod_event_socket.c takes if no port is said.
_PORT: Final = 8084


@final
@attrs.frozen
class Host:
    """One of the hosts of a ``socket`` action."""

    host: str
    port: int | None
    """None if it is not known before a call comes."""

    @property
    def is_known(self) -> bool:
        """Whether it does not depend on the call: no variable is in it."""
        return "${" not in self.host and self.port is not None

    def is_at(self, server: Address) -> bool:
        """Whether it is that server's address."""
        return self.port == server.port and _canonical(self.host) == _canonical(server.host)


@final
@attrs.frozen
class SocketAction:
    """A ``socket`` action of the dialplan."""

    context: str
    extension: str
    data: str
    """What it is given: hosts and flags."""
    has_next: bool
    """Whether another action follows it."""
    has_net: bool
    """Whether ``park_timeout`` was set before it."""

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts that it tries, as ``socket_function()`` reads them; one without a port has the one before."""
        hosts: list[Host] = []
        port: int | None = _PORT
        for text in self.data.strip().partition(" ")[0].split("|"):
            host, colon, after = text.rpartition(":")
            if not colon:
                host = text.partition("/")[0]
            else:
                digits = after.partition("/")[0]
                port = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else None
            if host:
                hosts.append(Host(host, port))
        return tuple(hosts)

    @property
    def flags(self) -> frozenset[str]:
        """``async`` and ``full``, those of them that it has; other words mean nothing."""
        return frozenset(word.lower() for word in self.data.split()[1:]) & {"async", "full"}

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        return f"context {self.context}, extension {self.extension}"


def read_dialplan(xml: str) -> list[SocketAction]:
    """The ``socket`` actions of a dialplan section, as ``xml_locate dialplan`` prints it.

    Raises:
        ValueError: It is no XML.
    """
    try:
        section = ElementTree.fromstring(xml)
    except ElementTree.ParseError as exc:
        raise ValueError(str(exc)) from exc
    found: list[SocketAction] = []
    for context in section.iter("context"):
        for extension in context.iter("extension"):
            # Actions of all its conditions are put one behind the other (parse_exten() in mod_dialplan_xml.c).
            for tag in ("action", "anti-action"):
                found += _of_extension(
                    context.get("name", ""),
                    extension.get("name", "(without a name)"),
                    [each for each in extension.iter(tag) if each.get("application")],
                    goes_on=extension.get("continue", "").lower() in ("true", "yes", "on", "1"),
                )
    return found


def _of_extension(
    context: str, extension: str, actions: Sequence[ElementTree.Element], *, goes_on: bool
) -> Iterable[SocketAction]:
    has_net = False
    for number, action in enumerate(actions, 1):
        # An action's data may also be what is between its tags.
        data = action.get("data") or (action.text or "").strip()
        application = action.get("application", "").lower()
        if application == "socket" and data.strip():
            yield SocketAction(context, extension, data, goes_on or number < len(actions), has_net)
        has_net = has_net or (application in ("set", "multiset", "export") and "park_timeout=" in data)


def socket_findings(actions: Sequence[SocketAction], server: Address) -> list[Finding]:
    """What is to be said of the actions that lead to a server, or that none does."""
    ours = [action for action in actions if any(host.is_at(server) for host in action.hosts)]
    unknown = [action for action in actions if not all(host.is_known for host in action.hosts)]
    findings = [finding for action in ours for finding in _findings_of(action)]
    if ours:
        return findings
    if unknown:
        return [
            warning(
                f"whether the dialplan leads to {server} depends on the call: {_line(action.data)} ({action.place})"
            )
            for action in unknown
        ]
    others = sorted({action.data.split()[0] for action in actions})
    elsewhere = f"; its socket actions lead to {', '.join(others)}" if others else "; there is no socket action in it"
    return [
        wrong(
            f"no call reaches {server} by the XML dialplan{elsewhere}",
            "add an extension, as esl-outbound dialplan prints it, with this action",
            _line(f"{server.for_dialplan} async full"),
        )
    ]


def _findings_of(action: SocketAction) -> Iterable[Finding]:
    hosts = action.data.strip().partition(" ")[0]
    right = _line(f"{hosts} async full")
    missing = [flag for flag in ("async", "full") if flag not in action.flags]
    for flag in missing:
        yield wrong(
            f"the socket action has no {flag} ({action.place}): "
            + (
                "the server can do nothing while an application runs, and hears of the hangup late"
                if flag == "async"
                else "the server has no API commands and few events, and its linger is refused"
            ),
            f"change {_line(action.data)} to",
            right,
        )
    if not missing:
        yield ok(f"the dialplan sends calls to {hosts} with async full ({action.place})")
    if not action.has_next:
        yield warning(
            f"nothing follows the socket action ({action.place}): when no server answers, the caller is hung up"
            " with NORMAL_CLEARING, as after a good call",
            "add behind it",
            '<action application="hangup" data="NORMAL_TEMPORARY_FAILURE"/>',
        )
    if not action.has_net and "async" in action.flags:
        yield warning(
            f"park_timeout is not set before the socket action ({action.place}): a caller whose server dies while it"
            " takes the call is parked for ever",
            "add before it, with the seconds of the longest call you want",
            '<action application="set" data="park_timeout=3600"/>',
        )


def _line(data: str) -> str:
    return f'<action application="socket" data={quoted(data)}/>'


def _canonical(host: str) -> str:
    host = host.lower()
    return LOOPBACK[0] if host in LOOPBACK else host
