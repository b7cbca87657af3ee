"""Tables, as ``show`` prints them (``show_callback()`` and its like in mod_commands.c)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ..xml_text import element

__all__ = ["Row", "printed", "printed_count"]

Row: TypeAlias = Mapping[str, str]
"""A row: its columns in their order."""


def printed(rows: Sequence[Row], form: str, delimiter: str) -> str:
    """A table in one of the formats ``delim``, ``csv``, ``json`` and ``xml``; nothing is quoted in the first two."""
    match form.lower():
        case "delim" | "csv":
            lines = [delimiter.join(rows[0]), *(delimiter.join(row.values()) for row in rows)] if rows else []
            return "".join(f"{line}\n" for line in lines) + f"\n{len(rows)} total.\n"
        case "xml":
            if not rows:
                return '<result row_count="0"/>\n'
            children = [
                element("row", {"row_id": str(number)}, [element(name, {}, value) for name, value in row.items()])
                for number, row in enumerate(rows, 1)
            ]
            return "".join(element("result", {"row_count": str(len(rows))}, children))
        case "json":
            if not rows:
                return '{"row_count": 0}\n'
            return json.dumps(
                {"row_count": len(rows), "rows": [dict(row) for row in rows]}, separators=(",", ":"), ensure_ascii=False
            )
        case _:
            return f"-ERR Cannot find format {form}\n"


def printed_count(count: int, form: str) -> str:
    """How many there are, without the rows."""
    match form.lower():
        case "delim" | "csv":
            return f"\n{count} total.\n"
        case "xml":
            return f'<result row_count="{count}"></result>\n'
        case "json":
            return f'{{"row_count":{count},"rows":[]}}'
        case _:
            return f"-ERR Cannot find format {form}\n"
