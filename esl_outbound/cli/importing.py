"""From ``app:Reception`` to the thing itself."""

from __future__ import annotations

import difflib
import importlib
import sys
from pathlib import Path
from typing import cast

from ..errors import HandlerNotFound
from ..handler import HandlerSource, handler_factory

__all__ = ["import_handler"]


def import_handler(target: str, app_dir: Path) -> HandlerSource:
    """Import what ``module:name`` names, from ``app_dir`` first.

    An exception that the user's own module raises is not touched: its
    traceback says best what is wrong.

    Raises:
        HandlerNotFound: There is no such module, or no such name in it, or it makes no handlers.
    """
    module_name, colon, path = target.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module_name.split("."), *path.split("."))):
        raise HandlerNotFound(target, "name it as module:name, such as app:Reception")
    directory = str(app_dir.resolve())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        found: object = importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        # The module may be there and lack one that it imports itself: that is its own fault to show.
        if exc.name is None or not (module_name == exc.name or module_name.startswith(exc.name + ".")):
            raise
        raise HandlerNotFound(target, f"there is no module {exc.name} in {directory}") from exc
    for name in path.split("."):
        if not hasattr(found, name):
            near = difflib.get_close_matches(name, dir(found), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise HandlerNotFound(target, f"{module_name} has no {name}{hint}")
        found = getattr(found, name)
    source = cast("HandlerSource", found)
    try:
        handler_factory(source)
    except TypeError as exc:
        raise HandlerNotFound(target, str(exc)) from exc
    return source
