"""What a speech recogniser says it heard, read from whatever it writes: NLSML, JSON or plain text."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Final, final
from xml.etree import ElementTree

import attrs

__all__ = ["Interpretation", "SpeechOutcome", "SpeechResult", "read_speech_result"]

# A result is a sentence or a few. What is longer is kept as it came, and not looked into.
_LONGEST_READ: Final = 65_536
# NLSML needs no document type. Without one there are no entities, so nothing in it can grow and nothing is fetched:
# the two things that xml.etree would have to be protected from.
_DOCUMENT_TYPE: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)

# What play_and_detect_input_callback() in switch_ivr_async.c makes of a terminator.
_DIGIT: Final = re.compile(r"DIGIT: (.)")
# What recognisers behind MRCP say when there is nothing to say; the numbers are those of RFC 6787, section 9.4.11.
_COMPLETION_CAUSE: Final = re.compile(r"Completion-Cause: (\d{3})")
_NO_MATCH: Final = "no_match"
_NO_INPUT: Final = "no_input"
_CAUSES: Final = {"001": _NO_MATCH, "002": _NO_INPUT, "013": _NO_MATCH}


class SpeechOutcome(StrEnum):
    """What came of listening."""

    RECOGNISED = "recognised"
    """Something was said and understood: there is at least one interpretation."""
    NO_INPUT = "no input"
    """Nothing was said in time."""
    NO_MATCH = "no match"
    """Something was said, and it is nothing that the grammar has."""
    DIGIT = "digit"
    """A terminator was pressed."""
    ERROR = "error"
    """The recogniser says that it failed; ``error`` is its word."""
    NOTHING = "nothing"
    """The recogniser said nothing: it was stopped, or gave up."""
    UNREADABLE = "unreadable"
    """It said something that is neither NLSML nor JSON, or too long; ``raw`` has it."""


@final
@attrs.frozen
class Interpretation:
    """One way in which a recogniser understands what was said."""

    text: str
    """The words."""
    confidence: float | None = None
    """How sure it is, as it counts: 0 to 1, or 0 to 100; None if it did not say."""
    grammar: str = ""
    """The grammar that it found them in."""
    instance: str = ""
    """What they mean, as the grammar says: the text, or the XML, inside NLSML's ``<instance>``."""


@final
@attrs.frozen
class SpeechResult:
    """What a recogniser heard."""

    raw: str
    """All that it said, as it said it."""
    outcome: SpeechOutcome
    """What came of listening."""
    interpretations: tuple[Interpretation, ...] = ()
    """How it understands what was said, the likeliest first, as it ordered them."""
    digit: str = ""
    """The terminator that was pressed instead."""
    error: str = ""
    """Its word for what went wrong."""

    @property
    def text(self) -> str:
        """The words of the first interpretation; empty if there is none."""
        return self.interpretations[0].text if self.interpretations else ""

    @property
    def confidence(self) -> float | None:
        """How sure the recogniser is of the first interpretation; None if it did not say."""
        return self.interpretations[0].confidence if self.interpretations else None


def read_speech_result(raw: str) -> SpeechResult:
    """What a recogniser's words mean. Nothing in them can raise: what cannot be read is kept as it came."""
    text = raw.strip()
    if not text:
        return SpeechResult(raw, SpeechOutcome.NOTHING)
    if len(text) > _LONGEST_READ:
        return SpeechResult(raw, SpeechOutcome.UNREADABLE)
    if (digit := _DIGIT.fullmatch(text)) is not None:
        return SpeechResult(raw, SpeechOutcome.DIGIT, digit=digit[1])
    if (cause := _COMPLETION_CAUSE.match(text)) is not None:
        return _without_words(raw, _CAUSES.get(cause[1], f"Completion-Cause: {cause[1]}"))
    if text.startswith("<"):
        return _read_nlsml(raw, text)
    if text.startswith("{"):
        return _read_json(raw, text)
    return SpeechResult(raw, SpeechOutcome.RECOGNISED, (Interpretation(text),))


def _without_words(raw: str, error: str) -> SpeechResult:
    match error.lower().replace("-", "_").replace("_", ""):
        case "noinput":
            return SpeechResult(raw, SpeechOutcome.NO_INPUT)
        case "nomatch":
            return SpeechResult(raw, SpeechOutcome.NO_MATCH)
        case _:
            return SpeechResult(raw, SpeechOutcome.ERROR, error=error)


# NLSML: <result><interpretation grammar="g" confidence="90"><instance/><input>words</input></interpretation></result>


def _read_nlsml(raw: str, text: str) -> SpeechResult:
    if _DOCUMENT_TYPE.search(text) is not None:
        return SpeechResult(raw, SpeechOutcome.UNREADABLE)
    try:
        # Bytes that are no UTF-8 came through as surrogates.
        root = ElementTree.fromstring(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    except (ElementTree.ParseError, ValueError):
        return SpeechResult(raw, SpeechOutcome.UNREADABLE)
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2].lower()
    interpretations = tuple(
        found for each in root.iter("interpretation") if (found := _interpretation(each, root.get("grammar", "")))
    )
    if interpretations:
        return SpeechResult(raw, SpeechOutcome.RECOGNISED, interpretations)
    for error in ("noinput", "nomatch"):
        if root.find(f".//{error}") is not None:
            return _without_words(raw, error)
    return SpeechResult(raw, SpeechOutcome.UNREADABLE)


def _interpretation(element: ElementTree.Element, grammar: str) -> Interpretation | None:
    said = element.find("input")
    if said is None or any(said.find(f".//{nothing}") is not None for nothing in ("noinput", "nomatch")):
        return None
    instance = element.find("instance")
    return Interpretation(
        " ".join("".join(said.itertext()).split()),
        _number(element.get("confidence", said.get("confidence"))),
        element.get("grammar", grammar),
        "" if instance is None else _inside(instance),
    )


def _inside(element: ElementTree.Element) -> str:
    inner = [ElementTree.tostring(child, encoding="unicode") for child in element]
    return ((element.text or "") + "".join(inner)).strip()


def _number(text: object) -> float | None:
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return None
    try:
        number = float(text)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


# JSON: {"grammar": "", "text": "words", "confidence": 0.9, "error": "no_input"} (test_asr_get_results() in mod_test.c)


def _read_json(raw: str, text: str) -> SpeechResult:
    try:
        said: object = json.loads(text)
    except (ValueError, RecursionError):
        return SpeechResult(raw, SpeechOutcome.UNREADABLE)
    if not isinstance(said, dict):
        return SpeechResult(raw, SpeechOutcome.UNREADABLE)
    match said:
        case {"error": str(error)} if error:
            return _without_words(raw, error)
        case {"text": str(words)} if words.strip():
            grammar = said.get("grammar")
            found = Interpretation(
                words.strip(), _number(said.get("confidence")), grammar if isinstance(grammar, str) else ""
            )
            return SpeechResult(raw, SpeechOutcome.RECOGNISED, (found,))
        case {"text": str()}:
            return SpeechResult(raw, SpeechOutcome.NO_MATCH)
        case _:
            return SpeechResult(raw, SpeechOutcome.UNREADABLE)
