"""``esl-outbound dialplan``: XML that FreeSWITCH reads, and calls that go where it says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import final
from xml.etree import ElementTree

import attrs
import pytest
from click.testing import CliRunner, Result

from esl_outbound import CallHandler, Route, Router
from esl_outbound.cli import main
from esl_outbound.cli.dialplan import DialplanOptions, dialplan_xml, read_when_down
from esl_outbound.cli.options import Address
from esl_outbound.errors import LocalProtocolError
from esl_outbound.handler import HandlerSource
from esl_outbound.testing import FakeFreeSwitch

SHOP = """
import re

from esl_outbound import CallHandler, Route, Router

class Reception(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback("welcome.wav")
        await self.hangup()

class Sales(Reception): ...

class Chatty(Reception):
    def __init__(self, greeting): ...

number = 5
router = Router(Route(Reception, path="reception"), Route(Sales, destination_number="5100", context="public"))
"""


class Reception(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback("welcome.wav")
        await self.hangup()


class Sales(CallHandler):
    async def run(self) -> None:
        await self.playback("sales.wav")
        await self.hangup()


@final
@attrs.frozen
class Extension:
    """An extension as FreeSWITCH reads it."""

    name: str
    number: str
    context: str
    actions: tuple[tuple[str, str], ...]

    @property
    def socket(self) -> str:
        return dict(self.actions)["socket"]

    def split(self) -> tuple[list[str], list[str], str]:
        """The actions before and after the socket, and what that is given."""
        at = [application for application, _ in self.actions].index("socket")
        lines = [f"{application} {data}".rstrip() for application, data in self.actions]
        return lines[:at], lines[at + 1 :], self.socket


def read(text: str) -> list[Extension]:
    root = ElementTree.fromstring(text)
    assert root.tag == "include"
    extensions = []
    for extension in root:
        assert extension.tag == "extension"
        fields = {each.attrib["field"]: each for each in extension}
        assert {each.tag for each in extension} == {"condition"}
        actions = [(each.attrib["application"], each.attrib.get("data", "")) for each in fields["destination_number"]]
        context = fields["context"].attrib["expression"] if "context" in fields else ""
        number = fields["destination_number"].attrib["expression"]
        extensions.append(Extension(extension.attrib["name"], number, context, tuple(actions)))
    return extensions


def options(
    target: str = "app:Reception",
    *,
    servers: tuple[Address, ...] = (Address("127.0.0.1", 8084),),
    extensions: tuple[str, ...] = (),
    patterns: tuple[str, ...] = (),
    path: str = "",
    mode: str = "async full",
    park_timeout: int = 3600,
    when_down: str = "hangup",
) -> DialplanOptions:
    return DialplanOptions(
        target=target,
        servers=servers,
        extensions=extensions,
        patterns=patterns,
        path=path,
        mode=mode,
        park_timeout=park_timeout,
        when_down=read_when_down(when_down),
    )


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    """A folder with a module of a user's, which is forgotten afterwards."""
    (tmp_path / "shop.py").write_text(SHOP)
    before = sys.path.copy()
    yield tmp_path
    sys.path[:] = before
    sys.modules.pop("shop", None)


def invoke(shop: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["dialplan", "--app-dir", str(shop), *arguments])


def test_the_least_that_is_said_gives_a_whole_dialplan(shop: Path) -> None:
    result = invoke(shop, "shop:Reception")
    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
<!-- Calls to Reception, served by: esl-outbound serve shop:Reception (listening on port 8084).
     For conf/dialplan/default/shop_reception.xml, or the folder of another context;
     reloadxml, said to FreeSWITCH, takes it in. -->
<include>
  <!-- For Reception.
       The number is an example: write yours. -->
  <extension name="shop_reception">
    <condition field="destination_number" expression="^5000$">
      <!-- The net under a server that dies in the very moment in which it takes a call: FreeSWITCH would park
           the caller for ever. This ends such a call after 3600 s. It ends a good call, too,
           that has nothing to do after so many seconds: make it longer than the longest call you want. -->
      <action application="set" data="park_timeout=3600"/>
      <!-- async: the handler can act while an application runs, and is told of the hangup at once.
           full: API commands, all events, and a socket that lingers until the call's record is complete. -->
      <action application="socket" data="127.0.0.1:8084 async full"/>
      <!-- Here the call goes on when no server takes it, when the one that has it dies, and after
           continue_dialplan(): the caller is hung up with NORMAL_TEMPORARY_FAILURE. -->
      <action application="hangup" data="NORMAL_TEMPORARY_FAILURE"/>
    </condition>
  </extension>
</include>
"""
    )


def test_every_option_is_in_it(shop: Path) -> None:
    result = invoke(
        shop,
        *("shop:Reception", "--host", "192.0.2.7", "--port", "9000", "--path", "ivr/menu?language=de"),
        *("--fallback", "192.0.2.8:9001", "--fallback", "[2001:db8::1]:9002", "--mode", "async"),
        *("--extension", "5000", "--extension", "*98", "--pattern", r"^51\d\d$", "--park-timeout", "60"),
        *("--when-down", "playback:ivr/closed.wav"),
    )
    (extension,) = read(result.stdout)
    assert extension.number == r"(?:^5000$)|(?:^\*98$)|(?:^51\d\d$)"
    assert [bool(re.search(extension.number, number)) for number in ("5000", "*98", "5199", "50000", "98")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert extension.actions == (
        ("set", "park_timeout=60"),
        (
            "socket",
            "192.0.2.7:9000/ivr/menu?language=de|192.0.2.8:9001/ivr/menu?language=de"
            "|2001:db8::1:9002/ivr/menu?language=de async",
        ),
        ("playback", "ivr/closed.wav"),
        ("hangup", "NORMAL_TEMPORARY_FAILURE"),
    )
    assert "Without full there are no API commands" in result.stdout
    assert "The next server is tried only when a connection is refused" in result.stdout


def test_the_net_can_be_left_out() -> None:
    (extension,) = read(dialplan_xml(Reception, options(park_timeout=0)))
    assert extension.actions == (("socket", "127.0.0.1:8084 async full"), ("hangup", "NORMAL_TEMPORARY_FAILURE"))


@pytest.mark.parametrize(
    ("when_down", "actions"),
    [
        ("hangup", [("hangup", "NORMAL_TEMPORARY_FAILURE")]),
        ("hangup:user_busy", [("hangup", "USER_BUSY")]),
        ("respond", [("respond", "503"), ("hangup", "NORMAL_TEMPORARY_FAILURE")]),
        ("respond:480 Not now", [("respond", "480 Not now"), ("hangup", "NORMAL_TEMPORARY_FAILURE")]),
        (
            "playback:tone_stream://%(1000,0,640)",
            [("playback", "tone_stream://%(1000,0,640)"), ("hangup", "NORMAL_TEMPORARY_FAILURE")],
        ),
        ("transfer:operator XML public", [("transfer", "operator XML public")]),
    ],
)
def test_what_becomes_of_the_caller_when_nobody_answers(when_down: str, actions: list[tuple[str, str]]) -> None:
    (extension,) = read(dialplan_xml(Reception, options(when_down=when_down)))
    assert list(extension.actions[2:]) == actions


@pytest.mark.parametrize(
    ("when_down", "reason"),
    [
        ("nothing", "it is one of hangup:CAUSE, respond:503, playback:FILE"),
        ("playback", "it is one of"),
        ("transfer:", "it is one of"),
        ("hangup:NO_SUCH_CAUSE", "cause is 'NO_SUCH_CAUSE', and should be a hangup cause"),
        ("respond:200", "200 is no SIP status that ends a call"),
        ("playback:a\nb", "there are control characters in it"),
    ],
)
def test_what_means_nothing_is_refused(shop: Path, when_down: str, reason: str) -> None:
    result = invoke(shop, "shop:Reception", "--when-down", when_down)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"esl-outbound: --when-down {when_down!r}: {reason}")
    assert result.stderr.count("\n") == 1
    assert not result.stdout


HOSTILE = [
    "a--b",
    "-->",
    "<!--",
    "--",
    "-",
    "]]>",
    "&amp;",
    '"',
    "'",
    "<x a='1'>",
    "${system(touch x)}",
    "\\s\\t\\n",
    "é",
    "電話",
    "a b",
    "%(1000,0,640)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_the_options_hold_it_is_xml_and_says_just_that(text: str) -> None:
    written = dialplan_xml(
        Router(Route(Reception, path=re.compile(re.escape(text))), Route(Sales, variables={text: "1"}, path="b")),
        options(target=f"app:{text}", when_down=f"playback:{text}", extensions=("a" + text, "b" + text)),
    )
    assert written.isascii()
    for extension, number in zip(read(written), ("a" + text, "b" + text), strict=True):
        assert dict(extension.actions)["playback"] == text
        # What FreeSWITCH makes of an expression before it compares: only what holds such a thing is looked at.
        looked_at = re.search(r"\$[\\$]*\{|\\[\\nst']", extension.number) is not None
        seen = extension.number.replace("\\\\", "\\").replace("\\$", "$") if looked_at else extension.number
        assert re.search(seen, number) is not None
        assert re.search(seen, number + "0") is None


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "\x1b[2J", "\udcff", "\u2028"])
def test_what_xml_or_a_line_cannot_hold_is_refused(text: str) -> None:
    for refused in (options(path=text), options(extensions=(text,)), options(patterns=(text,))):
        with pytest.raises(LocalProtocolError):
            dialplan_xml(Reception, refused)


@pytest.mark.parametrize("path", ["a b", "a:b", "a|b", "it's", 'a"b', "a\\b"])
def test_a_path_that_the_socket_application_would_divide_is_refused(shop: Path, path: str) -> None:
    result = invoke(shop, "shop:Reception", "--path", path)
    assert result.exit_code == 2
    assert result.stderr == f"esl-outbound: path is {path!r}, and should be one word without : | ' \" \\\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--host", "0.0.0.0"), "0.0.0.0 is where a server listens on every address; name the one"),
        (("--host", "::"), ":: is where a server listens on every address; name the one"),
        (("--host", "a b"), "--host a b: 'a b' is no host's name or address"),
        (("--fallback", "a:1") * 50, "51 servers are given, and FreeSWITCH tries 50 at most"),
        (("--park-timeout", str(2**31)), "park_timeout is 2147483648, and should be a whole number"),
    ],
)
def test_servers_that_freeswitch_cannot_find_are_refused(shop: Path, arguments: tuple[str, ...], reason: str) -> None:
    result = invoke(shop, "shop:Reception", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"esl-outbound: {reason}")


@pytest.mark.parametrize(
    ("fallback", "reason"),
    [
        ("somewhere", "the port is missing; it is given as HOST:PORT"),
        ("a:0", "'0' is no port"),
        ("a:65536", "'65536' is no port"),
        ("::1:8084", "an address of IPv6 is written in brackets"),
        ("[x]:8084", "'x' is no address of IPv6"),
        ("a|b:8084", "'a|b' is no host's name or address"),
    ],
)
def test_a_fallback_that_is_no_address_is_refused(shop: Path, fallback: str, reason: str) -> None:
    result = invoke(shop, "shop:Reception", "--fallback", fallback)
    assert result.exit_code == 2
    assert reason in result.stderr


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("shop:Nobody", "cannot write a dialplan for shop:Nobody: shop has no Nobody"),
        ("shop:number", "cannot write a dialplan for shop:number: 5 is no handler class, and makes none"),
        ("shop:Chatty", "cannot write a dialplan for shop:Chatty: Chatty() needs 1 arguments; give them with"),
    ],
)
def test_what_cannot_be_served_gets_no_dialplan(shop: Path, target: str, reason: str) -> None:
    result = invoke(shop, target)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"esl-outbound: {reason}")
    assert not result.stdout


# A router


def test_a_router_gets_an_extension_for_each_of_its_routes(shop: Path) -> None:
    result = invoke(shop, "shop:router", "--extension", "5000")
    first, second = read(result.stdout)
    assert first == Extension(
        "shop_router_1",
        "^5000$",
        "",
        (
            ("set", "park_timeout=3600"),
            ("socket", "127.0.0.1:8084/reception async full"),
            ("hangup", "NORMAL_TEMPORARY_FAILURE"),
        ),
    )
    assert (second.name, second.number, second.context) == ("shop_router_2", "^5100$", "^public$")
    assert second.socket == "127.0.0.1:8084 async full"
    assert "<!-- For Sales. -->" in result.stdout
    assert "write yours" not in result.stdout


def test_patterns_of_routes_match_as_a_whole() -> None:
    router = Router(
        Route(Reception, destination_number=re.compile("1[01]|2", re.IGNORECASE)),
        Route(Sales, destination_number=re.compile("5 # five\n .", re.VERBOSE), context=re.compile("in.*")),
    )
    first, second = read(dialplan_xml(router, options()))
    assert first.number == "^(?i:1[01]|2)$"
    assert second.context == "^(?:in.*)$"
    assert second.number == "^(?x:5 # five\n .\n)$"
    assert re.search(second.number, "55") is not None


def test_routes_that_differ_in_what_only_the_router_can_tell_share_an_extension() -> None:
    router = Router(
        Route(Reception, path="desk", variables={"language": "de"}),
        Route(partial(Sales), path="desk", when=lambda call: bool(call.caller_id_number)),
    )
    written = dialplan_xml(router, options())
    (extension,) = read(written)
    assert extension.socket == "127.0.0.1:8084/desk async full"
    assert "For Reception or Sales." in written
    assert "The router looks at language, too." in written
    assert "The router asks a condition of its own, too." in written


def test_a_path_that_only_a_pattern_describes_is_taken_from_the_option_or_asked_for() -> None:
    router = Router(Route(Reception, path=re.compile("ivr/.*")))
    written = dialplan_xml(router, options())
    assert "there has to be a slash and a path that matches ivr/.*." in written
    written = dialplan_xml(router, options(path="ivr/menu?x=1"))
    assert "there has to be a slash" not in written
    assert read(written)[0].socket == "127.0.0.1:8084/ivr/menu?x=1 async full"


def test_a_path_that_no_dialplan_can_say_is_told() -> None:
    written = dialplan_xml(Router(Route(Reception, path="a b--")), options())
    assert "No dialplan can say the path of this route: 'a b- -'." in written
    assert read(written)[0].socket == "127.0.0.1:8084 async full"


def test_numbers_that_nobody_named_count_up_so_that_each_route_is_reached() -> None:
    router = Router(Route(Reception, path="a"), Route(Sales, path="b"))
    written = dialplan_xml(router, options())
    assert [extension.number for extension in read(written)] == ["^5000$", "^5001$"]
    assert written.count("The number is an example: write yours.") == 2


def test_as_many_numbers_as_routes_that_lack_one_are_wanted() -> None:
    router = Router(Route(Reception, path="a"), Route(Sales, path="b"))
    with pytest.raises(LocalProtocolError, match=r"2 routes that say no number \(Reception, Sales\), and 1 numbers"):
        dialplan_xml(router, options(extensions=("5000",)))
    with pytest.raises(LocalProtocolError, match="have their own numbers"):
        dialplan_xml(Router(Route(Sales, destination_number="1")), options(extensions=("5000",)))
    extensions = read(dialplan_xml(router, options(extensions=("5000",), patterns=("^6",))))
    assert [extension.number for extension in extensions] == ["^5000$", "^6"]


# A call through it


@pytest.mark.parametrize("handler", [Reception, Router(Route(Reception, path="desk", destination_number="5000"))])
async def test_a_call_through_it_reaches_the_handler(phone: FakeFreeSwitch, handler: HandlerSource) -> None:
    (extension,) = read(dialplan_xml(handler, options(extensions=() if isinstance(handler, Router) else ("5000",))))
    before, after, socket = extension.split()
    address, _, mode = socket.partition(" ")
    async with phone.dial(
        handler, number="5000", mode=mode, path=address.partition("/")[2], before=before, after=after
    ) as caller:
        await caller.hears("welcome.wav")
        await caller.was_hung_up("NORMAL_CLEARING")


async def test_a_caller_whom_nobody_serves_gets_what_was_chosen(phone: FakeFreeSwitch) -> None:
    servers = (Address("127.0.0.1", 8084), Address("127.0.0.1", 8085))
    (extension,) = read(dialplan_xml(Reception, options(servers=servers, when_down="playback:closed.wav")))
    before, after, socket = extension.split()
    addresses, _, mode = socket.partition(" ")
    for address in addresses.split("|"):
        phone.refuses(address)
    async with phone.dial(addresses, number="5000", mode=mode, before=before, after=after) as caller:
        await caller.hears("closed.wav")
        await caller.was_hung_up("NORMAL_TEMPORARY_FAILURE")


async def test_the_second_server_takes_the_call_that_the_first_is_not_there_for(phone: FakeFreeSwitch) -> None:
    servers = (Address("127.0.0.1", 8084), Address("127.0.0.1", 8085))
    (extension,) = read(dialplan_xml(Sales, options(servers=servers)))
    before, after, socket = extension.split()
    addresses, _, mode = socket.partition(" ")
    phone.refuses("127.0.0.1:8084")
    phone.listens("127.0.0.1:8085", Sales)
    async with phone.dial(addresses, number="5000", mode=mode, before=before, after=after) as caller:
        await caller.hears("sales.wav")
        await caller.was_hung_up("NORMAL_CLEARING")
