"""API commands that make text of text, or do little more than to wait."""

from __future__ import annotations

import ast
import hashlib
import operator
import re
import urllib.parse
import warnings
from collections.abc import Callable, Mapping
from typing import Final

import trio

from ..core import Core
from ..expansion import expand, separate
from ..patterns import search
from ..wire import atof, atoi, decoded, encoded, is_number
from .command import ApiCommand

__all__ = ["COMMANDS"]


async def _echo(core: Core, argument: str) -> str:
    return argument


async def _eval(core: Core, argument: str) -> str:
    uuid = re.match(r"uuid:(\S+) ", argument)
    session = core.sessions.get(uuid[1]) if uuid is not None else None
    if uuid is not None and session is not None:
        return await session.executions.expand(argument[uuid.end() :])
    return await expand(
        argument, variable=core.global_variables.get, api=core.expand_api, global_variable=core.global_variables.get
    )


# Sums, conditions, patterns


async def _expr(core: Core, argument: str) -> str:
    """Sums and products; what is none gives an error, as mod_expr does."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(argument, mode="eval")
        return f"{_calculated(tree.body):g}"
    except (SyntaxError, ArithmeticError, ValueError, RecursionError, MemoryError):
        return "-ERR\n"


_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}


def _calculated(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_calculated(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_calculated(left), _calculated(right))
        case _:
            raise ValueError("no sum")


_QUOTED: Final = r"'((?:\\[\\']|\\(?![\\'])|[^'\\])*)'\s"
_PLAIN: Final = r"(?!')([^ ]*) "
_CONDITION: Final = re.compile(
    rf"(?:{_QUOTED}|{_PLAIN})\s*(!=|==|>=|<=|>|<)\s*(?:{_QUOTED}|{_PLAIN})\s*\?(.*)",
    re.DOTALL,
)
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


async def _cond(core: Core, argument: str) -> str:
    """``<expr> ? <true> : <false>``: numbers are compared as such, other text by length unless it is ``==``."""
    found = _CONDITION.match(argument)
    if found is None:
        return "-ERR"
    quoted, plain, comparison, other_quoted, other_plain, rest = found.groups()
    words = separate(":" + rest, ":", 3)[1:]
    if not words:
        return "-ERR"
    pairs = ((quoted, plain), (other_quoted, other_plain))
    texts = [plain if quoted is None else quoted for quoted, plain in pairs]
    numeric = [quoted is None and is_number(plain) for quoted, plain in pairs]
    if not any(numeric) and comparison in ("==", "!="):
        is_true = (texts[0] == texts[1]) is (comparison == "==")
    else:
        sizes = [
            atof(text) if is_numeric else float(len(encoded(text)))
            for text, is_numeric in zip(texts, numeric, strict=True)
        ]
        is_true = _COMPARISONS[comparison](sizes[0], sizes[1])
    return (*words, "")[0 if is_true else 1]


async def _regex(core: Core, argument: str) -> str:
    """``<data>|<pattern>[|<substitution>[|n|b]]``, or ``m:~<data>~...`` with a delimiter of one's own."""
    own = re.match(r"m:([|~/])", argument)
    delimiter = own[1] if own is not None else "|"
    words = separate(argument[3:] if own is not None else argument, delimiter, 4)
    if len(words) < 2:
        return "-ERR"
    found = search(words[1], words[0])
    if len(words) == 2:
        return "true" if found is not None else "false"
    if found is None:
        flags = "".join(words[3:])
        return "" if "n" in flags else "false" if "b" in flags else words[0]
    groups = (found[0], *found.groups(""))

    def put_in(reference: re.Match[str]) -> str:
        number = int(reference[1])
        return groups[number] if number < len(groups) else ""

    return re.sub(r"[%$]([0-9]{1,2})", put_in, words[2])


# Letters


async def _to_upper(core: Core, argument: str) -> str:
    return decoded(encoded(argument).upper())


async def _to_lower(core: Core, argument: str) -> str:
    return decoded(encoded(argument).lower())


async def _url_encode(core: Core, argument: str) -> str:
    return urllib.parse.quote_from_bytes(encoded(argument))


async def _url_decode(core: Core, argument: str) -> str:
    return decoded(urllib.parse.unquote_to_bytes(encoded(argument)))


async def _md5(core: Core, argument: str) -> str:
    return hashlib.md5(encoded(argument), usedforsecurity=False).hexdigest() if argument else "!err!"


# The switch


async def _msleep(core: Core, argument: str) -> str:
    await trio.sleep(max(atoi(argument), 0) / 1000)
    return "+OK"


async def _system(core: Core, argument: str) -> str:
    for session in core.sessions.values():
        session.channel.story.runs_program(argument)
    core.programs.append(argument)
    return ""


async def _create_uuid(core: Core, argument: str) -> str:
    return core.new_uuid()


async def _strepoch(core: Core, argument: str) -> str:
    return str(core.micros() // 1_000_000)


async def _strftime(core: Core, argument: str) -> str:
    """``[<epoch>|]<format>``."""
    epoch, found, form = argument.partition("|")
    if not found:
        return core.strftime(argument or "%Y-%m-%d %T")
    return core.strftime(form or "%Y-%m-%d %T", atoi(epoch))


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "bgsystem": _system,
    "cond": _cond,
    "create_uuid": _create_uuid,
    "echo": _echo,
    "eval": _eval,
    "expr": _expr,
    "md5": _md5,
    "msleep": _msleep,
    "regex": _regex,
    "strepoch": _strepoch,
    "strftime": _strftime,
    "system": _system,
    "tolower": _to_lower,
    "toupper": _to_upper,
    "url_decode": _url_decode,
    "url_encode": _url_encode,
}
