"""API commands about the directory and the rest of the configuration's XML."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring

from ..core import Core
from ..expansion import separate
from ..xml_text import written
from .command import ApiCommand
from .sofia import contacts_of

__all__ = ["COMMANDS"]

_HEAD: Final = "userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number\n"
_USAGE: Final = "-USAGE: [group <group>] [domain <domain>] [user <user>] [context <context>]\n"
_NULL: Final = "(null)"
"""What C prints for what is not there."""


async def _user_exists(core: Core, argument: str) -> str:
    """``<key> <user> <domain>``."""
    words = separate(argument, limit=3)
    if len(words) < 3:
        return "false"
    key, user, domain = words
    keys = key.lower().split(":")
    for address, variables in core.users.items():
        name, _, its_domain = address.partition("@")
        found = "id" in keys and name == user
        found = found or ("number-alias" in keys and variables.get("number-alias") == user)
        if found and its_domain == domain:
            return "true"
    return "false"


async def _user_data(core: Core, argument: str) -> str:
    """``<user>@<domain> [var|param|attr] <name>``."""
    words = separate(argument, limit=3)
    if len(words) < 3:
        return ""
    user, _, domain = words[0].partition("@")
    variables = core.users.get(f"{user}@{domain or core.global_variables.get('domain', '')}")
    if variables is None:
        return ""
    match words[1]:
        case "var":
            return next((value for name, value in variables.items() if name.lower() == words[2].lower()), "")
        case "attr":
            return user if words[2] == "id" else ""
        case _:
            return ""


async def _domain_exists(core: Core, argument: str) -> str:
    if not argument:
        return ""
    return "true" if argument in _domains(core) else "false"


def _domains(core: Core) -> list[str]:
    return list(dict.fromkeys(address.partition("@")[2] for address in core.users))


async def _list_users(core: Core, argument: str) -> str:
    words = separate(argument, limit=9)
    if len(words) >= 9:
        return _USAGE
    wanted = {name.lower(): value for name, value in itertools.pairwise(words)}
    lines = []
    for address, variables in core.users.items():
        user, _, domain = address.partition("@")
        context = variables.get("user_context", _NULL)
        asked = (("user", user), ("domain", domain), ("context", context), ("group", variables.get("group", "")))
        if any(wanted.get(name, value).lower() != value.lower() for name, value in asked):
            continue
        group = variables.get("group", _NULL)
        caller_id = [variables.get(f"effective_caller_id_{each}", _NULL) for each in ("name", "number")]
        callgroup = variables.get("callgroup", _NULL)
        columns = [user, context, domain, group, contacts_of(core, f"*/{address}"), callgroup, *caller_id]
        lines.append("|".join(columns) + "\n")
    return f"{_HEAD}{''.join(lines)}\n+OK\n"


# XML


async def _xml_locate(core: Core, argument: str) -> str:
    """``root``, or ``<section> [<tag> <attribute> <value>]``."""
    words = separate(argument, limit=4)
    root = _document(core)
    if [word.lower() for word in words] == ["root"]:
        return written(root)
    if len(words) not in (1, 4):
        return "-ERR bad args\n"
    section = next((each for each in root if each.get("name", "").lower() == words[0].lower()), None)
    found = section
    if section is not None and len(words) == 4:
        tag, attribute, value = words[1:]
        found = next((each for each in section.findall(tag) if each.get(attribute, "").lower() == value.lower()), None)
    return "can't find anything\n" if found is None else written(found)


def _document(core: Core) -> Element:
    """The whole configuration, as far as there is one.

    Raises:
        ValueError: What a test has given as the dialplan's XML is none.
    """
    root = Element("document", type="freeswitch/xml")
    text = core.installation.dialplan_xml
    if text:
        try:
            given = fromstring(text)
        except ParseError as exc:
            raise ValueError(f"dialplan_xml is no XML: {exc}") from exc
        if given.tag == "document":
            root.extend(given)
        elif given.tag == "section":
            root.append(given)
        else:
            section = SubElement(root, "section", name="dialplan")
            section.extend(given if given.tag == "include" else [given])
    directory = SubElement(root, "section", name="directory")
    for domain in _domains(core):
        its_users = SubElement(SubElement(directory, "domain", name=domain), "users")
        for address, variables in core.users.items():
            if address.endswith(f"@{domain}"):
                user = SubElement(its_users, "user", id=address.partition("@")[0])
                values = SubElement(user, "variables")
                for name, value in variables.items():
                    SubElement(values, "variable", name=name, value=value)
    return root


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "domain_exists": _domain_exists,
    "list_users": _list_users,
    "user_data": _user_data,
    "user_exists": _user_exists,
    "xml_locate": _xml_locate,
}
