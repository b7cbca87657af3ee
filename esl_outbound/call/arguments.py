r"""What applications are given: data that reaches them as it is, and text that FreeSWITCH expands.

FreeSWITCH expands ``${name}``, ``$${global}`` and ``${command(arguments)}`` in
every application's argument, and the last runs an API command,
``${system(...)}`` a program. Whoever calls chooses his display name. So a
``str`` given to a typed method is data, and ``Expand`` asks for expansion.
"""

from __future__ import annotations

import re
from typing import Final, final

import attrs

__all__ = ["Expand", "escaped", "literal"]

# FreeSWITCH looks at an argument only if it matches one of these (switch_string_var_check_const() and
# switch_string_has_escaped_data() in switch_utils.h); any other goes through untouched, backslashes and dollars too.
_LOOKED_AT: Final = re.compile(r"\$[\\$]*\{|\\[\\nst']")

# An argument that begins like this sets variables for the time of its application (switch_core_session_exec()).
_SCOPED: Final = re.compile(r"%.?\[", re.DOTALL)


@final
@attrs.frozen
class Expand:
    """Text in which FreeSWITCH shall expand ``${...}``, such as ``Expand("${sounds_dir}/x.wav")``."""

    text: str


def literal(text: str) -> str:
    r"""Text in the form in which FreeSWITCH gives it to an application unchanged.

    For ``execute()``, whose argument is raw: ``execute("log", literal(f"INFO {name}"))``.
    Apply it to the finished argument, not to its parts, because FreeSWITCH looks
    at the argument as a whole. ``set``, ``multiset``, ``push`` and ``unshift`` expand the
    value once more (``set_variable`` knows).
    """
    # Empty brackets take the place of what would be read as a list of variables (switch_event_create_brackets()).
    return escaped("%[]" + text if _SCOPED.match(text) is not None else text)


def escaped(text: str) -> str:
    """Text that expansion leaves as it is, wherever it stands."""
    if _LOOKED_AT.search(text) is None:
        return text
    return text.replace("\\", "\\\\").replace("$", "\\$")
