"""Make scripts of recorded conversations: `python -m tests.conversations.convert LOG... --into DIRECTORY`.

A log is what was written while an application talked to a real FreeSWITCH, for reading: seconds since the
connection was accepted, `>>>` what the application sent, `<<<` what FreeSWITCH sent, `fs_cli:` what was asked of
FreeSWITCH meanwhile over another connection, `###` what happened besides. Its bytes from FreeSWITCH are in a
`.raw` file of the same name, which belongs into `tests/recordings`.

A script is what the application, the caller and the operator did in that conversation, and when FreeSWITCH said
what it said; `script.py` tells its form, and reads it. To add a conversation with the same FreeSWITCH:

    cp new.raw tests/recordings/
    python -m tests.conversations.convert new.log --into tests/conversations

and it is played by `tests/testing/test_conversations.py` from then on.

What a log cannot tell is given with `--act`, as a line of the script. Two of the scripts here were made so: that of
`s1_sip_caller_bye` with `--act '{"at": 2.04, "caller": "hangs up", "cause": "NORMAL_CLEARING"}'`, as the caller's
telephone kept no log, and that of `i4_record` with `--act '{"at": 0.0, "caller": "speaks", "seconds": 1.0}'`.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from .script import A_LEG, CHANNEL

# How the dialplan of that FreeSWITCH names its extensions: what they do before `socket`, its argument, and what
# they do after it. `ans_` in front of a name answers first; the numbers at its end are ports.
EXTENSIONS: dict[str, tuple[list[str], str, list[str]]] = {
    "async_full": ([], "{host} async full", []),
    "async": ([], "{host} async", []),
    "sync_full": ([], "{host} full", []),
    "sync": ([], "{host}", []),
    "afterwards": (
        ["set hangup_after_bridge=false", "set continue_on_fail=true"],
        "{host} async full",
        ["set after_socket=true", "playback tone_stream://%(1000,0,500)"],
    ),
    "afterwards_sync": (
        [],
        "{host} full",
        ["set after_socket=true", "playback tone_stream://%(1000,0,500)"],
    ),
    "failover": ([], "{host} async full", ["playback tone_stream://%(300,0,500)"]),
    "sockvar": (
        ["set my_host=127.0.0.1:8084", "set my_flags=async full", "set campaign=Zaß b=100% & co"],
        "${{my_host}} ${{my_flags}}",
        [],
    ),
    "sockpath": ([], "{host}/ivr/menu?a=1 async full", []),
}
OURS = "127.0.0.1:8084"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
STAMPED = re.compile(r"\[ *(?P<at>[0-9.]+)\] (?P<what>.*)")
CHUNK = re.compile(r"(?P<direction>>>>|<<<) conn(?P<connection>\d+) (?P<size>\d+) bytes")
# A caller who presses keys does so when this long has passed since FreeSWITCH connected; they come all at once.
KEYS_AFTER = 1.5


@attrs.frozen
class Entry:
    """One stamped line of a log, and the lines below it."""

    at: float
    what: str
    lines: list[str]


def entries(text: str) -> Iterator[Entry]:
    """The stamped lines of a log, each with the lines that follow it, without their indentation."""
    current: Entry | None = None
    # The sender's carriage returns and form feeds are data: only a line feed ends a line of the log.
    for line in text.removesuffix("\n").split("\n"):
        if stamped := STAMPED.fullmatch(line):
            if current is not None:
                yield current
            current = Entry(float(stamped["at"]), stamped["what"], [])
        elif current is not None:
            current.lines.append(line[4:])
    if current is not None:
        yield current


def sent_bytes(lines: Sequence[str], size: int) -> bytes:
    r"""What the application sent, from how the log shows it.

    The log writes a carriage return as `<CR>`, a missing line feed at the end as `<no-newline>`, and a byte that
    is no UTF-8 as `\xe9`; the number of bytes tells whether a `\xe9` was a byte or four.
    """
    text = "\n".join(lines) + "\n"
    text = text.removesuffix("<no-newline>\n").replace("<CR>", "\r")
    for data in (text.encode(), re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), text.encode())):
        if len(data) == size:
            return data
    raise ValueError(f"{size} bytes were sent, and these are not: {lines}")


def extension_actions(name: str) -> tuple[list[str], str, list[str]]:
    """What an extension of that FreeSWITCH's dialplan does before `socket`, `socket`'s argument, and what follows."""
    answered = name.startswith("ans_")
    kind = re.sub(r"(_\d+)+$", "", name.removeprefix("ans_"))
    ports = re.findall(r"_(\d+)", name)
    before, argument, after = EXTENSIONS[kind]
    host = "|".join(f"127.0.0.1:{port}" for port in ports)
    return (["answer"] if answered else []) + before, argument.format(host=host), after


class Conversion:
    """The script of one log, as it grows.

    Attributes:
        lines: The script's lines so far, without the first.
    """

    def __init__(self, log: str) -> None:
        self.entries = list(entries(log))
        self.lines: list[dict[str, object]] = []
        self.called = next((e.what for e in self.entries if e.what.startswith("fs_cli: originate")), "")
        self.channel = self._channel()
        self.a_leg = self._a_leg()

    def _channel(self) -> str:
        for entry in self.entries:
            if entry.what.startswith("<<<"):
                for line in entry.lines:
                    if found := re.fullmatch(rf"(?:Unique-ID|Controlled-Session-UUID): ({UUID})", line):
                        return found[1]
        return ""

    def _a_leg(self) -> str:
        for entry in self.entries:
            if entry.what.startswith("fs_cli result of [originate") and (found := re.search(UUID, entry.lines[0])):
                return found[0]
        # A call that never got through left no result: the caller's leg is named by what the operator did to it.
        killed = [e.what.split()[2] for e in self.entries if e.what.startswith("fs_cli: uuid_kill ")]
        return next((uuid for uuid in killed if uuid != self.channel), "")

    def head(self) -> dict[str, object]:
        """The first line: what the dialplan did with the call."""
        if not (
            dialled := re.search(
                r"originate ({(?P<variables>.*)})?loopback/(?P<extension>\w+)/default (?P<then>.*)", self.called
            )
        ):
            # Not by loopback: a SIP call, which the same dialplan serves.
            return {"extension": "", "variables": {}, "before": [], "socket": OURS + " async full", "after": []}
        before, socket, after = extension_actions(dialled["extension"])
        if keys := re.match(r"dtmf_(\S+)", dialled["then"]):
            self.lines.append({"at": KEYS_AFTER, "caller": "presses", "digits": keys[1]})
        variables = dict(variable.split("=") for variable in (dialled["variables"] or "").split(",") if variable)
        return {
            "extension": dialled["extension"],
            "variables": variables,
            "before": before,
            "socket": socket,
            "after": after,
        }

    def run(self) -> list[dict[str, object]]:
        """The whole script."""
        head = self.head()
        for entry in self.entries:
            self._convert(entry)
        return [head, *sorted(self.lines, key=moment)]

    def _convert(self, entry: Entry) -> None:
        if chunk := CHUNK.fullmatch(entry.what):
            if chunk["connection"] != "1":
                raise ValueError("more than one connection: a single call has one")
            if chunk["direction"] == "<<<":
                self._add(entry, receives=int(chunk["size"]))
            else:
                self._add(entry, sends=self.named(sent_bytes(entry.lines, int(chunk["size"]))))
        elif entry.what.startswith("fs_cli: "):
            self._operator(entry)
        elif acted := re.fullmatch(r"### app (closes|resets|shuts down writing).*", entry.what):
            self._add(entry, application=acted[1])
        elif re.fullmatch(r"### conn1 closed by FreeSWITCH \(EOF\)", entry.what):
            self._add(entry, freeswitch="closes")
        elif entry.what == "### kill -TERM freeswitch":
            # It looks at signals once in a while: it shuts down when it says so.
            self.lines.append({"at": self._shut_down_at(), "freeswitch": "shuts down"})
        elif entry.what == "### end of script":
            self._add(entry, end=True)
        elif entry.what.startswith("### ") and not entry.what.startswith(("### accepted", "### conn1")):
            self._add(entry, note=entry.what.removeprefix("### "))

    def _shut_down_at(self) -> float:
        return next(e.at for e in self.entries if "Hangup-Cause: SYSTEM_SHUTDOWN" in e.lines)

    def _operator(self, entry: Entry) -> None:
        """What was asked of FreeSWITCH from elsewhere: much of it is what the caller does."""
        command = entry.what.removeprefix("fs_cli: ")
        verb, *arguments = command.split()
        if verb == "originate":
            return
        if verb == "uuid_kill" and arguments[0] == self.a_leg:
            self._add(entry, caller="hangs up", cause=arguments[1] if arguments[1:] else "NORMAL_CLEARING")
            return
        result = "\n".join(
            next(e.lines for e in self.entries if e.at >= entry.at and e.what == f"fs_cli result of [{command}]")
        )
        if command == "show channels":
            self._add(entry, api=command, shows=channels_of(result))
        elif verb == "uuid_dump" and (state := re.search(r"^Channel-State: (.*)$", result, re.MULTILINE)):
            self._add(entry, api=self.named(command.encode()), shows=[{"Channel-State": state[1]}])
        elif command == "show channels as json":
            rows = json.loads(result)["rows"]
            self._add(entry, api="show channels", shows=[shown(row) for row in rows if row["name"].endswith("-b")])
        else:
            # Identifiers of jobs and of other channels are new each time.
            self._add(entry, api=self.named(command.encode()), result=self.named(result.encode()))

    def named(self, data: bytes) -> str:
        """Text with placeholders for the channels' identifiers, which are new in each call."""
        text = data.decode("utf-8", "surrogateescape")
        for uuid, placeholder in ((self.channel, CHANNEL), (self.a_leg, A_LEG)):
            if placeholder in text:
                raise ValueError(f"{placeholder} is in the text itself: {text}")
            if uuid:
                text = text.replace(uuid, placeholder)
        return text

    def _add(self, entry: Entry, **line: object) -> None:
        self.lines.append({"at": entry.at, **line})


def moment(line: dict[str, object]) -> float:
    """When the act of a script's line happens."""
    at = line["at"]
    assert isinstance(at, float)
    return at


def shown(row: dict[str, str]) -> dict[str, str]:
    """What matters of a row of `show channels`: what stands in it before the first text that may hold a comma."""
    return {column: row[column] for column in ("state", "application")}


def channels_of(table: str) -> list[dict[str, str]]:
    """The rows of `show channels`, without those of callers' own legs."""
    rows = csv.DictReader(table.split("\n\n", maxsplit=1)[0].splitlines())
    return [shown(row) for row in rows if row["name"].endswith("-b")]


def written(line: dict[str, object]) -> str:
    """A line of a script, as it stands in the file; bytes that are no UTF-8 are escaped."""
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make scripts of recorded conversations.")
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    parser.add_argument("--into", type=Path, required=True, metavar="DIRECTORY")
    parser.add_argument("--act", action="append", default=[], type=json.loads, metavar="LINE", dest="acts")
    options = parser.parse_args()
    for log in options.logs:
        conversion = Conversion(log.read_bytes().decode("utf-8", "surrogateescape"))
        conversion.lines.extend(options.acts)
        script = "".join(written(line) + "\n" for line in conversion.run())
        (options.into / log.with_suffix(".jsonl").name).write_text(script, encoding="utf-8")


if __name__ == "__main__":
    main()
