"""What can be said to a caller, as values: files, numbers and dates, text to speech, phrases and tones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias, final

import attrs

from ..arguments.checks import check_file_name, check_number, check_word
from ..arguments.text import Expand, Text, argument, shown, words
from ..errors import LocalProtocolError

__all__ = ["Phrase", "Prompt", "Say", "SayGender", "SayMethod", "SayType", "Speak", "Tones", "files", "spoken"]


class SayType(StrEnum):
    """What kind of thing ``say`` is to say (``SAY_TYPE_NAMES`` in switch_ivr_say.c)."""

    NUMBER = "number"
    ITEMS = "items"
    PERSONS = "persons"
    MESSAGES = "messages"
    CURRENCY = "currency"
    """Money: ``"12.45"``."""
    TIME_MEASUREMENT = "time_measurement"
    """A duration: ``"1:02:03"``, or seconds."""
    CURRENT_DATE = "current_date"
    """The date of a time: seconds since 1970, or a ``datetime``; empty is now."""
    CURRENT_TIME = "current_time"
    """The time of day of a time, given as for CURRENT_DATE."""
    CURRENT_DATE_TIME = "current_date_time"
    """Both, given as for CURRENT_DATE."""
    TELEPHONE_NUMBER = "telephone_number"
    TELEPHONE_EXTENSION = "telephone_extension"
    URL = "url"
    IP_ADDRESS = "ip_address"
    EMAIL_ADDRESS = "email_address"
    POSTAL_ADDRESS = "postal_address"
    ACCOUNT_NUMBER = "account_number"
    NAME_SPELLED = "name_spelled"
    """Letter by letter."""
    NAME_PHONETIC = "name_phonetic"
    """Letter by letter in the spelling alphabet."""
    SHORT_DATE_TIME = "short_date_time"
    """"Today", "yesterday" and the like, as far as the language's module knows them; given as for CURRENT_DATE."""


class SayMethod(StrEnum):
    """How ``say`` is to say it (``SAY_METHOD_NAMES`` in switch_ivr_say.c)."""

    PRONOUNCED = "pronounced"
    """As a whole: twelve."""
    ITERATED = "iterated"
    """One by one: one, two."""
    COUNTED = "counted"
    """As a place in an order: twelfth."""
    PRONOUNCED_YEAR = "pronounced_year"
    """As a year: nineteen eighty-four."""


class SayGender(StrEnum):
    """The grammatical gender, for languages whose numbers have one (``SAY_GENDER_NAMES`` in switch_ivr_say.c)."""

    MASCULINE = "masculine"
    FEMININE = "feminine"
    NEUTER = "neuter"


@final
@attrs.frozen
class Say:
    """A number, date, time, sum of money or the like, put together from recorded words."""

    text: str | int | datetime
    """What is to be said. A ``datetime`` is said as seconds since 1970; FreeSWITCH's time zone
    is the channel variable ``timezone``, else its own."""
    type: SayType | str = SayType.NUMBER
    """What it is."""
    method: SayMethod | str = SayMethod.PRONOUNCED
    """How it is to be said."""
    gender: SayGender | str | None = None
    """Its grammatical gender."""
    language: str = "en"
    """The say module, such as ``en``, ``de``, ``fr``; with the language of its sounds, ``en:en-gb``."""


@final
@attrs.frozen
class Speak:
    """Text, spoken by a speech synthesiser."""

    text: str
    """What is to be said."""
    engine: str = ""
    """The synthesiser's module, such as ``flite``; else the channel variable ``tts_engine`` names it."""
    voice: str = ""
    """Its voice, such as ``kal``; else the channel variable ``tts_voice`` names it."""


@final
@attrs.frozen
class Phrase:
    """A phrase macro of FreeSWITCH's language configuration."""

    macro: str
    """The macro's name."""
    data: str = ""
    """What it is given."""
    language: str = ""
    """Its language; else the channel variable ``language`` names it."""


@final
@attrs.frozen
class Tones:
    """Tones that FreeSWITCH generates."""

    script: str
    """In TGML, such as ``%(500,500,480,620)``: milliseconds on, milliseconds off, hertz."""
    loops: int = 1
    """How often; 0 is for ever."""


Prompt: TypeAlias = Text | Say | Speak | Phrase | Tones
"""Anything that can be said to a caller; a text is the path of a sound file."""

# file_string_file_open() in mod_dptools.c has room for so many.
_MOST_FILES: Final = 128

_ENGINE: Text = Expand("${tts_engine}")
_VOICE: Text = Expand("${tts_voice}")


def spoken(prompt: Prompt, scope: Mapping[str, str]) -> tuple[str, str]:
    """The application that says a prompt, and its raw argument.

    Args:
        prompt: What is to be said.
        scope: Channel variables for this application alone.

    Raises:
        LocalProtocolError: It cannot be said.
    """
    match prompt:
        case str() | Expand():
            return "playback", argument(*files(prompt), scope=scope)
        case Say():
            text = str(int(prompt.text.timestamp())) if isinstance(prompt.text, datetime) else str(prompt.text)
            names = [check_word(name, "say") for name in (prompt.language, prompt.type, prompt.method)]
            gender = [check_word(prompt.gender, "say")] if prompt.gender else []
            return "say", argument(*words(*names, *gender, text), scope=scope)
        case Speak():
            # speak_function() in mod_dptools.c takes the text as it is, if there are two parts before it; an engine
            # that is missing altogether would hang the call up.
            engine = check_word(prompt.engine, "engine", without="|") if prompt.engine else _ENGINE
            voice = check_word(prompt.voice, "voice", without="|") if prompt.voice else _VOICE
            return "speak", argument(engine, "|", voice, "|", prompt.text, scope=scope)
        case Phrase():
            macro = check_word(prompt.macro, "macro", without=",")
            data = f",{prompt.data}" if prompt.data else ""
            language = {"language": prompt.language} if prompt.language else {}
            return "phrase", argument(macro + data, scope={**scope, **language})
        case Tones():
            check_number(prompt.loops, "loops", least=0, most=2**31 - 1)
            if not prompt.script or "|" in prompt.script or not prompt.script.isprintable():
                raise LocalProtocolError(f"{prompt.script!r} is no script of tones")
            return "gentones", argument(f"{prompt.script}|{prompt.loops or -1}", scope=scope)


def files(path: Text | Sequence[Text]) -> tuple[Text, ...]:
    """The pieces of ``playback``'s argument: one file, or a ``file_string://`` of several.

    Raises:
        LocalProtocolError: A path cannot be said, or there are too many, or none.
    """
    try:
        paths: list[Text] = [path] if isinstance(path, str | Expand) else list(path)
    except TypeError:
        paths = []
    if not paths or not all(isinstance(each, str | Expand) for each in paths):
        raise LocalProtocolError(f"path is {path!r}, and should be a file's name, or a list of names")
    if len(paths) > _MOST_FILES:
        raise LocalProtocolError(f"{len(paths)} files are to be played, and should be {_MOST_FILES} at most")
    for each in paths:
        check_file_name(shown(each))
        if isinstance(each, str) and "@@" in each:
            raise LocalProtocolError(f"{each!r} has an @@, which playback takes for a start offset; use start_seconds")
    if len(paths) == 1:
        return (paths[0],)
    return ("file_string://", *words(*paths, delimiter="!"))
