"""XML as FreeSWITCH writes it (``switch_xml_toxml_r()``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element

__all__ = ["element", "written"]

Lines: TypeAlias = list[str]
_INDENT: Final = "  "
_IN_TEXT: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}
_IN_ATTRIBUTES: Final = {**_IN_TEXT, '"': "&quot;", "\n": "&#xA;", "\t": "&#x9;"}


def element(name: str, attributes: Mapping[str, str], content: str | Iterable[Lines]) -> Lines:
    """The lines of an element, each with its line feed.

    Args:
        name: Its name.
        attributes: Its attributes.
        content: Its text, or the elements in it.
    """
    head = name + "".join(f' {key}="{_escaped(value, _IN_ATTRIBUTES)}"' for key, value in attributes.items())
    if isinstance(content, str):
        return [f"<{head}>{_escaped(content, _IN_TEXT)}</{name}>\n"]
    inner = [f"{_INDENT}{line}" for child in content for line in child]
    return [f"<{head}>\n", *inner, f"</{name}>\n"] if inner else [f"<{head}></{name}>\n"]


def written(tree: Element) -> str:
    """An element that was read, without what is between its children."""
    return "".join(_lines(tree))


def _lines(tree: Element) -> Lines:
    children = [_lines(child) for child in tree]
    return element(tree.tag, tree.attrib, children or (tree.text or ""))


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(char, char) for char in text)
