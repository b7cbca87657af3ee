"""The floor: the bytes of the four-step call through trio, with no protocol at all. Takes a port."""

from __future__ import annotations

import sys

import trio

UUID = b"Event-UUID: 5d2a7c9e-0000-4000-8000-000000000000\n\n"
EXECUTE = b"sendmsg\ncall-command: execute\nexecute-app-name: "
# What is said once the bytes before it have been seen.
STEPS = (
    (b"Socket-Mode", EXECUTE + b"answer\n" + UUID),
    (b"CHANNEL_EXECUTE_COMPLETE", EXECUTE + b"playback\nexecute-app-arg: ivr/a.wav\n" + UUID),
    (b"CHANNEL_EXECUTE_COMPLETE", EXECUTE + b"playback\nexecute-app-arg: ivr/b.wav\n" + UUID),
    (b"CHANNEL_EXECUTE_COMPLETE", b"sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING\n\n"),
    (b"CHANNEL_HANGUP_COMPLETE", b"exit\n\n"),
)


async def call(stream: trio.SocketStream) -> None:
    await stream.send_all(b"connect\n\nmyevents\n\nlinger 14\n\n")
    tail = b""
    for mark, step in STEPS:
        while (at := tail.find(mark)) < 0:
            data = await stream.receive_some(65536)
            if not data:
                return
            tail = tail[-64:] + data
        tail = tail[at + len(mark) :]
        await stream.send_all(step)
    while await stream.receive_some(65536):
        pass


if __name__ == "__main__":
    trio.run(trio.serve_tcp, call, int(sys.argv[1]))
