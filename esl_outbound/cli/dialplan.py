"""``esl-outbound dialplan``: the XML that sends calls to a server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final, final

import attrs

from ..arguments.checks import check_cause, check_number
from ..arguments.text import escaped
from ..errors import LocalProtocolError
from ..handler import HandlerSource
from ..routing import Condition, Router
from .options import Address
from .output import printable

__all__ = ["DialplanOptions", "WhenDown", "dialplan_xml", "quoted", "read_when_down"]

_FIRST_NUMBER: Final = 5000
_DOWN: Final = "NORMAL_TEMPORARY_FAILURE"
"""The hangup cause that a SIP caller hears as 503."""
# switch_split() gives socket_function() in mod_event_socket.c room for so many.
_MOST_HOSTS: Final = 50
_MOST_SECONDS: Final = 2**31 - 1
# The last colon is before the port, a bar before the next host, a blank before the flags.
_PATH: Final = re.compile(r"[^\s:|'\"\\]*")
_FLAGS: Final = ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s"), (re.VERBOSE, "x"))


@final
@attrs.frozen
class Action:
    """One action of a dialplan."""

    application: str
    data: str = ""


@final
@attrs.frozen
class WhenDown:
    """What becomes of a caller whom no server serves."""

    actions: tuple[Action, ...]
    what: str
    """In words."""


def read_when_down(text: str) -> WhenDown:
    """What ``hangup:USER_BUSY``, ``respond:503``, ``playback:FILE`` or ``transfer:EXTENSION`` means.

    Raises:
        ValueError: It means nothing.
    """
    kind, _, data = text.partition(":")
    if not text.isprintable():
        raise ValueError("there are control characters in it")
    hangup = Action("hangup", _DOWN)
    match kind:
        case "hangup":
            try:
                cause = str(check_cause(data.upper() or _DOWN))
            except LocalProtocolError as exc:
                raise ValueError(str(exc)) from exc
            return WhenDown((Action("hangup", cause),), f"the caller is hung up with {cause}")
        case "respond":
            code = data.partition(" ")[0] or "503"
            if re.fullmatch(r"[3-6][0-9]{2}", code) is None:
                raise ValueError(f"{code} is no SIP status that ends a call, 300 to 699")
            # A call that was answered, or is no SIP call, cannot be responded to.
            return WhenDown((Action("respond", data or code), hangup), f"a SIP caller is answered {data or code}")
        case "playback" if data:
            return WhenDown((Action("playback", data), hangup), "the caller hears this, and is hung up")
        case "transfer" if data:
            return WhenDown((Action("transfer", data),), f"the caller goes on at {data}")
        case _:
            raise ValueError(
                "it is one of hangup:CAUSE, respond:503, playback:FILE, 'transfer:EXTENSION [DIALPLAN [CONTEXT]]'"
            )


@final
@attrs.frozen
class DialplanOptions:
    """What the command line says about the dialplan."""

    target: str
    """The handler's name on the command line."""
    servers: Sequence[Address]
    """The servers, in the order in which they are tried."""
    extensions: Sequence[str]
    """Numbers."""
    patterns: Sequence[str]
    """Regular expressions of numbers, as FreeSWITCH takes them."""
    path: str
    mode: str
    """The flags: ``async full``."""
    park_timeout: int
    """Seconds; 0 leaves it out."""
    when_down: WhenDown


@final
@attrs.frozen
class _Place:
    """One extension of the dialplan: calls to some numbers, which go to the server with one path."""

    numbers: tuple[str, ...]
    """Regular expressions, one of which the number matches."""
    path: str
    context: str
    """A regular expression; empty if any."""
    handlers: tuple[str, ...]
    """The names of the handlers that its calls are for."""
    notes: tuple[str, ...]
    """What a reader is to be told."""


def dialplan_xml(handler: HandlerSource, options: DialplanOptions) -> str:
    """The dialplan that sends calls to the servers, ready to paste; of a ``Router`` an extension for each route.

    Raises:
        LocalProtocolError: An option says what a dialplan cannot.
    """
    _check(options)
    places = _places(handler, options)
    file_name = re.sub(r"\W+", "_", options.target).strip("_").lower() or "server"
    lines = [
        *_comment(
            f"Calls to {_name_of(handler, options.target)}, served by: esl-outbound serve {options.target}"
            f" (listening on port {options.servers[0].port}).",
            f"For conf/dialplan/default/{file_name}.xml, or the folder of another context;",
            "reloadxml, said to FreeSWITCH, takes it in.",
            indent=0,
        ),
        "<include>",
    ]
    for number, place in enumerate(places, 1):
        name = file_name if len(places) == 1 else f"{file_name}_{number}"
        lines += _extension(name, place, options, is_first=number == 1)
    lines.append("</include>")
    for line in lines:
        if not line.isprintable():
            raise LocalProtocolError(f"{line.strip()!r} cannot be written in XML")
    # Whatever the terminal's letters are, what is written to a file is what FreeSWITCH reads as UTF-8.
    return "\n".join(lines).encode("ascii", "xmlcharrefreplace").decode()


def _check(options: DialplanOptions) -> None:
    if len(options.servers) > _MOST_HOSTS:
        raise LocalProtocolError(
            f"{len(options.servers)} servers are given, and FreeSWITCH tries {_MOST_HOSTS} at most"
        )
    for server in options.servers:
        if server.host in ("0.0.0.0", "::"):
            raise LocalProtocolError(
                f"{server.host} is where a server listens on every address; name the one where FreeSWITCH finds it"
            )
    if _PATH.fullmatch(options.path) is None or not options.path.isprintable():
        raise LocalProtocolError(f"path is {options.path!r}, and should be one word without : | ' \" \\")
    for text in (*options.extensions, *options.patterns):
        if not text or not text.isprintable():
            raise LocalProtocolError(f"{text!r} is no number, and no regular expression of any")
    check_number(options.park_timeout, "park_timeout", least=0, most=_MOST_SECONDS)


# Where calls go


def _places(handler: HandlerSource, options: DialplanOptions) -> list[_Place]:
    given = (*(_exactly(number) for number in options.extensions), *options.patterns)
    if not isinstance(handler, Router) or not handler.routes:
        notes = () if given else ("The number is an example: write yours.",)
        return [
            _Place(given or (_exactly(str(_FIRST_NUMBER)),), options.path, "", (_name_of(handler, ""),), notes),
        ]
    places = _places_of_routes(handler, options)
    lacking = [place for place in places if not place.numbers]
    if given and not lacking:
        raise LocalProtocolError(f"the routes of {options.target} have their own numbers; leave the given ones out")
    if len(lacking) == 1 and given:
        numbers = iter([given])
    elif given:
        if len(given) != len(lacking):
            wanted = ", ".join(" or ".join(place.handlers) for place in lacking)
            raise LocalProtocolError(
                f"{options.target} has {len(lacking)} routes that say no number ({wanted}), and {len(given)} numbers"
                " are given; give one for each, in this order, or none"
            )
        numbers = iter([(number,) for number in given])
    else:
        numbers = iter([(_exactly(str(_FIRST_NUMBER + count)),) for count in range(len(lacking))])
    note = () if given else ("The number is an example: write yours.",)
    return [
        place if place.numbers else attrs.evolve(place, numbers=next(numbers), notes=(*note, *place.notes))
        for place in places
    ]


def _places_of_routes(router: Router, options: DialplanOptions) -> list[_Place]:
    """An extension for each number, context and path that routes name; the router tells apart what else they name."""
    places: dict[tuple[str, str, str], _Place] = {}
    for route in router.routes:
        notes: list[str] = []
        path = options.path
        match route.path:
            case str():
                path = route.path
                if _PATH.fullmatch(path) is None or not path.isprintable():
                    notes.append(f"No dialplan can say the path of this route: {path!r}.")
                    path = ""
            case re.Pattern():
                if route.path.fullmatch(path.partition("?")[0]) is None:
                    notes.append(
                        f"Behind the port there has to be a slash and a path that matches {route.path.pattern}."
                    )
        if route.variables:
            notes.append(f"The router looks at {', '.join(route.variables)}, too.")
        if route.when is not None:
            notes.append("The router asks a condition of its own, too.")
        number = _expression(route.destination_number)
        context = _expression(route.context)
        name = _name_of(route.handler, "")
        before = places.setdefault((number, context, path), _Place((number,) if number else (), path, context, (), ()))
        places[number, context, path] = attrs.evolve(
            before,
            handlers=before.handlers if name in before.handlers else (*before.handlers, name),
            notes=(*before.notes, *(note for note in notes if note not in before.notes)),
        )
    return list(places.values())


def _expression(condition: Condition | None) -> str:
    """A router's condition as the dialplan's; empty if there is none."""
    if condition is None:
        return ""
    if isinstance(condition, str):
        return _exactly(condition)
    flags = "".join(letter for flag, letter in _FLAGS if condition.flags & flag)
    # A comment in a verbose pattern ends with its line.
    end = "\n" if condition.flags & re.VERBOSE else ""
    return escaped(f"^(?{flags}:{condition.pattern}{end})$")


def _exactly(number: str) -> str:
    # mod_dialplan_xml expands an expression before it compares.
    return escaped(f"^{re.escape(number)}$")


def _name_of(handler: HandlerSource, otherwise: str) -> str:
    found: object = handler
    while isinstance(found, partial):
        found = found.func
    name = getattr(found, "__name__", None)
    return name if isinstance(name, str) else otherwise or type(found).__name__


# How it is written


def _extension(name: str, place: _Place, options: DialplanOptions, *, is_first: bool) -> list[str]:
    lines = _comment(*(["For " + " or ".join(place.handlers) + "."] if place.handlers != ("",) else []), *place.notes)
    lines.append(f"  <extension name={quoted(name)}>")
    if place.context:
        lines += _comment("The router wants this context: the file has to be in its folder.", indent=4)
        lines.append(f'    <condition field="context" expression={quoted(place.context)}/>')
    expression = place.numbers[0] if len(place.numbers) == 1 else "|".join(f"(?:{each})" for each in place.numbers)
    lines.append(f'    <condition field="destination_number" expression={quoted(expression)}>')
    if options.park_timeout:
        if is_first:
            lines += _comment(
                "The net under a server that dies in the very moment in which it takes a call: FreeSWITCH would park",
                f"the caller for ever. This ends such a call after {options.park_timeout} s. It ends a good call, too,",
                "that has nothing to do after so many seconds: make it longer than the longest call you want.",
                indent=6,
            )
        lines.append(_action(Action("set", f"park_timeout={options.park_timeout}")))
    if is_first:
        lines += _comment(*_about_socket(options), indent=6)
    hosts = "|".join(server.for_dialplan + (f"/{place.path}" if place.path else "") for server in options.servers)
    lines.append(_action(Action("socket", f"{hosts} {options.mode}".rstrip())))
    if is_first:
        lines += _comment(
            "Here the call goes on when no server takes it, when the one that has it dies, and after",
            f"continue_dialplan(): {options.when_down.what}.",
            indent=6,
        )
    lines += [_action(action) for action in options.when_down.actions]
    return [*lines, "    </condition>", "  </extension>"]


def _about_socket(options: DialplanOptions) -> list[str]:
    flags = options.mode.split()
    lines = [
        "async: the handler can act while an application runs, and is told of the hangup at once."
        if "async" in flags
        else "Without async a command waits until the application before it has ended, and digits come late.",
        "full: API commands, all events, and a socket that lingers until the call's record is complete."
        if "full" in flags
        else "Without full there are no API commands, and the call's record may be incomplete (no linger).",
    ]
    if len(options.servers) > 1:
        lines += [
            "The next server is tried only when a connection is refused or cannot be made: one that accepts a call",
            "and then closes has had it.",
        ]
    return lines


def _action(action: Action) -> str:
    data = f" data={quoted(action.data)}" if action.data else ""
    return f"      <action application={quoted(action.application)}{data}/>"


def _comment(*lines: str, indent: int = 2) -> list[str]:
    """A comment; two hyphens would end it, whoever wrote them."""
    if not lines:
        return []
    margin = " " * indent
    safe = [re.sub(r"-(?=-)", "- ", printable(line)) for line in lines]
    text = f"\n{margin}     ".join(safe)
    return f"{margin}<!-- {text} -->".split("\n")


def quoted(text: str) -> str:
    """An attribute's value, quoted."""
    for character, reference in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("\n", "&#10;"),
        ("\r", "&#13;"),
        ("\t", "&#9;"),
    ):
        text = text.replace(character, reference)
    return f'"{text}"'
