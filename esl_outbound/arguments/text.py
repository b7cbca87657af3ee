r"""What applications are given: data that reaches them as it is, and text that FreeSWITCH expands.

FreeSWITCH expands ``${name}``, ``$${global}`` and ``${command(arguments)}`` in
every application's argument, and the last runs an API command,
``${system(...)}`` a program. Whoever calls chooses his display name. So a
``str`` given to a typed method is data, and ``Expand`` asks for expansion.

Then most applications divide what they were given, at blanks, commas or pipes.
``words`` quotes each part, so that it stays one part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias, final

import attrs

from ..errors import LocalProtocolError

__all__ = ["Expand", "Text", "api_words", "argument", "escaped", "holds_variable", "literal", "shown", "words"]

# FreeSWITCH looks at an argument only if it matches one of these (switch_string_var_check_const() and
# switch_string_has_escaped_data() in switch_utils.h); any other goes through untouched, backslashes and dollars too.
_LOOKED_AT: Final = re.compile(r"\$[\\$]*\{|\\[\\nst']")

# switch_string_var_check_const() in switch_utils.h.
_VARIABLE: Final = re.compile(r"\$\\*\{")

# An argument that begins like this sets variables for the time of its application (switch_core_session_exec()).
_SCOPED: Final = re.compile(r"%.?\[", re.DOTALL)
# What such a variable's value may be made of: nothing that its brackets or the expansion would take for theirs.
_SCOPE_VALUE: Final = re.compile(r"[A-Za-z0-9 _.:;/@+*#&!?=~-]*")

# What it reads at once, with what opens a variable apart; and what it reads as nothing
# (switch_channel_expand_variables_check() in switch_channel.c).
_TOKEN: Final = re.compile(r"(\$?\$\{)|\\\$\$?|\\[\\']|.", re.DOTALL)
_NOTHING: Final = r"\'"

# A part that needs no quotes, whatever divides the argument.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@+*#%=-]+")


@final
@attrs.frozen
class Expand:
    """Text in which FreeSWITCH shall expand ``${...}``, such as ``Expand("${sounds_dir}/x.wav")``.

    FreeSWITCH expands what it finds in a variable, too (``switch_channel_expand_variables_check()`` in
    switch_channel.c calls itself). So name no variable in it whose value a caller chooses:
    ``Expand("${caller_id_name}")`` runs the ``${system(...)}`` in his name. ``self.caller_id_name`` is data.
    """

    text: str


Text: TypeAlias = str | Expand
"""What typed methods take: a ``str``, which is data, or an ``Expand``."""


def literal(text: str) -> str:
    r"""Text in the form in which FreeSWITCH gives it to an application unchanged.

    For ``execute()``, whose argument is raw: ``execute("log", literal(f"INFO {name}"))``.
    Apply it to the finished argument, not to its parts, because FreeSWITCH looks
    at the argument as a whole. ``set``, ``multiset``, ``push`` and ``unshift`` expand the
    value once more (``set_variable`` knows).
    """
    return argument(text)


def escaped(text: str) -> str:
    """Text that expansion leaves as it is, wherever it stands."""
    if _LOOKED_AT.search(text) is None:
        return text
    return _protected(text)


def argument(*pieces: Text, scope: Mapping[str, str] | None = None) -> str:
    """An application's raw argument, made of pieces that are data and pieces that FreeSWITCH expands.

    Args:
        pieces: What it is made of, without anything between the pieces.
        scope: Channel variables that the application, and it alone, shall see.

    Raises:
        LocalProtocolError: A variable's value cannot be said there.
    """
    plain = "".join(piece if isinstance(piece, str) else piece.text for piece in pieces)
    text = plain
    if _LOOKED_AT.search(plain) is not None:
        # All of it is looked at, so all that is data has to be protected.
        text = ""
        for piece in pieces:
            if isinstance(piece, str):
                text += _protected_behind_variable(piece) if _ends_in_variable(text) else _protected(piece)
            elif text.endswith("\\$"):
                text += _NOTHING + piece.text  # it would take a second dollar for part of the first
            else:
                text += piece.text
    if scope:
        return _brackets(scope) + text
    # Empty brackets take the place of what would be read as a list of variables (switch_event_create_brackets());
    # a piece that is expanded first may turn out to begin like one.
    if _SCOPED.match(plain) is not None or (pieces and isinstance(pieces[0], Expand) and pieces[0].text[:1] == "$"):
        return "%[]" + text
    return text


def words(*parts: Text, delimiter: str = " ") -> tuple[Text, ...]:
    """The pieces of an argument that an application divides with ``switch_separate_string()``.

    Each part is quoted where it must be, and arrives as it is: with blanks,
    quotes, backslashes, and the delimiter. Trailing empty parts are to be left out by the caller.

    Args:
        parts: What the application is to see.
        delimiter: Where it divides.
    """
    pieces: list[Text] = []
    for number, part in enumerate(parts):
        if number:
            pieces.append(delimiter)
        if isinstance(part, Expand):
            pieces += ["'", part, "'"]
        elif _PLAIN.fullmatch(part) is not None and delimiter not in part:
            pieces.append(part)
        else:
            # cleanup_separated_string() in switch_utils.c: quotes go, a backslash before either is a backslash less.
            pieces.append("'" + part.replace("\\", "\\\\").replace("'", "\\'") + "'")
    return tuple(pieces)


def api_words(*parts: str) -> str:
    """The arguments of an API command that divides them at blanks; it expands nothing."""
    return "".join(piece for piece in words(*parts) if isinstance(piece, str))


def shown(text: Text) -> str:
    """A text as a person would write it, for messages."""
    return text if isinstance(text, str) else text.text


def holds_variable(text: str) -> bool:
    """Whether there is a ``${`` in a text, escaped or not: some of FreeSWITCH's functions do not let it pass then."""
    return _VARIABLE.search(text) is not None


def _protected(text: str) -> str:
    return text.replace("\\", "\\\\").replace("$", "\\$")


def _protected_behind_variable(text: str) -> str:
    r"""Data that directly follows a ``${...}``: its first character is not looked at, unless it is a ``$``.

    So a backslash there is no protection (switch_channel_expand_variables_check() in switch_channel.c copies it), and
    a ``$`` is kept from its brace by a pair that vanishes.
    """
    first, rest = text[:1], _protected(text[1:])
    return first + _NOTHING * (first == "$") + rest


def _ends_in_variable(raw: str) -> bool:
    """Whether a raw text that FreeSWITCH looks at ends with the brace of a ``${...}``, as that function reads it."""
    at = 0
    while at < len(raw):
        token = _TOKEN.match(raw, at)
        assert token is not None
        at = token.end()
        if token[1] is None:
            continue
        begin, depth = at, 1
        while at < len(raw) and depth:
            # A brace that opens at the very beginning of a name is not counted.
            depth += (raw[at] == "{" and at > begin) - (raw[at] == "}")
            at += 1
        if at == len(raw):
            return not depth
        at += raw[at] != "$"
    return False


def _brackets(scope: Mapping[str, str]) -> str:
    for name, value in scope.items():
        if _SCOPE_VALUE.fullmatch(value) is None:
            raise LocalProtocolError(f"{name} cannot be {value!r} for one application alone")
    return "%[" + ",".join(f"{name}={value}" for name, value in scope.items()) + "]"
