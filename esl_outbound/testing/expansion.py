r"""What FreeSWITCH makes of an argument before an application sees it.

Three readings of text, each the work of one function of FreeSWITCH, oddities included:

* `expand`: ``${name}``, ``${command(argument)}`` and backslashes, as switch_channel_expand_variables_check() does.
* `brackets`: ``[a=b,c=d]rest``, as switch_event_create_brackets() does; `scope` is the prefix ``%[a=b]`` made of it.
* `separate`: ``one 'two three'``, as switch_separate_string() does.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Final, final

import attrs

from .wire import atoi

__all__ = ["brackets", "expand", "is_expanded", "scope", "separate"]

_EXPANDED: Final = re.compile(r"\$[\\$]*\{|\\[\\nst']")
_DEEPEST: Final = 100
_COMMAND_DEPTH: Final = 10
"""As how many levels a command counts that expands something itself, as ``eval`` does."""
_MOST_WORK: Final = 4_000_000
"""How many characters are looked at for one argument. FreeSWITCH has no such limit, and never ends beyond it."""
_WORK_PER_TEXT: Final = 100
_BLANKS: Final = "\t\n\v\r "
_ARRAY: Final = "ARRAY::"
_MOST_VARIABLES: Final = 1024
_UNESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "s": " "}


# Variables and commands in an argument


def is_expanded(text: str) -> bool:
    r"""Whether FreeSWITCH looks into an argument at all.

    It does if there is a ``${`` (with any number of ``\`` and ``$`` between the two), or a backslash
    before ``\``, ``n``, ``s``, ``t`` or ``'``. Any other argument reaches the application as it is.
    """
    return _EXPANDED.search(text) is not None


async def expand(
    text: str,
    *,
    variable: Callable[[str], str | None],
    api: Callable[[str, str], Awaitable[str]],
    global_variable: Callable[[str], str | None],
) -> str:
    r"""The argument that an application gets when this one was written.

    ``${name}``, ``${name:offset:length}`` and ``${name[index]}`` become the variable's value,
    ``${command(argument)}`` and ``${command argument}`` what the API command says. What stands within
    the braces is expanded first, and a variable's value once more after it was found. ``$${name}``
    finds the same as ``${name}``: the channel is asked first.

    A backslash before ``$`` keeps it from being expanded, two are one, ``\'`` vanishes, and any other stays.
    The character that follows a closing brace is not looked at, unless it is a ``$``.

    Args:
        text: The argument as it was written.
        variable: The value of a variable of the channel, None if it has none of that name.
        api: Runs an API command with its argument and returns what it printed: nothing if it failed.
        global_variable: Where a name is looked up that the channel does not know.
    """
    outer = _running.get()
    work = _Work() if outer is None or outer.is_over else outer
    token = _running.set(work)
    try:
        return await _Expansion(variable, api, global_variable, work).expand(text, work.depth)
    finally:
        _running.reset(token)
        # What was started meanwhile keeps the context that it was started in.
        work.is_over = work is not outer


@final
@attrs.define(eq=False)
class _Work:
    """What an argument has cost so far, with all that is expanded on its behalf."""

    left: int = _MOST_WORK
    depth: int = 0
    """Of what the command that runs now expands."""
    is_over: bool = False


_running: Final[ContextVar[_Work | None]] = ContextVar("esl_outbound_testing_expansion", default=None)


@final
@attrs.define(eq=False)
class _Expansion:
    variable: Callable[[str], str | None]
    api: Callable[[str, str], Awaitable[str]]
    global_variable: Callable[[str], str | None]
    work: _Work

    async def expand(self, text: str, depth: int) -> str:
        self.work.left -= len(text) + _WORK_PER_TEXT
        if self.work.left < 0:
            return ""
        if depth > _DEEPEST or not is_expanded(text):
            return text
        parts: list[str] = []
        at = 0
        while at < len(text):
            pair = text[at : at + 2]
            if pair == "\\$":
                parts.append("$")
                at += 3 if text.startswith("$", at + 2) else 2
            elif pair == "\\'":
                at += 2
            elif pair == "\\\\":
                parts.append("\\")
                at += 2
            elif pair[0] != "$":
                parts.append(pair[0])
                at += 1
            else:
                if pair == "$$":
                    at += 1
                if not text.startswith("{", at + 1):
                    parts.append("$")
                    at += 1
                    continue
                inside, at, still_open = _inside_braces(text, at + 2)
                parts.append(await self._value(inside, still_open, depth))
                if at < len(text) and text[at] != "$":
                    parts.append(text[at])
                    at += 1
        return "".join(parts)

    async def _value(self, inside: str, still_open: int, depth: int) -> str:
        begin = re.search("[ (]", inside)
        if begin is None:
            return await self._variable(await self.expand(inside, depth + 1), depth)
        argument = _argument(inside[begin.end() :], 1 if begin[0] == "(" else still_open)
        command = await self.expand(inside[: begin.start()], depth + 1)
        argument = await self.expand(argument, depth + 1)
        before, self.work.depth = self.work.depth, depth + _COMMAND_DEPTH
        try:
            return await self.api(command.strip(_BLANKS), argument.strip(_BLANKS))
        finally:
            self.work.depth = before

    async def _variable(self, reference: str, depth: int) -> str:
        name, _, slice_ = reference.partition(":")
        offset, _, length = slice_.partition(":")
        index = -1
        bracket = name.find("[")
        if bracket >= 0 and "]" in name[bracket:]:
            name, index = name[:bracket], atoi(name[bracket + 1 :])
        value = self._look_up(name, index)
        if value is None:
            return ""
        return _sliced(await self.expand(value, depth + 1), atoi(offset), atoi(length))

    def _look_up(self, name: str, index: int) -> str | None:
        if not name:
            return None
        value = self.variable(name)
        if value is not None and index >= 0:
            items = value.removeprefix(_ARRAY).split("|:") if value.startswith(_ARRAY) else []
            value = items[index] if index < len(items) else None
        return self.global_variable(name) if value is None else value


def _inside_braces(text: str, start: int) -> tuple[str, int, int]:
    """What stands within braces, where it goes on behind them, and how many braces are still open then."""
    depth = 1
    for at in range(start, len(text)):
        char = text[at]
        if char == "}":
            depth -= 1
            if not depth:
                return text[start:at], at + 1, 0
        elif char == "{" and at > start:
            depth += 1
    return text[start:], len(text), depth


def _argument(text: str, depth: int) -> str:
    """The argument of a command, up to the parenthesis that closes it."""
    for at, char in enumerate(text):
        if char == "(":
            depth += 1
        elif char == ")":
            if depth == 1:
                return text[:at]
            # With none open, as after `${command argument`, it is a character like any other.
            depth = max(depth - 1, 0)
    return text


def _sliced(value: str, offset: int, length: int) -> str:
    # FreeSWITCH counts bytes.
    data = value.encode("utf-8", "surrogateescape")[offset:]
    if length > 0:
        data = data[:length]
    return data.decode("utf-8", "surrogateescape")


# Variables in brackets


def scope(argument: str) -> tuple[list[tuple[str, str]], str]:
    """The variables that an argument sets for the time of its application, and the argument without them.

    They stand before it as ``%[a=b,c=d]``, or ``%;[a=b;c=d]`` with a delimiter of one's own
    (switch_core_session_exec()). The argument is an expanded one.
    """
    if argument.startswith("%["):
        text, delimiter = argument[1:], ","
    elif argument.startswith("%") and argument[2:3] == "[":
        text, delimiter = argument[2:], argument[1]
    else:
        return [], argument
    variables, rest = brackets(text, "[", "]", delimiter)
    return (variables, rest) if rest != text else ([], argument)


# `open` and `close` are what the two characters are, and nothing here opens a file.
def brackets(text: str, open: str, close: str, delimiter: str = ",") -> tuple[list[tuple[str, str]], str]:  # noqa: A002
    """The variables of a group in brackets at the beginning of a text, and the text behind it.

    A name without a value, or with an empty one, gives no variable; of two with the same name the last counts.
    ``^^;`` at the beginning of the group makes ``;`` its delimiter. One group is read: the ``[a=b][c=d]`` of
    a dial string is for its reader to go on with, as long as the rest begins with a bracket.

    Args:
        text: The text, which should begin with the opening bracket.
        open: The opening bracket, one character.
        close: The closing bracket, one character.
        delimiter: What stands between two variables, one character.

    Returns:
        The variables in their order, and the rest. If there is no complete group, the rest is the whole text.
    """
    end = _end_of_group(text, open, close)
    if end is None:
        return [], text
    inside, rest = text[1:end], text[end + 1 :]
    if inside.startswith("^^"):
        delimiter, inside = inside[2:3], inside[3:]
    variables: list[tuple[str, str]] = []
    _read_variables(inside, delimiter, variables)

    # `[a=b][[c]d=e`: the function means to read on, but begins behind the wrong bracket and cuts the rest in place.
    again = re.match(f" *{re.escape(open)}", rest)
    if again is not None:
        end = _end_of_group(rest[again.end() :], open, close)
        if end is not None:
            end += again.end()
            _read_variables(rest[end:], delimiter, variables)
            rest = rest[:end] + separate(separate(rest[end:], delimiter)[0], "=", 2)[0]
    return variables, rest


def _end_of_group(text: str, opening: str, closing: str) -> int | None:
    """Where the bracket closes that a text begins with."""
    start = len(text) - len(text.lstrip(" "))
    if not text.startswith(opening, start):
        return None
    depth = 0
    for at in range(start, len(text)):
        if text[at] == opening:
            depth += 1
        elif text[at] == closing:
            depth -= 1
            if not depth:
                return at
    return None


def _read_variables(text: str, delimiter: str, variables: list[tuple[str, str]]) -> None:
    if not delimiter:
        return
    for item in separate(text, delimiter, _MOST_VARIABLES):
        match separate(item, "=", 2):
            case [name, value]:
                variables[:] = [other for other in variables if other[0].lower() != name.lower()]
                if value:
                    variables.append((name, value))


# Arguments in an argument


def separate(text: str, delimiter: str = " ", limit: int = 1024) -> list[str]:
    r"""The parts of a text between delimiters.

    Single quotes keep a delimiter within a part and vanish, ``\n``, ``\r``, ``\t`` and ``\s`` become the
    characters they stand for, a backslash before a quote, a backslash or the delimiter vanishes, and blanks around a
    part are taken off. Between blanks there are no empty parts, between other delimiters there are, except
    at the end. ``^^;`` at the beginning makes ``;`` the delimiter.

    Args:
        text: The text.
        delimiter: One character.
        limit: How many parts there can be: the last one is all that is left.
    """
    if text.startswith("^^") and len(text) > 3:
        delimiter, text = text[2], text[3:]
    blank = delimiter == " "
    parts: list[str] = []
    start = 0
    while start < len(text) and len(parts) < limit:
        end = len(text) if len(parts) == limit - 1 else _end_of_part(text, start, delimiter)
        parts.append(_cleaned(text[start:end], "" if blank else delimiter))
        start = end + 1
        while blank and text.startswith(" ", start):
            start += 1
    return parts


def _end_of_part(text: str, at: int, delimiter: str) -> int:
    blank = delimiter == " "
    while blank and text.startswith(" ", at):
        at += 1
    quoted = False
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "'" and (blank or quoted or "'" in text[at + 1 :]):
            # Between blanks a quote that nothing closes holds all the rest.
            quoted = not quoted
        elif text[at] == delimiter and not quoted:
            return at
        at += 1
    return len(text)


def _cleaned(part: str, delimiter: str) -> str:
    """A part without the quotes, escapes and blanks that it was written with."""
    kept: list[str] = []
    end = 0
    quoted = False
    at = len(part) - len(part.lstrip(" "))
    while at < len(part):
        char = part[at]
        escaped = part[at + 1 : at + 2] if char == "\\" else ""
        if escaped and (escaped in "'\"\\" or escaped == delimiter or escaped in _UNESCAPED):
            literal = escaped in "'\"\\" or escaped == delimiter
            kept.append(escaped if literal else _UNESCAPED[escaped])
            end = len(kept)
            at += 1
        elif char == "'" and (quoted or "'" in part[at + 1 :]):
            quoted = not quoted
            if quoted:
                end = len(kept)
        else:
            kept.append(char)
            if char != " " or quoted:
                end = len(kept)
        at += 1
    return "".join(kept[:end])
