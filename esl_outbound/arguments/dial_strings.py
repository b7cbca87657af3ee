r"""Whom a bridge calls, and how it is written for ``bridge``.

A dial string is ``{for all}[for one]endpoint/address``, with ``,`` between legs that
ring at once and ``|`` between those that ring in turn (``switch_ivr_originate()``). It is
divided four times over, so some values cannot be written in it. What can be
written exactly is; what cannot, and holds for all legs, goes to them by
``export nolocal:``, which is exact; anything else is refused. A destination is one
word that can be nothing but a destination, so digits that a caller typed never
become a second leg, or a variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, final

import attrs

from ..errors import LocalProtocolError
from .checks import check_digits, check_one_line, whole_seconds
from .text import Expand, Text, argument, holds_variable

__all__ = [
    "Destination",
    "DialLeg",
    "DialString",
    "WrittenDialString",
    "WrittenLeg",
    "caller_id_variables",
    "confirmation_variables",
    "dial_string_of",
    "write_dial_string",
]

# switch_ivr_originate() has room for so many legs at once, and so many in turn.
_MOST_LEGS: Final = 128

_ENDPOINT: Final = r"[A-Za-z0-9_.+-]+/"
# Nothing in it divides a dial string, quotes, escapes, opens a bracket or expands. Square brackets are those of an
# IPv6 address; they begin no variables, as they do not come first.
_DESTINATION: Final = re.compile(_ENDPOINT + r"(?:\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[^\s,|\[\]{}<>'\"\\])+")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z0-9_.+-]+")

# What cannot be written into the brackets of all legs, or of one. Each division takes a backslash away from before
# the characters that cleanup_separated_string() in switch_utils.c knows, and makes line breaks and blanks of others.
_NOT_IN_BRACES: Final = re.compile(r"[{}'\x00-\x1f\x7f]|:_:|\\(?:['\"\\,=nrts]|$)|^ | $")
_NOT_IN_BRACKETS: Final = re.compile(r"[\[\]\x00-\x1f\x7f]|:_:|\\(?:['\"\\,|=nrts]|$)|^ | $")

# mod_sofia writes a name between double quotes and escapes nothing: with check_decode() in mod_sofia.h it decodes what
# looks like %0A, shows what stands between the first and the last double quote, and what follows one that is left is
# read as the address. A number it writes between angle brackets.
_NAME: Final = "origination_caller_id_name"
_NUMBER: Final = "origination_caller_id_number"
_DECODED: Final = re.compile(r"%(?=\s*[+-]?[0-9A-Fa-f])")
_ENDS_A_NUMBER: Final = re.compile(r"[<>\"\\]")
# An endpoint that shows a caller ID as it is.
_EXACT: Final = "loopback/"
# What a name has in place of what cannot be written for one leg of several.
_LIKE: Final = str.maketrans({"'": "\u2019", "[": "(", "]": ")", "\\": "/"})

# A value with a variable in it is kept by originate from the leg, unless it is told to let it pass
# (switch_ivr_originate()). It is looked at, and not expanded.
_LET_PASS: Final = ("origination_nested_vars", "true")
# These it takes into the leg's profile whatever they hold.
_UNCHECKED: Final = frozenset({_NAME, _NUMBER})

# Endpoints that ring a whole dial string of the directory's; with one UUID for all of it, a user's second telephone
# would not ring ("Duplicate UUID" in switch_core_session_request_uuid()).
_FAN_OUT: Final = ("user/", "group/")

# A buffer of ten bytes takes the digits (collect_thread_run() in switch_ivr_originate.c).
_LONGEST_KEY: Final = 9


def _variables(variables: Mapping[str, str] | None) -> Mapping[str, str]:
    return dict(variables or {})


def _all_variables(variables: Mapping[str, Text] | None) -> Mapping[str, Text]:
    return dict(variables or {})


@final
@attrs.frozen
class DialLeg:
    """One destination that a bridge calls, with what holds for it alone."""

    destination: str
    """``<endpoint>/<address>``, such as ``user/1001`` or ``sofia/gateway/provider/4930123``."""
    variables: Mapping[str, str] = attrs.field(factory=dict, converter=_variables, kw_only=True)
    """Channel variables of this leg. What cannot be written for one leg of several is refused:
    ``[``, ``]``, ``:_:``, line breaks, blanks at either end, a backslash before some characters, quotes in more than
    one leg."""
    ring_seconds: float | None = attrs.field(default=None, kw_only=True)
    """How long it rings at most, in whole seconds; its cause is then ALLOTTED_TIMEOUT, or NO_ANSWER of a user alone.
    If None, as long as ``bridge()`` says."""
    delay_seconds: float = attrs.field(default=0, kw_only=True)
    """How long the others ring before it does, in whole seconds."""
    caller_id_name: str | None = attrs.field(default=None, kw_only=True)
    """The name that it is shown; the caller's own if None or empty. What cannot be written for one leg of
    several becomes something like it: ``[`` a round bracket, ``'`` a typographic one."""
    caller_id_number: str | None = attrs.field(default=None, kw_only=True)
    """The number that it is shown; the caller's own if None or empty."""
    confirm_key: str = attrs.field(default="", kw_only=True)
    """The digits, up to nine, that whoever answers there must press before the caller is connected."""
    confirm_prompt: str = attrs.field(default="", kw_only=True)
    """The file that asks for them."""


@final
@attrs.frozen
class DialString:
    """Several destinations that a bridge calls: groups that ring in turn, of legs that ring at once.

    ``DialString.at_once("user/1001", "user/1002")``,
    ``DialString.in_turn("user/1001", ["user/1002", "user/1003"])``. Of a user, or a group, with several telephones
    FreeSWITCH rings only the first where anybody else is to be called (``user_outgoing_channel()`` in mod_dptools.c).
    """

    groups: tuple[tuple[str | DialLeg, ...], ...]
    """They ring one group after the other; the legs of one ring at once, and the first that answers is connected."""
    variables: Mapping[str, Text] = attrs.field(factory=dict, converter=_all_variables, kw_only=True)
    """Channel variables of all legs."""

    @classmethod
    def at_once(cls, *legs: str | DialLeg, variables: Mapping[str, Text] | None = None) -> DialString:
        """Destinations that all ring at once.

        Args:
            legs: The destinations.
            variables: Channel variables of all legs.
        """
        return cls((legs,), variables=variables)

    @classmethod
    def in_turn(
        cls, *groups: str | DialLeg | Sequence[str | DialLeg], variables: Mapping[str, Text] | None = None
    ) -> DialString:
        """Destinations that ring one after the other; the next as soon as one has failed.

        Args:
            groups: The destinations, or lists of destinations that ring at once.
            variables: Channel variables of all legs.
        """
        return cls(
            tuple((each,) if isinstance(each, str | DialLeg) else tuple(each) for each in groups), variables=variables
        )


Destination: TypeAlias = str | DialLeg | DialString | Sequence[str | DialLeg] | Expand
"""Whom to call: one, several at once in a list, a ``DialString``, or a whole raw dial string as ``Expand``."""


@final
@attrs.frozen
class WrittenLeg:
    """A leg as it was written."""

    destination: str | DialLeg | Expand
    """As it was given."""
    channel_uuid: str
    """The UUID that its channel shall have; empty if FreeSWITCH chooses, for there may be several."""


@final
@attrs.frozen
class WrittenDialString:
    """A dial string, and what has to be exported for it."""

    braces: str
    """What holds for all legs."""
    destinations: Text
    """The legs, each with what holds for it alone."""
    exported: Mapping[str, Text]
    """What goes to all legs by ``export``."""
    legs: tuple[WrittenLeg, ...]

    def text(self, scope: Mapping[str, str]) -> str:
        """The raw argument.

        Args:
            scope: Variables of the calling channel, for this application alone.
        """
        # Square brackets right behind those of the scope would be taken for more of the scope.
        braces = self.braces or ("{}" if scope else "")
        return argument(*([braces] if braces else []), self.destinations, scope=scope)


def dial_string_of(destination: Destination) -> DialString | Expand:
    """What was given as one dial string.

    Raises:
        LocalProtocolError: It names nobody, or too many.
    """
    match destination:
        case Expand():
            return destination
        case DialString():
            dialled = destination
        case str() | DialLeg():
            dialled = DialString(((destination,),))
        case _:
            dialled = DialString((tuple(destination),))
    sizes = [len(dialled.groups), *map(len, dialled.groups)]
    if not all(0 < size <= _MOST_LEGS for size in sizes):
        raise LocalProtocolError(f"{dialled.groups!r} is to be called, and should be 1 to {_MOST_LEGS} destinations")
    return dialled


def caller_id_variables(name: str | None, number: str | None) -> dict[str, Text]:
    """What the callee is shown: line breaks in it become blanks, for it goes into a line of a SIP message."""
    variables: dict[str, Text] = {}
    for key, value in ((_NAME, name), (_NUMBER, number)):
        if value is not None:
            variables[key] = "".join(c if c >= " " and c != "\x7f" else " " for c in value).strip()
    return variables


def _for_sip(variables: Mapping[str, Text]) -> dict[str, Text]:
    """Variables with a caller ID that can stand in a SIP message without being more than that."""
    safe = dict(variables)
    if isinstance(name := safe.get(_NAME), str):
        name = name.replace('\\"', "'").replace('"', "'").rstrip("\\")
        safe[_NAME] = _DECODED.sub("%25", name)
    if isinstance(number := safe.get(_NUMBER), str):
        safe[_NUMBER] = _DECODED.sub("%25", _ENDS_A_NUMBER.sub("", number))
    return safe


def _for_each(own: Sequence[Mapping[str, Text]]) -> list[Mapping[str, Text]]:
    """The variables of each of several legs, with callers' names that can be written there, whatever they are."""
    quotes = sum(value.count("'") for variables in own for value in variables.values() if isinstance(value, str))
    safe: list[Mapping[str, Text]] = []
    for variables in own:
        name = variables.get(_NAME)
        if isinstance(name, str) and (_NOT_IN_BRACKETS.search(name) or (quotes > 1 and "'" in name)):
            variables = {**variables, _NAME: name.translate(_LIKE).replace(":_:", ": :")}
        safe.append(variables)
    return safe


def confirmation_variables(key: str, prompt: Text) -> dict[str, Text]:
    """What whoever answers must press before he is connected.

    Raises:
        LocalProtocolError: The key is no digits, or there is a prompt and no key.
    """
    # Letters would be worse than useless: `exec` makes an application of the prompt (collect_thread_run()).
    check_digits(key, "confirm_key")
    if len(key) > _LONGEST_KEY or (prompt and not key):
        raise LocalProtocolError(f"confirm_key is {key!r}, and should be 1 to {_LONGEST_KEY} digits")
    variables: dict[str, Text] = {}
    if key:
        variables["group_confirm_key"] = key
    if prompt:
        variables["group_confirm_file"] = prompt
    return variables


def write_dial_string(
    dialled: DialString | Expand,
    common: Mapping[str, Text],
    *,
    uuids: Sequence[str],
    of_leg: Mapping[str, str],
) -> WrittenDialString:
    """Write a dial string.

    Args:
        dialled: Whom to call.
        common: Variables of all legs; those that the dial string has itself win.
        uuids: A UUID for each leg.
        of_leg: Variables of each leg, in which ``{}`` becomes the leg's number.

    Raises:
        LocalProtocolError: It cannot be said.
    """
    if isinstance(dialled, Expand):
        return _write_raw(dialled, {**_for_sip(common), **_numbered(of_leg, 0)})
    every = {**common, **dialled.variables}
    legs = [leg if isinstance(leg, DialLeg) else DialLeg(leg) for group in dialled.groups for leg in group]
    given = [leg for group in dialled.groups for leg in group]
    own: list[Mapping[str, Text]] = []
    written: list[WrittenLeg] = []
    for number, (leg, uuid) in enumerate(zip(legs, uuids, strict=True)):
        _check_destination(leg.destination)
        variables = {**_variables_of(leg), **_numbered(of_leg, number)}
        given_uuid = variables.get("origination_uuid", every.get("origination_uuid"))
        if given_uuid is not None:
            uuid = (
                given_uuid
                if isinstance(given_uuid, str) and (len(legs) == 1 or "origination_uuid" in variables)
                else ""
            )
        elif len(legs) == 1 and leg.destination.lower().startswith(_FAN_OUT):
            uuid = ""
        elif uuid:
            variables["origination_uuid"] = uuid
        own.append(variables)
        written.append(WrittenLeg(given[number], uuid))
    if len(legs) == 1:
        every = {**every, **own[0]}  # what holds for the only leg holds for all
        own = [{}]
    if not all(leg.destination.lower().startswith(_EXACT) for leg in legs):
        every, own = _for_sip(every), list(map(_for_sip, own))
    own = _for_each(own)
    braces, exported = _written_for_all(every, [value for variables in own for value in variables.values()])
    brackets = _written_for_each(own)
    pieces = iter(f"{bracket}{leg.destination}" for bracket, leg in zip(brackets, legs, strict=True))
    groups = [",".join(next(pieces) for _ in group) for group in dialled.groups]
    return WrittenDialString(braces, "|".join(groups), exported, tuple(written))


def _write_raw(dialled: Expand, every: Mapping[str, Text]) -> WrittenDialString:
    text = dialled.text.strip()
    if not text or text.startswith("<") or ":_:" in text:
        # Ours would hold for the first of several dial strings only, and not be read at all before `<`.
        raise LocalProtocolError(
            f"{dialled.text!r} cannot be bridged to: it should be one dial string, without :_: or <"
        )
    braces, exported = _written_for_all(every, [])
    return WrittenDialString(braces, dialled, exported, (WrittenLeg(dialled, ""),))


def _variables_of(leg: DialLeg) -> dict[str, Text]:
    variables: dict[str, Text] = {}
    if leg.ring_seconds is not None:
        variables["leg_timeout"] = str(whole_seconds(leg.ring_seconds, "ring_seconds", least=1))
    if leg.delay_seconds:
        variables["leg_delay_start"] = str(whole_seconds(leg.delay_seconds, "delay_seconds"))
    variables |= caller_id_variables(leg.caller_id_name, leg.caller_id_number)
    variables |= confirmation_variables(leg.confirm_key, leg.confirm_prompt)
    return {**variables, **leg.variables}


def _numbered(of_leg: Mapping[str, str], number: int) -> dict[str, Text]:
    return {name: value.replace("{}", str(number)) for name, value in of_leg.items()}


def _check_destination(destination: str) -> None:
    if _DESTINATION.fullmatch(destination) is None or not destination.isprintable() or ":_:" in destination:
        raise LocalProtocolError(
            f"destination is {destination!r}, and should be <endpoint>/<address> in one word"
            " without , | [ ] { } < > ' \" \\ :_:"
        )


def _written_for_all(variables: Mapping[str, Text], others: Sequence[Text]) -> tuple[str, dict[str, Text]]:
    """The braces for all legs, and what does not go into them."""
    inside: list[str] = []
    exported: dict[str, Text] = {}
    for name, value in variables.items():
        _check_variable(name, value)
        if isinstance(value, Expand) or _NOT_IN_BRACES.search(value) is not None:
            exported[name] = value  # also if what it expands to is not known
        elif value:
            inside.append(f"{name}={value.replace(',', chr(92) + ',')}")
    checked = [value for name, value in variables.items() if name not in _UNCHECKED]
    if any(isinstance(value, Expand) or holds_variable(value) for value in (*checked, *others)):
        inside.append("=".join(_LET_PASS))
    return "{" + ",".join(inside) + "}" if inside else "", exported


def _written_for_each(own: Sequence[Mapping[str, Text]]) -> list[str]:
    """The brackets of each leg."""
    quotes = 0
    brackets: list[str] = []
    for variables in own:
        inside: list[str] = []
        for name, value in variables.items():
            _check_variable(name, value)
            if isinstance(value, Expand) or _NOT_IN_BRACKETS.search(value) is not None:
                raise _cannot_say(name, value)
            if value:
                inside.append(f"{name}={value.replace(',', chr(92) + ',').replace('|', chr(92) + '|')}")
        # A quote stays if there is no other behind it, and makes plain commas of those that follow within its brackets
        # (separate_string_char_delim() in switch_utils.c, switch_ivr_originate()).
        inside.sort(key=lambda text: "'" in text)
        quotes += sum(text.count("'") for text in inside)
        if quotes > 1:
            raise _cannot_say(*next((name, value) for name, value in variables.items() if "'" in str(value)))
        brackets.append("[" + ",".join(inside) + "]" if inside else "")
    return brackets


def _cannot_say(name: str, value: Text) -> LocalProtocolError:
    return LocalProtocolError(f"{name} cannot be {value!r} for one leg of several; for all of them it could")


def _check_variable(name: str, value: Text) -> None:
    if _VARIABLE_NAME.fullmatch(name) is None:
        raise LocalProtocolError(f"{name!r} cannot be the name of a leg's variable")
    if isinstance(value, Expand):
        return
    if value.startswith("ARRAY::") and "|:" not in value and name not in _UNCHECKED:
        raise LocalProtocolError(f"{name} cannot be {value!r}: FreeSWITCH takes it for an array")
    if name.lower().startswith("sip_"):
        # sofia_glue_get_extra_headers() in sofia_glue.c writes a header's value as it is, and what follows as another.
        check_one_line(value, name)
