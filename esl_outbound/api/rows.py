"""The rows of ``show ... as json``, as FreeSWITCH's database has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import final

from ..arguments.numbers import whole
from ..errors import ApiFailed
from ..protocol import ApiResponse

__all__ = ["Row", "Rows", "rows_of"]


@final
class Rows:
    """What ``show`` printed: the rows, and how many FreeSWITCH says there are."""

    __slots__ = ("count", "rows")

    def __init__(self, count: int, rows: list[Mapping[str, str]]) -> None:
        self.count = count
        self.rows = rows


@final
class Row:
    """A row whose cells are taken out one by one, so that it is known what is left."""

    __slots__ = ("_left",)

    def __init__(self, cells: Mapping[str, str]) -> None:
        self._left = dict(cells)

    def text(self, column: str) -> str | None:
        """A cell's text; None where it is empty, which is all that is told of NULL, or where there is none."""
        return self._left.pop(column, "") or None

    def whole(self, column: str) -> int | None:
        """A cell's whole number; None where it holds none."""
        return whole(self._left.pop(column, None))

    def part(self, prefix: str) -> Row:
        """The cells of the columns that begin like this, by the rest of their names."""
        names = [name for name in self._left if name.startswith(prefix)]
        return Row({name.removeprefix(prefix): self._left.pop(name) for name in names})

    def rest(self) -> Mapping[str, str]:
        """The cells that nobody took."""
        return MappingProxyType(self._left)


def rows_of(command: str, response: ApiResponse) -> Rows:
    """The rows of what ``show`` printed.

    ``show_as_json_callback()`` in mod_commands.c writes every cell as a text, and NULL as an empty one; no row at all
    is ``{"row_count": 0}``. Bytes that are no UTF-8 are in it as they are.

    Raises:
        ApiFailed: It printed an error, or no rows.
    """
    try:
        printed: object = json.loads(response.text, strict=False)
    except (ValueError, RecursionError):
        printed = None
    if not isinstance(printed, dict) or "row_count" not in printed:
        raise ApiFailed(command, response)
    rows = printed.get("rows")
    found = [_cells(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    count = printed["row_count"]
    return Rows(count if isinstance(count, int) else len(found), found)


def _cells(row: Mapping[object, object]) -> Mapping[str, str]:
    return {str(name): "" if value is None else str(value) for name, value in row.items()}
