"""What a call costs, against the floor: python tests/benchmarks/compare.py --load PATH_TO_FSLOAD [--headers FILE]

Three pairs in one run on one machine, since the figures mean something only
beside each other. The load generator, ``fsload``, plays FreeSWITCH's side of the socket and prints one line of
JSON; it takes --port, --calls, --concurrency, --scenario call|storm|hold, --events, --seconds and --headers FILE,
a file of ``Name: value`` lines that every event carries. Each server runs as a process of its own, whose processor
time and memory are read from /proc.

* call: answer, two playbacks, hang up; processor time of a call, ours over the floor's
* storm: a flood of events while the handler waits; events a processor second, ours over another library's (--peer)
* hold: calls that only wait; resident memory of each
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypeAlias

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
Server: TypeAlias = list[str]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def processor_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_kib(pid: int) -> int:
    """A process's resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def wait_listening(port: int, seconds: float = 20) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nobody listens on port {port}")


def measure(server: Server, load: list[str], options: argparse.Namespace, warm_up: int = 0) -> dict[str, Any]:
    """Run a server under a load; give the load's figures, with the server's processor time and memory."""
    port = free_port()
    process = subprocess.Popen([*server, str(port)], stderr=subprocess.DEVNULL)
    common = [options.load, "--port", str(port), *(["--headers", options.headers] if options.headers else [])]
    try:
        wait_listening(port)
        time.sleep(0.3)
        if warm_up:
            subprocess.run([*common, "--calls", str(warm_up), "--concurrency", "50"], capture_output=True, timeout=60)
        used, resident = processor_seconds(process.pid), resident_kib(process.pid)
        peak = resident
        generator = subprocess.Popen([*common, *load], stdout=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 120
        while generator.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
            peak = max(peak, resident_kib(process.pid))
        generator.kill()
        out, _ = generator.communicate()
        figures: dict[str, Any] = json.loads(out)
        figures["processor_seconds"] = processor_seconds(process.pid) - used
        figures["resident_kib"] = peak - resident
        return figures
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", required=True, help="the load generator, fsload")
    parser.add_argument("--headers", help="the headers that each event shall carry")
    parser.add_argument("--peer", help="a program for another library to compare the storm with; takes a port")
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ours = [sys.executable, str(HERE / "ours.py")]
    floor = [sys.executable, str(HERE / "floor.py")]

    load = ["--calls", str(options.calls), "--concurrency", "100"]
    ratios = []
    for _ in range(options.rounds):
        costs = []
        for server in ([*ours, "four-steps"], floor):
            figures = measure(server, load, options, warm_up=200)
            if figures["failed"]:
                raise SystemExit(f"{figures['failed']} calls failed: {server}")
            costs.append(figures["processor_seconds"] / options.calls * 1e6)
        ratios.append(costs[0] / costs[1])
        print(f"call: {costs[0]:.0f} us, the floor {costs[1]:.0f} us, ratio {ratios[-1]:.2f}")
    print(f"call: median ratio {statistics.median(ratios):.2f}")

    storm = ["--scenario", "storm", "--calls", "40", "--concurrency", "20", "--events", "12000"]
    rates = []
    for _ in range(3):
        figures = measure([*ours, "waiting"], storm, options)
        rates.append(figures["events"] / figures["processor_seconds"])
    rate = statistics.median(rates)
    print(f"storm: {rate:,.0f} events a processor second")
    if options.peer:
        storm = ["--scenario", "storm", "--calls", "4", "--concurrency", "4", "--events", "3000"]
        figures = measure([sys.executable, options.peer], storm, options)
        other = figures["events"] / figures["processor_seconds"]
        print(f"storm: the peer {other:,.0f} of {figures['events']:,} events, ratio {rate / other:.0f}")

    figures = measure([*ours, "waiting"], ["--scenario", "hold", "--calls", "5000", "--seconds", "15"], options)
    print(f"hold: {figures['resident_kib'] / 5000:.1f} KiB a call, {figures['failed']} of 5000 failed")


if __name__ == "__main__":
    main()
