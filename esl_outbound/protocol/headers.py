"""Header blocks, looked at only where somebody asks.

A block is kept as the bytes that came. Looking one header up costs one search;
the block is split into all its lines only when they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, final
from urllib.parse import unquote_to_bytes

__all__ = ["Headers", "Variables", "array_items", "decode", "peek", "peek_last", "url_decode", "url_encode"]

_ENCODED: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^%A-Za-z0-9!$'()*,./_~-]")
_ARRAY: Final = "ARRAY::"
_VARIABLE: Final = "variable_"


def decode(raw: bytes) -> str:
    """Text from the wire; bytes that are not UTF-8 survive as lone surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def url_decode(raw: bytes) -> str:
    """Text from an URL-encoded value.

    FreeSWITCH leaves a ``%`` that two hex digits follow as it is, so a value
    that held ``%41`` reads as ``A``: the wire cannot tell them apart
    (``switch_url_encode_opt()`` in ``switch_utils.c``).
    """
    return decode(unquote_to_bytes(raw) if b"%" in raw else raw)


def url_encode(text: str) -> bytes:
    """A value in the form in which FreeSWITCH writes it; a ``%`` before two hex digits stays as it is."""
    return _ENCODED.sub(lambda found: b"%%%02X" % found[0][0], text.encode("utf-8", "surrogateescape"))


def peek(block: bytes, key: bytes) -> bytes | None:
    r"""The undecoded value of a header spelt just like that, without any index.

    Args:
        block: Header lines, each with its line feed.
        key: The header as the wire has it with the line feed before it, such as ``b"\nUnique-ID: "``.
    """
    at = block.find(key)
    return None if at < 0 else _value_from(block, at + len(key))


def peek_last(block: bytes, key: bytes) -> bytes | None:
    """As ``peek``, from the end: what stands there is found ten times as fast (``Application-UUID``)."""
    at = block.rfind(key)
    return None if at < 0 else _value_from(block, at + len(key))


def _value_from(block: bytes, start: int) -> bytes:
    end = block.find(b"\n", start)
    return block[start:end] if end >= 0 else block[start:]


def array_items(value: str) -> list[str]:
    """The items of ``ARRAY::a|:b``; a value that is no array is its own only item."""
    return value.removeprefix(_ARRAY).split("|:") if value.startswith(_ARRAY) else [value]


@final
class Headers(Mapping[str, str]):
    """The headers of a message, as a mapping.

    Names are matched whatever their case and come out as they were sent, in
    the order of the wire. ``headers[name]`` is the first value of a name that
    is repeated, ``get_all`` gives all of them, ``pairs`` everything.

    Bytes that are not UTF-8 are kept as lone surrogates, so that
    ``value.encode("utf-8", "surrogateescape")`` gives them back.
    """

    __slots__ = ("_block", "_folded", "_index", "_pairs", "_url_encoded")

    def __init__(self, block: bytes, *, url_encoded: bool) -> None:
        self._block = block
        self._url_encoded = url_encoded
        self._folded: bytes | None = None
        self._pairs: list[tuple[str, str]] | None = None
        self._index: dict[bytes, str] | None = None

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> Headers:
        """Headers that were parsed already, in the order of the wire."""
        headers = cls(b"", url_encoded=False)
        headers._pairs = list(pairs)
        headers._build_index()
        return headers

    def __getitem__(self, name: str) -> str:
        if self._index is not None:
            value = self._index.get(_fold(name))
            if value is None:
                raise KeyError(name)
            return value
        raw = self._find(name)
        if raw is None:
            raise KeyError(name)
        return self._text(raw)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if self._index is not None:
            return _fold(name) in self._index
        return self._find(name) is not None

    def __iter__(self) -> Iterator[str]:
        seen = set()
        for name, _ in self.pairs():
            folded = _fold(name)
            if folded not in seen:
                seen.add(folded)
                yield name

    def __len__(self) -> int:
        return len(self._build_index())

    def __repr__(self) -> str:
        return f"<Headers {self.pairs()!r}>"

    @property
    def block(self) -> bytes:
        """The lines as they came, for ``peek``; empty if they came in another form."""
        return self._block

    def pairs(self) -> list[tuple[str, str]]:
        """Every header, in the order of the wire, repeated ones repeated."""
        if self._pairs is None:
            self._pairs = [(decode(name), self._text(raw)) for name, raw in _split(self._block)]
        return self._pairs

    def get_all(self, name: str) -> list[str]:
        """All values of a name, in the order of the wire; none is an empty list."""
        folded = _fold(name)
        return [value for other, value in self.pairs() if _fold(other) == folded]

    def get_array(self, name: str) -> list[str]:
        """The items of a header that may be an array (``ARRAY::a|:b``).

        Returns:
            Its items; the value alone if it is no array; all values of a
            repeated name; nothing if there is no such header.
        """
        values = self.get_all(name)
        return array_items(values[0]) if len(values) == 1 else values

    def _text(self, raw: bytes) -> str:
        return url_decode(raw) if self._url_encoded else decode(raw)

    def _build_index(self) -> dict[bytes, str]:
        if self._index is None:
            self._index = {}
            for name, value in self.pairs():
                self._index.setdefault(_fold(name), value)
        return self._index

    def _find(self, name: str) -> bytes | None:
        """The first raw value of a name, found without splitting the block."""
        if self._folded is None:
            self._folded = b"\n" + self._block.lower()
        wanted = _fold(name)
        key = b"\n" + wanted + b":"
        at = self._folded.find(key)
        while at >= 0:
            end = self._block.find(b"\n", at)  # the block has no leading line feed, so a line begins at `at`
            divided = _divide(self._block[at : end if end >= 0 else None])
            # The name may have gone on: `variable_nolocal:x: 1` is the header `variable_nolocal:x`.
            if divided is not None and divided[0].lower() == wanted:
                return divided[1]
            at = self._folded.find(key, at + 1)
        return None


@final
class Variables(Mapping[str, str]):
    """The channel variables among some headers: those that begin with ``variable_``."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        try:
            return self._headers[_VARIABLE + name]
        except KeyError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _VARIABLE + name in self._headers

    def __iter__(self) -> Iterator[str]:
        return (name[len(_VARIABLE) :] for name in self._headers if name.lower().startswith(_VARIABLE))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<Variables {dict(self)!r}>"

    def get_array(self, name: str) -> list[str]:
        """The items of a variable that may be an array, as ``push`` makes them."""
        return self._headers.get_array(_VARIABLE + name)


def _fold(name: str) -> bytes:
    """A name in the form in which names are compared: the wire's bytes, ASCII letters in lower case."""
    try:
        return name.encode("utf-8", "surrogateescape").lower()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogatepass").lower()  # no bytes stand for it, so it is found nowhere


def _divide(line: bytes) -> tuple[bytes, bytes] | None:
    """A line's name and value; None for a line that is no header."""
    # FreeSWITCH writes a blank after the colon always, and a name may hold a colon: `variable_nolocal:x: 1`.
    name, separator, value = line.partition(b": ")
    if not separator:
        name, separator, value = line.partition(b":")
    return (name, value) if separator else None


def _split(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    return (divided for line in block.split(b"\n") if (divided := _divide(line)) is not None)
